// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_ECONT_H
#define DRAW_FIGURES_ECONT_H

#include "base/buffer.h"
#include "base/bundle.h"
#include "draw/figures.h"
#include "measure/module.h"
#include "measure/profile.h"

// Pictures of modules of the concentrator and of what encoders make of them. Charges are in counts,
// 35 to a MIPT. Every function that draws adds figures to the gallery; call mb_gallery_draw when
// all are there.

enum { MB_ECONT_DISPLAYS = 8 };

// One way to encode and restore modules: a model, or an algorithm of the chip.
typedef struct mb_econt_way {
    const char *label;
    const float *charges; // restored, of the rows that are shown: (n_rows, 48) counts
    const double *values; // of a metric, (n), MB_EMD_EMPTY_ numbers where there is none; or NULL
} mb_econt_way;

// Figure name: a module in each row, as it came in and then as each way leaves it. rows
// (n_rows, at most MB_ECONT_DISPLAYS) are indices of input (n, 48) and of the ways' values; event
// (n_rows) numbers the titles, the metric's label comes with the values.
mb_status mb_draw_module_displays(mb_gallery *gallery, mb_context *ctx, const char *name,
    const float *input, const uint32_t *rows, const int64_t *event, size_t n_rows,
    const mb_econt_way *ways, size_t n_ways, const char *metric) MB_MUST_CHECK;

// Figure "hist_<metric>": a step histogram of each way (n values each) at unit area; the legend has
// median, 16 and 84 %, mean and spread.
mb_status mb_draw_metric_histogram(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_way *ways, size_t n_ways,
    size_t n) MB_MUST_CHECK;
// Figure "compare_<metric>": median with its middle 68 %, and mean, of each way.
mb_status mb_draw_metric_compare(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_way *ways, size_t n_ways,
    size_t n) MB_MUST_CHECK;

// What a metric is profiled against.
typedef struct mb_econt_rows {
    size_t n;
    double *above;                 // cells above a MIPT
    double *largest;               // charge, MIPT
    double *log_largest, *log_sum; // log10 of MIPT
} mb_econt_rows;
mb_status mb_econt_rows_make(mb_econt_rows *out, mb_arena *arena, mb_context *ctx,
    const float *charges, size_t n) MB_MUST_CHECK;

// A profile of a metric: against one number, in a range of another.
typedef struct mb_econt_slice {
    const char *name;  // of files: "occ", "max", "sum_occ_2_5" ...
    const char *label; // of the x axis
    const char *title; // NULL: all rows
    size_t x;          // offset of the column of mb_econt_rows
    size_t n_bins;
    double low, high;
    size_t in; // offset of the column that is restricted to from < value <= to
    double from, to;
} mb_econt_slice;
// All rows against occupancy, largest charge and sum; then ranges of occupancy and of charge.
extern const mb_econt_slice mb_econt_slices[];
extern const size_t mb_econt_n_slices;
// Rows whose value is one of MB_EMD_EMPTY_ are left out. The caller clears *out.
mb_status mb_econt_profile_make(mb_profile *out, mb_context *ctx, const mb_econt_slice *slice,
    const mb_econt_rows *rows, const double *values) MB_MUST_CHECK;
// "centre median down up" a bin, down and up as differences to the median; empty bins left out.
void mb_econt_profile_write(const mb_profile *profile, mb_buffer *text);
// Figures "profile_<metric>", and with_ranges "profile_<metric>_by_occupancy" and "_by_charge":
// medians, and bands where there are few ways.
mb_status mb_draw_metric_profiles(mb_gallery *gallery, mb_context *ctx,
    const mb_module_metric *metric, const mb_econt_rows *rows, const mb_econt_way *ways,
    size_t n_ways, bool with_ranges) MB_MUST_CHECK;

// A metric of encoder outputs cut to a few bits.
typedef struct mb_econt_bits {
    const char *label; // points of the same label are a line
    double bits;
    double mean, error; // of the mean
} mb_econt_bits;
// Figure "bits".
mb_status mb_draw_metric_bits(mb_gallery *gallery, mb_context *ctx, const char *metric,
    const mb_econt_bits *points, size_t n) MB_MUST_CHECK;

// Figure name: exact distances against those of a network that has learnt them, in two dimensions,
// and the relative error.
mb_status mb_draw_emd_surrogate(mb_gallery *gallery, mb_context *ctx, const char *name,
    const char *title, mb_values truth, mb_values predicted) MB_MUST_CHECK;

// Figure "weights": a histogram of each of a model's weights.
mb_status mb_draw_weights(
    mb_gallery *gallery, mb_context *ctx, const mb_histogram_set *weights, size_t n) MB_MUST_CHECK;

// The concentrator's pictures from the arrays that its detector hands out (see
// detector/concentrator/pictures.h): "modules", "module_charges". What lacks its arrays is left
// out.
mb_status mb_draw_concentrator(
    mb_gallery *gallery, mb_context *ctx, const mb_bundle *pictures) MB_MUST_CHECK;

#endif
