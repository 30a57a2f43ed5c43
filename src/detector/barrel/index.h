// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_INDEX_H
#define DETECTOR_BARREL_INDEX_H

#include "base/base.h"

// Numbers to positions, for one event: open addressing, emptied by starting over.
typedef struct mb_barrel_index {
    uint64_t *key;
    uint32_t *position; // plus 1; 0 is empty
    size_t capacity;    // allocated
    size_t mask;        // size in use - 1
} mb_barrel_index;

// Empties the index and makes room for n keys.
mb_status mb_barrel_index_start(mb_barrel_index *index, mb_context *ctx, size_t n) MB_MUST_CHECK;
void mb_barrel_index_clear(mb_barrel_index *index, mb_context *ctx);

static inline size_t mb_barrel_index_hash(uint64_t key) {
    // Barcodes differ in a few middle bits only.
    key ^= key >> 32;
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(key >> 29 ^ key >> 47);
}

// Position of key, or UINT32_MAX.
static inline uint32_t mb_barrel_index_find(const mb_barrel_index *index, uint64_t key) {
    size_t slot = mb_barrel_index_hash(key) & index->mask;
    while (index->position[slot] != 0) {
        if (index->key[slot] == key) {
            return index->position[slot] - 1;
        }
        slot = (slot + 1) & index->mask;
    }
    return UINT32_MAX;
}

// Puts key; returns the position of an equal key that was there, or UINT32_MAX.
static inline uint32_t mb_barrel_index_put(
    mb_barrel_index *index, uint64_t key, uint32_t position) {
    size_t slot = mb_barrel_index_hash(key) & index->mask;
    while (index->position[slot] != 0) {
        if (index->key[slot] == key) {
            return index->position[slot] - 1;
        }
        slot = (slot + 1) & index->mask;
    }
    index->key[slot] = key;
    index->position[slot] = position + 1;
    return UINT32_MAX;
}

#endif
