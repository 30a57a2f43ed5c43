// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/fixed.h"

#define NAME(x) x##_c
#include "kernels/fixed_each.h"

static void transpose_c(const int32_t *rows, size_t stride, size_t n, int32_t *tile) {
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < MB_TILE; i++) {
            tile[k * MB_TILE + i] = rows[i * stride + k];
        }
    }
}

// add: how a term of output o joins sum[i], given row and w.
#define SUMS(X, WEIGHT, SUM, BIAS, row_length, add)                                                \
    for (size_t g = 0; g < sums->n_groups; g++) {                                                  \
        const uint32_t *index = sums->index + g * sums->n_terms;                                   \
        const WEIGHT *weights = (const WEIGHT *)sums->weights;                                     \
        const BIAS *bias = (const BIAS *)sums->bias;                                               \
        for (size_t o = 0; o < sums->n_outputs; o++, out += MB_TILE) {                             \
            const size_t block = o / MB_SUM_BLOCK * MB_SUM_BLOCK;                                  \
            const size_t width = mb_min_size(MB_SUM_BLOCK, sums->n_outputs - block);               \
            const WEIGHT *column = weights + block * sums->n_terms + (o - block);                  \
            SUM sum[MB_TILE];                                                                      \
            for (size_t i = 0; i < MB_TILE; i++) {                                                 \
                sum[i] = (SUM)bias[o];                                                             \
            }                                                                                      \
            for (size_t t = 0; t < sums->n_terms; t++) {                                           \
                const X *row = x + (size_t)index[t] * (row_length);                                \
                const WEIGHT w = column[t * width];                                                \
                for (size_t i = 0; i < MB_TILE; i++) {                                             \
                    sum[i] += (add);                                                               \
                }                                                                                  \
            }                                                                                      \
            for (size_t i = 0; i < MB_TILE; i++) {                                                 \
                out[i] = (int32_t)sum[i];                                                          \
            }                                                                                      \
        }                                                                                          \
    }

static void sums_pairs_c(const mb_fixed_sums *sums, const int16_t *x, int32_t *out) {
    SUMS(int16_t, int32_t, int32_t, int32_t, 2 * MB_TILE,
        row[2 * i] * (int16_t)(w & 0xffff) + row[2 * i + 1] * (int16_t)(w >> 16))
}

static void sums_f32_c(const mb_fixed_sums *sums, const float *x, int32_t *out) {
    SUMS(float, float, float, float, MB_TILE, row[i] * w)
}

static void sums_i32_c(const mb_fixed_sums *sums, const int32_t *x, int32_t *out) {
    SUMS(int32_t, int32_t, int32_t, int32_t, MB_TILE, row[i] * w)
}

const mb_fixed_kernels mb_fixed_kernels_c = FIXED_KERNELS("c");

const mb_fixed_kernels *mb_fixed_kernels_for(uint32_t cpu) {
#if defined(MB_HAVE_X86)
    if ((cpu & MB_CPU_AVX512) != 0) {
        return &mb_fixed_kernels_avx512;
    }
    if ((cpu & MB_CPU_AVX2) != 0) {
        return &mb_fixed_kernels_avx2;
    }
#else
    (void)cpu;
#endif
    return &mb_fixed_kernels_c;
}
