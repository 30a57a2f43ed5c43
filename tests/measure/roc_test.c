// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "measure/roc.h"
#include "words.h"

#include <math.h>

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { LARGEST = 256 };

static void check_case(words *r) {
    const char *name = next_word(r);
    const char *type = next_word(r);
    const bool is_single = strcmp(type, "float32") == 0;
    const size_t n = (size_t)next_number(r);
    const size_t n_vertices = (size_t)next_number(r);
    assert_true(n <= LARGEST);
    static double wide[LARGEST];
    static float narrow[LARGEST];
    static int64_t label[LARGEST];
    for (size_t i = 0; i < n; i++) {
        wide[i] = next_number(r);
        narrow[i] = (float)wide[i];
        label[i] = (int64_t)next_number(r);
    }
    mb_roc roc;
    assert_ok(world.ctx,
        mb_roc_make(&roc, world.ctx, is_single ? mb_values_f32(narrow, n) : mb_values_f64(wide, n),
            mb_values_i64(label, n)));
    if (roc.n_vertices != n_vertices) {
        fail_msg("%s: %zu vertices, wanted %zu", name, roc.n_vertices, n_vertices);
    }
    for (size_t i = 0; i < n_vertices; i++) {
        const double threshold = next_number(r);
        const double false_rate = next_number(r);
        const double true_rate = next_number(r);
        assert_true(roc.threshold[i] == threshold);
        assert_true(fabs(mb_roc_false_rate(&roc, i) - false_rate) < 1e-12);
        assert_true(fabs(mb_roc_true_rate(&roc, i) - true_rate) < 1e-12);
    }
    assert_string_equal(next_word(r), "auc");
    const double auc = next_number(r);
    if (!(fabs(roc.auc - auc) < 1e-12)) {
        fail_msg("%s: AUC %.17g, wanted %.17g", name, roc.auc, auc);
    }
    for (int k = 0; k < 3; k++) {
        assert_string_equal(next_word(r), "at");
        const double target = next_number(r);
        const double wanted = next_number(r);
        mb_rate_point point;
        assert_ok(world.ctx, mb_roc_at_rate(&roc, world.ctx, 1000, target, &point));
        if (!(fabs(point.efficiency_interpolated - wanted) < 1e-12)) {
            fail_msg("%s at %g: %.17g, wanted %.17g", name, target, point.efficiency_interpolated,
                wanted);
        }
    }
    mb_roc_clear(&roc);
}

static void test_roc__equals_scikit_learn(void **state) {
    (void)state;
    words r;
    words_open(&r, world.ctx, "tests/golden/roc.txt");
    int n_cases = 0;
    while (next_word(&r) != NULL) {
        check_case(&r);
        n_cases++;
    }
    assert_int_equal(n_cases, 15);
    words_close(&r);
}

// Scores on a coarse grid, so that there are ties; label 1 moves the score up.
static void make_sample(float *score, uint8_t *label, size_t n, uint32_t stream, float shift) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, stream);
    for (size_t i = 0; i < n; i++) {
        label[i] = mb_random_uniform(&random) < 0.4 ? 1 : 0;
        const float noise = (float)mb_random_uniform(&random) + (float)mb_random_uniform(&random);
        score[i] = floorf(32 * (noise + shift * (float)label[i])) / 32;
    }
}

static double pair_value(float signal, float background) {
    return signal > background ? 1 : signal == background ? 0.5 : 0;
}

static void test_roc__auc_equals_counting_all_pairs(void **state) {
    (void)state;
    enum { N = 300 };
    float score[N];
    uint8_t label[N];
    for (uint32_t round = 0; round < 5; round++) {
        make_sample(score, label, N, round, 0.3F);
        double sum = 0;
        double n_pairs = 0;
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++) {
                if (label[i] == 1 && label[j] == 0) {
                    sum += pair_value(score[i], score[j]);
                    n_pairs++;
                }
            }
        }
        mb_roc roc;
        assert_ok(world.ctx,
            mb_roc_make(&roc, world.ctx, mb_values_f32(score, N), mb_values_u8(label, N)));
        assert_true(fabs(roc.auc - sum / n_pairs) < 1e-15);
        mb_roc_clear(&roc);
    }
}

// DeLong's formula as it is written in the paper, over all pairs.
static double slow_variance(
    const float *a, const float *b, const uint8_t *label, size_t n, double *auc_difference) {
    double n_class[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        n_class[label[i]]++;
    }
    double mean[2] = {0, 0};
    double squares[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        double part = 0;
        for (size_t j = 0; j < n; j++) {
            if (label[i] == 1 && label[j] == 0) {
                part += (pair_value(a[i], a[j]) - (b != NULL ? pair_value(b[i], b[j]) : 0)) /
                        n_class[0];
            } else if (label[i] == 0 && label[j] == 1) {
                part += (pair_value(a[j], a[i]) - (b != NULL ? pair_value(b[j], b[i]) : 0)) /
                        n_class[1];
            }
        }
        mean[label[i]] += part / n_class[label[i]];
        squares[label[i]] += part * part;
    }
    *auc_difference = mean[1];
    double variance = 0;
    for (int c = 0; c < 2; c++) {
        const double m = n_class[c];
        variance += (squares[c] - m * mean[c] * mean[c]) / (m - 1) / m;
    }
    return variance;
}

static void test_roc__errors_equal_delong_over_all_pairs(void **state) {
    (void)state;
    enum { N = 200 };
    float a[N];
    float b[N];
    uint8_t label[N];
    make_sample(a, label, N, 20, 0.3F);
    make_sample(b, label, N, 21, 0.1F);
    for (size_t i = 0; i < N; i++) {
        b[i] = (a[i] + b[i]) / 2;
    }
    double difference;
    mb_roc roc;
    assert_ok(world.ctx, mb_roc_make(&roc, world.ctx, mb_values_f32(a, N), mb_values_u8(label, N)));
    const double single = sqrt(slow_variance(a, NULL, label, N, &difference));
    assert_true(fabs(roc.auc_error - single) < 1e-12);
    mb_roc_clear(&roc);

    mb_auc_comparison comparison;
    assert_ok(world.ctx, mb_auc_compare_paired(world.ctx, mb_values_f32(b, N), mb_values_f32(a, N),
                             mb_values_u8(label, N), &comparison));
    const double paired = sqrt(slow_variance(a, b, label, N, &difference));
    assert_true(fabs(comparison.difference - difference) < 1e-12);
    assert_true(fabs(comparison.error - paired) < 1e-12);
    assert_true(comparison.is_paired);
    assert_true(fabs(comparison.sigmas - difference / paired) < 1e-6);
}

static void test_roc__equal_scores_do_not_differ(void **state) {
    (void)state;
    enum { N = 60 };
    float a[N];
    uint8_t label[N];
    make_sample(a, label, N, 30, 0.2F);
    mb_auc_comparison comparison;
    assert_ok(world.ctx, mb_auc_compare_paired(world.ctx, mb_values_f32(a, N), mb_values_f32(a, N),
                             mb_values_u8(label, N), &comparison));
    assert_true(comparison.difference == 0 && comparison.error == 0 && comparison.sigmas == 0);
}

static void test_roc__different_events_add_in_quadrature(void **state) {
    (void)state;
    const mb_roc a = {.auc = 0.8, .auc_error = 0.03};
    const mb_roc b = {.auc = 0.9, .auc_error = 0.04};
    const mb_auc_comparison comparison = mb_auc_compare_independent(&a, &b);
    assert_true(fabs(comparison.error - 0.05) < 1e-15);
    assert_true(fabs(comparison.sigmas - 2) < 1e-12);
    assert_false(comparison.is_paired);
}

// Ten background events 0 .. 9, five signal events: one background event is 100 kHz of 1 MHz.
static const float ladder_score[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9.5F, 8.5F, 8, 7.5F, 1.5F};
static const float ladder_label[15] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1};

static mb_rate_point ladder_at(double target_khz) {
    mb_roc roc;
    mb_rate_point point;
    assert_ok(world.ctx, mb_roc_make(&roc, world.ctx, mb_values_f32(ladder_score, 15),
                             mb_values_f32(ladder_label, 15)));
    assert_ok(world.ctx, mb_roc_at_rate(&roc, world.ctx, 1000, target_khz, &point));
    mb_roc_clear(&roc);
    return point;
}

static void test_rate__threshold_is_the_lowest_existing_score_within_the_rate(void **state) {
    (void)state;
    // One event allowed: 8.5 is the last score above the second background event at 8.
    mb_rate_point point = ladder_at(150);
    assert_int_equal(point.verdict, MB_RATE_OK);
    assert_true(point.threshold == 8.5);
    assert_int_equal(point.background_events, 1);
    assert_int_equal(point.next_background_events, 2);
    assert_int_equal(point.signal.k, 2);
    assert_true(point.signal.value == 0.4);
    assert_true(point.rate_khz == 100 && point.rate_error_khz == 100);
    // Vertices (1, 2/5) and (2, 3/5), half way.
    assert_true(fabs(point.efficiency_interpolated - 0.5) < 1e-15);
    // Two allowed: at 8 signal and background share the score, 7.5 follows without another event.
    point = ladder_at(200);
    assert_true(point.threshold == 7.5);
    assert_int_equal(point.background_events, 2);
    assert_int_equal(point.signal.k, 4);
    // Everything.
    point = ladder_at(5000);
    assert_true(point.threshold == 0);
    assert_true(point.signal.value == 1 && point.efficiency_interpolated == 1);
}

static void test_rate__less_than_one_event_gives_no_threshold(void **state) {
    (void)state;
    const mb_rate_point point = ladder_at(99);
    char text[200];
    assert_int_equal(point.verdict, MB_RATE_TOO_FEW);
    assert_string_equal(mb_rate_point_text(&point, text, sizeof text),
        "no threshold at 99 kHz: the sample allows 0.99 background events there, less than one; 11 "
        "or more background events are needed");
    // The interpolation knows no such limit: the line from (0, 1/5) to (1, 1/5).
    assert_true(fabs(point.efficiency_interpolated - 0.2) < 1e-15);
    assert_int_equal(point.signal.n, 0);
    assert_int_equal(ladder_at(99.99999).verdict, MB_RATE_TOO_FEW);
    assert_int_equal(ladder_at(100).verdict, MB_RATE_OK);
}

static void test_rate__one_event_too_few_is_never_called_one(void **state) {
    (void)state;
    const mb_rate_point point = ladder_at(99.99999);
    char text[200];
    assert_non_null(strstr(mb_rate_point_text(&point, text, sizeof text), "allows 0.999 back"));
}

static void test_rate__ties_at_the_top_give_no_threshold(void **state) {
    (void)state;
    const float score[6] = {1, 1, 1, 1, 0, 0};
    const float label[6] = {0, 0, 0, 1, 0, 1};
    mb_roc roc;
    mb_rate_point point;
    char text[200];
    assert_ok(
        world.ctx, mb_roc_make(&roc, world.ctx, mb_values_f32(score, 6), mb_values_f32(label, 6)));
    assert_ok(world.ctx, mb_roc_at_rate(&roc, world.ctx, 4, 2, &point));
    assert_int_equal(point.verdict, MB_RATE_TIED);
    assert_int_equal(point.next_background_events, 3);
    assert_non_null(strstr(mb_rate_point_text(&point, text, sizeof text), "share the highest"));
    assert_fails(world.ctx, mb_roc_at_rate(&roc, world.ctx, 0, 2, &point), MB_ERR_RANGE, "rate");
    assert_fails(world.ctx, mb_roc_at_rate(&roc, world.ctx, 4, NAN, &point), MB_ERR_RANGE, "rate");
    mb_roc_clear(&roc);
}

static void test_roc__finds_the_vertex_of_a_threshold(void **state) {
    (void)state;
    mb_roc roc;
    assert_ok(world.ctx, mb_roc_make(&roc, world.ctx, mb_values_f32(ladder_score, 15),
                             mb_values_f32(ladder_label, 15)));
    for (double threshold = -1; threshold < 11; threshold += 0.25) {
        uint64_t accepted = 0;
        for (size_t i = 0; i < 15; i++) {
            accepted += (double)ladder_score[i] >= threshold ? 1 : 0;
        }
        const size_t vertex = mb_roc_vertex_at(&roc, threshold);
        assert_int_equal(roc.n_true[vertex] + roc.n_false[vertex], accepted);
    }
    mb_roc_clear(&roc);
}

static void test_rate__parses_units_exactly(void **state) {
    (void)state;
    double khz;
    assert_ok(world.ctx, mb_rate_parse(world.ctx, "5kHz", &khz));
    assert_true(khz == 5);
    assert_ok(world.ctx, mb_rate_parse(world.ctx, "28.61MHz", &khz));
    assert_true(khz == 28610);
    assert_ok(world.ctx, mb_rate_parse(world.ctx, " 11.246 kHz ", &khz));
    assert_true(khz == 11.246);
    assert_ok(world.ctx, mb_rate_parse(world.ctx, "62.2 Hz", &khz));
    assert_true(khz == 0.0622);
    assert_ok(world.ctx, mb_rate_parse(world.ctx, "4e-2GHz", &khz));
    assert_true(khz == 40000);
    static const char *const bad[] = {
        "", "5", "kHz", "-5kHz", "0Hz", "5khz", "5kHzz", "5 k Hz", "1e400kHz", "nan kHz"};
    for (size_t i = 0; i < MB_COUNT_OF(bad); i++) {
        assert_fails(world.ctx, mb_rate_parse(world.ctx, bad[i], &khz), MB_ERR_FORMAT, "rate");
    }
    char text[32];
    assert_string_equal(mb_rate_format(28610, text, sizeof text), "28.61 MHz");
    assert_string_equal(mb_rate_format(0.0622, text, sizeof text), "62.2 Hz");
}

static void refuse(const float *score, size_t n_scores, const float *label, size_t n_labels,
    mb_status status, const char *part) {
    mb_roc roc;
    assert_fails(world.ctx,
        mb_roc_make(
            &roc, world.ctx, mb_values_f32(score, n_scores), mb_values_f32(label, n_labels)),
        status, part);
    assert_null(roc.threshold);
}

static void test_roc__refuses_what_has_no_curve(void **state) {
    (void)state;
    const float score[3] = {0.1F, 0.2F, 0.3F};
    const float with_nan[3] = {0.1F, NAN, 0.3F};
    refuse(score, 0, (const float[]){0}, 0, MB_ERR_FORMAT, "no rows");
    refuse(score, 3, (const float[]){0, 1}, 2, MB_ERR_SHAPE, "2 labels for 3 scores");
    refuse(score, 3, (const float[]){0, 0, 0}, 3, MB_ERR_FORMAT, "all 3 are 0");
    refuse(score, 3, (const float[]){1, 1, 1}, 3, MB_ERR_FORMAT, "all 3 are 1");
    refuse(score, 3, (const float[]){0, 1, 2}, 3, MB_ERR_FORMAT, "row 2 is 2");
    refuse(score, 3, (const float[]){0, 1, NAN}, 3, MB_ERR_FORMAT, "row 2");
    refuse(with_nan, 3, (const float[]){0, 1, 1}, 3, MB_ERR_RANGE, "row 1");
    const int64_t large[2] = {INT64_C(9007199254740993), 1};
    mb_roc roc;
    assert_fails(world.ctx,
        mb_roc_make(
            &roc, world.ctx, mb_values_i64(large, 2), mb_values_f32((const float[]){0, 1}, 2)),
        MB_ERR_RANGE, "2^53");
}

static void test_roc__one_event_of_a_class_has_no_error(void **state) {
    (void)state;
    mb_roc roc;
    assert_ok(world.ctx,
        mb_roc_make(&roc, world.ctx, mb_values_f32((const float[]){-INFINITY, 0, INFINITY}, 3),
            mb_values_f32((const float[]){0, 0, 1}, 3)));
    assert_true(roc.auc == 1);
    assert_true(isnan(roc.auc_error));
    assert_int_equal(roc.n_vertices, 4);
    mb_roc_clear(&roc);
}

// More events than one task takes, of which few are signal; n_levels 0: scores hardly ever tie.
enum { MANY = 300000 };

static void make_many(float *score, float *label, float n_levels) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 0);
    for (size_t i = 0; i < MANY; i++) {
        label[i] = mb_random_uniform(&random) < 0.07 ? 1.0F : 0.0F;
        score[i] = (float)(mb_random_normal(&random) + (double)label[i]);
        score[i] = n_levels > 0 ? roundf(score[i] * n_levels) / n_levels : score[i];
    }
}

static void assert_same_curve(const mb_roc *a, const mb_roc *b) {
    assert_int_equal(a->n_vertices, b->n_vertices);
    mb_test_assert_same_bits(a->threshold, b->threshold, a->n_vertices, 8, "thresholds");
    mb_test_assert_same_bits(a->n_true, b->n_true, a->n_vertices, 8, "signal");
    mb_test_assert_same_bits(a->n_false, b->n_false, a->n_vertices, 8, "background");
    mb_test_assert_same_bits(&a->auc, &b->auc, 1, 8, "area");
    mb_test_assert_same_bits(&a->auc_error, &b->auc_error, 1, 8, "error");
}

static void test_roc__has_the_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    float *score = mb_allocate(world.ctx, MANY, sizeof *score);
    float *label = mb_allocate(world.ctx, MANY, sizeof *label);
    double *wide = mb_allocate(world.ctx, MANY, sizeof *wide);
    for (unsigned round = 0; round < 2; round++) {
        mb_roc roc[4];
        mb_test_world other[4];
        make_many(score, label, round == 0 ? 0 : 100);
        for (size_t i = 0; i < MANY; i++) {
            wide[i] = (double)score[i];
        }
        for (unsigned n = 0; n < 4; n++) {
            // The last: the same scores, with keys of 64 bits.
            static const unsigned n_threads[] = {1, 2, 5, 2};
            mb_test_world_open(&other[n], n_threads[n], MB_CPU_ALL);
            assert_ok(
                other[n].ctx, mb_roc_make(&roc[n], other[n].ctx,
                                  n < 3 ? mb_values_f32(score, MANY) : mb_values_f64(wide, MANY),
                                  mb_values_f32(label, MANY)));
            assert_same_curve(&roc[n], &roc[0]);
        }
        assert_true(round == 1 || roc[0].n_vertices > MANY / 2);
        for (unsigned n = 0; n < 4; n++) {
            mb_roc_clear(&roc[n]);
            mb_test_world_close(&other[n]);
        }
    }
    mb_release(world.ctx, wide);
    mb_release(world.ctx, label);
    mb_release(world.ctx, score);
}

static void test_roc__counts_many_events_as_one_by_one(void **state) {
    (void)state;
    enum { LEVELS = 4001, MIDDLE = 2000 };
    static uint64_t n[LEVELS][2];
    float *score = mb_allocate(world.ctx, MANY, sizeof *score);
    float *label = mb_allocate(world.ctx, MANY, sizeof *label);
    make_many(score, label, 100);
    for (size_t i = 0; i < MANY; i++) {
        n[(long)roundf(score[i] * 100) + MIDDLE][label[i] == 1.0F ? 1 : 0]++;
    }
    mb_roc roc;
    assert_ok(world.ctx,
        mb_roc_make(&roc, world.ctx, mb_values_f32(score, MANY), mb_values_f32(label, MANY)));
    uint64_t accepted[2] = {0, 0};
    uint64_t twice = 0;
    size_t vertex = 0;
    for (size_t level = LEVELS; level-- > 0;) {
        if (n[level][0] + n[level][1] == 0) {
            continue;
        }
        twice += n[level][0] * (2 * accepted[1] + n[level][1]);
        accepted[0] += n[level][0];
        accepted[1] += n[level][1];
        vertex++;
        assert_true(vertex < roc.n_vertices);
        assert_int_equal(roc.n_false[vertex], accepted[0]);
        assert_int_equal(roc.n_true[vertex], accepted[1]);
        assert_true(roc.threshold[vertex] == (double)(((float)level - MIDDLE) / 100));
    }
    assert_int_equal(vertex + 1, roc.n_vertices);
    assert_true(roc.auc == (double)twice / 2 / (double)(accepted[0] * accepted[1]));
    mb_roc_clear(&roc);
    mb_release(world.ctx, label);
    mb_release(world.ctx, score);
}

static void test_roc__names_the_first_bad_row_of_many(void **state) {
    (void)state;
    float *score = mb_allocate(world.ctx, MANY, sizeof *score);
    float *label = mb_allocate(world.ctx, MANY, sizeof *label);
    make_many(score, label, 0);
    score[270000] = NAN;
    score[140001] = NAN;
    label[140002] = 0.5F;
    refuse(score, MANY, label, MANY, MB_ERR_RANGE, "row 140001 is not a number");
    label[140000] = 0.5F;
    refuse(score, MANY, label, MANY, MB_ERR_FORMAT, "row 140000 is 0.5");
    mb_release(world.ctx, label);
    mb_release(world.ctx, score);
}

static mb_status measure_all(void *user, mb_context *ctx) {
    (void)user;
    static const float score[] = {0.1F, 0.9F, 0.4F, 0.4F}, other[] = {0.2F, 0.3F, 0.3F, 0.1F};
    static const float label[] = {0, 1, 0, 1};
    static const double edge[] = {0, 1, 2};
    const mb_values scores = mb_values_f32(score, 4), labels = mb_values_f32(label, 4);
    mb_roc roc;
    mb_turn_on turn_on;
    mb_auc_comparison comparison;
    MB_TRY(mb_roc_make(&roc, ctx, scores, labels));
    mb_roc_clear(&roc);
    MB_TRY(mb_auc_compare_paired(ctx, scores, mb_values_f32(other, 4), labels, &comparison));
    MB_TRY(mb_turn_on_make(&turn_on, ctx, labels, scores, 0.3, edge, 2));
    mb_turn_on_clear(&turn_on);
    return MB_OK;
}

static void test_roc__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    assert_true(mb_test_each_lack_of_memory(measure_all, NULL) > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roc__equals_scikit_learn),
        cmocka_unit_test(test_roc__auc_equals_counting_all_pairs),
        cmocka_unit_test(test_roc__errors_equal_delong_over_all_pairs),
        cmocka_unit_test(test_roc__equal_scores_do_not_differ),
        cmocka_unit_test(test_roc__different_events_add_in_quadrature),
        cmocka_unit_test(test_rate__threshold_is_the_lowest_existing_score_within_the_rate),
        cmocka_unit_test(test_rate__less_than_one_event_gives_no_threshold),
        cmocka_unit_test(test_rate__one_event_too_few_is_never_called_one),
        cmocka_unit_test(test_rate__ties_at_the_top_give_no_threshold),
        cmocka_unit_test(test_roc__finds_the_vertex_of_a_threshold),
        cmocka_unit_test(test_rate__parses_units_exactly),
        cmocka_unit_test(test_roc__refuses_what_has_no_curve),
        cmocka_unit_test(test_roc__has_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_roc__counts_many_events_as_one_by_one),
        cmocka_unit_test(test_roc__names_the_first_bad_row_of_many),
        cmocka_unit_test(test_roc__one_event_of_a_class_has_no_error),
        cmocka_unit_test(test_roc__any_lack_of_memory_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
