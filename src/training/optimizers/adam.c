// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizers/common.h"

typedef struct adam_options {
    mb_optimizer_common common;
    double beta_1, beta_2, epsilon;
    bool amsgrad;
} adam_options;

#define ADAM_OPTIONS                                                                               \
    {"beta_1", MB_OPTION_REAL, offsetof(adam_options, beta_1), "0.9", 0, 1, NULL, NULL,            \
        "memory of the mean gradient"},                                                            \
        {"beta_2", MB_OPTION_REAL, offsetof(adam_options, beta_2), "0.999", 0, 1, NULL, NULL,      \
            "memory of the mean square"},                                                          \
        {"epsilon", MB_OPTION_REAL, offsetof(adam_options, epsilon), "1e-7", 0, 1, NULL, NULL,     \
            "added to the root of the mean square"},                                               \
        {"amsgrad", MB_OPTION_BOOL, offsetof(adam_options, amsgrad), "false", 0, 0, NULL, NULL,    \
            "divide by the largest mean square so far"},                                           \
        MB_OPTIONS_END

static const mb_option adam_table[] = {
    MB_OPTIMIZER_COMMON(adam_options, "0.001", "0"),
    ADAM_OPTIONS,
};

static const mb_option adamw_table[] = {
    MB_OPTIMIZER_COMMON(adam_options, "0.001", "0.004"),
    ADAM_OPTIONS,
};

enum { ALPHA, REST_1, REST_2, EPSILON };

static void begin(
    const void *options, float learning_rate, uint64_t t, float *kept, float *scalar) {
    const adam_options *record = options;
    (void)kept;
    const float power_1 = mb_float_power((float)record->beta_1, (double)t);
    const float power_2 = mb_float_power((float)record->beta_2, (double)t);
    scalar[ALPHA] = learning_rate * sqrtf(1.0F - power_2) / (1.0F - power_1);
    scalar[REST_1] = (float)(1.0 - record->beta_1);
    scalar[REST_2] = (float)(1.0 - record->beta_2);
    scalar[EPSILON] = (float)record->epsilon;
}

static void update(const mb_update *u) {
    const adam_options *options = u->options;
    const float *s = u->scalar;
    float *w = u->parameters;
    float *m = u->slot[0];
    float *v = u->slot[1];
    float *largest = u->slot[2];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        m[i] += (g - m[i]) * s[REST_1];
        v[i] += (g * g - v[i]) * s[REST_2];
        float square = v[i];
        if (options->amsgrad) {
            largest[i] = largest[i] > v[i] ? largest[i] : v[i];
            square = largest[i];
        }
        w[i] -= m[i] * s[ALPHA] / (sqrtf(square) + s[EPSILON]);
    }
}

const mb_optimizer_ops mb_optimizer_adam = {
    .name = "adam",
    .class_name = "Adam",
    .help = "mean gradient over the root of its mean square",
    .options = adam_table,
    .options_size = sizeof(adam_options),
    .n_slots = 3,
    .slot_names = {"m", "v", "v_hat"},
    .begin = begin,
    .update = update,
};

const mb_optimizer_ops mb_optimizer_adamw = {
    .name = "adamw",
    .class_name = "AdamW",
    .help = "adam with a weight decay of 0.004",
    .options = adamw_table,
    .options_size = sizeof(adam_options),
    .n_slots = 3,
    .slot_names = {"m", "v", "v_hat"},
    .begin = begin,
    .update = update,
};
