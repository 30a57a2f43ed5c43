// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_OPTIMIZERS_COMMON_H
#define TRAINING_OPTIMIZERS_COMMON_H

#include "base/math.h"
#include "training/optimizer.h"

#include <math.h>

// The rows of the option table that all optimisers begin with. record: the options struct, whose
// first member is an mb_optimizer_common named common.
#define MB_OPTIMIZER_COMMON(record, rate, decay)                                                   \
    {"learning_rate", MB_OPTION_REAL, offsetof(record, common.learning_rate), rate, 0, 1e6, NULL,  \
        "lr", "step size at the start"},                                                           \
        {"weight_decay", MB_OPTION_REAL, offsetof(record, common.weight_decay), decay, 0, 1e6,     \
            NULL, NULL, "weights shrink by this times the learning rate at every step"},           \
        {"clipnorm", MB_OPTION_REAL, offsetof(record, common.clipnorm), "0", 0, 1e30, NULL, NULL,  \
            "largest norm of each weight array's gradient; 0: any"},                               \
        {"clipvalue", MB_OPTION_REAL, offsetof(record, common.clipvalue), "0", 0, 1e30, NULL,      \
            NULL, "largest size of a gradient's element; 0: any"},                                 \
    {                                                                                              \
        "global_clipnorm", MB_OPTION_REAL, offsetof(record, common.global_clipnorm), "0", 0, 1e30, \
            NULL, NULL, "largest norm of the whole gradient; 0: any"                               \
    }

// base^exponent as float32 arithmetic has it, with our own power.
static inline float mb_float_power(float base, double exponent) {
    return (float)mb_pow((double)base, exponent);
}

#endif
