// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ARRAY_FILES_H
#define STUDY_ARRAY_FILES_H

#include "minbias/array.h"

// What commands that take and give one array share.

// The array of FILE, or of FILE:NAME for a member of an archive. The caller clears *out; on failure
// it is empty.
mb_status mb_array_file_read(mb_context *ctx, const char *where, mb_array *out) MB_MUST_CHECK;
// Fails with ARG when the suffix of path is none that mb_array_file_write knows.
mb_status mb_array_file_check(mb_context *ctx, const char *path) MB_MUST_CHECK;
// Writes .npy, .npz, .h5, or .csv (one row a number) with the array under name. rank is 1.
mb_status mb_array_file_write(
    mb_context *ctx, const char *path, const char *name, const mb_array *array) MB_MUST_CHECK;

#endif
