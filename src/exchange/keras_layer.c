// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One layer's configuration to its options. The option tables use Keras's keys, so what is left to
// do is to take out what is no option, and to refuse what would change results.

#include "exchange/keras_graph.h"

#include "network/activation.h"
#include "network/initializer.h"

static const char any[] = "*";

// Keys of Keras that have no option here, and the value with which that changes nothing.
static const struct {
    const char *key, *neutral;
} known_keys[] = {
    {"name", any},
    {"trainable", any},
    {"dtype", any},
    {"batch_input_shape", any},
    {"batch_shape", any},
    {"input_dtype", any},
    {"autocast", any},
    {"dynamic", "false"},
    {"seed", any},
    {"implementation", any},
    {"fused", any},
    {"renorm", "false"},
    {"renorm_momentum", any},
    {"synchronized", "false"},
    {"groups", "1"},
    {"depth_multiplier", "1"},
    {"dilation_rate", "1"},
    {"interpolation", "nearest"},
    {"keepdims", "false"},
    {"negative_slope", "0"},
    {"threshold", "0"},
    {"sparse", "false"},
    {"ragged", "false"},
    {"optional", "false"},
};

static const mb_option *find_option(const mb_layer_ops *ops, const char *key) {
    for (const mb_option *option = ops->options; option != NULL && option->name != NULL; option++) {
        if (strcmp(option->name, key) == 0) {
            return option;
        }
    }
    return NULL;
}

static bool is_neutral(const mb_node *node, const char *neutral) {
    if (neutral == any) {
        return true;
    }
    if (node->kind == MB_NODE_LIST) {
        for (const mb_node *child = node->first; child != NULL; child = child->next) {
            if (!is_neutral(child, neutral)) {
                return false;
            }
        }
        return true;
    }
    if (node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL) {
        return node->real == (neutral[0] == '1' ? 1.0 : 0.0) && neutral[0] <= '1';
    }
    const char *text = mb_node_text(node);
    return text != NULL && strcmp(text, neutral) == 0;
}

static mb_status fail_option(
    mb_keras_reader *reader, const mb_keras_entry *entry, const mb_node *node, const char *why) {
    const char *text = mb_node_text(node);
    return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
        "%s: layer %s (%s): option %s = %.60s %s; rebuild the layer without it", reader->file,
        entry->name, entry->class_name, node->key, text != NULL ? text : "(an object or list)",
        why);
}

static const char *object_class(const mb_node *node) {
    const mb_node *name = mb_node_find(node, "class_name");
    return name != NULL && name->kind == MB_NODE_TEXT ? name->text : NULL;
}

static mb_status check_leftover(
    mb_keras_reader *reader, const mb_keras_entry *entry, const mb_node *node) {
    for (size_t i = 0; i < MB_COUNT_OF(known_keys); i++) {
        if (strcmp(known_keys[i].key, node->key) == 0 && is_neutral(node, known_keys[i].neutral)) {
            return MB_OK;
        }
    }
    if (mb_keras_ends_with(node->key, "_initializer")) {
        return MB_OK; // of a weight that the layer does not have
    }
    const char *class_name = object_class(node);
    if (mb_keras_ends_with(node->key, "_constraint") && class_name != NULL &&
        strcmp(class_name, "Clip") == 0) {
        if (!reader->is_clip_noticed) {
            reader->is_clip_noticed = true;
            mb_notice(reader->ctx, MB_NOTICE_WARNING, reader->file,
                "layer %s: QKeras clips weights to the range of their quantisers in training; here "
                "they may leave it, and are clipped where they are quantised",
                entry->name);
        }
        return MB_OK;
    }
    if (mb_keras_ends_with(node->key, "_constraint") ||
        mb_keras_ends_with(node->key, "_regularizer")) {
        mb_notice(reader->ctx, MB_NOTICE_WARNING, reader->file,
            "layer %s: %s is not offered and left out; predictions stay the same, further training "
            "would differ",
            entry->name, node->key);
        return MB_OK;
    }
    return fail_option(reader, entry, node, "is not offered");
}

// An absent quantiser is the layer's default; null is none.
static bool is_no_quantizer(const mb_node *node) {
    return node->kind == MB_NODE_NULL && mb_keras_ends_with(node->key, "_quantizer");
}

static void drop_nulls(mb_node *map) {
    mb_node *next = NULL;
    for (mb_node *child = map->first; child != NULL; child = next) {
        next = child->next;
        if (is_no_quantizer(child)) {
            child->kind = MB_NODE_TEXT;
            child->text = "none";
        } else if (child->kind == MB_NODE_NULL) {
            mb_node_remove(map, child->key);
        } else if (child->kind == MB_NODE_MAP) {
            drop_nulls(child);
        }
    }
}

static bool is_known_initializer(const mb_node *node) {
    const char *name = mb_node_is_scalar(node) ? mb_node_text(node) : object_class(node);
    for (size_t i = 0; name != NULL && mb_initializer_list[i] != NULL; i++) {
        if (strcmp(mb_initializer_list[i]->name, name) == 0 ||
            (mb_initializer_list[i]->class_name != NULL &&
                strcmp(mb_initializer_list[i]->class_name, name) == 0)) {
            return true;
        }
    }
    return false;
}

// An activation given as an object: a function by name, or a layer that says the same as a
// function. NULL when it is neither.
static const char *activation_of_object(const mb_node *node) {
    static const struct {
        const char *class_name, *name, *key;
        double value; // that the function has
    } layers[] = {{"ReLU", "relu", "negative_slope", 0}, {"ReLU", "relu", "threshold", 0},
        {"LeakyReLU", "leaky_relu", "negative_slope", 0.2},
        {"LeakyReLU", "leaky_relu", "alpha", 0.2}, {"ELU", "elu", "alpha", 1},
        {"Softmax", "softmax", "axis", -1}};
    const char *class_name = object_class(node);
    const mb_node *config = mb_node_find(node, "config");
    const char *name = NULL;
    if (class_name != NULL && strcmp(class_name, "function") == 0) {
        return mb_node_text(config);
    }
    for (size_t i = 0; class_name != NULL && i < MB_COUNT_OF(layers); i++) {
        const mb_node *value = mb_node_find(config, layers[i].key);
        if (strcmp(layers[i].class_name, class_name) != 0 || value == NULL) {
            continue;
        }
        if ((float)value->real != (float)layers[i].value || value->kind == MB_NODE_LIST) {
            return NULL;
        }
        name = layers[i].name;
    }
    const mb_node *most = mb_node_find(config, "max_value");
    return most == NULL || most->kind == MB_NODE_NULL ? name : NULL;
}

static mb_status read_activation(
    mb_keras_reader *reader, const mb_keras_entry *entry, mb_node *map, const mb_node *node) {
    const char *name = node->kind == MB_NODE_MAP ? activation_of_object(node) : mb_node_text(node);
    if (node->kind == MB_NODE_MAP && mb_quantizer_is_text(object_class(node))) {
        return MB_OK; // the model reads it
    }
    if (name == NULL || mb_activation_find(name) == NULL) {
        return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
            "%s: layer %s (%s): activation %.60s is not offered; use one of the manual, or a layer "
            "of its own for the activation",
            reader->file, entry->name, entry->class_name,
            name != NULL                 ? name
            : object_class(node) != NULL ? object_class(node)
                                         : "(an object)");
    }
    mb_node *text = mb_node_make_text(reader->document, reader->ctx, name);
    if (text == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_node_set(reader->document, reader->ctx, map, "activation", text);
}

// The precision that the layer computes in. Ours is float32.
static mb_status check_precision(mb_keras_reader *reader, const mb_keras_entry *entry) {
    const mb_node *node = mb_node_find(entry->config, "dtype");
    const char *class_name = object_class(node);
    const char *name = mb_node_text(node);
    if (class_name != NULL) {
        name = mb_node_text(mb_node_find(mb_node_find(node, "config"), "name"));
        if (strcmp(class_name, "Policy") != 0 && strcmp(class_name, "DTypePolicy") != 0) {
            return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
                "%s: layer %s (%s): computes as %.60s, which is not offered; save the model in "
                "float32",
                reader->file, entry->name, entry->class_name, class_name);
        }
    }
    if (name == NULL || node->kind == MB_NODE_NULL || strcmp(name, "float32") == 0 ||
        reader->is_other_type_noticed) {
        return MB_OK;
    }
    reader->is_other_type_noticed = true;
    mb_notice(reader->ctx, MB_NOTICE_WARNING, reader->file,
        "layer %s computes in %s; here it computes in float32, and results differ by the rounding",
        entry->name, name);
    return MB_OK;
}

// A list of one number where the option is one number (the axis of a batch normalisation).
static mb_status unwrap(
    mb_keras_reader *reader, mb_node *map, const mb_option *option, const mb_node *node) {
    const bool is_scalar = option->type == MB_OPTION_INT || option->type == MB_OPTION_SIZE ||
                           option->type == MB_OPTION_REAL;
    if (!is_scalar || node->kind != MB_NODE_LIST || node->n_children != 1) {
        return MB_OK;
    }
    mb_node *copy = mb_node_copy(reader->document, reader->ctx, node->first);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_node_set(reader->document, reader->ctx, map, option->name, copy);
}

// QKeras's initializer of quantised weights is another one, clipped; *node becomes that.
static mb_status unwrap_initializer(mb_keras_reader *reader, mb_node *map, const mb_node **node) {
    const char *class_name = object_class(*node);
    const mb_node *inner = mb_node_find(mb_node_find(*node, "config"), "initializer");
    if (class_name == NULL || strcmp(class_name, "QInitializer") != 0 || inner == NULL) {
        return MB_OK;
    }
    mb_node *copy = mb_node_copy(reader->document, reader->ctx, inner);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *key = (*node)->key;
    MB_TRY(mb_node_set(reader->document, reader->ctx, map, key, copy));
    *node = copy;
    return MB_OK;
}

static mb_status read_member(mb_keras_reader *reader, const mb_keras_entry *entry,
    const mb_layer_ops *ops, mb_node *map, const mb_node *node) {
    const mb_option *option = find_option(ops, node->key);
    if (option == NULL || (strcmp(node->key, "dtype") == 0)) {
        MB_TRY(check_leftover(reader, entry, node));
        mb_node_remove(map, node->key);
        return MB_OK;
    }
    if (strcmp(node->key, "activation") == 0) {
        return read_activation(reader, entry, map, node);
    }
    if (mb_keras_ends_with(node->key, "_initializer")) {
        MB_TRY(unwrap_initializer(reader, map, &node));
    }
    if (mb_keras_ends_with(node->key, "_initializer") && !is_known_initializer(node)) {
        mb_notice(reader->ctx, MB_NOTICE_WARNING, reader->file,
            "layer %s: its %s is not offered; the default stands for it where weights are drawn "
            "anew",
            entry->name, node->key);
        mb_node_remove(map, node->key);
        return MB_OK;
    }
    return unwrap(reader, map, option, node);
}

// Before Keras 2.2 a Flatten kept the order in memory, whatever the format of the data.
static mb_status adapt_to_version(
    mb_keras_reader *reader, const mb_layer_ops *ops, mb_node *config) {
    if (strcmp(ops->class_name, "Flatten") == 0 && reader->major == 2 && reader->minor < 2) {
        mb_node_remove(config, "data_format");
    }
    return ops->from_keras != NULL
               ? ops->from_keras(reader->ctx, reader->document, config, reader->major)
               : MB_OK;
}

static mb_status add_beside(mb_keras_reader *reader, const mb_keras_entry *entry, mb_node *map) {
    const mb_node *node = entry->beside != NULL ? entry->beside->first : NULL;
    for (; node != NULL && node->key != NULL; node = node->next) {
        mb_node *copy = mb_node_copy(reader->document, reader->ctx, node);
        if (copy == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_node_set(reader->document, reader->ctx, map, node->key, copy));
    }
    return MB_OK;
}

static mb_status read_options(
    mb_keras_reader *reader, const mb_keras_entry *entry, const mb_layer_ops *ops, mb_node **out) {
    mb_node *map = mb_node_copy(reader->document, reader->ctx, entry->config);
    if (map == NULL) {
        return MB_ERR_MEMORY;
    }
    drop_nulls(map);
    MB_TRY(adapt_to_version(reader, ops, map));
    mb_node *next = NULL;
    for (mb_node *node = map->first; node != NULL; node = next) {
        next = node->next;
        MB_TRY(read_member(reader, entry, ops, map, node));
    }
    map->key = NULL;
    *out = map;
    return add_beside(reader, entry, map);
}

static const mb_layer_ops *find_layer(const mb_keras_entry *entry) {
    static const char *const operations[] = {"Add", "Subtract", "Multiply", "Maximum", "Minimum"};
    bool is_offered = !entry->is_operation;
    for (size_t i = 0; i < MB_COUNT_OF(operations); i++) {
        is_offered = is_offered || strcmp(operations[i], entry->class_name) == 0;
    }
    const mb_layer_ops *ops = is_offered ? mb_layer_find(entry->class_name) : NULL;
    const bool is_class =
        ops != NULL &&
        (strcmp(ops->class_name, entry->class_name) == 0 ||
            (ops->quantized_class != NULL && strcmp(ops->quantized_class, entry->class_name) == 0));
    return is_class ? ops : NULL;
}

mb_status mb_keras_add_layer(
    mb_keras_reader *reader, mb_model *model, mb_keras_entry *entry, bool is_trainable) {
    mb_context *ctx = reader->ctx;
    const mb_layer_ops *ops = find_layer(entry);
    if (ops == NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: layer %s: its class %.80s is not offered; rebuild the model from the layers in "
            "the manual",
            reader->file, entry->name, entry->class_name);
    }
    if (entry->config->kind != MB_NODE_MAP) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: layer %s (%s): its config is no map; save it again",
            reader->file, entry->name, entry->class_name);
    }
    MB_TRY(check_precision(reader, entry));
    mb_document *document = reader->document;
    const char *whole_name = document->name;
    document->name = mb_arena_format(
        &document->arena, ctx, "%s: layer %s (%s)", reader->file, entry->name, entry->class_name);
    mb_node *options = NULL;
    mb_status status = document->name == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = read_options(reader, entry, ops, &options);
    }
    if (status == MB_OK) {
        status = mb_model_add_layer(
            ctx, model, ops->name, entry->path, document, options, &entry->layer);
    }
    document->name = whole_name;
    MB_TRY(status);
    const mb_node *trainable = mb_node_find(entry->config, "trainable");
    entry->layer->is_trainable =
        is_trainable &&
        (trainable == NULL || trainable->kind != MB_NODE_BOOL || trainable->boolean);
    return MB_OK;
}
