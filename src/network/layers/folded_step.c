// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"
#include "network/layers/folded.h"
#include "network/layers/normalization.h"

#include <math.h>

// Places in a set of weights as the kernels want them, in floats; there is one of the folded
// weights, and in training one of the weights as they are.
typedef struct weight_places {
    size_t kernel, bias, back, size;
} weight_places;

typedef struct folded_plan {
    mb_conv_plan conv;
    size_t n_taps, n_out, width; // n_taps: rows of the kernel
    const mb_weight *kernel, *bias, *gamma, *beta, *mean, *variance, *iteration; // or NULL
    double momentum, epsilon;
    int64_t delay;
    int mode;
    bool is_unbiased; // Keras 2's fused form has N/(N-1) in the moving variance
    const mb_activation_ops *activation;
    weight_places places;
    size_t at_flat;    // a kernel in Keras's order, for its quantiser
    size_t at_vectors; // N_VECTORS of n_out floats
    size_t frame_bytes, cells_bytes;
} folded_plan;

// Of the folding in use. KERNEL_INVERSE is s without gamma, BIAS_INVERSE is t.
enum {
    KERNEL_INVERSE,
    BIAS_INVERSE,
    CENTRE,
    CORRECTION,
    MOVING_DEVIATION, // sqrt(moving variance + epsilon)
    D_MEAN,           // the gradient by z is D_MEAN + D_VARIANCE * (z - mean)
    D_VARIANCE,
    IS_BATCH, // 1 while the batch's own statistics count
    N_VECTORS
};

static float inverse_of(double variance, double epsilon) {
    return (float)(1 / sqrt(variance + epsilon));
}

static float value_of(const mb_weight *weight, const float *parameters, size_t o, float absent) {
    return weight != NULL ? parameters[weight->offset + o] : absent;
}

static float *vector_of(const folded_plan *plan, float *memory, int which) {
    return memory + plan->at_vectors + (size_t)which * plan->n_out;
}

// Puts a kernel (Keras's order) and a bias where the kernels want them.
static void place(const folded_plan *plan, bool has_back, const float *kernel, float *out) {
    const mb_footprint *footprint = &plan->conv.footprint;
    for (size_t i = 0; i < plan->n_taps; i++) {
        const size_t run = i / footprint->run_length;
        const size_t k = i % footprint->run_length;
        for (size_t o = 0; o < plan->n_out; o++) {
            out[plan->places.kernel + i * plan->width + o] = kernel[i * plan->n_out + o];
            if (has_back) {
                out[plan->places.back + (run * plan->n_out + o) * footprint->run_pad + k] =
                    kernel[i * plan->n_out + o];
            }
        }
    }
}

// Folds by the vectors in memory, quantises, and puts the weights at its beginning.
static void fold(const mb_step *step, const float *parameters, float *memory) {
    const folded_plan *plan = step->data;
    const size_t n = plan->n_out;
    const float *kernel = parameters + plan->kernel->offset;
    float *flat = memory + plan->at_flat;
    float *bias = memory + plan->places.bias;
    for (size_t o = 0; o < n; o++) {
        const float gamma = value_of(plan->gamma, parameters, o, 1);
        const float kernel_scale = vector_of(plan, memory, KERNEL_INVERSE)[o] * gamma;
        const float bias_scale = vector_of(plan, memory, BIAS_INVERSE)[o] * gamma;
        const float centred =
            value_of(plan->bias, parameters, o, 0) - vector_of(plan, memory, CENTRE)[o];
        for (size_t i = 0; i < plan->n_taps; i++) {
            flat[i * n + o] = kernel_scale * kernel[i * n + o];
        }
        bias[o] = bias_scale * centred + value_of(plan->beta, parameters, o, 0);
    }
    const mb_quantizer_shape kernel_shape =
        mb_quantizer_shape_of(plan->kernel->rank, plan->kernel->dim);
    const mb_quantizer_shape bias_shape = mb_quantizer_shape_of(1, &n);
    mb_quantizer_apply(&plan->kernel->quantizer, &kernel_shape, flat, flat);
    mb_quantizer_apply(mb_folded_bias_quantizer(step->layer), &bias_shape, bias, bias);
    place(plan, step->is_training, flat, memory);
}

// The folding of prediction.
static void fold_moving(const mb_step *step, const float *parameters, float *memory) {
    const folded_plan *plan = step->data;
    for (size_t o = 0; o < plan->n_out; o++) {
        const double variance = (double)parameters[plan->variance->offset + o];
        const float inverse = inverse_of(variance, plan->epsilon);
        vector_of(plan, memory, KERNEL_INVERSE)[o] = inverse;
        vector_of(plan, memory, BIAS_INVERSE)[o] = inverse;
        vector_of(plan, memory, CENTRE)[o] = parameters[plan->mean->offset + o];
        vector_of(plan, memory, CORRECTION)[o] = 1;
    }
    fold(step, parameters, memory);
}

// In training the weights as they are, for z and the way back.
static void refresh_raw(const mb_step *step, const float *parameters, float *packed) {
    const folded_plan *plan = step->data;
    place(plan, true, parameters + plan->kernel->offset, packed);
    for (size_t o = 0; o < plan->n_out; o++) {
        packed[plan->places.bias + o] = value_of(plan->bias, parameters, o, 0);
        packed[plan->at_vectors + o] = value_of(plan->gamma, parameters, o, 1);
    }
}

typedef struct workspace {
    float *frame, *d_frame, *cells, *others;
} workspace;

static workspace open_workspace(const folded_plan *plan, const mb_rows *rows) {
    char *at = rows->scratch;
    const workspace work = {(float *)(void *)at, (float *)(void *)(at + plan->frame_bytes),
        (float *)(void *)(at + 2 * plan->frame_bytes),
        (float *)(void *)(at + 2 * plan->frame_bytes + plan->cells_bytes)};
    return work;
}

static const float *find_frame(
    const mb_step *step, const mb_rows *rows, size_t row, const workspace *work) {
    const folded_plan *plan = step->data;
    const float *in = rows->in[0] + row * step->in_size[0];
    if (!plan->conv.is_padded) {
        return in;
    }
    mb_conv_fill_frame(&plan->conv, 1, in, work->frame);
    return work->frame;
}

static void run_positions(const mb_step *step, const float *frame, const float *weights,
    const float *bias, float *cells) {
    const folded_plan *plan = step->data;
    step->kernels->positions(plan->conv.n_cells, plan->conv.base, frame, &plan->conv.footprint,
        weights + plan->places.kernel, bias, plan->width, cells, plan->width);
}

static void forward_moving(const mb_step *step, const mb_rows *rows) {
    const folded_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    for (size_t i = 0; i < rows->n; i++) {
        float *out = rows->out + i * step->out_size;
        run_positions(step, find_frame(step, rows, i, &work), step->packed,
            step->packed + plan->places.bias, work.cells);
        for (size_t cell = 0; cell < plan->conv.n_cells; cell++) {
            memcpy(out + cell * plan->n_out, work.cells + cell * plan->width,
                plan->n_out * sizeof *out);
        }
        plan->activation->forward(
            plan->activation->default_parameters, out, step->out_size, plan->n_out);
    }
}

// Windows that need no frame read the samples where they are.
static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const folded_plan *plan = step->data;
    mb_activation activation = {.ops = plan->activation};
    memcpy(activation.parameters, activation.ops->default_parameters, sizeof activation.parameters);
    const bool rectifies = mb_lanes_is_rectifier(&activation);
    step->kernels->lanes->positions(plan->conv.n_cells, plan->conv.base, rows->in[0],
        &plan->conv.footprint, step->packed + plan->places.kernel, step->packed + plan->places.bias,
        plan->width, plan->n_out, rectifies, rows->out);
    if (!rectifies) {
        mb_lanes_activate(step->kernels, &activation, rows->out, plan->conv.n_cells, plan->n_out);
    }
}

// Saved of a row: z, and x W' without bias.
static float *saved_of(const mb_step *step, const mb_rows *rows, size_t row) {
    return (float *)(void *)((char *)rows->saved + row * step->saved_bytes);
}

static void take_statistics(const mb_step *step, const mb_rows *rows, double *partial) {
    const folded_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    memset(partial, 0, step->n_statistics * sizeof *partial);
    for (size_t i = 0; i < rows->n; i++) {
        float *z = saved_of(step, rows, i);
        run_positions(step, find_frame(step, rows, i, &work), step->packed,
            step->packed + plan->places.bias, work.cells);
        for (size_t cell = 0; cell < plan->conv.n_cells; cell++) {
            for (size_t o = 0; o < plan->n_out; o++) {
                const float value = work.cells[cell * plan->width + o];
                z[cell * plan->n_out + o] = value;
                partial[o] += (double)value;
                partial[plan->n_out + o] += (double)value * (double)value;
            }
        }
    }
}

static double count_of(const folded_plan *plan, size_t n_rows) {
    return (double)n_rows * (double)plan->conv.n_cells;
}

// Whether this step's own statistics count; QKeras counts steps from -1, before this one.
static bool count_step(const folded_plan *plan, float *parameters) {
    float *iteration = &parameters[plan->iteration->offset];
    const bool is_batch = plan->delay < 0 || (double)*iteration <= (double)plan->delay;
    *iteration += 1;
    return is_batch;
}

static void finish(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *parameters) {
    const folded_plan *plan = step->data;
    const double count = count_of(plan, n_rows);
    const bool is_batch = count_step(plan, parameters);
    const double correction = plan->is_unbiased ? count / (count > 1 ? count - 1 : 1) : 1;
    for (size_t o = 0; o < plan->n_out; o++) {
        const double mean = total[o] / count;
        const double difference = total[plan->n_out + o] / count - mean * mean;
        const double variance = difference < 0 ? 0 : difference; // rounding; NaN stays
        float *moving_mean = &parameters[plan->mean->offset + o];
        float *moving_variance = &parameters[plan->variance->offset + o];
        if (is_batch) {
            *moving_mean = mb_normalization_move(*moving_mean, mean, plan->momentum);
            *moving_variance =
                mb_normalization_move(*moving_variance, variance * correction, plan->momentum);
        }
        const float moving = inverse_of((double)*moving_variance, plan->epsilon);
        const float own = inverse_of(variance, plan->epsilon);
        const bool is_ema = plan->mode == MB_FOLDING_EMA;
        const float deviation = (float)sqrt((double)*moving_variance + plan->epsilon);
        vector_of(plan, batch, KERNEL_INVERSE)[o] = is_batch && !is_ema ? own : moving;
        vector_of(plan, batch, BIAS_INVERSE)[o] = is_batch ? own : moving;
        vector_of(plan, batch, CENTRE)[o] = is_batch ? (float)mean : *moving_mean;
        vector_of(plan, batch, CORRECTION)[o] = is_batch && is_ema ? deviation * own : 1;
        vector_of(plan, batch, MOVING_DEVIATION)[o] = deviation;
        vector_of(plan, batch, IS_BATCH)[o] = is_batch ? 1 : 0;
    }
    fold(step, parameters, batch);
}

static void forward_batch(const mb_step *step, const mb_rows *rows) {
    const folded_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    const float *bias = step->batch + plan->places.bias;
    const float *correction = vector_of(plan, step->batch, CORRECTION);
    memset(work.others, 0, plan->width * sizeof(float));
    for (size_t i = 0; i < rows->n; i++) {
        float *out = rows->out + i * step->out_size;
        float *product = saved_of(step, rows, i) + step->out_size;
        run_positions(step, find_frame(step, rows, i, &work), step->batch, work.others, work.cells);
        for (size_t cell = 0; cell < plan->conv.n_cells; cell++) {
            for (size_t o = 0; o < plan->n_out; o++) {
                const size_t at = cell * plan->n_out + o;
                product[at] = work.cells[cell * plan->width + o];
                out[at] = product[at] * correction[o] + bias[o];
            }
        }
        plan->activation->forward(
            plan->activation->default_parameters, out, step->out_size, plan->n_out);
    }
}

// The gradient before the activation, out_size floats.
static void differentiate_row(
    const mb_step *step, const mb_rows *rows, size_t row, float *gradient) {
    const folded_plan *plan = step->data;
    memcpy(gradient, rows->d_out + row * step->out_size, step->out_size * sizeof *gradient);
    plan->activation->backward(plan->activation->default_parameters,
        rows->out + row * step->out_size, gradient, step->out_size, plan->n_out);
}

// Sums over the batch of the gradient; of it times x W'; of it times x W.
static void take_d_statistics(
    const mb_step *step, const mb_rows *rows, const float *batch, double *partial) {
    const folded_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    const size_t n = plan->n_out;
    const float *bias = step->packed + plan->places.bias;
    (void)batch;
    memset(partial, 0, step->n_d_statistics * sizeof *partial);
    for (size_t i = 0; i < rows->n; i++) {
        const float *z = saved_of(step, rows, i);
        differentiate_row(step, rows, i, work.cells);
        for (size_t k = 0; k < step->out_size; k++) {
            const size_t o = k % n;
            const double d = (double)work.cells[k];
            partial[o] += d;
            partial[n + o] += d * (double)z[step->out_size + k];
            partial[2 * n + o] += d * (double)(z[k] - bias[o]);
        }
    }
}

// Gradients of the vectors stand behind those of the two kernels.
static float *vector_gradient(const folded_plan *plan, float *gradient, size_t which) {
    return gradient + (2 * plan->n_taps + which) * plan->width;
}

static void finish_backward(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *gradient) {
    const folded_plan *plan = step->data;
    const size_t n = plan->n_out;
    const double count = count_of(plan, n_rows);
    for (size_t o = 0; o < n; o++) {
        const double sum = total[o];
        const double products = total[n + o];
        const double raw_products = total[2 * n + o];
        const double gamma = (double)step->packed[plan->at_vectors + o];
        const double inverse = (double)vector_of(plan, batch, BIAS_INVERSE)[o];
        const double centred =
            (double)step->packed[plan->places.bias + o] - (double)vector_of(plan, batch, CENTRE)[o];
        const double correction = (double)vector_of(plan, batch, CORRECTION)[o];
        const double deviation = (double)vector_of(plan, batch, MOVING_DEVIATION)[o];
        const bool is_batch = vector_of(plan, batch, IS_BATCH)[o] > 0;
        const double d_inverse =
            sum * gamma * centred +
            (plan->mode == MB_FOLDING_EMA ? products * deviation : raw_products * gamma);
        const double d_mean = is_batch ? -sum * gamma * inverse : 0;
        const double d_variance = is_batch ? -0.5 * d_inverse * inverse * inverse * inverse : 0;
        vector_of(plan, batch, D_MEAN)[o] = (float)(d_mean / count);
        vector_of(plan, batch, D_VARIANCE)[o] = (float)(2 * d_variance / count);
        vector_gradient(plan, gradient, 0)[o] += (float)(is_batch ? 0 : sum * gamma * inverse);
        vector_gradient(plan, gradient, 1)[o] +=
            (float)(sum * inverse * centred +
                    (double)vector_of(plan, batch, KERNEL_INVERSE)[o] * correction * raw_products);
        vector_gradient(plan, gradient, 2)[o] += (float)sum;
    }
}

// The gradients by x W' and by z, in cells of whole widths.
static void spread_gradients(const mb_step *step, const mb_rows *rows, size_t row,
    float *restrict by_product, float *restrict by_z) {
    const folded_plan *plan = step->data;
    const size_t n = plan->n_out;
    const float *z = saved_of(step, rows, row);
    const float *correction = vector_of(plan, step->batch, CORRECTION);
    const float *centre = vector_of(plan, step->batch, CENTRE);
    const float *d_mean = vector_of(plan, step->batch, D_MEAN);
    const float *d_variance = vector_of(plan, step->batch, D_VARIANCE);
    differentiate_row(step, rows, row, by_z);
    memset(by_product, 0, plan->conv.n_cells * plan->width * sizeof *by_product);
    for (size_t k = 0; k < step->out_size; k++) {
        by_product[k / n * plan->width + k % n] = by_z[k] * correction[k % n];
    }
    memset(by_z, 0, plan->conv.n_cells * plan->width * sizeof *by_z);
    for (size_t k = 0; k < step->out_size; k++) {
        const size_t o = k % n;
        by_z[k / n * plan->width + o] = d_mean[o] + d_variance[o] * (z[k] - centre[o]);
    }
}

static void go_back(const mb_step *step, const float *d, const float *weights, float *d_frame) {
    const folded_plan *plan = step->data;
    step->kernels->positions_back(plan->conv.n_cells, plan->conv.base, &plan->conv.footprint, d,
        plan->width, plan->n_out, weights + plan->places.back, d_frame);
}

static void backward_batch(const mb_step *step, const mb_rows *rows) {
    const folded_plan *plan = step->data;
    const mb_conv_plan *conv = &plan->conv;
    const workspace work = open_workspace(plan, rows);
    for (size_t i = 0; i < rows->n; i++) {
        const float *frame = find_frame(step, rows, i, &work);
        spread_gradients(step, rows, i, work.cells, work.others);
        step->kernels->positions_gradient(conv->n_cells, conv->base, frame, &conv->footprint,
            work.cells, plan->width, rows->gradient);
        step->kernels->positions_gradient(conv->n_cells, conv->base, frame, &conv->footprint,
            work.others, plan->width, rows->gradient + plan->n_taps * plan->width);
        if (rows->d_in[0] != NULL) {
            memset(work.d_frame, 0, plan->frame_bytes);
            go_back(step, work.cells, step->batch, work.d_frame);
            go_back(step, work.others, step->packed, work.d_frame);
            mb_conv_add_frame(conv, 1, work.d_frame, rows->d_in[0] + i * step->in_size[0]);
        }
    }
}

// A frozen layer only passes gradients on.
static void backward_moving(const mb_step *step, const mb_rows *rows) {
    const folded_plan *plan = step->data;
    const workspace work = open_workspace(plan, rows);
    const size_t n = plan->n_out;
    for (size_t i = 0; i < rows->n && rows->d_in[0] != NULL; i++) {
        differentiate_row(step, rows, i, work.others);
        memset(work.cells, 0, plan->cells_bytes);
        for (size_t k = 0; k < step->out_size; k++) {
            work.cells[k / n * plan->width + k % n] = work.others[k];
        }
        memset(work.d_frame, 0, plan->frame_bytes);
        go_back(step, work.cells, step->packed, work.d_frame);
        mb_conv_add_frame(&plan->conv, 1, work.d_frame, rows->d_in[0] + i * step->in_size[0]);
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const folded_plan *plan = step->data;
    const mb_weight *const vectors[] = {plan->bias, plan->gamma, plan->beta};
    const float *of_z = packed_gradient + plan->n_taps * plan->width;
    float *kernel = gradient + plan->kernel->offset;
    for (size_t i = 0; i < plan->n_taps; i++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            const float scale = vector_of(plan, step->batch, KERNEL_INVERSE)[o] *
                                step->packed[plan->at_vectors + o];
            kernel[i * plan->n_out + o] +=
                packed_gradient[i * plan->width + o] * scale + of_z[i * plan->width + o];
        }
    }
    for (size_t v = 0; v < MB_COUNT_OF(vectors); v++) {
        const float *sums = packed_gradient + (2 * plan->n_taps + v) * plan->width;
        for (size_t o = 0; o < plan->n_out && vectors[v] != NULL; o++) {
            gradient[vectors[v]->offset + o] += sums[o];
        }
    }
}

static void fill_plan(const mb_plan_site *site, size_t n_spatial, folded_plan *plan) {
    const mb_folded_options *options = site->layer->options;
    const mb_layer *layer = site->layer;
    plan->kernel = mb_layer_find_weight(layer, "kernel");
    plan->bias = mb_layer_find_weight(layer, "bias");
    plan->gamma = mb_layer_find_weight(layer, "gamma");
    plan->beta = mb_layer_find_weight(layer, "beta");
    plan->mean = mb_layer_find_weight(layer, "moving_mean");
    plan->variance = mb_layer_find_weight(layer, "moving_variance");
    plan->iteration = mb_layer_find_weight(layer, "iteration");
    plan->n_out = options->conv.filters;
    plan->width = plan->conv.width;
    plan->n_taps = plan->kernel->count / plan->n_out;
    plan->momentum = options->momentum;
    plan->epsilon = options->epsilon;
    plan->mode = options->folding_mode;
    plan->is_unbiased = n_spatial == 2;
    plan->activation = mb_activation_find(options->conv.activation);
    const size_t back = plan->conv.footprint.n_runs * plan->n_out * plan->conv.footprint.run_pad;
    plan->places.kernel = 0;
    plan->places.bias = plan->n_taps * plan->width;
    plan->places.back = plan->places.bias + plan->width;
    plan->places.size = plan->places.back + (site->step->is_training ? back : 0);
    plan->at_flat = plan->places.size;
    plan->at_vectors = plan->at_flat + plan->kernel->count;
    plan->frame_bytes = mb_round_up(plan->conv.frame * sizeof(float), 64);
    plan->cells_bytes = mb_round_up(plan->conv.n_cells * plan->width * sizeof(float), 64);
}

static void set_training(mb_step *step, const folded_plan *plan) {
    const size_t size = plan->at_vectors + N_VECTORS * plan->n_out;
    step->forward = forward_batch;
    step->backward = backward_batch;
    step->refresh = refresh_raw;
    step->unpack = unpack;
    step->gradient_floats = (2 * plan->n_taps + 3) * plan->width;
    step->saved_bytes = 2 * step->out_size * sizeof(float);
    step->n_batch_floats = size;
    step->n_statistics = 2 * plan->n_out;
    step->n_d_statistics = 3 * plan->n_out;
    step->statistics = take_statistics;
    step->finish = finish;
    step->d_statistics = take_d_statistics;
    step->finish_backward = finish_backward;
}

mb_status mb_folded_plan(
    mb_context *ctx, mb_plan_site *site, const mb_value_type *in, size_t n_spatial) {
    const mb_folded_options *options = site->layer->options;
    mb_step *step = site->step;
    mb_conv_options shape = options->conv;
    folded_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    if (n_spatial == 1) {
        const mb_sizes one = {.n = 1, .value = {1}};
        shape.kernel_size = shape.strides = shape.dilation_rate = one;
    }
    MB_TRY(mb_conv_frame_make(ctx, site, in, &shape, n_spatial, &plan->conv));
    MB_TRY(mb_folded_delay(ctx, options->ema_freeze_delay, &plan->delay));
    fill_plan(site, n_spatial, plan);
    step->data = plan;
    step->packed_floats = mb_round_up(plan->at_vectors + N_VECTORS * plan->n_out, 16);
    step->scratch_bytes = 2 * (plan->frame_bytes + plan->cells_bytes);
    step->n_products = (uint64_t)plan->conv.n_cells * plan->kernel->count;
    if (step->is_training && !step->is_frozen && site->layer->is_trainable) {
        set_training(step, plan);
        return MB_OK;
    }
    step->forward = forward_moving;
    step->backward = backward_moving;
    step->refresh = fold_moving;
    if (!step->is_training && !plan->conv.is_padded) {
        step->lanes =
            (mb_step_lanes){.forward = forward_lanes, .scratch_bytes = plan->n_out * sizeof(float)};
    }
    return MB_OK;
}
