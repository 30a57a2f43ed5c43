// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_matrix.h"

#include "base/numbers.h"
#include "base/words.h"
#include "draw/parts.h"

#include <math.h>

enum { MOST_DECIMALS = 12, LARGEST_FONT = 18, SMALLEST_FONT = 6 };

// Inches of one letter at the largest size; how much smaller letters at an angle of 45 degrees are.
static const double letter_width = 0.125;
static const double diagonal = 0.7071;
// Inches for the title and for the colour bar.
static const double top_space = 0.8;
static const double right_space = 1.6;

static const char *symbol_of(mb_letter letter) {
    switch (letter) {
    case MB_LETTER_MODEL:
        return "\u2133";
    case MB_LETTER_DATA:
        return "\U0001D49F";
    default:
        return NULL;
    }
}

// In letters as large as those of a subscript.
static double longest(const mb_matrix_label *labels, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t n_letters = labels[i].letter != MB_LETTER_NONE ? 1 : 0;
        for (const char *p = labels[i].text; *p != '\0'; n_letters++) {
            p += mb_max_size(1, mb_utf8_length(p));
        }
        const double size = labels[i].letter != MB_LETTER_NONE ? 1 : 1.3;
        most = fmax(most, size * (double)n_letters);
    }
    return most;
}

// What all parts of the figure need to know.
typedef struct matrix {
    const mb_matrix_settings *settings;
    double width, height;
    double left, bottom; // inches for the labels
    int n_decimals;
    double low, high; // of the cells that have a value
    size_t n_values;
} matrix;

static matrix measure(const mb_matrix_settings *settings) {
    matrix m = {.settings = settings, .low = INFINITY, .high = -INFINITY};
    m.width = settings->width > 0 ? settings->width : 16;
    m.height = settings->height > 0 ? settings->height : 12;
    const double left = 0.5 + letter_width * longest(settings->rows, settings->n_rows);
    const double bottom =
        0.5 + diagonal * letter_width * longest(settings->columns, settings->n_columns);
    m.left = fmin(left, 0.5 * m.width);
    m.bottom = fmin(bottom, 0.5 * m.height);
    m.n_decimals = settings->n_decimals > 0 ? settings->n_decimals : 4;
    m.n_decimals = m.n_decimals < MOST_DECIMALS ? m.n_decimals : MOST_DECIMALS;
    for (size_t i = 0; i < settings->n_rows * settings->n_columns; i++) {
        if (isfinite(settings->value[i])) {
            m.low = fmin(m.low, settings->value[i]);
            m.high = fmax(m.high, settings->value[i]);
            m.n_values++;
        }
    }
    return m;
}

static int font_of(const matrix *m) {
    const double cell = (m->width - right_space - m->left) / (double)m->settings->n_columns;
    const double points = floor(110 * cell / (m->n_decimals + 4));
    return (int)fmin(fmax(points, SMALLEST_FONT), LARGEST_FONT);
}

static mb_panel *add_panel(mb_figure *figure, mb_context *ctx, const matrix *m) {
    const mb_matrix_settings *settings = m->settings;
    const size_t n_rows = settings->n_rows;
    const size_t n_columns = settings->n_columns;
    mb_tick *ticks = mb_allocate(ctx, n_rows + n_columns, sizeof *ticks);
    if (ticks == NULL) {
        return NULL;
    }
    for (size_t j = 0; j < n_columns; j++) {
        ticks[j] = (mb_tick){symbol_of(settings->columns[j].letter), settings->columns[j].text};
    }
    for (size_t i = 0; i < n_rows; i++) {
        const mb_matrix_label *row = &settings->rows[n_rows - 1 - i];
        ticks[n_columns + i] = (mb_tick){symbol_of(row->letter), row->text};
    }
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.title = settings->title,
                                    .x = {.label = "column number",
                                        .hides_label = true,
                                        .has_range = true,
                                        .low = -0.5,
                                        .high = (double)n_columns - 0.5,
                                        .ticks = ticks,
                                        .n_ticks = n_columns,
                                        .tick_angle = 45},
                                    .y = {.label = "row number from below",
                                        .hides_label = true,
                                        .has_range = true,
                                        .low = -0.5,
                                        .high = (double)n_rows - 0.5,
                                        .ticks = ticks + n_columns,
                                        .n_ticks = n_rows},
                                    .legend = MB_LEGEND_NONE,
                                    .color_label = "",
                                    .colors = {MB_PALETTE_MARKS, true, m->low, m->high},
                                    .place = {m->left / m->width, 1 - right_space / m->width,
                                        m->bottom / m->height, 1 - top_space / m->height}});
    mb_release(ctx, ticks);
    return panel;
}

// The two lines of a cell. The palette is pale enough for dark letters everywhere.
static void add_cell_text(mb_panel *panel, const matrix *m, size_t cell, double x, double y) {
    const mb_matrix_settings *settings = m->settings;
    const double value = settings->value[cell];
    const double spread = settings->spread != NULL ? settings->spread[cell] : NAN;
    char text[64];
    if (!isfinite(value)) {
        mb_panel_label(panel, x, y, "n/a");
        return;
    }
    mb_format(text, sizeof text, "%.*f", m->n_decimals, value);
    const double shift = isfinite(spread) ? 0.14 : 0;
    mb_panel_label(panel, x, y + shift, text);
    if (isfinite(spread)) {
        mb_format(text, sizeof text, "± %.*f", m->n_decimals, spread);
        mb_panel_label(panel, x, y - shift, text);
    }
}

// place: room for x and y of all cells and of those without a value.
static void add_cells(mb_panel *panel, const matrix *m, double *place) {
    const mb_matrix_settings *settings = m->settings;
    const size_t n = settings->n_rows * settings->n_columns;
    double *x = place;
    double *y = place + n;
    double *x_none = place + 2 * n;
    double *y_none = place + 3 * n;
    size_t n_none = 0;
    for (size_t cell = 0; cell < n; cell++) {
        x[cell] = (double)(cell % settings->n_columns);
        y[cell] = (double)(settings->n_rows - 1 - cell / settings->n_columns);
        if (!isfinite(settings->value[cell])) {
            x_none[n_none] = x[cell];
            y_none[n_none++] = y[cell];
        }
        add_cell_text(panel, m, cell, x[cell], y[cell]);
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .x = mb_values_f64(x, n),
                               .y = mb_values_f64(y, n),
                               .value = mb_values_f64(settings->value, n),
                               .cell_width = 1,
                               .cell_height = 1});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .name = "cells without a value",
                               .x = mb_values_f64(x_none, n_none),
                               .y = mb_values_f64(y_none, n_none),
                               .cell_width = 1,
                               .cell_height = 1,
                               .color = 9});
}

static void add_columns(mb_figure *figure, const mb_matrix_settings *settings, const char **texts) {
    const size_t n = settings->n_rows * settings->n_columns;
    for (size_t cell = 0; cell < n; cell++) {
        texts[cell] = settings->rows[cell / settings->n_columns].text;
        texts[n + cell] = settings->columns[cell % settings->n_columns].text;
    }
    mb_figure_texts(figure, "row", texts, n);
    mb_figure_texts(figure, "column", texts + n, n);
    mb_figure_numbers(figure, "value", mb_values_f64(settings->value, n));
    if (settings->spread != NULL) {
        mb_figure_numbers(figure, "spread", mb_values_f64(settings->spread, n));
    }
}

static void add_caption(mb_figure *figure, const matrix *m) {
    if (m->settings->caption != NULL) {
        mb_figure_caption(figure, "%s", m->settings->caption);
        return;
    }
    const size_t n_none = m->settings->n_rows * m->settings->n_columns - m->n_values;
    mb_figure_caption(figure,
        "%s: one row for each set of test events, one column for each score%s. Colours run from "
        "the lowest (red) to the highest (green) value.%s",
        m->settings->title != NULL ? m->settings->title : "Values",
        m->settings->spread != NULL ? ", mean ± standard deviation where it was trained repeatedly"
                                    : "",
        n_none > 0 ? " Grey cells have no value." : "");
}

mb_status mb_draw_matrix(
    mb_gallery *gallery, mb_context *ctx, const mb_matrix_settings *settings, bool *is_drawn) {
    const size_t n = settings->n_rows * settings->n_columns;
    if (n == 0) {
        return mb_fail(ctx, MB_ERR_ARG,
            "figure %s: a matrix of %zu rows and %zu columns; give at least one of each",
            settings->name, settings->n_rows, settings->n_columns);
    }
    const matrix m = measure(settings);
    if (is_drawn != NULL) {
        *is_drawn = m.n_values > 0;
    }
    if (m.n_values == 0) {
        return MB_OK;
    }
    double *place = mb_allocate(ctx, n, 4 * sizeof *place);
    const char **texts = mb_allocate(ctx, n, 2 * sizeof *texts);
    mb_figure *figure = mb_figure_create(ctx, settings->name, m.width, m.height);
    mb_status status = MB_ERR_MEMORY;
    if (place != NULL && texts != NULL && figure != NULL) {
        mb_figure_font(figure, font_of(&m));
        add_caption(figure, &m);
        add_columns(figure, settings, texts);
        mb_panel *panel = add_panel(figure, ctx, &m);
        if (panel != NULL) {
            add_cells(panel, &m, place);
            status = mb_gallery_add(gallery, ctx, figure);
            figure = NULL;
        }
    }
    mb_figure_destroy(figure);
    mb_release(ctx, texts);
    mb_release(ctx, place);
    return status;
}

typedef struct sample_title {
    const char *name, *plain, *pretty;
} sample_title;

static const sample_title sample_titles[] = {
    {"GluGluHToTauTau", "H to tau tau", "H → ττ"},
    {"GluGluToHHTo4B", "SM HH to 4b", "SM HH → 4b"},
    {"TTBar", "TT", "T T\u0305"},
    {"Haa4b", "H to aa to 4b", "H → aa → 4b"},
    {"SUEP", "SUEP", "SUEP"},
    {"blend", "blend", "BLEND"},
    {"synthetic", "synthetic", "Synthetic"},
    {"synthetic_pileup", "synthetic_pileup", "Synthetic + pileup"},
};

const char *mb_sample_title(const char *name, const char *title) {
    for (size_t i = 0; i < MB_COUNT_OF(sample_titles); i++) {
        const sample_title *known = &sample_titles[i];
        const bool is_known =
            title != NULL ? strcmp(title, known->plain) == 0 || strcmp(title, known->name) == 0
                          : strcmp(name, known->name) == 0;
        if (is_known) {
            return known->pretty;
        }
    }
    return title != NULL ? title : name;
}
