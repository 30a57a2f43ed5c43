// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

#include <math.h>

// Several rows of one shape into one, element by element; inputs are taken from the first on.

static const mb_option no_options[] = {MB_OPTIONS_END};

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)model;
    (void)layer;
    for (size_t i = 1; i < n_inputs; i++) {
        if (inputs[i].rank != inputs[0].rank || inputs[i].axis != inputs[0].axis ||
            memcmp(inputs[i].dim, inputs[0].dim, inputs[0].rank * sizeof *inputs[0].dim) != 0) {
            char a[96];
            char b[96];
            return mb_fail(ctx, MB_ERR_SHAPE,
                "inputs have shapes %s and %s; all must be the same, reshape one",
                mb_value_text(&inputs[0], a, sizeof a), mb_value_text(&inputs[i], b, sizeof b));
        }
    }
    *output = inputs[0];
    return MB_OK;
}

static void forward_add(const mb_step *step, const mb_rows *rows) {
    const size_t n = rows->n * step->out_size;
    memcpy(rows->out, rows->in[0], n * sizeof(float));
    for (size_t j = 1; j < step->n_inputs; j++) {
        for (size_t i = 0; i < n; i++) {
            rows->out[i] += rows->in[j][i];
        }
    }
}

static void backward_add(const mb_step *step, const mb_rows *rows) {
    for (size_t j = 0; j < step->n_inputs; j++) {
        for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[j] != NULL; i++) {
            rows->d_in[j][i] += rows->d_out[i];
        }
    }
}

static void forward_subtract(const mb_step *step, const mb_rows *rows) {
    for (size_t i = 0; i < rows->n * step->out_size; i++) {
        rows->out[i] = rows->in[0][i] - rows->in[1][i];
    }
}

static void backward_subtract(const mb_step *step, const mb_rows *rows) {
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[0] != NULL; i++) {
        rows->d_in[0][i] += rows->d_out[i];
    }
    for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[1] != NULL; i++) {
        rows->d_in[1][i] -= rows->d_out[i];
    }
}

static void forward_multiply(const mb_step *step, const mb_rows *rows) {
    const size_t n = rows->n * step->out_size;
    memcpy(rows->out, rows->in[0], n * sizeof(float));
    for (size_t j = 1; j < step->n_inputs; j++) {
        for (size_t i = 0; i < n; i++) {
            rows->out[i] *= rows->in[j][i];
        }
    }
}

// The product of the others is made anew: dividing the output would fail at zero.
static void backward_multiply(const mb_step *step, const mb_rows *rows) {
    for (size_t j = 0; j < step->n_inputs; j++) {
        for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[j] != NULL; i++) {
            float product = rows->d_out[i];
            for (size_t other = 0; other < step->n_inputs; other++) {
                product *= other == j ? 1.0F : rows->in[other][i];
            }
            rows->d_in[j][i] += product;
        }
    }
}

static void forward_average(const mb_step *step, const mb_rows *rows) {
    const float n_inputs = (float)step->n_inputs;
    forward_add(step, rows);
    for (size_t i = 0; i < rows->n * step->out_size; i++) {
        rows->out[i] /= n_inputs;
    }
}

static void backward_average(const mb_step *step, const mb_rows *rows) {
    const float n_inputs = (float)step->n_inputs;
    for (size_t j = 0; j < step->n_inputs; j++) {
        for (size_t i = 0; i < rows->n * step->out_size && rows->d_in[j] != NULL; i++) {
            rows->d_in[j][i] += rows->d_out[i] / n_inputs;
        }
    }
}

static void forward_maximum(const mb_step *step, const mb_rows *rows) {
    const size_t n = rows->n * step->out_size;
    memcpy(rows->out, rows->in[0], n * sizeof(float));
    for (size_t j = 1; j < step->n_inputs; j++) {
        const float *in = rows->in[j];
        for (size_t i = 0; i < n; i++) {
            rows->out[i] = in[i] > rows->out[i] || isnan(in[i]) ? in[i] : rows->out[i];
        }
    }
}

static void forward_minimum(const mb_step *step, const mb_rows *rows) {
    const size_t n = rows->n * step->out_size;
    memcpy(rows->out, rows->in[0], n * sizeof(float));
    for (size_t j = 1; j < step->n_inputs; j++) {
        const float *in = rows->in[j];
        for (size_t i = 0; i < n; i++) {
            rows->out[i] = in[i] < rows->out[i] || isnan(in[i]) ? in[i] : rows->out[i];
        }
    }
}

// Of equal inputs the first gets the gradient, as TensorFlow's does (jax gives each a half).
static void backward_extreme(const mb_step *step, const mb_rows *rows) {
    for (size_t i = 0; i < rows->n * step->out_size; i++) {
        size_t j = 0;
        while (j + 1 < step->n_inputs && !(rows->in[j][i] == rows->out[i])) {
            j++;
        }
        if (rows->d_in[j] != NULL) {
            rows->d_in[j][i] += rows->d_out[i];
        }
    }
}

static uint64_t flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    (void)layer;
    (void)inputs;
    return (n_inputs - 1) * (uint64_t)mb_value_size(output);
}

#define MERGE_LAYER(kind, class, least, most, text, backward_function)                             \
    static mb_status plan_##kind(mb_context *ctx, mb_plan_site *site) {                            \
        (void)ctx;                                                                                 \
        site->step->forward = forward_##kind;                                                      \
        site->step->backward = backward_function;                                                  \
        mb_lanes_take_rows(site->step);                                                            \
        return MB_OK;                                                                              \
    }                                                                                              \
    const mb_layer_ops mb_layer_##kind = {                                                         \
        .name = #kind,                                                                             \
        .class_name = class,                                                                       \
        .help = text,                                                                              \
        .options = no_options,                                                                     \
        .least_inputs = least,                                                                     \
        .most_inputs = most,                                                                       \
        .layout = MB_LAYOUT_ANY,                                                                   \
        .infer = infer,                                                                            \
        .plan = plan_##kind,                                                                       \
        .flops = flops,                                                                            \
    };

MERGE_LAYER(add, "Add", 2, 0, "sum of the inputs", backward_add)
MERGE_LAYER(subtract, "Subtract", 2, 2, "the first input less the second", backward_subtract)
MERGE_LAYER(multiply, "Multiply", 2, 0, "product of the inputs", backward_multiply)
MERGE_LAYER(average, "Average", 2, 0, "mean of the inputs", backward_average)
MERGE_LAYER(maximum, "Maximum", 2, 0, "greatest of the inputs", backward_extreme)
MERGE_LAYER(minimum, "Minimum", 2, 0, "least of the inputs", backward_extreme)
