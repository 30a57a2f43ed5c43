// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_TRANSPORT_H
#define KERNELS_TRANSPORT_H

#include "base/base.h"

// Exact optimal transport between small sets: the network simplex on a spanning tree of at most
// MB_TRANSPORT_NODES sources and sinks, whose subtrees are sets of bits.

enum { MB_TRANSPORT_NODES = 64 };

// Scratch of one call, and its result. Node i is source i, node n_sources + j is sink j.
typedef struct mb_transport {
    size_t n_sources, n_nodes;
    double potential[MB_TRANSPORT_NODES]; // optimal duals: u[i] + v[j] <= cost[i][j]
    double flow[MB_TRANSPORT_NODES];      // between a node and its parent, from source to sink
    uint64_t below[MB_TRANSPORT_NODES];   // the node and all whose way to the root leads through it
    uint8_t parent[MB_TRANSPORT_NODES];   // of the root: itself
    size_t n_pivots;
} mb_transport;

// Moves supply (n_sources, > 0) to demand (n_sinks, > 0) at least cost (n_sources, n_sinks; row i
// begins at cost + i * stride; finite, >= 0). The sums must be equal up to rounding. n_sources and
// n_sinks are at least 1, together at most MB_TRANSPORT_NODES. Duals hold to 1e-13 of the largest
// cost. Same input, same bits. Returns false if the limit on pivots, far above what any input is
// known to need, was reached: the result is then feasible but not proven optimal.
bool mb_transport_solve(mb_transport *work, size_t n_sources, size_t n_sinks, const double *supply,
    const double *demand, const double *cost, size_t stride);
// Sum of flow times cost of the tree.
double mb_transport_cost(const mb_transport *work, const double *cost, size_t stride);

#endif
