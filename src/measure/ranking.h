// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_RANKING_H
#define MEASURE_RANKING_H

#include "measure/values.h"

// The scores of each class as sorted integer keys: what every ranking measure starts from. Keys of
// equal scores are equal (-0 and +0 too), a higher score has a higher key.
typedef struct mb_ranking {
    unsigned bits;    // 32: keys of float32; 64: of float64
    uint64_t *key[2]; // rising; [0] background, [1] signal
    uint64_t n[2];
    mb_runtime *runtime;
} mb_ranking;

// Checks and sorts. Fails as mb_roc_make. The caller clears *out; on failure it is empty.
mb_status mb_ranking_make(
    mb_ranking *out, mb_context *ctx, mb_values scores, mb_values labels) MB_MUST_CHECK;
void mb_ranking_clear(mb_ranking *ranking);
// Sorts n keys of 32 or 64 bits, rising. *keys may be another array of the same size afterwards
// (the old one is freed then). More than 2^32 - 1 are LIMIT.
mb_status mb_keys_sort(mb_context *ctx, uint64_t **keys, uint64_t n, unsigned bits) MB_MUST_CHECK;
uint64_t mb_ranking_key(mb_values scores, size_t i);
double mb_ranking_score(const mb_ranking *ranking, uint64_t key);

#endif
