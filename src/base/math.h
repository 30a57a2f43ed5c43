// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_MATH_H
#define BASE_MATH_H

#include "base/base.h"

// Transcendental functions whose bits do not depend on the C library, the compiler or the
// instruction set: double arithmetic in a fixed order, no contraction, no table look-ups. Error
// below 1 ulp of double unless said; the float versions are the double ones rounded, which is the
// correctly rounded float in all but about one case in 2^28.

double mb_exp(double x);
double mb_expm1(double x);
double mb_log(double x);
double mb_log1p(double x);
// x^y for x > 0, or x = 0 with y > 0; error below 2 ulp times max(1, |y log x| / 8).
double mb_pow(double x, double y);
double mb_sin(double x); // |x| <= 2^20, NaN beyond; so are cos and tan
double mb_cos(double x);
double mb_tan(double x); // error below 1.25 ulp
double mb_asin(double x);
double mb_atan(double x);
double mb_atan2(double y, double x);
double mb_sinh(double x);
double mb_cosh(double x);
double mb_tanh(double x);

float mb_expf(float x);
float mb_tanhf(float x);
// 1 / (1 + exp(-x)) without overflow.
float mb_sigmoidf(float x);

#define MB_PI 3.14159265358979323846

#endif
