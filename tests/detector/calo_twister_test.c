// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_study.h"

#include "detector/calo/twister.h"

#include <stdio.h>

// NumPy's draws, against tests/golden/calo_numpy.txt.

static mb_calo_twister twister;
static uint32_t order[500000];

// Opens the golden file behind a name and its count.
static FILE *golden(const char *name, size_t n) {
    FILE *file = fopen(mb_test_source("tests/golden/calo_numpy.txt"), "r");
    assert_non_null(file);
    char word[64];
    size_t count;
    while (fscanf(file, "%63s %zu", word, &count) == 2) {
        if (strcmp(word, name) == 0) {
            assert_int_equal(count, n);
            return file;
        }
        assert_int_equal(fscanf(file, "%*[^\n]"), 0);
    }
    fail_msg("%s is not in the golden file", name);
    return NULL;
}

static void assert_long(const char *name, const uint32_t *values, size_t n) {
    FILE *file = golden(name, n);
    uint32_t wanted, checksum = 0;
    for (size_t i = 0; i < n; i++) {
        if (i < 5) {
            assert_int_equal(fscanf(file, "%u", &wanted), 1);
            assert_int_equal(values[i], wanted);
        }
        checksum += values[i] * (uint32_t)(1 + i % 997);
    }
    assert_int_equal(fscanf(file, "%u", &wanted), 1);
    assert_int_equal(checksum, wanted);
    fclose(file);
}

static void test_twister__permutations_are_those_of_numpy(void **state) {
    (void)state;
    static const uint32_t ten[] = {8, 1, 5, 0, 7, 2, 9, 4, 3, 6};
    mb_calo_twister_seed(&twister, 42);
    mb_calo_twister_permute(&twister, order, 10);
    assert_memory_equal(order, ten, sizeof ten);
    mb_calo_twister_seed(&twister, 42);
    mb_calo_twister_permute(&twister, order, 500000);
    assert_long("permutation_500000", order, 500000);
}

static void test_twister__one_stream_gives_the_original_draws(void **state) {
    (void)state;
    mb_calo_twister_seed(&twister, 42);
    for (size_t i = 0; i < 500000; i++) {
        order[i] = mb_calo_twister_up_to(&twister, 499999);
    }
    assert_long("overlay_500000", order, 500000);
    FILE *file = golden("amplitude_5", 5);
    for (size_t i = 0; i < 100000; i++) {
        const double value = 20.0 + (100.0 - 20.0) * mb_calo_twister_uniform(&twister);
        double wanted;
        if (i < 5) {
            assert_int_equal(fscanf(file, "%lf", &wanted), 1);
            assert_memory_equal(&value, &wanted, sizeof value);
        }
    }
    fclose(file);
    for (size_t i = 0; i < 100000; i++) {
        order[i] = mb_calo_twister_up_to(&twister, 11);
    }
    assert_long("eta_100000", order, 100000);
    for (size_t i = 0; i < 100000; i++) {
        order[i] = mb_calo_twister_up_to(&twister, 15);
    }
    assert_long("phi_100000", order, 100000);
}

static void test_twister__nothing_is_drawn_for_a_range_of_one(void **state) {
    (void)state;
    mb_calo_twister_seed(&twister, 7);
    const uint32_t first = mb_calo_twister_u32(&twister);
    mb_calo_twister_seed(&twister, 7);
    assert_int_equal(mb_calo_twister_up_to(&twister, 0), 0);
    assert_int_equal(mb_calo_twister_u32(&twister), first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twister__permutations_are_those_of_numpy),
        cmocka_unit_test(test_twister__one_stream_gives_the_original_draws),
        cmocka_unit_test(test_twister__nothing_is_drawn_for_a_range_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
