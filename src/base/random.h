// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/base.h"

// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A number is a pure function of (seed, purpose, epoch, sample, position), so
// it does not depend on who draws first.

// What a stream is for: two purposes never share numbers. Values are part of the file formats
// (resume), never reused.
typedef enum mb_purpose {
    MB_PURPOSE_INITIALIZER = 1,
    MB_PURPOSE_SHUFFLE = 2,
    MB_PURPOSE_SPLIT = 3,
    MB_PURPOSE_DROPOUT = 4,
    MB_PURPOSE_SIMULATE = 5,
    MB_PURPOSE_FOLDS = 6,
    MB_PURPOSE_SCAN = 7,
    MB_PURPOSE_NOISE = 8,
    MB_PURPOSE_TEST = 9,
    MB_PURPOSE_OVERLAY = 10,   // which events are added to others
    MB_PURPOSE_SYNTHETIC = 11, // events that a detector makes while reading
} mb_purpose;

typedef struct mb_random {
    uint32_t key[2], counter[4];
    uint32_t block[4];
    unsigned used; // numbers of block already given
} mb_random;

// One block of four words: the bare function, pure in counter and key.
void mb_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
// A stream. epoch and sample are free coordinates (a training epoch, a layer, a file ...).
mb_random mb_random_stream(uint64_t seed, mb_purpose purpose, uint32_t epoch, uint32_t sample);
uint32_t mb_random_u32(mb_random *random);
uint64_t mb_random_u64(mb_random *random);
// [0, 1) with 53 bits; (0, 1]
double mb_random_uniform(mb_random *random);
double mb_random_uniform_positive(mb_random *random);
// Uniform integer in [0, n), without bias. n > 0.
uint64_t mb_random_below(mb_random *random, uint64_t n);
// Standard normal (Box-Muller, two numbers drawn and one used, so that the count of draws is
// fixed).
double mb_random_normal(mb_random *random);
double mb_random_exponential(mb_random *random, double mean);
uint64_t mb_random_poisson(mb_random *random, double mean);
// Shape k > 0, scale theta (Marsaglia and Tsang 2000).
double mb_random_gamma(mb_random *random, double shape, double scale);
// Fisher-Yates: a uniform permutation of order[0..n), in place.
void mb_random_shuffle(mb_random *random, uint32_t *order, size_t n);

#endif
