// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Activations on samples in lanes. Included behind lanes.h by a file that defines, beside its
// macros,
//   SUB(a, b), DIV(a, b), KEEP_NAN(x, y) = x is NaN ? x : y,
//   WHERE_POSITIVE(y, v) = y > 0 ? v : 0,
//   and for doubles in vectors of half as many lanes VECD, SETD(x), ADDD, SUBD, MULD, MIND, MAXD,
//   POWERD(t) (2 to the integer in the low bits of a rounder's sum t), LOWD(v), HIGHD(v) (halves of
//   a VEC, widened), JOIN(low, high) (rounded to a VEC), DIVD, EXPONENTD(v) (the double that is
//   2^52 + 1023 + the exponent that brings v to [sqrt(1/2), sqrt(2))), UNSCALED(v, k) (v without
//   the exponent that is in the low bits of k);
//   WHERE(a, op, b, x, y) = a op b ? x : y.

// The arithmetic of mb_exp (base/math.c), operation by operation. Beyond 200 a float is 0 or
// infinite.
static inline VECD NAME(exp_double)(VECD argument) {
    const VECD x = MIND(SETD(200.0), MAXD(SETD(-200.0), argument));
    const VECD rounder = SETD(0x1.8p52);
    const VECD t = ADDD(MULD(x, SETD(0x1.71547652b82fep+0)), rounder);
    const VECD n = SUBD(t, rounder);
    const VECD high = SUBD(x, MULD(n, SETD(0x1.62e42fef00000p-1)));
    const VECD low = MULD(n, SETD(0x1.473de6af278edp-34));
    const VECD r = SUBD(high, low);
    const VECD rest = SUBD(SUBD(high, r), low);
    const VECD r2 = MULD(r, r);
    const VECD r4 = MULD(r2, r2);
    const VECD a = ADDD(ADDD(SETD(0x1.5555555555557p-3), MULD(r, SETD(0x1.5555555555556p-5))),
        MULD(r2, ADDD(SETD(0x1.11111111100dep-7), MULD(r, SETD(0x1.6c16c16c162d6p-10)))));
    const VECD b = ADDD(ADDD(SETD(0x1.a01a01abe683ap-13), MULD(r, SETD(0x1.a01a01a6d7b19p-16))),
        MULD(r2, ADDD(SETD(0x1.71de02364614ap-19), MULD(r, SETD(0x1.27e4db6718a69p-22)))));
    const VECD c = ADDD(SETD(0x1.af4ddfbb33a59p-26), MULD(r, SETD(0x1.1f72fdb6c6442p-29)));
    const VECD tail = ADDD(a, MULD(r4, ADDD(b, MULD(r4, c))));
    const VECD less_one = ADDD(MULD(r2, ADDD(SETD(0.5), MULD(r, tail))), ADDD(rest, MULD(rest, r)));
    const VECD one = SETD(1.0);
    const VECD first = ADDD(one, r);
    const VECD behind = ADDD(SUBD(r, SUBD(first, one)), less_one);
    const VECD sum = ADDD(first, behind);
    return MULD(ADDD(sum, SUBD(behind, SUBD(sum, first))), POWERD(t));
}

// The arithmetic of mb_log (base/math.c), operation by operation. A float is no subnormal double;
// the caller looks after zero and what is no number.
static inline VECD NAME(log_product_low)(VECD a, VECD b, VECD product) {
    const VECD split = SETD(134217729.0);
    const VECD a_big = MULD(split, a);
    const VECD b_big = MULD(split, b);
    const VECD a_hi = SUBD(a_big, SUBD(a_big, a));
    const VECD b_hi = SUBD(b_big, SUBD(b_big, b));
    const VECD a_lo = SUBD(a, a_hi);
    const VECD b_lo = SUBD(b, b_hi);
    const VECD most = ADDD(SUBD(MULD(a_hi, b_hi), product), MULD(a_hi, b_lo));
    return ADDD(ADDD(most, MULD(a_lo, b_hi)), MULD(a_lo, b_lo));
}

static inline VECD NAME(log_sum_low)(VECD a, VECD b, VECD sum) {
    return SUBD(b, SUBD(sum, a));
}

static inline VECD NAME(log_tail)(VECD z) {
    const VECD z2 = MULD(z, z);
    const VECD a = ADDD(ADDD(SETD(0x1.999999999999ap-2), MULD(z, SETD(0x1.2492492492521p-2))),
        MULD(z2, ADDD(SETD(0x1.c71c71c6eaa25p-3), MULD(z, SETD(0x1.745d177a94da2p-3)))));
    const VECD b = ADDD(ADDD(SETD(0x1.3b1395d295ee7p-3), MULD(z, SETD(0x1.1118c7ca2878bp-3))),
        MULD(z2, ADDD(SETD(0x1.df7cce72f0324p-4), MULD(z, SETD(0x1.e02e35f4285b9p-4)))));
    return ADDD(a, MULD(MULD(z2, z2), b));
}

static inline VECD NAME(log_double)(VECD x) {
    const VECD two = SETD(2.0);
    const VECD biased = EXPONENTD(x);
    const VECD k = SUBD(biased, SETD(0x1.0000000000000p52 + 1023.0));
    const VECD f = SUBD(UNSCALED(x, biased), SETD(1.0));
    const VECD d = ADDD(two, f);
    const VECD d_low = NAME(log_sum_low)(two, f, d);
    const VECD s = DIVD(f, d);
    const VECD back = MULD(s, d);
    const VECD missing = SUBD(SUBD(f, back), NAME(log_product_low)(s, d, back));
    // With no low part of f: 0 - s * d_low, and s * (d_low + 0).
    const VECD s_low = DIVD(ADDD(missing, SUBD(SETD(0.0), MULD(s, d_low))), d);
    const VECD square = MULD(s, s);
    const VECD square_low = ADDD(NAME(log_product_low)(s, s, square), MULD(MULD(two, s), s_low));
    const VECD cube = MULD(s, square);
    const VECD cube_low = ADDD(
        NAME(log_product_low)(s, square, cube), ADDD(MULD(s, square_low), MULD(s_low, square)));
    const VECD third = SETD(0x1.5555555555555p-1);
    const VECD second = MULD(cube, third);
    const VECD second_low = ADDD(NAME(log_product_low)(cube, third, second),
        ADDD(MULD(cube, SETD(0x1.5555555555555p-55)), MULD(cube_low, third)));
    const VECD rest = MULD(cube, MULD(square, NAME(log_tail)(square)));
    const VECD first = MULD(two, s);
    const VECD terms = ADDD(first, second);
    const VECD terms_low = ADDD(
        NAME(log_sum_low)(first, second, terms), ADDD(MULD(two, s_low), ADDD(second_low, rest)));
    const VECD exponent = MULD(k, SETD(0x1.62e42fef00000p-1));
    const VECD total = ADDD(exponent, terms);
    const VECD total_low = ADDD(NAME(log_sum_low)(exponent, terms, total),
        ADDD(MULD(k, SETD(0x1.473de6af278edp-34)), terms_low));
    const VECD result = ADDD(total, total_low);
    return ADDD(result, NAME(log_sum_low)(total, total_low, result));
}

static inline VEC NAME(log)(VEC x) {
    const VEC infinity = SET(INFINITY);
    const VEC finite = JOIN(NAME(log_double)(LOWD(x)), NAME(log_double)(HIGHD(x)));
    const VEC at_most_zero = WHERE(x, _CMP_EQ_OQ, ZERO, SET(-INFINITY), SET(NAN));
    const VEC any = WHERE(x, _CMP_GT_OQ, ZERO, finite, at_most_zero);
    return WHERE(x, _CMP_EQ_OQ, infinity, infinity, any);
}

static inline VEC NAME(exp)(VEC x) {
    return KEEP_NAN(x, JOIN(NAME(exp_double)(LOWD(x)), NAME(exp_double)(HIGHD(x))));
}

static void NAME(lanes_softmax)(size_t n, size_t channels, float *values) {
    const size_t end = channels * MB_SAMPLES;
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        float *group = values + i / MB_SAMPLES * end + i % MB_SAMPLES;
        VEC most = LOAD(group);
        for (size_t c = MB_SAMPLES; c < end; c += MB_SAMPLES) {
            most = MAX(LOAD(group + c), most);
        }
        VEC sum = ZERO;
        for (size_t c = 0; c < end; c += MB_SAMPLES) {
            const VEC power = NAME(exp)(SUB(LOAD(group + c), most));
            STORE(group + c, power);
            sum = ADD(sum, power);
        }
        for (size_t c = 0; c < end; c += MB_SAMPLES) {
            STORE(group + c, DIV(LOAD(group + c), sum));
        }
    }
}

static void NAME(lanes_exponential)(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        STORE(y + i, NAME(exp)(LOAD(x + i)));
    }
}

static void NAME(lanes_logarithm)(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        STORE(y + i, NAME(log)(LOAD(x + i)));
    }
}

static inline VECD NAME(sigmoid_double)(VECD x) {
    return DIVD(SETD(1.0), ADDD(SETD(1.0), NAME(exp_double)(SUBD(SETD(0.0), x))));
}

static void NAME(lanes_sigmoid)(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        const VEC v = LOAD(x + i);
        STORE(y + i,
            KEEP_NAN(v, JOIN(NAME(sigmoid_double)(LOWD(v)), NAME(sigmoid_double)(HIGHD(v)))));
    }
}

static void NAME(lanes_rectify)(size_t n, float *values) {
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        STORE(values + i, MAX(ZERO, LOAD(values + i)));
    }
}

static void NAME(lanes_rectify_back)(size_t n, const float *y, const float *dy, float *d) {
    for (size_t i = 0; i < n * MB_SAMPLES; i += LANES) {
        STORE(d + i, WHERE_POSITIVE(LOAD(y + i), LOAD(dy + i)));
    }
}
