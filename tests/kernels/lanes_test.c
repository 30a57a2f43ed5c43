// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "scenes.h"

#include "kernels/lanes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

// Every version of every kernel on samples in lanes against plain C, bit for bit, and plain C
// against the kernels of rows.

enum { CHECKED_KERNELS = 14 };

// A kernel that is added needs a check below.
static_assert(sizeof(mb_lane_kernels) == CHECKED_KERNELS * sizeof(void (*)(void)),
    "the checker does not know every kernel");

// n stands for the samples, run_length for the numbers of one.
static void check_rows(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "fill and store", k->name);
    const size_t n = s->n % (MB_SAMPLES + 1);
    const size_t size = s->run_length * s->n_runs;
    const size_t stride = size + s->n % 3;
    guarded rows = guard_random(&c.random, n * size);
    guarded got = guard(size * MB_SAMPLES);
    guarded wanted = guard(size * MB_SAMPLES);
    guarded got_rows = guard(n * stride);
    guarded wanted_rows = guard(n * stride);
    const float *row[MB_SAMPLES];
    for (size_t i = 0; i < n; i++) {
        row[i] = rows.floats + i * size;
    }
    k->lanes->fetch(rows.floats, n * size);
    k->lanes->fill(n, size, row, got.floats);
    mb_lane_kernels_c.fill(n, size, row, wanted.floats);
    k->lanes->store(n, size, got.floats, got_rows.floats, stride);
    mb_lane_kernels_c.store(n, size, wanted.floats, wanted_rows.floats, stride);
    for (size_t i = 0; i < n; i++) {
        mb_test_assert_same_bits(got_rows.floats + i * stride, rows.floats + i * size, size,
            sizeof(float), "there and back");
    }
    check(&got, &wanted, c.what);
    check(&got_rows, &wanted_rows, c.what);
    free(rows.memory);
    close_scene(&c);
}

static void check_positions(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "positions", k->name);
    guarded x = guard_random(&c.random, c.x_size * MB_SAMPLES);
    guarded w = guard_random(&c.random, s->n_runs * s->run_length * c.width);
    guarded bias = guard_random(&c.random, c.width);
    for (size_t rectifies = 0; rectifies < 2; rectifies++) {
        guarded got = guard(s->n * s->n_out * MB_SAMPLES);
        guarded wanted = guard(got.n);
        k->lanes->positions(s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats, c.width,
            s->n_out, rectifies == 1, got.floats);
        mb_lane_kernels_c.positions(s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats,
            c.width, s->n_out, rectifies == 1, wanted.floats);
        check(&got, &wanted, c.what);
    }
    free(x.memory);
    free(w.memory);
    free(bias.memory);
    close_scene(&c);
}

static void check_back(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "back", k->name);
    guarded dy = guard_random(&c.random, s->n * s->n_out * MB_SAMPLES);
    guarded w = guard_random(&c.random, s->n_runs * s->run_length * c.width);
    guarded got = guard_random(&c.random, c.x_size * MB_SAMPLES);
    guarded wanted = guard_copy(&got);
    k->lanes->back(s->n, c.base, &c.footprint, dy.floats, w.floats, c.width, s->n_out, got.floats);
    mb_lane_kernels_c.back(
        s->n, c.base, &c.footprint, dy.floats, w.floats, c.width, s->n_out, wanted.floats);
    check(&got, &wanted, c.what);
    free(dy.memory);
    free(w.memory);
    close_scene(&c);
}

static void check_gradient(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "gradient and sum", k->name);
    guarded x = guard_random(&c.random, c.x_size * MB_SAMPLES);
    guarded dy = guard_random(&c.random, s->n * s->n_out * MB_SAMPLES);
    guarded got = guard_random(&c.random, s->n_runs * s->run_length * s->n_out * MB_SAMPLES);
    guarded wanted = guard_copy(&got);
    guarded got_sum = guard_random(&c.random, s->n_out * MB_SAMPLES);
    guarded wanted_sum = guard_copy(&got_sum);
    k->lanes->gradient(s->n, c.base, x.floats, &c.footprint, dy.floats, s->n_out, got.floats);
    mb_lane_kernels_c.gradient(
        s->n, c.base, x.floats, &c.footprint, dy.floats, s->n_out, wanted.floats);
    check(&got, &wanted, c.what);
    k->lanes->sum(s->n, s->n_out, dy.floats, got_sum.floats);
    mb_lane_kernels_c.sum(s->n, s->n_out, dy.floats, wanted_sum.floats);
    check(&got_sum, &wanted_sum, c.what);
    free(x.memory);
    free(dy.memory);
    close_scene(&c);
}

static void check_outer(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "outer", k->name);
    const size_t n = s->n % (MB_SAMPLES + 1);
    guarded x = guard_random(&c.random, s->run_length * MB_SAMPLES);
    guarded dy = guard_random(&c.random, n * c.width);
    guarded got = guard_random(&c.random, s->run_length * c.width);
    guarded wanted = guard_copy(&got);
    k->lanes->outer(n, s->run_length, x.floats, dy.floats, c.width, got.floats);
    mb_lane_kernels_c.outer(n, s->run_length, x.floats, dy.floats, c.width, wanted.floats);
    check(&got, &wanted, c.what);
    free(x.memory);
    free(dy.memory);
    close_scene(&c);
}

// run_length stands for the channels.
static void check_activations(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "activations", k->name);
    const size_t n = s->n * s->run_length;
    guarded y = guard_random(&c.random, n * MB_SAMPLES);
    guarded dy = guard_random(&c.random, n * MB_SAMPLES);
    guarded got = guard(n * MB_SAMPLES);
    guarded wanted = guard(n * MB_SAMPLES);
    k->lanes->rectify_back(n, y.floats, dy.floats, got.floats);
    mb_lane_kernels_c.rectify_back(n, y.floats, dy.floats, wanted.floats);
    check(&got, &wanted, c.what);
    // Arguments of exponentials from the usual to those whose powers are not normal, or none.
    static const float scales[] = {1, 20, 90, 110, 400, 1e30F};
    for (size_t i = 0; i < dy.n; i++) {
        dy.floats[i] = i % 97 == 31   ? (float)INFINITY
                       : i % 97 == 57 ? -(float)INFINITY
                       : i % 89 == 12 ? (float)NAN
                                      : y.floats[i] * scales[i % MB_COUNT_OF(scales)];
    }
    guarded copy = guard_copy(&dy);
    guarded softmax = guard_copy(&dy);
    guarded wanted_softmax = guard_copy(&dy);
    k->lanes->rectify(n, dy.floats);
    mb_lane_kernels_c.rectify(n, copy.floats);
    check(&dy, &copy, c.what);
    k->lanes->softmax(s->n, s->run_length, softmax.floats);
    mb_lane_kernels_c.softmax(s->n, s->run_length, wanted_softmax.floats);
    for (size_t i = 0; i < softmax.n; i++) { // which NaN it is says nothing
        assert_true(isnan(softmax.floats[i]) == isnan(wanted_softmax.floats[i]));
        if (isnan(softmax.floats[i])) {
            softmax.floats[i] = wanted_softmax.floats[i] = 0;
        }
    }
    check(&softmax, &wanted_softmax, c.what);
    free(y.memory);
    close_scene(&c);
}

static void test_lanes__activations_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_activations);
}

// Numbers of every size and sign, zero, infinite and no numbers among them.
static void test_lanes__powers_and_logarithms_have_the_bits_of_plain_c(void **state) {
    (void)state;
    typedef void (*function)(size_t n, const float *x, float *y);
    const mb_kernels *tables[3];
    const size_t n_tables = mb_kernels_all(MB_CPU_ALL, tables);
    const uint32_t stride = 1 << 14;
    float x[MB_SAMPLES], got[MB_SAMPLES], wanted[MB_SAMPLES];
    for (size_t t = 1; t < n_tables; t++) {
        const function versions[3][2] = {
            {tables[t]->lanes->exponential, mb_lane_kernels_c.exponential},
            {tables[t]->lanes->sigmoid, mb_lane_kernels_c.sigmoid},
            {tables[t]->lanes->logarithm, mb_lane_kernels_c.logarithm}};
        for (uint32_t first = 0; first < (1u << 18); first += MB_SAMPLES) {
            for (uint32_t s = 0; s < MB_SAMPLES; s++) {
                // Odd low bits below the first number of each power of two, which stays.
                const uint32_t at = first + s;
                const uint32_t bits = at * stride + (at % 512 == 0 ? 0 : at * 0x9e37u % stride);
                memcpy(&x[s], &bits, sizeof bits);
            }
            for (size_t f = 0; f < 3; f++) {
                versions[f][0](1, x, got);
                versions[f][1](1, x, wanted);
                for (size_t s = 0; s < MB_SAMPLES; s++) {
                    if (memcmp(&got[s], &wanted[s], sizeof *got) != 0 &&
                        !(isnan(got[s]) && isnan(wanted[s]))) {
                        fail_msg("%s: %s of %a: %a, in plain C %a", tables[t]->name,
                            f == 0   ? "exponential"
                            : f == 1 ? "sigmoid"
                                     : "logarithm",
                            (double)x[s], (double)got[s], (double)wanted[s]);
                    }
                }
            }
        }
    }
}

static void test_lanes__rows_come_and_go_as_in_plain_c(void **state) {
    (void)state;
    check_all(check_rows);
}

static void test_lanes__positions_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_positions);
}

static void test_lanes__back_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_back);
}

static void test_lanes__gradient_and_sum_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_gradient);
}

static void test_lanes__outer_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_outer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes__rows_come_and_go_as_in_plain_c),
        cmocka_unit_test(test_lanes__positions_have_the_bits_of_plain_c),
        cmocka_unit_test(test_lanes__back_has_the_bits_of_plain_c),
        cmocka_unit_test(test_lanes__gradient_and_sum_have_the_bits_of_plain_c),
        cmocka_unit_test(test_lanes__activations_have_the_bits_of_plain_c),
        cmocka_unit_test(test_lanes__powers_and_logarithms_have_the_bits_of_plain_c),
        cmocka_unit_test(test_lanes__outer_has_the_bits_of_plain_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
