// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "network/layers/graph_layer.h"

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const unsigned nodes = model->axes[inputs->axis].joins;
    unsigned edges = 0;
    (void)n_inputs;
    if (nodes == 0) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "takes rows of edges, but has rows of %s; put {gather: {edges: NAME}} before it",
            model->axes[inputs->axis].name);
    }
    MB_TRY(mb_graph_layer_find(ctx, model, layer, nodes, &edges));
    if (edges != inputs->axis) {
        return mb_fail(ctx, MB_ERR_SHAPE, "is over %s, but has rows of %s; write the same edges",
            model->axes[edges].name, model->axes[inputs->axis].name);
    }
    *output = *inputs;
    return MB_OK;
}

// Column k of the edges that arrive at a node, begin to end.
static void forward_node(
    size_t begin, size_t end, size_t d, size_t k, const float *in, float *out) {
    float most = in[begin * d + k];
    float sum = 0;
    for (size_t e = begin + 1; e < end; e++) {
        most = in[e * d + k] > most ? in[e * d + k] : most;
    }
    for (size_t e = begin; e < end; e++) {
        out[e * d + k] = mb_expf(in[e * d + k] - most);
        sum += out[e * d + k];
    }
    for (size_t e = begin; e < end; e++) {
        out[e * d + k] /= sum;
    }
}

static void backward_node(size_t begin, size_t end, size_t d, size_t k, const float *out,
    const float *d_out, float *d_in) {
    float sum = 0;
    for (size_t e = begin; e < end; e++) {
        sum += d_out[e * d + k] * out[e * d + k];
    }
    for (size_t e = begin; e < end; e++) {
        d_in[e * d + k] += out[e * d + k] * (d_out[e * d + k] - sum);
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    for (size_t g = 0; g < graphs->n; g++) {
        const mb_graph *graph = graphs->graph[g];
        const size_t first = mb_graph_first_edge(graphs, g) * d;
        for (size_t i = 0; i < graph->n_nodes; i++) {
            const size_t begin = graph->in_offset[i];
            const size_t end = graph->in_offset[i + 1];
            for (size_t k = 0; k < d && begin < end; k++) {
                forward_node(begin, end, d, k, rows->in[0] + first, rows->out + first);
            }
        }
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    for (size_t g = 0; g < graphs->n && rows->d_in[0] != NULL; g++) {
        const mb_graph *graph = graphs->graph[g];
        const size_t first = mb_graph_first_edge(graphs, g) * d;
        for (size_t i = 0; i < graph->n_nodes; i++) {
            for (size_t k = 0; k < d; k++) {
                backward_node(graph->in_offset[i], graph->in_offset[i + 1], d, k, rows->out + first,
                    rows->d_out + first, rows->d_in[0] + first);
            }
        }
    }
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward;
    site->step->backward = backward;
    return MB_OK;
}

const mb_layer_ops mb_layer_edge_softmax = {
    .name = "edge_softmax",
    .class_name = "MinbiasEdgeSoftmax",
    .help = "exponentials of the edges that arrive at a node, divided by their sum",
    .options = mb_graph_layer_options,
    .options_size = sizeof(mb_graph_layer),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .moves_axes = true,
    .infer = infer,
    .plan = plan,
};
