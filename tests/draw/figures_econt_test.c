// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "base/arena.h"
#include "draw/figures_econt.h"

#include <math.h>

enum { CELLS = MB_MODULE_CELLS, ROWS = 400 };

// Row i has 1 + i % 48 cells of 35 * (1 + i / 40) counts each.
typedef struct modules {
    float charges[ROWS * CELLS];
    double first[ROWS], second[ROWS]; // of a metric
} modules;

static void make_modules(modules *m) {
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k <= i % CELLS; k++) {
            m->charges[i * CELLS + k] = (float)(35 * (1 + i / 40));
        }
        m->first[i] = (double)(i % 10) / 10;
        m->second[i] = i % 4 == 0 ? MB_EMD_EMPTY_OUTPUT : 1;
    }
}

static const mb_module_metric *emd(void) {
    return mb_module_metrics[0];
}

static void test_figures_econt__modules_are_rhombi_beside_what_is_left_of_them(void **state) {
    drawing *f = *state;
    static modules m;
    make_modules(&m);
    static float left[2 * CELLS];
    left[0] = 70;
    const uint32_t rows[] = {4, 45};
    const int64_t event[] = {1234, 5678};
    const mb_econt_way ways[] = {{"mine", left, m.first}, {"threshold", left, m.second}};
    assert_ok(f->world.ctx, mb_draw_module_displays(f->gallery, f->world.ctx, "modules_restored",
                                m.charges, rows, event, 2, ways, 2, "EMD"));
    // Cell 0 of the first module: a MIPT, around the origin.
    assert_holds(f, "modules_restored.gp", "'event 1234'", "'event 5678'", "'mine: 0.40'",
        "'threshold: nothing left'", "'threshold: 1.00'", "fc palette cb 1 fs solid 1",
        "fc palette cb 2 fs solid 1", " fs empty border", "set cblabel 'MIPT'", "unset object");
    assert_holds(f, "modules_restored.gp",
        "set object polygon from -0.86602,1.5 to -0.86602,-0.5 to 0.86602,-1.5 to "
        "0.86602,0.5 to -0.86602,1.5 fc palette cb 1");
    assert_holds(f, "modules_restored.csv", "\"event 1234: value: cells 0-15\"");
    assert_all_draw(f);
}

static void test_figures_econt__metrics_are_compared_without_rows_that_have_none(void **state) {
    drawing *f = *state;
    static modules m;
    make_modules(&m);
    const mb_econt_way ways[] = {{"mine", NULL, m.first}, {"threshold", NULL, m.second}};
    assert_ok(
        f->world.ctx, mb_draw_metric_histogram(f->gallery, f->world.ctx, emd(), ways, 2, ROWS));
    assert_ok(f->world.ctx, mb_draw_metric_compare(f->gallery, f->world.ctx, emd(), ways, 2, ROWS));
    assert_holds(f, "hist_emd.gp", "mine: 0.45 (0.1, 0.8), mean 0.45 ± 0.287",
        "threshold: 1 (1, 1), mean 1 ± 0", "logscale y");
    assert_holds(f, "compare_emd.gp", "'mine'", "'threshold'", "median, middle 68 %");
    assert_holds(f, "compare_emd.csv", "\n1,1,1,1,1\n");
    assert_all_draw(f);
}

static void test_figures_econt__profiles_are_of_ranges_of_occupancy_and_charge(void **state) {
    drawing *f = *state;
    static modules m;
    mb_arena arena;
    mb_econt_rows rows;
    make_modules(&m);
    mb_arena_init(&arena, f->world.ctx);
    assert_ok(f->world.ctx, mb_econt_rows_make(&rows, &arena, f->world.ctx, m.charges, ROWS));
    // 35 counts are a MIPT, not above it.
    assert_true(rows.above[39] == 0 && rows.above[40] == 41 && rows.largest[40] == 2);
    assert_true(fabs(rows.log_sum[40] - 1.9138138523837167) < 1e-12);
    const mb_econt_way ways[] = {{"mine", NULL, m.first}};
    assert_ok(f->world.ctx,
        mb_draw_metric_profiles(f->gallery, f->world.ctx, emd(), &rows, ways, 1, true));
    assert_holds(f, "profile_emd.gp", "Cells above a MIPT", "filledcurves");
    assert_holds(f, "profile_emd_by_occupancy.gp", "'6 to 10 cells'", "'more than 15 cells'");
    assert_holds(f, "profile_emd_by_charge.gp", "'2 to 5 MIPT'");
    mb_profile profile;
    mb_buffer text;
    mb_buffer_init(&text, f->world.ctx);
    assert_ok(f->world.ctx,
        mb_econt_profile_make(&profile, f->world.ctx, &mb_econt_slices[0], &rows, m.second));
    mb_econt_profile_write(&profile, &text);
    assert_int_equal(profile.n_bins, 12);
    // Rows without a value are left out: of four rows three are 1.
    assert_non_null(strstr(text.data, "1.000000 1.000000 0.000000 0.000000\n"));
    assert_null(strstr(text.data, "-0.5"));
    mb_profile_clear(&profile);
    // Between 5 and 10 cells only bins of these hold something.
    for (size_t i = 0; i < mb_econt_n_slices; i++) {
        if (strcmp(mb_econt_slices[i].name, "sum_occ_5_10") == 0) {
            size_t n = 0;
            assert_ok(f->world.ctx,
                mb_econt_profile_make(&profile, f->world.ctx, &mb_econt_slices[i], &rows, m.first));
            for (size_t b = 0; b < profile.n_bins; b++) {
                n += profile.bin[b].n;
            }
            size_t wanted = 0;
            for (size_t k = 0; k < ROWS; k++) {
                wanted += rows.above[k] > 5 && rows.above[k] <= 10;
            }
            assert_int_equal(n, wanted);
            assert_true(n > 10);
            mb_profile_clear(&profile);
        }
    }
    mb_buffer_clear(&text);
    mb_arena_clear(&arena);
    assert_all_draw(f);
}

static void test_figures_econt__bits_and_learnt_distances(void **state) {
    drawing *f = *state;
    const mb_econt_bits bits[] = {
        {"a", 3, 2, 0.1}, {"a", 9, 1, 0.1}, {"b", 3, 3, 0.1}, {"b", 9, 2.5, 0.1}};
    assert_ok(f->world.ctx, mb_draw_metric_bits(f->gallery, f->world.ctx, "EMD", bits, 4));
    assert_holds(f, "bits.gp", "'a'", "'b'", "Bits of an encoder output");
    const double truth[] = {1, 2, 4, 0};
    const double predicted[] = {1.5, 1, 4, 1};
    assert_ok(f->world.ctx, mb_draw_emd_surrogate(f->gallery, f->world.ctx, "emd_mine", "mine",
                                mb_values_f64(truth, 4), mb_values_f64(predicted, 4)));
    // Relative errors 0.5, -0.5 and 0; of the distance 0 there is none.
    assert_holds(f, "emd_mine.gp", "'mine'", "mean 0.000 ± 0.408", "Exact EMD");
    assert_fails(f->world.ctx,
        mb_draw_emd_surrogate(f->gallery, f->world.ctx, "emd_mine", "mine", mb_values_f64(truth, 4),
            mb_values_f64(predicted, 3)),
        MB_ERR_SHAPE, "4 exact distances and 3 predicted");
    assert_all_draw(f);
}

static void test_figures_econt__the_detector_shows_modules_and_charges(void **state) {
    drawing *f = *state;
    static modules m;
    make_modules(&m);
    mb_bundle bundle;
    mb_bundle_init(&bundle, f->world.ctx);
    const int64_t event[] = {3, 1, 4, 1, 5};
    static const char *const names[] = {"occupancy", "above", "largest", "sum"};
    put_array(f, &bundle, "charges", MB_F32, 2, (const size_t[]){5, CELLS}, m.charges + 5 * CELLS);
    put_array(f, &bundle, "event", MB_I64, 1, (const size_t[]){5}, event);
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        put_array(f, &bundle, names[i], MB_F32, 1, (const size_t[]){40}, m.charges + 47 * CELLS);
    }
    assert_ok(f->world.ctx, mb_draw_concentrator(f->gallery, f->world.ctx, &bundle));
    assert_holds(f, "modules.gp", "'event 4'", "set object polygon");
    assert_holds(f, "module_charges.gp", "'Largest charge'", "'log10 of MIPT'");
    mb_bundle_clear(&bundle);
    const float weights[] = {0.5F, -0.25F, 0.125F};
    const mb_histogram_set sets[] = {
        {"conv2d kernel", mb_values_f32(weights, 3)}, {"conv2d bias", mb_values_f32(weights, 1)}};
    assert_ok(f->world.ctx, mb_draw_weights(f->gallery, f->world.ctx, sets, 2));
    assert_holds(f, "weights.gp", "'conv2d kernel'", "'conv2d bias'");
    assert_all_draw(f);
}

#define DRAWING_TEST(name) cmocka_unit_test_setup_teardown(name, open_drawing, close_drawing)

int main(void) {
    const struct CMUnitTest tests[] = {
        DRAWING_TEST(test_figures_econt__modules_are_rhombi_beside_what_is_left_of_them),
        DRAWING_TEST(test_figures_econt__metrics_are_compared_without_rows_that_have_none),
        DRAWING_TEST(test_figures_econt__profiles_are_of_ranges_of_occupancy_and_charge),
        DRAWING_TEST(test_figures_econt__bits_and_learnt_distances),
        DRAWING_TEST(test_figures_econt__the_detector_shows_modules_and_charges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
