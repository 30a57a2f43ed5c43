// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_NPY_H
#define FILES_NPY_H

#include "base/output.h"
#include "minbias/array.h"

// NumPy's .npy (format 1 to 3) and .npz. Big-endian numbers and Fortran order are turned into
// native numbers in C order; half precision is read as float32. Objects and records are refused.

typedef struct mb_npy_info {
    mb_dtype dtype; // what a read gives
    unsigned rank;
    size_t shape[MB_MAX_RANK];
} mb_npy_info;

mb_status mb_npy_get_info(mb_context *ctx, const char *path, mb_npy_info *info) MB_MUST_CHECK;
// The caller clears *out; on failure it is empty.
mb_status mb_npy_read(mb_context *ctx, const char *path, mb_array *out) MB_MUST_CHECK;
// Reads rows first..first+n of the first axis only.
mb_status mb_npy_read_rows(
    mb_context *ctx, const char *path, size_t first, size_t n, mb_array *out) MB_MUST_CHECK;
// The same from a file in memory; name is for messages.
mb_status mb_npy_parse(mb_context *ctx, const char *name, const void *bytes, size_t length,
    mb_array *out) MB_MUST_CHECK;

mb_status mb_npy_write(mb_context *ctx, const char *path, const mb_array *array) MB_MUST_CHECK;
// Appends the file's bytes to a buffer, whose sticky status tells of failure.
void mb_npy_append(mb_buffer *buffer, const mb_array *array);

// A file whose rows come piece by piece, shape[0] of them in all.
typedef struct mb_npy_rows {
    mb_output output;
    size_t row_bytes, n_rows, n_written;
} mb_npy_rows;
mb_status mb_npy_rows_open(mb_npy_rows *rows, mb_context *ctx, const char *path, mb_dtype dtype,
    unsigned rank, const size_t *shape) MB_MUST_CHECK;
mb_status mb_npy_rows_write(mb_npy_rows *rows, const void *data, size_t n) MB_MUST_CHECK;
// Makes the file appear; fails when rows are missing. Closed whatever the result.
mb_status mb_npy_rows_commit(mb_npy_rows *rows) MB_MUST_CHECK;
// Drops what was written. Safe after commit, and on zeroed rows.
void mb_npy_rows_abandon(mb_npy_rows *rows);

// Names of the arrays (without .npy), in the order of the archive. Freed with mb_names_clear, also
// after a failure.
mb_status mb_npz_list(mb_context *ctx, const char *path, mb_names *names) MB_MUST_CHECK;
mb_status mb_npz_get_info(
    mb_context *ctx, const char *path, const char *name, mb_npy_info *info) MB_MUST_CHECK;
mb_status mb_npz_read(
    mb_context *ctx, const char *path, const char *name, mb_array *out) MB_MUST_CHECK;
// Writes n arrays under their names; compressed as numpy.savez_compressed does, or stored.
mb_status mb_npz_write(mb_context *ctx, const char *path, const char *const *names,
    const mb_array *const *arrays, size_t n, bool is_compressed) MB_MUST_CHECK;

#endif
