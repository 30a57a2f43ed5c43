// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Activations on samples in lanes. Included behind lanes.h by a file that defines, beside its
// macros,
//   SUB(a, b), DIV(a, b), MAX(a, b) = a > b ? a : b, KEEP_NAN(x, y) = x is NaN ? x : y,
//   WHERE_POSITIVE(y, v) = y > 0 ? v : 0,
//   and for doubles in vectors of half as many lanes VECD, SETD(x), ADDD, SUBD, MULD, MIND, MAXD,
//   POWERD(t) (2 to the integer in the low bits of a rounder's sum t), LOWD(v), HIGHD(v) (halves of
//   a VEC, widened), JOIN(low, high) (rounded to a VEC).

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
