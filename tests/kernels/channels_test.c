// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "scenes.h"

#include "kernels/channels.h"

#include <assert.h>
#include <stdlib.h>

// Every version of the kernels of batch normalisation against plain C, bit for bit.

enum { CHECKED_KERNELS = 4 };

// A kernel that is added needs a check below.
static_assert(sizeof(mb_channel_kernels) == CHECKED_KERNELS * sizeof(void (*)(void)),
    "the checker does not know every kernel");

// n rows of n_out channels; the other numbers of the shape do not matter.
typedef struct rows {
    guarded in, mean, inverse, gamma;
    mb_channels channels;
} rows;

static void open_rows(rows *it, scene *c, const shape *s, const char *what, const char *version) {
    open_scene(c, s, what, version);
    it->in = guard_random(&c->random, s->n * s->n_out);
    it->mean = guard_random(&c->random, s->n_out);
    it->inverse = guard_random(&c->random, s->n_out);
    it->gamma = guard_random(&c->random, s->n_out);
    it->channels = (mb_channels){
        s->n, s->n_out, it->in.floats, it->mean.floats, it->inverse.floats, it->gamma.floats};
}

static void close_rows(rows *it, scene *c) {
    free(it->in.memory);
    free(it->mean.memory);
    free(it->inverse.memory);
    free(it->gamma.memory);
    close_scene(c);
}

static void check_sums(const mb_kernels *k, const shape *s) {
    scene c;
    rows it;
    open_rows(&it, &c, s, "statistics", k->name);
    guarded d = guard_random(&c.random, s->n * s->n_out);
    // Two sums a channel, with a canary behind each.
    enum { MOST = 128 };
    double got[2][MOST], wanted[2][MOST];
    assert_true(s->n_out < MOST);
    for (size_t i = 0; i < MOST; i++) {
        got[0][i] = got[1][i] = wanted[0][i] = wanted[1][i] = (double)i;
    }
    k->channels->statistics(&it.channels, got[0], got[1]);
    mb_channel_kernels_c.statistics(&it.channels, wanted[0], wanted[1]);
    mb_test_assert_same_bits(got, wanted, (size_t)2 * MOST, sizeof(double), c.what);
    k->channels->d_statistics(&it.channels, d.floats, got[0], got[1]);
    mb_channel_kernels_c.d_statistics(&it.channels, d.floats, wanted[0], wanted[1]);
    mb_test_assert_same_bits(got, wanted, (size_t)2 * MOST, sizeof(double), c.what);
    assert_true(got[0][s->n_out] == (double)s->n_out && got[1][s->n_out] == (double)s->n_out);
    free(d.memory);
    close_rows(&it, &c);
}

static void check_rows(const mb_kernels *k, const shape *s) {
    scene c;
    rows it;
    open_rows(&it, &c, s, "normalize and back", k->name);
    guarded d = guard_random(&c.random, s->n * s->n_out);
    guarded beta = guard_random(&c.random, s->n_out), slope = guard_random(&c.random, s->n_out);
    guarded out = guard(s->n * s->n_out), wanted_out = guard(s->n * s->n_out);
    guarded d_in = guard_random(&c.random, s->n * s->n_out), wanted_d_in = guard_copy(&d_in);
    k->channels->normalize(&it.channels, beta.floats, out.floats);
    mb_channel_kernels_c.normalize(&it.channels, beta.floats, wanted_out.floats);
    k->channels->back(&it.channels, d.floats, beta.floats, slope.floats, d_in.floats);
    mb_channel_kernels_c.back(
        &it.channels, d.floats, beta.floats, slope.floats, wanted_d_in.floats);
    check(&out, &wanted_out, c.what);
    check(&d_in, &wanted_d_in, c.what);
    free(d.memory);
    free(beta.memory);
    free(slope.memory);
    close_rows(&it, &c);
}

static void test_channels__sums_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_sums);
}

static void test_channels__rows_have_the_bits_of_plain_c(void **state) {
    (void)state;
    check_all(check_rows);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channels__sums_have_the_bits_of_plain_c),
        cmocka_unit_test(test_channels__rows_have_the_bits_of_plain_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
