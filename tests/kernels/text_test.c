// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "kernels/text.h"

enum { WORDS = 5 };

static void compare_masks(mb_text_masks_fn masks_of, const char *text) {
    mb_text_masks wanted[WORDS], found[WORDS];
    mb_text_masks_c(text, WORDS, wanted);
    masks_of(text, WORDS, found);
    assert_memory_equal(wanted, found, sizeof wanted);
}

static void test_text__masks_have_a_bit_for_each_byte_of_a_kind(void **state) {
    (void)state;
    char text[64];
    memset(text, 'x', sizeof text);
    memcpy(text, "09 ,[].-\n/:", 11);
    text[63] = '5';
    mb_text_masks m;
    mb_text_masks_c(text, 1, &m);
    assert_true(m.digit == (UINT64_C(3) | UINT64_C(1) << 63));
    assert_true(m.blank == 4 && m.comma == 8 && m.open == 16 && m.close == 32);
    assert_true(m.point == 64 && m.minus == 128 && m.feed == 256);
}

static void test_text__masks_of_all_instruction_sets_are_equal(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (int i = 0; i < 2000; i++) {
        char text[64 * WORDS];
        for (size_t k = 0; k < sizeof text; k++) {
            text[k] = (char)(i == 0 ? (int)(k % 256) : (int)mb_random_below(&random, 256));
        }
        compare_masks(mb_text_masks_for(0), text);
        compare_masks(mb_text_masks_for(mb_runtime_cpu(world.runtime)), text);
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__masks_have_a_bit_for_each_byte_of_a_kind),
        cmocka_unit_test(test_text__masks_of_all_instruction_sets_are_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
