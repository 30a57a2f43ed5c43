// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

enum {
    CLASS_INTEGER = 0,
    CLASS_FLOAT = 1,
    CLASS_TEXT = 3,
    CLASS_BITS = 4,
    CLASS_ENUMERATION = 8,
    CLASS_VARIABLE = 9,
    TYPE_HEAD = 8,
    INTEGER_LENGTH = TYPE_HEAD + 4,
    OBJECT_HEAD = 16,
};

static bool decode_integer(const unsigned char *bytes, size_t length, mb_h5_type *type) {
    static const mb_dtype dtypes[2][4] = {
        {MB_U8, MB_U16, MB_U32, MB_U64}, {MB_I8, MB_I16, MB_I32, MB_I64}};
    const size_t size = type->size;
    if (length < INTEGER_LENGTH) {
        return false;
    }
    const bool is_whole = mb_h5_number(bytes + TYPE_HEAD, 2) == 0 &&
                          mb_h5_number(bytes + TYPE_HEAD + 2, 2) == 8 * (uint64_t)size;
    if (is_whole && (size == 1 || size == 2 || size == 4 || size == 8)) {
        const unsigned power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
        type->raw = (mb_raw_type){dtypes[(bytes[1] >> 3) & 1][power], size, (bytes[1] & 1) != 0};
        type->kind = MB_H5_NUMBER;
    }
    return true;
}

// Only what IEEE 754 has: the sizes and places of sign, exponent and fraction must be those.
static bool decode_float(const unsigned char *bytes, size_t length, mb_h5_type *type) {
    static const struct {
        mb_dtype dtype;
        unsigned char size, sign;
        unsigned char layout[12];
    } known[] = {
        {MB_F32, 2, 15, {0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0}},
        {MB_F32, 4, 31, {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0}},
        {MB_F64, 8, 63, {0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0}},
    };
    if (length < TYPE_HEAD + sizeof known[0].layout) {
        return false;
    }
    for (size_t i = 0; i < MB_COUNT_OF(known); i++) {
        if (type->size == known[i].size && bytes[2] == known[i].sign && (bytes[1] & 0x70) == 0x20 &&
            memcmp(bytes + TYPE_HEAD, known[i].layout, sizeof known[i].layout) == 0) {
            type->raw = (mb_raw_type){known[i].dtype, type->size, (bytes[1] & 1) != 0};
            type->kind = MB_H5_NUMBER;
        }
    }
    return true;
}

// h5py writes booleans as an enumeration of FALSE = 0 and TRUE = 1; other enumerations are read as
// their numbers.
static bool decode_enumeration(const unsigned char *bytes, size_t length, mb_h5_type *type) {
    static const char padded[18] = "FALSE\0\0\0TRUE\0\0\0\0\0\1", plain[13] = "FALSE\0TRUE\0\0\1";
    const unsigned char *base = bytes + TYPE_HEAD;
    if (length < TYPE_HEAD + INTEGER_LENGTH || (base[0] & 0x0F) != CLASS_INTEGER) {
        return false;
    }
    mb_h5_type number = {.kind = MB_H5_OTHER, .size = (size_t)mb_h5_number(base + 4, 4)};
    if (number.size != type->size || !decode_integer(base, length - TYPE_HEAD, &number)) {
        return false;
    }
    type->kind = number.kind;
    type->raw = number.raw;
    const bool is_new = bytes[0] >> 4 >= 3;
    const char *names = is_new ? plain : padded;
    const size_t n = is_new ? sizeof plain : sizeof padded;
    if (type->size == 1 && mb_h5_number(bytes + 1, 2) == 2 &&
        length - TYPE_HEAD - INTEGER_LENGTH >= n && memcmp(base + INTEGER_LENGTH, names, n) == 0) {
        type->raw.dtype = MB_BOOL;
    }
    return true;
}

bool mb_h5_decode_type(const unsigned char *bytes, size_t length, mb_h5_type *type) {
    *type = (mb_h5_type){.kind = MB_H5_OTHER};
    if (length < TYPE_HEAD || bytes[0] >> 4 < 1) {
        return false;
    }
    type->size = (size_t)mb_h5_number(bytes + 4, 4);
    if (type->size == 0) {
        return false;
    }
    switch (bytes[0] & 0x0F) {
    case CLASS_INTEGER:
        return decode_integer(bytes, length, type);
    case CLASS_FLOAT:
        return decode_float(bytes, length, type);
    case CLASS_ENUMERATION:
        return decode_enumeration(bytes, length, type);
    case CLASS_BITS: // PyTables' booleans
        if (type->size == 1) {
            type->kind = MB_H5_NUMBER;
            type->raw = (mb_raw_type){MB_BOOL, 1, false};
        }
        return true;
    case CLASS_TEXT:
        type->kind = MB_H5_FIXED_TEXT;
        type->is_space_padded = (bytes[1] & 0x0F) == 2;
        return true;
    case CLASS_VARIABLE:
        if ((bytes[1] & 0x0F) == 1 && type->size == MB_H5_REFERENCE) {
            type->kind = MB_H5_VARIABLE_TEXT;
        }
        return true;
    default:
        return true;
    }
}

bool mb_h5_decode_shape(
    const unsigned char *bytes, size_t length, unsigned *rank, size_t *shape, size_t *count) {
    if (length < 4 || (bytes[0] != 1 && bytes[0] != 2) || bytes[1] > MB_MAX_RANK) {
        return false;
    }
    const size_t start = bytes[0] == 1 ? 8 : 4;
    *rank = bytes[1];
    *count = bytes[0] == 2 && bytes[3] == 2 ? 0 : 1; // kind 2 has no elements at all
    if (length < start + 8 * (size_t)*rank) {
        return false;
    }
    size_t product = 1;
    for (unsigned i = 0; i < *rank; i++) {
        const uint64_t axis = mb_h5_number(bytes + start + 8 * (size_t)i, 8);
        if (axis > PTRDIFF_MAX || !mb_raw_multiply(&product, mb_max_size((size_t)axis, 1))) {
            return false;
        }
        shape[i] = (size_t)axis;
        *count *= shape[i];
    }
    return true;
}

// Finds an object of a collection of the global heap; its bytes are at *where in the file.
static const char *find_object(
    const mb_h5_source *source, uint64_t start, uint64_t index, uint64_t length, uint64_t *where) {
    unsigned char bytes[OBJECT_HEAD];
    if (!mb_h5_source_read(source, start, bytes, sizeof bytes) || memcmp(bytes, "GCOL\1", 5) != 0) {
        return "its text is not where it should be";
    }
    const uint64_t size = mb_h5_number(bytes + 8, 8);
    uint64_t at = sizeof bytes;
    while (size <= source->length && size >= at && size - at >= OBJECT_HEAD &&
           mb_h5_source_read(source, start + at, bytes, sizeof bytes)) {
        const uint64_t found = mb_h5_number(bytes, 2), stored = mb_h5_number(bytes + 8, 8);
        if (found == 0 || stored > size - at - OBJECT_HEAD) {
            break;
        }
        if (found == index && stored >= length) {
            *where = start + at + OBJECT_HEAD;
            return NULL;
        }
        at += OBJECT_HEAD + (stored + 7) / 8 * 8;
    }
    return "its text is not in the heap";
}

const char *mb_h5_fetch_text(mb_h5_file *file, const unsigned char *reference, uint64_t *left,
    mb_names *texts, mb_status *status) {
    const uint64_t length = mb_h5_number(reference, 4);
    const uint64_t address = mb_h5_number(reference + 4, 8);
    if (address == 0 || address == UINT64_MAX || length == 0) {
        *status = mb_names_add(texts, "", 0);
        return NULL;
    }
    // Honest texts each have their own place, so together they are no longer than the file.
    if (length > *left || address > UINT64_MAX - file->base) {
        return "its texts are longer than the file";
    }
    *left -= length;
    uint64_t where = 0;
    const char *wrong = find_object(
        &file->source, file->base + address, mb_h5_number(reference + 12, 4), length, &where);
    if (wrong != NULL) {
        return wrong;
    }
    char *text = mb_allocate(file->ctx, (size_t)length, 1);
    if (text == NULL) {
        *status = MB_ERR_MEMORY;
        return NULL;
    }
    if (mb_h5_source_read(&file->source, where, text, (size_t)length)) {
        const char *end = memchr(text, '\0', (size_t)length);
        *status = mb_names_add(texts, text, end == NULL ? (size_t)length : (size_t)(end - text));
    } else {
        wrong = "its text lies outside of the file";
    }
    mb_release(file->ctx, text);
    return wrong;
}
