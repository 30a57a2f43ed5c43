// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

// The call that alone uses a model value, or SIZE_MAX.
typedef struct readers {
    const mb_model *model;
    const size_t *n_uses, *only_user;
} readers;

static size_t find_reader(const readers *r, size_t model_value) {
    return r->n_uses[model_value] == 1 ? r->only_user[model_value] : SIZE_MAX;
}

static bool is_pool_of(const mb_layer *pool, const mb_layer *layer) {
    return (pool->ops == &mb_layer_max_pooling1d || pool->ops == &mb_layer_max_pooling2d ||
               pool->ops == &mb_layer_max_pooling3d) &&
           pool->ops->is_channels_first(pool) == layer->ops->is_channels_first(layer);
}

// One that normalises the channels that the layer gives.
static bool is_normalization_of(const mb_layer *normalization, const mb_layer *layer) {
    return normalization->ops == &mb_layer_batch_normalization &&
           normalization->ops->is_channels_first(normalization) ==
               layer->ops->is_channels_first(layer);
}

void mb_plan_find_followers(const mb_model *model, const mb_call *call, const size_t *n_uses,
    const size_t *only_user, const mb_plan *plan, mb_plan_followers *out) {
    const readers r = {model, n_uses, only_user};
    const mb_call *calls = model->calls;
    size_t next = find_reader(&r, call->output);
    for (size_t i = 0; i < MB_FOLLOWERS; i++) {
        out->call[i] = SIZE_MAX;
    }
    if (call->layer->ops->layout != MB_LAYOUT_CHANNELS || call->layer->quantizer.ops != NULL) {
        return;
    }
    if (next != SIZE_MAX && calls[next].layer->ops->find_activation != NULL &&
        calls[next].layer->ops->find_activation(calls[next].layer, &out->found)) {
        out->call[MB_FOLLOWS_ACTIVATION] = next;
        next = find_reader(&r, calls[next].output);
    }
    // As a network predicts that is to be differentiated, a gradient passes each of them.
    if (next != SIZE_MAX && calls[next].layer->ops == &mb_layer_dropout && !plan->is_frozen) {
        out->call[MB_FOLLOWS_DROPOUT] = next;
        next = find_reader(&r, calls[next].output);
    }
    if (next != SIZE_MAX && is_normalization_of(calls[next].layer, call->layer) &&
        !plan->is_frozen) {
        out->call[MB_FOLLOWS_NORMALIZATION] = next;
        next = find_reader(&r, calls[next].output);
    }
    if (next != SIZE_MAX && is_pool_of(calls[next].layer, call->layer)) {
        out->call[MB_FOLLOWS_POOL] = next;
    }
}

const mb_layer *mb_plan_follower(
    const mb_model *model, const mb_plan_followers *followers, mb_follows kind) {
    const size_t call = followers->call[kind];
    return call == SIZE_MAX ? NULL : model->calls[call].layer;
}
