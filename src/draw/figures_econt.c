// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_econt.h"

#include "base/math.h"
#include "base/numbers.h"
#include "draw/histograms.h"
#include "geometry/hex48.h"

#include <math.h>

enum { CELLS = MB_MODULE_CELLS, THIRD = 16, LONGEST_TEXT = 128 };
static const double counts_a_mipt = 35;

// Where modules stand in the figure, in inches.
static const double panel_width = 2.0;
static const double panel_height = 2.1;
static const double head_height = 0.45; // of a panel's title
static const double bar_width = 1.0;

// The edges of a cell lie along the rows of its third.
static void take_edges(size_t third, double edge[4]) {
    const mb_hex48_cell origin = mb_hex48_cell_at(third * THIRD);
    const mb_hex48_cell column = mb_hex48_cell_at(third * THIRD + 1);
    const mb_hex48_cell row = mb_hex48_cell_at(third * THIRD + 4);
    edge[0] = column.x - origin.x;
    edge[1] = column.y - origin.y;
    edge[2] = row.x - origin.x;
    edge[3] = row.y - origin.y;
}

// Cells without charge stay white.
static void add_module(mb_panel *panel, const float *charges) {
    for (size_t third = 0; third < CELLS / THIRD; third++) {
        double x[THIRD];
        double y[THIRD];
        double value[THIRD];
        char name[32];
        mb_format(name, sizeof name, "cells %zu-%zu", third * THIRD, third * THIRD + THIRD - 1);
        for (size_t i = 0; i < THIRD; i++) {
            const size_t cell = third * THIRD + i;
            const mb_hex48_cell at = mb_hex48_cell_at(cell);
            x[i] = at.x;
            y[i] = at.y;
            value[i] = charges[cell] > 0 ? (double)charges[cell] / counts_a_mipt : (double)NAN;
        }
        mb_series series = {.kind = MB_SERIES_RHOMBI,
            .name = name,
            .x = mb_values_f64(x, THIRD),
            .y = mb_values_f64(y, THIRD),
            .value = mb_values_f64(value, THIRD)};
        take_edges(third, series.edge);
        mb_panel_series(panel, &series);
    }
}

typedef struct extent {
    double left, right, bottom, top;
} extent;

static extent extent_of_module(void) {
    extent e = {0, 0, 0, 0};
    for (size_t cell = 0; cell < CELLS; cell++) {
        const mb_hex48_cell at = mb_hex48_cell_at(cell);
        e.left = fmin(e.left, at.x);
        e.right = fmax(e.right, at.x);
        e.bottom = fmin(e.bottom, at.y);
        e.top = fmax(e.top, at.y);
    }
    const double margin = 2.2;
    return (extent){e.left - margin, e.right + margin, e.bottom - margin, e.top + margin};
}

typedef struct display {
    mb_figure *figure;
    size_t n_columns, n_rows;
    double width, height;
    extent range;
} display;

static mb_panel *add_panel(
    const display *d, size_t row, size_t column, const char *title, double most) {
    const bool is_last = column + 1 == d->n_columns;
    const double left = ((double)column * panel_width + 0.1) / d->width;
    const double top = 1 - ((double)row * panel_height + head_height) / d->height;
    const double bottom = top - (panel_height - head_height - 0.05) / d->height;
    const double right = left + (panel_width - 0.2) / d->width;
    return mb_figure_panel(d->figure,
        &(mb_panel_settings){.title = title,
            .x = {.label = "x",
                .hides_label = true,
                .hides_numbers = true,
                .has_range = true,
                .low = d->range.left,
                .high = d->range.right},
            .y = {.label = "y",
                .hides_label = true,
                .hides_numbers = true,
                .has_range = true,
                .low = d->range.bottom,
                .high = d->range.top},
            .legend = MB_LEGEND_NONE,
            .color_label = is_last ? "MIPT" : NULL,
            .colors = {.palette = MB_PALETTE_CHARGE, .has_range = true, .low = 0, .high = most},
            .color_bar = {right + 0.1 / d->width, right + 0.2 / d->width, bottom, top},
            .aspect = (d->range.top - d->range.bottom) / (d->range.right - d->range.left),
            .place = {left, right, bottom, top}});
}

static double largest_of(const float *charges) {
    double largest = 0;
    for (size_t i = 0; i < CELLS; i++) {
        largest = fmax(largest, (double)charges[i]);
    }
    return largest / counts_a_mipt;
}

// The metric's name stands in the caption: titles are as long as names of models allow.
static void add_ways(const display *d, size_t row, size_t index, const mb_econt_way *ways,
    size_t n_ways, double most) {
    for (size_t k = 0; k < n_ways; k++) {
        char title[LONGEST_TEXT];
        const double value = ways[k].values != NULL ? ways[k].values[index] : (double)NAN;
        if (value == MB_EMD_EMPTY_OUTPUT) {
            mb_format(title, sizeof title, "%.60s: nothing left", ways[k].label);
        } else if (isfinite(value)) {
            mb_format(title, sizeof title, "%.60s: %.2f", ways[k].label, value);
        } else {
            mb_format(title, sizeof title, "%.60s", ways[k].label);
        }
        add_module(add_panel(d, row, k + 1, title, most), ways[k].charges + row * CELLS);
    }
}

mb_status mb_draw_module_displays(mb_gallery *gallery, mb_context *ctx, const char *name,
    const float *input, const uint32_t *rows, const int64_t *event, size_t n_rows,
    const mb_econt_way *ways, size_t n_ways, const char *metric) {
    display d = {.n_columns = n_ways + 1,
        .n_rows = n_rows,
        .width = panel_width * (double)(n_ways + 1) + bar_width,
        .height = panel_height * (double)n_rows + 0.1,
        .range = extent_of_module()};
    d.figure = mb_figure_create(ctx, name, fmin(d.width, 100), d.height);
    mb_figure_font(d.figure, 10);
    mb_figure_columns(d.figure, d.n_columns);
    mb_figure_caption(d.figure,
        "Charges of modules (MIPT), a crossing in each row: %s%s. Cells without charge are white; "
        "the colours of a row end at the largest charge that came in.",
        n_ways > 0 ? "as they came in, and as each way to encode them leaves them, with its "
                   : "drawn at random",
        n_ways > 0 ? metric : "");
    for (size_t i = 0; i < n_rows; i++) {
        char title[LONGEST_TEXT];
        const float *charges = input + (size_t)rows[i] * CELLS;
        const double most = largest_of(charges);
        mb_format(title, sizeof title, "event %lld", (long long)event[i]);
        mb_panel *panel = add_panel(&d, i, 0, title, most);
        add_module(panel, charges);
        add_ways(&d, i, rows[i], ways, n_ways, most);
    }
    return mb_gallery_add(gallery, ctx, d.figure);
}

// Eight modules without ways: two rows of four look better than a column.
static mb_status draw_alone(
    mb_gallery *gallery, mb_context *ctx, const mb_array *charges, const mb_array *event) {
    const size_t n = mb_min_size(charges->shape[0], MB_ECONT_DISPLAYS);
    display d = {.n_columns = 4,
        .n_rows = (n + 3) / 4,
        .width = (panel_width + bar_width) * 4,
        .height = panel_height * (double)((n + 3) / 4) + 0.1,
        .range = extent_of_module()};
    d.figure = mb_figure_create(ctx, "modules", d.width, d.height);
    mb_figure_font(d.figure, 10);
    mb_figure_columns(d.figure, 4);
    mb_figure_caption(
        d.figure, "Charges of modules drawn at random (MIPT); cells without charge are white.");
    for (size_t i = 0; i < n; i++) {
        char title[LONGEST_TEXT];
        const float *one = (const float *)charges->data + i * CELLS;
        const double left = (panel_width + bar_width) * (double)(i % 4) / d.width;
        mb_format(title, sizeof title, "event %.0f", mb_array_get(event, i));
        // Each has a scale of its own, so each has a bar.
        const double top = 1 - ((double)(i / 4) * panel_height + head_height) / d.height;
        const double bottom = top - (panel_height - head_height - 0.05) / d.height;
        const double right = left + (panel_width - 0.1) / d.width;
        mb_panel *panel = mb_figure_panel(d.figure,
            &(mb_panel_settings){.title = title,
                .x = {.label = "x",
                    .hides_label = true,
                    .hides_numbers = true,
                    .has_range = true,
                    .low = d.range.left,
                    .high = d.range.right},
                .y = {.label = "y",
                    .hides_label = true,
                    .hides_numbers = true,
                    .has_range = true,
                    .low = d.range.bottom,
                    .high = d.range.top},
                .legend = MB_LEGEND_NONE,
                .color_label = "MIPT",
                .colors = {.palette = MB_PALETTE_CHARGE,
                    .has_range = true,
                    .high = largest_of(one)},
                .color_bar = {right + 0.05 / d.width, right + 0.15 / d.width, bottom, top},
                .aspect = (d.range.top - d.range.bottom) / (d.range.right - d.range.left),
                .place = {left + 0.1 / d.width, right, bottom, top}});
        add_module(panel, one);
    }
    return mb_gallery_add(gallery, ctx, d.figure);
}

static double log_to_ten(double x) {
    return mb_log(x) * 0.43429448190325182765;
}

static mb_status add_numbers(mb_figure *figure, mb_context *ctx, const mb_array *numbers,
    const char *title, const char *label, bool is_log) {
    const size_t n = mb_array_count(numbers);
    double *values = mb_allocate(ctx, n, sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const double value = mb_array_get(numbers, i);
        values[i] = is_log ? log_to_ten(value) : value;
    }
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = title,
                                                  .x = {.label = label, .most_numbers = 5},
                                                  .y = {.label = "Modules"},
                                                  .legend = MB_LEGEND_NONE});
    const mb_histogram_set set = {NULL, mb_values_f64(values, n)};
    const mb_binning binning = mb_binning_choose(&set, 1, is_log ? 50 : 0);
    const mb_status status = mb_panel_histogram(panel, ctx, binning, set, false, true);
    mb_release(ctx, values);
    return status;
}

static mb_status draw_charges(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    static const struct {
        const char *name, *title, *label;
        bool is_log;
    } parts[] = {{"occupancy", "Occupancy", "Cells with charge", false},
        {"above", "Occupancy above a MIPT", "Cells above a MIPT", false},
        {"largest", "Largest charge", "log10 of MIPT", true},
        {"sum", "Sum of charges", "log10 of MIPT", true}};
    mb_figure *figure = mb_figure_create(ctx, "module_charges", 13, 3.5);
    mb_figure_font(figure, 11);
    mb_figure_caption(figure,
        "Modules by the number of cells with charge, of cells above a MIPT (35 counts), by their "
        "largest charge and by their sum.");
    mb_status status = MB_OK;
    for (size_t i = 0; i < MB_COUNT_OF(parts) && status == MB_OK; i++) {
        const mb_array *numbers = mb_bundle_array(pictures, parts[i].name);
        if (numbers != NULL) {
            status =
                add_numbers(figure, ctx, numbers, parts[i].title, parts[i].label, parts[i].is_log);
        }
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_concentrator(mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) {
    const mb_array *charges = mb_bundle_array(pictures, "charges");
    const mb_array *event = mb_bundle_array(pictures, "event");
    const bool has_modules = charges != NULL && event != NULL && charges->rank == 2 &&
                             charges->dtype == MB_F32 && charges->shape[1] == CELLS &&
                             mb_array_count(event) == charges->shape[0];
    if (has_modules) {
        MB_TRY(draw_alone(gallery, ctx, charges, event));
    }
    return draw_charges(gallery, ctx, pictures);
}
