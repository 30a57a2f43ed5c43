// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_FIXED_H
#define NETWORK_FIXED_H

#include "base/base.h"

// Fixed-point number formats, as ap_fixed<bits, integer, rounding, overflow> of high-level
// synthesis has them: a value is n * 2^(integer - bits), n a two's complement (or unsigned) integer
// of so many bits. integer counts the sign and may be negative or larger than bits. bits 0 stands
// for "no format" where a format may be absent.

typedef enum mb_fixed_rounding {
    MB_FIXED_TRUNCATE,       // towards minus infinity (TRN, the default)
    MB_FIXED_ROUND,          // half towards plus infinity: floor(x + 0.5) (RND)
    MB_FIXED_ROUND_EVEN,     // half to even (RND_CONV)
    MB_FIXED_TRUNCATE_ZERO,  // towards zero (TRN_ZERO)
    MB_FIXED_ROUND_ZERO,     // half towards zero (RND_ZERO)
    MB_FIXED_ROUND_AWAY,     // half away from zero (RND_INF)
    MB_FIXED_ROUND_DOWNWARD, // half towards minus infinity (RND_MIN_INF)
} mb_fixed_rounding;

typedef enum mb_fixed_overflow {
    MB_FIXED_WRAP,               // modulo 2^bits (the default)
    MB_FIXED_SATURATE,           // clip to the range (SAT)
    MB_FIXED_SATURATE_SYMMETRIC, // the same, the lowest negative number left out (SAT_SYM)
    MB_FIXED_SATURATE_ZERO,      // a value outside becomes 0 (SAT_ZERO)
} mb_fixed_overflow;

typedef struct mb_fixed {
    int bits, integer; // bits 1 .. 62
    bool is_signed;
    mb_fixed_rounding rounding; // of a conversion into this format
    mb_fixed_overflow overflow;
} mb_fixed;

#endif
