// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"
#include "kernels/channels.h"
#include "kernels/graph.h"
#include "kernels/lanes.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -mavx2 -mfma"
#endif
#include <immintrin.h>
#include <math.h>

// Of doubles: 1; 2^52; what, added to a number from sqrt(1/2) to sqrt(2), gives it the exponent 0.
#define ONE_BITS     0x3ff0000000000000
#define INTEGER_BITS 0x4330000000000000
#define ROOT_BIAS    (ONE_BITS - 0x3fe6a09e667f3bcd)

#define VEC          __m256
#define LANES        8
#define LOAD(p)      _mm256_loadu_ps(p)
#define STORE(p, v)  _mm256_storeu_ps(p, v)
#define SPLAT(p)     _mm256_broadcast_ss(p)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ADD(a, b)    _mm256_add_ps(a, b)
#define MAX(a, b)    _mm256_max_ps(a, b)
#define SET(x)       _mm256_set1_ps(x)
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

#define SUB(a, b)            _mm256_sub_ps(a, b)
#define DIV(a, b)            _mm256_div_ps(a, b)
#define KEEP_NAN(x, y)       _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q))
#define WHERE_POSITIVE(y, v) _mm256_and_ps(_mm256_cmp_ps(y, ZERO, _CMP_GT_OQ), v)
#define VECD                 __m256d
#define SETD(x)              _mm256_set1_pd(x)
#define ADDD(a, b)           _mm256_add_pd(a, b)
#define SUBD(a, b)           _mm256_sub_pd(a, b)
#define DIVD(a, b)           _mm256_div_pd(a, b)
#define MULD(a, b)           _mm256_mul_pd(a, b)
#define MIND(a, b)           _mm256_min_pd(a, b)
#define MAXD(a, b)           _mm256_max_pd(a, b)
#define POWERD(t)                                                                                  \
    _mm256_castsi256_pd(                                                                           \
        _mm256_slli_epi64(_mm256_add_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(1023)), 52))
#define EXPONENTD(v)                                                                               \
    _mm256_castsi256_pd(_mm256_or_si256(                                                           \
        _mm256_srli_epi64(                                                                         \
            _mm256_add_epi64(_mm256_castpd_si256(v), _mm256_set1_epi64x(ROOT_BIAS)), 52),          \
        _mm256_set1_epi64x(INTEGER_BITS)))
#define UNSCALED(v, k)                                                                             \
    _mm256_castsi256_pd(_mm256_add_epi64(                                                          \
        _mm256_sub_epi64(_mm256_castpd_si256(v), _mm256_slli_epi64(_mm256_castpd_si256(k), 52)),   \
        _mm256_set1_epi64x(ONE_BITS)))
#define WHERE(a, op, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, op))
#define LOWD(v)               _mm256_cvtps_pd(_mm256_castps256_ps128(v))
#define HIGHD(v)              _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))
#define JOIN(low, high)                                                                            \
    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1)
#include "kernels/x86/lanes_activation.h"

static void lanes_fill_avx2(size_t n, size_t size, const float *const *rows, float *lanes) {
    for (size_t s = 0; s < MB_SAMPLES; s += 8) {
        size_t i = n >= s + 8 && size >= 8 ? size : 0;
        for (size_t at = 0; at < i; at += 8) {
            // The last eight may begin among those that are done.
            const size_t first = mb_min_size(at, size - 8);
            transpose_8_avx2(rows + s, first, lanes + first * MB_SAMPLES + s, MB_SAMPLES);
        }
        for (; i < size; i++) {
            for (size_t k = s; k < s + 8; k++) {
                lanes[i * MB_SAMPLES + k] = k < n ? rows[k][i] : 0;
            }
        }
    }
}

static void positions_avx2(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    size_t o = 0;
    if (n == 1) {
        forward_alone_avx2(base, x, footprint, w, bias, width, out);
        return;
    }
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
    lanes_sum_avx2, lanes_rectify_avx2, lanes_rectify_back_avx2, lanes_softmax_avx2,
    lanes_exponential_avx2, lanes_logarithm_avx2, lanes_sigmoid_avx2};

const mb_kernels mb_kernels_avx2 = {"avx2", positions_avx2, positions_gradient_avx2,
    positions_back_avx2, winners_gradient_avx2, winners_back_avx2, pairs_avx2, pairs_gradient_avx2,
    max_windows_avx2, spread_windows_avx2, sum_rows_avx2, &lane_kernels_avx2,
    &mb_graph_kernels_avx2, &mb_channel_kernels_avx2, &mb_bit_kernels_avx2};
