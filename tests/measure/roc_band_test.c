// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc_band.h"

#include "measure/ranking.h"
#include "measure/rate_curve.h"
#include "words.h"

#include <math.h>

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { LARGEST = 256 };

static void assert_near(const char *name, double got, double wanted) {
    if (!(fabs(got - wanted) < 1e-12)) {
        fail_msg("%s: %.17g, wanted %.17g", name, got, wanted);
    }
}

static void check_band(words *w) {
    static double wide[LARGEST], grid[LARGEST], mean[LARGEST], deviation[LARGEST];
    static float narrow[LARGEST];
    static int64_t label[LARGEST];
    static uint32_t fold[LARGEST], ours[LARGEST];
    const char *name = next_word(w);
    const bool is_single = strcmp(next_word(w), "float32") == 0;
    const size_t n = (size_t)next_number(w);
    const size_t n_folds = (size_t)next_number(w);
    const size_t n_points = (size_t)next_number(w);
    assert_true(n <= LARGEST && n_points <= LARGEST);
    for (size_t i = 0; i < n; i++) {
        wide[i] = next_number(w);
        narrow[i] = (float)wide[i];
        label[i] = (int64_t)next_number(w);
        fold[i] = (uint32_t)next_number(w);
    }
    for (size_t i = 0; i < n_points; i++) {
        grid[i] = next_number(w);
        mean[i] = next_number(w);
        deviation[i] = next_number(w);
    }
    const mb_values labels = mb_values_i64(label, n);
    if (strcmp(name, "random") != 0) {
        assert_ok(world.ctx, mb_folds_consecutive(world.ctx, labels, n_folds, ours));
        assert_memory_equal(ours, fold, n * sizeof *fold);
    }
    mb_roc_band band;
    assert_ok(world.ctx, mb_roc_band_make(&band, world.ctx,
                             is_single ? mb_values_f32(narrow, n) : mb_values_f64(wide, n), labels,
                             fold, n_folds, grid, n_points));
    for (size_t i = 0; i < n_points; i++) {
        assert_near(name, band.mean[i], mean[i]);
        assert_near(name, band.deviation[i], deviation[i]);
    }
    assert_string_equal(next_word(w), "auc");
    assert_near(name, band.auc_mean, next_number(w));
    assert_near(name, band.auc_deviation, next_number(w));
    assert_near(name, band.auc_of_mean, next_number(w));
    mb_roc_band_clear(&band);
}

static void check_curve(words *w) {
    static double score[LARGEST];
    const char *name = next_word(w);
    const size_t n = (size_t)next_number(w);
    const size_t n_points = (size_t)next_number(w);
    mb_rate_curve curve;
    assert_true(n <= LARGEST);
    for (size_t i = 0; i < n; i++) {
        score[i] = next_number(w);
    }
    assert_ok(world.ctx, mb_rate_curve_make(&curve, world.ctx, mb_values_f64(score, n), 28610));
    assert_true(curve.rate_khz[0] == 28610 && curve.rate_khz[n - 1] == 0);
    for (size_t i = 0; i < n_points; i++) {
        const double threshold = next_number(w);
        const double wanted = next_number(w);
        if (!(fabs(mb_rate_curve_at(&curve, threshold) - wanted) < 1e-9)) {
            fail_msg("%s at %g: %.17g, wanted %.17g", name, threshold,
                mb_rate_curve_at(&curve, threshold), wanted);
        }
    }
    mb_rate_curve_clear(&curve);
}

static void test_roc_band__equals_scikit_learn_and_numpy(void **state) {
    (void)state;
    words w;
    words_open(&w, world.ctx, "tests/golden/roc_bands.txt");
    int n_bands = 0;
    int n_curves = 0;
    for (const char *kind = next_word(&w); kind != NULL; kind = next_word(&w)) {
        if (strcmp(kind, "band") == 0) {
            check_band(&w);
            n_bands++;
        } else {
            check_curve(&w);
            n_curves++;
        }
    }
    assert_int_equal(n_bands, 4);
    assert_int_equal(n_curves, 2);
    words_close(&w);
}

static void test_roc_band__random_folds_are_stratified_and_follow_the_seed(void **state) {
    (void)state;
    enum { N = 103, FOLDS = 4 };
    uint8_t label[N];
    uint32_t fold[N], again[N], other[N], consecutive[N];
    size_t size[2][FOLDS][2] = {{{0}}};
    for (size_t i = 0; i < N; i++) {
        label[i] = i % 3 == 1 ? 1 : 0;
    }
    const mb_values labels = mb_values_u8(label, N);
    assert_ok(world.ctx, mb_folds_random(world.ctx, labels, FOLDS, 7, fold));
    assert_ok(world.ctx, mb_folds_random(world.ctx, labels, FOLDS, 7, again));
    assert_ok(world.ctx, mb_folds_random(world.ctx, labels, FOLDS, 8, other));
    assert_ok(world.ctx, mb_folds_consecutive(world.ctx, labels, FOLDS, consecutive));
    assert_memory_equal(fold, again, sizeof fold);
    assert_memory_not_equal(fold, other, sizeof fold);
    assert_memory_not_equal(fold, consecutive, sizeof fold);
    for (size_t i = 0; i < N; i++) {
        size[0][fold[i]][label[i]]++;
        size[1][consecutive[i]][label[i]]++;
    }
    assert_memory_equal(size[0], size[1], sizeof size[0]);
}

static void test_roc_band__makes_common_false_rates(void **state) {
    (void)state;
    double logarithmic[7];
    mb_false_rates_log(logarithmic, 7, 1e-6);
    for (size_t i = 0; i < 7; i++) {
        assert_true(fabs(logarithmic[i] / pow(10, (double)i - 6) - 1) < 1e-14);
    }
    assert_true(logarithmic[0] == 1e-6 && logarithmic[6] == 1);
}

static void test_roc_band__refuses_what_makes_no_band(void **state) {
    (void)state;
    static const float score[6] = {1, 2, 3, 4, 5, 6};
    static const float with_nan[6] = {1, 2, 3, NAN, 5, 6};
    static const uint8_t label[6] = {0, 1, 0, 1, 0, 1};
    static const uint32_t fold[6] = {0, 0, 1, 1, 1, 1}, one_class[6] = {0, 1, 0, 1, 1, 1};
    static const uint32_t far[6] = {0, 0, 1, 1, 2, 1};
    static const double grid[3] = {0, 0.5, 1}, fallen[3] = {0, 0.5, 0.5};
    const mb_values scores = mb_values_f32(score, 6), labels = mb_values_u8(label, 6);
    mb_context *ctx = world.ctx;
    uint32_t out[6];
    mb_roc_band band;
    assert_fails(ctx, mb_folds_consecutive(ctx, labels, 1, out), MB_ERR_RANGE, "take 2 or more");
    assert_fails(ctx, mb_folds_random(ctx, labels, 4, 1, out), MB_ERR_FORMAT,
        "4 folds of 3 background events");
    assert_fails(ctx, mb_roc_band_make(&band, ctx, scores, labels, far, 2, grid, 3), MB_ERR_RANGE,
        "row 4 is in fold 2 of 2");
    assert_fails(ctx, mb_roc_band_make(&band, ctx, scores, labels, one_class, 2, grid, 3),
        MB_ERR_FORMAT, "fold 0: labels: all 2 are 0");
    assert_fails(ctx, mb_roc_band_make(&band, ctx, scores, labels, fold, 2, fallen, 3),
        MB_ERR_RANGE, "false rate 2 is 0.5; they must rise");
    assert_fails(ctx,
        mb_roc_band_make(&band, ctx, mb_values_f32(with_nan, 6), labels, fold, 2, grid, 3),
        MB_ERR_RANGE, "row 3 is not a number");
    assert_fails(ctx,
        mb_roc_band_make(&band, ctx, scores, mb_values_u8(label, 5), fold, 2, grid, 3),
        MB_ERR_SHAPE, "5 labels for 6 scores");
    assert_null(band.mean);
}

static void test_rate_curve__compares_two_on_their_common_range(void **state) {
    (void)state;
    static const float a[5] = {4, 0, 2, 1, 3};
    static const float b[3] = {1, 11, 6};
    static const float far[2] = {20, 21};
    mb_rate_curve first;
    mb_rate_curve second;
    mb_rate_curve third;
    mb_rate_ratio ratio[MB_RATE_RATIO_POINTS];
    assert_ok(world.ctx, mb_rate_curve_make(&first, world.ctx, mb_values_f32(a, 5), 1000));
    assert_ok(world.ctx, mb_rate_curve_make(&second, world.ctx, mb_values_f32(b, 3), 100));
    assert_ok(world.ctx, mb_rate_curve_make(&third, world.ctx, mb_values_f32(far, 2), 100));
    assert_ok(world.ctx, mb_rate_curve_ratio(world.ctx, &first, &second, ratio));
    for (size_t i = 0; i < MB_RATE_RATIO_POINTS; i++) {
        // Straight lines: the first falls by 250 kHz from 1 to 2, the second by 10 kHz.
        const double x = 1 + (double)i * 3 / 99;
        assert_true(fabs(ratio[i].threshold - x) < 1e-12);
        assert_true(fabs(ratio[i].rate_khz[0] - (1000 - 250 * x)) < 1e-9);
        assert_true(fabs(ratio[i].rate_khz[1] - (110 - 10 * x)) < 1e-9);
        assert_true(fabs(ratio[i].ratio - (1000 - 250 * x) / (110 - 10 * x)) < 1e-9);
    }
    assert_ok(world.ctx, mb_rate_curve_ratio(world.ctx, &second, &first, ratio));
    assert_true(isnan(ratio[MB_RATE_RATIO_POINTS - 1].ratio));
    assert_fails(world.ctx, mb_rate_curve_ratio(world.ctx, &first, &third, ratio), MB_ERR_RANGE,
        "no common range");
    mb_rate_curve_clear(&first);
    mb_rate_curve_clear(&second);
    mb_rate_curve_clear(&third);
}

static void test_rate_curve__refuses_what_has_no_curve(void **state) {
    (void)state;
    static const float score[3] = {1, 2, INFINITY};
    mb_rate_curve curve;
    assert_fails(world.ctx, mb_rate_curve_make(&curve, world.ctx, mb_values_f32(score, 1), 100),
        MB_ERR_FORMAT, "at least two events");
    assert_fails(world.ctx, mb_rate_curve_make(&curve, world.ctx, mb_values_f32(score, 2), 0),
        MB_ERR_RANGE, "input rate is 0 kHz");
    assert_fails(world.ctx, mb_rate_curve_make(&curve, world.ctx, mb_values_f32(score, 3), 100),
        MB_ERR_RANGE, "row 2 is not a finite number");
    assert_null(curve.threshold);
    // Places are counted in 32 bits.
    uint64_t *none = NULL;
    assert_fails(world.ctx, mb_keys_sort(world.ctx, &none, (uint64_t)UINT32_MAX + 1, 64),
        MB_ERR_LIMIT, "4294967296 are to be sorted");
}

static mb_status make_all(void *user, mb_context *ctx) {
    (void)user;
    static const float score[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t label[8] = {0, 1, 0, 1, 0, 1, 0, 1};
    static const double grid[3] = {0, 0.5, 1};
    const mb_values scores = mb_values_f32(score, 8), labels = mb_values_u8(label, 8);
    uint32_t fold[8];
    mb_roc_band band;
    mb_rate_curve curve;
    MB_TRY(mb_folds_random(ctx, labels, 2, 3, fold));
    MB_TRY(mb_roc_band_make(&band, ctx, scores, labels, fold, 2, grid, 3));
    mb_roc_band_clear(&band);
    MB_TRY(mb_rate_curve_make(&curve, ctx, scores, 100));
    mb_rate_curve_clear(&curve);
    return MB_OK;
}

static void test_roc_band__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    assert_true(mb_test_each_lack_of_memory(make_all, NULL) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roc_band__equals_scikit_learn_and_numpy),
        cmocka_unit_test(test_roc_band__random_folds_are_stratified_and_follow_the_seed),
        cmocka_unit_test(test_roc_band__makes_common_false_rates),
        cmocka_unit_test(test_roc_band__refuses_what_makes_no_band),
        cmocka_unit_test(test_rate_curve__compares_two_on_their_common_range),
        cmocka_unit_test(test_rate_curve__refuses_what_has_no_curve),
        cmocka_unit_test(test_roc_band__any_lack_of_memory_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
