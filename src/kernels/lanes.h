// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include "kernels/kernels.h"

// Samples in lanes: a tile of MB_SAMPLES samples is stored number by number, number i of all
// samples at i * MB_SAMPLES, so that vectors run over samples whatever the channels are. Places
// (bases, offsets) count numbers, as they do in rows. Each output has one accumulator a sample and
// takes its terms in the order of the kernels of rows; weights are packed as theirs. The bits are
// those of rows but for gradient and sum, whose accumulators are a sample lane's own.
enum { MB_SAMPLES = 16 };

struct mb_lane_kernels {
    // lanes[i * MB_SAMPLES + s] = s < n ? rows[s][i] : 0.
    void (*fill)(size_t n, size_t size, const float *const *rows, float *lanes);
    // Asks the memory for floats that will be read soon. Changes nothing.
    void (*fetch)(const float *floats, size_t n);
    // rows[s * stride + i] = lanes[i * MB_SAMPLES + s] for s < n, i < size.
    void (*store)(size_t n, size_t size, const float *lanes, float *rows, size_t stride);

    // Of each position i < n and output o < n_out, at (i * n_out + o) * MB_SAMPLES: bias[o] + sum
    // over r, then k: x at (base[i] + run_offset[r] + k) * w[(r * run_length + k) * width + o];
    // where rectifies, rectified.
    void (*positions)(size_t n, const uint32_t *base, const float *x, const mb_footprint *footprint,
        const float *w, const float *bias, size_t width, size_t n_out, bool rectifies, float *out);

    // Adds to dx at base[i] + run_offset[r] + k the sum over o < n_out: dy of (i, o) * w[(r *
    // run_length + k) * width + o]. Positions, runs and pieces of runs in the order of
    // positions_back.
    void (*back)(size_t n, const uint32_t *base, const mb_footprint *footprint, const float *dy,
        const float *w, size_t width, size_t n_out, float *dx);

    // gradient at (r * run_length + k) * n_out + o, sample by sample: += sum over i: x at (base[i]
    // + run_offset[r] + k) * dy of (i, o).
    void (*gradient)(size_t n, const uint32_t *base, const float *x, const mb_footprint *footprint,
        const float *dy, size_t n_out, float *gradient);

    // One position a sample: gradient[k * width + o] += sum over s < n: x at (k, s) * dy[s * width
    // + o], for k < n_in; as positions_gradient.
    void (*outer)(
        size_t n, size_t n_in, const float *x, const float *dy, size_t width, float *gradient);

    // sum at o, sample by sample: += sum over i < n: rows at i * n_out + o.
    void (*sum)(size_t n, size_t n_out, const float *rows, float *sum);

    // Activations of n numbers a sample, with the bits of network/activation.c's: 0 > v ? 0 : v,
    // and d = y > 0 ? dy : 0; of n groups of channels the softmax.
    void (*rectify)(size_t n, float *values);
    void (*rectify_back)(size_t n, const float *y, const float *dy, float *d);
    void (*softmax)(size_t n, size_t channels, float *values);

    // Of n numbers a sample, which may be replaced in place: base/math.h's mb_expf, and mb_log
    // rounded to float.
    void (*exponential)(size_t n, const float *x, float *y);
    void (*logarithm)(size_t n, const float *x, float *y);
    void (*sigmoid)(size_t n, const float *x, float *y); // mb_sigmoidf
};

extern const mb_lane_kernels mb_lane_kernels_c;

#endif
