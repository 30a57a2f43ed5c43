// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/graph.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -mavx2 -mfma"
#endif
#include <immintrin.h>

#define NAME(x) x##_avx2

static void exponents_avx2(size_t n, float *values);

#include "kernels/graph_each.h"

static inline __m256i part_of(size_t n) {
    const int lanes = n >= 8 ? 8 : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#define VEC                     __m256
#define LANES                   8
#define LOAD(p)                 _mm256_loadu_ps(p)
#define STORE(p, v)             _mm256_storeu_ps(p, v)
#define SPLAT(p)                _mm256_broadcast_ss(p)
#define SET(x)                  _mm256_set1_ps(x)
#define ADD(a, b)               _mm256_add_ps(a, b)
#define SUB(a, b)               _mm256_sub_ps(a, b)
#define MUL(a, b)               _mm256_mul_ps(a, b)
#define DIV(a, b)               _mm256_div_ps(a, b)
#define FMA(a, b, c)            _mm256_fmadd_ps(a, b, c)
#define MAX(a, b)               _mm256_max_ps(a, b)
#define ZERO                    _mm256_setzero_ps()
#define PART                    __m256i
#define PART_OF(n)              part_of(n)
#define LOAD_PART(part, p)      _mm256_maskload_ps(p, part)
#define STORE_PART(part, p, v)  _mm256_maskstore_ps(p, part, v)
#define WHERE_ABOVE(a, b, d)    _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), d)
#define WHERE_BELOW(a, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define KEEP_NAN(x, y)          _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q))
#define NEGATE(v)               _mm256_xor_ps(v, _mm256_set1_ps(-0.0F))
#define NEGATE_SIZE(v)          _mm256_or_ps(v, _mm256_set1_ps(-0.0F))
#define SCALE(y, t)                                                                                \
    _mm256_castsi256_ps(                                                                           \
        _mm256_add_epi32(_mm256_castps_si256(y), _mm256_slli_epi32(_mm256_castps_si256(t), 23)))
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
    row_gates_avx2, weigh_avx2, pairs_avx2};
