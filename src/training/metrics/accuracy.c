// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

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

const mb_metric_ops mb_metric_accuracy = {
    .name = "accuracy",
    .alias = "acc",
    .help = "fraction of right decisions: at 0.5 for one output, the largest of several",
    .is_better_higher = true,
    .takes_labels = true,
    .row = accuracy_row,
};

const mb_metric_ops mb_metric_binary_accuracy = {
    .name = "binary_accuracy",
    .help = "fraction of outputs on the right side of 0.5",
    .is_better_higher = true,
    .row = binary_row,
};

const mb_metric_ops mb_metric_categorical_accuracy = {
    .name = "categorical_accuracy",
    .help = "how often the largest output is the right class",
    .is_better_higher = true,
    .takes_labels = true,
    .row = categorical_row,
};

const mb_metric_ops mb_metric_sparse_categorical_accuracy = {
    .name = "sparse_categorical_accuracy",
    .help = "the same under the name that Keras has for integer labels",
    .is_better_higher = true,
    .takes_labels = true,
    .row = categorical_row,
};
