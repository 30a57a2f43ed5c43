// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_FIXED_H
#define KERNELS_FIXED_H

#include "base/base.h"

// Hot loops of integer networks. Events lie in lanes: a tile is MB_TILE events, its rows are
// features, each MB_TILE numbers. Every result is exact, so that all versions give the same bits in
// any order: who calls them has proved that no sum or product leaves its type (for float: stays
// within 2^24).
//
// Tiles come as int32, int64 or float [row][MB_TILE], or as pairs: int16 [row / 2][MB_TILE][2].

enum { MB_TILE = 16, MB_FIXED_READER_LIMIT = 1 << 30 };

// A conversion of integers, in this order: at least floor; to the left, or rounded to the right
// (v + base + (odd & v >> right) + (negative when v < 0)) >> right; wrapped, ((v & mask) ^ sign) -
// sign; clipped to least..most, or 0 when outside.
typedef struct mb_fixed_step {
    unsigned left, right;
    int64_t floor, base, odd, negative, mask, sign, least, most;
    bool is_zero_outside;
} mb_fixed_step;

// Reals to integers, floor(v * factor) or, with half, rounded; of ties the even one when even. Then
// wrapped and clipped as above. Reads |v * factor| < MB_FIXED_READER_LIMIT alone; factor is to
// scale exactly.
typedef struct mb_fixed_reader {
    float factor;
    bool has_half, is_even;
    int32_t mask, sign, least, most;
    bool is_zero_outside;
} mb_fixed_reader;

// Sums of products: group g has outputs sum[g * n_outputs + o] = bias[o] + sum over terms t of
// x[index[g * n_terms + t]] * weight. Weights lie in blocks of up to MB_SUM_BLOCK outputs, the
// last one shorter, each block [n_terms][outputs of the block]. For pairs a term is a row of pairs
// and a weight two int16, the first in the low half.
enum { MB_SUM_BLOCK = 8 };
typedef struct mb_fixed_sums {
    size_t n_groups, n_terms, n_outputs;
    const uint32_t *index;
    const void *weights;
    const void *bias;
} mb_fixed_sums;

typedef struct mb_fixed_kernels {
    const char *name;
    // One event's row. False when a value is beyond the reader's limit or no number: then what was
    // written means nothing. The short form is for formats of at most 15 bits, or 16 signed.
    bool (*read_f32)(const mb_fixed_reader *reader, const float *x, size_t n, int32_t *out);
    bool (*read_f32_short)(const mb_fixed_reader *reader, const float *x, size_t n, int16_t *out);
    void (*read_u16)(uint16_t mask, uint16_t most, const uint16_t *x, size_t n, int16_t *out);
    // 32-bit words of MB_TILE rows, stride words apart, to [n][MB_TILE]; n a multiple of MB_TILE.
    void (*transpose)(const int32_t *rows, size_t stride, size_t n, int32_t *tile);
    // Element by element, n rows.
    void (*convert32)(const mb_fixed_step *step, size_t n, const int32_t *x, int32_t *out);
    void (*convert64)(const mb_fixed_step *step, size_t n, const int64_t *x, int64_t *out);
    // x * scale[row % n_channels] + bias[row % n_channels]
    void (*affine32)(size_t n, size_t n_channels, const int32_t *scale, const int32_t *bias,
        const int32_t *x, int32_t *out);
    void (*affine64)(size_t n, size_t n_channels, const int64_t *scale, const int64_t *bias,
        const int64_t *x, int64_t *out);
    // Rounded once, to float32, of the double value.
    void (*scale_f32)(size_t n, size_t n_channels, const double *scale, const double *bias,
        const int64_t *x, float *out);
    void (*to_pairs)(size_t n, const int32_t *x, int16_t *out); // an odd last row is paired with 0
    void (*to_f32)(size_t n, const int32_t *x, float *out);
    void (*to_i64)(size_t n, const int32_t *x, int64_t *out);
    void (*to_i32)(size_t n, const int64_t *x, int32_t *out);
    // The greatest of n_terms rows for each of n outputs.
    void (*greatest32)(
        size_t n, size_t n_terms, const uint32_t *index, const int32_t *x, int32_t *out);
    void (*greatest64)(
        size_t n, size_t n_terms, const uint32_t *index, const int64_t *x, int64_t *out);
    void (*sums_pairs)(const mb_fixed_sums *sums, const int16_t *x, int32_t *out);
    void (*sums_f32)(const mb_fixed_sums *sums, const float *x, int32_t *out);
    void (*sums_i32)(const mb_fixed_sums *sums, const int32_t *x, int32_t *out);
    void (*sums_i64)(const mb_fixed_sums *sums, const int64_t *x, int64_t *out);
} mb_fixed_kernels;

// The fastest for a set of instruction sets (MB_CPU_ bits).
const mb_fixed_kernels *mb_fixed_kernels_for(uint32_t cpu);

extern const mb_fixed_kernels mb_fixed_kernels_c;
#if defined(MB_HAVE_X86)
extern const mb_fixed_kernels mb_fixed_kernels_avx2;
extern const mb_fixed_kernels mb_fixed_kernels_avx512;
#endif

#endif
