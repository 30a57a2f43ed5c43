// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include "base/base.h"

// Numbers to and from text, without the host's locale.

// Parses a decimal number at text (not beyond end): optional sign, digits, fraction, exponent;
// correctly rounded (beyond the largest double: infinite). Returns the first byte after it, or NULL
// when there is no number or it has 512 characters or more. "inf" and "nan" are not numbers here.
const char *mb_parse_double(const char *text, const char *end, double *out);
// Parses an unsigned integer, exactly. NULL when there is none or it does not fit into 64 bits.
const char *mb_parse_uint64(const char *text, const char *end, uint64_t *out);
// Parses a signed integer, exactly.
const char *mb_parse_int64(const char *text, const char *end, int64_t *out);
// Whole text is one number (blanks around it allowed).
bool mb_text_to_double(const char *text, double *out);
bool mb_text_to_int64(const char *text, int64_t *out);

// snprintf in the C locale.
int mb_format(char *out, size_t size, const char *format, ...) MB_PRINTF(3, 4);
int mb_format_list(char *out, size_t size, const char *format, va_list list);

// 12345678 -> "11.8 MiB" and 12345678 -> "12,345,678", into out, which is returned.
char *mb_format_bytes(char *out, size_t size, uint64_t bytes);
char *mb_format_count(char *out, size_t size, uint64_t count);

#endif
