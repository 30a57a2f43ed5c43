// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "graph_cases.h"

#include "files/json.h"
#include "base/random.h"

#include <stdlib.h>

void graph_batch_make(mb_context *ctx, size_t n, const size_t *n_nodes, const size_t *n_edges,
    uint64_t seed, graph_batch *out) {
    *out = (graph_batch){.n = n};
    for (size_t i = 0; i < n; i++) {
        out->n_nodes += n_nodes[i];
        out->n_edges += n_edges[i];
        out->node_offset[i + 1] = out->nodes[i + 1] = out->n_nodes;
        out->edge_offset[i + 1] = out->edges[i + 1] = out->n_edges;
    }
    out->source = calloc(out->n_edges + 1, sizeof *out->source);
    out->destination = calloc(out->n_edges + 1, sizeof *out->destination);
    out->features = calloc(out->n_nodes * GRAPH_WIDTH + 1, sizeof *out->features);
    assert_true(out->source != NULL && out->destination != NULL && out->features != NULL);
    mb_random random = mb_random_stream(seed, MB_PURPOSE_SHUFFLE, 0, 0);
    for (size_t i = 0; i < n; i++) {
        for (size_t e = out->edges[i]; e < out->edges[i + 1]; e++) {
            // The last node of every graph stays without edges.
            const uint32_t ends = (uint32_t)mb_max_size(n_nodes[i] - 1, 1);
            out->source[e] = (int32_t)(mb_random_u32(&random) % ends);
            out->destination[e] = (int32_t)(mb_random_u32(&random) % ends);
        }
    }
    for (size_t i = 0; i < out->n_nodes * GRAPH_WIDTH; i++) {
        out->features[i] = (float)mb_random_normal(&random);
    }
    const mb_graph_edges edges = {
        n, out->node_offset, out->edge_offset, out->source, out->destination};
    assert_ok(ctx, mb_graph_set_create(ctx, "graphs", &edges, true, &out->set));
    for (size_t i = 0; i < n; i++) {
        out->graph[i] = &out->set->graphs[i];
    }
    out->axes[1] = (mb_axis_rows){out->nodes, NULL};
    out->axes[2] = (mb_axis_rows){out->edges, out->graph};
}

void graph_batch_free(graph_batch *batch) {
    mb_graph_set_destroy(batch->set);
    free(batch->source);
    free(batch->destination);
    free(batch->features);
}

static mb_status add_layer(
    mb_context *ctx, mb_model *model, const graph_layer *layer, size_t *values, size_t *output) {
    const mb_layer_ops *ops = mb_layer_find(layer->kind);
    const size_t inputs[2] = {
        values[layer->inputs[0]], layer->inputs[1] >= 0 ? values[layer->inputs[1]] : 0};
    mb_document document;
    mb_layer *made = NULL;
    assert_non_null(ops);
    const char *options = layer->options != NULL ? layer->options : "{}";
    assert_ok(ctx, mb_json_parse(ctx, "case", options, strlen(options), &document));
    mb_status status;
    if (ops->expand != NULL) {
        const mb_expansion request = {layer->name, &document, document.root, true};
        status = ops->expand(ctx, model, &request, inputs[0], output);
    } else {
        status = mb_model_add_layer(
            ctx, model, layer->kind, layer->name, &document, document.root, &made);
        if (status == MB_OK) {
            status = mb_model_call(ctx, model, made, inputs, layer->inputs[1] >= 0 ? 2 : 1, output);
        }
    }
    mb_document_clear(&document);
    return status;
}

void graph_model(mb_context *ctx, const graph_layer *layers, mb_model **out) {
    mb_value_type type = {.rank = 1, .dim = {GRAPH_WIDTH}};
    size_t values[64];
    size_t n = 0;
    assert_ok(ctx, mb_model_begin(ctx, "graph", out));
    assert_ok(ctx, mb_model_add_axis(ctx, *out, "nodes", 0, &type.axis));
    assert_ok(ctx, mb_model_add_input(ctx, *out, "features", &type, &values[n++]));
    for (; layers->kind != NULL; layers++) {
        assert_ok(ctx, add_layer(ctx, *out, layers, values, &values[n]));
        n++;
    }
    assert_ok(ctx, mb_model_finish(ctx, *out, NULL, 0, &values[n - 1], 1));
    assert_ok(ctx, mb_model_initialize(ctx, *out, 5, (*out)->parameters));
}

static size_t most(const size_t *offset, size_t n) {
    size_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        largest = mb_max_size(largest, offset[i + 1] - offset[i]);
    }
    return largest;
}

void graph_predict(mb_context *ctx, const mb_model *model, const graph_batch *batch, float *out) {
    const size_t rows[] = {0, most(batch->nodes, batch->n), most(batch->edges, batch->n)};
    const mb_plan_settings settings = {.max_rows = batch->n, .axis_rows = rows};
    const mb_input input = {.dense = batch->features};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    const uint64_t before = mb_runtime_allocations(mb_context_runtime(ctx));
    mb_plan_predict_graphs(plan, scratch, &input, batch->axes, batch->n, &out);
    assert_int_equal(mb_runtime_allocations(mb_context_runtime(ctx)), before);
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
}

static void project(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const graph_step *step = user;
    const size_t first = step->offset[first_row];
    for (size_t i = 0; i < (step->offset[first_row + n_rows] - first) * step->out_size; i++) {
        step->outputs[first * step->out_size + i] = outputs[0][i];
        d_outputs[0][i] = step->factors[first * step->out_size + i];
    }
}

void graph_train(mb_context *ctx, mb_model *model, const graph_batch *batch, graph_step *step) {
    const mb_value_type *type = &model->values[model->outputs[0]].type;
    const size_t most_rows[] = {0, most(batch->nodes, batch->n), most(batch->edges, batch->n)};
    const size_t rows[] = {0, batch->n_nodes, batch->n_edges};
    const mb_plan_settings settings = {
        .is_training = true, .max_rows = batch->n, .axis_rows = rows, .event_rows = most_rows};
    const mb_input input = {.dense = batch->features};
    const mb_train_batch train_batch = {
        .inputs = &input, .axes = batch->axes, .n_rows = batch->n, .parameters = model->parameters};
    mb_plan *plan = NULL;
    step->out_size = mb_value_size(type);
    step->offset = batch->axes[type->axis].offset;
    step->outputs = calloc(step->offset[batch->n] * step->out_size + 1, sizeof *step->outputs);
    step->gradient = calloc(model->n_parameters + 1, sizeof *step->gradient);
    assert_true(step->outputs != NULL && step->gradient != NULL);
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    assert_ok(ctx, mb_plan_reserve(ctx, plan));
    mb_plan_load(plan, model->parameters);
    assert_ok(ctx, mb_plan_gradient(ctx, plan, &train_batch, project, step, step->gradient));
    const uint64_t before = mb_runtime_allocations(mb_context_runtime(ctx));
    assert_ok(ctx, mb_plan_gradient(ctx, plan, &train_batch, project, step, step->gradient));
    assert_int_equal(mb_runtime_allocations(mb_context_runtime(ctx)), before);
    mb_plan_destroy(plan);
}

void graph_step_free(graph_step *step) {
    free(step->outputs);
    free(step->gradient);
}
