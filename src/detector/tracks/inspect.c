// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/inspect.h"

#include "base/output.h"
#include "files/pickle.h"

// The kinds of members that a sample's hits may have.
static void tell_hits(const mb_pickle_value *hits, mb_buffer *text) {
    for (size_t i = 0; i + 1 < hits->as.items->n; i += 2) {
        const mb_pickle_value *key = &hits->as.items->items[i];
        const mb_pickle_value *value = &hits->as.items->items[i + 1];
        if (key->kind != MB_PICKLE_TEXT) {
            continue;
        }
        if (value->kind == MB_PICKLE_ARRAY && !value->as.array->has_objects) {
            char shape[96];
            const mb_array *array = &value->as.array->numbers;
            mb_buffer_format(text, "  hits.%-14.40s %-8s %s\n", key->as.text->bytes,
                mb_dtype_name(array->dtype), mb_array_shape_text(array, shape, sizeof shape));
        } else {
            mb_buffer_format(text, "  hits.%-14.40s %s\n", key->as.text->bytes,
                mb_pickle_kind_name(value->kind));
        }
    }
}

static size_t count_rows(const mb_pickle_value *value) {
    const mb_array *array =
        value != NULL && value->kind == MB_PICKLE_ARRAY ? &value->as.array->numbers : NULL;
    return array != NULL && array->rank > 0 ? array->shape[0] : 0;
}

static size_t count_edges(const mb_pickle_value *graph) {
    if (graph == NULL || (graph->kind != MB_PICKLE_LIST && graph->kind != MB_PICKLE_TUPLE)) {
        return 0;
    }
    const mb_pickle_items *rows = graph->as.items;
    if (rows->row_end != NULL) {
        return rows->row_end[rows->n - 1];
    }
    size_t n = 0;
    for (size_t i = 0; i < rows->n && rows->integers == NULL; i++) {
        const mb_pickle_value *row = &rows->items[i];
        const bool has_items = row->kind == MB_PICKLE_LIST || row->kind == MB_PICKLE_TUPLE ||
                               row->kind == MB_PICKLE_SET;
        n += has_items ? row->as.items->n : count_rows(row);
    }
    return n;
}

static void tell_samples(const mb_pickle_items *samples, mb_buffer *text) {
    size_t n_hits = 0;
    size_t least = SIZE_MAX;
    size_t most = 0;
    size_t n_edges[MB_TRACKS_N_GRAPHS] = {0};
    for (size_t i = 0; i < samples->n; i++) {
        const mb_pickle_value *hits = mb_pickle_find(&samples->items[i], "hits");
        const mb_pickle_value *graphs = mb_pickle_find(&samples->items[i], "graphs");
        const size_t n = count_rows(mb_pickle_find(hits, "xyz"));
        n_hits += n;
        least = mb_min_size(least, n);
        most = mb_max_size(most, n);
        for (size_t g = 0; g < MB_TRACKS_N_GRAPHS; g++) {
            n_edges[g] += count_edges(mb_pickle_find(graphs, mb_tracks_graph_names[g]));
        }
    }
    mb_buffer_format(text, "samples of tracks (tracks): %zu samples, %zu hits, %zu to %zu each\n",
        samples->n, n_hits, least, most);
    for (size_t g = 0; g < MB_TRACKS_N_GRAPHS; g++) {
        mb_buffer_format(text, "  graphs.%-12s %zu edges\n", mb_tracks_graph_names[g], n_edges[g]);
    }
    mb_buffer_text(text, "of the first sample:\n");
    tell_hits(mb_pickle_find(&samples->items[0], "hits"), text);
}

mb_status mb_tracks_inspect(mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text) {
    *is_mine = mb_path_has_suffix(path, ".pickle") || mb_path_has_suffix(path, ".pkl");
    if (!*is_mine) {
        return MB_OK;
    }
    mb_pickle pickle;
    MB_TRY(mb_pickle_read_packed(ctx, path, &pickle));
    const mb_pickle_items *samples =
        pickle.root.kind == MB_PICKLE_LIST ? pickle.root.as.items : NULL;
    const bool is_list = samples != NULL && samples->n > 0 && samples->integers == NULL;
    const mb_pickle_value *hits = is_list ? mb_pickle_find(&samples->items[0], "hits") : NULL;
    mb_status status = MB_OK;
    if (hits != NULL && hits->kind == MB_PICKLE_DICT) {
        tell_samples(samples, text);
        status = text->status;
    } else if (samples != NULL && samples->n == 0) {
        status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: is a pickle of an empty list: it holds no samples; write some {hits: {...}, "
            "graphs: {...}} into it",
            path);
    } else {
        status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: is a pickle of a %s, no list of samples {hits: {...}, graphs: {...}}", path,
            mb_pickle_kind_name(pickle.root.kind));
    }
    mb_pickle_clear(&pickle);
    return status;
}
