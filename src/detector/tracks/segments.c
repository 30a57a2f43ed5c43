// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/segments.h"

#include "base/math.h"
#include "geometry/barrel.h"

#include <math.h>

enum { N_LAYERS = MB_BARREL_N_LAYERS };

typedef struct place {
    double phi, r, z;
    int32_t hit;
} place;

// The hits of a layer in cells of equal width in phi and z, at most as many cells as hits.
typedef struct layer_cells {
    const place *place; // cell by cell, those of one phi behind each other
    size_t n;
    size_t *begin; // n_phi * n_z + 1
    size_t n_phi, n_z;
    double low_z, high_z, per_z; // cells per mm
    double least_r, most_r;
} layer_cells;

typedef struct builder {
    mb_tracks_store *store;
    const mb_tracks_builder *cuts;
    size_t n;
    place *own;    // (n) by hit
    place *sorted; // by layer and cell
    size_t *begin; // (n + N_LAYERS) of all layers' cells
    layer_cells layers[N_LAYERS];
    double reach[N_LAYERS]; // in phi, from a layer to the next
    size_t *first;          // (n + 1) of each hit in outwards
    int32_t *outwards;      // hits that segments go to
    size_t n_outwards, capacity;
} builder;

// A cell among n. Never falls as at rises.
static size_t clamp_cell(double at, size_t n) {
    return at > 0 ? at < (double)n ? (size_t)at : n - 1 : 0;
}

static size_t phi_cell(const layer_cells *c, double phi) {
    return clamp_cell((phi + MB_PI) * ((double)c->n_phi / (2 * MB_PI)), c->n_phi);
}

static size_t z_cell(const layer_cells *c, double z) {
    return clamp_cell((z - c->low_z) * c->per_z, c->n_z);
}

static size_t cell_of(const layer_cells *c, const place *at) {
    return phi_cell(c, at->phi) * c->n_z + z_cell(c, at->z);
}

// Sorts the hits of a layer, which lie at from in the order of the sample, into cells. A search
// looks at some three of them in phi.
static void fill_cells(layer_cells *c, double reach, const place *from, place *to, size_t *begin) {
    c->n_phi = clamp_cell(2 * MB_PI / reach, c->n) + 1;
    c->n_phi = mb_min_size(c->n_phi, c->n);
    c->n_z = c->n / c->n_phi;
    c->per_z = c->high_z > c->low_z ? (double)c->n_z / (c->high_z - c->low_z) : 0;
    const size_t n_cells = c->n_phi * c->n_z;
    memset(begin, 0, (n_cells + 1) * sizeof *begin);
    for (size_t i = 0; i < c->n; i++) {
        begin[cell_of(c, &from[i])]++;
    }
    size_t end = 0;
    for (size_t k = 0; k < n_cells; k++) {
        end += begin[k];
        begin[k] = end;
    }
    begin[n_cells] = end;
    for (size_t i = c->n; i-- > 0;) {
        to[--begin[cell_of(c, &from[i])]] = from[i];
    }
    c->place = to;
    c->begin = begin;
}

static void count_hit(layer_cells *c, const place *at) {
    const bool is_first = c->n++ == 0;
    c->least_r = is_first || at->r < c->least_r ? at->r : c->least_r;
    c->most_r = is_first || at->r > c->most_r ? at->r : c->most_r;
    c->low_z = is_first || at->z < c->low_z ? at->z : c->low_z;
    c->high_z = is_first || at->z > c->high_z ? at->z : c->high_z;
}

static void set_reaches(builder *b) {
    for (size_t k = 0; k + 1 < N_LAYERS; k++) {
        const double dr = fmax(b->layers[k + 1].most_r - b->layers[k].least_r, 0);
        // A reach of more than half a turn would find hits twice.
        b->reach[k] = fmin(b->cuts->phi_slope * dr * (1 + 0x1p-20) + 0x1p-40, MB_PI);
    }
}

static mb_status make_cells(builder *b, const int32_t *layer) {
    place *by_layer = mb_allocate(b->store->ctx, b->n, sizeof *by_layer);
    if (by_layer == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t start[N_LAYERS + 1] = {0};
    for (size_t i = 0; i < b->n; i++) {
        if (layer[i] >= 0 && layer[i] < N_LAYERS) {
            count_hit(&b->layers[layer[i]], &b->own[i]);
        }
    }
    for (size_t k = 0; k < N_LAYERS; k++) {
        start[k + 1] = start[k] + b->layers[k].n;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (layer[i] >= 0 && layer[i] < N_LAYERS) {
            by_layer[start[layer[i]]++] = b->own[i];
        }
    }
    set_reaches(b);
    for (size_t k = 1; k < N_LAYERS; k++) {
        const size_t first = start[k] - b->layers[k].n;
        if (b->layers[k].n > 0) {
            fill_cells(&b->layers[k], b->reach[k - 1], by_layer + first, b->sorted + first,
                b->begin + first + k);
        }
    }
    mb_release(b->store->ctx, by_layer);
    return MB_OK;
}

// Between which z a segment from a hit can end on a layer, with room for rounding.
static void range_of_z(
    const layer_cells *c, const place *own, double z0, double *low, double *high) {
    const double least = fmax(c->least_r - own->r, 0);
    const double most = c->most_r - own->r;
    const double down = (own->z - z0) / own->r;
    const double up = (own->z + z0) / own->r;
    *low = own->z + fmin(down * least, down * most);
    *high = own->z + fmax(up * least, up * most);
    const double room = 1e-9 * (1 + fabs(own->z) + fabs(*low) + fabs(*high));
    *low -= room;
    *high += room;
    if (!(own->r > 0)) {
        *low = c->low_z;
        *high = c->high_z;
    }
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

static mb_status add_outwards(builder *b, int32_t hit) {
    if (b->n_outwards == b->capacity) {
        // Too many edges are told before there is too little memory.
        MB_TRY(
            mb_tracks_store_reserve(b->store, &b->store->graph[MB_TRACKS_PRED], b->n_outwards + 1));
        MB_TRY(mb_grow(
            b->store->ctx, &b->outwards, &b->capacity, b->n_outwards + 1, sizeof *b->outwards));
    }
    b->outwards[b->n_outwards++] = hit;
    return MB_OK;
}

// Hits of a layer at phi from low to high.
static mb_status search_cells(
    builder *b, const place *own, const layer_cells *c, double low, double high) {
    double low_z;
    double high_z;
    range_of_z(c, own, b->cuts->z0, &low_z, &high_z);
    const size_t first_z = z_cell(c, low_z);
    const size_t last_z = z_cell(c, high_z);
    for (size_t row = phi_cell(c, low); row <= phi_cell(c, high); row++) {
        const size_t end = c->begin[row * c->n_z + last_z + 1];
        for (size_t k = c->begin[row * c->n_z + first_z]; k < end; k++) {
            const place *at = &c->place[k];
            if (at->phi >= low && at->phi < high && is_segment(b->cuts, own, at)) {
                MB_TRY(add_outwards(b, at->hit));
            }
        }
    }
    return MB_OK;
}

// A range of phi may go round.
static mb_status find_outwards(builder *b, const int32_t *layer) {
    for (size_t i = 0; i < b->n; i++) {
        b->first[i] = b->n_outwards;
        const int32_t own = layer[i];
        const bool has_next = own >= 0 && own + 1 < N_LAYERS && b->layers[own + 1].n > 0;
        for (int turn = -1; turn <= 1 && has_next; turn++) {
            const double middle = b->own[i].phi + 2 * MB_PI * turn;
            const double low = middle - b->reach[own];
            const double high = middle + b->reach[own];
            if (high >= -MB_PI && low <= MB_PI) {
                MB_TRY(search_cells(b, &b->own[i], &b->layers[own + 1], low, high));
            }
        }
    }
    b->first[b->n] = b->n_outwards;
    return MB_OK;
}

static void put_edge(mb_tracks_edges *graph, size_t source, int32_t destination) {
    graph->source[graph->n] = (int32_t)source;
    graph->destination[graph->n++] = destination;
}

static void put_outwards(const builder *b, mb_tracks_edges *graph) {
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = b->first[i]; k < b->first[i + 1]; k++) {
            put_edge(graph, i, b->outwards[k]);
        }
    }
}

// Each segment from both of its ends; both lists of a hit are in order, and so is what is merged.
static void put_both(
    const builder *b, const size_t *end, const int32_t *inwards, mb_tracks_edges *graph) {
    for (size_t i = 0, in = 0; i < b->n; i++) {
        size_t out = b->first[i];
        while (in < end[i] || out < b->first[i + 1]) {
            const bool is_in =
                out == b->first[i + 1] || (in < end[i] && inwards[in] < b->outwards[out]);
            put_edge(graph, i, is_in ? inwards[in++] : b->outwards[out++]);
        }
    }
}

// The hits that segments come from, hit by hit. Filled in order of the sources; filling the
// outward lists from them anew brings these in order, too. end (n + 1) is where each ends.
static void turn_round(builder *b, size_t *end, int32_t *inwards) {
    memset(end, 0, (b->n + 1) * sizeof *end);
    for (size_t k = 0; k < b->n_outwards; k++) {
        end[b->outwards[k] + 1]++;
    }
    for (size_t i = 0; i < b->n; i++) {
        end[i + 1] += end[i];
    }
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = b->first[i]; k < b->first[i + 1]; k++) {
            inwards[end[b->outwards[k]]++] = (int32_t)i;
        }
    }
    for (size_t i = 0, k = 0; i < b->n; i++) {
        for (; k < end[i]; k++) {
            b->outwards[b->first[inwards[k]]++] = (int32_t)i;
        }
    }
    // Each beginning moved to its end, which is the next one's beginning.
    memmove(b->first + 1, b->first, b->n * sizeof *b->first);
    b->first[0] = 0;
}

static mb_status put_edges(builder *b) {
    mb_context *ctx = b->store->ctx;
    mb_tracks_edges *graph = &b->store->graph[MB_TRACKS_PRED];
    const bool is_both = b->cuts->both_directions;
    size_t *end = mb_allocate(ctx, b->n + 1, sizeof *end);
    int32_t *inwards = mb_allocate(ctx, b->n_outwards, sizeof *inwards);
    mb_status status = end == NULL || inwards == NULL ? MB_ERR_MEMORY
                                                      : mb_tracks_store_reserve(b->store, graph,
                                                            (is_both ? 2 : 1) * b->n_outwards);
    if (status == MB_OK) {
        turn_round(b, end, inwards);
        if (is_both) {
            put_both(b, end, inwards, graph);
        } else {
            put_outwards(b, graph);
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
    b->begin = mb_allocate(ctx, b->n + N_LAYERS, sizeof *b->begin);
    b->first = mb_allocate(ctx, b->n + 1, sizeof *b->first);
    if (b->own == NULL || b->sorted == NULL || b->begin == NULL || b->first == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < b->n; i++) {
        const double x = (double)xyz[3 * i];
        const double y = (double)xyz[3 * i + 1];
        b->own[i] =
            (place){mb_atan2(y, x), sqrt(x * x + y * y), (double)xyz[3 * i + 2], (int32_t)i};
    }
    MB_TRY(make_cells(b, layer));
    MB_TRY(find_outwards(b, layer));
    return put_edges(b);
}

mb_status mb_tracks_build_segments(mb_tracks_store *store, const mb_tracks_builder *cuts, size_t n,
    const float *xyz, const int32_t *layer) {
    builder b = {.store = store, .cuts = cuts, .n = n};
    const mb_status status = build(&b, xyz, layer);
    mb_release(store->ctx, b.own);
    mb_release(store->ctx, b.sorted);
    mb_release(store->ctx, b.begin);
    mb_release(store->ctx, b.first);
    mb_release(store->ctx, b.outwards);
    return status;
}
