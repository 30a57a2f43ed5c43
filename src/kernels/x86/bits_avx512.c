// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"

#if !defined(__AVX512F__)
#error "this file needs -mavx512f"
#endif
#include <immintrin.h>

#define VECI           __m512i
#define LANES          16
#define WIDE(x)        _mm512_set1_epi64((long long)(uint64_t)(x))
#define SET(x)         _mm512_set1_epi32((int)(x))
#define EVEN           _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)
#define ODD            _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15)
#define ADD            _mm512_add_epi32
#define MULTIPLY       _mm512_mul_epu32
#define HIGH(a)        _mm512_srli_epi64(a, 32)
#define XOR3(a, b, c)  _mm512_ternarylogic_epi32(a, b, c, 0x96)
#define JOIN(a, b)     _mm512_mask_blend_epi32(0xAAAA, a, _mm512_slli_epi64(b, 32))
#define AT_LEAST(v, t) _mm512_cmpge_epu32_mask(v, t)
#define NAME(x)        x##_avx512
#include "kernels/x86/bits.h"

// The first n lanes, at most all.
static inline __mmask16 first_lanes(size_t n) {
    return (__mmask16)(n >= LANES ? 0xFFFFU : (1U << n) - 1U);
}

static void keep_avx512(
    size_t n, const float *in, const uint32_t *bits, size_t first, float factor, float *out) {
    const __m512 by = _mm512_set1_ps(factor);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 all = first_lanes(n - i);
        const __mmask16 kept = (__mmask16)(mb_bits_from(bits, first + i) & all);
        const __m512 product = _mm512_maskz_mul_ps(kept, _mm512_maskz_loadu_ps(kept, in + i), by);
        _mm512_mask_storeu_ps(out + i, all, product);
    }
}

// Sixteen columns of all rows at a time.
static void count_columns(
    size_t n, const uint32_t *row, size_t width, size_t c, const uint32_t *bits, uint32_t *count) {
    const __mmask16 all = first_lanes(width - c);
    const __m512i one = _mm512_set1_epi32(1);
    __m512i sum = _mm512_maskz_loadu_epi32(all, count + c);
    for (size_t r = 0; r < n; r++) {
        const size_t at = (row != NULL ? row[r] : r) * width + c;
        const __mmask16 set = (__mmask16)(mb_bits_from(bits, at) & all);
        sum = _mm512_mask_add_epi32(sum, set, sum, one);
    }
    _mm512_mask_storeu_epi32(count + c, all, sum);
}

// 64 columns, two whole words.
static void count_words(
    size_t n, const uint32_t *row, size_t n_words, const uint32_t *bits, uint32_t *count) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i sum[4];
    for (size_t k = 0; k < 4; k++) {
        sum[k] = _mm512_loadu_si512((const void *)(count + 16 * k));
    }
    for (size_t r = 0; r < n; r++) {
        const uint32_t *words = bits + (row != NULL ? row[r] : r) * n_words;
        sum[0] = _mm512_mask_add_epi32(sum[0], (__mmask16)words[0], sum[0], one);
        sum[1] = _mm512_mask_add_epi32(sum[1], (__mmask16)(words[0] >> 16), sum[1], one);
        sum[2] = _mm512_mask_add_epi32(sum[2], (__mmask16)words[1], sum[2], one);
        sum[3] = _mm512_mask_add_epi32(sum[3], (__mmask16)(words[1] >> 16), sum[3], one);
    }
    for (size_t k = 0; k < 4; k++) {
        _mm512_storeu_si512((void *)(count + 16 * k), sum[k]);
    }
}

static void count_avx512(
    size_t n, const uint32_t *row, size_t width, const uint32_t *bits, uint32_t *count) {
    size_t c = 0;
    for (; c + 64 <= width && width % 32 == 0; c += 64) {
        count_words(n, row, width / 32, bits + c / 32, count + c);
    }
    for (; c < width; c += 16) {
        count_columns(n, row, width, c, bits, count);
    }
}

const mb_bit_kernels mb_bit_kernels_avx512 = {draw_avx512, keep_avx512, count_avx512};
