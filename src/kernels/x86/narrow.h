// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Kernels that run over 8-float pieces of a footprint or of a table's width, for AVX2 and, with
// twice the registers and masks of its own, AVX-512 in 256-bit vectors. Included by a file that
// defines NAME(x).

#define VEC8 __m256

static inline __m256i NAME(tail_mask)(size_t n) {
    static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(const void *)(lanes + 8 - n));
}

// N positions, N_PIECES pieces of a run, of whose last one n_last numbers count: all sums in
// registers, and only then added, piece by piece.
#define DEFINE_BACK(N, N_PIECES)                                                                   \
    static inline void NAME(back_##N##_##N_PIECES)(const uint32_t *base, const float *dy,          \
        size_t dy_stride, size_t n_out, const float *w, size_t run_pad, size_t n_last,             \
        float *dx) {                                                                               \
        VEC8 sum[N_PIECES][N];                                                                     \
        _Pragma("GCC unroll 4") for (size_t v = 0; v < N_PIECES; v++) {                            \
            _Pragma("GCC unroll 4") for (size_t i = 0; i < N; i++) {                               \
                sum[v][i] = _mm256_setzero_ps();                                                   \
            }                                                                                      \
        }                                                                                          \
        for (size_t o = 0; o < n_out; o++) {                                                       \
            VEC8 weight[N_PIECES];                                                                 \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_PIECES; v++) {                        \
                weight[v] = _mm256_loadu_ps(w + o * run_pad + v * 8);                              \
            }                                                                                      \
            _Pragma("GCC unroll 4") for (size_t i = 0; i < N; i++) {                               \
                const VEC8 d = _mm256_broadcast_ss(dy + i * dy_stride + o);                        \
                _Pragma("GCC unroll 4") for (size_t v = 0; v < N_PIECES; v++) {                    \
                    sum[v][i] = _mm256_fmadd_ps(d, weight[v], sum[v][i]);                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 4") for (size_t v = 0; v < N_PIECES; v++) {                            \
            const __m256i mask = NAME(tail_mask)(v + 1 < N_PIECES ? 8 : n_last);                   \
            _Pragma("GCC unroll 4") for (size_t i = 0; i < N; i++) {                               \
                float *p = dx + base[i] + v * 8;                                                   \
                if (v + 1 < N_PIECES || n_last == 8) {                                             \
                    _mm256_storeu_ps(p, _mm256_add_ps(_mm256_loadu_ps(p), sum[v][i]));             \
                } else {                                                                           \
                    const VEC8 before = _mm256_maskload_ps(p, mask);                               \
                    _mm256_maskstore_ps(p, mask, _mm256_add_ps(before, sum[v][i]));                \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
DEFINE_BACK(4, 3)
DEFINE_BACK(4, 1)
DEFINE_BACK(3, 1)
DEFINE_BACK(2, 1)
DEFINE_BACK(1, 1)

// A block of at most MB_BACK_BLOCK positions, one run.
static inline void NAME(back_run)(size_t n, const uint32_t *base, const float *dy, size_t dy_stride,
    size_t n_out, const float *w, size_t run_pad, size_t run_length, float *dx) {
    size_t k = 0;
    for (; n == MB_BACK_BLOCK && k + 24 <= run_length; k += 24) {
        NAME(back_4_3)(base, dy, dy_stride, n_out, w + k, run_pad, 8, dx + k);
    }
    for (; k < run_length; k += 8) {
        const size_t n_last = mb_min_size(8, run_length - k);
        if (n == MB_BACK_BLOCK) {
            NAME(back_4_1)(base, dy, dy_stride, n_out, w + k, run_pad, n_last, dx + k);
        } else if (n == 3) {
            NAME(back_3_1)(base, dy, dy_stride, n_out, w + k, run_pad, n_last, dx + k);
        } else if (n == 2) {
            NAME(back_2_1)(base, dy, dy_stride, n_out, w + k, run_pad, n_last, dx + k);
        } else {
            NAME(back_1_1)(base, dy, dy_stride, n_out, w + k, run_pad, n_last, dx + k);
        }
    }
}

static void NAME(positions_back)(size_t n, const uint32_t *base, const mb_footprint *footprint,
    const float *dy, size_t dy_stride, size_t n_out, const float *w, float *dx) {
    for (size_t i = 0; i < n; i += MB_BACK_BLOCK) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            NAME(back_run)
            (mb_min_size(n - i, MB_BACK_BLOCK), base + i, dy + i * dy_stride, dy_stride, n_out,
                w + r * n_out * footprint->run_pad, footprint->run_pad, footprint->run_length,
                dx + footprint->run_offset[r]);
        }
    }
}

// N_VECTORS vectors of the footprint's n_runs x run_pad floats, beginning at vector first, stay in
// registers.
#define DEFINE_WINNERS_GRADIENT(N_VECTORS)                                                         \
    static inline void NAME(winners_gradient_##N_VECTORS)(size_t n, const uint32_t *base,          \
        const float *dy, const float *x, const size_t *offset, float *gradient) {                  \
        VEC8 sum[N_VECTORS];                                                                       \
        _Pragma("GCC unroll 16") for (size_t v = 0; v < N_VECTORS; v++) {                          \
            sum[v] = _mm256_loadu_ps(gradient + v * 8);                                            \
        }                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            const float *p = x + base[i];                                                          \
            const VEC8 d = _mm256_broadcast_ss(dy + i);                                            \
            _Pragma("GCC unroll 16") for (size_t v = 0; v < N_VECTORS; v++) {                      \
                sum[v] = _mm256_fmadd_ps(d, _mm256_loadu_ps(p + offset[v]), sum[v]);               \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 16") for (size_t v = 0; v < N_VECTORS; v++) {                          \
            _mm256_storeu_ps(gradient + v * 8, sum[v]);                                            \
        }                                                                                          \
    }

DEFINE_WINNERS_GRADIENT(9)
DEFINE_WINNERS_GRADIENT(3)
DEFINE_WINNERS_GRADIENT(1)

// The offset from a position of vector number index of the footprint.
static inline size_t NAME(vector_offset)(const mb_footprint *footprint, size_t index) {
    const size_t per_run = footprint->run_pad / 8;
    return footprint->run_offset[index / per_run] + index % per_run * 8;
}

static void NAME(winners_gradient)(size_t n, const uint32_t *base, const float *dy, const float *x,
    const mb_footprint *footprint, float *gradient) {
    const size_t n_vectors = footprint->n_runs * (footprint->run_pad / 8);
    size_t offset[9];
    for (size_t first = 0; first < n_vectors;) {
        const size_t left = n_vectors - first;
        const size_t group = left >= 9 ? 9 : left >= 3 ? 3 : 1;
        for (size_t v = 0; v < group; v++) {
            offset[v] = NAME(vector_offset)(footprint, first + v);
        }
        if (group == 9) {
            NAME(winners_gradient_9)(n, base, dy, x, offset, gradient + first * 8);
        } else if (group == 3) {
            NAME(winners_gradient_3)(n, base, dy, x, offset, gradient + first * 8);
        } else {
            NAME(winners_gradient_1)(n, base, dy, x, offset, gradient + first * 8);
        }
        first += group;
    }
}

// The common footprint, three runs of three vectors (3x3 kernel, 8 channels), with its weights in
// registers.
static void NAME(winners_back_3x3x8)(size_t n, const uint32_t *base, const float *dy,
    const float *w, const uint32_t *run_offset, float *dx) {
    VEC8 weight[9];
    _Pragma("GCC unroll 16") for (size_t v = 0; v < 9; v++) {
        weight[v] = _mm256_loadu_ps(w + v * 8);
    }
    float *rows[3] = {dx + run_offset[0], dx + run_offset[1], dx + run_offset[2]};
    for (size_t i = 0; i < n; i++) {
        const VEC8 d = _mm256_broadcast_ss(dy + i);
        _Pragma("GCC unroll 4") for (size_t r = 0; r < 3; r++) {
            float *p = rows[r] + base[i];
            _Pragma("GCC unroll 4") for (size_t v = 0; v < 3; v++) {
                _mm256_storeu_ps(
                    p + v * 8, _mm256_fmadd_ps(d, weight[r * 3 + v], _mm256_loadu_ps(p + v * 8)));
            }
        }
    }
}

static void NAME(winners_back)(size_t n, const uint32_t *base, const float *dy, const float *w,
    const mb_footprint *footprint, float *dx) {
    if (footprint->n_runs == 3 && footprint->run_pad == 24) {
        NAME(winners_back_3x3x8)(n, base, dy, w, footprint->run_offset, dx);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const VEC8 d = _mm256_broadcast_ss(dy + i);
        for (size_t r = 0; r < footprint->n_runs; r++) {
            float *p = dx + base[i] + footprint->run_offset[r];
            for (size_t k = 0; k < footprint->run_pad; k += 8) {
                const VEC8 weight = _mm256_loadu_ps(w + r * footprint->run_pad + k);
                _mm256_storeu_ps(p + k, _mm256_fmadd_ps(d, weight, _mm256_loadu_ps(p + k)));
            }
        }
    }
}

static void NAME(pairs)(const mb_pairs *pairs, const float *w, size_t width, float *out) {
    for (size_t i = 0; i < pairs->n; i++) {
        const VEC8 value = _mm256_broadcast_ss(pairs->value + i);
        float *y = out + pairs->target[i] * width;
        const float *row = w + pairs->row[i] * width;
        for (size_t o = 0; o < width; o += 8) {
            _mm256_storeu_ps(
                y + o, _mm256_fmadd_ps(value, _mm256_loadu_ps(row + o), _mm256_loadu_ps(y + o)));
        }
    }
}

static void NAME(pairs_gradient)(
    const mb_pairs *pairs, const float *d_out, size_t width, float *gradient) {
    for (size_t i = 0; i < pairs->n; i++) {
        const VEC8 value = _mm256_broadcast_ss(pairs->value + i);
        const float *dy = d_out + pairs->target[i] * width;
        float *row = gradient + pairs->row[i] * width;
        for (size_t o = 0; o < width; o += 8) {
            _mm256_storeu_ps(
                row + o, _mm256_fmadd_ps(value, _mm256_loadu_ps(dy + o), _mm256_loadu_ps(row + o)));
        }
    }
}

static inline void NAME(store_winner)(uint8_t *winner, __m256 best) {
    const __m256i wide = _mm256_castps_si256(best);
    const __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64((__m128i *)(void *)winner, _mm_packus_epi16(half, half));
}

static void NAME(max_windows)(
    size_t n, size_t window, const float *in, size_t width, float *out, uint8_t *winner) {
    for (size_t c = 0; c < n; c++) {
        for (size_t o = 0; o < width; o += 8) {
            const float *rows = in + c * window * width + o;
            VEC8 best = _mm256_loadu_ps(rows);
            VEC8 best_j = _mm256_setzero_ps();
            for (size_t j = 1; j < window; j++) {
                const VEC8 value = _mm256_loadu_ps(rows + j * width);
                const VEC8 is_more = _mm256_cmp_ps(value, best, _CMP_GT_OQ);
                best = _mm256_blendv_ps(best, value, is_more);
                best_j = _mm256_blendv_ps(
                    best_j, _mm256_castsi256_ps(_mm256_set1_epi32((int)j)), is_more);
            }
            _mm256_storeu_ps(out + c * width + o, best);
            if (winner != NULL) {
                NAME(store_winner)(winner + c * width + o, best_j);
            }
        }
    }
}

static void NAME(spread_windows)(
    size_t n, size_t window, const float *d, const uint8_t *winner, size_t width, float *out) {
    for (size_t c = 0; c < n; c++) {
        for (size_t o = 0; o < width; o += 8) {
            const VEC8 value = _mm256_loadu_ps(d + c * width + o);
            const __m256i won = _mm256_cvtepu8_epi32(
                _mm_loadl_epi64((const __m128i *)(const void *)(winner + c * width + o)));
            for (size_t j = 0; j < window; j++) {
                const __m256i is_here = _mm256_cmpeq_epi32(won, _mm256_set1_epi32((int)j));
                _mm256_storeu_ps(out + (c * window + j) * width + o,
                    _mm256_and_ps(value, _mm256_castsi256_ps(is_here)));
            }
        }
    }
}

static void NAME(sum_rows)(size_t n, const float *rows, size_t width, float *sum) {
    for (size_t o = 0; o < width; o += 8) {
        VEC8 total = _mm256_loadu_ps(sum + o);
        for (size_t i = 0; i < n; i++) {
            total = _mm256_add_ps(total, _mm256_loadu_ps(rows + i * width + o));
        }
        _mm256_storeu_ps(sum + o, total);
    }
}
