// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

#include "base/numbers.h"
#include "files/names.h"

enum { MOST_NAME = 256 };

// One attribute while it is read.
typedef struct attribute {
    mb_h5_file *file;
    const char *path, *name;
    hid_t id, type, space;
    size_t count;
} attribute;

static mb_status fail_attribute(const attribute *a, mb_status status, const char *what) {
    return mb_fail(
        a->file->ctx, status, "%s: attribute %s of %s: %s", a->file->name, a->name, a->path, what);
}

static void close_attribute(attribute *a) {
    mb_h5_close_id(a->space);
    mb_h5_close_id(a->type);
    mb_h5_close_id(a->id);
}

static mb_status open_attribute(attribute *a, hid_t object) {
    a->id = a->type = a->space = -1;
    if (H5Aexists(object, a->name) <= 0) {
        return fail_attribute(a, MB_ERR_FORMAT, "is not there; check what made the file");
    }
    a->id = H5Aopen(object, a->name, H5P_DEFAULT);
    if (a->id >= 0) {
        a->type = H5Aget_type(a->id);
        a->space = H5Aget_space(a->id);
    }
    if (a->type < 0 || a->space < 0) {
        return fail_attribute(a, MB_ERR_FORMAT, "cannot be opened; the file is damaged");
    }
    const hssize_t count = H5Sget_simple_extent_npoints(a->space);
    const size_t size = H5Tget_size(a->type);
    // What an attribute holds lies in the file as it is: no filter makes it smaller.
    if (count < 0 || size == 0 || (uint64_t)count > a->file->file_size / size) {
        return fail_attribute(
            a, MB_ERR_FORMAT, "claims more than the file holds; the file is damaged");
    }
    a->count = (size_t)count;
    return MB_OK;
}

static mb_status read_fixed(attribute *a, mb_names *texts) {
    const size_t size = H5Tget_size(a->type);
    const bool is_padded = H5Tget_strpad(a->type) == H5T_STR_SPACEPAD;
    char *bytes = mb_allocate_zeroed(a->file->ctx, a->count, size);
    if (bytes == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status =
        H5Aread(a->id, a->type, bytes) >= 0
            ? MB_OK
            : fail_attribute(a, MB_ERR_FORMAT, "cannot be read; the file is damaged");
    for (size_t i = 0; i < a->count && status == MB_OK; i++) {
        const char *text = bytes + i * size;
        size_t length = 0;
        while (length < size && text[length] != '\0') {
            length++;
        }
        while (is_padded && length > 0 && text[length - 1] == ' ') {
            length--;
        }
        status = mb_names_add(texts, text, length);
    }
    mb_release(a->file->ctx, bytes);
    return status;
}

static mb_status read_texts(
    mb_h5_file *file, hid_t object, const char *path, const char *name, mb_names *texts) {
    attribute a = {.file = file, .path = path, .name = name};
    mb_status status = open_attribute(&a, object);
    if (status == MB_OK && a.count > 0) {
        if (H5Tget_class(a.type) != H5T_STRING) {
            status = fail_attribute(&a, MB_ERR_FORMAT, "no text; check what made the file");
        } else {
            status = H5Tis_variable_str(a.type) > 0
                         ? mb_h5_read_texts(file, object, path, name, a.count, texts)
                         : read_fixed(&a, texts);
        }
    }
    close_attribute(&a);
    return status;
}

// Keras splits what is too long for one attribute into name0, name1 ...
static mb_status read_split(
    mb_h5_file *file, hid_t object, const char *path, const char *name, mb_names *texts) {
    char piece[MOST_NAME];
    for (size_t i = 0; i < mb_context_limits(file->ctx)->objects; i++) {
        (void)mb_format(piece, sizeof piece, "%.200s%zu", name, i);
        if (H5Aexists(object, piece) <= 0) {
            break;
        }
        MB_TRY(read_texts(file, object, path, piece, texts));
    }
    return MB_OK;
}

static bool is_split(hid_t object, const char *name) {
    char piece[MOST_NAME];
    (void)mb_format(piece, sizeof piece, "%.200s0", name);
    return H5Aexists(object, name) <= 0 && H5Aexists(object, piece) > 0;
}

static mb_status read_pieces(
    mb_h5_file *file, const char *path, const char *name, mb_names *texts, bool *was_split) {
    *texts = (mb_names){.ctx = file->ctx};
    *was_split = false;
    hid_t object = -1;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    mb_status status = mb_h5_open_object(file, path, &object);
    if (status == MB_OK) {
        *was_split = is_split(object, name);
        status = *was_split ? read_split(file, object, path, name, texts)
                            : read_texts(file, object, path, name, texts);
    }
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    return status;
}

mb_status mb_h5_attribute_texts(
    mb_h5_file *file, const char *path, const char *name, mb_names *texts) {
    bool was_split;
    return read_pieces(file, path, name, texts, &was_split);
}

mb_status mb_h5_attribute_text(mb_h5_file *file, const char *path, const char *name, char **text) {
    *text = NULL;
    mb_names pieces;
    bool was_split;
    mb_status status = read_pieces(file, path, name, &pieces, &was_split);
    mb_buffer whole;
    mb_buffer_init(&whole, file->ctx);
    mb_buffer_text(&whole, "");
    if (status == MB_OK && pieces.n != 1 && !was_split) {
        status = mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: attribute %s of %s: %zu texts, not one; check what made the file", file->name,
            name, path, pieces.n);
    }
    for (size_t i = 0; i < pieces.n; i++) {
        mb_buffer_text(&whole, pieces.name[i]);
    }
    mb_names_clear(&pieces);
    if (status == MB_OK) {
        status = whole.status;
    }
    if (status != MB_OK) {
        mb_buffer_clear(&whole);
        return status;
    }
    *text = whole.data;
    return MB_OK;
}

bool mb_h5_has_attribute(mb_h5_file *file, const char *path, const char *name) {
    if (!mb_h5_exists(file, path)) {
        return false;
    }
    hid_t object = -1;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const bool has_it = mb_h5_open_object(file, path, &object) == MB_OK &&
                        (H5Aexists(object, name) > 0 || is_split(object, name));
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    return has_it;
}

static mb_status read_numbers(attribute *a, mb_array *out) {
    mb_raw_type raw;
    if (!mb_h5_find_type(a->type, &raw)) {
        return fail_attribute(a, MB_ERR_FORMAT, "no number; check what made the file");
    }
    unsigned rank;
    size_t shape[MB_MAX_RANK], count;
    MB_TRY(mb_h5_get_shape(a->file, a->path, a->space, &rank, shape));
    if (!mb_raw_count(&raw, rank, shape, &count)) {
        return fail_attribute(a, MB_ERR_LIMIT, "larger than can be addressed; it is damaged");
    }
    MB_TRY(mb_array_init(out, a->file->ctx, raw.dtype, rank, shape));
    if (count > 0) {
        if (H5Aread(a->id, a->type, mb_raw_place(&raw, out->data, count)) < 0) {
            return fail_attribute(a, MB_ERR_FORMAT, "cannot be read; the file is damaged");
        }
        mb_raw_finish(&raw, out->data, count);
    }
    return MB_OK;
}

mb_status mb_h5_attribute_array(
    mb_h5_file *file, const char *path, const char *name, mb_array *out) {
    *out = (mb_array){.data = NULL};
    attribute a = {.file = file, .path = path, .name = name, .id = -1, .type = -1, .space = -1};
    hid_t object = -1;
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    mb_status status = mb_h5_open_object(file, path, &object);
    if (status == MB_OK) {
        status = open_attribute(&a, object);
    }
    if (status == MB_OK) {
        status = read_numbers(&a, out);
    }
    close_attribute(&a);
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

static mb_status read_one(
    mb_h5_file *file, const char *path, const char *name, mb_dtype dtype, void *out) {
    mb_array array;
    MB_TRY(mb_h5_attribute_array(file, path, name, &array));
    mb_status status = MB_OK;
    if (mb_array_count(&array) != 1) {
        status = mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: attribute %s of %s: %zu numbers, not one; check what made the file", file->name,
            name, path, mb_array_count(&array));
    } else {
        status = mb_array_convert(&array, file->ctx, dtype);
    }
    if (status == MB_OK) {
        memcpy(out, array.data, mb_dtype_size(dtype));
    }
    mb_array_clear(&array);
    return status;
}

mb_status mb_h5_attribute_double(
    mb_h5_file *file, const char *path, const char *name, double *out) {
    return read_one(file, path, name, MB_F64, out);
}

mb_status mb_h5_attribute_int64(
    mb_h5_file *file, const char *path, const char *name, int64_t *out) {
    return read_one(file, path, name, MB_I64, out);
}
