// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model.h"

#include "network/layers/folded.h"
#include "twin/model_parts.h"

#include <math.h>

// Reading a model, call by call, into a program.

// Adds a layer of a kind, named after the model's; NULL on failure.
static mb_twin_layer *add_layer(twin_translation *t, const char *kind) {
    if (t->ended_by != NULL) {
        mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
            "%s: comes behind %s, whose activation has no integers; only the end of a model may be "
            "float",
            t->layer->name, t->ended_by);
        return NULL;
    }
    if (mb_grow(t->ctx, &t->layers, &t->capacity, t->n_layers + 1, sizeof *t->layers) != MB_OK) {
        return NULL;
    }
    mb_twin_layer *layer = &t->layers[t->n_layers++];
    *layer = (mb_twin_layer){.kind = kind, .name = t->layer->name};
    return layer;
}

static const float *numbers_of(const twin_translation *t, const mb_weight *weight) {
    return t->parameters + weight->offset;
}

static mb_status refuse(const twin_translation *t, const char *what) {
    return mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
        "%s: %s has no integer form; change the layer, or stay with float", t->layer->name, what);
}

static size_t size_of(const mb_node *node) {
    return node != NULL && node->kind == MB_NODE_INT && node->integer > 0 ? (size_t)node->integer
                                                                          : 0;
}

// [rows, columns], or one number for both.
static void pair_of(const twin_translation *t, const char *option, size_t out[2]) {
    const mb_node *node = mb_node_find(t->options, option);
    for (size_t i = 0; i < 2; i++) {
        const bool is_list = node != NULL && node->kind == MB_NODE_LIST;
        out[i] = size_of(!is_list               ? node
                         : node->n_children > i ? mb_node_at(node, i)
                                                : node->first);
    }
}

static mb_status refuse_option(const twin_translation *t, const char *option, const char *usual) {
    const char *text = mb_node_words(t->options, option);
    return text[0] == '\0' || strcmp(text, usual) == 0 ? MB_OK : refuse(t, option);
}

// The format into which a quantiser of activations rounds and clips; false when it does anything
// else.
static bool conversion_of(const mb_quantizer *quantizer, mb_fixed *out) {
    mb_quantizer_grid grid;
    return mb_quantizer_find_grid(quantizer, &grid) && mb_quantizer_format(quantizer, 1, out) &&
           out->rounding == MB_FIXED_ROUND_EVEN && grid.inverse_step * grid.step == 1 &&
           (double)grid.step == mb_fixed_scale(1, mb_fixed_exponent(out)) &&
           (double)grid.low == (double)mb_fixed_least(out) &&
           (double)grid.high == (double)mb_fixed_most(out);
}

// A quantised activation: a result of the layer before, when that has none.
static mb_status take_quantizer(twin_translation *t, mb_twin_layer *layer) {
    mb_fixed format;
    if (!conversion_of(&t->layer->quantizer, &format)) {
        return refuse(t, t->layer->quantizer.ops->name);
    }
    layer->result = format;
    return MB_OK;
}

static mb_status take_activation_named(twin_translation *t, const char *name) {
    if (name[0] == '\0' || strcmp(name, "linear") == 0) {
        return MB_OK;
    }
    if (strcmp(name, "relu") == 0) {
        return add_layer(t, "relu") == NULL ? mb_context_status(t->ctx) : MB_OK;
    }
    if (t->ended_by != NULL) {
        return refuse(t, name);
    }
    t->ended_by = t->layer->name;
    t->program.activation = mb_arena_text(&t->document.arena, t->ctx, name);
    return t->program.activation == NULL ? MB_ERR_MEMORY : MB_OK;
}

// What stands in the option "activation" of the layer just added.
static mb_status take_own_activation(twin_translation *t) {
    if (t->layer->quantizer.ops != NULL) {
        return take_quantizer(t, &t->layers[t->n_layers - 1]);
    }
    return take_activation_named(t, mb_node_words(t->options, "activation"));
}

// A weight of a batch normalisation as its quantiser leaves it; absent: all of one value.
static const float *take_statistic(twin_translation *t, const char *name, float absent, size_t n) {
    const mb_weight *weight = mb_layer_find_weight(t->layer, name);
    float *out = mb_arena_allocate(&t->document.arena, t->ctx, n, sizeof *out);
    if (out != NULL && weight != NULL) {
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        mb_quantizer_apply(&weight->quantizer, &shape, numbers_of(t, weight), out);
    }
    for (size_t i = 0; out != NULL && weight == NULL && i < n; i++) {
        out[i] = absent;
    }
    return out;
}

// Kernel and bias (NULL: none), and where their numbers stand.
typedef struct weight_pair {
    const mb_weight *kernel, *bias;
    const float *kernel_numbers, *bias_numbers;
} weight_pair;

static mb_status take_pair(twin_translation *t, const weight_pair *pair, mb_twin_layer *layer) {
    const mb_weight *bias = pair->bias;
    const float *bias_scale = NULL;
    MB_TRY(mb_twin_translate_values(
        t, pair->kernel, pair->kernel_numbers, &layer->weights, &layer->scale, &layer->weight));
    if (bias == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_twin_translate_values(
        t, bias, pair->bias_numbers, &layer->bias, &bias_scale, &layer->bias_format));
    if (bias_scale == NULL) {
        return MB_OK;
    }
    if (layer->scale == NULL) {
        return mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
            "%s: its bias has a real scale and its kernel has not; give the bias alpha 1",
            t->layer->name);
    }
    // Beside a real scale the bias is a real number too.
    float *real = mb_arena_allocate(&t->document.arena, t->ctx, bias->count, sizeof *real);
    if (real == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_quantizer_shape shape = mb_quantizer_shape_of(bias->rank, bias->dim);
    mb_quantizer_apply(&bias->quantizer, &shape, pair->bias_numbers, real);
    layer->bias = real;
    layer->bias_format = (mb_fixed){0};
    return MB_OK;
}

// Kernel and bias with a normalisation folded in, in the arithmetic of the layer's own prediction.
static mb_status take_folded(twin_translation *t, mb_twin_layer *layer) {
    const mb_weight *kernel = mb_layer_find_weight(t->layer, "kernel");
    const mb_weight *written = mb_layer_find_weight(t->layer, "bias");
    const double epsilon = mb_node_find(t->options, "epsilon")->real;
    const size_t n = kernel->dim[kernel->rank - 1];
    const mb_weight bias = {.name = "bias",
        .rank = 1,
        .dim = {n},
        .count = n,
        .quantizer = *mb_folded_bias_quantizer(t->layer)};
    const float *gamma = take_statistic(t, "gamma", 1, n);
    const float *beta = take_statistic(t, "beta", 0, n);
    const float *mean = take_statistic(t, "moving_mean", 0, n);
    const float *variance = take_statistic(t, "moving_variance", 1, n);
    float *folded = mb_arena_allocate(&t->document.arena, t->ctx, kernel->count, sizeof *folded);
    float *shifted = mb_arena_allocate(&t->document.arena, t->ctx, n, sizeof *shifted);
    if (gamma == NULL || beta == NULL || mean == NULL || variance == NULL || folded == NULL ||
        shifted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t o = 0; o < n; o++) {
        const float scale = (float)(1 / sqrt((double)variance[o] + epsilon)) * gamma[o];
        const float plain = written == NULL ? 0 : numbers_of(t, written)[o];
        for (size_t i = o; i < kernel->count; i += n) {
            folded[i] = scale * numbers_of(t, kernel)[i];
        }
        shifted[o] = scale * (plain - mean[o]) + beta[o];
    }
    return take_pair(t, &(weight_pair){kernel, &bias, folded, shifted}, layer);
}

static mb_status take_weights(twin_translation *t, mb_twin_layer *layer) {
    const mb_weight *kernel = mb_layer_find_weight(t->layer, "kernel");
    const mb_weight *bias = mb_layer_find_weight(t->layer, "bias");
    if (kernel->is_folded) {
        return take_folded(t, layer);
    }
    return take_pair(t,
        &(weight_pair){
            kernel, bias, numbers_of(t, kernel), bias == NULL ? NULL : numbers_of(t, bias)},
        layer);
}

static mb_status take_dense(twin_translation *t) {
    mb_twin_layer *layer = add_layer(t, "dense");
    if (layer == NULL) {
        return mb_context_status(t->ctx);
    }
    layer->units = t->output->dim[t->output->rank - 1];
    MB_TRY(take_weights(t, layer));
    return take_own_activation(t);
}

static mb_status take_conv2d(twin_translation *t) {
    size_t dilation[2];
    pair_of(t, "dilation_rate", dilation);
    if (dilation[0] > 1 || dilation[1] > 1) {
        return refuse(t, "dilation_rate");
    }
    MB_TRY(refuse_option(t, "data_format", "channels_last"));
    MB_TRY(refuse_option(t, "pad_phi", "zero"));
    mb_twin_layer *layer = add_layer(t, "conv2d");
    if (layer == NULL) {
        return mb_context_status(t->ctx);
    }
    layer->units = t->output->dim[2];
    layer->is_same = strcmp(mb_node_words(t->options, "padding"), "same") == 0;
    pair_of(t, "kernel_size", layer->window);
    pair_of(t, "strides", layer->stride);
    MB_TRY(take_weights(t, layer));
    return take_own_activation(t);
}

static mb_status take_pool(twin_translation *t, const char *kind) {
    MB_TRY(refuse_option(t, "data_format", "channels_last"));
    mb_twin_layer *layer = add_layer(t, kind);
    if (layer == NULL) {
        return mb_context_status(t->ctx);
    }
    layer->is_same = strcmp(mb_node_words(t->options, "padding"), "same") == 0;
    pair_of(t, "pool_size", layer->window);
    pair_of(t, "strides", layer->stride);
    return MB_OK;
}

static mb_status take_max_pooling(twin_translation *t) {
    return take_pool(t, "max_pooling");
}

static mb_status take_average_pooling(twin_translation *t) {
    return take_pool(t, "average_pooling");
}

static mb_status take_up_sampling(twin_translation *t) {
    MB_TRY(refuse_option(t, "data_format", "channels_last"));
    MB_TRY(refuse_option(t, "interpolation", "nearest"));
    mb_twin_layer *layer = add_layer(t, "up_sampling");
    if (layer == NULL) {
        return mb_context_status(t->ctx);
    }
    pair_of(t, "size", layer->window);
    return MB_OK;
}

static mb_status take_activation(twin_translation *t) {
    if (t->layer->quantizer.ops == NULL) {
        return take_activation_named(t, mb_node_words(t->options, "activation"));
    }
    mb_twin_layer *layer = add_layer(t, "convert");
    return layer == NULL ? mb_context_status(t->ctx) : take_quantizer(t, layer);
}

static mb_status take_relu(twin_translation *t) {
    const mb_node *most = mb_node_find(t->options, "max_value");
    const mb_node *slope = mb_node_find(t->options, "negative_slope");
    const mb_node *threshold = mb_node_find(t->options, "threshold");
    const bool has_most = most != NULL && most->n_children > 0;
    if (has_most || (slope != NULL && slope->real != 0) ||
        (threshold != NULL && threshold->real != 0)) {
        return refuse(t, "a rectifier with slope, threshold or maximum");
    }
    return take_activation_named(t, "relu");
}

static mb_status take_softmax(twin_translation *t) {
    return take_activation_named(t, "softmax");
}

static mb_status take_flatten(twin_translation *t) {
    MB_TRY(refuse_option(t, "data_format", "channels_last"));
    // Of a row, the same numbers in the same order: shapes alone change.
    if (t->n_layers == 0) {
        t->program.input = *t->output;
        return MB_OK;
    }
    return add_layer(t, "flatten") == NULL ? mb_context_status(t->ctx) : MB_OK;
}

static mb_status take_reshape(twin_translation *t) {
    if (t->n_layers == 0) {
        t->program.input = *t->output;
        return MB_OK;
    }
    if (t->output->rank != 1) {
        return refuse(t, "a new shape in the midst of a model");
    }
    return add_layer(t, "flatten") == NULL ? mb_context_status(t->ctx) : MB_OK;
}

static mb_status take_nothing(twin_translation *t) {
    (void)t;
    return MB_OK;
}

static const mb_twin_override *override_of(const twin_translation *t, const char *layer) {
    for (size_t i = 0; i < t->settings->n_overrides; i++) {
        if (strcmp(t->settings->overrides[i].layer, layer) == 0) {
            return &t->settings->overrides[i];
        }
    }
    return NULL;
}

// y = x * S + B with S = gamma / sqrt(variance + epsilon), B = beta - mean * S.
static mb_status take_normalization(twin_translation *t) {
    const size_t n = t->input->dim[t->input->rank - 1];
    const mb_node *axis = mb_node_find(t->options, "axis");
    const mb_node *epsilon = mb_node_find(t->options, "epsilon");
    const mb_twin_override *given = override_of(t, t->layer->name);
    if (axis != NULL && axis->integer != -1 && axis->integer != (int64_t)t->input->rank) {
        return refuse(t, "an axis that is not the last");
    }
    mb_twin_layer *layer = add_layer(t, "scale");
    const float *gamma = take_statistic(t, "gamma", 1, n);
    const float *beta = take_statistic(t, "beta", 0, n);
    const float *mean = take_statistic(t, "moving_mean", 0, n);
    const float *variance = take_statistic(t, "moving_variance", 1, n);
    float *scale = mb_arena_allocate(&t->document.arena, t->ctx, n, sizeof *scale);
    float *bias = mb_arena_allocate(&t->document.arena, t->ctx, n, sizeof *bias);
    if (layer == NULL || gamma == NULL || beta == NULL || mean == NULL || variance == NULL ||
        scale == NULL || bias == NULL) {
        return mb_context_status(t->ctx);
    }
    for (size_t i = 0; i < n; i++) {
        const double s = (double)gamma[i] / sqrt((double)variance[i] + epsilon->real);
        scale[i] = (float)s;
        bias[i] = (float)((double)beta[i] - (double)mean[i] * s);
    }
    layer->bias = bias;
    if (given != NULL && given->weight.bits != 0) {
        layer->weights = scale;
    } else {
        layer->scale = scale;
    }
    return MB_OK;
}

// The layers that have an integer form.
static const struct {
    const mb_layer_ops *ops;
    mb_status (*take)(twin_translation *t);
} forms[] = {
    {&mb_layer_input, take_nothing},
    {&mb_layer_dense, take_dense},
    {&mb_layer_conv2d, take_conv2d},
    {&mb_layer_q_dense_batchnorm, take_dense},
    {&mb_layer_q_conv2d_batchnorm, take_conv2d},
    {&mb_layer_activation, take_activation},
    {&mb_layer_q_activation, take_activation},
    {&mb_layer_re_lu, take_relu},
    {&mb_layer_softmax, take_softmax},
    {&mb_layer_batch_normalization, take_normalization},
    {&mb_layer_q_batch_normalization, take_normalization},
    {&mb_layer_max_pooling2d, take_max_pooling},
    {&mb_layer_average_pooling2d, take_average_pooling},
    {&mb_layer_up_sampling2d, take_up_sampling},
    {&mb_layer_flatten, take_flatten},
    {&mb_layer_reshape, take_reshape},
    {&mb_layer_dropout, take_nothing},
    {&mb_layer_spatial_dropout2d, take_nothing},
    {&mb_layer_gaussian_dropout, take_nothing},
    {&mb_layer_gaussian_noise, take_nothing},
};

static mb_status take_call(twin_translation *t, const mb_call *call) {
    t->layer = call->layer;
    t->input = call->n_inputs == 0 ? NULL : &t->model->values[call->inputs[0]].type;
    t->output = &t->model->values[call->output].type;
    t->options = mb_options_to_node(
        t->ctx, &t->document, call->layer->ops->options, call->layer->options, true);
    if (t->options == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < MB_COUNT_OF(forms); i++) {
        if (forms[i].ops == call->layer->ops) {
            return forms[i].take(t);
        }
    }
    return refuse(t, call->layer->ops->class_name);
}

static mb_status check_chain(mb_context *ctx, const mb_model *model) {
    if (model->n_inputs != 1 || model->n_outputs != 1) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: has %zu inputs and %zu outputs; a twin takes one of each", model->name,
            model->n_inputs, model->n_outputs);
    }
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        const bool is_first = call->n_inputs == 0;
        if (is_first
                ? i != 0
                : call->n_inputs != 1 || i == 0 || call->inputs[0] != model->calls[i - 1].output) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "%s: does not follow the layer before it alone; a twin takes layers one after "
                "another",
                call->layer->name);
        }
    }
    return MB_OK;
}

// The input's format: as given, or that of a quantiser before everything else.
static mb_status find_input(twin_translation *t) {
    t->program.input_format = t->settings->input;
    if (t->settings->input.bits != 0) {
        return MB_OK;
    }
    if (t->n_layers == 0 || strcmp(t->layers[0].kind, "convert") != 0) {
        return mb_fail(t->ctx, MB_ERR_UNSUPPORTED,
            "%s: the input has no fixed-point format; give one, such as \"<10,10>u\" for whole "
            "numbers up to 1023, or begin the model with a q_activation",
            t->model->name);
    }
    t->program.input_format = t->layers[0].result;
    return MB_OK;
}

static mb_status translate(twin_translation *t, mb_twin **out) {
    const mb_model *model = t->model;
    MB_TRY(check_chain(t->ctx, model));
    t->program.input = model->values[model->inputs[0]].type;
    for (size_t i = 0; i < model->n_calls; i++) {
        MB_TRY(take_call(t, &model->calls[i]));
    }
    MB_TRY(find_input(t));
    t->program.layers = t->layers;
    t->program.n_layers = t->n_layers;
    return mb_twin_create(
        t->ctx, &t->program, t->settings->overrides, t->settings->n_overrides, out);
}

mb_status mb_twin_from_model(
    mb_context *ctx, const mb_model *model, const mb_twin_model_settings *settings, mb_twin **out) {
    const mb_twin_model_settings usual = {.parameters = NULL};
    twin_translation t = {
        .ctx = ctx, .model = model, .settings = settings == NULL ? &usual : settings};
    t.parameters = t.settings->parameters == NULL ? model->parameters : t.settings->parameters;
    *out = NULL;
    mb_document_init(&t.document, ctx, model->name);
    const mb_status status = translate(&t, out);
    mb_release(ctx, t.layers);
    mb_document_clear(&t.document);
    return status;
}
