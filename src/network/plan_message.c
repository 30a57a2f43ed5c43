// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

// Finds chains of layers over edges that are one step.

typedef struct search {
    const mb_model *model;
    const size_t *n_uses, *only_user;
    mb_plan_message *found;
} search;

// The call that alone uses a value, when it is of a kind; SIZE_MAX: none.
static size_t find_user(const search *s, size_t value, const mb_layer_ops *ops) {
    const size_t user = s->n_uses[value] == 1 ? s->only_user[value] : SIZE_MAX;
    return user != SIZE_MAX && s->model->calls[user].layer->ops == ops ? user : SIZE_MAX;
}

static void take(search *s, size_t call) {
    s->found->calls[s->found->n_calls++] = call;
    s->found->output = s->model->calls[call].output;
}

static const mb_activation_ops *activation_of(const mb_layer *dense) {
    const mb_option *option = mb_layer_option(dense->ops, "activation");
    const char *name = NULL;
    memcpy(&name, (const char *)dense->options + option->offset, sizeof name);
    return mb_activation_find(name);
}

static bool is_called(const mb_activation_ops *activation, const char *name) {
    return strcmp(activation->name, name) == 0;
}

// A dense layer, behind a value, whose output no quantiser changes.
static size_t find_dense(const search *s, size_t value) {
    const size_t user = find_user(s, value, &mb_layer_dense);
    return user != SIZE_MAX && s->model->calls[user].layer->quantizer.ops == NULL ? user : SIZE_MAX;
}

// Dense layers up to the one that gives the weight, and the softmax.
static bool take_kernel(search *s, size_t value) {
    mb_message_layers *layers = &s->found->layers;
    for (;;) {
        const size_t user = find_dense(s, value);
        if (user == SIZE_MAX) {
            return false;
        }
        const mb_layer *layer = s->model->calls[user].layer;
        const mb_activation_ops *activation = activation_of(layer);
        take(s, user);
        value = s->found->output;
        if (!is_called(activation, "relu")) {
            layers->last = layer;
            const size_t softmax = find_user(s, value, &mb_layer_edge_softmax);
            if (is_called(activation, "linear") && softmax != SIZE_MAX) {
                layers->softmax = s->model->calls[softmax].layer;
                take(s, softmax);
            } else if (!is_called(activation, "sigmoid")) {
                return false;
            }
            return layers->n_hidden > 0 && layer->weights[0].dim[1] == 1;
        }
        if (layers->n_hidden == MB_MESSAGE_MOST_HIDDEN) {
            return false;
        }
        s->found->hidden[layers->n_hidden++] = layer;
    }
}

static bool take_sum(search *s, size_t nodes) {
    const size_t weight = s->found->output;
    const size_t user = find_user(s, weight, &mb_layer_weighted_sum);
    const mb_message_layers *layers = &s->found->layers;
    if (user == SIZE_MAX) {
        return false;
    }
    const mb_call *call = &s->model->calls[user];
    const unsigned edges = layers->gather->edges;
    take(s, user);
    return call->inputs[0] == nodes && call->inputs[1] == weight && call->layer->edges == edges &&
           (layers->softmax == NULL || layers->softmax->edges == edges);
}

static void take_update(search *s, size_t nodes) {
    mb_message_layers *layers = &s->found->layers;
    const size_t sum = s->found->output;
    const size_t user = find_user(s, sum, &mb_layer_concatenate);
    if (user == SIZE_MAX) {
        return;
    }
    const mb_call *call = &s->model->calls[user];
    const size_t dense = find_dense(s, call->output);
    if (dense == SIZE_MAX || call->n_inputs != 2 || call->inputs[0] != nodes ||
        call->inputs[1] != sum || call->layer->quantizer.ops != NULL) {
        return;
    }
    layers->update = s->model->calls[dense].layer;
    layers->activation = activation_of(layers->update);
    take(s, user);
    take(s, dense);
}

// A batch normalisation that predicts shifts and scales each number.
static void take_normalization(search *s) {
    mb_message_layers *layers = &s->found->layers;
    const size_t user = find_user(s, s->found->output, &mb_layer_batch_normalization);
    if (user != SIZE_MAX && layers->update != NULL && is_called(layers->activation, "relu") &&
        s->model->calls[user].layer->quantizer.ops == NULL) {
        layers->normalization = s->model->calls[user].layer;
        take(s, user);
    }
}

bool mb_plan_find_message(const mb_model *model, size_t call, const size_t *n_uses,
    const size_t *only_user, bool is_training, mb_plan_message *out) {
    const mb_call *gather = &model->calls[call];
    search s = {model, n_uses, only_user, out};
    if (gather->layer->ops != &mb_layer_gather) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->layers.gather = gather->layer;
    out->layers.hidden = out->hidden;
    if (!take_kernel(&s, gather->output) || !take_sum(&s, gather->inputs[0])) {
        return false;
    }
    take_update(&s, gather->inputs[0]);
    if (!is_training) {
        take_normalization(&s);
    }
    return true;
}
