// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_LOSSES_LANES_H
#define TRAINING_LOSSES_LANES_H

#include "kernels/lanes.h"

#include <string.h>

// Without a branch: compilers make no vectors of a comparison that they may not do for all lanes.
static inline float mb_loss_select(bool is_first, float first, float second) {
    const uint32_t mask = 0U - (uint32_t)is_first;
    uint32_t a;
    uint32_t b;
    float chosen;
    memcpy(&a, &first, sizeof a);
    memcpy(&b, &second, sizeof b);
    a = (a & mask) | (b & ~mask);
    memcpy(&chosen, &a, sizeof chosen);
    return chosen;
}

// What losses in lanes share: the mean over what was added up, of a loss and its gradient by n
// numbers a sample (NULL: not wanted).
static inline void mb_loss_divide_lanes(float count, size_t n, float *loss, float *gradient) {
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        loss[s] /= count;
    }
    for (size_t i = 0; gradient != NULL && i < n * MB_SAMPLES; i++) {
        gradient[i] /= count;
    }
}

#endif
