// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_PROFILE_H
#define MEASURE_PROFILE_H

#include "measure/values.h"

// How a number y depends on another x: in bins of x the median of y and the middle 68 %.
typedef struct mb_profile_bin {
    double centre;
    double median, low, high; // 50, 16 and 84 %, interpolated; NaN without values
    size_t n;
} mb_profile_bin;

typedef struct mb_profile {
    mb_runtime *runtime;
    mb_profile_bin *bin;
    size_t n_bins;
} mb_profile;

// n_bins equal bins of [low, high), the last one closed. Only points for which use (n, may be NULL:
// all) is true, with finite x and y. x and y have n numbers. Fails with RANGE (no bins, low >=
// high) and SHAPE. The caller clears *out; on failure it is empty.
mb_status mb_profile_make(mb_profile *out, mb_context *ctx, mb_values x, mb_values y,
    const bool *use, size_t n_bins, double low, double high) MB_MUST_CHECK;
void mb_profile_clear(mb_profile *profile);

#endif
