// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "data/dataset.h"

MB_TEST_WORLD(1, MB_CPU_ALL)

// Three rows of six numbers with background 1: {0: 2, 4: 3}, {}, {5: 7}.
static mb_column *add_sparse(mb_dataset *dataset, mb_dtype dtype) {
    static const uint64_t offset[] = {0, 2, 2, 3};
    static const uint32_t index[] = {0, 4, 5};
    static const uint16_t counts[] = {2, 3, 7};
    static const float values[] = {2, 3, 7};
    mb_column *column;
    assert_ok(
        world.ctx, mb_dataset_add_column(dataset, world.ctx, "image", MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_SPARSE;
    column->dtype = dtype;
    column->rank = 2;
    column->shape[0] = 2;
    column->shape[1] = 3;
    column->size = 6;
    column->background = 1;
    column->offset = mb_allocate(world.ctx, 4, sizeof *offset);
    column->index = mb_allocate(world.ctx, 3, sizeof *index);
    column->value = mb_allocate(world.ctx, 3, sizeof(float));
    memcpy(column->offset, offset, sizeof offset);
    memcpy(column->index, index, sizeof index);
    memcpy(column->value, dtype == MB_U16 ? (const void *)counts : (const void *)values,
        dtype == MB_U16 ? sizeof counts : sizeof values);
    return column;
}

static void test_dataset__gather_fills_the_background(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        mb_dataset dataset;
        mb_dataset_init(&dataset, world.ctx);
        assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 3));
        const mb_column *column = add_sparse(&dataset, i == 0 ? MB_U16 : MB_F32);
        const uint32_t rows[] = {2, 1, 0, 0};
        float out[24];
        assert_ok(world.ctx, mb_column_gather(column, world.ctx, rows, 4, out));
        const float wanted[24] = {
            1, 1, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 3, 1, 2, 1, 1, 1, 3, 1};
        mb_test_assert_same_bits(out, wanted, 24, sizeof *out, "gathered");
        mb_dataset_clear(&dataset);
    }
}

static void test_dataset__sparse_entries_keep_the_order_of_rows(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_dataset_init(&dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 3));
    const mb_column *column = add_sparse(&dataset, MB_U16);
    const uint32_t rows[] = {2, 0, 1};
    assert_int_equal(mb_column_entries(column, rows, 3), 3);
    assert_int_equal(mb_column_entries(column, rows, 0), 0);
    uint32_t offset[4], index[3];
    float value[3];
    mb_column_gather_sparse(column, rows, 3, offset, index, value);
    const uint32_t wanted_offset[] = {0, 1, 3, 3}, wanted_index[] = {5, 0, 4};
    const float wanted_value[] = {7, 2, 3};
    assert_memory_equal(offset, wanted_offset, sizeof offset);
    assert_memory_equal(index, wanted_index, sizeof index);
    assert_memory_equal(value, wanted_value, sizeof value);
    mb_dataset_clear(&dataset);
}

static void test_dataset__gather_converts_dense_types(void **state) {
    (void)state;
    const mb_dtype types[] = {MB_F32, MB_F64, MB_U16, MB_I32, MB_U8, MB_I64};
    for (size_t t = 0; t < MB_COUNT_OF(types); t++) {
        mb_dataset dataset;
        mb_column *column;
        mb_dataset_init(&dataset, world.ctx);
        assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 3));
        assert_ok(
            world.ctx, mb_dataset_add_column(&dataset, world.ctx, "x", MB_ROLE_TARGET, &column));
        const size_t shape[] = {3, 2};
        assert_ok(world.ctx, mb_array_init(&column->dense, world.ctx, MB_F32, 2, shape));
        for (int i = 0; i < 6; i++) {
            ((float *)column->dense.data)[i] = (float)(10 * i);
        }
        assert_ok(world.ctx, mb_array_convert(&column->dense, world.ctx, types[t]));
        column->dtype = types[t];
        column->rank = 1;
        column->shape[0] = column->size = 2;
        float out[4];
        assert_ok(world.ctx, mb_column_gather(column, world.ctx, (const uint32_t[]){2, 0}, 2, out));
        const float wanted[] = {40, 50, 0, 10};
        mb_test_assert_same_bits(out, wanted, 4, sizeof *out, mb_dtype_name(types[t]));
        assert_ptr_equal(mb_dataset_target(&dataset), column);
        mb_dataset_clear(&dataset);
    }
}

static mb_status make_rows(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        out[i] = *(const float *)column->state * (float)rows[i];
    }
    return MB_OK;
}

static void release_factor(mb_runtime *runtime, void *state) {
    mb_runtime_release(runtime, state);
}

static void test_dataset__made_columns_are_asked_for_their_rows(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_column *column;
    mb_dataset_init(&dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 4));
    assert_ok(
        world.ctx, mb_dataset_add_column(&dataset, world.ctx, "made", MB_ROLE_INPUT, &column));
    float *factor = mb_allocate(world.ctx, 1, sizeof *factor);
    *factor = 2.5f;
    column->kind = MB_COLUMN_MADE;
    column->size = 1;
    column->make = make_rows;
    column->state = factor;
    column->release_state = release_factor;
    float out[2];
    assert_ok(world.ctx, mb_column_gather(column, world.ctx, (const uint32_t[]){3, 1}, 2, out));
    const float wanted[] = {7.5f, 2.5f};
    assert_memory_equal(out, wanted, sizeof out);
    mb_dataset_clear(&dataset);
}

// Row k has k entries: 1, 2 .. k at the positions 0 .. k - 1.
static size_t count_steps(const mb_column *column, const uint32_t *rows, size_t n) {
    size_t total = 0;
    (void)column;
    for (size_t i = 0; i < n; i++) {
        total += rows[i];
    }
    return total;
}

static void fill_steps(const mb_column *column, const uint32_t *rows, size_t n, uint32_t *offset,
    uint32_t *index, float *value) {
    uint32_t to = 0;
    (void)column;
    offset[0] = 0;
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < rows[i]; k++, to++) {
            index[to] = k;
            value[to] = (float)(k + 1);
        }
        offset[i + 1] = to;
    }
}

static void test_dataset__made_columns_may_give_index_lists(void **state) {
    (void)state;
    mb_column column = {.kind = MB_COLUMN_MADE, .size = 4, .make = make_rows};
    assert_false(mb_column_is_sparse_feed(&column));
    column.count = count_steps;
    column.fill = fill_steps;
    assert_true(mb_column_is_sparse_feed(&column));
    const uint32_t rows[] = {3, 0, 1};
    assert_int_equal(mb_column_entries(&column, rows, 3), 4);
    uint32_t offset[4];
    uint32_t index[4];
    float value[4];
    mb_column_gather_sparse(&column, rows, 3, offset, index, value);
    const uint32_t wanted_offset[] = {0, 3, 3, 4};
    const uint32_t wanted_index[] = {0, 1, 2, 0};
    const float wanted_value[] = {1, 2, 3, 1};
    assert_memory_equal(offset, wanted_offset, sizeof offset);
    assert_memory_equal(index, wanted_index, sizeof index);
    assert_memory_equal(value, wanted_value, sizeof value);
}

static void test_dataset__rows_of_a_split_come_in_order(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_dataset_init(&dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 5));
    for (int64_t i = 0; i < 5; i++) {
        assert_int_equal(dataset.event[i], i);
        assert_int_equal(dataset.split[i], MB_SPLIT_TRAIN);
    }
    dataset.split[1] = dataset.split[4] = MB_SPLIT_TEST;
    uint32_t *rows;
    size_t n;
    assert_ok(world.ctx, mb_dataset_rows_of(&dataset, world.ctx, MB_SPLIT_TEST, &rows, &n));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0], 1);
    assert_int_equal(rows[1], 4);
    mb_release(world.ctx, rows);
    assert_ok(world.ctx, mb_dataset_rows_of(&dataset, world.ctx, MB_SPLIT_VALIDATION, &rows, &n));
    assert_int_equal(n, 0);
    mb_release(world.ctx, rows);
    mb_dataset_clear(&dataset);
    mb_dataset_clear(&dataset);
}

static void test_dataset__names_are_unique(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_column *column;
    mb_dataset_init(&dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_add_column(&dataset, world.ctx, "x", MB_ROLE_INPUT, &column));
    assert_fails(world.ctx, mb_dataset_add_column(&dataset, world.ctx, "x", MB_ROLE_EXTRA, &column),
        MB_ERR_ARG, "'x'");
    assert_null(column);
    assert_null(mb_dataset_find(&dataset, "y"));
    assert_null(mb_dataset_target(&dataset));
    mb_dataset_clear(&dataset);
}

static void test_dataset__axes_have_parts_of_any_number(void **state) {
    (void)state;
    mb_dataset dataset;
    mb_dataset_axis *axis;
    mb_dataset_init(&dataset, world.ctx);
    assert_ok(world.ctx, mb_dataset_set_rows(&dataset, world.ctx, 2));
    assert_ok(world.ctx, mb_dataset_add_axis(&dataset, world.ctx, "nodes", NULL, &axis));
    assert_int_equal(mb_dataset_axis_rows(&dataset, "nodes"), 0);
    axis->offset[1] = 3;
    axis->offset[2] = 5;
    assert_ok(world.ctx, mb_dataset_add_axis(&dataset, world.ctx, "edges", "nodes", &axis));
    axis->source = mb_allocate_zeroed(world.ctx, 4, sizeof *axis->source);
    axis->destination = mb_allocate_zeroed(world.ctx, 4, sizeof *axis->destination);
    axis->offset[2] = 4;
    assert_int_equal(mb_dataset_axis_rows(&dataset, "nodes"), 5);
    assert_int_equal(mb_dataset_axis_rows(&dataset, "edges"), 4);
    assert_int_equal(mb_dataset_axis_rows(&dataset, NULL), 2);
    assert_int_equal(mb_dataset_axis_rows(&dataset, "other"), 0);
    assert_string_equal(mb_dataset_find_axis(&dataset, "edges")->joins, "nodes");
    assert_fails(world.ctx, mb_dataset_add_axis(&dataset, world.ctx, "edges", NULL, &axis),
        MB_ERR_ARG, "'edges'");
    mb_dataset_clear(&dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__gather_fills_the_background),
        cmocka_unit_test(test_dataset__sparse_entries_keep_the_order_of_rows),
        cmocka_unit_test(test_dataset__gather_converts_dense_types),
        cmocka_unit_test(test_dataset__made_columns_are_asked_for_their_rows),
        cmocka_unit_test(test_dataset__made_columns_may_give_index_lists),
        cmocka_unit_test(test_dataset__rows_of_a_split_come_in_order),
        cmocka_unit_test(test_dataset__names_are_unique),
        cmocka_unit_test(test_dataset__axes_have_parts_of_any_number),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
