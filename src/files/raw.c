// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/raw.h"

void *mb_raw_place(const mb_raw_type *type, void *data, size_t count) {
    // At the end of the room, so that widening from the front never overtakes what it reads.
    return (char *)data + count * (mb_dtype_size(type->dtype) - type->size);
}

static void swap_bytes(unsigned char *bytes, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++, bytes += size) {
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            const unsigned char kept = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = kept;
        }
    }
}

static float half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000U) << 16;
    uint32_t exponent = (half >> 10) & 0x1FU;
    uint32_t fraction = half & 0x3FFU;
    uint32_t bits;
    if (exponent == 0x1F) {
        bits = sign | 0x7F800000U | fraction << 13;
    } else if (exponent == 0 && fraction == 0) {
        bits = sign;
    } else {
        if (exponent == 0) {
            exponent = 1;
            while ((fraction & 0x400U) == 0) {
                fraction <<= 1;
                exponent--; // wraps below zero and back in the sum below
            }
            fraction &= 0x3FFU;
        }
        bits = sign | (exponent + 112U) << 23 | fraction << 13;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void widen_halves(const unsigned char *from, float *to, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + 2 * i, sizeof half);
        to[i] = half_to_float(half);
    }
}

void mb_raw_finish(const mb_raw_type *type, void *data, size_t count) {
    unsigned char *bytes = mb_raw_place(type, data, count);
    if (type->is_swapped && type->size > 1) {
        swap_bytes(bytes, count, type->size);
    }
    if (type->dtype == MB_F32 && type->size == 2) {
        widen_halves(bytes, data, count);
    }
    if (type->dtype == MB_BOOL) {
        for (size_t i = 0; i < count; i++) {
            bytes[i] = bytes[i] != 0;
        }
    }
}

bool mb_raw_multiply(size_t *product, size_t factor) {
    if (factor != 0 && *product > PTRDIFF_MAX / factor) {
        return false;
    }
    *product *= factor;
    return true;
}

bool mb_raw_count(const mb_raw_type *type, unsigned rank, const size_t *shape, size_t *count) {
    size_t product = 1, padded = mb_dtype_size(type->dtype);
    for (unsigned i = 0; i < rank; i++) {
        if (!mb_raw_multiply(&padded, mb_max_size(shape[i], 1))) {
            return false;
        }
        product *= shape[i];
    }
    *count = product;
    return true;
}
