// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/text.h"

#include <immintrin.h>

static inline uint64_t bits(__m256i low, __m256i high) {
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

static inline uint64_t mask(const __m256i bytes[2], char kind) {
    const __m256i all = _mm256_set1_epi8(kind);
    return bits(_mm256_cmpeq_epi8(bytes[0], all), _mm256_cmpeq_epi8(bytes[1], all));
}

static inline uint64_t digits(const __m256i bytes[2]) {
    // Signed comparison: '0' .. '9' move to the ten least values.
    const __m256i shift = _mm256_set1_epi8((char)(-128 - '0'));
    const __m256i bound = _mm256_set1_epi8(-128 + 10);
    return bits(_mm256_cmpgt_epi8(bound, _mm256_add_epi8(bytes[0], shift)),
        _mm256_cmpgt_epi8(bound, _mm256_add_epi8(bytes[1], shift)));
}

static mb_text_masks masks_of(const char *text) {
    __m256i bytes[2];
    for (int i = 0; i < 2; i++) {
        bytes[i] = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32 * i));
    }
    return (mb_text_masks){
        .digit = digits(bytes),
        .comma = mask(bytes, ','),
        .blank = mask(bytes, ' '),
        .open = mask(bytes, '['),
        .close = mask(bytes, ']'),
        .point = mask(bytes, '.'),
        .minus = mask(bytes, '-'),
        .feed = mask(bytes, '\n'),
    };
}

void mb_text_masks_avx2(const char *text, size_t n, mb_text_masks *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = masks_of(text + 64 * i);
    }
}
