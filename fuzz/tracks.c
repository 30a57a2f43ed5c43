// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/tracks/reader.h"

#include <stdlib.h>

// The first byte chooses the reader: samples in a pickle, a segment graph, or TrackML events in an
// archive. Every edge of what was read must join two hits.
static void check_edges(const mb_tracks_store *store) {
    for (size_t g = 0; g < MB_TRACKS_N_GRAPHS; g++) {
        const mb_tracks_edges *graph = &store->graph[g];
        for (size_t i = 0; i < store->n; i++) {
            const uint64_t n = store->node_offset[i + 1] - store->node_offset[i];
            for (uint64_t e = graph->offset[i]; e < graph->offset[i + 1]; e++) {
                if (graph->source[e] < 0 || (uint64_t)graph->source[e] >= n ||
                    graph->destination[e] < 0 || (uint64_t)graph->destination[e] >= n) {
                    abort();
                }
            }
        }
    }
}

static mb_status parse(mb_tracks_reader *reader, uint8_t kind, const uint8_t *data, size_t size) {
    if (kind == 0) {
        return mb_tracks_parse_pickle(reader, "fuzz", data, size);
    }
    mb_zip *zip = NULL;
    mb_status status = mb_zip_open_bytes(reader->ctx, "fuzz", data, size, &zip);
    if (status == MB_OK) {
        status = kind == 1 ? mb_tracks_parse_npz(reader, "fuzz", zip)
                           : mb_tracks_parse_zip(reader, "fuzz", zip);
    }
    mb_zip_close(zip);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const arrays[] = {"xyz"};
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    const mb_runtime_settings limits = {
        .limits = {.bytes = 1 << 24, .objects = 100000}, .n_threads = 1};
    if (size > 0 && mb_runtime_create(&limits, &runtime) == MB_OK &&
        mb_context_create(runtime, &ctx) == MB_OK) {
        mb_tracks_store store;
        mb_tracks_settings settings = {.phi_sections = 8};
        if (data[0] % 3 == 2) {
            settings.builder = (mb_tracks_builder){.kind = MB_TRACKS_NEIGHBOURS,
                .of = {1, (const char **)(uintptr_t)arrays},
                .radius = 10};
        }
        mb_tracks_reader reader = {
            .ctx = ctx, .settings = &settings, .store = &store, .needs_truth = true};
        mb_tracks_store_init(&store, ctx);
        mb_buffer_init(&reader.dropped, ctx);
        if (parse(&reader, data[0] % 3, data + 1, size - 1) == MB_OK) {
            check_edges(&store);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_tracks_store_clear(&store);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
