// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_scan.h"

#include "base/numbers.h"

#include <math.h>

enum { MOST_ACROSS = 3, MOST_LINES = 100, N_COLOURED = 5, GREY = 9, LONG_TEXT = 8 };

// Names of places on an axis; NULL on failure.
static mb_tick *make_ticks(mb_context *ctx, const char *const *texts, size_t n) {
    mb_tick *ticks = mb_allocate(ctx, n, sizeof *ticks);
    for (size_t i = 0; i < n && ticks != NULL; i++) {
        ticks[i] = (mb_tick){NULL, texts[i]};
    }
    return ticks;
}

static bool has_long_text(const char *const *texts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (strlen(texts[i]) > LONG_TEXT) {
            return true;
        }
    }
    return false;
}

static mb_status add_slice(
    mb_figure *figure, mb_context *ctx, const mb_scan_columns *scan, const mb_scan_slice *slice) {
    mb_tick *ticks = make_ticks(ctx, slice->values, slice->n_values);
    double *work = mb_allocate(ctx, 3 * slice->n_values + scan->n, sizeof *work);
    if (ticks == NULL || work == NULL) {
        mb_release(ctx, ticks);
        mb_release(ctx, work);
        return MB_ERR_MEMORY;
    }
    double *x = work;
    double *low = work + slice->n_values;
    double *high = work + 2 * slice->n_values;
    double *beside = work + 3 * slice->n_values;
    for (size_t i = 0; i < scan->n; i++) {
        beside[i] = slice->place[i] - 0.12;
    }
    for (size_t v = 0; v < slice->n_values; v++) {
        const double spread = isfinite(slice->spread[v]) ? slice->spread[v] : 0;
        x[v] = (double)v;
        low[v] = slice->mean[v] - spread;
        high[v] = slice->mean[v] + spread;
    }
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){
                    .x = {.label = slice->name,
                        .has_range = true,
                        .low = -0.5,
                        .high = (double)slice->n_values - 0.5,
                        .ticks = ticks,
                        .n_ticks = slice->n_values,
                        .tick_angle = has_long_text(slice->values, slice->n_values) ? 30 : 0},
                    .y = {.label = scan->figure},
                    .legend = MB_LEGEND_NONE});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_DOTS,
                               .name = "trial",
                               .x = mb_values_f64(beside, scan->n),
                               .y = mb_values_f64(scan->value, scan->n),
                               .color = GREY});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .name = "mean",
                               .x = mb_values_f64(x, slice->n_values),
                               .y = mb_values_f64(slice->mean, slice->n_values),
                               .color = 1,
                               .is_thin = true});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_ERRORS,
                               .name = "mean with spread",
                               .x = mb_values_f64(x, slice->n_values),
                               .y = mb_values_f64(slice->mean, slice->n_values),
                               .low = mb_values_f64(low, slice->n_values),
                               .high = mb_values_f64(high, slice->n_values),
                               .color = 1});
    mb_release(ctx, ticks);
    mb_release(ctx, work);
    return MB_OK;
}

mb_status mb_draw_scan_slices(mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) {
    if (scan->n == 0 || scan->n_slices == 0) {
        return MB_OK;
    }
    const size_t across = mb_min_size(scan->n_slices, MOST_ACROSS);
    const size_t down = (scan->n_slices + across - 1) / across;
    mb_figure *figure = mb_figure_create(
        ctx, "scan_slices", across == 1 ? 6 : 4.2 * (double)across, 3.6 * (double)down);
    mb_figure_columns(figure, across);
    mb_figure_font(figure, 11);
    mb_figure_caption(figure,
        "%s against each parameter: grey points are single trials, whatever their other values; "
        "blue is their mean at each value, bars the standard deviation of the trials there.",
        scan->figure);
    mb_status status = figure == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t k = 0; k < scan->n_slices && status == MB_OK; k++) {
        status = add_slice(figure, ctx, scan, &scan->slices[k]);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}

// Bars with gaps between them: a histogram whose every second bin is empty. edge holds 2 n + 2
// numbers, height one less.
static void make_bars(const mb_scan_columns *scan, double *edge, double *height) {
    const size_t n = scan->n_slices;
    edge[0] = -0.5;
    edge[2 * n + 1] = (double)n - 0.5;
    for (size_t k = 0; k < n; k++) {
        edge[2 * k + 1] = (double)k - 0.3;
        edge[2 * k + 2] = (double)k + 0.3;
        height[2 * k + 1] = fmax(0, scan->slices[k].share);
    }
}

// work holds 6 n + 3 zeroes.
static void add_bars(mb_panel *panel, const mb_scan_columns *scan, double *work) {
    const size_t n = scan->n_slices;
    double *height = work + 2 * n + 2;
    double *middle = height + 2 * n + 1;
    double *above = middle + n;
    make_bars(scan, work, height);
    for (size_t k = 0; k < n; k++) {
        middle[k] = (double)k;
        above[k] = scan->slices[k].share_above_chance;
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_STEPS,
                               .label = "share",
                               .x = mb_values_f64(work, 2 * n + 2),
                               .y = mb_values_f64(height, 2 * n + 1),
                               .is_filled = true,
                               .color = 1});
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_POINTS,
                               .label = "above chance",
                               .x = mb_values_f64(middle, n),
                               .y = mb_values_f64(above, n),
                               .color = 2});
}

mb_status mb_draw_scan_importance(
    mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) {
    const size_t n = scan->n_slices;
    bool has_any = false;
    for (size_t k = 0; k < n; k++) {
        has_any = has_any || isfinite(scan->slices[k].share);
    }
    if (!has_any) {
        return MB_OK;
    }
    double *work = mb_allocate_zeroed(ctx, 6 * n + 3, sizeof *work);
    const char **names = mb_allocate(ctx, n, sizeof *names);
    for (size_t k = 0; k < n && names != NULL; k++) {
        names[k] = scan->slices[k].name;
    }
    mb_tick *ticks = names != NULL ? make_ticks(ctx, names, n) : NULL;
    mb_figure *figure = mb_figure_create(ctx, "scan_importance", 8, 4);
    mb_status status = MB_ERR_MEMORY;
    if (work != NULL && ticks != NULL && figure != NULL) {
        mb_figure_caption(figure,
            "Importance of the parameters: the share of the variance of %s over the trials that "
            "the means at each value of a parameter explain (the correlation ratio). Points: the "
            "same less what as many values explain by chance. What the bars leave of 1 is "
            "interplay of parameters and the luck of the seed.",
            scan->figure);
        mb_panel *panel = mb_figure_panel(figure,
            &(mb_panel_settings){.x = {.label = "parameter number",
                                     .hides_label = true,
                                     .has_range = true,
                                     .low = -0.5,
                                     .high = (double)n - 0.5,
                                     .ticks = ticks,
                                     .n_ticks = n,
                                     .tick_angle = has_long_text(names, n) ? 30 : 0},
                .y = {.label = "Share of the variance", .has_range = true, .low = 0, .high = 1},
                .legend = MB_LEGEND_TOP_RIGHT});
        add_bars(panel, scan, work);
        status = mb_gallery_add(gallery, ctx, figure);
        figure = NULL;
    }
    mb_figure_destroy(figure);
    mb_release(ctx, ticks);
    mb_release(ctx, names);
    mb_release(ctx, work);
    return status;
}

// From 0 to 1 along an axis of a parameter.
static double height_of(const mb_scan_slice *slice, double place) {
    return slice->n_values > 1 ? place / (double)(slice->n_values - 1) : 0.5;
}

static void add_axes(mb_panel *panel, const mb_scan_columns *scan, double low, double high) {
    for (size_t k = 0; k < scan->n_slices; k++) {
        const mb_scan_slice *slice = &scan->slices[k];
        mb_panel_vertical(panel, (double)k, NULL);
        for (size_t v = 0; v < slice->n_values; v++) {
            char text[24];
            mb_format(text, sizeof text, "%.20s", slice->values[v]);
            mb_panel_label(panel, (double)k - 0.13, height_of(slice, (double)v), text);
        }
    }
    char text[32];
    mb_panel_vertical(panel, (double)scan->n_slices, NULL);
    mb_format(text, sizeof text, "%.4g", low);
    mb_panel_label(panel, (double)scan->n_slices + 0.2, 0, text);
    mb_format(text, sizeof text, "%.4g", high);
    mb_panel_label(panel, (double)scan->n_slices + 0.2, 1, text);
}

static void add_line(mb_panel *panel, const mb_scan_columns *scan, size_t rank, double low,
    double high, double *work) {
    const size_t n_points = scan->n_slices + 1;
    const size_t trial = scan->order[rank];
    const bool is_best = rank < N_COLOURED;
    double *x = work;
    double *y = work + n_points;
    char label[64];
    char name[32];
    mb_format(name, sizeof name, "rank %zu", rank + 1);
    mb_format(label, sizeof label, "%zu: %s %.4g", rank + 1, scan->figure, scan->value[trial]);
    for (size_t k = 0; k < scan->n_slices; k++) {
        x[k] = (double)k;
        y[k] = height_of(&scan->slices[k], scan->slices[k].place[trial]);
    }
    x[scan->n_slices] = (double)scan->n_slices;
    y[scan->n_slices] = high > low ? (scan->value[trial] - low) / (high - low) : 0.5;
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = is_best ? label : NULL,
                               .name = name,
                               .x = mb_values_f64(x, n_points),
                               .y = mb_values_f64(y, n_points),
                               .color = is_best ? (int)rank + 1 : GREY,
                               .is_thin = !is_best});
}

// Those in colour last, so that they lie above the others.
static void add_lines(
    mb_panel *panel, const mb_scan_columns *scan, double low, double high, double *work) {
    const size_t n = mb_min_size(scan->n, MOST_LINES);
    for (size_t i = N_COLOURED; i < n; i++) {
        add_line(panel, scan, i, low, high, work);
    }
    for (size_t i = 0; i < mb_min_size(n, N_COLOURED); i++) {
        add_line(panel, scan, i, low, high, work);
    }
}

mb_status mb_draw_scan_parallel(mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) {
    const size_t n_points = scan->n_slices + 1;
    if (scan->n == 0 || scan->n_slices == 0) {
        return MB_OK;
    }
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t i = 0; i < mb_min_size(scan->n, MOST_LINES); i++) {
        low = fmin(low, scan->value[scan->order[i]]);
        high = fmax(high, scan->value[scan->order[i]]);
    }
    double *work = mb_allocate(ctx, 2 * n_points, sizeof *work);
    mb_tick *ticks = mb_allocate(ctx, n_points, sizeof *ticks);
    mb_figure *figure =
        mb_figure_create(ctx, "scan_parallel", fmax(8, 1.2 * (double)n_points + 3), 5);
    if (work == NULL || ticks == NULL || figure == NULL) {
        mb_figure_destroy(figure);
        mb_release(ctx, work);
        mb_release(ctx, ticks);
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < n_points; k++) {
        ticks[k] = (mb_tick){NULL, k < scan->n_slices ? scan->slices[k].name : scan->figure};
    }
    mb_figure_font(figure, 11);
    mb_figure_caption(figure,
        "Each line is a trial, from its parameters to its %s on the right; the best %d in colour, "
        "the best first.%s",
        scan->figure, N_COLOURED, scan->n > MOST_LINES ? " Only the best hundred are drawn." : "");
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.x = {.label = "axis",
                                                         .hides_label = true,
                                                         .has_range = true,
                                                         .low = -0.4,
                                                         .high = (double)scan->n_slices + 0.4,
                                                         .ticks = ticks,
                                                         .n_ticks = n_points},
                                    .y = {.label = "height",
                                        .hides_label = true,
                                        .hides_numbers = true,
                                        .has_range = true,
                                        .low = -0.06,
                                        .high = 1.06},
                                    .legend = MB_LEGEND_OUTSIDE});
    add_lines(panel, scan, low, high, work);
    add_axes(panel, scan, low, high);
    mb_release(ctx, work);
    mb_release(ctx, ticks);
    return mb_gallery_add(gallery, ctx, figure);
}
