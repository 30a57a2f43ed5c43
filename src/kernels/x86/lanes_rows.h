// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Between rows and samples in lanes, in 256-bit vectors. Included by a file that defines NAME(x).

// Eight vectors of eight, loaded as halves: one shuffle less a vector than from whole ones.
static inline void NAME(transpose_8)(
    const float *const from[8], size_t at, float *to, size_t to_stride) {
    __m256 half[8];
    __m256 pair[8];
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 4; i++) {
        const float *low = from[i] + at;
        const float *high = from[i + 4] + at;
        half[i] =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
        half[i + 4] = _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
    }
    _Pragma("GCC unroll 4") for (size_t i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_ps(half[i], half[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(half[i], half[i + 1]);
    }
    _Pragma("GCC unroll 2") for (size_t i = 0; i < 8; i += 4) {
        float *p = to + i * to_stride;
        _mm256_storeu_ps(p, _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44));
        _mm256_storeu_ps(p + to_stride, _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee));
        _mm256_storeu_ps(p + 2 * to_stride, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44));
        _mm256_storeu_ps(p + 3 * to_stride, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee));
    }
}

static void NAME(lanes_fetch)(const float *floats, size_t n) {
    for (size_t i = 0; i < n; i += 16) {
        _mm_prefetch((const char *)(floats + i), _MM_HINT_T1);
    }
}

static void NAME(lanes_store)(
    size_t n, size_t size, const float *lanes, float *rows, size_t stride) {
    for (size_t s = 0; s < n; s += 8) {
        size_t i = 0;
        for (; n >= s + 8 && i + 8 <= size; i += 8) {
            const float *from[8];
            for (size_t k = 0; k < 8; k++) {
                from[k] = lanes + (i + k) * MB_SAMPLES + s;
            }
            NAME(transpose_8)(from, 0, rows + s * stride + i, stride);
        }
        for (; i < size; i++) {
            for (size_t k = s; k < mb_min_size(s + 8, n); k++) {
                rows[k * stride + i] = lanes[i * MB_SAMPLES + k];
            }
        }
    }
}

// N_ROWS x N_VECTORS accumulators stay in registers over all samples.
#define DEFINE_LANES_OUTER(N_ROWS, N_VECTORS)                                                      \
    static inline void NAME(lanes_outer_##N_ROWS##_##N_VECTORS)(                                   \
        size_t n, const float *x, const float *dy, size_t width, float *gradient) {                \
        __m256 sum[N_ROWS][N_VECTORS];                                                             \
        _Pragma("GCC unroll 8") for (size_t k = 0; k < N_ROWS; k++) {                              \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                sum[k][v] = _mm256_loadu_ps(gradient + k * width + v * 8);                         \
            }                                                                                      \
        }                                                                                          \
        for (size_t s = 0; s < n; s++) {                                                           \
            __m256 d[N_VECTORS];                                                                   \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                d[v] = _mm256_loadu_ps(dy + s * width + v * 8);                                    \
            }                                                                                      \
            _Pragma("GCC unroll 8") for (size_t k = 0; k < N_ROWS; k++) {                          \
                const __m256 value = _mm256_broadcast_ss(x + k * MB_SAMPLES + s);                  \
                _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                   \
                    sum[k][v] = _mm256_fmadd_ps(value, d[v], sum[k][v]);                           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 8") for (size_t k = 0; k < N_ROWS; k++) {                              \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                _mm256_storeu_ps(gradient + k * width + v * 8, sum[k][v]);                         \
            }                                                                                      \
        }                                                                                          \
    }

#define DEFINE_LANES_OUTER_COLUMNS(N_ROWS, N_VECTORS)                                              \
    DEFINE_LANES_OUTER(N_ROWS, N_VECTORS)                                                          \
    DEFINE_LANES_OUTER(1, N_VECTORS)                                                               \
    static inline void NAME(lanes_outer_columns##N_VECTORS)(                                       \
        size_t n, size_t n_in, const float *x, const float *dy, size_t width, float *gradient) {   \
        size_t k = 0;                                                                              \
        for (; k + N_ROWS <= n_in; k += N_ROWS) {                                                  \
            NAME(lanes_outer_##N_ROWS##_##N_VECTORS)                                               \
            (n, x + k * MB_SAMPLES, dy, width, gradient + k * width);                              \
        }                                                                                          \
        for (; k < n_in; k++) {                                                                    \
            NAME(lanes_outer_1_##N_VECTORS)                                                        \
            (n, x + k * MB_SAMPLES, dy, width, gradient + k * width);                              \
        }                                                                                          \
    }

DEFINE_LANES_OUTER_COLUMNS(4, 3)
DEFINE_LANES_OUTER_COLUMNS(6, 2)
DEFINE_LANES_OUTER_COLUMNS(8, 1)

static void NAME(lanes_outer)(
    size_t n, size_t n_in, const float *x, const float *dy, size_t width, float *gradient) {
    for (size_t o = 0; o < width;) {
        const size_t left = (width - o) / 8;
        if (left == 1) {
            NAME(lanes_outer_columns1)(n, n_in, x, dy + o, width, gradient + o);
            o += 8;
        } else if (left == 2 || left == 4) {
            NAME(lanes_outer_columns2)(n, n_in, x, dy + o, width, gradient + o);
            o += 16;
        } else {
            NAME(lanes_outer_columns3)(n, n_in, x, dy + o, width, gradient + o);
            o += 24;
        }
    }
}
