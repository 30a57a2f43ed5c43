// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/lanes.h"
#include "training/metric.h"

static float binary_row(
    mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels) {
    (void)kind;
    (void)channels;
    size_t n_right = 0;
    for (size_t i = 0; i < n; i++) {
        const float decision = output[i] > 0.5F ? 1.0F : 0.0F;
        n_right += target[i] == decision;
    }
    return (float)n_right / (float)n;
}

// The first of equals.
static size_t largest_of(const float *values, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = values[i] > values[best] ? i : best;
    }
    return best;
}

static float categorical_row(
    mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels) {
    size_t n_right = 0;
    for (size_t i = 0; i < n; i += channels) {
        const size_t truth = kind == MB_TARGET_LABELS ? (size_t)target[i / channels]
                                                      : largest_of(target + i, channels);
        n_right += truth == largest_of(output + i, channels);
    }
    return (float)n_right / (float)(n / channels);
}

// Keras picks by the shape of the output.
static float accuracy_row(
    mb_target_kind kind, const float *target, const float *output, size_t n, size_t channels) {
    return kind != MB_TARGET_LABELS && channels == 1
               ? binary_row(kind, target, output, n, channels)
               : categorical_row(kind, target, output, n, channels);
}

static void divide_lanes(const uint32_t *n_right, size_t n, float *value) {
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        value[s] = (float)n_right[s] / (float)n;
    }
}

static void binary_lanes(mb_target_kind kind, const float *target, const float *output, size_t n,
    size_t channels, float *value) {
    (void)kind;
    (void)channels;
    uint32_t n_right[MB_SAMPLES] = {0};
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const float decision = output[i] > 0.5F ? 1.0F : 0.0F;
        n_right[i % MB_SAMPLES] += target[i] == decision ? 1 : 0;
    }
    divide_lanes(n_right, n, value);
}

static void find_largest(const float *values, size_t n, uint32_t *index) {
    float best[MB_SAMPLES];
    memcpy(best, values, sizeof best);
    memset(index, 0, MB_SAMPLES * sizeof *index);
    for (size_t i = 1; i < n; i++) {
        const float *number = values + i * MB_SAMPLES;
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            index[s] = number[s] > best[s] ? (uint32_t)i : index[s];
            best[s] = number[s] > best[s] ? number[s] : best[s];
        }
    }
}

static void categorical_lanes(mb_target_kind kind, const float *target, const float *output,
    size_t n, size_t channels, float *value) {
    (void)kind;
    uint32_t n_right[MB_SAMPLES] = {0};
    for (size_t i = 0; i < n * MB_SAMPLES; i += channels * MB_SAMPLES) {
        uint32_t truth[MB_SAMPLES], guess[MB_SAMPLES];
        find_largest(target + i, channels, truth);
        find_largest(output + i, channels, guess);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            n_right[s] += truth[s] == guess[s] ? 1 : 0;
        }
    }
    divide_lanes(n_right, n / channels, value);
}

static void accuracy_lanes(mb_target_kind kind, const float *target, const float *output, size_t n,
    size_t channels, float *value) {
    (channels == 1 ? binary_lanes : categorical_lanes)(kind, target, output, n, channels, value);
}

const mb_metric_ops mb_metric_accuracy = {
    .name = "accuracy",
    .alias = "acc",
    .help = "fraction of right decisions: at 0.5 for one output, the largest of several",
    .is_better_higher = true,
    .takes_labels = true,
    .row = accuracy_row,
    .lanes = accuracy_lanes,
};

const mb_metric_ops mb_metric_binary_accuracy = {
    .name = "binary_accuracy",
    .help = "fraction of outputs on the right side of 0.5",
    .is_better_higher = true,
    .row = binary_row,
    .lanes = binary_lanes,
};

const mb_metric_ops mb_metric_categorical_accuracy = {
    .name = "categorical_accuracy",
    .help = "how often the largest output is the right class",
    .is_better_higher = true,
    .takes_labels = true,
    .row = categorical_row,
    .lanes = categorical_lanes,
};

const mb_metric_ops mb_metric_sparse_categorical_accuracy = {
    .name = "sparse_categorical_accuracy",
    .help = "the same under the name that Keras has for integer labels",
    .is_better_higher = true,
    .takes_labels = true,
    .row = categorical_row,
    .lanes = categorical_lanes,
};
