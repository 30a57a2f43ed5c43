// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/overlap.h"

#include <math.h>

static const char *const names[MB_OVERLAP_PARTS] = {
    [MB_OVERLAP_FIRST] = "first",
    [MB_OVERLAP_SECOND] = "second",
    [MB_OVERLAP_BOTH] = "both",
    [MB_OVERLAP_ONLY_FIRST] = "only first",
    [MB_OVERLAP_ONLY_SECOND] = "only second",
    [MB_OVERLAP_EITHER] = "either",
};

const char *mb_overlap_part_name(mb_overlap_part part) {
    return names[part];
}

static mb_status check(mb_context *ctx, mb_values first, mb_values second, mb_values labels,
    const double threshold[2], double input_khz) {
    if (first.n != second.n || first.n != labels.n) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "overlap: %zu scores of the first trigger, %zu of the second and %zu labels; give one "
            "of each for each event",
            first.n, second.n, labels.n);
    }
    if (!(input_khz > 0) || !isfinite(input_khz)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "overlap: the input rate is %g kHz; it must be a positive number", input_khz);
    }
    for (unsigned t = 0; t < 2; t++) {
        if (isnan(threshold[t])) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "overlap: the threshold of the %s trigger is not a number; give a score", names[t]);
        }
    }
    return MB_OK;
}

// Nothing is accepted at +infinity, not even a score of +infinity.
static bool is_accepted(double score, double threshold) {
    return score >= threshold && threshold < INFINITY;
}

// Events by what accepts them (1: the first trigger, 2: the second, 3: both), in each class.
static mb_status count(mb_context *ctx, const mb_values scores[2], mb_values labels,
    const double threshold[2], uint64_t counts[2][4]) {
    for (size_t i = 0; i < labels.n; i++) {
        const double label = mb_values_get(labels, i);
        const double score[2] = {mb_values_get(scores[0], i), mb_values_get(scores[1], i)};
        if (label != 0.0 && label != 1.0) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "labels: row %zu is %g; labels are 0 (background) or 1 (signal)", i, label);
        }
        if (isnan(score[0]) || isnan(score[1])) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "scores: row %zu of the %s trigger is not a number; find out where the NaN comes "
                "from and leave such events out",
                i, names[isnan(score[0]) ? 0 : 1]);
        }
        const unsigned by_first = is_accepted(score[0], threshold[0]) ? 1 : 0;
        const unsigned by_second = is_accepted(score[1], threshold[1]) ? 2 : 0;
        counts[label == 1.0 ? 1 : 0][by_first | by_second]++;
    }
    return MB_OK;
}

static void sum_parts(const uint64_t counts[4], uint64_t parts[MB_OVERLAP_PARTS]) {
    parts[MB_OVERLAP_FIRST] = counts[1] + counts[3];
    parts[MB_OVERLAP_SECOND] = counts[2] + counts[3];
    parts[MB_OVERLAP_BOTH] = counts[3];
    parts[MB_OVERLAP_ONLY_FIRST] = counts[1];
    parts[MB_OVERLAP_ONLY_SECOND] = counts[2];
    parts[MB_OVERLAP_EITHER] = counts[1] + counts[2] + counts[3];
}

mb_status mb_overlap_at_thresholds(mb_context *ctx, mb_values first, mb_values second,
    mb_values labels, const double threshold[2], double input_khz, mb_overlap *out) {
    const mb_values scores[2] = {first, second};
    uint64_t counts[2][4] = {{0}};
    *out = (mb_overlap){.threshold = {threshold[0], threshold[1]}, .input_khz = input_khz};
    MB_TRY(check(ctx, first, second, labels, threshold, input_khz));
    MB_TRY(count(ctx, scores, labels, threshold, counts));
    for (unsigned i = 0; i < 4; i++) {
        out->n_background += counts[0][i];
        out->n_signal += counts[1][i];
    }
    if (out->n_background == 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "labels: no background among %zu events; a rate needs background", labels.n);
    }
    uint64_t signal[MB_OVERLAP_PARTS];
    sum_parts(counts[0], out->background);
    sum_parts(counts[1], signal);
    const double khz_per_event = input_khz / (double)out->n_background;
    for (unsigned p = 0; p < MB_OVERLAP_PARTS; p++) {
        out->rate_khz[p] = (double)out->background[p] * khz_per_event;
        out->rate_error_khz[p] = sqrt((double)out->background[p]) * khz_per_event;
        out->signal[p] = mb_efficiency_of(signal[p], out->n_signal);
    }
    out->background_shared =
        mb_efficiency_of(out->background[MB_OVERLAP_BOTH], out->background[MB_OVERLAP_EITHER]);
    out->signal_shared = mb_efficiency_of(signal[MB_OVERLAP_BOTH], signal[MB_OVERLAP_EITHER]);
    return MB_OK;
}

mb_status mb_overlap_at_rates(mb_context *ctx, mb_values first, mb_values second, mb_values labels,
    const double target_khz[2], double input_khz, mb_rate_point point[2], mb_overlap *out) {
    const mb_values scores[2] = {first, second};
    double threshold[2];
    for (unsigned t = 0; t < 2; t++) {
        mb_roc roc;
        mb_status status = mb_roc_make(&roc, ctx, scores[t], labels);
        if (status == MB_OK) {
            status = mb_roc_at_rate(&roc, ctx, input_khz, target_khz[t], &point[t]);
        }
        mb_roc_clear(&roc);
        if (status != MB_OK) {
            return mb_fail_within(ctx, "%s trigger", names[t]);
        }
        threshold[t] = point[t].verdict == MB_RATE_OK ? point[t].threshold : INFINITY;
    }
    return mb_overlap_at_thresholds(ctx, first, second, labels, threshold, input_khz, out);
}
