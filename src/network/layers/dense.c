// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

typedef struct dense_options {
    size_t units;
    const char *activation;
    bool use_bias;
    const mb_node *kernel_initializer, *bias_initializer, *kernel_regularizer, *bias_regularizer;
    const mb_node *kernel_quantizer, *bias_quantizer;
} dense_options;

static const mb_option options[] = {{"units", MB_OPTION_SIZE, offsetof(dense_options, units), NULL,
                                        1, 1 << 24, NULL, NULL, "outputs"},
    {"activation", MB_OPTION_TEXT, offsetof(dense_options, activation), "linear", 0, 0, NULL, NULL,
        "applied to the result"},
    {"use_bias", MB_OPTION_BOOL, offsetof(dense_options, use_bias), "true", 0, 0, NULL, "bias",
        "add a number per output"},
    {"kernel_initializer", MB_OPTION_NODE, offsetof(dense_options, kernel_initializer), "", 0, 0,
        NULL, NULL, "default glorot_uniform"},
    {"bias_initializer", MB_OPTION_NODE, offsetof(dense_options, bias_initializer), "", 0, 0, NULL,
        NULL, "default zeros"},
    {"kernel_regularizer", MB_OPTION_NODE, offsetof(dense_options, kernel_regularizer), "", 0, 0,
        NULL, NULL, "penalty on the kernel"},
    {"bias_regularizer", MB_OPTION_NODE, offsetof(dense_options, bias_regularizer), "", 0, 0, NULL,
        NULL, "penalty on the bias"},
    {"kernel_quantizer", MB_OPTION_NODE, offsetof(dense_options, kernel_quantizer), "", 0, 0, NULL,
        NULL, "quantiser of the kernel, such as quantized_bits(8,1,1,alpha=1)"},
    {"bias_quantizer", MB_OPTION_NODE, offsetof(dense_options, bias_quantizer), "", 0, 0, NULL,
        NULL, "quantiser of the bias"},
    MB_OPTIONS_END};

// Vectors (rows, or positions of rows of higher rank) worked on at a time, at most.
enum { MOST_BLOCK = 64 };
// Inputs and outputs between two looks ahead of samples in lanes.
enum { PIECE = 48, OUTPUTS = 12 };
// Rows and columns of a kernel turned at a time.
enum { TURN = 16 };

typedef struct dense_plan {
    size_t n_in, n_out, width, per_row; // per_row: vectors in a row
    mb_footprint footprint;
    uint32_t run_offset;
    size_t block; // vectors at a time
    uint32_t base[MOST_BLOCK];
    size_t at_bias, at_back; // in packed, floats
    const mb_activation_ops *activation;
    mb_activation lanes_activation;
} dense_plan;

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const dense_options *dense = layer->options;
    const mb_activation_ops *activation = NULL;
    (void)n_inputs;
    if (inputs->rank == 0) {
        return mb_fail(
            ctx, MB_ERR_SHAPE, "needs at least one number per row; flatten or reshape first");
    }
    const size_t n_in = inputs->dim[inputs->rank - 1];
    MB_TRY(mb_activation_read(ctx, dense->activation, &activation));
    const mb_weight_spec kernel = {.name = "kernel",
        .rank = 2,
        .dim = {n_in, dense->units},
        .fan_in = n_in,
        .fan_out = dense->units,
        .initializer = dense->kernel_initializer,
        .default_initializer = "glorot_uniform",
        .regularizer = dense->kernel_regularizer,
        .is_trainable = true,
        .quantizer = dense->kernel_quantizer,
        .use = MB_QUANTIZER_KERNEL};
    MB_TRY(mb_layer_add_weight(ctx, model, layer, &kernel));
    if (dense->use_bias) {
        MB_TRY(mb_layer_add_bias(ctx, model, layer, dense->units, dense->bias_initializer,
            dense->bias_regularizer, dense->bias_quantizer));
    }
    *output = *inputs;
    output->dim[inputs->rank - 1] = dense->units;
    return MB_OK;
}

// Tile by tile: a whole column's lines would push each other out of the cache.
static void turn(const float *from, size_t n_in, size_t n_out, size_t stride, float *restrict to) {
    for (size_t first_o = 0; first_o < n_out; first_o += TURN) {
        const size_t end_o = mb_min_size(first_o + TURN, n_out);
        for (size_t first_i = 0; first_i < n_in; first_i += TURN) {
            const size_t end_i = mb_min_size(first_i + TURN, n_in);
            for (size_t o = first_o; o < end_o; o++) {
                for (size_t i = first_i; i < end_i; i++) {
                    to[o * stride + i] = from[i * n_out + o];
                }
            }
        }
    }
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const dense_plan *plan = step->data;
    const float *kernel = parameters + step->layer->weights[0].offset;
    for (size_t i = 0; i < plan->n_in; i++) {
        memcpy(packed + i * plan->width, kernel + i * plan->n_out, plan->n_out * sizeof *packed);
    }
    if (step->is_training) {
        turn(kernel, plan->n_in, plan->n_out, plan->footprint.run_pad, packed + plan->at_back);
    }
    for (size_t o = 0; o < plan->n_out && step->layer->n_weights > 1; o++) {
        packed[plan->at_bias + o] = parameters[step->layer->weights[1].offset + o];
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const dense_plan *plan = step->data;
    float *kernel = gradient + step->layer->weights[0].offset;
    for (size_t i = 0; i < plan->n_in; i++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            kernel[i * plan->n_out + o] += packed_gradient[i * plan->width + o];
        }
    }
    for (size_t o = 0; o < plan->n_out && step->layer->n_weights > 1; o++) {
        gradient[step->layer->weights[1].offset + o] +=
            packed_gradient[plan->n_in * plan->width + o];
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const dense_plan *plan = step->data;
    const size_t n = rows->n * plan->per_row;
    // A tile of values has room for a vector behind its last row. In training the next rows may be
    // another thread's.
    const bool is_direct = !step->is_training && (n == 1 || plan->width == MB_LANES);
    for (size_t first = 0; first < n; first += plan->block) {
        const size_t block = mb_min_size(plan->block, n - first);
        float *out = rows->out + first * plan->n_out;
        float *sums = is_direct ? out : rows->scratch;
        step->kernels->positions(block, plan->base, rows->in[0] + first * plan->n_in,
            &plan->footprint, step->packed, step->packed + plan->at_bias, plan->width, sums,
            is_direct ? plan->n_out : plan->width);
        for (size_t i = 0; i < block && !is_direct; i++) {
            memcpy(out + i * plan->n_out, sums + i * plan->width, plan->n_out * sizeof *out);
        }
        plan->activation->forward(
            plan->activation->default_parameters, out, block * plan->n_out, plan->n_out);
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const dense_plan *plan = step->data;
    float *d = rows->scratch;
    const size_t n = rows->n * plan->per_row;
    for (size_t first = 0; first < n; first += plan->block) {
        const size_t block = mb_min_size(plan->block, n - first);
        mb_layer_differentiate(step->kernels, plan->activation,
            plan->activation->default_parameters, rows->out + first * plan->n_out,
            rows->d_out + first * plan->n_out, block, plan->n_out, plan->width, d,
            rows->gradient + plan->n_in * plan->width);
        if (!step->takes_pieces) {
            step->kernels->positions_gradient(block, plan->base, rows->in[0] + first * plan->n_in,
                &plan->footprint, d, plan->width, rows->gradient);
        }
        if (rows->d_in[0] != NULL) {
            step->kernels->positions_back(block, plan->base, &plan->footprint, d, plan->width,
                plan->n_out, step->packed + plan->at_back, rows->d_in[0] + first * plan->n_in);
        }
    }
}

// Without an activation and padding the output's gradient is all that it takes.
static void add_piece(
    const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece) {
    const dense_plan *plan = step->data;
    const size_t n_vectors = rows->n * plan->per_row;
    for (size_t at = 0; at < n_vectors; at += plan->block) {
        mb_layer_add_kernel_rows(step->kernels, mb_min_size(plan->block, n_vectors - at),
            plan->base, rows->in[0] + at * plan->n_in, &plan->footprint,
            rows->d_out + at * plan->n_out, plan->width, first / plan->width, n / plan->width,
            piece);
    }
}

// Layout of a tile's scratch in floats: the gradient before the activation, padded to whole widths;
// it again in rows.
static size_t at_rows(const dense_plan *plan) {
    return plan->per_row * plan->width * MB_SAMPLES;
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const dense_plan *plan = step->data;
    const bool rectifies = mb_lanes_is_rectifier(&plan->lanes_activation);
    for (size_t first = 0; first < plan->per_row; first += plan->block) {
        const size_t block = mb_min_size(plan->block, plan->per_row - first);
        // One vector's outputs stand in a row: as many as a kernel takes, then a look ahead.
        const size_t piece = block == 1 ? OUTPUTS : plan->n_out;
        for (size_t o = 0; o < plan->n_out; o += piece) {
            step->kernels->lanes->positions(block, plan->base,
                rows->in[0] + first * plan->n_in * MB_SAMPLES, &plan->footprint, step->packed + o,
                step->packed + plan->at_bias + o, plan->width, mb_min_size(piece, plan->n_out - o),
                rectifies, rows->out + (first * plan->n_out + o) * MB_SAMPLES);
            mb_lanes_fetch_ahead(rows);
        }
    }
    if (!rectifies) {
        mb_lanes_activate(
            step->kernels, &plan->lanes_activation, rows->out, plan->per_row, plan->n_out);
    }
}

// One vector a sample: sums run over samples, as those of rows do, with their bits.
static void add_gradient_of_samples(
    const mb_step *step, const mb_rows *rows, const float *d, float *d_rows) {
    const dense_plan *plan = step->data;
    step->kernels->lanes->store(rows->n_samples, plan->width, d, d_rows, plan->width);
    step->kernels->sum_rows(
        rows->n_samples, d_rows, plan->width, rows->gradient + plan->n_in * plan->width);
    for (size_t k = 0; k < plan->n_in; k += PIECE) {
        step->kernels->lanes->outer(rows->n_samples, mb_min_size(PIECE, plan->n_in - k),
            rows->in[0] + k * MB_SAMPLES, d_rows, plan->width, rows->gradient + k * plan->width);
        mb_lanes_fetch_ahead(rows);
    }
}

// To the inputs of one vector a sample.
static void add_input_gradient(const mb_step *step, const mb_rows *rows, const float *d) {
    const dense_plan *plan = step->data;
    for (size_t k = 0; k < plan->n_in; k += PIECE) {
        const size_t n = mb_min_size(PIECE, plan->n_in - k);
        const mb_footprint part = {1, n, mb_round_up(n, MB_LANES), &plan->run_offset};
        step->kernels->lanes->back(1, plan->base, &part, d, step->packed + k * plan->width,
            plan->width, plan->n_out, rows->d_in[0] + k * MB_SAMPLES);
        mb_lanes_fetch_ahead(rows);
    }
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const dense_plan *plan = step->data;
    const mb_lane_kernels *kernels = step->kernels->lanes;
    float *d = rows->scratch;
    const size_t n_floats = plan->per_row * plan->n_out * MB_SAMPLES;
    mb_lanes_differentiate(step->kernels, &plan->lanes_activation, rows->out, rows->d_out,
        plan->per_row, plan->n_out, d);
    if (plan->per_row == 1) {
        memset(d + n_floats, 0, (at_rows(plan) - n_floats) * sizeof *d);
        add_gradient_of_samples(step, rows, d, d + at_rows(plan));
        if (rows->d_in[0] != NULL) {
            add_input_gradient(step, rows, d);
        }
        return;
    }
    kernels->sum(
        plan->per_row, plan->n_out, d, rows->gradient + plan->n_in * plan->n_out * MB_SAMPLES);
    for (size_t first = 0; first < plan->per_row; first += plan->block) {
        const size_t block = mb_min_size(plan->block, plan->per_row - first);
        const float *d_block = d + first * plan->n_out * MB_SAMPLES;
        const size_t place = first * plan->n_in * MB_SAMPLES;
        kernels->gradient(block, plan->base, rows->in[0] + place, &plan->footprint, d_block,
            plan->n_out, rows->gradient);
        if (rows->d_in[0] != NULL) {
            kernels->back(block, plan->base, &plan->footprint, d_block, step->packed, plan->width,
                plan->n_out, rows->d_in[0] + place);
        }
        mb_lanes_fetch_ahead(rows);
    }
}

static void unpack_lanes(const mb_step *step, const float *packed_gradient, float *gradient) {
    const dense_plan *plan = step->data;
    const size_t n_kernel = plan->n_in * plan->n_out;
    mb_lanes_unpack(step, n_kernel, plan->n_out, packed_gradient, gradient);
}

static void plan_lanes(mb_step *step) {
    const dense_plan *plan = step->data;
    const bool is_one = plan->per_row == 1;
    step->lanes = (mb_step_lanes){.forward = forward_lanes,
        .backward = backward_lanes,
        .unpack = is_one ? unpack : unpack_lanes,
        .gradient_floats =
            is_one ? step->gradient_floats : (plan->n_in + 1) * plan->n_out * MB_SAMPLES,
        .scratch_bytes = (at_rows(plan) + plan->width * MB_SAMPLES) * sizeof(float)};
}

static mb_status plan_dense(mb_context *ctx, mb_plan_site *site) {
    mb_step *step = site->step;
    const dense_options *dense = site->layer->options;
    dense_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    plan->n_in = step->in[0].dim[step->in[0].rank - 1];
    plan->n_out = dense->units;
    plan->width = mb_round_up(plan->n_out, MB_LANES);
    plan->per_row = step->in_size[0] / plan->n_in;
    plan->activation = mb_activation_find(dense->activation);
    plan->footprint =
        (mb_footprint){1, plan->n_in, mb_round_up(plan->n_in, MB_LANES), &plan->run_offset};
    // A row has at most 2^30 numbers: several of the longest are more than a base can count.
    plan->block = mb_min_size(MOST_BLOCK, UINT32_MAX / plan->n_in);
    for (size_t i = 0; i < plan->block; i++) {
        plan->base[i] = (uint32_t)(i * plan->n_in);
    }
    plan->at_bias = plan->n_in * plan->width;
    plan->at_back = plan->at_bias + plan->width;
    step->data = plan;
    step->forward = forward;
    step->backward = backward;
    step->refresh = refresh;
    step->unpack = unpack;
    step->packed_floats =
        plan->at_back + (step->is_training ? plan->n_out * plan->footprint.run_pad : 0);
    step->gradient_floats = (plan->n_in + 1) * plan->width;
    step->scratch_bytes = plan->block * plan->width * sizeof(float);
    step->n_products = (uint64_t)plan->per_row * plan->n_in * plan->n_out;
    plan->lanes_activation.ops = plan->activation;
    memcpy(plan->lanes_activation.parameters, plan->activation->default_parameters,
        sizeof plan->lanes_activation.parameters);
    if (plan->width == plan->n_out && plan->activation == mb_activation_find(NULL)) {
        mb_layer_offer_pieces(step, plan->n_in, plan->width, add_piece);
    }
    plan_lanes(step);
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)n_inputs;
    return mb_value_size(output) *
           (2 * (uint64_t)inputs->dim[inputs->rank - 1] + (layer->n_weights > 1 ? 1 : 0));
}

const mb_layer_ops mb_layer_dense = {
    .name = "dense",
    .class_name = "Dense",
    .quantized_class = "QDense",
    .help = "every output from every input of a vector",
    .options = options,
    .options_size = sizeof(dense_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = plan_dense,
    .flops = flops,
};
