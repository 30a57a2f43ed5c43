// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Convolutions that take every channel for itself: depthwise, and separable (depthwise, then a
// dense mixing of the channels at every position).

#include "network/layers/conv_frame.h"

typedef struct depthwise_options {
    size_t filters; // separable only
    mb_sizes kernel_size, strides, dilation_rate;
    int padding, data_format;
    size_t depth_multiplier;
    const char *activation;
    bool use_bias;
    const mb_node *depthwise_initializer, *pointwise_initializer, *bias_initializer;
    const mb_node *depthwise_regularizer, *pointwise_regularizer, *bias_regularizer;
    const mb_node *depthwise_quantizer, *pointwise_quantizer, *bias_quantizer;
} depthwise_options;

#define NODE(name, help)                                                                           \
    { #name, MB_OPTION_NODE, offsetof(depthwise_options, name), "", 0, 0, NULL, NULL, help }

#define SHAPE_OPTIONS                                                                              \
    {"kernel_size", MB_OPTION_SIZES, offsetof(depthwise_options, kernel_size), NULL, 1, 1 << 16,   \
        NULL, "kernel", "window, per dimension"},                                                  \
        {"strides", MB_OPTION_SIZES, offsetof(depthwise_options, strides), "1", 1, 1 << 16, NULL,  \
            "stride", "step, per dimension"},                                                      \
        {"dilation_rate", MB_OPTION_SIZES, offsetof(depthwise_options, dilation_rate), "1", 1,     \
            1 << 16, NULL, "dilation", "spacing of the window's taps"},                            \
        {"data_format", MB_OPTION_CHOICE, offsetof(depthwise_options, data_format),                \
            "channels_last", 0, 0, mb_data_format_names, NULL, "where the channels are"},          \
        {"depth_multiplier", MB_OPTION_SIZE, offsetof(depthwise_options, depth_multiplier), "1",   \
            1, 1 << 16, NULL, NULL, "outputs of every input channel"},                             \
        {"activation", MB_OPTION_TEXT, offsetof(depthwise_options, activation), "linear", 0, 0,    \
            NULL, NULL, "applied to the result"},                                                  \
        {"use_bias", MB_OPTION_BOOL, offsetof(depthwise_options, use_bias), "true", 0, 0, NULL,    \
            "bias", "add a number per channel"},                                                   \
        NODE(depthwise_initializer, "default glorot_uniform"),                                     \
        NODE(bias_initializer, "default zeros"),                                                   \
        NODE(depthwise_regularizer, "penalty on the depthwise kernel"),                            \
        NODE(bias_regularizer, "penalty on the bias"),                                             \
        NODE(depthwise_quantizer,                                                                  \
            "quantiser of the depthwise kernel, such as quantized_bits(8,1,1,alpha=1)"),           \
        NODE(bias_quantizer, "quantiser of the bias")
#define SEPARABLE_OPTIONS                                                                          \
    {"filters", MB_OPTION_SIZE, offsetof(depthwise_options, filters), NULL, 1, 1 << 20, NULL,      \
        NULL, "output channels"},                                                                  \
        NODE(pointwise_initializer, "default glorot_uniform"),                                     \
        NODE(pointwise_regularizer, "penalty on the pointwise kernel"),                            \
        NODE(pointwise_quantizer, "quantiser of the pointwise kernel")
#define PADDING(names)                                                                             \
    {                                                                                              \
        "padding", MB_OPTION_CHOICE, offsetof(depthwise_options, padding), "valid", 0, 0, names,   \
            NULL, "what happens at the borders"                                                    \
    }

static const char *const padding_names[] = {"valid", "same", NULL};
static const mb_option depthwise_table[] = {SHAPE_OPTIONS, PADDING(padding_names), MB_OPTIONS_END};
static const mb_option separable1d_table[] = {
    SEPARABLE_OPTIONS, SHAPE_OPTIONS, PADDING(mb_padding_names), MB_OPTIONS_END};
static const mb_option separable2d_table[] = {
    SEPARABLE_OPTIONS, SHAPE_OPTIONS, PADDING(padding_names), MB_OPTIONS_END};

// A row goes from its frame to middle (n_cells x n_middle), and separable rows on to n_out channels
// through the dense kernel.
typedef struct depthwise_plan {
    mb_conv_plan conv;
    size_t multiplier, n_middle, n_out, width;
    bool is_separable;
    mb_footprint mixing; // one position of middle
    uint32_t mixing_offset;
    uint32_t *mixing_base;
    const mb_activation_ops *activation;
    size_t at_mixing, at_bias, at_mixing_back;       // in packed, floats
    size_t gradient_mixing, gradient_bias;           // in the packed gradient
    size_t frame_bytes, middle_bytes, d_cells_bytes; // of a row
} depthwise_plan;

static bool is_channels_first(const mb_layer *layer) {
    return ((const depthwise_options *)layer->options)->data_format == 1;
}

static mb_status check_shape(mb_context *ctx, const depthwise_options *depthwise, size_t n_spatial,
    size_t window[3], mb_spatial *spatial) {
    size_t stride[3];
    size_t dilation[3];
    MB_TRY(mb_spatial_option(ctx, &depthwise->kernel_size, n_spatial, "kernel_size", window));
    MB_TRY(mb_spatial_option(ctx, &depthwise->strides, n_spatial, "strides", stride));
    MB_TRY(mb_spatial_option(ctx, &depthwise->dilation_rate, n_spatial, "dilation_rate", dilation));
    for (size_t i = 0; i < n_spatial; i++) {
        size_t pad = 0;
        if (window[i] > 1 && stride[i] > 1 && dilation[i] > 1) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "strides and dilation_rate above 1 together are not offered (nor are they by "
                "Keras); set one to 1");
        }
        spatial->dim[i] = mb_window_output(spatial->dim[i], window[i], stride[i], dilation[i],
            (mb_padding)depthwise->padding, &pad);
    }
    return MB_OK;
}

static mb_status infer_depthwise(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_spatial, bool is_separable, mb_value_type *output) {
    const depthwise_options *depthwise = layer->options;
    mb_spatial spatial;
    size_t window[3];
    MB_TRY(mb_spatial_check_activation(ctx, depthwise->activation, is_channels_first(layer)));
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, is_channels_first(layer), &spatial));
    MB_TRY(check_shape(ctx, depthwise, n_spatial, window, &spatial));
    const size_t n_middle = spatial.channels * depthwise->depth_multiplier;
    mb_weight_spec kernel = {.name = "depthwise_kernel",
        .rank = (unsigned)n_spatial + 2,
        .fan_in = spatial.channels,
        .fan_out = depthwise->depth_multiplier,
        .initializer = depthwise->depthwise_initializer,
        .default_initializer = "glorot_uniform",
        .regularizer = depthwise->depthwise_regularizer,
        .is_trainable = true,
        .quantizer = depthwise->depthwise_quantizer,
        .use = MB_QUANTIZER_KERNEL};
    mb_weight_spec mixing = {.name = "pointwise_kernel",
        .rank = (unsigned)n_spatial + 2,
        .fan_in = n_middle,
        .fan_out = depthwise->filters,
        .initializer = depthwise->pointwise_initializer,
        .default_initializer = "glorot_uniform",
        .regularizer = depthwise->pointwise_regularizer,
        .is_trainable = true,
        .quantizer = depthwise->pointwise_quantizer,
        .use = MB_QUANTIZER_KERNEL};
    for (size_t i = 0; i < n_spatial; i++) {
        kernel.dim[i] = window[i];
        kernel.fan_in *= window[i];
        kernel.fan_out *= window[i];
        mixing.dim[i] = 1;
    }
    kernel.dim[n_spatial] = spatial.channels;
    kernel.dim[n_spatial + 1] = depthwise->depth_multiplier;
    mixing.dim[n_spatial] = n_middle;
    mixing.dim[n_spatial + 1] = depthwise->filters;
    MB_TRY(mb_layer_add_weight(ctx, model, layer, &kernel));
    if (is_separable) {
        MB_TRY(mb_layer_add_weight(ctx, model, layer, &mixing));
    }
    spatial.channels = is_separable ? depthwise->filters : n_middle;
    if (depthwise->use_bias) {
        MB_TRY(mb_layer_add_bias(ctx, model, layer, spatial.channels, depthwise->bias_initializer,
            depthwise->bias_regularizer, depthwise->bias_quantizer));
    }
    *output = mb_spatial_type(inputs, &spatial, is_channels_first(layer));
    return MB_OK;
}

static const mb_weight *bias_of(const mb_layer *layer) {
    const mb_weight *last = &layer->weights[layer->n_weights - 1];
    return strcmp(last->name, "bias") == 0 ? last : NULL;
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const depthwise_plan *plan = step->data;
    const mb_weight *weights = step->layer->weights;
    const mb_weight *bias = bias_of(step->layer);
    memcpy(packed, parameters + weights[0].offset, weights[0].count * sizeof *packed);
    for (size_t o = 0; o < plan->n_out && bias != NULL; o++) {
        packed[plan->at_bias + o] = parameters[bias->offset + o];
    }
    for (size_t i = 0; i < plan->n_middle && plan->is_separable; i++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            const float w = parameters[weights[1].offset + i * plan->n_out + o];
            packed[plan->at_mixing + i * plan->width + o] = w;
            if (step->is_training) {
                packed[plan->at_mixing_back + o * plan->mixing.run_pad + i] = w;
            }
        }
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const depthwise_plan *plan = step->data;
    const mb_weight *weights = step->layer->weights;
    const mb_weight *bias = bias_of(step->layer);
    for (size_t i = 0; i < weights[0].count; i++) {
        gradient[weights[0].offset + i] += packed_gradient[i];
    }
    for (size_t i = 0; i < plan->n_middle && plan->is_separable; i++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            gradient[weights[1].offset + i * plan->n_out + o] +=
                packed_gradient[plan->gradient_mixing + i * plan->width + o];
        }
    }
    for (size_t o = 0; o < plan->n_out && bias != NULL; o++) {
        gradient[bias->offset + o] += packed_gradient[plan->gradient_bias + o];
    }
}

// The places of a row's work in the scratch.
typedef struct workspace {
    float *frame, *middle, *cells, *d_frame;
} workspace;

static workspace open_workspace(const depthwise_plan *plan, const mb_rows *rows) {
    char *scratch = rows->scratch;
    workspace work;
    work.frame = (float *)(void *)scratch;
    work.middle = (float *)(void *)(scratch + plan->frame_bytes);
    work.cells = (float *)(void *)(scratch + plan->frame_bytes + plan->middle_bytes);
    work.d_frame =
        (float *)(void *)(scratch + plan->frame_bytes + plan->middle_bytes + plan->d_cells_bytes);
    return work;
}

// The row as the windows see it: itself, or a padded copy.
static const float *find_frame(const depthwise_plan *plan, const float *row, float *frame) {
    if (!plan->conv.is_padded) {
        return row;
    }
    mb_conv_fill_frame(&plan->conv, 1, row, frame);
    return frame;
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const depthwise_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    const float *bias = step->packed + plan->at_bias;
    const size_t n_cells = plan->conv.n_cells;
    for (size_t i = 0; i < rows->n; i++) {
        float *out = rows->out + i * step->out_size;
        const float *frame = find_frame(plan, rows->in[0] + i * step->in_size[0], work.frame);
        float *middle = plan->is_separable ? work.middle : out;
        mb_conv_depthwise(&plan->conv, plan->multiplier, frame, step->packed, middle);
        if (plan->is_separable) {
            step->kernels->positions(n_cells, plan->mixing_base, middle, &plan->mixing,
                step->packed + plan->at_mixing, bias, plan->width, work.cells, plan->width);
            for (size_t cell = 0; cell < n_cells; cell++) {
                memcpy(out + cell * plan->n_out, work.cells + cell * plan->width,
                    plan->n_out * sizeof *out);
            }
        } else {
            for (size_t k = 0; k < step->out_size; k += plan->n_out) {
                for (size_t o = 0; o < plan->n_out; o++) {
                    out[k + o] += bias[o];
                }
            }
        }
        plan->activation->forward(
            plan->activation->default_parameters, out, step->out_size, plan->n_out);
    }
}

// Through the mixing: adds its gradient, and gives that by the middle in place of the middle.
static void backward_mixing(
    const mb_step *step, const float *frame, float *gradient, const workspace *work) {
    const depthwise_plan *plan = step->data;
    const size_t n_cells = plan->conv.n_cells;
    mb_conv_depthwise(&plan->conv, plan->multiplier, frame, step->packed, work->middle);
    step->kernels->positions_gradient(n_cells, plan->mixing_base, work->middle, &plan->mixing,
        work->cells, plan->width, gradient + plan->gradient_mixing);
    memset(work->middle, 0, n_cells * plan->n_middle * sizeof(float));
    step->kernels->positions_back(n_cells, plan->mixing_base, &plan->mixing, work->cells,
        plan->width, plan->n_out, step->packed + plan->at_mixing_back, work->middle);
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const depthwise_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    for (size_t i = 0; i < rows->n; i++) {
        const float *frame = find_frame(plan, rows->in[0] + i * step->in_size[0], work.frame);
        float *d_in = rows->d_in[0] == NULL ? NULL : rows->d_in[0] + i * step->in_size[0];
        float *d_frame = d_in != NULL && plan->conv.is_padded ? work.d_frame : d_in;
        mb_layer_differentiate(step->kernels, plan->activation,
            plan->activation->default_parameters, rows->out + i * step->out_size,
            rows->d_out + i * step->out_size, plan->conv.n_cells, plan->n_out, plan->width,
            work.cells, rows->gradient + plan->gradient_bias);
        if (plan->is_separable) {
            backward_mixing(step, frame, rows->gradient, &work);
        }
        if (d_frame != d_in) {
            memset(d_frame, 0, plan->conv.frame * sizeof *d_frame);
        }
        mb_conv_depthwise_back(&plan->conv, plan->multiplier, frame, step->packed,
            plan->is_separable ? work.middle : work.cells,
            plan->is_separable ? plan->n_middle : plan->width, rows->gradient, d_frame);
        if (d_frame != d_in) {
            mb_conv_add_frame(&plan->conv, 1, d_frame, d_in);
        }
    }
}

static void lay_out(mb_step *step, depthwise_plan *plan) {
    const size_t kernel = mb_round_up(step->layer->weights[0].count, MB_LANES);
    const size_t mixing = plan->is_separable ? plan->n_middle * plan->width : 0;
    plan->at_mixing = kernel;
    plan->at_bias = plan->at_mixing + mixing;
    plan->at_mixing_back = plan->at_bias + plan->width;
    step->packed_floats =
        plan->at_mixing_back +
        (step->is_training && plan->is_separable ? plan->n_out * plan->mixing.run_pad : 0);
    plan->gradient_mixing = kernel;
    plan->gradient_bias = plan->gradient_mixing + mixing;
    step->gradient_floats = plan->gradient_bias + plan->width;
    plan->frame_bytes = mb_round_up(plan->conv.frame * sizeof(float), 64);
    plan->middle_bytes = mb_round_up(plan->conv.n_cells * plan->n_middle * sizeof(float), 64);
    plan->d_cells_bytes = mb_round_up(plan->conv.n_cells * plan->width * sizeof(float), 64);
    step->scratch_bytes = plan->frame_bytes + plan->middle_bytes + plan->d_cells_bytes +
                          (step->is_training ? plan->frame_bytes : 0);
}

static mb_status plan_depthwise(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, bool is_separable) {
    mb_step *step = site->step;
    const depthwise_options *depthwise = site->layer->options;
    const mb_conv_options shape = {.filters = 1,
        .kernel_size = depthwise->kernel_size,
        .strides = depthwise->strides,
        .dilation_rate = depthwise->dilation_rate,
        .padding = depthwise->padding};
    depthwise_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_conv_frame_make(ctx, site, &step->in[0], &shape, n_spatial, &plan->conv));
    plan->is_separable = is_separable;
    plan->multiplier = depthwise->depth_multiplier;
    plan->n_middle = plan->conv.n_in * plan->multiplier;
    plan->n_out = is_separable ? depthwise->filters : plan->n_middle;
    plan->width = mb_round_up(plan->n_out, MB_LANES);
    plan->activation = mb_activation_find(depthwise->activation);
    plan->mixing = (mb_footprint){
        1, plan->n_middle, mb_round_up(plan->n_middle, MB_LANES), &plan->mixing_offset};
    plan->mixing_base =
        mb_arena_allocate(site->arena, ctx, plan->conv.n_cells, sizeof *plan->mixing_base);
    if (plan->mixing_base == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < plan->conv.n_cells; i++) {
        plan->mixing_base[i] = (uint32_t)(i * plan->n_middle);
    }
    lay_out(step, plan);
    step->data = plan;
    step->forward = forward;
    step->backward = backward;
    step->refresh = refresh;
    step->unpack = unpack;
    step->n_products = (uint64_t)plan->conv.n_cells * plan->n_middle *
                       (plan->conv.n_taps + (is_separable ? plan->n_out : 0));
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    const depthwise_options *depthwise = layer->options;
    const mb_weight *kernel = &layer->weights[0];
    const mb_weight *last = bias_of(layer);
    (void)inputs;
    (void)n_inputs;
    const uint64_t n_middle = (uint64_t)kernel->dim[kernel->rank - 2] * depthwise->depth_multiplier;
    const uint64_t n_out = depthwise->filters > 0 ? depthwise->filters : n_middle;
    const uint64_t n_cells = mb_value_size(output) / n_out;
    return n_cells *
           (2 * (uint64_t)kernel->count + (depthwise->filters > 0 ? 2 * n_middle * n_out : 0) +
               (last != NULL ? n_out : 0));
}

#define DEPTHWISE_LAYER(title, class, quantized, dimensions, separable, table, text)               \
    static mb_status infer_##title(mb_context *ctx, mb_model *model, mb_layer *layer,              \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)n_inputs;                                                                            \
        return infer_depthwise(ctx, model, layer, inputs, dimensions, separable, output);          \
    }                                                                                              \
    static mb_status plan_##title(mb_context *ctx, mb_plan_site *site) {                           \
        return plan_depthwise(ctx, site, dimensions, separable);                                   \
    }                                                                                              \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .quantized_class = quantized,                                                              \
        .help = text,                                                                              \
        .options = table,                                                                          \
        .options_size = sizeof(depthwise_options),                                                 \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer_##title,                                                                    \
        .plan = plan_##title,                                                                      \
        .flops = flops,                                                                            \
    };

DEPTHWISE_LAYER(depthwise_conv1d, "DepthwiseConv1D", NULL, 1, false, depthwise_table,
    "convolution of every channel for itself, over one dimension")
DEPTHWISE_LAYER(depthwise_conv2d, "DepthwiseConv2D", "QDepthwiseConv2D", 2, false, depthwise_table,
    "convolution of every channel for itself, over two dimensions")
DEPTHWISE_LAYER(separable_conv1d, "SeparableConv1D", "QSeparableConv1D", 1, true, separable1d_table,
    "convolution of every channel for itself, then a mixing of channels, over one dimension")
DEPTHWISE_LAYER(separable_conv2d, "SeparableConv2D", "QSeparableConv2D", 2, true, separable2d_table,
    "convolution of every channel for itself, then a mixing of channels, over two dimensions")
