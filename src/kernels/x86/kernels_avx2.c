// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/lanes.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -mavx2 -mfma"
#endif
#include <immintrin.h>

#define VEC          __m256
#define LANES        8
#define LOAD(p)      _mm256_loadu_ps(p)
#define STORE(p, v)  _mm256_storeu_ps(p, v)
#define SPLAT(p)     _mm256_broadcast_ss(p)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ADD(a, b)    _mm256_add_ps(a, b)
#define ZERO         _mm256_setzero_ps()
#define NAME(x)      x##_avx2
// Eight forward sums hide the latency of two multiply-adds a cycle and leave an address register
// for each position; the gradient reads one position at a time, and 12 sums, a weight and a value
// fill 14 of 16 registers.
#define FORWARD_TILE  8
#define GRADIENT_TILE 12
#include "kernels/x86/positions.h"
#include "kernels/x86/narrow.h"
#include "kernels/x86/lanes.h"
#include "kernels/x86/lanes_rows.h"

static void positions_avx2(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    size_t o = 0;
    for (; o + 16 <= width; o += 16) {
        forward_columns2_avx2(n, base, x, footprint, w + o, bias + o, width, out + o, out_stride);
    }
    if (o < width) {
        forward_columns1_avx2(n, base, x, footprint, w + o, bias + o, width, out + o, out_stride);
    }
}

static void positions_gradient_avx2(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t width, float *gradient) {
    size_t o = 0;
    for (; o + 16 <= width; o += 16) {
        gradient_columns2_avx2(n, base, x, footprint, dy + o, width, gradient + o);
    }
    if (o < width) {
        gradient_columns1_avx2(n, base, x, footprint, dy + o, width, gradient + o);
    }
}

static const mb_lane_kernels lane_kernels_avx2 = {lanes_fill_avx2, lanes_fetch_avx2,
    lanes_store_avx2, lanes_positions_avx2, lanes_back_avx2, lanes_gradient_avx2, lanes_outer_avx2,
    lanes_sum_avx2};

const mb_kernels mb_kernels_avx2 = {"avx2", positions_avx2, positions_gradient_avx2,
    positions_back_avx2, winners_gradient_avx2, winners_back_avx2, pairs_avx2, pairs_gradient_avx2,
    max_windows_avx2, spread_windows_avx2, sum_rows_avx2, &lane_kernels_avx2};
