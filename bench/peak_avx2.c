// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "peak.h"

#include <immintrin.h>

float bench_peak_avx2(size_t n_rounds) {
    // Powers that stay near one: denormal or infinite numbers could run at another speed.
    const __m256 factor = _mm256_set1_ps(0.999999f);
    const __m256 term = _mm256_set1_ps(1e-7f);
    __m256 chain[BENCH_PEAK_CHAINS];
    for (int i = 0; i < BENCH_PEAK_CHAINS; i++) {
        chain[i] = _mm256_set1_ps(1.0f + 0.01f * (float)i);
    }
    for (size_t k = 0; k < n_rounds; k++) {
        // The compiler unrolls the loop below and keeps the chains in registers.
        for (int i = 0; i < BENCH_PEAK_CHAINS; i++) {
            chain[i] = _mm256_fmadd_ps(chain[i], factor, term);
        }
    }
    float lanes[8];
    float sum = 0.0f;
    for (int i = 0; i < BENCH_PEAK_CHAINS; i++) {
        _mm256_storeu_ps(lanes, chain[i]);
        sum += lanes[0];
    }
    return sum;
}
