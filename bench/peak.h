// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <stddef.h>

// Rounds of fused multiply-adds in twelve independent chains: enough to hide the latency of two
// units. Return a number made of the results, so that no compiler leaves them out.
enum { BENCH_PEAK_CHAINS = 12 };
float bench_peak_avx2(size_t n_rounds);   // 8 lanes
float bench_peak_avx512(size_t n_rounds); // 16 lanes

#endif
