// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_OVERLAP_H
#define MEASURE_OVERLAP_H

#include "measure/efficiency.h"
#include "measure/roc.h"

// What two triggers keep of the same events: how much of a trigger's rate is its own (its pure
// rate), and how much it shares. Trigger t accepts an event when its score is >= its threshold.

typedef enum mb_overlap_part {
    MB_OVERLAP_FIRST,       // the first trigger accepts, whatever the second does
    MB_OVERLAP_SECOND,      // the second accepts
    MB_OVERLAP_BOTH,        // both accept
    MB_OVERLAP_ONLY_FIRST,  // the first alone: its pure rate
    MB_OVERLAP_ONLY_SECOND, // the second alone
    MB_OVERLAP_EITHER,      // at least one accepts
    MB_OVERLAP_PARTS
} mb_overlap_part;

// "first", "second", "both", "only first", "only second", "either".
const char *mb_overlap_part_name(mb_overlap_part part);

typedef struct mb_overlap {
    double threshold[2]; // +infinity: nothing is accepted
    double input_khz;
    uint64_t n_background, n_signal; // n_signal may be 0
    uint64_t background[MB_OVERLAP_PARTS];
    double rate_khz[MB_OVERLAP_PARTS];       // background * input_khz / n_background
    double rate_error_khz[MB_OVERLAP_PARTS]; // Poisson: sqrt(background) events
    mb_efficiency signal[MB_OVERLAP_PARTS];  // k of n_signal; values are NaN without signal
    // Of the background events that either accepts, the share that both accept (as an efficiency).
    mb_efficiency background_shared;
    mb_efficiency signal_shared; // the same of signal
} mb_overlap;

// At given thresholds. The two scores are of the same events in the same order; labels are 0
// (background) or 1 (signal) and may all be 0. Fails with SHAPE (unequal lengths), FORMAT (no
// background, other labels), RANGE (NaN among the scores or thresholds, input_khz not a positive
// number).
mb_status mb_overlap_at_thresholds(mb_context *ctx, mb_values first, mb_values second,
    mb_values labels, const double threshold[2], double input_khz, mb_overlap *out) MB_MUST_CHECK;

// At a target rate each: the lowest existing scores whose rates are at most the targets, as
// mb_roc_at_rate finds them; point[t] says what it found. Where a trigger has no such threshold
// (its verdict says why), it accepts nothing here. Needs events of both classes. Fails as
// mb_overlap_at_thresholds, mb_roc_make and mb_roc_at_rate.
mb_status mb_overlap_at_rates(mb_context *ctx, mb_values first, mb_values second, mb_values labels,
    const double target_khz[2], double input_khz, mb_rate_point point[2],
    mb_overlap *out) MB_MUST_CHECK;

#endif
