// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// What works on each number of a tile by itself, in plain C. Included by a file for each
// instruction set that defines NAME(x): the compiler makes vectors of these loops, and since they
// are exact it cannot make other bits.

// The greatest |x|; a NaN counts as infinite.
static inline float NAME(greatest_of)(const float *x, size_t n) {
    // As integers the bits of positive floats are in their order, and NaN is above infinity.
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffU;
        most = bits > most ? bits : most;
    }
    most = most > 0x7f800000U ? 0x7f800000U : most;
    float value;
    memcpy(&value, &most, sizeof value);
    return value;
}

static inline int32_t NAME(bounded)(
    int32_t n, int32_t mask, int32_t sign, int32_t least, int32_t most, int32_t keep) {
    const int32_t v = ((n & mask) ^ sign) - sign;
    const int32_t low = v < least ? least : v;
    const int32_t clipped = low > most ? most : low;
    return clipped & (keep | -(int32_t)(clipped == v));
}

// n_of: an integer from floor and the value y.
#define READ(TYPE, n_of)                                                                           \
    for (size_t i = 0; i < n; i++) {                                                               \
        const float y = x[i] * factor;                                                             \
        const int32_t whole = (int32_t)y;                                                          \
        const int32_t floor = whole - ((float)whole > y);                                          \
        out[i] = (TYPE)(n_of);                                                                     \
    }

#define READ_ROW(TYPE, reader)                                                                     \
    const float factor = (reader)->factor;                                                         \
    const int32_t odd = (reader)->is_even ? 1 : 0, always = 1 - odd;                               \
    const int32_t mask = (reader)->mask, sign = (reader)->sign;                                    \
    const int32_t least = (reader)->least, most = (reader)->most;                                  \
    const int32_t keep = (reader)->is_zero_outside ? 0 : -1;                                       \
    if (!(NAME(greatest_of)(x, n) * factor < (float)MB_FIXED_READER_LIMIT)) {                      \
        return false;                                                                              \
    }                                                                                              \
    if ((reader)->has_half) {                                                                      \
        READ(TYPE,                                                                                 \
            NAME(bounded)(floor + ((y - (float)floor > 0.5F) |                                     \
                                      ((y - (float)floor == 0.5F) & (always | (floor & odd)))),    \
                mask, sign, least, most, keep))                                                    \
    } else if (least == 0 && most == mask) {                                                       \
        /* Unsigned and wrapping, as whole numbers from a detector are read. */                    \
        READ(TYPE, floor &mask)                                                                    \
    } else {                                                                                       \
        READ(TYPE, NAME(bounded)(floor, mask, sign, least, most, keep))                            \
    }                                                                                              \
    return true;

static bool NAME(read_f32)(
    const mb_fixed_reader *reader, const float *restrict x, size_t n, int32_t *restrict out) {
    READ_ROW(int32_t, reader)
}

static bool NAME(read_f32_short)(
    const mb_fixed_reader *reader, const float *restrict x, size_t n, int16_t *restrict out) {
    READ_ROW(int16_t, reader)
}

static void NAME(read_u16)(
    uint16_t mask, uint16_t most, const uint16_t *restrict x, size_t n, int16_t *restrict out) {
    for (size_t i = 0; i < n; i++) {
        const uint16_t v = (uint16_t)(x[i] & mask);
        out[i] = (int16_t)(v > most ? most : v);
    }
}

#define CONVERT(TYPE, UNSIGNED, x, out, n, step)                                                   \
    do {                                                                                           \
        const TYPE base = (TYPE)(step)->base, odd = (TYPE)(step)->odd;                             \
        const TYPE negative = (TYPE)(step)->negative, floor = (TYPE)(step)->floor;                 \
        const TYPE mask = (TYPE)(step)->mask, sign = (TYPE)(step)->sign;                           \
        const TYPE least = (TYPE)(step)->least, most = (TYPE)(step)->most;                         \
        const TYPE keep = (step)->is_zero_outside ? 0 : -1;                                        \
        const unsigned left = (step)->left, right = (step)->right;                                 \
        for (size_t i = 0; i < (n)*MB_TILE; i++) {                                                 \
            TYPE v = (x)[i] < floor ? floor : (x)[i];                                              \
            v = (TYPE)((UNSIGNED)v << left);                                                       \
            v += base + (odd & v >> right) + (negative & -(TYPE)(v < 0));                          \
            v = v >> right;                                                                        \
            v = (TYPE)((UNSIGNED)((v & mask) ^ sign) - (UNSIGNED)sign);                            \
            const TYPE low = v < least ? least : v;                                                \
            const TYPE clipped = low > most ? most : low;                                          \
            (out)[i] = clipped & (keep | -(TYPE)(clipped == v));                                   \
        }                                                                                          \
    } while (0)

static void NAME(convert32)(
    const mb_fixed_step *step, size_t n, const int32_t *restrict x, int32_t *restrict out) {
    CONVERT(int32_t, uint32_t, x, out, n, step);
}

static void NAME(convert64)(
    const mb_fixed_step *step, size_t n, const int64_t *restrict x, int64_t *restrict out) {
    CONVERT(int64_t, uint64_t, x, out, n, step);
}

#define AFFINE(n, n_channels, scale, bias, x, out)                                                 \
    for (size_t row = 0, c = 0; row < (n); row++, c = c + 1 == (n_channels) ? 0 : c + 1) {         \
        for (size_t i = 0; i < MB_TILE; i++) {                                                     \
            (out)[row * MB_TILE + i] = (x)[row * MB_TILE + i] * (scale)[c] + (bias)[c];            \
        }                                                                                          \
    }

static void NAME(affine32)(size_t n, size_t n_channels, const int32_t *scale, const int32_t *bias,
    const int32_t *restrict x, int32_t *restrict out) {
    AFFINE(n, n_channels, scale, bias, x, out)
}

static void NAME(affine64)(size_t n, size_t n_channels, const int64_t *scale, const int64_t *bias,
    const int64_t *restrict x, int64_t *restrict out) {
    AFFINE(n, n_channels, scale, bias, x, out)
}

static void NAME(scale_f32)(size_t n, size_t n_channels, const double *scale, const double *bias,
    const int64_t *restrict x, float *restrict out) {
    for (size_t row = 0, c = 0; row < n; row++, c = c + 1 == n_channels ? 0 : c + 1) {
        for (size_t i = 0; i < MB_TILE; i++) {
            out[row * MB_TILE + i] = (float)((double)x[row * MB_TILE + i] * scale[c] + bias[c]);
        }
    }
}

static void NAME(to_pairs)(size_t n, const int32_t *restrict x, int16_t *restrict out) {
    for (size_t row = 0; row + 2 <= n; row += 2) {
        for (size_t i = 0; i < MB_TILE; i++) {
            const uint32_t pair = ((uint32_t)x[row * MB_TILE + i] & 0xffffU) |
                                  (uint32_t)x[(row + 1) * MB_TILE + i] << 16;
            memcpy(out + (row * MB_TILE + 2 * i), &pair, sizeof pair);
        }
    }
    if (n % 2 != 0) {
        for (size_t i = 0; i < MB_TILE; i++) {
            const uint32_t pair = (uint32_t)x[(n - 1) * MB_TILE + i] & 0xffffU;
            memcpy(out + ((n - 1) * MB_TILE + 2 * i), &pair, sizeof pair);
        }
    }
}

static void NAME(to_f32)(size_t n, const int32_t *restrict x, float *restrict out) {
    for (size_t i = 0; i < n * MB_TILE; i++) {
        out[i] = (float)x[i];
    }
}

static void NAME(to_i64)(size_t n, const int32_t *restrict x, int64_t *restrict out) {
    for (size_t i = 0; i < n * MB_TILE; i++) {
        out[i] = x[i];
    }
}

static void NAME(to_i32)(size_t n, const int64_t *restrict x, int32_t *restrict out) {
    for (size_t i = 0; i < n * MB_TILE; i++) {
        out[i] = (int32_t)x[i];
    }
}

#define GREATEST(n, n_terms, index, x, out)                                                        \
    for (size_t row = 0; row < (n); row++, (index) += (n_terms)) {                                 \
        for (size_t i = 0; i < MB_TILE; i++) {                                                     \
            (out)[row * MB_TILE + i] = (x)[(index)[0] * MB_TILE + i];                              \
        }                                                                                          \
        for (size_t t = 1; t < (n_terms); t++) {                                                   \
            for (size_t i = 0; i < MB_TILE; i++) {                                                 \
                (out)[row * MB_TILE + i] =                                                         \
                    (x)[(index)[t] * MB_TILE + i] > (out)[row * MB_TILE + i]                       \
                        ? (x)[(index)[t] * MB_TILE + i]                                            \
                        : (out)[row * MB_TILE + i];                                                \
            }                                                                                      \
        }                                                                                          \
    }

static void NAME(greatest32)(size_t n, size_t n_terms, const uint32_t *index,
    const int32_t *restrict x, int32_t *restrict out) {
    GREATEST(n, n_terms, index, x, out)
}

static void NAME(greatest64)(size_t n, size_t n_terms, const uint32_t *index,
    const int64_t *restrict x, int64_t *restrict out) {
    GREATEST(n, n_terms, index, x, out)
}

static void NAME(sums_i64)(
    const mb_fixed_sums *sums, const int64_t *restrict x, int64_t *restrict out) {
    for (size_t g = 0; g < sums->n_groups; g++) {
        const uint32_t *index = sums->index + g * sums->n_terms;
        const int64_t *weights = (const int64_t *)sums->weights;
        const int64_t *bias = (const int64_t *)sums->bias;
        for (size_t o = 0; o < sums->n_outputs; o++, out += MB_TILE) {
            const size_t block = o / MB_SUM_BLOCK * MB_SUM_BLOCK;
            const size_t width = mb_min_size(MB_SUM_BLOCK, sums->n_outputs - block);
            const int64_t *w = weights + block * sums->n_terms + (o - block);
            int64_t sum[MB_TILE];
            for (size_t i = 0; i < MB_TILE; i++) {
                sum[i] = bias[o];
            }
            for (size_t t = 0; t < sums->n_terms; t++) {
                const int64_t *row = x + (size_t)index[t] * MB_TILE;
                for (size_t i = 0; i < MB_TILE; i++) {
                    sum[i] += row[i] * w[t * width];
                }
            }
            memcpy(out, sum, sizeof sum);
        }
    }
}

#undef READ
#undef READ_ROW
#undef CONVERT
#undef AFFINE
#undef GREATEST

#define FIXED_KERNELS(label)                                                                       \
    {                                                                                              \
        label, NAME(read_f32), NAME(read_f32_short), NAME(read_u16), NAME(transpose),              \
            NAME(convert32), NAME(convert64), NAME(affine32), NAME(affine64), NAME(scale_f32),     \
            NAME(to_pairs), NAME(to_f32), NAME(to_i64), NAME(to_i32), NAME(greatest32),            \
            NAME(greatest64), NAME(sums_pairs), NAME(sums_f32), NAME(sums_i32), NAME(sums_i64)     \
    }
