// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "barrel_study.h"

#include "base/output.h"

#include <stdio.h>
#include <stdlib.h>

// Damaged, cut and hostile files.

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

static const char hits[] =
    "\n1, 5, 8, 2, [ 1.5, 2], [ 0, 0],[ 32, 1,-10.25], [[ 1, 2, 0.5]], [], []\n"
    "2, 5, 13, 2, [ 1], [ 0, 0],[ 260, 9, 80], [], [], []\n\n\n"
    "1, 6, 8, 4, [ 1], [ 0],[ 72, 1, 10], [], [], []\n\n";
static const char particles[] = "\n5, [ 0, 0, 1], [ 3, 1.5, 0.2], 1\n\n"
                                "6, [ 0, 0, 1], [ 1.5, 1.5, 0.2], -1\n\n";

#define PARTICLES "particles: 'particles_*'\n"

static mb_status load(const char *data, size_t *n_rows) {
    mb_dataset dataset;
    const mb_status status = barrel_load(world.ctx, data, folder, &dataset);
    *n_rows = dataset.n_rows;
    mb_dataset_clear(&dataset);
    return status;
}

static void assert_load_fails(const char *data, mb_status status, const char *part) {
    size_t n_rows;
    assert_fails(world.ctx, load(data, &n_rows), status, part);
}

// Is the cut at n behind a whole line?
static bool is_whole(const char *text, size_t n) {
    return n == 0 || text[n] == '\n' || text[n - 1] == '\n';
}

static void test_hostile__hits_cut_at_any_byte(void **state) {
    (void)state;
    barrel_write(folder, "particles_1.csv", particles);
    for (size_t n = 0; n < sizeof hits - 1; n++) {
        barrel_write_bytes(folder, "clusters_1.csv", hits, n, false);
        size_t n_rows;
        mb_status status = load("", &n_rows);
        if (is_whole(hits, n) && n > 1) {
            assert_ok(world.ctx, status);
        } else {
            assert_fails(world.ctx, status, MB_ERR_FORMAT,
                n <= 1 ? "no events in the file" : "in the middle of a line, at byte ");
        }
        // Only the cut event is lost, and with it its particles.
        const bool has_first = strstr(hits, "\n\n\n") + 2 - hits <= (ptrdiff_t)n;
        status = load(PARTICLES "skip_last_event: true\n", &n_rows);
        if (has_first) {
            const bool has_second = is_whole(hits, n) && n > (size_t)(strstr(hits, "1, 6") - hits);
            if (is_whole(hits, n) && !has_second) {
                assert_fails(world.ctx, status, MB_ERR_FORMAT, "1 events, but");
            } else {
                assert_ok(world.ctx, status);
                assert_int_equal(n_rows, has_second ? 2 : 1);
            }
        } else {
            assert_true(status != MB_OK);
            mb_context_clear(world.ctx);
        }
    }
}

static void test_hostile__particles_cut_at_any_byte(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", hits);
    const size_t second = (size_t)(strstr(particles, "6, [") - particles);
    for (size_t n = 0; n < sizeof particles - 1; n++) {
        barrel_write_bytes(folder, "particles_1.csv", particles, n, false);
        size_t n_rows;
        mb_status status = load(PARTICLES, &n_rows);
        const bool is_complete = n >= sizeof particles - 3;
        if (is_complete) {
            assert_ok(world.ctx, status);
        } else {
            assert_fails(world.ctx, status, MB_ERR_FORMAT, "");
        }
        status = load(PARTICLES "skip_last_event: true\n", &n_rows);
        if (is_complete || (n > second && !is_whole(particles, n))) {
            assert_ok(world.ctx, status);
            assert_int_equal(n_rows, is_complete ? 2 : 1);
        } else {
            assert_fails(world.ctx, status, MB_ERR_FORMAT, "");
        }
    }
}

static void test_hostile__gzip_reads_as_plain_text_does(void **state) {
    (void)state;
    barrel_write_bytes(folder, "clusters_1.csv.gz", hits, sizeof hits - 1, true);
    barrel_write(folder, "particles_1.csv", particles);
    size_t n_rows;
    assert_ok(world.ctx, load(PARTICLES, &n_rows));
    assert_int_equal(n_rows, 2);
}

static void test_hostile__gzip_cut_at_any_byte_is_refused(void **state) {
    (void)state;
    char path[4200], bytes[2048];
    barrel_write_bytes(folder, "whole.gz", hits, sizeof hits - 1, true);
    snprintf(path, sizeof path, "%s/whole.gz", folder);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t length = 0; length < n; length++) {
        barrel_write_bytes(folder, "clusters_1.csv.gz", bytes, length, false);
        size_t n_rows;
        assert_fails(world.ctx, load("", &n_rows), MB_ERR_FORMAT, "clusters_1.csv.gz");
    }
}

static void test_hostile__limits_stop_a_gzip_bomb(void **state) {
    (void)state;
    const size_t n = 8 << 20;
    char *blanks = malloc(n);
    memset(blanks, '\n', n);
    barrel_write_bytes(folder, "clusters_1.csv.gz", blanks, n, true);
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 20;
    mb_runtime *runtime;
    mb_context *ctx;
    mb_dataset dataset;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    assert_fails(ctx, barrel_load(ctx, "", folder, &dataset), MB_ERR_LIMIT, "clusters_1.csv.gz");
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    free(blanks);
}

static void test_hostile__a_line_without_end_is_refused(void **state) {
    (void)state;
    const size_t n = (16 << 20) + 10;
    char *text = malloc(n);
    memset(text, '1', n);
    barrel_write_bytes(folder, "clusters_1.csv", text, n, false);
    assert_load_fails("", MB_ERR_LIMIT, "clusters_1.csv:1:1: a line of more than 16777216 bytes");
    free(text);
}

static void test_hostile__long_lines_and_deep_lists(void **state) {
    (void)state;
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_buffer_text(&text, "1, 5, 8, 2, [1], [1], [32, 1, 10], [");
    for (int i = 0; i < 60000; i++) {
        mb_buffer_text(&text, "[ 12, 300, 0.125], ");
    }
    mb_buffer_text(&text, "], [], []\n");
    const size_t n_long = text.length;
    for (int i = 0; i < 100000; i++) {
        mb_buffer_text(&text, "[");
    }
    barrel_write_bytes(folder, "clusters_1.csv", text.data, n_long, false);
    size_t n_rows;
    assert_ok(world.ctx, load("", &n_rows));
    assert_int_equal(n_rows, 1);
    mb_buffer_text(&text, "\n");
    barrel_write_bytes(folder, "clusters_1.csv", text.data, text.length, false);
    assert_load_fails("", MB_ERR_FORMAT, "clusters_1.csv:2:1: expected a hit number");
    mb_buffer_clear(&text);
}

static void test_hostile__bytes_of_zero_and_noise_are_refused(void **state) {
    (void)state;
    static const char zeros[64] = {0};
    barrel_write_bytes(folder, "clusters_1.csv", zeros, sizeof zeros, false);
    assert_load_fails("", MB_ERR_FORMAT, "clusters_1.csv:1:1: the file ends in the middle");
    barrel_write(
        folder, "clusters_1.csv", "1, 5, 8, 2, [1], [1], [32, 1, 10], [], [], []\n\x01\x80\n");
    assert_load_fails("", MB_ERR_FORMAT, "clusters_1.csv:2:1: expected a hit number, found '?'");
}

static void test_hostile__empty_files_are_named_or_dropped(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", hits);
    barrel_write(folder, "particles_1.csv", particles);
    barrel_write(folder, "clusters_2.csv", "");
    barrel_write(folder, "particles_2.csv", particles);
    size_t n_rows;
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "clusters_2.csv: no events in the file");
    assert_ok(world.ctx, load(PARTICLES "on_bad: drop\n", &n_rows));
    assert_int_equal(n_rows, 2);
    barrel_write(folder, "clusters_2.csv", hits);
    barrel_write(folder, "particles_2.csv", "\n# nothing\n \n");
    assert_load_fails(PARTICLES, MB_ERR_FORMAT, "particles_2.csv: no events in the file");
    assert_ok(world.ctx, load(PARTICLES "on_bad: drop\n", &n_rows));
    assert_int_equal(n_rows, 2);
    barrel_write(folder, "clusters_1.csv", "\n");
    assert_load_fails(
        PARTICLES "on_bad: drop\n", MB_ERR_FORMAT, "no event with barrel hits is left");
    assert_load_fails(
        "hits: clusters_1.csv\nparticles: particles_2.csv\n", MB_ERR_IO, "no partner among hits");
}

static void test_hostile__repeated_barcodes_are_named_with_both_lines(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", hits);
    barrel_write(folder, "particles_1.csv",
        "5, [0,0,1], [3, 1.5, 0.2], 1\n\n6, [0,0,1], [3, 1.5, 0.2], 1\n"
        "7, [0,0,1], [3, 1.5, 0.2], 1\n6, [0,0,1], [3, 1.5, 0.2], 1\n\n");
    assert_load_fails(PARTICLES "on_bad: drop\n", MB_ERR_FORMAT,
        "particles_1.csv:5:1: barcode 6 is also that of line 3");
}

static void test_hostile__unknown_barrel_layers_are_refused(void **state) {
    (void)state;
    static const char *const layers[] = {"8, 0", "8, 10", "8, 3", "13, 10", "17, 6", "17, 65535"};
    for (size_t i = 0; i < MB_COUNT_OF(layers); i++) {
        char text[256];
        snprintf(
            text, sizeof text, "# head\n1, 5, %s, [1], [1], [32, 1, 10], [], [], []\n", layers[i]);
        barrel_write(folder, "clusters_1.csv", text);
        assert_load_fails("", MB_ERR_FORMAT, "clusters_1.csv:2:1: volume ");
    }
    assert_load_fails("", MB_ERR_FORMAT, "volume 17 has no layer 65535");
}

static void test_hostile__more_hits_in_a_bin_than_can_be_counted(void **state) {
    (void)state;
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    for (int i = 0; i < 65535; i++) {
        mb_buffer_text(&text, "1,5,8,2,[],[],[32,1,10],[],[],[]\n");
    }
    barrel_write_bytes(folder, "clusters_1.csv", text.data, text.length, false);
    mb_dataset dataset;
    assert_ok(world.ctx, barrel_load(world.ctx, "", folder, &dataset));
    const mb_column *column = mb_dataset_find(&dataset, "volume0");
    assert_int_equal(column->offset[1], 1);
    assert_int_equal(((const uint16_t *)column->value)[0], 65535);
    mb_dataset_clear(&dataset);
    mb_buffer_text(&text, "1,5,8,2,[],[],[32,1,10],[],[],[]\n");
    barrel_write_bytes(folder, "clusters_1.csv", text.data, text.length, false);
    assert_load_fails("", MB_ERR_RANGE, "event 0: 65536 hits in one bin of image 0");
    mb_buffer_clear(&text);
}

static void test_hostile__unreadable_places_are_named(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s/clusters_1.csv", folder);
    assert_ok(world.ctx, mb_make_directory(world.ctx, path));
    assert_load_fails("", MB_ERR_IO, "clusters_1.csv: a directory");
}

// An allocator that gives nothing from the k-th call on.
typedef struct scarcity {
    size_t n_left;
    size_t n_held;
} scarcity;

static void *allocate(void *user, size_t bytes) {
    scarcity *s = user;
    if (s->n_left == 0) {
        return NULL;
    }
    s->n_left--;
    s->n_held++;
    return aligned_alloc(64, mb_round_up(bytes, 64));
}

static void release(void *user, void *memory) {
    scarcity *s = user;
    s->n_held -= memory != NULL;
    free(memory);
}

static void test_hostile__every_failed_allocation_is_an_error_without_leak(void **state) {
    (void)state;
    barrel_write(folder, "clusters_1.csv", hits);
    barrel_write(folder, "particles_1.csv", particles);
    bool has_passed = false;
    for (size_t k = 0; !has_passed && k < 2000; k++) {
        scarcity s = {SIZE_MAX, 0};
        mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
        settings.n_threads = 1;
        settings.allocator = (mb_allocator){allocate, release, &s};
        mb_runtime *runtime;
        mb_context *ctx;
        mb_dataset dataset;
        detector_study study;
        assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
        assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
        barrel_study_open(&study, ctx, PARTICLES "unique_hits: true\n", folder);
        const size_t n_held = s.n_held;
        s.n_left = k;
        const mb_status status =
            detector_named("barrel")->load(ctx, &study.request, &dataset, NULL);
        has_passed = status == MB_OK;
        assert_true(has_passed || status == MB_ERR_MEMORY);
        mb_dataset_clear(&dataset);
        s.n_left = SIZE_MAX;
        // The options' memory belongs to the study.
        assert_true(has_passed || s.n_held <= n_held + 2);
        detector_study_close(&study);
        mb_context_destroy(ctx);
        mb_runtime_destroy(runtime);
        assert_int_equal(s.n_held, 0);
    }
    assert_true(has_passed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_hostile__hits_cut_at_any_byte),
        TEST(test_hostile__particles_cut_at_any_byte),
        TEST(test_hostile__gzip_reads_as_plain_text_does),
        TEST(test_hostile__gzip_cut_at_any_byte_is_refused),
        TEST(test_hostile__limits_stop_a_gzip_bomb),
        TEST(test_hostile__a_line_without_end_is_refused),
        TEST(test_hostile__long_lines_and_deep_lists),
        TEST(test_hostile__bytes_of_zero_and_noise_are_refused),
        TEST(test_hostile__empty_files_are_named_or_dropped),
        TEST(test_hostile__repeated_barcodes_are_named_with_both_lines),
        TEST(test_hostile__unknown_barrel_layers_are_refused),
        TEST(test_hostile__more_hits_in_a_bin_than_can_be_counted),
        TEST(test_hostile__unreadable_places_are_named),
        TEST(test_hostile__every_failed_allocation_is_an_error_without_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
