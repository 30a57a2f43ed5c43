// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#include "kernels/x86/parts_avx512.h"

#define NAME(x) x##_avx512

static void exponents_avx512(size_t n, float *values);
static inline size_t judge_pairs_avx512(const mb_pair_loss *loss, size_t n, const float *truth,
    size_t width, const float *difference, float *factor, double *total);

#include "kernels/graph_each.h"

#define FOLD(t) (t)[0]
#define SUMS(t) add_up(t)
#define EACH(X)                                                                                    \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

// The sums of halves of a and b, of quarters, and so on, side by side. Two vectors hold the parts
// to be added: one is blended, the other shuffled.
static inline VEC halves(VEC a, VEC b) {
    return ADD(_mm512_mask_mov_ps(a, 0xff00, b), _mm512_shuffle_f32x4(a, b, 0x4e));
}

static inline VEC quarters(VEC a, VEC b) {
    const VEC mixed = _mm512_mask_mov_ps(b, 0xf0f0, a);
    return ADD(_mm512_mask_mov_ps(a, 0xf0f0, b), _mm512_shuffle_f32x4(mixed, mixed, 0xb1));
}

static inline VEC pairs_of(VEC a, VEC b) {
    return ADD(_mm512_mask_mov_ps(a, 0xcccc, b), _mm512_shuffle_ps(a, b, 0x4e));
}

static inline VEC neighbours(VEC a, VEC b) {
    const VEC mixed = _mm512_mask_mov_ps(b, 0xaaaa, a);
    return ADD(_mm512_mask_mov_ps(a, 0xaaaa, b), _mm512_permute_ps(mixed, 0xb1));
}

static inline VEC add_up(const VEC *t) {
    const VEC a = quarters(halves(t[0], t[8]), halves(t[4], t[12]));
    const VEC b = quarters(halves(t[2], t[10]), halves(t[6], t[14]));
    const VEC c = quarters(halves(t[1], t[9]), halves(t[5], t[13]));
    const VEC d = quarters(halves(t[3], t[11]), halves(t[7], t[15]));
    return neighbours(pairs_of(a, b), pairs_of(c, d));
}

#include "kernels/x86/graph.h"

const mb_graph_kernels mb_graph_kernels_avx512 = {scores_avx512, hidden_avx512, dots_avx512,
    sigmoid_avx512, sigmoid_back_avx512, softmax_avx512, softmax_back_avx512, sums_avx512,
    products_avx512, gates_avx512, row_gates_avx512, leave_avx512, weigh_avx512, join_avx512,
    pairs_avx512};
