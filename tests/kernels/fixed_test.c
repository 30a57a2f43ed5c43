// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "kernels/fixed.h"

#include <math.h>

// All versions against plain C, and plain C against what the header says.

enum { ROWS = 37, OUTPUTS = 19, GROUPS = 3, WORDS = ROWS * MB_TILE };

static const mb_fixed_kernels *versions[3];
static size_t n_versions;

static int find_versions(void **state) {
    (void)state;
    static const uint32_t masks[] = {0, MB_CPU_AVX2, MB_CPU_ALL};
    for (size_t i = 0; i < MB_COUNT_OF(masks); i++) {
        mb_test_world world;
        mb_test_world_open(&world, 1, masks[i]);
        versions[n_versions++] = mb_fixed_kernels_for(mb_runtime_cpu(world.runtime));
        mb_test_world_close(&world);
    }
    return 0;
}

static mb_random random_of(uint32_t purpose) {
    return mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, purpose);
}

static int64_t within(mb_random *random, int64_t most) {
    return (int64_t)mb_random_below(random, (uint64_t)(2 * most + 1)) - most;
}

// Sums of one kind in every version, against sums of int64.
typedef struct sums_case {
    int64_t x[WORDS + MB_TILE];
    int64_t weight[GROUPS * ROWS * OUTPUTS]; // [term][output]
    int64_t bias[OUTPUTS];
    uint32_t index[GROUPS * ROWS];
    int64_t wanted[GROUPS * OUTPUTS * MB_TILE];
    size_t n_terms, n_outputs;
} sums_case;

static void make_sums(sums_case *c, mb_random *random, size_t n_outputs, int64_t x, int64_t w) {
    memset(c, 0, sizeof *c);
    c->n_terms = ROWS - 1;
    c->n_outputs = n_outputs;
    for (size_t i = 0; i < WORDS; i++) {
        c->x[i] = within(random, x);
    }
    for (size_t i = 0; i < c->n_terms * n_outputs; i++) {
        c->weight[i] = within(random, w);
    }
    for (size_t o = 0; o < n_outputs; o++) {
        c->bias[o] = within(random, w);
    }
    // Even places first, so that terms may be taken in pairs.
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t t = 0; t < c->n_terms; t += 2) {
            const uint32_t pair = (uint32_t)mb_random_below(random, ROWS / 2);
            c->index[g * c->n_terms + t] = 2 * pair;
            c->index[g * c->n_terms + t + 1] = 2 * pair + 1;
        }
    }
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t o = 0; o < n_outputs; o++) {
            for (size_t i = 0; i < MB_TILE; i++) {
                int64_t sum = c->bias[o];
                for (size_t t = 0; t < c->n_terms; t++) {
                    sum += c->weight[t * n_outputs + o] *
                           c->x[c->index[g * c->n_terms + t] * MB_TILE + i];
                }
                c->wanted[(g * n_outputs + o) * MB_TILE + i] = sum;
            }
        }
    }
}

// Position of a weight in blocks of outputs.
static size_t packed_at(const sums_case *c, size_t n_terms, size_t t, size_t o) {
    const size_t block = o / MB_SUM_BLOCK * MB_SUM_BLOCK;
    const size_t width = mb_min_size(MB_SUM_BLOCK, c->n_outputs - block);
    return block * n_terms + t * width + (o - block);
}

static void assert_sums(const sums_case *c, const int32_t *found, const char *what) {
    for (size_t i = 0; i < GROUPS * c->n_outputs * MB_TILE; i++) {
        if (found[i] != c->wanted[i]) {
            fail_msg("%s: sum %zu is %d, not %lld", what, i, found[i], (long long)c->wanted[i]);
        }
    }
}

static void test_fixed_kernels__sums_of_pairs_are_exact(void **state) {
    (void)state;
    static sums_case c;
    static int16_t x[2 * WORDS];
    static int32_t out[GROUPS * OUTPUTS * MB_TILE];
    uint32_t index[GROUPS * ROWS];
    mb_random random = random_of(0);
    for (size_t n_outputs = 1; n_outputs <= OUTPUTS; n_outputs++) {
        int32_t weights[ROWS * OUTPUTS] = {0};
        int32_t bias[OUTPUTS];
        make_sums(&c, &random, n_outputs, 4000, 8000);
        const size_t n = c.n_terms / 2;
        for (size_t i = 0; i < WORDS; i++) {
            x[(i / MB_TILE / 2 * MB_TILE + i % MB_TILE) * 2 + i / MB_TILE % 2] = (int16_t)c.x[i];
        }
        for (size_t o = 0; o < n_outputs; o++) {
            bias[o] = (int32_t)c.bias[o];
            for (size_t t = 0; t < n; t++) {
                const uint32_t first = (uint32_t)c.weight[2 * t * n_outputs + o] & 0xffffU;
                const uint32_t second = (uint32_t)c.weight[(2 * t + 1) * n_outputs + o] << 16;
                weights[packed_at(&c, n, t, o)] = (int32_t)(first | second);
            }
        }
        for (size_t i = 0; i < GROUPS * n; i++) {
            index[i] = c.index[2 * i] / 2;
        }
        const mb_fixed_sums sums = {GROUPS, n, n_outputs, index, weights, bias};
        for (size_t v = 0; v < n_versions; v++) {
            versions[v]->sums_pairs(&sums, x, out);
            assert_sums(&c, out, versions[v]->name);
        }
    }
}

static void test_fixed_kernels__sums_of_floats_and_int32_are_exact(void **state) {
    (void)state;
    static sums_case c;
    static int32_t x[WORDS], out[GROUPS * OUTPUTS * MB_TILE];
    static float real_x[WORDS];
    mb_random random = random_of(1);
    for (size_t n_outputs = 1; n_outputs <= OUTPUTS; n_outputs++) {
        int32_t weights[ROWS * OUTPUTS], bias[OUTPUTS];
        float real_weights[ROWS * OUTPUTS], real_bias[OUTPUTS];
        make_sums(&c, &random, n_outputs, 1000, 400);
        for (size_t i = 0; i < WORDS; i++) {
            x[i] = (int32_t)c.x[i];
            real_x[i] = (float)c.x[i];
        }
        for (size_t o = 0; o < n_outputs; o++) {
            bias[o] = (int32_t)c.bias[o];
            real_bias[o] = (float)c.bias[o];
            for (size_t t = 0; t < c.n_terms; t++) {
                const size_t at = packed_at(&c, c.n_terms, t, o);
                weights[at] = (int32_t)c.weight[t * n_outputs + o];
                real_weights[at] = (float)c.weight[t * n_outputs + o];
            }
        }
        const mb_fixed_sums sums = {GROUPS, c.n_terms, n_outputs, c.index, weights, bias};
        const mb_fixed_sums real = {GROUPS, c.n_terms, n_outputs, c.index, real_weights, real_bias};
        for (size_t v = 0; v < n_versions; v++) {
            versions[v]->sums_i32(&sums, x, out);
            assert_sums(&c, out, versions[v]->name);
            versions[v]->sums_f32(&real, real_x, out);
            assert_sums(&c, out, versions[v]->name);
        }
    }
}

static void test_fixed_kernels__transposed_words_lie_event_by_event(void **state) {
    (void)state;
    enum { N = 48, STRIDE = 51 };
    static int32_t rows[MB_TILE * STRIDE], tile[N * MB_TILE];
    mb_random random = random_of(2);
    for (size_t i = 0; i < MB_TILE * STRIDE; i++) {
        rows[i] = (int32_t)mb_random_u32(&random);
    }
    for (size_t v = 0; v < n_versions; v++) {
        memset(tile, 0, sizeof tile);
        versions[v]->transpose(rows, STRIDE, N, tile);
        for (size_t k = 0; k < N; k++) {
            for (size_t i = 0; i < MB_TILE; i++) {
                assert_int_equal(tile[k * MB_TILE + i], rows[i * STRIDE + k]);
            }
        }
    }
}

static void test_fixed_kernels__conversions_are_the_same_in_all_versions(void **state) {
    (void)state;
    static int32_t x[WORDS], wanted[WORDS], found[WORDS];
    static int64_t wide_x[WORDS], wide[WORDS];
    mb_random random = random_of(3);
    for (size_t round = 0; round < 200; round++) {
        const unsigned right = (unsigned)mb_random_below(&random, 9);
        const int64_t half = right == 0 ? 0 : INT64_C(1) << (right - 1);
        const mb_fixed_step step = {.left = right == 0 ? 3 : 0,
            .right = right,
            .floor = mb_random_below(&random, 2) == 0 ? 0 : INT32_MIN,
            .base = half,
            .odd = (int64_t)mb_random_below(&random, 2),
            .negative = (int64_t)mb_random_below(&random, 3) - 1,
            .mask = mb_random_below(&random, 2) == 0 ? -1 : 0xfff,
            .sign = 0,
            .least = -within(&random, 100) - 100,
            .most = 900,
            .is_zero_outside = mb_random_below(&random, 2) == 0};
        for (size_t i = 0; i < WORDS; i++) {
            x[i] = (int32_t)within(&random, 100000);
            wide_x[i] = x[i];
        }
        mb_fixed_kernels_c.convert32(&step, ROWS, x, wanted);
        for (size_t v = 0; v < n_versions; v++) {
            versions[v]->convert32(&step, ROWS, x, found);
            mb_test_assert_same_bits(found, wanted, WORDS, sizeof *found, "int32");
            versions[v]->convert64(&step, ROWS, wide_x, wide);
            for (size_t i = 0; i < WORDS; i++) {
                assert_true(wide[i] == wanted[i]);
            }
        }
    }
}

static void test_fixed_kernels__rows_are_read_up_to_the_limit_and_no_further(void **state) {
    (void)state;
    const mb_fixed_reader reader = {.factor = 4,
        .has_half = true,
        .is_even = true,
        .mask = -1,
        .sign = 0,
        .least = -20,
        .most = 20};
    float x[20] = {0, 0.125F, 0.375F, -0.125F, -0.375F, 0.126F, 1000, -1000, 4.99F, -0.0F, 1e-40F,
        -1e-40F, 2.5F, -2.5F, 0.625F, 3, 4, 5, 6, 7};
    static const int32_t wanted[20] = {
        0, 0, 2, 0, -2, 1, 20, -20, 20, 0, 0, 0, 10, -10, 2, 12, 16, 20, 20, 20};
    static const float beyond[] = {NAN, INFINITY, -INFINITY, 268435456.0F, -3e38F};
    int32_t out[20];
    int16_t shorts[20];
    for (size_t v = 0; v < n_versions; v++) {
        assert_true(versions[v]->read_f32(&reader, x, 20, out));
        assert_true(versions[v]->read_f32_short(&reader, x, 20, shorts));
        for (size_t i = 0; i < 20; i++) {
            assert_int_equal(out[i], wanted[i]);
            assert_int_equal(shorts[i], wanted[i]);
        }
        for (size_t i = 0; i < MB_COUNT_OF(beyond); i++) {
            float bad[20];
            memcpy(bad, x, sizeof bad);
            bad[7 + i] = beyond[i];
            assert_false(versions[v]->read_f32(&reader, bad, 20, out));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_kernels__sums_of_pairs_are_exact),
        cmocka_unit_test(test_fixed_kernels__sums_of_floats_and_int32_are_exact),
        cmocka_unit_test(test_fixed_kernels__transposed_words_lie_event_by_event),
        cmocka_unit_test(test_fixed_kernels__conversions_are_the_same_in_all_versions),
        cmocka_unit_test(test_fixed_kernels__rows_are_read_up_to_the_limit_and_no_further),
    };
    return cmocka_run_group_tests(tests, find_versions, NULL);
}
