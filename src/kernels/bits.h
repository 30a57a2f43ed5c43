// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_BITS_H
#define KERNELS_BITS_H

#include "base/random.h"
#include "kernels/kernels.h"

// Random choices of numbers, one bit each, from the lowest bit of a word on. Plain C is the
// definition, faster versions give the same bits (kernels.h). Arrays of bits have two words more
// than their bits fill.

struct mb_bit_kernels {
    // Bit i < n: number i of a stream from which nothing was drawn yet is at least threshold. Bits
    // behind the last, up to a whole word, are 0.
    void (*draw)(const mb_random *stream, size_t n, uint32_t threshold, uint32_t *bits);
    // out[i] = bit first + i is set ? in[i] * factor : 0, for i < n. in and out may be the same.
    void (*keep)(
        size_t n, const float *in, const uint32_t *bits, size_t first, float factor, float *out);
    // count[c] += the set bits at row[r] * width + c, for r < n, c < width. row NULL: r itself.
    void (*count)(
        size_t n, const uint32_t *row, size_t width, const uint32_t *bits, uint32_t *count);
};

extern const mb_bit_kernels mb_bit_kernels_c;
#if defined(MB_HAVE_X86)
extern const mb_bit_kernels mb_bit_kernels_avx2;
extern const mb_bit_kernels mb_bit_kernels_avx512;
#endif

// The 32 bits from bit first on.
static inline uint32_t mb_bits_from(const uint32_t *bits, size_t first) {
    const uint64_t both = bits[first / 32] | (uint64_t)bits[first / 32 + 1] << 32;
    return (uint32_t)(both >> first % 32);
}

#endif
