// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_RATE_H
#define DRAW_FIGURES_RATE_H

#include "draw/gallery.h"
#include "measure/rate_curve.h"
#include "measure/roc.h"
#include "measure/roc_band.h"

// One curve from one ROC or from those of several trainings of the same model: then the mean of
// their efficiencies at each rate, a band of one standard deviation (divisor n) around it, and the
// mean and standard deviation of their AUC in the legend.
typedef struct mb_rate_roc {
    const char *label;
    const mb_roc *rocs; // (n_rocs)
    size_t n_rocs;
} mb_rate_roc;

typedef struct mb_rate_roc_settings {
    const char *name;   // such as "roc_rate_SUEP"
    const char *title;  // NULL: none
    double input_khz;   // rate of the whole input, such as 28610
    double working_khz; // gets a line, such as 3; 0: none
} mb_rate_roc_settings;

// Efficiency (logarithmic, 0.01 .. 1) against trigger rate (logarithmic, from 1e-5 of the input
// rate up to it; in MHz, below an input of 1 MHz in kHz). Fails with RANGE when input_khz is not a
// positive number.
mb_status mb_draw_rate_roc(mb_gallery *gallery, mb_context *ctx,
    const mb_rate_roc_settings *settings, const mb_rate_roc *curves, size_t n) MB_MUST_CHECK;

// Figure name (such as "roc_folds"): the curve of each fold thin, their mean and one standard
// deviation around it.
mb_status mb_draw_roc_band(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *title, const mb_roc_band *band) MB_MUST_CHECK;

typedef struct mb_rate_line {
    const char *label;
    const mb_rate_curve *curve;
} mb_rate_line;

// Figure name (such as "rate_curve"): rate in kHz, logarithmic, against the threshold; below, the
// ratio of every further curve to the first. Curves that share no thresholds with the first have
// no ratio. x_label NULL: "Threshold".
mb_status mb_draw_rate_curves(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *x_label, const mb_rate_line *lines, size_t n) MB_MUST_CHECK;

#endif
