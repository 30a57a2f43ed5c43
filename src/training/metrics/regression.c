// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/lanes.h"
#include "training/metric.h"

#include <math.h>

static float squared_row(
    mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels) {
    (void)kind;
    (void)channels;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float error = output[i] - target[i];
        sum += error * error;
    }
    return sum / (float)n;
}

static float absolute_row(
    mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels) {
    (void)kind;
    (void)channels;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        sum += fabsf(output[i] - target[i]);
    }
    return sum / (float)n;
}

static void squared_lanes(mb_target_kind kind, const float *target, const float *output, size_t n,
    size_t channels, float *value) {
    (void)kind;
    (void)channels;
    memset(value, 0, MB_SAMPLES * sizeof *value);
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const float error = output[i] - target[i];
        value[i % MB_SAMPLES] += error * error;
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        value[s] /= (float)n;
    }
}

static void absolute_lanes(mb_target_kind kind, const float *target, const float *output, size_t n,
    size_t channels, float *value) {
    (void)kind;
    (void)channels;
    memset(value, 0, MB_SAMPLES * sizeof *value);
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const float error = output[i] - target[i];
        value[i % MB_SAMPLES] += fabsf(error);
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        value[s] /= (float)n;
    }
}

const mb_metric_ops mb_metric_mean_squared_error = {
    .name = "mean_squared_error",
    .alias = "mse",
    .help = "mean of (output - target)^2",
    .row = squared_row,
    .lanes = squared_lanes,
};

const mb_metric_ops mb_metric_mean_absolute_error = {
    .name = "mean_absolute_error",
    .alias = "mae",
    .help = "mean of |output - target|",
    .row = absolute_row,
    .lanes = absolute_lanes,
};
