// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "scenes.h"

#include <assert.h>
#include <stdlib.h>

// Every version of every kernel against plain C, bit for bit. The kernels on samples in lanes have
// a test of their own.

enum { CHECKED_KERNELS = 10 };

// A kernel that is added needs a check below.
static_assert(sizeof(mb_kernels) == 5 * sizeof(char *) + CHECKED_KERNELS * sizeof(void (*)(void)),
    "the checker does not know every kernel");

static void check_positions(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "positions", k->name);
    guarded x = guard_random(&c.random, c.x_size);
    guarded w = guard_random(&c.random, s->n_runs * s->run_length * c.width);
    guarded bias = guard_random(&c.random, c.width);
    const size_t stride = c.width + (s->n % 2) * 3;
    guarded got = guard(s->n * stride);
    guarded wanted = guard(s->n * stride);
    k->positions(
        s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats, c.width, got.floats, stride);
    mb_kernels_c.positions(s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats, c.width,
        wanted.floats, stride);
    check(&got, &wanted, c.what);
    if (c.width == MB_LANES && s->n > 0) { // packed
        guarded packed = guard((s->n - 1) * s->n_out + c.width);
        guarded wanted_packed = guard(packed.n);
        k->positions(s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats, c.width,
            packed.floats, s->n_out);
        mb_kernels_c.positions(s->n, c.base, x.floats, &c.footprint, w.floats, bias.floats, c.width,
            wanted_packed.floats, s->n_out);
        check(&packed, &wanted_packed, c.what);
    }
    free(x.memory);
    free(w.memory);
    free(bias.memory);
    close_scene(&c);
}

static void check_positions_gradient(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "positions_gradient", k->name);
    guarded x = guard_random(&c.random, c.x_size);
    guarded dy = guard_random(&c.random, s->n * c.width);
    guarded got = guard_random(&c.random, s->n_runs * s->run_length * c.width);
    guarded wanted = guard_copy(&got);
    k->positions_gradient(s->n, c.base, x.floats, &c.footprint, dy.floats, c.width, got.floats);
    mb_kernels_c.positions_gradient(
        s->n, c.base, x.floats, &c.footprint, dy.floats, c.width, wanted.floats);
    check(&got, &wanted, c.what);
    free(x.memory);
    free(dy.memory);
    close_scene(&c);
}

static void check_positions_back(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "positions_back", k->name);
    const size_t stride = s->n_out + s->n % 3;
    guarded dy = guard_random(&c.random, s->n * stride);
    guarded w = guard_random(&c.random, s->n_runs * s->n_out * c.footprint.run_pad);
    guarded got = guard_random(&c.random, c.x_size);
    guarded wanted = guard_copy(&got);
    k->positions_back(
        s->n, c.base, &c.footprint, dy.floats, stride, s->n_out, w.floats, got.floats);
    mb_kernels_c.positions_back(
        s->n, c.base, &c.footprint, dy.floats, stride, s->n_out, w.floats, wanted.floats);
    check(&got, &wanted, c.what);
    free(dy.memory);
    free(w.memory);
    close_scene(&c);
}

static void check_winners(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "winners", k->name);
    guarded x = guard_random(&c.random, c.x_size);
    guarded dy = guard_random(&c.random, s->n);
    guarded w = guard_random(&c.random, s->n_runs * c.footprint.run_pad);
    guarded got = guard_random(&c.random, w.n);
    guarded wanted = guard_copy(&got);
    guarded got_x = guard_copy(&x);
    guarded wanted_x = guard_copy(&x);
    k->winners_gradient(s->n, c.base, dy.floats, x.floats, &c.footprint, got.floats);
    mb_kernels_c.winners_gradient(s->n, c.base, dy.floats, x.floats, &c.footprint, wanted.floats);
    check(&got, &wanted, c.what);
    k->winners_back(s->n, c.base, dy.floats, w.floats, &c.footprint, got_x.floats);
    mb_kernels_c.winners_back(s->n, c.base, dy.floats, w.floats, &c.footprint, wanted_x.floats);
    check(&got_x, &wanted_x, c.what);
    free(x.memory);
    free(dy.memory);
    free(w.memory);
    close_scene(&c);
}

static void check_pairs(const mb_kernels *k, const shape *s) {
    enum { TARGETS = 9 };
    scene c;
    open_scene(&c, s, "pairs", k->name);
    const size_t n_rows = s->n_runs * s->run_length;
    uint32_t *target = calloc(s->n + 1, sizeof *target);
    uint32_t *row = calloc(s->n + 1, sizeof *row);
    assert_true(target != NULL && row != NULL);
    for (size_t i = 0; i < s->n; i++) {
        target[i] = (uint32_t)mb_random_below(&c.random, TARGETS);
        row[i] = (uint32_t)mb_random_below(&c.random, n_rows);
    }
    guarded value = guard_random(&c.random, s->n);
    guarded w = guard_random(&c.random, n_rows * c.width);
    guarded got = guard_random(&c.random, TARGETS * c.width);
    guarded wanted = guard_copy(&got);
    guarded d_out = guard_copy(&got);
    guarded got_w = guard_copy(&w);
    guarded wanted_w = guard_copy(&w);
    const mb_pairs pairs = {s->n, target, row, value.floats};
    k->pairs(&pairs, w.floats, c.width, got.floats);
    mb_kernels_c.pairs(&pairs, w.floats, c.width, wanted.floats);
    check(&got, &wanted, c.what);
    k->pairs_gradient(&pairs, d_out.floats, c.width, got_w.floats);
    mb_kernels_c.pairs_gradient(&pairs, d_out.floats, c.width, wanted_w.floats);
    check(&got_w, &wanted_w, c.what);
    free(target);
    free(row);
    free(value.memory);
    free(w.memory);
    free(d_out.memory);
    close_scene(&c);
}

// run_length stands for the window.
static void check_max_windows(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "max_windows", k->name);
    const size_t window = s->run_length;
    guarded in = guard_random(&c.random, s->n * window * c.width);
    for (size_t i = 0; i < in.n; i += 13) {
        in.floats[i] = in.floats[i / 2]; // ties
    }
    guarded got = guard(s->n * c.width);
    guarded wanted = guard(s->n * c.width);
    uint8_t *got_winner = calloc(2, s->n * c.width + 16);
    assert_non_null(got_winner);
    uint8_t *wanted_winner = got_winner + s->n * c.width + 16;
    k->max_windows(s->n, window, in.floats, c.width, got.floats, got_winner);
    mb_kernels_c.max_windows(s->n, window, in.floats, c.width, wanted.floats, wanted_winner);
    mb_test_assert_same_bits(got_winner, wanted_winner, s->n * c.width + 16, 1, c.what);
    k->max_windows(s->n, window, in.floats, c.width, got.floats, NULL);
    check(&got, &wanted, c.what);
    free(in.memory);
    free(got_winner);
    close_scene(&c);
}

static void check_spread_windows(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "spread_windows", k->name);
    const size_t window = s->run_length;
    guarded d = guard_random(&c.random, s->n * c.width);
    guarded got = guard(s->n * window * c.width);
    guarded wanted = guard(s->n * window * c.width);
    uint8_t *winner = calloc(1, s->n * c.width + 1);
    assert_non_null(winner);
    for (size_t i = 0; i < s->n * c.width; i++) {
        winner[i] = (uint8_t)mb_random_below(&c.random, window);
    }
    k->spread_windows(s->n, window, d.floats, winner, c.width, got.floats);
    mb_kernels_c.spread_windows(s->n, window, d.floats, winner, c.width, wanted.floats);
    check(&got, &wanted, c.what);
    free(d.memory);
    free(winner);
    close_scene(&c);
}

static void check_sum_rows(const mb_kernels *k, const shape *s) {
    scene c;
    open_scene(&c, s, "sum_rows", k->name);
    guarded rows = guard_random(&c.random, s->n * c.width);
    guarded got = guard_random(&c.random, c.width);
    guarded wanted = guard_copy(&got);
    k->sum_rows(s->n, rows.floats, c.width, got.floats);
    mb_kernels_c.sum_rows(s->n, rows.floats, c.width, wanted.floats);
    check(&got, &wanted, c.what);
    free(rows.memory);
    close_scene(&c);
}

static void test_kernels__positions_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_positions);
}

static void test_kernels__positions_gradient_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_positions_gradient);
}

static void test_kernels__positions_back_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_positions_back);
}

static void test_kernels__winners_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_winners);
}

static void test_kernels__pairs_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_pairs);
}

static void test_kernels__max_windows_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_max_windows);
}

static void test_kernels__spread_windows_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_spread_windows);
}

static void test_kernels__sum_rows_has_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_sum_rows);
}

static void test_kernels__plain_c_adds_in_the_written_order(void **state) {
    (void)state;
    // Large numbers of both signs: another order gives another sum.
    static const float x[] = {1e8F, 1.0F, -1e8F, 1.0F};
    float w[4 * MB_LANES];
    float bias[MB_LANES] = {0.5F};
    float out[MB_LANES];
    static const uint32_t base[] = {0};
    static const uint32_t runs[] = {0, 2};
    const mb_footprint footprint = {2, 2, MB_LANES, runs};
    for (size_t i = 0; i < MB_COUNT_OF(w); i++) {
        w[i] = 1;
    }
    mb_kernels_c.positions(1, base, x, &footprint, w, bias, MB_LANES, out, MB_LANES);
    float sum = 0.5F;
    for (size_t i = 0; i < 4; i++) {
        sum += x[i];
    }
    assert_true(out[0] == sum && sum == 1.0F);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels__positions_have_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__positions_gradient_has_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__positions_back_has_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__winners_have_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__pairs_have_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__max_windows_has_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__spread_windows_has_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__sum_rows_has_the_bits_of_plain_c),
        cmocka_unit_test(test_kernels__plain_c_adds_in_the_written_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
