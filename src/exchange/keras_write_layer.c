// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// A layer's options to the configuration that Keras reads.

#include "exchange/keras_graph.h"

#include "network/initializer.h"

typedef struct writing {
    mb_context *ctx;
    mb_document *document;
    const mb_layer *layer;
    mb_keras_style style;
} writing;

static mb_status set(const writing *w, mb_node *map, const char *key, mb_node *value) {
    return mb_node_set(w->document, w->ctx, map, key, value);
}

static mb_status set_text(const writing *w, mb_node *map, const char *key, const char *text) {
    return set(w, map, key, mb_node_make_text(w->document, w->ctx, text));
}

static mb_status set_null(const writing *w, mb_node *map, const char *key) {
    return set(w, map, key, mb_node_make(w->document, w->ctx, MB_NODE_NULL));
}

// {module, class_name, config, registered_name}
static mb_node *make_object(
    const writing *w, const char *module, const char *class_name, mb_node *config) {
    mb_node *object = mb_node_make(w->document, w->ctx, MB_NODE_MAP);
    if (object == NULL || config == NULL || set_text(w, object, "module", module) != MB_OK ||
        set_text(w, object, "class_name", class_name) != MB_OK ||
        set(w, object, "config", config) != MB_OK ||
        set_null(w, object, "registered_name") != MB_OK) {
        return NULL;
    }
    return object;
}

// The range itself, where Keras has no class for how it comes about.
static mb_node *torch_node(const writing *w, const mb_weight *weight) {
    const double limit = mb_torch_limit(weight);
    mb_node *config = mb_node_make(w->document, w->ctx, MB_NODE_MAP);
    if (config == NULL ||
        set(w, config, "minval", mb_node_make_real(w->document, w->ctx, -limit)) != MB_OK ||
        set(w, config, "maxval", mb_node_make_real(w->document, w->ctx, limit)) != MB_OK) {
        return NULL;
    }
    return make_object(w, "keras.initializers", "RandomUniform", config);
}

static mb_node *initializer_node(const writing *w, const mb_weight *weight) {
    const mb_initializer *initializer = &weight->initializer;
    if (initializer->ops->class_name == NULL) {
        return torch_node(w, weight);
    }
    mb_node *config = initializer->ops->options == NULL
                          ? mb_node_make(w->document, w->ctx, MB_NODE_MAP)
                          : mb_options_to_node(w->ctx, w->document, initializer->ops->options,
                                initializer->options, true);
    return make_object(w, "keras.initializers", initializer->ops->class_name, config);
}

static mb_node *regularizer_node(const writing *w, const mb_weight *weight) {
    if (weight->l1 == 0 && weight->l2 == 0) {
        return mb_node_make(w->document, w->ctx, MB_NODE_NULL);
    }
    mb_node *config = mb_node_make(w->document, w->ctx, MB_NODE_MAP);
    if (config == NULL ||
        set(w, config, "l1", mb_node_make_real(w->document, w->ctx, weight->l1)) != MB_OK ||
        set(w, config, "l2", mb_node_make_real(w->document, w->ctx, weight->l2)) != MB_OK) {
        return NULL;
    }
    return make_object(w, "keras.regularizers", "L1L2", config);
}

// As QKeras writes it.
static mb_node *quantizer_node(const writing *w, const mb_quantizer *quantizer) {
    if (quantizer->ops == NULL) {
        return mb_node_make(w->document, w->ctx, MB_NODE_NULL);
    }
    mb_node *object = make_object(w, "qkeras.quantizers", quantizer->ops->name,
        mb_quantizer_config(w->ctx, w->document, quantizer));
    return object != NULL && set_text(w, object, "registered_name", quantizer->ops->name) == MB_OK
               ? object
               : NULL;
}

// Where QKeras has the class, every quantiser is written, as none may be other than its default.
static mb_status add_quantizers(const writing *w, mb_node *config) {
    static const char suffix[] = "_quantizer";
    const mb_layer_ops *ops = w->layer->ops;
    const bool has_class = mb_keras_is_qkeras_class(mb_keras_class_of(w->layer));
    for (const mb_option *option = ops->options; option != NULL && option->name != NULL; option++) {
        if (!mb_keras_ends_with(option->name, suffix)) {
            continue;
        }
        const mb_weight *weight = mb_keras_weight_of(w->layer, option->name, suffix);
        mb_quantizer written = {NULL, NULL};
        const mb_quantizer *quantizer = weight != NULL ? &weight->quantizer : &written;
        if (weight == NULL) {
            // Of a weight that is not there; a folded bias is quantised all the same.
            const mb_node *node = NULL;
            memcpy(&node, (const char *)w->layer->options + option->offset, sizeof node);
            MB_TRY(mb_quantizer_read(
                w->ctx, w->document, node, MB_QUANTIZER_BIAS, option->name, &written));
        }
        if (has_class || quantizer->ops != NULL) {
            MB_TRY(set(w, config, option->name, quantizer_node(w, quantizer)));
        }
    }
    return MB_OK;
}

// Keras 2 knows leaky_relu as a layer only, which may stand for an activation.
static mb_node *activation_node(const writing *w, const mb_node *node) {
    if (w->style == MB_KERAS_STYLE_V3 || strcmp(node->text, "leaky_relu") != 0) {
        return mb_node_copy(w->document, w->ctx, node);
    }
    mb_node *config = mb_node_make(w->document, w->ctx, MB_NODE_MAP);
    if (config == NULL ||
        set(w, config, "alpha", mb_node_make_real(w->document, w->ctx, 0.2)) != MB_OK) {
        return NULL;
    }
    return make_object(w, "keras.layers", "LeakyReLU", config);
}

// Keras takes one number for all dimensions, but no list of one where there are more. Lists that
// mean a shape stay lists.
static bool is_number_for_all(const writing *w, const mb_node *node) {
    return !mb_keras_is_own_class(w->layer->ops->class_name) && node->kind == MB_NODE_LIST &&
           node->n_children == 1 && mb_node_is_scalar(node->first) &&
           strcmp(node->key, "target_shape") != 0 && strcmp(node->key, "dims") != 0;
}

static mb_node *member_node(const writing *w, const mb_node *node) {
    static const char initializer[] = "_initializer";
    static const char regularizer[] = "_regularizer";
    const bool is_initializer = mb_keras_ends_with(node->key, initializer);
    if (is_initializer || mb_keras_ends_with(node->key, regularizer)) {
        const mb_weight *weight =
            mb_keras_weight_of(w->layer, node->key, is_initializer ? initializer : regularizer);
        if (weight == NULL) {
            return mb_node_make(w->document, w->ctx, MB_NODE_NULL);
        }
        return is_initializer ? initializer_node(w, weight) : regularizer_node(w, weight);
    }
    if (strcmp(node->key, "activation") == 0 && node->kind == MB_NODE_TEXT) {
        return activation_node(w, node);
    }
    return mb_node_copy(w->document, w->ctx, is_number_for_all(w, node) ? node->first : node);
}

static bool is_left_out(const mb_node *node, const mb_node *unusual) {
    const mb_keras_option_kind kind = mb_keras_option_kind_of(node->key);
    return node->kind == MB_NODE_NULL || (node->kind == MB_NODE_LIST && node->n_children == 0) ||
           mb_keras_ends_with(node->key, "_quantizer") || kind == MB_KERAS_OPTION_BESIDE ||
           (kind == MB_KERAS_OPTION_OWN && mb_node_find(unusual, node->key) == NULL);
}

static mb_status add_options(const writing *w, mb_node *config) {
    const mb_layer_ops *ops = w->layer->ops;
    if (ops->options == NULL) {
        return MB_OK;
    }
    mb_node *all = mb_options_to_node(w->ctx, w->document, ops->options, w->layer->options, true);
    mb_node *unusual =
        mb_options_to_node(w->ctx, w->document, ops->options, w->layer->options, false);
    if (all == NULL || unusual == NULL) {
        return MB_ERR_MEMORY;
    }
    if (ops->to_keras != NULL) {
        MB_TRY(ops->to_keras(w->ctx, w->document, all, w->style == MB_KERAS_STYLE_V3 ? 3 : 2));
    }
    for (const mb_node *node = all->first; node != NULL; node = node->next) {
        if (is_left_out(node, unusual)) {
            continue;
        }
        mb_node *value = member_node(w, node);
        if (value == NULL) {
            return MB_ERR_MEMORY;
        }
        // Without a weight there is nothing to initialise, and Keras's default does no harm.
        if (value->kind != MB_NODE_NULL || mb_keras_ends_with(node->key, "_regularizer")) {
            MB_TRY(set(w, config, node->key, value));
        }
    }
    return add_quantizers(w, config);
}

static mb_node *shape_node(const writing *w, const mb_value_type *type) {
    mb_node *list = mb_node_make(w->document, w->ctx, MB_NODE_LIST);
    mb_node *batch = mb_node_make(w->document, w->ctx, MB_NODE_NULL);
    if (list == NULL || batch == NULL) {
        return NULL;
    }
    mb_node_append(list, batch);
    for (unsigned i = 0; i < type->rank; i++) {
        mb_node *size = mb_node_make_int(w->document, w->ctx, (int64_t)type->dim[i]);
        if (size == NULL) {
            return NULL;
        }
        mb_node_append(list, size);
    }
    return list;
}

static mb_status add_input_options(const writing *w, const mb_keras_entry *entry, mb_node *config) {
    MB_TRY(set(w, config, w->style == MB_KERAS_STYLE_V3 ? "batch_shape" : "batch_input_shape",
        shape_node(w, &entry->type)));
    MB_TRY(set_text(w, config, "dtype", "float32"));
    MB_TRY(set(w, config, "sparse", mb_node_make_bool(w->document, w->ctx, false)));
    return set(w, config, "ragged", mb_node_make_bool(w->document, w->ctx, false));
}

mb_node *mb_keras_layer_config(
    mb_context *ctx, mb_document *document, const mb_keras_entry *entry, mb_keras_style style) {
    const writing w = {ctx, document, entry->layer, style};
    mb_node *config = mb_node_make(document, ctx, MB_NODE_MAP);
    if (config == NULL || set_text(&w, config, "name", entry->name) != MB_OK) {
        return NULL;
    }
    if (entry->is_input) {
        return add_input_options(&w, entry, config) == MB_OK ? config : NULL;
    }
    mb_node *trainable = mb_node_make_bool(document, ctx, entry->layer->is_trainable);
    // Layers without weights need none, and Keras 3's spatial dropout refuses the key.
    if ((entry->layer->n_weights > 0 && set(&w, config, "trainable", trainable) != MB_OK) ||
        set_text(&w, config, "dtype", "float32") != MB_OK || add_options(&w, config) != MB_OK) {
        return NULL;
    }
    return config;
}

mb_status mb_keras_layer_beside(
    mb_context *ctx, mb_document *document, const mb_layer *layer, mb_node **out) {
    *out = NULL;
    if (layer->ops->options == NULL) {
        return MB_OK;
    }
    const mb_node *unusual =
        mb_options_to_node(ctx, document, layer->ops->options, layer->options, false);
    if (unusual == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *node = unusual->first; node != NULL; node = node->next) {
        if (mb_keras_option_kind_of(node->key) != MB_KERAS_OPTION_BESIDE) {
            continue;
        }
        *out = *out == NULL ? mb_node_make(document, ctx, MB_NODE_MAP) : *out;
        mb_node *copy = mb_node_copy(document, ctx, node);
        if (*out == NULL || copy == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_node_set(document, ctx, *out, node->key, copy));
    }
    return MB_OK;
}
