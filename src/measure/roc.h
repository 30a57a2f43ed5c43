// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_ROC_H
#define MEASURE_ROC_H

#include "measure/efficiency.h"
#include "measure/values.h"

// The receiver operating characteristic as a trigger reads it: an event is accepted when its score
// is >= the threshold; one vertex per distinct score, so every vertex can be set in hardware.
typedef struct mb_roc {
    mb_runtime *runtime;
    size_t n_vertices; // distinct scores + 1
    double *threshold; // (n_vertices) falling; the first is +infinity: nothing accepted
    uint64_t *n_true;  // (n_vertices) signal events accepted
    uint64_t *n_false; // (n_vertices) background events accepted
    uint64_t n_signal, n_background;
    double auc;       // P(s > b) + P(s = b) / 2, exact but for one rounding
    double auc_error; // DeLong 1988; NaN where a class has one event
} mb_roc;

// Makes the curve. scores are compared in their own precision (float32, float64; integers as
// float64). labels are 0 (background) or 1 (signal), of any type. The caller clears *out; on
// failure it is empty. Fails with SHAPE (unequal lengths), FORMAT (no rows, one class, labels other
// than 0 and 1), RANGE (NaN).
mb_status mb_roc_make(
    mb_roc *out, mb_context *ctx, mb_values scores, mb_values labels) MB_MUST_CHECK;
void mb_roc_clear(mb_roc *roc);
double mb_roc_true_rate(const mb_roc *roc, size_t vertex);
double mb_roc_false_rate(const mb_roc *roc, size_t vertex);
// The true rate at a false rate (0..1) on the straight lines between the vertices; in a vertical
// part its upper end, as numpy.interp has it.
double mb_roc_true_rate_at(const mb_roc *roc, double false_rate);
// The vertex that accepts what score >= threshold accepts.
size_t mb_roc_vertex_at(const mb_roc *roc, double threshold);

// Why there is no achievable threshold at a rate.
typedef enum mb_rate_verdict {
    MB_RATE_OK,
    MB_RATE_TOO_FEW, // less than one background event is allowed in this sample
    MB_RATE_TIED,    // more background events than allowed share the highest score
} mb_rate_verdict;

// What a trigger keeps at a rate.
typedef struct mb_rate_point {
    double target_khz, input_khz;
    double efficiency_interpolated; // on the straight line between vertices, as the originals quote
    double allowed_events;          // target * n_background / input, before rounding down
    mb_rate_verdict verdict;        // the fields below are zero unless MB_RATE_OK
    double threshold;               // lowest existing score whose rate is <= target
    mb_efficiency signal;           // at that threshold: value, k of n, error
    uint64_t background_events;     // accepted at that threshold
    double background_error;        // Poisson: its square root
    double rate_khz, rate_error_khz;
    double efficiency_low, efficiency_high; // interpolated at background_events -+ background_error
    uint64_t next_background_events;        // at the next lower score (ties: what one step costs)
} mb_rate_point;

// Fails with RANGE when a rate is not a positive number.
mb_status mb_roc_at_rate(const mb_roc *roc, mb_context *ctx, double input_khz, double target_khz,
    mb_rate_point *out) MB_MUST_CHECK;
// One line for people, such as "0.8123 +- 0.0041 (812 of 1000) at score >= 0.93, 80 background
// events" or why there is none; into text, which is returned.
char *mb_rate_point_text(const mb_rate_point *point, char *text, size_t size);
// "5kHz", "28.61 MHz", "900Hz" to kHz, correctly rounded. A unit is needed. Fails with FORMAT.
mb_status mb_rate_parse(mb_context *ctx, const char *text, double *khz) MB_MUST_CHECK;
// 28610 -> "28.61 MHz".
char *mb_rate_format(double khz, char *text, size_t size);

// How two scores differ in AUC.
typedef struct mb_auc_comparison {
    double auc[2];
    double difference; // auc[1] - auc[0]
    double error;      // of the difference
    double sigmas;     // difference / error; 0 where both are 0
    bool is_paired;    // same events: the correlation is taken out (DeLong 1988)
} mb_auc_comparison;

// Two scores of the same events, in the same order. Fails as mb_roc_make.
mb_status mb_auc_compare_paired(mb_context *ctx, mb_values scores_a, mb_values scores_b,
    mb_values labels, mb_auc_comparison *out) MB_MUST_CHECK;
// Scores of different events: errors in quadrature.
mb_auc_comparison mb_auc_compare_independent(const mb_roc *a, const mb_roc *b);

#endif
