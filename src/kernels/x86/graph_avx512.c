// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#include "kernels/x86/parts_avx512.h"

#define NAME(x) x##_avx512

static void exponents_avx512(size_t n, float *values);
static inline size_t judge_pairs_avx512(const mb_pair_loss *loss, size_t n, const float *truth,
    size_t width, const float *difference, float *factor, double *total);

#include "kernels/graph_each.h"

#define PAIR_UP(f) _mm512_insertf32x8(_mm512_castps256_ps512(f(0)), f(MB_LANES), 1)
// Fewer instructions than in halves, and half as much work as in whole vectors to the end.
static inline __m256 relu_terms_common_avx512(
    const float *p, const float *q, __m256 low, __m256 high) {
    const __m512 sum = MAX(ZERO, ADD(LOAD(p), LOAD(q)));
    const __m256 first = _mm512_castps512_ps256(sum), second = _mm512_extractf32x8_ps(sum, 1);
    return _mm256_fmadd_ps(second, high, _mm256_mul_ps(first, low));
}

#include "kernels/x86/graph.h"

const mb_graph_kernels mb_graph_kernels_avx512 = {are_nodes_avx512, product_avx512, scores_avx512,
    hidden_avx512, dots_avx512, sigmoid_avx512, sigmoid_back_avx512, softmax_avx512,
    softmax_back_avx512, sums_avx512, products_avx512, gates_avx512, row_gates_avx512, leave_avx512,
    weigh_avx512, widen_avx512, pairs_avx512};
