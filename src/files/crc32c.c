// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/crc32c.h"

static const uint32_t POLYNOMIAL = 0x82F63B78U; // bits reversed
static const uint32_t MASK_DELTA = 0xA282EAD8U;

void mb_crc32c_init(mb_crc32c *crc) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (unsigned bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ ((value & 1U) != 0 ? POLYNOMIAL : 0);
        }
        crc->table[0][byte] = value;
    }
    for (unsigned step = 1; step < 8; step++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            const uint32_t value = crc->table[step - 1][byte];
            crc->table[step][byte] = value >> 8 ^ crc->table[0][value & 0xFFU];
        }
    }
}

// Eight bytes at a time, each through the table of its distance from the end.
uint32_t mb_crc32c_extend(const mb_crc32c *crc, uint32_t before, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint32_t value = ~before;
    for (; length >= 8; at += 8, length -= 8) {
        uint32_t low;
        memcpy(&low, at, sizeof low);
        low ^= value;
        value = crc->table[7][low & 0xFFU] ^ crc->table[6][low >> 8 & 0xFFU] ^
                crc->table[5][low >> 16 & 0xFFU] ^ crc->table[4][low >> 24] ^ crc->table[3][at[4]] ^
                crc->table[2][at[5]] ^ crc->table[1][at[6]] ^ crc->table[0][at[7]];
    }
    for (; length > 0; at++, length--) {
        value = value >> 8 ^ crc->table[0][(value ^ *at) & 0xFFU];
    }
    return ~value;
}

uint32_t mb_crc32c_mask(uint32_t value) {
    return (value >> 15 | value << 17) + MASK_DELTA;
}
