// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#include "kernels/x86/parts_avx2.h"

#define NAME(x) x##_avx2

static void exponents_avx2(size_t n, float *values);
static inline size_t judge_pairs_avx2(const mb_pair_loss *loss, size_t n, const float *truth,
    size_t width, const float *difference, float *factor, double *total);

#include "kernels/graph_each.h"

#define FOLD(t) ADD((t)[0], (t)[1])
#define SUMS(t) add_up(t)
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

// The sums of quarters of MB_DOT numbers, whose halves are added already, and so on: one of the
// two vectors to be added is blended, the other shuffled.
static inline VEC quarters(VEC a, VEC b) {
    return ADD(_mm256_blend_ps(a, b, 0xf0), _mm256_permute2f128_ps(a, b, 0x21));
}

static inline VEC pairs_of(VEC a, VEC b) {
    return ADD(_mm256_blend_ps(a, b, 0xcc), _mm256_shuffle_ps(a, b, 0x4e));
}

static inline VEC neighbours(VEC a, VEC b) {
    return ADD(_mm256_blend_ps(a, b, 0xaa), _mm256_permute_ps(_mm256_blend_ps(b, a, 0xaa), 0xb1));
}

static inline VEC add_up(const VEC *t) {
    const VEC a = pairs_of(quarters(t[0], t[4]), quarters(t[2], t[6]));
    const VEC b = pairs_of(quarters(t[1], t[5]), quarters(t[3], t[7]));
    return neighbours(a, b);
}

#include "kernels/x86/graph.h"

const mb_graph_kernels mb_graph_kernels_avx2 = {scores_avx2, hidden_avx2, dots_avx2, sigmoid_avx2,
    sigmoid_back_avx2, softmax_avx2, softmax_back_avx2, sums_avx2, products_avx2, gates_avx2,
    row_gates_avx2, leave_avx2, weigh_avx2, join_avx2, pairs_avx2};
