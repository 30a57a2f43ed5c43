// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/segments.h"

#include "base/math.h"
#include "geometry/barrel.h"

#include <math.h>
#include <stdlib.h>

enum { N_LAYERS = MB_BARREL_N_LAYERS, MOST_INSERTED = 24 };

typedef struct place {
    double phi, r, z;
    int32_t hit;
} place;

// The hits of a layer in order of phi, and where bins of equal width begin among them.
typedef struct phi_ring {
    const place *sorted;
    size_t n;
    const size_t *bin; // n + 1: as many bins as hits
    double low, scale;
} phi_ring;

typedef struct builder {
    mb_tracks_store *store;
    const mb_tracks_builder *cuts;
    size_t n;
    place *own;    // (n) by hit
    place *sorted; // by layer and phi
    size_t *bin;   // (n + N_LAYERS)
    phi_ring rings[N_LAYERS];
    double reach[N_LAYERS]; // in phi, from a layer to the next
    size_t *first;          // (n + 1) of each hit in outwards
    int32_t *outwards;      // hits that segments go to
    size_t n_outwards, capacity;
} builder;

static int compare_places(const void *a, const void *b) {
    const place *x = a;
    const place *y = b;
    if (x->phi < y->phi || x->phi > y->phi) {
        return x->phi < y->phi ? -1 : 1;
    }
    return (x->hit > y->hit) - (x->hit < y->hit);
}

static void sort_places(place *list, size_t n) {
    if (n > MOST_INSERTED) {
        qsort(list, n, sizeof *list, compare_places);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const place at = list[i];
        size_t k = i;
        for (; k > 0 && list[k - 1].phi > at.phi; k--) {
            list[k] = list[k - 1];
        }
        list[k] = at;
    }
}

static int compare_hits(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void sort_hits(int32_t *list, size_t n) {
    if (n > MOST_INSERTED) {
        qsort(list, n, sizeof *list, compare_hits);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const int32_t at = list[i];
        size_t k = i;
        for (; k > 0 && list[k - 1] > at; k--) {
            list[k] = list[k - 1];
        }
        list[k] = at;
    }
}

// Never falls as phi rises.
static size_t bin_of(const phi_ring *ring, double phi) {
    const double at = (phi - ring->low) * ring->scale;
    return at > 0 ? mb_min_size((size_t)fmin(at, 1e9), ring->n - 1) : 0;
}

// Sorts the hits of a layer, which lie at from in the order of the sample, to to.
static void make_ring(phi_ring *ring, const place *from, place *to, size_t *bin) {
    double high = from[0].phi;
    ring->low = from[0].phi;
    for (size_t i = 1; i < ring->n; i++) {
        ring->low = from[i].phi < ring->low ? from[i].phi : ring->low;
        high = from[i].phi > high ? from[i].phi : high;
    }
    ring->scale = high > ring->low ? (double)ring->n / (high - ring->low) : 0;
    memset(bin, 0, (ring->n + 1) * sizeof *bin);
    for (size_t i = 0; i < ring->n; i++) {
        bin[bin_of(ring, from[i].phi)]++;
    }
    size_t end = 0;
    for (size_t k = 0; k < ring->n; k++) {
        end += bin[k];
        bin[k] = end;
    }
    bin[ring->n] = end;
    for (size_t i = ring->n; i-- > 0;) {
        to[--bin[bin_of(ring, from[i].phi)]] = from[i];
    }
    for (size_t k = 0; k < ring->n; k++) {
        sort_places(to + bin[k], bin[k + 1] - bin[k]);
    }
    ring->sorted = to;
    ring->bin = bin;
}

static mb_status make_rings(builder *b, const int32_t *layer) {
    place *by_layer = mb_allocate(b->store->ctx, b->n, sizeof *by_layer);
    if (by_layer == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t start[N_LAYERS + 1] = {0};
    for (size_t i = 0; i < b->n; i++) {
        if (layer[i] >= 0 && layer[i] < N_LAYERS) {
            b->rings[layer[i]].n++;
        }
    }
    for (size_t k = 0; k < N_LAYERS; k++) {
        start[k + 1] = start[k] + b->rings[k].n;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (layer[i] >= 0 && layer[i] < N_LAYERS) {
            by_layer[start[layer[i]]++] = b->own[i];
        }
    }
    for (size_t k = 0; k < N_LAYERS; k++) {
        const size_t first = start[k] - b->rings[k].n;
        if (b->rings[k].n > 0) {
            make_ring(&b->rings[k], by_layer + first, b->sorted + first, b->bin + first + k);
        }
    }
    mb_release(b->store->ctx, by_layer);
    return MB_OK;
}

static void set_reaches(builder *b) {
    for (size_t k = 0; k + 1 < N_LAYERS; k++) {
        double least = INFINITY;
        double most = 0;
        for (size_t i = 0; i < b->rings[k].n; i++) {
            least = fmin(least, b->rings[k].sorted[i].r);
        }
        for (size_t i = 0; i < b->rings[k + 1].n; i++) {
            most = fmax(most, b->rings[k + 1].sorted[i].r);
        }
        const double dr = fmax(most - least, 0);
        // A reach of more than half a turn would find hits twice.
        b->reach[k] = fmin(b->cuts->phi_slope * dr * (1 + 0x1p-20) + 0x1p-40, MB_PI);
    }
}

// The first hit of a ring at or behind phi.
static size_t lower_bound(const phi_ring *ring, double phi) {
    const size_t bin = bin_of(ring, phi);
    size_t first = ring->bin[bin];
    for (size_t left = ring->bin[bin + 1] - first; left > 0;) {
        const size_t half = left / 2;
        const bool is_before = ring->sorted[first + half].phi < phi;
        first += is_before ? half + 1 : 0;
        left = is_before ? left - half - 1 : half;
    }
    return first;
}

// Differences of two angles from -pi to pi are within two turns.
static double wrap(double phi) {
    const double turns = (phi + MB_PI) / (2 * MB_PI);
    return phi - 2 * MB_PI * (turns < 0 ? -1 : turns < 1 ? 0 : 1);
}

static bool is_segment(const mb_tracks_builder *cuts, const place *a, const place *b) {
    const double dr = b->r - a->r;
    if (!(dr > 0) || fabs(wrap(b->phi - a->phi)) > cuts->phi_slope * dr) {
        return false;
    }
    return fabs(a->z - a->r * (b->z - a->z) / dr) <= cuts->z0;
}

static mb_status add_range(
    builder *b, const place *own, const phi_ring *ring, double low, double high) {
    for (size_t k = lower_bound(ring, low); k < ring->n && ring->sorted[k].phi < high; k++) {
        if (!is_segment(b->cuts, own, &ring->sorted[k])) {
            continue;
        }
        if (b->n_outwards == b->capacity) {
            MB_TRY(mb_grow(
                b->store->ctx, &b->outwards, &b->capacity, b->n_outwards + 1, sizeof *b->outwards));
        }
        b->outwards[b->n_outwards++] = ring->sorted[k].hit;
    }
    return MB_OK;
}

// A range of phi may go round.
static mb_status find_outwards(builder *b, const int32_t *layer) {
    for (size_t i = 0; i < b->n; i++) {
        b->first[i] = b->n_outwards;
        const int32_t own = layer[i];
        const bool has_next = own >= 0 && own + 1 < N_LAYERS && b->rings[own + 1].n > 0;
        for (int turn = -1; turn <= 1 && has_next; turn++) {
            const double middle = b->own[i].phi + 2 * MB_PI * turn;
            const double low = middle - b->reach[own];
            const double high = middle + b->reach[own];
            if (high >= -MB_PI && low <= MB_PI) {
                MB_TRY(add_range(b, &b->own[i], &b->rings[own + 1], low, high));
            }
        }
        sort_hits(b->outwards + b->first[i], b->n_outwards - b->first[i]);
    }
    b->first[b->n] = b->n_outwards;
    return MB_OK;
}

static void put_edge(mb_tracks_edges *graph, size_t source, int32_t destination) {
    graph->source[graph->n] = (int32_t)source;
    graph->destination[graph->n++] = destination;
}

static mb_status put_outwards(builder *b) {
    mb_tracks_edges *graph = &b->store->graph[MB_TRACKS_PRED];
    MB_TRY(mb_tracks_store_reserve(b->store, graph, b->n_outwards));
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = b->first[i]; k < b->first[i + 1]; k++) {
            put_edge(graph, i, b->outwards[k]);
        }
    }
    return MB_OK;
}

// Each segment from both of its ends. Both lists of a hit are in order, and so is what is merged.
static mb_status put_both(builder *b) {
    mb_context *ctx = b->store->ctx;
    mb_tracks_edges *graph = &b->store->graph[MB_TRACKS_PRED];
    size_t *end = mb_allocate_zeroed(ctx, b->n + 1, sizeof *end); // of each hit in inwards
    int32_t *inwards = mb_allocate(ctx, b->n_outwards, sizeof *inwards);
    mb_status status = end == NULL || inwards == NULL
                           ? MB_ERR_MEMORY
                           : mb_tracks_store_reserve(b->store, graph, 2 * b->n_outwards);
    for (size_t k = 0; k < b->n_outwards && status == MB_OK; k++) {
        end[b->outwards[k] + 1]++;
    }
    for (size_t i = 0; i < b->n && status == MB_OK; i++) {
        end[i + 1] += end[i];
    }
    // Filled in order of the sources; each beginning moves to its end.
    for (size_t i = 0; i < b->n && status == MB_OK; i++) {
        for (size_t k = b->first[i]; k < b->first[i + 1]; k++) {
            inwards[end[b->outwards[k]]++] = (int32_t)i;
        }
    }
    for (size_t i = 0, in = 0; i < b->n && status == MB_OK; i++) {
        size_t out = b->first[i];
        while (in < end[i] || out < b->first[i + 1]) {
            const bool is_in =
                out == b->first[i + 1] || (in < end[i] && inwards[in] < b->outwards[out]);
            put_edge(graph, i, is_in ? inwards[in++] : b->outwards[out++]);
        }
    }
    mb_release(ctx, end);
    mb_release(ctx, inwards);
    return status;
}

static mb_status build(builder *b, const float *xyz, const int32_t *layer) {
    mb_context *ctx = b->store->ctx;
    b->own = mb_allocate(ctx, b->n, sizeof *b->own);
    b->sorted = mb_allocate(ctx, b->n, sizeof *b->sorted);
    b->bin = mb_allocate(ctx, b->n + N_LAYERS, sizeof *b->bin);
    b->first = mb_allocate(ctx, b->n + 1, sizeof *b->first);
    if (b->own == NULL || b->sorted == NULL || b->bin == NULL || b->first == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < b->n; i++) {
        const double x = (double)xyz[3 * i];
        const double y = (double)xyz[3 * i + 1];
        b->own[i] =
            (place){mb_atan2(y, x), sqrt(x * x + y * y), (double)xyz[3 * i + 2], (int32_t)i};
    }
    MB_TRY(make_rings(b, layer));
    set_reaches(b);
    MB_TRY(find_outwards(b, layer));
    return b->cuts->both_directions ? put_both(b) : put_outwards(b);
}

mb_status mb_tracks_build_segments(mb_tracks_store *store, const mb_tracks_builder *cuts, size_t n,
    const float *xyz, const int32_t *layer) {
    builder b = {.store = store, .cuts = cuts, .n = n};
    const mb_status status = build(&b, xyz, layer);
    mb_release(store->ctx, b.own);
    mb_release(store->ctx, b.sorted);
    mb_release(store->ctx, b.bin);
    mb_release(store->ctx, b.first);
    mb_release(store->ctx, b.outwards);
    return status;
}
