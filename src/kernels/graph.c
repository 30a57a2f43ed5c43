// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

size_t mb_graph_words(size_t n_nodes, size_t n_edges, bool has_out) {
    const size_t in = 2 * n_nodes + 1 + 3 * n_edges;
    return has_out ? in + 2 * n_nodes + 1 + 2 * n_edges : in;
}

// offset[i] becomes the number of entries of node_of below i.
static void count(size_t n_nodes, size_t n, const uint32_t *node_of, uint32_t *offset) {
    memset(offset, 0, (n_nodes + 1) * sizeof *offset);
    for (size_t i = 0; i < n; i++) {
        offset[node_of[i] + 1]++;
    }
    for (size_t i = 0; i < n_nodes; i++) {
        offset[i + 1] += offset[i];
    }
}

static void restore(size_t n_nodes, uint32_t *offset) {
    memmove(offset + 1, offset, n_nodes * sizeof *offset);
    offset[0] = 0;
}

// Nodes by falling number of edges; beyond MOST, in the order they come.
static void order_by_degree(size_t n_nodes, const uint32_t *offset, uint32_t *order) {
    enum { MOST = MB_GRAPH_SORTED };
    size_t at[MOST + 1] = {0};
    for (size_t i = 0; i < n_nodes; i++) {
        at[mb_min_size(MOST, offset[i + 1] - offset[i])]++;
    }
    size_t sum = 0;
    for (size_t degree = MOST + 1; degree-- > 0;) {
        const size_t here = at[degree];
        at[degree] = sum;
        sum += here;
    }
    for (size_t i = 0; i < n_nodes; i++) {
        order[at[mb_min_size(MOST, offset[i + 1] - offset[i])]++] = (uint32_t)i;
    }
}

// The edges that leave each node, of a graph whose incoming side is built.
static void build_out(uint32_t *words, mb_graph *graph) {
    const size_t n_nodes = graph->n_nodes, n_edges = graph->n_edges;
    uint32_t *offset = words, *order = offset + n_nodes + 1;
    uint32_t *edge = order + n_nodes, *destination = edge + n_edges;
    count(n_nodes, n_edges, graph->source, offset);
    for (size_t e = 0; e < n_edges; e++) {
        const uint32_t place = offset[graph->source[e]]++;
        edge[place] = (uint32_t)e;
        destination[place] = graph->destination[e];
    }
    restore(n_nodes, offset);
    order_by_degree(n_nodes, offset, order);
    graph->out_offset = offset;
    graph->out_order = order;
    graph->out_edge = edge;
    graph->out_destination = destination;
}

void mb_graph_build(size_t n_nodes, size_t n_edges, const int32_t *source,
    const int32_t *destination, bool has_out, uint32_t *words, mb_graph *out) {
    uint32_t *offset = words, *order = offset + n_nodes + 1;
    uint32_t *sorted_source = order + n_nodes, *sorted_destination = sorted_source + n_edges;
    uint32_t *stored = sorted_destination + n_edges;
    count(n_nodes, n_edges, (const uint32_t *)destination, offset);
    for (size_t i = 0; i < n_edges; i++) {
        const uint32_t place = offset[destination[i]]++;
        sorted_source[place] = (uint32_t)source[i];
        stored[place] = (uint32_t)i;
    }
    restore(n_nodes, offset);
    for (size_t i = 0; i < n_nodes; i++) {
        for (size_t e = offset[i]; e < offset[i + 1]; e++) {
            sorted_destination[e] = (uint32_t)i;
        }
    }
    order_by_degree(n_nodes, offset, order);
    *out = (mb_graph){.n_nodes = n_nodes,
        .n_edges = n_edges,
        .in_offset = offset,
        .source = sorted_source,
        .destination = sorted_destination,
        .stored = stored,
        .in_order = order};
    if (has_out) {
        build_out(stored + n_edges, out);
    }
}
