// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "files/yaml.h"
#include "minbias/predictor.h"
#include "twin/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 40, MOST = 400 };

static mb_test_world world;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_world_close(&world);
    return 0;
}

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
        mb_twin_destroy(twin);
        mb_model_destroy(c.model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__random_quantised_models_equal_the_float_forward_exactly),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
