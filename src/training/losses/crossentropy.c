// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/loss.h"

#include "base/math.h"
#include "training/losses/lanes.h"

#include <math.h>

// Keras's backend.epsilon(): probabilities are kept this far from 0 and 1.
static const float least_probability = 1e-7F;
static const float most_probability = 1.0F - 1e-7F;

typedef struct crossentropy_options {
    bool from_logits;
    double label_smoothing;
} crossentropy_options;

static const mb_option crossentropy_option_table[] = {
    {"from_logits", MB_OPTION_BOOL, offsetof(crossentropy_options, from_logits), "false", 0, 0,
        NULL, NULL, "the output is before its sigmoid or softmax"},
    {"label_smoothing", MB_OPTION_REAL, offsetof(crossentropy_options, label_smoothing), "0", 0, 1,
        NULL, NULL, "part of every label that is spread over all classes"},
    MB_OPTIONS_END,
};

typedef struct sparse_options {
    bool from_logits;
} sparse_options;

static const mb_option sparse_option_table[] = {
    {"from_logits", MB_OPTION_BOOL, offsetof(sparse_options, from_logits), "false", 0, 0, NULL,
        NULL, "the output is before its softmax"},
    MB_OPTIONS_END,
};

static float log_float(float x) {
    return (float)mb_log((double)x);
}

// At the ends of the range the gradient still passes, as the clipping of Keras's backends has it.
static bool is_inside(float p) {
    return p >= least_probability && p <= most_probability;
}

// A NaN stays one: the training stops at it.
static float clip(float p) {
    return p < least_probability ? least_probability : p > most_probability ? most_probability : p;
}

static float binary_of_logit(float t, float x, float *gradient) {
    if (gradient != NULL) {
        *gradient = mb_sigmoidf(x) - t;
    }
    const float positive = x > 0.0F ? x : x == x ? 0.0F : x;
    return positive - x * t + (float)mb_log1p(mb_exp((double)-fabsf(x)));
}

static float binary_of_probability(float t, float probability, float *gradient) {
    const float p = clip(probability);
    if (gradient != NULL) {
        *gradient = is_inside(probability) ? (1.0F - t) / (1.0F - p) - t / p : 0.0F;
    }
    return -(t * log_float(p) + (1.0F - t) * log_float(1.0F - p));
}

// Smoothing of yes and no: towards the middle.
static float smooth(float target, float smoothing) {
    return target * (1.0F - smoothing) + 0.5F * smoothing;
}

static float binary_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    (void)channels;
    const crossentropy_options *record = options;
    const float smoothing = (float)record->label_smoothing;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        const float t = smooth(target[i], smoothing);
        float *slope = gradient != NULL ? &gradient[i] : NULL;
        sum += record->from_logits ? binary_of_logit(t, output[i], slope)
                                   : binary_of_probability(t, output[i], slope);
        if (slope != NULL) {
            *slope /= count;
        }
    }
    return sum / count;
}

static void clip_lanes(const float *restrict probability, float *restrict p) {
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        const float x = probability[s];
        const float least = mb_loss_select(x < least_probability, least_probability, x);
        p[s] = mb_loss_select(least > most_probability, most_probability, least);
    }
}

static void binary_number(const mb_lane_kernels *kernels, float smoothing, const float *target,
    const float *probability, float *loss, float *gradient) {
    float yes_no[2 * MB_SAMPLES];
    float logarithm[2 * MB_SAMPLES];
    const float *p = yes_no;
    const float *q = yes_no + MB_SAMPLES;
    clip_lanes(probability, yes_no);
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        yes_no[MB_SAMPLES + s] = 1.0F - p[s];
    }
    kernels->logarithm(2, yes_no, logarithm);
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        const float t = smooth(target[s], smoothing);
        loss[s] += -(t * logarithm[s] + (1.0F - t) * logarithm[MB_SAMPLES + s]);
    }
    if (gradient == NULL) {
        return;
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        const float t = smooth(target[s], smoothing);
        const float slope = (1.0F - t) / q[s] - t / p[s];
        gradient[s] = mb_loss_select(p[s] == probability[s], slope, 0.0F);
    }
}

static void binary_lanes(const void *options, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    (void)channels;
    const crossentropy_options *record = options;
    const float smoothing = (float)record->label_smoothing;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i += MB_SAMPLES) {
        float *slopes = gradient != NULL ? gradient + i : NULL;
        if (!record->from_logits) {
            binary_number(kernels, smoothing, target + i, output + i, loss, slopes);
            continue;
        }
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            loss[s] += binary_of_logit(smooth(target[i + s], smoothing), output[i + s],
                slopes != NULL ? slopes + s : NULL);
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

// The label vector of one position, given as numbers or as one class.
typedef struct labels {
    const float *values; // NULL: one_hot
    size_t one_hot;
    float keep, spread; // smoothing: value * keep + spread
} labels;

static float label_at(const labels *t, size_t i) {
    const float value = t->values != NULL ? t->values[i] : (i == t->one_hot ? 1.0F : 0.0F);
    return value * t->keep + t->spread;
}

static float categorical_of_logits(
    const labels *t, const float *x, size_t channels, float *gradient) {
    float largest = x[0];
    for (size_t i = 1; i < channels; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    float sum = 0.0F, total = 0.0F;
    for (size_t i = 0; i < channels; i++) {
        sum += mb_expf(x[i] - largest);
        total += label_at(t, i);
    }
    const float log_sum = log_float(sum);
    float loss = 0.0F;
    for (size_t i = 0; i < channels; i++) {
        const float log_p = (x[i] - largest) - log_sum;
        loss -= label_at(t, i) * log_p;
        if (gradient != NULL) {
            gradient[i] = mb_expf(log_p) * total - label_at(t, i);
        }
    }
    return loss;
}

// Keras divides by the sum first, so that the gradient has a part along the output.
static float categorical_of_probabilities(
    const labels *t, const float *output, size_t channels, float *gradient) {
    float sum = 0.0F;
    for (size_t i = 0; i < channels; i++) {
        sum += output[i];
    }
    float loss = 0.0F, along = 0.0F;
    for (size_t i = 0; i < channels; i++) {
        const float q = output[i] / sum;
        const float p = clip(q);
        if (label_at(t, i) != 0.0F || p != p) { // else it would subtract zero
            loss -= label_at(t, i) * log_float(p);
        }
        if (gradient != NULL) {
            gradient[i] = is_inside(q) ? -label_at(t, i) / p : 0.0F;
            along += gradient[i] * q;
        }
    }
    for (size_t i = 0; gradient != NULL && i < channels; i++) {
        gradient[i] = (gradient[i] - along) / sum;
    }
    return loss;
}

static float categorical_position(
    bool from_logits, const labels *t, const float *output, size_t channels, float *gradient) {
    return from_logits ? categorical_of_logits(t, output, channels, gradient)
                       : categorical_of_probabilities(t, output, channels, gradient);
}

static float divide_row(float sum, float count, size_t n, float *gradient) {
    for (size_t i = 0; gradient != NULL && i < n; i++) {
        gradient[i] /= count;
    }
    return sum / count;
}

static float categorical_row(const void *options, const float *target, const float *output,
    size_t n, size_t channels, float *gradient) {
    const crossentropy_options *record = options;
    const float smoothing = (float)record->label_smoothing;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i += channels) {
        const labels t = {target + i, 0, 1.0F - smoothing, smoothing / (float)channels};
        sum += categorical_position(
            record->from_logits, &t, output + i, channels, gradient != NULL ? gradient + i : NULL);
    }
    return divide_row(sum, (float)(n / channels), n, gradient);
}

static void probabilities_lanes(const mb_lane_kernels *kernels, float keep, float spread,
    const float *restrict target, const float *restrict output, size_t channels,
    float *restrict loss, float *restrict gradient) {
    float sum[MB_SAMPLES] = {0};
    float along[MB_SAMPLES] = {0};
    for (size_t i = 0; i < channels; i++) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            sum[s] += output[i * MB_SAMPLES + s];
        }
    }
    for (size_t i = 0; i < channels * MB_SAMPLES; i += MB_SAMPLES) {
        float q[MB_SAMPLES], p[MB_SAMPLES], logarithm[MB_SAMPLES];
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            q[s] = output[i + s] / sum[s];
        }
        clip_lanes(q, p);
        kernels->logarithm(1, p, logarithm);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            loss[s] -= (target[i + s] * keep + spread) * logarithm[s];
        }
        if (gradient == NULL) {
            continue;
        }
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            const float slope = -(target[i + s] * keep + spread) / p[s];
            const float inside = mb_loss_select(p[s] == q[s], slope, 0.0F);
            gradient[i + s] = inside;
            along[s] += inside * q[s];
        }
    }
    for (size_t i = 0; gradient != NULL && i < channels; i++) {
        float *slopes = gradient + i * MB_SAMPLES;
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            slopes[s] = (slopes[s] - along[s]) / sum[s];
        }
    }
}

static void logits_lanes(const mb_lane_kernels *kernels, float keep, float spread,
    const float *target, const float *x, size_t channels, float *loss, float *gradient) {
    float largest[MB_SAMPLES], number[MB_SAMPLES];
    float sum[MB_SAMPLES] = {0};
    float total[MB_SAMPLES] = {0};
    memcpy(largest, x, sizeof largest);
    for (size_t i = MB_SAMPLES; i < channels * MB_SAMPLES; i++) {
        const size_t s = i % MB_SAMPLES;
        largest[s] = x[i] > largest[s] ? x[i] : largest[s];
    }
    for (size_t i = 0; i < channels * MB_SAMPLES; i += MB_SAMPLES) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            number[s] = x[i + s] - largest[s];
            total[s] += target[i + s] * keep + spread;
        }
        kernels->exponential(1, number, number);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            sum[s] += number[s];
        }
    }
    kernels->logarithm(1, sum, sum);
    for (size_t i = 0; i < channels * MB_SAMPLES; i += MB_SAMPLES) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            number[s] = (x[i + s] - largest[s]) - sum[s];
            loss[s] -= (target[i + s] * keep + spread) * number[s];
        }
        kernels->exponential(1, number, number);
        for (size_t s = 0; gradient != NULL && s < MB_SAMPLES; s++) {
            gradient[i + s] = number[s] * total[s] - (target[i + s] * keep + spread);
        }
    }
}

static void categorical_lanes(const void *options, const mb_lane_kernels *kernels,
    const float *target, const float *output, size_t n, size_t channels, float *loss,
    float *gradient) {
    const crossentropy_options *record = options;
    const float smoothing = (float)record->label_smoothing;
    const size_t position = channels * MB_SAMPLES;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i += position) {
        float part[MB_SAMPLES] = {0};
        (record->from_logits ? logits_lanes : probabilities_lanes)(kernels, 1.0F - smoothing,
            smoothing / (float)channels, target + i, output + i, channels, part,
            gradient != NULL ? gradient + i : NULL);
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            loss[s] += part[s];
        }
    }
    mb_loss_divide_lanes((float)(n / channels), n, loss, gradient);
}

static float sparse_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    const sparse_options *record = options;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i += channels) {
        const labels t = {NULL, (size_t)target[i / channels], 1.0F, 0.0F};
        sum += categorical_position(
            record->from_logits, &t, output + i, channels, gradient != NULL ? gradient + i : NULL);
    }
    return divide_row(sum, (float)(n / channels), n, gradient);
}

const mb_loss_ops mb_loss_binary_crossentropy = {
    .name = "binary_crossentropy",
    .class_name = "BinaryCrossentropy",
    .alias = "bce",
    .help = "yes or no: labels 0..1 against probabilities",
    .options = crossentropy_option_table,
    .options_size = sizeof(crossentropy_options),
    .target = MB_TARGET_SAME,
    .takes_probabilities = true,
    .row = binary_row,
    .lanes = binary_lanes,
};

const mb_loss_ops mb_loss_categorical_crossentropy = {
    .name = "categorical_crossentropy",
    .class_name = "CategoricalCrossentropy",
    .alias = "cce",
    .help = "one class of several: one-hot (or integer) labels against probabilities",
    .options = crossentropy_option_table,
    .options_size = sizeof(crossentropy_options),
    .target = MB_TARGET_ONE_HOT,
    .takes_probabilities = true,
    .row = categorical_row,
    .lanes = categorical_lanes,
};

const mb_loss_ops mb_loss_sparse_categorical_crossentropy = {
    .name = "sparse_categorical_crossentropy",
    .class_name = "SparseCategoricalCrossentropy",
    .alias = NULL,
    .help = "one class of several: integer labels against probabilities",
    .options = sparse_option_table,
    .options_size = sizeof(sparse_options),
    .target = MB_TARGET_LABELS,
    .row = sparse_row,
};
