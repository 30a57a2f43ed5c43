// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_HISTOGRAM_H
#define MEASURE_HISTOGRAM_H

#include "measure/values.h"

// Counts in n_bins equal bins of [low, high], the last one closed, as NumPy's.
typedef struct mb_histogram {
    mb_runtime *runtime;
    size_t n_bins;
    double *edge;    // (n_bins + 1)
    uint64_t *count; // (n_bins)
    uint64_t n_below, n_above, n_nan;
} mb_histogram;

// The caller clears *out; on failure it is empty. Fails with RANGE (no bins, low >= high).
mb_status mb_histogram_make(mb_histogram *out, mb_context *ctx, mb_values values, size_t n_bins,
    double low, double high) MB_MUST_CHECK;
void mb_histogram_clear(mb_histogram *histogram);

// Finite values only; n_skipped counts the others.
typedef struct mb_moments {
    size_t n, n_skipped;
    double mean, least, most; // NaN when n is 0
    double deviation;         // standard deviation, divisor n
    double sample_deviation;  // divisor n - 1; NaN when n < 2
} mb_moments;
mb_moments mb_moments_of(mb_values values);

#endif
