// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/index.h"

mb_status mb_barrel_index_start(mb_barrel_index *index, mb_context *ctx, size_t n) {
    size_t size = 64;
    while (size / 2 < n) {
        size *= 2;
    }
    if (size > index->capacity) {
        mb_barrel_index_clear(index, ctx);
        index->key = mb_allocate(ctx, size, sizeof *index->key);
        index->position = mb_allocate(ctx, size, sizeof *index->position);
        if (index->key == NULL || index->position == NULL) {
            return MB_ERR_MEMORY;
        }
        index->capacity = size;
    }
    index->mask = size - 1;
    memset(index->position, 0, size * sizeof *index->position);
    return MB_OK;
}

void mb_barrel_index_clear(mb_barrel_index *index, mb_context *ctx) {
    mb_release(ctx, index->key);
    mb_release(ctx, index->position);
    *index = (mb_barrel_index){0};
}
