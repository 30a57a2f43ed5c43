// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_BASELINE_H
#define MEASURE_BASELINE_H

#include "measure/values.h"

// What a concentrator does with the 48 charges of a module without a network, and what a receiver
// then believes them to be. Cells are numbered as in geometry/hex48.h, charges in counts.

enum { MB_BASELINE_CELLS = 48 };

typedef struct mb_baseline_options {
    double threshold;    // counts that a cell must exceed
    size_t n_kept;       // cells that best_choice keeps
    bool is_last;        // of equal cells of a group the last has the sum, as in the chip
    unsigned drop;       // low bits that repeater leaves out: 1 on low density modules, 3 on high
    bool is_centred;     // repeater decodes to the middle of what has the same code
    bool has_typo;       // a group of four has one cell twice (compat stc_typo)
    bool is_image_order; // cells are numbered as the pixels of 8x8_ae (compat
                         // image_order_baselines)
} mb_baseline_options;

typedef struct mb_baseline {
    const char *name, *help;
    void (*apply)(const mb_baseline_options *options, const double *charges, double *out);
} mb_baseline;

// threshold, best_choice, stc16, stc4, share4, repeater; NULL-terminated.
extern const mb_baseline *const mb_baselines[];
// 1.35 MIPT, as many cells as n_links carry, the first of equal cells, whole charges.
mb_baseline_options mb_baseline_defaults(size_t n_links);
// Cells that n_links carry with best_choice: 0 1 4 6 9 14 18 23 28 32 37 41 46, then all.
size_t mb_baseline_cells_of_links(size_t n_links);
// One module: charges (48, finite, not negative) to what is left of them (48).
void mb_baseline_apply(const mb_baseline *baseline, const mb_baseline_options *options,
    const double *charges, double *out);
// n modules of floats, (n, 48) each. Parallel over rows.
mb_status mb_baseline_apply_rows(const mb_baseline *baseline, const mb_baseline_options *options,
    mb_context *ctx, const float *charges, size_t n, float *out) MB_MUST_CHECK;

#endif
