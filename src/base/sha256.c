// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/bundle.h"

static const uint32_t round_constants[64] = {0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate_right(uint32_t x, int bits) {
    return x >> bits | x << (32 - bits);
}

static void compress(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[64];
    for (size_t t = 0; t < 16; t++) {
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | (uint32_t)block[4 * t + 3];
    }
    for (size_t t = 16; t < 64; t++) {
        const uint32_t s0 =
            rotate_right(w[t - 15], 7) ^ rotate_right(w[t - 15], 18) ^ w[t - 15] >> 3;
        const uint32_t s1 =
            rotate_right(w[t - 2], 17) ^ rotate_right(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (size_t t = 0; t < 64; t++) {
        const uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        const uint32_t first = h + s1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
        const uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        const uint32_t second = s0 + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    const uint32_t added[8] = {a, b, c, d, e, f, g, h};
    for (size_t i = 0; i < 8; i++) {
        state[i] += added[i];
    }
}

void mb_sha256_init(mb_sha256 *sha) {
    *sha = (mb_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                           0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void mb_sha256_update(mb_sha256 *sha, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    size_t held = (size_t)(sha->length % 64);
    sha->length += length;
    while (length > 0) {
        if (held == 0 && length >= 64) {
            compress(sha->state, next);
            next += 64;
            length -= 64;
            continue;
        }
        const size_t taken = mb_min_size(64 - held, length);
        memcpy(sha->block + held, next, taken);
        held += taken;
        next += taken;
        length -= taken;
        if (held == 64) {
            compress(sha->state, sha->block);
            held = 0;
        }
    }
}

void mb_sha256_hex(mb_sha256 *sha, char out[65]) {
    const uint64_t bits = sha->length * 8;
    static const uint8_t padding[64] = {0x80};
    const size_t held = (size_t)(sha->length % 64);
    mb_sha256_update(sha, padding, held < 56 ? 56 - held : 120 - held);
    uint8_t count[8];
    for (unsigned i = 0; i < 8; i++) {
        count[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    mb_sha256_update(sha, count, sizeof count);
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 64; i++) {
        out[i] = digits[sha->state[i / 8] >> (28 - 4 * (i % 8)) & 15u];
    }
    out[64] = '\0';
}
