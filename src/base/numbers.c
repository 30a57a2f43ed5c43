// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"

#include "base/digits.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// A double needs at most 17 digits to be told apart; nobody writes hundreds.
enum { LONGEST_NUMBER = 512 };

// One C locale for the whole process, made on first use and never freed: constant data, not state.
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int mb_format_list(char *out, size_t size, const char *format, va_list list) {
    pthread_once(&c_locale_once, make_c_locale);
    const locale_t before = uselocale(c_locale);
    const int length = vsnprintf(out, size, format, list);
    uselocale(before);
    return length;
}

int mb_format(char *out, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    const int length = mb_format_list(out, size, format, list);
    va_end(list);
    return length;
}

static inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The rare number that the exact fast path below cannot do: the C library rounds correctly.
static double parse_slowly(const char *text, size_t length) {
    char copy[LONGEST_NUMBER];
    memcpy(copy, text, length);
    copy[length] = '\0';
    pthread_once(&c_locale_once, make_c_locale);
    const locale_t before = uselocale(c_locale);
    const double value = strtod(copy, NULL);
    uselocale(before);
    return value;
}

// Digits behind those of mantissa, mostly many. What does not fit is lost.
static const char *take_fraction(const char *p, const char *end, uint64_t *mantissa) {
    for (uint64_t bad = 0; end - p >= 8; p += 8) {
        const uint64_t eight = mb_checked_digits_before(p + 8, 8, &bad);
        if (bad != 0) {
            break;
        }
        *mantissa = *mantissa * 100000000 + eight;
    }
    while (p < end && is_digit(*p)) {
        *mantissa = *mantissa * 10 + (uint64_t)(*p++ - '0');
    }
    return p;
}

const char *mb_parse_double(const char *text, const char *end, double *out) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *p = text;
    const bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    uint64_t mantissa = 0;
    const char *digits = p;
    while (p < end && is_digit(*p)) {
        mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
    }
    ptrdiff_t n_digits = p - digits;
    int exponent = 0;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = take_fraction(p, end, &mantissa);
        exponent = p - fraction < LONGEST_NUMBER ? -(int)(p - fraction) : 0;
        n_digits += p - fraction;
    }
    if (n_digits == 0 || p - text >= LONGEST_NUMBER) {
        return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        const bool is_down = q < end && *q == '-';
        if (q < end && (*q == '-' || *q == '+')) {
            q++;
        }
        if (q < end && is_digit(*q)) {
            int value = 0;
            while (q < end && is_digit(*q)) {
                value = value < 100000 ? value * 10 + (*q - '0') : value;
                q++;
            }
            exponent += is_down ? -value : value;
            p = q;
        }
    }
    // Both operands exact, one rounding: correctly rounded (Clinger 1990).
    if (n_digits <= 19 && mantissa <= (UINT64_C(1) << 53) && exponent >= -22 && exponent <= 22) {
        const double value = exponent < 0 ? (double)mantissa / powers[-exponent]
                                          : (double)mantissa * powers[exponent];
        *out = is_negative ? -value : value;
        return p;
    }
    if (p - text >= LONGEST_NUMBER) {
        return NULL;
    }
    *out = parse_slowly(text, (size_t)(p - text));
    return p;
}

const char *mb_parse_uint64(const char *text, const char *end, uint64_t *out) {
    const char *p = text;
    uint64_t value = 0;
    if (p == end || !is_digit(*p)) {
        return NULL;
    }
    // As many digits always fit.
    for (const char *safe = end - p > 19 ? p + 19 : end; p < safe && is_digit(*p); p++) {
        value = value * 10 + (uint64_t)(*p - '0');
    }
    for (; p < end && is_digit(*p); p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return p;
}

const char *mb_parse_int64(const char *text, const char *end, int64_t *out) {
    const bool is_negative = text < end && *text == '-';
    const char *digits = text < end && (*text == '-' || *text == '+') ? text + 1 : text;
    uint64_t value = 0;
    const char *p = mb_parse_uint64(digits, end, &value);
    if (p == NULL || value > (uint64_t)INT64_MAX + (is_negative ? 1u : 0u)) {
        return NULL;
    }
    *out = !is_negative ? (int64_t)value : value == 0 ? 0 : -(int64_t)(value - 1) - 1;
    return p;
}

static void trim(const char **text, const char **end) {
    while (*text < *end && (**text == ' ' || **text == '\t')) {
        (*text)++;
    }
    while (*end > *text && ((*end)[-1] == ' ' || (*end)[-1] == '\t')) {
        (*end)--;
    }
}

bool mb_text_to_double(const char *text, double *out) {
    const char *end = text + strlen(text);
    trim(&text, &end);
    return mb_parse_double(text, end, out) == end && end > text;
}

bool mb_text_to_int64(const char *text, int64_t *out) {
    const char *end = text + strlen(text);
    trim(&text, &end);
    return mb_parse_int64(text, end, out) == end && end > text;
}

char *mb_format_bytes(char *out, size_t size, uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < MB_COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    mb_format(out, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

char *mb_format_count(char *out, size_t size, uint64_t count) {
    char digits[24];
    const int n = mb_format(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t length = 0;
    for (int i = 0; i < n && length + 2 < size; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            out[length++] = ',';
        }
        out[length++] = digits[i];
    }
    out[length] = '\0';
    return out;
}
