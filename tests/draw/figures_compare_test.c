// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_compare.h"

#include <math.h>
#include <stdlib.h>

static void test_figures_compare__pairs_have_a_diagonal_and_their_differences(void **state) {
    drawing *f = *state;
    const float x[4] = {1, 2, 3, NAN};
    const double y[4] = {1, 1.5, 3.25, 4};
    mb_pairs pairs = {.name = "pairs",
        .title = "it's",
        .x_label = "Float",
        .y_label = "Fixed",
        .difference_label = "Float - fixed",
        .x = mb_values_f32(x, 4),
        .y = mb_values_f64(y, 4),
        .tolerance = 0.4};
    assert_ok(f->world.ctx, mb_draw_pairs(f->gallery, f->world.ctx, &pairs));
    // Differences 0, 0.5, -0.25; the tolerance below lies outside the histogram.
    assert_holds(f, "pairs.gp", "'Difference: mean 0.0833, largest 0.5'", "'3 events'",
        "title 'equal'", "'tolerance 0.4'", "set xlabel 'Float - fixed'");
    assert_lacks(f, "pairs.gp", "set logscale x", "first -0.4");
    assert_holds(f, "pairs.csv", "\n2,1.5,");
    pairs.is_log = true;
    assert_ok(f->world.ctx, mb_draw_pairs(f->gallery, f->world.ctx, &pairs));
    assert_holds(f, "pairs.gp", "set logscale x");
    pairs.y.n = 3;
    assert_fails(f->world.ctx, mb_draw_pairs(f->gallery, f->world.ctx, &pairs), MB_ERR_SHAPE,
        "4 numbers against 3");
    pairs.x.n = 0;
    pairs.y.n = 0;
    assert_ok(f->world.ctx, mb_draw_pairs(f->gallery, f->world.ctx, &pairs));
    assert_holds(f, "pairs.gp", "no entries");
    assert_all_draw(f);
}

static void test_figures_compare__many_pairs_are_thinned_but_all_counted(void **state) {
    drawing *f = *state;
    enum { N = 12000 };
    double *x = calloc(N, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)i;
    }
    const mb_pairs pairs = {.name = "pairs",
        .x_label = "x",
        .y_label = "y",
        .x = mb_values_f64(x, N),
        .y = mb_values_f64(x, N)};
    assert_ok(f->world.ctx, mb_draw_pairs(f->gallery, f->world.ctx, &pairs));
    assert_holds(f, "pairs.gp", "'4,000 of 12,000 events'");
    assert_holds(f, "pairs.csv", ",12000\n");
    free(x);
}

static void test_figures_compare__lines_have_a_limit_and_a_choice(void **state) {
    drawing *f = *state;
    const int32_t bits[3] = {4, 5, 6};
    const double error[3] = {8, 2, 0.25};
    const mb_plot_line lines[2] = {
        {.label = "dense", .x = mb_values_i32(bits, 3), .y = mb_values_f64(error, 3)},
        {.label = "it's", .x = mb_values_i32(bits, 3), .y = mb_values_f64(error, 3)}};
    const mb_plot_settings settings = {.name = "lines",
        .x_label = "Bits",
        .y_label = "Largest error",
        .is_y_log = true,
        .is_x_whole = true,
        .has_chosen = true,
        .chosen_x = 6,
        .chosen_text = "chosen",
        .has_limit = true,
        .limit_y = 0.5,
        .limit_text = "allowed"};
    assert_ok(f->world.ctx, mb_draw_lines(f->gallery, f->world.ctx, &settings, lines, 2));
    assert_holds(f, "lines.gp", "title 'dense'", "title 'it''s'", "'chosen'", "'allowed'",
        "from first 6,", "set xtics 1", "set logscale y");
    assert_holds(f, "lines.csv", "\n4,8,8\n");
    assert_all_draw(f);
}

static void test_figures_compare__phi_roll_has_bars_of_half_the_spread(void **state) {
    drawing *f = *state;
    const double roll[2] = {0, 1};
    const double mean[2] = {0, 0.5};
    const double half[2] = {0, 0.125};
    assert_ok(
        f->world.ctx, mb_draw_phi_roll(f->gallery, f->world.ctx, "phi_roll", mb_values_f64(roll, 2),
                          mb_values_f64(mean, 2), mb_values_f64(half, 2)));
    assert_holds(f, "phi_roll.csv", "\n1,0.5,0.375,0.625\n");
    assert_holds(f, "phi_roll.gp", "yerrorbars", "first 0 to graph 1, first 0");
    assert_fails(f->world.ctx,
        mb_draw_phi_roll(f->gallery, f->world.ctx, "phi_roll", mb_values_f64(roll, 1),
            mb_values_f64(mean, 2), mb_values_f64(half, 2)),
        MB_ERR_SHAPE, "1 rolls, 2 means");
    assert_all_draw(f);
}

static void test_figures_compare__counted_histograms_may_be_of_unit_area(void **state) {
    drawing *f = *state;
    const double edges[3] = {0, 1, 3};
    const int64_t heights[2] = {3, 1};
    const mb_counted_set sets[2] = {
        {"first", mb_values_i64(heights, 2)}, {"second", mb_values_i64(heights, 2)}};
    mb_counted_settings settings = {
        .name = "counted", .x_label = "x", .y_label = "y", .edges = mb_values_f64(edges, 3)};
    assert_ok(f->world.ctx, mb_draw_counted(f->gallery, f->world.ctx, &settings, sets, 2));
    assert_holds(f, "counted.csv", "\n0,3,3\n1,1,1\n3,1,1\n");
    settings.is_density = true;
    settings.is_log = true;
    assert_ok(f->world.ctx, mb_draw_counted(f->gallery, f->world.ctx, &settings, sets, 1));
    assert_holds(f, "counted.csv", "\n0,0.75\n1,0.125\n");
    assert_holds(f, "counted.gp", "set logscale y");
    settings.edges.n = 2;
    assert_fails(f->world.ctx, mb_draw_counted(f->gallery, f->world.ctx, &settings, sets, 1),
        MB_ERR_SHAPE, "2 heights on 2 edges");
    assert_all_draw(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_compare__pairs_have_a_diagonal_and_their_differences, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_compare__many_pairs_are_thinned_but_all_counted, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_compare__lines_have_a_limit_and_a_choice, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(test_figures_compare__phi_roll_has_bars_of_half_the_spread,
            open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_compare__counted_histograms_may_be_of_unit_area, open_drawing,
            close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
