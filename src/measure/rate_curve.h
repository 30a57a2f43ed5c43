// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_RATE_CURVE_H
#define MEASURE_RATE_CURVE_H

#include "measure/values.h"

// Rate against threshold: of n sorted scores, the fraction above score i is 1 - i / (n - 1), and
// the rate is that fraction of the input rate.
typedef struct mb_rate_curve {
    mb_runtime *runtime;
    size_t n; // scores
    double input_khz;
    double *threshold; // (n) the scores, rising
    double *rate_khz;  // (n) falling from input_khz to 0
} mb_rate_curve;

// Makes the curve. The caller clears *out; on failure it is empty. Fails with FORMAT (fewer than
// two scores), RANGE (NaN or infinite scores; input_khz not a positive number).
mb_status mb_rate_curve_make(
    mb_rate_curve *out, mb_context *ctx, mb_values scores, double input_khz) MB_MUST_CHECK;
void mb_rate_curve_clear(mb_rate_curve *curve);
// The rate at a threshold, on the straight lines between the points: input_khz below the lowest
// score, 0 from the highest on, at a score that several events have that of the last.
double mb_rate_curve_at(const mb_rate_curve *curve, double threshold);

// Two curves on common thresholds.
enum { MB_RATE_RATIO_POINTS = 100 };
typedef struct mb_rate_ratio {
    double threshold; // equally spaced over the range that both curves cover
    double rate_khz[2];
    double ratio; // rate_khz[0] / rate_khz[1]; NaN where the second is 0
} mb_rate_ratio;
// Fails with RANGE when the curves have no common range of scores.
mb_status mb_rate_curve_ratio(mb_context *ctx, const mb_rate_curve *first,
    const mb_rate_curve *second, mb_rate_ratio out[MB_RATE_RATIO_POINTS]) MB_MUST_CHECK;

#endif
