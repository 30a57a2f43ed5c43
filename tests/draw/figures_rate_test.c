// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_rate.h"

static const float labels[8] = {0, 0, 0, 0, 1, 1, 1, 1};
static const float scores[2][8] = {{1, 2, 3, 4, 3, 4, 5, 6}, {1, 2, 3, 5, 2, 3, 4, 6}};

static void make_rocs(drawing *f, mb_roc rocs[2]) {
    for (size_t i = 0; i < 2; i++) {
        assert_ok(f->world.ctx, mb_roc_make(&rocs[i], f->world.ctx, mb_values_f32(scores[i], 8),
                                    mb_values_f32(labels, 8)));
    }
}

static void test_figures_rate__roc_has_the_axes_of_the_input_rate(void **state) {
    drawing *f = *state;
    mb_roc rocs[2];
    make_rocs(f, rocs);
    // Of 16 pairs the signal wins 13 and ties 2 in the first, wins 10 and ties 2 in the second.
    const mb_rate_roc curves[2] = {{"both", rocs, 2}, {"first", rocs, 1}};
    const mb_rate_roc_settings settings = {"roc_rate", "it's", 28610, 3};
    assert_ok(f->world.ctx, mb_draw_rate_roc(f->gallery, f->world.ctx, &settings, curves, 2));
    assert_holds(f, "roc_rate.gp", "set xlabel 'Trigger rate (MHz)'", "set xrange [0.00028610",
        ":28.609999999999999]", "set yrange [0.01", ":1]", "set logscale x", "set logscale y",
        "'3 kHz'", "from first 0.0030000000000000001,", "'both: AUC 0.7812 ± 0.0938'",
        "with filledcurves", "set title 'it''s'");
    // At the left 0.50001 and 0.25 of the signal, at the right all of it.
    assert_holds(
        f, "roc_rate.csv", "\n0.0002861,0.375005,0.25,0.50001,0.50001\n", "\n28.61,1,1,1,1\n");
    const mb_rate_roc_settings slow = {"slow", NULL, 500, 0};
    assert_ok(f->world.ctx, mb_draw_rate_roc(f->gallery, f->world.ctx, &slow, curves + 1, 1));
    assert_holds(f, "slow.gp", "set xlabel 'Trigger rate (kHz)'", ":500]", "'first: AUC 0.8750 ± ");
    assert_lacks(f, "slow.gp", "filledcurves", "set arrow from");
    const mb_rate_roc_settings bad = {"bad", NULL, 0, 0};
    assert_fails(f->world.ctx, mb_draw_rate_roc(f->gallery, f->world.ctx, &bad, curves, 2),
        MB_ERR_RANGE, "input rate is 0 kHz");
    mb_roc_clear(&rocs[0]);
    mb_roc_clear(&rocs[1]);
    assert_all_draw(f);
}

static void test_figures_rate__folds_are_thin_around_their_mean(void **state) {
    drawing *f = *state;
    const uint32_t fold[8] = {0, 1, 0, 1, 0, 1, 0, 1};
    const double rates[3] = {0, 0.5, 1};
    mb_roc_band band;
    assert_ok(f->world.ctx, mb_roc_band_make(&band, f->world.ctx, mb_values_f32(scores[0], 8),
                                mb_values_f32(labels, 8), fold, 2, rates, 3));
    assert_ok(
        f->world.ctx, mb_draw_roc_band(f->gallery, f->world.ctx, "roc_folds", "Two folds", &band));
    assert_holds(f, "roc_folds.gp", "'fold 1: AUC ", "'fold 2: AUC ", "'mean: AUC ", "lw 0.7",
        "with filledcurves", "title 'chance'");
    mb_roc_band_clear(&band);
    assert_all_draw(f);
}

static void test_figures_rate__ratios_are_over_the_first_curve(void **state) {
    drawing *f = *state;
    static const double a[5] = {0, 1, 2, 3, 4};
    static const double b[5] = {0, 2, 3, 3.5, 4};
    static const double apart[2] = {10, 11};
    mb_rate_curve curves[3];
    assert_ok(
        f->world.ctx, mb_rate_curve_make(&curves[0], f->world.ctx, mb_values_f64(a, 5), 28610));
    assert_ok(
        f->world.ctx, mb_rate_curve_make(&curves[1], f->world.ctx, mb_values_f64(b, 5), 28610));
    assert_ok(
        f->world.ctx, mb_rate_curve_make(&curves[2], f->world.ctx, mb_values_f64(apart, 2), 28610));
    const mb_rate_line lines[3] = {
        {"float", &curves[0]}, {"fixed", &curves[1]}, {"far", &curves[2]}};
    assert_ok(f->world.ctx,
        mb_draw_rate_curves(f->gallery, f->world.ctx, "rate_curve", "Score", lines, 3));
    assert_holds(f, "rate_curve.gp", "set ylabel 'Rate (kHz)'", "set logscale y",
        "set ylabel 'Ratio to first'", "set bmargin at screen 0.4", "set xrange [0:11]");
    assert_holds(f, "rate_curve.csv", "fixed over float");
    assert_lacks(f, "rate_curve.csv", "far over float");
    assert_ok(f->world.ctx, mb_draw_rate_curves(f->gallery, f->world.ctx, "one", NULL, lines, 1));
    assert_holds(f, "one.gp", "set xlabel 'Threshold'");
    assert_lacks(f, "one.gp", "Ratio");
    assert_ok(f->world.ctx, mb_draw_rate_curves(f->gallery, f->world.ctx, "none", NULL, lines, 0));
    for (size_t i = 0; i < 3; i++) {
        mb_rate_curve_clear(&curves[i]);
    }
    assert_all_draw(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_rate__roc_has_the_axes_of_the_input_rate, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_rate__folds_are_thin_around_their_mean, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_rate__ratios_are_over_the_first_curve, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
