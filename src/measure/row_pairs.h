// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_ROW_PAIRS_H
#define MEASURE_ROW_PAIRS_H

#include "measure/values.h"

// Two tables of charges, row against row.

enum { MB_ROW_PAIRS_CELLS = 64 }; // charges of a row, at most

// A number of two rows of n_cells charges; called from several threads.
typedef mb_status (*mb_row_pair_fn)(
    const void *user, mb_context *ctx, const double *a, const double *b, double *out);

typedef struct mb_row_pairs {
    const char *name[2]; // of the tables, for messages
    mb_values values[2]; // n rows of n_cells charges
    size_t n_cells;
    double most; // the largest charge allowed
    mb_row_pair_fn measure;
    const void *user;
} mb_row_pairs;

// One number for each row into out. Fails with SHAPE (tables that are not as long, or no whole
// rows) and RANGE (a charge that is negative, above most or not finite), naming table, row and
// column. Parallel over rows.
mb_status mb_row_pairs_measure(
    const mb_row_pairs *pairs, mb_context *ctx, double *out) MB_MUST_CHECK;

#endif
