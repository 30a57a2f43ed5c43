// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_MODULE_H
#define MEASURE_MODULE_H

#include "measure/emd.h"

// How much the 48 charges of a module lose on their way through an encoder and back. Cells are
// numbered as in geometry/hex48.h.

enum { MB_MODULE_CELLS = 48 };

// Telescope metric: 4 * L1 + 2 * L2 + L3 of f(a, b) = (a - b)^2 * max(a, b), over the cells, the
// weighted groups of geometry/telescope.h and the three thirds. The values as they are given.
double mb_module_telescope(const double *truth, const double *prediction);
// Mean of the same f over n values.
double mb_weighted_mse(const double *truth, const double *prediction, size_t n);

// Tables that the metrics share.
typedef struct mb_module_tables {
    mb_emd_metric emd;
    double x[MB_MODULE_CELLS], y[MB_MODULE_CELLS];
} mb_module_tables;
mb_status mb_module_tables_init(mb_module_tables *out, mb_context *ctx) MB_MUST_CHECK;

// A metric of input charges against restored ones (48 each, finite, not negative), both taken at
// unit sum. Where the input has no charge it is MB_EMD_EMPTY_INPUT, else where the output has none
// MB_EMD_EMPTY_OUTPUT (but zero_frac, which is then 1).
typedef struct mb_module_metric {
    const char *name, *help;
    const char *label; // of an axis
    mb_status (*of)(const mb_module_tables *tables, mb_context *ctx, const double *input,
        const double *output, double *out);
} mb_module_metric;

// emd, dMean, dRMS, cross_corr, SSD, zero_frac, sinkhorn; NULL-terminated.
extern const mb_module_metric *const mb_module_metrics[];
// Of n rows (n * 48 values each) into out (n). Numbers that are negative or not finite are RANGE,
// with name_a or name_b, row and column. Parallel over rows.
mb_status mb_module_metric_of_rows(const mb_module_metric *metric, const mb_module_tables *tables,
    mb_context *ctx, const char *name_a, mb_values a, const char *name_b, mb_values b,
    double *out) MB_MUST_CHECK;
// Mean, spread and quantiles of the rows that have a value; with_empty: the numbers that stand for
// no value enter, too, as in the original.
mb_status mb_module_summarise(mb_emd_summary *out, mb_context *ctx, const double *values, size_t n,
    bool with_empty) MB_MUST_CHECK;

// What a decoder's output (48) is multiplied with to be charges again. 0 when it has no charge.
typedef enum mb_module_restore {
    MB_RESTORE_POWER2, // the powers of two at or below both sums agree
    MB_RESTORE_MAX,    // the largest cells agree
    MB_RESTORE_SUM,
} mb_module_restore;
double mb_module_restore_factor(
    mb_module_restore rule, const double *charges, const double *output);

#endif
