// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/part.h"

// Parts of many files into one. Memory is the joined part and the parts in flight.

static mb_status resize(mb_context *ctx, void *memory, size_t used, size_t capacity, size_t size) {
    void *old;
    memcpy(&old, memory, sizeof old);
    void *bigger = mb_allocate(ctx, capacity, size);
    if (bigger == NULL) {
        return MB_ERR_MEMORY;
    }
    if (old != NULL) {
        memcpy(bigger, old, used * size);
        mb_release(ctx, old);
    }
    memcpy(memory, &bigger, sizeof bigger);
    return MB_OK;
}

mb_status mb_barrel_part_reserve(mb_barrel_part *part, mb_context *ctx, size_t n_images,
    size_t n_rows, const size_t *n_entries) {
    const size_t n = part->n_rows;
    if (n_rows > part->capacity || part->event == NULL) {
        MB_TRY(resize(ctx, &part->event, n, n_rows, sizeof *part->event));
        MB_TRY(resize(ctx, &part->label, n, n_rows, sizeof *part->label));
        MB_TRY(resize(ctx, &part->n_tracks, n, n_rows, sizeof *part->n_tracks));
        MB_TRY(resize(ctx, &part->track_pt, n, n_rows, sizeof *part->track_pt));
        MB_TRY(resize(ctx, &part->file, n, n_rows, sizeof *part->file));
        part->capacity = n_rows;
    }
    for (size_t i = 0; i < n_images; i++) {
        mb_barrel_sparse *image = &part->images[i];
        if (image->first == NULL || n_rows + 1 > image->first_capacity) {
            const size_t used = image->first == NULL ? 0 : n + 1;
            MB_TRY(resize(ctx, &image->first, used, n_rows + 1, sizeof *image->first));
            image->first[n] = image->n;
            image->first_capacity = n_rows + 1;
        }
        if (n_entries[i] > image->capacity || image->index == NULL) {
            MB_TRY(resize(ctx, &image->index, image->n, n_entries[i], sizeof *image->index));
            MB_TRY(resize(ctx, &image->value, image->n, n_entries[i], sizeof *image->value));
            image->capacity = n_entries[i];
        }
    }
    return MB_OK;
}

static mb_status make_room(
    mb_barrel_part *all, mb_context *ctx, size_t n_images, const mb_barrel_part *part) {
    size_t n_entries[MB_BARREL_MAX_IMAGES];
    for (size_t i = 0; i < n_images; i++) {
        const size_t wanted = all->images[i].n + part->images[i].n;
        const size_t capacity = all->images[i].capacity;
        n_entries[i] = wanted > capacity ? mb_max_size(wanted, capacity + capacity / 4) : wanted;
    }
    const size_t wanted = all->n_rows + part->n_rows;
    const size_t n_rows =
        wanted > all->capacity ? mb_max_size(wanted, all->capacity + all->capacity / 4) : wanted;
    return mb_barrel_part_reserve(all, ctx, n_images, n_rows, n_entries);
}

static void append_image(
    mb_barrel_sparse *all, const mb_barrel_sparse *part, size_t n_rows_before, size_t n_rows) {
    if (part->n > 0) {
        memcpy(all->index + all->n, part->index, part->n * sizeof *all->index);
        memcpy(all->value + all->n, part->value, part->n * sizeof *all->value);
    }
    for (size_t row = 1; row <= n_rows; row++) {
        all->first[n_rows_before + row] = all->n + part->first[row];
    }
    all->n += part->n;
    all->n_dropped += part->n_dropped;
}

mb_status mb_barrel_part_append(mb_barrel_part *all, mb_context *ctx, size_t n_images,
    mb_barrel_part *part, uint32_t file, int64_t event_offset) {
    MB_TRY(make_room(all, ctx, n_images, part));
    const size_t n = all->n_rows;
    for (size_t i = 0; i < part->n_rows; i++) {
        all->event[n + i] = part->event[i] + event_offset;
        all->label[n + i] = part->label[i];
        all->n_tracks[n + i] = part->n_tracks[i];
        all->track_pt[n + i] = part->track_pt[i];
        all->file[n + i] = file;
    }
    for (size_t i = 0; i < n_images; i++) {
        append_image(&all->images[i], &part->images[i], n, part->n_rows);
    }
    all->n_rows += part->n_rows;
    all->n_hits += part->n_hits;
    all->n_selected += part->n_selected;
    all->n_particles += part->n_particles;
    all->n_empty += part->n_empty;
    if (all->n_unknown_volid == 0) {
        all->unknown_volid = part->unknown_volid;
    }
    all->n_unknown_volid += part->n_unknown_volid;
    mb_barrel_part_clear(part, ctx);
    return MB_OK;
}
