// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// What minbias has and Keras does not: classes, which get registered names, and options of Keras's
// own layers.

#include "exchange/keras.h"

#include "exchange/keras_graph.h"

// As register_keras_serializable(package="minbias") would call them.
static const char package[] = "minbias>";
static const char class_beginning[] = "Minbias";

// Written only where they differ from the default. Those that change predictions stand among the
// options, so that Keras refuses the file; the others stand beside them, where Keras does not look.
static const struct {
    const char *key;
    mb_keras_option_kind kind;
} own_options[] = {
    {"pad_phi", MB_KERAS_OPTION_OWN},
    {"unbiased_variance", MB_KERAS_OPTION_BESIDE},
};

bool mb_keras_is_own_class(const char *class_name) {
    return strncmp(class_name, class_beginning, strlen(class_beginning)) == 0;
}

bool mb_keras_is_quantized(const mb_layer *layer) {
    bool is_any = layer->quantizer.ops != NULL;
    for (size_t i = 0; i < layer->n_weights; i++) {
        is_any = is_any || layer->weights[i].quantizer.ops != NULL;
    }
    return is_any;
}

const char *mb_keras_class_of(const mb_layer *layer) {
    return layer->ops->quantized_class != NULL && mb_keras_is_quantized(layer)
               ? layer->ops->quantized_class
               : layer->ops->class_name;
}

bool mb_keras_is_qkeras_class(const char *class_name) {
    return class_name[0] == 'Q';
}

const mb_weight *mb_keras_weight_of(const mb_layer *layer, const char *key, const char *suffix) {
    static const char moving[] = "moving_";
    const size_t n = strlen(key) - strlen(suffix);
    for (size_t i = 0; i < layer->n_weights; i++) {
        const char *name = layer->weights[i].name;
        const size_t skipped =
            strncmp(key, moving, strlen(moving)) != 0 && strncmp(name, moving, strlen(moving)) == 0
                ? strlen(moving)
                : 0;
        const char *rest = name + skipped;
        if (strncmp(rest, key, n) == 0 && (rest[n] == '\0' || strcmp(rest + n, "_kernel") == 0)) {
            return &layer->weights[i];
        }
    }
    return NULL;
}

const char *mb_keras_plain_class(const char *class_name) {
    const size_t n = strlen(package);
    return strncmp(class_name, package, n) == 0 ? class_name + n : class_name;
}

mb_node *mb_keras_registered_name(mb_context *ctx, mb_document *document, const char *class_name) {
    const char *name = mb_arena_format(&document->arena, ctx, "%s%s", package, class_name);
    return name == NULL ? NULL : mb_node_make_text(document, ctx, name);
}

mb_keras_option_kind mb_keras_option_kind_of(const char *key) {
    for (size_t i = 0; i < MB_COUNT_OF(own_options); i++) {
        if (strcmp(own_options[i].key, key) == 0) {
            return own_options[i].kind;
        }
    }
    return MB_KERAS_OPTION_KERAS;
}

static mb_status find_in_layer(
    mb_context *ctx, mb_document *document, const mb_layer *layer, const char **option) {
    const mb_node *unusual =
        mb_options_to_node(ctx, document, layer->ops->options, layer->options, false);
    if (unusual == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *node = unusual->first; node != NULL; node = node->next) {
        if (mb_keras_option_kind_of(node->key) == MB_KERAS_OPTION_OWN) {
            *option = node->key;
        }
    }
    return MB_OK;
}

mb_status mb_keras_find_own(
    mb_context *ctx, mb_document *document, const mb_model *model, mb_keras_own *out) {
    *out = (mb_keras_own){.layer = NULL};
    for (size_t i = 0; i < model->n_calls && out->layer == NULL; i++) {
        const mb_layer *layer = model->calls[i].layer;
        if (mb_keras_is_own_class(layer->ops->class_name)) {
            out->layer = layer;
        } else if (layer->ops->options != NULL) {
            MB_TRY(find_in_layer(ctx, document, layer, &out->option));
            out->layer = out->option != NULL ? layer : NULL;
        }
    }
    return MB_OK;
}
