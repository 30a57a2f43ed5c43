// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_SCAN_H
#define DRAW_FIGURES_SCAN_H

#include "draw/gallery.h"

// One parameter of a scan, seen by itself.
typedef struct mb_scan_slice {
    const char *name;
    const char *const *values; // (n_values): as texts, in their order
    size_t n_values;
    const double *place;         // (n trials): which value, from 0
    const double *mean, *spread; // (n_values): of the figure; NaN: none
    double share; // of the variance of the figure that the parameter's main effect explains; NaN
    double share_above_chance; // the same less what as many values explain by chance; NaN
} mb_scan_slice;

// The trials of a scan that trained to their end.
typedef struct mb_scan_columns {
    const char *figure; // "val_loss"
    bool is_better_higher;
    const double *value; // (n): the figure of each trial
    const size_t *order; // (n): the trials, best first
    size_t n;
    const mb_scan_slice *slices;
    size_t n_slices;
} mb_scan_columns;

// Figure "scan_slices": for each parameter the figure of every trial against its value, with mean
// and standard deviation of the trials at each value.
mb_status mb_draw_scan_slices(
    mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) MB_MUST_CHECK;
// Figure "scan_importance": the share of each parameter, one bar each. Nothing where no share is
// known.
mb_status mb_draw_scan_importance(
    mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) MB_MUST_CHECK;
// Figure "scan_parallel": a line for each trial through its values, the best ones in colour. Of
// more than a hundred trials the best hundred.
mb_status mb_draw_scan_parallel(
    mb_gallery *gallery, mb_context *ctx, const mb_scan_columns *scan) MB_MUST_CHECK;

#endif
