// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/yaml.h"
#include "study/study.h"

// Builds the model of a layers text for a dataset with the inputs a (3) and b (4, 6, 2).
static mb_status build(mb_context *ctx, const char *text, mb_model **out) {
    mb_dataset dataset;
    mb_dataset_init(&dataset, ctx);
    static const size_t shape[] = {4, 6, 2};
    mb_column *column = NULL;
    assert_ok(ctx, mb_dataset_set_rows(&dataset, ctx, 1));
    assert_ok(ctx, mb_dataset_add_column(&dataset, ctx, "a", MB_ROLE_INPUT, &column));
    column->rank = 1;
    column->shape[0] = 3;
    assert_ok(ctx, mb_dataset_add_column(&dataset, ctx, "b", MB_ROLE_INPUT, &column));
    column->rank = 3;
    memcpy(column->shape, shape, sizeof shape);
    mb_study study = {.runtime = mb_context_runtime(ctx), .name = "test", .path = "test"};
    mb_status status = mb_yaml_parse(ctx, "test.yaml", text, strlen(text), &study.document);
    if (status == MB_OK) {
        const mb_fit_spec fit = {.name = "", .model = study.document.root};
        bool has_weights = false;
        status = mb_study_build_model(ctx, &study, &fit, &dataset, out, &has_weights);
    }
    mb_document_clear(&study.document);
    mb_dataset_clear(&dataset);
    return status;
}

static void test_builder__joins_branches_and_shares_layers(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = NULL;
    assert_ok(world.ctx, build(world.ctx,
                             "layers:\n"
                             "  - {input: a}\n"
                             "  - {dense: {units: 3}, name: d}\n"
                             "  - {shared: d, from: d, name: again}\n"
                             "  - {input: b}\n"
                             "  - flatten\n"
                             "  - {dense: {units: 2}, name: e, trainable: false}\n"
                             "  - {concatenate: {}, from: [again, e], name: out}\n",
                             &model));
    assert_int_equal(model->n_inputs, 2);
    assert_int_equal(model->n_outputs, 1);
    assert_int_equal(model->n_parameters, 3 * 3 + 3 + 48 * 2 + 2);
    assert_int_equal(mb_model_find_layer(model, "d")->n_calls, 2);
    assert_false(mb_model_find_layer(model, "e")->is_trainable);
    assert_int_equal(mb_value_size(&model->values[model->outputs[0]].type), 5);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_builder__gives_layers_the_models_data_format(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = NULL;
    assert_ok(world.ctx, build(world.ctx,
                             "data_format: channels_first\n"
                             "layers:\n"
                             "  - {input: b}\n"
                             "  - {conv2d: {filters: 5, kernel: 1}}\n",
                             &model));
    // Channels are the first axis: 4 of them go into each of 5 filters.
    assert_int_equal(model->n_parameters, 4 * 5 + 5);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_builder__takes_named_outputs(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = NULL;
    assert_ok(world.ctx, build(world.ctx,
                             "outputs: [d, e]\n"
                             "layers:\n"
                             "  - {input: a}\n"
                             "  - {dense: {units: 3}, name: d}\n"
                             "  - {dense: {units: 2}, name: e}\n",
                             &model));
    assert_int_equal(model->n_outputs, 2);
    assert_string_equal(mb_model_output_name(model, 0), "d");
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_builder__refuses_what_does_not_fit(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"layers: [{input: c}]", "no input 'c'"},
        {"layers: [{dense: {units: 1}}]", "begin with {input: NAME}"},
        {"layers: [{input: {shape: [4]}, name: a}, {dense: {units: 1}}]",
            "written with shape (4,) but the data has (3,)"},
        {"layers: []", "not a list of layers"},
        {"layers: [{input: a}, {conv2d: {filters: 1, kernel: 1}}]", "test.yaml:1"},
        {"layers: [{input: a}, {dense: {units: 1}, dense2: {}}]", "unknown key 'dense2'"},
        {"layers: [{input: a}, {shared: x}]", "no layer above is called 'x'"},
        {"layers: [{input: a}, {shared: a}]", "'a' is an input"},
    };
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_model *model = NULL;
        const mb_status status = build(world.ctx, cases[i].text, &model);
        assert_true(status != MB_OK);
        assert_null(model);
        if (strstr(mb_context_error_text(world.ctx), cases[i].wanted) == NULL) {
            fail_msg("%s: got \"%s\"", cases[i].text, mb_context_error_text(world.ctx));
        }
        mb_context_clear(world.ctx);
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builder__joins_branches_and_shares_layers),
        cmocka_unit_test(test_builder__gives_layers_the_models_data_format),
        cmocka_unit_test(test_builder__takes_named_outputs),
        cmocka_unit_test(test_builder__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
