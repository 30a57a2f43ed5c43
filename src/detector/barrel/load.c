// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/load.h"

#include "base/buffer.h"
#include "base/numbers.h"
#include "base/threads.h"
#include "detector/barrel/pairs.h"
#include "detector/barrel/part.h"

// Files are read several at a time and joined in their order, so that memory is the joined images
// and a few files' worth.
enum { FILES_PER_THREAD = 4 };

typedef struct loader {
    mb_context *ctx;
    mb_barrel_settings settings;
    mb_barrel_pairs pairs;
    int64_t *shift;        // per pair: from event of the hits to event of the particles
    mb_barrel_part *parts; // of the files in flight
    size_t first, n_parts; // pairs in flight
    mb_barrel_part all;
    int64_t event_offset; // events of hits in the files before
    size_t n_dropped;
    mb_buffer hits_shapes, particles_shapes, invalid;
} loader;

typedef struct counting {
    const mb_barrel_pairs *pairs;
    uint64_t *n_hits, *n_particles;
} counting;

static mb_status count_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const counting *c = user;
    const size_t pair = task / 2;
    return task % 2 == 0
               ? mb_barrel_events_count(ctx, c->pairs->pair[pair].hits, &c->n_hits[pair])
               : mb_barrel_events_count(ctx, c->pairs->pair[pair].particles, &c->n_particles[pair]);
}

// The original numbers the events of hits and of particles apart: after a file with unequal counts
// the later ones no longer fit.
static mb_status find_shifts(loader *l) {
    const size_t n = l->pairs.n;
    l->shift = mb_allocate_zeroed(l->ctx, n, sizeof *l->shift);
    if (l->shift == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!l->settings.shift_independently || !l->pairs.has_truth) {
        return MB_OK;
    }
    uint64_t *counts = mb_allocate_zeroed(l->ctx, n, 2 * sizeof *counts);
    if (counts == NULL) {
        return MB_ERR_MEMORY;
    }
    counting c = {&l->pairs, counts, counts + n};
    const mb_status status = mb_parallel(l->ctx, 2 * n, count_task, &c);
    int64_t shift = 0;
    for (size_t i = 0; i < n; i++) {
        l->shift[i] = shift;
        shift += (int64_t)c.n_hits[i] - (int64_t)c.n_particles[i];
    }
    mb_release(l->ctx, counts);
    return status;
}

static mb_status read_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    loader *l = user;
    const size_t i = l->first + task;
    return mb_barrel_part_read(ctx, &l->settings, l->pairs.pair[i].hits, l->pairs.pair[i].particles,
        l->shift[i], &l->parts[task]);
}

static void tell_ending(mb_context *ctx, const mb_barrel_ending *ending, const char *path) {
    if (ending->is_cut) {
        mb_notice(ctx, MB_NOTICE_WARNING, path,
            "the file ends in the middle of a line: event %llu was dropped",
            (unsigned long long)ending->n_events);
    } else if (ending->is_open) {
        mb_notice(ctx, MB_NOTICE_INFO, path, "no blank line behind the last event; accepted");
    }
}

static void add_shape(mb_buffer *text, uint64_t rows) {
    mb_buffer_format(text, "%s(%llu, 6)", text->length > 0 ? ", " : "", (unsigned long long)rows);
}

// Takes a part into the joined one. Dropped pairs leave a gap in the numbers of events.
static mb_status join_part(loader *l, size_t i, mb_barrel_part *part) {
    const mb_barrel_pair *pair = &l->pairs.pair[i];
    const int64_t n_events = (int64_t)part->hits_ending.n_events;
    tell_ending(l->ctx, &part->hits_ending, pair->hits);
    tell_ending(l->ctx, &part->particles_ending, pair->particles);
    if (part->dropped != NULL) {
        mb_buffer_format(&l->invalid, "Invalid data file found! %s\n", part->dropped);
        mb_notice(l->ctx, MB_NOTICE_WARNING, pair->hits, "dropped: %s", part->dropped);
        l->n_dropped++;
        mb_barrel_part_clear(part, l->ctx);
    } else {
        add_shape(&l->hits_shapes, part->n_selected);
        add_shape(&l->particles_shapes, part->n_particles);
        MB_TRY(mb_barrel_part_append(
            &l->all, l->ctx, l->settings.n_images, part, (uint32_t)i, l->event_offset));
    }
    l->event_offset += n_events;
    return MB_OK;
}

// Asks for the room that all files will need, judged by those read: pages never touched cost
// nothing, growing would hold everything twice.
static mb_status reserve_rest(loader *l, size_t n_done) {
    const double factor = (double)l->pairs.n / (double)n_done * (n_done < l->pairs.n ? 1.1 : 1.0);
    size_t n_entries[MB_BARREL_MAX_IMAGES];
    size_t n_rows = 0;
    for (size_t i = 0; i < l->n_parts; i++) {
        n_rows += l->parts[i].n_rows;
    }
    for (size_t k = 0; k < l->settings.n_images; k++) {
        n_entries[k] = 0;
        for (size_t i = 0; i < l->n_parts; i++) {
            n_entries[k] += l->parts[i].images[k].n;
        }
        n_entries[k] = (size_t)((double)n_entries[k] * factor) + 1;
    }
    n_rows = (size_t)((double)n_rows * factor) + 1;
    return mb_barrel_part_reserve(&l->all, l->ctx, l->settings.n_images, n_rows, n_entries);
}

static mb_status read_all(loader *l) {
    const size_t in_flight = mb_min_size(
        l->pairs.n, (size_t)FILES_PER_THREAD * mb_runtime_threads(mb_context_runtime(l->ctx)));
    l->parts = mb_allocate_zeroed(l->ctx, in_flight, sizeof *l->parts);
    if (l->parts == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t first = 0; first < l->pairs.n; first += l->n_parts) {
        l->first = first;
        l->n_parts = mb_min_size(in_flight, l->pairs.n - first);
        MB_TRY(mb_parallel(l->ctx, l->n_parts, read_task, l));
        if (first == 0) {
            MB_TRY(reserve_rest(l, l->n_parts));
        }
        for (size_t i = 0; i < l->n_parts; i++) {
            MB_TRY(join_part(l, first + i, &l->parts[i]));
        }
    }
    return MB_OK;
}

// Lengths of an image's axes in the order of the data format.
static void image_shape(const mb_barrel_settings *settings, size_t i, size_t shape[3]) {
    const mb_barrel_image *image = &settings->images[i];
    const bool is_last = settings->data_format == MB_BARREL_CHANNELS_LAST;
    shape[0] = is_last ? image->phi.n : image->layer.n;
    shape[1] = is_last ? image->z.n : image->phi.n;
    shape[2] = is_last ? image->layer.n : image->z.n;
}

static mb_status set_image_column(loader *l, mb_dataset *out, size_t i) {
    char name[24];
    mb_format(name, sizeof name, "volume%zu", i);
    mb_barrel_sparse *sparse = &l->all.images[i];
    mb_column *column;
    MB_TRY(mb_dataset_add_column(out, l->ctx, name, MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_SPARSE;
    column->dtype = MB_U16;
    column->rank = 3;
    image_shape(&l->settings, i, column->shape);
    column->size = column->shape[0] * column->shape[1] * column->shape[2];
    column->offset = sparse->first;
    column->index = sparse->index;
    column->value = sparse->value;
    sparse->first = NULL;
    sparse->index = NULL;
    sparse->value = NULL;
    return MB_OK;
}

static mb_status add_dense(loader *l, mb_dataset *out, const char *name, mb_column_role role,
    mb_dtype dtype, void **data) {
    mb_column *column;
    MB_TRY(mb_dataset_add_column(out, l->ctx, name, role, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = dtype;
    column->size = 1;
    MB_TRY(mb_array_init(&column->dense, l->ctx, dtype, 1, &out->n_rows));
    *data = column->dense.data;
    return MB_OK;
}

static mb_status set_truth_columns(loader *l, mb_dataset *out) {
    void *target, *track_pt, *n_tracks;
    MB_TRY(add_dense(l, out, "target", MB_ROLE_TARGET, MB_F32, &target));
    MB_TRY(add_dense(l, out, "third_track_pt", MB_ROLE_EXTRA, MB_F32, &track_pt));
    MB_TRY(add_dense(l, out, "n_tracks", MB_ROLE_EXTRA, MB_I32, &n_tracks));
    for (size_t i = 0; i < out->n_rows; i++) {
        ((float *)target)[i] = (float)l->all.label[i];
        ((float *)track_pt)[i] = l->all.track_pt[i];
        ((int32_t *)n_tracks)[i] = (int32_t)l->all.n_tracks[i];
    }
    return MB_OK;
}

static mb_status fill_dataset(loader *l, mb_dataset *out) {
    MB_TRY(mb_dataset_set_rows(out, l->ctx, l->all.n_rows));
    memcpy(out->event, l->all.event, out->n_rows * sizeof *out->event);
    memcpy(out->file, l->all.file, out->n_rows * sizeof *out->file);
    out->file_names = mb_arena_allocate(&out->arena, l->ctx, l->pairs.n, sizeof *out->file_names);
    if (out->file_names == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < l->pairs.n; i++) {
        out->file_names[i] = mb_arena_text(&out->arena, l->ctx, l->pairs.pair[i].hits);
        if (out->file_names[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    out->n_files = l->pairs.n;
    for (size_t i = 0; i < l->settings.n_images; i++) {
        MB_TRY(set_image_column(l, out, i));
    }
    return l->pairs.has_truth ? set_truth_columns(l, out) : MB_OK;
}

static size_t count_positive(const loader *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->all.n_rows; i++) {
        n += l->all.label[i];
    }
    return n;
}

static void warn(const loader *l, const mb_detector_request *request) {
    if (l->all.n_unknown_volid > 0) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data.hits",
            "%llu hits are in unknown volumes (the first in %u); kept outside the barrel",
            (unsigned long long)l->all.n_unknown_volid, l->all.unknown_volid);
    }
    for (size_t i = 0; i < l->pairs.dropped.n; i++) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, l->pairs.dropped.name[i], "dropped: no partner");
    }
    const size_t n_positive = count_positive(l);
    if (request->wants_label && (n_positive == 0 || n_positive == l->all.n_rows)) {
        mb_notice(l->ctx, MB_NOTICE_WARNING, "data.label",
            "all %zu labels are %d: nothing can be learnt; change layers, pt or tracks",
            l->all.n_rows, n_positive > 0);
    }
}

static void write_shapes(mb_buffer *report, const char *what, const mb_buffer *shapes) {
    mb_buffer_format(
        report, "Loaded %s data with shapes: [%s]\n", what, shapes->length > 0 ? shapes->data : "");
}

static void write_report(const loader *l, mb_buffer *report) {
    const mb_barrel_part *all = &l->all;
    for (size_t i = 0; i < l->pairs.n; i++) {
        mb_buffer_format(report, "Loading %s\n", l->pairs.pair[i].hits);
        if (l->pairs.has_truth) {
            mb_buffer_format(report, "Loading %s\n", l->pairs.pair[i].particles);
        }
    }
    mb_buffer_append(report, l->invalid.data, l->invalid.length);
    for (size_t i = 0; i < l->pairs.dropped.n; i++) {
        mb_buffer_format(
            report, "Invalid data file found! %s: no partner\n", l->pairs.dropped.name[i]);
    }
    write_shapes(report, "hits", &l->hits_shapes);
    if (l->pairs.has_truth) {
        write_shapes(report, "particles", &l->particles_shapes);
    }
    mb_buffer_format(report, "Hits: (%llu, 6)\n", (unsigned long long)all->n_selected);
    if (l->pairs.has_truth) {
        mb_buffer_format(report, "Particles: (%llu, 6)\n", (unsigned long long)all->n_particles);
    }
    mb_buffer_text(report, "Images: [");
    for (size_t i = 0; i < l->settings.n_images; i++) {
        size_t shape[3];
        image_shape(&l->settings, i, shape);
        mb_buffer_format(report, "%s(%zu, %zu, %zu, %zu)", i > 0 ? ", " : "", all->n_rows, shape[0],
            shape[1], shape[2]);
    }
    mb_buffer_text(report, "]\nHits outside the images: [");
    for (size_t i = 0; i < l->settings.n_images; i++) {
        mb_buffer_format(
            report, "%s%llu", i > 0 ? ", " : "", (unsigned long long)all->images[i].n_dropped);
    }
    mb_buffer_format(report, "]\nEvents without barrel hits: %llu (%s)\n",
        (unsigned long long)all->n_empty,
        l->settings.keep_empty ? "kept with label 0" : "left out");
    if (l->pairs.has_truth) {
        const size_t n_positive = count_positive(l);
        mb_buffer_format(report, "Labels: %zu of %zu are 1 (%.1f %%)\n", n_positive, all->n_rows,
            100.0 * (double)n_positive / (double)mb_max_size(all->n_rows, 1));
    } else {
        mb_buffer_text(report, "Labels: none, no particles are given\n");
    }
}

static mb_status run(loader *l, const mb_detector_request *request) {
    MB_TRY(mb_barrel_settings_read(l->ctx, request, &l->settings));
    if (request->wants_label && l->settings.particles.n == 0 && request->files == NULL) {
        return mb_fail_at(l->ctx, request->document, request->data,
            "data.particles: training and evaluation need labels and none are given; name the "
            "files of particles");
    }
    MB_TRY(mb_barrel_pairs_find(l->ctx, request, &l->settings, &l->pairs));
    MB_TRY(find_shifts(l));
    MB_TRY(read_all(l));
    if (l->all.n_rows == 0) {
        return mb_fail(l->ctx, MB_ERR_FORMAT,
            "data.hits: no event with barrel hits is left of %zu pairs of files (%zu dropped); "
            "look at the files or use data.keep_empty: true",
            l->pairs.n, l->n_dropped + l->pairs.dropped.n);
    }
    mb_status status = l->hits_shapes.status;
    status = status == MB_OK ? l->particles_shapes.status : status;
    return status == MB_OK ? l->invalid.status : status;
}

static void clear(loader *l) {
    for (size_t i = 0; i < l->n_parts && l->parts != NULL; i++) {
        mb_barrel_part_clear(&l->parts[i], l->ctx);
    }
    mb_release(l->ctx, l->parts);
    mb_release(l->ctx, l->shift);
    mb_barrel_part_clear(&l->all, l->ctx);
    mb_barrel_pairs_clear(&l->pairs, l->ctx);
    mb_buffer_clear(&l->hits_shapes);
    mb_buffer_clear(&l->particles_shapes);
    mb_buffer_clear(&l->invalid);
}

mb_status mb_barrel_load(
    mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report) {
    loader l = {.ctx = ctx};
    mb_buffer_init(&l.hits_shapes, ctx);
    mb_buffer_init(&l.particles_shapes, ctx);
    mb_buffer_init(&l.invalid, ctx);
    mb_dataset_init(out, ctx);
    mb_status status = run(&l, request);
    if (status == MB_OK) {
        warn(&l, request);
        if (report != NULL) {
            write_report(&l, report);
        }
        status = fill_dataset(&l, out);
    }
    if (status != MB_OK) {
        mb_dataset_clear(out);
    }
    clear(&l);
    return status;
}
