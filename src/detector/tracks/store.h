// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_STORE_H
#define DETECTOR_TRACKS_STORE_H

#include "detector/tracks/settings.h"

// Samples as they are read: one long array per quantity, samples one behind the other. A reader
// begins a sample, fills it, and ends it; a sample that was begun and not ended is dropped by the
// next begin.

typedef struct mb_tracks_field {
    const char *name;
    size_t width, capacity;
    float *value; // (hits, width)
} mb_tracks_field;

typedef struct mb_tracks_edges {
    bool is_given;    // the files have it
    uint64_t *offset; // n samples + 1
    size_t offset_capacity;
    int32_t *source, *destination;
    size_t n, source_capacity, destination_capacity;
} mb_tracks_edges;

typedef struct mb_tracks_store {
    mb_context *ctx;
    mb_arena arena;
    size_t n;              // samples ended
    uint64_t *node_offset; // n + 1
    size_t offset_capacity, event_capacity, file_capacity;
    int64_t *event;
    uint32_t *file;
    mb_tracks_field *field;
    size_t n_fields, field_capacity;
    int64_t *particle; // bits of uint64 where has_large_particle
    size_t particle_capacity;
    bool has_particle, has_large_particle;
    int64_t *hit_id; // of the files, where they have any
    size_t hit_id_capacity;
    bool has_hit_id;
    mb_tracks_edges graph[MB_TRACKS_N_GRAPHS];
    float *label; // per loss edge, where the files have labels in place of a graph "true"
    size_t label_capacity;
    bool has_label;
} mb_tracks_store;

// A field that weights are made from, and that goes no further: z of a hit less that of the vertex.
extern const char mb_tracks_way[];

void mb_tracks_store_init(mb_tracks_store *store, mb_context *ctx);
void mb_tracks_store_clear(mb_tracks_store *store);
// The field of a name, made with this width if there is none and no sample was read yet. Fails with
// SHAPE where it has another width, with FORMAT where samples before lack it. Borrowed until the
// next call.
mb_status mb_tracks_store_field(
    mb_tracks_store *store, const char *name, size_t width, mb_tracks_field **out) MB_MUST_CHECK;
// No sample was read yet: what the fields are is open again.
void mb_tracks_store_forget_fields(mb_tracks_store *store);
mb_tracks_field *mb_tracks_store_find(const mb_tracks_store *store, const char *name);
// Room for n hits in every field; where they begin is *first.
mb_status mb_tracks_store_begin(mb_tracks_store *store, size_t n, size_t *first) MB_MUST_CHECK;
// Room for n more edges after those added so far; the caller writes them and raises graph->n.
mb_status mb_tracks_store_reserve(
    mb_tracks_store *store, mb_tracks_edges *graph, size_t n) MB_MUST_CHECK;
mb_status mb_tracks_store_end(
    mb_tracks_store *store, size_t n, int64_t event, uint32_t file) MB_MUST_CHECK;

// Whether the samples of another store bring just the arrays and graphs that those here have.
bool mb_tracks_store_fits(const mb_tracks_store *store, const mb_tracks_store *other);
// Copies the one sample of another store, which fits.
mb_status mb_tracks_store_append(mb_tracks_store *store, const mb_tracks_store *from) MB_MUST_CHECK;

static inline size_t mb_tracks_n_hits(const mb_tracks_store *store) {
    return store->n > 0 ? (size_t)store->node_offset[store->n] : 0;
}

#endif
