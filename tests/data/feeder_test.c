// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "data/feeder.h"

enum { ROWS = 20, SIZE = 3 };

typedef struct bench {
    mb_test_world world;
    mb_dataset dataset;
    const mb_column *inputs[2];
    const mb_column *target;
} bench;

static mb_column *add_dense(bench *b, const char *name, mb_column_role role, size_t size) {
    mb_column *column;
    assert_ok(b->world.ctx, mb_dataset_add_column(&b->dataset, b->world.ctx, name, role, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = 1;
    column->shape[0] = column->size = size;
    const size_t shape[] = {ROWS, size};
    assert_ok(b->world.ctx, mb_array_init(&column->dense, b->world.ctx, MB_F32, 2, shape));
    return column;
}

// Row i has i % 4 entries: index k, value 10 i + k.
static void add_sparse(bench *b) {
    mb_column *column;
    assert_ok(b->world.ctx,
        mb_dataset_add_column(&b->dataset, b->world.ctx, "sparse", MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_SPARSE;
    column->dtype = MB_U16;
    column->rank = 1;
    column->shape[0] = column->size = 8;
    column->offset = mb_allocate(b->world.ctx, ROWS + 1, sizeof *column->offset);
    column->index = mb_allocate(b->world.ctx, ROWS * 4, sizeof *column->index);
    uint16_t *value = mb_allocate(b->world.ctx, ROWS * 4, sizeof *value);
    column->value = value;
    uint64_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        column->offset[i] = n;
        for (size_t k = 0; k < i % 4; k++) {
            column->index[n] = (uint32_t)k;
            value[n++] = (uint16_t)(10 * i + k);
        }
    }
    column->offset[ROWS] = n;
}

static void open_bench(bench *b, unsigned n_threads) {
    mb_test_world_open(&b->world, n_threads, MB_CPU_ALL);
    mb_dataset_init(&b->dataset, b->world.ctx);
    assert_ok(b->world.ctx, mb_dataset_set_rows(&b->dataset, b->world.ctx, ROWS));
    float *dense = add_dense(b, "dense", MB_ROLE_INPUT, SIZE)->dense.data;
    float *target = add_dense(b, "target", MB_ROLE_TARGET, 1)->dense.data;
    for (size_t i = 0; i < ROWS; i++) {
        target[i] = (float)(i % 3);
        for (size_t k = 0; k < SIZE; k++) {
            dense[SIZE * i + k] = (float)(100 * i + k);
        }
    }
    add_sparse(b);
    b->inputs[0] = mb_dataset_find(&b->dataset, "sparse");
    b->inputs[1] = mb_dataset_find(&b->dataset, "dense");
    b->target = mb_dataset_target(&b->dataset);
}

static void close_bench(bench *b) {
    mb_dataset_clear(&b->dataset);
    mb_test_world_close(&b->world);
}

static void test_feeder__batches_hold_the_rows_asked_for(void **state) {
    (void)state;
    bench b;
    mb_feeder *feeder;
    open_bench(&b, 3);
    const mb_feeder_settings settings = {.dataset = &b.dataset,
        .n_inputs = 2,
        .inputs = b.inputs,
        .target = b.target,
        .max_rows = 16};
    assert_ok(b.world.ctx, mb_feeder_create(b.world.ctx, &settings, &feeder));
    const uint32_t all[16] = {19, 0, 7, 7, 3, 11, 15, 2, 1, 18, 5, 6, 4, 8, 9, 10};
    for (size_t n = 0; n <= 16; n += 4) {
        assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, all, n));
        const mb_feed_input *inputs = mb_feeder_inputs(feeder);
        assert_null(inputs[0].dense);
        for (size_t i = 0; i < n; i++) {
            const uint32_t first = inputs[0].offset[i];
            assert_int_equal(inputs[0].offset[i + 1] - first, all[i] % 4);
            for (uint32_t k = 0; k < all[i] % 4; k++) {
                assert_int_equal(inputs[0].index[first + k], k);
                assert_true(inputs[0].value[first + k] == (float)(10 * all[i] + k));
            }
            for (size_t k = 0; k < SIZE; k++) {
                assert_true(inputs[1].dense[SIZE * i + k] == (float)(100 * all[i] + k));
            }
            assert_true(mb_feeder_target(feeder)[i] == (float)(all[i] % 3));
        }
    }
    assert_null(mb_feeder_weights(feeder));
    mb_feeder_destroy(feeder);
    close_bench(&b);
}

static void test_feeder__rows_left_in_the_dataset_are_found_by_number(void **state) {
    (void)state;
    bench b;
    mb_feeder *feeder;
    open_bench(&b, 1);
    const mb_feeder_settings settings = {.dataset = &b.dataset,
        .n_inputs = 2,
        .inputs = b.inputs,
        .target = b.target,
        .max_rows = 4,
        .leaves_rows = true,
        .leaves_target = true};
    assert_ok(b.world.ctx, mb_feeder_create(b.world.ctx, &settings, &feeder));
    static const uint32_t rows[4] = {19, 0, 7, 7};
    assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 4));
    const mb_feed_input *inputs = mb_feeder_inputs(feeder);
    assert_null(inputs[0].dense);
    assert_null(inputs[0].row);
    assert_ptr_equal(inputs[1].dense, b.inputs[1]->dense.data);
    for (size_t i = 0; i < 4; i++) {
        assert_true(inputs[1].dense[SIZE * inputs[1].row[i]] == (float)(100 * rows[i]));
        assert_true(mb_feeder_target_row(feeder, i)[0] == (float)(rows[i] % 3));
    }
    mb_feeder_destroy(feeder);
    close_bench(&b);
}

static void test_feeder__a_background_makes_a_sparse_column_dense(void **state) {
    (void)state;
    bench b;
    mb_feeder *feeder;
    open_bench(&b, 2);
    mb_column *column = &b.dataset.columns[2];
    assert_true(column == b.inputs[0] && mb_column_is_sparse_feed(column));
    column->background = -1.0F;
    assert_false(mb_column_is_sparse_feed(column));
    const mb_feeder_settings settings = {
        .dataset = &b.dataset, .n_inputs = 1, .inputs = b.inputs, .max_rows = 4};
    assert_ok(b.world.ctx, mb_feeder_create(b.world.ctx, &settings, &feeder));
    const uint32_t rows[] = {2};
    assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 1));
    const float wanted[8] = {20, 21, -1, -1, -1, -1, -1, -1};
    mb_test_assert_same_bits(
        mb_feeder_inputs(feeder)[0].dense, wanted, 8, sizeof(float), "background");
    assert_null(mb_feeder_target(feeder));
    mb_feeder_destroy(feeder);
    close_bench(&b);
}

static void test_feeder__labels_become_one_hot_and_weighted(void **state) {
    (void)state;
    bench b;
    mb_feeder *feeder;
    open_bench(&b, 1);
    const float class_weights[] = {1.0F, 2.0F, 0.5F};
    float *weight = add_dense(&b, "weight", MB_ROLE_EXTRA, 1)->dense.data;
    for (size_t i = 0; i < ROWS; i++) {
        weight[i] = (float)i;
    }
    // Adding a column moves the columns.
    b.target = mb_dataset_target(&b.dataset);
    const mb_feeder_settings settings = {.dataset = &b.dataset,
        .target = b.target,
        .n_classes = 3,
        .sample_weight = mb_dataset_find(&b.dataset, "weight"),
        .n_class_weights = 3,
        .class_weights = class_weights,
        .max_rows = 4};
    assert_ok(b.world.ctx, mb_feeder_create(b.world.ctx, &settings, &feeder));
    const uint32_t rows[] = {4, 2, 6};
    assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 3));
    const float wanted[] = {0, 1, 0, 0, 0, 1, 1, 0, 0};
    const float wanted_weights[] = {8, 1, 6};
    mb_test_assert_same_bits(mb_feeder_target(feeder), wanted, 9, sizeof(float), "one-hot");
    mb_test_assert_same_bits(
        mb_feeder_weights(feeder), wanted_weights, 3, sizeof(float), "weights");
    ((float *)b.target->dense.data)[6] = 3.0F;
    assert_fails(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 3), MB_ERR_RANGE,
        "label 3 of row 6 is not a whole number from 0 to 2");
    mb_feeder_destroy(feeder);
    close_bench(&b);
}

static void test_feeder__every_epoch_has_its_own_order_of_the_same_rows(void **state) {
    (void)state;
    uint32_t rows[50], one[50], again[50], other[50];
    bool is_seen[100] = {false};
    for (uint32_t i = 0; i < 50; i++) {
        rows[i] = 2 * i;
    }
    mb_feeder_shuffle(rows, 50, 9, 3, one);
    mb_feeder_shuffle(rows, 50, 9, 3, again);
    mb_feeder_shuffle(rows, 50, 9, 4, other);
    mb_test_assert_same_bits(one, again, 50, sizeof *one, "order");
    assert_int_not_equal(memcmp(one, other, sizeof one), 0);
    for (size_t i = 0; i < 50; i++) {
        assert_true(one[i] % 2 == 0 && !is_seen[one[i]]);
        is_seen[one[i]] = true;
    }
}

static void test_feeder__a_batch_of_a_size_seen_before_allocates_nothing(void **state) {
    (void)state;
    bench b;
    mb_feeder *feeder;
    open_bench(&b, 2);
    const mb_feeder_settings settings = {.dataset = &b.dataset,
        .n_inputs = 2,
        .inputs = b.inputs,
        .target = b.target,
        .max_rows = 8};
    assert_ok(b.world.ctx, mb_feeder_create(b.world.ctx, &settings, &feeder));
    const uint32_t rows[] = {3, 7, 11, 15, 19, 2, 1, 0};
    assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 8));
    const uint64_t before = mb_runtime_allocations(b.world.runtime);
    for (size_t i = 0; i < 5; i++) {
        assert_ok(b.world.ctx, mb_feeder_fill(feeder, b.world.ctx, rows, 8 - i));
    }
    assert_int_equal(mb_runtime_allocations(b.world.runtime), before);
    mb_feeder_destroy(feeder);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feeder__batches_hold_the_rows_asked_for),
        cmocka_unit_test(test_feeder__rows_left_in_the_dataset_are_found_by_number),
        cmocka_unit_test(test_feeder__a_background_makes_a_sparse_column_dense),
        cmocka_unit_test(test_feeder__labels_become_one_hot_and_weighted),
        cmocka_unit_test(test_feeder__every_epoch_has_its_own_order_of_the_same_rows),
        cmocka_unit_test(test_feeder__a_batch_of_a_size_seen_before_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
