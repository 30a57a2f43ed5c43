// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "elinks_bench.h"

#include "minbias/elinks.h"

#include <stdlib.h>

static const char *save_modules(mb_bench *b) {
    return mb_bench_save(b, "modules.csv",
        "Layer,ModU,ModV,ECONT_eTX,HD_LD,ModType\n9,3,2,7,HD,FI\n11,0,1,2,LD,aO\n"
        "2,0,1,2,LD,FM\n");
}

static void test_elinks_files__split_sorts_rows_by_links_and_layer(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_buffer text;
    mb_buffer_init(&text, b.ctx);
    mb_buffer_text(&text, "entry,layer,waferu,waferv,");
    mb_bench_put_names(&text, "CALQ_", 48);
    mb_buffer_text(&text, ",SimEnergyTotal\n");
    static const char *const places[] = {"3,9,3,2", "4,11,0,1", "5,9,3,2", "6,9,3,2"};
    for (size_t i = 0; i < 4; i++) {
        mb_buffer_text(&text, places[i]);
        for (size_t k = 0; k < 48; k++) {
            mb_buffer_text(&text, k == 5 && i != 2 ? ",9" : ",0");
        }
        mb_buffer_text(&text, ",1.5\n");
    }
    const char *files[] = {mb_bench_path(&b, "run7.csv")};
    assert_ok(b.ctx, mb_write_buffer(&text, files[0]));
    mb_elinks_split settings = {.modules = save_modules(&b), .job = 2, .is_negative = true};
    mb_answer *answer = NULL;
    assert_ok(b.ctx, mb_elinks_split_files(
                         b.ctx, files, 1, &settings, mb_bench_path(&b, "split"), false, &answer));
    assert_non_null(strstr(mb_answer_json(answer), "\"empty\": 1"));
    mb_answer_destroy(answer);
    static const char *const made[] = {
        "split/run7_TrainingData_SignalAllocation/nElinks_5/run7_Layer9_5Links.csv",
        "split/run7_TrainingData_SignalAllocation/nElinks_4/run7_Layer11_4Links.csv",
        "split/run7_TrainingData_PUAllocation/nElinks_7/run7_Layer9_7Links.csv",
        "split/run7_TrainingData_PUAllocation/nElinks_2/run7_Layer11_2Links.csv"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(mb_path_exists(mb_bench_path(&b, made[i])));
    }
    char *first = mb_bench_load(&b, made[0]);
    assert_non_null(strstr(first, "SimEnergyTotal,HD_LD,ModType\n25003,9,3,2,0,0,0,0,0,9,"));
    assert_non_null(strstr(first, ",1.5,HD,FI\n25006,9,3,2,"));
    assert_null(strstr(first, "25005"));
    mb_release(b.ctx, first);
    settings.allocation = "signal";
    settings.module = "2,0,1";
    assert_fails(b.ctx,
        mb_elinks_split_files(b.ctx, files, 1, &settings, mb_bench_path(&b, "other"), false, NULL),
        MB_ERR_RANGE, "run7.csv:2: module 2,0,1 has no links in the signal allocation");
    settings.module = "3,0,1";
    assert_fails(b.ctx,
        mb_elinks_split_files(b.ctx, files, 1, &settings, mb_bench_path(&b, "other"), false, NULL),
        MB_ERR_RANGE, "run7.csv:2: module 3,0,1 is not in");
    settings.module = "3;0";
    assert_fails(b.ctx,
        mb_elinks_split_files(b.ctx, files, 1, &settings, mb_bench_path(&b, "other"), false, NULL),
        MB_ERR_ARG, "LAYER,U,V");
    settings.module = NULL;
    assert_fails(b.ctx,
        mb_elinks_split_files(b.ctx, files, 1, &settings, mb_bench_path(&b, "split"), false, NULL),
        MB_ERR_IO, "Layer9_5Links.csv");
    mb_bench_close(&b);
}

static void test_elinks_files__allocate_refuses_modules_that_are_not_read_out(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    const char *table = save_modules(&b);
    mb_answer *answer = NULL;
    assert_ok(b.ctx, mb_elinks_allocate(b.ctx, table, NULL, "9,3,2", NULL, false, &answer));
    assert_non_null(strstr(mb_answer_json(answer), "\"links_signal\": 5"));
    assert_non_null(strstr(mb_answer_json(answer), "\"links_pu\": 7"));
    mb_answer_destroy(answer);
    assert_fails(b.ctx, mb_elinks_allocate(b.ctx, table, "signal", "2,0,1", NULL, false, NULL),
        MB_ERR_RANGE, "not read out");
    assert_fails(b.ctx, mb_elinks_allocate(b.ctx, table, NULL, "2,0,2", NULL, false, NULL),
        MB_ERR_RANGE, "no module 2,0,2");
    assert_fails(b.ctx, mb_elinks_allocate(b.ctx, table, "both", NULL, NULL, false, NULL),
        MB_ERR_ARG, "take signal or pu");
    assert_ok(b.ctx,
        mb_elinks_allocate(b.ctx, table, NULL, NULL, mb_bench_path(&b, "links.csv"), false, NULL));
    char *text = mb_bench_load(&b, "links.csv");
    assert_string_equal(text, "Layer,ModU,ModV,HD_LD,ModType,links_signal,links_pu\n"
                              "2,0,1,LD,FM,0,2\n9,3,2,HD,FI,5,7\n11,0,1,LD,aO,4,2\n");
    mb_release(b.ctx, text);
    mb_bench_close(&b);
}

static void test_elinks_files__skim_keeps_whole_modules_with_energy(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_bench_save(&b, "one.csv",
        "entry,ModType,SimEnergyTotal\n1,FI,0.5\n2,FI,0\n3,aO,7\n4,FM,1e-3\n5,FO,2\n6,F,2\n");
    const char *input = mb_bench_path(&b, "one.csv");
    assert_ok(b.ctx, mb_elinks_skim(b.ctx, input, mb_bench_path(&b, "kept.csv"), false, NULL));
    char *text = mb_bench_load(&b, "kept.csv");
    assert_string_equal(text, "entry,ModType,SimEnergyTotal\n1,FI,0.5\n4,FM,1e-3\n5,FO,2\n");
    mb_release(b.ctx, text);
    assert_ok(b.ctx, mb_make_directory(b.ctx, mb_bench_path(&b, "in/nElinks_5")));
    mb_bench_save(&b, "in/nElinks_5/x.csv", "ModType,SimEnergyTotal\nFI,1\nFI,0\n");
    assert_ok(b.ctx,
        mb_elinks_skim(b.ctx, mb_bench_path(&b, "in"), mb_bench_path(&b, "out"), false, NULL));
    text = mb_bench_load(&b, "out/nElinks_5/x.csv");
    assert_string_equal(text, "ModType,SimEnergyTotal\nFI,1\n");
    mb_release(b.ctx, text);
    mb_bench_save(&b, "two.csv", "entry,SimEnergyTotal\n1,2\n");
    assert_fails(b.ctx,
        mb_elinks_skim(
            b.ctx, mb_bench_path(&b, "two.csv"), mb_bench_path(&b, "t.csv"), false, NULL),
        MB_ERR_FORMAT, "two.csv:1: no column ModType");
    mb_bench_close(&b);
}

enum { N_ROWS = 3000 };

// Two tables of the same columns.
static void save_rows(mb_bench *b, const char **files) {
    files[0] = mb_bench_path(b, "a.csv");
    files[1] = mb_bench_path(b, "b.csv");
    for (size_t f = 0; f < 2; f++) {
        mb_buffer text;
        mb_buffer_init(&text, b->ctx);
        mb_buffer_text(&text, "row,file\n");
        for (size_t i = 0; i < N_ROWS; i++) {
            mb_buffer_format(&text, "%zu,%zu\n", i, f);
        }
        assert_ok(b->ctx, mb_write_buffer(&text, files[f]));
    }
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_elinks_files__shuffle_is_a_permutation_that_memory_does_not_change(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    const char *files[2];
    save_rows(&b, files);
    mb_elinks_shuffle settings = MB_ELINKS_SHUFFLE_INIT;
    settings.rows_per_file = 2 * N_ROWS;
    settings.seed = 5;
    assert_ok(b.ctx, mb_elinks_shuffle_files(
                         b.ctx, files, 2, &settings, mb_bench_path(&b, "large"), false, NULL));
    settings.memory = 2000;
    mb_answer *answer = NULL;
    assert_ok(b.ctx, mb_elinks_shuffle_files(
                         b.ctx, files, 2, &settings, mb_bench_path(&b, "small"), false, &answer));
    assert_null(strstr(mb_answer_json(answer), "\"parts\": 1,"));
    mb_answer_destroy(answer);
    assert_false(mb_path_exists(mb_bench_path(&b, "small/.shuffle-0")));
    char *one = mb_bench_load(&b, "large/shuffled_0.csv");
    char *two = mb_bench_load(&b, "small/shuffled_0.csv");
    assert_string_equal(one, two);
    mb_release(b.ctx, two);
    settings.seed = 6;
    assert_ok(b.ctx, mb_elinks_shuffle_files(
                         b.ctx, files, 2, &settings, mb_bench_path(&b, "small"), true, NULL));
    two = mb_bench_load(&b, "small/shuffled_0.csv");
    assert_string_not_equal(one, two);
    char **lines = calloc(2 * N_ROWS + 1, sizeof *lines);
    size_t n = 0;
    size_t n_in_place = 0;
    for (char *line = strtok(one, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(n <= 2 * N_ROWS);
        n_in_place += n > 0 && strtoul(line, NULL, 10) == (n - 1) % N_ROWS;
        lines[n++] = line;
    }
    assert_int_equal(n, 2 * N_ROWS + 1);
    assert_string_equal(lines[0], "row,file");
    assert_true(n_in_place < 20);
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t i = 1; i < n; i++) {
        assert_string_not_equal(lines[i], lines[i - 1]);
    }
    free(lines);
    mb_release(b.ctx, one);
    mb_release(b.ctx, two);
    mb_bench_close(&b);
}

static void test_elinks_files__shuffle_makes_files_of_so_many_rows(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    const char *files[2];
    save_rows(&b, files);
    mb_elinks_shuffle settings = MB_ELINKS_SHUFFLE_INIT;
    settings.rows_per_file = 4000;
    settings.name = "part";
    assert_ok(b.ctx, mb_elinks_shuffle_files(
                         b.ctx, files, 2, &settings, mb_bench_path(&b, "parts"), false, NULL));
    assert_true(mb_path_exists(mb_bench_path(&b, "parts/part_1.csv")));
    assert_false(mb_path_exists(mb_bench_path(&b, "parts/part_2.csv")));
    files[1] = mb_bench_save(&b, "c.csv", "row,other\n1,2\n");
    assert_fails(b.ctx,
        mb_elinks_shuffle_files(b.ctx, files, 2, &settings, mb_bench_path(&b, "bad"), false, NULL),
        MB_ERR_FORMAT, "c.csv:1: other columns");
    assert_false(mb_path_exists(mb_bench_path(&b, "bad/.shuffle-0")));
    mb_bench_close(&b);
}

static mb_status shuffle_short(void *user, mb_context *ctx) {
    mb_bench *b = user;
    const char *files[] = {mb_bench_path(b, "c.csv")};
    mb_elinks_shuffle settings = MB_ELINKS_SHUFFLE_INIT;
    settings.memory = 3000;
    return mb_elinks_shuffle_files(
        ctx, files, 1, &settings, mb_bench_path(b, "shuffled"), true, NULL);
}

static mb_status split_short(void *user, mb_context *ctx) {
    mb_bench *b = user;
    const char *files[] = {mb_bench_path(b, "c.csv")};
    const mb_elinks_split settings = {
        .modules = mb_bench_path(b, "modules.csv"), .module = "9,3,2"};
    return mb_elinks_split_files(ctx, files, 1, &settings, mb_bench_path(b, "split"), true, NULL);
}

static void test_elinks_files__lack_of_memory_leaves_nothing(void **state) {
    (void)state;
    mb_bench b;
    mb_bench_open(&b);
    mb_bench_save_charges(&b, "c.csv", 20, "", "");
    save_modules(&b);
    assert_true(mb_test_each_lack_of_memory(shuffle_short, &b) > 10);
    assert_true(mb_test_each_lack_of_memory(split_short, &b) > 10);
    mb_bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elinks_files__split_sorts_rows_by_links_and_layer),
        cmocka_unit_test(test_elinks_files__allocate_refuses_modules_that_are_not_read_out),
        cmocka_unit_test(test_elinks_files__skim_keeps_whole_modules_with_energy),
        cmocka_unit_test(test_elinks_files__shuffle_is_a_permutation_that_memory_does_not_change),
        cmocka_unit_test(test_elinks_files__shuffle_makes_files_of_so_many_rows),
        cmocka_unit_test(test_elinks_files__lack_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
