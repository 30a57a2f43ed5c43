// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_head.h"

enum {
    CONTINUATION = 0x10,
    SHARED = 2,
    MOST_PIECES = 1024, // of one head
    MOST_HEAD = 1 << 24,
};

typedef struct walk {
    mb_h5_head *head;
    mb_h5_look_fn look;
    void *user;
    unsigned version, flags;
    size_t length;                 // of the piece
    uint64_t next[MOST_PIECES][2]; // address and length of parts not yet walked
    size_t n_next, n_seen;
} walk;

static mb_status fail_head(const walk *w, const char *what) {
    const mb_h5_file *file = w->head->file;
    return mb_fail(file->ctx, MB_ERR_FORMAT, "%s: %s: its head %s; the file is damaged", file->name,
        w->head->path, what);
}

static mb_status load(walk *w, uint64_t address, uint64_t length) {
    mb_h5_file *file = w->head->file;
    mb_release(file->ctx, w->head->piece);
    w->head->piece = NULL;
    if (length > MOST_HEAD || ++w->n_seen > MOST_PIECES) {
        return fail_head(w, "is too large");
    }
    w->head->piece = mb_allocate(file->ctx, (size_t)length, 1);
    if (w->head->piece == NULL) {
        return MB_ERR_MEMORY;
    }
    w->length = (size_t)length;
    if (address > UINT64_MAX - file->base ||
        !mb_h5_source_read(&file->source, file->base + address, w->head->piece, w->length)) {
        return fail_head(w, "lies outside of the file");
    }
    return MB_OK;
}

// Walks the messages in bytes at..end of the piece.
static mb_status walk_messages(walk *w, size_t at, size_t end) {
    const size_t start = w->version == 1 ? 8 : (w->flags & 4) != 0 ? 6 : 4;
    while (!w->head->is_done && end - at >= start) {
        const unsigned char *bytes = w->head->piece + at;
        const bool is_old = w->version == 1;
        mb_h5_message message = {.type = is_old ? (unsigned)mb_h5_number(bytes, 2) : bytes[0],
            .is_shared = ((is_old ? bytes[4] : bytes[3]) & SHARED) != 0,
            .bytes = bytes + start,
            .length = (size_t)mb_h5_number(bytes + (is_old ? 2 : 1), 2)};
        if (message.length > end - at - start) {
            return fail_head(w, "has a message beyond its end");
        }
        if (message.type == CONTINUATION) {
            if (message.length < 16 || w->n_next == MOST_PIECES) {
                return fail_head(w, "goes on nowhere");
            }
            w->next[w->n_next][0] = mb_h5_number(message.bytes, 8);
            w->next[w->n_next++][1] = mb_h5_number(message.bytes + 8, 8);
        } else {
            MB_TRY(w->look(w->head, &message, w->user));
        }
        at += start + message.length;
    }
    return MB_OK;
}

static mb_status walk_first(walk *w, uint64_t address) {
    MB_TRY(load(w, address, 16));
    const unsigned char *piece = w->head->piece;
    if (memcmp(piece, "OHDR", 4) != 0) {
        w->version = 1;
        if (piece[0] != 1) {
            return fail_head(w, "has an unknown version");
        }
        MB_TRY(load(w, address, 16 + mb_h5_number(piece + 8, 4)));
        return walk_messages(w, 16, w->length);
    }
    w->version = 2;
    w->flags = piece[5];
    const size_t size_at =
        6 + ((w->flags & 0x20) != 0 ? 16U : 0U) + ((w->flags & 0x10) != 0 ? 4U : 0U);
    const size_t size_bytes = (size_t)1 << (w->flags & 3);
    MB_TRY(load(w, address, size_at + size_bytes));
    const uint64_t length = mb_h5_number(w->head->piece + size_at, size_bytes);
    if (length > MOST_HEAD) {
        return fail_head(w, "is too large");
    }
    MB_TRY(load(w, address, size_at + size_bytes + length));
    return walk_messages(w, size_at + size_bytes, w->length);
}

static mb_status walk_all(walk *w, uint64_t address) {
    MB_TRY(walk_first(w, address));
    while (!w->head->is_done && w->n_next > 0) {
        w->n_next--;
        MB_TRY(load(w, w->next[w->n_next][0], w->next[w->n_next][1]));
        if (w->version == 1) {
            MB_TRY(walk_messages(w, 0, w->length));
        } else if (w->length < 8 || memcmp(w->head->piece, "OCHK", 4) != 0) {
            return fail_head(w, "goes on nowhere");
        } else {
            MB_TRY(walk_messages(w, 4, w->length - 4)); // a checksum ends it
        }
    }
    return MB_OK;
}

mb_status mb_h5_walk_head(mb_h5_head *head, uint64_t address, mb_h5_look_fn look, void *user) {
    walk *w = mb_allocate_zeroed(head->file->ctx, 1, sizeof *w);
    if (w == NULL) {
        return MB_ERR_MEMORY;
    }
    w->head = head;
    w->look = look;
    w->user = user;
    const mb_status status = walk_all(w, address);
    mb_release(head->file->ctx, w);
    return status;
}
