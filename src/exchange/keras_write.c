// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// From a graph to the configuration of a model. The style of .h5 and .json is Keras 2's, in the
// form that Keras 3 reads as well; the style of .keras is Keras 3's.

#include "exchange/keras_graph.h"

typedef struct writing {
    mb_context *ctx;
    mb_document *document;
    const mb_model *model;
    mb_keras_style style;
} writing;

static mb_node *make(const writing *w, mb_node_kind kind) {
    return mb_node_make(w->document, w->ctx, kind);
}

static mb_node *make_text(const writing *w, const char *text) {
    return mb_node_make_text(w->document, w->ctx, text);
}

static mb_node *make_size(const writing *w, size_t value) {
    return mb_node_make_int(w->document, w->ctx, (int64_t)value);
}

static mb_status set(const writing *w, mb_node *map, const char *key, mb_node *value) {
    return mb_node_set(w->document, w->ctx, map, key, value);
}

static mb_status append(mb_node *list, mb_node *child) {
    if (child == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node_append(list, child);
    return MB_OK;
}

// Whether an entry's own making counts as a call in Keras's numbers.
static bool is_functional(const mb_keras_entry *entry) {
    return entry->nested != NULL && !entry->nested->is_sequential;
}

// In Keras 2's style every call of a nested model is written twice, and its second writing is what
// others take: Keras 2 counts from 1, Keras 3 from 0, and call 2k+1 is then the same to both.
static size_t call_number(const writing *w, const mb_keras_entry *entry, size_t call) {
    return w->style != MB_KERAS_STYLE_V3 && entry->nested != NULL ? 2 * call + 1 : call;
}

// [layer, call, tensor]
static mb_node *ref_node(
    const writing *w, const mb_keras_graph *graph, mb_keras_ref ref, size_t more) {
    const mb_keras_entry *entry = &graph->entries[ref.entry];
    mb_node *list = make(w, MB_NODE_LIST);
    if (list == NULL || append(list, make_text(w, entry->name)) != MB_OK ||
        append(list, make_size(w, call_number(w, entry, ref.call) + more)) != MB_OK ||
        append(list, make_size(w, ref.tensor)) != MB_OK) {
        return NULL;
    }
    return list;
}

// [[layer, call, tensor, {}], ...]
static mb_node *call_list(
    const writing *w, const mb_keras_graph *graph, const mb_keras_call *call) {
    mb_node *list = make(w, MB_NODE_LIST);
    for (size_t i = 0; list != NULL && i < call->n_inputs; i++) {
        mb_node *ref = ref_node(w, graph, call->inputs[i], 0);
        if (ref == NULL || append(ref, make(w, MB_NODE_MAP)) != MB_OK ||
            append(list, ref) != MB_OK) {
            return NULL;
        }
    }
    return list;
}

static mb_node *shape_node(const writing *w, size_t value) {
    const mb_value_type *type = &w->model->values[value].type;
    mb_node *list = make(w, MB_NODE_LIST);
    if (list == NULL || append(list, make(w, MB_NODE_NULL)) != MB_OK) {
        return NULL;
    }
    for (unsigned i = 0; i < type->rank; i++) {
        if (append(list, make_size(w, type->dim[i])) != MB_OK) {
            return NULL;
        }
    }
    return list;
}

static mb_node *tensor_node(const writing *w, const mb_keras_graph *graph, mb_keras_ref ref) {
    const mb_keras_entry *entry = &graph->entries[ref.entry];
    mb_node *object = make(w, MB_NODE_MAP);
    mb_node *config = make(w, MB_NODE_MAP);
    if (object == NULL || config == NULL ||
        set(w, config, "shape", shape_node(w, entry->calls[ref.call].outputs[ref.tensor])) !=
            MB_OK ||
        set(w, config, "dtype", make_text(w, "float32")) != MB_OK ||
        set(w, config, "keras_history", ref_node(w, graph, ref, 0)) != MB_OK ||
        set(w, object, "class_name", make_text(w, "__keras_tensor__")) != MB_OK ||
        set(w, object, "config", config) != MB_OK) {
        return NULL;
    }
    return object;
}

// Layers that merge take a list, whatever its length.
static bool takes_list(const mb_keras_entry *entry, const mb_keras_call *call) {
    return call->n_inputs > 1 || (entry->layer != NULL && entry->layer->ops->most_inputs != 1);
}

// {args: [tensor] or [[tensor, ...]], kwargs: {}}
static mb_node *call_map(const writing *w, const mb_keras_graph *graph, const mb_keras_entry *entry,
    const mb_keras_call *call) {
    mb_node *map = make(w, MB_NODE_MAP);
    mb_node *arguments = make(w, MB_NODE_LIST);
    mb_node *tensors = takes_list(entry, call) ? make(w, MB_NODE_LIST) : arguments;
    if (map == NULL || arguments == NULL || tensors == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < call->n_inputs; i++) {
        if (append(tensors, tensor_node(w, graph, call->inputs[i])) != MB_OK) {
            return NULL;
        }
    }
    if (tensors != arguments) {
        mb_node_append(arguments, tensors);
    }
    return set(w, map, "args", arguments) == MB_OK &&
                   set(w, map, "kwargs", make(w, MB_NODE_MAP)) == MB_OK
               ? map
               : NULL;
}

static mb_node *calls_node(
    const writing *w, const mb_keras_graph *graph, const mb_keras_entry *entry) {
    mb_node *list = make(w, MB_NODE_LIST);
    const size_t n = entry->is_input ? 0 : entry->n_calls;
    const bool is_v3 = w->style == MB_KERAS_STYLE_V3;
    const size_t n_copies = !is_v3 && entry->nested != NULL ? 2 : 1;
    for (size_t i = 0; list != NULL && i < n * n_copies; i++) {
        const mb_keras_call *call = &entry->calls[i / n_copies];
        if (append(list, is_v3 ? call_map(w, graph, entry, call) : call_list(w, graph, call)) !=
            MB_OK) {
            return NULL;
        }
    }
    return list;
}

static mb_node *graph_config(const writing *w, const mb_keras_graph *graph);

static mb_node *wrap(
    const writing *w, const char *module, const char *class_name, mb_node *config) {
    mb_node *object = make(w, MB_NODE_MAP);
    const bool has_module = w->style != MB_KERAS_STYLE_H5;
    if (object == NULL || (has_module && set(w, object, "module", make_text(w, module)) != MB_OK) ||
        set(w, object, "class_name", make_text(w, class_name)) != MB_OK ||
        set(w, object, "config", config) != MB_OK ||
        (has_module && set(w, object, "registered_name", make(w, MB_NODE_NULL)) != MB_OK)) {
        return NULL;
    }
    return object;
}

// Keras 2 and 3 have their functional class in different modules; under the name of the class
// Model both find it.
static mb_node *graph_object(const writing *w, const mb_keras_graph *graph) {
    mb_node *config = graph_config(w, graph);
    if (graph->is_sequential) {
        return wrap(w, "keras", "Sequential", config);
    }
    return w->style == MB_KERAS_STYLE_JSON
               ? wrap(w, "keras", "Model", config)
               : wrap(w, "keras.src.models.functional", "Functional", config);
}

// {module: null, class_name, config, registered_name}; in the style of .h5 the class has that name.
static mb_node *own_object(const writing *w, const mb_keras_entry *entry, mb_node *config) {
    mb_node *object = make(w, MB_NODE_MAP);
    mb_node *name = mb_keras_registered_name(w->ctx, w->document, entry->class_name);
    const bool has_module = w->style != MB_KERAS_STYLE_H5;
    if (object == NULL || name == NULL ||
        (has_module && set(w, object, "module", make(w, MB_NODE_NULL)) != MB_OK) ||
        set(w, object, "class_name", has_module ? make_text(w, entry->class_name) : name) !=
            MB_OK ||
        set(w, object, "config", config) != MB_OK ||
        (has_module && set(w, object, "registered_name", name) != MB_OK)) {
        return NULL;
    }
    return object;
}

static mb_node *quantized_object(const writing *w, const char *class_name, mb_node *config) {
    mb_node *object = wrap(w, "qkeras", class_name, config);
    if (object == NULL || w->style == MB_KERAS_STYLE_H5) {
        return object;
    }
    return set(w, object, "registered_name", make_text(w, class_name)) == MB_OK ? object : NULL;
}

// What the rows of an input are, where they are not events.
static mb_status add_axis(const writing *w, const mb_keras_entry *entry, mb_node **beside) {
    const mb_model_axis *axis = &w->model->axes[entry->type.axis];
    if (!entry->is_input || entry->type.axis == MB_AXIS_EVENTS) {
        return MB_OK;
    }
    *beside = make(w, MB_NODE_MAP);
    if (*beside == NULL) {
        return MB_ERR_MEMORY;
    }
    if (axis->joins != 0) {
        MB_TRY(set(w, *beside, "joins", make_text(w, w->model->axes[axis->joins].name)));
    }
    return set(w, *beside, "axis", make_text(w, axis->name));
}

static mb_node *layer_object(const writing *w, const mb_keras_entry *entry) {
    mb_node *config = mb_keras_layer_config(w->ctx, w->document, entry, w->style);
    mb_node *object = mb_keras_is_own_class(entry->class_name) ? own_object(w, entry, config)
                      : mb_keras_is_qkeras_class(entry->class_name)
                          ? quantized_object(w, entry->class_name, config)
                          : wrap(w, "keras.layers", entry->class_name, config);
    mb_node *beside = NULL;
    if (object == NULL ||
        (entry->layer != NULL &&
            mb_keras_layer_beside(w->ctx, w->document, entry->layer, &beside) != MB_OK) ||
        add_axis(w, entry, &beside) != MB_OK) {
        return NULL;
    }
    return beside == NULL || set(w, object, "minbias", beside) == MB_OK ? object : NULL;
}

static mb_node *entry_object(const writing *w, const mb_keras_entry *entry) {
    return entry->nested != NULL ? graph_object(w, entry->nested) : layer_object(w, entry);
}

static mb_node *ends_node(
    const writing *w, const mb_keras_graph *graph, const mb_keras_ref *refs, size_t n) {
    const bool is_v3 = w->style == MB_KERAS_STYLE_V3;
    mb_node *list = make(w, MB_NODE_LIST);
    for (size_t i = 0; list != NULL && i < n; i++) {
        const size_t more = is_v3 && is_functional(&graph->entries[refs[i].entry]) ? 1 : 0;
        mb_node *ref = ref_node(w, graph, refs[i], more);
        if (is_v3 && n == 1) {
            return ref;
        }
        if (append(list, ref) != MB_OK) {
            return NULL;
        }
    }
    return list;
}

static mb_status add_layers(const writing *w, const mb_keras_graph *graph, mb_node *list) {
    for (size_t i = 0; i < graph->n_entries; i++) {
        const mb_keras_entry *entry = &graph->entries[i];
        mb_node *object = entry_object(w, entry);
        if (object == NULL) {
            return MB_ERR_MEMORY;
        }
        if (!graph->is_sequential) {
            MB_TRY(set(w, object, "name", make_text(w, entry->name)));
            MB_TRY(set(w, object, "inbound_nodes", calls_node(w, graph, entry)));
        }
        mb_node_append(list, object);
    }
    return MB_OK;
}

static mb_node *graph_config(const writing *w, const mb_keras_graph *graph) {
    mb_node *config = make(w, MB_NODE_MAP);
    mb_node *list = make(w, MB_NODE_LIST);
    if (config == NULL || list == NULL ||
        set(w, config, "name", make_text(w, graph->name)) != MB_OK ||
        (!graph->is_sequential &&
            set(w, config, "trainable", mb_node_make_bool(w->document, w->ctx, true)) != MB_OK) ||
        add_layers(w, graph, list) != MB_OK || set(w, config, "layers", list) != MB_OK) {
        return NULL;
    }
    if (!graph->is_sequential &&
        (set(w, config, "input_layers", ends_node(w, graph, graph->inputs, graph->n_inputs)) !=
                MB_OK ||
            set(w, config, "output_layers",
                ends_node(w, graph, graph->outputs, graph->n_outputs)) != MB_OK)) {
        return NULL;
    }
    return config;
}

mb_node *mb_keras_config_of(mb_context *ctx, mb_document *document, const mb_model *model,
    const mb_keras_graph *graph, mb_keras_style style) {
    const writing w = {ctx, document, model, style};
    return graph_object(&w, graph);
}
