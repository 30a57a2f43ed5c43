// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Rows of nodes times a matrix, N_ROWS rows at a time in registers. Included by graph.h.

#define FETCH(p) (is_whole ? LOAD(p) : LOAD_PART(part, p))

// Columns o .. of the rows that begin at first, n_in numbers each; is_whole: LANES columns are.
#define DEFINE_PRODUCT(title, N_ROWS)                                                              \
    static inline void NAME(title)(const mb_row_product *p, size_t n_in, size_t stride,            \
        size_t first, size_t o, bool is_whole, float *out) {                                       \
        const PART part = PART_OF(p->width - o);                                                   \
        const bool is_rectified = p->is_rectified, is_added = p->is_added;                         \
        const size_t n_out = p->n_out;                                                             \
        const float *w = p->w + o;                                                                 \
        VEC sum[N_ROWS];                                                                           \
        _Pragma("GCC unroll 8") for (size_t r = 0; r < N_ROWS; r++) {                              \
            sum[r] = FETCH(p->bias + o);                                                           \
        }                                                                                          \
        for (size_t half = 0; half < 2 && p->x[half] != NULL; half++) {                            \
            const float *x = p->x[half] + first * stride;                                          \
            _Pragma("GCC unroll 4") for (size_t k = 0; k < n_in; k++) {                            \
                const VEC weight = FETCH(w);                                                       \
                w += p->width;                                                                     \
                _Pragma("GCC unroll 8") for (size_t r = 0; r < N_ROWS; r++) {                      \
                    sum[r] = FMA(SPLAT(x + r * stride + k), weight, sum[r]);                       \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        const PART kept = PART_OF(n_out - o);                                                      \
        const bool is_moved = p->mean != NULL;                                                     \
        const VEC mean = is_moved ? FETCH(p->mean + o) : ZERO;                                     \
        const VEC factor = is_moved ? FETCH(p->factor + o) : ZERO;                                 \
        const VEC shift = is_moved ? FETCH(p->shift + o) : ZERO;                                   \
        _Pragma("GCC unroll 8") for (size_t r = 0; r < N_ROWS; r++) {                              \
            VEC value = is_rectified ? MAX(ZERO, sum[r]) : sum[r];                                 \
            value = is_moved ? ADD(MUL(SUB(value, mean), factor), shift) : value;                  \
            float *to = out + (first + r) * n_out + o;                                             \
            if (is_whole) {                                                                        \
                STORE(to, is_added ? ADD(LOAD(to), value) : value);                                \
            } else {                                                                               \
                value = is_added ? ADD(LOAD_PART(kept, to), value) : value;                        \
                STORE_PART(kept, to, value);                                                       \
            }                                                                                      \
        }                                                                                          \
    }
enum { PRODUCT_ROWS = 8 };
DEFINE_PRODUCT(product_tile, PRODUCT_ROWS)
DEFINE_PRODUCT(product_row, 1)

// The last rows may be among those that are done, but cannot be added twice.
#define PRODUCT_COLUMNS(n_in, stride, o, is_whole)                                                 \
    size_t i = 0;                                                                                  \
    for (; i + PRODUCT_ROWS <= p->n; i += PRODUCT_ROWS) {                                          \
        NAME(product_tile)(p, n_in, stride, i, o, is_whole, out);                                  \
    }                                                                                              \
    if (i < p->n && p->n >= PRODUCT_ROWS && !p->is_added) {                                        \
        NAME(product_tile)(p, n_in, stride, p->n - PRODUCT_ROWS, o, is_whole, out);                \
        i = p->n;                                                                                  \
    }                                                                                              \
    for (; i < p->n; i++) {                                                                        \
        NAME(product_row)(p, n_in, stride, i, o, is_whole, out);                                   \
    }

static void NAME(product_common)(const mb_row_product *p, size_t o, float *out) {
    PRODUCT_COLUMNS(MB_DOT, MB_DOT, o, true)
}

static void NAME(product)(const mb_row_product *p, float *out) {
    // Long vectors would be half empty.
    if (LANES > MB_LANES && p->width == MB_LANES) {
        mb_graph_kernels_avx2.product(p, out);
        return;
    }
    for (size_t o = 0; o < p->width && o < p->n_out; o += LANES) {
        if (o + LANES > p->n_out) {
            PRODUCT_COLUMNS(p->n_in, p->stride, o, false)
        } else if (p->n_in == MB_DOT && p->stride == MB_DOT) {
            NAME(product_common)(p, o, out);
        } else if (p->stride == MB_DOT) {
            PRODUCT_COLUMNS(p->n_in, MB_DOT, o, true)
        } else {
            PRODUCT_COLUMNS(p->n_in, p->stride, o, true)
        }
    }
}
#undef FETCH
