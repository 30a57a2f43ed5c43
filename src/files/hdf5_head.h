// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_HEAD_H
#define FILES_HDF5_HEAD_H

#include "files/hdf5_inside.h"

// What lies in the head of an object, read from the file's bytes by the HDF5 file format
// specification 3.0 (heads of version 1 and 2). The library does not check the sizes of what it
// decodes, nor where the references of texts lead: a hostile file then makes it read and write
// wherever it likes. So heads are checked here before the library sees them, and attributes, which
// it decodes all at once, are read here alone.

typedef struct mb_h5_message {
    unsigned type;
    bool is_shared; // only a reference to what is meant
    const unsigned char *bytes;
    size_t length;
} mb_h5_message;

// One head while it is walked. path is for messages.
typedef struct mb_h5_head {
    mb_h5_file *file;
    const char *path;
    unsigned char *piece; // what is being looked at, and what messages point into
    bool is_done;         // look may stop the walk by it
} mb_h5_head;
typedef mb_status (*mb_h5_look_fn)(mb_h5_head *head, const mb_h5_message *message, void *user);

// Shows look every message of the head at address. piece is kept, for the caller to release.
mb_status mb_h5_walk_head(
    mb_h5_head *head, uint64_t address, mb_h5_look_fn look, void *user) MB_MUST_CHECK;

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
const char *mb_h5_fetch_text(mb_h5_file *file, const unsigned char *reference, uint64_t *left,
    mb_names *texts, mb_status *status);

static inline uint64_t mb_h5_number(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

enum { MB_H5_REFERENCE = 16 }; // bytes of the reference to a text

#endif
