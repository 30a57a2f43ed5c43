// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

enum {
    MESSAGE_ATTRIBUTE = 0x0C,
    MESSAGE_CONTINUATION = 0x10,
    MESSAGE_ATTRIBUTE_INFO = 0x15,
    MESSAGE_SHARED = 2,
    MOST_PIECES = 1024, // of one head
    MOST_HEAD = 1 << 24,
};

// The head of one object, as it is walked.
typedef struct head {
    mb_h5_file *file;
    const char *path, *name;
    mb_h5_stored *stored;
    unsigned version, flags;
    size_t length;                 // of the piece
    uint64_t next[MOST_PIECES][2]; // address and length of parts not yet walked
    size_t n_next, n_seen;
} head;

static mb_status fail_head(const head *h, const char *what) {
    return mb_fail(h->file->ctx, MB_ERR_FORMAT,
        "%s: attribute %s of %s: the head of its object %s; the file is damaged", h->file->name,
        h->name, h->path, what);
}

static mb_status load(head *h, uint64_t address, uint64_t length) {
    mb_h5_stored *stored = h->stored;
    mb_release(h->file->ctx, stored->piece);
    stored->piece = NULL;
    if (length > MOST_HEAD || ++h->n_seen > MOST_PIECES) {
        return fail_head(h, "is too large");
    }
    stored->piece = mb_allocate(h->file->ctx, (size_t)length, 1);
    if (stored->piece == NULL) {
        return MB_ERR_MEMORY;
    }
    h->length = (size_t)length;
    if (address > UINT64_MAX - stored->base ||
        !mb_h5_source_read(&h->file->source, stored->base + address, stored->piece, h->length)) {
        return fail_head(h, "lies outside of the file");
    }
    return MB_OK;
}

// A stored attribute: three sizes, then name, type and shape, padded to 8 in version 1, then value.
static mb_status look_at_attribute(
    head *h, unsigned flags, const unsigned char *bytes, size_t length) {
    if (length < 9 || bytes[0] < 1 || bytes[0] > 3) {
        return fail_head(h, "has an attribute of an unknown version");
    }
    const size_t start = bytes[0] == 3 ? 9 : 8;
    const size_t unit = bytes[0] == 1 ? 8 : 1;
    const size_t name = (size_t)mb_h5_number(bytes + 2, 2);
    const size_t type = (size_t)mb_h5_number(bytes + 4, 2);
    const size_t shape = (size_t)mb_h5_number(bytes + 6, 2);
    const size_t type_at = start + mb_round_up(name, unit);
    const size_t shape_at = type_at + mb_round_up(type, unit);
    const size_t value_at = shape_at + mb_round_up(shape, unit);
    if (name == 0 || value_at > length || bytes[start + name - 1] != '\0') {
        return fail_head(h, "has an attribute with impossible sizes");
    }
    if (strcmp((const char *)bytes + start, h->name) != 0) {
        return MB_OK;
    }
    if ((flags & MESSAGE_SHARED) != 0 || (bytes[0] > 1 && bytes[1] != 0)) {
        return mb_fail(h->file->ctx, MB_ERR_UNSUPPORTED,
            "%s: attribute %s of %s is shared or of a named type, which is not offered; write it "
            "plainly",
            h->file->name, h->name, h->path);
    }
    mb_h5_stored *stored = h->stored;
    stored->type = bytes + type_at;
    stored->type_length = type;
    stored->shape = bytes + shape_at;
    stored->shape_length = shape;
    stored->value = bytes + value_at;
    stored->value_length = length - value_at;
    stored->is_found = true;
    return MB_OK;
}

static mb_status look_at_message(
    head *h, unsigned type, unsigned flags, const unsigned char *bytes, size_t length) {
    if (type == MESSAGE_CONTINUATION) {
        if (length < 16 || h->n_next == MOST_PIECES) {
            return fail_head(h, "is damaged");
        }
        h->next[h->n_next][0] = mb_h5_number(bytes, 8);
        h->next[h->n_next++][1] = mb_h5_number(bytes + 8, 8);
    }
    if (type == MESSAGE_ATTRIBUTE_INFO) {
        const size_t at = length > 1 && (bytes[1] & 1) != 0 ? 4 : 2;
        h->stored->is_dense = length < at + 8 || mb_h5_number(bytes + at, 8) != UINT64_MAX;
    }
    return type == MESSAGE_ATTRIBUTE ? look_at_attribute(h, flags, bytes, length) : MB_OK;
}

// Walks the messages in bytes at..end of the piece until the attribute is found.
static mb_status walk_messages(head *h, size_t at, size_t end) {
    const size_t start = h->version == 1 ? 8 : (h->flags & 4) != 0 ? 6 : 4;
    while (!h->stored->is_found && end - at >= start) {
        const unsigned char *bytes = h->stored->piece + at;
        const unsigned type = h->version == 1 ? (unsigned)mb_h5_number(bytes, 2) : bytes[0];
        const size_t length = (size_t)mb_h5_number(bytes + (h->version == 1 ? 2 : 1), 2);
        const unsigned flags = h->version == 1 ? bytes[4] : bytes[3];
        if (length > end - at - start) {
            return fail_head(h, "is damaged");
        }
        MB_TRY(look_at_message(h, type, flags, bytes + start, length));
        at += start + length;
    }
    return MB_OK;
}

static mb_status walk_first(head *h, uint64_t address) {
    MB_TRY(load(h, address, 16));
    const unsigned char *piece = h->stored->piece;
    if (memcmp(piece, "OHDR", 4) != 0) {
        h->version = 1;
        if (piece[0] != 1) {
            return fail_head(h, "has an unknown version");
        }
        MB_TRY(load(h, address, 16 + mb_h5_number(piece + 8, 4)));
        return walk_messages(h, 16, h->length);
    }
    h->version = 2;
    h->flags = piece[5];
    const size_t size_at =
        6 + ((h->flags & 0x20) != 0 ? 16U : 0U) + ((h->flags & 0x10) != 0 ? 4U : 0U);
    const size_t size_bytes = (size_t)1 << (h->flags & 3);
    MB_TRY(load(h, address, size_at + size_bytes));
    const uint64_t length = mb_h5_number(h->stored->piece + size_at, size_bytes);
    if (length > MOST_HEAD) {
        return fail_head(h, "is too large");
    }
    MB_TRY(load(h, address, size_at + size_bytes + length));
    return walk_messages(h, size_at + size_bytes, h->length);
}

static mb_status walk(head *h, uint64_t address) {
    MB_TRY(walk_first(h, address));
    while (!h->stored->is_found && h->n_next > 0) {
        h->n_next--;
        MB_TRY(load(h, h->next[h->n_next][0], h->next[h->n_next][1]));
        if (h->version == 1) {
            MB_TRY(walk_messages(h, 0, h->length));
        } else if (h->length < 8 || memcmp(h->stored->piece, "OCHK", 4) != 0) {
            return fail_head(h, "is damaged");
        } else {
            MB_TRY(walk_messages(h, 4, h->length - 4)); // a checksum ends it
        }
    }
    return MB_OK;
}

static bool find_place(mb_h5_file *file, hid_t object, uint64_t *base, uint64_t *address) {
    H5O_info_t info = {.addr = 0};
    hsize_t user_block = 0;
    const hid_t creation = H5Fget_create_plist(file->file);
    const bool is_found = creation >= 0 && H5Pget_userblock(creation, &user_block) >= 0 &&
                          H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0;
    mb_h5_close_id(creation);
    *base = user_block;
    *address = info.addr;
    return is_found;
}

mb_status mb_h5_find_attribute(
    mb_h5_file *file, hid_t object, const char *path, const char *name, mb_h5_stored *stored) {
    *stored = (mb_h5_stored){.piece = NULL};
    head *h = mb_allocate_zeroed(file->ctx, 1, sizeof *h);
    if (h == NULL) {
        return MB_ERR_MEMORY;
    }
    h->file = file;
    h->path = path;
    h->name = name;
    h->stored = stored;
    uint64_t address = 0;
    const mb_status status = find_place(file, object, &stored->base, &address)
                                 ? walk(h, address)
                                 : fail_head(h, "cannot be found");
    mb_release(file->ctx, h);
    return status;
}

void mb_h5_stored_clear(mb_h5_file *file, mb_h5_stored *stored) {
    mb_release(file->ctx, stored->piece);
    *stored = (mb_h5_stored){.piece = NULL};
}
