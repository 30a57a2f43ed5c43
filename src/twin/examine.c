// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/parts.h"

#include <math.h>

// Looking inside: the same operations on the same tiles, with every conversion counted by the exact
// rules on the way.

// Whether a value that an unsigned, saturating format raises to 0 is there on purpose.
static bool is_rectifier(const mb_fixed *format) {
    return !format->is_signed && format->overflow != MB_FIXED_WRAP;
}

// Counts a conversion's values that its overflow rule changes. tile is what it takes.
static void count_conversion(
    const twin_operation *o, const void *tile, size_t n, mb_twin_report *report) {
    uint64_t *count =
        o->is_accumulator ? &report->n_accumulator_outside : &report->n_result_outside;
    const bool floors = o->is_relu || is_rectifier(&o->target);
    for (size_t row = 0; row < o->n; row++) {
        for (size_t lane = 0; lane < n; lane++) {
            const size_t at = row * MB_TILE + lane;
            bool is_outside = false;
            if (o->taken == STORE_REAL) {
                const float x = ((const float *)tile)[at];
                mb_fixed_from_double(&o->target, floors && x < 0 ? 0 : (double)x, &is_outside);
            } else {
                const int64_t x = o->taken == STORE_I64 ? ((const int64_t *)tile)[at]
                                                        : ((const int32_t *)tile)[at];
                mb_fixed_convert(&o->target, floors && x < 0 ? 0 : x, o->exponent, &is_outside);
            }
            *count += is_outside;
        }
    }
}

static void note_range(
    const twin_value *value, const void *tile, size_t n, double *least, double *most) {
    for (size_t row = 0; row < value->n; row++) {
        for (size_t lane = 0; lane < n; lane++) {
            const double x = mb_twin_tile_value(value, tile, row, lane);
            *least = x < *least ? x : *least;
            *most = x > *most ? x : *most;
        }
    }
}

// A stage's value as it is stored.
static twin_value standing_value(const mb_twin *twin, const twin_stage *stage) {
    twin_value value = stage->value;
    // The input is read into the store that the first operation wants.
    value.store = stage->n_operations == 0 ? twin->input.store : value.store;
    return value;
}

// The stages whose values stand after so many operations.
static void note_stages(
    const mb_twin *twin, size_t n_operations, const void *tile, size_t n, mb_twin_report *reports) {
    for (size_t i = 0; i < twin->program.n_layers; i++) {
        const twin_stage *sum = &twin->steps[i].stages[MB_TWIN_SUM];
        const twin_stage *result = &twin->steps[i].stages[MB_TWIN_RESULT];
        if (sum->n_operations == n_operations) {
            const twin_value value = standing_value(twin, sum);
            note_range(&value, tile, n, &reports[i].least, &reports[i].most);
            reports[i].n_values += value.n * n;
        }
        if (result->n_operations == n_operations) {
            const twin_value value = standing_value(twin, result);
            note_range(&value, tile, n, &reports[i].result_least, &reports[i].result_most);
        }
    }
}

mb_status mb_twin_examine(mb_context *ctx, const mb_twin *twin, const mb_twin_rows *rows, size_t n,
    mb_twin_report *reports) {
    void *scratch = mb_allocate(ctx, 1, mb_twin_scratch(twin));
    if (scratch == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < twin->program.n_layers; i++) {
        mb_twin_describe(twin, i, &reports[i]);
        if (n > 0) {
            reports[i].least = reports[i].result_least = INFINITY;
            reports[i].most = reports[i].result_most = -INFINITY;
        }
    }
    for (size_t first = 0; first < n; first += MB_TILE) {
        const size_t block = mb_min_size(MB_TILE, n - first);
        mb_twin_load_tile(twin, rows, first, block, scratch);
        note_stages(twin, 0, mb_twin_tile(twin, scratch, 0), block, reports);
        for (size_t o = 0; o < twin->n_operations; o++) {
            const twin_operation *operation = &twin->operations[o];
            if (operation->target.bits != 0) {
                count_conversion(
                    operation, mb_twin_tile(twin, scratch, o), block, &reports[operation->step]);
            }
            mb_twin_run_operation(twin, o, scratch);
            note_stages(twin, o + 1, mb_twin_tile(twin, scratch, o + 1), block, reports);
        }
    }
    mb_release(ctx, scratch);
    return MB_OK;
}

mb_status mb_twin_look(mb_context *ctx, const mb_twin *twin, size_t layer, mb_twin_stage stage,
    const mb_twin_rows *rows, size_t n, double *out) {
    const twin_stage *place = &twin->steps[layer].stages[stage];
    const twin_value value = standing_value(twin, place);
    void *scratch = mb_allocate(ctx, 1, mb_twin_scratch(twin));
    if (scratch == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t first = 0; first < n; first += MB_TILE) {
        const size_t block = mb_min_size(MB_TILE, n - first);
        mb_twin_load_tile(twin, rows, first, block, scratch);
        for (size_t o = 0; o < place->n_operations; o++) {
            mb_twin_run_operation(twin, o, scratch);
        }
        const void *tile = mb_twin_tile(twin, scratch, place->n_operations);
        for (size_t i = 0; i < block; i++) {
            for (size_t k = 0; k < value.n; k++) {
                out[(first + i) * value.n + k] = mb_twin_tile_value(&value, tile, k, i);
            }
        }
    }
    mb_release(ctx, scratch);
    return MB_OK;
}
