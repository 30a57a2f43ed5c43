// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/histograms.h"

#include "measure/histogram.h"

#include <math.h>

// More sets than these have their legend outside.
enum { DEFAULT_BINS = 50, FEW_SETS = 4 };

// Whole numbers from here on are not all doubles, and half of one is nothing to them.
static const double largest_whole = 4503599627370496.0;
// Beyond it the width of a range may overflow.
static const double largest_edge = 1e300;

static bool are_whole(const mb_histogram_set *sets, size_t n_sets) {
    for (size_t s = 0; s < n_sets; s++) {
        for (size_t i = 0; i < sets[s].values.n; i++) {
            const double value = mb_values_get(sets[s].values, i);
            if (isfinite(value) && (value != floor(value) || fabs(value) > largest_whole)) {
                return false;
            }
        }
    }
    return true;
}

mb_binning mb_binning_choose(const mb_histogram_set *sets, size_t n_sets, size_t n_bins) {
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t s = 0; s < n_sets; s++) {
        const mb_moments moments = mb_moments_of(sets[s].values);
        low = moments.n > 0 ? fmin(low, moments.least) : low;
        high = moments.n > 0 ? fmax(high, moments.most) : high;
    }
    n_bins = n_bins > 0 ? n_bins : DEFAULT_BINS;
    if (!(low <= high)) {
        return (mb_binning){10, 0, 1};
    }
    if (are_whole(sets, n_sets)) {
        const double width = fmax(1, ceil((high - low + 1) / (double)n_bins));
        const double n = floor((high - low) / width) + 1;
        return (mb_binning){(size_t)n, low - 0.5, low - 0.5 + n * width};
    }
    if (low >= 0 && high <= 1 && high - low > 0.3) {
        return (mb_binning){n_bins, 0, 1};
    }
    low = fmax(low, -largest_edge);
    high = fmin(high, largest_edge);
    const double half = fmax(0.5, fabs(low) / 1024);
    return low < high ? (mb_binning){n_bins, low, high} : (mb_binning){1, low - half, low + half};
}

static double height(const mb_histogram *histogram, size_t bin, bool is_density, double total) {
    const double count = (double)histogram->count[bin];
    const double width = histogram->edge[bin + 1] - histogram->edge[bin];
    return is_density && total > 0 ? count / total / width : count;
}

mb_status mb_panel_histogram(mb_panel *panel, mb_context *ctx, mb_binning binning,
    mb_histogram_set set, bool is_density, bool is_filled) {
    mb_histogram histogram;
    MB_TRY(
        mb_histogram_make(&histogram, ctx, set.values, binning.n_bins, binning.low, binning.high));
    double *heights = mb_allocate(ctx, binning.n_bins, sizeof *heights);
    if (heights != NULL) {
        double total = 0;
        for (size_t i = 0; i < binning.n_bins; i++) {
            total += (double)histogram.count[i];
        }
        for (size_t i = 0; i < binning.n_bins; i++) {
            heights[i] = height(&histogram, i, is_density, total);
        }
        // Without entries the panel says so instead of showing a line at zero.
        const size_t n = total > 0 ? binning.n_bins : 0;
        mb_panel_series(panel, &(mb_series){.kind = MB_SERIES_STEPS,
                                   .label = set.label,
                                   .x = mb_values_f64(histogram.edge, n > 0 ? n + 1 : 0),
                                   .y = mb_values_f64(heights, n),
                                   .is_filled = is_filled});
    }
    mb_release(ctx, heights);
    mb_histogram_clear(&histogram);
    return heights != NULL ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_draw_histograms(mb_gallery *gallery, mb_context *ctx,
    const mb_histogram_settings *settings, const mb_histogram_set *sets, size_t n) {
    mb_binning binning = mb_binning_choose(sets, n, settings->n_bins);
    if (settings->low < settings->high) {
        binning.low = settings->low;
        binning.high = settings->high;
        binning.n_bins = settings->n_bins > 0 ? settings->n_bins : DEFAULT_BINS;
    }
    const bool has_many = n > FEW_SETS;
    mb_figure *figure = mb_figure_create(ctx, settings->name, has_many ? 9 : 7, 4.5);
    if (settings->caption != NULL) {
        mb_figure_caption(figure, "%s", settings->caption);
    }
    mb_panel *panel =
        mb_figure_panel(figure, &(mb_panel_settings){.title = settings->title,
                                    .x = {.label = settings->x_label},
                                    .y = {.label = settings->y_label, .is_log = settings->is_log},
                                    .legend = has_many ? MB_LEGEND_OUTSIDE : MB_LEGEND_TOP_RIGHT});
    for (size_t i = 0; i < n; i++) {
        const mb_status status =
            mb_panel_histogram(panel, ctx, binning, sets[i], settings->is_density, n <= 2);
        if (status != MB_OK) {
            mb_figure_destroy(figure);
            return status;
        }
    }
    return mb_gallery_add(gallery, ctx, figure);
}
