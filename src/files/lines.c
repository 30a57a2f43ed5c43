// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/lines.h"

#include "base/numbers.h"

#include <stdarg.h>

enum { FIRST_CAPACITY = 1 << 16, LONGEST_LINE = 1 << 24 };

// Moves what is left to the front and fills up behind it. One byte stays free for the zero.
static mb_status fill(mb_lines *lines) {
    const size_t left = lines->filled - lines->begin;
    if (left > 0) {
        memmove(lines->block, lines->block + lines->begin, left);
    }
    lines->begin = 0;
    lines->filled = left;
    if (lines->reader == NULL) {
        lines->is_at_end = true;
        return MB_OK;
    }
    if (left >= LONGEST_LINE) {
        return mb_fail(lines->ctx, MB_ERR_LIMIT,
            "%s:%llu: a line of more than %d bytes; this is not a table", lines->name,
            (unsigned long long)lines->line + 1, LONGEST_LINE);
    }
    MB_TRY(mb_grow(lines->ctx, &lines->block, &lines->capacity,
        mb_max_size(2 * left, FIRST_CAPACITY), sizeof *lines->block));
    const size_t room = lines->capacity - left - 1;
    size_t n_read = 0;
    MB_TRY(mb_text_reader_read(lines->reader, lines->block + left, room, &n_read));
    lines->filled += n_read;
    lines->is_at_end = n_read < room;
    return MB_OK;
}

static void skip_mark(mb_lines *lines) {
    const bool is_marked = lines->filled >= 3 && memcmp(lines->block, "\xEF\xBB\xBF", 3) == 0;
    lines->begin = is_marked ? 3 : 0;
}

mb_status mb_lines_open(mb_lines *lines, mb_context *ctx, const char *path) {
    *lines = (mb_lines){.ctx = ctx, .name = path};
    MB_TRY(mb_text_reader_open(ctx, path, &lines->reader));
    MB_TRY(fill(lines));
    skip_mark(lines);
    return MB_OK;
}

mb_status mb_lines_open_text(
    mb_lines *lines, mb_context *ctx, const char *name, const char *text, size_t length) {
    *lines = (mb_lines){.ctx = ctx, .name = name, .is_at_end = true};
    if (length == SIZE_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT, "%s: too long a text; give a part of it", name);
    }
    lines->block = mb_allocate(ctx, length + 1, 1);
    if (lines->block == NULL) {
        return MB_ERR_MEMORY;
    }
    if (length > 0) {
        memcpy(lines->block, text, length);
    }
    lines->filled = length;
    lines->capacity = length + 1;
    skip_mark(lines);
    return MB_OK;
}

void mb_lines_close(mb_lines *lines) {
    mb_text_reader_close(lines->reader);
    mb_release(lines->ctx, lines->block);
    lines->reader = NULL;
    lines->block = NULL;
}

mb_status mb_lines_next(mb_lines *lines, char **text, size_t *length) {
    *text = NULL;
    *length = 0;
    char *end = NULL;
    size_t searched = 0;
    for (;;) {
        const size_t left = lines->filled - lines->begin;
        end = left > searched
                  ? memchr(lines->block + lines->begin + searched, '\n', left - searched)
                  : NULL;
        if (end != NULL || lines->is_at_end) {
            break;
        }
        searched = left;
        MB_TRY(fill(lines));
    }
    if (end == NULL && lines->begin == lines->filled) {
        return MB_OK;
    }
    const bool is_ended = end != NULL;
    end = is_ended ? end : lines->block + lines->filled;
    *text = lines->block + lines->begin;
    lines->begin = (size_t)(end - lines->block) + (is_ended ? 1 : 0);
    if (end > *text && end[-1] == '\r') {
        end--;
    }
    *end = '\0';
    *length = (size_t)(end - *text);
    lines->line++;
    return MB_OK;
}

mb_status mb_lines_fail(const mb_lines *lines, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    mb_format_list(text, sizeof text, format, list);
    va_end(list);
    return mb_fail(lines->ctx, MB_ERR_FORMAT, "%s:%llu: %s", lines->name,
        (unsigned long long)lines->line, text);
}
