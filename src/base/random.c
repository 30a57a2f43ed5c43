// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/random.h"

#include "base/math.h"

#include <math.h>

void mb_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    // Names in place of arrays: they stay in registers over the rounds.
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0;
        const uint64_t b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

// Counter: low word of the position, purpose and high part of the position, epoch, sample. The
// position carries into the bits above the purpose, so a long stream never runs into another
// purpose's.
enum { PURPOSE_BITS = 8 };

mb_random mb_random_stream(uint64_t seed, mb_purpose purpose, uint32_t epoch, uint32_t sample) {
    mb_random random = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)purpose, epoch, sample},
        .used = 4};
    return random;
}

static inline uint32_t next_u32(mb_random *random) {
    if (random->used == 4) {
        mb_random_philox(random->counter, random->key, random->block);
        random->used = 0;
        random->counter[0]++;
        if (random->counter[0] == 0) {
            random->counter[1] += 1u << PURPOSE_BITS;
        }
    }
    return random->block[random->used++];
}

uint32_t mb_random_u32(mb_random *random) {
    return next_u32(random);
}

uint64_t mb_random_u64(mb_random *random) {
    const uint64_t low = next_u32(random);
    const uint64_t high = next_u32(random);
    return high << 32 | low;
}

double mb_random_uniform(mb_random *random) {
    return (double)(mb_random_u64(random) >> 11) * 0x1p-53;
}

double mb_random_uniform_positive(mb_random *random) {
    return (double)((mb_random_u64(random) >> 11) + 1) * 0x1p-53;
}

static uint64_t below_u64(mb_random *random, uint64_t n) {
    const uint64_t refused = (0u - n) % n;
    uint64_t number;
    do {
        number = mb_random_u64(random);
    } while (number < refused);
    return number % n;
}

static inline uint64_t below(mb_random *random, uint64_t n) {
    if (n > UINT32_MAX) {
        return below_u64(random, n);
    }
    // Lemire 2019: the high word of a product is the number, a low word below 2^32 mod n is
    // refused; that is below n, so that the quotient is seldom needed.
    const uint32_t range = (uint32_t)n;
    uint64_t product = (uint64_t)next_u32(random) * range;
    while ((uint32_t)product < range && (uint32_t)product < (0u - range) % range) {
        product = (uint64_t)next_u32(random) * range;
    }
    return product >> 32;
}

uint64_t mb_random_below(mb_random *random, uint64_t n) {
    return below(random, n);
}

double mb_random_normal(mb_random *random) {
    const double u = mb_random_uniform_positive(random);
    const double v = mb_random_uniform(random);
    return sqrt(-2.0 * mb_log(u)) * mb_cos(2.0 * MB_PI * v);
}

double mb_random_exponential(mb_random *random, double mean) {
    return -mean * mb_log(mb_random_uniform_positive(random));
}

// log of the Poisson probability of k at a large mean, written so that nothing large cancels.
static double poisson_log_probability(double k, double mean) {
    if (k == 0.0) {
        return -mean;
    }
    const double excess = (mean - k) / k;
    const double k2 = k * k;
    const double stirling =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / 1680.0 / k2) / k2) / k2) / k;
    return k * (mb_log1p(excess) - excess) - 0.5 * mb_log(2.0 * MB_PI * k) - stirling;
}

// Hoermann 1993, "The transformed rejection method for generating Poisson random variables" (PTRS),
// mean >= 10.
static uint64_t poisson_large(mb_random *random, double mean) {
    const double b = 0.931 + 2.53 * sqrt(mean);
    const double a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    const double squeeze = 0.9277 - 3.6224 / (b - 2.0);
    for (;;) {
        const double u = mb_random_uniform(random) - 0.5;
        const double v = mb_random_uniform_positive(random);
        const double us = 0.5 - fabs(u);
        const double k = floor((2.0 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= squeeze) {
            return (uint64_t)k;
        }
        if (k < 0.0 || (us < 0.013 && v > us)) {
            continue;
        }
        const double density = mb_log(v * inverse_alpha / (a / (us * us) + b));
        if (density <= poisson_log_probability(k, mean)) {
            return (uint64_t)k;
        }
    }
}

uint64_t mb_random_poisson(mb_random *random, double mean) {
    if (!(mean > 0.0)) {
        return 0;
    }
    if (mean >= 10.0) {
        return poisson_large(random, fmin(mean, 0x1p52));
    }
    // The count of unit-rate arrivals before mean, as a product of uniforms.
    const double limit = mb_exp(-mean);
    uint64_t count = 0;
    double product = mb_random_uniform_positive(random);
    while (product > limit) {
        count++;
        product *= mb_random_uniform_positive(random);
    }
    return count;
}

double mb_random_gamma(mb_random *random, double shape, double scale) {
    if (!(shape > 0.0)) {
        return 0.0;
    }
    // Below one the method does not hold: Gamma(shape) = Gamma(shape + 1) U^(1/shape).
    double boost = 1.0, k = shape;
    if (k < 1.0) {
        boost = mb_pow(mb_random_uniform_positive(random), 1.0 / k);
        k += 1.0;
    }
    const double d = k - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        const double x = mb_random_normal(random);
        const double u = mb_random_uniform_positive(random);
        const double root = 1.0 + c * x;
        if (root <= 0.0) {
            continue;
        }
        const double v = root * root * root;
        if (mb_log(u) < 0.5 * x * x + d - d * v + d * mb_log(v)) {
            return d * v * boost * scale;
        }
    }
}

void mb_random_shuffle(mb_random *random, uint32_t *order, size_t n) {
    // A copy stays in registers, as order may not lie in it.
    mb_random own = *random;
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)below(&own, i);
        const uint32_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
    *random = own;
}
