// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/reader.h"
#include "files/pickle.h"

#include <math.h>
#include <stdlib.h>

// A sample that is being read, for messages.
typedef struct sample {
    mb_tracks_reader *reader;
    const char *path;
    size_t index;
    const mb_pickle_value *hits;
    size_t n_hits, first; // first: its hits' place in the store
} sample;

static mb_status fail(const sample *s, mb_status status, const char *what, const char *format, ...)
    MB_PRINTF(4, 5);

static mb_status fail(
    const sample *s, mb_status status, const char *what, const char *format, ...) {
    va_list list;
    va_start(list, format);
    (void)mb_fail_list(s->reader->ctx, status, format, list);
    va_end(list);
    return mb_fail_within(s->reader->ctx, "%s: sample %zu, %s", s->path, s->index, what);
}

static const mb_array *numbers_of(const mb_pickle_value *value) {
    return value != NULL && value->kind == MB_PICKLE_ARRAY && !value->as.array->has_objects
               ? &value->as.array->numbers
               : NULL;
}

// An array of the hits: (N, width), or (N) where width is 1.
static mb_status find_array(
    const sample *s, const char *key, const char *what, const mb_array **out) {
    const mb_pickle_value *value = mb_pickle_find(s->hits, key);
    if (value == NULL) {
        return fail(s, MB_ERR_FORMAT, what, "is missing; write the array beside the others");
    }
    *out = numbers_of(value);
    if (*out == NULL) {
        return fail(s, MB_ERR_FORMAT, what, "is %s%s; write a NumPy array of numbers",
            value->kind == MB_PICKLE_ARRAY ? "an array of objects" : "a ",
            value->kind == MB_PICKLE_ARRAY ? "" : mb_pickle_kind_name(value->kind));
    }
    return MB_OK;
}

static mb_status check_shape(
    const sample *s, const mb_array *array, const char *what, size_t width, bool is_flat) {
    const bool is_right = is_flat ? array->rank == 1 : array->rank == 2 && array->shape[1] == width;
    if (is_right && array->shape[0] == s->n_hits) {
        return MB_OK;
    }
    char found[96];
    mb_array_shape_text(array, found, sizeof found);
    if (is_flat) {
        return fail(s, MB_ERR_SHAPE, what, "expected (%zu), found %s; give one number a hit",
            s->n_hits, found);
    }
    return fail(s, MB_ERR_SHAPE, what, "expected (%zu, %zu), found %s; give one row a hit",
        s->n_hits, width, found);
}

static void copy_numbers(const mb_array *array, float *out) {
    const size_t n = mb_array_count(array);
    if (n == 0) {
        return;
    }
    if (array->dtype == MB_F32) {
        memcpy(out, array->data, n * sizeof *out);
    } else if (array->dtype == MB_F64) {
        const double *from = array->data;
        for (size_t i = 0; i < n; i++) {
            out[i] = (float)from[i];
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            out[i] = (float)mb_array_get(array, i);
        }
    }
}

static mb_status check_finite(const sample *s, const float *value, size_t width, const char *what) {
    const size_t n = s->n_hits * width;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(value[i])) {
            return fail(s, MB_ERR_RANGE, what,
                "hit %zu, column %zu is %s; correct it, or set data.on_bad: drop", i / width,
                i % width, isnan(value[i]) ? "not a number" : "infinite");
        }
    }
    return MB_OK;
}

static mb_status check_weights(const sample *s, const float *weight, const char *what) {
    for (size_t i = 0; i < s->n_hits; i++) {
        if (weight[i] < 0) {
            return fail(s, MB_ERR_RANGE, what,
                "hit %zu is %g, weights are numbers from 0; correct it, or set data.on_bad: drop",
                i, (double)weight[i]);
        }
    }
    return MB_OK;
}

// Arrays that are read as one number a hit.
static bool is_scalar(const char *name) {
    static const char *const names[] = {"weight", "pt", "eta", "layer"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static mb_status read_field(const sample *s, mb_tracks_field *field) {
    char what[96];
    (void)mb_format(what, sizeof what, "hits.%.80s", field->name);
    const mb_array *array = NULL;
    MB_TRY(find_array(s, field->name, what, &array));
    if (field->width == 0) {
        return fail(s, MB_ERR_SHAPE, what, "has no columns; give numbers for each hit");
    }
    const bool is_flat = field->width == 1 ? array->rank == 1 : is_scalar(field->name);
    MB_TRY(check_shape(s, array, what, field->width, is_flat));
    float *value = field->value + s->first * field->width;
    copy_numbers(array, value);
    MB_TRY(check_finite(s, value, field->width, what));
    return strcmp(field->name, "weight") == 0 ? check_weights(s, value, what) : MB_OK;
}

static mb_status read_particles(const sample *s) {
    static const char what[] = "hits.particle_id";
    mb_tracks_store *store = s->reader->store;
    const mb_array *array = NULL;
    MB_TRY(find_array(s, "particle_id", what, &array));
    MB_TRY(check_shape(s, array, what, 1, true));
    int64_t *particle = store->particle + s->first;
    for (size_t i = 0; i < s->n_hits; i++) {
        if (array->dtype == MB_I64 || array->dtype == MB_U64) {
            memcpy(
                &particle[i], (const char *)array->data + i * sizeof *particle, sizeof *particle);
            store->has_large_particle =
                store->has_large_particle || (array->dtype == MB_U64 && particle[i] < 0);
            continue;
        }
        const double id = mb_array_get(array, i);
        if (!(id >= -0x1p63 && id < 0x1p63) || floor(id) < id) {
            return fail(
                s, MB_ERR_RANGE, what, "hit %zu is %g, not a whole number; write integers", i, id);
        }
        particle[i] = (int64_t)id;
    }
    return MB_OK;
}

static size_t width_of(const mb_array *array) {
    return array->rank == 2 ? array->shape[1] : 1;
}

// The arrays that are kept: those that the network and the graph take, and what scores and pictures
// need, where it is there.
static mb_status declare_fields(const sample *s) {
    static const char *const usual[] = {"xyz", "emb", "weight", "pt", "eta"};
    static const char *const default_features[] = {"xyz", "emb"};
    const mb_tracks_settings *settings = s->reader->settings;
    const mb_texts *lists[] = {&settings->features, &settings->builder.of};
    const mb_texts defaults = {MB_COUNT_OF(default_features), (const char **)default_features};
    lists[0] = settings->features.n == 0 ? &defaults : lists[0];
    mb_tracks_field *field;
    for (size_t k = 0; k < MB_COUNT_OF(lists); k++) {
        for (size_t i = 0; i < lists[k]->n; i++) {
            char what[96];
            const mb_array *array = NULL;
            (void)mb_format(what, sizeof what, "hits.%.80s", lists[k]->value[i]);
            MB_TRY(find_array(s, lists[k]->value[i], what, &array));
            MB_TRY(mb_tracks_store_field(
                s->reader->store, lists[k]->value[i], width_of(array), &field));
        }
    }
    for (size_t i = 0; i < MB_COUNT_OF(usual); i++) {
        const mb_array *array = numbers_of(mb_pickle_find(s->hits, usual[i]));
        if (array != NULL && mb_tracks_store_find(s->reader->store, usual[i]) == NULL) {
            MB_TRY(mb_tracks_store_field(s->reader->store, usual[i], width_of(array), &field));
        }
    }
    s->reader->store->has_particle = mb_pickle_find(s->hits, "particle_id") != NULL;
    return MB_OK;
}

static mb_status read_hits(sample *s) {
    mb_tracks_store *store = s->reader->store;
    if (store->n == 0) {
        // A sample before this one may have been left out.
        mb_tracks_store_forget_fields(store);
        MB_TRY(declare_fields(s));
    }
    if (s->reader->needs_truth || store->has_particle) {
        store->has_particle = true;
    }
    const char *name = store->n_fields > 0 ? store->field[0].name : "xyz";
    char what[96];
    const mb_array *array = NULL;
    (void)mb_format(what, sizeof what, "hits.%.80s", name);
    MB_TRY(find_array(s, name, what, &array));
    if (array->rank < 1) {
        return fail(s, MB_ERR_SHAPE, what, "is one number; give one row a hit");
    }
    s->n_hits = array->shape[0];
    MB_TRY(mb_tracks_store_begin(store, s->n_hits, &s->first));
    for (size_t i = 0; i < store->n_fields; i++) {
        MB_TRY(read_field(s, &store->field[i]));
    }
    return store->has_particle ? read_particles(s) : MB_OK;
}

// The neighbours of one hit.
typedef struct row {
    const sample *s;
    const char *graph;
    size_t hit;
    int32_t *out;
} row;

static mb_status fail_row(const row *r, const char *format, ...) MB_PRINTF(2, 3);

static mb_status fail_row(const row *r, const char *format, ...) {
    char what[64];
    va_list list;
    va_start(list, format);
    (void)mb_fail_list(r->s->reader->ctx, MB_ERR_RANGE, format, list);
    va_end(list);
    (void)mb_format(what, sizeof what, "graphs.%s, row %zu", r->graph, r->hit);
    return mb_fail_within(r->s->reader->ctx, "%s: sample %zu, %s", r->s->path, r->s->index, what);
}

static mb_status fail_index(const row *r, int64_t index) {
    return fail_row(r, "names hit %lld of 0 .. %lld; write indices of this sample's hits",
        (long long)index, (long long)r->s->n_hits - 1);
}

static mb_status take_integers(row *r, const int32_t *integers, size_t n) {
    const uint32_t n_hits = (uint32_t)r->s->n_hits;
    uint32_t is_wrong = 0;
    for (size_t k = 0; k < n; k++) {
        is_wrong |= (uint32_t)integers[k] >= n_hits;
        r->out[k] = integers[k];
    }
    for (size_t k = 0; is_wrong != 0 && k < n; k++) {
        if ((uint32_t)integers[k] >= n_hits) {
            return fail_index(r, integers[k]);
        }
    }
    return MB_OK;
}

static mb_status take_items(row *r, const mb_pickle_items *items) {
    const uint64_t n_hits = r->s->n_hits;
    if (items->row_end != NULL) {
        return fail_row(r, "has a list among the neighbours; write whole numbers");
    }
    if (items->integers != NULL) {
        return take_integers(r, items->integers, items->n);
    }
    for (size_t k = 0; k < items->n; k++) {
        const mb_pickle_value *value = &items->items[k];
        if (value->kind != MB_PICKLE_INT) {
            return fail_row(r, "has a %s among the neighbours; write whole numbers",
                mb_pickle_kind_name(value->kind));
        }
        if ((uint64_t)value->as.integer >= n_hits) {
            return fail_index(r, value->as.integer);
        }
        r->out[k] = (int32_t)value->as.integer;
    }
    return MB_OK;
}

static mb_status take_array(row *r, const mb_array *array) {
    const size_t n = mb_array_count(array);
    if (n > 0 && (array->dtype == MB_F32 || array->dtype == MB_F64 || array->dtype == MB_BOOL)) {
        return fail_row(r, "is an array of %s; write integers", mb_dtype_name(array->dtype));
    }
    for (size_t k = 0; k < n; k++) {
        const double index = mb_array_get(array, k);
        if (!(index >= 0 && index < (double)r->s->n_hits)) {
            return fail_row(r, "names hit %.0f of 0 .. %lld; write indices of this sample's hits",
                index, (long long)r->s->n_hits - 1);
        }
        r->out[k] = (int32_t)index;
    }
    return MB_OK;
}

static int compare(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a;
    const int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// A set has no order of its own: ascending, each once.
static size_t sort_set(int32_t *index, size_t n) {
    size_t kept = 0;
    if (n > 1) {
        qsort(index, n, sizeof *index, compare);
    }
    for (size_t k = 0; k < n; k++) {
        if (k == 0 || index[k] != index[kept - 1]) {
            index[kept++] = index[k];
        }
    }
    return kept;
}

static mb_status reserve_row(const sample *s, mb_tracks_edges *graph, size_t n) {
    return n > graph->source_capacity - graph->n || n > graph->destination_capacity - graph->n
               ? mb_tracks_store_reserve(s->reader->store, graph, n)
               : MB_OK;
}

static void add_sources(mb_tracks_edges *graph, size_t hit, size_t n) {
    int32_t *source = graph->source + graph->n;
    for (size_t k = 0; k < n; k++) {
        source[k] = (int32_t)hit;
    }
    graph->n += n;
}

static mb_status read_row(const sample *s, mb_tracks_edges *graph, const char *name, size_t hit,
    const mb_pickle_value *value) {
    const mb_array *array = numbers_of(value);
    row r = {.s = s, .graph = name, .hit = hit};
    size_t n;
    if (array != NULL && array->rank == 1) {
        n = array->shape[0];
    } else if (value->kind == MB_PICKLE_LIST || value->kind == MB_PICKLE_TUPLE ||
               value->kind == MB_PICKLE_SET) {
        n = value->as.items->n;
    } else {
        return fail_row(&r, "is a %s; write a list, tuple, set or 1-D array of hit indices",
            array != NULL ? "array of several axes" : mb_pickle_kind_name(value->kind));
    }
    MB_TRY(reserve_row(s, graph, n));
    r.out = graph->destination + graph->n;
    MB_TRY(array != NULL ? take_array(&r, array) : take_items(&r, value->as.items));
    if (value->kind == MB_PICKLE_SET) {
        n = sort_set(r.out, n);
    }
    add_sources(graph, hit, n);
    return MB_OK;
}

static mb_status read_table(
    const sample *s, mb_tracks_edges *graph, const char *name, const mb_pickle_items *rows) {
    size_t first = 0;
    MB_TRY(reserve_row(s, graph, rows->row_end[rows->n - 1]));
    for (size_t hit = 0; hit < rows->n; hit++) {
        const size_t end = rows->row_end[hit];
        row r = {.s = s, .graph = name, .hit = hit, .out = graph->destination + graph->n};
        MB_TRY(take_integers(&r, rows->integers + first, end - first));
        add_sources(graph, hit, end - first);
        first = end;
    }
    return MB_OK;
}

static mb_status read_graph(
    const sample *s, const mb_pickle_value *graphs, mb_tracks_edges *graph, const char *name) {
    char what[32];
    (void)mb_format(what, sizeof what, "graphs.%s", name);
    const mb_pickle_value *value = mb_pickle_find(graphs, name);
    if (value == NULL) {
        return fail(s, MB_ERR_FORMAT, what,
            "is missing; write pred, loss and true, or let "
            "data.graph build them");
    }
    const mb_pickle_items *rows = NULL;
    if (value->kind == MB_PICKLE_LIST || value->kind == MB_PICKLE_TUPLE) {
        rows = value->as.items;
    } else if (value->kind == MB_PICKLE_ARRAY && value->as.array->has_objects) {
        rows = &value->as.array->items;
    }
    const mb_array *table = numbers_of(value);
    if (rows == NULL && table != NULL && mb_array_count(table) == 0 && s->n_hits == 0) {
        return MB_OK;
    }
    if (rows == NULL) {
        return fail(s, MB_ERR_FORMAT, what, "is a %s; write a list with the neighbours of each hit",
            mb_pickle_kind_name(value->kind));
    }
    if (rows->integers != NULL && rows->row_end == NULL) {
        return fail(s, MB_ERR_FORMAT, what,
            "is a list of numbers; write a list with the neighbours of each hit");
    }
    if (rows->n != s->n_hits) {
        return fail(s, MB_ERR_SHAPE, what, "has %zu rows, there are %zu hits; give one row a hit",
            rows->n, s->n_hits);
    }
    if (rows->row_end != NULL) {
        return read_table(s, graph, name, rows);
    }
    for (size_t hit = 0; hit < rows->n; hit++) {
        MB_TRY(read_row(s, graph, name, hit, &rows->items[hit]));
    }
    return MB_OK;
}

static mb_status read_sample(sample *s, const mb_pickle_value *value) {
    mb_tracks_store *store = s->reader->store;
    s->hits = mb_pickle_find(value, "hits");
    if (value->kind != MB_PICKLE_DICT || s->hits == NULL || s->hits->kind != MB_PICKLE_DICT) {
        return fail(s, MB_ERR_FORMAT, value->kind == MB_PICKLE_DICT ? "hits" : "itself",
            "is %s; write a dict {hits: {...}, graphs: {...}}",
            value->kind != MB_PICKLE_DICT ? mb_pickle_kind_name(value->kind)
            : s->hits == NULL             ? "missing"
                                          : mb_pickle_kind_name(s->hits->kind));
    }
    MB_TRY(read_hits(s));
    const mb_pickle_value *graphs = mb_pickle_find(value, "graphs");
    if (s->reader->settings->builder.kind == MB_TRACKS_AS_GIVEN) {
        if (graphs == NULL || graphs->kind != MB_PICKLE_DICT) {
            return fail(s, MB_ERR_FORMAT, "graphs",
                "is %s; write a dict {pred, loss, true}, or let data.graph build them",
                graphs == NULL ? "missing" : mb_pickle_kind_name(graphs->kind));
        }
        const size_t n = s->reader->needs_truth ? MB_TRACKS_N_GRAPHS : 1;
        for (size_t i = 0; i < n; i++) {
            MB_TRY(read_graph(s, graphs, &store->graph[i], mb_tracks_graph_names[i]));
            store->graph[i].is_given = true;
        }
    }
    return mb_tracks_end_sample(
        s->reader, s->first, s->n_hits, s->reader->next_sample + (int64_t)s->index);
}

// Room for the edges of all samples at once, as far as they are packed: it would grow otherwise.
static mb_status reserve_edges(mb_tracks_reader *reader, const mb_pickle_items *samples) {
    for (size_t g = 0; g < MB_TRACKS_N_GRAPHS; g++) {
        size_t n = 0;
        for (size_t i = 0; i < samples->n; i++) {
            const mb_pickle_value *graphs = mb_pickle_find(&samples->items[i], "graphs");
            const mb_pickle_value *graph = mb_pickle_find(graphs, mb_tracks_graph_names[g]);
            const bool is_table =
                graph != NULL && graph->kind == MB_PICKLE_LIST && graph->as.items->row_end != NULL;
            n += is_table ? graph->as.items->row_end[graph->as.items->n - 1] : 0;
        }
        MB_TRY(mb_tracks_store_reserve(reader->store, &reader->store->graph[g], n));
    }
    return MB_OK;
}

static mb_status read_samples(mb_tracks_reader *reader, const char *path, const mb_pickle *pickle) {
    const mb_pickle_value *root = &pickle->root;
    if (root->kind != MB_PICKLE_LIST && root->kind != MB_PICKLE_TUPLE) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: holds a %s; write a list of samples {hits: {...}, graphs: {...}}", path,
            mb_pickle_kind_name(root->kind));
    }
    if (root->as.items->integers != NULL) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: sample 0, itself: is a number or a list of these; write a dict {hits: {...}, "
            "graphs: {...}}",
            path);
    }
    if (reader->settings->builder.kind == MB_TRACKS_AS_GIVEN) {
        MB_TRY(reserve_edges(reader, root->as.items));
    }
    for (size_t i = 0; i < root->as.items->n; i++) {
        sample s = {.reader = reader, .path = path, .index = i};
        const mb_status status = read_sample(&s, &root->as.items->items[i]);
        if (status != MB_OK && !mb_tracks_may_drop(reader, status)) {
            return status;
        }
    }
    reader->next_sample += (int64_t)root->as.items->n;
    return MB_OK;
}

mb_status mb_tracks_parse_pickle(
    mb_tracks_reader *reader, const char *name, const void *bytes, size_t length) {
    mb_pickle pickle;
    mb_status status = mb_pickle_parse_packed(reader->ctx, name, bytes, length, &pickle);
    if (status == MB_OK) {
        status = read_samples(reader, name, &pickle);
    }
    mb_pickle_clear(&pickle);
    return status;
}

mb_status mb_tracks_read_pickle(mb_tracks_reader *reader, const char *path) {
    mb_pickle pickle;
    mb_status status = mb_pickle_read_packed(reader->ctx, path, &pickle);
    if (status == MB_OK) {
        status = read_samples(reader, path, &pickle);
    }
    mb_pickle_clear(&pickle);
    return status;
}
