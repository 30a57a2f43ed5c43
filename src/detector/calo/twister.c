// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/twister.h"

enum { N_STATE = 624, SHIFT = 397 };

void mb_calo_twister_seed(mb_calo_twister *twister, uint32_t seed) {
    uint32_t x = seed;
    for (uint32_t i = 0; i < N_STATE; i++) {
        twister->state[i] = x;
        x = 1812433253u * (x ^ x >> 30) + i + 1;
    }
    twister->used = N_STATE;
}

static void renew(mb_calo_twister *twister) {
    uint32_t *s = twister->state;
    for (unsigned i = 0; i < N_STATE; i++) {
        const uint32_t joined = (s[i] & 0x80000000u) | (s[(i + 1) % N_STATE] & 0x7FFFFFFFu);
        s[i] = s[(i + SHIFT) % N_STATE] ^ joined >> 1 ^ ((joined & 1) != 0 ? 0x9908B0DFu : 0);
    }
    twister->used = 0;
}

uint32_t mb_calo_twister_u32(mb_calo_twister *twister) {
    if (twister->used == N_STATE) {
        renew(twister);
    }
    uint32_t x = twister->state[twister->used++];
    x ^= x >> 11;
    x ^= (x << 7) & 0x9D2C5680u;
    x ^= (x << 15) & 0xEFC60000u;
    return x ^ x >> 18;
}

uint32_t mb_calo_twister_up_to(mb_calo_twister *twister, uint32_t most) {
    if (most == 0) {
        return 0;
    }
    uint32_t mask = most;
    for (unsigned shift = 1; shift < 32; shift *= 2) {
        mask |= mask >> shift;
    }
    uint32_t value;
    do {
        value = mb_calo_twister_u32(twister) & mask;
    } while (value > most);
    return value;
}

double mb_calo_twister_uniform(mb_calo_twister *twister) {
    const double a = mb_calo_twister_u32(twister) >> 5;
    const double b = mb_calo_twister_u32(twister) >> 6;
    return (a * 67108864.0 + b) * 0x1p-53;
}

void mb_calo_twister_permute(mb_calo_twister *twister, uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = n; i-- > 1;) {
        const size_t j = mb_calo_twister_up_to(twister, (uint32_t)i);
        const uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
