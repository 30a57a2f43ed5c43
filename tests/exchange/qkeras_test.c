// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// QKeras's models in and out: files of ours give them back bit for bit, and those of detector
// groups give their scores. With MB_QKERAS_FILES naming a folder, our files stay there for
// tests/golden/qkeras_reads_ours.py.

#include "../network/qkeras_golden.h"

#include "base/numbers.h"
#include "files/npy.h"

#include <math.h>
#include <stdlib.h>

static qkeras_golden g;

static void check_same_layers(mb_context *ctx, const mb_model *model, const mb_model *again) {
    assert_int_equal(again->n_layers, model->n_layers);
    for (size_t i = 0; i < model->n_layers; i++) {
        assert_string_equal(
            mb_keras_class_of(again->layers[i]), mb_keras_class_of(model->layers[i]));
    }
    for (size_t i = 0; i < model->n_weights; i++) {
        mb_buffer first;
        mb_buffer second;
        mb_buffer_init(&first, ctx);
        mb_buffer_init(&second, ctx);
        assert_ok(ctx, mb_quantizer_text(ctx, &model->weights[i]->quantizer, &first));
        assert_ok(ctx, mb_quantizer_text(ctx, &again->weights[i]->quantizer, &second));
        assert_string_equal(second.data, first.data);
        mb_buffer_clear(&first);
        mb_buffer_clear(&second);
    }
    mb_test_assert_same_bits(
        again->parameters, model->parameters, model->n_parameters, sizeof(float), "weights");
}

static void keep(const mb_model *model, const float *out, mb_context *ctx) {
    const char *folder = getenv("MB_QKERAS_FILES");
    char path[512];
    if (folder == NULL) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s.h5", folder, g.name);
    assert_ok(ctx, mb_model_save(ctx, model, path));
    snprintf(path, sizeof path, "%s/%s.txt", folder, g.name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t k = 0; k < 2; k++) {
        const float *values = k == 0 ? g.x.value : out;
        for (size_t i = 0; i < (k == 0 ? g.x.n : g.before.n); i++) {
            fprintf(file, "%.9g ", (double)values[i]);
        }
        fprintf(file, "\n");
    }
    fclose(file);
}

static void test_qkeras__models_come_back_from_every_format(void **state) {
    (void)state;
    static const char *const suffixes[] = {".h5", ".keras", ".json"};
    static float wanted[QKERAS_MOST_VALUES];
    static float got[QKERAS_MOST_VALUES];
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    char *folder = mb_test_directory();
    FILE *file = qkeras_golden_open();
    while (qkeras_golden_next(file, &g)) {
        mb_model *model = NULL;
        qkeras_golden_load(world.ctx, &g, &model);
        const size_t n = qkeras_golden_rows(&g, model);
        qkeras_golden_predict(world.ctx, model, g.x.value, n, wanted);
        keep(model, wanted, world.ctx);
        for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
            char path[512];
            mb_model *again = NULL;
            snprintf(path, sizeof path, "%s/%s%s", folder, g.name, suffixes[i]);
            assert_ok(world.ctx, mb_model_save(world.ctx, model, path));
            assert_ok(world.ctx, mb_model_load(world.ctx, path, &again));
            check_same_layers(world.ctx, model, again);
            qkeras_golden_predict(world.ctx, again, g.x.value, n, got);
            mb_test_assert_same_bits(got, wanted, g.before.n, sizeof(float), g.name);
            mb_model_destroy(again);
        }
        mb_model_destroy(model);
    }
    fclose(file);
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
}

// The rows of an array as float32.
static float *read_rows(mb_context *ctx, const char *relative, size_t *n) {
    mb_array array;
    assert_ok(ctx, mb_npy_read(ctx, mb_test_shared(relative), &array));
    assert_ok(ctx, mb_array_convert(&array, ctx, MB_F32));
    *n = array.shape[0];
    size_t count = 1;
    for (unsigned i = 0; i < array.rank; i++) {
        count *= array.shape[i];
    }
    float *rows = malloc(count * sizeof *rows);
    assert_non_null(rows);
    memcpy(rows, array.data, count * sizeof *rows);
    mb_array_clear(&array);
    return rows;
}

static void test_qkeras__the_stored_cicada_v2_gives_its_scores(void **state) {
    (void)state;
    static float got[64];
    char line[256];
    size_t n = 0;
    mb_test_world world;
    mb_model *model = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    assert_ok(world.ctx,
        mb_model_load(world.ctx,
            mb_test_shared("cicada_models_nolicence/cicada_v2_qmodel_oct24_keras_model.h5"),
            &model));
    float *rows = read_rows(world.ctx, "cicada_models_nolicence/test_vectors.npy", &n);
    FILE *file = fopen(mb_test_shared("golden_own/cicada_scores_test_vectors.csv"), "r");
    assert_non_null(file);
    assert_true(n < MB_COUNT_OF(got));
    qkeras_golden_predict(world.ctx, model, rows, n, got);
    assert_non_null(fgets(line, sizeof line, file));
    for (size_t i = 0; i < n; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        // row, the model, and the model with the rectifier that it has
        strtok(line, ",");
        strtok(NULL, ",");
        const double wanted = strtod(strtok(NULL, ","), NULL);
        if (fabs((double)got[i] - wanted) > 1e-3) {
            fail_msg("event %zu: score %.9g, wanted %.9g", i, (double)got[i], wanted);
        }
    }
    fclose(file);
    free(rows);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_qkeras__a_concentrator_encoder_gives_the_board_s_numbers(void **state) {
    (void)state;
    static float got[1024];
    size_t n = 0;
    size_t n_wanted = 0;
    mb_test_world world;
    mb_model *model = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    assert_ok(world.ctx,
        mb_model_load(world.ctx,
            mb_test_shared("econt_fastml_apache2/zcu102_golden/keras_model.h5"), &model));
    float *rows =
        read_rows(world.ctx, "econt_fastml_apache2/zcu102_golden/hgcal_test_input.npy", &n);
    float *wanted =
        read_rows(world.ctx, "econt_fastml_apache2/zcu102_golden/hgcal_test_output.npy", &n_wanted);
    assert_int_equal(n_wanted, n);
    assert_true(16 * n <= MB_COUNT_OF(got));
    qkeras_golden_predict(world.ctx, model, rows, n, got);
    for (size_t i = 0; i < 16 * n; i++) {
        if (got[i] != wanted[i]) {
            fail_msg("output %zu: %.9g, wanted %.9g", i, (double)got[i], (double)wanted[i]);
        }
    }
    free(rows);
    free(wanted);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_qkeras__opens_files_of_detector_groups(void **state) {
    (void)state;
    static const struct {
        const char *path;
        size_t n_parameters;
    } files[] = {{"cicada_models_nolicence/cicada_v1_sep2022_keras_model.h5", 3855},
        {"econt_fastml_apache2/qk_5bit_tele/8x8_c8_S2_tele_qK.json", 4977},
        {"econt_fastml_apache2/qk_6bit_tele/8x8_c8_S2_tele_qK_6bit.json", 4977},
        {"econt_fastml_apache2/qk_6bit_tele/encoder_8x8_c8_S2_tele_qK_6bit.json", 2144}};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        mb_model *model = NULL;
        size_t n_quantized = 0;
        assert_ok(world.ctx, mb_model_load(world.ctx, mb_test_shared(files[i].path), &model));
        assert_int_equal(model->n_parameters, files[i].n_parameters);
        for (size_t k = 0; k < model->n_weights; k++) {
            n_quantized += model->weights[k]->quantizer.ops != NULL ? 1 : 0;
        }
        assert_true(n_quantized >= 2);
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qkeras__models_come_back_from_every_format),
        cmocka_unit_test(test_qkeras__the_stored_cicada_v2_gives_its_scores),
        cmocka_unit_test(test_qkeras__a_concentrator_encoder_gives_the_board_s_numbers),
        cmocka_unit_test(test_qkeras__opens_files_of_detector_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
