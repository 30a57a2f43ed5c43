// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "measure/efficiency.h"
#include "measure/histogram.h"

#include <math.h>

MB_TEST_WORLD(1, MB_CPU_ALL)

static void test_efficiency__is_binomial_in_the_middle_and_wilson_at_the_ends(void **state) {
    (void)state;
    mb_efficiency e = mb_efficiency_of(40, 100);
    assert_false(e.is_wilson);
    assert_true(fabs(e.error - sqrt(0.4 * 0.6 / 100)) < 1e-15);
    assert_true(mb_efficiency_of(4, 100).is_wilson && !mb_efficiency_of(5, 100).is_wilson);
    assert_true(mb_efficiency_of(96, 100).is_wilson && !mb_efficiency_of(95, 100).is_wilson);
    // Wilson's limits solve (value - p)^2 = p (1 - p) / n.
    e = mb_efficiency_of(3, 20);
    assert_true(fabs((0.15 - e.low) * (0.15 - e.low) - e.low * (1 - e.low) / 20) < 1e-15);
    assert_true(fabs((0.15 - e.high) * (0.15 - e.high) - e.high * (1 - e.high) / 20) < 1e-15);
    e = mb_efficiency_of(0, 9);
    assert_true(e.low == 0 && fabs(e.high - 0.1) < 1e-15 && e.error > 0);
    e = mb_efficiency_of(9, 9);
    assert_true(e.high == 1 && fabs(e.low - 0.9) < 1e-15);
    assert_true(isnan(mb_efficiency_of(0, 0).value));
}

static void test_efficiency__turn_on_counts_in_closed_last_bin(void **state) {
    (void)state;
    const float x[7] = {0, 0.5F, 1, 1.5F, 2, 3, NAN};
    const float score[7] = {0.9F, 0.1F, 0.5F, 0.4F, 0.8F, 1, 1};
    const double edge[3] = {0, 1, 2};
    mb_turn_on curve;
    assert_ok(world.ctx, mb_turn_on_make(&curve, world.ctx, mb_values_f32(x, 7),
                             mb_values_f32(score, 7), 0.5, edge, 2));
    assert_int_equal(curve.bin[0].n, 2);
    assert_int_equal(curve.bin[0].k, 1);
    assert_int_equal(curve.bin[1].n, 3);
    assert_int_equal(curve.bin[1].k, 2);
    assert_int_equal(curve.n_outside, 2);
    mb_turn_on_clear(&curve);
    const double bad[3] = {0, 2, 2};
    assert_fails(world.ctx,
        mb_turn_on_make(
            &curve, world.ctx, mb_values_f32(x, 7), mb_values_f32(score, 7), 0.5, bad, 2),
        MB_ERR_RANGE, "rise");
    assert_fails(world.ctx,
        mb_turn_on_make(
            &curve, world.ctx, mb_values_f32(x, 7), mb_values_f32(score, 6), 0.5, edge, 2),
        MB_ERR_SHAPE, "6 scores for 7");
}

static void test_histogram__bins_as_numpy(void **state) {
    (void)state;
    // 0.3 lies below the third edge of numpy's linspace(0, 1, 11), as 3 * 0.1 > 0.3.
    const double value[9] = {0, 0.1, 0.3, 0.95, 1, -0.1, 1.1, NAN, INFINITY};
    mb_histogram histogram;
    assert_ok(
        world.ctx, mb_histogram_make(&histogram, world.ctx, mb_values_f64(value, 9), 10, 0, 1));
    const uint64_t wanted[10] = {1, 1, 1, 0, 0, 0, 0, 0, 0, 2};
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(histogram.count[i], wanted[i]);
    }
    assert_int_equal(histogram.n_below, 1);
    assert_int_equal(histogram.n_above, 2);
    assert_int_equal(histogram.n_nan, 1);
    mb_histogram_clear(&histogram);
    assert_fails(world.ctx,
        mb_histogram_make(&histogram, world.ctx, mb_values_f64(value, 9), 10, 1, 1), MB_ERR_RANGE,
        "range");
    assert_fails(world.ctx,
        mb_histogram_make(&histogram, world.ctx, mb_values_f64(value, 9), 0, 0, 1), MB_ERR_RANGE,
        "bin");
}

static void test_histogram__moments_keep_their_digits(void **state) {
    (void)state;
    const double value[5] = {1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4, NAN};
    const mb_moments moments = mb_moments_of(mb_values_f64(value, 5));
    assert_int_equal(moments.n, 4);
    assert_int_equal(moments.n_skipped, 1);
    assert_true(moments.mean == 1e9 + 2.5);
    assert_true(fabs(moments.deviation - sqrt(1.25)) < 1e-12);
    assert_true(fabs(moments.sample_deviation - sqrt(5.0 / 3)) < 1e-12);
    assert_true(moments.least == 1e9 + 1 && moments.most == 1e9 + 4);
    assert_true(isnan(mb_moments_of(mb_values_f64(value, 0)).mean));
    assert_true(isnan(mb_moments_of(mb_values_f64(value, 1)).sample_deviation));
}

static void test_values__reads_every_type(void **state) {
    (void)state;
    const int8_t i8 = -3;
    const uint16_t u16 = 65535;
    const uint32_t u32 = 4000000000U;
    const uint64_t u64 = UINT64_C(1) << 40;
    const int16_t i16 = -300;
    assert_true(mb_values_get((mb_values){MB_I8, 1, &i8}, 0) == -3);
    assert_true(mb_values_get((mb_values){MB_I16, 1, &i16}, 0) == -300);
    assert_true(mb_values_get((mb_values){MB_U16, 1, &u16}, 0) == 65535);
    assert_true(mb_values_get((mb_values){MB_U32, 1, &u32}, 0) == 4e9);
    assert_true(mb_values_get((mb_values){MB_U64, 1, &u64}, 0) == 1099511627776.0);
    assert_int_equal(mb_values_of(NULL).n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_efficiency__is_binomial_in_the_middle_and_wilson_at_the_ends),
        cmocka_unit_test(test_efficiency__turn_on_counts_in_closed_last_bin),
        cmocka_unit_test(test_histogram__bins_as_numpy),
        cmocka_unit_test(test_histogram__moments_keep_their_digits),
        cmocka_unit_test(test_values__reads_every_type),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
