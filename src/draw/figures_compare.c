// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures_compare.h"

#include "base/numbers.h"
#include "draw/histograms.h"

#include <math.h>

enum { LONGEST_TITLE = 160, MOST_DOTS = 5000, DIFFERENCE_BINS = 100 };

// The finite pairs: numbers, differences and their range.
typedef struct pair_table {
    double *x, *y, *difference;
    size_t n;
    double low, high; // of x and y together
    double mean, largest;
} pair_table;

static void fill_pairs(pair_table *table, const mb_pairs *pairs) {
    table->low = INFINITY;
    table->high = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < pairs->x.n; i++) {
        const double x = mb_values_get(pairs->x, i);
        const double y = mb_values_get(pairs->y, i);
        if (!isfinite(x) || !isfinite(y)) {
            continue;
        }
        table->x[table->n] = x;
        table->y[table->n] = y;
        table->difference[table->n++] = x - y;
        table->low = fmin(table->low, fmin(x, y));
        table->high = fmax(table->high, fmax(x, y));
        sum += x - y;
        table->largest = fmax(table->largest, fabs(x - y));
    }
    table->mean = table->n > 0 ? sum / (double)table->n : 0;
}

static void add_scatter(mb_figure *figure, const mb_pairs *pairs, const pair_table *table) {
    const bool is_log = pairs->is_log && table->low > 0;
    mb_panel *panel = mb_figure_panel(figure, &(mb_panel_settings){.title = "Each event",
                                                  .x = {.label = pairs->x_label, .is_log = is_log},
                                                  .y = {.label = pairs->y_label, .is_log = is_log},
                                                  .legend = MB_LEGEND_TOP_LEFT});
    const size_t step = (table->n + MOST_DOTS - 1) / MOST_DOTS;
    size_t n = 0;
    // In place: nobody needs the pairs afterwards.
    for (size_t i = 0; i < table->n; i += step) {
        table->x[n] = table->x[i];
        table->y[n++] = table->y[i];
    }
    char label[96];
    char count[32];
    char all[32];
    mb_format_count(count, sizeof count, n);
    if (step > 1) {
        mb_format(label, sizeof label, "%s of %s events", count,
            mb_format_count(all, sizeof all, table->n));
    } else {
        mb_format(label, sizeof label, "%s events", count);
    }
    mb_panel_series(panel, &(mb_series){.kind = n > 1000 ? MB_SERIES_DOTS : MB_SERIES_POINTS,
                               .label = label,
                               .x = mb_values_f64(table->x, n),
                               .y = mb_values_f64(table->y, n)});
    if (table->low < table->high) {
        const double ends[2] = {table->low, table->high};
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                                   .label = "equal",
                                   .name = "diagonal",
                                   .x = mb_values_f64(ends, 2),
                                   .y = mb_values_f64(ends, 2),
                                   .color = 9,
                                   .is_dashed = true});
    }
}

static mb_status add_differences(
    mb_figure *figure, mb_context *ctx, const mb_pairs *pairs, const pair_table *table) {
    char title[LONGEST_TITLE];
    mb_format(
        title, sizeof title, "Difference: mean %.3g, largest %.3g", table->mean, table->largest);
    mb_panel *panel = mb_figure_panel(
        figure, &(mb_panel_settings){.title = title,
                    .x = {.label = pairs->difference_label != NULL ? pairs->difference_label
                                                                   : "Difference"},
                    .y = {.label = "Events", .is_log = true},
                    .legend = MB_LEGEND_NONE});
    const mb_histogram_set set = {NULL, mb_values_f64(table->difference, table->n)};
    const mb_binning binning = mb_binning_choose(&set, 1, DIFFERENCE_BINS);
    MB_TRY(mb_panel_histogram(panel, ctx, binning, set, false, true));
    if (pairs->tolerance > 0 && isfinite(pairs->tolerance)) {
        char text[64];
        mb_format(text, sizeof text, "tolerance %.4g", pairs->tolerance);
        mb_panel_vertical(panel, pairs->tolerance, text);
        mb_panel_vertical(panel, -pairs->tolerance, NULL);
    }
    return MB_OK;
}

mb_status mb_draw_pairs(mb_gallery *gallery, mb_context *ctx, const mb_pairs *pairs) {
    const size_t n = pairs->x.n;
    if (pairs->y.n != n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure %s: %zu numbers against %zu; give one pair for each event", pairs->name, n,
            pairs->y.n);
    }
    double *memory = mb_allocate(ctx, n, 3 * sizeof *memory);
    if (memory == NULL) {
        return MB_ERR_MEMORY;
    }
    pair_table table = {.x = memory, .y = memory + n, .difference = memory + 2 * n};
    fill_pairs(&table, pairs);
    mb_figure *figure = mb_figure_create(ctx, pairs->name, 12, 5.4);
    mb_figure_title(figure, pairs->title);
    if (pairs->caption != NULL) {
        mb_figure_caption(figure, "%s", pairs->caption);
    } else {
        mb_figure_caption(figure,
            "%s against %s for each event, equal on the dashed line; right, the difference.",
            pairs->y_label, pairs->x_label);
    }
    add_scatter(figure, pairs, &table);
    const mb_status status = add_differences(figure, ctx, pairs, &table);
    mb_release(ctx, memory);
    return mb_gallery_finish(gallery, ctx, figure, status);
}

mb_status mb_draw_lines(mb_gallery *gallery, mb_context *ctx, const mb_plot_settings *settings,
    const mb_plot_line *lines, size_t n) {
    mb_figure *figure = mb_figure_create(ctx, settings->name, 9, 5);
    if (settings->caption != NULL) {
        mb_figure_caption(figure, "%s", settings->caption);
    }
    const bool has_legend = n > 1 || (n == 1 && lines[0].label != NULL);
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.title = settings->title,
                                    .x = {.label = settings->x_label,
                                        .is_log = settings->is_x_log,
                                        .is_whole = settings->is_x_whole},
                                    .y = {.label = settings->y_label, .is_log = settings->is_y_log},
                                    .legend = has_legend ? MB_LEGEND_OUTSIDE : MB_LEGEND_NONE});
    for (size_t i = 0; i < n; i++) {
        mb_series series = {.kind = MB_SERIES_LINE_POINTS,
            .label = lines[i].label,
            .x = lines[i].x,
            .y = lines[i].y,
            .low = lines[i].low,
            .high = lines[i].high,
            .color = 1 + (int)(i % 8),
            .is_dashed = i >= 8};
        mb_panel_series(panel, &series);
        if (lines[i].low.n > 0) {
            series.kind = MB_SERIES_ERRORS;
            series.label = NULL;
            series.name = lines[i].label;
            mb_panel_series(panel, &series);
        }
    }
    if (settings->has_chosen) {
        mb_panel_vertical(panel, settings->chosen_x, settings->chosen_text);
    }
    if (settings->has_limit) {
        mb_panel_horizontal(panel, settings->limit_y, settings->limit_text);
    }
    return mb_gallery_add(gallery, ctx, figure);
}

mb_status mb_draw_phi_roll(mb_gallery *gallery, mb_context *ctx, const char *name, mb_values roll,
    mb_values mean, mb_values half_spread) {
    const size_t n = mean.n;
    if (roll.n != n || half_spread.n != n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure %s: %zu rolls, %zu means, %zu spreads; give one of each for every roll", name,
            roll.n, n, half_spread.n);
    }
    double *ends = mb_allocate(ctx, n, 2 * sizeof *ends);
    if (ends == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        ends[i] = mb_values_get(mean, i) - mb_values_get(half_spread, i);
        ends[n + i] = mb_values_get(mean, i) + mb_values_get(half_spread, i);
    }
    const mb_plot_line line = {
        .x = roll, .y = mean, .low = mb_values_f64(ends, n), .high = mb_values_f64(ends + n, n)};
    const mb_status status = mb_draw_lines(gallery, ctx,
        &(mb_plot_settings){.name = name,
            .title = "Turning the image in phi",
            .caption = "Relative change of the score when the image is turned by some regions in "
                       "phi: mean over the events, bars are half a standard deviation. A detector "
                       "that treats all phi alike stays at zero.",
            .x_label = "Turn in phi (regions)",
            .y_label = "Relative change",
            .has_limit = true},
        &line, 1);
    mb_release(ctx, ends);
    return status;
}

// Heights over their sum and the width of the bin.
static void make_density(double *heights, size_t n_bins, mb_values edges) {
    double sum = 0;
    for (size_t i = 0; i < n_bins; i++) {
        sum += heights[i];
    }
    for (size_t i = 0; i < n_bins && sum > 0; i++) {
        heights[i] /= sum * (mb_values_get(edges, i + 1) - mb_values_get(edges, i));
    }
}

static mb_status add_counted(mb_panel *panel, mb_context *ctx, const mb_counted_settings *settings,
    const mb_counted_set *set, bool is_filled) {
    const size_t n_bins = set->heights.n;
    if (settings->edges.n != n_bins + 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure %s: %zu heights on %zu edges; a histogram has one edge more than heights",
            settings->name, n_bins, settings->edges.n);
    }
    double *heights = mb_allocate(ctx, n_bins, sizeof *heights);
    if (heights == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_bins; i++) {
        heights[i] = mb_values_get(set->heights, i);
    }
    if (settings->is_density) {
        make_density(heights, n_bins, settings->edges);
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_STEPS,
                               .label = set->label,
                               .x = settings->edges,
                               .y = mb_values_f64(heights, n_bins),
                               .is_filled = is_filled});
    mb_release(ctx, heights);
    return MB_OK;
}

mb_status mb_draw_counted(mb_gallery *gallery, mb_context *ctx, const mb_counted_settings *settings,
    const mb_counted_set *sets, size_t n) {
    mb_figure *figure = mb_figure_create(ctx, settings->name, 9, 5);
    if (settings->caption != NULL) {
        mb_figure_caption(figure, "%s", settings->caption);
    }
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.title = settings->title,
                                    .x = {.label = settings->x_label},
                                    .y = {.label = settings->y_label, .is_log = settings->is_log},
                                    .legend = n > 1 ? MB_LEGEND_OUTSIDE : MB_LEGEND_TOP_RIGHT});
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        status = add_counted(panel, ctx, settings, &sets[i], n == 1);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}
