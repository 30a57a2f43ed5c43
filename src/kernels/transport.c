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
    double key[NODES * NODES / 4];      // costs (sources, sinks) that tell their source: see mark
    double least[NODES], second[NODES]; // keys of the open sources, for each sink
    double regret[NODES];               // what the second costs more, marked with the sink
    double gate[NODES];                 // added to it: 0, or shut
    uint64_t open_sources;
    size_t n_open_sources, n_open_sinks;
    uint8_t closed[NODES]; // in order
    size_t n_closed;
} start;

// A number >= 0 whose lowest bits tell an index below 64: a minimum then finds both, without a
// branch that nobody can foresee.
static double mark(double value, size_t index) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits & ~UINT64_C(63)) | index;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

static size_t mark_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (size_t)(bits & 63);
}

static const double far = 0x1p1000;
static const double shut = -0x1p1010;

// The two cheapest open sources of all sinks.
static void find_cheapest(start *s, size_t n_sinks) {
    for (size_t j = 0; j < n_sinks; j++) {
        s->least[j] = far;
        s->second[j] = far;
    }
    for (uint64_t mask = s->open_sources; mask != 0; mask &= mask - 1) {
        const double *row = s->key + lowest_bit(mask) * n_sinks;
        for (size_t j = 0; j < n_sinks; j++) {
            const double price = row[j];
            const double more = s->least[j] > price ? s->least[j] : price;
            s->second[j] = s->second[j] < more ? s->second[j] : more;
            s->least[j] = s->least[j] < price ? s->least[j] : price;
        }
    }
    for (size_t j = 0; j < n_sinks; j++) {
        s->regret[j] = mark(s->second[j] - s->least[j], j) + s->gate[j];
    }
}

// The open sink that would lose most by having to take its second choice. Four maxima: the loop
// waits for none of them.
static size_t find_sink(const start *s, size_t n_sinks) {
    double most[4] = {-1, -1, -1, -1};
    size_t j = 0;
    for (; j + 4 <= n_sinks; j += 4) {
        for (size_t k = 0; k < 4; k++) {
            const double regret = s->regret[j + k];
            most[k] = regret > most[k] ? regret : most[k];
        }
    }
    for (; j < n_sinks; j++) {
        most[0] = s->regret[j] > most[0] ? s->regret[j] : most[0];
    }
    most[0] = most[1] > most[0] ? most[1] : most[0];
    most[2] = most[3] > most[2] ? most[3] : most[2];
    return mark_of(most[2] > most[0] ? most[2] : most[0]);
}

// A node that has nothing left hangs, by its last edge, on the other end.
static void close_node(mb_transport *work, start *s, size_t node, size_t other, double amount) {
    work->parent[node] = (uint8_t)other;
    work->flow[node] = amount;
    s->closed[s->n_closed++] = (uint8_t)node;
}

// Sinks take as much as they can of their cheapest open source, those with the most to lose first
// (Vogel's rule, for sinks), until one source or one sink is left over. Twice as good a start as
// the cheapest edge first.
static void make_edges(mb_transport *work, start *s, size_t n_sinks) {
    const size_t n = work->n_sources;
    find_cheapest(s, n_sinks);
    while (s->n_open_sources > 0 && s->n_open_sinks > 0) {
        const size_t j = find_sink(s, n_sinks);
        const size_t i = mark_of(s->least[j]);
        rest *supply = &s->left[i];
        rest *demand = &s->left[n + j];
        // The last of a side must serve all that is left of the other, whatever rounding says.
        const bool source_ends = s->n_open_sources == 1 && s->n_open_sinks > 1 ? false
                                 : s->n_open_sinks == 1 && s->n_open_sources > 1
                                     ? true
                                     : is_less(*supply, *demand);
        rest *less = source_ends ? supply : demand;
        rest *more = source_ends ? demand : supply;
        close_node(work, s, source_ends ? i : n + j, source_ends ? n + j : i, less->amount);
        more->amount = more->amount > less->amount ? more->amount - less->amount : 0;
        more->tiny -= less->tiny;
        if (source_ends) {
            s->open_sources &= ~bit_of(i);
            s->n_open_sources--;
            find_cheapest(s, n_sinks);
        } else {
            s->n_open_sinks--;
            s->gate[j] = shut;
            s->regret[j] = shut;
        }
    }
}

// Turns the edges between root and the node left over, on which all hang, so that they hang on
// root. order: these nodes, then the others, each behind the one it hangs on.
static void turn(mb_transport *work, const start *s, size_t root, uint8_t *order) {
    const uint64_t all = work->n_nodes < 64 ? bit_of(work->n_nodes) - 1 : UINT64_MAX;
    uint64_t closed = 0;
    for (size_t k = 0; k < s->n_closed; k++) {
        closed |= bit_of(s->closed[k]);
    }
    const size_t last = lowest_bit(all & ~closed);
    uint64_t done = 0;
    size_t n_done = 0;
    size_t above = root;
    double flow = 0;
    for (size_t k = root;;) {
        const size_t next = work->parent[k];
        const double old = work->flow[k];
        work->parent[k] = (uint8_t)above;
        work->flow[k] = flow;
        order[n_done++] = (uint8_t)k;
        done |= bit_of(k);
        if (k == last) {
            break;
        }
        above = k;
        flow = old;
        k = next;
    }
    for (size_t k = s->n_closed; k > 0; k--) {
        if ((done & bit_of(s->closed[k - 1])) == 0) {
            order[n_done++] = s->closed[k - 1];
        }
    }
}

// Hangs the edges on the root, and sets potentials so that they cost nothing.
static void hang(
    mb_transport *work, const start *s, size_t root, const double *cost, size_t stride) {
    const size_t n = work->n_sources;
    uint8_t order[NODES];
    turn(work, s, root, order);
    work->potential[root] = 0;
    work->below[root] = bit_of(root);
    for (size_t k = 1; k < work->n_nodes; k++) {
        const size_t node = order[k];
        const size_t up = work->parent[node];
        const size_t i = node < n ? node : up;
        const size_t j = (node < n ? up : node) - n;
        work->potential[node] = cost[i * stride + j] - work->potential[up];
        work->below[node] = bit_of(node);
    }
    for (size_t k = work->n_nodes - 1; k > 0; k--) {
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
        for (size_t j = 0; j < n_sinks; j++) {
            s.key[i * n_sinks + j] = mark(cost[i * stride + j], i);
        }
    }
    for (size_t j = 0; j < n_sinks; j++) {
        s.gate[j] = 0;
        s.left[n + j] = (rest){demand[j], j == root ? (int)work->n_nodes - 1 : -1};
    }
    s.open_sources = bit_of(n) - 1;
    s.n_open_sources = n;
    s.n_open_sinks = n_sinks;
    s.n_closed = 0;
    make_edges(work, &s, n_sinks);
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

static double most_of_row(const double *row, size_t n) {
    double most[4] = {0, 0, 0, 0};
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        for (size_t k = 0; k < 4; k++) {
            most[k] = row[j + k] > most[k] ? row[j + k] : most[k];
        }
    }
    for (; j < n; j++) {
        most[0] = row[j] > most[0] ? row[j] : most[0];
    }
    most[0] = most[1] > most[0] ? most[1] : most[0];
    most[2] = most[3] > most[2] ? most[3] : most[2];
    return most[2] > most[0] ? most[2] : most[0];
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
        const double row = most_of_row(cost + i * stride, n_sinks);
        most = row > most ? row : most;
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
