// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"
#include "detector/tracks/reader.h"
#include "files/npy.h"
#include "files/zip.h"

#include <math.h>

// A segment graph: an edge is a column of the matrices Ro (where it starts) and Ri (where it ends),
// which are stored as pairs (row, column).

enum { X, RI_ROWS, RI_COLS, RO_ROWS, RO_COLS, Y, N_MEMBERS };
static const char *const members[N_MEMBERS] = {
    "X", "Ri_rows", "Ri_cols", "Ro_rows", "Ro_cols", "y"};

// In mm, as far as a float reaches with room for squares of differences.
static const double farthest = 1e18;

typedef struct graph_file {
    mb_tracks_reader *reader;
    const char *path;
    mb_array array[N_MEMBERS];
    size_t n_hits, n_edges, first;
} graph_file;

static mb_status fail(const graph_file *g, mb_status status, size_t member, const char *format, ...)
    MB_PRINTF(4, 5);

static mb_status fail(
    const graph_file *g, mb_status status, size_t member, const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)mb_fail_list(g->reader->ctx, status, format, list);
    va_end(list);
    return mb_fail_within(g->reader->ctx, "%s: %s", g->path, members[member]);
}

static mb_status read_members(graph_file *g, mb_zip *zip) {
    for (size_t i = 0; i < N_MEMBERS; i++) {
        char name[16];
        char where[1024];
        (void)mb_format(name, sizeof name, "%s.npy", members[i]);
        (void)mb_format(where, sizeof where, "%s: %s", g->path, members[i]);
        const size_t member = mb_zip_find(zip, name);
        if (member == SIZE_MAX) {
            if (i == Y && !g->reader->needs_truth) {
                continue;
            }
            return fail(g, MB_ERR_FORMAT, i,
                "is missing; write X, Ri_rows, Ri_cols, Ro_rows, Ro_cols and y");
        }
        char *bytes = NULL;
        size_t length = 0;
        mb_status status = mb_zip_read(zip, member, &bytes, &length);
        if (status == MB_OK) {
            status = mb_npy_parse(g->reader->ctx, where, bytes, length, &g->array[i]);
        }
        mb_release(g->reader->ctx, bytes);
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status check_lists(graph_file *g) {
    const mb_array *x = &g->array[X];
    char shape[96];
    if (x->rank != 2 || x->shape[1] != 3 || (x->dtype != MB_F32 && x->dtype != MB_F64)) {
        return fail(g, MB_ERR_SHAPE, X, "is %s of %s; write floats (hits, 3): r, phi, z",
            mb_dtype_name(x->dtype), mb_array_shape_text(x, shape, sizeof shape));
    }
    g->n_hits = x->shape[0];
    for (size_t i = RI_ROWS; i <= RO_COLS; i++) {
        const mb_array *list = &g->array[i];
        const bool is_integer =
            list->dtype != MB_F32 && list->dtype != MB_F64 && list->dtype != MB_BOOL;
        if (list->rank != 1 || (!is_integer && mb_array_count(list) > 0)) {
            return fail(g, MB_ERR_FORMAT, i, "is %s of %s; write a list of integers",
                mb_dtype_name(list->dtype), mb_array_shape_text(list, shape, sizeof shape));
        }
        if (list->shape[0] != g->array[RI_ROWS].shape[0]) {
            return fail(g, MB_ERR_SHAPE, i, "has %zu entries, Ri_rows %zu; write as many",
                list->shape[0], g->array[RI_ROWS].shape[0]);
        }
    }
    g->n_edges = g->array[RI_ROWS].shape[0];
    const mb_array *y = &g->array[Y];
    if (y->data != NULL && (y->rank != 1 || y->shape[0] != g->n_edges)) {
        return fail(g, MB_ERR_SHAPE, Y, "is %s; write one 0 or 1 for each of the %zu edges",
            mb_array_shape_text(y, shape, sizeof shape), g->n_edges);
    }
    return MB_OK;
}

// One end of each edge into out, which is -1 everywhere before.
static mb_status take_ends(const graph_file *g, size_t rows, size_t columns, int32_t *out) {
    for (size_t e = 0; e < g->n_edges; e++) {
        out[e] = -1;
    }
    for (size_t i = 0; i < g->n_edges; i++) {
        const double row = mb_array_get(&g->array[rows], i);
        const double column = mb_array_get(&g->array[columns], i);
        if (!(row >= 0 && row < (double)g->n_hits)) {
            return fail(g, MB_ERR_RANGE, rows,
                "entry %zu is %g, there are %zu hits; count them from 0 in X", i, row, g->n_hits);
        }
        if (!(column >= 0 && column < (double)g->n_edges)) {
            return fail(g, MB_ERR_RANGE, columns,
                "entry %zu is %g, there are %zu edges; count them from 0 in y", i, column,
                g->n_edges);
        }
        if (out[(size_t)column] >= 0) {
            return fail(g, MB_ERR_FORMAT, columns,
                "edge %zu is there twice and another is missing; write each once", (size_t)column);
        }
        out[(size_t)column] = (int32_t)row;
    }
    return MB_OK;
}

static mb_status take_edges(graph_file *g) {
    mb_tracks_store *store = g->reader->store;
    mb_tracks_edges *pred = &store->graph[MB_TRACKS_PRED];
    MB_TRY(mb_tracks_store_reserve(store, pred, g->n_edges));
    MB_TRY(take_ends(g, RO_ROWS, RO_COLS, pred->source + pred->n));
    MB_TRY(take_ends(g, RI_ROWS, RI_COLS, pred->destination + pred->n));
    pred->is_given = true;
    if (g->array[Y].data == NULL) {
        pred->n += g->n_edges;
        return MB_OK;
    }
    mb_tracks_edges *loss = &store->graph[MB_TRACKS_LOSS];
    mb_tracks_edges *truth = &store->graph[MB_TRACKS_TRUE];
    MB_TRY(mb_tracks_store_reserve(store, loss, g->n_edges));
    MB_TRY(mb_tracks_store_reserve(store, truth, g->n_edges));
    MB_TRY(mb_grow(store->ctx, &store->label, &store->label_capacity, loss->n + g->n_edges,
        sizeof *store->label));
    for (size_t e = 0; e < g->n_edges; e++) {
        const double y = mb_array_get(&g->array[Y], e);
        if (!(y <= 0 && y >= 0) && !(y <= 1 && y >= 1)) {
            return fail(g, MB_ERR_RANGE, Y, "edge %zu is %g; write 0 or 1", e, y);
        }
        store->label[loss->n] = (float)y;
        loss->source[loss->n] = pred->source[pred->n + e];
        loss->destination[loss->n++] = pred->destination[pred->n + e];
        if (y > 0.5) {
            truth->source[truth->n] = pred->source[pred->n + e];
            truth->destination[truth->n++] = pred->destination[pred->n + e];
        }
    }
    pred->n += g->n_edges;
    loss->is_given = truth->is_given = store->has_label = true;
    return MB_OK;
}

// X as it is, and the positions that it stands for.
static mb_status take_hits(graph_file *g) {
    mb_tracks_store *store = g->reader->store;
    mb_tracks_field *field;
    MB_TRY(mb_tracks_store_field(store, "X", 3, &field));
    MB_TRY(mb_tracks_store_field(store, "xyz", 3, &field));
    MB_TRY(mb_tracks_store_begin(store, g->n_hits, &g->first));
    float *x = mb_tracks_store_find(store, "X")->value + 3 * g->first;
    float *xyz = mb_tracks_store_find(store, "xyz")->value + 3 * g->first;
    const double section = MB_PI / (double)g->reader->settings->phi_sections;
    for (size_t i = 0; i < 3 * g->n_hits; i++) {
        const double value = mb_array_get(&g->array[X], i);
        if (!isfinite(value)) {
            return fail(g, MB_ERR_RANGE, X,
                "hit %zu, column %zu is %s; correct it, or set data.on_bad: drop", i / 3, i % 3,
                isnan(value) ? "not a number" : "infinite");
        }
        x[i] = (float)value;
    }
    for (size_t i = 0; i < g->n_hits; i++) {
        const double r = 1000 * (double)x[3 * i];
        const double phi = section * (double)x[3 * i + 1];
        const double z = 1000 * (double)x[3 * i + 2];
        const bool fits[3] = {fabs(r) <= farthest, fabs(phi) <= 0x1p20, fabs(z) <= farthest};
        for (size_t c = 0; c < 3; c++) {
            if (!fits[c]) {
                return fail(g, MB_ERR_RANGE, X,
                    "hit %zu, column %zu is %g, which is no place in a detector; write r, phi and "
                    "z divided by (1000, pi / data.phi_sections, 1000), or set data.on_bad: drop",
                    i, c, (double)x[3 * i + c]);
            }
        }
        xyz[3 * i] = (float)(r * mb_cos(phi));
        xyz[3 * i + 1] = (float)(r * mb_sin(phi));
        xyz[3 * i + 2] = (float)z;
    }
    return MB_OK;
}

static mb_status read_graph(graph_file *g, mb_zip *zip) {
    MB_TRY(read_members(g, zip));
    MB_TRY(check_lists(g));
    MB_TRY(take_hits(g));
    if (g->reader->settings->builder.kind == MB_TRACKS_AS_GIVEN) {
        MB_TRY(take_edges(g));
    }
    return mb_tracks_end_sample(g->reader, g->first, g->n_hits, g->reader->next_sample);
}

mb_status mb_tracks_parse_npz(mb_tracks_reader *reader, const char *path, mb_zip *zip) {
    graph_file g = {.reader = reader, .path = path};
    mb_status status = read_graph(&g, zip);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        mb_array_clear(&g.array[i]);
    }
    reader->next_sample++;
    return status != MB_OK && mb_tracks_may_drop(reader, status) ? MB_OK : status;
}

mb_status mb_tracks_read_npz(mb_tracks_reader *reader, const char *path) {
    mb_zip *zip = NULL;
    mb_status status = mb_zip_open(reader->ctx, path, &zip);
    if (status == MB_OK) {
        status = mb_tracks_parse_npz(reader, path, zip);
    }
    mb_zip_close(zip);
    return status;
}
