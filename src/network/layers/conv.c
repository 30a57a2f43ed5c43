// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/conv.h"

static const char *const pad_phi_names[] = {"zero", "wrap", NULL};

#define COMMON_OPTIONS                                                                             \
    {"filters", MB_OPTION_SIZE, offsetof(mb_conv_options, filters), NULL, 1, 1 << 20, NULL, NULL,  \
        "output channels"},                                                                        \
        {"kernel_size", MB_OPTION_SIZES, offsetof(mb_conv_options, kernel_size), NULL, 1, 1 << 16, \
            NULL, "kernel", "window, per dimension"},                                              \
        {"strides", MB_OPTION_SIZES, offsetof(mb_conv_options, strides), "1", 1, 1 << 16, NULL,    \
            "stride", "step, per dimension"},                                                      \
        {"dilation_rate", MB_OPTION_SIZES, offsetof(mb_conv_options, dilation_rate), "1", 1,       \
            1 << 16, NULL, "dilation", "spacing of the window's taps"},                            \
        {"data_format", MB_OPTION_CHOICE, offsetof(mb_conv_options, data_format), "channels_last", \
            0, 0, mb_data_format_names, NULL, "where the channels are"},                           \
        {"groups", MB_OPTION_SIZE, offsetof(mb_conv_options, groups), "1", 1, 1, NULL, NULL,       \
            "1 (grouped convolutions are not offered)"},                                           \
        {"activation", MB_OPTION_TEXT, offsetof(mb_conv_options, activation), "linear", 0, 0,      \
            NULL, NULL, "applied to the result"},                                                  \
        {"use_bias", MB_OPTION_BOOL, offsetof(mb_conv_options, use_bias), "true", 0, 0, NULL,      \
            "bias", "add a number per channel"},                                                   \
        {"kernel_initializer", MB_OPTION_NODE, offsetof(mb_conv_options, kernel_initializer), "",  \
            0, 0, NULL, NULL, "default glorot_uniform"},                                           \
        {"bias_initializer", MB_OPTION_NODE, offsetof(mb_conv_options, bias_initializer), "", 0,   \
            0, NULL, NULL, "default zeros"},                                                       \
        {"kernel_regularizer", MB_OPTION_NODE, offsetof(mb_conv_options, kernel_regularizer), "",  \
            0, 0, NULL, NULL, "penalty on the kernel"},                                            \
        {"kernel_quantizer", MB_OPTION_NODE, offsetof(mb_conv_options, kernel_quantizer), "", 0,   \
            0, NULL, NULL, "quantiser of the kernel, such as quantized_bits(8,1,1,alpha=1)"},      \
        {"bias_quantizer", MB_OPTION_NODE, offsetof(mb_conv_options, bias_quantizer), "", 0, 0,    \
            NULL, NULL, "quantiser of the bias"},                                                  \
    {                                                                                              \
        "bias_regularizer", MB_OPTION_NODE, offsetof(mb_conv_options, bias_regularizer), "", 0, 0, \
            NULL, NULL, "penalty on the bias"                                                      \
    }

static const char *const padding_names[] = {"valid", "same", NULL};
#define PADDING(names)                                                                             \
    {                                                                                              \
        "padding", MB_OPTION_CHOICE, offsetof(mb_conv_options, padding), "valid", 0, 0, names,     \
            NULL, "what happens at the borders"                                                    \
    }

static const mb_option conv1d_options[] = {
    COMMON_OPTIONS, PADDING(mb_padding_names), MB_OPTIONS_END};
static const mb_option conv2d_options[] = {COMMON_OPTIONS, PADDING(padding_names),
    {"pad_phi", MB_OPTION_CHOICE, offsetof(mb_conv_options, pad_phi), "zero", 0, 0, pad_phi_names,
        NULL, "wrap: the first spatial dimension is periodic, as phi is"},
    MB_OPTIONS_END};
static const mb_option conv3d_options[] = {COMMON_OPTIONS, PADDING(padding_names), MB_OPTIONS_END};

static bool is_channels_first(const mb_layer *layer) {
    return ((const mb_conv_options *)layer->options)->data_format == 1;
}

static mb_status infer_conv(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_spatial, mb_value_type *output) {
    const mb_conv_options *options = layer->options;
    const bool is_first = is_channels_first(layer);
    mb_spatial spatial;
    size_t kernel[3], stride[3], dilation[3];
    MB_TRY(mb_spatial_check_activation(ctx, options->activation, is_first));
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, is_first, &spatial));
    MB_TRY(mb_spatial_option(ctx, &options->kernel_size, n_spatial, "kernel_size", kernel));
    MB_TRY(mb_spatial_option(ctx, &options->strides, n_spatial, "strides", stride));
    MB_TRY(mb_spatial_option(ctx, &options->dilation_rate, n_spatial, "dilation_rate", dilation));
    mb_weight_spec kernel_spec = {.name = "kernel",
        .rank = (unsigned)n_spatial + 2,
        .initializer = options->kernel_initializer,
        .default_initializer = "glorot_uniform",
        .regularizer = options->kernel_regularizer,
        .is_trainable = true,
        .quantizer = options->kernel_quantizer,
        .use = MB_QUANTIZER_KERNEL};
    size_t n_taps = 1;
    mb_spatial result = {.n = n_spatial, .channels = options->filters};
    for (size_t i = 0; i < n_spatial; i++) {
        size_t pad = 0;
        if (kernel[i] > 1 && stride[i] > 1 && dilation[i] > 1) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "strides and dilation_rate above 1 together are not offered (nor are they by "
                "Keras); set one to 1");
        }
        result.dim[i] = mb_window_output(
            spatial.dim[i], kernel[i], stride[i], dilation[i], (mb_padding)options->padding, &pad);
        kernel_spec.dim[i] = kernel[i];
        n_taps *= kernel[i];
    }
    kernel_spec.dim[n_spatial] = spatial.channels;
    kernel_spec.dim[n_spatial + 1] = options->filters;
    kernel_spec.fan_in = n_taps * spatial.channels;
    kernel_spec.fan_out = n_taps * options->filters;
    MB_TRY(mb_layer_add_weight(ctx, model, layer, &kernel_spec));
    if (options->use_bias) {
        MB_TRY(mb_layer_add_bias(ctx, model, layer, options->filters, options->bias_initializer,
            options->bias_regularizer, options->bias_quantizer));
    }
    *output = mb_spatial_type(inputs, &result, is_first);
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    const mb_conv_options *options = layer->options;
    const mb_weight *kernel = &layer->weights[0];
    (void)inputs;
    (void)n_inputs;
    const uint64_t n_out = mb_value_size(output);
    return n_out * (2 * (uint64_t)kernel->count / options->filters + (options->use_bias ? 1 : 0));
}

#define CONV_LAYER(dimensions, quantized, help_text)                                               \
    static mb_status infer##dimensions(mb_context *ctx, mb_model *model, mb_layer *layer,          \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)n_inputs;                                                                            \
        return infer_conv(ctx, model, layer, inputs, dimensions, output);                          \
    }                                                                                              \
    static mb_status plan##dimensions(mb_context *ctx, mb_plan_site *site) {                       \
        return mb_conv_plan_site(ctx, site, dimensions);                                           \
    }                                                                                              \
    const mb_layer_ops mb_layer_conv##dimensions##d = {                                            \
        .name = "conv" #dimensions "d",                                                            \
        .class_name = "Conv" #dimensions "D",                                                      \
        .quantized_class = quantized,                                                              \
        .help = help_text,                                                                         \
        .options = conv##dimensions##d_options,                                                    \
        .options_size = sizeof(mb_conv_options),                                                   \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer##dimensions,                                                                \
        .plan = plan##dimensions,                                                                  \
        .flops = flops,                                                                            \
    };

CONV_LAYER(1, "QConv1D", "convolution over one dimension")
CONV_LAYER(2, "QConv2D", "convolution over two dimensions")
CONV_LAYER(3, NULL, "convolution over three dimensions")
