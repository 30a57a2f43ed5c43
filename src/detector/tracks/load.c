// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/load.h"

#include "base/output.h"
#include "detector/tracks/build.h"
#include "detector/tracks/reader.h"
#include "detector/tracks/truth.h"

typedef struct loader {
    mb_context *ctx;
    const mb_detector_request *request;
    mb_tracks_settings settings;
    mb_tracks_store store;
    mb_tracks_reader reader;
    mb_tracks_tally tally;
    mb_dataset *out;
    const char **names; // of the files
    size_t name_capacity;
    int weight_rule;
    const char *content; // of the files so far; NULL: none
} loader;

// The readers, by how a file's name ends.
typedef struct file_kind {
    const char *suffix, *content;
    mb_tracks_read_fn read;
    bool is_one_sample;
} file_kind;
static const file_kind kinds[] = {
    {".pickle", "samples", mb_tracks_read_pickle, false},
    {".pkl", "samples", mb_tracks_read_pickle, false},
    {".npz", "segment graphs", mb_tracks_read_npz, true},
    {"-hits.csv", "TrackML events", mb_tracks_read_csv, true},
    {"-hits.csv.gz", "TrackML events", mb_tracks_read_csv, true},
    {".zip", "TrackML events", mb_tracks_read_zip, false},
};

static const file_kind *kind_of(const char *path) {
    const file_kind *kind = kinds;
    while (kind < kinds + MB_COUNT_OF(kinds) && !mb_path_has_suffix(path, kind->suffix)) {
        kind++;
    }
    return kind < kinds + MB_COUNT_OF(kinds) ? kind : NULL;
}

// Tables that lie beside the hits: those of an event are read with them, that of the detector is
// not needed.
static bool is_companion(const char *path) {
    static const char *const ends[] = {"-cells.csv", "-particles.csv", "-truth.csv",
        "detectors.csv", "-cells.csv.gz", "-particles.csv.gz", "-truth.csv.gz", "detectors.csv.gz"};
    for (size_t i = 0; i < MB_COUNT_OF(ends); i++) {
        if (mb_path_has_suffix(path, ends[i])) {
            return true;
        }
    }
    return false;
}

static mb_status check_kind(loader *l, const char *path) {
    const file_kind *kind = kind_of(path);
    if (kind == NULL) {
        return mb_fail(l->ctx, MB_ERR_UNSUPPORTED,
            "%s: is none of .pickle, .npz, NAME-hits.csv, NAME-hits.csv.gz and .zip; name such a "
            "file",
            path);
    }
    // Each content brings arrays and labels that another lacks.
    if (l->content != NULL && strcmp(l->content, kind->content) != 0) {
        return mb_fail(l->ctx, MB_ERR_UNSUPPORTED,
            "%s: is a file of %s, files before hold %s; name files of one content", path,
            kind->content, l->content);
    }
    l->content = kind->content;
    return MB_OK;
}

// The files from first on, those of one kind and of one sample each by all threads.
static mb_status read_files(loader *l, size_t first) {
    const size_t n = l->out->n_files;
    while (first < n) {
        MB_TRY(check_kind(l, l->names[first]));
        const file_kind *kind = kind_of(l->names[first]);
        size_t end = first + 1;
        while (kind->is_one_sample && end < n && kind_of(l->names[end]) == kind) {
            end++;
        }
        l->reader.file = (uint32_t)first;
        MB_TRY(kind->is_one_sample
                   ? mb_tracks_read_each(&l->reader, kind->read, l->names + first, end - first)
                   : kind->read(&l->reader, l->names[first]));
        first = end;
    }
    return MB_OK;
}

static mb_status each_path(
    mb_context *ctx, const char *directory, const char *pattern, mb_names *names, bool must_exist) {
    MB_TRY(mb_names_of_pattern(names, ctx, directory, pattern));
    if (must_exist && names->n == 0) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s/%s: there is no such file; correct data.file", directory, pattern);
    }
    return MB_OK;
}

static mb_status read_pattern(loader *l, const char *pattern) {
    mb_names names;
    // Files named for prediction are where the command runs.
    const char *directory = l->request->n_files > 0 ? "." : l->request->directory;
    mb_status status = each_path(l->ctx, directory, pattern, &names, true);
    mb_dataset *out = l->out;
    const size_t first = out->n_files;
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        if (names.n > 1 && is_companion(names.name[i])) {
            continue;
        }
        const char *name = mb_arena_text(&out->arena, l->ctx, names.name[i]);
        status = name == NULL ? MB_ERR_MEMORY
                              : mb_grow(l->ctx, &l->names, &l->name_capacity, out->n_files + 1,
                                    sizeof *l->names);
        if (status == MB_OK) {
            l->names[out->n_files++] = name;
        }
    }
    if (status == MB_OK && out->n_files == first) {
        status = mb_fail(l->ctx, MB_ERR_IO,
            "%s/%s: holds tables of events but no hits; put NAME-hits.csv beside them", directory,
            pattern);
    }
    mb_names_clear(&names);
    return status == MB_OK ? read_files(l, first) : status;
}

static mb_status read_all(loader *l) {
    const mb_detector_request *request = l->request;
    const size_t n = request->n_files > 0 ? request->n_files : l->settings.file.n;
    for (size_t i = 0; i < n; i++) {
        MB_TRY(
            read_pattern(l, request->n_files > 0 ? request->files[i] : l->settings.file.value[i]));
    }
    if (l->store.n == 0 && l->reader.n_dropped > 0) {
        return mb_fail(l->ctx, MB_ERR_FORMAT, "data: every sample was left out (on_bad: drop); %s",
            l->reader.dropped.data);
    }
    if (l->store.n == 0) {
        return mb_fail(l->ctx, MB_ERR_FORMAT,
            "%s: holds no samples, nor does another of the files; name files with samples",
            l->names[0]);
    }
    l->out->file_names =
        mb_arena_allocate(&l->out->arena, l->ctx, l->out->n_files, sizeof *l->out->file_names);
    if (l->out->file_names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < l->out->n_files; i++) {
        l->out->file_names[i] = l->names[i];
    }
    return MB_OK;
}

// An array as a column; memory moves from *value, which has rows * width numbers.
static mb_status put_column(loader *l, const char *name, mb_column_role role, const char *axis,
    mb_dtype dtype, size_t width, bool is_flat, void **value) {
    mb_column *column;
    const size_t n = mb_dataset_axis_rows(l->out, axis);
    MB_TRY(mb_dataset_add_column(l->out, l->ctx, name, role, &column));
    column->axis = mb_dataset_find_axis(l->out, axis)->name;
    column->kind = MB_COLUMN_DENSE;
    column->dtype = dtype;
    column->rank = is_flat ? 0 : 1;
    column->shape[0] = width;
    column->size = width;
    const size_t shape[2] = {n, width};
    if (*value == NULL || n == 0) {
        return mb_array_init(&column->dense, l->ctx, dtype, is_flat ? 1 : 2, shape);
    }
    column->dense = (mb_array){.dtype = dtype,
        .rank = is_flat ? 1 : 2,
        .shape = {n, width},
        .data = *value,
        .runtime = l->out->runtime};
    *value = NULL;
    return MB_OK;
}

static mb_status put_axes(loader *l) {
    mb_tracks_store *store = &l->store;
    mb_dataset_axis *axis;
    const size_t n_offsets = store->n + 1;
    MB_TRY(mb_dataset_add_axis(l->out, l->ctx, "nodes", NULL, &axis));
    memcpy(axis->offset, store->node_offset, n_offsets * sizeof *axis->offset);
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        mb_tracks_edges *graph = &store->graph[i];
        char name[32];
        (void)mb_format(name, sizeof name, "edges.%s", mb_tracks_graph_names[i]);
        if (!graph->is_given) {
            continue;
        }
        MB_TRY(mb_dataset_add_axis(l->out, l->ctx, name, "nodes", &axis));
        memcpy(axis->offset, graph->offset, n_offsets * sizeof *axis->offset);
        axis->source = graph->source;
        axis->destination = graph->destination;
        graph->source = NULL;
        graph->destination = NULL;
    }
    return MB_OK;
}

static const mb_texts *feature_names(const loader *l, mb_texts *defaults) {
    static const char *const of_pickle[] = {"xyz", "emb"};
    static const char *const of_npz[] = {"X"};
    if (l->settings.features.n > 0) {
        return &l->settings.features;
    }
    if (mb_tracks_store_find(&l->store, "X") != NULL) {
        *defaults = (mb_texts){1, (const char **)of_npz};
    } else {
        const bool has_emb = mb_tracks_store_find(&l->store, "emb") != NULL;
        *defaults = (mb_texts){1 + has_emb, (const char **)of_pickle};
    }
    return defaults;
}

// Side by side, hit by hit.
static mb_status put_features(loader *l) {
    mb_texts defaults;
    const mb_texts *names = feature_names(l, &defaults);
    const size_t n = mb_tracks_n_hits(&l->store);
    size_t width = 0;
    for (size_t i = 0; i < names->n; i++) {
        const mb_tracks_field *field = mb_tracks_store_find(&l->store, names->value[i]);
        if (field == NULL) {
            return mb_fail(l->ctx, MB_ERR_FORMAT,
                "data.features: the hits have no array '%s'; name another, or write it",
                names->value[i]);
        }
        width += field->width;
    }
    float *features = mb_allocate(l->ctx, mb_max_size(n * width, 1), sizeof *features);
    if (features == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t column = 0;
    for (size_t i = 0; i < names->n; i++) {
        const mb_tracks_field *field = mb_tracks_store_find(&l->store, names->value[i]);
        for (size_t hit = 0; hit < n; hit++) {
            memcpy(features + hit * width + column, field->value + hit * field->width,
                field->width * sizeof *features);
        }
        column += field->width;
    }
    void *value = features;
    const mb_status status =
        put_column(l, "features", MB_ROLE_INPUT, "nodes", MB_F32, width, false, &value);
    mb_release(l->ctx, value);
    return status;
}

static mb_status put_target(loader *l) {
    const size_t n = l->store.graph[MB_TRACKS_LOSS].n;
    float *target = mb_allocate_zeroed(l->ctx, mb_max_size(n, 1), sizeof *target);
    if (target == NULL) {
        return MB_ERR_MEMORY;
    }
    void *value = target;
    mb_status status = mb_tracks_label_edges(&l->store, target, &l->tally);
    if (status == MB_OK) {
        status = put_axes(l);
    }
    if (status == MB_OK) {
        status = put_features(l);
    }
    if (status == MB_OK) {
        status = put_column(l, "target", MB_ROLE_TARGET, "edges.loss", MB_F32, 1, true, &value);
    }
    mb_release(l->ctx, value);
    return status;
}

// What scores and pictures need, under its own name.
static mb_status put_fields(loader *l) {
    for (size_t i = 0; i < l->store.n_fields; i++) {
        mb_tracks_field *field = &l->store.field[i];
        if (strcmp(field->name, mb_tracks_way) == 0) {
            continue;
        }
        void *value = field->value;
        const mb_status status = put_column(l, field->name, MB_ROLE_EXTRA, "nodes", MB_F32,
            field->width, field->width == 1, &value);
        field->value = value;
        MB_TRY(status);
    }
    if (l->store.has_hit_id) {
        void *value = l->store.hit_id;
        const mb_status status =
            put_column(l, "hit_id", MB_ROLE_EXTRA, "nodes", MB_I64, 1, true, &value);
        l->store.hit_id = value;
        MB_TRY(status);
    }
    if (!l->store.has_particle) {
        return MB_OK;
    }
    void *value = l->store.particle;
    const mb_status status = put_column(l, "particle", MB_ROLE_EXTRA, "nodes",
        l->store.has_large_particle ? MB_U64 : MB_I64, 1, true, &value);
    l->store.particle = value;
    MB_TRY(status);
    return mb_bundle_put_int(&l->out->facts, l->ctx, "weight_rule", l->weight_rule);
}

// Weights of hits where the files give none.
static mb_status make_weights(loader *l) {
    mb_tracks_store *store = &l->store;
    if (!store->has_particle || mb_tracks_store_find(store, "weight") != NULL) {
        return MB_OK;
    }
    const size_t total = mb_tracks_n_hits(store);
    float *weight = mb_allocate_zeroed(l->ctx, mb_max_size(total, 1), sizeof *weight);
    float *way = mb_allocate_zeroed(l->ctx, mb_max_size(total, 1), sizeof *way);
    const mb_tracks_field *pt = mb_tracks_store_find(store, "pt");
    const mb_tracks_field *xyz = mb_tracks_store_find(store, "xyz");
    const bool has_rule = pt != NULL && xyz != NULL && xyz->width == 3;
    mb_status status = weight == NULL || way == NULL ? MB_ERR_MEMORY : MB_OK;
    const mb_tracks_field *given = mb_tracks_store_find(store, mb_tracks_way);
    for (size_t i = 0; status == MB_OK && has_rule && i < total; i++) {
        const float z = given != NULL ? given->value[i] : xyz->value[3 * i + 2];
        way[i] = z < 0 ? -z : z;
    }
    for (size_t i = 0; i < store->n && status == MB_OK; i++) {
        const size_t first = (size_t)store->node_offset[i];
        const size_t n = (size_t)store->node_offset[i + 1] - first;
        status = mb_tracks_weights(l->ctx, n, store->particle + first,
            has_rule ? pt->value + first : NULL, way + first, weight + first);
    }
    l->weight_rule = has_rule ? MB_TRACKS_WEIGHT_BY_RULE : MB_TRACKS_WEIGHT_EQUAL;
    void *value = weight;
    if (status == MB_OK) {
        status = put_column(l, "weight", MB_ROLE_EXTRA, "nodes", MB_F32, 1, true, &value);
    }
    mb_release(l->ctx, value);
    mb_release(l->ctx, way);
    return status;
}

static mb_status fill_rows(loader *l) {
    MB_TRY(mb_dataset_set_rows(l->out, l->ctx, l->store.n));
    for (size_t i = 0; i < l->store.n; i++) {
        l->out->event[i] = l->store.event[i];
        l->out->file[i] = l->store.file[i];
    }
    l->out->whole_files = true;
    if (l->store.graph[MB_TRACKS_LOSS].is_given && l->store.graph[MB_TRACKS_TRUE].is_given) {
        MB_TRY(put_target(l));
    } else {
        MB_TRY(put_axes(l));
        MB_TRY(put_features(l));
    }
    MB_TRY(make_weights(l));
    return put_fields(l);
}

static void warn_of_truth(const loader *l) {
    static const char *const of_particles[] = {"weight", "pt", "eta"};
    for (size_t i = 0; i < l->settings.features.n; i++) {
        const char *name = l->settings.features.value[i];
        for (size_t k = 0; k < MB_COUNT_OF(of_particles); k++) {
            if (strcmp(name, of_particles[k]) == 0) {
                mb_notice(l->ctx, MB_NOTICE_WARNING, "data.features",
                    "%s is of the particle in TrackML and toy files: then the network sees the "
                    "truth",
                    name);
            }
        }
    }
}

static void warn(const loader *l) {
    const mb_tracks_tally *t = &l->tally;
    warn_of_truth(l);
    if (t->n_pred_not_loss > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data",
            "%llu edges of pred are not in loss: the network is not judged on them",
            (unsigned long long)t->n_pred_not_loss);
    }
    if (t->n_no_loss > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data",
            "%zu samples have no edge in loss: they are left out of the loss", t->n_no_loss);
    }
    if (l->reader.n_dropped > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data", "%zu samples were left out (on_bad: drop)",
            l->reader.n_dropped);
    }
}

static void tell(const loader *l, mb_buffer *report) {
    const mb_tracks_tally *t = &l->tally;
    mb_buffer_format(report, "Loaded %zu samples.\n", l->store.n);
    mb_buffer_text(report, l->reader.dropped.length > 0 ? l->reader.dropped.data : "");
    mb_buffer_format(report, "%zu nodes", mb_dataset_axis_rows(l->out, "nodes"));
    for (size_t i = 0; i < MB_TRACKS_N_GRAPHS; i++) {
        if (l->store.graph[i].is_given) {
            mb_buffer_format(
                report, ", %zu edges in %s", l->store.graph[i].n, mb_tracks_graph_names[i]);
        }
    }
    mb_buffer_text(report, "\n");
    mb_buffer_format(report, "%llu nodes have no incoming edge in pred, %zu samples have no edge\n",
        (unsigned long long)t->n_isolated, t->n_empty_pred);
    if (t->n_true_mixed > 0) {
        mb_buffer_format(report,
            "%llu true edges are between noise hits or different particles: taken as given\n",
            (unsigned long long)t->n_true_mixed);
    }
    if (l->weight_rule != MB_TRACKS_WEIGHT_GIVEN) {
        mb_buffer_format(report, "weights of hits: %s\n",
            l->weight_rule == MB_TRACKS_WEIGHT_BY_RULE
                ? "by the TrackML rule"
                : "equal for hits of particles with at least 4 hits (pt is not known)");
    }
}

static mb_status run(loader *l, mb_buffer *report) {
    MB_TRY(mb_tracks_settings_read(l->ctx, l->request, &l->settings));
    l->reader.settings = &l->settings;
    l->reader.store = &l->store;
    l->reader.needs_truth = l->request->n_files == 0;
    MB_TRY(read_all(l));
    MB_TRY(fill_rows(l));
    warn(l);
    if (report != NULL) {
        tell(l, report);
        return report->status;
    }
    return MB_OK;
}

mb_status mb_tracks_load(
    mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report) {
    mb_dataset_init(out, ctx);
    loader *l = mb_allocate_zeroed(ctx, 1, sizeof *l);
    if (l == NULL) {
        return MB_ERR_MEMORY;
    }
    l->ctx = ctx;
    l->request = request;
    l->out = out;
    l->reader.ctx = ctx;
    mb_buffer_init(&l->reader.dropped, ctx);
    mb_tracks_store_init(&l->store, ctx);
    const mb_status status = run(l, report);
    if (status != MB_OK) {
        mb_dataset_clear(out);
    }
    mb_buffer_clear(&l->reader.dropped);
    mb_tracks_store_clear(&l->store);
    mb_release(ctx, l->names);
    mb_release(ctx, l);
    return status;
}

mb_status mb_tracks_has_files(mb_context *ctx, const mb_detector_request *request, bool *out) {
    mb_tracks_settings settings;
    MB_TRY(mb_tracks_settings_read(ctx, request, &settings));
    *out = true;
    for (size_t i = 0; i < settings.file.n && *out; i++) {
        mb_names names;
        const mb_status status =
            each_path(ctx, request->directory, settings.file.value[i], &names, false);
        *out = status == MB_OK && names.n > 0;
        for (size_t k = 0; k < names.n && *out; k++) {
            *out = mb_path_exists(names.name[k]);
        }
        mb_names_clear(&names);
        MB_TRY(status);
    }
    return MB_OK;
}
