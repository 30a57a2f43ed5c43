// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Philox for as many blocks at a time as a vector has words; included by a file that defines
//   VECI, LANES (words of a vector), WIDE(x) (x in every pair of words, its high word 0), EVEN and
//   ODD (the even, the odd numbers below LANES, likewise), ADD, MULTIPLY (the low words of pairs),
//   HIGH(a) (high words moved down), XOR3, JOIN(a, b) (low words of pairs, in turns), AT_LEAST(v,
//   t) (a bit a word), SET(x) (x in every word), NAME(x).
// A state has half of the blocks to a vector: products of words fill pairs, and of a pair only the
// low word counts.

typedef struct NAME(state) {
    VECI c[4];
} NAME(state);

static inline void NAME(round)(NAME(state) * s, VECI key0, VECI key1) {
    const VECI a = MULTIPLY(s->c[0], WIDE(0xD2511F53u));
    const VECI b = MULTIPLY(s->c[2], WIDE(0xCD9E8D57u));
    s->c[0] = XOR3(HIGH(b), s->c[1], key0);
    s->c[1] = b;
    s->c[2] = XOR3(HIGH(a), s->c[3], key1);
    s->c[3] = a;
}

// Every fourth bit of a word, from the lowest on, gets one of x's 16.
static inline uint64_t NAME(spread)(uint64_t x) {
    x = (x | x << 24) & UINT64_C(0x000000FF000000FF);
    x = (x | x << 12) & UINT64_C(0x000F000F000F000F);
    x = (x | x << 6) & UINT64_C(0x0303030303030303);
    return (x | x << 3) & UINT64_C(0x1111111111111111);
}

// Numbers 4 * block .. 4 * (block + LANES) of the stream as bits.
static inline uint64_t NAME(draw_blocks)(
    const mb_random *stream, uint32_t block, const VECI key[2][10], VECI threshold) {
    const VECI c1 = WIDE(stream->counter[1]), c2 = WIDE(stream->counter[2]);
    const VECI c3 = WIDE(stream->counter[3]);
    NAME(state) even = {{ADD(WIDE(block), EVEN), c1, c2, c3}};
    NAME(state) odd = {{ADD(WIDE(block), ODD), c1, c2, c3}};
    _Pragma("GCC unroll 10") for (int r = 0; r < 10; r++) {
        NAME(round)(&even, key[0][r], key[1][r]);
        NAME(round)(&odd, key[0][r], key[1][r]);
    }
    uint64_t bits = 0;
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) {
        bits |= NAME(spread)(AT_LEAST(JOIN(even.c[i], odd.c[i]), threshold)) << i;
    }
    return bits;
}

static void NAME(draw)(const mb_random *stream, size_t n, uint32_t threshold, uint32_t *bits) {
    const VECI least = SET(threshold);
    VECI key[2][10];
    for (uint32_t r = 0; r < 10; r++) {
        key[0][r] = WIDE(stream->key[0] + r * 0x9E3779B9u);
        key[1][r] = WIDE(stream->key[1] + r * 0xBB67AE85u);
    }
    for (size_t first = 0; first < n; first += 4 * LANES) {
        uint64_t word =
            NAME(draw_blocks)(stream, (uint32_t)(first / 4), (const VECI(*)[10])key, least);
        if (n - first < 4 * LANES) {
            word &= (UINT64_C(1) << (n - first)) - 1;
        }
        bits[first / 32] = (uint32_t)word;
        if (4 * LANES > 32 && n - first > 32) {
            bits[first / 32 + 1] = (uint32_t)(word >> 32);
        }
    }
}
