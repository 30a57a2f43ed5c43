// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Philox for as many blocks at a time as a vector has lanes; included by a file that defines
//   VECI, LANES, SET(x), LANE_NUMBERS, ADDI, XORI, MUL_EVEN(a, b) (64-bit products of even lanes),
//   ODD(a) (odd lanes moved down), LOW(even, odd), HIGH(even, odd) (the halves of products, lane by
//   lane), AT_LEAST(v, t) (a bit a lane), NAME(x).

static inline void NAME(multiply)(VECI a, VECI by, VECI *low, VECI *high) {
    const VECI even = MUL_EVEN(a, by);
    const VECI odd = MUL_EVEN(ODD(a), by);
    *low = LOW(even, odd);
    *high = HIGH(even, odd);
}

// Every fourth bit of a word, from the lowest on, gets one of x's 16.
static inline uint64_t NAME(spread)(uint64_t x) {
    x = (x | x << 24) & UINT64_C(0x000000FF000000FF);
    x = (x | x << 12) & UINT64_C(0x000F000F000F000F);
    x = (x | x << 6) & UINT64_C(0x0303030303030303);
    return (x | x << 3) & UINT64_C(0x1111111111111111);
}

// Numbers 4 * block .. 4 * (block + LANES) of the stream as bits.
static inline uint64_t NAME(draw_blocks)(const mb_random *stream, uint32_t block, VECI threshold) {
    VECI c0 = ADDI(SET(block), LANE_NUMBERS), c1 = SET(stream->counter[1]);
    VECI c2 = SET(stream->counter[2]), c3 = SET(stream->counter[3]);
    uint32_t key0 = stream->key[0], key1 = stream->key[1];
    const VECI by0 = SET(0xD2511F53u), by2 = SET(0xCD9E8D57u);
    for (int round = 0; round < 10; round++) {
        VECI low0, high0, low2, high2;
        NAME(multiply)(c0, by0, &low0, &high0);
        NAME(multiply)(c2, by2, &low2, &high2);
        c0 = XORI(XORI(high2, c1), SET(key0));
        c1 = low2;
        c2 = XORI(XORI(high0, c3), SET(key1));
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return NAME(spread)(AT_LEAST(c0, threshold)) | NAME(spread)(AT_LEAST(c1, threshold)) << 1 |
           NAME(spread)(AT_LEAST(c2, threshold)) << 2 | NAME(spread)(AT_LEAST(c3, threshold)) << 3;
}

static void NAME(draw)(const mb_random *stream, size_t n, uint32_t threshold, uint32_t *bits) {
    const VECI least = SET(threshold);
    for (size_t first = 0; first < n; first += 4 * LANES) {
        uint64_t word = NAME(draw_blocks)(stream, (uint32_t)(first / 4), least);
        if (n - first < 4 * LANES) {
            word &= (UINT64_C(1) << (n - first)) - 1;
        }
        bits[first / 32] = (uint32_t)word;
        if (4 * LANES > 32 && n - first > 32) {
            bits[first / 32 + 1] = (uint32_t)(word >> 32);
        }
    }
}
