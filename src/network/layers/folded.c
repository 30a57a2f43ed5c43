// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/folded.h"

#define FIELD(name) offsetof(mb_folded_options, name)
#define NODE(name, help)                                                                           \
    { #name, MB_OPTION_NODE, FIELD(name), "", 0, 0, NULL, NULL, help }
#define CONV_NODE(name, help)                                                                      \
    { #name, MB_OPTION_NODE, FIELD(conv.name), "", 0, 0, NULL, NULL, help }

static const char *const folding_names[] = {"ema_stats_folding", "batch_stats_folding", NULL};

#define COMMON_OPTIONS                                                                             \
    {"activation", MB_OPTION_TEXT, FIELD(conv.activation), "linear", 0, 0, NULL, NULL,             \
        "applied to the result; may be a quantiser"},                                              \
        {"use_bias", MB_OPTION_BOOL, FIELD(conv.use_bias), "true", 0, 0, NULL, "bias",             \
            "add a number per channel before the normalisation"},                                  \
        CONV_NODE(kernel_initializer, "default he_normal"),                                        \
        CONV_NODE(bias_initializer, "default zeros"),                                              \
        CONV_NODE(kernel_regularizer, "penalty on the kernel"),                                    \
        CONV_NODE(bias_regularizer, "penalty on the bias"),                                        \
        CONV_NODE(kernel_quantizer,                                                                \
            "quantiser of the folded kernel, such as quantized_bits(8,1,1,alpha=1)"),              \
        CONV_NODE(bias_quantizer, "quantiser of the folded bias"),                                 \
        {"axis", MB_OPTION_INT, FIELD(axis), "-1", -MB_MAX_DIMS, MB_MAX_DIMS, NULL, NULL,          \
            "of the channels: the last"},                                                          \
        {"momentum", MB_OPTION_REAL, FIELD(momentum), "0.99", 0, 1, NULL, NULL,                    \
            "how much of the moving averages a batch keeps"},                                      \
        {"epsilon", MB_OPTION_REAL, FIELD(epsilon), "0.001", 0, 1e6, NULL, NULL,                   \
            "added to the variance"},                                                              \
        {"center", MB_OPTION_BOOL, FIELD(center), "true", 0, 0, NULL, NULL, "add beta"},           \
        {"scale", MB_OPTION_BOOL, FIELD(scale), "true", 0, 0, NULL, NULL, "multiply by gamma"},    \
        NODE(beta_initializer, "default zeros"), NODE(gamma_initializer, "default ones"),          \
        NODE(moving_mean_initializer, "default zeros"),                                            \
        NODE(moving_variance_initializer, "default ones"),                                         \
        NODE(beta_regularizer, "penalty on beta"), NODE(gamma_regularizer, "penalty on gamma"),    \
        NODE(ema_freeze_delay,                                                                     \
            "training steps before the moving averages are frozen and used; default: never"),      \
    {                                                                                              \
        "folding_mode", MB_OPTION_CHOICE, FIELD(folding_mode), "ema_stats_folding", 0, 0,          \
            folding_names, NULL, "which statistics scale the kernel in training"                   \
    }

static const char *const padding_names[] = {"valid", "same", NULL};
static const char *const data_format_names[] = {"channels_last", NULL};
static const mb_option dense_options[] = {
    {"units", MB_OPTION_SIZE, FIELD(conv.filters), NULL, 1, 1 << 20, NULL, NULL, "outputs"},
    COMMON_OPTIONS, MB_OPTIONS_END};
static const mb_option conv2d_options[] = {{"filters", MB_OPTION_SIZE, FIELD(conv.filters), NULL, 1,
                                               1 << 20, NULL, NULL, "output channels"},
    {"kernel_size", MB_OPTION_SIZES, FIELD(conv.kernel_size), NULL, 1, 1 << 16, NULL, "kernel",
        "window, per dimension"},
    {"strides", MB_OPTION_SIZES, FIELD(conv.strides), "1", 1, 1 << 16, NULL, "stride",
        "step, per dimension"},
    {"data_format", MB_OPTION_CHOICE, FIELD(conv.data_format), "channels_last", 0, 0,
        data_format_names, NULL, "where the channels are: last"},
    {"dilation_rate", MB_OPTION_SIZES, FIELD(conv.dilation_rate), "1", 1, 1 << 16, NULL, "dilation",
        "spacing of the window's taps"},
    {"padding", MB_OPTION_CHOICE, FIELD(conv.padding), "valid", 0, 0, padding_names, NULL,
        "what happens at the borders"},
    COMMON_OPTIONS, MB_OPTIONS_END};

mb_status mb_folded_delay(mb_context *ctx, const mb_node *node, int64_t *out) {
    *out = -1;
    if (node == NULL || node->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    if (node->kind != MB_NODE_INT) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "ema_freeze_delay is no whole number; write how many training steps, or null");
    }
    *out = node->integer;
    return MB_OK;
}

// QKeras counts training steps in a weight, from -1.
static mb_status add_iteration(mb_context *ctx, mb_model *model, mb_layer *layer) {
    mb_document *document = &model->document;
    mb_node *value = mb_node_make_int(document, ctx, -1);
    mb_node *options = mb_node_make(document, ctx, MB_NODE_MAP);
    mb_node *initializer = mb_node_make(document, ctx, MB_NODE_MAP);
    if (value == NULL || options == NULL || initializer == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_node_set(document, ctx, options, "value", value));
    MB_TRY(mb_node_set(document, ctx, initializer, "constant", options));
    const mb_weight_spec spec = {.name = "iteration",
        .fan_in = 1,
        .fan_out = 1,
        .initializer = initializer,
        .default_initializer = "constant"};
    return mb_layer_add_weight(ctx, model, layer, &spec);
}

static mb_status add_kernel(
    mb_context *ctx, mb_model *model, mb_layer *layer, const mb_weight_spec *shape) {
    const mb_folded_options *options = layer->options;
    mb_weight_spec kernel = *shape;
    kernel.name = "kernel";
    kernel.initializer = options->conv.kernel_initializer;
    kernel.default_initializer = "he_normal";
    kernel.regularizer = options->conv.kernel_regularizer;
    kernel.is_trainable = true;
    kernel.quantizer = options->conv.kernel_quantizer;
    kernel.use = MB_QUANTIZER_KERNEL;
    kernel.is_folded = true;
    return mb_layer_add_weight(ctx, model, layer, &kernel);
}

// The weights in QKeras's order: what is trained, then the others.
static mb_status add_weights(
    mb_context *ctx, mb_model *model, mb_layer *layer, const mb_weight_spec *shape) {
    const mb_folded_options *options = layer->options;
    const size_t n = options->conv.filters;
    const mb_weight_spec specs[] = {
        {"bias", 1, {n}, n, n, options->conv.bias_initializer, "zeros",
            options->conv.bias_regularizer, true, options->conv.bias_quantizer, NULL,
            MB_QUANTIZER_BIAS, true},
        {"gamma", 1, {n}, 1, 1, options->gamma_initializer, "ones", options->gamma_regularizer,
            true, NULL, NULL, MB_QUANTIZER_BIAS, false},
        {"beta", 1, {n}, 1, 1, options->beta_initializer, "zeros", options->beta_regularizer, true,
            NULL, NULL, MB_QUANTIZER_BIAS, false},
        {"moving_mean", 1, {n}, 1, 1, options->moving_mean_initializer, "zeros", NULL, false, NULL,
            NULL, MB_QUANTIZER_BIAS, false},
        {"moving_variance", 1, {n}, 1, 1, options->moving_variance_initializer, "ones", NULL, false,
            NULL, NULL, MB_QUANTIZER_BIAS, false},
    };
    const bool is_there[] = {options->conv.use_bias, options->scale, options->center, true, true};
    mb_folded_options *record = layer->options;
    MB_TRY(mb_quantizer_read(ctx, &model->document, options->conv.bias_quantizer, MB_QUANTIZER_BIAS,
        "bias_quantizer", &record->unbiased));
    MB_TRY(add_kernel(ctx, model, layer, shape));
    for (size_t i = 0; i < MB_COUNT_OF(specs); i++) {
        if (i == 3) {
            MB_TRY(add_iteration(ctx, model, layer));
        }
        if (is_there[i]) {
            MB_TRY(mb_layer_add_weight(ctx, model, layer, &specs[i]));
        }
    }
    return MB_OK;
}

static mb_status check(mb_context *ctx, const mb_layer *layer, unsigned rank) {
    const mb_folded_options *options = layer->options;
    const mb_activation_ops *activation = NULL;
    int64_t delay = 0;
    MB_TRY(mb_activation_read(ctx, options->conv.activation, &activation));
    MB_TRY(mb_folded_delay(ctx, options->ema_freeze_delay, &delay));
    if (options->axis != -1 && options->axis != (int64_t)rank) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "axis %lld is not that of the channels; use -1, the last", (long long)options->axis);
    }
    return MB_OK;
}

const mb_quantizer *mb_folded_bias_quantizer(const mb_layer *layer) {
    const mb_weight *bias = mb_layer_find_weight(layer, "bias");
    return bias != NULL ? &bias->quantizer : &((const mb_folded_options *)layer->options)->unbiased;
}

mb_status mb_folded_check_quantizers(mb_context *ctx, const mb_layer *layer) {
    for (size_t i = 0; i < layer->n_weights; i++) {
        // Within and beyond the range of those that clip.
        const float at[] = {-1000, 0.25F, 1000};
        float slope[] = {1, 1, 1};
        mb_quantizer_differentiate(&layer->weights[i].quantizer, at, slope, MB_COUNT_OF(at));
        const bool is_straight = slope[0] == 1 && slope[1] == 1 && slope[2] == 1;
        if (layer->weights[i].is_folded && !is_straight) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "%s_quantizer %s passes no gradient of 1; use quantized_bits, quantized_po2, or "
                "binary or ternary with an alpha",
                layer->weights[i].name, layer->weights[i].quantizer.ops->name);
        }
    }
    return MB_OK;
}

static mb_status infer_dense(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const mb_folded_options *options = layer->options;
    (void)n_inputs;
    if (inputs->rank == 0) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "needs at least one number per row; flatten or reshape first");
    }
    const size_t n_in = inputs->dim[inputs->rank - 1];
    const mb_weight_spec shape = {.rank = 2,
        .dim = {n_in, options->conv.filters},
        .fan_in = n_in,
        .fan_out = options->conv.filters};
    MB_TRY(check(ctx, layer, inputs->rank));
    MB_TRY(add_weights(ctx, model, layer, &shape));
    *output = *inputs;
    output->dim[inputs->rank - 1] = options->conv.filters;
    return mb_folded_check_quantizers(ctx, layer);
}

static mb_status infer_conv2d(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const mb_conv_options *options = &((const mb_folded_options *)layer->options)->conv;
    mb_spatial spatial;
    size_t kernel[3];
    size_t stride[3];
    size_t dilation[3];
    (void)n_inputs;
    MB_TRY(check(ctx, layer, 3));
    MB_TRY(mb_spatial_of(ctx, inputs, 2, false, &spatial));
    MB_TRY(mb_spatial_option(ctx, &options->kernel_size, 2, "kernel_size", kernel));
    MB_TRY(mb_spatial_option(ctx, &options->strides, 2, "strides", stride));
    MB_TRY(mb_spatial_option(ctx, &options->dilation_rate, 2, "dilation_rate", dilation));
    mb_spatial result = {.n = 2, .channels = options->filters};
    for (size_t i = 0; i < 2; i++) {
        size_t pad = 0;
        result.dim[i] = mb_window_output(
            spatial.dim[i], kernel[i], stride[i], dilation[i], (mb_padding)options->padding, &pad);
        if (kernel[i] > 1 && stride[i] > 1 && dilation[i] > 1) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "strides and dilation_rate above 1 together are not offered (nor are they by "
                "Keras); set one to 1");
        }
    }
    const size_t n_taps = kernel[0] * kernel[1];
    const mb_weight_spec shape = {.rank = 4,
        .dim = {kernel[0], kernel[1], spatial.channels, options->filters},
        .fan_in = n_taps * spatial.channels,
        .fan_out = n_taps * options->filters};
    MB_TRY(add_weights(ctx, model, layer, &shape));
    *output = mb_spatial_type(inputs, &result, false);
    return mb_folded_check_quantizers(ctx, layer);
}

// A dense layer is a convolution of one tap over the positions of a row.
static mb_status plan_dense(mb_context *ctx, mb_plan_site *site) {
    const mb_value_type *in = &site->step->in[0];
    const size_t n_in = in->dim[in->rank - 1];
    const mb_value_type type = {.rank = 2, .dim = {site->step->in_size[0] / n_in, n_in}};
    return mb_folded_plan(ctx, site, &type, 1);
}

static mb_status plan_conv2d(mb_context *ctx, mb_plan_site *site) {
    return mb_folded_plan(ctx, site, &site->step->in[0], 2);
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    const mb_weight *kernel = &layer->weights[0];
    (void)inputs;
    (void)n_inputs;
    const uint64_t per_output = 2 * (uint64_t)kernel->count / kernel->dim[kernel->rank - 1] + 1;
    return mb_value_size(output) * per_output;
}

static bool is_channels_first(const mb_layer *layer) {
    (void)layer;
    return false;
}

#define FOLDED_LAYER(kind, class, order, text)                                                     \
    const mb_layer_ops mb_layer_q_##kind##_batchnorm = {                                           \
        .name = "q_" #kind "_batchnorm",                                                           \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = kind##_options,                                                                 \
        .options_size = sizeof(mb_folded_options),                                                 \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = order,                                                                           \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer_##kind,                                                                     \
        .plan = plan_##kind,                                                                       \
        .flops = flops,                                                                            \
    };

FOLDED_LAYER(dense, "QDenseBatchnorm", MB_LAYOUT_WRITTEN,
    "a dense layer with a batch normalisation folded into it, then quantised")
FOLDED_LAYER(conv2d, "QConv2DBatchnorm", MB_LAYOUT_CHANNELS,
    "a convolution with a batch normalisation folded into it, then quantised")
