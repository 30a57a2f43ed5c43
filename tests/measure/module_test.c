// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/csv.h"
#include "geometry/arrange.h"
#include "measure/baseline.h"
#include "measure/module.h"

#include <math.h>

enum { CELLS = MB_MODULE_CELLS, ROWS = 2000 };

typedef struct fixture {
    mb_test_world world;
    mb_module_tables tables;
} fixture;

static void open_fixture(fixture *f) {
    mb_test_world_open(&f->world, 2, MB_CPU_ALL);
    assert_ok(f->world.ctx, mb_module_tables_init(&f->tables, f->world.ctx));
}

static void assert_near(double got, double wanted, double tolerance, const char *what) {
    if (!(fabs(got - wanted) <= tolerance)) {
        fail_msg("%s: %.9g is not %.9g within %g", what, got, wanted, tolerance);
    }
}

static const mb_module_metric *metric_named(const char *name) {
    size_t i = 0;
    while (mb_module_metrics[i] != NULL && strcmp(mb_module_metrics[i]->name, name) != 0) {
        i++;
    }
    assert_non_null(mb_module_metrics[i]);
    return mb_module_metrics[i];
}

static const mb_baseline *baseline_named(const char *name) {
    size_t i = 0;
    while (mb_baselines[i] != NULL && strcmp(mb_baselines[i]->name, name) != 0) {
        i++;
    }
    assert_non_null(mb_baselines[i]);
    return mb_baselines[i];
}

static double metric_of(fixture *f, const char *name, const double *a, const double *b) {
    double out = NAN;
    assert_ok(f->world.ctx, metric_named(name)->of(&f->tables, f->world.ctx, a, b, &out));
    return out;
}

// The table's numbers, with or without a header, as float64 (rows, columns).
static void read_table(fixture *f, const char *path, bool has_header, mb_array *out) {
    mb_csv table;
    assert_ok(f->world.ctx, mb_csv_read(&table, f->world.ctx, path, has_header));
    assert_ok(f->world.ctx, mb_csv_to_array(&table, out));
    mb_csv_clear(&table);
}

static void test_module__telescope_of_worked_examples(void **state) {
    (void)state;
    const double nothing[CELLS] = {0};
    const double first[CELLS] = {1};
    const double second[CELLS] = {0, 1};
    assert_near(mb_module_telescope(first, nothing), 4.0 / 48 + 2.0 / 48 + 1.0 / 3, 1e-12, "e0, 0");
    assert_near(mb_module_telescope(first, nothing), 0.4583333, 1e-7, "e0, 0");
    assert_near(mb_module_telescope(first, second), 0.1944444, 1e-7, "e0, e1");
    assert_near(mb_module_telescope(second, first), 0.1944444, 1e-7, "e1, e0");
    assert_near(mb_weighted_mse(first, second, CELLS), 2.0 / 48, 1e-12, "weighted");
    assert_near(mb_weighted_mse(first, second, 0), 0, 0, "no values");
}

static void test_module__pictures_without_charge_have_numbers_of_their_own(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    const double nothing[CELLS] = {0};
    const double first[CELLS] = {1};
    for (size_t i = 0; mb_module_metrics[i] != NULL; i++) {
        const char *name = mb_module_metrics[i]->name;
        const bool is_fraction = strcmp(name, "zero_frac") == 0;
        assert_near(metric_of(&f, name, nothing, first), -1, 0, name);
        assert_near(metric_of(&f, name, nothing, nothing), -1, 0, name);
        assert_near(metric_of(&f, name, first, nothing), is_fraction ? 1 : -0.5, 0, name);
        const bool is_similar = strcmp(name, "cross_corr") == 0;
        assert_near(metric_of(&f, name, first, first), is_similar ? 1 : 0, 1e-12, name);
    }
    double flat[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        flat[i] = 0.1;
    }
    assert_near(metric_of(&f, "cross_corr", first, flat), 0, 0, "a flat picture");
    mb_test_world_close(&f.world);
}

static void test_module__mistakes_are_told(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    const mb_module_metric *metric = metric_named("SSD");
    double a[2 * CELLS] = {1};
    const double b[2 * CELLS] = {1};
    double out[2];
    a[CELLS + 3] = -2;
    assert_fails(f.world.ctx,
        mb_module_metric_of_rows(metric, &f.tables, f.world.ctx, "in.csv",
            mb_values_f64(a, 2 * CELLS), "out.csv", mb_values_f64(b, 2 * CELLS), out),
        MB_ERR_RANGE, "in.csv: row 1, column 3 is -2");
    assert_fails(f.world.ctx,
        mb_module_metric_of_rows(metric, &f.tables, f.world.ctx, "in.csv", mb_values_f64(a, CELLS),
            "out.csv", mb_values_f64(b, 2 * CELLS), out),
        MB_ERR_SHAPE, "in.csv has 48 charges but out.csv has 96");
    mb_test_world_close(&f.world);
}

static void test_module__summaries_leave_out_rows_without_a_value_unless_asked(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    const double values[] = {-1, 0.5, -0.25, -0.5, 1.5};
    mb_emd_summary summary;
    assert_ok(f.world.ctx, mb_module_summarise(&summary, f.world.ctx, values, 5, false));
    assert_int_equal(summary.n, 3);
    assert_int_equal(summary.n_empty_input, 1);
    assert_int_equal(summary.n_empty_output, 1);
    assert_near(summary.mean, 1.75 / 3, 1e-12, "mean");
    assert_near(summary.median, 0.5, 0, "median");
    assert_ok(f.world.ctx, mb_module_summarise(&summary, f.world.ctx, values, 5, true));
    assert_int_equal(summary.n, 5);
    assert_near(summary.mean, 0.05, 1e-12, "mean with all");
    assert_near(summary.median, -0.25, 0, "median with all");
    mb_test_world_close(&f.world);
}

static void test_module__charges_are_restored_by_three_rules(void **state) {
    (void)state;
    double charges[CELLS] = {1000, 1000, 11};
    double output[CELLS] = {1, 0.75, 0.25168};
    // Sums 2011 and 2.00168: the powers of two are 1024 and 2.
    assert_near(mb_module_restore_factor(MB_RESTORE_POWER2, charges, output), 512, 0, "power2");
    assert_near(mb_module_restore_factor(MB_RESTORE_MAX, charges, output), 1000, 0, "max");
    assert_near(
        mb_module_restore_factor(MB_RESTORE_SUM, charges, output), 2011 / 2.00168, 1e-9, "sum");
    const double nothing[CELLS] = {0};
    assert_near(mb_module_restore_factor(MB_RESTORE_SUM, charges, nothing), 0, 0, "nothing");
    output[0] = output[1] = 0;
    assert_near(mb_module_restore_factor(MB_RESTORE_POWER2, charges, output), 4096, 0, "small");
}

static void test_module__the_first_reference_row_has_its_figures(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double value, tolerance;
    } figures[] = {{"emd", 0.967844962, 2e-6}, {"dMean", 0.549965, 2e-6}, {"dRMS", 0.040066, 2e-6},
        {"cross_corr", 0.692131, 2e-6}, {"SSD", 0.373300, 2e-6}, {"zero_frac", 0, 0},
        {"sinkhorn", 1.29051, 1e-5}};
    fixture f;
    mb_array rows = {0};
    mb_array images = {0};
    open_fixture(&f);
    const char *path = mb_test_shared("econt_calq_nolicence/CALQ_output.csv");
    read_table(&f, path, true, &rows);
    path = mb_test_shared("golden_own/econt_float_tele_decoded_first10.csv");
    read_table(&f, path, false, &images);
    const mb_arrangement *arrangement = mb_arrangement_find("8x8");
    double truth[CELLS];
    double decoded[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        truth[i] = mb_array_get(&rows, i) / 1024;
        decoded[i] = mb_array_get(&images, arrangement->pixel[i]);
    }
    assert_near(mb_module_telescope(truth, decoded), 2.42084e-3, 1e-7, "telescope");
    for (size_t i = 0; i < MB_COUNT_OF(figures); i++) {
        assert_near(metric_of(&f, figures[i].name, truth, decoded), figures[i].value,
            figures[i].tolerance, figures[i].name);
    }
    mb_array_clear(&rows);
    mb_array_clear(&images);
    mb_test_world_close(&f.world);
}

static void apply(
    const char *name, const mb_baseline_options *options, const double *charges, double *out) {
    for (size_t i = 0; mb_baselines[i] != NULL; i++) {
        if (strcmp(mb_baselines[i]->name, name) == 0) {
            mb_baseline_apply(mb_baselines[i], options, charges, out);
            return;
        }
    }
    fail_msg("there is no %s", name);
}

static void test_baseline__rules_on_small_pictures(void **state) {
    (void)state;
    mb_baseline_options options = mb_baseline_defaults(2);
    double out[CELLS];
    double charges[CELLS] = {48, 47, 100, 0, 48, 7};
    charges[42] = 10;
    charges[43] = 20;
    assert_int_equal(options.n_kept, 4);
    apply("threshold", &options, charges, out);
    assert_near(out[0] + out[2] + out[4], 196, 0, "kept");
    assert_near(out[1] + out[43], 0, 0, "left out");
    apply("best_choice", &options, charges, out);
    assert_near(out[1], 47, 0, "the fourth");
    options.n_kept = 2;
    apply("best_choice", &options, charges, out);
    assert_near(out[0], 48, 0, "of equal cells the first");
    assert_near(out[4], 0, 0, "of equal cells the second");
    // Cells 0, 1, 4, 5 are a tile.
    apply("stc4", &options, charges, out);
    assert_near(out[0], 48 + 47 + 48 + 7, 0, "first of equal cells");
    assert_near(out[4], 0, 0, "first of equal cells");
    assert_near(out[43], 30, 0, "the tile of 42 and 43");
    options.is_last = true;
    apply("stc4", &options, charges, out);
    assert_near(out[4], 150, 0, "last of equal cells");
    options.has_typo = true;
    apply("stc4", &options, charges, out);
    assert_near(out[43], 40, 0, "43 twice");
    options.has_typo = false;
    apply("stc16", &options, charges, out);
    assert_near(out[2], 250, 0, "of sixteen");
    assert_near(out[43], 30, 0, "of sixteen");
    assert_near(out[31], 0, 0, "an empty third");
    apply("share4", &options, charges, out);
    assert_near(out[5], 37.5, 0, "shared");
    assert_near(out[46], 7.5, 0, "shared");
    apply("repeater", &options, charges, out);
    assert_near(out[2], 96, 0, "4E3M of 100");
    assert_near(out[43], 20, 0, "4E3M of 20");
    options.is_centred = true;
    options.drop = 3;
    apply("repeater", &options, charges, out);
    assert_near(out[5], 4, 0, "4E3M of 7 without its low bits");
    assert_near(out[3], 0, 0, "no charge");
    assert_int_equal(mb_baseline_cells_of_links(0), 0);
    assert_int_equal(mb_baseline_cells_of_links(5), 14);
    assert_int_equal(mb_baseline_cells_of_links(13), 48);
}

static void test_baseline__image_order_regroups_cells(void **state) {
    (void)state;
    mb_baseline_options options = mb_baseline_defaults(5);
    double out[CELLS];
    double charges[CELLS] = {0};
    options.is_image_order = true;
    // Pixels 0, 1, 4, 5 of the image show these.
    charges[28] = 1;
    charges[29] = 2;
    charges[0] = 4;
    charges[4] = 8;
    apply("stc4", &options, charges, out);
    assert_near(out[4], 15, 0, "the pixels' tile");
    options.is_image_order = false;
    apply("stc4", &options, charges, out);
    assert_near(out[4], 12, 0, "the cells' tile");
}

static void test_baseline__the_reference_rows_have_their_table(void **state) {
    (void)state;
    static const struct {
        const char *name, *row;
        size_t n_links;
    } cases[] = {{"threshold", "threshold_1.35", 5}, {"stc16", "stc16", 5}, {"stc4", "stc4", 5},
        {"share4", "share4", 5}, {"best_choice", "bestchoice4", 2},
        {"best_choice", "bestchoice6", 3}, {"best_choice", "bestchoice9", 4},
        {"best_choice", "bestchoice14", 5}};
    fixture f;
    mb_array rows = {0};
    mb_csv table;
    open_fixture(&f);
    mb_context *ctx = f.world.ctx;
    read_table(&f, mb_test_shared("econt_calq_nolicence/CALQ_output.csv"), true, &rows);
    assert_ok(ctx,
        mb_csv_read(&table, ctx, mb_test_shared("golden_own/econt_algorithms_2000rows.csv"), true));
    assert_ok(ctx, mb_array_convert(&rows, ctx, MB_F32));
    float *left = mb_allocate(ctx, ROWS * CELLS, sizeof *left);
    double *distance = mb_allocate(ctx, ROWS, sizeof *distance);
    const mb_values truth = {MB_F32, ROWS * CELLS, rows.data};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_baseline *baseline = baseline_named(cases[i].name);
        const mb_baseline_options options = mb_baseline_defaults(cases[i].n_links);
        mb_emd_summary summary;
        assert_ok(ctx, mb_baseline_apply_rows(baseline, &options, ctx, rows.data, ROWS, left));
        assert_ok(ctx, mb_module_metric_of_rows(mb_module_metrics[0], &f.tables, ctx, "rows", truth,
                           "left", mb_values_f32(left, ROWS * CELLS), distance));
        assert_ok(ctx, mb_module_summarise(&summary, ctx, distance, ROWS, false));
        size_t row = 0;
        while (row < table.n_rows && strcmp(mb_csv_field(&table, row, 0), cases[i].row) != 0) {
            row++;
        }
        assert_true(row < table.n_rows);
        double wanted[3];
        for (size_t k = 0; k < 3; k++) {
            assert_ok(ctx, mb_csv_number(&table, row, k + 1, &wanted[k]));
        }
        assert_near(summary.mean, wanted[0], 1e-4, cases[i].row);
        assert_near(summary.std, wanted[1], 1e-4, cases[i].row);
        assert_near((double)summary.n_empty_output / ROWS, wanted[2], 1e-6, cases[i].row);
    }
    mb_release(ctx, left);
    mb_release(ctx, distance);
    mb_csv_clear(&table);
    mb_array_clear(&rows);
    mb_test_world_close(&f.world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module__telescope_of_worked_examples),
        cmocka_unit_test(test_module__pictures_without_charge_have_numbers_of_their_own),
        cmocka_unit_test(test_module__mistakes_are_told),
        cmocka_unit_test(test_module__summaries_leave_out_rows_without_a_value_unless_asked),
        cmocka_unit_test(test_module__charges_are_restored_by_three_rules),
        cmocka_unit_test(test_module__the_first_reference_row_has_its_figures),
        cmocka_unit_test(test_baseline__rules_on_small_pictures),
        cmocka_unit_test(test_baseline__image_order_regroups_cells),
        cmocka_unit_test(test_baseline__the_reference_rows_have_their_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
