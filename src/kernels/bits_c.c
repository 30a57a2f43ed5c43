// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"

static void draw_c(const mb_random *stream, size_t n, uint32_t threshold, uint32_t *bits) {
    mb_random random = *stream;
    for (size_t first = 0; first < n; first += 32) {
        uint32_t word = 0;
        for (size_t i = 0; i < mb_min_size(32, n - first); i++) {
            word |= (uint32_t)(mb_random_u32(&random) >= threshold) << i;
        }
        bits[first / 32] = word;
    }
}

static void keep_c(
    size_t n, const float *in, const uint32_t *bits, size_t first, float factor, float *out) {
    for (size_t i = 0; i < n; i++) {
        const bool is_kept = (bits[(first + i) / 32] >> (first + i) % 32 & 1) != 0;
        out[i] = is_kept ? in[i] * factor : 0;
    }
}

static void count_c(
    size_t n, const uint32_t *row, size_t width, const uint32_t *bits, uint32_t *count) {
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < width; c += 32) {
            const uint32_t word = mb_bits_from(bits, (row != NULL ? row[r] : r) * width + c);
            for (size_t i = 0; i < mb_min_size(32, width - c); i++) {
                count[c + i] += word >> i & 1;
            }
        }
    }
}

const mb_bit_kernels mb_bit_kernels_c = {draw_c, keep_c, count_c};
