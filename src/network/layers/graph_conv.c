// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/graph_layer.h"

// A short form: the chain of layers that it stands for is what a model holds.

typedef struct conv_options {
    size_t units, kernel_units, kernel_layers;
    const char *edges, *activation;
    int kernel, isolated;
    const mb_node *kernel_initializer, *bias_initializer;
} conv_options;

enum { KERNEL_SIGMOID, KERNEL_SOFTMAX };
enum { ISOLATED_UPDATE, ISOLATED_ZERO };
static const char *const kernel_names[] = {"sigmoid", "softmax", NULL};
static const char *const isolated_names[] = {"update", "zero", NULL};

static const mb_option options[] = {{"units", MB_OPTION_SIZE, offsetof(conv_options, units), NULL,
                                        1, 1 << 24, NULL, NULL, "numbers a node has afterwards"},
    {"kernel_units", MB_OPTION_SIZE, offsetof(conv_options, kernel_units), "16", 1, 1 << 24, NULL,
        NULL, "of the hidden layers that work out an edge's weight"},
    {"kernel", MB_OPTION_CHOICE, offsetof(conv_options, kernel), "sigmoid", 0, 0, kernel_names,
        NULL, "an edge's weight: by itself, or as a share of all that arrive at its node"},
    {"kernel_layers", MB_OPTION_SIZE, offsetof(conv_options, kernel_layers), "1", 1, 64, NULL, NULL,
        "hidden layers of kernel_units"},
    {"edges", MB_OPTION_TEXT, offsetof(conv_options, edges), "pred", 0, 0, NULL, NULL,
        "which edges: those that the data has under edges.NAME"},
    {"isolated", MB_OPTION_CHOICE, offsetof(conv_options, isolated), "update", 0, 0, isolated_names,
        NULL, "nodes at which no edge arrives: as others with a sum of 0, or all zero"},
    {"activation", MB_OPTION_TEXT, offsetof(conv_options, activation), "relu", 0, 0, NULL, NULL,
        "applied to a node's new numbers"},
    {"kernel_initializer", MB_OPTION_NODE, offsetof(conv_options, kernel_initializer), "", 0, 0,
        NULL, NULL, "of all its kernels; default torch_uniform"},
    {"bias_initializer", MB_OPTION_NODE, offsetof(conv_options, bias_initializer), "", 0, 0, NULL,
        NULL, "of all its biases; default torch_uniform"},
    MB_OPTIONS_END};

typedef struct expansion {
    mb_context *ctx;
    mb_model *model;
    mb_document *document;
    const conv_options *conv;
    const char *name;
    bool is_trainable;
    int line;
} expansion;

static mb_node *make_map(const expansion *x) {
    mb_node *map = mb_node_make(x->document, x->ctx, MB_NODE_MAP);
    if (map != NULL) {
        map->line = x->line;
    }
    return map;
}

static mb_status set(const expansion *x, mb_node *map, const char *key, mb_node *value) {
    return map == NULL || value == NULL ? MB_ERR_MEMORY
                                        : mb_node_set(x->document, x->ctx, map, key, value);
}

static mb_status add(const expansion *x, const char *kind, const char *suffix,
    const mb_node *layer_options, const size_t *inputs, size_t n_inputs, size_t *output) {
    mb_layer *layer = NULL;
    const char *name = mb_arena_format(&x->document->arena, x->ctx, "%s_%s", x->name, suffix);
    if (name == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_add_layer(x->ctx, x->model, kind, name, x->document, layer_options, &layer));
    layer->is_trainable = x->is_trainable;
    return mb_model_call(x->ctx, x->model, layer, inputs, n_inputs, output);
}

static mb_status add_graph_layer(const expansion *x, const char *kind, const char *suffix,
    const size_t *inputs, size_t n_inputs, size_t *output) {
    mb_node *map = make_map(x);
    MB_TRY(set(x, map, "edges", mb_node_make_text(x->document, x->ctx, x->conv->edges)));
    return add(x, kind, suffix, map, inputs, n_inputs, output);
}

static mb_node *initializer(const expansion *x, const mb_node *written) {
    return written != NULL ? mb_node_copy(x->document, x->ctx, written)
                           : mb_node_make_text(x->document, x->ctx, "torch_uniform");
}

static mb_status add_dense(const expansion *x, const char *suffix, size_t units,
    const char *activation, size_t input, size_t *output) {
    mb_node *map = make_map(x);
    MB_TRY(set(x, map, "units", mb_node_make_int(x->document, x->ctx, (int64_t)units)));
    MB_TRY(set(x, map, "activation", mb_node_make_text(x->document, x->ctx, activation)));
    MB_TRY(set(x, map, "kernel_initializer", initializer(x, x->conv->kernel_initializer)));
    MB_TRY(set(x, map, "bias_initializer", initializer(x, x->conv->bias_initializer)));
    return add(x, "dense", suffix, map, &input, 1, output);
}

static mb_status add_kernel(const expansion *x, size_t input, size_t *weight) {
    const conv_options *conv = x->conv;
    size_t value = 0;
    MB_TRY(add_graph_layer(x, "gather", "gather", &input, 1, &value));
    for (size_t i = 1; i <= conv->kernel_layers; i++) {
        char suffix[32];
        mb_format(suffix, sizeof suffix, i == 1 ? "hidden" : "hidden_%zu", i);
        MB_TRY(add_dense(x, suffix, conv->kernel_units, "relu", value, &value));
    }
    const bool is_softmax = conv->kernel == KERNEL_SOFTMAX;
    MB_TRY(add_dense(x, "weight", 1, is_softmax ? "linear" : "sigmoid", value, weight));
    return is_softmax ? add_graph_layer(x, "edge_softmax", "softmax", weight, 1, weight) : MB_OK;
}

static mb_status add_chain(const expansion *x, size_t input, size_t *output) {
    const conv_options *conv = x->conv;
    size_t weight = 0;
    size_t sum = 0;
    size_t both = 0;
    MB_TRY(add_kernel(x, input, &weight));
    const size_t summed[] = {input, weight};
    MB_TRY(add_graph_layer(x, "weighted_sum", "sum", summed, 2, &sum));
    const size_t joined[] = {input, sum};
    MB_TRY(add(x, "concatenate", "concatenate", NULL, joined, 2, &both));
    MB_TRY(add_dense(x, "dense", conv->units, conv->activation, both, output));
    return conv->isolated == ISOLATED_ZERO
               ? add_graph_layer(x, "mask_isolated", "mask", output, 1, output)
               : MB_OK;
}

static const char *choose_name(const expansion *x) {
    for (unsigned i = 0;; i++) {
        char first[64];
        mb_format(first, sizeof first, i == 0 ? "graph_conv_gather" : "graph_conv_%u_gather", i);
        if (mb_model_find_layer(x->model, first) == NULL) {
            return i == 0 ? "graph_conv"
                          : mb_arena_format(&x->document->arena, x->ctx, "graph_conv_%u", i);
        }
    }
}

static mb_status expand(
    mb_context *ctx, mb_model *model, const mb_expansion *request, size_t input, size_t *output) {
    conv_options conv;
    expansion x = {.ctx = ctx,
        .model = model,
        .document = request->document,
        .conv = &conv,
        .name = request->name,
        .is_trainable = request->is_trainable,
        .line = request->options != NULL ? request->options->line : 0};
    MB_TRY(mb_options_parse(
        ctx, request->document, options, request->options, "graph_conv", NULL, &conv));
    x.name = x.name != NULL ? x.name : choose_name(&x);
    return x.name != NULL ? add_chain(&x, input, output) : MB_ERR_MEMORY;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)model;
    (void)layer;
    (void)inputs;
    (void)n_inputs;
    (void)output;
    return mb_fail(ctx, MB_ERR_UNSUPPORTED,
        "graph_conv is short for a chain of layers, which a model must hold; write it in a study");
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    return mb_fail(
        ctx, MB_ERR_INTERNAL, "%s was planned as a step; report this", site->layer->name);
}

const mb_layer_ops mb_layer_graph_conv = {
    .name = "graph_conv",
    .class_name = "MinbiasGraphConv",
    .help = "new numbers of a node from its own and its neighbours': short for gather, dense (of "
            "an edge, to its weight), weighted_sum, concatenate with the node's own, dense",
    .options = options,
    .options_size = sizeof(conv_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .moves_axes = true,
    .expand = expand,
    .infer = infer,
    .plan = plan,
};
