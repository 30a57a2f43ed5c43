// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/optimizers/common.h"

typedef struct sgd_options {
    mb_optimizer_common common;
    double momentum;
    bool nesterov;
} sgd_options;

static const mb_option option_table[] = {
    MB_OPTIMIZER_COMMON(sgd_options, "0.01", "0"),
    {"momentum", MB_OPTION_REAL, offsetof(sgd_options, momentum), "0", 0, 1, NULL, NULL,
        "part of the last step that is taken again"},
    {"nesterov", MB_OPTION_BOOL, offsetof(sgd_options, nesterov), "false", 0, 0, NULL, NULL,
        "look ahead along the momentum"},
    MB_OPTIONS_END,
};

enum { RATE, MOMENTUM };

static void begin(
    const void *options, float learning_rate, uint64_t t, float *kept, float *scalar) {
    (void)t;
    (void)kept;
    scalar[RATE] = learning_rate;
    scalar[MOMENTUM] = (float)((const sgd_options *)options)->momentum;
}

static void update(const mb_update *u) {
    const sgd_options *options = u->options;
    const float rate = u->scalar[RATE], momentum = u->scalar[MOMENTUM];
    float *w = u->parameters;
    float *m = u->slot[0];
    const float *g = u->gradient;
    if (options->momentum == 0.0) {
        for (size_t i = 0; i < u->n; i++) {
            w[i] -= g[i] * rate;
        }
        return;
    }
    for (size_t i = 0; i < u->n; i++) {
        m[i] = m[i] * momentum - g[i] * rate;
        w[i] += options->nesterov ? m[i] * momentum - g[i] * rate : m[i];
    }
}

const mb_optimizer_ops mb_optimizer_sgd = {
    .name = "sgd",
    .class_name = "SGD",
    .help = "gradient descent, with momentum if wanted",
    .options = option_table,
    .options_size = sizeof(sgd_options),
    .n_slots = 1,
    .slot_names = {"momentum"},
    .begin = begin,
    .update = update,
};
