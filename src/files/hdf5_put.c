// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_write_inside.h"

#include "base/numbers.h"

// Keras's limit for one attribute: HDF5 keeps an object's head below 64 KiB.
enum { MOST_ATTRIBUTE = 64512, MOST_NAME = 256 };

// Writes under the caller's guard. space is closed.
static mb_status put(mb_h5_writer *writer, const char *path, const char *name, hid_t type,
    hid_t space, const void *bytes) {
    const hid_t object = H5Oopen(writer->file, path, H5P_DEFAULT);
    hid_t attribute = -1;
    if (object >= 0 && type >= 0 && space >= 0) {
        attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    }
    const bool is_written = attribute >= 0 && H5Awrite(attribute, type, bytes) >= 0;
    mb_h5_close_id(attribute);
    mb_h5_close_id(object);
    mb_h5_close_id(space);
    return is_written ? MB_OK : mb_h5_fail_write(writer, path, "cannot take an attribute");
}

static hid_t make_text_type(size_t size) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        (size != H5T_VARIABLE && H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        mb_h5_close_id(type);
        return -1;
    }
    return type;
}

mb_status mb_h5_put_text(
    mb_h5_writer *writer, const char *path, const char *name, const char *text) {
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    // Of variable length, as h5py writes a text: it lies outside of the head, however long it is.
    const hid_t type = make_text_type(H5T_VARIABLE);
    const mb_status status = put(writer, path, name, type, H5Screate(H5S_SCALAR), &text);
    mb_h5_close_id(type);
    mb_h5_leave(&guard);
    return status;
}

static mb_status put_fixed(mb_h5_writer *writer, const char *path, const char *name,
    const char *const *texts, size_t n, size_t size) {
    char *bytes = mb_allocate_zeroed(writer->ctx, mb_max_size(n, 1), size);
    if (bytes == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(bytes + i * size, texts[i], strlen(texts[i]));
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const hsize_t count = n;
    const hid_t type = make_text_type(size);
    const mb_status status =
        put(writer, path, name, type, H5Screate_simple(1, &count, NULL), bytes);
    mb_h5_close_id(type);
    mb_h5_leave(&guard);
    mb_release(writer->ctx, bytes);
    return status;
}

mb_status mb_h5_put_texts(
    mb_h5_writer *writer, const char *path, const char *name, const char *const *texts, size_t n) {
    size_t size = 1;
    for (size_t i = 0; i < n; i++) {
        size = mb_max_size(size, strlen(texts[i]));
    }
    if (size > MOST_ATTRIBUTE) {
        return mb_fail(writer->ctx, MB_ERR_RANGE,
            "%s: %s: a text of %zu bytes in attribute %s; shorten the name", writer->name, path,
            size, name);
    }
    if (n <= MOST_ATTRIBUTE / size) {
        return put_fixed(writer, path, name, texts, n, size);
    }
    // Equal parts as numpy.array_split makes them: the first ones one longer.
    const size_t per_part = MOST_ATTRIBUTE / size;
    const size_t n_parts = (n + per_part - 1) / per_part;
    size_t first = 0;
    for (size_t part = 0; part < n_parts; part++) {
        const size_t length = n / n_parts + (part < n % n_parts ? 1 : 0);
        char piece[MOST_NAME];
        (void)mb_format(piece, sizeof piece, "%.200s%zu", name, part);
        MB_TRY(put_fixed(writer, path, piece, texts + first, length, size));
        first += length;
    }
    return MB_OK;
}

mb_status mb_h5_put_array(
    mb_h5_writer *writer, const char *path, const char *name, const mb_array *array) {
    if (mb_array_bytes(array) > MOST_ATTRIBUTE) {
        return mb_fail(writer->ctx, MB_ERR_RANGE,
            "%s: %s: attribute %s of %zu bytes; write it as a dataset", writer->name, path, name,
            mb_array_bytes(array));
    }
    hsize_t shape[MB_MAX_RANK] = {0};
    for (unsigned i = 0; i < array->rank; i++) {
        shape[i] = array->shape[i];
    }
    mb_h5_guard guard;
    mb_h5_enter(&guard);
    const hid_t type = mb_h5_make_type(array->dtype);
    const hid_t space =
        array->rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple((int)array->rank, shape, NULL);
    const mb_status status = put(writer, path, name, type, space, array->data);
    mb_h5_close_id(type);
    mb_h5_leave(&guard);
    return status;
}

mb_status mb_h5_put_int64(mb_h5_writer *writer, const char *path, const char *name, int64_t value) {
    mb_array array = {.dtype = MB_I64, .rank = 0, .data = &value};
    return mb_h5_put_array(writer, path, name, &array);
}
