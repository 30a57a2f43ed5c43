// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "minbias/model.h"
#include "study/module_run.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

// The shipped models on the reference rows, which are not part of the project: outputs and figures
// as they are published.

static const char charges_name[] = "../shared/data/econt_calq_nolicence/CALQ_output.csv";
static const char golden_folder[] = "../shared/data/golden_own";

enum { ROWS = 2000, CODES = 16 };

// A judged run of 2000 rows, made once.
typedef struct judged {
    mb_test_world world;
    char *folder;
    bool is_there;
} judged;

static judged run;

static void judge_all(void) {
    char text[2048];
    char here[1024];
    mb_study *study = NULL;
    mb_test_world_open(&run.world, 2, MB_CPU_ALL);
    run.is_there = mb_path_exists(charges_name) && mb_path_exists(golden_folder);
    if (!run.is_there) {
        return;
    }
    run.folder = mb_test_directory();
    assert_non_null(getcwd(here, sizeof here));
    snprintf(text, sizeof text,
        "study: published\n"
        "data: {source: concentrator, dir: \"%s\", files: \"%s\", override_input: true, max_rows: "
        "%d}\n"
        "models: {float_tele: \"shipped:8x8_c8_S2_tele\", qk_6bit_tele: "
        "\"shipped:8x8_c8_S2_tele_qK_6bit\"}\n"
        "train: {epochs: 0, loss: telescope_mse, validation: 0}\n"
        "evaluate: {algorithms: all, figures: false}\n",
        here, charges_name, ROWS);
    const mb_run_settings settings = {.directory = run.folder, .is_forced = true};
    assert_ok(run.world.ctx, mb_study_open_text(run.world.ctx, "golden", text, NULL, &study));
    assert_ok(run.world.ctx, mb_study_run(run.world.ctx, study, &settings, NULL));
    mb_study_destroy(study);
}

static int open_run(void **state) {
    (void)state;
    judge_all();
    return 0;
}

static int close_run(void **state) {
    (void)state;
    if (run.is_there) {
        mb_test_remove_directory(run.folder);
    }
    mb_test_world_close(&run.world);
    return 0;
}

static void need_data(void) {
    if (!run.is_there) {
        print_message("reference data absent: %s\n", charges_name);
        skip();
    }
}

static void open_table(const char *folder, const char *name, mb_csv *table) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(run.world.ctx, mb_csv_read(table, run.world.ctx, path, true));
}

static double number(const mb_csv *table, size_t row, size_t column) {
    double value = NAN;
    assert_ok(run.world.ctx, mb_csv_number(table, row, column, &value));
    return value;
}

static size_t find_score(const mb_csv *table, const char *model, const char *algorithm) {
    for (size_t row = 0; row < table->n_rows; row++) {
        if (strcmp(mb_csv_field(table, row, 0), model) == 0 &&
            strcmp(mb_csv_field(table, row, 1), algorithm) == 0) {
            return row;
        }
    }
    fail_msg("there is no score of '%s' %s", model, algorithm);
    return 0;
}

static void test_module_golden__figures_are_the_published_ones(void **state) {
    static const struct {
        const char *golden, *model, *algorithm;
    } names[] = {{"ae_float_tele", "float_tele", "ae"}, {"ae_qk_6bit_tele", "qk_6bit_tele", "ae"},
        {"threshold_1.35", "", "threshold"}, {"stc16", "", "stc16"}, {"stc4", "", "stc4"},
        {"share4", "", "share4"}, {"bestchoice14", "", "best_choice"}};
    mb_csv golden, scores;
    (void)state;
    need_data();
    open_table(golden_folder, "econt_algorithms_2000rows.csv", &golden);
    open_table(run.folder, "scores.csv", &scores);
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        size_t at = 0;
        while (strcmp(mb_csv_field(&golden, at, 0), names[i].golden) != 0) {
            at++;
            assert_true(at < golden.n_rows);
        }
        const size_t row = find_score(&scores, names[i].model, names[i].algorithm);
        assert_true(fabs(number(&scores, row, 3) - number(&golden, at, 1)) < 1e-4);
        assert_true(fabs(number(&scores, row, 5) - number(&golden, at, 2)) < 1e-4);
        const double empty = number(&scores, row, 11) / ROWS;
        assert_true(fabs(empty - number(&golden, at, 3)) < 1e-9);
    }
    mb_csv_clear(&golden);
    mb_csv_clear(&scores);
}

static void read_scores(const char *model, const char *name, mb_array *out) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s/scores.npz", run.folder, model);
    assert_ok(run.world.ctx, mb_npz_read(run.world.ctx, path, name, out));
}

static void test_module_golden__float_outputs_agree_to_1e_5(void **state) {
    mb_csv golden;
    mb_array codes, emd;
    (void)state;
    need_data();
    open_table(golden_folder, "econt_float_tele_first100.csv", &golden);
    read_scores("float_tele", "encoded", &codes);
    read_scores("float_tele", "emd", &emd);
    for (size_t row = 0; row < golden.n_rows; row++) {
        for (size_t k = 0; k < CODES; k++) {
            const double got = mb_array_get(&codes, row * CODES + k);
            assert_true(fabs(got - number(&golden, row, 1 + k)) < 1e-5);
        }
        assert_true(fabs(mb_array_get(&emd, row) - number(&golden, row, 17)) < 1e-5);
    }
    assert_int_equal(golden.n_rows, 100);
    mb_array_clear(&codes);
    mb_array_clear(&emd);
    mb_csv_clear(&golden);
}

static void test_module_golden__outputs_of_6_bit_weights_are_equal(void **state) {
    mb_csv golden;
    mb_array codes, emd;
    size_t n = 0;
    (void)state;
    need_data();
    open_table(golden_folder, "econt_qk_encoder_first100.csv", &golden);
    read_scores("qk_6bit_tele", "encoded", &codes);
    read_scores("qk_6bit_tele", "emd", &emd);
    for (size_t i = 0; i < golden.n_rows; i++) {
        if (strcmp(mb_csv_field(&golden, i, 0), "qk_6bit_tele") != 0) {
            continue;
        }
        const size_t row = (size_t)number(&golden, i, 1);
        for (size_t k = 0; k < CODES; k++) {
            assert_true(mb_array_get(&codes, row * CODES + k) == number(&golden, i, 2 + k));
        }
        assert_true(fabs(mb_array_get(&emd, row) - number(&golden, i, 18)) < 1e-5);
        n++;
    }
    assert_int_equal(n, 100);
    mb_array_clear(&codes);
    mb_array_clear(&emd);
    mb_csv_clear(&golden);
}

// Unit sum, as 4 x 4 x 3 with the thirds last.
static void put_image(const mb_array *charges, size_t row, float *image) {
    double sum = 0;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += mb_array_get(charges, row * MB_HEX48_CELLS + i);
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        image[3 * (i % 16) + i / 16] =
            (float)(mb_array_get(charges, row * MB_HEX48_CELLS + i) / sum);
    }
}

static void test_module_golden__the_distance_network_tells_what_it_told(void **state) {
    mb_csv golden;
    mb_array charges, decoded;
    mb_model *model = NULL;
    (void)state;
    need_data();
    open_table(golden_folder, "econt_emd_cnn_first100.csv", &golden);
    read_scores("float_tele", "charges", &charges);
    read_scores("float_tele", "decoded", &decoded);
    assert_ok(run.world.ctx, mb_model_load(run.world.ctx, "shipped:ae_huber", &model));
    mb_dataset pairs;
    float *image[2] = {NULL, NULL};
    float told[100];
    float *out = told;
    uint32_t rows[100];
    mb_dataset_init(&pairs, run.world.ctx);
    assert_ok(run.world.ctx, mb_dataset_set_rows(&pairs, run.world.ctx, 100));
    for (size_t side = 0; side < 2; side++) {
        static const size_t shape[] = {100, 4, 4, 3};
        mb_column *column = NULL;
        assert_ok(run.world.ctx, mb_dataset_add_column(&pairs, run.world.ctx,
                                     mb_model_input_name(model, side), MB_ROLE_INPUT, &column));
        column->kind = MB_COLUMN_DENSE;
        column->dtype = MB_F32;
        column->rank = 3;
        column->size = MB_HEX48_CELLS;
        memcpy(column->shape, shape + 1, 3 * sizeof *shape);
        assert_ok(run.world.ctx, mb_array_init(&column->dense, run.world.ctx, MB_F32, 4, shape));
        image[side] = column->dense.data;
    }
    for (uint32_t row = 0; row < 100; row++) {
        rows[row] = row;
        put_image(&charges, row, image[0] + row * MB_HEX48_CELLS);
        put_image(&decoded, row, image[1] + row * MB_HEX48_CELLS);
    }
    assert_ok(run.world.ctx,
        mb_predict_dataset(run.world.ctx, model, model->parameters, &pairs, rows, 100, &out));
    for (size_t row = 0; row < 100; row++) {
        assert_true(fabs((double)told[row] - number(&golden, row, 2)) < 1e-4);
    }
    mb_model_destroy(model);
    mb_dataset_clear(&pairs);
    mb_array_clear(&charges);
    mb_array_clear(&decoded);
    mb_csv_clear(&golden);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_golden__figures_are_the_published_ones),
        cmocka_unit_test(test_module_golden__float_outputs_agree_to_1e_5),
        cmocka_unit_test(test_module_golden__outputs_of_6_bit_weights_are_equal),
        cmocka_unit_test(test_module_golden__the_distance_network_tells_what_it_told),
    };
    return cmocka_run_group_tests(tests, open_run, close_run);
}
