// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

// Numbers written at a time, the last of them maybe behind the end.
enum { STRIDE = 16 };

// Of one side: offsets, the order of nodes, two numbers an edge.
static size_t side_words(size_t n_nodes, size_t n_edges) {
    return 2 * n_nodes + 1 + 2 * n_edges;
}

size_t mb_graph_words(size_t n_nodes, size_t n_edges, bool has_out) {
    return (has_out ? 2 : 1) * side_words(n_nodes, n_edges) + n_edges + STRIDE;
}

// Counters of nodes by number of edges. Most nodes have like many: neighbours count in counters of
// their own, as one that has just been written is slow to read.
enum { COUNTERS = 4 };
typedef struct degree_counts {
    uint32_t n[MB_GRAPH_SORTED + 1][COUNTERS];
} degree_counts;

static uint32_t *counter_of(degree_counts *counts, const uint32_t *offset, size_t node) {
    const size_t degree = offset[node + 1] - offset[node];
    return &counts->n[mb_min_size(MB_GRAPH_SORTED, degree)][node % COUNTERS];
}

static void order_by_degree(
    size_t n_nodes, const uint32_t *offset, degree_counts *counts, uint32_t *order) {
    uint32_t sum = 0;
    for (size_t degree = MB_GRAPH_SORTED + 1; degree-- > 0;) {
        for (size_t i = 0; i < COUNTERS; i++) {
            const uint32_t here = counts->n[degree][i];
            counts->n[degree][i] = sum;
            sum += here;
        }
    }
    for (size_t i = 0; i < n_nodes; i++) {
        order[(*counter_of(counts, offset, i))++] = (uint32_t)i;
    }
}

// The counting sort's first half. rank: which of its node's edges an edge is. An edge's place is
// then read, not counted anew: counters that have just been written are slow to read.
static void open_side(size_t n_nodes, size_t n_edges, const uint32_t *node_of, uint32_t *offset,
    uint32_t *order, uint32_t *rank) {
    degree_counts counts = {0};
    memset(offset, 0, (n_nodes + 1) * sizeof *offset);
    for (size_t e = 0; e < n_edges; e++) {
        rank[e] = offset[node_of[e] + 1]++;
    }
    for (size_t i = 0; i < n_nodes; i++) {
        offset[i + 1] += offset[i];
        (*counter_of(&counts, offset, i))++;
    }
    order_by_degree(n_nodes, offset, &counts, order);
}

// Per sorted edge its node. In strides: what they write too much the next node overwrites, and
// loops of ever other lengths cost more.
static void spread(size_t n_nodes, const uint32_t *offset, uint32_t *end) {
    for (size_t i = 0; i < n_nodes; i++) {
        for (size_t e = offset[i]; e < offset[i + 1]; e += STRIDE) {
            for (size_t k = 0; k < STRIDE; k++) {
                end[e + k] = (uint32_t)i;
            }
        }
    }
}

// The edges that leave each node, of a graph whose incoming side is built.
static void build_out(uint32_t *words, mb_graph *graph) {
    const size_t n_nodes = graph->n_nodes, n_edges = graph->n_edges;
    uint32_t *offset = words, *order = offset + n_nodes + 1;
    uint32_t *edge = order + n_nodes, *destination = edge + n_edges;
    open_side(n_nodes, n_edges, graph->source, offset, order, destination);
    for (size_t e = 0; e < n_edges; e++) {
        const uint32_t place = offset[graph->source[e]] + destination[e];
        edge[place] = (uint32_t)e;
    }
    for (size_t i = 0; i < n_edges; i++) {
        destination[i] = graph->destination[edge[i]];
    }
    graph->out_offset = offset;
    graph->out_order = order;
    graph->out_edge = edge;
    graph->out_destination = destination;
}

void mb_graph_build(size_t n_nodes, size_t n_edges, const int32_t *source,
    const int32_t *destination, bool has_out, uint32_t *words, mb_graph *out) {
    const uint32_t *node_of = (const uint32_t *)destination;
    uint32_t *offset = words, *order = offset + n_nodes + 1;
    uint32_t *sorted_source = order + n_nodes, *stored = sorted_source + n_edges;
    uint32_t *sorted_destination = stored + n_edges; // and STRIDE more; before it is, ranks
    open_side(n_nodes, n_edges, node_of, offset, order, sorted_destination);
    for (size_t e = 0; e < n_edges; e++) {
        const uint32_t place = offset[node_of[e]] + sorted_destination[e];
        sorted_source[place] = (uint32_t)source[e];
        stored[place] = (uint32_t)e;
    }
    spread(n_nodes, offset, sorted_destination);
    *out = (mb_graph){.n_nodes = n_nodes,
        .n_edges = n_edges,
        .in_offset = offset,
        .source = sorted_source,
        .destination = sorted_destination,
        .stored = stored,
        .in_order = order};
    if (has_out) {
        build_out(sorted_destination + n_edges + STRIDE, out);
    }
}
