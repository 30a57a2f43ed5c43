// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Message passing for one instruction set. Included behind parts_ISA.h by a file that defines
// NAME(x) and PAIR_UP(f) (graph_dots.h).

static inline VEC NAME(exponent)(VEC argument) {
    const VEC x = MAX(SET(EXP_LOWEST), argument);
    const VEC t = FMA(x, SET(EXP_LOG2E), SET(EXP_ROUNDER));
    const VEC n = SUB(t, SET(EXP_ROUNDER));
    const VEC r = FMA(n, SET(-EXP_LOW), FMA(n, SET(-EXP_HIGH), x));
    VEC p = FMA(SET(EXP_C6), r, SET(EXP_C5));
    p = FMA(p, r, SET(EXP_C4));
    p = FMA(p, r, SET(EXP_C3));
    p = FMA(p, r, SET(EXP_C2));
    p = FMA(p, r, SET(EXP_C1));
    const VEC y = ADD(FMA(p, MUL(r, r), r), SET(1.0F));
    return KEEP_NAN(x, SCALE(y, t));
}

static void NAME(exponents)(size_t n, float *values) {
    for (size_t i = 0; i < n; i += LANES) {
        const PART part = PART_OF(n - i);
        STORE_PART(part, values + i, NAME(exponent)(LOAD_PART(part, values + i)));
    }
}

static inline VEC NAME(sigmoid_of)(VEC x) {
    const VEC power = NAME(exponent)(NEGATE_SIZE(x));
    const VEC y = DIV(WHERE_BELOW(x, ZERO, power, SET(1.0F)), ADD(SET(1.0F), power));
    return KEEP_NAN(x, y);
}

static void NAME(sigmoid)(size_t n, float *values) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        STORE(values + i, NAME(sigmoid_of)(LOAD(values + i)));
    }
    if (i < n) {
        const PART part = PART_OF(n - i);
        STORE_PART(part, values + i, NAME(sigmoid_of)(LOAD_PART(part, values + i)));
    }
}

static float NAME(sigmoid_back)(size_t n, const float *y, float *d) {
    float t[MB_DOT];
    VEC sum[MB_DOT / LANES];
    for (size_t h = 0; h < MB_DOT / LANES; h++) {
        sum[h] = ZERO;
    }
    for (size_t i = 0; i < n; i += MB_DOT) {
        for (size_t h = 0; h < MB_DOT / LANES && i + h * LANES < n; h++) {
            const size_t at = i + h * LANES;
            const PART part = PART_OF(n - at);
            const VEC v = LOAD_PART(part, y + at);
            const VEC slope = MUL(v, SUB(SET(1.0F), v));
            const VEC back = MUL(LOAD_PART(part, d + at), slope);
            STORE_PART(part, d + at, back);
            sum[h] = ADD(sum[h], back);
        }
    }
    for (size_t h = 0; h < MB_DOT / LANES; h++) {
        STORE(t + h * LANES, sum[h]);
    }
    return NAME(total)(t);
}

static inline size_t NAME(judge_pairs)(const mb_pair_loss *loss, size_t n, const float *truth,
    size_t width, const float *difference, float *factor, double *total) {
    const VEC half = SET(0.5F);
    size_t n_right = 0;
    for (size_t i = 0; i < n; i += LANES) {
        const PART part = PART_OF(n - i);
        const VEC same = LOAD_PART(part, truth + i);
        VEC square = ZERO;
        for (size_t k = 0; k < width; k++) {
            const VEC component = LOAD(difference + k * MB_DOT + i);
            square = ADD(square, MUL(component, component));
        }
        const VEC distance = ROOT(square);
        const VEC rest = SUB(SET(loss->margin), distance);
        const VEC size =
            DIV(SET(loss->scale), WHERE_BELOW(ZERO, distance, distance, SET(INFINITY)));
        const VEC apart = WHERE_ABOVE(rest, ZERO, NEGATE(size));
        const VEC value = KEEP_PART(part, WHERE_BELOW(half, same, distance, MAX(ZERO, rest)));
        STORE(factor + i, WHERE_BELOW(half, same, size, apart));
        STORED(total + i, ADDD(LOADD(total + i), LOWD(value)));
        STORED(total + i + LANES / 2, ADDD(LOADD(total + i + LANES / 2), HIGHD(value)));
        n_right += COUNT_EQUAL(part, BITS_UP_TO(distance, half), BITS_ABOVE(same, half));
    }
    return n_right;
}

#include "kernels/x86/graph_product.h"

#include "kernels/x86/graph_dots.h"

static void NAME(hidden)(const mb_graph *graph, size_t first, size_t n, const float *p,
    const float *q, size_t width, float *rows) {
    for (size_t i = 0; i < n; i++) {
        const float *a = p + graph->source[first + i] * width;
        const float *b = q + graph->destination[first + i] * width;
        for (size_t k = 0; k < width; k += LANES) {
            const PART part = PART_OF(width - k);
            const VEC sum = ADD(LOAD_PART(part, a + k), LOAD_PART(part, b + k));
            STORE_PART(part, rows + i * width + k, MAX(ZERO, sum));
        }
    }
}

// Loops over the edges of nodes, LANES columns at a time. Four nodes with equally many edges go
// side by side, so that their sums do not wait for each other. BEGIN(s): what is known of node s
// (own: the place of its numbers); ADD_EDGE(s): what an edge adds to its sum (other: the place of
// its other end's numbers; e: its number); END(s): what
// is done beside storing the sum.
#define FOUR(X) X(0) X(1) X(2) X(3)
#define OPEN_NODE(s)                                                                               \
    const size_t own##s = order[place + s] * width + k;                                            \
    const size_t first##s = offset[order[place + s]];                                              \
    BEGIN(s);
#define VISIT_EDGE(s)                                                                              \
    {                                                                                              \
        const size_t i = first##s + j;                                                             \
        const size_t other = ends[i] * width + k;                                                  \
        const size_t e = EDGE(i);                                                                  \
        sum##s = ADD_EDGE(s);                                                                      \
    }
#define PUT(place, v)                                                                              \
    if (is_whole) {                                                                                \
        STORE(place, v);                                                                           \
    } else {                                                                                       \
        STORE_PART(part, place, v);                                                                \
    }
#define CLOSE_NODE(s)                                                                              \
    PUT(out + own##s, sum##s)                                                                      \
    END(s)
#define VISIT_COLUMNS(nodes, places, others)                                                       \
    const PART part = PART_OF(width - k);                                                          \
    const uint32_t *order = nodes, *offset = places, *ends = others;                               \
    size_t place = 0;                                                                              \
    while (place < graph->n_nodes) {                                                               \
        const size_t n_edges = offset[order[place] + 1] - offset[order[place]];                    \
        const size_t last = place + 3 < graph->n_nodes ? order[place + 3] : order[place];          \
        if (place + 3 < graph->n_nodes && n_edges < MB_GRAPH_SORTED &&                             \
            offset[last + 1] - offset[last] == n_edges) {                                          \
            FOUR(OPEN_NODE)                                                                        \
            for (size_t j = 0; j < n_edges; j++) {                                                 \
                FOUR(VISIT_EDGE)                                                                   \
            }                                                                                      \
            FOUR(CLOSE_NODE)                                                                       \
            place += 4;                                                                            \
        } else {                                                                                   \
            OPEN_NODE(0)                                                                           \
            for (size_t j = 0; j < n_edges; j++) {                                                 \
                VISIT_EDGE(0)                                                                      \
            }                                                                                      \
            CLOSE_NODE(0)                                                                          \
            place++;                                                                               \
        }                                                                                          \
    }
#define FETCH(p)       (is_whole ? LOAD(p) : LOAD_PART(part, p))
#define GATE(s, value) WHERE_ABOVE(FETCH(rows->other + other), threshold##s, value)

#define TITLE(x)    NAME(sums_##x)
#define PARAMETERS  bool is_new, const float *weight, const float *rows
#define ARGUMENTS   is_new, weight, rows
#define BEGIN(s)    VEC sum##s = is_new ? ZERO : FETCH(out + own##s)
#define ADD_EDGE(s) FMA(SPLAT(weight + e), FETCH(rows + other), sum##s)
#include "kernels/x86/graph_visit.h"

#define TITLE(x)   NAME(gates_##x)
#define PARAMETERS const float *d, const mb_edge_rows *rows
#define ARGUMENTS  d, rows
#define BEGIN(s)                                                                                   \
    VEC sum##s = ZERO;                                                                             \
    const VEC threshold##s = NEGATE(FETCH(rows->own + own##s))
#define ADD_EDGE(s) ADD(sum##s, GATE(s, SPLAT(d + e)))
#include "kernels/x86/graph_visit.h"

#define TITLE(x)   NAME(row_gates_##x)
#define PARAMETERS const float *d, const mb_edge_rows *rows
#define ARGUMENTS  d, rows
#define BEGIN(s)                                                                                   \
    VEC sum##s = ZERO;                                                                             \
    const VEC threshold##s = NEGATE(FETCH(rows->own + own##s))
#define ADD_EDGE(s) ADD(sum##s, GATE(s, FETCH(d + e * width + k)))
#include "kernels/x86/graph_visit.h"

static void NAME(sums)(const mb_graph *graph, mb_graph_side side, bool is_new, const float *weight,
    const float *rows, size_t width, float *out) {
    NAME(sums_side)(graph, side, width, is_new, weight, rows, out);
}

static void NAME(gates)(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows,
    size_t width, const float *d, float *out) {
    NAME(gates_side)(graph, side, width, d, rows, out);
}

static void NAME(row_gates)(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows,
    size_t width, const float *d, float *out) {
    NAME(row_gates_side)(graph, side, width, d, rows, out);
}

// Both of the common width: what is known of an edge serves twice.
#define BEGIN(s)                                                                                   \
    VEC sum##s = LOAD(out + own##s);                                                               \
    VEC open##s = ZERO;                                                                            \
    const VEC threshold##s = NEGATE(LOAD(rows->own + own##s))
#define ADD_EDGE(s)                                                                                \
    FMA(SPLAT(weight + e), LOAD(values + other), sum##s);                                          \
    open##s = ADD(open##s, GATE(s, SPLAT(d + e)))
#define END(s)  PUT(gate + own##s, open##s)
#define EDGE(i) (graph->out_edge[i])
static void NAME(leave_whole)(const mb_graph *graph, const mb_edge_rows *rows, const float *d,
    float *gate, const float *weight, const float *values, size_t k, float *out) {
    const size_t width = MB_DOT;
    const bool is_whole = true;
    VISIT_COLUMNS(graph->out_order, graph->out_offset, graph->out_destination)
}
#undef BEGIN
#undef ADD_EDGE
#undef END
#undef EDGE

static void NAME(leave)(const mb_graph *graph, const mb_edge_rows *rows, size_t width,
    const float *d, float *gate, const float *weight, const float *values, size_t n_in,
    float *out) {
    for (size_t k = 0; width == MB_DOT && n_in == MB_DOT && k < MB_DOT; k += LANES) {
        NAME(leave_whole)(graph, rows, d, gate, weight, values, k, out);
    }
    if (width != MB_DOT || n_in != MB_DOT) {
        NAME(gates)(graph, MB_GRAPH_OUT, rows, width, d, gate);
        NAME(sums)(graph, MB_GRAPH_OUT, false, weight, values, n_in, out);
    }
}

static void NAME(weigh)(
    size_t n, const float *rows, size_t width, const float *w, float *d, float *sum) {
    for (size_t k = 0; k < width; k += LANES) {
        const PART part = PART_OF(width - k);
        const VEC factor = LOAD_PART(part, w + k);
        VEC all = LOAD_PART(part, sum + k);
        for (size_t i = k; i < n * width; i += width) {
            const VEC value = LOAD_PART(part, d + i);
            all = FMA(LOAD_PART(part, rows + i), value, all);
            STORE_PART(part, d + i, MUL(value, factor));
        }
        STORE_PART(part, sum + k, all);
    }
}

static void NAME(widen)(size_t n, const float *from, size_t n_in, float *rows, size_t width) {
    for (size_t k = 0; k < width; k += LANES) {
        const PART part = PART_OF(k < n_in ? n_in - k : 0), kept = PART_OF(width - k);
        for (size_t i = 0; i < n; i++) {
            STORE_PART(kept, rows + i * width + k, LOAD_PART(part, from + i * n_in + k));
        }
    }
}
