// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_MASKS_H
#define DETECTOR_BARREL_MASKS_H

#include "base/base.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

// 64 bytes of text as bit masks, bit i for byte i: which of them are of each kind. A byte of no
// kind is in none.
typedef struct mb_barrel_masks {
    uint64_t digit, comma, blank, open, close, point, minus, feed;
} mb_barrel_masks;

static inline void mb_barrel_masks_plain(const char *text, mb_barrel_masks *out) {
    *out = (mb_barrel_masks){0};
    for (unsigned i = 0; i < 64; i++) {
        const char c = text[i];
        out->digit |= (uint64_t)(c >= '0' && c <= '9') << i;
        out->comma |= (uint64_t)(c == ',') << i;
        out->blank |= (uint64_t)(c == ' ') << i;
        out->open |= (uint64_t)(c == '[') << i;
        out->close |= (uint64_t)(c == ']') << i;
        out->point |= (uint64_t)(c == '.') << i;
        out->minus |= (uint64_t)(c == '-') << i;
        out->feed |= (uint64_t)(c == '\n') << i;
    }
}

#if defined(__AVX2__)
static inline uint64_t mb_barrel_bits_avx2(__m256i low, __m256i high) {
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

static inline uint64_t mb_barrel_mask_avx2(const __m256i bytes[2], char kind) {
    const __m256i all = _mm256_set1_epi8(kind);
    return mb_barrel_bits_avx2(_mm256_cmpeq_epi8(bytes[0], all), _mm256_cmpeq_epi8(bytes[1], all));
}

static inline uint64_t mb_barrel_digits_avx2(const __m256i bytes[2]) {
    // Signed comparison: '0' .. '9' move to the ten least values.
    const __m256i shift = _mm256_set1_epi8((char)(-128 - '0'));
    const __m256i bound = _mm256_set1_epi8(-128 + 10);
    return mb_barrel_bits_avx2(_mm256_cmpgt_epi8(bound, _mm256_add_epi8(bytes[0], shift)),
        _mm256_cmpgt_epi8(bound, _mm256_add_epi8(bytes[1], shift)));
}

static inline void mb_barrel_masks_avx2(const char *text, mb_barrel_masks *out) {
    __m256i bytes[2];
    for (int i = 0; i < 2; i++) {
        bytes[i] = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32 * i));
    }
    out->digit = mb_barrel_digits_avx2(bytes);
    out->comma = mb_barrel_mask_avx2(bytes, ',');
    out->blank = mb_barrel_mask_avx2(bytes, ' ');
    out->open = mb_barrel_mask_avx2(bytes, '[');
    out->close = mb_barrel_mask_avx2(bytes, ']');
    out->point = mb_barrel_mask_avx2(bytes, '.');
    out->minus = mb_barrel_mask_avx2(bytes, '-');
    out->feed = mb_barrel_mask_avx2(bytes, '\n');
}
#define mb_barrel_masks_of mb_barrel_masks_avx2
#elif defined(__SSE2__)
static inline uint64_t mb_barrel_mask_sse2(const __m128i bytes[4], char kind) {
    const __m128i all = _mm_set1_epi8(kind);
    const uint64_t a = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[0], all));
    const uint64_t b = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[1], all));
    const uint64_t c = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[2], all));
    const uint64_t d = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[3], all));
    return a | b << 16 | c << 32 | d << 48;
}

static inline uint64_t mb_barrel_digits_sse2(const __m128i bytes[4]) {
    // Signed comparison: '0' .. '9' move to the ten least values.
    const __m128i shift = _mm_set1_epi8((char)(-128 - '0'));
    const __m128i bound = _mm_set1_epi8(-128 + 10);
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        const __m128i moved = _mm_add_epi8(bytes[i], shift);
        mask |= (uint64_t)_mm_movemask_epi8(_mm_cmplt_epi8(moved, bound)) << (16 * i);
    }
    return mask;
}

static inline void mb_barrel_masks_sse2(const char *text, mb_barrel_masks *out) {
    __m128i bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
    }
    out->digit = mb_barrel_digits_sse2(bytes);
    out->comma = mb_barrel_mask_sse2(bytes, ',');
    out->blank = mb_barrel_mask_sse2(bytes, ' ');
    out->open = mb_barrel_mask_sse2(bytes, '[');
    out->close = mb_barrel_mask_sse2(bytes, ']');
    out->point = mb_barrel_mask_sse2(bytes, '.');
    out->minus = mb_barrel_mask_sse2(bytes, '-');
    out->feed = mb_barrel_mask_sse2(bytes, '\n');
}
#define mb_barrel_masks_of mb_barrel_masks_sse2
#else
#define mb_barrel_masks_of mb_barrel_masks_plain
#endif

// Number of the lowest set bit; mask is not 0.
static inline unsigned mb_barrel_lowest(uint64_t mask) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(mask);
#else
    unsigned n = 0;
    for (unsigned step = 32; step > 0; step /= 2) {
        if ((mask & ((UINT64_C(1) << step) - 1)) == 0) {
            mask >>= step;
            n += step;
        }
    }
    return n;
#endif
}

// The number that 8 decimal digits in memory order stand for.
static inline uint64_t mb_barrel_eight_digits(uint64_t text) {
    text = (text & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
    text = (text & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (text & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

static inline uint64_t mb_barrel_load(const char *text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

// The number that the n <= 8 digits before end stand for. Reads 8 bytes before end.
static inline uint64_t mb_barrel_digits_before(const char *end, unsigned n) {
    // In two steps: shifting by 64 at once is undefined.
    const uint64_t others = ~UINT64_C(0) >> (4 * n) >> (4 * n);
    const uint64_t word = mb_barrel_load(end - 8);
    return mb_barrel_eight_digits(word & ~others);
}

#endif
