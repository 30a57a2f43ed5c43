// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include "base/base.h"

// Bits and digits, eight bytes at a time.

// Number of the lowest set bit; mask is not 0.
static inline unsigned mb_lowest_bit(uint64_t mask) {
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
static inline uint64_t mb_eight_digits(uint64_t text) {
    text = (text & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
    text = (text & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (text & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32;
}

static inline uint64_t mb_load_word(const char *text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

// The number that the n <= 8 digits before end stand for. Reads 8 bytes before end.
static inline uint64_t mb_digits_before(const char *end, unsigned n) {
    // In two steps: shifting by 64 at once is undefined.
    const uint64_t others = ~UINT64_C(0) >> (4 * n) >> (4 * n);
    const uint64_t word = mb_load_word(end - 8);
    return mb_eight_digits(word & ~others);
}

// The same, with bits set in *bad where a byte is no digit.
static inline uint64_t mb_checked_digits_before(const char *end, unsigned n, uint64_t *bad) {
    const uint64_t others = ~UINT64_C(0) >> (4 * n) >> (4 * n);
    const uint64_t word = (mb_load_word(end - 8) ^ UINT64_C(0x3030303030303030)) & ~others;
    // 0 .. 9 stay below 16 with 6 more, all other bytes have a bit in their upper half.
    *bad |= ((word + UINT64_C(0x0606060606060606)) | word) & UINT64_C(0xF0F0F0F0F0F0F0F0);
    return mb_eight_digits(word);
}

#endif
