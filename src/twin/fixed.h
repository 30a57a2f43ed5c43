// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TWIN_FIXED_H
#define TWIN_FIXED_H

#include "network/fixed.h"

// Exact arithmetic of fixed-point formats (network/fixed.h). Nothing here rounds but by the
// format's own rule.

enum {
    MB_FIXED_MOST_BITS = 62,
    MB_FIXED_MOST_INTEGER = 512, // |integer| up to this: values stay within double's range
    MB_FIXED_TEXT_SIZE = 48
};

// Whether bits, integer and the two rules are within what a format may have.
bool mb_fixed_is_valid(const mb_fixed *format);
// The weight of the last bit is 2^exponent.
int mb_fixed_exponent(const mb_fixed *format);
// The lowest and highest integer of the format.
int64_t mb_fixed_least(const mb_fixed *format);
int64_t mb_fixed_most(const mb_fixed *format);

// The integer that n * 2^exponent becomes in the format. *outside (may be NULL) tells whether the
// rounded value lay outside the format, so that the overflow rule changed it.
int64_t mb_fixed_convert(const mb_fixed *format, int64_t n, int exponent, bool *outside);
// The same of a double, exactly. NaN becomes 0 and counts as outside, as infinities do; these
// saturate, or wrap to 0.
int64_t mb_fixed_from_double(const mb_fixed *format, double value, bool *outside);
// n * 2^(integer - bits); exact while |n| <= 2^53.
double mb_fixed_to_double(const mb_fixed *format, int64_t n);
// x * 2^exponent, exact unless it leaves double's range.
double mb_fixed_scale(double x, int exponent);

// Reads "<16,8>u RND SAT", "ap_ufixed<16,8,AP_RND,AP_SAT>", "fixed<6,2>" and the like: bits,
// integer bits with the sign, u or ufixed for unsigned; rounding TRN RND RND_CONV TRN_ZERO RND_ZERO
// RND_INF RND_MIN_INF, overflow WRAP SAT SAT_SYM SAT_ZERO, with or without AP_. Fails with FORMAT;
// where begins the text of the failure.
mb_status mb_fixed_parse(
    mb_context *ctx, const char *where, const char *text, mb_fixed *out) MB_MUST_CHECK;
// "<16,8>u RND SAT" into text (MB_FIXED_TEXT_SIZE is enough), which is returned; "none" for bits 0.
char *mb_fixed_text(const mb_fixed *format, char *text, size_t size);

#endif
