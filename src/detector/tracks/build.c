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

mb_status mb_tracks_layers(const mb_tracks_store *store, size_t first, size_t n, int32_t *layer) {
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

typedef struct strips {
    entry *sorted;
    size_t n;
} strips;

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

// The first entry of a strip at or behind a place.
static size_t lower_bound(const strips *s, int64_t strip, double along) {
    size_t first = 0;
    for (size_t left = s->n; left > 0;) {
        const size_t half = left / 2;
        const entry *e = &s->sorted[first + half];
        const bool is_before = e->strip < strip || (e->strip == strip && e->along < along);
        first += is_before ? half + 1 : 0;
        left = is_before ? left - half - 1 : half;
    }
    return first;
}

// A search over the hits of a sample.
typedef struct search {
    mb_tracks_store *store;
    const mb_tracks_builder *builder;
    size_t n, n_columns;
    double *x;      // (n_columns, n): coordinates whose distance counts
    int32_t *layer; // NULL: layers do not count
    strips strips;
    int32_t *found; // of one hit
    size_t n_found, capacity;
} search;

static int compare_indices(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static mb_status add_found(search *s, int32_t hit) {
    if (s->n_found == s->capacity) {
        MB_TRY(mb_grow(s->store->ctx, &s->found, &s->capacity, s->n_found + 1, sizeof *s->found));
    }
    s->found[s->n_found++] = hit;
    return MB_OK;
}

// Mostly a few, nearly in order.
static void sort_found(search *s) {
    if (s->n_found > 32) {
        qsort(s->found, s->n_found, sizeof *s->found, compare_indices);
        return;
    }
    for (size_t i = 1; i < s->n_found; i++) {
        const int32_t at = s->found[i];
        size_t k = i;
        for (; k > 0 && s->found[k - 1] > at; k--) {
            s->found[k] = s->found[k - 1];
        }
        s->found[k] = at;
    }
}

static mb_status emit_found(search *s, size_t source) {
    mb_tracks_edges *graph = &s->store->graph[MB_TRACKS_PRED];
    MB_TRY(mb_tracks_store_reserve(s->store, graph, s->n_found));
    sort_found(s);
    for (size_t k = 0; k < s->n_found; k++) {
        graph->source[graph->n] = (int32_t)source;
        graph->destination[graph->n++] = s->found[k];
    }
    return MB_OK;
}

static bool are_neighbours(const search *s, size_t a, size_t b) {
    if (a == b) {
        return s->builder->self_loops;
    }
    if (s->layer != NULL &&
        (s->layer[a] < 0 || s->layer[b] < 0 || abs(s->layer[a] - s->layer[b]) != 1)) {
        return false;
    }
    double sum = 0;
    for (size_t c = 0; c < s->n_columns; c++) {
        const double d = s->x[c * s->n + a] - s->x[c * s->n + b];
        sum += d * d;
    }
    return sum <= s->builder->radius * s->builder->radius;
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

static mb_status find_neighbours(search *s, const double *across, const double *along) {
    const double radius = s->builder->radius;
    // Rounding of the quotient must not hide a strip, nor that of the difference a hit.
    const double width = radius * (1 + 0x1p-20);
    for (size_t i = 0; i < s->n; i++) {
        s->strips.sorted[i] = (entry){strip_of(across[i], width), along[i], (int32_t)i};
    }
    if (s->n > 1) {
        qsort(s->strips.sorted, s->n, sizeof(entry), compare_entries);
    }
    for (size_t i = 0; i < s->n; i++) {
        const int64_t strip = strip_of(across[i], width);
        const double reach = width + fabs(along[i]) * 0x1p-40;
        s->n_found = 0;
        for (int64_t k = strip - 1; k <= strip + 1; k++) {
            for (size_t e = lower_bound(&s->strips, k, along[i] - reach); e < s->n; e++) {
                const entry *at = &s->strips.sorted[e];
                if (at->strip != k || at->along > along[i] + reach) {
                    break;
                }
                if (are_neighbours(s, i, (size_t)at->hit)) {
                    MB_TRY(add_found(s, at->hit));
                }
            }
        }
        MB_TRY(emit_found(s, i));
    }
    return MB_OK;
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
        MB_TRY(mb_tracks_layers(s->store, first, s->n, s->layer));
    }
    size_t axis[2];
    widest(s, axis);
    return find_neighbours(s, s->x + axis[0] * s->n, s->x + axis[1] * s->n);
}

static mb_status build_segments(const search *s, size_t first) {
    const mb_tracks_field *xyz;
    MB_TRY(find_xyz(s->store, &xyz));
    MB_TRY(mb_tracks_layers(s->store, first, s->n, s->layer));
    return mb_tracks_build_segments(s->store, s->builder, s->n, xyz->value + 3 * first, s->layer);
}

mb_status mb_tracks_build(
    mb_tracks_store *store, const mb_tracks_builder *builder, size_t first, size_t n) {
    search s = {.store = store, .builder = builder, .n = n};
    const bool has_layers = builder->kind == MB_TRACKS_SEGMENTS || builder->adjacent_layers;
    mb_status status = MB_OK;
    s.strips = (strips){mb_allocate(store->ctx, n, sizeof(entry)), n};
    s.layer = has_layers ? mb_allocate(store->ctx, n, sizeof *s.layer) : NULL;
    if (s.strips.sorted == NULL || (has_layers && s.layer == NULL)) {
        status = MB_ERR_MEMORY;
    }
    if (status == MB_OK && n > 0) {
        status = builder->kind == MB_TRACKS_SEGMENTS ? build_segments(&s, first)
                                                     : build_neighbours(&s, first);
    }
    mb_release(store->ctx, s.x);
    mb_release(store->ctx, s.layer);
    mb_release(store->ctx, s.found);
    mb_release(store->ctx, s.strips.sorted);
    return status;
}
