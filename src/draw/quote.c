// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/parts.h"

#include "base/words.h"

// Appends what stands for a byte that no text may have; false where the sequence at p is fine.
static bool append_clean(mb_buffer *buffer, const char *p, size_t *length) {
    const unsigned char c = (unsigned char)*p;
    *length = mb_utf8_length(p);
    if (*length == 0) {
        mb_buffer_text(buffer, "?");
        *length = 1;
    } else if (c < 0x20 || c == 0x7F) {
        mb_buffer_text(buffer, " ");
    } else {
        return false;
    }
    return true;
}

void mb_clean_text(mb_buffer *buffer, const char *text) {
    size_t length;
    for (const char *p = text; *p != '\0'; p += length) {
        if (!append_clean(buffer, p, &length)) {
            mb_buffer_append(buffer, p, length);
        }
    }
}

void mb_quote_gnuplot(mb_buffer *buffer, const char *text) {
    // gnuplot understands one doubled quote, but not at the start and not two in a row: there an
    // apostrophe stands for it.
    bool is_after_quote = true;
    size_t length;
    mb_buffer_text(buffer, "'");
    for (const char *p = text; *p != '\0'; p += length) {
        if (append_clean(buffer, p, &length)) {
            is_after_quote = false;
        } else if (*p == '\'') {
            mb_buffer_text(buffer, is_after_quote ? "\xE2\x80\x99" : "''");
            is_after_quote = !is_after_quote;
        } else {
            mb_buffer_append(buffer, p, length);
            is_after_quote = false;
        }
    }
    mb_buffer_text(buffer, "'");
}

// Letters that gnuplot takes as marks stand for themselves behind a backslash.
static void escape_marks(mb_buffer *buffer, const char *text) {
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("\\{}^_@&~", *p) != NULL) {
            mb_buffer_text(buffer, "\\");
        }
        mb_buffer_append(buffer, p, 1);
    }
}

void mb_quote_subscript(mb_buffer *buffer, mb_context *ctx, const mb_tick *tick) {
    mb_buffer marked;
    mb_buffer_init(&marked, ctx);
    if (tick->symbol != NULL) {
        mb_buffer_text(&marked, "{/*1.3 ");
        escape_marks(&marked, tick->symbol);
        mb_buffer_text(&marked, "}_{");
        escape_marks(&marked, tick->text);
        mb_buffer_text(&marked, "}");
    } else {
        escape_marks(&marked, tick->text);
    }
    if (marked.status == MB_OK && marked.data != NULL) {
        mb_quote_gnuplot(buffer, marked.data);
    } else {
        buffer->status = buffer->status != MB_OK ? buffer->status : marked.status;
        mb_buffer_text(buffer, "''");
    }
    mb_buffer_clear(&marked);
}
