// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

void mb_lanes_take_rows(mb_step *step) {
    step->lanes = (mb_step_lanes){
        .forward = step->forward, .backward = step->backward, .scratch_bytes = step->scratch_bytes};
}

bool mb_lanes_is_rectifier(const mb_activation *activation) {
    return activation->ops->kernel == MB_ACTIVATION_RECTIFY;
}

void mb_lanes_activate(const mb_kernels *kernels, const mb_activation *activation, float *values,
    size_t n, size_t channels) {
    switch (activation->ops->kernel) {
    case MB_ACTIVATION_RECTIFY:
        kernels->lanes->rectify(n * channels, values);
        return;
    case MB_ACTIVATION_SOFTMAX:
        kernels->lanes->softmax(n, channels, values);
        return;
    case MB_ACTIVATION_SIGMOID:
        kernels->lanes->sigmoid(n * channels, values, values);
        return;
    case MB_ACTIVATION_NO_KERNEL:
        break;
    }
    activation->ops->forward(activation->parameters, values, n * channels * MB_SAMPLES, channels);
}

static void differentiate_softmax(const float *y, const float *d_out, size_t channels, float *d) {
    float sum[MB_SAMPLES] = {0};
    for (size_t i = 0; i < channels * MB_SAMPLES; i++) {
        sum[i % MB_SAMPLES] += d_out[i] * y[i];
    }
    for (size_t i = 0; i < channels * MB_SAMPLES; i++) {
        d[i] = y[i] * (d_out[i] - sum[i % MB_SAMPLES]);
    }
}

void mb_lanes_differentiate(const mb_kernels *kernels, const mb_activation *activation,
    const float *out, const float *d_out, size_t n, size_t channels, float *d) {
    const size_t group = channels * MB_SAMPLES;
    switch (activation->ops->kernel) {
    case MB_ACTIVATION_RECTIFY:
        kernels->lanes->rectify_back(n * channels, out, d_out, d);
        return;
    case MB_ACTIVATION_SOFTMAX:
        for (size_t i = 0; i < n; i++) {
            differentiate_softmax(out + i * group, d_out + i * group, channels, d + i * group);
        }
        return;
    case MB_ACTIVATION_SIGMOID:
    case MB_ACTIVATION_NO_KERNEL:
        break;
    }
    memcpy(d, d_out, n * group * sizeof *d);
    activation->ops->backward(activation->parameters, out, d, n * group, channels);
}

static float total_of(const float *lanes) {
    float sum[MB_SAMPLES];
    memcpy(sum, lanes, sizeof sum);
    for (size_t half = MB_SAMPLES / 2; half > 0; half /= 2) {
        for (size_t s = 0; s < half; s++) {
            sum[s] += sum[s + half];
        }
    }
    return sum[0];
}

void mb_lanes_unpack(const mb_step *step, size_t n_kernel, size_t n_bias,
    const float *packed_gradient, float *gradient) {
    const mb_layer *layer = step->layer;
    for (size_t i = 0; i < n_kernel; i++) {
        gradient[layer->weights[0].offset + i] += total_of(packed_gradient + i * MB_SAMPLES);
    }
    for (size_t i = 0; i < n_bias && layer->n_weights > 1; i++) {
        gradient[layer->weights[1].offset + i] +=
            total_of(packed_gradient + (n_kernel + i) * MB_SAMPLES);
    }
}
