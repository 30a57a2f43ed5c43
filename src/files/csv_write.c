// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/csv.h"

#include <math.h>

static void put_comma(mb_buffer *buffer, bool is_first) {
    if (!is_first) {
        mb_buffer_append(buffer, ",", 1);
    }
}

void mb_csv_put_text(mb_buffer *buffer, bool is_first, const char *text) {
    put_comma(buffer, is_first);
    // A line of one empty field would read as no line at all, blanks at the ends get lost, and a
    // mark of UTF-8 at the file's start is not read as text.
    const size_t length = strlen(text);
    const bool is_plain = text[strcspn(text, "\",\r\n")] == '\0' && !(length == 0 && is_first) &&
                          !(is_first && strncmp(text, "\xEF\xBB\xBF", 3) == 0) &&
                          !(length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
    if (is_plain) {
        mb_buffer_append(buffer, text, length);
        return;
    }
    mb_buffer_append(buffer, "\"", 1);
    for (const char *at = text; *at != '\0'; at++) {
        mb_buffer_append(buffer, "\"\"", *at == '"' ? 1 : 0);
        mb_buffer_append(buffer, at, 1);
    }
    mb_buffer_append(buffer, "\"", 1);
}

void mb_csv_put_float(mb_buffer *buffer, bool is_first, float value) {
    put_comma(buffer, is_first);
    mb_buffer_float(buffer, value);
}

void mb_csv_put_double(mb_buffer *buffer, bool is_first, double value) {
    put_comma(buffer, is_first);
    mb_buffer_double(buffer, value);
}

void mb_csv_put_finite(mb_buffer *buffer, bool is_first, double value) {
    if (isfinite(value)) {
        mb_csv_put_double(buffer, is_first, value);
    } else {
        mb_csv_put_text(buffer, is_first, "");
    }
}

void mb_csv_put_int64(mb_buffer *buffer, bool is_first, int64_t value) {
    put_comma(buffer, is_first);
    mb_buffer_int64(buffer, value);
}

void mb_csv_end_row(mb_buffer *buffer) {
    mb_buffer_append(buffer, "\n", 1);
}
