// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_NPY_HEADER_H
#define FILES_NPY_HEADER_H

#include "files/npy.h"
#include "files/raw.h"

// The head of an .npy file: shared by the readers from memory and from a file.

// The longest head that is read; NumPy's own limit is 10,000.
enum { MB_NPY_HEADER_MAX = 65536 };

typedef struct mb_npy_header {
    mb_raw_type type;
    bool is_fortran;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    size_t count;  // elements
    size_t offset; // of the first element
} mb_npy_header;

// bytes is the file's start, of file_size bytes in all, which must be what the head says.
mb_status mb_npy_header_parse(mb_context *ctx, const char *name, const void *bytes, size_t length,
    uint64_t file_size, mb_npy_header *header) MB_MUST_CHECK;
void mb_npy_header_append(mb_buffer *buffer, mb_dtype dtype, unsigned rank, const size_t *shape);
void mb_npy_header_info(const mb_npy_header *header, mb_npy_info *info);
// Turns the file's bytes, put at mb_raw_place of out, into native numbers in C order.
mb_status mb_npy_finish(mb_context *ctx, const mb_npy_header *header, mb_array *out) MB_MUST_CHECK;

#endif
