// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/hits.h"

#include "base/runtime.h"

#include <math.h>

enum { ROWS_PER_TASK = 16, GROUP = 8 };

static const double most_abs_time = 100;

void mb_ecal_hits_init(mb_ecal_hits *hits, const mb_ecal_settings *settings) {
    *hits = (mb_ecal_hits){.settings = settings};
}

typedef struct add_job {
    mb_ecal_hits *hits;
    const mb_array *images;
    const char *path;
    size_t n, first_row;
    mb_ecal_tally *tally; // of each task
} add_job;

// One interval has time in it: the first whose end is not before it. Ends rise.
static uint16_t frame_of(const mb_ecal_film *film, double time) {
    size_t low = 0;
    size_t high = film->n_intervals;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (time <= film->edge[middle + 1]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < film->n_intervals ? (uint16_t)low : MB_ECAL_NO_FRAME;
}

bool mb_ecal_hit_make(
    const mb_ecal_settings *s, double time, bool is_high, bool is_sequence, mb_ecal_hit *hit) {
    bool is_kept = !s->remove_empty || (is_high && fabs(time) < most_abs_time);
    if (!s->early_hits) {
        is_kept = is_kept && time >= s->min_t && time <= s->max_t;
    }
    const bool in_sequence = is_sequence && fabs(time) < s->sequence_abstime;
    hit->time = (float)time;
    hit->frame = is_kept ? frame_of(&s->film, time) : MB_ECAL_NO_FRAME;
    unsigned marks = 0;
    marks |= is_kept ? MB_ECAL_IN_FRAMES : 0U;
    marks |= in_sequence ? MB_ECAL_IN_SEQUENCE : 0U;
    marks |= s->early_hits && !(time > s->film.edge[0]) ? MB_ECAL_EARLY : 0U;
    hit->place = (uint16_t)marks;
    // Not a number where nothing is kept: then what was left out must be known, too.
    return is_kept || in_sequence || s->keeps_nan;
}

static mb_status fail_energy(
    const add_job *job, mb_context *ctx, size_t row, size_t pixel, double energy) {
    return mb_fail(ctx, MB_ERR_RANGE,
        "%s: row %zu, pixel (%zu, %zu): energy is %g; correct it, or set data.nan_as_empty: true",
        job->path, job->first_row + row, pixel / MB_ECAL_SIDE, pixel % MB_ECAL_SIDE, energy);
}

// Most pixels are empty, zero in every bit: they are passed over GROUP at a time.
static bool is_blank(const unsigned char *bytes, size_t length) {
    uint64_t any = 0;
    for (size_t i = 0; i < length; i += sizeof any) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof word);
        any |= word;
    }
    return any == 0;
}

// One image on its way.
typedef struct image {
    const add_job *job;
    size_t row;
    const float *single; // energy and time by pixel: one of the two
    const double *wide;
    mb_ecal_hit *out;
    size_t n;
    bool is_empty;
} image;

static void add_hit(image *im, size_t y, size_t x, double energy, double time) {
    const mb_ecal_settings *s = im->job->hits->settings;
    const bool is_single = im->single != NULL;
    const bool is_high = is_single ? (float)energy > (float)s->low_e : energy > s->low_e;
    const bool is_sequence =
        (s->arrays & 1U << MB_ECAL_SEQUENCE) != 0 &&
        (is_single ? (float)energy > (float)s->sequence_low_e : energy > s->sequence_low_e);
    mb_ecal_hit hit = {.energy = (float)energy};
    if (mb_ecal_hit_make(s, time, is_high, is_sequence, &hit)) {
        im->is_empty = im->is_empty && (hit.place & MB_ECAL_IN_FRAMES) == 0;
        hit.place = (uint16_t)(hit.place | (y * s->side + x));
        im->out[im->n++] = hit;
    }
}

// The whole image is looked at for energies that are no numbers, the square for hits.
static mb_status take_pixel(image *im, mb_context *ctx, size_t pixel, mb_ecal_tally *tally) {
    const mb_ecal_settings *s = im->job->hits->settings;
    const bool is_single = im->single != NULL;
    const double energy = is_single ? (double)im->single[2 * pixel] : im->wide[2 * pixel];
    const double time = is_single ? (double)im->single[2 * pixel + 1] : im->wide[2 * pixel + 1];
    const bool is_zero = energy >= 0 && energy <= 0;
    if (is_zero && (s->remove_empty || (time >= 0 && time <= 0))) {
        return MB_OK;
    }
    if (!isfinite(energy)) {
        tally->n_nan++;
        return s->nan_as_empty ? MB_OK : fail_energy(im->job, ctx, im->row, pixel, energy);
    }
    tally->n_negative += energy < 0;
    const size_t y = pixel / MB_ECAL_SIDE - s->first;
    const size_t x = pixel % MB_ECAL_SIDE - s->first;
    if (y < s->side && x < s->side) {
        add_hit(im, y, x, energy, time);
    }
    return MB_OK;
}

static mb_status take_image(const add_job *job, mb_context *ctx, size_t row, mb_ecal_tally *tally) {
    mb_ecal_hits *hits = job->hits;
    const size_t pixel_bytes = 2 * mb_dtype_size(job->images->dtype);
    const unsigned char *bytes =
        (const unsigned char *)job->images->data + row * MB_ECAL_PIXELS * pixel_bytes;
    const bool is_single = job->images->dtype == MB_F32;
    image im = {.job = job,
        .row = row,
        .single = is_single ? (const void *)bytes : NULL,
        .wide = is_single ? NULL : (const void *)bytes,
        .out = hits->block + row * MB_ECAL_PIXELS,
        .is_empty = true};
    for (size_t first = 0; first < MB_ECAL_PIXELS; first += GROUP) {
        if (is_blank(bytes + first * pixel_bytes, GROUP * pixel_bytes)) {
            continue;
        }
        for (size_t pixel = first; pixel < first + GROUP; pixel++) {
            MB_TRY(take_pixel(&im, ctx, pixel, tally));
        }
    }
    hits->count[row] = (uint32_t)im.n;
    tally->n_images++;
    tally->n_empty += im.is_empty;
    return MB_OK;
}

static mb_status add_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const add_job *job = user;
    const size_t end = mb_min_size((task + 1) * ROWS_PER_TASK, job->n);
    for (size_t row = task * ROWS_PER_TASK; row < end; row++) {
        MB_TRY(take_image(job, ctx, row, &job->tally[task]));
    }
    return MB_OK;
}

static mb_status make_room(mb_ecal_hits *hits, mb_context *ctx, size_t n) {
    if (n > hits->block_rows) {
        mb_ecal_hits_pack(hits, ctx);
        hits->block = mb_allocate(ctx, n * MB_ECAL_PIXELS, sizeof *hits->block);
        hits->count = mb_allocate(ctx, n, sizeof *hits->count);
        if (hits->block == NULL || hits->count == NULL) {
            return MB_ERR_MEMORY;
        }
        hits->block_rows = n;
    }
    return mb_grow(
        ctx, &hits->offset, &hits->row_capacity, hits->n_rows + n + 1, sizeof *hits->offset);
}

static mb_status append(mb_ecal_hits *hits, mb_context *ctx, size_t n) {
    if (hits->n_rows == 0) {
        hits->offset[0] = 0;
    }
    uint64_t end = hits->offset[hits->n_rows];
    for (size_t row = 0; row < n; row++) {
        end += hits->count[row];
        hits->offset[hits->n_rows + row + 1] = end;
    }
    // Images without any hit, too, have a place in memory.
    MB_TRY(
        mb_grow(ctx, &hits->hit, &hits->capacity, mb_max_size((size_t)end, 1), sizeof *hits->hit));
    for (size_t row = 0; row < n; row++) {
        memcpy(hits->hit + hits->offset[hits->n_rows + row], hits->block + row * MB_ECAL_PIXELS,
            hits->count[row] * sizeof *hits->hit);
    }
    hits->n_rows += n;
    return MB_OK;
}

mb_status mb_ecal_hits_add(mb_ecal_hits *hits, mb_context *ctx, const mb_array *images,
    const char *path, size_t first_row) {
    add_job job = {.hits = hits,
        .images = images,
        .path = path,
        .n = images->shape[0],
        .first_row = first_row};
    const size_t n_tasks = (job.n + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    MB_TRY(make_room(hits, ctx, job.n));
    job.tally = mb_allocate_zeroed(ctx, n_tasks, sizeof *job.tally);
    mb_status status = job.tally != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_parallel(ctx, n_tasks, add_task, &job);
    }
    if (status == MB_OK) {
        status = append(hits, ctx, job.n);
    }
    for (size_t i = 0; i < n_tasks && status == MB_OK; i++) {
        hits->tally.n_images += job.tally[i].n_images;
        hits->tally.n_empty += job.tally[i].n_empty;
        hits->tally.n_negative += job.tally[i].n_negative;
        hits->tally.n_nan += job.tally[i].n_nan;
    }
    mb_release(ctx, job.tally);
    return status;
}

void mb_ecal_hits_pack(mb_ecal_hits *hits, mb_context *ctx) {
    mb_release(ctx, hits->block);
    mb_release(ctx, hits->count);
    hits->block = NULL;
    hits->count = NULL;
    hits->block_rows = 0;
}

void mb_ecal_hits_clear(mb_ecal_hits *hits, mb_runtime *runtime) {
    mb_runtime_release(runtime, hits->block);
    mb_runtime_release(runtime, hits->count);
    mb_runtime_release(runtime, hits->offset);
    mb_runtime_release(runtime, hits->hit);
    *hits = (mb_ecal_hits){0};
}
