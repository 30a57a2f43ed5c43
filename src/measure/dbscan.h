// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_DBSCAN_H
#define MEASURE_DBSCAN_H

#include "measure/values.h"

// Density-based clustering with scikit-learn's labels (DBSCAN, Euclidean). Two points are
// neighbours when the sum of their squared differences, in double and in the order of the columns,
// is at most eps * eps; a point is its own neighbour. A core point has at least min_samples
// neighbours. Clusters are the connected core points, numbered by their first one; another point
// takes the lowest-numbered cluster that has a core point beside it, else it is noise, -1.

typedef struct mb_dbscan_settings {
    double eps;           // in the unit of the points; its square must be a number
    uint64_t min_samples; // at least 1
} mb_dbscan_settings;

typedef struct mb_dbscan_counts {
    size_t n_clusters, n_core, n_noise;
} mb_dbscan_counts;

// Fails with ARG when the settings are no such numbers: what mb_dbscan asks first.
mb_status mb_dbscan_check(mb_context *ctx, const mb_dbscan_settings *settings) MB_MUST_CHECK;

// points (n_points, n_columns) of any type, widened to double; labels (n_points) are written.
// Memory is linear in the points. No points are no clusters. Fails with ARG (settings), SHAPE
// (sizes that do not fit, no columns), RANGE (a coordinate that is not finite; where names the
// points), LIMIT (2^32 points or more), MEMORY.
mb_status mb_dbscan(mb_context *ctx, const char *where, mb_values points, size_t n_points,
    size_t n_columns, const mb_dbscan_settings *settings, int64_t *labels,
    mb_dbscan_counts *out) MB_MUST_CHECK;

#endif
