// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/reader.h"

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
