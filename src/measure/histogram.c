// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/histogram.h"

#include <math.h>

// Index arithmetic, corrected against the edges: rounding must not move a value over an edge.
static size_t bin_of(const mb_histogram *histogram, double value) {
    const double *edge = histogram->edge;
    const size_t last = histogram->n_bins - 1;
    const double position =
        (value - edge[0]) / (edge[last + 1] - edge[0]) * (double)histogram->n_bins;
    size_t bin = position >= (double)last ? last : (size_t)position;
    while (bin > 0 && value < edge[bin]) {
        bin--;
    }
    while (bin < last && value >= edge[bin + 1]) {
        bin++;
    }
    return bin;
}

mb_status mb_histogram_make(
    mb_histogram *out, mb_context *ctx, mb_values values, size_t n_bins, double low, double high) {
    *out = (mb_histogram){.runtime = mb_context_runtime(ctx)};
    if (n_bins == 0 || !(low < high) || !isfinite(high - low)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "histogram: %zu bins from %g to %g; give at least one bin and a finite range", n_bins,
            low, high);
    }
    out->edge = mb_allocate(ctx, n_bins + 1, sizeof *out->edge);
    out->count = mb_allocate_zeroed(ctx, n_bins, sizeof *out->count);
    if (out->edge == NULL || out->count == NULL) {
        mb_histogram_clear(out);
        return MB_ERR_MEMORY;
    }
    out->n_bins = n_bins;
    for (size_t i = 0; i < n_bins; i++) {
        out->edge[i] = low + (double)i * ((high - low) / (double)n_bins);
    }
    out->edge[n_bins] = high;
    for (size_t i = 0; i < values.n; i++) {
        const double value = mb_values_get(values, i);
        if (isnan(value)) {
            out->n_nan++;
        } else if (value < low) {
            out->n_below++;
        } else if (value > high) {
            out->n_above++;
        } else {
            out->count[bin_of(out, value)]++;
        }
    }
    return MB_OK;
}

void mb_histogram_clear(mb_histogram *histogram) {
    if (histogram->runtime != NULL) {
        mb_runtime_release(histogram->runtime, histogram->edge);
        mb_runtime_release(histogram->runtime, histogram->count);
    }
    *histogram = (mb_histogram){.runtime = NULL};
}

mb_moments mb_moments_of(mb_values values) {
    mb_moments out = {
        .mean = NAN, .least = NAN, .most = NAN, .deviation = NAN, .sample_deviation = NAN};
    double sum = 0;
    for (size_t i = 0; i < values.n; i++) {
        const double value = mb_values_get(values, i);
        if (!isfinite(value)) {
            out.n_skipped++;
            continue;
        }
        out.least = out.n == 0 || value < out.least ? value : out.least;
        out.most = out.n == 0 || value > out.most ? value : out.most;
        sum += value;
        out.n++;
    }
    if (out.n == 0) {
        return out;
    }
    out.mean = sum / (double)out.n;
    // A second pass: the difference of large sums of squares would lose the digits.
    double squares = 0;
    for (size_t i = 0; i < values.n; i++) {
        const double value = mb_values_get(values, i);
        if (isfinite(value)) {
            squares += (value - out.mean) * (value - out.mean);
        }
    }
    out.deviation = sqrt(squares / (double)out.n);
    out.sample_deviation = out.n > 1 ? sqrt(squares / (double)(out.n - 1)) : NAN;
    return out;
}
