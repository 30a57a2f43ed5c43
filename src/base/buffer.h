// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/base.h"

// Bytes that grow: files are built here and written in one go. The first failure sticks (status)
// and later appends do nothing, so a writer checks once at its end. data always ends in a zero byte
// that length does not count.
typedef struct mb_buffer {
    mb_context *ctx;
    char *data;
    size_t length, capacity;
    mb_status status;
} mb_buffer;

void mb_buffer_init(mb_buffer *buffer, mb_context *ctx);
void mb_buffer_clear(mb_buffer *buffer);
void mb_buffer_append(mb_buffer *buffer, const void *bytes, size_t length);
void mb_buffer_text(mb_buffer *buffer, const char *text);
// Numbers are printed as in the C locale, whatever the host program has set.
void mb_buffer_format(mb_buffer *buffer, const char *format, ...) MB_PRINTF(2, 3);
// The shortest decimal text that reads back as the same float or double.
void mb_buffer_float(mb_buffer *buffer, float value);
void mb_buffer_double(mb_buffer *buffer, double value);
void mb_buffer_int64(mb_buffer *buffer, int64_t value);
// A text as a JSON string with its quotes.
void mb_buffer_json_text(mb_buffer *buffer, const char *text);

#endif
