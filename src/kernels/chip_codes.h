// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef KERNELS_CHIP_CODES_H
#define KERNELS_CHIP_CODES_H

#include "base/base.h"

// Number codes of the concentrator chip.

// Unsigned floating code: exponent e above mantissa m, with drop low bits of the value left out
// first. Values of up to mantissa + drop bits have e = 0 and m = value >> drop; others the mantissa
// bits behind their leading one. What has no exponent left becomes all ones.
typedef struct mb_float_format {
    unsigned exponent, mantissa, drop; // bits: exponent 1 .. 5, mantissa 1 .. 8, drop 0 .. 8
    bool is_rounded;                   // half up, else cut off
    bool is_centred; // decodes to the middle of what has the same code, else to its least value
} mb_float_format;

// Cells' charges (7 bits): drop 1 on low density modules, 3 on high density ones.
static inline mb_float_format mb_float_4e3m(unsigned drop) {
    return (mb_float_format){.exponent = 4, .mantissa = 3, .drop = drop};
}

// Module sums beside chosen cells (8 bits), and sums of groups (9 bits).
static inline mb_float_format mb_float_5e3m(void) {
    return (mb_float_format){.exponent = 5, .mantissa = 3};
}
static inline mb_float_format mb_float_5e4m(void) {
    return (mb_float_format){.exponent = 5, .mantissa = 4};
}

uint32_t mb_float_encode(mb_float_format format, uint32_t value);
// code: below 2^(exponent + mantissa). What does not fit into 32 bits becomes the largest value.
uint32_t mb_float_decode(mb_float_format format, uint32_t code);

// Outputs of the encoder: unsigned, 9 bits, one of them before the point, so value * 256. A link
// carries the uppermost of these.
enum { MB_OUTPUT_BITS = 9, MB_OUTPUT_MOST = 511, MB_OUTPUT_ONE = 256 };
// 1, 3, 5, 7, 9 for 1 .. 5 links and more. n_links > 0.
unsigned mb_output_bits(unsigned n_links);
// The output with all but its uppermost bits (1 .. 9) set to 0.
uint32_t mb_output_cut(uint32_t output, unsigned bits);
// The same of a value in steps of 2^(1 - bits): brought to 0 .. 2 - 2^(1 - bits), then cut off.
float mb_output_cut_value(float value, unsigned bits);

#endif
