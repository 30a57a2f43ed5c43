// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "detector/barrel/simulate.h"

#include <math.h>

// The numbers that the quick way cannot round for sure.
static char *write_slowly(char *out, double value) {
    return out + mb_format(out, 24, "%.6g", value);
}

// Six digits of which the first n are before the point, without zeros at the end.
static char *write_digits(char *out, uint32_t digits, int n) {
    char text[6];
    for (int i = 5; i >= 0; i--) {
        text[i] = (char)('0' + digits % 10);
        digits /= 10;
    }
    int last = 6;
    while (last > n && last > 1 && text[last - 1] == '0') {
        last--;
    }
    if (n <= 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = n; i < 0; i++) {
            *out++ = '0';
        }
    }
    for (int i = 0; i < last; i++) {
        if (i == n && i > 0) {
            *out++ = '.';
        }
        *out++ = text[i];
    }
    return out;
}

char *mb_barrel_write_number(char *out, double value) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const double size = fabs(value);
    if (value == 0 && !signbit(value)) {
        *out++ = '0';
        return out;
    }
    if (!(size >= 1e-4 && size < 999999)) {
        return write_slowly(out, value);
    }
    // Digits before the point; 0.0123 has -1.
    int n = -3;
    while (n < 6 && size >= (n < 0 ? 1 / powers[-n] : powers[n])) {
        n++;
    }
    const double scaled = size * powers[6 - n];
    const double whole = floor(scaled);
    const double rest = scaled - whole;
    // Near a half the product's own rounding could decide.
    if (fabs(rest - 0.5) < 1e-6 || whole < 100000 || whole >= 999999) {
        return write_slowly(out, value);
    }
    if (value < 0) {
        *out++ = '-';
    }
    return write_digits(out, (uint32_t)whole + (rest > 0.5), n);
}
