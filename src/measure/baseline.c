// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/baseline.h"

#include "base/threads.h"
#include "geometry/arrange.h"
#include "geometry/telescope.h"
#include "kernels/chip_codes.h"

enum { CELLS = MB_BASELINE_CELLS, GROUP = MB_TELESCOPE_GROUP_CELLS };

static void threshold(const mb_baseline_options *options, const double *charges, double *out) {
    for (size_t i = 0; i < CELLS; i++) {
        out[i] = charges[i] > options->threshold ? charges[i] : 0;
    }
}

static void best_choice(const mb_baseline_options *options, const double *charges, double *out) {
    for (size_t i = 0; i < CELLS; i++) {
        size_t n_before = 0;
        for (size_t k = 0; k < CELLS; k++) {
            n_before += charges[k] > charges[i] || (charges[k] >= charges[i] && k < i);
        }
        out[i] = n_before < options->n_kept ? charges[i] : 0;
    }
}

// The sum of a group goes to its largest cell.
static void put_sum(const mb_baseline_options *options, const double *charges, const uint8_t *cell,
    size_t n, double *out) {
    double sum = 0;
    size_t largest = cell[0];
    for (size_t i = 0; i < n; i++) {
        const double charge = charges[cell[i]];
        sum += charge;
        out[cell[i]] = 0;
        if (charge > charges[largest] || (options->is_last && charge >= charges[largest])) {
            largest = cell[i];
        }
    }
    out[largest] = sum;
}

static void stc16(const mb_baseline_options *options, const double *charges, double *out) {
    for (size_t i = 0; i < CELLS; i += MB_TELESCOPE_THIRD_CELLS) {
        uint8_t cell[MB_TELESCOPE_THIRD_CELLS];
        for (size_t k = 0; k < MB_TELESCOPE_THIRD_CELLS; k++) {
            cell[k] = (uint8_t)(i + k);
        }
        put_sum(options, charges, cell, MB_TELESCOPE_THIRD_CELLS, out);
    }
}

// The cells of a tile. The original's list has cell 43 in place of 42.
static void take_tile(const mb_baseline_options *options, size_t tile, uint8_t *cell) {
    for (size_t k = 0; k < GROUP; k++) {
        const uint8_t right = mb_telescope_groups[tile].cell[k];
        cell[k] = options->has_typo && right == 42 ? 43 : right;
    }
}

static void stc4(const mb_baseline_options *options, const double *charges, double *out) {
    // What no tile names stays empty.
    memset(out, 0, CELLS * sizeof *out);
    for (size_t tile = 0; tile < MB_TELESCOPE_TILES; tile++) {
        uint8_t cell[GROUP];
        take_tile(options, tile, cell);
        put_sum(options, charges, cell, GROUP, out);
    }
}

static void share4(const mb_baseline_options *options, const double *charges, double *out) {
    memset(out, 0, CELLS * sizeof *out);
    for (size_t tile = 0; tile < MB_TELESCOPE_TILES; tile++) {
        uint8_t cell[GROUP];
        double sum = 0;
        take_tile(options, tile, cell);
        for (size_t k = 0; k < GROUP; k++) {
            sum += charges[cell[k]];
        }
        for (size_t k = 0; k < GROUP; k++) {
            out[cell[k]] = sum / GROUP;
        }
    }
}

static void repeater(const mb_baseline_options *options, const double *charges, double *out) {
    mb_float_format format = mb_float_4e3m(options->drop);
    format.is_centred = options->is_centred;
    for (size_t i = 0; i < CELLS; i++) {
        const uint32_t whole = charges[i] >= 4294967295.0 ? UINT32_MAX : (uint32_t)charges[i];
        out[i] = whole > 0 ? mb_float_decode(format, mb_float_encode(format, whole)) : 0;
    }
}

static const mb_baseline baseline_threshold = {
    "threshold", "cells above a threshold (1.35 MIPT)", threshold};
static const mb_baseline baseline_best = {
    "best_choice", "the largest cells, as many as the links carry", best_choice};
static const mb_baseline baseline_stc16 = {
    "stc16", "sums of 16 cells, in the largest of each", stc16};
static const mb_baseline baseline_stc4 = {"stc4", "sums of 4 cells, in the largest of each", stc4};
static const mb_baseline baseline_share4 = {"share4", "sums of 4 cells, shared equally", share4};
static const mb_baseline baseline_repeater = {
    "repeater", "every cell in 7 bits: 4 of exponent, 3 of mantissa", repeater};

const mb_baseline *const mb_baselines[] = {&baseline_threshold, &baseline_best, &baseline_stc16,
    &baseline_stc4, &baseline_share4, &baseline_repeater, NULL};

size_t mb_baseline_cells_of_links(size_t n_links) {
    static const uint8_t n_cells[] = {0, 1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46};
    return n_links < sizeof n_cells ? n_cells[n_links] : CELLS;
}

mb_baseline_options mb_baseline_defaults(size_t n_links) {
    const double counts_a_mipt = 35;
    return (mb_baseline_options){
        .threshold = 1.35 * counts_a_mipt, .n_kept = mb_baseline_cells_of_links(n_links)};
}

void mb_baseline_apply(const mb_baseline *baseline, const mb_baseline_options *options,
    const double *charges, double *out) {
    if (!options->is_image_order) {
        baseline->apply(options, charges, out);
        return;
    }
    double image[CELLS];
    double left[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        image[i] = charges[mb_arrangement_ae_cell(i)];
    }
    baseline->apply(options, image, left);
    for (size_t i = 0; i < CELLS; i++) {
        out[mb_arrangement_ae_cell(i)] = left[i];
    }
}

enum { ROWS_A_TASK = 512 };

typedef struct rows {
    const mb_baseline *baseline;
    const mb_baseline_options *options;
    const float *charges;
    size_t n;
    float *out;
} rows;

static mb_status run_rows(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const rows *r = user;
    const size_t end = mb_min_size(r->n, (task + 1) * ROWS_A_TASK);
    for (size_t row = task * ROWS_A_TASK; row < end; row++) {
        double charges[CELLS];
        double left[CELLS];
        for (size_t i = 0; i < CELLS; i++) {
            charges[i] = (double)r->charges[row * CELLS + i];
        }
        mb_baseline_apply(r->baseline, r->options, charges, left);
        for (size_t i = 0; i < CELLS; i++) {
            r->out[row * CELLS + i] = (float)left[i];
        }
    }
    return MB_OK;
}

mb_status mb_baseline_apply_rows(const mb_baseline *baseline, const mb_baseline_options *options,
    mb_context *ctx, const float *charges, size_t n, float *out) {
    rows r = {baseline, options, charges, n, out};
    return mb_parallel(ctx, (n + ROWS_A_TASK - 1) / ROWS_A_TASK, run_rows, &r);
}
