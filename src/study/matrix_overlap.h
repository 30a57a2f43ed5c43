// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_MATRIX_OVERLAP_H
#define STUDY_MATRIX_OVERLAP_H

#include "study/matrix.h"

// How much of a score's rate is its own, beside the first baseline (or the first score) at the same
// rate.

// The overlap of every score and the reference on every sample, at every rate, as CSV.
mb_status mb_matrix_overlap_table(
    const mb_matrix *matrix, mb_context *ctx, mb_buffer *table) MB_MUST_CHECK;

#endif
