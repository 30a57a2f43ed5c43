// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_source.h"

// The structures of the HDF5 file format, version 3.0, as far as the library does not check them
// itself. All numbers are little-endian; addresses and lengths have 8 bytes.

enum { HEAP_HEAD = 16, HEAP_OBJECT_HEAD = 16, HEAP_LEAST = 4096 };

static uint64_t number(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

// A collection of the global heap, where texts of variable length lie: objects one behind the
// other.
static bool is_sound_collection(
    const mb_h5_source *source, const unsigned char *bytes, size_t length) {
    if (length < HEAP_HEAD || memcmp(bytes, "GCOL", 4) != 0) {
        return false;
    }
    const uint64_t size = number(bytes + 8, 8);
    if (size < HEAP_LEAST || size > source->length) {
        return false;
    }
    if (size > length) {
        return length == HEAP_LEAST; // the head is read first, then all
    }
    size_t at = HEAP_HEAD;
    while (size - at >= HEAP_OBJECT_HEAD) {
        const bool is_free = number(bytes + at, 2) == 0;
        const uint64_t left = size - at;
        const uint64_t stored = number(bytes + at + 8, 8);
        const uint64_t taken = is_free ? stored : HEAP_OBJECT_HEAD + (stored + 7) / 8 * 8;
        if (stored > left || taken > left || taken < HEAP_OBJECT_HEAD) {
            return false;
        }
        at += (size_t)taken;
    }
    return true;
}

bool mb_h5_is_sound(
    const mb_h5_source *source, H5FD_mem_t type, const unsigned char *bytes, size_t length) {
    switch (type) {
    case H5FD_MEM_GHEAP:
        return is_sound_collection(source, bytes, length);
    default:
        return true;
    }
}
