// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "base/base.h"

// Hot loops on raw pointers. Plain C fills the table first and is the definition; faster versions
// overwrite entries and give the same bits: one accumulator per output, terms in the order written
// here, fused multiply-adds everywhere (fmaf in plain C). Channels are padded to a multiple of
// MB_LANES ("width") in packed weights, gradients and scratch; padding holds zeros.

enum { MB_LANES = 8 };

// The footprint of an output position in its input: n_runs stretches of run_length consecutive
// floats at offsets from the position's base. A convolution over channels-last rows has one run per
// kernel row (kernel width x channels); a dense layer has one run. run_pad is run_length rounded up
// to MB_LANES.
typedef struct mb_footprint {
    size_t n_runs, run_length, run_pad;
    const uint32_t *run_offset; // n_runs
} mb_footprint;

// A list of products: target t gets value times a row of weights.
typedef struct mb_pairs {
    size_t n;
    const uint32_t *target, *row;
    const float *value;
} mb_pairs;

typedef struct mb_bit_kernels mb_bit_kernels;         // kernels/bits.h
typedef struct mb_lane_kernels mb_lane_kernels;       // kernels/lanes.h
typedef struct mb_graph_kernels mb_graph_kernels;     // kernels/graph.h
typedef struct mb_channel_kernels mb_channel_kernels; // kernels/channels.h

typedef struct mb_kernels {
    const char *name; // "c", "avx2", "avx512"

    // out[i * out_stride + o] = bias[o] + sum over r, then k: x[base[i] + run_offset[r] + k] * w[(r
    // * run_length + k) * width + o] for i < n, o < width. A width of MB_LANES may have a smaller
    // out_stride: positions are stored in rising order, so that each leaves its first out_stride
    // numbers.
    void (*positions)(size_t n, const uint32_t *base, const float *x, const mb_footprint *footprint,
        const float *w, const float *bias, size_t width, float *out, size_t out_stride);

    // gradient[(r * run_length + k) * width + o] += sum over i: x[base[i] + run_offset[r] + k] *
    // dy[i * width + o]
    void (*positions_gradient)(size_t n, const uint32_t *base, const float *x,
        const mb_footprint *footprint, const float *dy, size_t width, float *gradient);

    // dx[base[i] + run_offset[r] + k] += (sum over o < n_out: dy[i * dy_stride + o] * w[(r * n_out
    // + o) * run_pad + k]). Positions in blocks of MB_BACK_BLOCK; in a block run by run, in a run
    // MB_LANES floats at a time, and in these position by position.
    void (*positions_back)(size_t n, const uint32_t *base, const mb_footprint *footprint,
        const float *dy, size_t dy_stride, size_t n_out, const float *w, float *dx);

    // One output channel at the positions where it won a maximum:
    // gradient[r * run_pad + k] += sum over i: dy[i] * x[base[i] + run_offset[r] + k], for k <
    // run_pad (x must be readable there).
    void (*winners_gradient)(size_t n, const uint32_t *base, const float *dy, const float *x,
        const mb_footprint *footprint, float *gradient);

    // dx[base[i] + run_offset[r] + k] += dy[i] * w[r * run_pad + k], position by position (dx must
    // be writable up to run_pad).
    void (*winners_back)(size_t n, const uint32_t *base, const float *dy, const float *w,
        const mb_footprint *footprint, float *dx);

    // out[target[i] * width + o] += value[i] * w[row[i] * width + o], pair by pair.
    void (*pairs)(const mb_pairs *pairs, const float *w, size_t width, float *out);
    // gradient[row[i] * width + o] += value[i] * d_out[target[i] * width + o], pair by pair.
    void (*pairs_gradient)(
        const mb_pairs *pairs, const float *d_out, size_t width, float *gradient);

    // Windows of consecutive rows: out[c * width + o] = max over j < window of in[(c * window + j)
    // * width + o], the first of equals; winner (may be NULL) gets its j. A NaN wins only as the
    // first.
    void (*max_windows)(
        size_t n, size_t window, const float *in, size_t width, float *out, uint8_t *winner);
    // The way back: out[(c * window + j) * width + o] = winner[c * width + o] == j ? d[c * width +
    // o] : 0.
    void (*spread_windows)(
        size_t n, size_t window, const float *d, const uint8_t *winner, size_t width, float *out);

    // sum[o] += rows[i * width + o] for i < n, in order.
    void (*sum_rows)(size_t n, const float *rows, size_t width, float *sum);

    const mb_lane_kernels *lanes;       // the same on samples in lanes
    const mb_graph_kernels *graph;      // message passing
    const mb_channel_kernels *channels; // batch normalisation
    const mb_bit_kernels *bits;         // random choices
} mb_kernels;

enum { MB_BACK_BLOCK = 4 };

// The table for a set of instruction sets (MB_CPU_ bits). Static, borrowed.
const mb_kernels *mb_kernels_for(uint32_t cpu);
// All tables that this build and machine have, plain C first; returns how many.
size_t mb_kernels_all(uint32_t cpu, const mb_kernels *tables[3]);

extern const mb_kernels mb_kernels_c;
#if defined(MB_HAVE_X86)
extern const mb_kernels mb_kernels_avx2;
extern const mb_kernels mb_kernels_avx512;
#endif

#endif
