// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_ARRAYS_H
#define FILES_ARRAYS_H

#include "base/output.h"
#include "minbias/array.h"

// Named arrays of any file that holds some, told by its suffix: .npy (one array; its name is not
// looked at), .npz, .h5 / .hdf5 / .hdf.

bool mb_arrays_is_path(const char *path);

// Reads one array. name is a member of an .npz or a path in an .h5 (with or without the leading
// "/"); NULL or "" takes the only array of the file. The caller clears *out; on failure it is
// empty.
mb_status mb_arrays_read(
    mb_context *ctx, const char *path, const char *name, mb_array *out) MB_MUST_CHECK;
// Rows first..first+n of the first axis.
mb_status mb_arrays_read_rows(mb_context *ctx, const char *path, const char *name, size_t first,
    size_t n, mb_array *out) MB_MUST_CHECK;

typedef struct mb_arrays_entry {
    char *name; // "/inputs/volume0" in an .h5, "x" in an .npz, the file's stem for an .npy
    mb_dtype dtype;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
} mb_arrays_entry;
typedef struct mb_arrays_list {
    mb_context *ctx;
    mb_arrays_entry *entry;
    size_t n, capacity;
    mb_names others; // why a dataset is left out (texts, records, an unknown filter)
} mb_arrays_list;
// What a file holds, in byte order of names (an .npz: in its own order). Cleared by the caller,
// also after a failure.
mb_status mb_arrays_list_read(
    mb_arrays_list *list, mb_context *ctx, const char *path) MB_MUST_CHECK;
void mb_arrays_list_clear(mb_arrays_list *list);

#endif
