// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/ids.h"

enum { MOST_STEPS = 64, SPARE = 1024 };

static size_t first_slot(const mb_tracks_ids *index, int64_t id) {
    uint64_t x = (uint64_t)id;
    x = (x ^ x >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(x ^ x >> 32) & (index->n_slots - 1);
}

static mb_status make_slots(mb_tracks_ids *index, mb_context *ctx) {
    index->row = mb_allocate(ctx, index->n_slots, sizeof *index->row);
    if (index->row == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(index->row, 0xFF, index->n_slots * sizeof *index->row);
    return MB_OK;
}

static mb_status fill_dense(
    mb_tracks_ids *index, mb_context *ctx, const int64_t *ids, size_t *twice) {
    MB_TRY(make_slots(index, ctx));
    for (size_t i = 0; i < index->n; i++) {
        int32_t *row = &index->row[(uint64_t)ids[i] - (uint64_t)index->least];
        if (*row >= 0) {
            *twice = i;
            return MB_OK;
        }
        *row = (int32_t)i;
    }
    return MB_OK;
}

static mb_status fill_sorted(
    mb_tracks_ids *index, mb_context *ctx, const int64_t *ids, size_t *twice) {
    index->sorted = mb_allocate(ctx, index->n, sizeof *index->sorted);
    if (index->sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_tracks_sort_members(ctx, ids, index->n, index->sorted));
    for (size_t i = 1; i < index->n; i++) {
        if (index->sorted[i].particle == index->sorted[i - 1].particle) {
            *twice = (size_t)index->sorted[i].hit;
            return MB_OK;
        }
    }
    return MB_OK;
}

static mb_status fill_hashed(
    mb_tracks_ids *index, mb_context *ctx, const int64_t *ids, size_t *twice) {
    MB_TRY(make_slots(index, ctx));
    index->key = mb_allocate(ctx, index->n_slots, sizeof *index->key);
    if (index->key == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < index->n; i++) {
        size_t slot = first_slot(index, ids[i]);
        for (size_t step = 0; index->row[slot] >= 0; step++) {
            if (index->key[slot] == ids[i]) {
                *twice = i;
                return MB_OK;
            }
            if (step == MOST_STEPS) {
                return fill_sorted(index, ctx, ids, twice);
            }
            slot = (slot + 1) & (index->n_slots - 1);
        }
        index->key[slot] = ids[i];
        index->row[slot] = (int32_t)i;
    }
    return MB_OK;
}

mb_status mb_tracks_ids_make(
    mb_tracks_ids *index, mb_context *ctx, const int64_t *ids, size_t n, size_t *twice) {
    *index = (mb_tracks_ids){.n = n};
    *twice = SIZE_MAX;
    if (n == 0) {
        return MB_OK;
    }
    int64_t most = ids[0];
    index->least = ids[0];
    for (size_t i = 1; i < n; i++) {
        index->least = ids[i] < index->least ? ids[i] : index->least;
        most = ids[i] > most ? ids[i] : most;
    }
    const uint64_t span = (uint64_t)most - (uint64_t)index->least;
    if (span < 4 * n + SPARE) {
        index->n_slots = (size_t)span + 1;
        return fill_dense(index, ctx, ids, twice);
    }
    for (index->n_slots = 16; index->n_slots < 2 * n; index->n_slots *= 2) {
    }
    return fill_hashed(index, ctx, ids, twice);
}

void mb_tracks_ids_clear(mb_tracks_ids *index, mb_context *ctx) {
    mb_release(ctx, index->row);
    mb_release(ctx, index->key);
    mb_release(ctx, index->sorted);
    *index = (mb_tracks_ids){.n = 0};
}

static size_t find_sorted(const mb_tracks_ids *index, int64_t id) {
    size_t first = 0;
    for (size_t left = index->n; left > 0;) {
        const size_t half = left / 2;
        const bool is_below = index->sorted[first + half].particle < id;
        first += is_below ? half + 1 : 0;
        left = is_below ? left - half - 1 : half;
    }
    return first < index->n && index->sorted[first].particle == id
               ? (size_t)index->sorted[first].hit
               : SIZE_MAX;
}

size_t mb_tracks_ids_find(const mb_tracks_ids *index, int64_t id) {
    if (index->n == 0) {
        return SIZE_MAX;
    }
    if (index->sorted != NULL) {
        return find_sorted(index, id);
    }
    if (index->key == NULL) {
        const uint64_t slot = (uint64_t)id - (uint64_t)index->least;
        return slot < index->n_slots && index->row[slot] >= 0 ? (size_t)index->row[slot] : SIZE_MAX;
    }
    size_t slot = first_slot(index, id);
    while (index->row[slot] >= 0 && index->key[slot] != id) {
        slot = (slot + 1) & (index->n_slots - 1);
    }
    return index->row[slot] >= 0 ? (size_t)index->row[slot] : SIZE_MAX;
}
