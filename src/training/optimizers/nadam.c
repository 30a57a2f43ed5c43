// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizers/common.h"

typedef struct nadam_options {
    mb_optimizer_common common;
    double beta_1, beta_2, epsilon, schedule_decay;
} nadam_options;

static const mb_option option_table[] = {
    MB_OPTIMIZER_COMMON(nadam_options, "0.001", "0"),
    {"beta_1", MB_OPTION_REAL, offsetof(nadam_options, beta_1), "0.9", 0, 1, NULL, NULL,
        "memory of the mean gradient"},
    {"beta_2", MB_OPTION_REAL, offsetof(nadam_options, beta_2), "0.999", 0, 1, NULL, NULL,
        "memory of the mean square"},
    {"epsilon", MB_OPTION_REAL, offsetof(nadam_options, epsilon), "1e-7", 0, 1, NULL, NULL,
        "added to the root of the mean square"},
    {"schedule_decay", MB_OPTION_REAL, offsetof(nadam_options, schedule_decay), "0", 0, 1, NULL,
        NULL, "above 0: the form of Keras 2.0, momentum growing as 0.96^(step * this); 0: today's"},
    MB_OPTIONS_END,
};

// The one that is kept from step to step.
enum { PRODUCT };
enum { RATE, MOMENTUM, NEXT_MOMENTUM, REST_PRODUCT, REST_NEXT, REST_POWER_2, REST_1, REST_2 };

static float momentum_at(const nadam_options *options, uint64_t t) {
    const float decay = options->schedule_decay > 0.0 ? (float)options->schedule_decay : 1.0F;
    const float power = mb_float_power(0.96F, (double)(decay * (float)t));
    return (float)options->beta_1 * (1.0F - 0.5F * power);
}

static void begin(
    const void *options, float learning_rate, uint64_t t, float *kept, float *scalar) {
    const nadam_options *record = options;
    scalar[RATE] = learning_rate;
    scalar[MOMENTUM] = momentum_at(record, t);
    scalar[NEXT_MOMENTUM] = momentum_at(record, t + 1);
    kept[PRODUCT] *= scalar[MOMENTUM];
    scalar[REST_PRODUCT] = 1.0F - kept[PRODUCT];
    scalar[REST_NEXT] = 1.0F - kept[PRODUCT] * scalar[NEXT_MOMENTUM];
    scalar[REST_POWER_2] = 1.0F - mb_float_power((float)record->beta_2, (double)t);
    scalar[REST_1] = 1.0F - (float)record->beta_1;
    scalar[REST_2] = 1.0F - (float)record->beta_2;
}

// Keras 2.0's order of operations; the two forms are one formula with another schedule.
static void update_first_form(const mb_update *u) {
    const nadam_options *options = u->options;
    const float beta_1 = (float)options->beta_1, beta_2 = (float)options->beta_2;
    const float epsilon = (float)options->epsilon;
    const float *s = u->scalar;
    float *m = u->slot[0];
    float *v = u->slot[1];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        m[i] = beta_1 * m[i] + s[REST_1] * g;
        v[i] = beta_2 * v[i] + s[REST_2] * (g * g);
        const float mean =
            (1.0F - s[MOMENTUM]) * (g / s[REST_PRODUCT]) + s[NEXT_MOMENTUM] * (m[i] / s[REST_NEXT]);
        u->parameters[i] -= s[RATE] * mean / (sqrtf(v[i] / s[REST_POWER_2]) + epsilon);
    }
}

static void update(const mb_update *u) {
    const nadam_options *options = u->options;
    if (options->schedule_decay > 0.0) {
        update_first_form(u);
        return;
    }
    const float epsilon = (float)options->epsilon;
    const float *s = u->scalar;
    float *m = u->slot[0];
    float *v = u->slot[1];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        m[i] += (g - m[i]) * s[REST_1];
        v[i] += (g * g - v[i]) * s[REST_2];
        const float mean =
            s[NEXT_MOMENTUM] * m[i] / s[REST_NEXT] + (1.0F - s[MOMENTUM]) * g / s[REST_PRODUCT];
        u->parameters[i] -= mean * s[RATE] / (sqrtf(v[i] / s[REST_POWER_2]) + epsilon);
    }
}

const mb_optimizer_ops mb_optimizer_nadam = {
    .name = "nadam",
    .class_name = "Nadam",
    .help = "adam with a look ahead along a growing momentum",
    .options = option_table,
    .options_size = sizeof(nadam_options),
    .n_slots = 2,
    .slot_names = {"m", "v"},
    .n_kept = 1,
    .kept = {1.0F},
    .begin = begin,
    .update = update,
};
