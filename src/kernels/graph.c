// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

size_t mb_graph_words(size_t n_nodes, size_t n_edges) {
    return 2 * (n_nodes + 1) + 2 * n_nodes + 5 * n_edges;
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

void mb_graph_build(size_t n_nodes, size_t n_edges, const int32_t *source,
    const int32_t *destination, uint32_t *words, mb_graph *out) {
    uint32_t *in_offset = words, *out_offset = in_offset + n_nodes + 1;
    uint32_t *in_order = out_offset + n_nodes + 1, *out_order = in_order + n_nodes;
    uint32_t *sorted_source = out_order + n_nodes, *sorted_destination = sorted_source + n_edges;
    uint32_t *stored = sorted_destination + n_edges, *out_edge = stored + n_edges;
    uint32_t *out_destination = out_edge + n_edges;
    for (size_t i = 0; i < n_edges; i++) {
        out_destination[i] = (uint32_t)destination[i];
    }
    count(n_nodes, n_edges, out_destination, in_offset);
    for (size_t i = 0; i < n_edges; i++) {
        const uint32_t place = in_offset[destination[i]]++;
        sorted_source[place] = (uint32_t)source[i];
        sorted_destination[place] = (uint32_t)destination[i];
        stored[place] = (uint32_t)i;
    }
    restore(n_nodes, in_offset);
    count(n_nodes, n_edges, sorted_source, out_offset);
    for (size_t e = 0; e < n_edges; e++) {
        const uint32_t place = out_offset[sorted_source[e]]++;
        out_edge[place] = (uint32_t)e;
        out_destination[place] = sorted_destination[e];
    }
    restore(n_nodes, out_offset);
    order_by_degree(n_nodes, in_offset, in_order);
    order_by_degree(n_nodes, out_offset, out_order);
    *out = (mb_graph){n_nodes, n_edges, in_offset, sorted_source, sorted_destination, stored,
        out_offset, out_edge, out_destination, in_order, out_order};
}
