// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/sorted.h"

#include "testing.h"

#include <math.h>

static void test_sorted__numbers_rise_infinities_at_the_ends(void **state) {
    (void)state;
    double values[] = {3, -INFINITY, 0, INFINITY, -0.5, 3};
    const double wanted[] = {-INFINITY, -0.5, 0, 3, 3, INFINITY};
    mb_sort_doubles(values, MB_COUNT_OF(values));
    mb_test_assert_same_bits(values, wanted, MB_COUNT_OF(wanted), sizeof *wanted, "sorted");
    mb_sort_doubles(NULL, 0);
}

// numpy.quantile([0, 10, 40], [0, 0.25, 0.5, 0.9, 1]).
static void test_sorted__quantiles_lie_between_neighbours(void **state) {
    (void)state;
    const double sorted[] = {0, 10, 40};
    assert_true(mb_quantile_of_sorted(sorted, 3, 0) == 0);
    assert_true(mb_quantile_of_sorted(sorted, 3, 0.25) == 5);
    assert_true(mb_quantile_of_sorted(sorted, 3, 0.5) == 10);
    assert_true(fabs(mb_quantile_of_sorted(sorted, 3, 0.9) - 34) < 1e-12);
    assert_true(mb_quantile_of_sorted(sorted, 3, 1) == 40);
    assert_true(mb_quantile_of_sorted(sorted, 1, 0.84) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted__numbers_rise_infinities_at_the_ends),
        cmocka_unit_test(test_sorted__quantiles_lie_between_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
