// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/transport.h"

enum { NODES = MB_TRANSPORT_NODES, MOST_PIVOTS = 1 << 20 };

static unsigned lowest_bit(uint64_t mask) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(mask);
#else
    unsigned bit = 0;
    while ((mask >> bit & 1) == 0) {
        bit++;
    }
    return bit;
#endif
}

static uint64_t bit_of(size_t node) {
    return UINT64_C(1) << node;
}

// What is left of a supply or demand, with a symbolic infinitesimal: every source has one more,
// every sink one less, and the root takes the balance. No two sums of these are equal before the
// end, so the first tree is strongly feasible (edges without flow point to the root), which the
// choice of the leaving edge keeps: no tree comes twice.
typedef struct rest {
    double amount;
    int tiny;
} rest;

static bool is_less(rest a, rest b) {
    return a.amount < b.amount || (a.amount == b.amount && a.tiny < b.tiny);
}

typedef struct start {
    rest left[NODES];
    uint8_t nearest[NODES]; // sink of each open source
    uint8_t open_source[NODES], open_sink[NODES];
    size_t n_open_sources, n_open_sinks;
    uint64_t neighbours[NODES];
    double flow[NODES][NODES]; // [source][sink], of the edges only
} start;

static void find_nearest(start *s, size_t source, const double *row) {
    size_t best = s->open_sink[0];
    for (size_t k = 1; k < s->n_open_sinks; k++) {
        const size_t sink = s->open_sink[k];
        best = row[sink] < row[best] ? sink : best;
    }
    s->nearest[source] = (uint8_t)best;
}

static void drop(uint8_t *list, size_t *n, size_t value) {
    size_t k = 0;
    while (list[k] != value) {
        k++;
    }
    (*n)--;
    for (; k < *n; k++) {
        list[k] = list[k + 1];
    }
}

// The cheapest open pair takes as much as it can, until one source or one sink is left over.
static void make_edges(start *s, size_t n_sources, const double *cost, size_t stride) {
    for (size_t k = 0; k < s->n_open_sources; k++) {
        find_nearest(s, k, cost + k * stride);
    }
    while (s->n_open_sources > 0 && s->n_open_sinks > 0) {
        size_t i = s->open_source[0];
        double least = cost[i * stride + s->nearest[i]];
        for (size_t k = 1; k < s->n_open_sources; k++) {
            const size_t other = s->open_source[k];
            const double price = cost[other * stride + s->nearest[other]];
            if (price < least) {
                least = price;
                i = other;
            }
        }
        const size_t j = s->nearest[i];
        rest *supply = &s->left[i];
        rest *demand = &s->left[n_sources + j];
        // The last of a side must serve all that is left of the other, whatever rounding says.
        const bool source_ends = s->n_open_sources == 1 && s->n_open_sinks > 1 ? false
                                 : s->n_open_sinks == 1 && s->n_open_sources > 1
                                     ? true
                                     : is_less(*supply, *demand);
        rest *less = source_ends ? supply : demand;
        rest *more = source_ends ? demand : supply;
        s->flow[i][j] = less->amount;
        s->neighbours[i] |= bit_of(n_sources + j);
        s->neighbours[n_sources + j] |= bit_of(i);
        more->amount = more->amount > less->amount ? more->amount - less->amount : 0;
        more->tiny -= less->tiny;
        if (source_ends) {
            drop(s->open_source, &s->n_open_sources, i);
            continue;
        }
        drop(s->open_sink, &s->n_open_sinks, j);
        for (size_t k = 0; k < s->n_open_sources && s->n_open_sinks > 0; k++) {
            const size_t other = s->open_source[k];
            if (s->nearest[other] == j) {
                find_nearest(s, other, cost + other * stride);
            }
        }
    }
}

// Hangs the edges on the root, and sets potentials so that they cost nothing.
static void hang(
    mb_transport *work, const start *s, size_t root, const double *cost, size_t stride) {
    const size_t n = work->n_sources;
    uint8_t order[NODES];
    size_t n_done = 1;
    order[0] = (uint8_t)root;
    work->parent[root] = (uint8_t)root;
    work->potential[root] = 0;
    work->flow[root] = 0;
    for (size_t k = 0; k < n_done; k++) {
        const size_t node = order[k];
        work->below[node] = bit_of(node);
        const uint64_t up = node == root ? 0 : bit_of(work->parent[node]);
        for (uint64_t mask = s->neighbours[node] & ~up; mask != 0; mask &= mask - 1) {
            const size_t child = lowest_bit(mask);
            const size_t i = child < n ? child : node;
            const size_t j = (child < n ? node : child) - n;
            work->parent[child] = (uint8_t)node;
            work->flow[child] = s->flow[i][j];
            work->potential[child] = cost[i * stride + j] - work->potential[node];
            order[n_done++] = (uint8_t)child;
        }
    }
    for (size_t k = n_done - 1; k > 0; k--) {
        work->below[work->parent[order[k]]] |= work->below[order[k]];
    }
}

static void begin(mb_transport *work, size_t n_sinks, const double *supply, const double *demand,
    const double *cost, size_t stride) {
    const size_t n = work->n_sources;
    start s;
    size_t root = 0;
    for (size_t j = 1; j < n_sinks; j++) {
        root = demand[j] > demand[root] ? j : root;
    }
    for (size_t i = 0; i < n; i++) {
        s.left[i] = (rest){supply[i], 1};
        s.open_source[i] = (uint8_t)i;
        s.neighbours[i] = 0;
    }
    for (size_t j = 0; j < n_sinks; j++) {
        s.left[n + j] = (rest){demand[j], j == root ? (int)work->n_nodes - 1 : -1};
        s.open_sink[j] = (uint8_t)j;
        s.neighbours[n + j] = 0;
    }
    s.n_open_sources = n;
    s.n_open_sinks = n_sinks;
    make_edges(&s, n, cost, stride);
    hang(work, &s, n + root, cost, stride);
}

// Least of row[j] - v[j]. Four accumulators: the loop waits for none of them.
static double least_of_row(const double *row, const double *v, size_t n) {
    double least[4] = {row[0] - v[0], row[0] - v[0], row[0] - v[0], row[0] - v[0]};
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        for (size_t k = 0; k < 4; k++) {
            const double price = row[j + k] - v[j + k];
            least[k] = price < least[k] ? price : least[k];
        }
    }
    for (; j < n; j++) {
        const double price = row[j] - v[j];
        least[0] = price < least[0] ? price : least[0];
    }
    least[0] = least[1] < least[0] ? least[1] : least[0];
    least[2] = least[3] < least[2] ? least[3] : least[2];
    return least[2] < least[0] ? least[2] : least[0];
}

typedef struct edge {
    size_t source, sink; // sink counts from 0
    double price;        // reduced cost
} edge;

// The edge to enter: the cheapest of the first row, from *row on and round, that has one cheaper
// than -tolerance. Looking at more rows saves pivots, but less time than it costs. Returns false
// when there is none: the tree is optimal.
static bool find_entering(const mb_transport *work, const double *cost, size_t stride,
    double tolerance, size_t *row, edge *out) {
    const size_t n = work->n_sources;
    const size_t n_sinks = work->n_nodes - n;
    const double *v = work->potential + n;
    for (size_t k = 0; k < n; k++) {
        const size_t i = *row;
        *row = i + 1 < n ? i + 1 : 0;
        const double *line = cost + i * stride;
        const double least = least_of_row(line, v, n_sinks);
        const double price = least - work->potential[i];
        if (price < -tolerance) {
            size_t j = 0;
            while (line[j] - v[j] != least) {
                j++;
            }
            *out = (edge){i, j, price};
            return true;
        }
    }
    return false;
}

// The node whose edge to its parent leaves: the last that blocks on the way from the join to the
// source, over the entering edge and back from the sink.
static size_t find_leaving(
    const mb_transport *work, size_t source, size_t sink, bool *is_source_side) {
    const size_t n = work->n_sources;
    size_t leaving = NODES;
    double least = 0;
    for (size_t k = source; (work->below[k] & bit_of(sink)) == 0; k = work->parent[k]) {
        if (k < n && (leaving == NODES || work->flow[k] < least)) {
            leaving = k;
            least = work->flow[k];
        }
    }
    *is_source_side = true;
    for (size_t k = sink; (work->below[k] & bit_of(source)) == 0; k = work->parent[k]) {
        if (k >= n && (leaving == NODES || work->flow[k] <= least)) {
            leaving = k;
            least = work->flow[k];
            *is_source_side = false;
        }
    }
    return leaving;
}

static void push(mb_transport *work, size_t source, size_t sink, double amount) {
    const size_t n = work->n_sources;
    for (size_t k = source; (work->below[k] & bit_of(sink)) == 0; k = work->parent[k]) {
        work->flow[k] += k < n ? -amount : amount;
    }
    for (size_t k = sink; (work->below[k] & bit_of(source)) == 0; k = work->parent[k]) {
        work->flow[k] += k < n ? amount : -amount;
    }
}

// Cuts the subtree of leaving off and hangs it, by its node inner, on outer.
static void regraft(mb_transport *work, size_t inner, size_t outer, size_t leaving, double amount) {
    const uint64_t moved = work->below[leaving];
    for (size_t k = work->parent[leaving]; (work->below[k] & bit_of(outer)) == 0;
         k = work->parent[k]) {
        work->below[k] &= ~moved;
    }
    for (size_t k = outer; (work->below[k] & moved) == 0; k = work->parent[k]) {
        work->below[k] |= moved;
    }
    uint64_t inside = 0;
    size_t above = outer;
    double flow = amount;
    for (size_t k = inner;;) {
        const size_t next = work->parent[k];
        const uint64_t below = work->below[k];
        const double old = work->flow[k];
        work->parent[k] = (uint8_t)above;
        work->flow[k] = flow;
        work->below[k] = moved & ~inside;
        if (k == leaving) {
            return;
        }
        inside = below;
        above = k;
        flow = old;
        k = next;
    }
}

static void pivot(mb_transport *work, const edge *entering) {
    const size_t n = work->n_sources;
    const size_t source = entering->source;
    const size_t sink = n + entering->sink;
    bool is_source_side;
    const size_t leaving = find_leaving(work, source, sink, &is_source_side);
    const double amount = work->flow[leaving];
    push(work, source, sink, amount);
    const uint64_t moved = work->below[leaving];
    regraft(work, is_source_side ? source : sink, is_source_side ? sink : source, leaving, amount);
    const double change = is_source_side ? entering->price : -entering->price;
    for (uint64_t mask = moved; mask != 0; mask &= mask - 1) {
        const size_t k = lowest_bit(mask);
        work->potential[k] += k < n ? change : -change;
    }
    work->n_pivots++;
}

bool mb_transport_solve(mb_transport *work, size_t n_sources, size_t n_sinks, const double *supply,
    const double *demand, const double *cost, size_t stride) {
    work->n_sources = n_sources;
    work->n_nodes = n_sources + n_sinks;
    work->n_pivots = 0;
    begin(work, n_sinks, supply, demand, cost, stride);
    double most = 0;
    for (size_t i = 0; i < n_sources; i++) {
        for (size_t j = 0; j < n_sinks; j++) {
            most = cost[i * stride + j] > most ? cost[i * stride + j] : most;
        }
    }
    size_t row = 0;
    edge entering;
    while (find_entering(work, cost, stride, 1e-13 * most, &row, &entering)) {
        if (work->n_pivots == MOST_PIVOTS) {
            return false;
        }
        pivot(work, &entering);
    }
    return true;
}

double mb_transport_cost(const mb_transport *work, const double *cost, size_t stride) {
    const size_t n = work->n_sources;
    double sum = 0;
    for (size_t k = 0; k < work->n_nodes; k++) {
        const size_t up = work->parent[k];
        if (up != k) {
            sum += work->flow[k] * (k < n ? cost[k * stride + up - n] : cost[up * stride + k - n]);
        }
    }
    return sum;
}
