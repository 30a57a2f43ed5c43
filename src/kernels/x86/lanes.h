// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The kernels of kernels/lanes.h for one vector type; included by a file that defines it as for
// positions.h, with ADD(a, b), ZERO, MAX(a, b) = a > b ? a : b and SET(x), and LANES_WIDE where
// there are 32 registers. A function works on the samples of one vector, the caller on each vector
// of a tile.

// N_POSITIONS x N_OUT accumulators stay in registers over the whole footprint.
#define DEFINE_LANES_FORWARD(N_POSITIONS, N_OUT)                                                   \
    static inline void NAME(lanes_forward_##N_POSITIONS##_##N_OUT)(const uint32_t *base,           \
        const float *x, const mb_footprint *footprint, const float *w, const float *bias,          \
        size_t width, size_t n_out, VEC least, float *out) {                                       \
        VEC sum[N_POSITIONS][N_OUT];                                                               \
        const float *position[N_POSITIONS];                                                        \
        _Pragma("GCC unroll 6") for (size_t i = 0; i < N_POSITIONS; i++) {                         \
            position[i] = x + (size_t)base[i] * MB_SAMPLES;                                        \
            _Pragma("GCC unroll 12") for (size_t o = 0; o < N_OUT; o++) {                          \
                sum[i][o] = SPLAT(bias + o);                                                       \
            }                                                                                      \
        }                                                                                          \
        for (size_t r = 0; r < footprint->n_runs; r++) {                                           \
            const size_t offset = (size_t)footprint->run_offset[r] * MB_SAMPLES;                   \
            for (size_t k = 0; k < footprint->run_length * MB_SAMPLES; k += MB_SAMPLES) {          \
                VEC value[N_POSITIONS];                                                            \
                _Pragma("GCC unroll 6") for (size_t i = 0; i < N_POSITIONS; i++) {                 \
                    value[i] = LOAD(position[i] + offset + k);                                     \
                }                                                                                  \
                _Pragma("GCC unroll 12") for (size_t o = 0; o < N_OUT; o++) {                      \
                    const VEC weight = SPLAT(w + o);                                               \
                    _Pragma("GCC unroll 6") for (size_t i = 0; i < N_POSITIONS; i++) {             \
                        sum[i][o] = FMA(value[i], weight, sum[i][o]);                              \
                    }                                                                              \
                }                                                                                  \
                w += width;                                                                        \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 6") for (size_t i = 0; i < N_POSITIONS; i++) {                         \
            _Pragma("GCC unroll 12") for (size_t o = 0; o < N_OUT; o++) {                          \
                STORE(out + (i * n_out + o) * MB_SAMPLES, MAX(least, sum[i][o]));                  \
            }                                                                                      \
        }                                                                                          \
    }

#if defined(LANES_WIDE)
DEFINE_LANES_FORWARD(6, 3)
#endif
DEFINE_LANES_FORWARD(4, 3)
DEFINE_LANES_FORWARD(4, 2)
DEFINE_LANES_FORWARD(4, 1)
DEFINE_LANES_FORWARD(1, 12)
DEFINE_LANES_FORWARD(1, 8)
DEFINE_LANES_FORWARD(1, 4)
DEFINE_LANES_FORWARD(1, 2)
DEFINE_LANES_FORWARD(1, 1)

// Outputs from o on of four positions or one; returns how many it did.
static inline size_t NAME(lanes_forward_four)(size_t left, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, size_t n_out,
    VEC least, float *out) {
    // Of four outputs two pairs: one alone would wait for its own sums.
    if (left == 3 || left > 4) {
        NAME(lanes_forward_4_3)(base, x, footprint, w, bias, width, n_out, least, out);
        return 3;
    }
    if (left >= 2) {
        NAME(lanes_forward_4_2)(base, x, footprint, w, bias, width, n_out, least, out);
        return 2;
    }
    NAME(lanes_forward_4_1)(base, x, footprint, w, bias, width, n_out, least, out);
    return 1;
}

static inline size_t NAME(lanes_forward_one)(size_t left, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, size_t n_out,
    VEC least, float *out) {
    if (left >= 12) {
        NAME(lanes_forward_1_12)(base, x, footprint, w, bias, width, n_out, least, out);
        return 12;
    }
    if (left >= 8) {
        NAME(lanes_forward_1_8)(base, x, footprint, w, bias, width, n_out, least, out);
        return 8;
    }
    if (left >= 4) {
        NAME(lanes_forward_1_4)(base, x, footprint, w, bias, width, n_out, least, out);
        return 4;
    }
    if (left >= 2) {
        NAME(lanes_forward_1_2)(base, x, footprint, w, bias, width, n_out, least, out);
        return 2;
    }
    NAME(lanes_forward_1_1)(base, x, footprint, w, bias, width, n_out, least, out);
    return 1;
}

static void NAME(lanes_positions)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, size_t n_out,
    bool rectifies, float *out) {
    const VEC least = rectifies ? ZERO : SET(-INFINITY);
    for (size_t h = 0; h < MB_SAMPLES; h += LANES) {
        size_t i = 0;
#if defined(LANES_WIDE)
        for (; n_out == 3 && i + 6 <= n; i += 6) {
            NAME(lanes_forward_6_3)
            (base + i, x + h, footprint, w, bias, width, n_out, least,
                out + i * n_out * MB_SAMPLES + h);
        }
#endif
        for (; i + 4 <= n; i += 4) {
            for (size_t o = 0; o < n_out;) {
                o += NAME(lanes_forward_four)(n_out - o, base + i, x + h, footprint, w + o,
                    bias + o, width, n_out, least, out + (i * n_out + o) * MB_SAMPLES + h);
            }
        }
        for (; i < n; i++) {
            for (size_t o = 0; o < n_out;) {
                o += NAME(lanes_forward_one)(n_out - o, base + i, x + h, footprint, w + o, bias + o,
                    width, n_out, least, out + (i * n_out + o) * MB_SAMPLES + h);
            }
        }
    }
}

#define DEFINE_LANES_BACK(N_NUMBERS)                                                               \
    static inline void NAME(lanes_back_##N_NUMBERS)(                                               \
        const float *dy, const float *w, size_t width, size_t n_out, float *dx) {                  \
        VEC sum[N_NUMBERS];                                                                        \
        _Pragma("GCC unroll 8") for (size_t k = 0; k < N_NUMBERS; k++) {                           \
            sum[k] = ZERO;                                                                         \
        }                                                                                          \
        for (size_t o = 0; o < n_out; o++) {                                                       \
            const VEC d = LOAD(dy + o * MB_SAMPLES);                                               \
            _Pragma("GCC unroll 8") for (size_t k = 0; k < N_NUMBERS; k++) {                       \
                sum[k] = FMA(d, SPLAT(w + k * width + o), sum[k]);                                 \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 8") for (size_t k = 0; k < N_NUMBERS; k++) {                           \
            float *p = dx + k * MB_SAMPLES;                                                        \
            STORE(p, ADD(LOAD(p), sum[k]));                                                        \
        }                                                                                          \
    }

DEFINE_LANES_BACK(8)
DEFINE_LANES_BACK(4)
DEFINE_LANES_BACK(2)
DEFINE_LANES_BACK(1)

// A piece of at most MB_LANES numbers of a run.
static inline void NAME(lanes_back_piece)(
    size_t n, const float *dy, const float *w, size_t width, size_t n_out, float *dx) {
    if (n == 8) {
        NAME(lanes_back_8)(dy, w, width, n_out, dx);
        return;
    }
    size_t k = 0;
    if (n >= 4) {
        NAME(lanes_back_4)(dy, w, width, n_out, dx);
        k = 4;
    }
    if (n - k >= 2) {
        NAME(lanes_back_2)(dy, w + k * width, width, n_out, dx + k * MB_SAMPLES);
        k += 2;
    }
    if (n > k) {
        NAME(lanes_back_1)(dy, w + k * width, width, n_out, dx + k * MB_SAMPLES);
    }
}

static void NAME(lanes_back)(size_t n, const uint32_t *base, const mb_footprint *footprint,
    const float *dy, const float *w, size_t width, size_t n_out, float *dx) {
    const size_t length = footprint->run_length;
    for (size_t first = 0; first < n; first += MB_BACK_BLOCK) {
        const size_t last = mb_min_size(first + MB_BACK_BLOCK, n);
        for (size_t r = 0; r < footprint->n_runs; r++) {
            float *run = dx + (size_t)footprint->run_offset[r] * MB_SAMPLES;
            for (size_t k = 0; k < length; k += MB_LANES) {
                const float *rows = w + (r * length + k) * width;
                for (size_t i = first; i < last; i++) {
                    for (size_t h = 0; h < MB_SAMPLES; h += LANES) {
                        NAME(lanes_back_piece)
                        (mb_min_size(MB_LANES, length - k), dy + i * n_out * MB_SAMPLES + h, rows,
                            width, n_out, run + (base[i] + k) * MB_SAMPLES + h);
                    }
                }
            }
        }
    }
}

// N_TAPS numbers of the footprint with N_OUT outputs stay in registers over all positions.
#define DEFINE_LANES_GRADIENT(N_TAPS, N_OUT)                                                       \
    static inline void NAME(lanes_gradient_##N_TAPS##_##N_OUT)(size_t n, const uint32_t *base,     \
        const float *const *tap, const float *dy, size_t n_out, float *gradient) {                 \
        VEC sum[N_TAPS][N_OUT];                                                                    \
        _Pragma("GCC unroll 4") for (size_t k = 0; k < N_TAPS; k++) {                              \
            _Pragma("GCC unroll 4") for (size_t o = 0; o < N_OUT; o++) {                           \
                sum[k][o] = LOAD(gradient + (k * n_out + o) * MB_SAMPLES);                         \
            }                                                                                      \
        }                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            const size_t place = (size_t)base[i] * MB_SAMPLES;                                     \
            VEC d[N_OUT];                                                                          \
            _Pragma("GCC unroll 4") for (size_t o = 0; o < N_OUT; o++) {                           \
                d[o] = LOAD(dy + (i * n_out + o) * MB_SAMPLES);                                    \
            }                                                                                      \
            _Pragma("GCC unroll 4") for (size_t k = 0; k < N_TAPS; k++) {                          \
                const VEC value = LOAD(tap[k] + place);                                            \
                _Pragma("GCC unroll 4") for (size_t o = 0; o < N_OUT; o++) {                       \
                    sum[k][o] = FMA(value, d[o], sum[k][o]);                                       \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 4") for (size_t k = 0; k < N_TAPS; k++) {                              \
            _Pragma("GCC unroll 4") for (size_t o = 0; o < N_OUT; o++) {                           \
                STORE(gradient + (k * n_out + o) * MB_SAMPLES, sum[k][o]);                         \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_LANES_GRADIENT(3, 3)
DEFINE_LANES_GRADIENT(3, 2)
DEFINE_LANES_GRADIENT(3, 1)
DEFINE_LANES_GRADIENT(1, 3)
DEFINE_LANES_GRADIENT(1, 2)
DEFINE_LANES_GRADIENT(1, 1)

static inline void NAME(lanes_gradient_taps)(size_t n_taps, size_t n, const uint32_t *base,
    const float *const *tap, const float *dy, size_t n_out, float *gradient) {
    size_t o = 0;
    while (o < n_out) {
        const size_t left = n_out - o;
        const float *d = dy + o * MB_SAMPLES;
        float *to = gradient + o * MB_SAMPLES;
        if (left == 3 || left > 4) {
            (n_taps == 3 ? NAME(lanes_gradient_3_3) : NAME(lanes_gradient_1_3))(
                n, base, tap, d, n_out, to);
            o += 3;
        } else if (left >= 2) {
            (n_taps == 3 ? NAME(lanes_gradient_3_2) : NAME(lanes_gradient_1_2))(
                n, base, tap, d, n_out, to);
            o += 2;
        } else {
            (n_taps == 3 ? NAME(lanes_gradient_3_1) : NAME(lanes_gradient_1_1))(
                n, base, tap, d, n_out, to);
            o += 1;
        }
    }
}

static void NAME(lanes_gradient)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t n_out, float *gradient) {
    const size_t n_rows = footprint->n_runs * footprint->run_length;
    for (size_t h = 0; h < MB_SAMPLES; h += LANES) {
        for (size_t row = 0; row < n_rows;) {
            const size_t n_taps = n_rows - row >= 3 ? 3 : 1;
            const float *tap[3];
            for (size_t k = 0; k < n_taps; k++) {
                tap[k] = x + h +
                         (footprint->run_offset[(row + k) / footprint->run_length] +
                             (row + k) % footprint->run_length) *
                             MB_SAMPLES;
            }
            NAME(lanes_gradient_taps)
            (n_taps, n, base, tap, dy + h, n_out, gradient + row * n_out * MB_SAMPLES + h);
            row += n_taps;
        }
    }
}

static void NAME(lanes_sum)(size_t n, size_t n_out, const float *rows, float *sum) {
    for (size_t o = 0; o < n_out * MB_SAMPLES; o += LANES) {
        VEC total = LOAD(sum + o);
        for (size_t i = 0; i < n; i++) {
            total = ADD(total, LOAD(rows + i * n_out * MB_SAMPLES + o));
        }
        STORE(sum + o, total);
    }
}
