// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_HISTOGRAMS_H
#define DRAW_HISTOGRAMS_H

#include "draw/figures.h"

// Common bins of several sets of values.
typedef struct mb_binning {
    size_t n_bins;
    double low, high;
} mb_binning;

// Bins over all finite values: about n_bins of them, whole numbers in the middle of bins where all
// values are whole. No values: ten bins of 0 .. 1.
mb_binning mb_binning_choose(const mb_histogram_set *sets, size_t n_sets, size_t n_bins);

// Adds one step histogram. is_density: unit area.
mb_status mb_panel_histogram(mb_panel *panel, mb_context *ctx, mb_binning binning,
    mb_histogram_set set, bool is_density, bool is_filled) MB_MUST_CHECK;

#endif
