// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "showers.h"

#include "base/numbers.h"

#include <math.h>
#include <string.h>

enum { PIXELS = SHOWER_SIDE * SHOWER_SIDE, N_TIMES = 20, N_CROPS = 2 };

static mb_status put(mb_bundle *bundle, mb_context *ctx, const char *name, mb_dtype dtype,
    unsigned rank, const size_t *shape, const void *data) {
    mb_array array;
    MB_TRY(mb_array_init(&array, ctx, dtype, rank, shape));
    memcpy(array.data, data, mb_array_bytes(&array));
    return mb_bundle_put(bundle, ctx, name, &array);
}

static mb_status put_of(mb_bundle *bundle, mb_context *ctx, size_t k, const char *part,
    mb_dtype dtype, unsigned rank, const size_t *shape, const void *data) {
    char name[64];
    mb_format(name, sizeof name, "class/%zu/%s", k, part);
    return put(bundle, ctx, name, dtype, rank, shape, data);
}

// Energy of a pixel, 0: empty. The electron is wider along the columns.
static float energy_at(size_t k, size_t event, size_t pixel) {
    const int row = (int)(pixel / SHOWER_SIDE) - SHOWER_SIDE / 2;
    const int column = (int)(pixel % SHOWER_SIDE) - SHOWER_SIDE / 2;
    const int distance = 2 * row * row + (k == 0 ? 2 : 1) * column * column;
    return distance > 14 ? 0 : (float)(0.8 - 0.05 * (double)event) / (float)(1 + 3 * distance);
}

static float time_at(size_t event, size_t pixel) {
    return (float)((int)((7 * pixel + 3 * event) % 19) - 9) / 100;
}

static size_t frame_at(size_t pixel) {
    return (size_t)((double)(time_at(0, pixel) + 0.1F) / 0.04);
}

static mb_status put_images(mb_bundle *bundle, mb_context *ctx, size_t k) {
    float energy[SHOWER_IMAGES][PIXELS];
    float time[SHOWER_IMAGES][PIXELS];
    float hits[PIXELS][MB_SHOWER_HIT];
    size_t n_hits = 0;
    for (size_t i = 0; i < SHOWER_IMAGES; i++) {
        for (size_t p = 0; p < PIXELS; p++) {
            const float e = energy_at(k, i, p);
            energy[i][p] = e > 0 ? e : NAN;
            time[i][p] = e > 0 ? time_at(i, p) : NAN;
            if (i == 0 && e > 0) {
                hits[n_hits][0] = e;
                hits[n_hits][1] = time_at(0, p);
                hits[n_hits][2] = (float)(p / SHOWER_SIDE);
                hits[n_hits++][3] = (float)(p % SHOWER_SIDE);
            }
        }
    }
    const int64_t events[SHOWER_IMAGES] = {0, 1, 2, 300};
    const size_t shape[3] = {SHOWER_IMAGES, SHOWER_SIDE, SHOWER_SIDE};
    const size_t list[2] = {n_hits, MB_SHOWER_HIT};
    MB_TRY(put_of(bundle, ctx, k, "event", MB_I64, 1, shape, events));
    MB_TRY(put_of(bundle, ctx, k, "energy", MB_F32, 3, shape, energy));
    MB_TRY(put_of(bundle, ctx, k, "time", MB_F32, 3, shape, time));
    MB_TRY(put_of(bundle, ctx, k, "hits", MB_F32, 2, list, hits));
    return put_of(bundle, ctx, k, "sequence", MB_F32, 2, list, hits);
}

static mb_status put_frames(mb_bundle *bundle, mb_context *ctx, size_t k) {
    float frames[SHOWER_FRAMES][PIXELS] = {{0}};
    float vectorised[SHOWER_FRAMES][PIXELS][2] = {{{0}}};
    for (size_t p = 0; p < PIXELS; p++) {
        const float e = energy_at(k, 0, p);
        for (size_t f = frame_at(p); f < SHOWER_FRAMES && e > 0; f++) {
            frames[f][p] = e;
        }
        if (e > 0) {
            vectorised[frame_at(p)][p][0] = e;
            vectorised[frame_at(p)][p][1] = time_at(0, p);
        }
    }
    const size_t shape[4] = {SHOWER_FRAMES, SHOWER_SIDE, SHOWER_SIDE, 2};
    MB_TRY(put_of(bundle, ctx, k, "frames", MB_F32, 3, shape, frames));
    return put_of(bundle, ctx, k, "vectorised", MB_F32, 4, shape, vectorised);
}

static mb_status put_distributions(mb_bundle *bundle, mb_context *ctx, size_t k) {
    double counts[N_TIMES];
    double energy[N_TIMES];
    const double totals[2] = {4000, 400};
    for (size_t i = 0; i < N_TIMES; i++) {
        counts[i] = 2000.0 / (double)((1 + i) * (1 + i));
        energy[i] = 230.0 / (double)((1 + i) * (1 + i));
    }
    float kept[2][N_CROPS][SHOWER_EVENTS];
    int64_t n_hits[SHOWER_EVENTS];
    for (size_t i = 0; i < SHOWER_EVENTS; i++) {
        n_hits[i] = (int64_t)(5 + (i * i) % (11 + k));
        for (size_t c = 0; c < N_CROPS; c++) {
            kept[0][c][i] = 0.5F + 0.25F * (float)c + 0.01F * (float)(i % 20);
            kept[1][c][i] = 1;
        }
    }
    const size_t n_times = N_TIMES;
    const size_t n_events = SHOWER_EVENTS;
    MB_TRY(put_of(bundle, ctx, k, "time_counts", MB_F64, 1, &n_times, counts));
    MB_TRY(put_of(bundle, ctx, k, "time_energy", MB_F64, 1, &n_times, energy));
    MB_TRY(put_of(bundle, ctx, k, "time_totals", MB_F64, 1, (const size_t[]){2}, totals));
    const size_t shape[2] = {N_CROPS, SHOWER_EVENTS};
    MB_TRY(put_of(bundle, ctx, k, "crop_hits", MB_F32, 2, shape, kept[0]));
    MB_TRY(put_of(bundle, ctx, k, "crop_energy", MB_F32, 2, shape, kept[1]));
    return put_of(bundle, ctx, k, "n_hits", MB_I64, 1, &n_events, n_hits);
}

static mb_status put_common(mb_bundle *bundle, mb_context *ctx, int64_t own_scale) {
    double edges[N_TIMES + 1];
    double frame_edges[SHOWER_FRAMES + 1];
    for (size_t i = 0; i <= N_TIMES; i++) {
        edges[i] = (double)i / 100;
    }
    for (size_t i = 0; i <= SHOWER_FRAMES; i++) {
        frame_edges[i] = (double)i / 25 - 0.1;
    }
    const int64_t crops[N_CROPS] = {6, 8};
    const double areas[N_CROPS] = {0.25, 4.0 / 9};
    const size_t n_edges[2] = {N_TIMES + 1, SHOWER_FRAMES + 1};
    const size_t n_crops = N_CROPS;
    MB_TRY(put(bundle, ctx, "time_edges", MB_F64, 1, &n_edges[0], edges));
    MB_TRY(put(bundle, ctx, "frame_edges", MB_F64, 1, &n_edges[1], frame_edges));
    MB_TRY(put(bundle, ctx, "crops", MB_I64, 1, &n_crops, crops));
    MB_TRY(put(bundle, ctx, "crop_areas", MB_F64, 1, &n_crops, areas));
    return put(bundle, ctx, "own_scale", MB_I64, 1, (const size_t[]){1}, &own_scale);
}

mb_status put_showers(mb_bundle *bundle, mb_context *ctx, const char *const *names,
    size_t n_classes, unsigned parts, int64_t own_scale) {
    MB_TRY(put_common(bundle, ctx, own_scale));
    for (size_t k = 0; k < n_classes; k++) {
        char key[64];
        mb_format(key, sizeof key, "class/%zu/name", k);
        MB_TRY(mb_bundle_put_text(bundle, ctx, key, names[k]));
        if ((parts & SHOWER_WITH_IMAGES) != 0) {
            MB_TRY(put_images(bundle, ctx, k));
        }
        if ((parts & SHOWER_WITH_FRAMES) != 0) {
            MB_TRY(put_frames(bundle, ctx, k));
        }
        if ((parts & SHOWER_WITH_DISTRIBUTIONS) != 0) {
            MB_TRY(put_distributions(bundle, ctx, k));
        }
    }
    return MB_OK;
}
