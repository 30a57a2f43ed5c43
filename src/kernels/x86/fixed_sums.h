// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Sums of products over a tile. Included by a file that defines NAME(x), LANES and, for each of
// the three kinds of numbers, VEC, SPLAT and ADD. A block of outputs shares each load of x.

#define SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, WIDTH)                                              \
    static inline void NAME(KIND##_block##WIDTH)(size_t n_terms, const uint32_t *index,            \
        const WEIGHT *w, const BIAS *bias, const X *x, int32_t *out) {                             \
        KIND##_VEC sum[WIDTH];                                                                     \
        _Pragma("GCC unroll 8") for (size_t o = 0; o < (WIDTH); o++) {                             \
            sum[o] = KIND##_SPLAT(bias + o);                                                       \
        }                                                                                          \
        for (size_t t = 0; t < n_terms; t++, w += (WIDTH)) {                                       \
            const KIND##_VEC row = KIND##_LOAD(x + (size_t)index[t] * (ROW));                      \
            _Pragma("GCC unroll 8") for (size_t o = 0; o < (WIDTH); o++) {                         \
                sum[o] = KIND##_ADD(sum[o], row, KIND##_SPLAT(w + o));                             \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 8") for (size_t o = 0; o < (WIDTH); o++) {                             \
            KIND##_STORE(out + o * MB_TILE, sum[o]);                                               \
        }                                                                                          \
    }

#define SUMS_CASE(KIND, WIDTH)                                                                     \
    case WIDTH:                                                                                    \
        NAME(KIND##_block##WIDTH)(sums->n_terms, index, w, bias + o, x + at, out + half);          \
        break;

// ROW: numbers of x in a row; PER: numbers of x for a lane.
#define SUMS(KIND, X, WEIGHT, BIAS, ROW, PER)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 1)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 2)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 3)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 4)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 5)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 6)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 7)                                                      \
    SUMS_BLOCK(KIND, X, WEIGHT, BIAS, ROW, 8)                                                      \
    static void NAME(sums_##KIND)(const mb_fixed_sums *sums, const X *x, int32_t *out) {           \
        for (size_t g = 0; g < sums->n_groups; g++) {                                              \
            const uint32_t *index = sums->index + g * sums->n_terms;                               \
            const WEIGHT *w = (const WEIGHT *)sums->weights;                                       \
            const BIAS *bias = (const BIAS *)sums->bias;                                           \
            for (size_t o = 0; o < sums->n_outputs; o += MB_SUM_BLOCK) {                           \
                const size_t width = mb_min_size(MB_SUM_BLOCK, sums->n_outputs - o);               \
                for (size_t half = 0; half < MB_TILE; half += LANES) {                             \
                    const size_t at = half * (PER);                                                \
                    switch (width) {                                                               \
                        SUMS_CASE(KIND, 1)                                                         \
                        SUMS_CASE(KIND, 2)                                                         \
                        SUMS_CASE(KIND, 3)                                                         \
                        SUMS_CASE(KIND, 4)                                                         \
                        SUMS_CASE(KIND, 5)                                                         \
                        SUMS_CASE(KIND, 6)                                                         \
                        SUMS_CASE(KIND, 7)                                                         \
                        SUMS_CASE(KIND, 8)                                                         \
                    default:                                                                       \
                        break;                                                                     \
                    }                                                                              \
                }                                                                                  \
                w += width * sums->n_terms;                                                        \
                out += width * MB_TILE;                                                            \
            }                                                                                      \
        }                                                                                          \
    }

SUMS(pairs, int16_t, int32_t, int32_t, 2 * MB_TILE, 2)
SUMS(f32, float, float, float, MB_TILE, 1)
SUMS(i32, int32_t, int32_t, int32_t, MB_TILE, 1)

#undef SUMS
#undef SUMS_CASE
#undef SUMS_BLOCK
