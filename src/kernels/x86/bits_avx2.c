// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"

#if !defined(__AVX2__)
#error "this file needs -mavx2"
#endif
#include <immintrin.h>

#define VECI          __m256i
#define LANES         8
#define WIDE(x)       _mm256_set1_epi64x((long long)(uint64_t)(x))
#define SET(x)        _mm256_set1_epi32((int)(x))
#define EVEN          _mm256_setr_epi64x(0, 2, 4, 6)
#define ODD           _mm256_setr_epi64x(1, 3, 5, 7)
#define ADD           _mm256_add_epi32
#define MULTIPLY      _mm256_mul_epu32
#define HIGH(a)       _mm256_srli_epi64(a, 32)
#define XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define JOIN(a, b)    _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xAA)
#define AT_LEAST(v, t)                                                                             \
    (uint32_t)                                                                                     \
        _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(v, t), v)))
#define NAME(x) x##_avx2
#include "kernels/x86/bits.h"

// All bits of lane i where bit i is set.
static inline __m256i lanes_of(uint32_t bits) {
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), lane), lane);
}

static void keep_avx2(
    size_t n, const float *in, const uint32_t *bits, size_t first, float factor, float *out) {
    const __m256 by = _mm256_set1_ps(factor);
    for (size_t i = 0; i < n; i += 8) {
        const uint32_t all = n - i >= 8 ? 0xFF : (1u << (n - i)) - 1;
        const __m256i kept = lanes_of(mb_bits_from(bits, first + i) & all);
        const __m256 product = _mm256_mul_ps(_mm256_maskload_ps(in + i, kept), by);
        _mm256_maskstore_ps(
            out + i, lanes_of(all), _mm256_and_ps(product, _mm256_castsi256_ps(kept)));
    }
}

static void count_avx2(
    size_t n, const uint32_t *row, size_t width, const uint32_t *bits, uint32_t *count) {
    for (size_t c = 0; c < width; c += 8) {
        const uint32_t all = width - c >= 8 ? 0xFF : (1u << (width - c)) - 1;
        int *to = (int *)(void *)(count + c);
        __m256i sum = _mm256_maskload_epi32(to, lanes_of(all));
        for (size_t r = 0; r < n; r++) {
            // A set bit is -1.
            const size_t at = (row != NULL ? row[r] : r) * width + c;
            sum = _mm256_sub_epi32(sum, lanes_of(mb_bits_from(bits, at) & all));
        }
        _mm256_maskstore_epi32(to, lanes_of(all), sum);
    }
}

const mb_bit_kernels mb_bit_kernels_avx2 = {draw_avx2, keep_avx2, count_avx2};
