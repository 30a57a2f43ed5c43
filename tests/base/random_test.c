// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/bundle.h"
#include "base/random.h"

#include <math.h>

// The vectors of the generator's authors (Random123, kat_vectors, philox4x32 with 10 rounds).
static void test_random__philox_gives_the_published_vectors(void **state) {
    (void)state;
    const struct {
        uint32_t counter[4], key[2], wanted[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
            {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
            {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < MB_COUNT_OF(vectors); i++) {
        uint32_t got[4];
        mb_random_philox(vectors[i].counter, vectors[i].key, got);
        mb_test_assert_same_bits(got, vectors[i].wanted, 4, sizeof *got, "philox");
    }
}

static void test_random__a_stream_is_the_philox_of_its_coordinates(void **state) {
    (void)state;
    mb_random random = mb_random_stream(0x0123456789abcdefu, MB_PURPOSE_DROPOUT, 7, 11);
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, MB_PURPOSE_DROPOUT, 7, 11};
        const uint32_t key[2] = {0x89abcdefu, 0x01234567u};
        uint32_t wanted[4];
        mb_random_philox(counter, key, wanted);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(mb_random_u32(&random), wanted[i]);
        }
    }
}

static void test_random__a_long_stream_does_not_run_into_another_purpose(void **state) {
    (void)state;
    mb_random random = mb_random_stream(5, MB_PURPOSE_INITIALIZER, 0, 0);
    random.counter[0] = UINT32_MAX;
    for (int i = 0; i < 4; i++) {
        (void)mb_random_u32(&random);
    }
    mb_random other = mb_random_stream(5, MB_PURPOSE_SHUFFLE, 0, 0);
    mb_random same = mb_random_stream(5, MB_PURPOSE_INITIALIZER, 0, 0);
    const uint64_t next = mb_random_u64(&random);
    assert_true(next != mb_random_u64(&other));
    assert_true(next != mb_random_u64(&same));
}

enum { N_DRAWS = 200000 };

static void test_random__streams_of_other_coordinates_are_uncorrelated(void **state) {
    (void)state;
    const uint64_t seed = mb_test_seed();
    const mb_random others[] = {
        mb_random_stream(seed, MB_PURPOSE_SHUFFLE, 3, 4),
        mb_random_stream(seed, MB_PURPOSE_NOISE, 4, 4),
        mb_random_stream(seed, MB_PURPOSE_NOISE, 3, 5),
        mb_random_stream(seed + 1, MB_PURPOSE_NOISE, 3, 4),
    };
    for (size_t k = 0; k < MB_COUNT_OF(others); k++) {
        mb_random first = mb_random_stream(seed, MB_PURPOSE_NOISE, 3, 4);
        mb_random second = others[k];
        double sum = 0.0;
        for (size_t i = 0; i < N_DRAWS; i++) {
            const double a = mb_random_uniform(&first) - 0.5, b = mb_random_uniform(&second) - 0.5;
            sum += a * b * 12.0;
        }
        assert_true(fabs(sum / sqrt((double)N_DRAWS)) < 5.0);
    }
}

typedef struct moments {
    double mean, variance, skewness;
} moments;

typedef double (*draw_fn)(mb_random *random, double a, double b);

static moments measure(draw_fn draw, double a, double b) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    // Around the first draw, so that large means do not cancel.
    const double origin = draw(&random, a, b);
    double s1 = 0.0, s2 = 0.0, s3 = 0.0;
    for (size_t i = 0; i < N_DRAWS; i++) {
        const double x = draw(&random, a, b) - origin;
        s1 += x;
        s2 += x * x;
        s3 += x * x * x;
    }
    const double n = (double)N_DRAWS, mean = s1 / n;
    const double variance = s2 / n - mean * mean;
    const double third = s3 / n - 3.0 * mean * s2 / n + 2.0 * mean * mean * mean;
    return (moments){origin + mean, variance, third / (variance * sqrt(variance))};
}

static double draw_uniform(mb_random *random, double a, double b) {
    return a + (b - a) * mb_random_uniform(random);
}

static double draw_normal(mb_random *random, double a, double b) {
    return a + b * mb_random_normal(random);
}

static double draw_exponential(mb_random *random, double a, double b) {
    (void)b;
    return mb_random_exponential(random, a);
}

static double draw_poisson(mb_random *random, double a, double b) {
    (void)b;
    return (double)mb_random_poisson(random, a);
}

static double draw_gamma(mb_random *random, double a, double b) {
    return mb_random_gamma(random, a, b);
}

static void test_random__moments_are_those_of_the_distributions(void **state) {
    (void)state;
    const struct {
        const char *name;
        draw_fn draw;
        double a, b, mean, variance, skewness, kurtosis;
    } cases[] = {
        {"uniform", draw_uniform, -1.0, 3.0, 1.0, 16.0 / 12.0, 0.0, -1.2},
        {"normal", draw_normal, 2.0, 3.0, 2.0, 9.0, 0.0, 0.0},
        {"exponential", draw_exponential, 2.5, 0.0, 2.5, 6.25, 2.0, 6.0},
        {"poisson 0.1", draw_poisson, 0.1, 0.0, 0.1, 0.1, 3.16227766, 10.0},
        {"poisson 3", draw_poisson, 3.0, 0.0, 3.0, 3.0, 0.57735027, 1.0 / 3.0},
        {"poisson 9.99", draw_poisson, 9.99, 0.0, 9.99, 9.99, 0.31638585, 0.1},
        {"poisson 10", draw_poisson, 10.0, 0.0, 10.0, 10.0, 0.31622777, 0.1},
        {"poisson 140", draw_poisson, 140.0, 0.0, 140.0, 140.0, 0.08451543, 0.0071},
        {"poisson 1e9", draw_poisson, 1e9, 0.0, 1e9, 1e9, 0.0, 0.0},
        {"gamma 0.3", draw_gamma, 0.3, 2.0, 0.6, 1.2, 3.65148372, 20.0},
        {"gamma 1", draw_gamma, 1.0, 2.0, 2.0, 4.0, 2.0, 6.0},
        {"gamma 7.5", draw_gamma, 7.5, 0.5, 3.75, 1.875, 0.73029674, 0.8},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const moments got = measure(cases[i].draw, cases[i].a, cases[i].b);
        // Five standard errors; of the skewness, a generous fixed part of the heavy tails' spread.
        const double n = (double)N_DRAWS, variance = cases[i].variance;
        const double mean_error = 5.0 * sqrt(variance / n);
        const double variance_error = 5.0 * variance * sqrt((cases[i].kurtosis + 2.0) / n);
        const double skewness_error =
            5.0 * sqrt((6.0 + 4.0 * cases[i].kurtosis * cases[i].kurtosis) / n);
        if (!(fabs(got.mean - cases[i].mean) < mean_error &&
                fabs(got.variance - variance) < variance_error &&
                fabs(got.skewness - cases[i].skewness) < skewness_error)) {
            fail_msg("%s: mean %.6g variance %.6g skewness %.6g", cases[i].name, got.mean,
                got.variance, got.skewness);
        }
    }
}

// Pearson's chi square of counts against the probabilities; the tails beyond the bins are the last
// bin.
static void assert_counts(const uint64_t *counts, const double *probabilities, size_t n_bins) {
    double chi = 0.0;
    for (size_t i = 0; i < n_bins; i++) {
        const double wanted = probabilities[i] * (double)N_DRAWS;
        const double difference = (double)counts[i] - wanted;
        chi += difference * difference / wanted;
    }
    const double freedom = (double)n_bins - 1.0;
    if (!(chi < freedom + 5.0 * sqrt(2.0 * freedom) + 10.0)) {
        fail_msg("chi square %.1f of %.0f degrees of freedom", chi, freedom);
    }
}

static void test_random__poisson_counts_have_the_probabilities(void **state) {
    (void)state;
    const double means[] = {0.7, 9.0, 12.0, 25.0};
    for (size_t k = 0; k < MB_COUNT_OF(means); k++) {
        const double mean = means[k];
        const size_t first = (size_t)fmax(0.0, floor(mean - 3.0 * sqrt(mean)));
        const size_t last = (size_t)ceil(mean + 3.0 * sqrt(mean));
        const size_t n_bins = last - first + 2;
        double probabilities[64];
        uint64_t counts[64] = {0};
        double rest = 1.0;
        for (size_t i = 0; i + 1 < n_bins; i++) {
            const double count = (double)(first + i);
            probabilities[i] = exp(count * log(mean) - mean - lgamma(count + 1.0));
            rest -= probabilities[i];
        }
        probabilities[n_bins - 1] = rest;
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, (uint32_t)k);
        for (size_t i = 0; i < N_DRAWS; i++) {
            const uint64_t count = mb_random_poisson(&random, mean);
            counts[count >= first && count <= last ? (size_t)count - first : n_bins - 1]++;
        }
        assert_counts(counts, probabilities, n_bins);
    }
}

static void test_random__below_is_uniform_for_awkward_ranges(void **state) {
    (void)state;
    const uint64_t ranges[] = {1, 2, 7, 10, UINT64_C(3) << 30, UINT64_C(3) << 62};
    for (size_t k = 0; k < MB_COUNT_OF(ranges); k++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, (uint32_t)k);
        const uint64_t n_bins = ranges[k] < 12 ? ranges[k] : 12;
        uint64_t counts[12] = {0};
        double probabilities[12];
        for (size_t i = 0; i < N_DRAWS; i++) {
            const uint64_t number = mb_random_below(&random, ranges[k]);
            assert_true(number < ranges[k]);
            counts[number / (ranges[k] / n_bins)]++;
        }
        for (size_t i = 0; i < n_bins; i++) {
            probabilities[i] = 1.0 / (double)n_bins;
        }
        assert_counts(counts, probabilities, (size_t)n_bins);
    }
}

static void test_random__uniforms_stay_in_their_half_open_ranges(void **state) {
    (void)state;
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    random.used = 0;
    memset(random.block, 0xff, sizeof random.block);
    assert_true(mb_random_uniform(&random) < 1.0);
    assert_true(mb_random_uniform_positive(&random) == 1.0);
    random.used = 0;
    memset(random.block, 0, sizeof random.block);
    assert_true(mb_random_uniform(&random) == 0.0);
    assert_true(mb_random_uniform_positive(&random) > 0.0);
}

static void test_random__shuffle_gives_every_permutation_alike(void **state) {
    (void)state;
    uint64_t counts[24] = {0};
    double probabilities[24];
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, 0);
    for (size_t i = 0; i < N_DRAWS; i++) {
        uint32_t order[4] = {0, 1, 2, 3};
        mb_random_shuffle(&random, order, 4);
        size_t index = 0, seen = 0;
        for (size_t a = 0; a < 4; a++) {
            size_t smaller = 0;
            for (size_t b = a + 1; b < 4; b++) {
                smaller += order[b] < order[a];
            }
            index = index * (4 - a) + smaller;
            seen |= (size_t)1 << order[a];
        }
        assert_int_equal(seen, 15);
        counts[index]++;
    }
    for (size_t i = 0; i < 24; i++) {
        probabilities[i] = 1.0 / 24.0;
    }
    assert_counts(counts, probabilities, 24);
    mb_random_shuffle(&random, NULL, 0);
}

static void test_random__odd_parameters_end_and_give_zero(void **state) {
    (void)state;
    mb_random random = mb_random_stream(1, MB_PURPOSE_TEST, 0, 0);
    assert_int_equal(mb_random_poisson(&random, 0.0), 0);
    assert_int_equal(mb_random_poisson(&random, -1.0), 0);
    assert_int_equal(mb_random_poisson(&random, NAN), 0);
    assert_true(mb_random_poisson(&random, INFINITY) > 0);
    assert_true(mb_random_gamma(&random, 0.0, 1.0) == 0.0);
    assert_true(mb_random_gamma(&random, NAN, 1.0) == 0.0);
}

// Any change of these digits changes every seeded result: it needs a line in the change log.
static void test_random__bits_are_those_of_every_release(void **state) {
    (void)state;
    mb_sha256 sha;
    mb_sha256_init(&sha);
    mb_random random = mb_random_stream(42, MB_PURPOSE_SIMULATE, 1, 2);
    for (size_t i = 0; i < 5000; i++) {
        // One statement a draw: the order inside an initializer list is the compiler's.
        double reals[5];
        uint64_t naturals[4];
        reals[0] = mb_random_uniform(&random);
        reals[1] = mb_random_normal(&random);
        reals[2] = mb_random_exponential(&random, 2.0);
        reals[3] = mb_random_gamma(&random, 0.5, 1.0);
        reals[4] = mb_random_gamma(&random, 3.0, 1.0);
        naturals[0] = mb_random_poisson(&random, 3.0);
        naturals[1] = mb_random_poisson(&random, 40.0);
        naturals[2] = mb_random_below(&random, 1000);
        naturals[3] = mb_random_below(&random, UINT64_C(1) << 40);
        mb_sha256_update(&sha, reals, sizeof reals);
        mb_sha256_update(&sha, naturals, sizeof naturals);
    }
    uint32_t order[1000];
    for (uint32_t i = 0; i < 1000; i++) {
        order[i] = i;
    }
    mb_random_shuffle(&random, order, 1000);
    mb_sha256_update(&sha, order, sizeof order);
    char hex[65];
    mb_sha256_hex(&sha, hex);
    assert_string_equal(hex, "26080189cd424cb1ba2ba305b98cc207f5b7744b233fababa84a21e1dc147aea");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random__philox_gives_the_published_vectors),
        cmocka_unit_test(test_random__a_stream_is_the_philox_of_its_coordinates),
        cmocka_unit_test(test_random__a_long_stream_does_not_run_into_another_purpose),
        cmocka_unit_test(test_random__streams_of_other_coordinates_are_uncorrelated),
        cmocka_unit_test(test_random__moments_are_those_of_the_distributions),
        cmocka_unit_test(test_random__poisson_counts_have_the_probabilities),
        cmocka_unit_test(test_random__below_is_uniform_for_awkward_ranges),
        cmocka_unit_test(test_random__uniforms_stay_in_their_half_open_ranges),
        cmocka_unit_test(test_random__shuffle_gives_every_permutation_alike),
        cmocka_unit_test(test_random__odd_parameters_end_and_give_zero),
        cmocka_unit_test(test_random__bits_are_those_of_every_release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
