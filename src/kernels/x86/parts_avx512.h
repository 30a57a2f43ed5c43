// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Vectors of any width in AVX-512, for the files that are included behind it (graph.h, channels.h).

#include "base/base.h"

#if !defined(__AVX512F__) || !defined(__AVX512DQ__) || !defined(__FMA__)
#error "this file needs -mavx512f -mavx512dq -mfma"
#endif
#include <immintrin.h>

#define VEC                     __m512
#define LANES                   16
#define LOAD(p)                 _mm512_loadu_ps(p)
#define STORE(p, v)             _mm512_storeu_ps(p, v)
#define SPLAT(p)                _mm512_set1_ps(*(p))
#define SET(x)                  _mm512_set1_ps(x)
#define ADD(a, b)               _mm512_add_ps(a, b)
#define SUB(a, b)               _mm512_sub_ps(a, b)
#define MUL(a, b)               _mm512_mul_ps(a, b)
#define DIV(a, b)               _mm512_div_ps(a, b)
#define FMA(a, b, c)            _mm512_fmadd_ps(a, b, c)
#define MAX(a, b)               _mm512_max_ps(a, b)
#define ZERO                    _mm512_setzero_ps()
#define PART                    __mmask16
#define PART_OF(n)              ((__mmask16)((n) >= LANES ? 0xffff : (1u << (n)) - 1))
#define LOAD_PART(part, p)      _mm512_maskz_loadu_ps(part, p)
#define STORE_PART(part, p, v)  _mm512_mask_storeu_ps(p, part, v)
#define WHERE_ABOVE(a, b, d)    _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ), d)
#define WHERE_BELOW(a, b, x, y) _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), x)
#define KEEP_NAN(x, y)          _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x)
#define NEGATE(v)               _mm512_xor_ps(v, _mm512_set1_ps(-0.0F))
#define NEGATE_SIZE(v)          _mm512_or_ps(v, _mm512_set1_ps(-0.0F))
#define SCALE(y, t)                                                                                \
    _mm512_castsi512_ps(                                                                           \
        _mm512_add_epi32(_mm512_castps_si512(y), _mm512_slli_epi32(_mm512_castps_si512(t), 23)))
#define ROOT(v)            _mm512_sqrt_ps(v)
#define KEEP_PART(part, v) _mm512_maskz_mov_ps(part, v)
#define BITS_UP_TO(a, b)   ((unsigned)_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))
#define BITS_ABOVE(a, b)   ((unsigned)_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ))
// Lanes of a part in which bits of a and b are equal.
#define COUNT_EQUAL(part, a, b) (size_t) _mm_popcnt_u32(~((a) ^ (b)) & (unsigned)(part))

// Sums in double: halves of a VEC, widened.
#define VECD          __m512d
#define ZEROD         _mm512_setzero_pd()
#define ADDD(a, b)    _mm512_add_pd(a, b)
#define FMAD(a, b, c) _mm512_fmadd_pd(a, b, c)
#define LOWD(v)       _mm512_cvtps_pd(_mm512_castps512_ps256(v))
#define HIGHD(v)      _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)))
#define STORED(p, v)  _mm512_storeu_pd(p, v)
#define LOADD(p)      _mm512_loadu_pd(p)
