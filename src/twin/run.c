// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/threads.h"
#include "twin/parts.h"

// Tiles of events through a twin. Scratch holds the events' rows before they are turned into lanes,
// two tiles that operations read and write in turn, and the floats and integers of one row.

typedef struct scratch_parts {
    int32_t *rows; // MB_TILE x row_words
    char *tiles[2];
    float *reals;
    int32_t *integers;
} scratch_parts;

static size_t rows_bytes(const mb_twin *twin) {
    return MB_TILE * twin->row_words * sizeof(int32_t);
}

static size_t row_bytes(const mb_twin *twin) {
    return mb_round_up(twin->input.n * sizeof(int32_t), 64);
}

static scratch_parts scratch_of(const mb_twin *twin, void *scratch) {
    char *at = scratch;
    scratch_parts parts = {.rows = scratch};
    at += rows_bytes(twin);
    parts.tiles[0] = at;
    parts.tiles[1] = at + twin->tile_bytes;
    at += 2 * twin->tile_bytes;
    parts.reals = (float *)(void *)at;
    parts.integers = (int32_t *)(void *)(at + row_bytes(twin));
    return parts;
}

size_t mb_twin_scratch(const mb_twin *twin) {
    return rows_bytes(twin) + 2 * twin->tile_bytes + 2 * row_bytes(twin);
}

// Floats up to this are whole numbers wherever integers are.
enum { EXACT_FLOAT = 1 << 24 };

// One event as integers of the input's format.
static const int32_t *read_row(
    const mb_twin *twin, const mb_twin_rows *rows, size_t at, const scratch_parts *parts) {
    const size_t n = twin->input.n;
    const float *reals = rows->f32 == NULL ? parts->reals : rows->f32 + at;
    bool is_exact = true;
    for (size_t i = 0; rows->u16 != NULL && i < n; i++) {
        parts->reals[i] = (float)rows->u16[at + i];
    }
    for (size_t i = 0; rows->i32 != NULL && i < n; i++) {
        const int32_t v = rows->i32[at + i];
        is_exact = is_exact && v <= EXACT_FLOAT && v >= -EXACT_FLOAT;
        parts->reals[i] = (float)v;
    }
    if (is_exact && twin->has_reader &&
        twin->kernels->read_f32(&twin->reader, reals, n, parts->integers)) {
        return parts->integers;
    }
    const mb_fixed *format = &twin->program.input_format;
    for (size_t i = 0; i < n; i++) {
        parts->integers[i] =
            (int32_t)(rows->i32 != NULL ? mb_fixed_convert(format, rows->i32[at + i], 0, NULL)
                                        : mb_fixed_from_double(format, (double)reals[i], NULL));
    }
    return parts->integers;
}

static void put_pairs(const int32_t *restrict row, size_t n, int16_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = (int16_t)row[i];
    }
}

static void load_row(const mb_twin *twin, const mb_twin_rows *rows, size_t at,
    const scratch_parts *parts, int32_t *words) {
    const size_t n = twin->input.n;
    int16_t *shorts = (int16_t *)(void *)words;
    if (twin->input.store == STORE_PAIRS && n % 2 != 0) {
        shorts[n] = 0; // the other half of the last pair
    }
    if (rows->u16 != NULL && twin->has_short) {
        twin->kernels->read_u16(twin->short_mask, twin->short_most, rows->u16 + at, n, shorts);
        return;
    }
    if (rows->f32 != NULL && twin->has_reader && twin->input.store == STORE_PAIRS &&
        twin->kernels->read_f32_short(&twin->reader, rows->f32 + at, n, shorts)) {
        return;
    }
    const int32_t *row = read_row(twin, rows, at, parts);
    if (twin->input.store == STORE_PAIRS) {
        put_pairs(row, n, shorts);
    } else if (twin->input.store == STORE_F32) {
        float *reals = (float *)(void *)words;
        for (size_t i = 0; i < n; i++) {
            reals[i] = (float)row[i];
        }
    } else {
        memcpy(words, row, n * sizeof *row);
    }
}

void mb_twin_load_tile(
    const mb_twin *twin, const mb_twin_rows *rows, size_t first, size_t n, void *scratch) {
    const scratch_parts parts = scratch_of(twin, scratch);
    const size_t stride = rows->stride == 0 ? twin->input.n : rows->stride;
    for (size_t i = 0; i < MB_TILE; i++) {
        int32_t *words = parts.rows + i * twin->row_words;
        if (i < n) {
            load_row(twin, rows, (first + i) * stride, &parts, words);
        } else {
            memset(words, 0, twin->row_words * sizeof *words);
        }
    }
    twin->kernels->transpose(
        parts.rows, twin->row_words, twin->row_words, (int32_t *)(void *)parts.tiles[0]);
}

void *mb_twin_tile(const mb_twin *twin, void *scratch, size_t n_operations) {
    return scratch_of(twin, scratch).tiles[n_operations % 2];
}

void mb_twin_run_operation(const mb_twin *twin, size_t operation, void *scratch) {
    const twin_operation *o = &twin->operations[operation];
    o->run(twin->kernels, o, mb_twin_tile(twin, scratch, operation),
        mb_twin_tile(twin, scratch, operation + 1));
}

double mb_twin_tile_value(const twin_value *value, const void *tile, size_t row, size_t lane) {
    const size_t at = row * MB_TILE + lane;
    double number = 0;
    switch (value->store) {
    case STORE_REAL:
        return (double)((const float *)tile)[at];
    case STORE_F32:
        number = (double)((const float *)tile)[at];
        break;
    case STORE_I32:
        number = ((const int32_t *)tile)[at];
        break;
    case STORE_I64:
        number = (double)((const int64_t *)tile)[at];
        break;
    case STORE_PAIRS:
        number = ((const int16_t *)tile)[(row / 2 * MB_TILE + lane) * 2 + row % 2];
        break;
    }
    return mb_fixed_scale(number, value->exponent);
}

static void write_integers(const mb_twin *twin, const void *tile, size_t n, int64_t *integers) {
    const size_t n_outputs = twin->output.n;
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < n_outputs; o++) {
            const size_t at = o * MB_TILE + i;
            integers[i * n_outputs + o] = twin->output.store == STORE_I64
                                              ? ((const int64_t *)tile)[at]
                                              : ((const int32_t *)tile)[at];
        }
    }
}

static void write_values(const mb_twin *twin, const void *tile, size_t n, float *values) {
    const size_t n_outputs = twin->output.n;
    const size_t channels = twin->output.type.dim[twin->output.type.rank - 1];
    const double unit = mb_fixed_scale(1, twin->output.exponent);
    for (size_t i = 0; i < n; i++) {
        for (size_t o = 0; o < n_outputs; o++) {
            const size_t at = o * MB_TILE + i;
            values[i * n_outputs + o] = twin->output.store == STORE_REAL ? ((const float *)tile)[at]
                                        : twin->output.store == STORE_I64
                                            ? (float)((double)((const int64_t *)tile)[at] * unit)
                                            : (float)(((const int32_t *)tile)[at] * unit);
        }
    }
    twin->activation->forward(
        twin->activation->default_parameters, values, n * n_outputs, channels);
}

void mb_twin_run(const mb_twin *twin, const mb_twin_rows *rows, size_t n, void *scratch,
    int64_t *integers, float *values) {
    for (size_t first = 0; first < n; first += MB_TILE) {
        const size_t block = mb_min_size(MB_TILE, n - first);
        const size_t at = first * twin->output.n;
        mb_twin_load_tile(twin, rows, first, block, scratch);
        for (size_t o = 0; o < twin->n_operations; o++) {
            mb_twin_run_operation(twin, o, scratch);
        }
        const void *tile = mb_twin_tile(twin, scratch, twin->n_operations);
        if (integers != NULL && mb_twin_is_integer(twin)) {
            write_integers(twin, tile, block, integers + at);
        }
        if (values != NULL) {
            write_values(twin, tile, block, values + at);
        }
    }
}

typedef struct prediction {
    const mb_twin *twin;
    const mb_twin_rows *rows;
    size_t n, scratch_bytes;
    char *scratch;
    int64_t *integers;
    float *values;
} prediction;

enum { TASK_EVENTS = 1024 };

static mb_status predict_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const prediction *p = user;
    const size_t first = task * TASK_EVENTS;
    const size_t n = mb_min_size(TASK_EVENTS, p->n - first);
    const size_t stride = p->rows->stride == 0 ? p->twin->input.n : p->rows->stride;
    const size_t at = first * p->twin->output.n;
    const mb_twin_rows rows = {.f32 = p->rows->f32 == NULL ? NULL : p->rows->f32 + first * stride,
        .i32 = p->rows->i32 == NULL ? NULL : p->rows->i32 + first * stride,
        .u16 = p->rows->u16 == NULL ? NULL : p->rows->u16 + first * stride,
        .stride = stride};
    (void)ctx;
    mb_twin_run(p->twin, &rows, n, p->scratch + worker * p->scratch_bytes,
        p->integers == NULL ? NULL : p->integers + at, p->values == NULL ? NULL : p->values + at);
    return MB_OK;
}

mb_status mb_twin_predict(mb_context *ctx, const mb_twin *twin, const mb_twin_rows *rows, size_t n,
    int64_t *integers, float *values) {
    prediction p = {.twin = twin,
        .rows = rows,
        .n = n,
        .scratch_bytes = mb_round_up(mb_twin_scratch(twin), 64),
        .integers = integers,
        .values = values};
    p.scratch = mb_allocate(ctx, mb_runtime_threads(mb_context_runtime(ctx)), p.scratch_bytes);
    if (p.scratch == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status =
        mb_parallel(ctx, (n + TASK_EVENTS - 1) / TASK_EVENTS, predict_task, &p);
    mb_release(ctx, p.scratch);
    return status;
}
