// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/arrays.h"

#include "files/hdf5.h"
#include "files/npy.h"

typedef enum container { NONE, NPY, NPZ, HDF5 } container;

static container find_container(const char *path) {
    static const struct {
        const char *suffix;
        container kind;
    } known[] = {{".npy", NPY}, {".npz", NPZ}, {".h5", HDF5}, {".hdf5", HDF5}, {".hdf", HDF5}};
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash == NULL ? path : slash, '.');
    for (size_t i = 0; dot != NULL && i < MB_COUNT_OF(known); i++) {
        if (strcmp(dot, known[i].suffix) == 0) {
            return known[i].kind;
        }
    }
    return NONE;
}

bool mb_arrays_is_path(const char *path) {
    return find_container(path) != NONE;
}

static mb_status fail_suffix(mb_context *ctx, const char *path) {
    return mb_fail(ctx, MB_ERR_UNSUPPORTED,
        "%s: not a file of arrays by its suffix; give .npy, .npz, .h5 or .hdf5", path);
}

// n is SIZE_MAX for all rows.
static mb_status read_npz(
    mb_context *ctx, const char *path, const char *name, size_t first, size_t n, mb_array *out) {
    MB_TRY(mb_npz_read(ctx, path, name, out));
    if (n == SIZE_MAX) {
        return MB_OK;
    }
    const size_t n_rows = out->rank == 0 ? 0 : out->shape[0];
    mb_status status = MB_OK;
    mb_array rows = {.data = NULL};
    if (first > n_rows || n > n_rows - first) {
        status = mb_fail(ctx, MB_ERR_RANGE,
            "%s: %s: rows %zu to %zu were asked for but it has %zu; ask for rows it has", path,
            name, first, first + n, n_rows);
    } else {
        const size_t row_bytes = n_rows == 0 ? 0 : mb_array_bytes(out) / n_rows;
        size_t shape[MB_MAX_RANK];
        memcpy(shape, out->shape, sizeof shape);
        shape[0] = n;
        status = mb_array_init(&rows, ctx, out->dtype, out->rank, shape);
        if (status == MB_OK && n * row_bytes > 0) {
            memcpy(rows.data, (const char *)out->data + first * row_bytes, n * row_bytes);
        }
    }
    mb_array_clear(out);
    *out = rows;
    return status;
}

static mb_status read_hdf5(
    mb_context *ctx, const char *path, const char *name, size_t first, size_t n, mb_array *out) {
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(ctx, path, &file));
    const mb_status status =
        n == SIZE_MAX ? mb_h5_read(file, name, out) : mb_h5_read_rows(file, name, first, n, out);
    mb_h5_close(file);
    return status;
}

static mb_status read_named(
    mb_context *ctx, const char *path, const char *name, size_t first, size_t n, mb_array *out) {
    switch (find_container(path)) {
    case NPY:
        return n == SIZE_MAX ? mb_npy_read(ctx, path, out)
                             : mb_npy_read_rows(ctx, path, first, n, out);
    case NPZ:
        return read_npz(ctx, path, name, first, n, out);
    case HDF5:
        return read_hdf5(ctx, path, name, first, n, out);
    case NONE:
        break;
    }
    return fail_suffix(ctx, path);
}

static mb_status read_any(
    mb_context *ctx, const char *path, const char *name, size_t first, size_t n, mb_array *out) {
    *out = (mb_array){.data = NULL};
    if ((name != NULL && name[0] != '\0') || find_container(path) == NPY) {
        return read_named(ctx, path, name, first, n, out);
    }
    mb_arrays_list list;
    mb_status status = mb_arrays_list_read(&list, ctx, path);
    if (status == MB_OK && list.n != 1) {
        status = mb_fail(ctx, MB_ERR_FORMAT,
            "%s: holds %zu arrays; say which (`minbias inspect` lists them)", path, list.n);
    }
    if (status == MB_OK) {
        status = read_named(ctx, path, list.entry[0].name, first, n, out);
    }
    mb_arrays_list_clear(&list);
    return status;
}

mb_status mb_arrays_read(mb_context *ctx, const char *path, const char *name, mb_array *out) {
    return read_any(ctx, path, name, 0, SIZE_MAX, out);
}

mb_status mb_arrays_read_rows(
    mb_context *ctx, const char *path, const char *name, size_t first, size_t n, mb_array *out) {
    if (n == SIZE_MAX) {
        *out = (mb_array){.data = NULL};
        return mb_fail(ctx, MB_ERR_RANGE, "%s: more rows than there can be; ask for fewer", path);
    }
    return read_any(ctx, path, name, first, n, out);
}

static mb_status add_entry(mb_arrays_list *list, const char *name, size_t length, mb_dtype dtype,
    unsigned rank, const size_t *shape) {
    mb_context *ctx = list->ctx;
    MB_TRY(mb_grow(ctx, &list->entry, &list->capacity, list->n + 1, sizeof *list->entry));
    char *copy = mb_allocate(ctx, length + 1, 1);
    if (copy == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(copy, name, length);
    copy[length] = '\0';
    mb_arrays_entry *entry = &list->entry[list->n++];
    *entry = (mb_arrays_entry){.name = copy, .dtype = dtype, .rank = rank};
    memcpy(entry->shape, shape, rank * sizeof *shape);
    return MB_OK;
}

static mb_status list_npy(mb_arrays_list *list, const char *path) {
    mb_npy_info info;
    MB_TRY(mb_npy_get_info(list->ctx, path, &info));
    const char *slash = strrchr(path, '/');
    const char *stem = slash == NULL ? path : slash + 1;
    return add_entry(list, stem, strlen(stem) - strlen(".npy"), info.dtype, info.rank, info.shape);
}

// What a listing asks is asked in a context of its own: an array of another kind (texts, records)
// is listed with the reason, no error, as the others can still be read. Any other failure is handed
// on.
static mb_status pass_other(mb_arrays_list *list, mb_context *quiet, mb_status status) {
    if (status == MB_OK) {
        return MB_OK;
    }
    if (status != MB_ERR_UNSUPPORTED) {
        return mb_fail_from(list->ctx, quiet);
    }
    const char *why = mb_context_error_text(quiet);
    MB_TRY(mb_names_add(&list->others, why, strlen(why)));
    mb_context_clear(quiet);
    return MB_OK;
}

static mb_status list_npz(mb_arrays_list *list, mb_context *quiet, const char *path) {
    mb_names names;
    mb_status status = mb_npz_list(list->ctx, path, &names);
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        mb_npy_info info;
        const char *name = names.name[i];
        const mb_status found = mb_npz_get_info(quiet, path, name, &info);
        status = found == MB_OK
                     ? add_entry(list, name, strlen(name), info.dtype, info.rank, info.shape)
                     : pass_other(list, quiet, found);
    }
    mb_names_clear(&names);
    return status;
}

// Groups may hold each other, so that paths never end: depth and number are bounded.
enum { MOST_LISTED = 65536 };

typedef struct walk {
    mb_arrays_list *list;
    mb_h5_file *file;
    mb_context *quiet; // the file's
    const char *name;  // of the file
    size_t n_seen;
} walk;

static mb_status list_group(walk *w, const char *path, uint32_t depth);

static mb_status list_object(walk *w, const char *path, uint32_t depth) {
    if (++w->n_seen > MOST_LISTED || depth > mb_context_limits(w->quiet)->depth) {
        return mb_fail(w->list->ctx, MB_ERR_LIMIT,
            "%s: more than %d objects, or deeper than %u; the file is damaged, or name the array",
            w->name, MOST_LISTED, (unsigned)mb_context_limits(w->quiet)->depth);
    }
    if (mb_h5_is_group(w->file, path)) {
        return list_group(w, path, depth);
    }
    MB_TRY(pass_other(w->list, w->quiet, mb_context_status(w->quiet)));
    mb_h5_info info;
    const mb_status found = mb_h5_get_info(w->file, path, &info);
    return found == MB_OK
               ? add_entry(w->list, path, strlen(path), info.dtype, info.rank, info.shape)
               : pass_other(w->list, w->quiet, found);
}

static mb_status list_group(walk *w, const char *path, uint32_t depth) {
    mb_names names;
    mb_status status = mb_h5_list(w->file, path, &names);
    if (status != MB_OK) {
        status = mb_fail_from(w->list->ctx, w->quiet);
    }
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        mb_buffer full;
        mb_buffer_init(&full, w->list->ctx);
        mb_buffer_format(&full, "%s/%s", strcmp(path, "/") == 0 ? "" : path, names.name[i]);
        status = full.status != MB_OK ? full.status : list_object(w, full.data, depth + 1);
        mb_buffer_clear(&full);
    }
    mb_names_clear(&names);
    return status;
}

static mb_status list_hdf5(mb_arrays_list *list, mb_context *quiet, const char *path) {
    walk w = {.list = list, .quiet = quiet, .name = path};
    if (mb_h5_open(quiet, path, &w.file) != MB_OK) {
        return mb_fail_from(list->ctx, quiet);
    }
    const mb_status status = list_group(&w, "/", 0);
    mb_h5_close(w.file);
    return status;
}

mb_status mb_arrays_list_read(mb_arrays_list *list, mb_context *ctx, const char *path) {
    *list = (mb_arrays_list){.ctx = ctx, .others = {.ctx = ctx}};
    mb_context *quiet = NULL;
    if (mb_context_create(mb_context_runtime(ctx), &quiet) != MB_OK) {
        return mb_fail(ctx, MB_ERR_MEMORY, "%s: no memory to list it; free some", path);
    }
    mb_status status = MB_OK;
    switch (find_container(path)) {
    case NPY:
        status = list_npy(list, path);
        break;
    case NPZ:
        status = list_npz(list, quiet, path);
        break;
    case HDF5:
        status = list_hdf5(list, quiet, path);
        break;
    case NONE:
        status = fail_suffix(ctx, path);
        break;
    }
    mb_context_destroy(quiet);
    return status;
}

void mb_arrays_list_clear(mb_arrays_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        mb_release(list->ctx, list->entry[i].name);
    }
    if (list->ctx != NULL) {
        mb_release(list->ctx, list->entry);
        mb_names_clear(&list->others);
    }
    *list = (mb_arrays_list){.ctx = NULL};
}
