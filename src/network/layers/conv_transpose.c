// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Transposed convolution: the gradient of a plain one by its input. The plain one goes from the
// output's shape to the input's; its geometry is used backwards.

#include "network/lanes.h"
#include "network/layers/conv_frame.h"

typedef struct transpose_options {
    size_t filters;
    mb_sizes kernel_size, strides, output_padding, dilation_rate;
    int padding, data_format;
    const char *activation;
    bool use_bias;
    const mb_node *kernel_initializer, *bias_initializer, *kernel_regularizer, *bias_regularizer;
    const mb_node *kernel_quantizer, *bias_quantizer;
} transpose_options;

static const char *const padding_names[] = {"valid", "same", NULL};

#define NODE(name, help)                                                                           \
    { #name, MB_OPTION_NODE, offsetof(transpose_options, name), "", 0, 0, NULL, NULL, help }

static const mb_option options[] = {
    {"filters", MB_OPTION_SIZE, offsetof(transpose_options, filters), NULL, 1, 1 << 20, NULL, NULL,
        "output channels"},
    {"kernel_size", MB_OPTION_SIZES, offsetof(transpose_options, kernel_size), NULL, 1, 1 << 16,
        NULL, "kernel", "window, per dimension"},
    {"strides", MB_OPTION_SIZES, offsetof(transpose_options, strides), "1", 1, 1 << 16, NULL,
        "stride", "step, per dimension"},
    {"padding", MB_OPTION_CHOICE, offsetof(transpose_options, padding), "valid", 0, 0,
        padding_names, NULL, "what happens at the borders"},
    {"output_padding", MB_OPTION_SIZES, offsetof(transpose_options, output_padding), "", 0, 1 << 16,
        NULL, NULL, "how much longer the output is, below the stride; default: as Keras does"},
    {"data_format", MB_OPTION_CHOICE, offsetof(transpose_options, data_format), "channels_last", 0,
        0, mb_data_format_names, NULL, "where the channels are"},
    {"dilation_rate", MB_OPTION_SIZES, offsetof(transpose_options, dilation_rate), "1", 1, 1 << 16,
        NULL, "dilation", "spacing of the window's taps"},
    {"activation", MB_OPTION_TEXT, offsetof(transpose_options, activation), "linear", 0, 0, NULL,
        NULL, "applied to the result"},
    {"use_bias", MB_OPTION_BOOL, offsetof(transpose_options, use_bias), "true", 0, 0, NULL, "bias",
        "add a number per channel"},
    NODE(kernel_initializer, "default glorot_uniform"), NODE(bias_initializer, "default zeros"),
    NODE(kernel_regularizer, "penalty on the kernel"),
    NODE(bias_regularizer, "penalty on the bias"),
    NODE(kernel_quantizer, "quantiser of the kernel, such as quantized_bits(8,1,1,alpha=1)"),
    NODE(bias_quantizer, "quantiser of the bias"), MB_OPTIONS_END};

typedef struct transpose_plan {
    mb_conv_plan conv; // its input is this layer's output, its outputs are this layer's inputs
    const mb_activation_ops *activation;
    size_t n_in, n_out;                           // channels of this layer
    size_t out_width;                             // n_out rounded up
    size_t at_bias, at_back, at_zero;             // in packed, floats; the kernel is first
    size_t frame_bytes, cells_bytes, d_out_bytes; // of a row
} transpose_plan;

static bool is_channels_first(const mb_layer *layer) {
    return ((const transpose_options *)layer->options)->data_format == 1;
}

static mb_status output_length(mb_context *ctx, const transpose_options *transpose, size_t in,
    size_t window, size_t stride, size_t dilation, size_t extra, size_t *out) {
    const bool is_same = transpose->padding == MB_PADDING_SAME;
    const size_t reach = (window - 1) * dilation + 1;
    if (transpose->output_padding.n == 0) {
        *out = in * stride + (is_same || reach < stride ? 0 : reach - stride);
    } else {
        if (extra >= stride) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "output_padding %zu is not below the stride %zu; make it smaller", extra, stride);
        }
        const size_t whole = (in - 1) * stride + reach + extra;
        const size_t cut = is_same ? 2 * (reach / 2) : 0;
        *out = whole > cut ? whole - cut : 0;
    }
    size_t pad = 0;
    if (mb_window_output(*out, window, stride, dilation, (mb_padding)transpose->padding, &pad) !=
        in) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "no convolution of kernel %zu and stride %zu goes from length %zu to %zu; change "
            "output_padding",
            window, stride, *out, in);
    }
    return MB_OK;
}

static mb_status find_lengths(mb_context *ctx, const transpose_options *transpose, size_t n_spatial,
    size_t window[3], mb_spatial *spatial) {
    size_t stride[3];
    size_t dilation[3];
    const mb_sizes *extra = &transpose->output_padding;
    MB_TRY(mb_spatial_option(ctx, &transpose->kernel_size, n_spatial, "kernel_size", window));
    MB_TRY(mb_spatial_option(ctx, &transpose->strides, n_spatial, "strides", stride));
    MB_TRY(mb_spatial_option(ctx, &transpose->dilation_rate, n_spatial, "dilation_rate", dilation));
    if (extra->n > 1 && extra->n != n_spatial) {
        return mb_fail(ctx, MB_ERR_SHAPE, "output_padding has %zu numbers; give %zu, or one",
            extra->n, n_spatial);
    }
    for (size_t i = 0; i < n_spatial; i++) {
        if (window[i] > 1 && stride[i] > 1 && dilation[i] > 1) {
            return mb_fail(ctx, MB_ERR_UNSUPPORTED,
                "strides and dilation_rate above 1 together are not offered (nor are they by "
                "Keras); set one to 1");
        }
        MB_TRY(output_length(ctx, transpose, spatial->dim[i], window[i], stride[i], dilation[i],
            extra->value[extra->n > 1 ? i : 0], &spatial->dim[i]));
    }
    return MB_OK;
}

static mb_status infer_transpose(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_spatial, mb_value_type *output) {
    const transpose_options *transpose = layer->options;
    mb_spatial spatial;
    size_t window[3];
    MB_TRY(mb_spatial_check_activation(ctx, transpose->activation, is_channels_first(layer)));
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, is_channels_first(layer), &spatial));
    MB_TRY(find_lengths(ctx, transpose, n_spatial, window, &spatial));
    mb_weight_spec kernel = {.name = "kernel",
        .rank = (unsigned)n_spatial + 2,
        .fan_in = transpose->filters,
        .fan_out = spatial.channels,
        .initializer = transpose->kernel_initializer,
        .default_initializer = "glorot_uniform",
        .regularizer = transpose->kernel_regularizer,
        .is_trainable = true,
        .quantizer = transpose->kernel_quantizer,
        .use = MB_QUANTIZER_KERNEL};
    for (size_t i = 0; i < n_spatial; i++) {
        kernel.dim[i] = window[i];
        kernel.fan_in *= window[i];
        kernel.fan_out *= window[i];
    }
    kernel.dim[n_spatial] = transpose->filters;
    kernel.dim[n_spatial + 1] = spatial.channels;
    MB_TRY(mb_layer_add_weight(ctx, model, layer, &kernel));
    if (transpose->use_bias) {
        MB_TRY(mb_layer_add_bias(ctx, model, layer, transpose->filters, transpose->bias_initializer,
            transpose->bias_regularizer, transpose->bias_quantizer));
    }
    spatial.channels = transpose->filters;
    *output = mb_spatial_type(inputs, &spatial, is_channels_first(layer));
    return MB_OK;
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const transpose_plan *plan = step->data;
    const mb_footprint *footprint = &plan->conv.footprint;
    const float *kernel = parameters + step->layer->weights[0].offset;
    for (size_t row = 0; row < footprint->n_runs * footprint->run_length; row++) {
        const size_t run = row / footprint->run_length;
        const size_t k = row % footprint->run_length;
        for (size_t i = 0; i < plan->n_in; i++) {
            const float w = kernel[row * plan->n_in + i];
            packed[plan->at_back + (run * plan->n_in + i) * footprint->run_pad + k] = w;
            packed[row * plan->conv.width + i] = w;
        }
    }
    for (size_t o = 0; o < plan->n_out && step->layer->n_weights > 1; o++) {
        packed[plan->at_bias + o] = parameters[step->layer->weights[1].offset + o];
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const transpose_plan *plan = step->data;
    const mb_footprint *footprint = &plan->conv.footprint;
    const size_t n_rows = footprint->n_runs * footprint->run_length;
    float *kernel = gradient + step->layer->weights[0].offset;
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t i = 0; i < plan->n_in; i++) {
            kernel[row * plan->n_in + i] += packed_gradient[row * plan->conv.width + i];
        }
    }
    for (size_t o = 0; o < plan->n_out && step->layer->n_weights > 1; o++) {
        gradient[step->layer->weights[1].offset + o] +=
            packed_gradient[n_rows * plan->conv.width + o];
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const transpose_plan *plan = step->data;
    float *frame = rows->scratch;
    for (size_t i = 0; i < rows->n; i++) {
        float *out = rows->out + i * step->out_size;
        memset(frame, 0, plan->conv.frame * sizeof *frame);
        step->kernels->positions_back(plan->conv.n_cells, plan->conv.base, &plan->conv.footprint,
            rows->in[0] + i * step->in_size[0], plan->n_in, plan->n_in,
            step->packed + plan->at_back, frame);
        for (size_t k = 0; k < step->out_size; k += plan->n_out) {
            memcpy(out + k, step->packed + plan->at_bias, plan->n_out * sizeof *out);
        }
        mb_conv_add_frame(&plan->conv, 1, frame, out);
        plan->activation->forward(
            plan->activation->default_parameters, out, step->out_size, plan->n_out);
    }
}

// Channels out_width apart become n_out apart again, for the frame.
static void close_up(float *d, size_t n, size_t n_out, size_t width) {
    for (size_t i = 1; i < n && n_out != width; i++) {
        memmove(d + i * n_out, d + i * width, n_out * sizeof *d);
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const transpose_plan *plan = step->data;
    const mb_conv_plan *conv = &plan->conv;
    char *scratch = rows->scratch;
    float *frame = (float *)(void *)scratch;
    float *cells = (float *)(void *)(scratch + plan->frame_bytes);
    float *d = (float *)(void *)(scratch + plan->frame_bytes + plan->cells_bytes);
    const size_t n_rows = conv->footprint.n_runs * conv->footprint.run_length;
    const size_t n_positions = step->out_size / plan->n_out;
    for (size_t i = 0; i < rows->n; i++) {
        const float *in = rows->in[0] + i * step->in_size[0];
        mb_layer_differentiate(step->kernels, plan->activation,
            plan->activation->default_parameters, rows->out + i * step->out_size,
            rows->d_out + i * step->out_size, n_positions, plan->n_out, plan->out_width, d,
            rows->gradient + n_rows * conv->width);
        close_up(d, n_positions, plan->n_out, plan->out_width);
        mb_conv_fill_frame(conv, 1, d, frame);
        memset(cells, 0, conv->n_cells * conv->width * sizeof *cells);
        for (size_t cell = 0; cell < conv->n_cells; cell++) {
            memcpy(cells + cell * conv->width, in + cell * plan->n_in, plan->n_in * sizeof *cells);
        }
        step->kernels->positions_gradient(
            conv->n_cells, conv->base, frame, &conv->footprint, cells, conv->width, rows->gradient);
        if (rows->d_in[0] == NULL) {
            continue;
        }
        step->kernels->positions(conv->n_cells, conv->base, frame, &conv->footprint, step->packed,
            step->packed + plan->at_zero, conv->width, cells, conv->width);
        float *d_in = rows->d_in[0] + i * step->in_size[0];
        for (size_t cell = 0; cell < conv->n_cells; cell++) {
            for (size_t c = 0; c < plan->n_in; c++) {
                d_in[cell * plan->n_in + c] += cells[cell * conv->width + c];
            }
        }
    }
}

// A tile's scratch in floats: the frame, gradients of all positions, gradients of the input.
static size_t at_d(const transpose_plan *plan) {
    return plan->conv.frame * MB_SAMPLES;
}

static size_t at_cells(const mb_step *step, const transpose_plan *plan) {
    return at_d(plan) + step->out_size * MB_SAMPLES;
}

static mb_activation activation_of(const transpose_plan *plan) {
    mb_activation activation = {.ops = plan->activation};
    memcpy(
        activation.parameters, plan->activation->default_parameters, sizeof activation.parameters);
    return activation;
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const transpose_plan *plan = step->data;
    const mb_activation activation = activation_of(plan);
    const size_t n_positions = step->out_size / plan->n_out;
    float *frame = rows->scratch;
    memset(frame, 0, at_d(plan) * sizeof *frame);
    step->kernels->lanes->back(plan->conv.n_cells, plan->conv.base, &plan->conv.footprint,
        rows->in[0], step->packed, plan->conv.width, plan->n_in, frame);
    for (size_t i = 0; i < step->out_size; i++) {
        const float bias = step->packed[plan->at_bias + i % plan->n_out];
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            rows->out[i * MB_SAMPLES + s] = bias;
        }
    }
    mb_conv_add_frame(&plan->conv, MB_SAMPLES, frame, rows->out);
    mb_lanes_activate(step->kernels, &activation, rows->out, n_positions, plan->n_out);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const transpose_plan *plan = step->data;
    const mb_conv_plan *conv = &plan->conv;
    const mb_lane_kernels *kernels = step->kernels->lanes;
    const mb_activation activation = activation_of(plan);
    const size_t n_positions = step->out_size / plan->n_out;
    const size_t n_rows = conv->footprint.n_runs * conv->footprint.run_length;
    float *frame = rows->scratch;
    float *d = frame + at_d(plan);
    float *cells = frame + at_cells(step, plan);
    mb_lanes_differentiate(
        step->kernels, &activation, rows->out, rows->d_out, n_positions, plan->n_out, d);
    kernels->sum(n_positions, plan->n_out, d, rows->gradient + n_rows * plan->n_in * MB_SAMPLES);
    mb_conv_fill_frame(conv, MB_SAMPLES, d, frame);
    kernels->gradient(conv->n_cells, conv->base, frame, &conv->footprint, rows->in[0], plan->n_in,
        rows->gradient);
    if (rows->d_in[0] == NULL) {
        return;
    }
    kernels->positions(conv->n_cells, conv->base, frame, &conv->footprint, step->packed,
        step->packed + plan->at_zero, conv->width, plan->n_in, false, cells);
    for (size_t i = 0; i < step->in_size[0] * MB_SAMPLES; i++) {
        rows->d_in[0][i] += cells[i];
    }
}

static void unpack_lanes(const mb_step *step, const float *packed_gradient, float *gradient) {
    const transpose_plan *plan = step->data;
    const mb_footprint *footprint = &plan->conv.footprint;
    const size_t n_kernel = footprint->n_runs * footprint->run_length * plan->n_in;
    mb_lanes_unpack(step, n_kernel, plan->n_out, packed_gradient, gradient);
}

static void plan_lanes(mb_step *step) {
    const transpose_plan *plan = step->data;
    const mb_footprint *footprint = &plan->conv.footprint;
    const size_t end = at_cells(step, plan) + step->in_size[0] * MB_SAMPLES;
    step->lanes = (mb_step_lanes){.forward = forward_lanes,
        .backward = backward_lanes,
        .unpack = unpack_lanes,
        .gradient_floats =
            (footprint->n_runs * footprint->run_length * plan->n_in + plan->n_out) * MB_SAMPLES,
        .scratch_bytes = (step->is_training ? end : at_d(plan)) * sizeof(float)};
}

static void lay_out(mb_step *step, transpose_plan *plan) {
    const mb_footprint *footprint = &plan->conv.footprint;
    const size_t n_rows = footprint->n_runs * footprint->run_length;
    plan->at_bias = n_rows * plan->conv.width;
    plan->at_zero = plan->at_bias + plan->out_width;
    plan->at_back = plan->at_zero + plan->conv.width;
    step->packed_floats = plan->at_back + plan->n_in * footprint->n_runs * footprint->run_pad;
    step->gradient_floats = n_rows * plan->conv.width + plan->out_width;
    plan->frame_bytes = mb_round_up(plan->conv.frame * sizeof(float), 64);
    plan->cells_bytes = mb_round_up(plan->conv.n_cells * plan->conv.width * sizeof(float), 64);
    plan->d_out_bytes =
        mb_round_up(step->out_size / plan->n_out * plan->out_width * sizeof(float), 64);
    step->scratch_bytes =
        plan->frame_bytes + (step->is_training ? plan->cells_bytes + plan->d_out_bytes : 0);
}

static mb_status plan_transpose(mb_context *ctx, mb_plan_site *site, size_t n_spatial) {
    mb_step *step = site->step;
    const transpose_options *transpose = site->layer->options;
    const mb_conv_options shape = {.filters = step->in[0].dim[n_spatial],
        .kernel_size = transpose->kernel_size,
        .strides = transpose->strides,
        .dilation_rate = transpose->dilation_rate,
        .padding = transpose->padding};
    transpose_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_conv_frame_make(ctx, site, &step->out, &shape, n_spatial, &plan->conv));
    plan->activation = mb_activation_find(transpose->activation);
    plan->n_in = step->in[0].dim[n_spatial];
    plan->n_out = transpose->filters;
    plan->out_width = mb_round_up(plan->n_out, MB_LANES);
    lay_out(step, plan);
    step->data = plan;
    step->forward = forward;
    step->backward = backward;
    step->refresh = refresh;
    step->unpack = unpack;
    step->n_products = (uint64_t)plan->conv.n_cells * plan->conv.n_taps * plan->n_in * plan->n_out;
    plan_lanes(step);
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    const mb_weight *kernel = &layer->weights[0];
    (void)n_inputs;
    const uint64_t n_in = kernel->dim[kernel->rank - 1];
    return 2 * (uint64_t)kernel->count * (mb_value_size(inputs) / n_in) +
           (layer->n_weights > 1 ? mb_value_size(output) : 0);
}

#define TRANSPOSE_LAYER(dimensions, quantized, text)                                               \
    static mb_status infer##dimensions(mb_context *ctx, mb_model *model, mb_layer *layer,          \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)n_inputs;                                                                            \
        return infer_transpose(ctx, model, layer, inputs, dimensions, output);                     \
    }                                                                                              \
    static mb_status plan##dimensions(mb_context *ctx, mb_plan_site *site) {                       \
        return plan_transpose(ctx, site, dimensions);                                              \
    }                                                                                              \
    const mb_layer_ops mb_layer_conv##dimensions##d_transpose = {                                  \
        .name = "conv" #dimensions "d_transpose",                                                  \
        .class_name = "Conv" #dimensions "DTranspose",                                             \
        .quantized_class = quantized,                                                              \
        .help = text,                                                                              \
        .options = options,                                                                        \
        .options_size = sizeof(transpose_options),                                                 \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = is_channels_first,                                                    \
        .infer = infer##dimensions,                                                                \
        .plan = plan##dimensions,                                                                  \
        .flops = flops,                                                                            \
    };

TRANSPOSE_LAYER(1, NULL, "transposed convolution over one dimension")
TRANSPOSE_LAYER(2, "QConv2DTranspose", "transposed convolution over two dimensions")
TRANSPOSE_LAYER(3, NULL, "transposed convolution over three dimensions")
