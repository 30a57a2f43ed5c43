// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/graph_layer.h"

const mb_option mb_graph_layer_options[] = {
    {"edges", MB_OPTION_TEXT, offsetof(mb_graph_layer, edges), "pred", 0, 0, NULL, NULL,
        "which edges: those that the data has under edges.NAME"},
    MB_OPTIONS_END};

mb_status mb_graph_layer_find(
    mb_context *ctx, mb_model *model, mb_layer *layer, unsigned nodes, unsigned *edges) {
    const mb_graph_layer *options = layer->options;
    char name[128];
    if (nodes == MB_AXIS_EVENTS || model->axes[nodes].joins != 0) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s takes rows of nodes, but has rows of %s; take an input with nodes, such as "
            "{input: features, axis: nodes}",
            layer->ops->name, model->axes[nodes].name);
    }
    if (strlen(options->edges) > sizeof name - sizeof "edges.") {
        return mb_fail(
            ctx, MB_ERR_LIMIT, "edges: '%.40s...' is too long; use a shorter name", options->edges);
    }
    mb_format(name, sizeof name, "edges.%s", options->edges);
    MB_TRY(mb_model_add_axis(ctx, model, name, nodes, edges));
    layer->edges = *edges;
    return MB_OK;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)n_inputs;
    if (inputs->rank != 1) {
        char text[96];
        return mb_fail(ctx, MB_ERR_SHAPE,
            "needs one list of numbers a node, has rows of shape %s; flatten first",
            mb_value_text(inputs, text, sizeof text));
    }
    *output = *inputs;
    output->dim[0] = 2 * inputs->dim[0];
    return mb_graph_layer_find(ctx, model, layer, inputs->axis, &output->axis);
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->in_size[0];
    for (size_t g = 0; g < graphs->n; g++) {
        const mb_graph *graph = graphs->graph[g];
        const float *in = rows->in[0] + mb_graph_first_node(graphs, g) * d;
        float *out = rows->out + mb_graph_first_edge(graphs, g) * 2 * d;
        for (size_t e = 0; e < graph->n_edges; e++) {
            memcpy(out + e * 2 * d, in + graph->source[e] * d, d * sizeof *out);
            memcpy(out + e * 2 * d + d, in + graph->destination[e] * d, d * sizeof *out);
        }
    }
}

static void add(size_t n, const float *from, float *to) {
    for (size_t k = 0; k < n; k++) {
        to[k] += from[k];
    }
}

// Node by node: first the edges that leave it, then those that arrive.
static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_graph_rows *graphs = rows->graphs;
    const size_t d = step->in_size[0];
    for (size_t g = 0; g < graphs->n && rows->d_in[0] != NULL; g++) {
        const mb_graph *graph = graphs->graph[g];
        float *d_in = rows->d_in[0] + mb_graph_first_node(graphs, g) * d;
        const float *d_out = rows->d_out + mb_graph_first_edge(graphs, g) * 2 * d;
        for (size_t i = 0; i < graph->n_nodes; i++) {
            for (size_t k = graph->out_offset[i]; k < graph->out_offset[i + 1]; k++) {
                add(d, d_out + graph->out_edge[k] * 2 * d, d_in + i * d);
            }
            for (size_t e = graph->in_offset[i]; e < graph->in_offset[i + 1]; e++) {
                add(d, d_out + e * 2 * d + d, d_in + i * d);
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

const mb_layer_ops mb_layer_gather = {
    .name = "gather",
    .class_name = "MinbiasGather",
    .help = "for every edge the numbers of the node where it begins, then of that where it ends",
    .options = mb_graph_layer_options,
    .options_size = sizeof(mb_graph_layer),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .moves_axes = true,
    .infer = infer,
    .plan = plan,
};
