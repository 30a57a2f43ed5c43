// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/sensitivity.h"

#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Gradients by inputs against finite differences of predictions.

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { SIDE = 6, SIZE = SIDE * SIDE, MOST_OUTPUTS = 8 };

static mb_model *make_model(unsigned rank, const size_t *dim, const char *const *chain) {
    mb_value_type type = {.rank = rank};
    memcpy(type.dim, dim, rank * sizeof *dim);
    mb_model *model = NULL;
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "chain", &model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "x", &type, &value));
    for (size_t i = 0; chain[2 * i] != NULL; i++) {
        char name[32];
        mb_layer *layer = NULL;
        snprintf(name, sizeof name, "layer%zu", i);
        assert_ok(world.ctx,
            case_add_layer(world.ctx, model, chain[2 * i], name, chain[2 * i + 1], &layer));
        assert_ok(world.ctx, mb_model_call(world.ctx, model, layer, &value, 1, &value));
    }
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, NULL, 0, &value, 1));
    for (size_t i = 0; i < model->n_layers; i++) {
        case_parameters(model, model->layers[i]->name, model->parameters);
    }
    return model;
}

// The sum over outputs, each times a factor of its own.
typedef struct projection {
    size_t n_outputs;
    float *seen;
} projection;

static float factor_of(size_t output) {
    return 1.0F - 0.25F * (float)output;
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const projection *p = user;
    for (size_t i = 0; i < n_rows * p->n_outputs; i++) {
        p->seen[first_row * p->n_outputs + i] = outputs[0][i];
        d_outputs[0][i] = factor_of(i % p->n_outputs);
    }
}

static double projected(const float *outputs, size_t n_outputs) {
    double sum = 0;
    for (size_t i = 0; i < n_outputs; i++) {
        sum += (double)outputs[i] * (double)factor_of(i);
    }
    return sum;
}

// Every number of a few rows moved up and down.
static void compare_with_differences(
    const mb_model *model, const float *rows, size_t n, const float *gradient) {
    const size_t size = mb_value_size(&model->values[model->inputs[0]].type);
    const size_t n_outputs = mb_value_size(&model->values[model->outputs[0]].type);
    const float step = 0.0078125F;
    float *moved = calloc(2 * size * size, sizeof *moved);
    float *outputs = calloc(2 * size * n_outputs, sizeof *outputs);
    assert_true(moved != NULL && outputs != NULL);
    for (size_t r = 0; r < n; r += n / 3 + 1) {
        for (size_t i = 0; i < 2 * size; i++) {
            memcpy(moved + i * size, rows + r * size, size * sizeof *moved);
            moved[i * size + i / 2] += i % 2 == 0 ? step : -step;
        }
        case_predict(world.ctx, model, moved, 2 * size, outputs);
        for (size_t i = 0; i < size; i++) {
            const double up = projected(outputs + 2 * i * n_outputs, n_outputs);
            const double down = projected(outputs + (2 * i + 1) * n_outputs, n_outputs);
            const double expected = (up - down) / (2 * (double)step);
            const double got = (double)gradient[r * size + i];
            if (fabs(got - expected) > 2e-3 * (1 + fabs(expected))) {
                fail_msg("row %zu, input %zu: gradient %g, difference %g", r, i, got, expected);
            }
        }
    }
    free(moved);
    free(outputs);
}

static void check(mb_model *model, size_t n) {
    const size_t size = mb_value_size(&model->values[model->inputs[0]].type);
    const size_t n_outputs = mb_value_size(&model->values[model->outputs[0]].type);
    float *rows = calloc(n * size, sizeof *rows);
    float *gradient = calloc(n * size, sizeof *gradient);
    float *seen = calloc(n * n_outputs, sizeof *seen);
    float *predicted = calloc(n * n_outputs, sizeof *predicted);
    assert_true(rows != NULL && gradient != NULL && seen != NULL && predicted != NULL);
    case_numbers(rows, n * size, 3);
    projection p = {n_outputs, seen};
    assert_ok(world.ctx,
        mb_sensitivity(world.ctx, model, model->parameters, rows, n, project, &p, gradient));
    case_predict(world.ctx, model, rows, n, predicted);
    assert_memory_equal(seen, predicted, n * n_outputs * sizeof *seen);
    compare_with_differences(model, rows, n, gradient);
    free(rows);
    free(gradient);
    free(seen);
    free(predicted);
    mb_model_destroy(model);
}

// Few rows are worked on as rows, many in lanes and in several batches.
static const size_t row_counts[] = {3, 1100};

static void test_sensitivity__equals_finite_differences(void **state) {
    (void)state;
    const char *const chain[] = {"conv2d",
        "{\"filters\": 3, \"kernel_size\": [3, 3], \"activation\": \"tanh\"}", "flatten", "{}",
        "dense", "{\"units\": 5, \"activation\": \"sigmoid\"}", "dense", "{\"units\": 2}", NULL};
    for (size_t i = 0; i < MB_COUNT_OF(row_counts); i++) {
        check(make_model(3, (const size_t[]){SIDE, SIDE, 1}, chain), row_counts[i]);
    }
}

static void test_sensitivity__is_of_the_network_as_it_predicts(void **state) {
    (void)state;
    const char *const chain[] = {"reshape", "{\"target_shape\": [6, 6, 1]}", "conv2d",
        "{\"filters\": 2, \"kernel_size\": [2, 2], \"strides\": [2, 2]}", "batch_normalization",
        "{}", "activation", "{\"activation\": \"tanh\"}", "spatial_dropout2d", "{\"rate\": 0.5}",
        "flatten", "{}", "dropout", "{\"rate\": 0.5}", "gaussian_noise", "{\"stddev\": 1.0}",
        "dense", "{\"units\": 4, \"activation\": \"softplus\"}", "gaussian_dropout",
        "{\"rate\": 0.3}", "dense", "{\"units\": 1}", NULL};
    for (size_t i = 0; i < MB_COUNT_OF(row_counts); i++) {
        mb_model *model = make_model(1, (const size_t[]){SIZE}, chain);
        // A variance must not be negative.
        const mb_weight *variance = mb_model_find_weight(model, "layer2", "moving_variance");
        assert_non_null(variance);
        for (size_t k = 0; k < variance->count; k++) {
            model->parameters[variance->offset + k] = 0.5F + 0.25F * (float)k;
        }
        check(model, row_counts[i]);
    }
}

static void test_sensitivity__of_an_autoencoder_reaches_every_number(void **state) {
    (void)state;
    const char *const chain[] = {"conv2d",
        "{\"filters\": 2, \"kernel_size\": [3, 3], \"padding\": \"same\", \"activation\": "
        "\"tanh\"}",
        "average_pooling2d", "{\"pool_size\": [2, 2]}", "up_sampling2d", "{\"size\": [2, 2]}",
        "conv2d", "{\"filters\": 1, \"kernel_size\": [3, 3], \"padding\": \"same\"}", NULL};
    for (size_t i = 0; i < MB_COUNT_OF(row_counts); i++) {
        check(make_model(3, (const size_t[]){SIDE, SIDE, 1}, chain), row_counts[i]);
    }
}

static void test_sensitivity__of_a_folded_normalisation_is_that_of_its_moving_averages(
    void **state) {
    (void)state;
    const char *const chain[] = {"q_dense_batchnorm",
        "{\"units\": 3, \"kernel_quantizer\": \"quantized_bits(8,1,1,alpha=1)\"}", "activation",
        "{\"activation\": \"tanh\"}", NULL};
    mb_model *model = make_model(1, (const size_t[]){SIZE}, chain);
    const mb_weight *variance = mb_model_find_weight(model, "layer0", "moving_variance");
    assert_non_null(variance);
    for (size_t k = 0; k < variance->count; k++) {
        model->parameters[variance->offset + k] = 0.5F + 0.25F * (float)k;
    }
    check(model, 3);
}

// A weight as quantized_bits(4,0,1,alpha=1) has it.
static double level_of(const mb_model *model, const mb_weight *kernel, size_t i, size_t o) {
    const double level = rint((double)model->parameters[kernel->offset + i * 3 + o] * 8);
    return fmax(-7, fmin(level, 7)) / 8;
}

static void test_sensitivity__goes_straight_through_quantisers(void **state) {
    (void)state;
    const char *const chain[] = {"dense",
        "{\"units\": 3, \"use_bias\": false, \"kernel_quantizer\": "
        "\"quantized_bits(4,0,1,alpha=1)\"}",
        "activation", "{\"activation\": \"quantized_relu(6,4)\"}", NULL};
    mb_model *model = make_model(1, (const size_t[]){SIZE}, chain);
    const mb_weight *kernel = mb_model_find_weight(model, "layer0", "kernel");
    assert_non_null(kernel);
    enum { N = 40 };
    static float rows[N * SIZE], gradient[N * SIZE], seen[N * 3];
    case_numbers(rows, N * SIZE, 5);
    projection p = {3, seen};
    assert_ok(world.ctx,
        mb_sensitivity(world.ctx, model, model->parameters, rows, N, project, &p, gradient));
    size_t n_passing = 0;
    for (size_t r = 0; r < N; r++) {
        double factor[3];
        for (size_t o = 0; o < 3; o++) {
            double sum = 0;
            for (size_t i = 0; i < SIZE; i++) {
                sum += (double)rows[r * SIZE + i] * level_of(model, kernel, i, o);
            }
            // Between the ends of its range the activation passes everything.
            factor[o] = sum > 0 && sum < 15.75 ? (double)factor_of(o) : 0;
            n_passing += factor[o] != 0 ? 1 : 0;
        }
        for (size_t i = 0; i < SIZE; i++) {
            double expected = 0;
            for (size_t o = 0; o < 3; o++) {
                expected += level_of(model, kernel, i, o) * factor[o];
            }
            if (fabs(expected - (double)gradient[r * SIZE + i]) > 1e-6) {
                fail_msg("row %zu, input %zu: gradient %g, expected %g", r, i,
                    (double)gradient[r * SIZE + i], expected);
            }
        }
    }
    assert_true(n_passing > N / 4);
    mb_model_destroy(model);
}

static void test_sensitivity__refuses_several_inputs(void **state) {
    (void)state;
    const mb_value_type type = {.rank = 1, .dim = {4}};
    mb_model *model = NULL;
    mb_layer *layer = NULL;
    size_t values[2];
    size_t output = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "two", &model));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "a", &type, &values[0]));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "b", &type, &values[1]));
    assert_ok(world.ctx, case_add_layer(world.ctx, model, "concatenate", "c", "{}", &layer));
    assert_ok(world.ctx, mb_model_call(world.ctx, model, layer, values, 2, &output));
    assert_ok(world.ctx, mb_model_finish(world.ctx, model, NULL, 0, &output, 1));
    const float row[4] = {0};
    float gradient[4];
    assert_fails(world.ctx,
        mb_sensitivity(world.ctx, model, model->parameters, row, 1, project, NULL, gradient),
        MB_ERR_SHAPE, "2 inputs");
    mb_model_destroy(model);
}

static void ask_ones(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    (void)user;
    (void)first_row;
    (void)outputs;
    for (size_t i = 0; i < 2 * n_rows; i++) {
        d_outputs[0][i] = 1;
    }
}

static mb_status differentiate(void *user, mb_context *ctx) {
    const mb_model *model = user;
    const float rows[2 * SIZE] = {0};
    float gradient[2 * SIZE];
    return mb_sensitivity(ctx, model, model->parameters, rows, 2, ask_ones, NULL, gradient);
}

static void test_sensitivity__survives_lack_of_memory(void **state) {
    (void)state;
    const char *const chain[] = {"dense", "{\"units\": 3}", "dense", "{\"units\": 2}", NULL};
    mb_model *model = make_model(1, (const size_t[]){SIZE}, chain);
    assert_true(mb_test_each_lack_of_memory(differentiate, model) > 5);
    mb_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sensitivity__equals_finite_differences),
        cmocka_unit_test(test_sensitivity__is_of_the_network_as_it_predicts),
        cmocka_unit_test(test_sensitivity__of_an_autoencoder_reaches_every_number),
        cmocka_unit_test(
            test_sensitivity__of_a_folded_normalisation_is_that_of_its_moving_averages),
        cmocka_unit_test(test_sensitivity__goes_straight_through_quantisers),
        cmocka_unit_test(test_sensitivity__refuses_several_inputs),
        cmocka_unit_test(test_sensitivity__survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
