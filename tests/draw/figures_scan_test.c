// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_scan.h"

#include <math.h>

static const char *const sizes[] = {"16", "32"};
static const char *const kinds[] = {"it's", "elu", "a long name of a value"};
static const double value[4] = {0.5, 0.25, 0.75, 0.625};
static const size_t order[4] = {1, 0, 3, 2};
static const double size_place[4] = {0, 1, 0, 1};
static const double kind_place[4] = {0, 1, 2, 0};
static const double size_mean[2] = {0.625, 0.4375};
static const double size_spread[2] = {0.125, 0.25};
static const double kind_mean[3] = {0.5625, 0.25, 0.75};
static const double kind_spread[3] = {0.0625, NAN, NAN};

static const mb_scan_slice slices[] = {{.name = "units",
                                           .values = sizes,
                                           .n_values = 2,
                                           .place = size_place,
                                           .mean = size_mean,
                                           .spread = size_spread,
                                           .share = 0.25,
                                           .share_above_chance = 0.125},
    {.name = "activation",
        .values = kinds,
        .n_values = 3,
        .place = kind_place,
        .mean = kind_mean,
        .spread = kind_spread,
        .share = 0.875,
        .share_above_chance = 0.5}};

static mb_scan_columns a_scan(void) {
    return (mb_scan_columns){.figure = "val_loss",
        .value = value,
        .order = order,
        .n = 4,
        .slices = slices,
        .n_slices = 2};
}

static void test_figures_scan__slices_show_trials_means_and_spreads(void **state) {
    drawing *f = *state;
    const mb_scan_columns scan = a_scan();
    assert_ok(f->world.ctx, mb_draw_scan_slices(f->gallery, f->world.ctx, &scan));
    assert_holds(f, "scan_slices.gp", "layout 1,2", "'units'", "'activation'", "it''s");
    assert_holds(f, "scan_slices.csv", "0.625", "0.4375");
    assert_all_draw(f);
}

static void test_figures_scan__importance_has_a_bar_for_each_parameter(void **state) {
    drawing *f = *state;
    mb_scan_columns scan = a_scan();
    assert_ok(f->world.ctx, mb_draw_scan_importance(f->gallery, f->world.ctx, &scan));
    assert_holds(f, "scan_importance.gp", "'share'", "'above chance'", "correlation ratio");
    assert_holds(f, "scan_importance.csv", "0.25", "0.875", "0.125");
    assert_all_draw(f);
}

static void test_figures_scan__lines_of_the_best_are_named(void **state) {
    drawing *f = *state;
    const mb_scan_columns scan = a_scan();
    assert_ok(f->world.ctx, mb_draw_scan_parallel(f->gallery, f->world.ctx, &scan));
    assert_holds(f, "scan_parallel.gp", "'1: val_loss 0.25'", "'4: val_loss 0.75'");
    assert_all_draw(f);
}

static void test_figures_scan__nothing_is_drawn_of_nothing(void **state) {
    drawing *f = *state;
    mb_scan_columns scan = a_scan();
    scan.n = 0;
    assert_ok(f->world.ctx, mb_draw_scan_slices(f->gallery, f->world.ctx, &scan));
    assert_ok(f->world.ctx, mb_draw_scan_parallel(f->gallery, f->world.ctx, &scan));
    scan.n_slices = 0;
    assert_ok(f->world.ctx, mb_draw_scan_importance(f->gallery, f->world.ctx, &scan));
    assert_int_equal(mb_gallery_count(f->gallery), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_scan__slices_show_trials_means_and_spreads, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(test_figures_scan__importance_has_a_bar_for_each_parameter,
            open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_scan__lines_of_the_best_are_named, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_scan__nothing_is_drawn_of_nothing, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
