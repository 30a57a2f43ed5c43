// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"
#include "kernels/channels.h"
#include "kernels/graph.h"
#include "kernels/lanes.h"

#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__FMA__)
#error "this file needs -mavx512f -mavx512vl -mfma"
#endif
#include <immintrin.h>
#include <math.h>

// Of doubles: 1; 2^52; what, added to a number from sqrt(1/2) to sqrt(2), gives it the exponent 0.
#define ONE_BITS     0x3ff0000000000000
#define INTEGER_BITS 0x4330000000000000
#define ROOT_BIAS    (ONE_BITS - 0x3fe6a09e667f3bcd)

// Widths of 16 in 512-bit vectors.
#define VEC          __m512
#define LANES        16
#define LOAD(p)      _mm512_loadu_ps(p)
#define STORE(p, v)  _mm512_storeu_ps(p, v)
#define SPLAT(p)     _mm512_set1_ps(*(p))
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define ADD(a, b)    _mm512_add_ps(a, b)
#define MAX(a, b)    _mm512_max_ps(a, b)
#define SET(x)       _mm512_set1_ps(x)
#define ZERO         _mm512_setzero_ps()
#define NAME(x)      x##_zmm
#define LANES_WIDE
#define FORWARD_TILE  8
#define GRADIENT_TILE 12
#include "kernels/x86/positions.h"
#include "kernels/x86/lanes.h"

#define SUB(a, b)            _mm512_sub_ps(a, b)
#define DIV(a, b)            _mm512_div_ps(a, b)
#define KEEP_NAN(x, y)       _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x)
#define WHERE_POSITIVE(y, v) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, ZERO, _CMP_GT_OQ), v)
#define VECD                 __m512d
#define SETD(x)              _mm512_set1_pd(x)
#define ADDD(a, b)           _mm512_add_pd(a, b)
#define SUBD(a, b)           _mm512_sub_pd(a, b)
#define DIVD(a, b)           _mm512_div_pd(a, b)
#define MULD(a, b)           _mm512_mul_pd(a, b)
#define MIND(a, b)           _mm512_min_pd(a, b)
#define MAXD(a, b)           _mm512_max_pd(a, b)
#define POWERD(t)                                                                                  \
    _mm512_castsi512_pd(                                                                           \
        _mm512_slli_epi64(_mm512_add_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(1023)), 52))
#define EXPONENTD(v)                                                                               \
    _mm512_castsi512_pd(_mm512_or_si512(                                                           \
        _mm512_srli_epi64(                                                                         \
            _mm512_add_epi64(_mm512_castpd_si512(v), _mm512_set1_epi64(ROOT_BIAS)), 52),           \
        _mm512_set1_epi64(INTEGER_BITS)))
#define UNSCALED(v, k)                                                                             \
    _mm512_castsi512_pd(_mm512_add_epi64(                                                          \
        _mm512_sub_epi64(_mm512_castpd_si512(v), _mm512_slli_epi64(_mm512_castpd_si512(k), 52)),   \
        _mm512_set1_epi64(ONE_BITS)))
#define WHERE(a, op, b, x, y) _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(a, b, op), x)
#define LOWD(v)               _mm512_cvtps_pd(_mm512_castps512_ps256(v))
#define HIGHD(v)              _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)))
#define JOIN(low, high)                                                                            \
    _mm512_castpd_ps(                                                                              \
        _mm512_insertf64x4(_mm512_castps_pd(_mm512_castps256_ps512(_mm512_cvtpd_ps(low))),         \
            _mm256_castps_pd(_mm512_cvtpd_ps(high)), 1))
#include "kernels/x86/lanes_activation.h"
#undef VEC
#undef LANES
#undef LOAD
#undef STORE
#undef SPLAT
#undef FMA
#undef ADD
#undef ZERO
#undef NAME
#undef FORWARD_TILE
#undef GRADIENT_TILE
#undef DEFINE_FORWARD
#undef DEFINE_GRADIENT

// The last 8 of a width in 256-bit vectors, with 32 registers.
#define VEC           __m256
#define LANES         8
#define LOAD(p)       _mm256_loadu_ps(p)
#define STORE(p, v)   _mm256_storeu_ps(p, v)
#define SPLAT(p)      _mm256_broadcast_ss(p)
#define FMA(a, b, c)  _mm256_fmadd_ps(a, b, c)
#define NAME(x)       x##_avx512
#define FORWARD_TILE  8
#define GRADIENT_TILE 12
#include "kernels/x86/positions.h"
#include "kernels/x86/narrow.h"
#include "kernels/x86/lanes_rows.h"

// Sixteen vectors of sixteen: numbers pair up within quarters, then quarters within vectors.
static inline void turn_16(const __m512 in[16], __m512 out[16]) {
    __m512 quad[16];
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 16; i += 4) {
        const __m512 a = _mm512_unpacklo_ps(in[i], in[i + 1]);
        const __m512 b = _mm512_unpackhi_ps(in[i], in[i + 1]);
        const __m512 c = _mm512_unpacklo_ps(in[i + 2], in[i + 3]);
        const __m512 d = _mm512_unpackhi_ps(in[i + 2], in[i + 3]);
        quad[i] = _mm512_shuffle_ps(a, c, 0x44);
        quad[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        quad[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        quad[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++) {
        const __m512 a = _mm512_shuffle_f32x4(quad[i], quad[4 + i], 0x88);
        const __m512 b = _mm512_shuffle_f32x4(quad[i], quad[4 + i], 0xdd);
        const __m512 c = _mm512_shuffle_f32x4(quad[8 + i], quad[12 + i], 0x88);
        const __m512 d = _mm512_shuffle_f32x4(quad[8 + i], quad[12 + i], 0xdd);
        out[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        out[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
        out[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
        out[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

static void fill_whole(size_t size, const float *const *rows, float *lanes) {
    for (size_t at = 0; at < size; at += 16) {
        // The last sixteen may begin among those that are done.
        const size_t first = mb_min_size(at, size - 16);
        __m512 row[16];
        __m512 number[16];
        _Pragma("GCC unroll 16") for (size_t s = 0; s < 16; s++) {
            row[s] = _mm512_loadu_ps(rows[s] + first);
        }
        turn_16(row, number);
        _Pragma("GCC unroll 16") for (size_t i = 0; i < 16; i++) {
            _mm512_storeu_ps(lanes + (first + i) * MB_SAMPLES, number[i]);
        }
    }
}

static void lanes_fill_zmm(size_t n, size_t size, const float *const *rows, float *lanes) {
    if (n == MB_SAMPLES && size >= 16) {
        fill_whole(size, rows, lanes);
        return;
    }
    for (size_t at = 0; at < size; at += 16) {
        const size_t count = mb_min_size(16, size - at);
        const __mmask16 mask = (__mmask16)((1u << count) - 1);
        __m512 row[16];
        __m512 number[16];
        _Pragma("GCC unroll 16") for (size_t s = 0; s < 16; s++) {
            // Nothing is read where the mask is empty.
            row[s] = _mm512_maskz_loadu_ps(s < n ? mask : 0, s < n ? rows[s] + at : lanes);
        }
        turn_16(row, number);
        _Pragma("GCC unroll 16") for (size_t i = 0; i < 16; i++) {
            if (i < count) {
                _mm512_storeu_ps(lanes + (at + i) * MB_SAMPLES, number[i]);
            }
        }
    }
}

static void positions_avx512(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    size_t o = 0;
    if (n == 1) {
        forward_alone_avx512(base, x, footprint, w, bias, width, out);
        return;
    }
    for (; o + 32 <= width; o += 32) {
        forward_columns2_zmm(n, base, x, footprint, w + o, bias + o, width, out + o, out_stride);
    }
    for (; o + 16 <= width; o += 16) {
        forward_columns1_zmm(n, base, x, footprint, w + o, bias + o, width, out + o, out_stride);
    }
    if (o < width) {
        forward_columns1_avx512(n, base, x, footprint, w + o, bias + o, width, out + o, out_stride);
    }
}

static void positions_gradient_avx512(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t width, float *gradient) {
    size_t o = 0;
    for (; o + 32 <= width; o += 32) {
        gradient_columns2_zmm(n, base, x, footprint, dy + o, width, gradient + o);
    }
    for (; o + 16 <= width; o += 16) {
        gradient_columns1_zmm(n, base, x, footprint, dy + o, width, gradient + o);
    }
    if (o < width) {
        gradient_columns1_avx512(n, base, x, footprint, dy + o, width, gradient + o);
    }
}

static const mb_lane_kernels lane_kernels_avx512 = {lanes_fill_zmm, lanes_fetch_avx512,
    lanes_store_avx512, lanes_positions_zmm, lanes_back_zmm, lanes_gradient_zmm, lanes_outer_avx512,
    lanes_sum_zmm, lanes_rectify_zmm, lanes_rectify_back_zmm, lanes_softmax_zmm,
    lanes_exponential_zmm, lanes_logarithm_zmm, lanes_sigmoid_zmm};

const mb_kernels mb_kernels_avx512 = {"avx512", positions_avx512, positions_gradient_avx512,
    positions_back_avx512, winners_gradient_avx512, winners_back_avx512, pairs_avx512,
    pairs_gradient_avx512, max_windows_avx512, spread_windows_avx512, sum_rows_avx512,
    &lane_kernels_avx512, &mb_graph_kernels_avx512, &mb_channel_kernels_avx512,
    &mb_bit_kernels_avx512};
