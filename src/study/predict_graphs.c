// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/predict_graphs.h"

#include "base/numbers.h"
#include "files/arrays.h"

static mb_status read_offsets(
    mb_context *ctx, const char *path, const char *name, size_t row, mb_array *out, size_t *n) {
    if (mb_arrays_read(ctx, path, name, out) != MB_OK) {
        return mb_fail_within(
            ctx, "%s: the model works with graphs; give what prepare wrote", path);
    }
    const bool is_table = strcmp(name, "edge_offset") == 0;
    if (out->rank != (is_table ? 2U : 1U) || out->shape[out->rank - 1] == 0 ||
        (is_table && row >= out->shape[0])) {
        char shape[128];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: %s has shape %s; it must be %s, one number more than there are events", path, name,
            mb_array_shape_text(out, shape, sizeof shape),
            is_table ? "(2, events + 1)" : "(events + 1)");
    }
    *n = out->shape[out->rank - 1] - 1;
    return MB_OK;
}

// Offsets begin with 0 and do not fall.
static mb_status copy_offsets(mb_context *ctx, const char *path, const char *name,
    const mb_array *array, size_t row, size_t n, uint64_t *offset) {
    double last = 0;
    for (size_t i = 0; i <= n; i++) {
        const double value = mb_array_get(array, row * (n + 1) + i);
        if (!(value >= last && value < 9e15) || (i == 0 && value != 0)) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "%s: %s[%zu] is %g; offsets begin with 0 and never fall", path, name, i, value);
        }
        last = value;
        offset[i] = (uint64_t)value;
    }
    return MB_OK;
}

static mb_status copy_ends(mb_context *ctx, const char *path, const char *name,
    const mb_array *array, mb_dataset_axis *axis, size_t n_edges) {
    if (array->rank != 2 || array->shape[0] != 2 || array->shape[1] != n_edges) {
        char shape[128];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: %s has shape %s, but its offsets count %zu edges; it must be (2, %zu)", path, name,
            mb_array_shape_text(array, shape, sizeof shape), n_edges, n_edges);
    }
    axis->source = mb_allocate(ctx, mb_max_size(n_edges, 1), sizeof *axis->source);
    axis->destination = mb_allocate(ctx, mb_max_size(n_edges, 1), sizeof *axis->destination);
    if (axis->source == NULL || axis->destination == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t e = 0; e < n_edges; e++) {
        const double ends[] = {mb_array_get(array, e), mb_array_get(array, n_edges + e)};
        if (!(ends[0] >= 0 && ends[0] < 2e9 && ends[1] >= 0 && ends[1] < 2e9)) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: %s: edge %zu joins node %g with node %g; nodes count from 0 in their event",
                path, name, e, ends[0], ends[1]);
        }
        axis->source[e] = (int32_t)ends[0];
        axis->destination[e] = (int32_t)ends[1];
    }
    return MB_OK;
}

static mb_status read_axis(
    mb_context *ctx, const mb_model *model, const char *path, size_t index, mb_dataset *dataset) {
    const mb_model_axis *wanted = &model->axes[index];
    const char *dot = strchr(wanted->name, '.');
    const char *kind = dot != NULL ? dot + 1 : wanted->name;
    const size_t row = strcmp(kind, "loss") == 0 ? 1 : 0;
    const bool is_table = strcmp(kind, "pred") == 0 || row == 1;
    char name[128];
    mb_format(name, sizeof name, "%.100s_offset",
        wanted->joins == 0 ? "node"
        : is_table         ? "edge"
                           : kind);
    mb_array array = {0};
    size_t n = 0;
    mb_dataset_axis *axis = NULL;
    mb_status status = read_offsets(ctx, path, name, row, &array, &n);
    if (status == MB_OK && dataset->n_axes == 0) {
        status = mb_dataset_set_rows(dataset, ctx, n);
    }
    if (status == MB_OK && n != dataset->n_rows) {
        status =
            mb_fail(ctx, MB_ERR_SHAPE, "%s: %s counts %zu events, node_offset %zu; make it anew",
                path, name, n, dataset->n_rows);
    }
    if (status == MB_OK) {
        status = mb_dataset_add_axis(dataset, ctx, wanted->name,
            wanted->joins != 0 ? model->axes[wanted->joins].name : NULL, &axis);
    }
    if (status == MB_OK) {
        status = copy_offsets(ctx, path, name, &array, row, n, axis->offset);
    }
    mb_array_clear(&array);
    if (status != MB_OK || wanted->joins == 0) {
        return status;
    }
    mb_format(name, sizeof name, "edges/%.100s", kind);
    MB_TRY(mb_arrays_read(ctx, path, name, &array));
    status = copy_ends(ctx, path, name, &array, axis, (size_t)axis->offset[n]);
    mb_array_clear(&array);
    return status;
}

mb_status mb_predict_read_axes(
    mb_context *ctx, const mb_model *model, const char *path, mb_dataset *dataset) {
    // Axes of nodes come before those of the edges that join them.
    for (size_t i = 1; i < model->n_axes; i++) {
        MB_TRY(read_axis(ctx, model, path, i, dataset));
    }
    return MB_OK;
}
