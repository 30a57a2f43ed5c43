// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

#include "files/names.h"

// Texts of variable length lie in the global heap, and the library follows whatever reference an
// attribute holds to wherever in memory it leads. So they are fetched here, from the file's bytes:
// the object's head (versions 1 and 2), its attribute messages, the heap's collections. Dense
// storage (many attributes, newest format) is not offered.

enum {
    MESSAGE_CONTINUATION = 0x10,
    MESSAGE_ATTRIBUTE = 0x0C,
    MESSAGE_SHARED = 2,
    CLASS_VARIABLE = 9,
    REFERENCE = 16,
    OBJECT_HEAD = 16,
    MOST_PIECES = 1024, // of one head
    MOST_HEAD = 1 << 20,
};

// The head of one object, as it is walked.
typedef struct head {
    mb_h5_file *file;
    const char *path, *name;
    uint64_t base; // of addresses in the file
    unsigned version, flags;
    unsigned char *piece; // the part being walked
    size_t length;
    uint64_t next[MOST_PIECES][2]; // address and length of parts not yet walked
    size_t n_next, n_seen;
    const unsigned char *value; // of the attribute, once found
    size_t value_length;
} head;

static uint64_t number(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

static mb_status fail_head(const head *h, const char *what) {
    return mb_fail(h->file->ctx, MB_ERR_FORMAT, "%s: attribute %s of %s: %s; the file is damaged",
        h->file->name, h->name, h->path, what);
}

static mb_status load(head *h, uint64_t address, uint64_t length) {
    mb_release(h->file->ctx, h->piece);
    h->piece = NULL;
    if (length > MOST_HEAD || ++h->n_seen > MOST_PIECES) {
        return fail_head(h, "its object's head is too large");
    }
    h->piece = mb_allocate(h->file->ctx, (size_t)length, 1);
    if (h->piece == NULL) {
        return MB_ERR_MEMORY;
    }
    h->length = (size_t)length;
    if (address > UINT64_MAX - h->base ||
        !mb_h5_source_read(&h->file->source, h->base + address, h->piece, h->length)) {
        return fail_head(h, "its object's head lies outside of the file");
    }
    return MB_OK;
}

// A stored attribute: three sizes, then name, type and shape, padded to 8 in version 1, then value.
static mb_status look_at_attribute(head *h, const unsigned char *bytes, size_t length) {
    if (length < 9 || bytes[0] < 1 || bytes[0] > 3) {
        return fail_head(h, "an attribute of an unknown version");
    }
    const size_t start = bytes[0] == 3 ? 9 : 8;
    const size_t unit = bytes[0] == 1 ? 8 : 1;
    const size_t name = (size_t)number(bytes + 2, 2), type = (size_t)number(bytes + 4, 2);
    const size_t type_at = start + mb_round_up(name, unit);
    const size_t shape_at = type_at + mb_round_up(type, unit);
    const size_t value_at = shape_at + mb_round_up((size_t)number(bytes + 6, 2), unit);
    if (name == 0 || type < 8 || value_at > length || bytes[start + name - 1] != '\0') {
        return fail_head(h, "an attribute with impossible sizes");
    }
    if (strcmp((const char *)bytes + start, h->name) != 0) {
        return MB_OK;
    }
    if ((bytes[0] > 1 && bytes[1] != 0) || (bytes[type_at] & 0x0F) != CLASS_VARIABLE ||
        number(bytes + type_at + 4, 4) != REFERENCE) {
        return fail_head(h, "not a text of variable length as HDF5 stores it");
    }
    h->value = bytes + value_at;
    h->value_length = length - value_at;
    return MB_OK;
}

static mb_status look_at_message(
    head *h, unsigned type, unsigned flags, const unsigned char *bytes, size_t length) {
    if (type == MESSAGE_CONTINUATION) {
        if (length < 16 || h->n_next == MOST_PIECES) {
            return fail_head(h, "its object's head is damaged");
        }
        h->next[h->n_next][0] = number(bytes, 8);
        h->next[h->n_next++][1] = number(bytes + 8, 8);
    }
    return type == MESSAGE_ATTRIBUTE && (flags & MESSAGE_SHARED) == 0
               ? look_at_attribute(h, bytes, length)
               : MB_OK;
}

// Walks the messages in bytes at..end of the piece until the attribute is found.
static mb_status walk_messages(head *h, size_t at, size_t end) {
    const size_t start = h->version == 1 ? 8 : (h->flags & 4) != 0 ? 6 : 4;
    while (h->value == NULL && end - at >= start) {
        const unsigned char *bytes = h->piece + at;
        const unsigned type = h->version == 1 ? (unsigned)number(bytes, 2) : bytes[0];
        const size_t length = (size_t)number(bytes + (h->version == 1 ? 2 : 1), 2);
        const unsigned flags = h->version == 1 ? bytes[4] : bytes[3];
        if (length > end - at - start) {
            return fail_head(h, "its object's head is damaged");
        }
        MB_TRY(look_at_message(h, type, flags, bytes + start, length));
        at += start + length;
    }
    return MB_OK;
}

static mb_status walk_first(head *h, uint64_t address) {
    MB_TRY(load(h, address, 16));
    if (memcmp(h->piece, "OHDR", 4) != 0) {
        h->version = 1;
        const uint64_t length = number(h->piece + 8, 4);
        if (h->piece[0] != 1) {
            return fail_head(h, "its object's head has an unknown version");
        }
        MB_TRY(load(h, address, 16 + length));
        return walk_messages(h, 16, h->length);
    }
    h->version = 2;
    h->flags = h->piece[5];
    const size_t size_at =
        6 + ((h->flags & 0x20) != 0 ? 16U : 0U) + ((h->flags & 0x10) != 0 ? 4U : 0U);
    const size_t size_bytes = (size_t)1 << (h->flags & 3);
    MB_TRY(load(h, address, size_at + size_bytes));
    const uint64_t length = number(h->piece + size_at, size_bytes);
    if (length > MOST_HEAD) {
        return fail_head(h, "its object's head is too large");
    }
    MB_TRY(load(h, address, size_at + size_bytes + length));
    return walk_messages(h, size_at + size_bytes, h->length);
}

static mb_status find_value(head *h, uint64_t address) {
    MB_TRY(walk_first(h, address));
    while (h->value == NULL && h->n_next > 0) {
        h->n_next--;
        MB_TRY(load(h, h->next[h->n_next][0], h->next[h->n_next][1]));
        if (h->version == 1) {
            MB_TRY(walk_messages(h, 0, h->length));
        } else if (h->length < 8 || memcmp(h->piece, "OCHK", 4) != 0) {
            return fail_head(h, "its object's head is damaged");
        } else {
            MB_TRY(walk_messages(h, 4, h->length - 4)); // a checksum ends it
        }
    }
    return h->value != NULL
               ? MB_OK
               : mb_fail(h->file->ctx, MB_ERR_UNSUPPORTED,
                     "%s: attribute %s of %s is a text in dense or shared storage, which is not "
                     "offered; write the file with libver='earliest'",
                     h->file->name, h->name, h->path);
}

// Finds an object of a collection; its bytes are at *where in the file.
static mb_status find_object(
    head *h, uint64_t address, uint64_t index, uint64_t length, uint64_t *where) {
    const mb_h5_source *source = &h->file->source;
    unsigned char bytes[OBJECT_HEAD];
    if (address > UINT64_MAX - h->base ||
        !mb_h5_source_read(source, h->base + address, bytes, sizeof bytes) ||
        memcmp(bytes, "GCOL\1", 5) != 0) {
        return fail_head(h, "its text is not where it should be");
    }
    const uint64_t start = h->base + address;
    const uint64_t size = number(bytes + 8, 8);
    uint64_t at = sizeof bytes;
    while (size <= source->length && size >= at && size - at >= OBJECT_HEAD &&
           mb_h5_source_read(source, start + at, bytes, sizeof bytes)) {
        const uint64_t found = number(bytes, 2), stored = number(bytes + 8, 8);
        if (found == 0 || stored > size - at - OBJECT_HEAD) {
            break;
        }
        if (found == index && stored >= length) {
            *where = start + at + OBJECT_HEAD;
            return MB_OK;
        }
        at += OBJECT_HEAD + (stored + 7) / 8 * 8;
    }
    return fail_head(h, "its text is not in the heap");
}

static mb_status add_text(
    head *h, const unsigned char *reference, uint64_t *left, mb_names *texts) {
    const uint64_t length = number(reference, 4);
    const uint64_t address = number(reference + 4, 8);
    if (address == 0 || address == UINT64_MAX || length == 0) {
        return mb_names_add(texts, "", 0);
    }
    // Honest texts each have their own place, so together they are no longer than the file.
    if (length > *left) {
        return fail_head(h, "its texts are longer than the file");
    }
    *left -= length;
    uint64_t where = 0;
    MB_TRY(find_object(h, address, number(reference + 12, 4), length, &where));
    char *text = mb_allocate(h->file->ctx, (size_t)length, 1);
    if (text == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status;
    if (mb_h5_source_read(&h->file->source, where, text, (size_t)length)) {
        const char *end = memchr(text, '\0', (size_t)length);
        status = mb_names_add(texts, text, end == NULL ? (size_t)length : (size_t)(end - text));
    } else {
        status = fail_head(h, "its text lies outside of the file");
    }
    mb_release(h->file->ctx, text);
    return status;
}

static mb_status find_place(mb_h5_file *file, hid_t object, head *h, uint64_t *address) {
    H5O_info_t info = {.addr = 0};
    hsize_t base = 0;
    const hid_t creation = H5Fget_create_plist(file->file);
    const bool is_found = creation >= 0 && H5Pget_userblock(creation, &base) >= 0 &&
                          H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0;
    mb_h5_close_id(creation);
    h->base = base;
    *address = info.addr;
    return is_found ? MB_OK : fail_head(h, "its object cannot be found");
}

mb_status mb_h5_read_texts(
    mb_h5_file *file, hid_t object, const char *path, const char *name, size_t n, mb_names *texts) {
    head *h = mb_allocate_zeroed(file->ctx, 1, sizeof *h);
    if (h == NULL) {
        return MB_ERR_MEMORY;
    }
    h->file = file;
    h->path = path;
    h->name = name;
    uint64_t address = 0, left = file->file_size;
    mb_status status = find_place(file, object, h, &address);
    if (status == MB_OK) {
        status = find_value(h, address);
    }
    if (status == MB_OK && n > h->value_length / REFERENCE) {
        status = fail_head(h, "fewer texts are stored than its shape says");
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        status = add_text(h, h->value + i * REFERENCE, &left, texts);
    }
    mb_release(file->ctx, h->piece);
    mb_release(file->ctx, h);
    return status;
}
