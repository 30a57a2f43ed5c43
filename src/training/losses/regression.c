// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/loss.h"

#include "base/math.h"
#include "training/losses/lanes.h"

#include <math.h>

static const mb_option no_options[] = {MB_OPTIONS_END};

static float squared_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    (void)options;
    (void)channels;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float error = output[i] - target[i];
        sum += error * error;
        if (gradient != NULL) {
            gradient[i] = 2.0F * error / count;
        }
    }
    return sum / count;
}

static void squared_lanes(const void *options, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    (void)options;
    (void)kernels;
    (void)channels;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const size_t s = i % MB_SAMPLES;
        const float error = output[i] - target[i];
        loss[s] += error * error;
        if (gradient != NULL) {
            gradient[i] = 2.0F * error;
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

static float sign(float x) {
    return (x > 0.0F ? 1.0F : 0.0F) - (x < 0.0F ? 1.0F : 0.0F);
}

static float absolute_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    (void)options;
    (void)channels;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float error = output[i] - target[i];
        sum += fabsf(error);
        if (gradient != NULL) {
            gradient[i] = sign(error) / count;
        }
    }
    return sum / count;
}

static void absolute_lanes(const void *options, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    (void)options;
    (void)kernels;
    (void)channels;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const size_t s = i % MB_SAMPLES;
        const float error = output[i] - target[i];
        loss[s] += fabsf(error);
        if (gradient != NULL) {
            gradient[i] = sign(error);
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

typedef struct huber_options {
    double delta;
} huber_options;

static const mb_option huber_option_table[] = {
    {"delta", MB_OPTION_REAL, offsetof(huber_options, delta), "1", 1e-12, 1e12, NULL, NULL,
        "error at which the square ends and the straight line begins"},
    MB_OPTIONS_END,
};

static float huber_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    (void)channels;
    const float delta = (float)((const huber_options *)options)->delta;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float error = output[i] - target[i];
        const float size = fabsf(error);
        const bool is_small = size <= delta;
        sum += is_small ? 0.5F * error * error : delta * size - 0.5F * delta * delta;
        if (gradient != NULL) {
            gradient[i] = (is_small ? error : delta * sign(error)) / count;
        }
    }
    return sum / count;
}

static void huber_lanes(const void *options, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    (void)kernels;
    (void)channels;
    const float delta = (float)((const huber_options *)options)->delta;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const size_t s = i % MB_SAMPLES;
        const float error = output[i] - target[i];
        const float size = fabsf(error);
        const bool is_small = size <= delta;
        const float line = delta * size - 0.5F * delta * delta;
        loss[s] += is_small ? 0.5F * error * error : line;
        if (gradient != NULL) {
            gradient[i] = is_small ? error : delta * sign(error);
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

// Keras's backend.epsilon(), the least value whose logarithm is taken.
static const float least_value = 1e-7F;

static float raised(float x) {
    return (x < least_value ? least_value : x) + 1.0F;
}

static float log_of(float x) {
    return (float)mb_log((double)raised(x));
}

static float logarithmic_row(const void *options, const float *target, const float *output,
    size_t n, size_t channels, float *gradient) {
    (void)options;
    (void)channels;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float error = log_of(output[i]) - log_of(target[i]);
        sum += error * error;
        if (gradient != NULL) {
            gradient[i] =
                output[i] < least_value ? 0.0F : 2.0F * error / (output[i] + 1.0F) / count;
        }
    }
    return sum / count;
}

static void logarithmic_lanes(const void *options, const mb_lane_kernels *kernels,
    const float *target, const float *output, size_t n, size_t channels, float *loss,
    float *gradient) {
    (void)options;
    (void)channels;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i += MB_SAMPLES) {
        float values[2 * MB_SAMPLES];
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            values[s] = raised(output[i + s]);
            values[MB_SAMPLES + s] = raised(target[i + s]);
        }
        kernels->logarithm(2, values, values);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            const float error = values[s] - values[MB_SAMPLES + s];
            loss[s] += error * error;
            if (gradient != NULL) {
                const float slope = 2.0F * error / (output[i + s] + 1.0F);
                gradient[i + s] = output[i + s] < least_value ? 0.0F : slope;
            }
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

const mb_loss_ops mb_loss_mean_squared_error = {
    .name = "mean_squared_error",
    .class_name = "MeanSquaredError",
    .alias = "mse",
    .help = "mean of (output - target)^2",
    .options = no_options,
    .options_size = 0,
    .target = MB_TARGET_SAME,
    .row = squared_row,
    .lanes = squared_lanes,
};

const mb_loss_ops mb_loss_mean_absolute_error = {
    .name = "mean_absolute_error",
    .class_name = "MeanAbsoluteError",
    .alias = "mae",
    .help = "mean of |output - target|",
    .options = no_options,
    .options_size = 0,
    .target = MB_TARGET_SAME,
    .row = absolute_row,
    .lanes = absolute_lanes,
};

const mb_loss_ops mb_loss_huber = {
    .name = "huber",
    .class_name = "Huber",
    .alias = "huber_loss",
    .help = "a square for small errors, a straight line for large ones",
    .options = huber_option_table,
    .options_size = sizeof(huber_options),
    .target = MB_TARGET_SAME,
    .row = huber_row,
    .lanes = huber_lanes,
};

const mb_loss_ops mb_loss_mean_squared_logarithmic_error = {
    .name = "mean_squared_logarithmic_error",
    .class_name = "MeanSquaredLogarithmicError",
    .alias = "msle",
    .help = "mean of (log(output + 1) - log(target + 1))^2",
    .options = no_options,
    .options_size = 0,
    .target = MB_TARGET_SAME,
    .row = logarithmic_row,
    .lanes = logarithmic_lanes,
};
