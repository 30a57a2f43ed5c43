// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "measure/dbscan.h"

#include <math.h>
#include <stdlib.h>

MB_TEST_WORLD(2, MB_CPU_ALL)

static mb_dbscan_counts run_dbscan(mb_context *ctx, mb_values points, size_t n_columns, double eps,
    uint64_t min_samples, int64_t *labels) {
    const mb_dbscan_settings settings = {eps, min_samples};
    mb_dbscan_counts counts;
    assert_ok(ctx, mb_dbscan(ctx, "points", points, points.n / n_columns, n_columns, &settings,
                       labels, &counts));
    return counts;
}

static void test_dbscan__gives_the_labels_of_small_examples(void **state) {
    (void)state;
    static const double line[] = {0, 0, 1, 0, 2, 0, 3.5, 0};
    static const int64_t of_line[] = {0, 0, 0, -1};
    static const double two[] = {-1, -1.25, -1.5, -1.75, 0, 1, 1.25, 1.5, 1.75};
    static const int64_t of_two[] = {0, 0, 0, 0, 0, 1, 1, 1, 1};
    static const double turned[] = {1, 1.25, 1.5, 1.75, -1, -1.25, -1.5, -1.75, 0};
    static const int64_t of_turned[] = {0, 0, 0, 0, 1, 1, 1, 1, 0};
    int64_t labels[9];
    mb_dbscan_counts counts = run_dbscan(world.ctx, mb_values_f64(line, 8), 2, 1, 3, labels);
    mb_test_assert_same_bits(labels, of_line, 4, sizeof *labels, "line");
    assert_int_equal(counts.n_clusters, 1);
    assert_int_equal(counts.n_core, 1);
    assert_int_equal(counts.n_noise, 1);
    counts = run_dbscan(world.ctx, mb_values_f64(two, 9), 1, 1, 4, labels);
    mb_test_assert_same_bits(labels, of_two, 9, sizeof *labels, "two");
    assert_int_equal(counts.n_clusters, 2);
    assert_int_equal(counts.n_core, 8);
    run_dbscan(world.ctx, mb_values_f64(turned, 9), 1, 1, 4, labels);
    mb_test_assert_same_bits(labels, of_turned, 9, sizeof *labels, "turned");
}

static const char *next_word(char **next, const char *end) {
    char *word = *next + strspn(*next, " \n");
    if (word >= end) {
        return NULL;
    }
    char *after = word + strcspn(word, " \n");
    *next = after < end ? after + 1 : after;
    *after = '\0';
    return word;
}

static double next_number(char **next, const char *end) {
    const char *word = next_word(next, end);
    double number = NAN;
    assert_non_null(word);
    assert_true(mb_text_to_double(word, &number));
    return number;
}

enum { LARGEST = 200, MOST_COLUMNS = 8 };

static void check_golden(char **next, const char *end) {
    const char *name = next_word(next, end);
    const bool is_single = strcmp(next_word(next, end), "float32") == 0;
    const size_t n = (size_t)next_number(next, end);
    const size_t n_columns = (size_t)next_number(next, end);
    const double eps = next_number(next, end);
    const uint64_t min_samples = (uint64_t)next_number(next, end);
    static double wide[LARGEST * MOST_COLUMNS];
    static float narrow[LARGEST * MOST_COLUMNS];
    static int64_t wanted[LARGEST];
    static int64_t labels[LARGEST];
    assert_true(n <= LARGEST && n_columns <= MOST_COLUMNS);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < n_columns; c++) {
            wide[i * n_columns + c] = next_number(next, end);
            narrow[i * n_columns + c] = (float)wide[i * n_columns + c];
        }
        wanted[i] = (int64_t)next_number(next, end);
    }
    run_dbscan(world.ctx,
        is_single ? mb_values_f32(narrow, n * n_columns) : mb_values_f64(wide, n * n_columns),
        n_columns, eps, min_samples, labels);
    mb_test_assert_same_bits(labels, wanted, n, sizeof *labels, name);
}

static void test_dbscan__equals_scikit_learn(void **state) {
    (void)state;
    char *text;
    size_t length;
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("tests/golden/dbscan.txt"), &text, &length));
    char *next = text;
    size_t n_cases = 0;
    while (next_word(&next, text + length) != NULL) {
        check_golden(&next, text + length);
        n_cases++;
    }
    assert_int_equal(n_cases, 13);
    mb_release(world.ctx, text);
}

static bool are_neighbours(
    const double *points, size_t n_columns, size_t i, size_t j, double eps_squared) {
    double sum = 0;
    for (size_t c = 0; c < n_columns; c++) {
        const double difference = points[i * n_columns + c] - points[j * n_columns + c];
        sum += difference * difference;
    }
    return sum <= eps_squared;
}

// The scan of the definition, over all pairs.
static void scan_pairs(const double *points, size_t n, size_t n_columns, double eps,
    uint64_t min_samples, int64_t *labels) {
    bool *is_core = calloc(n, sizeof *is_core);
    size_t *stack = malloc(n * sizeof *stack);
    assert_true(is_core != NULL && stack != NULL);
    for (size_t i = 0; i < n; i++) {
        uint64_t count = 0;
        for (size_t j = 0; j < n; j++) {
            count += are_neighbours(points, n_columns, i, j, eps * eps);
        }
        is_core[i] = count >= min_samples;
        labels[i] = -1;
    }
    int64_t n_clusters = 0;
    for (size_t i = 0; i < n; i++) {
        if (labels[i] >= 0 || !is_core[i]) {
            continue;
        }
        size_t n_stack = 0;
        stack[n_stack++] = i;
        labels[i] = n_clusters;
        while (n_stack > 0) {
            const size_t from = stack[--n_stack];
            for (size_t j = 0; j < n; j++) {
                if (labels[j] < 0 && are_neighbours(points, n_columns, from, j, eps * eps)) {
                    labels[j] = n_clusters;
                    if (is_core[j]) {
                        stack[n_stack++] = j;
                    }
                }
            }
        }
        n_clusters++;
    }
    free(is_core);
    free(stack);
}

// Clumps and a haze; on a lattice many pairs lie at exactly eps, with repeats many on one another.
static void draw_points(
    mb_random *random, double *points, size_t n, size_t n_columns, double offset, double scale) {
    const bool is_lattice = mb_random_below(random, 2) == 0;
    const uint64_t n_clumps = 1 + mb_random_below(random, 8);
    double centre[8 * MOST_COLUMNS];
    for (size_t c = 0; c < MB_COUNT_OF(centre); c++) {
        centre[c] = 20 * mb_random_uniform(random);
    }
    for (size_t i = 0; i < n; i++) {
        const bool is_haze = mb_random_below(random, 4) == 0;
        const uint64_t clump = mb_random_below(random, n_clumps);
        const bool is_repeat = i > 0 && mb_random_below(random, 8) == 0;
        const uint64_t repeated = is_repeat ? mb_random_below(random, i) : 0;
        for (size_t c = 0; c < n_columns; c++) {
            double x = is_haze ? 20 * mb_random_uniform(random)
                               : centre[clump * MOST_COLUMNS + c] + mb_random_normal(random);
            x = is_lattice ? floor(x) : x;
            points[i * n_columns + c] =
                is_repeat ? points[repeated * n_columns + c] : offset + scale * x;
        }
    }
}

static void test_dbscan__equals_the_scan_of_all_pairs(void **state) {
    (void)state;
    enum { N = 300, N_CASES = 200 };
    static const double offsets[] = {0, -7.5, 1e6, 1e15, -1e18};
    static const double scales[] = {1, 0.25, 1e-3, 1e9};
    static double points[N * MOST_COLUMNS];
    static int64_t labels[N];
    static int64_t wanted[N];
    for (uint32_t k = 0; k < N_CASES; k++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 61, k);
        const size_t n_columns = 1 + k % 6;
        const size_t n = 1 + mb_random_below(&random, N);
        const double scale = scales[mb_random_below(&random, MB_COUNT_OF(scales))];
        const double offset = offsets[mb_random_below(&random, MB_COUNT_OF(offsets))];
        draw_points(&random, points, n, n_columns, offset, scale);
        const double eps =
            scale * (mb_random_below(&random, 2) == 0 ? (double)(1 + mb_random_below(&random, 3))
                                                      : 0.1 + 2 * mb_random_uniform(&random));
        const uint64_t min_samples = 1 + mb_random_below(&random, 12);
        run_dbscan(
            world.ctx, mb_values_f64(points, n * n_columns), n_columns, eps, min_samples, labels);
        scan_pairs(points, n, n_columns, eps, min_samples, wanted);
        char what[64];
        mb_format(what, sizeof what, "case %u", (unsigned)k);
        mb_test_assert_same_bits(labels, wanted, n, sizeof *labels, what);
    }
}

// Clusters at home and single points far outside: a grid over the whole would have no numbers left.
static void test_dbscan__bears_any_finite_coordinates(void **state) {
    (void)state;
    enum { N = 120 };
    static const double far[] = {1e300, -1.7e308, 1.7e308, 1e40, -1e19, 5e-324, 0x1p62, 1e12};
    static double points[N * 2];
    static int64_t labels[N];
    static int64_t wanted[N];
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 62, 0);
    draw_points(&random, points, N, 2, 0, 1);
    for (size_t i = 0; i < 64; i++) {
        points[2 * i + i % 2] = far[i / 4 % MB_COUNT_OF(far)];
    }
    static const double all_eps[] = {1e-150, 1e-20, 1, 1e20, 1e150};
    for (size_t k = 0; k < MB_COUNT_OF(all_eps); k++) {
        run_dbscan(world.ctx, mb_values_f64(points, (size_t)N * 2), 2, all_eps[k], 3, labels);
        scan_pairs(points, N, 2, all_eps[k], 3, wanted);
        mb_test_assert_same_bits(labels, wanted, N, sizeof *labels, "far");
    }
}

static void test_dbscan__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 20000 };
    double *points = malloc(N * 3 * sizeof *points);
    int64_t *labels[2] = {malloc(N * sizeof **labels), malloc(N * sizeof **labels)};
    assert_true(points != NULL && labels[0] != NULL && labels[1] != NULL);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 63, 0);
    for (size_t i = 0; i < (size_t)N * 3; i++) {
        points[i] = 30 * mb_random_uniform(&random);
    }
    for (unsigned k = 0; k < 2; k++) {
        mb_test_world other;
        mb_test_world_open(&other, 1 + 3 * k, MB_CPU_ALL);
        const mb_dbscan_counts counts =
            run_dbscan(other.ctx, mb_values_f64(points, (size_t)N * 3), 3, 0.9, 4, labels[k]);
        assert_true(counts.n_clusters > 10 && counts.n_noise > 10);
        mb_test_world_close(&other);
    }
    mb_test_assert_same_bits(labels[0], labels[1], N, sizeof **labels, "labels");
    free(points);
    free(labels[0]);
    free(labels[1]);
}

// A million and a half pairs of each point with all others would not end in a test's time.
static void test_dbscan__takes_points_that_all_lie_on_one_another(void **state) {
    (void)state;
    enum { N = 400000 };
    float *points = calloc((size_t)N * 5, sizeof *points);
    int64_t *labels = malloc(N * sizeof *labels);
    assert_true(points != NULL && labels != NULL);
    const mb_dbscan_counts counts =
        run_dbscan(world.ctx, mb_values_f32(points, (size_t)N * 5), 5, 0.1, 3, labels);
    assert_int_equal(counts.n_clusters, 1);
    assert_int_equal(counts.n_core, N);
    assert_int_equal(labels[N - 1], 0);
    free(points);
    free(labels);
}

static void test_dbscan__takes_no_points(void **state) {
    (void)state;
    int64_t label = 7;
    const mb_dbscan_counts counts =
        run_dbscan(world.ctx, mb_values_f64(NULL, 0), 2, 0.1, 3, &label);
    assert_int_equal(counts.n_clusters + counts.n_core + counts.n_noise, 0);
    assert_int_equal(label, 7);
}

static void test_dbscan__refuses_what_makes_no_sense(void **state) {
    (void)state;
    double points[] = {0, 0, 1, 1, 2, NAN};
    const mb_values values = mb_values_f64(points, 6);
    int64_t labels[3];
    mb_dbscan_counts counts;
    mb_context *ctx = world.ctx;
    const double bad_eps[] = {0, -1, NAN, INFINITY, 1e-200, 1e200};
    for (size_t i = 0; i < MB_COUNT_OF(bad_eps); i++) {
        const mb_dbscan_settings settings = {bad_eps[i], 3};
        assert_fails(ctx, mb_dbscan(ctx, "x", values, 3, 2, &settings, labels, &counts), MB_ERR_ARG,
            "eps: ");
    }
    const mb_dbscan_settings none = {1, 0};
    assert_fails(ctx, mb_dbscan(ctx, "x", values, 3, 2, &none, labels, &counts), MB_ERR_ARG,
        "min_samples: ");
    const mb_dbscan_settings good = {1, 3};
    assert_fails(ctx, mb_dbscan(ctx, "x", values, 3, 2, &good, labels, &counts), MB_ERR_RANGE,
        "x: point 2, column 1 is not a number");
    points[5] = -INFINITY;
    assert_fails(ctx, mb_dbscan(ctx, "x", values, 3, 2, &good, labels, &counts), MB_ERR_RANGE,
        "x: point 2, column 1 is infinite");
    assert_fails(
        ctx, mb_dbscan(ctx, "x", values, 3, 0, &good, labels, &counts), MB_ERR_SHAPE, "no columns");
    assert_fails(ctx, mb_dbscan(ctx, "x", values, 4, 2, &good, labels, &counts), MB_ERR_SHAPE,
        "6 numbers are not 4 points");
    assert_fails(ctx, mb_dbscan(ctx, "x", values, SIZE_MAX / 2 + 4, 2, &good, labels, &counts),
        MB_ERR_SHAPE, "6 numbers are not");
}

static mb_status cluster_some(void *user, mb_context *ctx) {
    static const float points[] = {0, 0, 1, 1, 2, 2, 9, 9};
    const mb_dbscan_settings settings = {1.5, 2};
    mb_dbscan_counts counts;
    return mb_dbscan(ctx, "points", mb_values_f32(points, 8), 4, 2, &settings, user, &counts);
}

static void test_dbscan__ends_well_without_memory(void **state) {
    (void)state;
    int64_t labels[4];
    assert_true(mb_test_each_lack_of_memory(cluster_some, labels) > 10);
    static const int64_t wanted[] = {0, 0, 0, -1};
    mb_test_assert_same_bits(labels, wanted, 4, sizeof *labels, "labels");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dbscan__gives_the_labels_of_small_examples),
        cmocka_unit_test(test_dbscan__equals_scikit_learn),
        cmocka_unit_test(test_dbscan__equals_the_scan_of_all_pairs),
        cmocka_unit_test(test_dbscan__bears_any_finite_coordinates),
        cmocka_unit_test(test_dbscan__is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_dbscan__takes_points_that_all_lie_on_one_another),
        cmocka_unit_test(test_dbscan__takes_no_points),
        cmocka_unit_test(test_dbscan__refuses_what_makes_no_sense),
        cmocka_unit_test(test_dbscan__ends_well_without_memory),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
