// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"
#include "cases.h"
#include "network/plan_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// A sparse column and the same numbers as dense rows: equal bits in prediction, whatever the layers
// behind; in training the same gradient but for rounding.

enum { MOST_LAYERS = 10, ROWS = 9 };

typedef struct network {
    const char *name;
    mb_value_type input;
    struct {
        const char *kind, *options;
    } layers[MOST_LAYERS];
} network;

#define FIRST "\"data_format\": \"channels_first\""

static const network networks[] = {
    {"same padding", {.rank = 3, .dim = {13, 11, 2}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"padding\": \"same\"}"}}},
    {"valid padding, even kernel", {.rank = 3, .dim = {12, 9, 3}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": [4, 2], \"activation\": \"relu\"}"}}},
    {"channels first", {.rank = 3, .dim = {4, 16, 13}},
        {{"conv2d", "{\"filters\": 5, \"kernel_size\": 3, \"padding\": \"same\", " FIRST "}"}}},
    {"strides", {.rank = 3, .dim = {15, 14, 2}},
        {{"conv2d",
            "{\"filters\": 4, \"kernel_size\": 3, \"strides\": [2, 3], \"padding\": \"same\"}"}}},
    {"dilation", {.rank = 3, .dim = {15, 14, 2}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, \"dilation_rate\": 2}"}}},
    {"wrapping phi", {.rank = 3, .dim = {15, 14, 2}},
        {{"conv2d", "{\"filters\": 4, \"kernel_size\": 3, \"padding\": \"same\", \"pad_phi\": "
                    "\"wrap\"}"}}},
    {"pooling with a rest", {.rank = 3, .dim = {2, 17, 15}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 3, \"padding\": \"same\", \"activation\": "
                    "\"relu\", " FIRST "}"},
            {"max_pooling2d", "{\"pool_size\": 2, " FIRST "}"}}},
    {"overlapping pooling", {.rank = 3, .dim = {17, 15, 1}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 2, \"activation\": \"relu\"}"},
            {"max_pooling2d", "{\"pool_size\": 3, \"strides\": 2, \"padding\": \"same\"}"}}},
    {"two blocks, channels first", {.rank = 3, .dim = {4, 64, 64}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 3, \"padding\": \"same\", \"activation\": "
                    "\"relu\", " FIRST "}"},
            {"max_pooling2d", "{\"pool_size\": 2, " FIRST "}"},
            {"conv2d", "{\"filters\": 5, \"kernel_size\": 3, \"padding\": \"same\", "
                       "\"activation\": \"relu\", " FIRST "}"},
            {"max_pooling2d", "{\"pool_size\": 2, " FIRST "}"}, {"flatten", "{" FIRST "}"},
            {"dense", "{\"units\": 3, \"activation\": \"sigmoid\"}"}}},
    {"three blocks", {.rank = 3, .dim = {90, 71, 1}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": [2, 3], \"activation\": \"tanh\"}"},
            {"conv2d", "{\"filters\": 4, \"kernel_size\": 3, \"strides\": 2, \"padding\": "
                       "\"same\", \"activation\": \"relu\"}"},
            {"max_pooling2d", "{\"pool_size\": [2, 1]}"},
            {"conv2d", "{\"filters\": 2, \"kernel_size\": 2, \"activation\": \"sigmoid\"}"}}},
    {"activation of its own", {.rank = 3, .dim = {41, 43, 1}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 3}"}, {"re_lu", "{}"},
            {"average_pooling2d", "{\"pool_size\": 2}"},
            {"conv2d", "{\"filters\": 2, \"kernel_size\": 2}"}}},
    {"one dimension", {.rank = 2, .dim = {150, 2}},
        {{"conv1d", "{\"filters\": 3, \"kernel_size\": 4, \"padding\": \"causal\"}"},
            {"max_pooling1d", "{\"pool_size\": 3}"},
            {"conv1d", "{\"filters\": 4, \"kernel_size\": 2, \"padding\": \"same\"}"}}},
    {"three dimensions", {.rank = 4, .dim = {7, 8, 9, 1}},
        {{"conv3d", "{\"filters\": 3, \"kernel_size\": [2, 3, 3], \"padding\": \"same\", "
                    "\"activation\": \"relu\"}"},
            {"max_pooling3d", "{\"pool_size\": 2}"},
            {"conv3d", "{\"filters\": 2, \"kernel_size\": 2}"}}},
    {"normalised blocks of three dimensions", {.rank = 4, .dim = {8, 16, 16, 1}},
        {{"conv3d", "{\"filters\": 32, \"kernel_size\": 3, \"padding\": \"same\", "
                    "\"activation\": \"relu\"}"},
            {"dropout", "{\"rate\": 0.25}"}, {"batch_normalization", "{}"},
            {"max_pooling3d", "{\"pool_size\": 2}"},
            {"conv3d", "{\"filters\": 19, \"kernel_size\": 3, \"padding\": \"same\", "
                       "\"activation\": \"elu\"}"},
            {"dropout", "{\"rate\": 0.25}"}, {"batch_normalization", "{\"center\": false}"},
            {"max_pooling3d", "{\"pool_size\": 2}"}}},
    {"normalised blocks that pool a rest", {.rank = 4, .dim = {7, 17, 19, 1}},
        {{"conv3d", "{\"filters\": 19, \"kernel_size\": [1, 3, 2], \"padding\": \"same\", "
                    "\"activation\": \"elu\"}"},
            {"batch_normalization", "{\"scale\": false}"},
            {"max_pooling3d", "{\"pool_size\": [1, 2, 2]}"},
            {"conv3d", "{\"filters\": 37, \"kernel_size\": [3, 2, 4], \"activation\": \"relu\"}"},
            {"dropout", "{\"rate\": 0.5}"}, {"batch_normalization", "{}"},
            {"max_pooling3d", "{\"pool_size\": [2, 1, 3]}"}, {"flatten", "{}"},
            {"dense", "{\"units\": 3}"}}},
    {"normalised blocks, dilated, not pooled", {.rank = 3, .dim = {53, 51, 2}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 2, \"strides\": 2, \"padding\": \"same\"}"},
            {"activation", "{\"activation\": \"relu\"}"}, {"dropout", "{\"rate\": 0.125}"},
            {"batch_normalization", "{}"},
            {"conv2d", "{\"filters\": 9, \"kernel_size\": 2, \"dilation_rate\": 2, \"padding\": "
                       "\"same\"}"},
            {"batch_normalization", "{}"}}},
    {"normalised block, pooled, then a convolution", {.rank = 3, .dim = {40, 40, 1}},
        {{"conv2d", "{\"filters\": 8, \"kernel_size\": 3, \"padding\": \"same\", \"activation\": "
                    "\"relu\"}"},
            {"batch_normalization", "{}"}, {"max_pooling2d", "{\"pool_size\": 2}"},
            {"conv2d", "{\"filters\": 9, \"kernel_size\": 2, \"activation\": \"tanh\"}"},
            {"conv2d", "{\"filters\": 3, \"kernel_size\": 2}"}}},
    {"normalised, nothing dropped or pooled", {.rank = 3, .dim = {40, 40, 1}},
        {{"conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"batch_normalization", "{}"},
            {"conv2d", "{\"filters\": 4, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"batch_normalization", "{}"}}},
    {"no convolution at the input", {.rank = 2, .dim = {9, 4}},
        {{"flatten", "{}"}, {"dense", "{\"units\": 5}"}}},
    {"separable", {.rank = 3, .dim = {13, 11, 2}},
        {{"separable_conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"padding\": \"same\"}"}}},
};

typedef struct column {
    uint32_t offset[ROWS + 1];
    uint32_t *index;
    float *value, *dense;
} column;

static void add_hit(column *hits, size_t row, size_t size, size_t place, float value) {
    hits->index[hits->offset[row + 1]] = (uint32_t)place;
    hits->value[hits->offset[row + 1]++] = value;
    hits->dense[row * size + place] = value;
}

// Rows without hits, with hits in corners, few, many, and everywhere.
static void make_column(column *hits, size_t size) {
    static const double densities[ROWS] = {0, 0, 0, 0.01, 0.03, 0.1, 0, 0.5, 1};
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    memset(hits, 0, sizeof *hits);
    hits->index = calloc(ROWS * size, sizeof *hits->index);
    hits->value = calloc(ROWS * size, sizeof *hits->value);
    hits->dense = calloc(ROWS * size, sizeof *hits->dense);
    assert_true(hits->index != NULL && hits->value != NULL && hits->dense != NULL);
    for (size_t row = 0; row < ROWS; row++) {
        hits->offset[row + 1] = hits->offset[row];
        for (size_t i = 0; i < size; i++) {
            const bool is_corner = (row == 1 && i == 0) || (row == 2 && i + 1 == size);
            if (is_corner || mb_random_uniform(&random) < densities[row]) {
                const float value = row % 2 == 0 ? (float)(1 + mb_random_below(&random, 3))
                                                 : (float)mb_random_normal(&random);
                add_hit(hits, row, size, i, value);
            }
        }
    }
}

static void free_column(column *hits) {
    free(hits->index);
    free(hits->value);
    free(hits->dense);
}

static void build(mb_context *ctx, const network *net, mb_model **model) {
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, net->name, model));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "hits", &net->input, &value));
    for (size_t i = 0; i < MOST_LAYERS && net->layers[i].kind != NULL; i++) {
        char name[32];
        mb_layer *layer = NULL;
        snprintf(name, sizeof name, "layer%zu", i);
        assert_ok(ctx,
            case_add_layer(ctx, *model, net->layers[i].kind, name, net->layers[i].options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &value, 1, &value));
    }
    assert_ok(ctx, mb_model_finish(ctx, *model, NULL, 0, &value, 1));
    for (size_t i = 0; i < (*model)->n_layers; i++) {
        case_parameters(*model, (*model)->layers[i]->name, (*model)->parameters);
    }
}

// Equal, where any two that are not numbers are equal.
static void assert_equal(const float *a, const float *b, size_t n, const char *what) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) {
            fail_msg("%s: number %zu of %zu is %.9g sparse, %.9g dense", what, i, n, (double)a[i],
                (double)b[i]);
        }
    }
}

static float *predict(mb_context *ctx, const mb_model *model, const column *hits, bool is_sparse) {
    const mb_plan_settings settings = {.max_rows = ROWS, .sparse_inputs = &is_sparse};
    const mb_input sparse = {.offset = hits->offset, .index = hits->index, .value = hits->value};
    const mb_input dense = {.dense = hits->dense};
    mb_plan *plan = NULL;
    float *out = calloc(ROWS * mb_value_size(&model->values[model->outputs[0]].type), sizeof *out);
    assert_non_null(out);
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    const uint64_t before = mb_runtime_allocations(mb_context_runtime(ctx));
    mb_plan_predict(plan, scratch, is_sparse ? &sparse : &dense, ROWS, &out);
    assert_int_equal(mb_runtime_allocations(mb_context_runtime(ctx)), before);
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
    return out;
}

static void compare_predictions(const network *net, uint32_t cpu, const float *poison) {
    mb_test_world world;
    mb_model *model = NULL;
    column hits;
    char what[160];
    mb_test_world_open(&world, 1, cpu);
    build(world.ctx, net, &model);
    if (poison != NULL) {
        model->parameters[model->weights[0]->count / 2] = *poison;
    }
    make_column(&hits, mb_value_size(&net->input));
    float *sparse = predict(world.ctx, model, &hits, true);
    float *dense = predict(world.ctx, model, &hits, false);
    snprintf(what, sizeof what, "%s, instruction sets %u", net->name, (unsigned)cpu);
    assert_equal(sparse, dense, ROWS * mb_value_size(&model->values[model->outputs[0]].type), what);
    free(sparse);
    free(dense);
    free_column(&hits);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void test_sparse__predictions_have_the_bits_of_dense_rows(void **state) {
    (void)state;
    static const uint32_t masks[] = {0, MB_CPU_AVX2, MB_CPU_ALL};
    for (size_t m = 0; m < MB_COUNT_OF(masks); m++) {
        for (size_t i = 0; i < MB_COUNT_OF(networks); i++) {
            compare_predictions(&networks[i], masks[m], NULL);
        }
    }
}

static void test_sparse__weights_that_are_not_finite_take_the_dense_way(void **state) {
    (void)state;
    const float poisons[] = {INFINITY, NAN};
    for (size_t p = 0; p < MB_COUNT_OF(poisons); p++) {
        for (size_t i = 0; i < MB_COUNT_OF(networks); i++) {
            compare_predictions(&networks[i], MB_CPU_ALL, &poisons[p]);
        }
    }
}

// One hit in the middle of a grid, through two 3x3 convolutions of a channel with a 2x2 maximum
// behind the first: 9 products, then 3x3 or fewer windows of 4 cells are reached, and so on.
static void test_sparse__work_is_counted(void **state) {
    (void)state;
    static const network net = {"counted", {.rank = 3, .dim = {64, 64, 1}},
        {{"conv2d", "{\"filters\": 2, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"max_pooling2d", "{}"},
            {"conv2d", "{\"filters\": 3, \"kernel_size\": 3, \"padding\": \"same\"}"},
            {"flatten", "{}"}, {"dense", "{\"units\": 1}"}}};
    static const uint32_t offset[4] = {0, 0, 1, 2};
    static const uint32_t index[2] = {32 * 64 + 32, 0};
    static const float value[2] = {1, 2};
    const mb_input input = {NULL, NULL, offset, index, value};
    const bool is_sparse = true;
    const mb_plan_settings settings = {.max_rows = 3, .sparse_inputs = &is_sparse};
    const uint64_t dense = 32 * 32 * 3;
    // The hit at 32 reaches positions 31 to 33, cells 15 and 16, and of these 14 to 17; that in the
    // corner reaches two positions each way, cell 0, and of it 0 and 1.
    const uint64_t middle = 9 * 2 + 16 * 9 * 2 * 3;
    const uint64_t corner = 4 * 2 + 4 * 9 * 2 * 3;
    const uint64_t full = (64 * 64 * 9 * 2) + (32 * 32 * 9 * 2 * 3) + dense;
    mb_test_world world;
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    build(world.ctx, &net, &model);
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(world.ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    uint64_t done = 1;
    uint64_t all = 1;
    mb_plan_work(plan, scratch, &input, 0, &done, &all);
    assert_true(done == 0 && all == 0);
    mb_plan_work(plan, scratch, &input, 3, &done, &all);
    assert_int_equal(all, 3 * full);
    assert_int_equal(done, middle + corner + 3 * dense);
    model->parameters[0] = INFINITY; // then nothing is skipped
    mb_plan_load(plan, model->parameters);
    mb_plan_work(plan, scratch, &input, 3, &done, &all);
    assert_int_equal(done, all);
    mb_release(world.ctx, scratch);
    mb_plan_destroy(plan);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const size_t size = *(const size_t *)user;
    (void)outputs;
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t i = 0; i < size; i++) {
            d_outputs[0][r * size + i] =
                (float)((first_row + r) * size + i) / (float)(ROWS * size) - 0.4F;
        }
    }
}

static float *differentiate(
    const network *net, unsigned n_threads, uint32_t cpu, bool is_sparse, size_t *n_parameters) {
    mb_test_world world;
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    column hits;
    mb_test_world_open(&world, n_threads, cpu);
    build(world.ctx, net, &model);
    make_column(&hits, mb_value_size(&net->input));
    const mb_input input = {.dense = is_sparse ? NULL : hits.dense,
        .offset = hits.offset,
        .index = hits.index,
        .value = hits.value};
    const mb_plan_settings settings = {
        .is_training = true, .max_rows = ROWS, .sparse_inputs = &is_sparse};
    const mb_train_batch batch = {
        .inputs = &input, .n_rows = ROWS, .parameters = model->parameters};
    size_t size = mb_value_size(&model->values[model->outputs[0]].type);
    float *gradient = calloc(model->n_parameters, sizeof *gradient);
    assert_non_null(gradient);
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
    assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &batch, project, &size, gradient));
    const uint64_t before = mb_runtime_allocations(world.runtime);
    assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &batch, project, &size, gradient));
    assert_int_equal(mb_runtime_allocations(world.runtime), before);
    *n_parameters = model->n_parameters;
    mb_plan_destroy(plan);
    free_column(&hits);
    mb_model_destroy(model);
    mb_test_world_close(&world);
    return gradient;
}

static void test_sparse__gradients_are_those_of_dense_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < MB_COUNT_OF(networks); i++) {
        size_t n = 0;
        float *dense = differentiate(&networks[i], 1, MB_CPU_ALL, false, &n);
        float *sparse = differentiate(&networks[i], 1, MB_CPU_ALL, true, &n);
        double most = 0;
        for (size_t k = 0; k < n; k++) {
            most = fmax(most, fabs((double)dense[k]));
        }
        assert_true(most > 0);
        // Gradients by the bias of a normalised layer are what large sums leave of each other.
        mb_test_assert_close(sparse, dense, n, 6e-5 * most, 1e-4, networks[i].name);
        free(dense);
        free(sparse);
    }
}

static void test_sparse__gradients_do_not_depend_on_threads_or_instruction_sets(void **state) {
    (void)state;
    static const struct {
        unsigned n_threads;
        uint32_t cpu;
    } ways[] = {{2, 0}, {3, MB_CPU_AVX2}, {7, MB_CPU_ALL}};
    for (size_t i = 0; i < MB_COUNT_OF(networks); i++) {
        size_t n = 0;
        float *plain = differentiate(&networks[i], 1, 0, true, &n);
        for (size_t w = 0; w < MB_COUNT_OF(ways); w++) {
            float *other = differentiate(&networks[i], ways[w].n_threads, ways[w].cpu, true, &n);
            mb_test_assert_same_bits(other, plain, n, sizeof *plain, networks[i].name);
            free(other);
        }
        free(plain);
    }
}

// In training a normalised block is a step, as long as a hit reaches few of its positions.
static void test_sparse__normalised_blocks_are_steps(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t n_steps;
    } wanted[] = {{"normalised blocks of three dimensions", 2},
        {"normalised, nothing dropped or pooled", 2}, {"normalised blocks that pool a rest", 4},
        {"normalised blocks, dilated, not pooled", 2},
        {"normalised block, pooled, then a convolution", 3}};
    for (size_t w = 0; w < MB_COUNT_OF(wanted); w++) {
        for (size_t i = 0; i < MB_COUNT_OF(networks); i++) {
            if (strcmp(networks[i].name, wanted[w].name) != 0) {
                continue;
            }
            const bool is_sparse = true;
            const mb_plan_settings settings = {
                .is_training = true, .max_rows = ROWS, .sparse_inputs = &is_sparse};
            mb_test_world world;
            mb_model *model = NULL;
            mb_plan *plan = NULL;
            mb_test_world_open(&world, 1, MB_CPU_ALL);
            build(world.ctx, &networks[i], &model);
            assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
            if (plan->n_steps != wanted[w].n_steps) {
                fail_msg(
                    "%s: %zu steps, wanted %zu", wanted[w].name, plan->n_steps, wanted[w].n_steps);
            }
            mb_plan_destroy(plan);
            mb_model_destroy(model);
            mb_test_world_close(&world);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sparse__predictions_have_the_bits_of_dense_rows),
        cmocka_unit_test(test_sparse__weights_that_are_not_finite_take_the_dense_way),
        cmocka_unit_test(test_sparse__work_is_counted),
        cmocka_unit_test(test_sparse__gradients_are_those_of_dense_rows),
        cmocka_unit_test(test_sparse__normalised_blocks_are_steps),
        cmocka_unit_test(test_sparse__gradients_do_not_depend_on_threads_or_instruction_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
