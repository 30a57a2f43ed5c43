// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_RAW_H
#define FILES_RAW_H

#include "base/base.h"
#include "minbias/array.h"

// Numbers as a file stores them, and how they become native ones in place.

typedef struct mb_raw_type {
    mb_dtype dtype;  // the native type
    size_t size;     // bytes in the file; smaller than the native size for half precision
    bool is_swapped; // big-endian
} mb_raw_type;

// Where in data, which holds count native numbers, the file's bytes go before mb_raw_finish.
void *mb_raw_place(const mb_raw_type *type, void *data, size_t count);
// Turns the file's bytes at mb_raw_place into native numbers, which then fill data.
void mb_raw_finish(const mb_raw_type *type, void *data, size_t count);
// Multiplies into *product; false when it does not fit.
bool mb_raw_multiply(size_t *product, size_t factor);
// Elements of a shape; false when the bytes of any prefix do not fit into an address.
bool mb_raw_count(const mb_raw_type *type, unsigned rank, const size_t *shape, size_t *count);

#endif
