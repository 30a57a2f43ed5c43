// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/graph_layer.h"

#include <math.h>

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    unsigned edges = 0;
    char text[96];
    (void)n_inputs;
    if (inputs[0].rank != 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "needs one list of numbers a node, has rows of shape %s; flatten first",
            mb_value_text(&inputs[0], text, sizeof text));
    }
    MB_TRY(mb_graph_layer_find(ctx, model, layer, inputs[0].axis, &edges));
    if (inputs[1].axis != edges || mb_value_size(&inputs[1]) != 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "takes [nodes, weights] with one weight for each of %s, but the weights are rows of "
            "shape %s of %s; end the chain of the edges with {dense: {units: 1}}",
            model->axes[edges].name, mb_value_text(&inputs[1], text, sizeof text),
            model->axes[inputs[1].axis].name);
    }
    *output = inputs[0];
    return MB_OK;
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    for (size_t g = 0; g < graphs->n; g++) {
        const mb_graph *graph = graphs->graph[g];
        const float *in = rows->in[0] + mb_graph_first_node(graphs, g) * d;
        const float *weight = rows->in[1] + mb_graph_first_edge(graphs, g);
        float *out = rows->out + mb_graph_first_node(graphs, g) * d;
        memset(out, 0, graph->n_nodes * d * sizeof *out);
        for (size_t e = 0; e < graph->n_edges; e++) {
            const float *from = in + graph->source[e] * d;
            float *to = out + graph->destination[e] * d;
            for (size_t k = 0; k < d; k++) {
                to[k] = fmaf(weight[e], from[k], to[k]);
            }
        }
    }
}

static void add_weight_gradient(
    const mb_graph *graph, size_t d, const float *in, const float *d_out, float *d_weight) {
    for (size_t e = 0; e < graph->n_edges; e++) {
        const float *from = in + graph->source[e] * d;
        const float *to = d_out + graph->destination[e] * d;
        float sum = 0;
        for (size_t k = 0; k < d; k++) {
            sum = fmaf(from[k], to[k], sum);
        }
        d_weight[e] += sum;
    }
}

static void add_node_gradient(
    const mb_graph *graph, size_t d, const float *weight, const float *d_out, float *d_in) {
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (size_t k = graph->out_offset[i]; k < graph->out_offset[i + 1]; k++) {
            const size_t e = graph->out_edge[k];
            const float *to = d_out + graph->destination[e] * d;
            for (size_t c = 0; c < d; c++) {
                d_in[i * d + c] = fmaf(weight[e], to[c], d_in[i * d + c]);
            }
        }
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    for (size_t g = 0; g < graphs->n; g++) {
        const mb_graph *graph = graphs->graph[g];
        const size_t node = mb_graph_first_node(graphs, g) * d;
        const size_t edge = mb_graph_first_edge(graphs, g);
        if (rows->d_in[1] != NULL) {
            add_weight_gradient(
                graph, d, rows->in[0] + node, rows->d_out + node, rows->d_in[1] + edge);
        }
        if (rows->d_in[0] != NULL) {
            add_node_gradient(
                graph, d, rows->in[1] + edge, rows->d_out + node, rows->d_in[0] + node);
        }
    }
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward;
    site->step->backward = backward;
    return MB_OK;
}

const mb_layer_ops mb_layer_weighted_sum = {
    .name = "weighted_sum",
    .class_name = "MinbiasWeightedSum",
    .help = "for every node the numbers of the nodes whose edges arrive, each times its edge's "
            "weight; from: [nodes, weights]",
    .options = mb_graph_layer_options,
    .options_size = sizeof(mb_graph_layer),
    .least_inputs = 2,
    .most_inputs = 2,
    .layout = MB_LAYOUT_WRITTEN,
    .moves_axes = true,
    .infer = infer,
    .plan = plan,
};

// Of nodes at which no edge arrives the output is zero.
static mb_status infer_mask(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    unsigned edges = 0;
    (void)n_inputs;
    *output = *inputs;
    return mb_graph_layer_find(ctx, model, layer, inputs->axis, &edges);
}

static void forward_mask(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    memcpy(rows->out, rows->in[0], rows->n * d * sizeof(float));
    for (size_t g = 0; g < graphs->n; g++) {
        const mb_graph *graph = graphs->graph[g];
        float *out = rows->out + mb_graph_first_node(graphs, g) * d;
        for (size_t i = 0; i < graph->n_nodes; i++) {
            if (graph->in_offset[i] == graph->in_offset[i + 1]) {
                memset(out + i * d, 0, d * sizeof *out);
            }
        }
    }
}

static void backward_mask(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->out_size;
    for (size_t g = 0; g < graphs->n && rows->d_in[0] != NULL; g++) {
        const mb_graph *graph = graphs->graph[g];
        const size_t first = mb_graph_first_node(graphs, g);
        for (size_t i = 0; i < graph->n_nodes; i++) {
            const bool is_reached = graph->in_offset[i] != graph->in_offset[i + 1];
            for (size_t k = (first + i) * d; is_reached && k < (first + i + 1) * d; k++) {
                rows->d_in[0][k] += rows->d_out[k];
            }
        }
    }
}

static mb_status plan_mask(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward_mask;
    site->step->backward = backward_mask;
    return MB_OK;
}

const mb_layer_ops mb_layer_mask_isolated = {
    .name = "mask_isolated",
    .class_name = "MinbiasMaskIsolated",
    .help = "nodes at which no edge arrives become zero",
    .options = mb_graph_layer_options,
    .options_size = sizeof(mb_graph_layer),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .moves_axes = true,
    .infer = infer_mask,
    .plan = plan_mask,
};
