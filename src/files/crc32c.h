// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_CRC32C_H
#define FILES_CRC32C_H

#include "base/base.h"

// CRC-32C (Castagnoli), the check of TensorFlow's tables and tensors.
typedef struct mb_crc32c {
    uint32_t table[8][256];
} mb_crc32c;

void mb_crc32c_init(mb_crc32c *crc);
// The check of what stood before (0 for nothing) and length more bytes.
uint32_t mb_crc32c_extend(const mb_crc32c *crc, uint32_t before, const void *bytes, size_t length);
// As files store it: a check of bytes that hold checks would else be weak.
uint32_t mb_crc32c_mask(uint32_t value);

#endif
