// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_LOSSES_LANES_H
#define TRAINING_LOSSES_LANES_H

#include "kernels/lanes.h"

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
