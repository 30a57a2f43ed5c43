// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/columns.h"

#include "base/runtime.h"

#include <math.h>

static const float mask_value = 69;

mb_status mb_ecal_store_create(
    mb_context *ctx, const mb_ecal_settings *settings, mb_ecal_store **out) {
    *out = mb_allocate_zeroed(ctx, 1, sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    (*out)->settings = *settings;
    mb_ecal_hits_init(&(*out)->hits, &(*out)->settings);
    return MB_OK;
}

void mb_ecal_store_destroy(mb_runtime *runtime, mb_ecal_store *store) {
    if (store != NULL) {
        mb_ecal_hits_clear(&store->hits, runtime);
        mb_runtime_release(runtime, store);
    }
}

static void release_store(mb_runtime *runtime, void *state) {
    mb_ecal_store_destroy(runtime, state);
}

// Frames first .. last that a hit is in; none of them for a hit of energy 0, which changes nothing.
static size_t span_of(const mb_ecal_settings *s, const mb_ecal_hit *hit, size_t *last) {
    *last = 0;
    const bool is_out = (hit->place & MB_ECAL_IN_FRAMES) == 0 || hit->frame == MB_ECAL_NO_FRAME ||
                        (!s->cumulative && (hit->place & MB_ECAL_EARLY) != 0);
    if (is_out || (hit->energy >= 0 && hit->energy <= 0)) {
        return 0;
    }
    *last = s->cumulative ? s->film.n_intervals : (size_t)hit->frame + 1;
    return hit->frame;
}

static size_t count_frames(const mb_column *column, const uint32_t *rows, size_t n) {
    const mb_ecal_store *store = column->state;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        const mb_ecal_hit *hit;
        const size_t n_hits = mb_ecal_hits_of(&store->hits, rows[i], &hit);
        for (size_t k = 0; k < n_hits; k++) {
            size_t last;
            const size_t first = span_of(&store->settings, &hit[k], &last);
            total += last - first;
        }
    }
    return total;
}

// Frame by frame, as positions must rise; hits lie in the order of their positions.
static void fill_frames(const mb_column *column, const uint32_t *rows, size_t n, uint32_t *offset,
    uint32_t *index, float *value) {
    const mb_ecal_store *store = column->state;
    const mb_ecal_settings *s = &store->settings;
    const uint32_t area = (uint32_t)(s->side * s->side);
    uint32_t to = 0;
    offset[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const mb_ecal_hit *hit;
        const size_t n_hits = mb_ecal_hits_of(&store->hits, rows[i], &hit);
        for (size_t frame = 0; frame < s->film.n_intervals; frame++) {
            for (size_t k = 0; k < n_hits; k++) {
                size_t last;
                const size_t first = span_of(s, &hit[k], &last);
                if (frame >= first && frame < last) {
                    index[to] = (uint32_t)frame * area + (hit[k].place & MB_ECAL_PLACE);
                    value[to++] = hit[k].energy;
                }
            }
        }
        offset[i + 1] = to;
    }
}

static float energy_in(const mb_ecal_settings *s, mb_ecal_hit hit, size_t frame) {
    const float energy = hit.energy;
    size_t last;
    hit.energy = 1; // one of 0 is taken, too
    const size_t first = span_of(s, &hit, &last);
    return frame >= first && frame < last ? energy : NAN;
}

// compat nan: what is not taken is not a number. A pixel without a hit has energy 0 at time 0.
static void make_with_nan(
    const mb_ecal_settings *s, const mb_ecal_hit *hit, size_t n_hits, float *out) {
    const size_t area = s->side * s->side;
    mb_ecal_hit empty = {0};
    (void)mb_ecal_hit_make(s, 0, false, false, &empty);
    for (size_t frame = 0; frame < s->film.n_intervals; frame++) {
        const float value = energy_in(s, empty, frame);
        float *to = out + frame * area;
        for (size_t p = 0; p < area; p++) {
            to[p] = value;
        }
        for (size_t k = 0; k < n_hits; k++) {
            to[hit[k].place & MB_ECAL_PLACE] = energy_in(s, hit[k], frame);
        }
    }
}

void mb_ecal_make_frames(const mb_ecal_store *store, size_t row, float *out) {
    const mb_ecal_settings *s = &store->settings;
    const size_t area = s->side * s->side;
    const mb_ecal_hit *hit;
    const size_t n_hits = mb_ecal_hits_of(&store->hits, row, &hit);
    memset(out, 0, s->film.n * area * sizeof *out);
    if (s->keeps_nan) {
        make_with_nan(s, hit, n_hits, out);
        return;
    }
    for (size_t k = 0; k < n_hits; k++) {
        size_t last;
        const size_t first = span_of(s, &hit[k], &last);
        for (size_t frame = first; frame < last; frame++) {
            out[frame * area + (hit[k].place & MB_ECAL_PLACE)] = hit[k].energy;
        }
    }
}

void mb_ecal_make_vectorised(const mb_ecal_store *store, size_t row, float *out) {
    const mb_ecal_settings *s = &store->settings;
    const size_t area = s->side * s->side;
    const mb_ecal_hit *hit;
    const size_t n_hits = mb_ecal_hits_of(&store->hits, row, &hit);
    memset(out, 0, s->film.n_intervals * area * 2 * sizeof *out);
    for (size_t k = 0; k < n_hits; k++) {
        const bool is_in = (hit[k].place & MB_ECAL_IN_FRAMES) != 0 &&
                           (hit[k].place & MB_ECAL_EARLY) == 0 && hit[k].frame != MB_ECAL_NO_FRAME;
        if (is_in) {
            float *to = out + (hit[k].frame * area + (hit[k].place & MB_ECAL_PLACE)) * 2;
            to[0] = hit[k].energy;
            to[1] = hit[k].time;
        }
    }
}

size_t mb_ecal_longest(const mb_ecal_hits *hits, unsigned mark) {
    size_t longest = 0;
    for (size_t row = 0; row < hits->n_rows; row++) {
        const mb_ecal_hit *hit;
        const size_t n_hits = mb_ecal_hits_of(hits, row, &hit);
        size_t n = 0;
        for (size_t k = 0; k < n_hits; k++) {
            n += (hit[k].place & mark) != 0;
        }
        longest = mb_max_size(longest, n);
    }
    return longest;
}

static void describe(const mb_ecal_hit *hit, size_t side, float out[MB_ECAL_FEATURES]) {
    const size_t place = hit->place & MB_ECAL_PLACE;
    out[0] = hit->energy;
    out[1] = hit->time;
    out[2] = (float)(place / side);
    out[3] = (float)(place % side);
}

void mb_ecal_scale_fit(
    const mb_ecal_hits *hits, unsigned mark, const uint32_t *rows, size_t n, mb_ecal_scale *out) {
    *out = (mb_ecal_scale){{0}, {0}};
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        const mb_ecal_hit *hit;
        const size_t n_hits = mb_ecal_hits_of(hits, rows[i], &hit);
        for (size_t k = 0; k < n_hits; k++) {
            if ((hit[k].place & mark) == 0) {
                continue;
            }
            float feature[MB_ECAL_FEATURES];
            describe(&hit[k], hits->settings->side, feature);
            for (size_t f = 0; f < MB_ECAL_FEATURES; f++) {
                out->least[f] = is_first ? feature[f] : fminf(out->least[f], feature[f]);
                out->most[f] = is_first ? feature[f] : fmaxf(out->most[f], feature[f]);
            }
            is_first = false;
        }
    }
}

// Times that are no numbers come last.
static bool is_later(float a, float b) {
    return a > b || (isnan(a) && !isnan(b));
}

// By insertion: rows are short, and hits of one time stay in the order of their positions.
size_t mb_ecal_list(const mb_ecal_hits *hits, size_t row, unsigned mark, size_t most, float *out) {
    const mb_ecal_hit *hit;
    const size_t n_hits = mb_ecal_hits_of(hits, row, &hit);
    const size_t side = hits->settings->side;
    size_t n = 0;
    for (size_t k = 0; k < n_hits; k++) {
        if ((hit[k].place & mark) == 0) {
            continue;
        }
        size_t at = n;
        while (at > 0 && is_later(out[MB_ECAL_FEATURES * (at - 1) + 1], hit[k].time)) {
            at--;
        }
        if (at == most) {
            continue; // later than all of a full list
        }
        n += n < most;
        memmove(out + MB_ECAL_FEATURES * (at + 1), out + MB_ECAL_FEATURES * at,
            (n - at - 1) * MB_ECAL_FEATURES * sizeof *out);
        describe(&hit[k], side, out + MB_ECAL_FEATURES * at);
    }
    return n;
}

static mb_status make_frames(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        mb_ecal_make_frames(column->state, rows[i], out + i * column->size);
    }
    return MB_OK;
}

static mb_status make_vectorised(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        mb_ecal_make_vectorised(column->state, rows[i], out + i * column->size);
    }
    return MB_OK;
}

static mb_status make_sequence(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    const mb_ecal_store *store = column->state;
    const mb_ecal_scale *scale = &store->scale;
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        float *to = out + i * column->size;
        const size_t length =
            mb_ecal_list(&store->hits, rows[i], MB_ECAL_IN_SEQUENCE, store->sequence_length, to);
        for (size_t k = 0; k < column->size; k++) {
            const size_t f = k % MB_ECAL_FEATURES;
            const float width = scale->most[f] - scale->least[f];
            if (k >= length * MB_ECAL_FEATURES) {
                to[k] = mask_value;
            } else {
                to[k] = width > 0 ? (to[k] - scale->least[f]) / width : 0;
            }
        }
    }
    return MB_OK;
}

static mb_status make_hits(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    const mb_ecal_store *store = column->state;
    (void)ctx;
    for (size_t i = 0; i < n; i++) {
        float *to = out + i * column->size;
        const size_t length =
            mb_ecal_list(&store->hits, rows[i], MB_ECAL_IN_FRAMES, store->hits_length, to);
        for (size_t k = length * MB_ECAL_FEATURES; k < column->size; k++) {
            to[k] = NAN;
        }
    }
    return MB_OK;
}

static mb_status make_unique_times(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out) {
    const mb_ecal_store *store = column->state;
    float *list = mb_allocate(ctx, MB_ECAL_PIXELS * MB_ECAL_FEATURES, sizeof *list);
    if (list == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        float *to = out + i * column->size;
        const size_t length =
            mb_ecal_list(&store->hits, rows[i], MB_ECAL_IN_FRAMES, MB_ECAL_PIXELS, list);
        size_t n_times = 0;
        for (size_t k = 0; k < length; k++) {
            const float time = list[MB_ECAL_FEATURES * k + 1];
            if (n_times == 0 || to[n_times - 1] < time) {
                to[n_times++] = time;
            }
        }
        for (; n_times < column->size; n_times++) {
            to[n_times] = NAN;
        }
    }
    mb_release(ctx, list);
    return MB_OK;
}

typedef mb_status (*make_fn)(
    const mb_column *column, mb_context *ctx, const uint32_t *rows, size_t n, float *out);

static mb_status add_column(mb_context *ctx, mb_ecal_store *store, mb_dataset *out,
    mb_ecal_array which, make_fn make, const size_t shape[4]) {
    mb_column *column = NULL;
    if ((store->settings.arrays & 1U << which) == 0) {
        return MB_OK;
    }
    MB_TRY(mb_dataset_add_column(out, ctx, mb_ecal_array_names[which], MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_MADE;
    column->dtype = MB_F32;
    column->make = make;
    column->state = store;
    column->size = 1;
    while (column->rank < 4 && shape[column->rank] > 0) {
        column->shape[column->rank] = shape[column->rank];
        column->size *= shape[column->rank++];
    }
    if (which == MB_ECAL_FRAMES) {
        column->stored_rank = 3;
        column->count = store->settings.keeps_nan ? NULL : count_frames;
        column->fill = store->settings.keeps_nan ? NULL : fill_frames;
    }
    return MB_OK;
}

mb_status mb_ecal_columns_add(mb_context *ctx, mb_ecal_store *store, mb_dataset *out) {
    const mb_ecal_settings *s = &store->settings;
    const mb_ecal_film *film = &s->film;
    const size_t n_before = out->n_columns;
    const struct {
        mb_ecal_array which;
        make_fn make;
        size_t shape[4];
    } columns[] = {
        {MB_ECAL_FRAMES, make_frames, {film->n, s->side, s->side, 1}},
        {MB_ECAL_VECTORISED, make_vectorised, {film->n_intervals, s->side, s->side, 2}},
        {MB_ECAL_SEQUENCE, make_sequence, {store->sequence_length, MB_ECAL_FEATURES}},
        {MB_ECAL_HITS, make_hits, {store->hits_length, MB_ECAL_FEATURES}},
        {MB_ECAL_UNIQUE_TIMES, make_unique_times, {MB_ECAL_MOST_TIMES}},
    };
    mb_status status = MB_OK;
    for (size_t i = 0; i < MB_COUNT_OF(columns) && status == MB_OK; i++) {
        status = add_column(ctx, store, out, columns[i].which, columns[i].make, columns[i].shape);
    }
    if (out->n_columns == n_before) {
        mb_ecal_store_destroy(mb_context_runtime(ctx), store);
        return status;
    }
    mb_column *owner = &out->columns[n_before];
    owner->release_state = release_store;
    owner->state_bytes = store->hits.capacity * sizeof *store->hits.hit +
                         store->hits.row_capacity * sizeof *store->hits.offset;
    return status;
}
