// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizers/common.h"

typedef struct adamax_options {
    mb_optimizer_common common;
    double beta_1, beta_2, epsilon;
    bool epsilon_inside;
} adamax_options;

static const mb_option option_table[] = {
    MB_OPTIMIZER_COMMON(adamax_options, "0.001", "0"),
    {"beta_1", MB_OPTION_REAL, offsetof(adamax_options, beta_1), "0.9", 0, 1, NULL, NULL,
        "memory of the mean gradient"},
    {"beta_2", MB_OPTION_REAL, offsetof(adamax_options, beta_2), "0.999", 0, 1, NULL, NULL,
        "memory of the largest gradient"},
    {"epsilon", MB_OPTION_REAL, offsetof(adamax_options, epsilon), "1e-7", 0, 1, NULL, NULL,
        "added to the largest gradient"},
    {"epsilon_inside", MB_OPTION_BOOL, offsetof(adamax_options, epsilon_inside), "true", 0, 0, NULL,
        NULL, "add epsilon inside the maximum, as PyTorch does; false: behind it, as Keras"},
    MB_OPTIONS_END,
};

enum { RATE, REST_POWER, REST_1, BETA_2, EPSILON, CORRECTED_RATE };

static void begin(
    const void *options, float learning_rate, uint64_t t, float *kept, float *scalar) {
    const adamax_options *record = options;
    (void)kept;
    scalar[RATE] = learning_rate;
    scalar[REST_POWER] = 1.0F - mb_float_power((float)record->beta_1, (double)t);
    scalar[REST_1] = (float)(1.0 - record->beta_1);
    scalar[BETA_2] = (float)record->beta_2;
    scalar[EPSILON] = (float)record->epsilon;
    scalar[CORRECTED_RATE] =
        (float)((double)learning_rate / (1.0 - mb_pow(record->beta_1, (double)t)));
}

// PyTorch's arithmetic: epsilon inside the maximum, the rate corrected in double.
static void update_inside(const mb_update *u) {
    const float *s = u->scalar;
    float *m = u->slot[0];
    float *largest = u->slot[1];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        const float size = fabsf(g) + s[EPSILON];
        const float faded = s[BETA_2] * largest[i];
        m[i] += (g - m[i]) * s[REST_1];
        largest[i] = faded > size ? faded : size;
        u->parameters[i] -= s[CORRECTED_RATE] * (m[i] / largest[i]);
    }
}

static void update(const mb_update *u) {
    const adamax_options *options = u->options;
    const float *s = u->scalar;
    if (options->epsilon_inside) {
        update_inside(u);
        return;
    }
    float *m = u->slot[0];
    float *largest = u->slot[1];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        const float size = fabsf(g);
        const float faded = s[BETA_2] * largest[i];
        m[i] += (g - m[i]) * s[REST_1];
        largest[i] = faded > size ? faded : size;
        u->parameters[i] -= s[RATE] * m[i] / (s[REST_POWER] * (largest[i] + s[EPSILON]));
    }
}

const mb_optimizer_ops mb_optimizer_adamax = {
    .name = "adamax",
    .class_name = "Adamax",
    .help = "mean gradient over its largest, fading size",
    .options = option_table,
    .options_size = sizeof(adamax_options),
    .n_slots = 2,
    .slot_names = {"m", "u"},
    .begin = begin,
    .update = update,
};
