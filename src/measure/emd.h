// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_EMD_H
#define MEASURE_EMD_H

#include "measure/row_pairs.h"

// The exact earth mover's distance between charges on the same cells: the least of charge times
// way that turns one picture, at unit sum, into the other.

enum { MB_EMD_CELLS = MB_ROW_PAIRS_CELLS };

// Distances between cells. A metric: no detour is shorter, so charge that both pictures have in a
// cell stays there and only the difference moves.
typedef struct mb_emd_metric {
    const char *name;
    size_t n_cells; // at most MB_EMD_CELLS
    double distance[MB_EMD_CELLS][MB_EMD_CELLS];
} mb_emd_metric;

// A metric by name ("hex48": the cells of geometry/hex48.h). ARG with the names there are.
mb_status mb_emd_metric_find(mb_emd_metric *out, mb_context *ctx, const char *name) MB_MUST_CHECK;

// What stands for a distance that does not exist.
#define MB_EMD_EMPTY_INPUT  (-1.0)
#define MB_EMD_EMPTY_OUTPUT (-0.5)

// Distance of two pictures (n_cells each; finite, not negative); MB_EMD_EMPTY_INPUT when the first
// has no charge, else MB_EMD_EMPTY_OUTPUT when the second has none. Shares of the sum below
// threshold count as 0 (threshold 0: all count). potential (n_cells, may be NULL) gets f with
// |f[i] - f[j]| <= distance[i][j] and distance = sum of f * (share of a - share of b): the
// gradient of the distance; zeros where the distance does not exist. INTERNAL when the optimum was
// not proven.
mb_status mb_emd_of_pictures(const mb_emd_metric *metric, mb_context *ctx, const double *a,
    const double *b, double threshold, double *potential, double *out) MB_MUST_CHECK;

// The same for n_rows rows; out (n_rows). Numbers that are negative or not finite are RANGE, with
// name_a or name_b, row and column. Parallel over rows.
mb_status mb_emd_of_rows(const mb_emd_metric *metric, mb_context *ctx, const char *name_a,
    mb_values a, const char *name_b, mb_values b, double threshold, double *out) MB_MUST_CHECK;

// Mean and spread of the distances that exist.
typedef struct mb_emd_summary {
    size_t n, n_empty_input, n_empty_output;
    double mean, std;         // of the population; NaN without a distance
    double low, median, high; // 16, 50 and 84 %, interpolated
} mb_emd_summary;
// All but the counts, from the summary->n values, which end up sorted.
void mb_emd_summary_fill(mb_emd_summary *summary, double *values);
mb_status mb_emd_summarise(
    mb_emd_summary *out, mb_context *ctx, const double *distances, size_t n) MB_MUST_CHECK;

#endif
