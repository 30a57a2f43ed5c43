// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/frozen_read.h"

// Layers from the nodes that were collected.

mb_node *mb_frozen_options(mb_frozen_reading *r) {
    return mb_node_make(&r->document, r->ctx, MB_NODE_MAP);
}

static mb_status set(mb_frozen_reading *r, mb_node *options, const char *key, mb_node *value) {
    if (options == NULL || value == NULL) {
        return mb_context_status(r->ctx);
    }
    return mb_node_set(&r->document, r->ctx, options, key, value);
}

static mb_status set_text(
    mb_frozen_reading *r, mb_node *options, const char *key, const char *text) {
    return set(r, options, key, mb_node_make_text(&r->document, r->ctx, text));
}

mb_status mb_frozen_set_ints(
    mb_frozen_reading *r, mb_node *options, const char *key, const int64_t *values, size_t n) {
    if (n == 1) {
        return set(r, options, key, mb_node_make_int(&r->document, r->ctx, values[0]));
    }
    mb_node *list = mb_node_make(&r->document, r->ctx, MB_NODE_LIST);
    for (size_t i = 0; list != NULL && i < n; i++) {
        mb_node *value = mb_node_make_int(&r->document, r->ctx, values[i]);
        if (value == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_node_append(list, value);
    }
    return set(r, options, key, list);
}

bool mb_frozen_has_planes(const mb_frozen_node *node) {
    return strncmp(node->op, "Conv3D", 6) == 0;
}

mb_status mb_frozen_set_window(
    mb_frozen_reading *r, mb_node *options, size_t node, const char *attribute, const char *key) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    const mb_frozen_attribute *a = mb_frozen_node_find(n, attribute, MB_FROZEN_INTS);
    if (a == NULL) {
        return MB_OK;
    }
    const size_t n_sizes = mb_frozen_has_planes(n) ? 3 : 2;
    if (a->n_ints != n_sizes + 2 || a->ints[0] != 1 || a->ints[n_sizes + 1] != 1) {
        return mb_frozen_refuse(r, n, attribute);
    }
    return mb_frozen_set_ints(r, options, key, &a->ints[1], n_sizes);
}

static bool is_text(const mb_frozen_node *node, const char *key, const char *text) {
    const mb_frozen_attribute *a = mb_frozen_node_find(node, key, MB_FROZEN_TEXT);
    return a != NULL && strcmp(a->text, text) == 0;
}

mb_status mb_frozen_set_padding(mb_frozen_reading *r, mb_node *options, size_t node) {
    const mb_frozen_node *n = &r->graph.nodes[node];
    if (mb_frozen_node_find(n, "data_format", MB_FROZEN_TEXT) != NULL &&
        !is_text(n, "data_format", mb_frozen_has_planes(n) ? "NDHWC" : "NHWC")) {
        return mb_frozen_refuse(r, n, "channels first");
    }
    if (is_text(n, "padding", "SAME")) {
        return set_text(r, options, "padding", "same");
    }
    return is_text(n, "padding", "VALID") ? set_text(r, options, "padding", "valid")
                                          : mb_frozen_refuse(r, n, "its padding");
}

// The name of the layer that a node belongs to, and what no layer has yet.
static const char *name_layer(mb_frozen_reading *r, size_t node) {
    const char *name = r->graph.nodes[node].name + r->n_prefix;
    const char *slash = strrchr(name, '/');
    char *text = mb_arena_text_of(
        &r->document.arena, r->ctx, name, slash != NULL ? (size_t)(slash - name) : strlen(name));
    // Keras resizes within a part of its own.
    char *part = text != NULL ? strrchr(text, '/') : NULL;
    if (part != NULL && strcmp(part, "/resize") == 0) {
        *part = '\0';
    }
    for (char *p = text; p != NULL && *p != '\0'; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    const char *free_name = text;
    for (unsigned i = 1; free_name != NULL && mb_model_find_layer(r->model, free_name) != NULL;
         i++) {
        free_name = mb_arena_format(&r->document.arena, r->ctx, "%s_quantized%.0u", text, i - 1);
    }
    return free_name;
}

static bool is_same_scope(const mb_frozen_reading *r, size_t a, size_t b) {
    const char *first = r->graph.nodes[a].name;
    const char *second = r->graph.nodes[b].name;
    const char *first_end = strrchr(first, '/');
    const char *second_end = strrchr(second, '/');
    return first_end != NULL && second_end != NULL && first_end - first == second_end - second &&
           memcmp(first, second, (size_t)(first_end - first)) == 0;
}

static mb_status call(mb_frozen_reading *r, size_t node, const char *kind, const char *name,
    mb_node *options, size_t input, mb_layer **layer, size_t *value) {
    if (name == NULL || options == NULL) {
        return mb_context_status(r->ctx);
    }
    mb_status status =
        mb_model_add_layer(r->ctx, r->model, kind, name, &r->document, options, layer);
    if (status == MB_OK) {
        status = mb_model_call(r->ctx, r->model, *layer, &input, 1, value);
    }
    return status == MB_OK
               ? MB_OK
               : mb_fail_within(r->ctx, "%s: node %s", r->file, r->graph.nodes[node].name);
}

static mb_status add_named(mb_frozen_reading *r, size_t node, size_t namesake, const char *kind,
    mb_node *options, size_t input) {
    mb_layer *layer = NULL;
    size_t value = 0;
    MB_TRY(call(r, node, kind, name_layer(r, namesake), options, input, &layer, &value));
    r->symbols[node] = (mb_frozen_symbol){
        .kind = MB_FROZEN_IS_VALUE, .base = node, .origin = node, .is_added = true, .value = value};
    return MB_OK;
}

mb_status mb_frozen_add_layer(
    mb_frozen_reading *r, size_t node, const char *kind, mb_node *options, size_t input) {
    return add_named(r, node, node, kind, options, input);
}

// The constant behind a weight, and its quantiser as the option.
static mb_status take_weight(mb_frozen_reading *r, mb_node *options, size_t node,
    const char *quantizer, const mb_frozen_tensor **out) {
    const mb_frozen_symbol *symbol = &r->symbols[node];
    const mb_frozen_symbol *base = &r->symbols[symbol->base];
    if ((symbol->kind != MB_FROZEN_IS_WEIGHT && symbol->kind != MB_FROZEN_IS_EACH) ||
        base->kind != MB_FROZEN_IS_WEIGHT) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a weight that is no constant");
    }
    *out = &mb_frozen_node_find(&r->graph.nodes[symbol->base], "value", MB_FROZEN_TENSOR)->tensor;
    if (symbol->kind == MB_FROZEN_IS_WEIGHT) {
        return MB_OK;
    }
    char text[MB_FROZEN_QUANTIZER_TEXT];
    MB_TRY(mb_frozen_quantizer_of(r, node, text));
    return set_text(r, options, quantizer, text);
}

static mb_status note(
    mb_frozen_reading *r, const mb_layer *layer, const char *weight, size_t node) {
    const mb_weight *found = mb_model_find_weight(r->model, layer->name, weight);
    const size_t base = r->symbols[node].base;
    const mb_frozen_tensor *tensor =
        &mb_frozen_node_find(&r->graph.nodes[base], "value", MB_FROZEN_TENSOR)->tensor;
    if (found == NULL || found->rank != tensor->rank ||
        memcmp(found->dim, tensor->dim, found->rank * sizeof *found->dim) != 0) {
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "%s: node %s: its shape does not fit its layer; freeze the graph again", r->file,
            r->graph.nodes[base].name);
    }
    MB_TRY(mb_grow(r->ctx, &r->taken, &r->taken_capacity, r->n_taken + 1, sizeof *r->taken));
    r->taken[r->n_taken++] =
        (mb_frozen_taken){.layer = layer->name, .weight = weight, .node = base};
    return MB_OK;
}

// Units or filters and kernel size of a weight of that shape for so many channels.
static mb_status set_sizes(mb_frozen_reading *r, mb_node *options, const mb_frozen_symbol *s,
    const mb_frozen_tensor *kernel, const mb_value_type *data) {
    const bool is_dense = strcmp(s->layer, "dense") == 0;
    const bool is_transposed = strstr(s->layer, "_transpose") != NULL;
    const unsigned n_window = is_dense                                            ? 0
                              : mb_frozen_has_planes(&r->graph.nodes[s->product]) ? 3
                                                                                  : 2;
    const unsigned rank = n_window + 2;
    const unsigned in = n_window + (is_transposed ? 1 : 0);
    const unsigned out = n_window + (is_transposed ? 0 : 1);
    int64_t window[3] = {0};
    if (kernel->rank != rank || data->rank != rank - 1 ||
        kernel->dim[in] != data->dim[data->rank - 1]) {
        char text[96];
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "%s: node %s: its kernel of rank %u does not fit data of shape %s; freeze the graph "
            "again",
            r->file, r->graph.nodes[s->product].name, kernel->rank,
            mb_value_text(data, text, sizeof text));
    }
    const int64_t n_out = (int64_t)kernel->dim[out];
    for (unsigned i = 0; i < n_window; i++) {
        window[i] = (int64_t)kernel->dim[i];
    }
    MB_TRY(mb_frozen_set_ints(r, options, is_dense ? "units" : "filters", &n_out, 1));
    return is_dense ? MB_OK : mb_frozen_set_ints(r, options, "kernel_size", window, n_window);
}

static mb_status set_layer(
    mb_frozen_reading *r, mb_node *options, const mb_frozen_symbol *s, const char *activation) {
    if (strcmp(s->layer, "dense") != 0) {
        MB_TRY(mb_frozen_set_window(r, options, s->product, "strides", "strides"));
        MB_TRY(mb_frozen_set_window(r, options, s->product, "dilations", "dilation_rate"));
        MB_TRY(mb_frozen_set_padding(r, options, s->product));
    }
    MB_TRY(set(r, options, "use_bias", mb_node_make_bool(&r->document, r->ctx, s->has_bias)));
    return set_text(r, options, "activation", activation);
}

// Adds the layer of a base that is a value.
static mb_status add_pending(mb_frozen_reading *r, size_t base, const char *activation) {
    mb_frozen_symbol *s = &r->symbols[base];
    const mb_frozen_tensor *kernel = NULL;
    const mb_frozen_tensor *bias = NULL;
    mb_node *options = mb_frozen_options(r);
    mb_layer *layer = NULL;
    size_t input = 0;
    if (options == NULL) {
        return mb_context_status(r->ctx);
    }
    MB_TRY(mb_frozen_value_of(r, s->data, &input));
    MB_TRY(take_weight(r, options, s->kernel, "kernel_quantizer", &kernel));
    if (s->has_bias) {
        MB_TRY(take_weight(r, options, s->bias, "bias_quantizer", &bias));
    }
    MB_TRY(set_sizes(r, options, s, kernel, &r->model->values[input].type));
    MB_TRY(set_layer(r, options, s, activation));
    MB_TRY(call(r, base, s->layer, name_layer(r, base), options, input, &layer, &s->value));
    s->is_added = true;
    MB_TRY(note(r, layer, "kernel", s->kernel));
    return s->has_bias ? note(r, layer, "bias", s->bias) : MB_OK;
}

static const char *activation_of(const mb_frozen_node *node) {
    return strcmp(node->op, "Relu") == 0      ? "relu"
           : strcmp(node->op, "Sigmoid") == 0 ? "sigmoid"
           : strcmp(node->op, "Tanh") == 0    ? "tanh"
                                              : NULL;
}

// An activation right behind a layer is the layer's own where their names say so.
static mb_status add_activation(mb_frozen_reading *r, size_t node, const char *activation) {
    const size_t base = r->symbols[node].base;
    mb_frozen_symbol *s = &r->symbols[base];
    size_t input = 0;
    if (!s->is_added && r->n_users[base] == 1 && is_same_scope(r, base, node)) {
        MB_TRY(add_pending(r, base, activation));
        r->symbols[node] = (mb_frozen_symbol){.kind = MB_FROZEN_IS_VALUE,
            .base = node,
            .origin = node,
            .is_added = true,
            .value = s->value};
        return MB_OK;
    }
    mb_node *options = mb_frozen_options(r);
    MB_TRY(mb_frozen_value_of(r, base, &input));
    MB_TRY(set_text(r, options, "activation", activation));
    return mb_frozen_add_layer(r, node, "activation", options, input);
}

static mb_status add_each(mb_frozen_reading *r, size_t node) {
    const size_t base = r->symbols[node].base;
    const char *activation = activation_of(&r->graph.nodes[node]);
    const size_t from = r->n_inputs[node] > 0 ? r->inputs[node][0] : node;
    char text[MB_FROZEN_QUANTIZER_TEXT];
    size_t input = 0;
    if (r->symbols[base].kind != MB_FROZEN_IS_VALUE) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a weight in place of data");
    }
    if (activation != NULL && r->symbols[from].kind == MB_FROZEN_IS_VALUE) {
        return add_activation(r, node, activation);
    }
    mb_node *options = mb_frozen_options(r);
    MB_TRY(mb_frozen_quantizer_of(r, node, text));
    MB_TRY(mb_frozen_value_of(r, base, &input));
    MB_TRY(set_text(r, options, "activation", text));
    // The last of these nodes may bear the name of the layer before.
    const bool has_steps = r->symbols[from].kind == MB_FROZEN_IS_EACH;
    return add_named(r, node, has_steps ? from : node, "q_activation", options, input);
}

mb_status mb_frozen_value_of(mb_frozen_reading *r, size_t node, size_t *value) {
    const size_t origin = r->symbols[node].origin;
    const mb_frozen_symbol *symbol = &r->symbols[origin];
    if (symbol->kind == MB_FROZEN_IS_EACH) {
        MB_TRY(add_each(r, origin));
    } else if (symbol->kind != MB_FROZEN_IS_VALUE) {
        return mb_frozen_refuse(r, &r->graph.nodes[node], "a node that gives no data");
    } else if (!r->symbols[symbol->base].is_added) {
        MB_TRY(add_pending(r, symbol->base, "linear"));
    }
    *value = r->symbols[r->symbols[origin].base].value;
    return MB_OK;
}
