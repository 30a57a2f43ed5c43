// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "base/base.h"

// Hot loops on raw pointers. Plain C fills the table first and is the definition; faster versions
// overwrite entries and give the same bits: one accumulator per output, terms in the written order,
// fused multiply-adds everywhere (fmaf in plain C). Output channels are padded to MB_LANES in
// packed weights and gradients; padding holds zeros.

enum { MB_LANES = 8 };

// The footprint of an output position in its input: n_runs stretches of run_length consecutive
// floats at offsets from the position's base. A convolution over channels-last rows has one run per
// kernel row (kernel width x channels); a dense layer has one run.
typedef struct mb_footprint {
    size_t n_runs, run_length;
    const uint32_t *run_offset; // n_runs
} mb_footprint;

typedef struct mb_kernels mb_kernels;
struct mb_kernels {
    const char *name; // "c", "avx2", "avx512"

    // out[i * out_stride + o] = bias[o] + sum over runs r, k: x[base[i] + run_offset[r] + k] * w[(r
    // * run_length + k) * width + o] for i < n and o < width; width is a multiple of MB_LANES. The
    // sum runs over r, then k; bias NULL: zeros (of +0).
    void (*positions)(size_t n, const uint32_t *base, const float *x, const mb_footprint *footprint,
        const float *w, const float *bias, size_t width, float *out, size_t out_stride);

    // gradient[(r * run_length + k) * width + o] += sum over i, in order: x[base[i] + run_offset[r]
    // + k] * dy[i * dy_stride + o]
    void (*positions_gradient)(size_t n, const uint32_t *base, const float *x,
        const mb_footprint *footprint, const float *dy, size_t dy_stride, size_t width,
        float *gradient);
};

// The table for a set of instruction sets (MB_CPU_ bits). Static, borrowed.
const mb_kernels *mb_kernels_for(uint32_t cpu);

#endif
