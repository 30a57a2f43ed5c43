// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/overlap.h"

#include "testing.h"

#include <math.h>

MB_TEST_WORLD(2, MB_CPU_ALL)

// Ten background and six signal events. At 5 and 50 the first accepts background 5..9, the second
// background 3..6 (in its own order).
enum { N = 16 };
static const float first[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 1, 1, 5};
static const double second[N] = {0, 0, 0, 50, 60, 70, 80, 0, 10, 20, 90, 90, 0, 90, 0, 50};
static const uint8_t label[N] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};

static mb_overlap overlap_at(double a, double b) {
    mb_overlap out;
    assert_ok(world.ctx,
        mb_overlap_at_thresholds(world.ctx, mb_values_f32(first, N), mb_values_f64(second, N),
            mb_values_u8(label, N), (const double[]){a, b}, 1000, &out));
    return out;
}

static void test_overlap__counts_what_each_and_both_accept(void **state) {
    (void)state;
    const mb_overlap o = overlap_at(5, 50);
    static const uint64_t background[MB_OVERLAP_PARTS] = {5, 4, 2, 3, 2, 7};
    static const uint64_t signal[MB_OVERLAP_PARTS] = {4, 4, 3, 1, 1, 5};
    assert_int_equal(o.n_background, 10);
    assert_int_equal(o.n_signal, 6);
    for (unsigned p = 0; p < MB_OVERLAP_PARTS; p++) {
        assert_int_equal(o.background[p], background[p]);
        assert_int_equal(o.signal[p].k, signal[p]);
        assert_int_equal(o.signal[p].n, 6);
        assert_true(o.rate_khz[p] == (double)background[p] * 100);
        assert_true(fabs(o.rate_error_khz[p] - 100 * sqrt((double)background[p])) < 1e-12);
    }
    assert_int_equal(o.background_shared.k, 2);
    assert_int_equal(o.background_shared.n, 7);
    assert_int_equal(o.signal_shared.k, 3);
    assert_int_equal(o.signal_shared.n, 5);
    assert_string_equal(mb_overlap_part_name(MB_OVERLAP_ONLY_SECOND), "only second");
}

static void test_overlap__accepts_nothing_at_infinity(void **state) {
    (void)state;
    const mb_overlap o = overlap_at(INFINITY, 50);
    assert_int_equal(o.background[MB_OVERLAP_FIRST], 0);
    assert_int_equal(o.background[MB_OVERLAP_ONLY_SECOND], 4);
    const mb_overlap all = overlap_at(-INFINITY, 50);
    assert_int_equal(all.background[MB_OVERLAP_FIRST], 10);
}

static void test_overlap__finds_the_threshold_of_each_rate(void **state) {
    (void)state;
    mb_rate_point point[2];
    mb_overlap o;
    // 200 kHz are two background events; 50 kHz are less than one.
    assert_ok(
        world.ctx, mb_overlap_at_rates(world.ctx, mb_values_f32(first, N), mb_values_f64(second, N),
                       mb_values_u8(label, N), (const double[]){100, 200}, 1000, point, &o));
    assert_true(o.threshold[0] == 9 && o.threshold[1] == 70);
    assert_int_equal(o.background[MB_OVERLAP_FIRST], 1);
    assert_int_equal(o.background[MB_OVERLAP_SECOND], 2);
    assert_int_equal(o.background[MB_OVERLAP_BOTH], 0);
    assert_int_equal(o.signal[MB_OVERLAP_BOTH].k, 2);
    assert_ok(
        world.ctx, mb_overlap_at_rates(world.ctx, mb_values_f32(first, N), mb_values_f64(second, N),
                       mb_values_u8(label, N), (const double[]){50, 200}, 1000, point, &o));
    assert_int_equal(point[0].verdict, MB_RATE_TOO_FEW);
    assert_int_equal(point[1].verdict, MB_RATE_OK);
    assert_true(isinf(o.threshold[0]));
    assert_int_equal(o.signal[MB_OVERLAP_FIRST].k, 0);
}

static void test_overlap__needs_no_signal(void **state) {
    (void)state;
    mb_overlap o;
    assert_ok(world.ctx,
        mb_overlap_at_thresholds(world.ctx, mb_values_f32(first, 10), mb_values_f64(second, 10),
            mb_values_u8(label, 10), (const double[]){5, 50}, 1000, &o));
    assert_int_equal(o.n_signal, 0);
    assert_true(isnan(o.signal[MB_OVERLAP_BOTH].value));
    assert_int_equal(o.background[MB_OVERLAP_BOTH], 2);
}

static void refuse(mb_values a, mb_values b, mb_values labels, double threshold, double input_khz,
    mb_status status, const char *part) {
    mb_overlap o;
    assert_fails(world.ctx,
        mb_overlap_at_thresholds(
            world.ctx, a, b, labels, (const double[]){5, threshold}, input_khz, &o),
        status, part);
}

static void test_overlap__refuses_what_it_cannot_count(void **state) {
    (void)state;
    static const float with_nan[2] = {1, NAN};
    static const uint8_t other[2] = {0, 2};
    const mb_values a = mb_values_f32(first, N), b = mb_values_f64(second, N);
    const mb_values labels = mb_values_u8(label, N);
    refuse(a, mb_values_f64(second, 3), labels, 5, 1000, MB_ERR_SHAPE, "3 of the second");
    refuse(a, b, labels, NAN, 1000, MB_ERR_RANGE, "threshold of the second trigger");
    refuse(a, b, labels, 5, 0, MB_ERR_RANGE, "input rate is 0 kHz");
    refuse(mb_values_f32(first, 2), mb_values_f32(with_nan, 2), mb_values_u8(label, 2), 5, 1000,
        MB_ERR_RANGE, "row 1 of the second trigger is not a number");
    refuse(mb_values_f32(first, 2), mb_values_f64(second, 2), mb_values_u8(other, 2), 5, 1000,
        MB_ERR_FORMAT, "row 1 is 2");
    refuse(mb_values_f32(first + 10, 6), mb_values_f64(second + 10, 6), mb_values_u8(label + 10, 6),
        5, 1000, MB_ERR_FORMAT, "no background among 6 events");
    mb_rate_point point[2];
    mb_overlap o;
    assert_fails(world.ctx,
        mb_overlap_at_rates(world.ctx, a, b, labels, (const double[]){5, -1}, 1000, point, &o),
        MB_ERR_RANGE, "second trigger: rate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap__counts_what_each_and_both_accept),
        cmocka_unit_test(test_overlap__accepts_nothing_at_infinity),
        cmocka_unit_test(test_overlap__finds_the_threshold_of_each_rate),
        cmocka_unit_test(test_overlap__needs_no_signal),
        cmocka_unit_test(test_overlap__refuses_what_it_cannot_count),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
