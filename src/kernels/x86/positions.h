// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The loops of kernels.h for one vector type; included by a file that defines it:
//   VEC, LANES, LOAD(p), STORE(p, v), SPLAT(p) (all lanes *p), FMA(a, b, c) = a * b + c, ADD(a, b),
//   MAX1(best, v), NAME(x) (adds the instruction set's suffix), TILE (positions per tile at one
//   vector of width).
// Functions work on columns [o, o + LANES) or [o, o + 2 * LANES) of a table of width columns.

// Forward: N_POSITIONS x N_VECTORS accumulators stay in registers over the whole footprint.
#define DEFINE_FORWARD(SUFFIX, N_POSITIONS, N_VECTORS)                                             \
    static inline void NAME(forward_##SUFFIX)(const uint32_t *base, const float *x,                \
        const mb_footprint *footprint, const float *w, const float *bias, size_t width,            \
        float *out, size_t out_stride) {                                                           \
        VEC sum[N_POSITIONS][N_VECTORS];                                                           \
        const float *position[N_POSITIONS];                                                        \
        _Pragma("GCC unroll 32") for (size_t i = 0; i < N_POSITIONS; i++) {                        \
            position[i] = x + base[i];                                                             \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                sum[i][v] = LOAD(bias + v * LANES);                                                \
            }                                                                                      \
        }                                                                                          \
        for (size_t r = 0; r < footprint->n_runs; r++) {                                           \
            const size_t offset = footprint->run_offset[r];                                        \
            _Pragma("GCC unroll 1") for (size_t k = 0; k < footprint->run_length; k++) {           \
                VEC weight[N_VECTORS];                                                             \
                _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                   \
                    weight[v] = LOAD(w + v * LANES);                                               \
                }                                                                                  \
                w += width;                                                                        \
                _Pragma("GCC unroll 32") for (size_t i = 0; i < N_POSITIONS; i++) {                \
                    const VEC value = SPLAT(position[i] + offset + k);                             \
                    _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {               \
                        sum[i][v] = FMA(value, weight[v], sum[i][v]);                              \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 32") for (size_t i = 0; i < N_POSITIONS; i++) {                        \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                STORE(out + i * out_stride + v * LANES, sum[i][v]);                                \
            }                                                                                      \
        }                                                                                          \
    }

// Weight gradient: N_ROWS x N_VECTORS accumulators stay in registers over all positions.
#define DEFINE_GRADIENT(SUFFIX, N_ROWS, N_VECTORS)                                                 \
    static inline void NAME(gradient_##SUFFIX)(size_t n, const uint32_t *base, const float *x,     \
        const float *dy, size_t width, float *gradient) {                                          \
        VEC sum[N_ROWS][N_VECTORS];                                                                \
        _Pragma("GCC unroll 32") for (size_t k = 0; k < N_ROWS; k++) {                             \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                sum[k][v] = LOAD(gradient + k * width + v * LANES);                                \
            }                                                                                      \
        }                                                                                          \
        for (size_t i = 0; i < n; i++) {                                                           \
            const float *run = x + base[i];                                                        \
            VEC d[N_VECTORS];                                                                      \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                d[v] = LOAD(dy + i * width + v * LANES);                                           \
            }                                                                                      \
            _Pragma("GCC unroll 32") for (size_t k = 0; k < N_ROWS; k++) {                         \
                const VEC value = SPLAT(run + k);                                                  \
                _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                   \
                    sum[k][v] = FMA(value, d[v], sum[k][v]);                                       \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        _Pragma("GCC unroll 32") for (size_t k = 0; k < N_ROWS; k++) {                             \
            _Pragma("GCC unroll 4") for (size_t v = 0; v < N_VECTORS; v++) {                       \
                STORE(gradient + k * width + v * LANES, sum[k][v]);                                \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_FORWARD(wide, 6, 2)
DEFINE_FORWARD(wide4, 4, 2)
DEFINE_FORWARD(wide3, 3, 2)
DEFINE_FORWARD(wide1, 1, 2)
DEFINE_FORWARD(tile, FORWARD_TILE, 1)
DEFINE_FORWARD(four, 4, 1)
DEFINE_FORWARD(one, 1, 1)
DEFINE_GRADIENT(wide, 6, 2)
DEFINE_GRADIENT(wide1, 1, 2)
DEFINE_GRADIENT(tile, GRADIENT_TILE, 1)
DEFINE_GRADIENT(four, 4, 1)
DEFINE_GRADIENT(one, 1, 1)

// One position waits for its own sums: as many columns at a time as there are registers for.
DEFINE_FORWARD(alone4, 1, 4)
DEFINE_FORWARD(alone3, 1, 3)

static inline void NAME(forward_alone)(const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out) {
    size_t o = 0;
    for (; o + 4 * LANES <= width; o += 4 * LANES) {
        NAME(forward_alone4)(base, x, footprint, w + o, bias + o, width, out + o, width);
    }
    if (width - o == 3 * LANES) {
        NAME(forward_alone3)(base, x, footprint, w + o, bias + o, width, out + o, width);
    } else if (width - o == 2 * LANES) {
        NAME(forward_wide1)(base, x, footprint, w + o, bias + o, width, out + o, width);
    } else if (width - o == LANES) {
        NAME(forward_one)(base, x, footprint, w + o, bias + o, width, out + o, width);
    }
}

// Columns [0, 2 * LANES) of positions.
static inline void NAME(forward_columns2)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    size_t i = 0;
    for (; i + 6 <= n; i += 6) {
        NAME(forward_wide)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
    for (; i + 4 <= n; i += 4) {
        NAME(forward_wide4)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
    for (; i + 3 <= n; i += 3) {
        NAME(forward_wide3)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
    for (; i < n; i++) {
        NAME(forward_wide1)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
}

// Columns [0, LANES) of positions.
static inline void NAME(forward_columns1)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *w, const float *bias, size_t width, float *out,
    size_t out_stride) {
    size_t i = 0;
    for (; i + FORWARD_TILE <= n; i += FORWARD_TILE) {
        NAME(forward_tile)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
    for (; i + 4 <= n; i += 4) {
        NAME(forward_four)
        (base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
    for (; i < n; i++) {
        NAME(forward_one)(base + i, x, footprint, w, bias, width, out + i * out_stride, out_stride);
    }
}

static inline void NAME(gradient_columns2)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t width, float *gradient) {
    for (size_t r = 0; r < footprint->n_runs; r++) {
        const float *run = x + footprint->run_offset[r];
        float *rows = gradient + r * footprint->run_length * width;
        size_t k = 0;
        for (; k + 6 <= footprint->run_length; k += 6) {
            NAME(gradient_wide)(n, base, run + k, dy, width, rows + k * width);
        }
        for (; k < footprint->run_length; k++) {
            NAME(gradient_wide1)(n, base, run + k, dy, width, rows + k * width);
        }
    }
}

static inline void NAME(gradient_columns1)(size_t n, const uint32_t *base, const float *x,
    const mb_footprint *footprint, const float *dy, size_t width, float *gradient) {
    for (size_t r = 0; r < footprint->n_runs; r++) {
        const float *run = x + footprint->run_offset[r];
        float *rows = gradient + r * footprint->run_length * width;
        size_t k = 0;
        for (; k + GRADIENT_TILE <= footprint->run_length; k += GRADIENT_TILE) {
            NAME(gradient_tile)(n, base, run + k, dy, width, rows + k * width);
        }
        for (; k + 4 <= footprint->run_length; k += 4) {
            NAME(gradient_four)(n, base, run + k, dy, width, rows + k * width);
        }
        for (; k < footprint->run_length; k++) {
            NAME(gradient_one)(n, base, run + k, dy, width, rows + k * width);
        }
    }
}
