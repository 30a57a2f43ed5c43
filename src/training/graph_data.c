// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/graph_data.h"

#include "base/numbers.h"

#include <stdlib.h>

static mb_status fail_axis(
    mb_context *ctx, const mb_model *model, const mb_dataset *dataset, const char *name) {
    char names[256];
    size_t length = 0;
    names[0] = '\0';
    for (size_t i = 0; i < dataset->n_axes && length + 64 < sizeof names; i++) {
        length += (size_t)mb_format(names + length, sizeof names - length, "%s%.48s",
            i > 0 ? ", " : "", dataset->axes[i].name);
    }
    return mb_fail(ctx, MB_ERR_SHAPE,
        "data: model %s works with %s, which the data does not have (it has %s); change edges: of "
        "its layers, or the data",
        model->name, name, dataset->n_axes > 0 ? names : "one row an event alone");
}

static mb_status open_axis(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    size_t index, mb_graph_data *out) {
    const mb_model_axis *wanted = &model->axes[index];
    const mb_dataset_axis *axis = mb_dataset_find_axis(dataset, wanted->name);
    if (axis == NULL || (axis->joins != NULL) != (wanted->joins != 0)) {
        return fail_axis(ctx, model, dataset, wanted->name);
    }
    out->axes[index] = axis;
    if (axis->joins == NULL) {
        return MB_OK;
    }
    const mb_dataset_axis *nodes = mb_dataset_find_axis(dataset, axis->joins);
    if (nodes == NULL || strcmp(axis->joins, model->axes[wanted->joins].name) != 0) {
        return fail_axis(ctx, model, dataset, model->axes[wanted->joins].name);
    }
    out->nodes[index] = wanted->joins;
    out->edges[index] = (mb_graph_edges){
        dataset->n_rows, nodes->offset, axis->offset, axis->source, axis->destination};
    return out->is_training
               ? mb_graph_set_create(ctx, axis->name, &out->edges[index], true, &out->sets[index])
               : MB_OK;
}

mb_status mb_graph_data_open(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    bool is_training, mb_graph_data *out) {
    *out = (mb_graph_data){
        .n_axes = model->n_axes, .n_rows = dataset->n_rows, .is_training = is_training};
    for (size_t i = 1; i < model->n_axes; i++) {
        const mb_status status = open_axis(ctx, model, dataset, i, out);
        if (status != MB_OK) {
            mb_graph_data_close(out);
            return status;
        }
    }
    return MB_OK;
}

void mb_graph_data_close(mb_graph_data *data) {
    for (size_t i = 0; i < MB_MOST_AXES; i++) {
        mb_graph_set_destroy(data->sets[i]);
    }
    *data = (mb_graph_data){.n_axes = 0};
}

static int compare_falling(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return x > y ? -1 : x < y;
}

mb_status mb_graph_data_most(
    mb_context *ctx, const mb_graph_data *data, size_t n, size_t most[MB_MOST_AXES]) {
    uint64_t *sizes = mb_allocate(ctx, mb_max_size(data->n_rows, 1), sizeof *sizes);
    if (sizes == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(most, 0, MB_MOST_AXES * sizeof *most);
    for (size_t a = 1; a < data->n_axes; a++) {
        for (size_t i = 0; i < data->n_rows; i++) {
            sizes[i] = data->axes[a]->offset[i + 1] - data->axes[a]->offset[i];
        }
        qsort(sizes, data->n_rows, sizeof *sizes, compare_falling);
        for (size_t i = 0; i < mb_min_size(n, data->n_rows); i++) {
            most[a] += (size_t)sizes[i];
        }
    }
    mb_release(ctx, sizes);
    return MB_OK;
}

static mb_status open_edges(
    mb_context *ctx, const mb_graph_data *data, size_t axis, size_t max_rows, mb_graph_batch *out) {
    out->graphs[axis] = mb_allocate(ctx, mb_max_size(max_rows, 1), sizeof *out->graphs[axis]);
    if (out->graphs[axis] == NULL) {
        return MB_ERR_MEMORY;
    }
    if (data->is_training) {
        return MB_OK;
    }
    size_t most[MB_MOST_AXES];
    MB_TRY(mb_graph_data_most(ctx, data, max_rows, most));
    return mb_graph_set_reserve(
        ctx, max_rows, most[data->nodes[axis]], most[axis], &out->sets[axis]);
}

mb_status mb_graph_batch_open(
    mb_context *ctx, const mb_graph_data *data, size_t max_rows, mb_graph_batch *out) {
    *out = (mb_graph_batch){.graphs = {NULL}};
    for (size_t i = 1; i < data->n_axes; i++) {
        if (data->axes[i]->joins != NULL) {
            MB_TRY(open_edges(ctx, data, i, max_rows, out));
        }
    }
    return MB_OK;
}

void mb_graph_batch_close(mb_graph_batch *batch, mb_runtime *runtime) {
    for (size_t i = 0; i < MB_MOST_AXES; i++) {
        mb_runtime_release(runtime, (void *)batch->graphs[i]);
        mb_graph_set_destroy(batch->sets[i]);
    }
    *batch = (mb_graph_batch){.graphs = {NULL}};
}

mb_status mb_graph_batch_sort(mb_context *ctx, mb_graph_batch *batch, const mb_graph_data *data,
    const uint32_t *rows, size_t n) {
    for (size_t a = 1; a < data->n_axes; a++) {
        mb_graph_set *set = batch->sets[a];
        if (set == NULL) {
            continue;
        }
        MB_TRY(mb_graph_set_sort(ctx, data->axes[a]->name, &data->edges[a], rows, n, set));
        for (size_t i = 0; i < n; i++) {
            batch->graphs[a][i] = &set->graphs[i];
        }
    }
    return MB_OK;
}

void mb_graph_batch_fill(mb_graph_batch *batch, const mb_graph_data *data, const mb_feeder *feeder,
    const uint32_t *rows, size_t n) {
    for (size_t a = 1; a < data->n_axes; a++) {
        for (size_t i = 0; i < n && data->sets[a] != NULL; i++) {
            batch->graphs[a][i] = &data->sets[a]->graphs[rows[i]];
        }
        batch->axes[a] = (mb_axis_rows){mb_feeder_offset(feeder, a), batch->graphs[a]};
    }
}
