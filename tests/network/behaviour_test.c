// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// What layers do beyond a formula: ties, statistics, random numbers, storage orders, refusals.

MB_TEST_WORLD(2, MB_CPU_ALL)

// A chain of layers, each on what the one before gave: kind and options alternate, up to NULL.
static void build_chain(const mb_value_type *input, const char *const *chain, mb_model **model) {
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "chain", model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, *model, "x", input, &value));
    for (size_t i = 0; chain[2 * i] != NULL; i++) {
        char name[32];
        mb_layer *layer = NULL;
        snprintf(name, sizeof name, "layer%zu", i);
        assert_ok(world.ctx,
            case_add_layer(world.ctx, *model, chain[2 * i], name, chain[2 * i + 1], &layer));
        assert_ok(world.ctx, mb_model_call(world.ctx, *model, layer, &value, 1, &value));
    }
    assert_ok(world.ctx, mb_model_finish(world.ctx, *model, NULL, 0, &value, 1));
    for (size_t i = 0; i < (*model)->n_layers; i++) {
        case_parameters(*model, (*model)->layers[i]->name, (*model)->parameters);
    }
}

// A batch seen by a loss that is the sum of the outputs times factors (NULL: ones).
typedef struct batch {
    const float *rows, *factors;
    size_t n_rows, out_size;
    uint64_t seed;
    uint32_t step;
    float *outputs, *gradient;
} batch;

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const batch *b = user;
    for (size_t i = 0; i < n_rows * b->out_size; i++) {
        const size_t place = first_row * b->out_size + i;
        b->outputs[place] = outputs[0][i];
        d_outputs[0][i] = b->factors == NULL ? 1.0F : b->factors[place];
    }
}

// Trains one step on a model: outputs, gradient and parameters (moved in place) are the results.
static void train(mb_model *model, batch *b) {
    const mb_plan_settings settings = {.is_training = true, .max_rows = b->n_rows};
    const mb_input input = {.dense = b->rows};
    const mb_train_batch train_batch = {.inputs = &input,
        .n_rows = b->n_rows,
        .seed = b->seed,
        .step = b->step,
        .parameters = model->parameters};
    mb_plan *plan = NULL;
    b->out_size = mb_value_size(&model->values[model->outputs[0]].type);
    b->outputs = calloc(b->n_rows * b->out_size, sizeof *b->outputs);
    b->gradient = calloc(model->n_parameters + 1, sizeof *b->gradient);
    assert_true(b->outputs != NULL && b->gradient != NULL);
    assert_ok(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan));
    assert_ok(world.ctx, mb_plan_reserve(world.ctx, plan));
    mb_plan_load(plan, model->parameters);
    assert_ok(world.ctx, mb_plan_gradient(world.ctx, plan, &train_batch, project, b, b->gradient));
    mb_plan_destroy(plan);
}

static void free_batch(batch *b) {
    free(b->outputs);
    free(b->gradient);
}

enum { ROWS = 37, POSITIONS = 6, CHANNELS = 5 };

static void check_normalization(const char *options, double momentum, bool is_unbiased) {
    const mb_value_type type = {.rank = 2, .dim = {POSITIONS, CHANNELS}};
    const char *chain[] = {"batch_normalization", options, NULL};
    mb_model *model = NULL;
    float rows[ROWS * POSITIONS * CHANNELS];
    float before[4 * CHANNELS];
    build_chain(&type, chain, &model);
    case_numbers(rows, MB_COUNT_OF(rows), 6);
    memcpy(before, model->parameters, sizeof before);
    batch b = {.rows = rows, .n_rows = ROWS};
    train(model, &b);
    const double count = ROWS * POSITIONS;
    for (size_t c = 0; c < CHANNELS; c++) {
        double mean = 0;
        double variance = 0;
        for (size_t i = c; i < MB_COUNT_OF(rows); i += CHANNELS) {
            mean += (double)rows[i] / count;
        }
        for (size_t i = c; i < MB_COUNT_OF(rows); i += CHANNELS) {
            variance += ((double)rows[i] - mean) * ((double)rows[i] - mean) / count;
        }
        for (size_t i = c; i < MB_COUNT_OF(rows); i += CHANNELS) {
            const double wanted =
                ((double)rows[i] - mean) / sqrt(variance + 0.001) * (double)before[c] +
                (double)before[CHANNELS + c];
            assert_true(fabs((double)b.outputs[i] - wanted) < 3e-6);
        }
        const double moved = is_unbiased ? variance * count / (count - 1) : variance;
        const double wanted_mean =
            (double)before[2 * CHANNELS + c] * momentum + mean * (1 - momentum);
        const double wanted_variance =
            (double)before[3 * CHANNELS + c] * momentum + moved * (1 - momentum);
        assert_true(fabs((double)model->parameters[2 * CHANNELS + c] - wanted_mean) < 1e-6);
        assert_true(fabs((double)model->parameters[3 * CHANNELS + c] - wanted_variance) < 1e-6);
    }
    mb_test_assert_same_bits(
        model->parameters, before, 2 * CHANNELS, sizeof *before, "gamma, beta");
    free_batch(&b);
    mb_model_destroy(model);
}

static void test_behaviour__normalization_takes_and_keeps_batch_statistics(void **state) {
    (void)state;
    check_normalization("{\"momentum\": 0.75}", 0.75, false);
    check_normalization("{\"momentum\": 0.5, \"unbiased_variance\": true}", 0.5, true);
}

static void test_behaviour__two_normalizations_see_each_others_statistics(void **state) {
    (void)state;
    // Normalised numbers are their own normalisation, but for epsilon.
    const mb_value_type type = {.rank = 2, .dim = {POSITIONS, CHANNELS}};
    const char *plain = "{\"center\": false, \"scale\": false, \"epsilon\": 1e-9}";
    const char *once[] = {"batch_normalization", plain, NULL};
    const char *twice[] = {"batch_normalization", plain, "batch_normalization", plain, NULL};
    mb_model *models[2] = {NULL, NULL};
    float rows[ROWS * POSITIONS * CHANNELS];
    case_numbers(rows, MB_COUNT_OF(rows), 7);
    build_chain(&type, once, &models[0]);
    build_chain(&type, twice, &models[1]);
    batch a = {.rows = rows, .n_rows = ROWS};
    batch b = a;
    train(models[0], &a);
    train(models[1], &b);
    mb_test_assert_close(b.outputs, a.outputs, MB_COUNT_OF(rows), 1e-5, 0, "normalised twice");
    free_batch(&a);
    free_batch(&b);
    mb_model_destroy(models[0]);
    mb_model_destroy(models[1]);
}

static size_t count_zeros(const float *values, size_t n) {
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++) {
        zeros += values[i] == 0;
    }
    return zeros;
}

static void test_behaviour__dropout_drops_the_rate_and_scales_the_rest(void **state) {
    (void)state;
    enum { SIZE = 500, N = 20 };
    const mb_value_type type = {.rank = 1, .dim = {SIZE}};
    const char *chain[] = {"dropout", "{\"rate\": 0.2}", NULL};
    mb_model *model = NULL;
    float rows[N * SIZE];
    for (size_t i = 0; i < MB_COUNT_OF(rows); i++) {
        rows[i] = 1;
    }
    build_chain(&type, chain, &model);
    batch a = {.rows = rows, .n_rows = N, .seed = 1};
    batch again = a;
    batch other_step = {.rows = rows, .n_rows = N, .seed = 1, .step = 1};
    batch other_seed = {.rows = rows, .n_rows = N, .seed = 2};
    train(model, &a);
    train(model, &again);
    train(model, &other_step);
    train(model, &other_seed);
    const double fraction =
        (double)count_zeros(a.outputs, N * SIZE) / (double)(N * SIZE); // sigma 0.004
    assert_true(fabs(fraction - 0.2) < 0.016);
    for (size_t i = 0; i < N * SIZE; i++) {
        assert_true(a.outputs[i] == 0 || a.outputs[i] == 1.25F);
    }
    mb_test_assert_same_bits(again.outputs, a.outputs, N * SIZE, sizeof(float), "same seed");
    for (size_t r = 0; r < N; r++) {
        for (size_t other = 0; other < r; other++) {
            assert_true(
                memcmp(a.outputs + r * SIZE, a.outputs + other * SIZE, SIZE * sizeof(float)) != 0);
        }
    }
    assert_true(memcmp(a.outputs, other_step.outputs, SIZE * sizeof(float)) != 0);
    assert_true(memcmp(a.outputs, other_seed.outputs, SIZE * sizeof(float)) != 0);
    free_batch(&a);
    free_batch(&again);
    free_batch(&other_step);
    free_batch(&other_seed);
    mb_model_destroy(model);
}

static void test_behaviour__layers_of_dropout_draw_for_themselves(void **state) {
    (void)state;
    enum { SIZE = 2000 };
    const mb_value_type type = {.rank = 1, .dim = {SIZE}};
    const char *chain[] = {"dropout", "{\"rate\": 0.5}", "dropout", "{\"rate\": 0.5}", NULL};
    mb_model *model = NULL;
    float rows[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        rows[i] = 1;
    }
    build_chain(&type, chain, &model);
    batch b = {.rows = rows, .n_rows = 1, .seed = 3};
    train(model, &b);
    const double kept = 1 - (double)count_zeros(b.outputs, SIZE) / SIZE;
    assert_true(fabs(kept - 0.25) < 0.04); // the same draws would keep a half
    free_batch(&b);
    mb_model_destroy(model);
}

static void test_behaviour__spatial_dropout_drops_whole_channels(void **state) {
    (void)state;
    const mb_value_type type = {.rank = 3, .dim = {64, 3, 5}};
    const char *chain[] = {
        "spatial_dropout2d", "{\"rate\": 0.5, \"data_format\": \"channels_first\"}", NULL};
    mb_model *model = NULL;
    float rows[64 * 15];
    for (size_t i = 0; i < MB_COUNT_OF(rows); i++) {
        rows[i] = 1;
    }
    build_chain(&type, chain, &model);
    batch b = {.rows = rows, .n_rows = 1, .seed = 3};
    train(model, &b);
    size_t dropped = 0;
    for (size_t c = 0; c < 64; c++) {
        const size_t zeros = count_zeros(b.outputs + c * 15, 15);
        assert_true(zeros == 0 || zeros == 15);
        dropped += zeros == 15;
    }
    assert_true(dropped > 16 && dropped < 48);
    free_batch(&b);
    mb_model_destroy(model);
}

static void test_behaviour__noise_has_its_deviation(void **state) {
    (void)state;
    enum { SIZE = 4000 };
    const mb_value_type type = {.rank = 1, .dim = {SIZE}};
    const char *chains[][3] = {{"gaussian_noise", "{\"stddev\": 0.5}", NULL},
        {"gaussian_dropout", "{\"rate\": 0.2}", NULL}}; // sqrt(0.2 / 0.8) = 0.5
    float rows[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        rows[i] = 1;
    }
    for (size_t k = 0; k < 2; k++) {
        mb_model *model = NULL;
        double sum = 0;
        double sum_of_squares = 0;
        build_chain(&type, chains[k], &model);
        batch b = {.rows = rows, .n_rows = 1, .seed = 4};
        train(model, &b);
        for (size_t i = 0; i < SIZE; i++) {
            sum += (double)b.outputs[i] - 1;
            sum_of_squares += ((double)b.outputs[i] - 1) * ((double)b.outputs[i] - 1);
        }
        assert_true(fabs(sum / SIZE) < 0.04);
        assert_true(fabs(sqrt(sum_of_squares / SIZE) - 0.5) < 0.03);
        free_batch(&b);
        mb_model_destroy(model);
    }
}

// Equal numbers everywhere, made by a dense layer without kernel whose bias's gradient is looked
// at.
static void tie(const char *const *chain, size_t n_inputs, const mb_value_type *type,
    float *gradient, size_t n) {
    layer_case c = {.n_inputs = n_inputs};
    mb_model *model = NULL;
    const float rows[3] = {0, 0, 0};
    snprintf(c.kind, sizeof c.kind, "%s", chain[0]);
    snprintf(c.options, sizeof c.options, "%s", chain[1]);
    for (size_t i = 0; i < n_inputs; i++) {
        c.inputs[i] = *type;
    }
    case_source_model(world.ctx, &c, &model);
    batch b = {.rows = rows, .n_rows = 1};
    train(model, &b);
    for (size_t i = 0; i < n_inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "source%zu", i);
        memcpy(gradient + i * n, b.gradient + mb_model_find_weight(model, name, "bias")->offset,
            n * sizeof *gradient);
    }
    free_batch(&b);
    mb_model_destroy(model);
}

static void test_behaviour__of_equal_numbers_the_first_gets_the_gradient(void **state) {
    (void)state;
    static const char *const merges[][2] = {{"maximum", "{}"}, {"minimum", "{}"}};
    static const char *const pools[][2] = {{"max_pooling1d", "{\"pool_size\": 2}"},
        {"max_pooling1d", "{\"pool_size\": 3, \"strides\": 2, \"padding\": \"same\"}"},
        {"global_max_pooling1d", "{}"}};
    static const float wanted_pools[][4] = {{1, 0, 1, 0}, {1, 0, 1, 0}, {1, 0, 0, 0}};
    const mb_value_type two = {.rank = 1, .dim = {2}};
    const mb_value_type row = {.rank = 2, .dim = {4, 1}};
    for (size_t i = 0; i < MB_COUNT_OF(merges); i++) {
        static const float wanted[6] = {1, 1, 0, 0, 0, 0};
        float gradient[6];
        tie(merges[i], 3, &two, gradient, 2);
        mb_test_assert_same_bits(gradient, wanted, 6, sizeof(float), merges[i][0]);
    }
    for (size_t i = 0; i < MB_COUNT_OF(pools); i++) {
        float gradient[4];
        tie(pools[i], 1, &row, gradient, 4);
        mb_test_assert_same_bits(gradient, wanted_pools[i], 4, sizeof(float), pools[i][0]);
    }
}

static void test_behaviour__padding_never_wins_a_maximum(void **state) {
    (void)state;
    const mb_value_type type = {.rank = 2, .dim = {5, 2}};
    const char *chain[] = {
        "max_pooling1d", "{\"pool_size\": 4, \"strides\": 1, \"padding\": \"same\"}", NULL};
    mb_model *model = NULL;
    float rows[10];
    float out[10];
    for (size_t i = 0; i < 10; i++) {
        rows[i] = -1 - (float)i;
    }
    build_chain(&type, chain, &model);
    case_predict(world.ctx, model, rows, 1, out);
    static const float wanted[10] = {-1, -2, -1, -2, -3, -4, -5, -6, -7, -8};
    mb_test_assert_same_bits(out, wanted, 10, sizeof(float), "maxima of negative numbers");
    mb_model_destroy(model);
}

#define FIRST "\"data_format\": \"channels_first\""

static void test_behaviour__a_rectifier_of_minus_infinity_is_zero(void **state) {
    (void)state;
    const mb_value_type type = {.rank = 1, .dim = {4}};
    const float rows[4] = {-INFINITY, -2, 0, 3};
    const float wanted[4] = {0, 0, 0, 3};
    const char *const chains[][3] = {{"re_lu", "{}", NULL}, {"re_lu", "{\"max_value\": [6]}", NULL},
        {"activation", "{\"activation\": \"relu\"}", NULL}};
    for (size_t i = 0; i < MB_COUNT_OF(chains); i++) {
        mb_model *model = NULL;
        float out[4] = {9, 9, 9, 9};
        build_chain(&type, chains[i], &model);
        case_predict(world.ctx, model, rows, 1, out);
        mb_test_assert_same_bits(out, wanted, 4, sizeof *out, chains[i][0]);
        mb_model_destroy(model);
    }
}

static void test_behaviour__storage_order_changes_no_bit(void **state) {
    (void)state;
    // A chain written channels first, and the same with channels last between two permutations.
    const mb_value_type type = {.rank = 3, .dim = {3, 11, 9}};
    const char *first[] = {"conv2d",
        "{\"filters\": 4, \"kernel_size\": 3, \"padding\": \"same\", " FIRST "}",
        "batch_normalization", "{\"axis\": 1}", "re_lu", "{\"max_value\": 1.5}",
        "average_pooling2d", "{\"pool_size\": 2, \"padding\": \"same\", " FIRST "}", "dropout",
        "{\"rate\": 0.5}", "separable_conv2d", "{\"filters\": 3, \"kernel_size\": 2, " FIRST "}",
        "zero_padding2d", "{\"padding\": 1, " FIRST "}", "conv2d_transpose",
        "{\"filters\": 2, \"kernel_size\": 3, \"strides\": 2, " FIRST "}", "softmax",
        "{\"axis\": 1}", NULL};
    const char *last[] = {"permute", "{\"dims\": [2, 3, 1]}", "conv2d",
        "{\"filters\": 4, \"kernel_size\": 3, \"padding\": \"same\"}", "batch_normalization", "{}",
        "re_lu", "{\"max_value\": 1.5}", "average_pooling2d",
        "{\"pool_size\": 2, \"padding\": \"same\"}", "dropout", "{\"rate\": 0.5}",
        "separable_conv2d", "{\"filters\": 3, \"kernel_size\": 2}", "zero_padding2d",
        "{\"padding\": 1}", "conv2d_transpose",
        "{\"filters\": 2, \"kernel_size\": 3, \"strides\": 2}", "softmax", "{}", "permute",
        "{\"dims\": [3, 1, 2]}", NULL};
    mb_model *models[2] = {NULL, NULL};
    build_chain(&type, first, &models[0]);
    build_chain(&type, last, &models[1]);
    const size_t size = mb_value_size(&models[0]->values[models[0]->outputs[0]].type);
    float rows[2 * 3 * 11 * 9];
    case_numbers(rows, MB_COUNT_OF(rows), 9);
    float *a = calloc(2 * size, sizeof *a);
    float *b = calloc(2 * size, sizeof *b);
    assert_true(a != NULL && b != NULL);
    assert_int_equal(models[0]->n_parameters, models[1]->n_parameters);
    case_predict(world.ctx, models[0], rows, 2, a);
    case_predict(world.ctx, models[1], rows, 2, b);
    mb_test_assert_same_bits(a, b, 2 * size, sizeof *a, "channels first and last");
    free(a);
    free(b);
    mb_model_destroy(models[0]);
    mb_model_destroy(models[1]);
}

static void refuse(const char *kind, const char *options, const mb_value_type *input,
    mb_status status, const char *part) {
    mb_model *model = NULL;
    mb_layer *layer = NULL;
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "refused", &model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "x", input, &value));
    mb_status got = case_add_layer(world.ctx, model, kind, "bad", options, &layer);
    if (got == MB_OK) {
        got = mb_model_call(world.ctx, model, layer, &value, 1, &value);
    }
    assert_fails(world.ctx, got, status, part);
    mb_model_destroy(model);
}

static void test_behaviour__what_cannot_be_is_refused_by_name(void **state) {
    (void)state;
    const mb_value_type row = {.rank = 1, .dim = {12}};
    const mb_value_type line = {.rank = 2, .dim = {7, 3}};
    const mb_value_type grid = {.rank = 3, .dim = {5, 4, 3}};
    refuse("up_sampling2d", "{\"interpolation\": \"bilinear\"}", &grid, MB_ERR_UNSUPPORTED,
        "layer bad: interpolation bilinear is not offered");
    refuse("batch_normalization", "{\"axis\": 2}", &grid, MB_ERR_UNSUPPORTED, "axis 2");
    refuse("batch_normalization", "{\"axis\": 4}", &grid, MB_ERR_UNSUPPORTED, "axis 4");
    refuse("softmax", "{\"axis\": 2}", &row, MB_ERR_SHAPE, "axis 2 is not one of a row's");
    refuse("reshape", "{\"target_shape\": [5, -1]}", &row, MB_ERR_SHAPE, "12 numbers");
    refuse("reshape", "{\"target_shape\": [-1, -1]}", &row, MB_ERR_SHAPE, "-1 at most once");
    refuse("reshape", "{\"target_shape\": [3, 0]}", &row, MB_ERR_SHAPE, "'0'");
    refuse("reshape", "{\"target_shape\": [1,1,1,1,1,12]}", &row, MB_ERR_SHAPE, "more than 5");
    refuse("permute", "{\"dims\": [1, 1, 2]}", &grid, MB_ERR_SHAPE, "each of the row's 3 axes");
    refuse("slice", "{\"begin\": [3], \"end\": [13]}", &row, MB_ERR_SHAPE, "length 12");
    refuse("slice", "{\"begin\": [1, 2]}", &grid, MB_ERR_SHAPE, "begin has 2 numbers");
    refuse("gather_index", "{\"indices\": [0, 12]}", &row, MB_ERR_RANGE, "'12'");
    refuse("gather_index", "{\"indices\": 3}", &row, MB_ERR_FORMAT, "no list");
    refuse("gather_index", "{\"indices\": []}", &row, MB_ERR_SHAPE, "empty");
    refuse("cropping2d", "{\"cropping\": [1, 2]}", &grid, MB_ERR_SHAPE, "leaves nothing");
    refuse("zero_padding2d", "{\"padding\": [1, 2, 3]}", &grid, MB_ERR_FORMAT, "3 entries");
    refuse("zero_padding2d", "{\"padding\": [[1, 2], [-1, 0]]}", &grid, MB_ERR_FORMAT, "'-1'");
    refuse("average_pooling2d", "{\"pool_size\": 6}", &grid, MB_ERR_SHAPE, "empty");
    refuse("average_pooling2d", "{\"pool_size\": [1, 2, 3]}", &grid, MB_ERR_SHAPE, "pool_size");
    refuse("average_pooling1d", "{\"padding\": \"causal\"}", &line, MB_ERR_UNSUPPORTED, "causal");
    refuse("global_max_pooling1d", "{}", &grid, MB_ERR_SHAPE, "1 spatial dimensions");
    refuse("conv2d_transpose",
        "{\"filters\": 1, \"kernel_size\": 2, \"strides\": 2, \"output_padding\": 2}", &grid,
        MB_ERR_RANGE, "output_padding 2 is not below the stride 2");
    refuse("conv2d_transpose",
        "{\"filters\": 1, \"kernel_size\": 2, \"strides\": 2, \"padding\": \"same\", "
        "\"output_padding\": 0}",
        &grid, MB_ERR_SHAPE, "change output_padding");
    refuse("conv2d_transpose",
        "{\"filters\": 1, \"kernel_size\": 2, \"activation\": \"softmax\", " FIRST "}", &grid,
        MB_ERR_UNSUPPORTED, "softmax");
    refuse("separable_conv2d",
        "{\"filters\": 1, \"kernel_size\": 2, \"strides\": 2, \"dilation_rate\": 2}", &grid,
        MB_ERR_UNSUPPORTED, "dilation_rate");
    refuse("depthwise_conv2d", "{\"kernel_size\": 2, \"activation\": \"rellu\"}", &grid,
        MB_ERR_UNSUPPORTED, "relu");
    refuse("dropout", "{\"rate\": 1.5}", &row, MB_ERR_FORMAT, "rate");
    refuse("re_lu", "{\"max_value\": [1, 2]}", &row, MB_ERR_SHAPE, "max_value has 2");
    refuse("add", "{}", &row, MB_ERR_SHAPE, "at least 2");
}

static void test_behaviour__merges_refuse_other_shapes(void **state) {
    (void)state;
    const mb_value_type types[2] = {{.rank = 2, .dim = {3, 4}}, {.rank = 2, .dim = {4, 3}}};
    mb_model *model = NULL;
    mb_layer *layer = NULL;
    size_t values[2];
    size_t output = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "refused", &model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "a", &types[0], &values[0]));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "b", &types[1], &values[1]));
    assert_ok(world.ctx, case_add_layer(world.ctx, model, "add", "sum", "{}", &layer));
    assert_fails(world.ctx, mb_model_call(world.ctx, model, layer, values, 2, &output),
        MB_ERR_SHAPE, "layer sum: inputs have shapes (3, 4) and (4, 3)");
    mb_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behaviour__normalization_takes_and_keeps_batch_statistics),
        cmocka_unit_test(test_behaviour__two_normalizations_see_each_others_statistics),
        cmocka_unit_test(test_behaviour__dropout_drops_the_rate_and_scales_the_rest),
        cmocka_unit_test(test_behaviour__layers_of_dropout_draw_for_themselves),
        cmocka_unit_test(test_behaviour__spatial_dropout_drops_whole_channels),
        cmocka_unit_test(test_behaviour__noise_has_its_deviation),
        cmocka_unit_test(test_behaviour__of_equal_numbers_the_first_gets_the_gradient),
        cmocka_unit_test(test_behaviour__padding_never_wins_a_maximum),
        cmocka_unit_test(test_behaviour__a_rectifier_of_minus_infinity_is_zero),
        cmocka_unit_test(test_behaviour__storage_order_changes_no_bit),
        cmocka_unit_test(test_behaviour__what_cannot_be_is_refused_by_name),
        cmocka_unit_test(test_behaviour__merges_refuse_other_shapes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
