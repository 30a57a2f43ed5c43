// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

// The messages that the library decodes when an object is opened, each with the sizes it says
// inside: they must fit into the message.

enum {
    SHAPE = 0x01,
    TYPE = 0x03,
    OLD_FILL = 0x04,
    FILL = 0x05,
    LINK = 0x06,
    EXTERNAL_FILES = 0x07,
    LAYOUT = 0x08,
    FILTERS = 0x0B,
    SYMBOL_TABLE = 0x11,
    MOST_AXES = 32, // the library's
    NEWEST_LAYOUT = 4,
};

static bool is_sound_shape(const unsigned char *bytes, size_t length) {
    if (length < 4 || bytes[1] > MOST_AXES) {
        return false;
    }
    const size_t start = bytes[0] == 1 ? 8 : 4;
    const size_t n = (size_t)bytes[1] * ((bytes[2] & 1) != 0 ? 2 : 1);
    return length >= start + 8 * n;
}

static bool is_sound_fill(const unsigned char *bytes, size_t length) {
    if (length < 2) {
        return false;
    }
    if (bytes[0] == 3) {
        return (bytes[1] & 0x20) == 0 || (length >= 6 && mb_h5_number(bytes + 2, 4) <= length - 6);
    }
    if (length < 4) {
        return false;
    }
    return (bytes[0] == 2 && bytes[3] == 0) ||
           (length >= 8 && mb_h5_number(bytes + 4, 4) <= length - 8);
}

static bool is_sound_old_layout(const unsigned char *bytes, size_t length) {
    if (length < 8 || bytes[1] > MOST_AXES + 1) {
        return false;
    }
    const size_t sizes = 8 + (bytes[2] == 0 ? 0U : 8U) + 4 * (size_t)bytes[1];
    if (length < sizes + (bytes[2] == 1 ? 0U : 4U)) {
        return false;
    }
    return bytes[2] != 0 || mb_h5_number(bytes + sizes, 4) <= length - sizes - 4;
}

// Version 3, and 4 with its kinds of index.
static bool is_sound_layout(const unsigned char *bytes, size_t length) {
    if (length < 4) {
        return false;
    }
    if (bytes[0] < 3) {
        return is_sound_old_layout(bytes, length);
    }
    switch (bytes[1]) {
    case 0:
        return mb_h5_number(bytes + 2, 2) <= length - 4;
    case 1:
        return length >= 18;
    case 2:
        break;
    default:
        return length >= 14;
    }
    if (bytes[0] == 3) {
        return bytes[2] <= MOST_AXES + 1 && length >= 11 + 4 * (size_t)bytes[2];
    }
    if (length < 5 || bytes[3] > MOST_AXES + 1 || bytes[4] < 1 || bytes[4] > 8) {
        return false;
    }
    const size_t at = 5 + (size_t)bytes[3] * bytes[4];
    static const size_t index_bytes[6] = {0, 12, 0, 1, 5, 6};
    if (length <= at || bytes[at] < 1 || bytes[at] > 5) {
        return false;
    }
    const size_t more = bytes[at] == 1 && (bytes[2] & 2) == 0 ? 0 : index_bytes[bytes[at]];
    return length >= at + 1 + more + 8;
}

static bool is_sound_filters(const unsigned char *bytes, size_t length) {
    if (length < 2 || (bytes[0] != 1 && bytes[0] != 2)) {
        return false;
    }
    const bool is_old = bytes[0] == 1;
    size_t at = is_old ? 8 : 2;
    for (unsigned i = 0; i < bytes[1]; i++) {
        if (at > length || length - at < 6) {
            return false;
        }
        const bool has_name = is_old || mb_h5_number(bytes + at, 2) >= 256;
        size_t name = has_name ? (size_t)mb_h5_number(bytes + at + 2, 2) : 0;
        const size_t head = has_name ? 8 : 6;
        if (length - at < head) {
            return false;
        }
        const size_t n_values = (size_t)mb_h5_number(bytes + at + head - 2, 2);
        name = is_old ? mb_round_up(name, 8) : name;
        at += head + name + 4 * n_values + (is_old && n_values % 2 != 0 ? 4 : 0);
    }
    return at <= length;
}

static bool is_sound_link(const unsigned char *bytes, size_t length) {
    if (length < 3 || bytes[0] != 1) {
        return false;
    }
    const size_t at = 2 + ((bytes[1] & 8) != 0 ? 1U : 0U) + ((bytes[1] & 4) != 0 ? 8U : 0U) +
                      ((bytes[1] & 16) != 0 ? 1U : 0U);
    const size_t size = (size_t)1 << (bytes[1] & 3);
    if (length < at + size) {
        return false;
    }
    const uint64_t name = mb_h5_number(bytes + at, size);
    const size_t left = length - at - size;
    const bool is_hard = (bytes[1] & 8) == 0 || bytes[2] == 0;
    if (name == 0 || name > left || left - name < (is_hard ? 8 : 2)) {
        return false;
    }
    const unsigned char *target = bytes + at + size + name;
    return is_hard || mb_h5_number(target, 2) <= left - name - 2;
}

static bool is_sound(const mb_h5_message *message) {
    switch (message->type) {
    case SHAPE:
        return is_sound_shape(message->bytes, message->length);
    case OLD_FILL:
        return message->length >= 4 && mb_h5_number(message->bytes, 4) <= message->length - 4;
    case FILL:
        return is_sound_fill(message->bytes, message->length);
    case LAYOUT:
        return is_sound_layout(message->bytes, message->length);
    case FILTERS:
        return is_sound_filters(message->bytes, message->length);
    case LINK:
        return is_sound_link(message->bytes, message->length);
    case SYMBOL_TABLE:
        return message->length >= 16;
    default:
        return true;
    }
}

static mb_status fail_object(const mb_h5_head *head, mb_status status, const char *what) {
    return mb_fail(head->file->ctx, status, "%s: %s: %s", head->file->name, head->path, what);
}

// The heap of a group's names. The library follows its list of free blocks to the end, which a list
// that bites its tail has not: blocks lie apart, so together they are no longer than the heap.
static bool is_sound_heap(const mb_h5_file *file, uint64_t address) {
    enum { HEAP_HEAD = 32, BLOCK_HEAD = 16, NO_BLOCK = 1 };
    unsigned char bytes[HEAP_HEAD];
    const mb_h5_source *source = &file->source;
    if (address > UINT64_MAX - file->base ||
        !mb_h5_source_read(source, file->base + address, bytes, HEAP_HEAD) ||
        memcmp(bytes, "HEAP", 4) != 0) {
        return false;
    }
    const uint64_t length = mb_h5_number(bytes + 8, 8), start = mb_h5_number(bytes + 24, 8);
    if (length > source->length || start > source->length - length) {
        return false;
    }
    uint64_t left = length, block = mb_h5_number(bytes + 16, 8);
    while (block != NO_BLOCK) {
        if (length < BLOCK_HEAD || block > length - BLOCK_HEAD ||
            !mb_h5_source_read(source, file->base + start + block, bytes, BLOCK_HEAD)) {
            return false;
        }
        const uint64_t size = mb_h5_number(bytes + 8, 8);
        if (size < BLOCK_HEAD || size > left) {
            return false;
        }
        left -= size;
        block = mb_h5_number(bytes, 8);
    }
    return true;
}

static mb_status look(mb_h5_head *head, const mb_h5_message *message, void *user) {
    (void)user;
    if (message->type == EXTERNAL_FILES) {
        return fail_object(head, MB_ERR_UNSUPPORTED,
            "its numbers lie in other files, which is refused; copy them in");
    }
    if (message->is_shared) {
        return message->type == TYPE || message->type == SHAPE || message->type == FILL ||
                       message->type == FILTERS
                   ? fail_object(head, MB_ERR_UNSUPPORTED,
                         "of a named type or with shared parts, which is not offered; copy it")
                   : MB_OK;
    }
    if (message->type == TYPE) {
        mb_h5_type type;
        if (!mb_h5_decode_type(message->bytes, message->length, &type)) {
            return fail_object(head, MB_ERR_FORMAT, "its type makes no sense; it is damaged");
        }
        return type.kind == MB_H5_NUMBER
                   ? MB_OK
                   : fail_object(head, MB_ERR_UNSUPPORTED,
                         "not of a float, integer or bool type of 1 to 8 bytes; convert it");
    }
    if (message->type == LAYOUT && message->length > 0 && message->bytes[0] > NEWEST_LAYOUT) {
        return mb_fail(head->file->ctx, MB_ERR_UNSUPPORTED,
            "%s: %s: layout of version %u, of HDF5 2.0 or later, which is not offered; write it "
            "for HDF5 1.10 (h5py: libver=('earliest', 'v110'))",
            head->file->name, head->path, (unsigned)message->bytes[0]);
    }
    const bool is_good =
        is_sound(message) && (message->type != SYMBOL_TABLE ||
                                 is_sound_heap(head->file, mb_h5_number(message->bytes + 8, 8)));
    return is_good
               ? MB_OK
               : fail_object(head, MB_ERR_FORMAT, "its head makes no sense; the file is damaged");
}

mb_status mb_h5_check_object(mb_h5_file *file, const char *path, uint64_t address) {
    mb_h5_head head = {.file = file, .path = path};
    const mb_status status = mb_h5_walk_head(&head, address, look, NULL);
    mb_release(file->ctx, head.piece);
    return status;
}
