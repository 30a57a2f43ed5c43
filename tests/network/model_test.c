// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"

// What a model and its plan refuse, whatever a file asks for.

MB_TEST_WORLD(1, MB_CPU_ALL)

static size_t add_input(mb_model *model, const char *name) {
    const mb_value_type type = {.rank = 1, .dim = {3}};
    size_t value = 0;
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, name, &type, &value));
    return value;
}

static size_t call(
    mb_model *model, const char *kind, const char *options, const size_t *inputs, size_t n) {
    mb_layer *layer = NULL;
    size_t value = 0;
    assert_ok(world.ctx, case_add_layer(world.ctx, model, kind, NULL, options, &layer));
    assert_ok(world.ctx, mb_model_call(world.ctx, model, layer, inputs, n, &value));
    return value;
}

static void test_model__inputs_are_those_that_outputs_need(void **state) {
    (void)state;
    mb_model *model = NULL;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "m", &model));
    const size_t a = add_input(model, "a");
    const size_t b = add_input(model, "b");
    const size_t c = add_input(model, "c");
    const size_t both[2] = {a, b};
    const size_t sum = call(model, "add", "{}", both, 2);
    const size_t foreign = 1000;
    const size_t twice[3] = {a, b, a};
    const size_t inner[2] = {a, sum};
    assert_fails(world.ctx, mb_model_finish(world.ctx, model, &a, 1, &sum, 1), MB_ERR_SHAPE,
        "need b, which is not among its inputs");
    assert_fails(world.ctx, mb_model_finish(world.ctx, model, twice, 3, &sum, 1), MB_ERR_ARG,
        "input 2 is not an input layer's value, or comes twice");
    assert_fails(
        world.ctx, mb_model_finish(world.ctx, model, inner, 2, &sum, 1), MB_ERR_ARG, "input 1");
    assert_fails(
        world.ctx, mb_model_finish(world.ctx, model, &foreign, 1, &sum, 1), MB_ERR_ARG, "input 0");
    assert_fails(
        world.ctx, mb_model_finish(world.ctx, model, both, 2, &foreign, 1), MB_ERR_ARG, "output 0");
    assert_fails(
        world.ctx, mb_model_finish(world.ctx, model, both, 2, NULL, 0), MB_ERR_SHAPE, "no output");
    const size_t all[3] = {c, b, a};
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, all, 3, &sum, 1));
    assert_string_equal(mb_model_input_name(model, 0), "c");
    assert_string_equal(mb_model_input_name(model, 2), "a");
    assert_null(mb_model_input_name(model, 3));
    mb_model_destroy(model);
}

static void test_model__inputs_are_neither_empty_nor_endless(void **state) {
    (void)state;
    const mb_value_type empty = {.rank = 2, .dim = {3, 0}};
    const mb_value_type endless = {.rank = 3, .dim = {(size_t)1 << 40, (size_t)1 << 40, 3}};
    mb_model *model = NULL;
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "m", &model));
    assert_fails(world.ctx, mb_model_add_input(world.ctx, model, "x", &empty, &value), MB_ERR_SHAPE,
        "layer x: its output would be empty, shape (3, 0)");
    assert_fails(world.ctx, mb_model_add_input(world.ctx, model, "y", &endless, &value),
        MB_ERR_LIMIT, "layer y: one event would have more than");
    mb_model_destroy(model);
}

// One pixel whose kernel reaches 2^32 to each side in each of three dimensions.
static void test_model__padding_beyond_all_bounds_is_refused(void **state) {
    (void)state;
    const mb_value_type pixel = {.rank = 4, .dim = {1, 1, 1, 1}};
    const mb_plan_settings settings = {.max_rows = 1};
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "m", &model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "x", &pixel, &value));
    value = call(model, "conv3d",
        "{\"filters\": 1, \"kernel_size\": [129, 129, 129], \"dilation_rate\": 65536, "
        "\"padding\": \"same\"}",
        &value, 1);
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, NULL, 0, &value, 1));
    assert_fails(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan), MB_ERR_LIMIT,
        "layer conv3d: one event and its padding");
    assert_null(plan);
    mb_model_destroy(model);
}

static void test_model__a_plan_has_at_most_64_outputs(void **state) {
    (void)state;
    const mb_plan_settings settings = {.max_rows = 1};
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    size_t values[66];
    assert_ok(world.ctx, mb_model_begin(world.ctx, "m", &model));
    values[0] = add_input(model, "x");
    for (size_t i = 1; i < MB_COUNT_OF(values); i++) {
        values[i] = call(model, "re_lu", "{}", &values[i - 1], 1);
    }
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, NULL, 0, values + 1, 65));
    assert_fails(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan), MB_ERR_LIMIT,
        "has 65 outputs");
    mb_model_destroy(model);
}

static void test_model__a_batch_of_more_rows_than_memory_is_refused(void **state) {
    (void)state;
    const mb_plan_settings settings = {.is_training = true, .max_rows = SIZE_MAX / 16};
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "m", &model));
    size_t value = add_input(model, "x");
    value = call(model, "batch_normalization", "{}", &value, 1);
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, NULL, 0, &value, 1));
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    assert_fails(world.ctx, mb_plan_reserve(world.ctx, plan), MB_ERR_MEMORY, "use smaller batches");
    mb_plan_destroy(plan);
    mb_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__inputs_are_those_that_outputs_need),
        cmocka_unit_test(test_model__inputs_are_neither_empty_nor_endless),
        cmocka_unit_test(test_model__padding_beyond_all_bounds_is_refused),
        cmocka_unit_test(test_model__a_plan_has_at_most_64_outputs),
        cmocka_unit_test(test_model__a_batch_of_more_rows_than_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
