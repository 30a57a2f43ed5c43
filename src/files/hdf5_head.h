// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_HEAD_H
#define FILES_HDF5_HEAD_H

#include "files/hdf5_inside.h"

// Attributes as they lie in the file. The library decodes all attributes of an object whenever one
// is asked for, and neither checks their sizes nor where the references of texts lead: a hostile
// file then writes and reads wherever it likes. So they are found and decoded here, from the file's
// bytes, by the HDF5 file format specification 3.0: object heads of version 1 and 2. Dense storage
// (more than 8 attributes in the newest format) is not offered.

typedef struct mb_h5_stored {
    unsigned char *piece; // of the object's head; the rest points into it
    const unsigned char *type, *shape, *value;
    size_t type_length, shape_length, value_length;
    uint64_t base; // of addresses in the file
    bool is_found;
    bool is_dense; // not found, but the object has attributes that are not looked at
} mb_h5_stored;

// Between mb_h5_enter and mb_h5_leave. Cleared by mb_h5_stored_clear, also after a failure.
mb_status mb_h5_find_attribute(mb_h5_file *file, hid_t object, const char *path, const char *name,
    mb_h5_stored *stored) MB_MUST_CHECK;
void mb_h5_stored_clear(mb_h5_file *file, mb_h5_stored *stored);

// What a stored type says.
typedef enum mb_h5_kind {
    MB_H5_OTHER,
    MB_H5_NUMBER,
    MB_H5_FIXED_TEXT,
    MB_H5_VARIABLE_TEXT
} mb_h5_kind;
typedef struct mb_h5_type {
    mb_h5_kind kind;
    size_t size;
    mb_raw_type raw;      // of a number
    bool is_space_padded; // of a fixed text
} mb_h5_type;
// False when the bytes are no sound type.
bool mb_h5_decode_type(const unsigned char *bytes, size_t length, mb_h5_type *type);
// False when the bytes are no sound shape of at most MB_MAX_RANK axes, or its product does not fit.
bool mb_h5_decode_shape(
    const unsigned char *bytes, size_t length, unsigned *rank, size_t *shape, size_t *count);

// Appends the text that a reference leads to; *left is what texts may still be long together.
// Returns NULL, or what is wrong.
const char *mb_h5_fetch_text(mb_h5_file *file, uint64_t base, const unsigned char *reference,
    uint64_t *left, mb_names *texts, mb_status *status);

static inline uint64_t mb_h5_number(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

enum { MB_H5_REFERENCE = 16 }; // bytes of the reference to a text

#endif
