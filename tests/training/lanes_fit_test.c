// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"
#include "files/yaml.h"
#include "problem.h"

// A network small enough for samples in lanes, trained from rows that stay in the dataset, and from
// numbers of another type, which are gathered.

enum { ROWS = 700, NUMBERS = 21, N_TRAIN = 600 };

// The loss in lanes and the one that takes rows.
static const char *const train_texts[] = {
    "{loss: categorical_crossentropy, optimizer: adam, metrics: [accuracy, auc], batch: 256, "
    "epochs: 3, validation: 0, sample_weight: weight}",
    "{loss: sparse_categorical_crossentropy, optimizer: adam, metrics: [accuracy, auc], batch: "
    "256, epochs: 3, validation: 0, sample_weight: weight}"};

static void fill(mb_dataset *dataset, mb_context *ctx, mb_dtype dtype, bool has_labels) {
    mb_random random = mb_random_stream(3, MB_PURPOSE_TEST, 0, 0);
    mb_dataset_init(dataset, ctx);
    assert_ok(ctx, mb_dataset_set_rows(dataset, ctx, ROWS));
    float *target = problem_add_dense(dataset, ctx, "target", MB_ROLE_TARGET, has_labels ? 1 : 2);
    float *weight = problem_add_dense(dataset, ctx, "weight", MB_ROLE_EXTRA, 1);
    float *x = problem_add_dense(dataset, ctx, "x", MB_ROLE_INPUT, NUMBERS);
    for (size_t i = 0; i < (size_t)ROWS * NUMBERS; i++) {
        x[i] = (float)mb_random_below(&random, 9);
    }
    for (size_t i = 0; i < ROWS; i++) {
        const size_t label = x[i * NUMBERS] > 4 ? 1 : 0;
        if (has_labels) {
            target[i] = (float)label;
        } else {
            target[2 * i + label] = 1;
        }
        weight[i] = 0.5F + (float)(i % 7);
    }
    if (dtype == MB_U16) {
        mb_column *column = &dataset->columns[2];
        const size_t shape[] = {ROWS, NUMBERS};
        mb_array integers;
        assert_string_equal(column->name, "x");
        assert_ok(ctx, mb_array_init(&integers, ctx, MB_U16, 2, shape));
        for (size_t i = 0; i < (size_t)ROWS * NUMBERS; i++) {
            ((uint16_t *)integers.data)[i] = (uint16_t)x[i];
        }
        mb_array_clear(&column->dense);
        column->dense = integers;
        column->dtype = MB_U16;
    }
}

// The trained parameters, and the figures of all epochs but for seconds.
typedef struct outcome {
    float parameters[512];
    double figures[64];
    size_t n_parameters, n_figures;
} outcome;

static void fit(unsigned n_threads, uint32_t cpu, mb_dtype dtype, bool has_labels, outcome *out) {
    const char *text = train_texts[has_labels ? 1 : 0];
    mb_test_world world;
    mb_document document;
    mb_dataset dataset;
    mb_train train;
    mb_model *model = NULL;
    mb_fit_result result;
    uint32_t rows[ROWS];
    memset(out, 0, sizeof *out);
    mb_test_world_open(&world, n_threads, cpu);
    assert_ok(world.ctx, mb_yaml_parse(world.ctx, "s", text, strlen(text), &document));
    assert_ok(world.ctx, mb_train_read(world.ctx, &document, document.root, &train));
    fill(&dataset, world.ctx, dtype, has_labels);
    problem_dense_model(world.ctx, &document, NUMBERS, 2, 0.0, &model);
    assert_ok(world.ctx, mb_model_initialize(world.ctx, model, 5, model->parameters));
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = (i * 13) % ROWS;
    }
    const mb_fit_request request = {.model = model,
        .parameters = model->parameters,
        .dataset = &dataset,
        .train_rows = rows,
        .validation_rows = rows + N_TRAIN,
        .n_train = N_TRAIN,
        .n_validation = ROWS - N_TRAIN,
        .train = &train,
        .seed = 5};
    assert_ok(world.ctx, mb_fit(world.ctx, &request, &result));
    assert_true(model->n_parameters <= MB_COUNT_OF(out->parameters));
    assert_true(result.n_epochs * result.n_columns <= MB_COUNT_OF(out->figures));
    out->n_parameters = model->n_parameters;
    memcpy(out->parameters, result.last, model->n_parameters * sizeof(float));
    for (size_t i = 0; i < result.n_epochs * result.n_columns; i++) {
        if (i % result.n_columns + 1 < result.n_columns) {
            out->figures[out->n_figures++] = result.history[i];
        }
    }
    mb_fit_result_clear(&result);
    mb_model_destroy(model);
    mb_dataset_clear(&dataset);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void compare(const outcome *got, const outcome *wanted, const char *what) {
    assert_int_equal(got->n_figures, wanted->n_figures);
    mb_test_assert_same_bits(
        got->parameters, wanted->parameters, wanted->n_parameters, sizeof(float), what);
    mb_test_assert_same_bits(
        got->figures, wanted->figures, wanted->n_figures, sizeof(double), what);
}

static void test_lanes_fit__rows_that_stay_train_as_gathered_ones(void **state) {
    static outcome left, gathered;
    (void)state;
    fit(1, MB_CPU_ALL, MB_F32, false, &left);
    fit(1, MB_CPU_ALL, MB_U16, false, &gathered);
    assert_true(left.figures[0] > 0.0);
    compare(&gathered, &left, "gathered rows");
}

static void test_lanes_fit__neither_threads_nor_instruction_sets_change_a_bit(void **state) {
    static outcome wanted, got;
    (void)state;
    fit(1, 0, MB_F32, false, &wanted);
    fit(3, MB_CPU_ALL, MB_F32, false, &got);
    compare(&got, &wanted, "three threads, all instruction sets");
    fit(2, MB_CPU_AVX2, MB_F32, false, &got);
    compare(&got, &wanted, "two threads, AVX2");
}

static void test_lanes_fit__a_loss_in_lanes_trains_as_one_that_takes_rows(void **state) {
    static outcome lanes, rows;
    (void)state;
    fit(1, MB_CPU_ALL, MB_F32, false, &lanes);
    fit(1, MB_CPU_ALL, MB_F32, true, &rows);
    compare(&lanes, &rows, "a loss in lanes");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_fit__rows_that_stay_train_as_gathered_ones),
        cmocka_unit_test(test_lanes_fit__a_loss_in_lanes_trains_as_one_that_takes_rows),
        cmocka_unit_test(test_lanes_fit__neither_threads_nor_instruction_sets_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
