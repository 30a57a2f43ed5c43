// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_EFFICIENCY_H
#define MEASURE_EFFICIENCY_H

#include "measure/values.h"

// k of n events, with its error.
typedef struct mb_efficiency {
    uint64_t k, n;
    double value;     // k / n; NaN when n is 0
    double error;     // binomial sqrt(e (1-e) / n), or half the Wilson interval
    double low, high; // the 68 % interval
    bool is_wilson;   // k < 5 or k > n - 5: the binomial error would be too small there
} mb_efficiency;

mb_efficiency mb_efficiency_of(uint64_t k, uint64_t n);

// Efficiency of score >= threshold in bins of x: a trigger's turn-on curve. Bin i holds
// edge[i] <= x < edge[i+1], the last one also x = edge[n_bins].
typedef struct mb_turn_on {
    mb_runtime *runtime;
    size_t n_bins;
    double *edge;       // (n_bins + 1)
    mb_efficiency *bin; // (n_bins)
    uint64_t n_outside; // events with x outside all bins, or NaN
} mb_turn_on;

// The caller clears *out; on failure it is empty. Fails with SHAPE (unequal lengths), RANGE (edges
// that do not rise).
mb_status mb_turn_on_make(mb_turn_on *out, mb_context *ctx, mb_values x, mb_values scores,
    double threshold, const double *edge, size_t n_bins) MB_MUST_CHECK;
void mb_turn_on_clear(mb_turn_on *turn_on);

#endif
