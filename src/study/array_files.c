// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/array_files.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/arrays.h"
#include "files/csv.h"
#include "files/hdf5.h"
#include "files/npy.h"

mb_status mb_array_file_read(mb_context *ctx, const char *where, mb_array *out) {
    const char *colon = strrchr(where, ':');
    if (colon == NULL || mb_path_exists(where)) {
        return mb_arrays_read(ctx, where, NULL, out);
    }
    *out = (mb_array){.data = NULL};
    char *path = mb_copy_text(ctx, where);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    path[colon - where] = '\0';
    const mb_status status = mb_arrays_read(ctx, path, colon + 1, out);
    mb_release(ctx, path);
    return status;
}

mb_status mb_array_file_check(mb_context *ctx, const char *path) {
    if (!mb_arrays_is_path(path) && !mb_path_has_suffix(path, ".csv")) {
        return mb_fail(
            ctx, MB_ERR_ARG, "%s: the suffix says no format; write .npy, .npz, .h5 or .csv", path);
    }
    return MB_OK;
}

static mb_status write_csv(
    mb_context *ctx, const char *path, const char *name, const mb_array *array) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_csv_put_text(&text, true, name);
    mb_csv_end_row(&text);
    for (size_t i = 0; i < mb_array_count(array); i++) {
        mb_csv_put_double(&text, true, mb_array_get(array, i));
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, path);
}

static mb_status write_hdf5(
    mb_context *ctx, const char *path, const char *name, const mb_array *array) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(ctx, path, MB_H5_IN_MEMORY, &writer));
    char full[128];
    mb_format(full, sizeof full, "/%s", name);
    const mb_status status = mb_h5_write_array(writer, full, array);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

mb_status mb_array_file_write(
    mb_context *ctx, const char *path, const char *name, const mb_array *array) {
    MB_TRY(mb_array_file_check(ctx, path));
    if (mb_path_has_suffix(path, ".csv")) {
        return write_csv(ctx, path, name, array);
    }
    if (mb_path_has_suffix(path, ".npy")) {
        return mb_npy_write(ctx, path, array);
    }
    if (mb_path_has_suffix(path, ".npz")) {
        return mb_npz_write(ctx, path, &name, &array, 1, false);
    }
    return write_hdf5(ctx, path, name, array);
}
