// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/predictor.h"

#include "network/plan.h"

struct mb_predictor {
    mb_runtime *runtime;
    mb_plan *plan;
    size_t n_inputs, n_outputs, max_events;
    size_t inputs_offset; // of the plan's view of the inputs in the scratch
    bool *is_sparse;      // per input
    size_t *row_sizes;    // the same
    const mb_model *model;
    size_t max_nodes, max_edges;
    size_t graphs_offset, words_offset; // of the relations in the scratch: graph_view, words
    const mb_graph_kernels *kernels;
    size_t n_kinds;
    unsigned kinds[MB_MOST_AXES]; // axes of edges
};

// What one event has of the axes, in the scratch.
typedef struct graph_view {
    mb_axis_rows axes[MB_MOST_AXES];
    size_t offset[MB_MOST_AXES][2];
    mb_graph graph[MB_MOST_AXES];
    const mb_graph *pointer[MB_MOST_AXES];
} graph_view;

static size_t kind_words(const mb_predictor *predictor) {
    return mb_round_up(mb_graph_words(predictor->max_nodes, predictor->max_edges, false), 16);
}

static mb_status check_limits(
    mb_context *ctx, const mb_model *model, const mb_predictor_settings *settings) {
    const size_t most = (size_t)1 << 31;
    if (model->n_axes > 1 && settings->max_nodes == 0) {
        return mb_fail(ctx, MB_ERR_ARG,
            "predictor: model %s works with nodes; say in the settings how many an event may have",
            model->name);
    }
    return settings->max_nodes < most && settings->max_edges < most
               ? MB_OK
               : mb_fail(ctx, MB_ERR_LIMIT,
                     "predictor: more than 2^31 nodes or edges are not offered; ask for fewer");
}

static mb_status fill(mb_context *ctx, const mb_model *model, const mb_predictor_settings *settings,
    mb_predictor *predictor) {
    static const mb_predictor_settings usual = {0};
    settings = settings != NULL ? settings : &usual;
    predictor->n_inputs = model->n_inputs;
    predictor->n_outputs = model->n_outputs;
    predictor->max_events = mb_max_size(settings->max_events, 1);
    predictor->is_sparse = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *predictor->is_sparse);
    predictor->row_sizes = mb_allocate(ctx, model->n_inputs, sizeof *predictor->row_sizes);
    if (predictor->is_sparse == NULL || predictor->row_sizes == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_inputs; i++) {
        predictor->row_sizes[i] = mb_value_size(&model->values[model->inputs[i]].type);
    }
    if (settings->sparse_inputs != NULL) {
        memcpy(predictor->is_sparse, settings->sparse_inputs,
            model->n_inputs * sizeof *predictor->is_sparse);
    }
    MB_TRY(check_limits(ctx, model, settings));
    predictor->model = model;
    predictor->kernels = mb_kernels_for(mb_runtime_cpu(predictor->runtime))->graph;
    predictor->max_nodes = settings->max_nodes;
    predictor->max_edges = settings->max_edges;
    size_t rows[MB_MOST_AXES] = {0};
    for (unsigned i = 1; i < model->n_axes; i++) {
        rows[i] = model->axes[i].joins == 0 ? settings->max_nodes : settings->max_edges;
        if (model->axes[i].joins != 0) {
            predictor->kinds[predictor->n_kinds++] = i;
        }
    }
    const mb_plan_settings plan = {.max_rows = predictor->max_events,
        .sparse_inputs = predictor->is_sparse,
        .axis_rows = model->n_axes > 1 ? rows : NULL};
    MB_TRY(mb_plan_create(ctx, model, &plan, &predictor->plan));
    mb_plan_load(predictor->plan, model->parameters);
    predictor->inputs_offset = mb_round_up(mb_plan_scratch_bytes(predictor->plan), 64);
    predictor->graphs_offset =
        mb_round_up(predictor->inputs_offset + model->n_inputs * sizeof(mb_input), 64);
    predictor->words_offset = mb_round_up(predictor->graphs_offset + sizeof(graph_view), 64);
    return MB_OK;
}

mb_status mb_predictor_create(mb_context *ctx, const mb_model *model,
    const mb_predictor_settings *settings, mb_predictor **out) {
    *out = NULL;
    mb_predictor *predictor = mb_allocate_zeroed(ctx, 1, sizeof *predictor);
    if (predictor == NULL) {
        return MB_ERR_MEMORY;
    }
    predictor->runtime = mb_context_runtime(ctx);
    const mb_status status = fill(ctx, model, settings, predictor);
    if (status != MB_OK) {
        mb_predictor_destroy(predictor);
        return status;
    }
    *out = predictor;
    return MB_OK;
}

void mb_predictor_destroy(mb_predictor *predictor) {
    if (predictor == NULL) {
        return;
    }
    mb_runtime *runtime = predictor->runtime;
    mb_plan_destroy(predictor->plan);
    mb_runtime_release(runtime, predictor->is_sparse);
    mb_runtime_release(runtime, predictor->row_sizes);
    mb_runtime_release(runtime, predictor);
}

size_t mb_predictor_scratch_bytes(const mb_predictor *predictor) {
    return predictor->n_kinds == 0 && predictor->max_nodes == 0
               ? predictor->inputs_offset + predictor->n_inputs * sizeof(mb_input)
               : predictor->words_offset +
                     predictor->n_kinds * kind_words(predictor) * sizeof(uint32_t);
}

// A wrong index would be a write out of bounds: a pass over the hits costs little beside the
// network.
static bool is_sparse_good(const mb_predictor_input *in, size_t n_events, size_t row_size) {
    if (in->offset == NULL) {
        return false;
    }
    for (size_t i = 0; i < n_events; i++) {
        const uint32_t begin = in->offset[i];
        const uint32_t end = in->offset[i + 1];
        if (end < begin || (end > begin && (in->index == NULL || in->value == NULL))) {
            return false;
        }
        for (uint32_t k = begin; k < end; k++) {
            if (in->index[k] >= row_size || (k > begin && in->index[k] <= in->index[k - 1])) {
                return false;
            }
        }
    }
    return true;
}

mb_status mb_predictor_run(const mb_predictor *predictor, void *scratch,
    const mb_predictor_input *inputs, size_t n_events, float *const *outputs) {
    if (n_events == 0) {
        return MB_OK;
    }
    if (predictor->model->n_axes > 1 || n_events > predictor->max_events || scratch == NULL ||
        (uintptr_t)scratch % 64 != 0 || inputs == NULL || outputs == NULL) {
        return MB_ERR_ARG;
    }
    for (size_t i = 0; i < predictor->n_outputs; i++) {
        if (outputs[i] == NULL) {
            return MB_ERR_ARG;
        }
    }
    mb_input *views = (mb_input *)(void *)((char *)scratch + predictor->inputs_offset);
    for (size_t i = 0; i < predictor->n_inputs; i++) {
        const mb_predictor_input *in = &inputs[i];
        const bool is_sparse = predictor->is_sparse[i];
        if (is_sparse ? !is_sparse_good(in, n_events, predictor->row_sizes[i])
                      : in->dense == NULL) {
            return MB_ERR_ARG;
        }
        views[i] = (mb_input){.dense = is_sparse ? NULL : in->dense,
            .offset = in->offset,
            .index = in->index,
            .value = in->value};
    }
    mb_plan_predict(predictor->plan, scratch, views, n_events, outputs);
    return MB_OK;
}

size_t mb_predictor_n_kinds(const mb_predictor *predictor) {
    return predictor->n_kinds;
}

const char *mb_predictor_kind(const mb_predictor *predictor, size_t kind) {
    return kind < predictor->n_kinds ? predictor->model->axes[predictor->kinds[kind]].name : NULL;
}

static bool are_pointers_good(const mb_predictor *predictor, const void *scratch,
    const mb_predictor_input *inputs, const mb_predictor_edges *edges, float *const *outputs) {
    bool is_good = predictor->model->n_axes > 1 && scratch != NULL &&
                   (uintptr_t)scratch % 64 == 0 && inputs != NULL && outputs != NULL &&
                   (edges != NULL || predictor->n_kinds == 0);
    for (size_t i = 0; i < predictor->n_inputs && is_good; i++) {
        is_good = inputs[i].dense != NULL && !predictor->is_sparse[i];
    }
    for (size_t i = 0; i < predictor->n_outputs && is_good; i++) {
        is_good = outputs[i] != NULL;
    }
    return is_good;
}

mb_status mb_predictor_run_graph(const mb_predictor *predictor, void *scratch,
    const mb_predictor_input *inputs, size_t n_nodes, const mb_predictor_edges *edges,
    float *const *outputs) {
    if (!are_pointers_good(predictor, scratch, inputs, edges, outputs) ||
        n_nodes > predictor->max_nodes) {
        return MB_ERR_ARG;
    }
    graph_view *view = (graph_view *)(void *)((char *)scratch + predictor->graphs_offset);
    uint32_t *words = (uint32_t *)(void *)((char *)scratch + predictor->words_offset);
    for (unsigned i = 1; i < predictor->model->n_axes; i++) {
        view->offset[i][0] = 0;
        view->offset[i][1] = n_nodes;
        view->pointer[i] = &view->graph[i];
        view->axes[i] = (mb_axis_rows){view->offset[i], &view->pointer[i]};
    }
    for (size_t k = 0; k < predictor->n_kinds; k++) {
        const unsigned axis = predictor->kinds[k];
        const mb_predictor_edges *of = &edges[k];
        if (of->n > predictor->max_edges ||
            (of->n > 0 && (of->source == NULL || of->destination == NULL)) ||
            !mb_graph_sort(predictor->kernels, n_nodes, of->n, of->source, of->destination,
                words + k * kind_words(predictor), &view->graph[axis])) {
            return MB_ERR_ARG;
        }
        view->offset[axis][1] = of->n;
    }
    mb_input *views = (mb_input *)(void *)((char *)scratch + predictor->inputs_offset);
    for (size_t i = 0; i < predictor->n_inputs; i++) {
        views[i] = (mb_input){.dense = inputs[i].dense};
    }
    mb_plan_predict_graphs(predictor->plan, scratch, views, view->axes, 1, outputs);
    return MB_OK;
}
