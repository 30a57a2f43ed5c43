// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/model.h"

#include "base/bundle.h"
#include "base/numbers.h"
#include "network/initializer.h"
#include "network/layer.h"

#include <math.h>

// More than any network for a detector; it keeps a hostile file from asking for a terabyte.
enum { MOST_PARAMETERS = 1 << 30 };

size_t mb_value_size(const mb_value_type *type) {
    size_t size = 1;
    for (unsigned i = 0; i < type->rank; i++) {
        size *= type->dim[i];
    }
    return size;
}

char *mb_value_text(const mb_value_type *type, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < type->rank && length + 24 < size; i++) {
        length += (size_t)mb_format(
            text + length, size - length, i == 0 ? "(%zu" : ", %zu", type->dim[i]);
    }
    mb_format(text + length, size - length, type->rank == 0 ? "()" : type->rank == 1 ? ",)" : ")");
    return text;
}

mb_status mb_model_begin(mb_context *ctx, const char *name, mb_model **out) {
    *out = NULL;
    mb_model *model = mb_allocate_zeroed(ctx, 1, sizeof *model);
    if (model == NULL) {
        return MB_ERR_MEMORY;
    }
    model->runtime = mb_context_runtime(ctx);
    mb_document_init(&model->document, ctx, name);
    model->name = mb_arena_text(&model->document.arena, ctx, name);
    model->class_name = "Functional";
    model->axes[MB_AXIS_EVENTS] = (mb_model_axis){"events", 0};
    model->n_axes = 1;
    if (model->name == NULL) {
        mb_model_destroy(model);
        return MB_ERR_MEMORY;
    }
    *out = model;
    return MB_OK;
}

void mb_model_destroy(mb_model *model) {
    if (model == NULL) {
        return;
    }
    mb_runtime *runtime = model->runtime;
    mb_document_clear(&model->document);
    mb_runtime_release(runtime, model->layers);
    mb_runtime_release(runtime, model->calls);
    mb_runtime_release(runtime, model->values);
    mb_runtime_release(runtime, model->groups);
    mb_runtime_release(runtime, model->parameters);
    mb_runtime_release(runtime, model);
}

static const char *make_layer_name(mb_context *ctx, mb_model *model, const char *kind) {
    for (unsigned i = 0;; i++) {
        char name[96];
        if (i == 0) {
            mb_format(name, sizeof name, "%s", kind);
        } else {
            mb_format(name, sizeof name, "%s_%u", kind, i);
        }
        if (mb_model_find_layer(model, name) == NULL) {
            return mb_arena_text(&model->document.arena, ctx, name);
        }
    }
}

static mb_status fail_unknown_kind(
    mb_context *ctx, const mb_document *document, const mb_node *node, const char *kind) {
    const char *names[256];
    size_t n = 0;
    while (mb_layer_list[n] != NULL && n < MB_COUNT_OF(names)) {
        names[n] = mb_layer_list[n]->name;
        n++;
    }
    const char *near = mb_nearest_name(kind, names, n);
    const char *where = document != NULL && document->name != NULL ? document->name : "model";
    if (node != NULL && node->line > 0) {
        return mb_fail_at(ctx, document, node, "unknown layer '%s'; %s%s%s", kind,
            near != NULL ? "did you mean '" : "see the list of layers in the manual",
            near != NULL ? near : "", near != NULL ? "'?" : "");
    }
    return mb_fail(ctx, MB_ERR_UNSUPPORTED, "%s: layer kind '%s' is not offered; %s%s%s", where,
        kind, near != NULL ? "did you mean '" : "rebuild the model from the layers in the manual",
        near != NULL ? near : "", near != NULL ? "'?" : "");
}

// A quantiser written as a map in the place of an activation's name becomes its text.
static mb_status write_activation(mb_context *ctx, mb_model *model, mb_node *options) {
    const mb_node *node = mb_node_find(options, "activation");
    if (node == NULL || node->kind != MB_NODE_MAP) {
        return MB_OK;
    }
    mb_quantizer quantizer;
    MB_TRY(mb_quantizer_read(
        ctx, &model->document, node, MB_QUANTIZER_ACTIVATION, "activation", &quantizer));
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_status status = mb_quantizer_text(ctx, &quantizer, &text);
    mb_node *written = status == MB_OK ? mb_node_make_text(&model->document, ctx, text.data) : NULL;
    mb_buffer_clear(&text);
    if (written == NULL) {
        return status != MB_OK ? status : MB_ERR_MEMORY;
    }
    written->line = node->line;
    return mb_node_set(&model->document, ctx, options, "activation", written);
}

mb_status mb_layer_read_quantizer(mb_context *ctx, mb_model *model, mb_layer *layer, int line) {
    const mb_option *option = mb_layer_option(layer->ops, "activation");
    const char *text = NULL;
    layer->quantizer = (mb_quantizer){NULL, NULL};
    if (option == NULL || option->type != MB_OPTION_TEXT) {
        return MB_OK;
    }
    memcpy(&text, (const char *)layer->options + option->offset, sizeof text);
    if (!mb_quantizer_is_text(text)) {
        return MB_OK;
    }
    mb_node *node = mb_node_make_text(&model->document, ctx, text);
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    node->line = line;
    return mb_quantizer_read(
        ctx, &model->document, node, MB_QUANTIZER_ACTIVATION, "activation", &layer->quantizer);
}

static mb_status parse_options(
    mb_context *ctx, mb_model *model, mb_layer *layer, mb_node *options) {
    const mb_layer_ops *ops = layer->ops;
    if (ops->options == NULL && options == NULL) {
        return MB_OK;
    }
    if (options != NULL) {
        MB_TRY(write_activation(ctx, model, options));
    }
    MB_TRY(mb_options_parse(
        ctx, &model->document, ops->options, options, ops->name, NULL, layer->options));
    const mb_node *written = mb_node_find(options, "activation");
    return mb_layer_read_quantizer(ctx, model, layer, written != NULL ? written->line : 0);
}

mb_status mb_model_add_layer(mb_context *ctx, mb_model *model, const char *kind, const char *name,
    mb_document *document, const mb_node *options, mb_layer **out) {
    *out = NULL;
    const mb_layer_ops *ops = mb_layer_find(kind);
    if (ops == NULL) {
        return fail_unknown_kind(ctx, document, options, kind);
    }
    mb_arena *arena = &model->document.arena;
    if (name != NULL && mb_model_find_layer(model, name) != NULL) {
        return options != NULL && document != NULL
                   ? mb_fail_at(ctx, document, options,
                         "two layers are called '%s'; give each its own name", name)
                   : mb_fail(ctx, MB_ERR_FORMAT,
                         "model %s: two layers are called '%s'; give each its own name",
                         model->name, name);
    }
    const char *own_name =
        name != NULL ? mb_arena_text(arena, ctx, name) : make_layer_name(ctx, model, ops->name);
    mb_layer *layer = mb_arena_allocate(arena, ctx, 1, sizeof *layer);
    void *record = mb_arena_allocate(arena, ctx, 1, mb_max_size(ops->options_size, 1));
    if (own_name == NULL || layer == NULL || record == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_grow(
        ctx, &model->layers, &model->layer_capacity, model->n_layers + 1, sizeof *model->layers));
    // Parsed texts and lists live as long as the document does, so options are read from a copy in
    // the model.
    mb_node *own_options = options != NULL ? mb_node_copy(&model->document, ctx, options) : NULL;
    if (options != NULL && own_options == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *model_name = model->document.name;
    if (document != NULL) {
        model->document.name = document->name;
    }
    *layer = (mb_layer){.name = own_name, .ops = ops, .options = record, .is_trainable = true};
    const mb_status status = parse_options(ctx, model, layer, own_options);
    model->document.name = model_name;
    MB_TRY(status);
    model->layers[model->n_layers++] = layer;
    *out = layer;
    return MB_OK;
}

// A shared layer's later calls must ask for the weights that the first one made.
static mb_status check_shared(mb_context *ctx, const mb_layer *layer, const mb_weight_spec *spec) {
    for (size_t i = 0; i < layer->n_weights; i++) {
        const mb_weight *weight = &layer->weights[i];
        if (strcmp(weight->name, spec->name) == 0 && weight->rank == spec->rank &&
            memcmp(weight->dim, spec->dim, spec->rank * sizeof *spec->dim) == 0) {
            return MB_OK;
        }
    }
    return mb_fail(ctx, MB_ERR_SHAPE,
        "is shared, but this call needs another shape of weight '%s'; use a layer of its own",
        spec->name);
}

mb_status mb_layer_add_weight(
    mb_context *ctx, mb_model *model, mb_layer *layer, const mb_weight_spec *spec) {
    if (layer->n_calls > 0) {
        return check_shared(ctx, layer, spec);
    }
    mb_weight *weights =
        mb_arena_allocate(&model->document.arena, ctx, layer->n_weights + 1, sizeof *weights);
    if (weights == NULL) {
        return MB_ERR_MEMORY;
    }
    if (layer->n_weights > 0) {
        memcpy(weights, layer->weights, layer->n_weights * sizeof *weights);
    }
    mb_weight *weight = &weights[layer->n_weights];
    *weight = (mb_weight){.name = spec->name,
        .layer = layer,
        .rank = spec->rank,
        .fan_in = spec->fan_in,
        .fan_out = spec->fan_out,
        .is_trainable = spec->is_trainable,
        .is_folded = spec->is_folded,
        .count = 1};
    for (unsigned i = 0; i < spec->rank; i++) {
        weight->dim[i] = spec->dim[i];
        if (spec->dim[i] != 0 && weight->count > MOST_PARAMETERS / spec->dim[i]) {
            return mb_fail(ctx, MB_ERR_LIMIT,
                "weight '%s' would have more than %d numbers; make the layer smaller", spec->name,
                MOST_PARAMETERS);
        }
        weight->count *= spec->dim[i];
    }
    MB_TRY(mb_initializer_read(
        ctx, &model->document, spec->initializer, spec->default_initializer, &weight->initializer));
    MB_TRY(mb_regularizer_read(ctx, &model->document, spec->regularizer, &weight->l1, &weight->l2));
    const mb_node *quantizer = spec->quantizer;
    if (quantizer == NULL && spec->default_quantizer != NULL) {
        quantizer = mb_node_make_text(&model->document, ctx, spec->default_quantizer);
        if (quantizer == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    MB_TRY(mb_quantizer_read(
        ctx, &model->document, quantizer, spec->use, spec->name, &weight->quantizer));
    layer->weights = weights;
    layer->n_weights++;
    return MB_OK;
}

static mb_status add_value(
    mb_context *ctx, mb_model *model, const mb_value_type *type, size_t *value) {
    MB_TRY(mb_grow(
        ctx, &model->values, &model->value_capacity, model->n_values + 1, sizeof *model->values));
    model->values[model->n_values] = (mb_value){*type, model->n_calls};
    *value = model->n_values++;
    return MB_OK;
}

static mb_status add_call(mb_context *ctx, mb_model *model, mb_layer *layer, const size_t *inputs,
    size_t n_inputs, const mb_value_type *type, size_t *output) {
    size_t *own =
        mb_arena_allocate(&model->document.arena, ctx, mb_max_size(n_inputs, 1), sizeof *own);
    if (own == NULL) {
        return MB_ERR_MEMORY;
    }
    if (n_inputs > 0) {
        memcpy(own, inputs, n_inputs * sizeof *own);
    }
    MB_TRY(mb_grow(
        ctx, &model->calls, &model->call_capacity, model->n_calls + 1, sizeof *model->calls));
    MB_TRY(add_value(ctx, model, type, output));
    model->calls[model->n_calls++] = (mb_call){layer, n_inputs, own, *output};
    layer->n_calls++;
    return MB_OK;
}

// Later sizes are made of products of these: they must not be empty, nor overflow.
static mb_status check_size(mb_context *ctx, const mb_value_type *type, const char *layer) {
    size_t size = 1;
    for (unsigned i = 0; i < type->rank; i++) {
        if (type->dim[i] == 0) {
            char text[96];
            return mb_fail(ctx, MB_ERR_SHAPE,
                "layer %s: its output would be empty, shape %s; use a smaller kernel, pool or "
                "stride",
                layer, mb_value_text(type, text, sizeof text));
        }
        if (type->dim[i] > MOST_PARAMETERS / size) {
            return mb_fail(ctx, MB_ERR_LIMIT,
                "layer %s: one event would have more than %d numbers; make it smaller", layer,
                MOST_PARAMETERS);
        }
        size *= type->dim[i];
    }
    return MB_OK;
}

mb_status mb_model_add_input(
    mb_context *ctx, mb_model *model, const char *name, const mb_value_type *type, size_t *value) {
    mb_layer *layer = NULL;
    MB_TRY(mb_model_add_layer(ctx, model, "input", name, NULL, NULL, &layer));
    MB_TRY(check_size(ctx, type, layer->name));
    return add_call(ctx, model, layer, NULL, 0, type, value);
}

mb_status mb_model_call(mb_context *ctx, mb_model *model, mb_layer *layer, const size_t *inputs,
    size_t n_inputs, size_t *output) {
    const mb_layer_ops *ops = layer->ops;
    if (n_inputs < ops->least_inputs || (ops->most_inputs != 0 && n_inputs > ops->most_inputs)) {
        return mb_fail(ctx, MB_ERR_SHAPE, "layer %s: has %zu inputs; %s takes %s%u", layer->name,
            n_inputs, ops->name, ops->most_inputs == ops->least_inputs ? "" : "at least ",
            ops->least_inputs);
    }
    mb_value_type types[64];
    if (n_inputs > MB_COUNT_OF(types)) {
        return mb_fail(ctx, MB_ERR_LIMIT, "layer %s: has %zu inputs; at most %zu are offered",
            layer->name, n_inputs, MB_COUNT_OF(types));
    }
    for (size_t i = 0; i < n_inputs; i++) {
        if (inputs[i] >= model->n_values) {
            return mb_fail(ctx, MB_ERR_ARG,
                "layer %s: input %zu is not a value of this model; pass what a call gave",
                layer->name, i);
        }
        types[i] = model->values[inputs[i]].type;
    }
    mb_value_type type = {0};
    if (mb_model_check_axes(ctx, model, layer, types, n_inputs) != MB_OK ||
        ops->infer(ctx, model, layer, types, n_inputs, &type) != MB_OK) {
        return mb_fail_within(ctx, "layer %s", layer->name);
    }
    type.axis = ops->moves_axes ? type.axis : types[0].axis;
    MB_TRY(check_size(ctx, &type, layer->name));
    return add_call(ctx, model, layer, inputs, n_inputs, &type, output);
}

static size_t *copy_values(mb_context *ctx, mb_model *model, const size_t *values, size_t n) {
    size_t *copy = mb_arena_allocate(&model->document.arena, ctx, mb_max_size(n, 1), sizeof *copy);
    if (copy != NULL && n > 0) {
        memcpy(copy, values, n * sizeof *copy);
    }
    return copy;
}

// Doubles, as the arena keeps what is left behind: nested models may come to very many calls.
static mb_status reserve_group_call(mb_context *ctx, mb_arena *arena, mb_group *group) {
    if (group->n_calls < group->call_capacity) {
        return MB_OK;
    }
    const size_t capacity = mb_max_size(2 * group->call_capacity, 1);
    mb_group_call *calls = mb_arena_allocate(arena, ctx, capacity, sizeof *calls);
    if (calls == NULL) {
        return MB_ERR_MEMORY;
    }
    if (group->n_calls > 0) {
        memcpy(calls, group->calls, group->n_calls * sizeof *calls);
    }
    group->calls = calls;
    group->call_capacity = capacity;
    return MB_OK;
}

mb_status mb_model_add_group_call(mb_context *ctx, mb_model *model, const char *name,
    const char *class_name, const size_t *inputs, size_t n_inputs, const size_t *outputs,
    size_t n_outputs) {
    mb_arena *arena = &model->document.arena;
    mb_group *group = NULL;
    for (size_t i = 0; i < model->n_groups; i++) {
        if (strcmp(model->groups[i].name, name) == 0) {
            group = &model->groups[i];
        }
    }
    if (group == NULL) {
        MB_TRY(mb_grow(ctx, &model->groups, &model->group_capacity, model->n_groups + 1,
            sizeof *model->groups));
        group = &model->groups[model->n_groups];
        *group = (mb_group){.name = mb_arena_text(arena, ctx, name),
            .class_name = mb_arena_text(arena, ctx, class_name)};
        if (group->name == NULL || group->class_name == NULL) {
            return MB_ERR_MEMORY;
        }
        model->n_groups++;
    }
    MB_TRY(reserve_group_call(ctx, arena, group));
    mb_group_call *call = &group->calls[group->n_calls];
    *call = (mb_group_call){n_inputs, n_outputs, copy_values(ctx, model, inputs, n_inputs),
        copy_values(ctx, model, outputs, n_outputs)};
    if (call->inputs == NULL || call->outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    group->n_calls++;
    return MB_OK;
}

static mb_status choose_inputs(
    mb_context *ctx, mb_model *model, const size_t *inputs, size_t n_inputs) {
    if (inputs != NULL) {
        model->inputs = copy_values(ctx, model, inputs, n_inputs);
        model->n_inputs = n_inputs;
        return model->inputs != NULL ? MB_OK : MB_ERR_MEMORY;
    }
    model->inputs = mb_arena_allocate(
        &model->document.arena, ctx, mb_max_size(model->n_calls, 1), sizeof *model->inputs);
    if (model->inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    model->n_inputs = 0;
    for (size_t i = 0; i < model->n_calls; i++) {
        if (model->calls[i].n_inputs == 0) {
            model->inputs[model->n_inputs++] = model->calls[i].output;
        }
    }
    return MB_OK;
}

// Inputs are values of input layers, each once, and all that the outputs depend on.
static mb_status check_inputs(mb_context *ctx, const mb_model *model) {
    bool *is_needed = mb_allocate_zeroed(ctx, model->n_calls, sizeof *is_needed);
    if (is_needed == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_outputs; i++) {
        is_needed[model->values[model->outputs[i]].producer] = true;
    }
    for (size_t i = model->n_calls; i-- > 0;) {
        const mb_call *call = &model->calls[i];
        for (size_t j = 0; j < call->n_inputs && is_needed[i]; j++) {
            is_needed[model->values[call->inputs[j]].producer] = true;
        }
    }
    mb_status status = MB_OK;
    for (size_t i = 0; i < model->n_inputs && status == MB_OK; i++) {
        const size_t value = model->inputs[i];
        bool is_good =
            value < model->n_values && model->calls[model->values[value].producer].n_inputs == 0;
        for (size_t j = 0; j < i; j++) {
            is_good = is_good && model->inputs[j] != value;
        }
        if (is_good) {
            is_needed[model->values[value].producer] = false;
        } else {
            status = mb_fail(ctx, MB_ERR_ARG,
                "model %s: input %zu is not an input layer's value, or comes twice; name each "
                "input layer once",
                model->name, i);
        }
    }
    for (size_t i = 0; i < model->n_calls && status == MB_OK; i++) {
        if (is_needed[i] && model->calls[i].n_inputs == 0) {
            status = mb_fail(ctx, MB_ERR_SHAPE,
                "model %s: its outputs need %s, which is not among its inputs; add it", model->name,
                model->calls[i].layer->name);
        }
    }
    mb_release(ctx, is_needed);
    return status;
}

static mb_status lay_out_parameters(mb_context *ctx, mb_model *model) {
    size_t n = 0;
    for (size_t i = 0; i < model->n_layers; i++) {
        n += model->layers[i]->n_weights;
    }
    model->weights =
        mb_arena_allocate(&model->document.arena, ctx, mb_max_size(n, 1), sizeof(mb_weight *));
    if (model->weights == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_layers; i++) {
        mb_layer *layer = model->layers[i];
        for (size_t j = 0; j < layer->n_weights; j++) {
            mb_weight *weight = &layer->weights[j];
            weight->offset = model->n_parameters;
            if (weight->count > MOST_PARAMETERS - model->n_parameters) {
                return mb_fail(ctx, MB_ERR_LIMIT,
                    "model %s: has more than %d parameters; make it smaller", model->name,
                    MOST_PARAMETERS);
            }
            model->n_parameters += weight->count;
            model->weights[model->n_weights++] = weight;
        }
    }
    model->parameters = mb_allocate_zeroed(ctx, model->n_parameters, sizeof *model->parameters);
    return model->parameters != NULL ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_model_finish(mb_context *ctx, mb_model *model, const size_t *inputs, size_t n_inputs,
    const size_t *outputs, size_t n_outputs) {
    if (n_outputs == 0) {
        return mb_fail(ctx, MB_ERR_SHAPE, "model %s: has no output; add a layer", model->name);
    }
    for (size_t i = 0; i < n_outputs; i++) {
        if (outputs[i] >= model->n_values) {
            return mb_fail(ctx, MB_ERR_ARG,
                "model %s: output %zu is not one of its values; pass what a call gave", model->name,
                i);
        }
    }
    MB_TRY(choose_inputs(ctx, model, inputs, n_inputs));
    model->outputs = copy_values(ctx, model, outputs, n_outputs);
    model->n_outputs = n_outputs;
    if (model->outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(check_inputs(ctx, model));
    return lay_out_parameters(ctx, model);
}

mb_status mb_model_initialize(
    mb_context *ctx, const mb_model *model, uint64_t seed, float *parameters) {
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        mb_random random = mb_random_stream(seed, MB_PURPOSE_INITIALIZER, (uint32_t)i, 0);
        if (weight->initializer.ops->fill(ctx, weight->initializer.options, weight, &random,
                parameters + weight->offset) != MB_OK) {
            return mb_fail_within(ctx, "layer %s", weight->layer->name);
        }
    }
    return MB_OK;
}

const mb_layer *mb_model_find_layer(const mb_model *model, const char *name) {
    for (size_t i = 0; i < model->n_layers; i++) {
        if (strcmp(model->layers[i]->name, name) == 0) {
            return model->layers[i];
        }
    }
    return NULL;
}

const mb_weight *mb_layer_find_weight(const mb_layer *layer, const char *name) {
    for (size_t i = 0; i < layer->n_weights; i++) {
        if (strcmp(layer->weights[i].name, name) == 0) {
            return &layer->weights[i];
        }
    }
    return NULL;
}

const mb_weight *mb_model_find_weight(
    const mb_model *model, const char *layer, const char *weight) {
    const mb_layer *found = mb_model_find_layer(model, layer);
    return found != NULL ? mb_layer_find_weight(found, weight) : NULL;
}

void mb_model_hash(const mb_model *model, const float *parameters, char out[65]) {
    mb_sha256 sha;
    mb_sha256_init(&sha);
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        mb_sha256_update(&sha, weight->layer->name, strlen(weight->layer->name) + 1);
        mb_sha256_update(&sha, weight->name, strlen(weight->name) + 1);
        mb_sha256_update(&sha, parameters + weight->offset, weight->count * sizeof *parameters);
    }
    mb_sha256_hex(&sha, out);
}

mb_status mb_model_check_finite(mb_context *ctx, const mb_model *model, const float *parameters) {
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        for (size_t j = 0; j < weight->count; j++) {
            if (!isfinite(parameters[weight->offset + j])) {
                return mb_fail(ctx, MB_ERR_NUMERIC,
                    "layer %s: %s[%zu] is %s; lower the learning rate or clip the gradients "
                    "(train.clip_norm)",
                    weight->layer->name, weight->name, j,
                    isnan(parameters[weight->offset + j]) ? "not a number" : "infinite");
            }
        }
    }
    return MB_OK;
}
