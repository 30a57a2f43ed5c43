// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

#include "base/numbers.h"

enum { MOST_NAME = 256, ATTRIBUTE = 0x0C, ATTRIBUTE_INFO = 0x15 };

// One attribute while it is read.
typedef struct attribute {
    mb_h5_file *file;
    const char *path, *name;
    mb_h5_head head; // holds the bytes that the rest points into
    const unsigned char *stored_type, *stored_shape, *value;
    size_t type_length, shape_length, value_length;
    bool is_found;
    bool is_dense; // not found, but the object has attributes that are not looked at
    mb_h5_type type;
    unsigned rank;
    size_t shape[MB_MAX_RANK];
    size_t count;
} attribute;

static mb_status fail_attribute(const attribute *a, mb_status status, const char *what) {
    return mb_fail(
        a->file->ctx, status, "%s: attribute %s of %s: %s", a->file->name, a->name, a->path, what);
}

// A stored attribute: three sizes, then name, type and shape, padded to 8 in version 1, then value.
static mb_status look_at_attribute(attribute *a, const mb_h5_message *message) {
    const unsigned char *bytes = message->bytes;
    if (message->length < 9 || bytes[0] < 1 || bytes[0] > 3) {
        return fail_attribute(a, MB_ERR_FORMAT, "a neighbour is damaged; write the file again");
    }
    const size_t start = bytes[0] == 3 ? 9 : 8;
    const size_t unit = bytes[0] == 1 ? 8 : 1;
    const size_t name = (size_t)mb_h5_number(bytes + 2, 2);
    const size_t type = (size_t)mb_h5_number(bytes + 4, 2);
    const size_t shape = (size_t)mb_h5_number(bytes + 6, 2);
    const size_t type_at = start + mb_round_up(name, unit);
    const size_t shape_at = type_at + mb_round_up(type, unit);
    const size_t value_at = shape_at + mb_round_up(shape, unit);
    if (name == 0 || value_at > message->length || bytes[start + name - 1] != '\0') {
        return fail_attribute(
            a, MB_ERR_FORMAT, "one of its object has impossible sizes; write the file again");
    }
    if (strcmp((const char *)bytes + start, a->name) != 0) {
        return MB_OK;
    }
    if (message->is_shared || (bytes[0] > 1 && bytes[1] != 0)) {
        return fail_attribute(a, MB_ERR_UNSUPPORTED,
            "shared or of a named type, which is not offered; write it plainly");
    }
    a->stored_type = bytes + type_at;
    a->type_length = type;
    a->stored_shape = bytes + shape_at;
    a->shape_length = shape;
    a->value = bytes + value_at;
    a->value_length = message->length - value_at;
    a->is_found = a->head.is_done = true;
    return MB_OK;
}

static mb_status look(mb_h5_head *head, const mb_h5_message *message, void *user) {
    (void)head;
    attribute *a = user;
    if (message->type == ATTRIBUTE_INFO) {
        const size_t at = message->length > 1 && (message->bytes[1] & 1) != 0 ? 4 : 2;
        a->is_dense =
            message->length < at + 8 || mb_h5_number(message->bytes + at, 8) != UINT64_MAX;
    }
    return message->type == ATTRIBUTE ? look_at_attribute(a, message) : MB_OK;
}

static mb_status find_attribute(attribute *a, hid_t object) {
    H5O_info_t info;
    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) {
        return fail_attribute(a, MB_ERR_FORMAT, "its object is damaged; write the file again");
    }
    a->head = (mb_h5_head){.file = a->file, .path = a->path};
    return mb_h5_walk_head(&a->head, info.addr, look, a);
}

static void close_attribute(attribute *a) {
    mb_release(a->file->ctx, a->head.piece);
}

static mb_status open_attribute(attribute *a, hid_t object) {
    MB_TRY(find_attribute(a, object));
    if (!a->is_found) {
        return a->is_dense
                   ? fail_attribute(a, MB_ERR_UNSUPPORTED,
                         "its object keeps attributes in dense storage, which is not offered; "
                         "write the file with libver='earliest'")
                   : fail_attribute(a, MB_ERR_FORMAT, "is not there; check what made the file");
    }
    if (!mb_h5_decode_type(a->stored_type, a->type_length, &a->type) ||
        !mb_h5_decode_shape(a->stored_shape, a->shape_length, &a->rank, a->shape, &a->count) ||
        a->count > a->value_length / a->type.size) {
        return fail_attribute(
            a, MB_ERR_FORMAT, "its type, shape and value do not fit; the file is damaged");
    }
    return MB_OK;
}

static mb_status read_fixed(attribute *a, mb_names *texts) {
    mb_status status = MB_OK;
    for (size_t i = 0; i < a->count && status == MB_OK; i++) {
        const char *text = (const char *)a->value + i * a->type.size;
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
        const char *wrong =
            mb_h5_fetch_text(a->file, a->value + i * MB_H5_REFERENCE, &left, texts, &status);
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
    close_attribute(&a);
    return status;
}

// Whether an object has an attribute; false too when its head is damaged, which a read then says.
static bool has_attribute(mb_h5_file *file, hid_t object, const char *name) {
    mb_h5_question question;
    if (mb_h5_question_begin(&question, file) != MB_OK) {
        return false;
    }
    attribute a = {.file = &question.view, .path = "", .name = name};
    const bool has_it = find_attribute(&a, object) == MB_OK && a.is_found;
    close_attribute(&a);
    mb_h5_question_end(&question);
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
    // A piece that could not be looked for is not one that is absent.
    if (mb_context_status(file->ctx) == MB_ERR_MEMORY) {
        status = MB_ERR_MEMORY;
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
        memcpy(mb_raw_place(raw, out->data, count), a->value, count * raw->size);
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

mb_status mb_h5_attribute_int64(
    mb_h5_file *file, const char *path, const char *name, int64_t *out) {
    return read_one(file, path, name, MB_I64, out);
}
