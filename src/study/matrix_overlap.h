// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_MATRIX_OVERLAP_H
#define STUDY_MATRIX_OVERLAP_H

#include "measure/overlap.h"
#include "study/matrix.h"

// How much of a score's rate is its own, beside the first baseline (or the first score) at the same
// rate.

// The score that others are held against, or SIZE_MAX where there is none.
size_t mb_matrix_reference(const mb_matrix *matrix);
// The overlap of a score and the reference on a sample. *is_there is false where one of the two has
// no threshold at the rate.
mb_status mb_matrix_overlap_of(const mb_matrix *matrix, mb_context *ctx, size_t row, size_t scorer,
    size_t rate, mb_overlap *out, bool *is_there) MB_MUST_CHECK;
// All of them as CSV.
mb_status mb_matrix_overlap_table(
    const mb_matrix *matrix, mb_context *ctx, mb_buffer *table) MB_MUST_CHECK;

#endif
