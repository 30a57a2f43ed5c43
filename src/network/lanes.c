// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

void mb_lanes_take_rows(mb_step *step) {
    step->lanes = (mb_step_lanes){
        .forward = step->forward, .backward = step->backward, .scratch_bytes = step->scratch_bytes};
}

typedef enum activation_kind { RECTIFIER, SOFTMAX, SIGMOID, ANY_OTHER } activation_kind;

static activation_kind kind_of(const mb_activation *activation) {
    return strcmp(activation->ops->name, "relu") == 0      ? RECTIFIER
           : strcmp(activation->ops->name, "softmax") == 0 ? SOFTMAX
           : strcmp(activation->ops->name, "sigmoid") == 0 ? SIGMOID
                                                           : ANY_OTHER;
}

bool mb_lanes_is_rectifier(const mb_activation *activation) {
    return kind_of(activation) == RECTIFIER;
}

void mb_lanes_activate(const mb_kernels *kernels, const mb_activation *activation, float *values,
    size_t n, size_t channels) {
    switch (kind_of(activation)) {
    case RECTIFIER:
        kernels->lanes->rectify(n * channels, values);
        return;
    case SOFTMAX:
        kernels->lanes->softmax(n, channels, values);
        return;
    case SIGMOID:
        kernels->lanes->sigmoid(n * channels, values, values);
        return;
    case ANY_OTHER:
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
    switch (kind_of(activation)) {
    case RECTIFIER:
        kernels->lanes->rectify_back(n * channels, out, d_out, d);
        return;
    case SOFTMAX:
        for (size_t i = 0; i < n; i++) {
            differentiate_softmax(out + i * group, d_out + i * group, channels, d + i * group);
        }
        return;
    case SIGMOID:
    case ANY_OTHER:
        break;
    }
    memcpy(d, d_out, n * group * sizeof *d);
    activation->ops->backward(activation->parameters, out, d, n * group, channels);
}

float mb_lanes_total(const float *lanes) {
    float sum[MB_SAMPLES];
    memcpy(sum, lanes, sizeof sum);
    for (size_t half = MB_SAMPLES / 2; half > 0; half /= 2) {
        for (size_t s = 0; s < half; s++) {
            sum[s] += sum[s + half];
        }
    }
    return sum[0];
}
