// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

typedef struct activation_options {
    const char *activation;
} activation_options;

static const mb_option options[] = {
    {"activation", MB_OPTION_TEXT, offsetof(activation_options, activation), NULL, 0, 0, NULL, NULL,
        "name, or a quantiser such as quantized_relu(5,2)"},
    MB_OPTIONS_END};

static const mb_activation_ops *activation_of(const mb_layer *layer) {
    return mb_activation_find(((const activation_options *)layer->options)->activation);
}

static bool needs_written(const mb_layer *layer) {
    return strcmp(activation_of(layer)->name, "softmax") == 0;
}

static bool find_activation(const mb_layer *layer, mb_activation *out) {
    if (layer->quantizer.ops != NULL) {
        return false; // its gradient needs what comes before it
    }
    out->ops = activation_of(layer);
    memcpy(out->parameters, out->ops->default_parameters, sizeof out->parameters);
    return !needs_written(layer);
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const mb_activation_ops *activation = NULL;
    (void)model;
    (void)n_inputs;
    *output = *inputs;
    return mb_activation_read(
        ctx, ((const activation_options *)layer->options)->activation, &activation);
}

static size_t channels_of(const mb_step *step) {
    return step->out.rank == 0 ? 1 : step->out.dim[step->out.rank - 1];
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_activation_ops *activation = step->data;
    const size_t n = rows->n * step->out_size;
    memcpy(rows->out, rows->in[0], n * sizeof(float));
    activation->forward(activation->default_parameters, rows->out, n, channels_of(step));
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_activation_ops *activation = step->data;
    float *d = rows->scratch;
    for (size_t i = 0; i < rows->n && rows->d_in[0] != NULL; i++) {
        float *d_in = rows->d_in[0] + i * step->out_size;
        memcpy(d, rows->d_out + i * step->out_size, step->out_size * sizeof *d);
        activation->backward(activation->default_parameters, rows->out + i * step->out_size, d,
            step->out_size, channels_of(step));
        for (size_t k = 0; k < step->out_size; k++) {
            d_in[k] += d[k];
        }
    }
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    mb_activation activation = {.ops = step->data};
    const size_t channels = channels_of(step);
    memcpy(activation.parameters, activation.ops->default_parameters, sizeof activation.parameters);
    memcpy(rows->out, rows->in[0], step->out_size * MB_SAMPLES * sizeof(float));
    mb_lanes_activate(step->kernels, &activation, rows->out, step->out_size / channels, channels);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    mb_activation activation = {.ops = step->data};
    const size_t channels = channels_of(step);
    const size_t n = step->out_size * MB_SAMPLES;
    float *d = rows->scratch;
    memcpy(activation.parameters, activation.ops->default_parameters, sizeof activation.parameters);
    mb_lanes_differentiate(
        step->kernels, &activation, rows->out, rows->d_out, step->out_size / channels, channels, d);
    for (size_t i = 0; i < n && rows->d_in[0] != NULL; i++) {
        rows->d_in[0][i] += d[i];
    }
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    const mb_activation_ops *activation = NULL;
    if (site->layer->quantizer.ops != NULL) {
        mb_layer_plan_quantizer(site);
        return MB_OK;
    }
    MB_TRY(mb_activation_read(
        ctx, ((const activation_options *)site->layer->options)->activation, &activation));
    // The record is constant; data is the step's own pointer to it.
    memcpy(&site->step->data, &activation, sizeof site->step->data);
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->scratch_bytes = site->step->out_size * sizeof(float);
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes,
        .backward = backward_lanes,
        .scratch_bytes = site->step->out_size * MB_SAMPLES * sizeof(float)};
    return MB_OK;
}

#define ACTIVATION_LAYER(title, class, text)                                                       \
    const mb_layer_ops mb_layer_##title = {                                                        \
        .name = #title,                                                                            \
        .class_name = class,                                                                       \
        .quantized_class = "QActivation",                                                          \
        .help = text,                                                                              \
        .options = options,                                                                        \
        .options_size = sizeof(activation_options),                                                \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_ANY,                                                                   \
        .needs_written = needs_written,                                                            \
        .infer = infer,                                                                            \
        .plan = plan,                                                                              \
        .find_activation = find_activation,                                                        \
    };

ACTIVATION_LAYER(activation, "Activation", "an activation by name")
ACTIVATION_LAYER(q_activation, "QActivation", "a quantised activation, as QKeras has it")
