// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

typedef struct global_options {
    int data_format;
    bool keepdims;
} global_options;

static const mb_option options[] = {
    {"data_format", MB_OPTION_CHOICE, offsetof(global_options, data_format), "channels_last", 0, 0,
        mb_data_format_names, NULL, "where the channels are"},
    {"keepdims", MB_OPTION_BOOL, offsetof(global_options, keepdims), "false", 0, 0, NULL, NULL,
        "keep the spatial dimensions, with length 1"},
    MB_OPTIONS_END};

static bool is_channels_first(const mb_layer *layer) {
    return ((const global_options *)layer->options)->data_format == 1;
}

static mb_status infer_global(mb_context *ctx, const mb_layer *layer, const mb_value_type *inputs,
    size_t n_spatial, mb_value_type *output) {
    const global_options *global = layer->options;
    mb_spatial spatial;
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, is_channels_first(layer), &spatial));
    for (size_t d = 0; d < n_spatial; d++) {
        spatial.dim[d] = 1;
    }
    *output = global->keepdims
                  ? mb_spatial_type(inputs, &spatial, is_channels_first(layer))
                  : (mb_value_type){.axis = inputs->axis, .rank = 1, .dim = {spatial.channels}};
    return MB_OK;
}

// Sums of thousands of terms: in double, so that the mean is right to a float's last bit or two.
static void forward_average(const mb_step *step, const mb_rows *rows) {
    const size_t n_channels = step->out_size;
    const size_t n_positions = step->in_size[0] / n_channels;
    double *sum = rows->scratch;
    for (size_t i = 0; i < rows->n; i++) {
        const float *in = rows->in[0] + i * step->in_size[0];
        memset(sum, 0, n_channels * sizeof *sum);
        for (size_t position = 0; position < n_positions; position++) {
            for (size_t c = 0; c < n_channels; c++) {
                sum[c] += (double)in[position * n_channels + c];
            }
        }
        for (size_t c = 0; c < n_channels; c++) {
            rows->out[i * n_channels + c] = (float)(sum[c] / (double)n_positions);
        }
    }
}

static void backward_average(const mb_step *step, const mb_rows *rows) {
    const size_t n_channels = step->out_size;
    const size_t n_positions = step->in_size[0] / n_channels;
    for (size_t i = 0; i < rows->n && rows->d_in[0] != NULL; i++) {
        float *d_in = rows->d_in[0] + i * step->in_size[0];
        for (size_t position = 0; position < n_positions; position++) {
            for (size_t c = 0; c < n_channels; c++) {
                d_in[position * n_channels + c] +=
                    rows->d_out[i * n_channels + c] / (float)n_positions;
            }
        }
    }
}

// The first of equals wins.
static void forward_maximum(const mb_step *step, const mb_rows *rows) {
    const size_t n_channels = step->out_size;
    for (size_t i = 0; i < rows->n; i++) {
        const float *in = rows->in[0] + i * step->in_size[0];
        float *out = rows->out + i * n_channels;
        uint32_t *winner = rows->saved == NULL
                               ? NULL
                               : (uint32_t *)(void *)((char *)rows->saved + i * step->saved_bytes);
        for (size_t place = 0; place < step->in_size[0]; place++) {
            const size_t c = place % n_channels;
            if (place < n_channels || in[place] > out[c]) {
                out[c] = in[place];
                if (winner != NULL) {
                    winner[c] = (uint32_t)place;
                }
            }
        }
    }
}

static void backward_maximum(const mb_step *step, const mb_rows *rows) {
    for (size_t i = 0; i < rows->n && rows->d_in[0] != NULL; i++) {
        const uint32_t *winner =
            (const uint32_t *)(const void *)((const char *)rows->saved + i * step->saved_bytes);
        for (size_t c = 0; c < step->out_size; c++) {
            rows->d_in[0][i * step->in_size[0] + winner[c]] += rows->d_out[i * step->out_size + c];
        }
    }
}

static mb_status plan_average(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward_average;
    site->step->backward = backward_average;
    site->step->scratch_bytes = site->step->out_size * sizeof(double);
    return MB_OK;
}

static mb_status plan_maximum(mb_context *ctx, mb_plan_site *site) {
    (void)ctx;
    site->step->forward = forward_maximum;
    site->step->backward = backward_maximum;
    site->step->saved_bytes = site->step->is_training ? site->step->out_size * sizeof(uint32_t) : 0;
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)layer;
    (void)n_inputs;
    (void)output;
    return mb_value_size(inputs);
}

#define GLOBAL_POOLING(kind, class, plan_function, text, dimensions)                               \
    static mb_status infer_##kind##dimensions(mb_context *ctx, mb_model *model, mb_layer *layer,   \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)model;                                                                               \
        (void)n_inputs;                                                                            \
        return infer_global(ctx, layer, inputs, dimensions, output);                               \
    }                                                                                              \
    const mb_layer_ops mb_layer_global_##kind##_pooling##dimensions##d = {                         \
        .name = "global_" #kind "_pooling" #dimensions "d",                                        \
        .class_name = class #dimensions "D",                                                       \
        .help = text " of every channel of " #dimensions "-dimensional rows",                      \
        .options = options,                                                                        \
        .options_size = sizeof(global_options),                                                    \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer_##kind##dimensions,                                                         \
        .plan = plan_function,                                                                     \
        .flops = flops,                                                                            \
    };

GLOBAL_POOLING(average, "GlobalAveragePooling", plan_average, "mean", 1)
GLOBAL_POOLING(average, "GlobalAveragePooling", plan_average, "mean", 2)
GLOBAL_POOLING(average, "GlobalAveragePooling", plan_average, "mean", 3)
GLOBAL_POOLING(max, "GlobalMaxPooling", plan_maximum, "maximum", 1)
GLOBAL_POOLING(max, "GlobalMaxPooling", plan_maximum, "maximum", 2)
GLOBAL_POOLING(max, "GlobalMaxPooling", plan_maximum, "maximum", 3)
