// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "measure/profile.h"

#include <math.h>

static void test_profile__bins_have_median_and_middle(void **state) {
    (void)state;
    mb_test_world world;
    mb_profile profile;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const double x[] = {0, 0.5, 0.9, 1, 2, 2.1, NAN, 0.2, 0.3};
    const double y[] = {3, 1, 2, 7, 8, 9, 1, NAN, 100};
    const bool use[] = {true, true, true, true, true, true, true, true, false};
    assert_ok(world.ctx, mb_profile_make(&profile, world.ctx, mb_values_f64(x, 9),
                             mb_values_f64(y, 9), use, 2, 0, 2));
    assert_int_equal(profile.n_bins, 2);
    // The last bin has its end, 2.1 is beyond.
    assert_int_equal(profile.bin[0].n, 3);
    assert_int_equal(profile.bin[1].n, 2);
    assert_true(profile.bin[0].centre == 0.5 && profile.bin[1].centre == 1.5);
    assert_true(profile.bin[0].median == 2 && profile.bin[1].median == 7.5);
    assert_true(fabs(profile.bin[0].low - 1.32) < 1e-12);
    assert_true(fabs(profile.bin[0].high - 2.68) < 1e-12);
    mb_profile_clear(&profile);
    assert_ok(world.ctx, mb_profile_make(&profile, world.ctx, mb_values_f64(x, 1),
                             mb_values_f64(y, 1), NULL, 2, 0, 2));
    assert_int_equal(profile.bin[1].n, 0);
    assert_true(isnan(profile.bin[1].median));
    mb_profile_clear(&profile);
    mb_test_world_close(&world);
}

static void test_profile__mistakes_are_told(void **state) {
    (void)state;
    mb_test_world world;
    mb_profile profile;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const double x[] = {0, 1};
    assert_fails(world.ctx,
        mb_profile_make(
            &profile, world.ctx, mb_values_f64(x, 2), mb_values_f64(x, 2), NULL, 0, 0, 1),
        MB_ERR_RANGE, "at least one bin");
    assert_fails(world.ctx,
        mb_profile_make(
            &profile, world.ctx, mb_values_f64(x, 2), mb_values_f64(x, 2), NULL, 3, 1, 1),
        MB_ERR_RANGE, "3 bins of 1 .. 1");
    assert_fails(world.ctx,
        mb_profile_make(
            &profile, world.ctx, mb_values_f64(x, 2), mb_values_f64(x, 1), NULL, 3, 0, 1),
        MB_ERR_SHAPE, "1 numbers against 2");
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile__bins_have_median_and_middle),
        cmocka_unit_test(test_profile__mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
