// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include <math.h>

static const mb_dtype all_types[] = {
    MB_F32, MB_F64, MB_I8, MB_U8, MB_I16, MB_U16, MB_I32, MB_U32, MB_I64, MB_U64, MB_BOOL};

static void test_array__starts_zeroed_with_its_shape(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    for (size_t t = 0; t < MB_COUNT_OF(all_types); t++) {
        const size_t shape[] = {3, 5, 7};
        mb_array array;
        assert_ok(world.ctx, mb_array_init(&array, world.ctx, all_types[t], 3, shape));
        assert_int_equal(mb_array_count(&array), 105);
        assert_int_equal(mb_array_bytes(&array), 105 * mb_dtype_size(all_types[t]));
        for (size_t i = 0; i < 105; i++) {
            assert_true(mb_array_get(&array, i) == 0.0);
        }
        mb_array_clear(&array);
        assert_int_equal(mb_array_count(&array), 0);
        mb_array_clear(&array);
    }
    mb_test_world_close(&world);
}

static void test_array__scalars_and_empty_axes_are_legal(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_F32, 0, NULL));
    assert_int_equal(mb_array_count(&array), 1);
    mb_array_clear(&array);
    const size_t shape[] = {0, 5};
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_F32, 2, shape));
    assert_int_equal(mb_array_count(&array), 0);
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_I8));
    assert_int_equal(array.shape[1], 5);
    mb_array_clear(&array);
    mb_test_world_close(&world);
}

static void test_array__refuses_sizes_that_overflow(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    const size_t big[] = {SIZE_MAX / 4, 5};
    const size_t hidden[] = {0, SIZE_MAX / 4, SIZE_MAX / 4};
    const size_t many[MB_MAX_RANK + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    mb_array array;
    assert_fails(world.ctx, mb_array_init(&array, world.ctx, MB_U8, 2, big), MB_ERR_SHAPE, "bytes");
    assert_null(array.data);
    mb_array_clear(&array);
    assert_fails(
        world.ctx, mb_array_init(&array, world.ctx, MB_U8, 3, hidden), MB_ERR_SHAPE, "bytes");
    assert_fails(world.ctx, mb_array_init(&array, world.ctx, MB_U8, MB_MAX_RANK + 1, many),
        MB_ERR_SHAPE, "axes");
    assert_null(array.data);
    // A type comes from another program's number.
    assert_fails(world.ctx, mb_array_init(&array, world.ctx, (mb_dtype)(MB_BOOL + 1), 2, big),
        MB_ERR_ARG, "no type");
    mb_test_world_close(&world);
}

static void fill(mb_array *array, mb_context *ctx, const double *values, size_t n) {
    assert_ok(ctx, mb_array_init(array, ctx, MB_F64, 1, &n));
    memcpy(array->data, values, n * sizeof *values);
}

static void test_array__small_integers_survive_every_conversion(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    double values[700];
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        values[i] = (double)(i % 2);
    }
    for (size_t a = 0; a < MB_COUNT_OF(all_types); a++) {
        for (size_t b = 0; b < MB_COUNT_OF(all_types); b++) {
            mb_array array;
            fill(&array, world.ctx, values, MB_COUNT_OF(values));
            assert_ok(world.ctx, mb_array_convert(&array, world.ctx, all_types[a]));
            assert_ok(world.ctx, mb_array_convert(&array, world.ctx, all_types[b]));
            assert_int_equal(array.dtype, all_types[b]);
            for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
                assert_true(mb_array_get(&array, i) == values[i]);
            }
            mb_array_clear(&array);
        }
    }
    mb_test_world_close(&world);
}

static void test_array__conversion_keeps_the_ends_of_each_type_and_refuses_beyond(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    const struct {
        mb_dtype dtype;
        double low, high, below, above;
    } cases[] = {
        {MB_I8, -128.0, 127.0, -129.0, 128.0},
        {MB_U8, 0.0, 255.0, -1.0, 256.0},
        {MB_I16, -32768.0, 32767.0, -32769.0, 32768.0},
        {MB_U16, 0.0, 65535.0, -1.0, 65536.0},
        {MB_I32, -0x1p31, 0x1p31 - 1.0, -0x1p31 - 1.0, 0x1p31},
        {MB_U32, 0.0, 0x1p32 - 1.0, -1.0, 0x1p32},
        {MB_I64, -0x1p63, 0x1p63 - 1024.0, -0x1.0000000000001p63, 0x1p63},
        {MB_U64, 0.0, 0x1p64 - 2048.0, -1.0, 0x1p64},
        {MB_BOOL, 0.0, 1.0, -1.0, 2.0},
    };
    for (size_t c = 0; c < MB_COUNT_OF(cases); c++) {
        mb_array array;
        const double good[] = {cases[c].low, cases[c].high, -0.0};
        fill(&array, world.ctx, good, 3);
        assert_ok(world.ctx, mb_array_convert(&array, world.ctx, cases[c].dtype));
        for (size_t i = 0; i < 3; i++) {
            assert_true(mb_array_get(&array, i) == good[i]);
        }
        mb_array_clear(&array);
        const double bad[] = {cases[c].below, cases[c].above, 0.5, NAN, INFINITY, -INFINITY};
        for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
            const double pair[] = {1.0, bad[i]};
            fill(&array, world.ctx, pair, 2);
            assert_fails(world.ctx, mb_array_convert(&array, world.ctx, cases[c].dtype),
                MB_ERR_RANGE, "number 1 is");
            assert_int_equal(array.dtype, MB_F64);
            mb_test_assert_same_bits(array.data, pair, 2, sizeof *pair, "unchanged");
            mb_array_clear(&array);
        }
    }
    mb_test_world_close(&world);
}

static void test_array__wide_integers_convert_without_rounding(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    const size_t length = 2;
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_I64, 1, &length));
    const int64_t integers[] = {INT64_MAX, (INT64_C(1) << 53) + 1};
    memcpy(array.data, integers, sizeof integers);
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_U64));
    mb_test_assert_same_bits(array.data, integers, 2, sizeof *integers, "uint64");
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_I64));
    mb_test_assert_same_bits(array.data, integers, 2, sizeof *integers, "int64");
    ((int64_t *)array.data)[1] = -1;
    assert_fails(world.ctx, mb_array_convert(&array, world.ctx, MB_U64), MB_ERR_RANGE, "uint64");
    mb_array_clear(&array);
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_U64, 1, &length));
    ((uint64_t *)array.data)[0] = UINT64_MAX;
    assert_fails(world.ctx, mb_array_convert(&array, world.ctx, MB_I64), MB_ERR_RANGE, "number 0");
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_F32));
    assert_true(((const float *)array.data)[0] == 0x1p64f);
    mb_array_clear(&array);
    mb_test_world_close(&world);
}

static void test_array__any_byte_but_zero_is_true(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    const size_t length = 3;
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_BOOL, 1, &length));
    memcpy(array.data, "\x00\x01\xff", 3);
    assert_true(mb_array_get(&array, 2) == 1.0);
    assert_ok(world.ctx, mb_array_convert(&array, world.ctx, MB_I32));
    const int32_t wanted[] = {0, 1, 1};
    mb_test_assert_same_bits(array.data, wanted, 3, sizeof *wanted, "bool to int32");
    mb_array_clear(&array);
    mb_test_world_close(&world);
}

static void test_array__shape_text_is_that_of_numpy(void **state) {
    (void)state;
    mb_array array = {.rank = 0};
    char text[32];
    assert_string_equal(mb_array_shape_text(&array, text, sizeof text), "()");
    array.rank = 1;
    array.shape[0] = 3;
    assert_string_equal(mb_array_shape_text(&array, text, sizeof text), "(3,)");
    array.rank = 2;
    array.shape[1] = 4;
    assert_string_equal(mb_array_shape_text(&array, text, sizeof text), "(3, 4)");
    assert_string_equal(mb_array_shape_text(&array, text, 4), "(3,");
    assert_string_equal(mb_dtype_name(MB_F32), "float32");
    assert_string_equal(mb_dtype_name(MB_U16), "uint16");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array__starts_zeroed_with_its_shape),
        cmocka_unit_test(test_array__scalars_and_empty_axes_are_legal),
        cmocka_unit_test(test_array__refuses_sizes_that_overflow),
        cmocka_unit_test(test_array__small_integers_survive_every_conversion),
        cmocka_unit_test(test_array__conversion_keeps_the_ends_of_each_type_and_refuses_beyond),
        cmocka_unit_test(test_array__wide_integers_convert_without_rounding),
        cmocka_unit_test(test_array__any_byte_but_zero_is_true),
        cmocka_unit_test(test_array__shape_text_is_that_of_numpy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
