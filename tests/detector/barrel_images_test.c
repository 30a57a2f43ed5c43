// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/math.h"
#include "base/random.h"
#include "detector/barrel/images.h"

#include <math.h>

// Bin by looking at every edge.
static int64_t bin_by_edges(const mb_barrel_axis *axis, double value) {
    if (!(value >= axis->low && value <= axis->high)) {
        return -1;
    }
    int64_t bin = 0;
    for (size_t k = 1; k < axis->n; k++) {
        bin += value >= mb_barrel_axis_edge(axis, k);
    }
    return bin;
}

static const mb_barrel_axis axes[] = {{128, -MB_PI, MB_PI}, {128, -500, 500}, {128, -1080, 1080},
    {21, -1031, 1031}, {4, 0, 4}, {2, 8, 10}, {7, 0.1, 0.7}, {1, -1, 1}, {1000, -1e-3, 1e3}};

static void test_images__bins_are_decided_by_the_edges(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (size_t a = 0; a < MB_COUNT_OF(axes); a++) {
        const mb_barrel_axis *axis = &axes[a];
        const double span = axis->high - axis->low;
        for (size_t k = 0; k <= axis->n; k++) {
            const float edge = (float)mb_barrel_axis_edge(axis, k);
            const float near[] = {edge, nextafterf(edge, -INFINITY), nextafterf(edge, INFINITY)};
            for (int i = 0; i < 3; i++) {
                assert_int_equal(
                    mb_barrel_axis_bin(axis, (double)near[i]), bin_by_edges(axis, (double)near[i]));
            }
        }
        for (int i = 0; i < 2000; i++) {
            const double value = axis->low + span * (1.2 * mb_random_uniform(&random) - 0.1);
            assert_int_equal(mb_barrel_axis_bin(axis, value), bin_by_edges(axis, value));
        }
        assert_int_equal(mb_barrel_axis_bin(axis, axis->high), axis->n - 1);
        assert_int_equal(mb_barrel_axis_bin(axis, nextafter(axis->high, INFINITY)), -1);
        assert_int_equal(mb_barrel_axis_bin(axis, (double)NAN), -1);
    }
}

static void test_images__module_k_of_volume_2_is_in_bin_k(void **state) {
    (void)state;
    for (int k = 0; k < 21; k++) {
        assert_int_equal(mb_barrel_axis_bin(&axes[3], -1030 + 103.0 * k), k);
    }
}

static void test_images__quick_phi_bins_equal_exact_ones(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 0);
    const mb_barrel_axis phi_axes[] = {
        {128, -MB_PI, MB_PI}, {64, -MB_PI, MB_PI}, {2000, -MB_PI, MB_PI}, {50, -4, 4}, {9, 0, 1}};
    for (size_t a = 0; a < MB_COUNT_OF(phi_axes); a++) {
        const mb_barrel_axis *axis = &phi_axes[a];
        for (int i = 0; i < 40000; i++) {
            // Half of them right at an edge.
            const double edge = mb_barrel_axis_edge(axis, mb_random_below(&random, axis->n + 1));
            const double angle = i % 2 == 0 ? edge : 2 * MB_PI * mb_random_uniform(&random) - MB_PI;
            const double r = 30 + 1000 * mb_random_uniform(&random);
            const float x = (float)(r * mb_cos(angle)), y = (float)(r * mb_sin(angle));
            double phi = (double)mb_barrel_phi(x, y);
            phi = phi > MB_PI ? MB_PI : phi < -MB_PI ? -MB_PI : phi;
            assert_int_equal(
                mb_barrel_phi_bin(axis, MB_BARREL_CLAMP, x, y), bin_by_edges(axis, phi));
        }
    }
}

static void test_images__rules_for_plus_and_minus_pi(void **state) {
    (void)state;
    const mb_barrel_axis *axis = &axes[0];
    static const int64_t plus[] = {127, 127, -1}, minus[] = {0, -1, -1};
    for (int rule = MB_BARREL_CLAMP; rule <= MB_BARREL_NUMPY_1_15; rule++) {
        assert_int_equal(mb_barrel_phi_bin(axis, rule, -32.0f, 0.0f), plus[rule]);
        assert_int_equal(mb_barrel_phi_bin(axis, rule, -32.0f, -0.0f), minus[rule]);
        assert_int_equal(mb_barrel_phi_bin(axis, rule, 32.0f, 0.0f), 64);
        assert_int_equal(mb_barrel_phi_bin(axis, rule, 32.0f, -0.0f), 64);
        assert_int_equal(mb_barrel_phi_bin(axis, rule, 0.0f, 0.0f), 64);
    }
}

static void test_images__check_values_of_the_description(void **state) {
    (void)state;
    // x and y of the first hit of the published example, from its r and phi.
    const float x = -31.6405f, y = 6.11462f;
    assert_true(fabsf(mb_barrel_phi(x, y) - 2.950703f) < 2e-4f);
    assert_true(fabsf(sqrtf(x * x + y * y) - 32.226f) < 2e-3f);
}

static void test_images__keys_are_sorted(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, 0);
    static uint32_t keys[1000], spare[1000];
    for (unsigned bits = 0; bits <= 32; bits++) {
        const size_t n = mb_random_below(&random, 1000);
        uint64_t sum = 0, sum_after = 0;
        for (size_t i = 0; i < n; i++) {
            keys[i] = bits == 0 ? 0 : mb_random_u32(&random) >> (32 - bits);
            sum += keys[i] * (uint64_t)keys[i];
        }
        mb_barrel_sort_keys(keys, spare, n, bits);
        for (size_t i = 0; i < n; i++) {
            assert_true(i == 0 || keys[i - 1] <= keys[i]);
            sum_after += keys[i] * (uint64_t)keys[i];
        }
        assert_true(sum == sum_after);
    }
}

static void test_images__layers_are_numbered_through_the_volumes(void **state) {
    (void)state;
    assert_int_equal(mb_barrel_layer_of(0, 2, false), 0);
    assert_int_equal(mb_barrel_layer_of(0, 8, false), 3);
    assert_int_equal(mb_barrel_layer_of(0, 10, false), -1);
    assert_int_equal(mb_barrel_layer_of(0, 0, false), -1);
    assert_int_equal(mb_barrel_layer_of(1, 2, false), 4);
    assert_int_equal(mb_barrel_layer_of(2, 4, false), 9);
    assert_int_equal(mb_barrel_layer_of(2, 6, false), -1);
    assert_int_equal(mb_barrel_layer_of(1, 3, false), -1);
    assert_int_equal(mb_barrel_layer_of(1, 3, true), 4);
    assert_int_equal(mb_barrel_layer_of(1, 9, true), 7);
    assert_int_equal(mb_barrel_layer_of(1, 11, true), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images__bins_are_decided_by_the_edges),
        cmocka_unit_test(test_images__module_k_of_volume_2_is_in_bin_k),
        cmocka_unit_test(test_images__quick_phi_bins_equal_exact_ones),
        cmocka_unit_test(test_images__rules_for_plus_and_minus_pi),
        cmocka_unit_test(test_images__check_values_of_the_description),
        cmocka_unit_test(test_images__keys_are_sorted),
        cmocka_unit_test(test_images__layers_are_numbered_through_the_volumes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
