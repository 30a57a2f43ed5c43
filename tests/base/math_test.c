// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/bundle.h"
#include "base/math.h"
#include "base/random.h"

#include <float.h>
#include <math.h>

enum { N_POINTS = 60000 };

typedef struct unary_case {
    const char *name;
    double (*ours)(double);
    long double (*reference)(long double);
    double low, high; // of the sweep; when low > 0 also by exponents
    double most_ulp;
} unary_case;

static const unary_case unary_cases[] = {
    {"exp", mb_exp, expl, -745.0, 709.7, 0.9},
    {"exp near 0", mb_exp, expl, -2.0, 2.0, 0.9},
    {"expm1", mb_expm1, expm1l, -40.0, 60.0, 0.9},
    {"expm1 near 0", mb_expm1, expm1l, -1.0, 1.0, 0.9},
    {"log", mb_log, logl, 0x1p-1074, DBL_MAX, 0.6},
    {"log near 1", mb_log, logl, 0.5, 2.0, 0.6},
    {"log1p", mb_log1p, log1pl, -0.999, 3.0, 0.6},
    {"log1p large", mb_log1p, log1pl, 0x1p-80, 0x1p300, 0.6},
    {"sin", mb_sin, sinl, -1e5, 1e5, 1.0},
    {"sin near 0", mb_sin, sinl, -1.0, 1.0, 1.0},
    {"cos", mb_cos, cosl, -1e5, 1e5, 1.0},
    {"cos near 0", mb_cos, cosl, -1.0, 1.0, 1.0},
    {"tan", mb_tan, tanl, -1e5, 1e5, 1.25},
    {"tan near 0", mb_tan, tanl, -2.0, 2.0, 1.25},
    {"asin", mb_asin, asinl, -1.0, 1.0, 0.9},
    {"atan", mb_atan, atanl, -10.0, 10.0, 0.9},
    {"atan large", mb_atan, atanl, 0x1p-500, 0x1p500, 0.9},
    {"sinh", mb_sinh, sinhl, -3.0, 3.0, 1.0},
    {"sinh large", mb_sinh, sinhl, -710.4, 710.4, 1.0},
    {"cosh", mb_cosh, coshl, -3.0, 3.0, 1.0},
    {"cosh large", mb_cosh, coshl, -710.4, 710.4, 1.0},
    {"tanh", mb_tanh, tanhl, -3.0, 3.0, 0.9},
    {"tanh large", mb_tanh, tanhl, -25.0, 25.0, 0.9},
};

// Distance in units of the last place a double has at the reference.
static double error_ulp(double got, long double wanted) {
    if (isinf(got) && fabsl(wanted) > (long double)DBL_MAX) {
        return 0.0;
    }
    int exponent;
    (void)frexpl(wanted, &exponent);
    const int lowest = exponent - 53 < -1074 ? -1074 : exponent - 53;
    return (double)(fabsl((long double)got - wanted) / ldexpl(1.0L, lowest));
}

static void skip_without_wide_reference(void) {
    if (LDBL_MANT_DIG < 64) {
        print_message("SKIPPED math: long double is no wider than double\n");
        skip();
    }
}

// Half of the points uniform, half uniform in the exponent when the range is positive.
static double sweep_point(mb_random *random, double low, double high, size_t i) {
    const double u = mb_random_uniform(random);
    if (low > 0.0 && i % 2 == 1) {
        return fmin(fmax(exp2(log2(low) + u * (log2(high) - log2(low))), low), high);
    }
    return low + u * (high - low);
}

static void test_math__errors_stay_below_the_stated_ulp(void **state) {
    (void)state;
    skip_without_wide_reference();
    for (size_t c = 0; c < MB_COUNT_OF(unary_cases); c++) {
        const unary_case *unary = &unary_cases[c];
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, (uint32_t)c);
        double worst = 0.0, where = 0.0;
        for (size_t i = 0; i < N_POINTS; i++) {
            const double x = sweep_point(&random, unary->low, unary->high, i);
            const double error = error_ulp(unary->ours(x), unary->reference((long double)x));
            if (!(error <= worst)) {
                worst = error;
                where = x;
            }
        }
        print_message("%-12s %.3f ulp at %a\n", unary->name, worst, where);
        if (!(worst < unary->most_ulp)) {
            fail_msg(
                "%s: %.3f ulp at %a, allowed %.3f", unary->name, worst, where, unary->most_ulp);
        }
    }
}

static void test_math__small_arguments_keep_their_relative_accuracy(void **state) {
    (void)state;
    skip_without_wide_reference();
    for (int exponent = -1070; exponent <= -1; exponent++) {
        for (int k = -8; k <= 8; k++) {
            const double x =
                (k < 0 ? -1.0 : 1.0) * ldexp(1.0 + 0.1171 * fabs((double)k) / 2.0, exponent);
            const long double wide = (long double)x;
            assert_true(error_ulp(mb_expm1(x), expm1l(wide)) < 1.0);
            assert_true(error_ulp(mb_log1p(x), log1pl(wide)) < 1.0);
            assert_true(error_ulp(mb_sin(x), sinl(wide)) < 1.0);
            assert_true(error_ulp(mb_tan(x), tanl(wide)) < 1.25);
            assert_true(error_ulp(mb_asin(x), asinl(wide)) < 1.0);
            assert_true(error_ulp(mb_atan(x), atanl(wide)) < 1.0);
            assert_true(error_ulp(mb_sinh(x), sinhl(wide)) < 1.0);
            assert_true(error_ulp(mb_tanh(x), tanhl(wide)) < 1.0);
        }
    }
}

static void test_math__reduction_holds_beside_multiples_of_half_pi(void **state) {
    (void)state;
    skip_without_wide_reference();
    for (int n = 1; n <= 63661; n++) {
        const double x = (double)((long double)n * 1.5707963267948966192313216916398L);
        assert_true(error_ulp(mb_sin(x), sinl((long double)x)) < 1.0);
        assert_true(error_ulp(mb_cos(x), cosl((long double)x)) < 1.0);
    }
    // Of all doubles below 1e5 this one is nearest to a multiple of pi/2; its cosine from 60
    // digits.
    assert_true(mb_cos(0x1.6c6cbc45dc8dep+5) == -6.189806365883577000150671e-19);
    assert_true(mb_sin(0x1.6c6cbc45dc8dep+5) == 1.0);
}

static void test_math__atan2_is_accurate_in_all_directions(void **state) {
    (void)state;
    skip_without_wide_reference();
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, 0);
    double worst = 0.0;
    for (size_t i = 0; i < 4 * N_POINTS; i++) {
        double x = mb_random_normal(&random), y = mb_random_normal(&random);
        if (i % 4 == 1) {
            x = ldexp(x, (int)mb_random_below(&random, 2000) - 1000);
            y = ldexp(y, (int)mb_random_below(&random, 2000) - 1000);
        } else if (i % 4 == 2) {
            const int exponent = (int)mb_random_below(&random, 2060) - 1050;
            x = ldexp(x, exponent);
            y = ldexp(y, exponent + (int)mb_random_below(&random, 140) - 70);
        }
        const long double wanted = atan2l((long double)y, (long double)x);
        const double error = error_ulp(mb_atan2(y, x), wanted);
        if (!(error < 0.85)) {
            fail_msg("atan2(%a, %a): %.3f ulp", y, x, error);
        }
        worst = fmax(worst, error);
    }
    print_message("atan2        %.3f ulp\n", worst);
}

static void test_math__pow_error_grows_only_with_the_logarithm(void **state) {
    (void)state;
    skip_without_wide_reference();
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, 0);
    double worst = 0.0;
    for (size_t i = 0; i < 4 * N_POINTS; i++) {
        const double x = exp2(mb_random_normal(&random) * (i % 2 == 0 ? 3.0 : 300.0));
        const double y = mb_random_normal(&random) * (i % 2 == 0 ? 20.0 : 1.0);
        const long double wanted = powl((long double)x, (long double)y);
        const double error = error_ulp(mb_pow(x, y), wanted);
        if (!(error < 1.0)) {
            fail_msg("pow(%a, %a): %.3f ulp", x, y, error);
        }
        worst = fmax(worst, error);
    }
    print_message("pow          %.3f ulp\n", worst);
    const double bases[] = {0.9, 0.95, 0.99, 0.999, 0.9999, 0.96, 1.000001};
    for (size_t b = 0; b < MB_COUNT_OF(bases); b++) {
        for (int t = 1; t <= 1000000; t = t < 100 ? t + 1 : t + t / 50) {
            const long double wanted = powl((long double)bases[b], (long double)t);
            assert_true(error_ulp(mb_pow(bases[b], t), wanted) < 1.0);
        }
    }
}

static void assert_value(double got, double wanted) {
    if (isnan(wanted)) {
        assert_true(isnan(got));
    } else {
        assert_true(got == wanted && signbit(got) == signbit(wanted));
    }
}

static void test_math__edges_of_exponentials_and_logarithms(void **state) {
    (void)state;
    assert_value(mb_exp(0.0), 1.0);
    assert_value(mb_exp(-0.0), 1.0);
    assert_value(mb_exp(INFINITY), INFINITY);
    assert_value(mb_exp(-INFINITY), 0.0);
    assert_value(mb_exp(NAN), NAN);
    assert_value(mb_exp(709.79), INFINITY);
    assert_true(mb_exp(709.78) < INFINITY);
    assert_value(mb_exp(-745.14), 0.0);
    assert_value(mb_exp(-745.13), 0x1p-1074);
    assert_value(mb_expm1(-0.0), -0.0);
    assert_value(mb_expm1(-INFINITY), -1.0);
    assert_value(mb_expm1(-1e300), -1.0);
    assert_value(mb_expm1(1e300), INFINITY);
    assert_value(mb_expm1(NAN), NAN);
    assert_value(mb_log(1.0), 0.0);
    assert_value(mb_log(0.0), -INFINITY);
    assert_value(mb_log(-0.0), -INFINITY);
    assert_value(mb_log(-1.0), NAN);
    assert_value(mb_log(INFINITY), INFINITY);
    assert_value(mb_log(-INFINITY), NAN);
    assert_value(mb_log(NAN), NAN);
    assert_value(mb_log1p(-0.0), -0.0);
    assert_value(mb_log1p(-1.0), -INFINITY);
    assert_value(mb_log1p(-1.5), NAN);
    assert_value(mb_log1p(INFINITY), INFINITY);
    assert_value(mb_log1p(NAN), NAN);
    assert_value(mb_pow(0.0, 2.0), 0.0);
    assert_value(mb_pow(0.0, -2.0), INFINITY);
    assert_value(mb_pow(0.0, 0.0), 1.0);
    assert_value(mb_pow(2.0, 0.0), 1.0);
    assert_value(mb_pow(2.0, 10.0), 1024.0);
    assert_value(mb_pow(2.0, 1024.0), INFINITY);
    assert_value(mb_pow(2.0, -1074.0), 0x1p-1074);
    assert_value(mb_pow(2.0, -1e300), 0.0);
    assert_value(mb_pow(0.5, -INFINITY), INFINITY);
    assert_value(mb_pow(INFINITY, -1.0), 0.0);
    assert_value(mb_pow(INFINITY, 0.5), INFINITY);
    assert_value(mb_pow(-1.0, 2.0), NAN);
    assert_value(mb_pow(2.0, NAN), NAN);
    assert_value(mb_pow(NAN, 2.0), NAN);
}

static void test_math__edges_of_angles_and_hyperbolics(void **state) {
    (void)state;
    double (*const odd[])(double) = {mb_sin, mb_tan, mb_asin, mb_atan, mb_sinh, mb_tanh};
    for (size_t i = 0; i < MB_COUNT_OF(odd); i++) {
        assert_value(odd[i](0.0), 0.0);
        assert_value(odd[i](-0.0), -0.0);
        assert_value(odd[i](NAN), NAN);
        assert_value(odd[i](0x1p-1074), 0x1p-1074);
        assert_value(odd[i](-0.625), -odd[i](0.625));
    }
    assert_value(mb_cos(0.0), 1.0);
    assert_value(mb_cos(NAN), NAN);
    assert_value(mb_sin(INFINITY), NAN);
    assert_value(mb_cos(0x1.1p20), NAN);
    assert_value(mb_tan(-INFINITY), NAN);
    assert_value(mb_asin(1.0), MB_PI / 2.0);
    assert_value(mb_asin(-1.0), -MB_PI / 2.0);
    assert_value(mb_asin(1.0000001), NAN);
    assert_value(mb_atan(INFINITY), MB_PI / 2.0);
    assert_value(mb_atan(-1.0), -MB_PI / 4.0);
    assert_value(mb_sinh(-INFINITY), -INFINITY);
    assert_value(mb_sinh(1000.0), INFINITY);
    assert_value(mb_cosh(-1000.0), INFINITY);
    assert_value(mb_cosh(0.0), 1.0);
    assert_value(mb_cosh(NAN), NAN);
    assert_value(mb_tanh(INFINITY), 1.0);
    assert_value(mb_tanh(-30.0), -1.0);
}

static void test_math__atan2_follows_the_c_standard_on_axes(void **state) {
    (void)state;
    const double values[] = {
        0.0, -0.0, 1.0, -1.0, 0x1p-1074, -0x1p-1074, 1e308, -1e308, INFINITY, -INFINITY, NAN};
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        for (size_t j = 0; j < MB_COUNT_OF(values); j++) {
            assert_value(mb_atan2(values[i], values[j]), atan2(values[i], values[j]));
        }
    }
}

static void test_math__floats_are_the_rounded_values(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 4, 0);
    for (size_t i = 0; i < N_POINTS; i++) {
        const float x = (float)(mb_random_normal(&random) * (i % 2 == 0 ? 1.0 : 30.0));
        const double wide = (double)x;
        // Half an ulp of float, or of the smallest float, and what double rounding adds.
        const double smallest = 0x1.0001p-150;
        const float exponential = mb_expf(x);
        if (exp(wide) < (double)FLT_MAX) {
            assert_true(
                fabs((double)exponential - exp(wide)) <= fmax(0x1.0001p-24 * exp(wide), smallest));
        } else {
            assert_true(isinf(exponential));
        }
        assert_true(fabs((double)mb_tanhf(x) - tanh(wide)) <= 0x1.0001p-24 * fabs(tanh(wide)));
        const double sigmoid = 1.0 / (1.0 + exp(-wide));
        assert_true(
            fabs((double)mb_sigmoidf(x) - sigmoid) <= fmax(0x1.0001p-24 * sigmoid, smallest));
    }
    assert_value((double)mb_expf(1000.0f), INFINITY);
    assert_value((double)mb_expf(-1000.0f), 0.0);
    assert_value((double)mb_expf(NAN), NAN);
    assert_value((double)mb_tanhf(INFINITY), 1.0);
    assert_value((double)mb_tanhf(-INFINITY), -1.0);
    assert_value((double)mb_tanhf(-0.0f), -0.0);
    assert_value((double)mb_tanhf(NAN), NAN);
    assert_value((double)mb_sigmoidf(0.0f), 0.5);
    assert_value((double)mb_sigmoidf(-INFINITY), 0.0);
    assert_value((double)mb_sigmoidf(INFINITY), 1.0);
    assert_value((double)mb_sigmoidf(-3e38f), 0.0);
    assert_value((double)mb_sigmoidf(NAN), NAN);
}

static void hash_double(mb_sha256 *sha, double value) {
    mb_sha256_update(sha, &value, sizeof value);
}

// Any change of these digits changes the weights of every stored run: it needs a line in the change
// log.
static void test_math__bits_are_those_of_every_release(void **state) {
    (void)state;
    mb_sha256 sha;
    mb_sha256_init(&sha);
    double (*const functions[])(double) = {mb_exp, mb_expm1, mb_log, mb_log1p, mb_sin, mb_cos,
        mb_tan, mb_asin, mb_atan, mb_sinh, mb_cosh, mb_tanh};
    mb_random random = mb_random_stream(20240601, MB_PURPOSE_TEST, 0, 0);
    for (size_t i = 0; i < 20000; i++) {
        // No library function may stand between the generator and the argument.
        const double width = (double)(1u << mb_random_below(&random, 10));
        const double x = (mb_random_uniform(&random) - 0.25) * width;
        const double y = (mb_random_uniform(&random) - 0.5) * 8.0;
        for (size_t f = 0; f < MB_COUNT_OF(functions); f++) {
            const double value = functions[f](x);
            hash_double(&sha, value == value ? value : 0.0);
        }
        hash_double(&sha, mb_atan2(y, x));
        hash_double(&sha, mb_pow(fabs(x), y));
        const float floats[] = {mb_expf((float)y), mb_tanhf((float)y), mb_sigmoidf((float)y)};
        mb_sha256_update(&sha, floats, sizeof floats);
    }
    char hex[65];
    mb_sha256_hex(&sha, hex);
    assert_string_equal(hex, "d35d1c0ae14014deb1ea1cf54e1b94a25a44f9037cb86d4bfb6e2256333cff5f");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_math__errors_stay_below_the_stated_ulp),
        cmocka_unit_test(test_math__small_arguments_keep_their_relative_accuracy),
        cmocka_unit_test(test_math__reduction_holds_beside_multiples_of_half_pi),
        cmocka_unit_test(test_math__atan2_is_accurate_in_all_directions),
        cmocka_unit_test(test_math__pow_error_grows_only_with_the_logarithm),
        cmocka_unit_test(test_math__edges_of_exponentials_and_logarithms),
        cmocka_unit_test(test_math__edges_of_angles_and_hyperbolics),
        cmocka_unit_test(test_math__atan2_follows_the_c_standard_on_axes),
        cmocka_unit_test(test_math__floats_are_the_rounded_values),
        cmocka_unit_test(test_math__bits_are_those_of_every_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
