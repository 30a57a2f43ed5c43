// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/reader.h"

#include "base/threads.h"
#include "detector/tracks/build.h"
#include "detector/tracks/truth.h"

static mb_status build_graphs(mb_tracks_reader *reader, size_t first, size_t n) {
    mb_tracks_store *store = reader->store;
    const mb_tracks_builder *builder = &reader->settings->builder;
    MB_TRY(mb_tracks_build(store, builder, first, n));
    store->graph[MB_TRACKS_PRED].is_given = true;
    if (!store->has_particle) {
        return MB_OK;
    }
    MB_TRY(mb_tracks_make_true(store, store->particle + first, n, builder->self_loops));
    MB_TRY(mb_tracks_make_loss(store, n));
    store->graph[MB_TRACKS_LOSS].is_given = true;
    store->graph[MB_TRACKS_TRUE].is_given = true;
    return MB_OK;
}

mb_status mb_tracks_end_sample(mb_tracks_reader *reader, size_t first, size_t n, int64_t event) {
    if (reader->settings->builder.kind != MB_TRACKS_AS_GIVEN && !reader->leaves_graphs) {
        MB_TRY(build_graphs(reader, first, n));
    }
    return mb_tracks_store_end(reader->store, n, event, reader->file);
}

bool mb_tracks_may_drop(mb_tracks_reader *reader, mb_status status) {
    const bool is_of_sample =
        status == MB_ERR_FORMAT || status == MB_ERR_SHAPE || status == MB_ERR_RANGE;
    if (!is_of_sample || reader->settings->on_bad != MB_TRACKS_ON_BAD_DROP) {
        return false;
    }
    reader->n_dropped++;
    mb_buffer_format(&reader->dropped, "left out: %s\n", mb_context_error_text(reader->ctx));
    mb_context_clear(reader->ctx);
    return true;
}

// Files of one round, each read into a store of its own.
typedef struct ahead {
    const mb_tracks_reader *reader;
    mb_tracks_read_fn read;
    const char *const *paths;
    mb_tracks_store *stores;
} ahead;

// A file that fails leaves an empty store.
static mb_status read_ahead(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const ahead *a = user;
    mb_tracks_settings settings = *a->reader->settings;
    settings.on_bad = MB_TRACKS_ON_BAD_ERROR;
    mb_tracks_reader reader = {.ctx = ctx,
        .settings = &settings,
        .store = &a->stores[task],
        .needs_truth = a->reader->needs_truth,
        .leaves_graphs = a->reader->leaves_graphs,
        .file = a->reader->file + (uint32_t)task,
        .next_sample = a->reader->next_sample + (int64_t)task};
    mb_tracks_store_init(reader.store, ctx);
    if (a->read(&reader, a->paths[task]) != MB_OK) {
        mb_tracks_store_clear(reader.store);
        mb_context_clear(ctx);
    }
    return MB_OK;
}

// A file that failed, or that brings other arrays than those before, is read again in its turn:
// then what was before it decides what becomes of it.
static mb_status put_ahead(
    mb_tracks_reader *reader, mb_tracks_read_fn read, const char *path, mb_tracks_store *from) {
    if (from->n != 1 || !mb_tracks_store_fits(reader->store, from)) {
        return read(reader, path);
    }
    reader->next_sample++;
    return mb_tracks_store_append(reader->store, from);
}

mb_status mb_tracks_read_each(
    mb_tracks_reader *reader, mb_tracks_read_fn read, const char *const *paths, size_t n) {
    mb_context *ctx = reader->ctx;
    const size_t round = mb_min_size(n, mb_runtime_threads(mb_context_runtime(ctx)));
    mb_tracks_store *stores = mb_allocate_zeroed(ctx, mb_max_size(round, 1), sizeof *stores);
    mb_status status = stores == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t first = 0; first < n && status == MB_OK; first += round) {
        ahead a = {reader, read, paths + first, stores};
        const size_t n_files = mb_min_size(round, n - first);
        if (round > 1) {
            status = mb_parallel(ctx, n_files, read_ahead, &a);
        }
        for (size_t i = 0; i < n_files; i++, reader->file++) {
            stores[i].ctx = ctx;
            status = status == MB_OK ? put_ahead(reader, read, a.paths[i], &stores[i]) : status;
            mb_tracks_store_clear(&stores[i]);
        }
    }
    mb_release(ctx, stores);
    return status;
}
