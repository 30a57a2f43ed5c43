// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/build.h"

#include "detector/tracks/segments.h"
#include "geometry/barrel.h"

#include <math.h>
#include <stdlib.h>

static mb_status find_field(
    const mb_tracks_store *store, const char *name, const mb_tracks_field **out) {
    *out = mb_tracks_store_find(store, name);
    return *out != NULL
               ? MB_OK
               : mb_fail(store->ctx, MB_ERR_FORMAT,
                     "data.graph: the hits have no array '%s'; name another, or write it", name);
}

static mb_status find_xyz(const mb_tracks_store *store, const mb_tracks_field **out) {
    MB_TRY(find_field(store, "xyz", out));
    return (*out)->width == 3 ? MB_OK
                              : mb_fail(store->ctx, MB_ERR_SHAPE,
                                    "data.graph: hits.xyz has %zu columns, not 3; write x, y and z",
                                    (*out)->width);
}

static int32_t nearest_layer(double r) {
    int32_t best = 0;
    for (int32_t i = 1; i < MB_BARREL_N_LAYERS; i++) {
        best = fabs(r - mb_barrel_layers[i].radius) < fabs(r - mb_barrel_layers[best].radius)
                   ? i
                   : best;
    }
    return best;
}

// The barrel layer 0 .. 9 of each hit into layer: what the files say (field "layer"), else the
// layer whose radius is nearest to that of xyz; -1: none.
static mb_status find_layers(const mb_tracks_store *store, size_t first, size_t n, int32_t *layer) {
    const mb_tracks_field *own = mb_tracks_store_find(store, "layer");
    for (size_t i = 0; own != NULL && i < n; i++) {
        const float at = own->value[first + i];
        layer[i] = at >= 0 && at < 0x1p20F ? (int32_t)at : -1;
    }
    if (own != NULL) {
        return MB_OK;
    }
    const mb_tracks_field *xyz;
    MB_TRY(find_xyz(store, &xyz));
    for (size_t i = 0; i < n; i++) {
        const float *at = xyz->value + (first + i) * 3;
        layer[i] =
            nearest_layer(sqrt((double)at[0] * (double)at[0] + (double)at[1] * (double)at[1]));
    }
    return MB_OK;
}

// Hits sorted into strips as wide as the reach along one coordinate, and along a second inside each
// strip: a search looks at three strips, and in each at a range.
typedef struct entry {
    int64_t strip;
    double along;
    int32_t hit;
} entry;

static int compare_entries(const void *a, const void *b) {
    const entry *x = a;
    const entry *y = b;
    if (x->strip != y->strip) {
        return x->strip < y->strip ? -1 : 1;
    }
    if (x->along < y->along || x->along > y->along) {
        return x->along < y->along ? -1 : 1;
    }
    return (x->hit > y->hit) - (x->hit < y->hit);
}

// A search over the hits of a sample.
typedef struct search {
    mb_tracks_store *store;
    const mb_tracks_builder *builder;
    size_t n, n_columns;
    double *x;      // (n_columns, n): coordinates whose distance counts
    double *point;  // (n, n_columns): the same in order of the strips
    int32_t *layer; // NULL: layers do not count
    entry *sorted;
    size_t *first; // (n + 1) in found, in order of the strips
    int32_t *found;
    size_t n_found, capacity;
} search;

static mb_status add_found(search *s, int32_t hit) {
    if (s->n_found == s->capacity) {
        // Too many edges are told before there is too little memory.
        MB_TRY(mb_tracks_store_reserve(s->store, &s->store->graph[MB_TRACKS_PRED], s->n_found + 1));
        MB_TRY(mb_grow(s->store->ctx, &s->found, &s->capacity, s->n_found + 1, sizeof *s->found));
    }
    s->found[s->n_found++] = hit;
    return MB_OK;
}

// Of hits at places among the strips.
static bool are_neighbours(const search *s, size_t a, size_t b) {
    if (a == b) {
        return s->builder->self_loops;
    }
    const double *x = s->point + a * s->n_columns;
    const double *y = s->point + b * s->n_columns;
    double sum = 0;
    for (size_t c = 0; c < s->n_columns; c++) {
        const double d = x[c] - y[c];
        sum += d * d;
    }
    if (!(sum <= s->builder->radius * s->builder->radius)) {
        return false;
    }
    if (s->layer == NULL) {
        return true;
    }
    const int32_t one = s->layer[s->sorted[a].hit];
    const int32_t other = s->layer[s->sorted[b].hit];
    return one >= 0 && other >= 0 && abs(one - other) == 1;
}

static void widest(const search *s, size_t axis[2]) {
    double spread[2] = {-1, -1};
    axis[0] = axis[1] = 0;
    for (size_t c = 0; c < s->n_columns; c++) {
        const double *x = s->x + c * s->n;
        double low = x[0];
        double high = x[0];
        for (size_t i = 1; i < s->n; i++) {
            low = fmin(low, x[i]);
            high = fmax(high, x[i]);
        }
        const size_t place = high - low > spread[0] ? 0 : 1;
        if (high - low > spread[place]) {
            spread[1] = place == 0 ? spread[0] : spread[1];
            axis[1] = place == 0 ? axis[0] : axis[1];
            spread[place] = high - low;
            axis[place] = c;
        }
    }
}

static int64_t strip_of(double x, double width) {
    const double place = floor(x / width);
    return place > -0x1p62 ? place < 0x1p62 ? (int64_t)place : INT64_C(1) << 62
                           : -(INT64_C(1) << 62);
}

static mb_status sort_hits(search *s, const double *across, const double *along, double width) {
    mb_context *ctx = s->store->ctx;
    s->sorted = mb_allocate(ctx, s->n, sizeof *s->sorted);
    s->point = mb_allocate(ctx, mb_max_size(s->n, 1) * s->n_columns, sizeof *s->point);
    s->first = mb_allocate(ctx, s->n + 1, sizeof *s->first);
    if (s->sorted == NULL || s->point == NULL || s->first == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < s->n; i++) {
        s->sorted[i] = (entry){strip_of(across[i], width), along[i], (int32_t)i};
    }
    qsort(s->sorted, s->n, sizeof *s->sorted, compare_entries);
    for (size_t e = 0; e < s->n; e++) {
        for (size_t c = 0; c < s->n_columns; c++) {
            s->point[e * s->n_columns + c] = s->x[c * s->n + (size_t)s->sorted[e].hit];
        }
    }
    return MB_OK;
}

// The neighbours of a hit. begin: in the strips before, of, and behind its own, the first hit that
// may be one; they only move on as searches go through the strips.
static mb_status search_from(search *s, size_t place, double width, size_t begin[3]) {
    const entry *own = &s->sorted[place];
    const double reach = width + fabs(own->along) * 0x1p-40;
    for (size_t k = 0; k < 3; k++) {
        const int64_t strip = own->strip + (int64_t)k - 1;
        size_t e = begin[k];
        while (e < s->n &&
               (s->sorted[e].strip < strip ||
                   (s->sorted[e].strip == strip && s->sorted[e].along < own->along - reach))) {
            e++;
        }
        begin[k] = e;
        for (; e < s->n && s->sorted[e].strip == strip; e++) {
            if (s->sorted[e].along > own->along + reach) {
                break;
            }
            if (are_neighbours(s, place, e)) {
                MB_TRY(add_found(s, s->sorted[e].hit));
            }
        }
    }
    return MB_OK;
}

// Edges by source and destination. Neighbours are so both ways: the lists turned round, filled in
// order of the hits, are the lists in order.
static mb_status put_found(search *s) {
    mb_context *ctx = s->store->ctx;
    mb_tracks_edges *graph = &s->store->graph[MB_TRACKS_PRED];
    size_t *end = mb_allocate_zeroed(ctx, s->n + 1, sizeof *end);
    size_t *place = mb_allocate(ctx, s->n, sizeof *place); // of a hit among the strips
    mb_status status = end == NULL || place == NULL
                           ? MB_ERR_MEMORY
                           : mb_tracks_store_reserve(s->store, graph, s->n_found);
    for (size_t k = 0; k < s->n_found && status == MB_OK; k++) {
        end[s->found[k] + 1]++;
    }
    for (size_t i = 0; i < s->n && status == MB_OK; i++) {
        end[i + 1] += end[i];
        place[s->sorted[i].hit] = i;
    }
    for (size_t i = 0; i < s->n && status == MB_OK; i++) {
        for (size_t k = s->first[place[i]]; k < s->first[place[i] + 1]; k++) {
            const size_t edge = graph->n + end[s->found[k]]++;
            graph->source[edge] = s->found[k];
            graph->destination[edge] = (int32_t)i;
        }
    }
    graph->n += status == MB_OK ? s->n_found : 0;
    mb_release(ctx, end);
    mb_release(ctx, place);
    return status;
}

static mb_status find_neighbours(search *s, const double *across, const double *along) {
    // Rounding of the quotient must not hide a strip, nor that of the difference a hit.
    const double width = s->builder->radius * (1 + 0x1p-20);
    size_t begin[3] = {0, 0, 0};
    MB_TRY(sort_hits(s, across, along, width));
    for (size_t e = 0; e < s->n; e++) {
        s->first[e] = s->n_found;
        MB_TRY(search_from(s, e, width, begin));
    }
    s->first[s->n] = s->n_found;
    return put_found(s);
}

static mb_status gather_columns(search *s, size_t first) {
    const mb_texts *of = &s->builder->of;
    const mb_tracks_field *field;
    s->n_columns = 0;
    for (size_t k = 0; k < of->n; k++) {
        MB_TRY(find_field(s->store, of->value[k], &field));
        s->n_columns += field->width;
    }
    s->x = mb_allocate(s->store->ctx, mb_max_size(s->n, 1) * s->n_columns, sizeof *s->x);
    if (s->x == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t column = 0;
    for (size_t k = 0; k < of->n; k++) {
        MB_TRY(find_field(s->store, of->value[k], &field));
        for (size_t c = 0; c < field->width; c++, column++) {
            for (size_t i = 0; i < s->n; i++) {
                s->x[column * s->n + i] = (double)field->value[(first + i) * field->width + c];
            }
        }
    }
    return MB_OK;
}

static mb_status build_neighbours(search *s, size_t first) {
    MB_TRY(gather_columns(s, first));
    if (s->builder->adjacent_layers) {
        MB_TRY(find_layers(s->store, first, s->n, s->layer));
    }
    size_t axis[2];
    widest(s, axis);
    return find_neighbours(s, s->x + axis[0] * s->n, s->x + axis[1] * s->n);
}

static mb_status build_segments(const search *s, size_t first) {
    const mb_tracks_field *xyz;
    MB_TRY(find_xyz(s->store, &xyz));
    MB_TRY(find_layers(s->store, first, s->n, s->layer));
    return mb_tracks_build_segments(s->store, s->builder, s->n, xyz->value + 3 * first, s->layer);
}

mb_status mb_tracks_build(
    mb_tracks_store *store, const mb_tracks_builder *builder, size_t first, size_t n) {
    search s = {.store = store, .builder = builder, .n = n};
    const bool has_layers = builder->kind == MB_TRACKS_SEGMENTS || builder->adjacent_layers;
    mb_status status = MB_OK;
    s.layer = has_layers ? mb_allocate(store->ctx, n, sizeof *s.layer) : NULL;
    if (has_layers && s.layer == NULL) {
        status = MB_ERR_MEMORY;
    }
    if (status == MB_OK && n > 0) {
        status = builder->kind == MB_TRACKS_SEGMENTS ? build_segments(&s, first)
                                                     : build_neighbours(&s, first);
    }
    mb_release(store->ctx, s.x);
    mb_release(store->ctx, s.layer);
    mb_release(store->ctx, s.found);
    mb_release(store->ctx, s.sorted);
    mb_release(store->ctx, s.point);
    mb_release(store->ctx, s.first);
    return status;
}
