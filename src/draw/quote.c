// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "draw/parts.h"

size_t mb_utf8_length(const unsigned char *p) {
    if (p[0] < 0x80) {
        return 1;
    }
    const size_t length = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xC0u) != 0x80u) {
            return 0;
        }
    }
    // Overlong forms, surrogates and what lies above the last code point.
    const bool is_bad = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
                        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);
    return is_bad ? 0 : length;
}

static void append_clean(mb_buffer *buffer, const char *text, const char *for_quote) {
    const char *p = text;
    while (*p != '\0') {
        const size_t length = mb_utf8_length((const unsigned char *)p);
        const unsigned char c = (unsigned char)*p;
        if (length == 0) {
            mb_buffer_text(buffer, "?");
        } else if (c < 0x20 || c == 0x7F) {
            mb_buffer_text(buffer, " ");
        } else if (c == '\'') {
            mb_buffer_text(buffer, for_quote);
        } else {
            mb_buffer_append(buffer, p, length);
        }
        p += length > 0 ? length : 1;
    }
}

void mb_clean_text(mb_buffer *buffer, const char *text) {
    append_clean(buffer, text, "'");
}

void mb_quote_gnuplot(mb_buffer *buffer, const char *text) {
    mb_buffer_text(buffer, "'");
    append_clean(buffer, text, "''");
    mb_buffer_text(buffer, "'");
}

char *mb_text_of_list(mb_arena *arena, mb_context *ctx, const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    const int length = mb_format_list(NULL, 0, format, list);
    char *text = length < 0 ? NULL : mb_arena_allocate(arena, ctx, (size_t)length + 1, 1);
    if (text != NULL) {
        mb_format_list(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}
