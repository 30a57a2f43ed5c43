// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_TWISTER_H
#define DETECTOR_CALO_TWISTER_H

#include "base/base.h"

// MT19937 (Matsumoto and Nishimura 1998) with NumPy's ways of making integers, doubles and
// permutations from it: numpy.random.RandomState, for `compat: [numpy_random]`.
typedef struct mb_calo_twister {
    uint32_t state[624];
    unsigned used; // numbers of state already given
} mb_calo_twister;

void mb_calo_twister_seed(mb_calo_twister *twister, uint32_t seed);
uint32_t mb_calo_twister_u32(mb_calo_twister *twister);
// Uniform integer in [0, most]; for most = 0 nothing is drawn.
uint32_t mb_calo_twister_up_to(mb_calo_twister *twister, uint32_t most);
// [0, 1) with 53 bits
double mb_calo_twister_uniform(mb_calo_twister *twister);
// permutation(n) of a fresh stream, n < 2^32.
void mb_calo_twister_permute(mb_calo_twister *twister, uint32_t *order, size_t n);

#endif
