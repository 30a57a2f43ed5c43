// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#define NAME(x) x##_c

static void exponents_c(size_t n, float *values);
static size_t judge_pairs_c(const mb_pair_loss *loss, size_t n, const float *truth, size_t width,
    const float *difference, float *factor, double *total);

#include "kernels/graph_each.h"

static float exponent(float argument) {
    const float x = EXP_LOWEST > argument ? EXP_LOWEST : argument;
    const float t = fmaf(x, EXP_LOG2E, EXP_ROUNDER);
    const float n = t - EXP_ROUNDER;
    const float r = fmaf(n, -EXP_LOW, fmaf(n, -EXP_HIGH, x));
    float p = fmaf(EXP_C6, r, EXP_C5);
    p = fmaf(p, r, EXP_C4);
    p = fmaf(p, r, EXP_C3);
    p = fmaf(p, r, EXP_C2);
    p = fmaf(p, r, EXP_C1);
    const float y = fmaf(p, r * r, r) + 1.0F;
    uint32_t bits, shift;
    memcpy(&bits, &y, sizeof bits);
    memcpy(&shift, &t, sizeof shift);
    bits += shift << 23;
    float scaled;
    memcpy(&scaled, &bits, sizeof scaled);
    return x != x ? x : scaled;
}

static void exponents_c(size_t n, float *values) {
    for (size_t i = 0; i < n; i++) {
        values[i] = exponent(values[i]);
    }
}

static float relu(float x) {
    return 0 > x ? 0 : x;
}

static size_t judge_pairs_c(const mb_pair_loss *loss, size_t n, const float *truth, size_t width,
    const float *difference, float *factor, double *total) {
    size_t n_right = 0;
    for (size_t i = 0; i < n; i++) {
        const bool is_same = truth[i] > 0.5F;
        float square = 0;
        for (size_t k = 0; k < width; k++) {
            square += difference[k * MB_DOT + i] * difference[k * MB_DOT + i];
        }
        const float distance = sqrtf(square);
        const float rest = loss->margin - distance;
        const float size = loss->scale / (distance > 0 ? distance : INFINITY);
        const float apart = rest > 0 ? -size : 0;
        total[i] += (double)(is_same ? distance : relu(rest));
        factor[i] = is_same ? size : apart;
        n_right += (distance <= 0.5F) == is_same ? 1 : 0;
    }
    return n_right;
}

// Adds up MB_LANES sums of a product in pairs.
static float add_up(const float *t) {
    const float sum[4] = {t[0] + t[4], t[1] + t[5], t[2] + t[6], t[3] + t[7]};
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

// One of them takes its term.
static void add_term(size_t k, float a, float b, float *t) {
    t[k % MB_LANES] = k < MB_LANES ? a * b : fmaf(a, b, t[k % MB_LANES]);
}

static float dot(const float *a, const float *b, size_t width) {
    float t[MB_LANES] = {0};
    for (size_t k = 0; k < mb_round_up(width, MB_LANES); k++) {
        add_term(k, k < width ? a[k] : 0, k < width ? b[k] : 0, t);
    }
    return add_up(t);
}

static void product_c(const mb_row_product *p, float *out) {
    for (size_t i = 0; i < p->n; i++) {
        for (size_t o = 0; o < p->n_out; o++) {
            const float *w = p->w + o;
            float sum = p->bias[o];
            for (size_t half = 0; half < 2 && p->x[half] != NULL; half++) {
                for (size_t k = 0; k < p->n_in; k++) {
                    sum = fmaf(p->x[half][i * p->stride + k], *w, sum);
                    w += p->width;
                }
            }
            sum = p->is_rectified ? relu(sum) : sum;
            sum = p->mean != NULL ? (sum - p->mean[o]) * p->factor[o] + p->shift[o] : sum;
            float *to = &out[i * p->n_out + o];
            *to = p->is_added ? *to + sum : sum;
        }
    }
}

static void hidden_c(const mb_graph *graph, size_t first, size_t n, const float *p, const float *q,
    size_t width, float *rows) {
    for (size_t i = 0; i < n; i++) {
        const float *a = p + graph->source[first + i] * width;
        const float *b = q + graph->destination[first + i] * width;
        for (size_t k = 0; k < width; k++) {
            rows[i * width + k] = relu(a[k] + b[k]);
        }
    }
}

static void dots_c(
    size_t n, const float *rows, size_t width, const float *w, float bias, float *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = bias + dot(rows + i * width, w, width);
    }
}

static void sigmoid_c(size_t n, float *values) {
    for (size_t i = 0; i < n; i++) {
        const float x = values[i];
        const float power = exponent(-fabsf(x));
        values[i] = x != x ? x : (x < 0 ? power : 1.0F) / (1.0F + power);
    }
}

static void scores_c(const mb_graph *graph, const float *p, const float *q, size_t width,
    const float *w, float bias, float *score) {
    for (size_t e = 0; e < graph->n_edges; e++) {
        const float *a = p + graph->source[e] * width;
        const float *b = q + graph->destination[e] * width;
        float t[MB_LANES] = {0};
        for (size_t k = 0; k < mb_round_up(width, MB_LANES); k++) {
            add_term(k, k < width ? relu(a[k] + b[k]) : 0, k < width ? w[k] : 0, t);
        }
        score[e] = bias + add_up(t);
    }
}

static float sigmoid_back_c(size_t n, const float *y, float *d) {
    float t[MB_DOT] = {0};
    for (size_t i = 0; i < n; i++) {
        d[i] *= y[i] * (1.0F - y[i]);
        t[i % MB_DOT] += d[i];
    }
    return total_c(t);
}

// What a loop over a node's edges needs: their numbers are edge[i], or i.
typedef struct side_edges {
    const uint32_t *offset, *other, *edge;
} side_edges;

static side_edges edges_of(const mb_graph *graph, mb_graph_side side) {
    return side == MB_GRAPH_IN
               ? (side_edges){graph->in_offset, graph->source, NULL}
               : (side_edges){graph->out_offset, graph->out_destination, graph->out_edge};
}

static void sums_c(const mb_graph *graph, mb_graph_side side, bool is_new, const float *weight,
    const float *rows, size_t width, float *out) {
    const side_edges edges = edges_of(graph, side);
    if (is_new) {
        memset(out, 0, graph->n_nodes * width * sizeof *out);
    }
    for (size_t node = 0; node < graph->n_nodes; node++) {
        for (size_t i = edges.offset[node]; i < edges.offset[node + 1]; i++) {
            const float *row = rows + edges.other[i] * width;
            const float w = weight[edges.edge != NULL ? edges.edge[i] : i];
            for (size_t k = 0; k < width; k++) {
                out[node * width + k] = fmaf(w, row[k], out[node * width + k]);
            }
        }
    }
}

static void products_c(
    const mb_graph *graph, const float *a, const float *b, size_t width, float *out) {
    for (size_t e = 0; e < graph->n_edges; e++) {
        out[e] = dot(a + graph->destination[e] * width, b + graph->source[e] * width, width);
    }
}

static void gate(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows, size_t width,
    const float *d, bool has_rows, float *out) {
    const side_edges edges = edges_of(graph, side);
    memset(out, 0, graph->n_nodes * width * sizeof *out);
    for (size_t node = 0; node < graph->n_nodes; node++) {
        const float *own = rows->own + node * width;
        for (size_t i = edges.offset[node]; i < edges.offset[node + 1]; i++) {
            const size_t e = edges.edge != NULL ? edges.edge[i] : i;
            const float *other = rows->other + edges.other[i] * width;
            for (size_t k = 0; k < width; k++) {
                const float value = has_rows ? d[e * width + k] : d[e];
                out[node * width + k] += own[k] + other[k] > 0 ? value : 0;
            }
        }
    }
}

static void gates_c(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows,
    size_t width, const float *d, float *out) {
    gate(graph, side, rows, width, d, false, out);
}

static void row_gates_c(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows,
    size_t width, const float *d, float *out) {
    gate(graph, side, rows, width, d, true, out);
}

static void leave_c(const mb_graph *graph, const mb_edge_rows *rows, size_t width, const float *d,
    float *gate_sums, const float *weight, const float *values, size_t n_in, float *out) {
    gates_c(graph, MB_GRAPH_OUT, rows, width, d, gate_sums);
    sums_c(graph, MB_GRAPH_OUT, false, weight, values, n_in, out);
}

static void weigh_c(
    size_t n, const float *rows, size_t width, const float *w, float *d, float *sum) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < width; k++) {
            sum[k] = fmaf(rows[i * width + k], d[i * width + k], sum[k]);
            d[i * width + k] *= w[k];
        }
    }
}

static void widen_c(size_t n, const float *from, size_t n_in, float *rows, size_t width) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < width; k++) {
            rows[i * width + k] = k < n_in ? from[i * n_in + k] : 0;
        }
    }
}

const mb_graph_kernels mb_graph_kernels_c = {are_nodes_c, product_c, scores_c, hidden_c, dots_c,
    sigmoid_c, sigmoid_back_c, softmax_c, softmax_back_c, sums_c, products_c, gates_c, row_gates_c,
    leave_c, weigh_c, widen_c, pairs_c};
