// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#include "kernels/x86/parts_avx2.h"

#define NAME(x) x##_avx2

static void exponents_avx2(size_t n, float *values);
static inline size_t judge_pairs_avx2(const mb_pair_loss *loss, size_t n, const float *truth,
    size_t width, const float *difference, float *factor, double *total);

#include "kernels/graph_each.h"

#define PAIR_UP(f) f(0)
static inline __m256 relu_terms_common_avx2(
    const float *p, const float *q, __m256 low, __m256 high) {
    const __m256 zero = _mm256_setzero_ps();
    const __m256 a = _mm256_max_ps(zero, _mm256_add_ps(_mm256_loadu_ps(p), _mm256_loadu_ps(q)));
    const __m256 b = _mm256_max_ps(
        zero, _mm256_add_ps(_mm256_loadu_ps(p + MB_LANES), _mm256_loadu_ps(q + MB_LANES)));
    return _mm256_fmadd_ps(b, high, _mm256_mul_ps(a, low));
}

#include "kernels/x86/graph.h"

const mb_graph_kernels mb_graph_kernels_avx2 = {are_nodes_avx2, product_avx2, scores_avx2,
    hidden_avx2, dots_avx2, sigmoid_avx2, sigmoid_back_avx2, softmax_avx2, softmax_back_avx2,
    sums_avx2, products_avx2, gates_avx2, row_gates_avx2, leave_avx2, weigh_avx2, widen_avx2,
    pairs_avx2};
