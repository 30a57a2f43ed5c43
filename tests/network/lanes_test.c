// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"
#include "network/plan_parts.h"

#include <stdio.h>
#include <stdlib.h>

// Samples in lanes against rows: a plan for few rows a call works on rows, one for many in lanes.

// 29 samples: a whole tile and a part of one. Of a batch of 100 each chunk has 7 rows, less than a
// tile.
enum { FEW_ROWS = 7, MANY_ROWS = 29, BATCH = 100, LARGE_BATCH = 512, MOST_LAYERS = 8 };

typedef struct chain {
    const char *name;
    mb_value_type input;
    struct {
        const char *kind, *options;
    } layers[MOST_LAYERS];
    bool has_row_bits; // of the gradient, too
} chain;

#define FIRST "\"data_format\": \"channels_first\""

static const chain chains[] = {
    {"regions", {.rank = 3, .dim = {18, 14, 1}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"strides\": 2}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"flatten", "{}"},
            {"dense", "{\"units\": 20, \"activation\": \"relu\"}"},
            {"dense", "{\"units\": 2, \"activation\": \"softmax\"}"}},
        false},
    {"dense layers", {.rank = 1, .dim = {37}},
        {{"dense", "{\"units\": 15, \"activation\": \"tanh\"}"}, {"dropout", "{\"rate\": 0.3}"},
            {"dense", "{\"units\": 33, \"activation\": \"leaky_relu\"}"},
            {"dense", "{\"units\": 1, \"activation\": \"sigmoid\"}"}},
        true},
    {"padding and pools", {.rank = 3, .dim = {9, 8, 2}},
        {{"conv2d", "{\"filters\": 5, \"kernel_size\": 3, \"padding\": \"same\"}"}, {"re_lu", "{}"},
            {"max_pooling2d", "{}"},
            {"conv2d", "{\"filters\": 4, \"kernel_size\": 2, \"padding\": \"same\"}"},
            {"average_pooling2d", "{}"}},
        false},
    {"a periodic axis", {.rank = 3, .dim = {8, 5, 2}},
        {{"conv2d", "{\"filters\": 2, \"kernel_size\": 3, \"padding\": \"same\", \"pad_phi\": "
                    "\"wrap\"}"},
            {"conv2d", "{\"filters\": 6, \"kernel_size\": 3, \"padding\": \"same\", \"pad_phi\": "
                       "\"wrap\", \"activation\": \"elu\"}"}},
        false},
    {"channels first", {.rank = 3, .dim = {2, 9, 8}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, " FIRST "}"},
            {"max_pooling2d", "{" FIRST "}"}, {"flatten", "{}"}, {"dense", "{\"units\": 3}"}},
        false},
    {"vectors of a row", {.rank = 2, .dim = {6, 5}},
        {{"dense", "{\"units\": 3, \"activation\": \"softmax\"}"},
            {"up_sampling1d", "{\"size\": 2}"}, {"dense", "{\"units\": 9}"}, {"softmax", "{}"}},
        false},
    {"an encoder and a decoder", {.rank = 3, .dim = {8, 8, 1}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 3, \"strides\": 2, \"padding\": "
                    "\"same\", \"activation\": \"relu\"}"},
            {"flatten", "{}"}, {"dense", "{\"units\": 16, \"activation\": \"relu\"}"},
            {"dense", "{\"units\": 128, \"activation\": \"relu\"}"},
            {"reshape", "{\"target_shape\": [4, 4, 8]}"},
            {"conv2d_transpose", "{\"filters\": 8, \"kernel_size\": 3, \"strides\": 2, "
                                 "\"padding\": \"same\", \"activation\": \"relu\"}"},
            {"conv2d_transpose", "{\"filters\": 1, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"activation", "{\"activation\": \"sigmoid\"}"}},
        false},
    {"transposed convolutions", {.rank = 3, .dim = {3, 4, 5}},
        {{"conv2d_transpose", "{\"filters\": 3, \"kernel_size\": 2, \"strides\": 2}"},
            {"conv2d_transpose", "{\"filters\": 2, \"kernel_size\": [3, 2], \"use_bias\": false, "
                                 "\"dilation_rate\": 2, \"activation\": \"elu\"}"},
            {"conv2d_transpose", "{\"filters\": 17, \"kernel_size\": 1, \"strides\": [1, 2]}"}},
        false},
};

static void build(mb_context *ctx, const chain *c, mb_model **model) {
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, c->name, model));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "x", &c->input, &value));
    for (size_t n = 0; n < MOST_LAYERS && c->layers[n].kind != NULL; n++) {
        char name[32];
        mb_layer *layer = NULL;
        snprintf(name, sizeof name, "layer%zu", n);
        assert_ok(ctx,
            case_add_layer(ctx, *model, c->layers[n].kind, name, c->layers[n].options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &value, 1, &value));
    }
    assert_ok(ctx, mb_model_finish(ctx, *model, NULL, 0, &value, 1));
}

static void set_parameters(mb_model *model) {
    for (size_t i = 0; i < model->n_layers; i++) {
        case_parameters(model, model->layers[i]->name, model->parameters);
    }
}

static size_t size_of(const mb_model *model, size_t value) {
    return mb_value_size(&model->values[value].type);
}

static float *make_rows(const mb_model *model, size_t n) {
    const size_t count = n * size_of(model, model->inputs[0]);
    float *rows = calloc(count, sizeof *rows);
    assert_non_null(rows);
    case_numbers(rows, count, 3);
    return rows;
}

// In calls of at most so many rows. The caller's to free.
static float *predict(mb_context *ctx, const mb_model *model, const float *rows, size_t n,
    size_t at_most, bool *is_in_lanes) {
    const mb_plan_settings settings = {.max_rows = at_most};
    const size_t in_size = size_of(model, model->inputs[0]);
    const size_t out_size = size_of(model, model->outputs[0]);
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    float *out = calloc(n * out_size, sizeof *out);
    assert_true(scratch != NULL && out != NULL);
    memset(scratch, 0xff, mb_plan_scratch_bytes(plan)); // NaN
    for (size_t first = 0; first < n; first += at_most) {
        const mb_input input = {.dense = rows + first * in_size};
        float *outputs[1] = {out + first * out_size};
        mb_plan_predict(plan, scratch, &input, mb_min_size(at_most, n - first), outputs);
    }
    *is_in_lanes = plan->is_in_lanes;
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
    return out;
}

// Whether the model runs in lanes; then its predictions are compared.
static bool compare_predictions(mb_context *ctx, const mb_model *model, const char *what) {
    bool is_first_in_lanes = false, is_in_lanes = false;
    float *rows = make_rows(model, MANY_ROWS);
    float *wanted = predict(ctx, model, rows, MANY_ROWS, FEW_ROWS, &is_first_in_lanes);
    float *got = predict(ctx, model, rows, MANY_ROWS, MANY_ROWS, &is_in_lanes);
    assert_false(is_first_in_lanes);
    mb_test_assert_same_bits(
        got, wanted, MANY_ROWS * size_of(model, model->outputs[0]), sizeof(float), what);
    free(rows);
    free(wanted);
    free(got);
    return is_in_lanes;
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const size_t size = size_of(user, ((const mb_model *)user)->outputs[0]);
    for (size_t k = 0; k < n_rows * size; k++) {
        d_outputs[0][k] =
            outputs[0][k] * 0.25F + (float)((first_row * size + k) % 13) / 13.0F - 0.4F;
    }
}

// The gradient of a batch by a plan for batches of at most so many rows. The caller's to free.
static float *differentiate(
    unsigned n_threads, uint32_t cpu, mb_model *model, size_t max_rows, bool *is_in_lanes) {
    const mb_plan_settings settings = {.is_training = true, .max_rows = max_rows};
    mb_test_world world;
    mb_plan *plan = NULL;
    float *rows = make_rows(model, BATCH);
    float *gradient = calloc(model->n_parameters + 1, sizeof *gradient);
    const mb_input input = {.dense = rows};
    const mb_train_batch batch = {
        .inputs = &input, .n_rows = BATCH, .seed = 5, .step = 3, .parameters = model->parameters};
    assert_non_null(gradient);
    mb_test_world_open(&world, n_threads, cpu);
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
    // Twice: what one step leaves behind must not reach the next.
    for (size_t i = 0; i < 2; i++) {
        assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &batch, project, model, gradient));
    }
    *is_in_lanes = plan->is_in_lanes;
    mb_plan_destroy(plan);
    mb_test_world_close(&world);
    free(rows);
    return gradient;
}

static bool compare_gradients(mb_model *model, bool has_row_bits, const char *what) {
    bool is_first_in_lanes = false, is_in_lanes = false;
    const size_t n = model->n_parameters;
    float *wanted = differentiate(1, MB_CPU_ALL, model, BATCH, &is_first_in_lanes);
    float *got = differentiate(1, MB_CPU_ALL, model, LARGE_BATCH, &is_in_lanes);
    assert_false(is_first_in_lanes);
    if (has_row_bits) {
        mb_test_assert_same_bits(got, wanted, n, sizeof(float), what);
    } else {
        mb_test_assert_close(got, wanted, n, 2e-5, 2e-5, what);
    }
    free(wanted);
    free(got);
    return is_in_lanes;
}

static void test_lanes__predictions_have_the_bits_of_rows(void **state) {
    mb_test_world world;
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        mb_model *model = NULL;
        build(world.ctx, &chains[i], &model);
        set_parameters(model);
        assert_true(compare_predictions(world.ctx, model, chains[i].name));
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

static void test_lanes__gradients_are_those_of_rows(void **state) {
    mb_test_world world;
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        mb_model *model = NULL;
        build(world.ctx, &chains[i], &model);
        set_parameters(model);
        assert_true(compare_gradients(model, chains[i].has_row_bits, chains[i].name));
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

static void test_lanes__neither_threads_nor_instruction_sets_change_a_gradient(void **state) {
    static const uint32_t cpus[] = {0, MB_CPU_AVX2, MB_CPU_ALL};
    mb_test_world world;
    bool is_in_lanes = false;
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        mb_model *model = NULL;
        build(world.ctx, &chains[i], &model);
        set_parameters(model);
        float *wanted = differentiate(1, 0, model, LARGE_BATCH, &is_in_lanes);
        for (size_t k = 0; k < 2 * MB_COUNT_OF(cpus); k++) {
            float *got =
                differentiate(k % 2 == 0 ? 1 : 3, cpus[k / 2], model, LARGE_BATCH, &is_in_lanes);
            mb_test_assert_same_bits(
                got, wanted, model->n_parameters, sizeof(float), chains[i].name);
            free(got);
        }
        free(wanted);
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

// Kinds that a small network may have without falling back to rows.
static const char *const kinds[] = {"conv1d", "conv2d", "conv3d", "dense", "max_pooling1d",
    "max_pooling2d", "average_pooling2d", "flatten", "concatenate", "activation", "dropout",
    "re_lu", "leaky_re_lu", "elu", "softmax", "reshape", "permute", "zero_padding2d",
    "up_sampling2d", "cropping2d", "add", "multiply", "batch_normalization"};

static void test_lanes__every_layer_that_offers_them_agrees_with_rows(void **state) {
    bool is_covered[MB_COUNT_OF(kinds)] = {false};
    mb_test_world world;
    case_list list;
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    cases_read(&list);
    for (size_t i = 0; i < list.n; i++) {
        mb_model *model = NULL;
        case_source_model(world.ctx, &list.cases[i], &model);
        set_parameters(model);
        const bool is_in_lanes = compare_predictions(world.ctx, model, case_text(&list.cases[i]));
        if (strcmp(list.cases[i].kind, "batch_normalization") != 0) {
            compare_gradients(model, false, case_text(&list.cases[i]));
        }
        for (size_t k = 0; k < MB_COUNT_OF(kinds); k++) {
            is_covered[k] =
                is_covered[k] || (is_in_lanes && strcmp(kinds[k], list.cases[i].kind) == 0);
        }
        mb_model_destroy(model);
    }
    for (size_t k = 0; k < MB_COUNT_OF(kinds); k++) {
        if (!is_covered[k]) {
            fail_msg("no case of %s ran in lanes", kinds[k]);
        }
    }
    cases_free(&list);
    mb_test_world_close(&world);
}

static void test_lanes__large_models_stay_rows(void **state) {
    static const chain large = {"large", {.rank = 3, .dim = {18, 14, 1}},
        {{"conv2d", "{\"filters\": 20, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"conv2d", "{\"filters\": 30, \"kernel_size\": 3, \"padding\": \"same\"}"}},
        false};
    mb_test_world world;
    mb_model *model = NULL;
    bool is_in_lanes = true;
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    build(world.ctx, &large, &model);
    set_parameters(model);
    free(differentiate(1, MB_CPU_ALL, model, LARGE_BATCH, &is_in_lanes));
    assert_false(is_in_lanes);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes__predictions_have_the_bits_of_rows),
        cmocka_unit_test(test_lanes__gradients_are_those_of_rows),
        cmocka_unit_test(test_lanes__neither_threads_nor_instruction_sets_change_a_gradient),
        cmocka_unit_test(test_lanes__every_layer_that_offers_them_agrees_with_rows),
        cmocka_unit_test(test_lanes__large_models_stay_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
