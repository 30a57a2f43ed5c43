// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/buffer.h"

#include "base/numbers.h"
#include "base/words.h"

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

static size_t put_digits(char *end, uint64_t number) {
    size_t n = 0;
    do {
        end[-(ptrdiff_t)++n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return n;
}

enum { MOST_DIGITS = 20 };
static const double power_of_ten[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

// mantissa * 2^-shift * 10^n_decimals, rounded to even as printf does. The mantissa has 24 bits and
// the power of ten 40, so that all of it is exact.
static uint64_t scaled(uint64_t mantissa, unsigned shift, int n_decimals) {
    const uint64_t exact = mantissa * (uint64_t)power_of_ten[n_decimals];
    const uint64_t whole = exact >> shift;
    const uint64_t rest = exact - (whole << shift);
    const uint64_t half = UINT64_C(1) << (shift - 1);
    return whole + (rest > half || (rest == half && whole % 2 == 1));
}

// The text of append_shortest where it is a plain decimal fraction, whose digits are whole numbers
// of 64 bits: many times as fast. Returns its length; 0: the number is none of these.
static size_t format_common(char *out, float value) {
    const float size = fabsf(value);
    if (!((double)size >= 1e-4 && size <= 999999)) {
        return 0;
    }
    int exponent;
    const uint64_t mantissa = (uint64_t)ldexpf(frexpf(size, &exponent), 24);
    const unsigned shift = (unsigned)(24 - exponent);
    int n_decimals = 5; // of six digits
    for (int k = 1; k <= 5 && (double)size >= power_of_ten[k]; k++) {
        n_decimals--;
    }
    for (int k = 0; k < 4 && (double)size * power_of_ten[k] < 1; k++) {
        n_decimals++;
    }
    uint64_t digits = scaled(mantissa, shift, n_decimals);
    for (int tries = 0; tries < 3; tries++) {
        if ((float)((double)digits / power_of_ten[n_decimals]) == size) {
            break;
        }
        digits = scaled(mantissa, shift, ++n_decimals);
    }
    while (n_decimals > 0 && digits % 10 == 0) {
        digits /= 10;
        n_decimals--;
    }
    const uint64_t one = (uint64_t)power_of_ten[n_decimals];
    char reversed[MOST_DIGITS];
    size_t length = 0;
    if (value < 0) {
        out[length++] = '-';
    }
    const size_t n_whole = put_digits(reversed + MOST_DIGITS, digits / one);
    memcpy(out + length, reversed + MOST_DIGITS - n_whole, n_whole);
    length += n_whole;
    if (n_decimals > 0) {
        out[length++] = '.';
        const size_t n = put_digits(reversed + MOST_DIGITS, digits % one);
        memset(out + length, '0', (size_t)n_decimals - n);
        memcpy(out + length + (size_t)n_decimals - n, reversed + MOST_DIGITS - n, n);
        length += (size_t)n_decimals;
    }
    return length;
}

void mb_buffer_float(mb_buffer *buffer, float value) {
    char text[40];
    const size_t length = format_common(text, value);
    if (length > 0) {
        mb_buffer_append(buffer, text, length);
    } else {
        append_shortest(buffer, (double)value, 6, 9, true);
    }
}

void mb_buffer_int64(mb_buffer *buffer, int64_t value) {
    char text[MOST_DIGITS + 1];
    const uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t length = put_digits(text + sizeof text, size);
    if (value < 0) {
        text[sizeof text - ++length] = '-';
    }
    mb_buffer_append(buffer, text + sizeof text - length, length);
}

void mb_buffer_double(mb_buffer *buffer, double value) {
    append_shortest(buffer, value, 15, 17, false);
}

void mb_buffer_json_text(mb_buffer *buffer, const char *text) {
    mb_buffer_append(buffer, "\"", 1);
    size_t length = 1;
    for (const char *p = text; *p != '\0'; p += length) {
        const unsigned char c = (unsigned char)*p;
        length = mb_utf8_length(p);
        if (length == 0) {
            mb_buffer_text(buffer, "\\uFFFD");
            length = 1;
        } else if (c == '"' || c == '\\') {
            const char escaped[2] = {'\\', *p};
            mb_buffer_append(buffer, escaped, 2);
        } else if (c == '\n') {
            mb_buffer_append(buffer, "\\n", 2);
        } else if (c < 0x20) {
            mb_buffer_format(buffer, "\\u%04x", c);
        } else {
            mb_buffer_append(buffer, p, length);
        }
    }
    mb_buffer_append(buffer, "\"", 1);
}
