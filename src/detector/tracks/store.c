// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/store.h"

const char mb_tracks_way[] = "abs(z - vz)";

void mb_tracks_store_init(mb_tracks_store *store, mb_context *ctx) {
    *store = (mb_tracks_store){.ctx = ctx};
    mb_arena_init(&store->arena, ctx);
}

void mb_tracks_store_forget_fields(mb_tracks_store *store) {
    for (size_t i = 0; i < store->n_fields; i++) {
        mb_release(store->ctx, store->field[i].value);
    }
    store->n_fields = 0;
}

void mb_tracks_store_clear(mb_tracks_store *store) {
    mb_context *ctx = store->ctx;
    if (ctx == NULL) {
        return;
    }
    mb_tracks_store_forget_fields(store);
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        mb_release(ctx, store->graph[i].offset);
        mb_release(ctx, store->graph[i].source);
        mb_release(ctx, store->graph[i].destination);
    }
    mb_release(ctx, store->field);
    mb_release(ctx, store->node_offset);
    mb_release(ctx, store->event);
    mb_release(ctx, store->file);
    mb_release(ctx, store->particle);
    mb_release(ctx, store->hit_id);
    mb_release(ctx, store->label);
    mb_arena_clear(&store->arena);
    *store = (mb_tracks_store){0};
}

mb_tracks_field *mb_tracks_store_find(const mb_tracks_store *store, const char *name) {
    for (size_t i = 0; i < store->n_fields; i++) {
        if (strcmp(store->field[i].name, name) == 0) {
            return &store->field[i];
        }
    }
    return NULL;
}

mb_status mb_tracks_store_field(
    mb_tracks_store *store, const char *name, size_t width, mb_tracks_field **out) {
    *out = mb_tracks_store_find(store, name);
    if (*out != NULL) {
        return (*out)->width == width
                   ? MB_OK
                   : mb_fail(store->ctx, MB_ERR_SHAPE,
                         "hits.%s: has %zu columns, samples before have %zu; give all samples the "
                         "same",
                         name, width, (*out)->width);
    }
    if (store->n > 0) {
        return mb_fail(store->ctx, MB_ERR_FORMAT,
            "hits.%s: samples before do not have it; give all samples the same arrays", name);
    }
    MB_TRY(mb_grow(store->ctx, &store->field, &store->field_capacity, store->n_fields + 1,
        sizeof *store->field));
    const char *copy = mb_arena_text(&store->arena, store->ctx, name);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    store->field[store->n_fields] = (mb_tracks_field){.name = copy, .width = width};
    *out = &store->field[store->n_fields++];
    return MB_OK;
}

mb_status mb_tracks_store_begin(mb_tracks_store *store, size_t n, size_t *first) {
    *first = mb_tracks_n_hits(store);
    // Nodes of an event are counted in 32 bits.
    if (n >= INT32_MAX) {
        return mb_fail(store->ctx, MB_ERR_LIMIT,
            "%zu hits in one sample; cut it into samples of fewer than 2^31", n);
    }
    const size_t total = *first + n;
    for (size_t i = 0; i < store->n_fields; i++) {
        mb_tracks_field *field = &store->field[i];
        MB_TRY(mb_grow(
            store->ctx, &field->value, &field->capacity, total, field->width * sizeof(float)));
    }
    if (store->has_particle) {
        MB_TRY(mb_grow(store->ctx, &store->particle, &store->particle_capacity, total,
            sizeof *store->particle));
    }
    if (store->has_hit_id) {
        MB_TRY(mb_grow(
            store->ctx, &store->hit_id, &store->hit_id_capacity, total, sizeof *store->hit_id));
    }
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        mb_tracks_edges *graph = &store->graph[i];
        graph->n = store->n > 0 ? (size_t)graph->offset[store->n] : 0;
    }
    return MB_OK;
}

mb_status mb_tracks_store_reserve(mb_tracks_store *store, mb_tracks_edges *graph, size_t n) {
    const uint64_t limit = mb_context_limits(store->ctx)->bytes / (2 * sizeof *graph->source);
    if (n > limit || graph->n > limit - n) {
        return mb_fail(store->ctx, MB_ERR_LIMIT,
            "%zu edges are more than the memory limit allows; take fewer samples or tighter cuts",
            graph->n + n);
    }
    MB_TRY(mb_grow(
        store->ctx, &graph->source, &graph->source_capacity, graph->n + n, sizeof *graph->source));
    return mb_grow(store->ctx, &graph->destination, &graph->destination_capacity, graph->n + n,
        sizeof *graph->destination);
}

mb_status mb_tracks_store_end(mb_tracks_store *store, size_t n, int64_t event, uint32_t file) {
    mb_context *ctx = store->ctx;
    const size_t end = mb_tracks_n_hits(store) + n;
    const size_t samples = store->n + 1;
    MB_TRY(mb_grow(ctx, &store->node_offset, &store->offset_capacity, samples + 1,
        sizeof *store->node_offset));
    MB_TRY(mb_grow(ctx, &store->event, &store->event_capacity, samples, sizeof *store->event));
    MB_TRY(mb_grow(ctx, &store->file, &store->file_capacity, samples, sizeof *store->file));
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        mb_tracks_edges *graph = &store->graph[i];
        MB_TRY(mb_grow(
            ctx, &graph->offset, &graph->offset_capacity, samples + 1, sizeof *graph->offset));
        graph->offset[0] = 0;
        graph->offset[samples] = graph->n;
    }
    store->node_offset[0] = 0;
    store->node_offset[samples] = end;
    store->event[store->n] = event;
    store->file[store->n] = file;
    store->n = samples;
    return MB_OK;
}

bool mb_tracks_store_fits(const mb_tracks_store *store, const mb_tracks_store *other) {
    if (store->n == 0) {
        return true;
    }
    bool fits = store->n_fields == other->n_fields && store->has_particle == other->has_particle &&
                store->has_large_particle == other->has_large_particle &&
                store->has_hit_id == other->has_hit_id && store->has_label == other->has_label;
    for (size_t i = 0; fits && i < store->n_fields; i++) {
        fits = strcmp(store->field[i].name, other->field[i].name) == 0 &&
               store->field[i].width == other->field[i].width;
    }
    for (size_t i = 0; fits && i < MB_TRACKS_N_GRAPHS; i++) {
        fits = store->graph[i].is_given == other->graph[i].is_given;
    }
    return fits;
}

static mb_status take_kinds(mb_tracks_store *store, const mb_tracks_store *from) {
    mb_tracks_store_forget_fields(store);
    for (size_t i = 0; i < from->n_fields; i++) {
        mb_tracks_field *field;
        MB_TRY(mb_tracks_store_field(store, from->field[i].name, from->field[i].width, &field));
    }
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        store->graph[i].is_given = from->graph[i].is_given;
    }
    store->has_particle = from->has_particle;
    store->has_large_particle = from->has_large_particle;
    store->has_hit_id = from->has_hit_id;
    store->has_label = from->has_label;
    return MB_OK;
}

static void copy(void *to, const void *from, size_t n, size_t size) {
    if (n > 0) {
        memcpy(to, from, n * size);
    }
}

static void copy_hits(mb_tracks_store *store, size_t first, const mb_tracks_store *from) {
    const size_t n = mb_tracks_n_hits(from);
    for (size_t i = 0; i < store->n_fields; i++) {
        const size_t width = store->field[i].width;
        copy(store->field[i].value + first * width, from->field[i].value, n, width * sizeof(float));
    }
    if (store->has_particle) {
        copy(store->particle + first, from->particle, n, sizeof *from->particle);
    }
    if (store->has_hit_id) {
        copy(store->hit_id + first, from->hit_id, n, sizeof *from->hit_id);
    }
}

static mb_status copy_edges(mb_tracks_store *store, const mb_tracks_store *from) {
    if (store->has_label) {
        const size_t first = store->graph[MB_TRACKS_LOSS].n;
        const size_t n = from->graph[MB_TRACKS_LOSS].n;
        MB_TRY(mb_grow(
            store->ctx, &store->label, &store->label_capacity, first + n, sizeof *store->label));
        copy(store->label + first, from->label, n, sizeof *from->label);
    }
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        mb_tracks_edges *graph = &store->graph[i];
        const mb_tracks_edges *other = &from->graph[i];
        MB_TRY(mb_tracks_store_reserve(store, graph, other->n));
        copy(graph->source + graph->n, other->source, other->n, sizeof *other->source);
        copy(graph->destination + graph->n, other->destination, other->n, sizeof *other->source);
        graph->n += other->n;
    }
    return MB_OK;
}

mb_status mb_tracks_store_append(mb_tracks_store *store, const mb_tracks_store *from) {
    size_t first;
    if (store->n == 0) {
        MB_TRY(take_kinds(store, from));
    }
    MB_TRY(mb_tracks_store_begin(store, mb_tracks_n_hits(from), &first));
    copy_hits(store, first, from);
    MB_TRY(copy_edges(store, from));
    return mb_tracks_store_end(store, mb_tracks_n_hits(from), from->event[0], from->file[0]);
}
