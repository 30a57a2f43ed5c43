// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "network/lanes.h"

typedef struct softmax_options {
    int64_t axis;
} softmax_options;

static const mb_option options[] = {
    {"axis", MB_OPTION_INT, offsetof(softmax_options, axis), "-1", -MB_MAX_DIMS, MB_MAX_DIMS, NULL,
        NULL, "counted as Keras does: 0 would be the events, -1 is the last"},
    MB_OPTIONS_END};

// Groups of n numbers, inner apart.
typedef struct softmax_plan {
    size_t n, inner;
} softmax_plan;

static mb_status find_axis(mb_context *ctx, const mb_layer *layer, unsigned rank, size_t *axis) {
    const int64_t written = ((const softmax_options *)layer->options)->axis;
    const int64_t at = written < 0 ? written + (int64_t)rank : written - 1;
    if (at < 0 || at >= (int64_t)rank) {
        return mb_fail(ctx, MB_ERR_SHAPE, "axis %lld is not one of a row's; use 1 to %u or -1",
            (long long)written, rank);
    }
    *axis = (size_t)at;
    return MB_OK;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    size_t axis = 0;
    (void)model;
    (void)n_inputs;
    *output = *inputs;
    return find_axis(ctx, layer, inputs->rank, &axis);
}

// inner: how far apart the numbers of a group are.
static void forward_group(size_t n, size_t inner, const float *in, float *out) {
    float most = in[0];
    float sum = 0;
    for (size_t i = 1; i < n; i++) {
        most = in[i * inner] > most ? in[i * inner] : most;
    }
    for (size_t i = 0; i < n; i++) {
        out[i * inner] = mb_expf(in[i * inner] - most);
        sum += out[i * inner];
    }
    for (size_t i = 0; i < n; i++) {
        out[i * inner] /= sum;
    }
}

// n_floats numbers; in lanes the numbers of a sample are MB_SAMPLES times as far apart.
static void forward_all(
    const softmax_plan *plan, size_t inner, size_t n_floats, const mb_rows *rows) {
    const size_t block = plan->n * inner;
    for (size_t first = 0; first < n_floats; first += block) {
        for (size_t i = first; i < first + inner; i++) {
            forward_group(plan->n, inner, rows->in[0] + i, rows->out + i);
        }
    }
}

static void backward_all(
    const softmax_plan *plan, size_t inner, size_t n_floats, const mb_rows *rows) {
    const size_t block = plan->n * inner;
    for (size_t first = 0; first < n_floats && rows->d_in[0] != NULL; first += block) {
        for (size_t i = first; i < first + inner; i++) {
            float sum = 0;
            for (size_t k = i; k < first + block; k += inner) {
                sum += rows->d_out[k] * rows->out[k];
            }
            for (size_t k = i; k < first + block; k += inner) {
                rows->d_in[0][k] += rows->out[k] * (rows->d_out[k] - sum);
            }
        }
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const softmax_plan *plan = step->data;
    forward_all(plan, plan->inner, rows->n * step->out_size, rows);
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const softmax_plan *plan = step->data;
    backward_all(plan, plan->inner, rows->n * step->out_size, rows);
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const softmax_plan *plan = step->data;
    forward_all(plan, plan->inner * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const softmax_plan *plan = step->data;
    backward_all(plan, plan->inner * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static mb_status plan_softmax(mb_context *ctx, mb_plan_site *site) {
    const mb_value_type *in = &site->step->in[0];
    size_t axis = 0;
    softmax_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(find_axis(ctx, site->layer, in->rank, &axis));
    plan->n = in->dim[axis];
    plan->inner = 1;
    for (size_t d = axis + 1; d < in->rank; d++) {
        plan->inner *= in->dim[d];
    }
    site->step->data = plan;
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes, .backward = backward_lanes};
    return MB_OK;
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)layer;
    (void)inputs;
    (void)n_inputs;
    return 3 * (uint64_t)mb_value_size(output);
}

const mb_layer_ops mb_layer_softmax = {
    .name = "softmax",
    .class_name = "Softmax",
    .help = "exponentials along an axis, divided by their sum",
    .options = options,
    .options_size = sizeof(softmax_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = plan_softmax,
    .flops = flops,
};
