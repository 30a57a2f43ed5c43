// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_EMD_H
#define MINBIAS_EMD_H

#include "minbias/answer.h"
#include "minbias/array.h"

#ifdef __cplusplus
extern "C" {
#endif

// Exact earth mover's distance between pictures at unit sum, row by row. a and b: (rows, cells),
// charges, finite and not negative, of any type. metric "hex48": the 48 trigger cells of a
// hexagonal module, neighbours 2 apart. Charges whose share of their picture is below threshold
// count as 0 (0: all count). out: float64 (rows), -1 where a is empty, else -0.5 where b is; the
// caller clears it, on failure it is empty. Fails with ARG (metric, threshold), SHAPE, RANGE.
MB_API mb_status mb_emd_of_arrays(mb_context *ctx, const mb_array *a, const mb_array *b,
    const char *metric, double threshold, mb_array *out) MB_MUST_CHECK;

// The same of array files (.npy, .npz, .h5; a member as FILE:NAME) or tables (.csv, with or without
// a header; columns CALQ_0 to CALQ_47 are found by name). output (may be NULL): .npy, .npz, .h5 or
// .csv. threshold: a number as text.
MB_API mb_status mb_emd_of_files(mb_context *ctx, const char *a, const char *b, const char *metric,
    const char *threshold, const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
