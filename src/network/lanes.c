// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"

void mb_lanes_take_rows(mb_step *step) {
    step->lanes = (mb_step_lanes){
        .forward = step->forward, .backward = step->backward, .scratch_bytes = step->scratch_bytes};
}

// Softmax looks at the channels of a position together.
static bool is_grouped(const mb_activation *activation) {
    return strcmp(activation->ops->name, "softmax") == 0;
}

static void gather(const float *lanes, size_t n, float *group) {
    for (size_t i = 0; i < n; i++) {
        group[i] = lanes[i * MB_SAMPLES];
    }
}

static void scatter(const float *group, size_t n, float *lanes) {
    for (size_t i = 0; i < n; i++) {
        lanes[i * MB_SAMPLES] = group[i];
    }
}

void mb_lanes_activate(
    const mb_activation *activation, float *values, size_t n, size_t channels, float *scratch) {
    if (!is_grouped(activation)) {
        activation->ops->forward(
            activation->parameters, values, n * channels * MB_SAMPLES, channels);
        return;
    }
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        float *lanes = values + i / MB_SAMPLES * channels * MB_SAMPLES + i % MB_SAMPLES;
        gather(lanes, channels, scratch);
        activation->ops->forward(activation->parameters, scratch, channels, channels);
        scatter(scratch, channels, lanes);
    }
}

void mb_lanes_differentiate(const mb_activation *activation, const float *out, const float *d_out,
    size_t n, size_t channels, float *d, float *scratch) {
    memcpy(d, d_out, n * channels * MB_SAMPLES * sizeof *d);
    if (!is_grouped(activation)) {
        activation->ops->backward(
            activation->parameters, out, d, n * channels * MB_SAMPLES, channels);
        return;
    }
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const size_t at = i / MB_SAMPLES * channels * MB_SAMPLES + i % MB_SAMPLES;
        gather(out + at, channels, scratch);
        gather(d + at, channels, scratch + channels);
        activation->ops->backward(
            activation->parameters, scratch, scratch + channels, channels, channels);
        scatter(scratch + channels, channels, d + at);
    }
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
