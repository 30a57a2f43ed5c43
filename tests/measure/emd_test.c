// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "files/csv.h"
#include "measure/emd.h"
#include "minbias/emd.h"

#include <math.h>
#include <stdio.h>

enum { CELLS = 48 };

typedef struct fixture {
    mb_test_world world;
    mb_emd_metric metric;
} fixture;

static void open_fixture(fixture *f) {
    mb_test_world_open(&f->world, 1, MB_CPU_ALL);
    assert_ok(f->world.ctx, mb_emd_metric_find(&f->metric, f->world.ctx, "hex48"));
}

static double distance_of(fixture *f, const double *a, const double *b) {
    double distance = NAN;
    assert_ok(f->world.ctx, mb_emd_of_pictures(&f->metric, f->world.ctx, a, b, 0, NULL, &distance));
    return distance;
}

static void test_emd__known_pictures_have_their_distances(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    double a[CELLS] = {1};
    double b[CELLS] = {0, 1};
    assert_true(fabs(distance_of(&f, a, b) - 2) < 1e-9);
    assert_true(distance_of(&f, a, a) == 0);
    double uniform[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        uniform[i] = 0.3;
    }
    assert_true(fabs(distance_of(&f, a, uniform) - 7.440867207) < 1e-9);
    const double c[CELLS] = {[0] = 3, [5] = 1};
    const double d[CELLS] = {[0] = 1, [5] = 1, [16] = 2};
    assert_true(fabs(distance_of(&f, c, d) - 5.482922197) < 1e-9);
    mb_test_world_close(&f.world);
}

static void test_emd__empty_pictures_have_their_marks(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    const double empty[CELLS] = {0};
    const double full[CELLS] = {1, 2};
    assert_true(distance_of(&f, empty, full) == -1);
    assert_true(distance_of(&f, empty, empty) == -1);
    assert_true(distance_of(&f, full, empty) == -0.5);
    mb_test_world_close(&f.world);
}

static void test_emd__scale_of_charges_does_not_matter(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    double a[CELLS] = {0}, b[CELLS] = {0}, large[CELLS], small[CELLS];
    a[3] = 5, a[20] = 7, a[41] = 1, b[4] = 2, b[20] = 9;
    for (size_t i = 0; i < CELLS; i++) {
        large[i] = a[i] * 0x1p1020;
        small[i] = b[i] * 0x1p-1040;
    }
    assert_true(fabs(distance_of(&f, large, small) - distance_of(&f, a, b)) < 1e-13);
    mb_test_world_close(&f.world);
}

static void test_emd__small_shares_count_as_nothing_below_the_threshold(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    const double a[CELLS] = {[0] = 97, [40] = 3};
    const double b[CELLS] = {[1] = 1};
    double distance;
    assert_ok(f.world.ctx, mb_emd_of_pictures(&f.metric, f.world.ctx, a, b, 0.03, NULL, &distance));
    assert_true(fabs(distance - distance_of(&f, a, b)) < 1e-15);
    assert_ok(
        f.world.ctx, mb_emd_of_pictures(&f.metric, f.world.ctx, a, b, 0.031, NULL, &distance));
    assert_true(fabs(distance - 2) < 1e-9);
    assert_ok(f.world.ctx, mb_emd_of_pictures(&f.metric, f.world.ctx, a, b, 0.98, NULL, &distance));
    assert_true(distance == MB_EMD_EMPTY_INPUT);
    mb_test_world_close(&f.world);
}

// Rows as an autoencoder meets them: some cells in a, all or some in b, at times the same.
static void make_rows(double *a, double *b, size_t n, bool is_whole) {
    for (size_t i = 0; i < n; i++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, (uint32_t)i);
        const double filled = mb_random_uniform(&random);
        for (size_t j = 0; j < CELLS; j++) {
            const double charge = mb_random_exponential(&random, 20);
            const double other = mb_random_exponential(&random, 20);
            const bool is_hit = j == i % CELLS || mb_random_uniform(&random) < filled;
            a[i * CELLS + j] = !is_hit ? 0 : is_whole ? 1 + floor(charge / 8) : charge;
            b[i * CELLS + j] = i % 3 == 0 ? 0.7 * a[i * CELLS + j] + 0.1 * other : other;
            if (is_whole) {
                b[i * CELLS + j] = floor(b[i * CELLS + j] / 8) + (j == 0);
            }
        }
    }
}

static void test_emd__potentials_prove_the_distance(void **state) {
    (void)state;
    enum { N = 600 };
    static double a[N * CELLS], b[N * CELLS];
    fixture f;
    open_fixture(&f);
    for (int whole = 0; whole < 2; whole++) {
        make_rows(a, b, N, whole == 1);
        for (size_t row = 0; row < N; row++) {
            const double *from = a + row * CELLS;
            const double *to = b + row * CELLS;
            double p[CELLS], distance, sum_a = 0, sum_b = 0, dual = 0;
            assert_ok(
                f.world.ctx, mb_emd_of_pictures(&f.metric, f.world.ctx, from, to, 0, p, &distance));
            for (size_t i = 0; i < CELLS; i++) {
                sum_a += from[i];
                sum_b += to[i];
            }
            for (size_t i = 0; i < CELLS; i++) {
                dual += p[i] * (from[i] / sum_a - to[i] / sum_b);
                for (size_t j = 0; j < CELLS; j++) {
                    assert_true(p[i] - p[j] <= f.metric.distance[i][j] + 1e-12);
                }
            }
            assert_true(fabs(distance - dual) < 1e-11 * distance);
        }
    }
    mb_test_world_close(&f.world);
}

static void test_emd__distances_are_those_of_two_other_solvers(void **state) {
    (void)state;
    fixture f;
    open_fixture(&f);
    mb_csv table;
    assert_ok(f.world.ctx,
        mb_csv_read(&table, f.world.ctx, mb_test_source("tests/golden/emd.csv"), false));
    assert_int_equal(table.n_columns, 2 * CELLS + 1);
    assert_int_equal(table.n_rows, 28);
    mb_array numbers;
    assert_ok(f.world.ctx, mb_csv_to_array(&table, &numbers));
    for (size_t i = 0; i < table.n_rows; i++) {
        const double *row = (const double *)numbers.data + i * (2 * CELLS + 1);
        const double wanted = row[2 * CELLS];
        assert_true(fabs(distance_of(&f, row, row + CELLS) - wanted) <= 1e-12 * wanted);
    }
    mb_array_clear(&numbers);
    mb_csv_clear(&table);
    mb_test_world_close(&f.world);
}

static void test_emd__rows_have_the_same_bits_with_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 500 };
    static double a[N * CELLS], b[N * CELLS], out[2][N];
    make_rows(a, b, N, false);
    for (unsigned k = 0; k < 2; k++) {
        mb_test_world world;
        mb_test_world_open(&world, k == 0 ? 1 : 3, MB_CPU_ALL);
        mb_emd_metric metric;
        assert_ok(world.ctx, mb_emd_metric_find(&metric, world.ctx, "hex48"));
        assert_ok(world.ctx, mb_emd_of_rows(&metric, world.ctx, "a", mb_values_f64(a, N * CELLS),
                                 "b", mb_values_f64(b, N * CELLS), 0, out[k]));
        // The first bad row is named, whoever meets it.
        a[70 * CELLS + 5] = NAN;
        b[450 * CELLS + 47] = -1;
        assert_fails(world.ctx,
            mb_emd_of_rows(&metric, world.ctx, "a", mb_values_f64(a, N * CELLS), "b",
                mb_values_f64(b, N * CELLS), 0, out[k]),
            MB_ERR_RANGE, "a: row 70, column 5 is nan");
        a[70 * CELLS + 5] = 0;
        assert_fails(world.ctx,
            mb_emd_of_rows(&metric, world.ctx, "a", mb_values_f64(a, N * CELLS), "b",
                mb_values_f64(b, N * CELLS), 0, out[k]),
            MB_ERR_RANGE, "b: row 450, column 47 is -1");
        make_rows(a, b, N, false);
        assert_ok(world.ctx, mb_emd_of_rows(&metric, world.ctx, "a", mb_values_f64(a, N * CELLS),
                                 "b", mb_values_f64(b, N * CELLS), 0, out[k]));
        mb_test_world_close(&world);
    }
    mb_test_assert_same_bits(out[1], out[0], N, sizeof(double), "distances");
}

static void test_emd__arrays_of_any_type_and_length(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_array a, b, out;
    assert_ok(world.ctx, mb_array_init(&a, world.ctx, MB_U16, 2, (const size_t[]){2, CELLS}));
    assert_ok(world.ctx, mb_array_init(&b, world.ctx, MB_F32, 2, (const size_t[]){2, CELLS}));
    ((uint16_t *)a.data)[0] = 7;
    ((float *)b.data)[1] = 0.5F;
    assert_ok(world.ctx, mb_emd_of_arrays(world.ctx, &a, &b, "hex48", 0, &out));
    assert_int_equal(out.shape[0], 2);
    assert_true(fabs(mb_array_get(&out, 0) - 2) < 1e-9 && mb_array_get(&out, 1) == -1);
    mb_array_clear(&out);
    assert_fails(
        world.ctx, mb_emd_of_arrays(world.ctx, &a, &b, "hex", 0, &out), MB_ERR_ARG, "write hex48");
    assert_fails(
        world.ctx, mb_emd_of_arrays(world.ctx, &a, &b, "hex48", 1, &out), MB_ERR_ARG, "threshold");
    mb_array none;
    assert_ok(world.ctx, mb_array_init(&none, world.ctx, MB_F32, 2, (const size_t[]){0, CELLS}));
    assert_fails(world.ctx, mb_emd_of_arrays(world.ctx, &a, &none, "hex48", 0, &out), MB_ERR_SHAPE,
        "(0, 48)");
    assert_ok(world.ctx, mb_emd_of_arrays(world.ctx, &none, &none, "hex48", 0, &out));
    assert_int_equal(out.shape[0], 0);
    mb_array_clear(&out);
    mb_array_clear(&none);
    mb_array_clear(&a);
    mb_array_clear(&b);
    mb_test_world_close(&world);
}

static void test_emd__summary_leaves_empty_rows_out(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const double distances[] = {3, -1, 1, -0.5, 2, -1, 0};
    mb_emd_summary s;
    assert_ok(world.ctx, mb_emd_summarise(&s, world.ctx, distances, MB_COUNT_OF(distances)));
    assert_int_equal(s.n, 4);
    assert_int_equal(s.n_empty_input, 2);
    assert_int_equal(s.n_empty_output, 1);
    assert_true(s.mean == 1.5 && fabs(s.std - sqrt(1.25)) < 1e-15);
    assert_true(fabs(s.low - 0.48) < 1e-15 && s.median == 1.5 && fabs(s.high - 2.52) < 1e-15);
    assert_ok(world.ctx, mb_emd_summarise(&s, world.ctx, distances, 0));
    assert_true(s.n == 0 && isnan(s.mean));
    mb_test_world_close(&world);
}

// Where an 8 by 8 picture holds the cells.
static const uint8_t pixel_of_cell[CELLS] = {4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23,
    31, 24, 25, 26, 27, 16, 17, 18, 19, 8, 9, 10, 11, 0, 1, 2, 3, 59, 51, 43, 35, 58, 50, 42, 34,
    57, 49, 41, 33, 56, 48, 40, 32};

static void test_emd__reference_rows_have_their_distances(void **state) {
    (void)state;
    char charges[4096], decoded[4096];
    snprintf(charges, sizeof charges, "%s", mb_test_shared("econt_calq_nolicence/CALQ_output.csv"));
    snprintf(decoded, sizeof decoded, "%s",
        mb_test_shared("golden_own/econt_float_tele_decoded_first10.csv"));
    const char *path = mb_test_shared("golden_own/econt_float_tele_first100.csv");
    fixture f;
    open_fixture(&f);
    mb_csv table[3];
    assert_ok(f.world.ctx, mb_csv_read(&table[0], f.world.ctx, charges, true));
    assert_ok(f.world.ctx, mb_csv_read(&table[1], f.world.ctx, decoded, false));
    assert_ok(f.world.ctx, mb_csv_read(&table[2], f.world.ctx, path, true));
    size_t column;
    assert_ok(f.world.ctx, mb_csv_find_column(&table[2], "emd", &column));
    assert_int_equal(table[1].n_rows, 10);
    for (size_t i = 0; i < 10; i++) {
        double row[2][CELLS], wanted;
        for (size_t k = 0; k < 2; k++) {
            for (size_t j = 0; j < CELLS; j++) {
                const size_t at = k == 0 ? j : pixel_of_cell[j];
                assert_ok(f.world.ctx, mb_csv_number(&table[k], i, at, &row[k][j]));
            }
        }
        assert_ok(f.world.ctx, mb_csv_number(&table[2], i, column, &wanted));
        assert_true(fabs(distance_of(&f, row[0], row[1]) - wanted) < 1e-6);
    }
    for (size_t k = 0; k < 3; k++) {
        mb_csv_clear(&table[k]);
    }
    mb_test_world_close(&f.world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_emd__known_pictures_have_their_distances),
        cmocka_unit_test(test_emd__empty_pictures_have_their_marks),
        cmocka_unit_test(test_emd__scale_of_charges_does_not_matter),
        cmocka_unit_test(test_emd__small_shares_count_as_nothing_below_the_threshold),
        cmocka_unit_test(test_emd__potentials_prove_the_distance),
        cmocka_unit_test(test_emd__distances_are_those_of_two_other_solvers),
        cmocka_unit_test(test_emd__rows_have_the_same_bits_with_any_number_of_threads),
        cmocka_unit_test(test_emd__arrays_of_any_type_and_length),
        cmocka_unit_test(test_emd__summary_leaves_empty_rows_out),
        cmocka_unit_test(test_emd__reference_rows_have_their_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
