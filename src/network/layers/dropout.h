// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_DROPOUT_H
#define NETWORK_LAYERS_DROPOUT_H

#include "network/layer.h"

// Which numbers of a row a dropout layer keeps in training. A number depends on the seed, the
// layer's name, the training step, the row in the batch and the place in the row alone.
typedef struct mb_dropout {
    uint32_t threshold; // dropped below, of 2^32
    float scale;        // of those kept
    uint64_t salt;      // keeps the layers of a model apart
} mb_dropout;

void mb_dropout_read(const mb_layer *layer, mb_dropout *out);
// One bit a number of a row, from the lowest on: 1 where it is kept. mb_dropout_words(n) words.
void mb_dropout_draw(const mb_dropout *dropout, const mb_kernels *kernels, const mb_rows *rows,
    size_t row, size_t n, uint32_t *bits);

// A word more, so that any bit begins a whole one.
static inline size_t mb_dropout_words(size_t n) {
    return mb_round_up((n + 31) / 32 + 2, 16);
}

#endif
