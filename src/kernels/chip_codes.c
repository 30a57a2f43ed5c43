// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/chip_codes.h"

#include <math.h>

static unsigned count_bits(uint64_t value) {
    unsigned n = 0;
    for (; value != 0; value >>= 1) {
        n++;
    }
    return n;
}

uint32_t mb_float_encode(mb_float_format format, uint32_t value) {
    const unsigned plain = format.mantissa + format.drop;
    uint64_t v = value;
    unsigned n = count_bits(v);
    if (format.is_rounded) {
        const unsigned cut = n <= plain ? format.drop : n - 1 - format.mantissa;
        v += cut > 0 ? UINT64_C(1) << (cut - 1) : 0;
        n = count_bits(v);
    }
    if (n <= plain) {
        return (uint32_t)(v >> format.drop);
    }
    const unsigned e = n - plain;
    if (e >= 1U << format.exponent) {
        return (1U << (format.exponent + format.mantissa)) - 1;
    }
    const uint32_t m = (uint32_t)(v >> (n - 1 - format.mantissa)) & ((1U << format.mantissa) - 1);
    return e << format.mantissa | m;
}

uint32_t mb_float_decode(mb_float_format format, uint32_t code) {
    const unsigned e = code >> format.mantissa;
    const uint32_t m = code & ((1U << format.mantissa) - 1);
    const unsigned shift = (e > 0 ? e - 1 : 0) + format.drop;
    const uint64_t lead = e > 0 ? m | 1U << format.mantissa : m;
    uint64_t value = lead << shift;
    if (format.is_centred && shift > 0) {
        value += UINT64_C(1) << (shift - 1);
    }
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

unsigned mb_output_bits(unsigned n_links) {
    return n_links >= 5 ? MB_OUTPUT_BITS : 2 * n_links - 1;
}

uint32_t mb_output_cut(uint32_t output, unsigned bits) {
    const unsigned lost = MB_OUTPUT_BITS - bits;
    return output >> lost << lost;
}

float mb_output_cut_value(float value, unsigned bits) {
    const float steps = (float)(1U << (bits - 1));
    const float most = 2 * steps - 1;
    const float n = floorf(value * steps);
    // A NaN becomes 0.
    return (n > 0 ? n < most ? n : most : 0) / steps;
}
