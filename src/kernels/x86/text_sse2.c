// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/text.h"

#include <emmintrin.h>

static inline uint64_t mask(const __m128i bytes[4], char kind) {
    const __m128i all = _mm_set1_epi8(kind);
    const uint64_t a = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[0], all));
    const uint64_t b = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[1], all));
    const uint64_t c = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[2], all));
    const uint64_t d = (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[3], all));
    return a | b << 16 | c << 32 | d << 48;
}

static inline uint64_t digits(const __m128i bytes[4]) {
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

static mb_text_masks masks_of(const char *text) {
    __m128i bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
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

void mb_text_masks_sse2(const char *text, size_t n, mb_text_masks *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = masks_of(text + 64 * i);
    }
}
