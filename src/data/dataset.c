// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "data/dataset.h"

#include "base/runtime.h"

void mb_dataset_init(mb_dataset *dataset, mb_context *ctx) {
    *dataset = (mb_dataset){.runtime = mb_context_runtime(ctx)};
    mb_arena_init(&dataset->arena, ctx);
    mb_bundle_init(&dataset->facts, ctx);
}

void mb_dataset_clear(mb_dataset *dataset) {
    if (dataset->runtime == NULL) {
        return;
    }
    for (size_t i = 0; i < dataset->n_columns; i++) {
        mb_column *column = &dataset->columns[i];
        mb_array_clear(&column->dense);
        mb_runtime_release(dataset->runtime, column->offset);
        mb_runtime_release(dataset->runtime, column->index);
        mb_runtime_release(dataset->runtime, column->value);
        if (column->release_state != NULL) {
            column->release_state(dataset->runtime, column->state);
        }
    }
    for (size_t i = 0; i < dataset->n_axes; i++) {
        mb_runtime_release(dataset->runtime, dataset->axes[i].offset);
        mb_runtime_release(dataset->runtime, dataset->axes[i].source);
        mb_runtime_release(dataset->runtime, dataset->axes[i].destination);
    }
    mb_runtime_release(dataset->runtime, dataset->axes);
    mb_runtime_release(dataset->runtime, dataset->columns);
    mb_runtime_release(dataset->runtime, dataset->event);
    mb_runtime_release(dataset->runtime, dataset->file);
    mb_runtime_release(dataset->runtime, dataset->split);
    mb_runtime_release(dataset->runtime, dataset->weight);
    mb_bundle_clear(&dataset->facts);
    mb_arena_clear(&dataset->arena);
    *dataset = (mb_dataset){0};
}

mb_status mb_dataset_set_rows(mb_dataset *dataset, mb_context *ctx, size_t n_rows) {
    // Row numbers travel as 32 bits through shuffles and batches.
    if (n_rows > UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT, "dataset: %zu rows; at most %u fit into one dataset",
            n_rows, UINT32_MAX);
    }
    int64_t *event = mb_allocate(ctx, n_rows, sizeof *event);
    uint32_t *file = mb_allocate_zeroed(ctx, n_rows, sizeof *file);
    uint8_t *split = mb_allocate_zeroed(ctx, n_rows, sizeof *split);
    if (event == NULL || file == NULL || split == NULL) {
        mb_release(ctx, event);
        mb_release(ctx, file);
        mb_release(ctx, split);
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_rows; i++) {
        event[i] = (int64_t)i;
    }
    mb_release(ctx, dataset->event);
    mb_release(ctx, dataset->file);
    mb_release(ctx, dataset->split);
    dataset->event = event;
    dataset->file = file;
    dataset->split = split;
    dataset->n_rows = n_rows;
    return MB_OK;
}

mb_status mb_dataset_add_column(
    mb_dataset *dataset, mb_context *ctx, const char *name, mb_column_role role, mb_column **out) {
    *out = NULL;
    if (mb_dataset_find(dataset, name) != NULL) {
        return mb_fail(
            ctx, MB_ERR_ARG, "dataset: there is a column '%s' already; name it otherwise", name);
    }
    MB_TRY(mb_grow(ctx, &dataset->columns, &dataset->column_capacity, dataset->n_columns + 1,
        sizeof *dataset->columns));
    const char *copy = mb_arena_text(&dataset->arena, ctx, name);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_column *column = &dataset->columns[dataset->n_columns++];
    *column = (mb_column){.name = copy, .role = role};
    *out = column;
    return MB_OK;
}

const mb_column *mb_dataset_find(const mb_dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_columns; i++) {
        if (strcmp(dataset->columns[i].name, name) == 0) {
            return &dataset->columns[i];
        }
    }
    return NULL;
}

const mb_column *mb_dataset_target(const mb_dataset *dataset) {
    for (size_t i = 0; i < dataset->n_columns; i++) {
        if (dataset->columns[i].role == MB_ROLE_TARGET) {
            return &dataset->columns[i];
        }
    }
    return NULL;
}

mb_status mb_dataset_add_axis(mb_dataset *dataset, mb_context *ctx, const char *name,
    const char *joins, mb_dataset_axis **out) {
    *out = NULL;
    if (mb_dataset_find_axis(dataset, name) != NULL) {
        return mb_fail(
            ctx, MB_ERR_ARG, "dataset: there is an axis '%s' already; name it otherwise", name);
    }
    MB_TRY(mb_grow(
        ctx, &dataset->axes, &dataset->axis_capacity, dataset->n_axes + 1, sizeof *dataset->axes));
    mb_dataset_axis axis = {.name = mb_arena_text(&dataset->arena, ctx, name)};
    if (joins != NULL) {
        axis.joins = mb_arena_text(&dataset->arena, ctx, joins);
    }
    if (axis.name == NULL || (joins != NULL && axis.joins == NULL)) {
        return MB_ERR_MEMORY;
    }
    axis.offset = mb_allocate_zeroed(ctx, dataset->n_rows + 1, sizeof *axis.offset);
    if (axis.offset == NULL) {
        return MB_ERR_MEMORY;
    }
    dataset->axes[dataset->n_axes] = axis;
    *out = &dataset->axes[dataset->n_axes++];
    return MB_OK;
}

const mb_dataset_axis *mb_dataset_find_axis(const mb_dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_axes; i++) {
        if (strcmp(dataset->axes[i].name, name) == 0) {
            return &dataset->axes[i];
        }
    }
    return NULL;
}

size_t mb_dataset_axis_rows(const mb_dataset *dataset, const char *name) {
    if (name == NULL) {
        return dataset->n_rows;
    }
    const mb_dataset_axis *axis = mb_dataset_find_axis(dataset, name);
    return axis != NULL ? (size_t)axis->offset[dataset->n_rows] : 0;
}

static inline float entry_value(const mb_column *column, uint64_t entry) {
    return column->dtype == MB_U16 ? (float)((const uint16_t *)column->value)[entry]
                                   : ((const float *)column->value)[entry];
}

static void gather_sparse_row(const mb_column *column, uint32_t row, float *out) {
    for (size_t i = 0; i < column->size; i++) {
        out[i] = column->background;
    }
    for (uint64_t e = column->offset[row]; e < column->offset[row + 1]; e++) {
        out[column->index[e]] = entry_value(column, e);
    }
}

static void gather_dense_row(const mb_column *column, uint32_t row, float *out) {
    const size_t size = column->size;
    const size_t first = (size_t)row * size;
    if (column->dense.dtype == MB_F32) {
        memcpy(out, (const float *)column->dense.data + first, size * sizeof *out);
    } else if (column->dense.dtype == MB_U16) {
        const uint16_t *from = (const uint16_t *)column->dense.data + first;
        for (size_t i = 0; i < size; i++) {
            out[i] = (float)from[i];
        }
    } else {
        for (size_t i = 0; i < size; i++) {
            out[i] = (float)mb_array_get(&column->dense, first + i);
        }
    }
}

mb_status mb_column_gather(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    if (column->kind == MB_COLUMN_MADE) {
        return column->make(column, ctx, rows, n, out);
    }
    for (size_t i = 0; i < n; i++) {
        float *to = out + i * column->size;
        if (column->kind == MB_COLUMN_SPARSE) {
            gather_sparse_row(column, rows[i], to);
        } else {
            gather_dense_row(column, rows[i], to);
        }
    }
    return MB_OK;
}

bool mb_column_is_sparse_feed(const mb_column *column) {
    return column->kind == MB_COLUMN_MADE
               ? column->fill != NULL
               : column->kind == MB_COLUMN_SPARSE && column->background == 0.0F;
}

size_t mb_column_entries(const mb_column *column, const uint32_t *rows, size_t n) {
    if (column->kind == MB_COLUMN_MADE) {
        return column->count(column, rows, n);
    }
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += column->offset[rows[i] + 1] - column->offset[rows[i]];
    }
    return (size_t)total;
}

void mb_column_gather_sparse(const mb_column *column, const uint32_t *rows, size_t n,
    uint32_t *offset, uint32_t *index, float *value) {
    if (column->kind == MB_COLUMN_MADE) {
        column->fill(column, rows, n, offset, index, value);
        return;
    }
    uint32_t to = 0;
    offset[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t last = column->offset[rows[i] + 1];
        for (uint64_t e = column->offset[rows[i]]; e < last; e++, to++) {
            index[to] = column->index[e];
            value[to] = entry_value(column, e);
        }
        offset[i + 1] = to;
    }
}

const mb_row_set *mb_dataset_find_set(const mb_dataset *dataset, const char *name) {
    for (size_t i = 0; i < dataset->n_sets; i++) {
        if (strcmp(dataset->sets[i].name, name) == 0) {
            return &dataset->sets[i];
        }
    }
    return NULL;
}

mb_status mb_dataset_rows_of(
    const mb_dataset *dataset, mb_context *ctx, uint8_t split, uint32_t **rows, size_t *n) {
    size_t count = 0;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        count += dataset->split[i] == split;
    }
    *n = 0;
    *rows = mb_allocate(ctx, count, sizeof **rows);
    if (*rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < dataset->n_rows; i++) {
        if (dataset->split[i] == split) {
            (*rows)[(*n)++] = (uint32_t)i;
        }
    }
    return MB_OK;
}
