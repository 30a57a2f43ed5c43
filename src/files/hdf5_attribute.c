// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

#include "base/numbers.h"
#include "files/names.h"

enum { MOST_NAME = 256 };

// One attribute while it is read.
typedef struct attribute {
    mb_h5_file *file;
    const char *path, *name;
    mb_h5_stored stored;
    mb_h5_type type;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    size_t count;
} attribute;

static mb_status fail_attribute(const attribute *a, mb_status status, const char *what) {
    return mb_fail(
        a->file->ctx, status, "%s: attribute %s of %s: %s", a->file->name, a->name, a->path, what);
}

static mb_status open_attribute(attribute *a, hid_t object) {
    MB_TRY(mb_h5_find_attribute(a->file, object, a->path, a->name, &a->stored));
    const mb_h5_stored *stored = &a->stored;
    if (!stored->is_found) {
        return stored->is_dense
                   ? fail_attribute(a, MB_ERR_UNSUPPORTED,
                         "its object keeps attributes in dense storage, which is not offered; "
                         "write the file with libver='earliest'")
                   : fail_attribute(a, MB_ERR_FORMAT, "is not there; check what made the file");
    }
    if (!mb_h5_decode_type(stored->type, stored->type_length, &a->type) ||
        !mb_h5_decode_shape(stored->shape, stored->shape_length, &a->rank, a->shape, &a->count) ||
        a->count > stored->value_length / a->type.size) {
        return fail_attribute(
            a, MB_ERR_FORMAT, "its type, shape and value do not fit; the file is damaged");
    }
    return MB_OK;
}

static mb_status read_fixed(attribute *a, mb_names *texts) {
    mb_status status = MB_OK;
    for (size_t i = 0; i < a->count && status == MB_OK; i++) {
        const char *text = (const char *)a->stored.value + i * a->type.size;
        const char *end = memchr(text, '\0', a->type.size);
        size_t length = end == NULL ? a->type.size : (size_t)(end - text);
        while (a->type.is_space_padded && length > 0 && text[length - 1] == ' ') {
            length--;
        }
        status = mb_names_add(texts, text, length);
    }
    return status;
}

static mb_status read_variable(attribute *a, mb_names *texts) {
    uint64_t left = a->file->file_size;
    mb_status status = MB_OK;
    for (size_t i = 0; i < a->count && status == MB_OK; i++) {
        const char *wrong = mb_h5_fetch_text(
            a->file, a->stored.base, a->stored.value + i * MB_H5_REFERENCE, &left, texts, &status);
        if (wrong != NULL) {
            status = fail_attribute(a, MB_ERR_FORMAT, wrong);
        }
    }
    return status;
}

static mb_status read_texts(
    mb_h5_file *file, hid_t object, const char *path, const char *name, mb_names *texts) {
    attribute a = {.file = file, .path = path, .name = name};
    mb_status status = open_attribute(&a, object);
    if (status == MB_OK && a.count > 0) {
        status = a.type.kind == MB_H5_VARIABLE_TEXT ? read_variable(&a, texts)
                 : a.type.kind == MB_H5_FIXED_TEXT
                     ? read_fixed(&a, texts)
                     : fail_attribute(&a, MB_ERR_FORMAT, "no text; check what made the file");
    }
    mb_h5_stored_clear(file, &a.stored);
    return status;
}

// Whether an object has an attribute; false too when its head is damaged, which a read then says.
static bool has_attribute(mb_h5_file *file, hid_t object, const char *name) {
    mb_context *quiet = NULL;
    if (mb_context_create(mb_context_runtime(file->ctx), &quiet) != MB_OK) {
        return false;
    }
    mb_h5_file view = *file;
    view.ctx = quiet;
    mb_h5_stored stored;
    const bool has_it =
        mb_h5_find_attribute(&view, object, "", name, &stored) == MB_OK && stored.is_found;
    mb_h5_stored_clear(&view, &stored);
    mb_context_destroy(quiet);
    return has_it;
}

// Keras splits what is too long for one attribute into name0, name1 ...
static mb_status read_split(
    mb_h5_file *file, hid_t object, const char *path, const char *name, mb_names *texts) {
    char piece[MOST_NAME];
    for (size_t i = 0; i < mb_context_limits(file->ctx)->objects; i++) {
        (void)mb_format(piece, sizeof piece, "%.200s%zu", name, i);
        if (!has_attribute(file, object, piece)) {
            break;
        }
        MB_TRY(read_texts(file, object, path, piece, texts));
    }
    return MB_OK;
}

static bool is_split(mb_h5_file *file, hid_t object, const char *name) {
    char piece[MOST_NAME];
    (void)mb_format(piece, sizeof piece, "%.200s0", name);
    return !has_attribute(file, object, name) && has_attribute(file, object, piece);
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
        *was_split = is_split(file, object, name);
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
                        (has_attribute(file, object, name) || is_split(file, object, name));
    mb_h5_close_id(object);
    mb_h5_leave(&guard);
    return has_it;
}

static mb_status read_numbers(attribute *a, mb_array *out) {
    if (a->type.kind != MB_H5_NUMBER) {
        return fail_attribute(a, MB_ERR_FORMAT, "no number; check what made the file");
    }
    const mb_raw_type *raw = &a->type.raw;
    MB_TRY(mb_array_init(out, a->file->ctx, raw->dtype, a->rank, a->shape));
    const size_t count = mb_array_count(out);
    if (count > a->count) {
        return fail_attribute(a, MB_ERR_FORMAT, "has no value; check what made the file");
    }
    if (count > 0) {
        memcpy(mb_raw_place(raw, out->data, count), a->stored.value, count * raw->size);
        mb_raw_finish(raw, out->data, count);
    }
    return MB_OK;
}

mb_status mb_h5_attribute_array(
    mb_h5_file *file, const char *path, const char *name, mb_array *out) {
    *out = (mb_array){.data = NULL};
    attribute a = {.file = file, .path = path, .name = name};
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
    mb_h5_stored_clear(file, &a.stored);
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
