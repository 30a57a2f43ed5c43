// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/pictures.h"

#include "base/numbers.h"
#include "detector/ecal/columns.h"
#include "detector/ecal/files.h"

#include <math.h>

enum {
    N_CLASSES = 2,
    N_CROPS = 5,
    N_TIMES = 250,
    N_EVENTS = MB_ECAL_PICTURE_EVENTS,
    N_IMAGES = MB_ECAL_PICTURE_IMAGES
};

static const size_t crops[N_CROPS] = {12, 16, 20, 24, 28};
static const double time_step = 0.001;
static const char *const class_names[N_CLASSES] = {"Photon", "Electron"};

// What is gathered of one class.
typedef struct gathered {
    mb_ecal_store *store;
    size_t n;
    int64_t event[N_IMAGES], n_hits[N_EVENTS];
    float crop_hits[N_CROPS][N_EVENTS], crop_energy[N_CROPS][N_EVENTS];
    double time_counts[N_TIMES], time_energy[N_TIMES], totals[2];
} gathered;

typedef struct gatherer {
    mb_context *ctx;
    mb_ecal_settings settings;
    gathered *of; // each class
    mb_bundle *out;
} gatherer;

static bool is_inside(size_t pixel, size_t crop) {
    const size_t first = (MB_ECAL_SIDE - crop) / 2;
    const size_t y = pixel / MB_ECAL_SIDE - first;
    const size_t x = pixel % MB_ECAL_SIDE - first;
    return y < crop && x < crop;
}

static void add_time(gathered *g, double energy, double time) {
    g->totals[0]++;
    g->totals[1] += energy;
    const double bin = floor(fabs(time) / time_step);
    if (bin < N_TIMES) {
        g->time_counts[(size_t)bin]++;
        g->time_energy[(size_t)bin] += energy;
    }
}

static void add_figures(const mb_ecal_settings *s, gathered *g, const float *image) {
    double sum = 0;
    double n_hits = 0;
    double crop_sum[N_CROPS] = {0};
    double crop_hits[N_CROPS] = {0};
    for (size_t pixel = 0; pixel < MB_ECAL_PIXELS; pixel++) {
        const double energy = (double)image[2 * pixel];
        if (!(energy > 0)) {
            continue;
        }
        sum += energy;
        n_hits++;
        for (size_t i = 0; i < N_CROPS; i++) {
            const bool is_in = is_inside(pixel, crops[i]);
            crop_sum[i] += is_in ? energy : 0;
            crop_hits[i] += is_in;
        }
        if (is_inside(pixel, s->side)) {
            add_time(g, energy, (double)image[2 * pixel + 1]);
        }
    }
    for (size_t i = 0; i < N_CROPS; i++) {
        g->crop_hits[i][g->n] = n_hits > 0 ? (float)(crop_hits[i] / n_hits) : 0;
        g->crop_energy[i][g->n] = sum > 0 ? (float)(crop_sum[i] / sum) : 0;
    }
}

static mb_status add_image(
    gatherer *all, gathered *g, const char *path, const float *image, size_t row) {
    const mb_array one = {.dtype = MB_F32,
        .rank = 4,
        .shape = {1, MB_ECAL_SIDE, MB_ECAL_SIDE, 2},
        .data = (void *)(uintptr_t)image};
    mb_ecal_hits *hits = &g->store->hits;
    MB_TRY(mb_ecal_hits_add(hits, all->ctx, &one, path, row));
    const mb_ecal_hit *hit;
    const size_t n_hits = mb_ecal_hits_of(hits, g->n, &hit);
    for (size_t k = 0; k < n_hits; k++) {
        g->n_hits[g->n] += (hit[k].place & MB_ECAL_IN_SEQUENCE) != 0;
    }
    if (g->n < N_IMAGES) {
        g->event[g->n] = (int64_t)row;
    }
    add_figures(&all->settings, g, image);
    g->n++;
    return MB_OK;
}

static bool is_wanted(const gatherer *all, int class_index) {
    return class_index == MB_ECAL_BOTH ? all->of[0].n < N_EVENTS || all->of[1].n < N_EVENTS
                                       : all->of[class_index].n < N_EVENTS;
}

static mb_status add_block(
    gatherer *all, const mb_ecal_file *file, mb_ecal_source *source, size_t first, size_t n) {
    mb_array images;
    MB_TRY(mb_ecal_source_read(source, first, n, &images));
    mb_status status = mb_array_convert(&images, all->ctx, MB_F32);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        size_t which = (size_t)file->class_index;
        if (file->class_index == MB_ECAL_BOTH) {
            which = mb_array_get(&source->labels, first + i) > 0.5;
        }
        if (all->of[which].n < N_EVENTS) {
            status = add_image(all, &all->of[which], file->path,
                (const float *)images.data + i * MB_ECAL_PIXELS * 2, first + i);
        }
    }
    mb_array_clear(&images);
    return status;
}

static mb_status read_piece(gatherer *all, const mb_ecal_file *file, const mb_ecal_piece *piece) {
    if (!is_wanted(all, file->class_index)) {
        return MB_OK;
    }
    mb_ecal_source source;
    mb_status status = mb_ecal_source_open(all->ctx, file->path, &source);
    for (size_t row = piece->first; row < piece->last && status == MB_OK;) {
        const size_t n = mb_ecal_source_block(&source, row, piece->last);
        status = add_block(all, file, &source, row, n);
        row = is_wanted(all, file->class_index) ? row + n : piece->last;
    }
    mb_ecal_source_close(&source);
    return status;
}

static mb_status put(gatherer *all, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *values) {
    mb_array array;
    MB_TRY(mb_array_init(&array, all->ctx, dtype, rank, shape));
    if (values != NULL && mb_array_bytes(&array) > 0) {
        memcpy(array.data, values, mb_array_bytes(&array));
    }
    return mb_bundle_put(all->out, all->ctx, name, &array);
}

static mb_status put_of(gatherer *all, size_t which, const char *what, mb_dtype dtype,
    unsigned rank, const size_t *shape, const void *values) {
    char name[64];
    mb_format(name, sizeof name, "class/%zu/%s", which, what);
    return put(all, name, dtype, rank, shape, values);
}

static mb_status put_images(gatherer *all, size_t which, bool is_time) {
    const gathered *g = &all->of[which];
    const size_t side = all->settings.side;
    const size_t shape[3] = {mb_min_size(g->n, N_IMAGES), side, side};
    mb_array array;
    MB_TRY(mb_array_init(&array, all->ctx, MB_F32, 3, shape));
    float *out = array.data;
    for (size_t i = 0; i < mb_array_count(&array); i++) {
        out[i] = NAN;
    }
    for (size_t row = 0; row < shape[0]; row++) {
        const mb_ecal_hit *hit;
        const size_t n = mb_ecal_hits_of(&g->store->hits, row, &hit);
        for (size_t k = 0; k < n; k++) {
            if ((hit[k].place & MB_ECAL_IN_FRAMES) != 0) {
                out[row * side * side + (hit[k].place & MB_ECAL_PLACE)] =
                    is_time ? hit[k].time : hit[k].energy;
            }
        }
    }
    char name[64];
    mb_format(name, sizeof name, "class/%zu/%s", which, is_time ? "time" : "energy");
    return mb_bundle_put(all->out, all->ctx, name, &array);
}

static mb_status put_list(gatherer *all, size_t which, const char *what, unsigned mark) {
    float *list = mb_allocate(all->ctx, MB_ECAL_PIXELS * MB_ECAL_FEATURES, sizeof *list);
    if (list == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t n = mb_ecal_list(&all->of[which].store->hits, 0, mark, MB_ECAL_PIXELS, list);
    const mb_status status =
        put_of(all, which, what, MB_F32, 2, (const size_t[]){n, MB_ECAL_FEATURES}, list);
    mb_release(all->ctx, list);
    return status;
}

// Of event 0: frames and vectorised frames, without the empty last frame.
static mb_status put_film(gatherer *all, size_t which) {
    const mb_ecal_settings *s = &all->settings;
    const size_t area = s->side * s->side;
    float *values = mb_allocate(all->ctx, (s->film.n + 1) * area * 2, sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t shape[4] = {s->film.n_intervals, s->side, s->side, 2};
    mb_ecal_make_frames(all->of[which].store, 0, values);
    mb_status status = put_of(all, which, "frames", MB_F32, 3, shape, values);
    if (status == MB_OK) {
        mb_ecal_make_vectorised(all->of[which].store, 0, values);
        status = put_of(all, which, "vectorised", MB_F32, 4, shape, values);
    }
    mb_release(all->ctx, values);
    return status;
}

static mb_status put_crop(
    gatherer *all, size_t which, const char *what, float (*values)[N_EVENTS], size_t n) {
    mb_array array;
    MB_TRY(mb_array_init(&array, all->ctx, MB_F32, 2, (const size_t[]){N_CROPS, n}));
    for (size_t i = 0; i < N_CROPS; i++) {
        memcpy((float *)array.data + i * n, values[i], n * sizeof(float));
    }
    char name[64];
    mb_format(name, sizeof name, "class/%zu/%s", which, what);
    return mb_bundle_put(all->out, all->ctx, name, &array);
}

static mb_status put_class(gatherer *all, size_t which) {
    gathered *g = &all->of[which];
    const size_t n_images = mb_min_size(g->n, N_IMAGES);
    const int64_t n_events = (int64_t)g->n;
    MB_TRY(put_of(all, which, "n_events", MB_I64, 1, (const size_t[]){1}, &n_events));
    if (g->n == 0) {
        return MB_OK;
    }
    char name[64];
    mb_format(name, sizeof name, "class/%zu/name", which);
    MB_TRY(mb_bundle_put_text(all->out, all->ctx, name, class_names[which]));
    MB_TRY(put_of(all, which, "event", MB_I64, 1, &n_images, g->event));
    MB_TRY(put_images(all, which, false));
    MB_TRY(put_images(all, which, true));
    MB_TRY(put_list(all, which, "hits", MB_ECAL_IN_FRAMES));
    MB_TRY(put_film(all, which));
    const size_t n_times = N_TIMES;
    MB_TRY(put_of(all, which, "time_counts", MB_F64, 1, &n_times, g->time_counts));
    MB_TRY(put_of(all, which, "time_energy", MB_F64, 1, &n_times, g->time_energy));
    MB_TRY(put_of(all, which, "time_totals", MB_F64, 1, (const size_t[]){2}, g->totals));
    MB_TRY(put_crop(all, which, "crop_hits", g->crop_hits, g->n));
    MB_TRY(put_crop(all, which, "crop_energy", g->crop_energy, g->n));
    MB_TRY(put_of(all, which, "n_hits", MB_I64, 1, &g->n, g->n_hits));
    return put_list(all, which, "sequence", MB_ECAL_IN_SEQUENCE);
}

static mb_status put_common(gatherer *all) {
    const mb_ecal_film *film = &all->settings.film;
    MB_TRY(mb_bundle_put_int(all->out, all->ctx, "own_scale", all->settings.own_scale));
    MB_TRY(put(all, "frame_edges", MB_F64, 1, (const size_t[]){film->n_intervals + 1}, film->edge));
    double edges[N_TIMES + 1];
    for (size_t i = 0; i <= N_TIMES; i++) {
        edges[i] = (double)i * time_step;
    }
    MB_TRY(mb_bundle_put_doubles(all->out, all->ctx, "time_edges", edges, N_TIMES + 1));
    int64_t sides[N_CROPS];
    double areas[N_CROPS];
    for (size_t i = 0; i < N_CROPS; i++) {
        sides[i] = (int64_t)crops[i];
        areas[i] = (double)(crops[i] * crops[i]) / MB_ECAL_PIXELS;
    }
    MB_TRY(put(all, "crops", MB_I64, 1, (const size_t[]){N_CROPS}, sides));
    return put(all, "crop_areas", MB_F64, 1, (const size_t[]){N_CROPS}, areas);
}

static mb_status gather(gatherer *all, const mb_detector_request *request) {
    mb_ecal_files files;
    mb_ecal_pieces pieces = {0};
    mb_status status = mb_ecal_files_find(all->ctx, request, &all->settings, &files);
    if (status == MB_OK) {
        status = mb_ecal_pieces_make(all->ctx, request, &files, &pieces);
    }
    for (size_t i = 0; i < pieces.n && status == MB_OK; i++) {
        status = read_piece(all, &files.file[pieces.piece[i].file], &pieces.piece[i]);
    }
    mb_release(all->ctx, pieces.piece);
    mb_ecal_files_clear(&files, all->ctx);
    return status;
}

static mb_status run(gatherer *all, const mb_detector_request *request) {
    MB_TRY(mb_ecal_settings_read(all->ctx, request, &all->settings));
    all->settings.arrays |= 1U << MB_ECAL_SEQUENCE;
    all->settings.keeps_nan = false;
    for (size_t i = 0; i < N_CLASSES; i++) {
        MB_TRY(mb_ecal_store_create(all->ctx, &all->settings, &all->of[i].store));
    }
    MB_TRY(gather(all, request));
    MB_TRY(put_common(all));
    for (size_t i = 0; i < N_CLASSES; i++) {
        MB_TRY(put_class(all, i));
    }
    return MB_OK;
}

mb_status mb_ecal_pictures(mb_context *ctx, const mb_detector_request *request, mb_bundle *out) {
    mb_bundle_init(out, ctx);
    gatherer *all = mb_allocate_zeroed(ctx, 1, sizeof *all);
    if (all == NULL) {
        return MB_ERR_MEMORY;
    }
    all->ctx = ctx;
    all->out = out;
    all->of = mb_allocate_zeroed(ctx, N_CLASSES, sizeof *all->of);
    const mb_status status = all->of != NULL ? run(all, request) : MB_ERR_MEMORY;
    for (size_t i = 0; i < N_CLASSES && all->of != NULL; i++) {
        mb_ecal_store_destroy(mb_context_runtime(ctx), all->of[i].store);
    }
    mb_release(ctx, all->of);
    mb_release(ctx, all);
    if (status != MB_OK) {
        mb_bundle_clear(out);
    }
    return status;
}
