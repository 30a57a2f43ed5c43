// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/row_pairs.h"

#include "base/threads.h"

enum { ROWS_A_TASK = 64 };

typedef struct row_work {
    const mb_row_pairs *pairs;
    size_t n;
    double *out;
} row_work;

static mb_status read_row(
    const mb_row_pairs *pairs, mb_context *ctx, size_t side, size_t row, double *charges) {
    const size_t n = pairs->n_cells;
    for (size_t i = 0; i < n; i++) {
        charges[i] = mb_values_get(pairs->values[side], row * n + i);
        if (!(charges[i] >= 0 && charges[i] <= pairs->most)) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: row %zu, column %zu is %g; charges are finite and not negative",
                pairs->name[side], row, i, charges[i]);
        }
    }
    return MB_OK;
}

static mb_status run_rows(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const row_work *work = user;
    const mb_row_pairs *pairs = work->pairs;
    const size_t end = mb_min_size(work->n, (task + 1) * ROWS_A_TASK);
    for (size_t row = task * ROWS_A_TASK; row < end; row++) {
        double a[MB_ROW_PAIRS_CELLS];
        double b[MB_ROW_PAIRS_CELLS];
        MB_TRY(read_row(pairs, ctx, 0, row, a));
        MB_TRY(read_row(pairs, ctx, 1, row, b));
        MB_TRY(pairs->measure(pairs->user, ctx, a, b, &work->out[row]));
    }
    return MB_OK;
}

mb_status mb_row_pairs_measure(const mb_row_pairs *pairs, mb_context *ctx, double *out) {
    const size_t n = pairs->values[0].n;
    if (n != pairs->values[1].n || n % pairs->n_cells != 0) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s has %zu charges but %s has %zu; give rows of %zu to both, as many", pairs->name[0],
            n, pairs->name[1], pairs->values[1].n, pairs->n_cells);
    }
    row_work work = {pairs, n / pairs->n_cells, out};
    return mb_parallel(ctx, (work.n + ROWS_A_TASK - 1) / ROWS_A_TASK, run_rows, &work);
}
