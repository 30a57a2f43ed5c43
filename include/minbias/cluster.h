// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_CLUSTER_H
#define MINBIAS_CLUSTER_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Clusters the points (n, d) of an array file (.npy, .npz, .h5; a member as FILE:NAME) as
// scikit-learn's DBSCAN does, and writes int64 labels (n), -1 for noise, to an .npy (or, under the
// name "labels", an .npz or .h5; or a .csv). eps is a distance in the points' unit, as text. An
// existing file is kept unless is_forced. Fails with ARG (eps, min_samples, the suffix), SHAPE,
// RANGE (points that are not finite), IO, FORMAT.
MB_API mb_status mb_cluster_of_file(mb_context *ctx, const char *points, const char *eps,
    uint64_t min_samples, const char *labels, bool is_forced, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
