// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_DIGITS_H
#define DETECTOR_BARREL_DIGITS_H

#include "base/base.h"

// Bits and digits, eight bytes at a time.

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
