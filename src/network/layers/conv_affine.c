// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// A batch normalisation that a convolution took over, as it predicts: a number per channel is taken
// off, one multiplied, one added, with the roundings of the layer of its own.

#include "network/layers/conv.h"

#include <math.h>

// A flag before the arrays.
size_t mb_conv_affine_floats(const mb_conv_plan *plan) {
    const size_t packed = MB_NORMALIZATION_PACKED * plan->n_out;
    return plan->has_affine ? mb_round_up(MB_LANES + packed, MB_LANES) : 0;
}

void mb_conv_pack_affine(const mb_conv_plan *plan, const float *parameters, float *packed) {
    const size_t n = plan->n_out;
    float *affine = packed + plan->at_affine + MB_LANES;
    bool rises = plan->activation.ops->is_monotone;
    mb_normalization_pack(&plan->normalization, parameters, affine);
    for (size_t c = 0; c < n; c++) {
        const float factor =
            affine[MB_NORMALIZATION_INVERSE * n + c] * affine[MB_NORMALIZATION_GAMMA * n + c];
        const float beta = affine[MB_NORMALIZATION_BETA * n + c];
        const float mean = affine[MB_NORMALIZATION_MEAN * n + c];
        rises = rises && factor > 0 && isfinite(factor) && isfinite(beta) && isfinite(mean);
    }
    // In place: gamma and inverse become the factor, which is all that is needed of them.
    for (size_t c = 0; c < n; c++) {
        affine[MB_NORMALIZATION_GAMMA * n + c] *= affine[MB_NORMALIZATION_INVERSE * n + c];
    }
    packed[plan->at_affine] = rises ? 1 : 0;
}

bool mb_conv_affine_rises(const mb_conv_plan *plan, const float *packed) {
    return packed[plan->at_affine] != 0;
}

void mb_conv_apply_affine(const mb_conv_plan *plan, const float *packed, size_t n, size_t width,
    size_t floats, float *values) {
    const float *affine = packed + plan->at_affine + MB_LANES;
    const float *factor = affine + MB_NORMALIZATION_GAMMA * plan->n_out;
    const float *beta = affine + MB_NORMALIZATION_BETA * plan->n_out;
    const float *mean = affine + MB_NORMALIZATION_MEAN * plan->n_out;
    for (size_t i = 0; i < n; i++) {
        float *row = values + i * width * floats;
        if (floats == 1) {
            for (size_t c = 0; c < plan->n_out; c++) {
                row[c] = (row[c] - mean[c]) * factor[c] + beta[c];
            }
            continue;
        }
        for (size_t c = 0; c < plan->n_out; c++) {
            for (size_t k = c * floats; k < (c + 1) * floats; k++) {
                row[k] = (row[k] - mean[c]) * factor[c] + beta[c];
            }
        }
    }
}
