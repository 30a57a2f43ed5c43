// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/quantize.h"

#include "network/layer.h"
#include "network/layers/folded.h"

#include "base/numbers.h"

typedef struct quantize_options {
    const mb_node *kernel, *bias, *activation, *layers;
} quantize_options;

#define MEMBERS                                                                                    \
    {"kernel", MB_OPTION_NODE, offsetof(quantize_options, kernel), "", 0, 0, NULL, NULL,           \
        "quantiser of kernels, such as quantized_bits(8,1,1,alpha=1)"},                            \
        {"bias", MB_OPTION_NODE, offsetof(quantize_options, bias), "", 0, 0, NULL, NULL,           \
            "quantiser of biases"},                                                                \
    {                                                                                              \
        "activation", MB_OPTION_NODE, offsetof(quantize_options, activation), "", 0, 0, NULL,      \
            NULL, "quantised activation in place of relu, such as quantized_relu(10,6)"            \
    }

static const mb_option layer_table[] = {MEMBERS, MB_OPTIONS_END};
const mb_option mb_quantize_option_table[] = {MEMBERS,
    {"layers", MB_OPTION_NODE, offsetof(quantize_options, layers), "", 0, 0, NULL, NULL,
        "the same by layer: {NAME: {kernel: ...}}"},
    MB_OPTIONS_END};

static mb_status check_members(
    mb_context *ctx, mb_document *document, const quantize_options *options) {
    mb_quantizer quantizer;
    MB_TRY(mb_quantizer_read(
        ctx, document, options->kernel, MB_QUANTIZER_KERNEL, "quantize: kernel", &quantizer));
    MB_TRY(mb_quantizer_read(
        ctx, document, options->bias, MB_QUANTIZER_BIAS, "quantize: bias", &quantizer));
    return mb_quantizer_read(ctx, document, options->activation, MB_QUANTIZER_ACTIVATION,
        "quantize: activation", &quantizer);
}

mb_status mb_quantize_check(mb_context *ctx, mb_document *document, const mb_node *map) {
    quantize_options options;
    MB_TRY(
        mb_options_parse(ctx, document, mb_quantize_option_table, map, "quantize", NULL, &options));
    MB_TRY(check_members(ctx, document, &options));
    if (options.layers != NULL && options.layers->kind != MB_NODE_MAP) {
        return mb_fail_at(ctx, document, options.layers,
            "quantize: layers is not a map; write {NAME: {kernel: ...}}");
    }
    const mb_node *member = options.layers != NULL ? options.layers->first : NULL;
    for (; member != NULL; member = member->next) {
        quantize_options layer;
        MB_TRY(mb_options_parse(ctx, document, layer_table, member, "quantize", NULL, &layer));
        MB_TRY(check_members(ctx, document, &layer));
    }
    return MB_OK;
}

static mb_status set_copy(
    mb_context *ctx, mb_document *document, mb_node *map, const mb_node *member) {
    mb_node *copy = mb_node_copy(document, ctx, member);
    return copy != NULL ? mb_node_set(document, ctx, map, member->key, copy) : MB_ERR_MEMORY;
}

mb_status mb_quantize_merge(mb_context *ctx, mb_document *document, const mb_node *map,
    const mb_node *more, mb_node **out) {
    mb_node *merged =
        map != NULL ? mb_node_copy(document, ctx, map) : mb_node_make(document, ctx, MB_NODE_MAP);
    if (merged == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *member = more != NULL ? more->first : NULL; member != NULL;
         member = member->next) {
        mb_node *layers = mb_node_find(merged, "layers");
        if (strcmp(member->key, "layers") != 0 || layers == NULL || layers->kind != MB_NODE_MAP) {
            MB_TRY(set_copy(ctx, document, merged, member));
            continue;
        }
        for (const mb_node *layer = member->first; layer != NULL; layer = layer->next) {
            MB_TRY(set_copy(ctx, document, layers, layer));
        }
    }
    *out = merged;
    return MB_OK;
}

// A run over a model.
typedef struct pass {
    mb_context *ctx;
    mb_model *model;
    const mb_document *document; // of the nodes, for errors
} pass;

// The option of a layer for a weight's quantiser: "kernel_quantizer" of "kernel",
// "depthwise_quantizer" of "depthwise_kernel". NULL: it takes none.
static const mb_option *option_of(const mb_layer *layer, const mb_weight *weight) {
    static const char kernel[] = "_kernel";
    char name[96];
    size_t n = strlen(weight->name);
    const size_t m = strlen(kernel);
    n -= n > m && strcmp(weight->name + n - m, kernel) == 0 ? m : 0;
    mb_format(name, sizeof name, "%.*s_quantizer", (int)n, weight->name);
    return mb_layer_option(layer->ops, name);
}

static bool is_kernel(const mb_weight *weight) {
    return weight->rank > 1;
}

// A copy of a node in the model's own memory.
static mb_status own(const pass *p, const mb_node *node, mb_node **out) {
    *out = mb_node_copy(&p->model->document, p->ctx, node);
    if (*out != NULL) {
        (*out)->key = NULL;
        (*out)->next = NULL;
    }
    return *out != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status set_weights(
    const pass *p, mb_layer *layer, bool wants_kernels, const mb_node *node, bool is_forced) {
    bool is_any = false;
    for (size_t i = 0; i < layer->n_weights && node != NULL; i++) {
        mb_weight *weight = &layer->weights[i];
        const mb_option *option = option_of(layer, weight);
        if (option == NULL || is_kernel(weight) != wants_kernels ||
            (weight->quantizer.ops != NULL && !is_forced)) {
            continue;
        }
        mb_node *written = NULL;
        is_any = true;
        MB_TRY(own(p, node, &written));
        MB_TRY(mb_quantizer_read(p->ctx, &p->model->document, written,
            wants_kernels ? MB_QUANTIZER_KERNEL : MB_QUANTIZER_BIAS, option->name,
            &weight->quantizer));
        const mb_node *stored = written;
        memcpy((char *)layer->options + option->offset, &stored, sizeof stored);
    }
    if (is_any && layer->weights[0].is_folded &&
        mb_folded_check_quantizers(p->ctx, layer) != MB_OK) {
        return mb_fail_within(p->ctx, "quantize: layer '%s'", layer->name);
    }
    return is_any || !is_forced || node == NULL
               ? MB_OK
               : mb_fail_at(p->ctx, p->document, node,
                     "quantize: layer '%s' has no %s that takes a quantiser; remove the key",
                     layer->name, wants_kernels ? "kernel" : "bias");
}

static mb_status set_text(const pass *p, mb_layer *layer, const mb_node *node) {
    mb_quantizer quantizer;
    mb_buffer text;
    MB_TRY(mb_quantizer_read(p->ctx, &p->model->document, node, MB_QUANTIZER_ACTIVATION,
        "quantize: activation", &quantizer));
    mb_buffer_init(&text, p->ctx);
    mb_status status = mb_quantizer_text(p->ctx, &quantizer, &text);
    const char *stored = status == MB_OK ? mb_arena_text(&p->model->document.arena, p->ctx,
                                               quantizer.ops != NULL ? text.data : "linear")
                                         : NULL;
    mb_buffer_clear(&text);
    if (stored == NULL) {
        return status != MB_OK ? status : MB_ERR_MEMORY;
    }
    const mb_option *option = mb_layer_option(layer->ops, "activation");
    memcpy((char *)layer->options + option->offset, &stored, sizeof stored);
    return mb_layer_read_quantizer(p->ctx, p->model, layer, node->line);
}

static bool is_relu_layer(const mb_layer *layer) {
    mb_activation activation;
    return layer->ops == &mb_layer_re_lu && layer->ops->find_activation(layer, &activation) &&
           strcmp(activation.ops->name, "relu") == 0;
}

static bool is_relu_option(const mb_layer *layer) {
    const mb_option *option = mb_layer_option(layer->ops, "activation");
    const char *text = NULL;
    if (option == NULL || option->type != MB_OPTION_TEXT) {
        return false;
    }
    memcpy(&text, (const char *)layer->options + option->offset, sizeof text);
    return text != NULL && strcmp(text, "relu") == 0;
}

static mb_status set_activation(
    const pass *p, mb_layer *layer, const mb_node *node, bool is_forced) {
    const bool is_left = node == NULL || node->kind == MB_NODE_NULL;
    if (is_left || (!is_forced && !is_relu_layer(layer) && !is_relu_option(layer))) {
        return MB_OK;
    }
    mb_node *written = NULL;
    MB_TRY(own(p, node, &written));
    if (is_relu_layer(layer)) {
        // A rectifier of its own becomes QKeras's layer for that.
        void *record = mb_arena_allocate(
            &p->model->document.arena, p->ctx, 1, mb_layer_q_activation.options_size);
        if (record == NULL) {
            return MB_ERR_MEMORY;
        }
        layer->ops = &mb_layer_q_activation;
        layer->options = record;
    }
    const mb_option *option = mb_layer_option(layer->ops, "activation");
    return option != NULL && option->type == MB_OPTION_TEXT
               ? set_text(p, layer, written)
               : mb_fail_at(p->ctx, p->document, node,
                     "quantize: layer '%s' has no activation; put a q_activation behind it",
                     layer->name);
}

static mb_status quantize_layer(
    const pass *p, mb_layer *layer, const quantize_options *options, bool is_forced) {
    MB_TRY(set_weights(p, layer, true, options->kernel, is_forced));
    MB_TRY(set_weights(p, layer, false, options->bias, is_forced));
    return set_activation(p, layer, options->activation, is_forced);
}

static mb_status fail_layer(const pass *p, const mb_node *at) {
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < p->model->n_layers && n < MB_COUNT_OF(names); i++) {
        names[n++] = p->model->layers[i]->name;
    }
    const char *near = mb_nearest_name(at->key, names, n);
    return mb_fail_at(p->ctx, p->document, at, "quantize: the model has no layer '%.60s'; %s%s%s",
        at->key, near != NULL ? "did you mean '" : "its layers are in 'minbias summary'",
        near != NULL ? near : "", near != NULL ? "'?" : "");
}

// The members as written: null is not the same as nothing.
static quantize_options members_of(const mb_node *map) {
    return (quantize_options){mb_node_find(map, "kernel"), mb_node_find(map, "bias"),
        mb_node_find(map, "activation"), mb_node_find(map, "layers")};
}

// What is said for all layers, but for what this one's own entry says.
static mb_status quantize_unnamed(const pass *p, mb_layer *layer, const quantize_options *common) {
    const mb_node *entry = mb_node_find(common->layers, layer->name);
    const quantize_options named = members_of(entry);
    quantize_options options = *common;
    options.kernel = named.kernel != NULL ? NULL : options.kernel;
    options.bias = named.bias != NULL ? NULL : options.bias;
    options.activation = named.activation != NULL ? NULL : options.activation;
    return quantize_layer(p, layer, &options, false);
}

static mb_status quantize_named(const pass *p, const mb_node *layers) {
    for (const mb_node *member = layers->first; member != NULL; member = member->next) {
        mb_layer *layer = NULL;
        for (size_t i = 0; i < p->model->n_layers; i++) {
            const bool is_it = strcmp(p->model->layers[i]->name, member->key) == 0;
            layer = is_it ? p->model->layers[i] : layer;
        }
        if (layer == NULL) {
            return fail_layer(p, member);
        }
        const quantize_options options = members_of(member);
        MB_TRY(quantize_layer(p, layer, &options, true));
    }
    return MB_OK;
}

mb_status mb_model_quantize(
    mb_context *ctx, mb_model *model, const mb_document *document, const mb_node *map) {
    const pass p = {ctx, model, document};
    const quantize_options options = members_of(map);
    const char *name = model->document.name;
    model->document.name = document->name;
    mb_status status = mb_quantize_check(ctx, &model->document, map);
    for (size_t i = 0; i < model->n_layers && status == MB_OK; i++) {
        status = quantize_unnamed(&p, model->layers[i], &options);
    }
    if (status == MB_OK && options.layers != NULL) {
        status = quantize_named(&p, options.layers);
    }
    model->document.name = name;
    return status;
}
