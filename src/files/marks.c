// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/marks.h"

#include "base/digits.h"

enum { BLOCK = 64 };

static size_t count_bits(uint64_t x) {
    x = x - (x >> 1 & UINT64_C(0x5555555555555555));
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (size_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

// Bit i for byte i. A loop over bytes that compilers make vector compares of, then a product that
// brings the lowest bits of 8 bytes together.
static uint64_t bits_of(const char text[BLOCK]) {
    char is_mark[BLOCK];
    uint64_t bits = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        is_mark[i] = (char)((text[i] == ',') | (text[i] == '\n'));
    }
    for (size_t i = 0; i < BLOCK; i += 8) {
        bits |= mb_load_word(is_mark + i) * UINT64_C(0x0102040810204080) >> 56 << i;
    }
    return bits;
}

// Places of bits behind each other. Eight are written whether they are there or not: how many there
// are looks random, and a wrong guess costs more than the writes.
static size_t put_places(uint16_t *to, size_t place, uint64_t bits) {
    const uint64_t last = UINT64_C(1) << 63;
    const size_t n = count_bits(bits);
    for (size_t first = 0; first < n; first += 8) {
        for (size_t k = first; k < first + 8; k++) {
            to[k] = (uint16_t)(place + mb_lowest_bit(bits | last));
            bits &= bits - 1;
        }
    }
    return n;
}

void mb_marks_find(mb_marks *marks, const char *text, size_t length) {
    size_t n = 0;
    size_t place = 0;
    length = mb_min_size(length, MB_MARKS_PIECE);
    for (; length - place >= BLOCK; place += BLOCK) {
        n += put_places(marks->at + n, place, bits_of(text + place));
    }
    if (place < length) {
        char rest[BLOCK] = {0};
        memcpy(rest, text + place, length - place);
        n += put_places(marks->at + n, place, bits_of(rest));
    }
    while (n > 0 && text[marks->at[n - 1]] != '\n') {
        n--;
    }
    marks->n = n;
}
