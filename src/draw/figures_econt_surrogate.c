// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/figures_econt.h"
#include "draw/histograms.h"
#include "measure/histogram.h"

enum { SIDE = 75, FINE_BINS = 750, ERROR_BINS = 100, LONGEST_TEXT = 160 };
static const double most_distance = 7.5;

// Counts of pairs; cells without any stay empty.
static mb_status add_plane(mb_panel *panel, mb_context *ctx, mb_values truth, mb_values predicted) {
    const size_t n = (size_t)SIDE * SIDE;
    const double step = most_distance / SIDE;
    double *columns = mb_allocate_zeroed(ctx, n, 3 * sizeof *columns);
    if (columns == NULL) {
        return MB_ERR_MEMORY;
    }
    double *x = columns;
    double *y = columns + n;
    double *count = columns + 2 * n;
    for (size_t i = 0; i < truth.n; i++) {
        const double column = mb_values_get(truth, i) / step;
        const double row = mb_values_get(predicted, i) / step;
        if (column >= 0 && column < SIDE && row >= 0 && row < SIDE) {
            count[(size_t)row * SIDE + (size_t)column]++;
        }
    }
    size_t n_filled = 0;
    for (size_t i = 0; i < n; i++) {
        if (count[i] > 0) {
            x[n_filled] = ((double)(i % SIDE) + 0.5) * step;
            y[n_filled] = ((double)(i / SIDE) + 0.5) * step;
            count[n_filled++] = count[i];
        }
    }
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_CELLS,
                               .name = "pairs",
                               .x = mb_values_f64(x, n_filled),
                               .y = mb_values_f64(y, n_filled),
                               .value = mb_values_f64(count, n_filled),
                               .cell_width = step,
                               .cell_height = step});
    mb_release(ctx, columns);
    const double ends[2] = {0, most_distance};
    mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_LINE,
                               .label = "equal",
                               .x = mb_values_f64(ends, 2),
                               .y = mb_values_f64(ends, 2),
                               .color = 9,
                               .is_dashed = true});
    return MB_OK;
}

static mb_status add_errors(
    mb_panel *panel, mb_context *ctx, mb_values truth, mb_values predicted) {
    double *error = mb_allocate(ctx, truth.n, sizeof *error);
    if (error == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t i = 0; i < truth.n; i++) {
        const double true_value = mb_values_get(truth, i);
        if (true_value > 0) {
            error[n++] = (mb_values_get(predicted, i) - true_value) / true_value;
        }
    }
    const mb_moments moments = mb_moments_of(mb_values_f64(error, n));
    char label[LONGEST_TEXT];
    mb_format(label, sizeof label, "mean %.3f ± %.3f", moments.mean, moments.deviation);
    const mb_status status = mb_panel_histogram(panel, ctx, (mb_binning){ERROR_BINS, -1, 1},
        (mb_histogram_set){label, mb_values_f64(error, n)}, false, true);
    mb_release(ctx, error);
    return status;
}

static mb_status add_distances(
    mb_panel *panel, mb_context *ctx, mb_values truth, mb_values predicted) {
    const mb_binning binning = {FINE_BINS, 0, most_distance};
    MB_TRY(
        mb_panel_histogram(panel, ctx, binning, (mb_histogram_set){"exact", truth}, false, false));
    return mb_panel_histogram(
        panel, ctx, binning, (mb_histogram_set){"network", predicted}, false, false);
}

mb_status mb_draw_emd_surrogate(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *title, mb_values truth, mb_values predicted) {
    if (truth.n != predicted.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "figure %s: %zu exact distances and %zu predicted; give one for each", name, truth.n,
            predicted.n);
    }
    mb_figure *figure = mb_figure_create(ctx, name, 14, 4.6);
    const mb_axis exact = {
        .label = "Exact EMD", .has_range = true, .low = 0, .high = most_distance};
    const mb_axis learnt = {
        .label = "EMD of the network", .has_range = true, .low = 0, .high = most_distance};
    mb_figure_font(figure, 12);
    mb_figure_title(figure, title);
    mb_figure_caption(figure,
        "What a network takes for the earth mover's distance, against the exact one: pairs in the "
        "plane of both, the distances, and the relative error.");
    mb_panel *plane = mb_figure_panel(figure, &(mb_panel_settings){.x = exact,
                                                  .y = learnt,
                                                  .color_label = "Pairs",
                                                  .colors = {.palette = MB_PALETTE_SEQUENTIAL},
                                                  .legend = MB_LEGEND_TOP_LEFT});
    mb_panel *both = mb_figure_panel(
        figure, &(mb_panel_settings){
                    .x = {.label = "EMD", .has_range = true, .low = 0, .high = most_distance},
                    .y = {.label = "Pairs"}});
    mb_panel *errors = mb_figure_panel(figure,
        &(mb_panel_settings){
            .x = {.label = "(network - exact) / exact", .has_range = true, .low = -1, .high = 1},
            .y = {.label = "Pairs"}});
    mb_status status = add_plane(plane, ctx, truth, predicted);
    if (status == MB_OK) {
        status = add_distances(both, ctx, truth, predicted);
    }
    if (status == MB_OK) {
        status = add_errors(errors, ctx, truth, predicted);
    }
    return mb_gallery_finish(gallery, ctx, figure, status);
}
