// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Vectors of any width in AVX2, for the files that are included behind it (graph.h, channels.h).

#include "base/base.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "this file needs -mavx2 -mfma"
#endif
#include <immintrin.h>

static inline __m256i part_of(size_t n) {
    const int lanes = n >= 8 ? 8 : (int)n;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// Masked stores take long here.
static inline void store_part(__m256i part, float *p, __m256 v) {
    if (_mm256_movemask_ps(_mm256_castsi256_ps(part)) == 0xff) {
        _mm256_storeu_ps(p, v);
    } else {
        _mm256_maskstore_ps(p, part, v);
    }
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
#define STORE_PART(part, p, v)  store_part(part, p, v)
#define WHERE_ABOVE(a, b, d)    _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), d)
#define WHERE_BELOW(a, b, x, y) _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ))
#define KEEP_NAN(x, y)          _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q))
#define NEGATE(v)               _mm256_xor_ps(v, _mm256_set1_ps(-0.0F))
#define NEGATE_SIZE(v)          _mm256_or_ps(v, _mm256_set1_ps(-0.0F))
#define SCALE(y, t)                                                                                \
    _mm256_castsi256_ps(                                                                           \
        _mm256_add_epi32(_mm256_castps_si256(y), _mm256_slli_epi32(_mm256_castps_si256(t), 23)))
#define ROOT(v)            _mm256_sqrt_ps(v)
#define KEEP_PART(part, v) _mm256_and_ps(_mm256_castsi256_ps(part), v)
#define BITS_UP_TO(a, b)   ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ)))
#define BITS_ABOVE(a, b)   ((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)))
// Lanes of a part in which bits of a and b are equal.
#define COUNT_EQUAL(part, a, b)                                                                    \
    (size_t) _mm_popcnt_u32(~((a) ^ (b)) & (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(part)))

// Sums in double: halves of a VEC, widened.
#define VECD          __m256d
#define ZEROD         _mm256_setzero_pd()
#define ADDD(a, b)    _mm256_add_pd(a, b)
#define FMAD(a, b, c) _mm256_fmadd_pd(a, b, c)
#define LOWD(v)       _mm256_cvtps_pd(_mm256_castps256_ps128(v))
#define HIGHD(v)      _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1))
#define STORED(p, v)  _mm256_storeu_pd(p, v)
#define LOADD(p)      _mm256_loadu_pd(p)
