// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"

#include "base/numbers.h"

#include <math.h>

void mb_buffer_init(mb_buffer *buffer, mb_context *ctx) {
    memset(buffer, 0, sizeof *buffer);
    buffer->ctx = ctx;
}

void mb_buffer_clear(mb_buffer *buffer) {
    if (buffer->ctx != NULL) {
        mb_release(buffer->ctx, buffer->data);
    }
    buffer->data = NULL;
    buffer->length = buffer->capacity = 0;
}

static bool reserve(mb_buffer *buffer, size_t more) {
    if (buffer->status == MB_OK) {
        buffer->status =
            mb_grow(buffer->ctx, &buffer->data, &buffer->capacity, buffer->length + more + 1, 1);
    }
    return buffer->status == MB_OK;
}

void mb_buffer_append(mb_buffer *buffer, const void *bytes, size_t length) {
    if (reserve(buffer, length)) {
        if (length > 0) {
            memcpy(buffer->data + buffer->length, bytes, length);
        }
        buffer->length += length;
        buffer->data[buffer->length] = '\0';
    }
}

void mb_buffer_text(mb_buffer *buffer, const char *text) {
    mb_buffer_append(buffer, text, strlen(text));
}

void mb_buffer_format(mb_buffer *buffer, const char *format, ...) {
    va_list list;
    va_start(list, format);
    va_list again;
    va_copy(again, list);
    const int length = mb_format_list(NULL, 0, format, list);
    va_end(list);
    if (length >= 0 && reserve(buffer, (size_t)length)) {
        mb_format_list(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
}

// Tries rising precision until the text reads back as the same number: 6..9 digits for
// float, 15..17 for double.
static void append_shortest(mb_buffer *buffer, double value, int least, int most, bool is_float) {
    if (!isfinite(value)) {
        mb_buffer_text(buffer, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return;
    }
    char text[40];
    for (int digits = least; digits <= most; digits++) {
        double back = 0;
        mb_format(text, sizeof text, "%.*g", digits, value);
        const bool is_read = mb_text_to_double(text, &back);
        if (is_read && (is_float ? (float)back == (float)value : back == value)) {
            break;
        }
    }
    mb_buffer_text(buffer, text);
}

void mb_buffer_float(mb_buffer *buffer, float value) {
    append_shortest(buffer, (double)value, 6, 9, true);
}

void mb_buffer_double(mb_buffer *buffer, double value) {
    append_shortest(buffer, value, 15, 17, false);
}

void mb_buffer_json_text(mb_buffer *buffer, const char *text) {
    mb_buffer_append(buffer, "\"", 1);
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            const char escaped[2] = {'\\', *p};
            mb_buffer_append(buffer, escaped, 2);
        } else if (c == '\n') {
            mb_buffer_append(buffer, "\\n", 2);
        } else if (c < 0x20) {
            mb_buffer_format(buffer, "\\u%04x", c);
        } else {
            mb_buffer_append(buffer, p, 1);
        }
    }
    mb_buffer_append(buffer, "\"", 1);
}
