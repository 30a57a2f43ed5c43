// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "network/lanes.h"

// Activations that are layers of their own, with options.

typedef struct rectifier_options {
    mb_reals max_value;
    double negative_slope, threshold, alpha;
} rectifier_options;

static const mb_option re_lu_options[] = {
    {"max_value", MB_OPTION_REALS, offsetof(rectifier_options, max_value), "", 0, 1e30, NULL, NULL,
        "greatest output; default: none"},
    {"negative_slope", MB_OPTION_REAL, offsetof(rectifier_options, negative_slope), "0", 0, 1e30,
        NULL, NULL, "slope below the threshold"},
    {"threshold", MB_OPTION_REAL, offsetof(rectifier_options, threshold), "0", 0, 1e30, NULL, NULL,
        "where it begins"},
    MB_OPTIONS_END};
static const mb_option leaky_re_lu_options[] = {
    {"negative_slope", MB_OPTION_REAL, offsetof(rectifier_options, negative_slope), "0.3", 0, 1e30,
        NULL, "alpha", "slope below zero"},
    MB_OPTIONS_END};
static const mb_option elu_options[] = {
    {"alpha", MB_OPTION_REAL, offsetof(rectifier_options, alpha), "1", 0, 1e30, NULL, NULL,
        "how far below zero it goes"},
    MB_OPTIONS_END};

typedef struct rectifier_plan {
    float slope, threshold, most;
    bool is_limited;
} rectifier_plan;

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const rectifier_options *rectifier = layer->options;
    (void)model;
    (void)n_inputs;
    if (rectifier->max_value.n > 1) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "max_value has %zu numbers; write one", rectifier->max_value.n);
    }
    *output = *inputs;
    return MB_OK;
}

// A slope of 0 is no product: of minus infinity it would not be a number.
static void forward_rectifier(const mb_step *step, const mb_rows *rows) {
    const rectifier_plan *plan = step->data;
    for (size_t i = 0; i < rows->n * step->out_size; i++) {
        const float x = rows->in[0][i];
        const float below = plan->slope == 0 ? 0 : plan->slope * (x - plan->threshold);
        const float y = x < plan->threshold ? below : x;
        rows->out[i] = plan->is_limited && y >= plan->most ? plan->most : y; // keeps NaN
    }
}

// At the corners the lower side counts at the threshold, the flat side at the limit.
static void backward_rectifier(const mb_step *step, const mb_rows *rows) {
    const rectifier_plan *plan = step->data;
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[0] != NULL; i++) {
        const float x = rows->in[0][i];
        const float slope = x > plan->threshold ? 1 : plan->slope;
        const bool is_flat = plan->is_limited && rows->out[i] >= plan->most;
        rows->d_in[0][i] += is_flat ? 0 : rows->d_out[i] * slope;
    }
}

static void forward_elu(const mb_step *step, const mb_rows *rows) {
    const double alpha = ((const rectifier_options *)step->options)->alpha;
    for (size_t i = 0; i < rows->n * step->out_size; i++) {
        const float x = rows->in[0][i];
        rows->out[i] = 0 > x ? (float)(alpha * mb_expm1((double)x)) : x;
    }
}

static void backward_elu(const mb_step *step, const mb_rows *rows) {
    const float alpha = (float)((const rectifier_options *)step->options)->alpha;
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[0] != NULL; i++) {
        const float slope = rows->in[0][i] > 0 ? 1 : rows->out[i] + alpha;
        rows->d_in[0][i] += rows->d_out[i] * slope;
    }
}

static mb_status plan_rectifier(mb_context *ctx, mb_plan_site *site) {
    const rectifier_options *rectifier = site->layer->options;
    rectifier_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    plan->slope = (float)rectifier->negative_slope;
    plan->threshold = (float)rectifier->threshold;
    plan->is_limited = rectifier->max_value.n > 0;
    plan->most = (float)rectifier->max_value.value[0];
    site->step->data = plan;
    site->step->forward = forward_rectifier;
    site->step->backward = backward_rectifier;
    mb_lanes_take_rows(site->step);
    return MB_OK;
}

static mb_status plan_elu(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward_elu;
    site->step->backward = backward_elu;
    mb_lanes_take_rows(site->step);
    return MB_OK;
}

static bool set_activation(const char *name, double parameter, mb_activation *out) {
    *out = (mb_activation){mb_activation_find(name), {parameter, 0}};
    return true;
}

static bool find_rectifier(const mb_layer *layer, mb_activation *out) {
    const rectifier_options *rectifier = layer->options;
    if (rectifier->max_value.n > 0 || rectifier->threshold > 0) {
        return false;
    }
    return set_activation((float)rectifier->negative_slope > 0 ? "leaky_relu" : "relu",
        rectifier->negative_slope, out);
}

static bool find_elu(const mb_layer *layer, mb_activation *out) {
    return set_activation("elu", ((const rectifier_options *)layer->options)->alpha, out);
}

static mb_status rename_member(
    mb_context *ctx, mb_document *document, mb_node *config, const char *from, const char *to) {
    const mb_node *member = mb_node_find(config, from);
    if (member == NULL) {
        return MB_OK;
    }
    mb_node *copy = mb_node_copy(document, ctx, member);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_node_remove(config, from);
    return mb_node_set(document, ctx, config, to, copy);
}

// Keras 2 says alpha, Keras 3 negative_slope, and reads both.
static mb_status leaky_from_keras(
    mb_context *ctx, mb_document *document, mb_node *config, unsigned keras_major) {
    (void)keras_major;
    return rename_member(ctx, document, config, "alpha", "negative_slope");
}

static mb_status leaky_to_keras(
    mb_context *ctx, mb_document *document, mb_node *config, unsigned keras_major) {
    return keras_major < 3 ? rename_member(ctx, document, config, "negative_slope", "alpha")
                           : MB_OK;
}

#define RECTIFIER_LAYER(title, class, text, kind, reads, writes)                                   \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = title##_options,                                                                \
        .options_size = sizeof(rectifier_options),                                                 \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_ANY,                                                                   \
        .infer = infer,                                                                            \
        .plan = plan_##kind,                                                                       \
        .find_activation = find_##kind,                                                            \
        .from_keras = reads,                                                                       \
        .to_keras = writes,                                                                        \
    };

RECTIFIER_LAYER(
    re_lu, "ReLU", "rectifier with a limit, a slope and a threshold", rectifier, NULL, NULL)
RECTIFIER_LAYER(leaky_re_lu, "LeakyReLU", "rectifier with a slope below zero", rectifier,
    leaky_from_keras, leaky_to_keras)
RECTIFIER_LAYER(elu, "ELU", "exponential linear unit", elu, NULL, NULL)
