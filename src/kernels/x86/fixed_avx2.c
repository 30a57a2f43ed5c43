// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/fixed.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -mavx2 -mfma"
#endif
#include <immintrin.h>

#define NAME(x) x##_avx2
#include "kernels/fixed_each.h"

#define LANES 8

#define pairs_VEC            __m256i
#define pairs_LOAD(p)        _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define pairs_STORE(p, v)    _mm256_storeu_si256((__m256i *)(void *)(p), v)
#define pairs_SPLAT(p)       _mm256_set1_epi32(*(p))
#define pairs_ADD(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
#define i32_VEC              __m256i
#define i32_LOAD             pairs_LOAD
#define i32_STORE            pairs_STORE
#define i32_SPLAT            pairs_SPLAT
#define i32_ADD(sum, x, w)   _mm256_add_epi32(sum, _mm256_mullo_epi32(x, w))
#define f32_VEC              __m256
#define f32_LOAD(p)          _mm256_loadu_ps(p)
#define f32_STORE(p, v)      pairs_STORE(p, _mm256_cvttps_epi32(v))
#define f32_SPLAT(p)         _mm256_broadcast_ss(p)
#define f32_ADD(sum, x, w)   _mm256_fmadd_ps(x, w, sum)
#include "kernels/x86/fixed_sums.h"

static void transpose_square(const int32_t *rows, size_t stride, int32_t *tile) {
    __m256i a[8], b[8];
    for (size_t i = 0; i < 8; i++) {
        a[i] = pairs_LOAD(rows + i * stride);
    }
    for (size_t i = 0; i < 8; i += 2) {
        b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
    for (size_t i = 0; i < 4; i++) {
        pairs_STORE(tile + i * MB_TILE, _mm256_permute2x128_si256(a[i], a[i + 4], 0x20));
        pairs_STORE(tile + (i + 4) * MB_TILE, _mm256_permute2x128_si256(a[i], a[i + 4], 0x31));
    }
}

static void transpose_avx2(const int32_t *rows, size_t stride, size_t n, int32_t *tile) {
    for (size_t k = 0; k < n; k += 8) {
        transpose_square(rows + k, stride, tile + k * MB_TILE);
        transpose_square(rows + k + 8 * stride, stride, tile + k * MB_TILE + 8);
    }
}

const mb_fixed_kernels mb_fixed_kernels_avx2 = FIXED_KERNELS("avx2");
