// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/bits.h"

#include "testing.h"

// Random choices: the stream's own numbers, and every version like plain C.

enum { MOST = 1100, WORDS = MOST / 32 + 4 };

static const size_t counts[] = {0, 1, 31, 32, 33, 63, 64, 65, 200, 1024, 1099};
static const uint32_t thresholds[] = {1, 858993459, 0x80000000U, UINT32_MAX};

static size_t find_tables(const mb_kernels *tables[3]) {
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const size_t n = mb_kernels_all(mb_runtime_cpu(world.runtime), tables);
    mb_test_world_close(&world);
    return n;
}

static void test_bits__drawn_ones_are_numbers_of_the_stream(void **state) {
    (void)state;
    const mb_random stream = mb_random_stream(0x123456789ABCDEFULL, MB_PURPOSE_DROPOUT, 7, 11);
    const mb_kernels *tables[3];
    const size_t n_tables = find_tables(tables);
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < MB_COUNT_OF(counts); i++) {
            for (size_t k = 0; k < MB_COUNT_OF(thresholds); k++) {
                uint32_t bits[WORDS];
                mb_random random = stream;
                memset(bits, 0xA5, sizeof bits);
                tables[t]->bits->draw(&stream, counts[i], thresholds[k], bits);
                for (size_t b = 0; b < counts[i]; b++) {
                    const uint32_t wanted = mb_random_u32(&random) >= thresholds[k];
                    assert_int_equal(bits[b / 32] >> b % 32 & 1, wanted);
                }
                const size_t n_words = (counts[i] + 31) / 32;
                assert_int_equal(bits[n_words], 0xA5A5A5A5U); // nothing behind
                if (counts[i] % 32 != 0) {
                    assert_int_equal(bits[n_words - 1] >> counts[i] % 32, 0);
                }
            }
        }
    }
}

static void test_bits__versions_keep_and_count_alike(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    uint32_t bits[WORDS];
    float in[MOST];
    const mb_kernels *tables[3];
    const size_t n_tables = find_tables(tables);
    mb_bit_kernels_c.draw(&random, MOST, 1U << 30, bits);
    bits[WORDS - 1] = bits[WORDS - 2] = bits[WORDS - 3] = 0;
    for (size_t i = 0; i < MOST; i++) {
        in[i] = (float)mb_random_normal(&random);
    }
    for (size_t t = 1; t < n_tables; t++) {
        for (size_t n = 0; n < 70; n++) {
            for (size_t first = 0; first < 70; first += 3) {
                float wanted[MOST] = {0}, got[MOST] = {0};
                mb_bit_kernels_c.keep(n, in, bits, first, 1.25F, wanted);
                tables[t]->bits->keep(n, in, bits, first, 1.25F, got);
                mb_test_assert_same_bits(got, wanted, MOST, sizeof *got, tables[t]->name);
            }
        }
        for (size_t width = 1; width < 70; width++) {
            uint32_t wanted[80] = {3, 4, 5}, got[80] = {3, 4, 5};
            static const uint32_t some[] = {3, 7, 8, 14};
            mb_bit_kernels_c.count(MOST / width, NULL, width, bits, wanted);
            mb_bit_kernels_c.count(4, some, width, bits, wanted);
            tables[t]->bits->count(MOST / width, NULL, width, bits, got);
            tables[t]->bits->count(4, some, width, bits, got);
            mb_test_assert_same_bits(got, wanted, 80, sizeof *got, tables[t]->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits__drawn_ones_are_numbers_of_the_stream),
        cmocka_unit_test(test_bits__versions_keep_and_count_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
