// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/load.h"

#include "detector/ecal/columns.h"
#include "detector/ecal/files.h"

typedef struct loader {
    mb_context *ctx;
    const mb_detector_request *request;
    mb_ecal_settings settings;
    mb_ecal_files files;
    mb_ecal_pieces pieces;
    mb_ecal_store *store; // until the dataset owns it
    mb_dataset *out;
    uint8_t *label;     // per row
    bool is_unlabelled; // some file to predict says no classes
    size_t row;         // of the dataset, next to read
    size_t *n_read;     // per file
} loader;

static mb_status make_room(loader *l) {
    size_t n_rows = 0;
    for (size_t i = 0; i < l->pieces.n; i++) {
        n_rows += l->pieces.piece[i].last - l->pieces.piece[i].first;
    }
    MB_TRY(mb_dataset_set_rows(l->out, l->ctx, n_rows));
    mb_arena *arena = &l->out->arena;
    l->label = mb_allocate(l->ctx, n_rows, sizeof *l->label);
    l->n_read = mb_arena_allocate(arena, l->ctx, l->files.n, sizeof *l->n_read);
    uint8_t *split = mb_arena_allocate(arena, l->ctx, n_rows, sizeof *split);
    l->out->file_names = mb_arena_allocate(arena, l->ctx, l->files.n, sizeof *l->out->file_names);
    if (l->label == NULL || l->n_read == NULL || split == NULL || l->out->file_names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < l->files.n; i++) {
        const char *name = mb_arena_text(arena, l->ctx, l->files.file[i].path);
        if (name == NULL) {
            return MB_ERR_MEMORY;
        }
        l->out->file_names[l->out->n_files++] = name;
    }
    size_t row = 0;
    for (size_t i = 0; i < l->pieces.n; i++) {
        const mb_ecal_piece *piece = &l->pieces.piece[i];
        for (size_t k = piece->first; k < piece->last; k++, row++) {
            l->out->event[row] = (int64_t)k;
            l->out->file[row] = (uint32_t)piece->file;
            split[row] = piece->set;
        }
    }
    l->out->own_split = split;
    return MB_OK;
}

// Files to predict may have labels or not: a score needs none.
static void take_known_labels(loader *l, const mb_ecal_source *source, const mb_ecal_piece *piece) {
    l->is_unlabelled = l->is_unlabelled || source->labels.data == NULL || l->settings.trust_file;
    for (size_t row = piece->first; row < piece->last && !l->is_unlabelled; row++) {
        const double y = mb_array_get(&source->labels, row);
        l->label[l->row + row - piece->first] = y > 0.5;
        l->is_unlabelled = !(y >= 0 && y <= 0) && !(y >= 1 && y <= 1);
    }
}

static mb_status take_labels(
    loader *l, const mb_ecal_file *file, const mb_ecal_source *source, const mb_ecal_piece *piece) {
    if (file->class_index == MB_ECAL_UNKNOWN) {
        take_known_labels(l, source, piece);
        return MB_OK;
    }
    const bool is_one_class = file->class_index != MB_ECAL_BOTH;
    for (size_t row = piece->first; row < piece->last; row++) {
        uint8_t *label = &l->label[l->row + row - piece->first];
        *label = file->class_index == MB_ECAL_ELECTRON;
        if (is_one_class && l->settings.trust_file) {
            continue;
        }
        const double y = mb_array_get(&source->labels, row);
        const bool is_photon = y >= 0 && y <= 0;
        if (!is_photon && !(y >= 1 && y <= 1)) {
            return mb_fail(l->ctx, MB_ERR_RANGE,
                "%s: row %zu: label is %g, not 0 (photon) or 1 (electron); correct y%s", file->path,
                row, y, is_one_class ? ", or set data.trust_file: true" : "");
        }
        if (is_one_class && *label == is_photon) {
            return mb_fail(l->ctx, MB_ERR_RANGE,
                "%s: row %zu: label is %g, of %s, in the file of %s; exchange data.photons and "
                "data.electrons, or set data.trust_file: true",
                file->path, row, y, is_photon ? "a photon" : "an electron",
                is_photon ? "electrons" : "photons");
        }
        *label = !is_photon;
    }
    return MB_OK;
}

static mb_status read_piece(loader *l, const mb_ecal_piece *piece) {
    const mb_ecal_file *file = &l->files.file[piece->file];
    mb_ecal_source source;
    mb_status status = mb_ecal_source_open(l->ctx, file->path, &source);
    if (status == MB_OK) {
        status = take_labels(l, file, &source, piece);
    }
    for (size_t row = piece->first; row < piece->last && status == MB_OK;) {
        const size_t n = mb_ecal_source_block(&source, row, piece->last);
        mb_array images = {0};
        status = mb_ecal_source_read(&source, row, n, &images);
        if (status == MB_OK) {
            status = mb_ecal_hits_add(&l->store->hits, l->ctx, &images, file->path, row);
        }
        mb_array_clear(&images);
        row += n;
    }
    mb_ecal_source_close(&source);
    l->row += piece->last - piece->first;
    l->n_read[piece->file] += piece->last - piece->first;
    return status;
}

static mb_status put_target(loader *l) {
    mb_column *column;
    MB_TRY(mb_dataset_add_column(l->out, l->ctx, "target", MB_ROLE_TARGET, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = 1;
    column->shape[0] = 2;
    column->size = 2;
    const size_t shape[2] = {l->out->n_rows, 2};
    MB_TRY(mb_array_init(&column->dense, l->ctx, MB_F32, 2, shape));
    float *target = column->dense.data;
    for (size_t row = 0; row < l->out->n_rows; row++) {
        target[2 * row + l->label[row]] = 1;
    }
    return MB_OK;
}

static const char *const set_names[] = {"train", "validation", "test"};

static void warn_of_one_class(const loader *l) {
    for (uint8_t set = 0; set < MB_COUNT_OF(set_names); set++) {
        size_t n[2] = {0, 0};
        for (size_t row = 0; row < l->out->n_rows; row++) {
            n[l->label[row]] += l->out->split[row] == set;
        }
        if ((n[0] == 0) != (n[1] == 0)) {
            mb_notice(l->ctx, MB_NOTICE_WARNING, "data",
                "the rows for %s are all %s: photons come first, so take parts at random "
                "({fraction: ..., take: random})",
                set_names[set], n[0] > 0 ? "photons" : "electrons");
        }
    }
}

// The study's split, so that what is fitted knows its training rows.
static mb_status split_rows(loader *l) {
    const mb_part none = {0, MB_TAKE_LAST};
    const mb_part *part = l->request->validation != NULL ? l->request->validation : &none;
    MB_TRY(mb_split_apply(l->out, l->ctx, &l->pieces.split, part, l->request->seed));
    warn_of_one_class(l);
    return MB_OK;
}

static mb_status fit_scale(loader *l) {
    if (l->settings.fits_all) {
        memset(l->out->split, MB_SPLIT_TRAIN, l->out->n_rows);
    }
    uint32_t *rows = NULL;
    size_t n = 0;
    MB_TRY(mb_dataset_rows_of(l->out, l->ctx, MB_SPLIT_TRAIN, &rows, &n));
    mb_ecal_scale_fit(&l->store->hits, MB_ECAL_IN_SEQUENCE, rows, n, &l->store->scale);
    mb_release(l->ctx, rows);
    return MB_OK;
}

// A run's facts are those of its training: longer lists lose their latest hits.
static mb_status take_length(loader *l, const char *name, unsigned mark, size_t *length) {
    const size_t longest = mb_ecal_longest(&l->store->hits, mark);
    *length = mb_max_size(longest, 1);
    if (l->request->facts == NULL || mb_bundle_array(l->request->facts, name) == NULL) {
        return MB_OK;
    }
    int64_t kept = 0;
    MB_TRY(mb_bundle_get_int(l->request->facts, l->ctx, name, &kept));
    if (kept < 1 || kept > MB_ECAL_PIXELS) {
        return mb_fail(l->ctx, MB_ERR_FORMAT, "%s of the run is %lld, not 1 to %d; train it again",
            name, (long long)kept, MB_ECAL_PIXELS);
    }
    *length = (size_t)kept;
    if (longest > *length) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data",
            "an image has %zu hits, the model takes %zu: the latest are left out", longest,
            *length);
    }
    return MB_OK;
}

static mb_status put_fact(loader *l, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *values) {
    mb_array array;
    MB_TRY(mb_array_init(&array, l->ctx, dtype, rank, shape));
    memcpy(array.data, values, mb_array_bytes(&array));
    return mb_bundle_put(&l->out->facts, l->ctx, name, &array);
}

static mb_status fit(loader *l) {
    mb_ecal_store *store = l->store;
    const mb_ecal_film *film = &l->settings.film;
    const mb_bundle *facts = l->request->facts;
    const size_t n_edges = film->n_intervals + 1;
    MB_TRY(put_fact(l, "time_edges", MB_F64, 1, &n_edges, film->edge));
    if ((l->settings.arrays & 1U << MB_ECAL_SEQUENCE) != 0) {
        MB_TRY(take_length(l, "sequence_length", MB_ECAL_IN_SEQUENCE, &store->sequence_length));
        if (facts != NULL && mb_bundle_array(facts, "sequence_scale") != NULL) {
            MB_TRY(mb_bundle_get_floats(facts, l->ctx, "sequence_scale", store->scale.least,
                sizeof store->scale / sizeof(float)));
        } else {
            MB_TRY(fit_scale(l));
        }
        MB_TRY(put_fact(
            l, "sequence_scale", MB_F32, 2, (const size_t[]){2, MB_ECAL_FEATURES}, &store->scale));
        MB_TRY(mb_bundle_put_int(
            &l->out->facts, l->ctx, "sequence_length", (int64_t)store->sequence_length));
    }
    if ((l->settings.arrays & 1U << MB_ECAL_HITS) != 0) {
        MB_TRY(take_length(l, "hits_length", MB_ECAL_IN_FRAMES, &store->hits_length));
        MB_TRY(
            mb_bundle_put_int(&l->out->facts, l->ctx, "hits_length", (int64_t)store->hits_length));
    }
    return MB_OK;
}

static void tell(const loader *l, mb_buffer *report) {
    const mb_ecal_settings *s = &l->settings;
    const mb_ecal_tally *tally = &l->store->hits.tally;
    mb_buffer_text(report, l->files.left_out.length > 0 ? l->files.left_out.data : "");
    for (size_t i = 0; i < l->files.n; i++) {
        mb_buffer_format(report, "%s: %zu of %zu rows read\n", l->files.file[i].path, l->n_read[i],
            l->files.file[i].n_rows);
    }
    mb_buffer_format(report, "images of %zu x %zu, %zu time frames from %g to %g%s\n", s->side,
        s->side, s->film.n, s->film.edge[0], s->film.edge[s->film.n_intervals],
        s->last_frame ? ", the last one empty (compat last_frame)" : "");
    mb_buffer_format(
        report, "%zu of %zu images are empty after cleaning\n", tally->n_empty, tally->n_images);
    if (tally->n_negative > 0) {
        mb_buffer_format(report, "%zu pixels have negative energy\n", tally->n_negative);
    }
    if (tally->n_nan > 0) {
        mb_buffer_format(
            report, "%zu pixels whose energy is no finite number are empty\n", tally->n_nan);
    }
}

static mb_status run(loader *l, mb_buffer *report) {
    MB_TRY(mb_ecal_settings_read(l->ctx, l->request, &l->settings));
    if (l->settings.side != l->settings.crop) {
        mb_notice(l->ctx, MB_NOTICE_INFO, "data.crop",
            "an odd crop of %zu keeps %zu x %zu cells, one more", l->settings.crop,
            l->settings.side, l->settings.side);
    }
    MB_TRY(mb_ecal_files_find(l->ctx, l->request, &l->settings, &l->files));
    MB_TRY(mb_ecal_pieces_make(l->ctx, l->request, &l->files, &l->pieces));
    MB_TRY(make_room(l));
    MB_TRY(mb_ecal_store_create(l->ctx, &l->settings, &l->store));
    for (size_t i = 0; i < l->pieces.n; i++) {
        MB_TRY(read_piece(l, &l->pieces.piece[i]));
    }
    mb_ecal_hits_pack(&l->store->hits, l->ctx);
    if (l->request->n_files == 0) {
        MB_TRY(split_rows(l));
    }
    if (!l->is_unlabelled) {
        MB_TRY(put_target(l));
    }
    MB_TRY(fit(l));
    memcpy(l->out->split, l->out->own_split, l->out->n_rows);
    if (report != NULL) {
        tell(l, report);
        MB_TRY(report->status);
    }
    l->out->whole_files = true;
    mb_ecal_store *store = l->store;
    l->store = NULL;
    return mb_ecal_columns_add(l->ctx, store, l->out);
}

mb_status mb_ecal_load(
    mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report) {
    mb_dataset_init(out, ctx);
    loader *l = mb_allocate_zeroed(ctx, 1, sizeof *l);
    if (l == NULL) {
        return MB_ERR_MEMORY;
    }
    l->ctx = ctx;
    l->request = request;
    l->out = out;
    const mb_status status = run(l, report);
    if (status != MB_OK) {
        mb_dataset_clear(out);
    }
    mb_ecal_store_destroy(mb_context_runtime(ctx), l->store);
    mb_ecal_files_clear(&l->files, ctx);
    mb_release(ctx, l->pieces.piece);
    mb_release(ctx, l->label);
    mb_release(ctx, l);
    return status;
}
