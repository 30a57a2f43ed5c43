// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "exchange/firmware.h"
#include "files/yaml.h"
#include "minbias/predictor.h"
#include "twin/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 40, MOST = 400 };

MB_TEST_WORLD(1, MB_CPU_ALL)

// A model that grows layer by layer.
typedef struct chain {
    mb_model *model;
    size_t value;
} chain;

static chain begin(const mb_value_type *input) {
    chain c = {NULL, 0};
    assert_ok(world.ctx, mb_model_begin(world.ctx, "student", &c.model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, c.model, "x", input, &c.value));
    return c;
}

static void add(chain *c, const char *kind, const char *name, const char *options) {
    mb_document document;
    mb_layer *layer = NULL;
    assert_ok(world.ctx, mb_yaml_parse(world.ctx, name, options, strlen(options), &document));
    assert_ok(world.ctx,
        mb_model_add_layer(world.ctx, c->model, kind, name, &document, document.root, &layer));
    assert_ok(world.ctx, mb_model_call(world.ctx, c->model, layer, &c->value, 1, &c->value));
    mb_document_clear(&document);
}

static void finish(chain *c, mb_random *random, double size) {
    assert_ok(world.ctx, mb_model_finish(world.ctx, c->model, NULL, 0, &c->value, 1));
    for (size_t i = 0; i < c->model->n_parameters; i++) {
        c->model->parameters[i] = (float)(size * mb_random_normal(random));
    }
    for (size_t i = 0; i < c->model->n_weights; i++) {
        const mb_weight *weight = c->model->weights[i];
        for (size_t k = 0; strcmp(weight->name, "moving_variance") == 0 && k < weight->count; k++) {
            c->model->parameters[weight->offset + k] =
                0.3F + fabsf(c->model->parameters[weight->offset + k]);
        }
    }
}

static int between(mb_random *random, int least, int most) {
    return least + (int)mb_random_below(random, (uint64_t)(most - least + 1));
}

static const char *pick_alpha(mb_random *random, bool is_kernel) {
    static const char *const alphas[] = {"1", "'auto_po2'", "2.0", "0.5"};
    return alphas[is_kernel ? between(random, 0, 3) : 0];
}

static void add_random_dense(chain *c, mb_random *random, const char *name, int units) {
    char text[400];
    snprintf(text, sizeof text,
        "{units: %d, kernel_quantizer: \"quantized_bits(%d,%d,%d,alpha=%s)\", bias_quantizer: "
        "\"quantized_bits(%d,%d,1,alpha=1)\", activation: \"%s(%d,%d)\"}",
        units, between(random, 2, 5), between(random, 0, 1), between(random, 0, 1),
        pick_alpha(random, true), between(random, 2, 6), between(random, 0, 2),
        between(random, 0, 1) == 0 ? "quantized_relu" : "quantized_bits", between(random, 2, 6),
        between(random, 0, 4));
    add(c, "dense", name, text);
}

static void add_random_conv(chain *c, mb_random *random) {
    char text[400];
    snprintf(text, sizeof text,
        "{filters: %d, kernel_size: [%d, %d], strides: [%d, %d], padding: %s, use_bias: %s, "
        "kernel_quantizer: \"quantized_bits(%d,%d,1,alpha=%s)\", "
        "bias_quantizer: \"quantized_bits(4,1,1,alpha=1)\"}",
        between(random, 1, 5), between(random, 1, 3), between(random, 1, 3), between(random, 1, 2),
        between(random, 1, 2), between(random, 0, 1) == 0 ? "same" : "valid",
        between(random, 0, 1) == 0 ? "true" : "false", between(random, 2, 5), between(random, 0, 1),
        pick_alpha(random, true));
    add(c, "conv2d", "conv", text);
}

static chain random_model(mb_random *random) {
    const bool is_image = between(random, 0, 1) == 0;
    const mb_value_type vector = {.rank = 1, .dim = {(size_t)between(random, 1, 40)}};
    const mb_value_type image = {.rank = 3, .dim = {8, 7, (size_t)between(random, 1, 2)}};
    static const char *const ends[] = {"linear", "relu", "sigmoid", "softmax"};
    char text[64];
    chain c = begin(is_image ? &image : &vector);
    add(&c, "q_activation", "input", "{activation: \"quantized_bits(6,4,alpha=1)\"}");
    if (is_image) {
        add_random_conv(&c, random);
        add(&c, "q_activation", "relu0", "{activation: \"quantized_relu(5,3)\"}");
        if (between(random, 0, 1) == 0) {
            add(&c, between(random, 0, 1) == 0 ? "max_pooling2d" : "average_pooling2d", "pool",
                "{pool_size: 2}");
        }
        add(&c, "flatten", "flatten", "{}");
    }
    add_random_dense(&c, random, "dense1", between(random, 1, 20));
    add(&c, "dropout", "dropout", "{rate: 0.125}");
    add_random_dense(&c, random, "dense2", between(random, 1, 3));
    snprintf(text, sizeof text, "{activation: %s}", ends[between(random, 0, 3)]);
    add(&c, "activation", "end", text);
    finish(&c, random, 1);
    return c;
}

static void predict(const mb_model *model, const float *x, float *out) {
    mb_predictor *predictor = NULL;
    const mb_predictor_settings settings = {.max_events = EVENTS};
    const mb_predictor_input input = {.dense = x};
    float *const outputs[1] = {out};
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, &settings, &predictor));
    const size_t bytes = (mb_predictor_scratch_bytes(predictor) + 63) / 64 * 64;
    void *scratch = aligned_alloc(64, bytes == 0 ? 64 : bytes);
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, EVENTS, outputs), MB_OK);
    free(scratch);
    mb_predictor_destroy(predictor);
}

static void fill(mb_random *random, const mb_model *model, float *x) {
    const size_t n = mb_value_size(&model->values[model->inputs[0]].type);
    assert_true(n <= MOST);
    for (size_t i = 0; i < EVENTS * n; i++) {
        x[i] = (float)((mb_random_uniform(random) - 0.4) * 30);
    }
}

static void test_model__random_quantised_models_equal_the_float_forward_exactly(void **state) {
    (void)state;
    static float x[EVENTS * MOST], wanted[EVENTS * MOST], found[EVENTS * MOST];
    size_t n_other = 0;
    for (uint32_t i = 0; i < 200; i++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, i);
        chain c = random_model(&random);
        mb_twin *twin = NULL;
        const mb_twin_rows rows = {.f32 = x};
        fill(&random, c.model, x);
        assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, NULL, &twin));
        for (size_t k = 0; k < mb_twin_layers(twin); k++) {
            mb_twin_report report;
            mb_twin_describe(twin, k, &report);
            assert_false(report.is_real);
            assert_int_equal(report.n_weights_rounded + report.n_weights_outside, 0);
        }
        assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, found));
        predict(c.model, x, wanted);
        mb_test_assert_same_bits(
            found, wanted, EVENTS * mb_twin_outputs(twin), sizeof *found, "values");
        n_other += memcmp(wanted, wanted + mb_twin_outputs(twin), sizeof *wanted) != 0;
        mb_twin_destroy(twin);
        mb_model_destroy(c.model);
    }
    // Most of these models tell events apart: their sums are not all clipped.
    assert_true(n_other > 60);
}

// Of a model whose sums are real numbers: equal up to float32's rounding.
static void assert_near(const float *found, const float *wanted, size_t n, float size) {
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(found[i] - wanted[i]) <= 1e-6F * size)) {
            fail_msg("value %zu is %.9g, not %.9g", i, (double)found[i], (double)wanted[i]);
        }
    }
}

static void test_model__real_scales_are_one_factor_behind_exact_sums(void **state) {
    (void)state;
    enum { INPUTS = 30, UNITS = 5 };
    static float x[EVENTS * INPUTS], wanted[EVENTS * UNITS], found[EVENTS * UNITS];
    static const char *const kernels[] = {"quantized_bits(6,1,1,alpha='auto')",
        "quantized_bits(5,0,0,alpha=0.3)", "ternary(alpha='auto')", "binary(alpha=0.7)"};
    const mb_value_type input = {.rank = 1, .dim = {INPUTS}};
    for (uint32_t k = 0; k < MB_COUNT_OF(kernels); k++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 7, k);
        mb_twin *twin = NULL;
        mb_twin_report report;
        char text[200];
        chain c = begin(&input);
        const mb_twin_rows rows = {.f32 = x};
        snprintf(text, sizeof text, "{units: %d, kernel_quantizer: \"%s\", bias_quantizer: \"%s\"}",
            UNITS, kernels[k],
            k % 2 == 0 ? "quantized_bits(5,1,1,alpha='auto')" : "quantized_bits(5,1,1,alpha=1)");
        add(&c, "q_activation", "input", "{activation: \"quantized_bits(6,4,alpha=1)\"}");
        add(&c, "dense", "output", text);
        if (k >= 2) {
            add(&c, "batch_normalization", "norm", "{}");
        }
        finish(&c, &random, 1);
        fill(&random, c.model, x);
        assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, NULL, &twin));
        mb_twin_describe(twin, 1, &report);
        assert_true(report.is_real);
        assert_false(mb_twin_is_integer(twin));
        assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, found));
        predict(c.model, x, wanted);
        assert_near(found, wanted, EVENTS * UNITS, 2000);
        mb_twin_destroy(twin);
        mb_model_destroy(c.model);
    }
}

static void test_model__folded_normalisations_equal_the_float_forward_exactly(void **state) {
    (void)state;
    static float x[EVENTS * MOST], wanted[EVENTS * MOST], found[EVENTS * MOST];
    const mb_value_type image = {.rank = 3, .dim = {6, 6, 1}};
    for (uint32_t k = 0; k < 20; k++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 13, k);
        mb_twin *twin = NULL;
        chain c = begin(&image);
        const mb_twin_rows rows = {.f32 = x};
        add(&c, "q_activation", "input", "{activation: \"quantized_relu(4,4)\"}");
        add(&c, "q_conv2d_batchnorm", "conv",
            k % 2 == 0 ? "{filters: 3, kernel_size: 2, strides: 2, use_bias: false, "
                         "kernel_quantizer: \"quantized_bits(5,1,1,alpha=1)\", bias_quantizer: "
                         "\"quantized_bits(6,3,1,alpha=1)\", activation: \"quantized_relu(6,4)\"}"
                       : "{filters: 2, kernel_size: 3, padding: same, kernel_quantizer: "
                         "\"quantized_bits(4,1,1,alpha='auto_po2')\", bias_quantizer: "
                         "\"quantized_bits(6,3,1,alpha=1)\", activation: relu}");
        add(&c, "flatten", "flatten", "{}");
        add(&c, "q_dense_batchnorm", "dense1",
            "{units: 4, kernel_quantizer: \"quantized_bits(5,1,1,alpha=1)\", bias_quantizer: "
            "\"quantized_bits(6,3,1,alpha=1)\", activation: \"quantized_relu(9,6)\"}");
        finish(&c, &random, 1);
        fill(&random, c.model, x);
        assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, NULL, &twin));
        assert_true(mb_twin_is_integer(twin));
        assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, found));
        predict(c.model, x, wanted);
        mb_test_assert_same_bits(found, wanted, EVENTS * 4, sizeof *found, "values");
        assert_true(memcmp(wanted, wanted + 4, 4 * sizeof *wanted) != 0);
        mb_twin_destroy(twin);
        mb_model_destroy(c.model);
    }
}

// dense, batch normalisation, quantised relu.
static chain normalised_model(uint32_t sample, const char *kind) {
    const mb_value_type input = {.rank = 1, .dim = {20}};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 8, sample);
    chain c = begin(&input);
    add(&c, "q_activation", "input", "{activation: \"quantized_bits(6,4,alpha=1)\"}");
    add(&c, "dense", "dense1",
        "{units: 4, use_bias: false, kernel_quantizer: \"quantized_bits(2,0,1,alpha=1)\"}");
    add(&c, kind, "norm", "{}");
    finish(&c, &random, 1);
    return c;
}

static void test_model__batch_normalisation_is_real_unless_formats_are_given(void **state) {
    (void)state;
    static float x[EVENTS * 20], wanted[EVENTS * 4], found[EVENTS * 4];
    static const char *const kinds[] = {"batch_normalization", "q_batch_normalization"};
    const mb_twin_rows rows = {.f32 = x};
    mb_twin_override override = {.layer = "norm"};
    assert_ok(world.ctx, mb_fixed_parse(world.ctx, "w", "<24,8> RND", &override.weight));
    assert_ok(world.ctx, mb_fixed_parse(world.ctx, "b", "<24,8> RND", &override.bias));
    for (uint32_t k = 0; k < 2; k++) {
        chain c = normalised_model(k, kinds[k]);
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 9, k);
        fill(&random, c.model, x);
        predict(c.model, x, wanted);
        for (size_t i = 0; i < 2; i++) {
            mb_twin *twin = NULL;
            mb_twin_report report;
            const mb_twin_model_settings settings = {.overrides = &override, .n_overrides = i};
            assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, &settings, &twin));
            mb_twin_describe(twin, 2, &report);
            assert_int_equal(report.is_real, i == 0);
            assert_int_equal(mb_twin_is_integer(twin), i == 1);
            assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, found));
            // Formats of 16 fraction bits round scale and bias; sums reach some hundreds.
            assert_near(found, wanted, EVENTS * 4, i == 0 ? 500 : 10000);
            mb_twin_destroy(twin);
        }
        mb_model_destroy(c.model);
    }
}

static void test_model__results_may_be_overridden_layer_by_layer(void **state) {
    (void)state;
    static float x[EVENTS * 20], found[EVENTS * 4];
    chain c = normalised_model(0, "batch_normalization");
    mb_twin *twin = NULL;
    mb_twin_report reports[3];
    const mb_twin_rows rows = {.f32 = x};
    mb_twin_override overrides[2] = {{.layer = "dense1"}, {.layer = "norm"}};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 10, 0);
    fill(&random, c.model, x);
    assert_ok(world.ctx, mb_fixed_parse(world.ctx, "a", "<5,5>", &overrides[0].accumulator));
    assert_ok(world.ctx, mb_fixed_parse(world.ctx, "r", "<9,6> RND SAT", &overrides[1].result));
    const mb_twin_model_settings settings = {.overrides = overrides, .n_overrides = 2};
    assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, &settings, &twin));
    assert_true(mb_twin_is_integer(twin));
    assert_int_equal(mb_twin_output_exponent(twin), -3);
    assert_ok(world.ctx, mb_twin_examine(world.ctx, twin, &rows, EVENTS, reports));
    assert_true(reports[1].n_accumulator_outside > 0);
    assert_true(reports[1].result_least >= -16 && reports[1].result_most <= 15);
    assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, found));
    for (size_t i = 0; i < EVENTS * 4; i++) {
        assert_true(found[i] * 8 == roundf(found[i] * 8) && fabsf(found[i]) <= 32);
    }
    mb_twin_destroy(twin);
    mb_model_destroy(c.model);
}

static void test_model__a_weight_set_of_a_model_gives_the_same_twin(void **state) {
    (void)state;
    static float x[EVENTS * MOST], wanted[EVENTS * MOST], found[EVENTS * MOST];
    const mb_twin_rows rows = {.f32 = x};
    char *directory = mb_test_directory();
    for (uint32_t i = 0; i < 4; i++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 14, i);
        chain c = random_model(&random);
        mb_twin *twin = NULL;
        mb_twin *back = NULL;
        char types[300];
        snprintf(types, sizeof types, "%s/types.yaml", directory);
        fill(&random, c.model, x);
        assert_ok(world.ctx, mb_twin_from_model(world.ctx, c.model, NULL, &twin));
        assert_ok(world.ctx, mb_firmware_save(world.ctx, twin, directory));
        assert_ok(world.ctx, mb_firmware_load(world.ctx, directory, types, NULL, 0, &back));
        assert_ok(world.ctx, mb_twin_predict(world.ctx, twin, &rows, EVENTS, NULL, wanted));
        assert_ok(world.ctx, mb_twin_predict(world.ctx, back, &rows, EVENTS, NULL, found));
        mb_test_assert_same_bits(
            found, wanted, EVENTS * mb_twin_outputs(twin), sizeof *found, "values");
        mb_twin_destroy(back);
        mb_twin_destroy(twin);
        mb_model_destroy(c.model);
    }
    mb_test_remove_directory(directory);
}

// A model of an input and one or two layers.
static mb_status try_model(
    const char *kind, const char *options, const char *second, const char *second_options) {
    const mb_value_type image = {.rank = 3, .dim = {4, 4, 1}};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 11, 0);
    mb_twin *twin = NULL;
    chain c = begin(&image);
    const mb_twin_model_settings settings = {.input = {.bits = 8, .integer = 8}};
    add(&c, kind, "first", options);
    if (second != NULL) {
        add(&c, second, "second", second_options);
    }
    finish(&c, &random, 1);
    const mb_status status = mb_twin_from_model(world.ctx, c.model, &settings, &twin);
    mb_twin_destroy(twin);
    mb_model_destroy(c.model);
    return status;
}

#define REFUSED(part, ...) assert_fails(world.ctx, try_model(__VA_ARGS__), MB_ERR_UNSUPPORTED, part)

static void test_model__what_has_no_integers_is_refused_by_name(void **state) {
    (void)state;
    static const char quantised[] =
        "{filters: 2, kernel_size: 2, use_bias: false, kernel_quantizer: "
        "\"quantized_bits(4,0,1,alpha=1)\"}";
    REFUSED("first: its kernel has no quantiser, so that it has no integers; add quantize:",
        "conv2d", "{filters: 2, kernel_size: 2}", NULL, NULL);
    REFUSED("first: its bias has no quantiser", "conv2d",
        "{filters: 2, kernel_size: 2, kernel_quantizer: \"quantized_bits(4,0,1,alpha=1)\"}", NULL,
        NULL);
    REFUSED("first: quantized_tanh has no integer form", "q_activation",
        "{activation: \"quantized_tanh(4)\"}", NULL, NULL);
    REFUSED("first: ZeroPadding2D has no integer form", "zero_padding2d", "{}", NULL, NULL);
    REFUSED("second: comes behind first, whose activation has no integers", "activation",
        "{activation: sigmoid}", "conv2d", quantised);
    REFUSED("second: an average is exact only", "conv2d", quantised, "average_pooling2d",
        "{pool_size: 3}");
}

static void test_model__an_input_without_a_format_is_refused(void **state) {
    (void)state;
    const mb_value_type input = {.rank = 1, .dim = {3}};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 12, 0);
    mb_twin *twin = NULL;
    chain c = begin(&input);
    add(&c, "dense", "d",
        "{units: 1, use_bias: false, kernel_quantizer: \"quantized_bits(4,0,1,alpha=1)\"}");
    finish(&c, &random, 1);
    assert_fails(world.ctx, mb_twin_from_model(world.ctx, c.model, NULL, &twin), MB_ERR_UNSUPPORTED,
        "student: the input has no fixed-point format");
    const mb_twin_override unknown = {.layer = "e"};
    const mb_twin_model_settings settings = {
        .input = {.bits = 4, .integer = 4}, .overrides = &unknown, .n_overrides = 1};
    assert_fails(world.ctx, mb_twin_from_model(world.ctx, c.model, &settings, &twin), MB_ERR_FORMAT,
        "no layer is called e");
    mb_model_destroy(c.model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__random_quantised_models_equal_the_float_forward_exactly),
        cmocka_unit_test(test_model__real_scales_are_one_factor_behind_exact_sums),
        cmocka_unit_test(test_model__folded_normalisations_equal_the_float_forward_exactly),
        cmocka_unit_test(test_model__batch_normalisation_is_real_unless_formats_are_given),
        cmocka_unit_test(test_model__results_may_be_overridden_layer_by_layer),
        cmocka_unit_test(test_model__a_weight_set_of_a_model_gives_the_same_twin),
        cmocka_unit_test(test_model__what_has_no_integers_is_refused_by_name),
        cmocka_unit_test(test_model__an_input_without_a_format_is_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
