// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/block.h"

#include "kernels/bits.h"

void mb_block_refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_block *block = step->data;
    mb_conv_refresh(step, parameters, packed);
    mb_normalization_pack(&block->normalization, parameters, packed + block->at_gamma);
}

static double count_of(const mb_block *block, size_t n_rows) {
    return (double)n_rows * (double)block->n_positions;
}

void mb_block_finish(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *moving) {
    const mb_block *block = step->data;
    mb_normalization_finish(&block->normalization, total, count_of(block, n_rows), batch, moving);
}

void mb_block_finish_backward(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *gradient) {
    const mb_block *block = step->data;
    mb_normalization_finish_backward(&block->normalization, total, count_of(block, n_rows), batch,
        gradient + block->at_normalization);
}

void mb_block_drop(const mb_step *step, size_t n, const float *in, const uint32_t *bits,
    size_t first, float *out) {
    const mb_block *block = step->data;
    if (block->dropout.threshold > 0) {
        step->kernels->bits->keep(n, in, bits, first, block->dropout.scale, out);
    } else if (in != out) {
        memcpy(out, in, n * sizeof *out);
    }
}

void mb_block_factors(const mb_step *step, float *factor) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    const float *inverse = step->batch + MB_NORMALIZATION_BATCH_INVERSE * n;
    const float *gamma = step->packed + block->at_gamma + MB_NORMALIZATION_GAMMA * n;
    for (size_t c = 0; c < n; c++) {
        factor[c] = inverse[c] * gamma[c];
    }
}

void mb_block_normalize(const mb_step *step, const float *factor, size_t n, size_t stride,
    const float *in, float *out) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out;
    const float *restrict mean = step->batch + MB_NORMALIZATION_BATCH_MEAN * n_out;
    const float *restrict beta = step->packed + block->at_gamma + MB_NORMALIZATION_BETA * n_out;
    for (size_t i = 0; i < n; i++) {
        const float *restrict from = in + i * stride;
        float *restrict to = out + i * stride;
        for (size_t c = 0; c < n_out; c++) {
            to[c] = (from[c] - mean[c]) * factor[c] + beta[c];
        }
    }
}

void mb_block_normalize_back(
    const mb_step *step, const float *factor, size_t n, size_t stride, const float *v, float *d) {
    const size_t n_out = ((const mb_block *)step->data)->conv.n_out;
    const float *restrict centre = step->batch + MB_NORMALIZATION_CENTRE * n_out;
    const float *restrict inverse = step->batch + MB_NORMALIZATION_BATCH_INVERSE * n_out;
    const float *restrict d_mean = step->batch + MB_NORMALIZATION_D_MEAN * n_out;
    const float *restrict d_projection = step->batch + MB_NORMALIZATION_D_PROJECTION * n_out;
    for (size_t i = 0; i < n; i++) {
        const float *restrict value = v + i * stride;
        float *restrict to = d + i * stride;
        for (size_t c = 0; c < n_out; c++) {
            const float normalized = (value[c] - centre[c]) * inverse[c];
            to[c] = (to[c] - d_mean[c] - normalized * d_projection[c]) * factor[c];
        }
    }
}
