// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

typedef struct concatenate_options {
    int64_t axis;
} concatenate_options;

static const mb_option options[] = {
    {"axis", MB_OPTION_INT, offsetof(concatenate_options, axis), "-1", -MB_MAX_DIMS, MB_MAX_DIMS,
        NULL, NULL, "counted as Keras does: 0 would be the events, -1 is the last"},
    MB_OPTIONS_END};

// The axis within a row.
static mb_status row_axis(mb_context *ctx, const mb_layer *layer, unsigned rank, size_t *axis) {
    const int64_t written = ((const concatenate_options *)layer->options)->axis;
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
    MB_TRY(row_axis(ctx, layer, inputs->rank, &axis));
    *output = inputs[0];
    for (size_t i = 1; i < n_inputs; i++) {
        mb_value_type like = inputs[i];
        like.dim[axis] = inputs[0].dim[axis];
        if (inputs[i].rank != inputs[0].rank || inputs[i].axis != inputs[0].axis ||
            memcmp(&like.dim, &inputs[0].dim, sizeof like.dim) != 0) {
            char a[96];
            char b[96];
            return mb_fail(ctx, MB_ERR_SHAPE,
                "inputs of shapes %s and %s differ off axis %zu; reshape one",
                mb_value_text(&inputs[0], a, sizeof a), mb_value_text(&inputs[i], b, sizeof b),
                axis + 1);
        }
        output->dim[axis] += inputs[i].dim[axis];
    }
    return MB_OK;
}

// Floats that one input gives per step of the outer axes.
static size_t stretch(const mb_value_type *type, size_t axis) {
    size_t n = 1;
    for (size_t d = axis; d < type->rank; d++) {
        n *= type->dim[d];
    }
    return n;
}

// n rows whose numbers are so many floats each: 1, or the samples of a tile.
static void forward_all(const mb_step *step, size_t n_rows, size_t floats, const mb_rows *rows) {
    const size_t axis = *(const size_t *)step->data;
    const size_t out_stretch = stretch(&step->out, axis);
    const size_t n_outer = n_rows * (step->out_size / out_stretch);
    size_t at = 0;
    for (size_t input = 0; input < step->n_inputs; input++) {
        const size_t n = stretch(&step->in[input], axis);
        for (size_t i = 0; i < n_outer; i++) {
            memcpy(rows->out + (i * out_stretch + at) * floats, rows->in[input] + i * n * floats,
                n * floats * sizeof(float));
        }
        at += n;
    }
}

static void backward_all(const mb_step *step, size_t n_rows, size_t floats, const mb_rows *rows) {
    const size_t axis = *(const size_t *)step->data;
    const size_t out_stretch = stretch(&step->out, axis);
    const size_t n_outer = n_rows * (step->out_size / out_stretch);
    size_t at = 0;
    for (size_t input = 0; input < step->n_inputs; input++) {
        const size_t n = stretch(&step->in[input], axis);
        for (size_t i = 0; i < n_outer && rows->d_in[input] != NULL; i++) {
            float *d_in = rows->d_in[input] + i * n * floats;
            const float *d_out = rows->d_out + (i * out_stretch + at) * floats;
            for (size_t k = 0; k < n * floats; k++) {
                d_in[k] += d_out[k];
            }
        }
        at += n;
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    forward_all(step, rows->n, 1, rows);
}

static void backward(const mb_step *step, const mb_rows *rows) {
    backward_all(step, rows->n, 1, rows);
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    forward_all(step, 1, MB_SAMPLES, rows);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    backward_all(step, 1, MB_SAMPLES, rows);
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    size_t *axis = mb_arena_allocate(site->arena, ctx, 1, sizeof *axis);
    if (axis == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(row_axis(ctx, site->layer, site->step->in[0].rank, axis));
    site->step->data = axis;
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes, .backward = backward_lanes};
    return MB_OK;
}

const mb_layer_ops mb_layer_concatenate = {
    .name = "concatenate",
    .class_name = "Concatenate",
    .help = "several rows side by side along an axis",
    .options = options,
    .options_size = sizeof(concatenate_options),
    .least_inputs = 1,
    .most_inputs = 0,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = plan,
};
