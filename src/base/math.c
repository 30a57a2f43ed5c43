// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/math.h"

#include <math.h>

// Every function works with an unevaluated sum hi + lo of two doubles up to its last addition:
// without a fused multiply-add that is the cheapest way to stay below one ulp, and it needs no
// tables. The polynomials are near-minimax fits of the named tails, made with 80 digits and rounded
// to double; they multiply a term that is small against the result, so that their own rounding does
// not show.
typedef struct pair {
    double hi, lo;
} pair;

#define LN2_HI      0x1.62e42fef00000p-1 // 33 bits: a product with an exponent is exact
#define LN2_LO      0x1.473de6af278edp-34
#define INVERSE_LN2 0x1.71547652b82fep+0
// pi/2 in parts of 33 bits: products with integers up to 2^20 are exact.
#define HALF_PI_1       0x1.921fb54400000p+0
#define HALF_PI_2       0x1.0b4611a600000p-34
#define HALF_PI_3       0x1.3198a2e000000p-69
#define HALF_PI_4       0x1.b839a252049c1p-104
#define HALF_PI_34      0x1.3198a2e037073p-69 // parts 3 and 4 in one double
#define INVERSE_HALF_PI 0x1.45f306dc9c883p-1
#define QUARTER_PI_HI   0x1.921fb54442d18p-1 // 50 bits: 3 times it is exact
#define QUARTER_PI_LO   0x1.1a62633145c07p-55
#define TWO_THIRDS_HI   0x1.5555555555555p-1
#define TWO_THIRDS_LO   0x1.5555555555555p-55
#define TAN_EIGHTH_PI   0x1.a827999fcef32p-2
// Adding and subtracting this rounds to the nearest integer, where rint could be a slow call.
#define ROUNDER 0x1.8p52

static inline uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// 2^k for -1022 <= k <= 1023.
static inline double power_of_two(int k) {
    return double_of((uint64_t)(k + 1023) << 52);
}

// In two steps, so that neither factor leaves the range of exponents and a subnormal result is
// rounded once.
static inline double scale(double x, int k) {
    const int half = k / 2;
    return x * power_of_two(half) * power_of_two(k - half);
}

// Exact when |a| >= |b| or a is 0.
static inline pair sum_ordered(double a, double b) {
    const double hi = a + b;
    return (pair){hi, b - (hi - a)};
}

static inline pair sum_exact(double a, double b) {
    const double hi = a + b;
    const double b_part = hi - a;
    return (pair){hi, (a - (hi - b_part)) + (b - b_part)};
}

// Dekker's product; exact while no part over- or underflows.
static inline pair product_exact(double a, double b) {
    const double a_big = 134217729.0 * a, b_big = 134217729.0 * b;
    const double a_hi = a_big - (a_big - a), b_hi = b_big - (b_big - b);
    const double a_lo = a - a_hi, b_lo = b - b_hi;
    const double hi = a * b;
    return (pair){hi, ((a_hi * b_hi - hi) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo};
}

// n / d with a relative error near 2^-53 + 2^-100.
static inline double divide(pair n, pair d) {
    const double quotient = n.hi / d.hi;
    const pair back = product_exact(quotient, d.hi);
    return quotient + (((n.hi - back.hi) - back.lo) + (n.lo - quotient * d.lo)) / d.hi;
}

// (exp(r) - 1 - r - r^2 / 2) / r^3 for |r| <= ln(2) / 2; relative to exp below 2^-61.
static inline double exp_tail(double r) {
    const double r2 = r * r, r4 = r2 * r2;
    const double a = (0x1.5555555555557p-3 + r * 0x1.5555555555556p-5) +
                     r2 * (0x1.11111111100dep-7 + r * 0x1.6c16c16c162d6p-10);
    const double b = (0x1.a01a01abe683ap-13 + r * 0x1.a01a01a6d7b19p-16) +
                     r2 * (0x1.71de02364614ap-19 + r * 0x1.27e4db6718a69p-22);
    const double c = 0x1.af4ddfbb33a59p-26 + r * 0x1.1f72fdb6c6442p-29;
    return a + r4 * (b + r4 * c);
}

// exp(r) - 1 - r for a reduced argument.
static inline double exp_rest(pair r) {
    const double r2 = r.hi * r.hi;
    return r2 * (0.5 + r.hi * exp_tail(r.hi)) + (r.lo + r.lo * r.hi);
}

// x + x_low = k ln 2 + r, |r| <= ln(2) / 2 and a little.
static inline pair exp_reduce(double x, double x_low, int *k) {
    const double n = (x * INVERSE_LN2 + ROUNDER) - ROUNDER;
    *k = (int)n;
    const double high = x - n * LN2_HI, low = n * LN2_LO - x_low;
    const double r = high - low;
    return (pair){r, (high - r) - low};
}

// exp(x + x_low) = 2^k (hi + lo) for |x| < 1100, hi + lo in [0.7, 1.42].
static inline pair exp_parts(double x, double x_low, int *k) {
    const pair r = exp_reduce(x, x_low, k);
    const pair one = sum_ordered(1.0, r.hi);
    return sum_ordered(one.hi, one.lo + exp_rest(r));
}

double mb_exp(double x) {
    if (!(fabs(x) <= 746.0)) {
        return x > 0.0 ? INFINITY : x < 0.0 ? 0.0 : x;
    }
    int k;
    const pair e = exp_parts(x, 0.0, &k);
    return scale(e.hi + e.lo, k);
}

// expm1(x) = hi + lo for -60 < x < 60. Just above ln(2) / 2 the sum cancels: the square, too, in
// double-double.
static inline pair expm1_parts(double x) {
    int k;
    const pair r = exp_reduce(x, 0.0, &k);
    const double power = power_of_two(k);
    const pair half_square = product_exact(0.5 * r.hi, r.hi);
    const double rest =
        r.hi * r.hi * r.hi * exp_tail(r.hi) + (half_square.lo + (r.lo + r.lo * r.hi));
    const pair less_one = sum_exact(power, -1.0);
    const pair first = sum_exact(less_one.hi, power * r.hi);
    const pair second = sum_exact(first.hi, power * half_square.hi);
    return sum_exact(second.hi, second.lo + (first.lo + (less_one.lo + power * rest)));
}

double mb_expm1(double x) {
    if (fabs(x) < 0x1p-54) {
        return x;
    }
    if (!(x < 39.0)) {
        return mb_exp(x);
    }
    if (x < -39.0) {
        return -1.0;
    }
    const pair e = expm1_parts(x);
    return e.hi + e.lo;
}

// x = 2^k m with m in [sqrt(1/2), sqrt(2)), for finite x > 0.
static inline double normalize(double x, int *k) {
    const uint64_t one = 0x3ff0000000000000u, root_half = 0x3fe6a09e667f3bcdu;
    const bool subnormal = x < 0x1p-1022;
    const uint64_t bits = bits_of(subnormal ? x * 0x1p54 : x);
    const int exponent = (int)((bits + (one - root_half)) >> 52) - 1023;
    *k = subnormal ? exponent - 54 : exponent;
    return double_of(bits - ((uint64_t)exponent << 52));
}

// log(2^k (1 + f + f_low)), for 1 + f in [sqrt(1/2), sqrt(2)), to about 2^-64 of its value: the
// series of 2 artanh(s), s = f / (2 + f), its first two terms in double-double.
static pair log_parts(int k, double f, double f_low) {
    const pair d = sum_ordered(2.0, f);
    const double s = f / d.hi;
    const pair back = product_exact(s, d.hi);
    const double s_low = (((f - back.hi) - back.lo) + (f_low - s * (d.lo + f_low))) / d.hi;

    const pair square = product_exact(s, s);
    const double square_low = square.lo + 2.0 * s * s_low;
    const pair cube = product_exact(s, square.hi);
    const double cube_low = cube.lo + (s * square_low + s_low * square.hi);
    const pair second = product_exact(cube.hi, TWO_THIRDS_HI);
    const double second_low = second.lo + (cube.hi * TWO_THIRDS_LO + cube_low * TWO_THIRDS_HI);

    const double z = square.hi, z2 = z * z, z4 = z2 * z2;
    const double a = (0x1.999999999999ap-2 + z * 0x1.2492492492521p-2) +
                     z2 * (0x1.c71c71c6eaa25p-3 + z * 0x1.745d177a94da2p-3);
    const double b = (0x1.3b1395d295ee7p-3 + z * 0x1.1118c7ca2878bp-3) +
                     z2 * (0x1.df7cce72f0324p-4 + z * 0x1.e02e35f4285b9p-4);
    const double rest = cube.hi * (z * (a + z4 * b));

    const pair terms = sum_ordered(2.0 * s, second.hi);
    const double terms_low = terms.lo + (2.0 * s_low + (second_low + rest));
    const pair total = sum_ordered((double)k * LN2_HI, terms.hi);
    return sum_ordered(total.hi, total.lo + ((double)k * LN2_LO + terms_low));
}

double mb_log(double x) {
    if (!(x > 0.0 && x < INFINITY)) {
        return x == 0.0 ? -INFINITY : x > 0.0 ? x : NAN;
    }
    int k;
    const double m = normalize(x, &k);
    const pair l = log_parts(k, m - 1.0, 0.0);
    return l.hi + l.lo;
}

double mb_log1p(double x) {
    if (fabs(x) < 0x1p-54) {
        return x;
    }
    if (!(x > -1.0 && x < INFINITY)) {
        return x == -1.0 ? -INFINITY : x > 0.0 ? x : NAN;
    }
    const pair u = sum_exact(1.0, x);
    int k;
    const double m = normalize(u.hi, &k);
    const pair f = sum_exact(m - 1.0, k < 64 ? u.lo * power_of_two(-k) : 0.0);
    const pair l = log_parts(k, f.hi, f.lo);
    return l.hi + l.lo;
}

double mb_pow(double x, double y) {
    if (y == 0.0 || x == 1.0) {
        return 1.0;
    }
    if (!(x >= 0.0) || y != y) {
        return NAN;
    }
    if (x == 0.0 || x == INFINITY) {
        return (x == 0.0) == (y > 0.0) ? 0.0 : INFINITY;
    }
    int k;
    const double m = normalize(x, &k);
    const pair l = log_parts(k, m - 1.0, 0.0);
    const double rough = y * l.hi;
    if (fabs(rough) > 746.0) {
        return rough > 0.0 ? INFINITY : 0.0;
    }
    const pair t = product_exact(y, l.hi);
    const pair e = exp_parts(t.hi, t.lo + y * l.lo, &k);
    return scale(e.hi + e.lo, k);
}

// The largest argument whose reduction is exact.
#define TRIGONOMETRIC_LIMIT 0x1p20

// x - n pi/2 for the nearest n; the low two bits of n in *quadrant.
static inline pair reduce(double x, unsigned *quadrant) {
    const double shifted = x * INVERSE_HALF_PI + ROUNDER;
    const double n = shifted - ROUNDER;
    *quadrant = (unsigned)(bits_of(shifted) & 3u);
    const pair t = sum_exact(x - n * HALF_PI_1, -(n * HALF_PI_2));
    if (fabs(t.hi) >= 0x1p-16) {
        return sum_ordered(t.hi, t.lo - n * HALF_PI_34);
    }
    const pair u = sum_exact(t.hi, -(n * HALF_PI_3));
    return sum_exact(u.hi, (t.lo + u.lo) - n * HALF_PI_4);
}

static inline pair sin_parts(pair r) {
    const double z = r.hi * r.hi, z2 = z * z, z4 = z2 * z2;
    const double a = (-0x1.5555555555555p-3 + z * 0x1.1111111111110p-7) +
                     z2 * (-0x1.a01a01a019936p-13 + z * 0x1.71de3a54604eap-19);
    const double b =
        (-0x1.ae64541249fb1p-26 + z * 0x1.61217ea9b7ed1p-33) + z2 * -0x1.ab179a62d26edp-41;
    return sum_ordered(r.hi, r.hi * z * (a + z4 * b) + r.lo * (1.0 - 0.5 * z));
}

// square_low is what r.hi * r.hi lost in rounding: a quarter ulp, which the tangent cannot spare.
static inline pair cos_parts(pair r, double square_low) {
    const double z = r.hi * r.hi, z2 = z * z, z4 = z2 * z2;
    const double a = (0x1.5555555555555p-5 + z * -0x1.6c16c16c16c16p-10) +
                     z2 * (0x1.a01a01a019d09p-16 + z * -0x1.27e4fb7712b6bp-22);
    const double b =
        (0x1.1eed8deb60c70p-29 + z * -0x1.9394b9b5db2a4p-37) + z2 * 0x1.ab7827bbeebe6p-45;
    const pair one = sum_ordered(1.0, -0.5 * z);
    return (pair){one.hi, one.lo + (z2 * (a + z4 * b) - (r.hi * r.lo + 0.5 * square_low))};
}

// Both series are evaluated and one is chosen: phi is random, a branch on its quadrant would be
// guessed wrong.
static inline double trigonometric(double x, unsigned shift) {
    unsigned quadrant;
    const pair r = reduce(x, &quadrant);
    const pair s = sin_parts(r), c = cos_parts(r, 0.0);
    const double sine = s.hi + s.lo, cosine = c.hi + c.lo;
    const unsigned turned = quadrant + shift;
    const double value = (turned & 1u) != 0 ? cosine : sine;
    return double_of(bits_of(value) ^ ((uint64_t)(turned & 2u) << 62));
}

double mb_sin(double x) {
    if (fabs(x) < 0x1p-27) {
        return x;
    }
    return fabs(x) <= TRIGONOMETRIC_LIMIT ? trigonometric(x, 0) : NAN;
}

double mb_cos(double x) {
    return fabs(x) <= TRIGONOMETRIC_LIMIT ? trigonometric(x, 1) : NAN;
}

double mb_tan(double x) {
    if (fabs(x) < 0x1p-27) {
        return x;
    }
    if (!(fabs(x) <= TRIGONOMETRIC_LIMIT)) {
        return NAN;
    }
    unsigned quadrant;
    const pair r = reduce(x, &quadrant);
    const pair s = sin_parts(r), loose = cos_parts(r, product_exact(r.hi, r.hi).lo);
    const pair c = sum_ordered(loose.hi, loose.lo);
    return (quadrant & 1u) != 0 ? -divide(c, s) : divide(s, c);
}

// (atan(t) - t) / t^3 as a function of z = t^2, for |t| <= tan(pi/8); relative to atan(t) / t below
// 2^-58.
static inline double atan_tail(double z) {
    const double z2 = z * z, z4 = z2 * z2;
    const double a = (-0x1.5555555555555p-2 + z * 0x1.9999999999953p-3) +
                     z2 * (-0x1.249249248d7e8p-3 + z * 0x1.c71c71c304728p-4);
    const double b = (-0x1.745d165de6c19p-4 + z * 0x1.3b1392d8695c8p-4) +
                     z2 * (-0x1.110e87efaa766p-4 + z * 0x1.e19a11516d8ebp-5);
    const double c = (-0x1.ac7a81ce7905cp-5 + z * 0x1.74dd831f5c013p-5) +
                     z2 * (-0x1.1b32e90dc1b73p-5 + z * 0x1.0ad19d106080cp-6);
    return a + z4 * (b + z4 * c);
}

// Directions within 2^-56 of an axis, infinities and NaN.
static double atan2_edge(double y, double x) {
    if (x != x || y != y) {
        return NAN;
    }
    const double a = fabs(y), b = fabs(x);
    double angle;
    if (a == INFINITY && b == INFINITY) {
        angle = signbit(x) ? 3.0 * QUARTER_PI_HI : QUARTER_PI_HI;
    } else if (a > b) {
        angle = MB_PI / 2.0;
    } else if (signbit(x)) {
        angle = MB_PI;
    } else {
        angle = a == 0.0 ? 0.0 : a / b;
    }
    return copysign(angle, y);
}

// The angle of (x + x_low, y); both lengths within 2^-500 .. 2^500 and not 0, their ratio below
// 2^60.
static inline double atan2_parts(double y, double x, double x_low) {
    const double a = fabs(y), b = fabs(x);
    const double b_low = x < 0.0 ? -x_low : x_low;
    const bool steep = a > b;
    const double big = steep ? a : b, small = steep ? b : a;
    const double big_low = steep ? 0.0 : b_low, small_low = steep ? b_low : 0.0;
    // atan(s / b) = pi/4 + atan((s - b) / (s + b)) brings the quotient below tan(pi/8) with one
    // division.
    const bool turn = small > TAN_EIGHTH_PI * big;
    const pair difference = sum_exact(small, turn ? -big : 0.0);
    const pair total = sum_exact(big, turn ? small : 0.0);
    const double n_low = difference.lo + (small_low - (turn ? big_low : 0.0));
    const double d_low = total.lo + (big_low + (turn ? small_low : 0.0));

    const double inverse = 1.0 / total.hi;
    const double t = difference.hi * inverse;
    const pair back = product_exact(t, total.hi);
    const double t_low = (((difference.hi - back.hi) - back.lo) + (n_low - t * d_low)) * inverse;
    const double z = t * t;
    const double rest = t * (z * atan_tail(z)) + t_low * (1.0 - z);

    // The angle is eighths quarter-pi plus or minus atan(t).
    double eighths = turn ? 1.0 : 0.0, sign = 1.0;
    eighths = steep ? 2.0 - eighths : eighths;
    sign = steep ? -sign : sign;
    const bool behind = x < 0.0;
    eighths = behind ? 4.0 - eighths : eighths;
    sign = behind ? -sign : sign;
    const pair angle = sum_ordered(eighths * QUARTER_PI_HI, sign * t);
    return copysign(angle.hi + (angle.lo + (sign * rest + eighths * QUARTER_PI_LO)), y);
}

double mb_atan2(double y, double x) {
    const uint64_t exponent_y = bits_of(y) >> 52 & 0x7ff, exponent_x = bits_of(x) >> 52 & 0x7ff;
    const bool ordinary =
        exponent_y - 623 <= 800 && exponent_x - 623 <= 800 && exponent_y + 58 - exponent_x <= 116;
    if (ordinary) {
        return atan2_parts(y, x, 0.0);
    }
    const bool finite = exponent_y < 0x7ff && exponent_x < 0x7ff;
    const double small = fmin(fabs(y), fabs(x)), big = fmax(fabs(y), fabs(x));
    if (finite && small > 0.0 && small >= big * 0x1p-56) {
        // Powers of two change no bit of the quotient; two steps reach from the smallest subnormal
        // to the middle.
        const double factor = big > 1.0 ? 0x1p-600 : 0x1p600;
        return atan2_parts(y * factor, x * factor, 0.0);
    }
    return atan2_edge(y, x);
}

double mb_atan(double x) {
    return mb_atan2(x, 1.0);
}

double mb_asin(double x) {
    if (fabs(x) < 0x1p-27) {
        return x;
    }
    if (!(fabs(x) < 1.0)) {
        return fabs(x) == 1.0 ? copysign(MB_PI / 2.0, x) : NAN;
    }
    const pair square = product_exact(x, x);
    const pair rest = sum_exact(1.0, -square.hi);
    const double rest_low = rest.lo - square.lo;
    const double root = sqrt(rest.hi + rest_low);
    const pair back = product_exact(root, root);
    return atan2_parts(x, root, (((rest.hi - back.hi) - back.lo) + rest_low) / (2.0 * root));
}

// (exp(a) + sign exp(-a)) / 2 for 0 <= a.
static double hyperbolic(double a, double sign) {
    if (!(a <= 711.0)) {
        return a > 711.0 ? INFINITY : a;
    }
    int k;
    const pair e = exp_parts(a, 0.0, &k);
    if (a > 40.0) {
        return scale(e.hi + e.lo, k - 1);
    }
    const double half_power = 0.5 * power_of_two(k);
    const pair s = sum_exact(half_power * e.hi, sign * 0.25 / (half_power * e.hi));
    return s.hi + (s.lo + half_power * e.lo);
}

double mb_sinh(double x) {
    if (fabs(x) >= 1.0) {
        return copysign(hyperbolic(fabs(x), -1.0), x);
    }
    const double z = x * x, z2 = z * z, z4 = z2 * z2;
    const double a = (0x1.5555555555555p-3 + z * 0x1.1111111111111p-7) +
                     z2 * (0x1.a01a01a01a001p-13 + z * 0x1.71de3a556f96cp-19);
    const double b = (0x1.ae6456792a77fp-26 + z * 0x1.612467ccb2260p-33) +
                     z2 * (0x1.ae777c36fd5b6p-41 + z * 0x1.99f0806c2628dp-49);
    return x + x * z * (a + z4 * b);
}

double mb_cosh(double x) {
    return hyperbolic(fabs(x), 1.0);
}

double mb_tanh(double x) {
    const double a = fabs(x);
    if (!(a >= 0x1p-28)) {
        return x;
    }
    if (a >= 20.0) {
        return copysign(1.0, x);
    }
    const pair n = expm1_parts(2.0 * a);
    const pair d = sum_exact(2.0, n.hi);
    return copysign(divide(n, (pair){d.hi, d.lo + n.lo}), x);
}

float mb_expf(float x) {
    if (x > 89.0f) {
        return INFINITY;
    }
    return (float)mb_exp((double)x);
}

float mb_tanhf(float x) {
    const double a = fabs((double)x);
    if (!(a >= 0x1p-13)) {
        return x;
    }
    if (a >= 10.0) {
        return copysignf(1.0f, x);
    }
    int k;
    const pair r = exp_reduce(2.0 * a, 0.0, &k);
    const double power = power_of_two(k);
    const double e = (power - 1.0) + power * (r.hi + exp_rest(r));
    return copysignf((float)(e / (e + 2.0)), x);
}

float mb_sigmoidf(float x) {
    return (float)(1.0 / (1.0 + mb_exp(-(double)x)));
}
