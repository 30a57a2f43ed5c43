// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_GRAPHS_H
#define NETWORK_GRAPHS_H

#include "kernels/graph.h"

// Relations of many graphs, sorted once for all steps that work with them.

typedef struct mb_graph_set {
    mb_runtime *runtime;
    size_t n;
    mb_graph *graphs;
    uint32_t *memory;
} mb_graph_set;

// Edges as they are stored, counted in their graph. offsets: n + 1 each.
typedef struct mb_graph_edges {
    size_t n;
    const uint64_t *node_offset, *edge_offset;
    const int32_t *source, *destination;
} mb_graph_edges;

// Sorts on all threads; has_out: for a training. Fails with RANGE, naming the graph and the edge,
// for an end that is no node of its graph; with LIMIT for a graph of more than 2^32 - 1 edges or
// nodes. The caller owns *out.
mb_status mb_graph_set_create(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    bool has_out, mb_graph_set **out) MB_MUST_CHECK;
// A set for prediction that has no graphs yet, and memory for n of them with so many nodes and
// edges in all. The caller owns *out.
mb_status mb_graph_set_reserve(
    mb_context *ctx, size_t n, size_t n_nodes, size_t n_edges, mb_graph_set **out) MB_MUST_CHECK;
// Sorts some of the graphs on the calling thread: set->graphs[i] is graph rows[i]. Fails as
// mb_graph_set_create does.
mb_status mb_graph_set_sort(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    const uint32_t *rows, size_t n, mb_graph_set *set) MB_MUST_CHECK;
// The check alone.
mb_status mb_graph_edges_check(
    mb_context *ctx, const char *name, const mb_graph_edges *edges) MB_MUST_CHECK;
void mb_graph_set_destroy(mb_graph_set *set);

// One graph for prediction, in memory of the caller's (mb_graph_words). False where an end is no
// node.
bool mb_graph_sort(const mb_graph_kernels *kernels, size_t n_nodes, size_t n_edges,
    const int32_t *source, const int32_t *destination, uint32_t *memory, mb_graph *out);

// The graphs of a block of events, whose rows lie one graph behind the other.
typedef struct mb_graph_rows {
    size_t n;
    const mb_graph *const *graph;
    const size_t *node, *edge; // n + 1: where each one's rows begin, counted in the batch
} mb_graph_rows;

static inline size_t mb_graph_first_node(const mb_graph_rows *rows, size_t graph) {
    return rows->node[graph] - rows->node[0];
}

static inline size_t mb_graph_first_edge(const mb_graph_rows *rows, size_t graph) {
    return rows->edge[graph] - rows->edge[0];
}

#endif
