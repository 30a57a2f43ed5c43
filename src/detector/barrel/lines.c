// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/lines.h"

enum {
    FIRST_CAPACITY = 1 << 18, // fits into a second-level cache
    LONGEST_LINE = 1 << 24
};

static mb_status set_capacity(mb_barrel_lines *lines, size_t capacity) {
    char *bigger = mb_allocate(lines->ctx, capacity + 2 * MB_BARREL_SLACK, 1);
    if (bigger == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(bigger, '\n', MB_BARREL_SLACK);
    memset(bigger + MB_BARREL_SLACK + capacity, '\n', MB_BARREL_SLACK);
    if (lines->block != NULL) {
        memcpy(bigger + MB_BARREL_SLACK, lines->block + lines->begin, lines->filled - lines->begin);
        mb_release(lines->ctx, lines->block);
    }
    lines->filled = MB_BARREL_SLACK + lines->filled - lines->begin;
    lines->begin = MB_BARREL_SLACK;
    lines->block = bigger;
    lines->capacity = capacity;
    return MB_OK;
}

mb_status mb_barrel_lines_open(mb_barrel_lines *lines, mb_context *ctx, const char *path) {
    *lines = (mb_barrel_lines){.ctx = ctx, .path = path, .line = 1};
    MB_TRY(mb_text_reader_open(ctx, path, &lines->reader));
    MB_TRY(set_capacity(lines, FIRST_CAPACITY));
    lines->ready = lines->begin;
    bool is_there;
    MB_TRY(mb_barrel_lines_refill(lines, &is_there));
    if (lines->filled - lines->begin >= 3 &&
        memcmp(lines->block + lines->begin, "\xEF\xBB\xBF", 3) == 0) {
        lines->begin += 3;
        lines->offset += 3;
    }
    return MB_OK;
}

void mb_barrel_lines_close(mb_barrel_lines *lines) {
    mb_text_reader_close(lines->reader);
    mb_release(lines->ctx, lines->block);
    lines->reader = NULL;
    lines->block = NULL;
}

// Moves what is left to the front and fills up behind it.
static mb_status fill(mb_barrel_lines *lines) {
    const size_t left = lines->filled - lines->begin;
    if (left == lines->capacity) {
        if (lines->capacity >= LONGEST_LINE) {
            return mb_fail(lines->ctx, MB_ERR_LIMIT,
                "%s:%llu:1: a line of more than %d bytes; this is not a file of hits or particles",
                lines->path, (unsigned long long)lines->line, LONGEST_LINE);
        }
        MB_TRY(set_capacity(lines, lines->capacity * 2));
    } else {
        memmove(lines->block + MB_BARREL_SLACK, lines->block + lines->begin, left);
        lines->begin = MB_BARREL_SLACK;
        lines->filled = MB_BARREL_SLACK + left;
    }
    const size_t room = lines->capacity - left;
    size_t n_read = 0;
    MB_TRY(mb_text_reader_read(lines->reader, lines->block + lines->filled, room, &n_read));
    lines->filled += n_read;
    lines->is_at_end = n_read < room;
    return MB_OK;
}

mb_status mb_barrel_lines_refill(mb_barrel_lines *lines, bool *is_there) {
    size_t searched = lines->filled;
    *is_there = lines->begin < lines->ready;
    while (!*is_there && !lines->is_at_end) {
        const size_t before = lines->filled - lines->begin;
        MB_TRY(fill(lines));
        searched = lines->begin + before;
        size_t ready = lines->filled;
        while (ready > searched && lines->block[ready - 1] != '\n') {
            ready--;
        }
        lines->ready = ready > searched ? ready : lines->begin;
        *is_there = lines->begin < lines->ready;
    }
    if (!*is_there && lines->begin < lines->filled) {
        lines->block[lines->filled++] = '\n';
        lines->ready = lines->filled;
        lines->is_unfinished = true;
        *is_there = true;
    }
    return MB_OK;
}
