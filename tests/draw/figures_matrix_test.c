// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "base/output.h"
#include "draw/figures_matrix.h"

#include <math.h>
#include <stdio.h>

static const mb_matrix_label rows[2] = {{MB_LETTER_DATA, "first"}, {MB_LETTER_NONE, "second"}};
static const mb_matrix_label columns[3] = {
    {MB_LETTER_MODEL, "a"}, {MB_LETTER_MODEL, "b"}, {MB_LETTER_NONE, "c"}};

static mb_matrix_settings settings_of(const double *value, const double *spread) {
    return (mb_matrix_settings){.name = "auc",
        .title = "ROC AUC",
        .rows = rows,
        .columns = columns,
        .n_rows = 2,
        .n_columns = 3,
        .value = value,
        .spread = spread};
}

static void test_figures_matrix__first_row_is_at_the_top_and_cells_have_two_lines(void **state) {
    drawing *f = *state;
    const double value[6] = {0.5, 0.12344, 0.25, 0.75, 1, 0.875};
    const double spread[6] = {0.00126, 0.25, NAN, 0, NAN, NAN};
    const mb_matrix_settings settings = settings_of(value, spread);
    bool is_drawn = false;
    assert_ok(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, &is_drawn));
    assert_true(is_drawn);
    // 16 x 12 inch at 96 pixels; the range is that of the cells.
    assert_holds(f, "auc.gp", "size 1536,1152", "set title 'ROC AUC'", "set cbrange [0.1234",
        ":1]\n", "rotate by 45 right", "'{/*1.3 \u2133}_{a}' 0", "'c' 2",
        "'{/*1.3 \U0001D49F}_{first}' 1", "('second' 0");
    assert_holds(f, "auc.gp", "'0.5000' noenhanced front at first 0, first 1.14",
        "'± 0.0013' noenhanced front at first 0, first 0.85999",
        "'0.2500' noenhanced front at first 2, first 1 center",
        "'± 0.0000' noenhanced front at first 0, first -0.14",
        "'1.0000' noenhanced front at first 1, first 0 center");
    assert_lacks(f, "auc.gp", "n/a", "nan");
    assert_holds(f, "auc.csv",
        "\"row\",\"column\",\"value\",\"spread\",\"column number\",\"row number from below\"\n",
        "\n\"first\",\"a\",0.5,0.00126,0,1\n", "\n\"second\",\"c\",0.875,,2,0\n");
    assert_all_draw(f);
}

static void test_figures_matrix__null_cells_are_grey_and_leave_the_range_alone(void **state) {
    drawing *f = *state;
    const double value[6] = {0.5, NAN, 0.25, INFINITY, 0.375, 0.25};
    const mb_matrix_settings settings = settings_of(value, NULL);
    assert_ok(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, NULL));
    assert_holds(f, "auc.gp", "'n/a' noenhanced front at first 1, first 1 center",
        "'n/a' noenhanced front at first 0, first 0 center", "set cbrange [0.25:0.5]",
        "fs solid 0.4 noborder lt 9");
    assert_holds(f, "auc.csv", "\"first\",\"b\",,1,1,0,0\n", "\"second\",\"a\",,0,0,,\n");
    assert_lacks(f, "auc.csv", "spread", "nan", "inf");
    assert_all_draw(f);
}

static void test_figures_matrix__no_value_at_all_is_no_figure(void **state) {
    drawing *f = *state;
    const double value[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    mb_matrix_settings settings = settings_of(value, NULL);
    bool is_drawn = true;
    assert_ok(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, &is_drawn));
    assert_false(is_drawn);
    assert_int_equal(mb_gallery_count(f->gallery), 0);
    settings.n_rows = 0;
    assert_fails(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, &is_drawn),
        MB_ERR_ARG, "0 rows and 3 columns");
}

static void test_figures_matrix__one_value_has_a_range_too(void **state) {
    drawing *f = *state;
    const double value[6] = {0, 0, 0, 0, 0, 0};
    mb_matrix_settings settings = settings_of(value, NULL);
    settings.n_decimals = 2;
    assert_ok(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, NULL));
    assert_holds(f, "auc.gp", "'0.00'", "set cbrange [0:");
    assert_lacks(f, "auc.gp", "set cbrange [0:0]");
    assert_all_draw(f);
}

// Labels go through gnuplot's marks, where a text could do more than be shown.
static void test_figures_matrix__hostile_labels_stay_texts(void **state) {
    drawing *f = *state;
    static const char hostile[] =
        "a_b^{c} \\101 \\U+0041 @x &{y} ~z `touch x` '';system(\"touch x\")";
    const mb_matrix_label labels[2] = {{MB_LETTER_MODEL, hostile}, {MB_LETTER_NONE, hostile}};
    const double value[4] = {1, 2, 3, 4};
    const mb_matrix_settings settings = {.name = "hostile",
        .title = hostile,
        .rows = labels,
        .columns = labels,
        .n_rows = 2,
        .n_columns = 2,
        .value = value};
    assert_ok(f->world.ctx, mb_draw_matrix(f->gallery, f->world.ctx, &settings, NULL));
    assert_holds(f, "hostile.gp", "_{a\\_b\\^\\{c\\} \\\\101 \\\\U+0041 \\@x \\&\\{y\\} \\~z");
    assert_all_draw(f);
    if (mb_gallery_entry_at(f->gallery, 0)->is_drawn) {
        // gnuplot may cut a text into several elements; its words stay.
        assert_holds(f, "hostile.svg", "101", "U+0041", "touch x");
        assert_lacks(f, "hostile.svg", "AA");
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/x", f->directory);
    FILE *made = fopen(path, "r");
    assert_null(made);
}

static void test_figures_matrix__known_samples_have_pretty_titles(void **state) {
    (void)state;
    assert_string_equal(mb_sample_title("GluGluHToTauTau", NULL), "H → ττ");
    assert_string_equal(mb_sample_title("GluGluHToTauTau", "H to tau tau"), "H → ττ");
    assert_string_equal(mb_sample_title("mine", "SM HH to 4b"), "SM HH → 4b");
    assert_string_equal(mb_sample_title("TTBar", "TT"), "T T\u0305");
    assert_string_equal(mb_sample_title("Haa4b", "H to aa to 4b"), "H → aa → 4b");
    assert_string_equal(mb_sample_title("blend", NULL), "BLEND");
    assert_string_equal(mb_sample_title("synthetic", "synthetic"), "Synthetic");
    assert_string_equal(mb_sample_title("TTBar", "my own title"), "my own title");
    assert_string_equal(mb_sample_title("VBF", NULL), "VBF");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__first_row_is_at_the_top_and_cells_have_two_lines, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__null_cells_are_grey_and_leave_the_range_alone, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__no_value_at_all_is_no_figure, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__one_value_has_a_range_too, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__hostile_labels_stay_texts, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_matrix__known_samples_have_pretty_titles, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
