// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_GRAPH_H
#define KERNELS_GRAPH_H

#include "base/base.h"

// The edges of one graph in the order of all sums over them: by destination, then as they were
// stored. Nodes are counted in their graph, so that graphs side by side need base pointers alone.
typedef struct mb_graph {
    size_t n_nodes, n_edges;
    const uint32_t *in_offset;   // n_nodes + 1: the edges that arrive at a node begin there
    const uint32_t *source;      // per edge
    const uint32_t *destination; // per edge
    const uint32_t *out_offset;  // n_nodes + 1: where in out_edge those that leave a node begin
    const uint32_t *out_edge;    // edges, rising for each node
    const uint32_t *stored;      // per edge: its number as stored
} mb_graph;

#endif
