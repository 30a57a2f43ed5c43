// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/channels.h"
#include "network/lanes.h"
#include "network/layers/normalization.h"

#include <math.h>

typedef struct normalization_options {
    int64_t axis;
    double momentum, epsilon;
    bool center, scale, unbiased_variance;
    const mb_node *beta_initializer, *gamma_initializer;
    const mb_node *moving_mean_initializer, *moving_variance_initializer;
    const mb_node *beta_regularizer, *gamma_regularizer;
    const mb_node *beta_quantizer, *gamma_quantizer, *mean_quantizer, *variance_quantizer;
} normalization_options;

#define NODE(name, help)                                                                           \
    { #name, MB_OPTION_NODE, offsetof(normalization_options, name), "", 0, 0, NULL, NULL, help }

#define COMMON_OPTIONS                                                                             \
    {"axis", MB_OPTION_INT, offsetof(normalization_options, axis), "-1", -MB_MAX_DIMS,             \
        MB_MAX_DIMS, NULL, NULL,                                                                   \
        "of the channels, counted as Keras does: 0 would be the events, -1 is the last"},          \
        {"momentum", MB_OPTION_REAL, offsetof(normalization_options, momentum), "0.99", 0, 1,      \
            NULL, NULL, "how much of the moving averages a batch keeps"},                          \
        {"epsilon", MB_OPTION_REAL, offsetof(normalization_options, epsilon), "0.001", 0, 1e6,     \
            NULL, NULL, "added to the variance"},                                                  \
        {"center", MB_OPTION_BOOL, offsetof(normalization_options, center), "true", 0, 0, NULL,    \
            NULL, "add beta"},                                                                     \
        {"scale", MB_OPTION_BOOL, offsetof(normalization_options, scale), "true", 0, 0, NULL,      \
            NULL, "multiply by gamma"},                                                            \
        {"unbiased_variance", MB_OPTION_BOOL, offsetof(normalization_options, unbiased_variance),  \
            "false", 0, 0, NULL, NULL,                                                             \
            "N/(N-1) in the moving variance, as PyTorch and Keras 2's fused form have"},           \
        NODE(beta_initializer, "default zeros"), NODE(gamma_initializer, "default ones"),          \
        NODE(moving_mean_initializer, "default zeros"),                                            \
        NODE(moving_variance_initializer, "default ones"),                                         \
        NODE(beta_regularizer, "penalty on beta"), NODE(gamma_regularizer, "penalty on gamma")

static const mb_option options[] = {COMMON_OPTIONS, MB_OPTIONS_END};
static const mb_option quantized_options[] = {COMMON_OPTIONS,
    NODE(beta_quantizer, "quantiser of beta; default quantized_po2(5)"),
    NODE(gamma_quantizer, "quantiser of gamma; default quantized_relu_po2(6,2048)"),
    NODE(mean_quantizer, "quantiser of the mean; default quantized_po2(5)"),
    NODE(variance_quantizer, "quantiser of the variance; default "
                             "quantized_relu_po2(6,quadratic_approximation=1)"),
    MB_OPTIONS_END};

static bool is_channels_first(const mb_layer *layer) {
    return ((const normalization_options *)layer->options)->axis == 1;
}

static mb_status find_axis(
    mb_context *ctx, const normalization_options *normalization, unsigned rank, size_t *axis) {
    const int64_t written = normalization->axis;
    const int64_t at = written < 0 ? written + (int64_t)rank : written - 1;
    if (at != (int64_t)rank - 1 && (written != 1 || rank == 0)) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "axis %lld is neither the first nor the last of a row; use 1 or -1, or permute first",
            (long long)written);
    }
    *axis = (size_t)at;
    return MB_OK;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const normalization_options *n = layer->options;
    size_t axis = 0;
    (void)n_inputs;
    MB_TRY(find_axis(ctx, n, inputs->rank, &axis));
    const bool is_quantized = layer->ops == &mb_layer_q_batch_normalization;
    const char *const power = is_quantized ? "quantized_po2(5)" : NULL;
    const mb_weight_spec specs[] = {
        {"gamma", 1, {inputs->dim[axis]}, 1, 1, n->gamma_initializer, "ones", n->gamma_regularizer,
            true, n->gamma_quantizer, is_quantized ? "quantized_relu_po2(6,2048)" : NULL,
            MB_QUANTIZER_KERNEL, false},
        {"beta", 1, {inputs->dim[axis]}, 1, 1, n->beta_initializer, "zeros", n->beta_regularizer,
            true, n->beta_quantizer, power, MB_QUANTIZER_BIAS, false},
        {"moving_mean", 1, {inputs->dim[axis]}, 1, 1, n->moving_mean_initializer, "zeros", NULL,
            false, n->mean_quantizer, power, MB_QUANTIZER_BIAS, false},
        {"moving_variance", 1, {inputs->dim[axis]}, 1, 1, n->moving_variance_initializer, "ones",
            NULL, false, n->variance_quantizer,
            is_quantized ? "quantized_relu_po2(6,quadratic_approximation=1)" : NULL,
            MB_QUANTIZER_KERNEL, false},
    };
    for (size_t i = 0; i < MB_COUNT_OF(specs); i++) {
        const bool is_left_out = (i == 0 && !n->scale) || (i == 1 && !n->center);
        if (!is_left_out) {
            MB_TRY(mb_layer_add_weight(ctx, model, layer, &specs[i]));
        }
    }
    *output = *inputs;
    return MB_OK;
}

void mb_normalization_pack(
    const mb_normalization *normalization, const float *parameters, float *packed) {
    const size_t n = normalization->n_channels;
    const size_t gamma = normalization->gamma;
    const size_t beta = normalization->beta;
    for (size_t c = 0; c < n; c++) {
        const double variance = (double)parameters[normalization->moving_variance + c];
        packed[MB_NORMALIZATION_GAMMA * n + c] = gamma == SIZE_MAX ? 1.0F : parameters[gamma + c];
        packed[MB_NORMALIZATION_BETA * n + c] = beta == SIZE_MAX ? 0.0F : parameters[beta + c];
        packed[MB_NORMALIZATION_MEAN * n + c] = parameters[normalization->moving_mean + c];
        packed[MB_NORMALIZATION_INVERSE * n + c] =
            (float)(1 / sqrt(variance + normalization->epsilon));
    }
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    mb_normalization_pack(step->data, parameters, packed);
}

// The rows of channels of a block, normalised with a mean and an inverse deviation.
static mb_channels channels_of(
    const mb_step *step, const mb_rows *rows, const float *mean, const float *inverse) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    return (mb_channels){rows->n * (step->out_size / n), n, rows->in[0], mean, inverse,
        step->packed + MB_NORMALIZATION_GAMMA * n};
}

static void normalize(
    const mb_step *step, const mb_rows *rows, const float *mean, const float *inverse) {
    const mb_normalization *plan = step->data;
    const mb_channels channels = channels_of(step, rows, mean, inverse);
    step->kernels->channels->normalize(
        &channels, step->packed + MB_NORMALIZATION_BETA * plan->n_channels, rows->out);
}

static void forward_moving(const mb_step *step, const mb_rows *rows) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    normalize(step, rows, step->packed + MB_NORMALIZATION_MEAN * n,
        step->packed + MB_NORMALIZATION_INVERSE * n);
}

static void forward_batch(const mb_step *step, const mb_rows *rows) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    normalize(step, rows, step->batch + MB_NORMALIZATION_BATCH_MEAN * n,
        step->batch + MB_NORMALIZATION_BATCH_INVERSE * n);
}

static void backward_moving(const mb_step *step, const mb_rows *rows) {
    const mb_normalization *plan = step->data;
    const size_t n = plan->n_channels;
    const float *gamma = step->packed + MB_NORMALIZATION_GAMMA * n;
    const float *inverse = step->packed + MB_NORMALIZATION_INVERSE * n;
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[0] != NULL; i++) {
        rows->d_in[0][i] += rows->d_out[i] * (inverse[i % n] * gamma[i % n]);
    }
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    const float *packed = step->packed;
    for (size_t i = 0; i < step->out_size * MB_SAMPLES; i++) {
        const size_t c = i / MB_SAMPLES % n;
        rows->out[i] = (rows->in[0][i] - packed[MB_NORMALIZATION_MEAN * n + c]) *
                           (packed[MB_NORMALIZATION_INVERSE * n + c] *
                               packed[MB_NORMALIZATION_GAMMA * n + c]) +
                       packed[MB_NORMALIZATION_BETA * n + c];
    }
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    const float *gamma = step->packed + MB_NORMALIZATION_GAMMA * n;
    const float *inverse = step->packed + MB_NORMALIZATION_INVERSE * n;
    for (size_t i = 0; i < step->out_size * MB_SAMPLES && rows->d_in[0] != NULL; i++) {
        const size_t c = i / MB_SAMPLES % n;
        rows->d_in[0][i] += rows->d_out[i] * (inverse[c] * gamma[c]);
    }
}

static void take_statistics(const mb_step *step, const mb_rows *rows, double *partial) {
    const mb_channels channels = channels_of(step, rows, NULL, NULL);
    memset(partial, 0, step->n_statistics * sizeof *partial);
    step->kernels->channels->statistics(&channels, partial, partial + channels.channels);
}

static double count_of(const mb_step *step, size_t n_rows) {
    const mb_normalization *plan = step->data;
    return (double)n_rows * (double)(step->out_size / plan->n_channels);
}

// Quantises a batch's statistic in place; slope gets the straight-through derivative.
static void quantize_statistic(
    const mb_quantizer *quantizer, size_t n, float *values, float *slope) {
    const mb_quantizer_shape shape = mb_quantizer_shape_of(1, &n);
    mb_quantizer_differentiate(quantizer, values, slope, n);
    mb_quantizer_apply(quantizer, &shape, values, values);
}

static void quantize_statistics(const mb_normalization *plan, float *batch) {
    const size_t n = plan->n_channels;
    float *inverse = batch + MB_NORMALIZATION_BATCH_INVERSE * n;
    quantize_statistic(&plan->mean_weight->quantizer, n, batch + MB_NORMALIZATION_BATCH_MEAN * n,
        batch + MB_NORMALIZATION_MEAN_SLOPE * n);
    quantize_statistic(
        &plan->variance_weight->quantizer, n, inverse, batch + MB_NORMALIZATION_VARIANCE_SLOPE * n);
    for (size_t c = 0; c < n; c++) {
        inverse[c] = (float)(1 / sqrt((double)inverse[c] + plan->epsilon));
    }
}

void mb_normalization_finish(
    const mb_normalization *plan, const double *total, double count, float *batch, float *moving) {
    const size_t n = plan->n_channels;
    if (count == 0) {
        memset(batch, 0, MB_NORMALIZATION_BATCH * n * sizeof *batch);
        return;
    }
    for (size_t c = 0; c < n; c++) {
        const double mean = total[c] / count;
        const double difference = total[n + c] / count - mean * mean;
        const double variance = difference < 0 ? 0 : difference; // rounding; NaN stays
        const double correction = plan->is_unbiased ? count / (count > 1 ? count - 1 : 1) : 1;
        float *moving_mean = &moving[plan->moving_mean + c];
        float *moving_variance = &moving[plan->moving_variance + c];
        batch[MB_NORMALIZATION_CENTRE * n + c] = batch[MB_NORMALIZATION_BATCH_MEAN * n + c] =
            (float)mean;
        batch[MB_NORMALIZATION_BATCH_INVERSE * n + c] =
            plan->is_quantized ? (float)variance : (float)(1 / sqrt(variance + plan->epsilon));
        batch[MB_NORMALIZATION_MEAN_SLOPE * n + c] =
            batch[MB_NORMALIZATION_VARIANCE_SLOPE * n + c] = 1;
        *moving_mean = mb_normalization_move(*moving_mean, mean, plan->momentum);
        *moving_variance =
            mb_normalization_move(*moving_variance, variance * correction, plan->momentum);
    }
    if (plan->is_quantized) {
        quantize_statistics(plan, batch);
    }
}

static void finish(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *moving) {
    mb_normalization_finish(step->data, total, count_of(step, n_rows), batch, moving);
}

// Sums over the batch of the output's gradient, and of it times the normalised input.
static void take_d_statistics(
    const mb_step *step, const mb_rows *rows, const float *batch, double *partial) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    const mb_channels channels = channels_of(step, rows, batch + MB_NORMALIZATION_BATCH_MEAN * n,
        batch + MB_NORMALIZATION_BATCH_INVERSE * n);
    memset(partial, 0, step->n_d_statistics * sizeof *partial);
    step->kernels->channels->d_statistics(&channels, rows->d_out, partial, partial + n);
}

void mb_normalization_finish_backward(const mb_normalization *plan, const double *total,
    double count, float *batch, float *gradient) {
    const size_t n = plan->n_channels;
    for (size_t c = 0; c < n && count > 0; c++) {
        batch[MB_NORMALIZATION_D_MEAN * n + c] =
            (float)(total[c] / count) * batch[MB_NORMALIZATION_MEAN_SLOPE * n + c];
        batch[MB_NORMALIZATION_D_PROJECTION * n + c] =
            (float)(total[n + c] / count) * batch[MB_NORMALIZATION_VARIANCE_SLOPE * n + c];
        gradient[c] += (float)total[n + c];
        gradient[n + c] += (float)total[c];
    }
}

static void finish_backward(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *gradient) {
    mb_normalization_finish_backward(step->data, total, count_of(step, n_rows), batch, gradient);
}

static void backward_batch(const mb_step *step, const mb_rows *rows) {
    const size_t n = ((const mb_normalization *)step->data)->n_channels;
    const float *batch = step->batch;
    const mb_channels channels = channels_of(step, rows, batch + MB_NORMALIZATION_CENTRE * n,
        batch + MB_NORMALIZATION_BATCH_INVERSE * n);
    if (rows->d_in[0] != NULL) {
        step->kernels->channels->back(&channels, rows->d_out, batch + MB_NORMALIZATION_D_MEAN * n,
            batch + MB_NORMALIZATION_D_PROJECTION * n, rows->d_in[0]);
    }
}

void mb_normalization_unpack(
    const mb_normalization *plan, const float *packed_gradient, float *gradient) {
    for (size_t c = 0; c < plan->n_channels; c++) {
        if (plan->gamma != SIZE_MAX) {
            gradient[plan->gamma + c] += packed_gradient[c];
        }
        if (plan->beta != SIZE_MAX) {
            gradient[plan->beta + c] += packed_gradient[plan->n_channels + c];
        }
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    mb_normalization_unpack(step->data, packed_gradient, gradient);
}

static size_t offset_of(const mb_weight *weight) {
    return weight != NULL ? weight->offset : SIZE_MAX;
}

void mb_normalization_read(const mb_layer *layer, size_t n_channels, mb_normalization *out) {
    const normalization_options *n = layer->options;
    *out = (mb_normalization){.n_channels = n_channels,
        .momentum = n->momentum,
        .epsilon = n->epsilon,
        .is_unbiased = n->unbiased_variance,
        .is_quantized = layer->ops == &mb_layer_q_batch_normalization,
        .mean_weight = mb_layer_find_weight(layer, "moving_mean"),
        .variance_weight = mb_layer_find_weight(layer, "moving_variance"),
        .gamma = offset_of(mb_layer_find_weight(layer, "gamma")),
        .beta = offset_of(mb_layer_find_weight(layer, "beta"))};
    out->moving_mean = out->mean_weight->offset;
    out->moving_variance = out->variance_weight->offset;
}

// Keras: a frozen layer predicts with its moving averages in training too.
bool mb_normalization_looks_at_batch(const mb_layer *layer, const mb_step *step) {
    return step->is_training && !step->is_frozen && layer->is_trainable;
}

static mb_status plan_normalization(mb_context *ctx, mb_plan_site *site) {
    mb_step *step = site->step;
    mb_normalization *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_normalization_read(site->layer, step->in[0].dim[step->in[0].rank - 1], plan);
    step->data = plan;
    step->refresh = refresh;
    step->packed_floats = MB_NORMALIZATION_PACKED * plan->n_channels;
    if (!mb_normalization_looks_at_batch(site->layer, step)) {
        step->forward = forward_moving;
        step->backward = backward_moving;
        step->lanes = (mb_step_lanes){.forward = forward_lanes, .backward = backward_lanes};
        return MB_OK;
    }
    step->forward = forward_batch;
    step->backward = backward_batch;
    step->unpack = unpack;
    step->gradient_floats = 2 * plan->n_channels;
    step->n_batch_floats = MB_NORMALIZATION_BATCH * plan->n_channels;
    step->n_statistics = 2 * plan->n_channels;
    step->n_d_statistics = 2 * plan->n_channels;
    step->statistics = take_statistics;
    step->finish = finish;
    step->d_statistics = take_d_statistics;
    step->finish_backward = finish_backward;
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)layer;
    (void)inputs;
    (void)n_inputs;
    return 2 * (uint64_t)mb_value_size(output);
}

#define NORMALIZATION_LAYER(title, class, table, text)                                             \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = table,                                                                          \
        .options_size = sizeof(normalization_options),                                             \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer,                                                                            \
        .plan = plan_normalization,                                                                \
        .flops = flops,                                                                            \
    };

NORMALIZATION_LAYER(batch_normalization, "BatchNormalization", options,
    "every channel shifted and scaled to mean 0 and variance 1 over the batch")
NORMALIZATION_LAYER(q_batch_normalization, "QBatchNormalization", quantized_options,
    "a batch normalisation whose weights and statistics are quantised, as QKeras has it")
