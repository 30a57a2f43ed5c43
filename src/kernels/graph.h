// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_GRAPH_H
#define KERNELS_GRAPH_H

#include "kernels/kernels.h"

// Message passing over one graph. Plain C is the definition, faster versions give the same bits
// (kernels.h). Rows of nodes and edges lie one behind the other, width floats each, any width.
//
// The product of two rows, "a . b", is a fixed tree: with a[k], b[k] = 0 for k >= width, MB_LANES
// sums t[l] = a[l] * b[l], then fused for c = 1, 2, ..: += a[MB_LANES c + l] * b[MB_LANES c + l];
// these are added up in pairs: t[l] + t[l + 4], of the sums l and l + 2, then 0 and 1.
// A sum of many numbers has MB_DOT sums of every 16th, added up in the same way from l and l + 8.
enum { MB_DOT = 16, MB_GRAPH_SORTED = 64 };

// A graph's edges, by destination and among equals in stored order: "edge e" counts in this order.
// Nodes count in the graph.
typedef struct mb_graph {
    size_t n_nodes, n_edges;
    const uint32_t *in_offset;       // n_nodes + 1: edges that arrive at node i: [in_offset[i],
                                     // in_offset[i + 1])
    const uint32_t *source;          // per edge
    const uint32_t *destination;     // per edge
    const uint32_t *stored;          // per edge: its number in stored order
    const uint32_t *out_offset;      // n_nodes + 1: of the two below
    const uint32_t *out_edge;        // edges that leave node i, rising
    const uint32_t *out_destination; // ... and where they arrive
    // Nodes by falling number of incoming, of leaving edges (MB_GRAPH_SORTED and more in any
    // order): loops of equal length go side by side. No bit depends on it.
    const uint32_t *in_order, *out_order;
} mb_graph;

// Sorts edges given in stored order; their nodes must be below n_nodes. has_out: also for a way
// back. words: mb_graph_words numbers, which *out then borrows.
size_t mb_graph_words(size_t n_nodes, size_t n_edges, bool has_out);
void mb_graph_build(size_t n_nodes, size_t n_edges, const int32_t *source,
    const int32_t *destination, bool has_out, uint32_t *words, mb_graph *out);

// Which edges a kernel visits for a node.
typedef enum mb_graph_side { MB_GRAPH_IN, MB_GRAPH_OUT } mb_graph_side;

// Rows that edges read at their two ends, or add up.
typedef struct mb_edge_rows {
    const float *own;   // of the node visited
    const float *other; // of the edge's other end
} mb_edge_rows;

// Rows of numbers times a matrix: out[i][o] = bias[o] + sum over k of x[i][k] * w[k][o], fused, k
// by k; then relu where wanted; then (out - mean[o]) * factor[o] + shift[o], not fused, where there
// are these; then, where wanted, added to what out holds. A row x[i] is that of the first array,
// then that of the second.
typedef struct mb_row_product {
    size_t n, n_in;
    const float *x[2]; // n rows of n_in numbers each; NULL: there is no second. Not out
    size_t stride;     // from row to row
    const float *w;    // rows of width numbers, a multiple of MB_LANES
    const float *bias; // width
    size_t width;
    size_t n_out; // columns that are wanted, at most width: out has rows of so many
    bool is_rectified, is_added;
    const float *mean, *factor, *shift; // width; NULL: there are none
} mb_row_product;

// The loss of pairs of nodes and its way back.
typedef struct mb_pair_loss {
    size_t n; // edges, in any order of which all sums are taken
    const int32_t *source, *destination;
    const float *truth; // 1: the same, to be near; else to be apart
    float margin;       // of those apart
    float scale;        // of the gradient
} mb_pair_loss;

struct mb_graph_kernels {
    // Whether all of n numbers are below n_nodes and none is below 0.
    bool (*are_nodes)(size_t n, const int32_t *numbers, size_t n_nodes);

    void (*product)(const mb_row_product *product, float *out);

    // score[e] = bias + relu(p[source] + q[destination]) . w
    void (*scores)(const mb_graph *graph, const float *p, const float *q, size_t width,
        const float *w, float bias, float *score);
    // rows of edges first .. first + n: relu(p[source] + q[destination])
    void (*hidden)(const mb_graph *graph, size_t first, size_t n, const float *p, const float *q,
        size_t width, float *rows);
    // out[i] = bias + rows[i] . w
    void (*dots)(size_t n, const float *rows, size_t width, const float *w, float bias, float *out);

    // y = 1 / (1 + exp(-x)) in float32 arithmetic (error about an ulp; 0 is never reached), and the
    // way back: d[i] *= y[i] * (1 - y[i]). Returns the sum of the results.
    void (*sigmoid)(size_t n, float *values);
    float (*sigmoid_back)(size_t n, const float *y, float *d);
    // Over the edges that arrive at each node: y = exp(x - most) / sum, sums edge by edge.
    void (*softmax)(const mb_graph *graph, float *values);
    float (*softmax_back)(const mb_graph *graph, const float *y, float *d);

    // out[node] += weight[e] * rows[other end], fused, edge by edge; is_new: from 0 on.
    void (*sums)(const mb_graph *graph, mb_graph_side side, bool is_new, const float *weight,
        const float *rows, size_t width, float *out);
    // out[e] = a[destination] . b[source]
    void (*products)(
        const mb_graph *graph, const float *a, const float *b, size_t width, float *out);

    // The relu of the hidden layer, looked at from a node: out[node][k] = sum over its edges of d
    // where own[node][k] + other[other end][k] > 0, else of 0. d: d[e], or with rows d[e * width +
    // k].
    void (*gates)(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows, size_t width,
        const float *d, float *out);
    void (*row_gates)(const mb_graph *graph, mb_graph_side side, const mb_edge_rows *rows,
        size_t width, const float *d, float *out);
    // Gates and sums of the edges that leave: gates(.., MB_GRAPH_OUT, rows, width, d, gate) and
    // sums(.., MB_GRAPH_OUT, false, weight, values, n_in, out), in one go where that is faster.
    void (*leave)(const mb_graph *graph, const mb_edge_rows *rows, size_t width, const float *d,
        float *gate, const float *weight, const float *values, size_t n_in, float *out);
    // sum[k] += rows[i][k] * d[i][k], fused, row by row; then d[i][k] *= w[k].
    void (*weigh)(size_t n, const float *rows, size_t width, const float *w, float *d, float *sum);

    // rows[i] = from[i], n_in numbers, then zeros up to width.
    void (*widen)(size_t n, const float *from, size_t n_in, float *rows, size_t width);

    // Per edge: distance = sqrt(sum over k of (a[k] - b[k] + 1e-6)^2), a = row of the source, b of
    // the destination; loss = distance where truth is 1, else max(0, margin - distance). Returns
    // the sum of the losses (in double) and in
    // *right how many are on truth's side of 0.5. d_rows (NULL: not wanted) += scale * gradient,
    // edge by edge, first at the source. Scratch: MB_DOT * (width + 2) floats.
    double (*pairs)(const mb_pair_loss *loss, const float *rows, size_t width, float *d_rows,
        float *scratch, size_t *right);
};

extern const mb_graph_kernels mb_graph_kernels_c;
#if defined(MB_HAVE_X86)
extern const mb_graph_kernels mb_graph_kernels_avx2;
extern const mb_graph_kernels mb_graph_kernels_avx512;
#endif

#endif
