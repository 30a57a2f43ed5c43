// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Models and scores beside the project; each test skips by name where they are absent.

#include "testing.h"

#include "files/csv.h"
#include "files/npy.h"
#include "minbias/model.h"
#include "twin/model.h"

#include <math.h>

MB_TEST_WORLD(1, MB_CPU_ALL)

static mb_twin *load(const char *relative, const char *input) {
    mb_model *model = NULL;
    mb_twin *twin = NULL;
    mb_twin_model_settings settings = {.parameters = NULL};
    assert_ok(world.ctx, mb_model_load(world.ctx, mb_test_shared(relative), &model));
    if (input != NULL) {
        assert_ok(world.ctx, mb_fixed_parse(world.ctx, "input", input, &settings.input));
    }
    assert_ok(world.ctx, mb_twin_from_model(world.ctx, model, &settings, &twin));
    mb_model_destroy(model);
    return twin;
}

static mb_array read_npy(const char *relative) {
    mb_array array;
    assert_ok(world.ctx, mb_npy_read(world.ctx, mb_test_shared(relative), &array));
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_F32));
    return array;
}

#define ZCU "econt_fastml_apache2/zcu102_golden/"

static void test_model_golden__the_concentrator_encoder_gives_every_firmware_output(void **state) {
    (void)state;
    mb_twin *twin = load(ZCU "keras_model.h5", NULL);
    mb_array x = read_npy(ZCU "hgcal_test_input.npy");
    mb_array wanted = read_npy(ZCU "hgcal_test_output.npy");
    float found[160];
    const mb_twin_rows rows = {.f32 = x.data};
    assert_int_equal(mb_array_count(&wanted), 160);
    assert_true(mb_twin_is_integer(twin));
    assert_int_equal(mb_twin_output_exponent(twin), -8);
    assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, x.shape[0], NULL, found));
    mb_test_assert_same_bits(found, wanted.data, 160, sizeof *found, "outputs");
    mb_array_clear(&x);
    mb_array_clear(&wanted);
    mb_twin_destroy(twin);
}

static void test_model_golden__real_scales_give_the_keras_scores(void **state) {
    (void)state;
    mb_twin *twin =
        load("cicada_models_nolicence/cicada_v2_qmodel_oct24_keras_model.h5", "<10,10>u");
    mb_array x = read_npy("cicada_models_nolicence/test_vectors.npy");
    mb_csv scores;
    float found[5];
    const mb_twin_rows rows = {.f32 = x.data};
    assert_ok(world.ctx, mb_csv_read(&scores, world.ctx,
                             mb_test_shared("golden_own/cicada_scores_test_vectors.csv"), true));
    assert_int_equal(scores.n_rows, 5);
    assert_false(mb_twin_is_integer(twin));
    assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, 5, NULL, found));
    for (size_t i = 0; i < 5; i++) {
        double wanted = 0;
        assert_ok(world.ctx, mb_csv_number(&scores, i, 1, &wanted));
        assert_true(fabs((double)found[i] - wanted) < 1e-3);
    }
    mb_csv_clear(&scores);
    mb_array_clear(&x);
    mb_twin_destroy(twin);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_golden__the_concentrator_encoder_gives_every_firmware_output),
        cmocka_unit_test(test_model_golden__real_scales_give_the_keras_scores),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
