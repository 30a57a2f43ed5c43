// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/fixed.h"

#if !defined(__AVX512F__) || !defined(__AVX512BW__)
#error "this file needs -mavx512f -mavx512bw"
#endif
#include <immintrin.h>

#define NAME(x) x##_avx512
#include "kernels/fixed_each.h"

#define LANES 16

#define pairs_VEC            __m512i
#define pairs_LOAD(p)        _mm512_loadu_si512((const void *)(p))
#define pairs_STORE(p, v)    _mm512_storeu_si512((void *)(p), v)
#define pairs_SPLAT(p)       _mm512_set1_epi32(*(p))
#define pairs_ADD(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
#define i32_VEC              __m512i
#define i32_LOAD             pairs_LOAD
#define i32_STORE            pairs_STORE
#define i32_SPLAT            pairs_SPLAT
#define i32_ADD(sum, x, w)   _mm512_add_epi32(sum, _mm512_mullo_epi32(x, w))
#define f32_VEC              __m512
#define f32_LOAD(p)          _mm512_loadu_ps(p)
#define f32_STORE(p, v)      _mm512_storeu_si512((void *)(p), _mm512_cvttps_epi32(v))
#define f32_SPLAT(p)         _mm512_set1_ps(*(p))
#define f32_ADD(sum, x, w)   _mm512_fmadd_ps(x, w, sum)
#include "kernels/x86/fixed_sums.h"

// A square of 16 x 16 words: pairs of rows, then quarters of vectors.
static void transpose_square(const int32_t *rows, size_t stride, int32_t *tile) {
    __m512i a[16], b[16];
    for (size_t i = 0; i < 16; i++) {
        a[i] = _mm512_loadu_si512((const void *)(rows + i * stride));
    }
    for (size_t i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (size_t i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (size_t i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
    }
    for (size_t i = 0; i < 4; i++) {
        const __m512i column[4] = {_mm512_shuffle_i32x4(b[i], b[i + 8], 0x88),
            _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88),
            _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd),
            _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd)};
        for (size_t k = 0; k < 4; k++) {
            _mm512_storeu_si512((void *)(tile + (i + 4 * k) * MB_TILE), column[k]);
        }
    }
}

static void transpose_avx512(const int32_t *rows, size_t stride, size_t n, int32_t *tile) {
    for (size_t k = 0; k < n; k += 16) {
        transpose_square(rows + k, stride, tile + k * MB_TILE);
    }
}

const mb_fixed_kernels mb_fixed_kernels_avx512 = FIXED_KERNELS("avx512");
