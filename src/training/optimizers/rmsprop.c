// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizers/common.h"

typedef struct rmsprop_options {
    mb_optimizer_common common;
    double rho, momentum, epsilon;
    bool centered;
} rmsprop_options;

static const mb_option option_table[] = {
    MB_OPTIMIZER_COMMON(rmsprop_options, "0.001", "0"),
    {"rho", MB_OPTION_REAL, offsetof(rmsprop_options, rho), "0.9", 0, 1, NULL, NULL,
        "memory of the mean square"},
    {"momentum", MB_OPTION_REAL, offsetof(rmsprop_options, momentum), "0", 0, 1, NULL, NULL,
        "part of the last step that is taken again"},
    {"epsilon", MB_OPTION_REAL, offsetof(rmsprop_options, epsilon), "1e-7", 0, 1, NULL, NULL,
        "added to the mean square"},
    {"centered", MB_OPTION_BOOL, offsetof(rmsprop_options, centered), "false", 0, 0, NULL, NULL,
        "divide by the variance instead of the mean square"},
    MB_OPTIONS_END,
};

enum { RATE, RHO, REST, EPSILON, MOMENTUM };

static void begin(
    const void *options, float learning_rate, uint64_t t, float *kept, float *scalar) {
    const rmsprop_options *record = options;
    (void)t;
    (void)kept;
    scalar[RATE] = learning_rate;
    scalar[RHO] = (float)record->rho;
    scalar[REST] = (float)(1.0 - record->rho);
    scalar[EPSILON] = (float)record->epsilon;
    scalar[MOMENTUM] = (float)record->momentum;
}

static void update(const mb_update *u) {
    const rmsprop_options *options = u->options;
    const float *s = u->scalar;
    float *w = u->parameters;
    float *square = u->slot[0];
    float *mean = u->slot[1];
    float *moved = u->slot[2];
    for (size_t i = 0; i < u->n; i++) {
        const float g = u->gradient[i];
        square[i] = s[RHO] * square[i] + s[REST] * (g * g);
        float denominator = square[i];
        if (options->centered) {
            mean[i] = s[RHO] * mean[i] + s[REST] * g;
            denominator -= mean[i] * mean[i];
        }
        const float step = s[RATE] * g / sqrtf(denominator + s[EPSILON]);
        moved[i] = s[MOMENTUM] * moved[i] + step;
        w[i] -= moved[i];
    }
}

const mb_optimizer_ops mb_optimizer_rmsprop = {
    .name = "rmsprop",
    .class_name = "RMSprop",
    .help = "steps divided by the root of the gradient's mean square",
    .options = option_table,
    .options_size = sizeof(rmsprop_options),
    .n_slots = 3,
    .slot_names = {"velocity", "average_gradient", "momentum"},
    .begin = begin,
    .update = update,
};
