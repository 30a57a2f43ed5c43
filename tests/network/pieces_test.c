// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"
#include "cases.h"
#include "network/layers/conv.h"
#include "network/plan_parts.h"

#include <stdlib.h>

// Gradients of large kernels, taken in pieces: the bits of whole chunks summed one after another.
// And convolutions that leave out what of a kernel falls into the padding: the bits of all of it.

enum { MOST_LAYERS = 6, MOST_ROWS = 50, MOST_SIZE = 1024 };

typedef struct chain {
    const char *name;
    mb_value_type input;
    struct {
        const char *kind, *options;
    } layers[MOST_LAYERS];
    size_t n_in_pieces, n_with_lines; // steps
} chain;

static const chain chains[] = {
    {"two dense layers", {.rank = 1, .dim = {120}},
        {{"dense", "{\"units\": 144}"}, {"batch_normalization", "{}"}, {"re_lu", "{}"},
            {"dense", "{\"units\": 136}"}, {"batch_normalization", "{}"},
            {"dense", "{\"units\": 1}"}},
        2, 0},
    {"dense, several vectors a row", {.rank = 2, .dim = {5, 70}},
        {{"dense", "{\"units\": 240}"}, {"batch_normalization", "{}"}}, 1, 0},
    {"dense, with an activation or padding", {.rank = 1, .dim = {130}},
        {{"dense", "{\"units\": 144, \"activation\": \"relu\"}"}, {"batch_normalization", "{}"},
            {"dense", "{\"units\": 139}"}},
        0, 0},
    {"convolutions with a frame", {.rank = 3, .dim = {4, 4, 6}},
        {{"conv2d", "{\"filters\": 32, \"kernel_size\": 5, \"padding\": \"same\"}"},
            {"batch_normalization", "{}"}, {"re_lu", "{}"},
            {"conv2d", "{\"filters\": 32, \"kernel_size\": 5, \"padding\": \"same\"}"},
            {"batch_normalization", "{}"}, {"flatten", "{}"}},
        1, 2},
    {"lines of some strides", {.rank = 3, .dim = {9, 8, 3}},
        {{"conv2d", "{\"filters\": 40, \"kernel_size\": [4, 3], \"padding\": \"same\", "
                    "\"activation\": \"relu\"}"},
            {"conv2d", "{\"filters\": 16, \"kernel_size\": 3, \"padding\": \"same\", "
                       "\"strides\": [1, 2], \"dilation_rate\": 1}"},
            {"batch_normalization", "{}"},
            {"conv2d", "{\"filters\": 24, \"kernel_size\": 3, \"padding\": \"same\", "
                       "\"dilation_rate\": 2}"}},
        0, 3},
    {"lines that are no whole blocks", {.rank = 3, .dim = {7, 6, 20}},
        {{"conv2d", "{\"filters\": 50, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"batch_normalization", "{}"}},
        0, 0},
    {"a line without any row of the kernel", {.rank = 3, .dim = {4, 8, 30}},
        {{"conv2d", "{\"filters\": 50, \"kernel_size\": [2, 3], \"padding\": \"same\", "
                    "\"dilation_rate\": [5, 1]}"},
            {"batch_normalization", "{}"}},
        0, 0},
    {"a convolution without a frame", {.rank = 2, .dim = {9, 50}},
        {{"conv1d", "{\"filters\": 80, \"kernel_size\": 7}"}, {"batch_normalization", "{}"}}, 1, 0},
    {"no look at the batch", {.rank = 1, .dim = {130}}, {{"dense", "{\"units\": 144}"}}, 0, 0},
};

static void build(mb_context *ctx, const chain *c, mb_model **model) {
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, c->name, model));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "x", &c->input, &value));
    for (size_t i = 0; i < MOST_LAYERS && c->layers[i].kind != NULL; i++) {
        const char name[] = {'a', (char)('0' + i), '\0'};
        mb_layer *layer = NULL;
        assert_ok(ctx,
            case_add_layer(ctx, *model, c->layers[i].kind, name, c->layers[i].options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &value, 1, &value));
    }
    assert_ok(ctx, mb_model_finish(ctx, *model, NULL, 0, &value, 1));
    for (size_t i = 0; i < (*model)->n_layers; i++) {
        case_parameters(*model, (*model)->layers[i]->name, (*model)->parameters);
    }
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const size_t size = *(const size_t *)user;
    for (size_t k = 0; k < n_rows * size; k++) {
        d_outputs[0][k] =
            outputs[0][k] * 0.25F + (float)((first_row * size + k) % 13) / 13.0F - 0.4F;
    }
}

static size_t count_in_pieces(const mb_plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        n += plan->steps[i].step.takes_pieces;
    }
    return n;
}

static mb_conv_plan *conv_of(const mb_plan_step *s) {
    const bool is_conv = s->step.layer != NULL && s->step.layer->ops == mb_layer_find("conv2d");
    return is_conv ? s->step.data : NULL;
}

static size_t count_with_lines(const mb_plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        n += conv_of(&plan->steps[i]) != NULL && conv_of(&plan->steps[i])->n_lines > 0;
    }
    return n;
}

static void take_whole(mb_plan *plan) {
    for (size_t i = 0; i < plan->n_steps; i++) {
        plan->steps[i].step.n_in_pieces = 0;
        if (conv_of(&plan->steps[i]) != NULL) {
            conv_of(&plan->steps[i])->n_lines = 0;
        }
    }
}

// The gradient of a batch; the caller's to free.
static float *differentiate(const chain *c, unsigned n_threads, uint32_t cpu, size_t n_rows,
    bool is_whole, size_t *n_parameters, size_t *n_in_pieces) {
    const mb_plan_settings settings = {.is_training = true, .max_rows = MOST_ROWS};
    static float rows[MOST_ROWS * MOST_SIZE];
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 11, 0);
    const mb_input input = {.dense = rows};
    mb_test_world world;
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    for (size_t i = 0; i < MOST_ROWS * MOST_SIZE; i++) {
        rows[i] = (float)mb_random_normal(&random);
    }
    mb_test_world_open(&world, n_threads, cpu);
    build(world.ctx, c, &model);
    size_t size = mb_value_size(&model->values[model->outputs[0]].type);
    const mb_train_batch batch = {
        .inputs = &input, .n_rows = n_rows, .seed = 5, .parameters = model->parameters};
    float *gradient = calloc(model->n_parameters, sizeof *gradient);
    assert_non_null(gradient);
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    assert_int_equal(count_with_lines(plan), c->n_with_lines);
    if (is_whole) {
        take_whole(plan);
    }
    mb_plan_load(plan, model->parameters);
    assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
    // Twice: what one step leaves behind must not reach the next.
    for (size_t i = 0; i < 2; i++) {
        assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &batch, project, &size, gradient));
    }
    *n_in_pieces = count_in_pieces(plan);
    *n_parameters = model->n_parameters;
    mb_plan_destroy(plan);
    mb_model_destroy(model);
    mb_test_world_close(&world);
    return gradient;
}

static void test_pieces__and_lines_have_the_bits_of_the_whole(void **state) {
    // One row a chunk, as many, chunks that are no power of two, and the last chunk short.
    static const size_t n_rows[] = {1, 5, 16, 17, 39, MOST_ROWS};
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        for (size_t k = 0; k < MB_COUNT_OF(n_rows); k++) {
            size_t n = 0;
            size_t n_in_pieces = 0;
            float *wanted =
                differentiate(&chains[i], 1, MB_CPU_ALL, n_rows[k], true, &n, &n_in_pieces);
            assert_int_equal(n_in_pieces, 0);
            float *got =
                differentiate(&chains[i], 1, MB_CPU_ALL, n_rows[k], false, &n, &n_in_pieces);
            assert_int_equal(n_in_pieces, chains[i].n_in_pieces);
            mb_test_assert_same_bits(got, wanted, n, sizeof *got, chains[i].name);
            free(got);
            got = differentiate(&chains[i], 3, 0, n_rows[k], false, &n, &n_in_pieces);
            mb_test_assert_same_bits(got, wanted, n, sizeof *got, chains[i].name);
            free(got);
            free(wanted);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces__and_lines_have_the_bits_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
