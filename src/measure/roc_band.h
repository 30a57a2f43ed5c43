// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_ROC_BAND_H
#define MEASURE_ROC_BAND_H

#include "measure/values.h"

// The mean ROC of k folds with the spread between them, as scikit-learn's recipe "ROC with
// cross-validation" draws it: the curve of each fold is interpolated on common false rates, forced
// to 0 at false rate 0 and to 1 at 1.

// Writes the fold (0..n_folds) of each event. Each class is cut by itself, sizes as scikit-learn's
// StratifiedKFold has them. Consecutive: the first events of a class are in fold 0, and so on.
// Fails with RANGE (fewer than 2 folds), FORMAT (a class has fewer events than folds; labels other
// than 0 and 1).
mb_status mb_folds_consecutive(
    mb_context *ctx, mb_values labels, size_t n_folds, uint32_t *fold) MB_MUST_CHECK;
// Stratified random folds: the same sizes, events drawn with our own generator from the seed.
mb_status mb_folds_random(
    mb_context *ctx, mb_values labels, size_t n_folds, uint64_t seed, uint32_t *fold) MB_MUST_CHECK;

typedef struct mb_roc_band {
    mb_runtime *runtime;
    size_t n_points, n_folds;
    double *false_rate;   // (n_points) rising
    double *true_rate;    // (n_folds, n_points) of each fold
    double *mean;         // (n_points) of the folds' true rates
    double *deviation;    // (n_points) standard deviation over folds, divisor n_folds
    double *auc;          // (n_folds) exact, of each fold's own curve
    double auc_mean;      // of auc
    double auc_deviation; // divisor n_folds
    double auc_of_mean;   // trapezoid area under mean, over the false rates given
} mb_roc_band;

// Makes the band of the scores (labels: 0 or 1) whose folds are given, on n_points false rates that
// rise within 0..1. The caller clears *out; on failure it is empty. Fails as mb_roc_make within a
// fold (the message names it), and with RANGE (false rates, fold numbers).
mb_status mb_roc_band_make(mb_roc_band *out, mb_context *ctx, mb_values scores, mb_values labels,
    const uint32_t *fold, size_t n_folds, const double *false_rate, size_t n_points) MB_MUST_CHECK;
void mb_roc_band_clear(mb_roc_band *band);

// Common false rates: n_points (at least 2) of equally spaced logarithms from lowest (above 0)
// to 1.
void mb_false_rates_log(double *false_rate, size_t n_points, double lowest);

#endif
