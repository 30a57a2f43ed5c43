// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "naive.h"
#include "testing.h"

#include "base/random.h"
#include "twin/fixed.h"

#include <math.h>

static void compare(const mb_fixed *format, int64_t n, int exponent) {
    bool wanted_outside, outside, real_outside;
    const double value = (double)n * exp2(exponent);
    const double wanted = naive_convert(format, value, &wanted_outside);
    const int64_t found = mb_fixed_convert(format, n, exponent, &outside);
    const int64_t from_real = mb_fixed_from_double(format, value, &real_outside);
    if (mb_fixed_to_double(format, found) != wanted || outside != wanted_outside ||
        from_real != found || real_outside != outside) {
        char text[MB_FIXED_TEXT_SIZE];
        fail_msg("%lld * 2^%d to %s: %g, not %g", (long long)n, exponent,
            mb_fixed_text(format, text, sizeof text), mb_fixed_to_double(format, found), wanted);
    }
}

static void test_fixed__small_formats_agree_with_the_definition_everywhere(void **state) {
    (void)state;
    for (int bits = 1; bits <= 5; bits++) {
        for (int rules = 0; rules < 7 * 4 * 2; rules++) {
            const mb_fixed format = {.bits = bits,
                .integer = 2,
                .is_signed = rules % 2 == 0,
                .rounding = (mb_fixed_rounding)(rules / 8),
                .overflow = (mb_fixed_overflow)(rules / 2 % 4)};
            for (int exponent = -7; exponent <= 4; exponent++) {
                for (int64_t n = -140; n <= 140; n++) {
                    compare(&format, n, exponent);
                }
            }
        }
    }
}

static void test_fixed__random_formats_agree_with_the_definition(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 0);
    for (int i = 0; i < 100000; i++) {
        const mb_fixed format = {.bits = 1 + (int)mb_random_below(&random, 40),
            .integer = (int)mb_random_below(&random, 60) - 20,
            .is_signed = mb_random_below(&random, 2) == 0,
            .rounding = (mb_fixed_rounding)mb_random_below(&random, 7),
            .overflow = (mb_fixed_overflow)mb_random_below(&random, 4)};
        const int64_t n = (int64_t)(mb_random_u64(&random) >> (23 + mb_random_below(&random, 40)));
        compare(&format, mb_random_below(&random, 2) == 0 ? n : -n,
            (int)mb_random_below(&random, 40) - 30);
    }
}

static void test_fixed__shifts_beyond_64_places_keep_sign_and_wrap(void **state) {
    (void)state;
    const mb_fixed low = {.bits = 4, .integer = 4, .is_signed = true};
    mb_fixed even = low;
    bool outside;
    even.rounding = MB_FIXED_ROUND_EVEN;
    assert_int_equal(mb_fixed_convert(&low, -1, -70, &outside), -1);
    assert_int_equal(mb_fixed_convert(&low, INT64_MIN, -64, &outside), -1);
    assert_int_equal(mb_fixed_convert(&even, INT64_MIN, -64, &outside), 0);
    assert_int_equal(mb_fixed_convert(&even, INT64_MIN + 1, -64, &outside), 0);
    assert_int_equal(mb_fixed_convert(&low, 3, 80, &outside), 0);
    assert_true(outside);
    even.overflow = MB_FIXED_SATURATE;
    assert_int_equal(mb_fixed_convert(&even, 3, 80, &outside), 7);
    assert_int_equal(mb_fixed_convert(&even, -3, 62, &outside), -8);
}

static void test_fixed__reals_that_are_no_numbers_have_a_defined_integer(void **state) {
    (void)state;
    mb_fixed format = {.bits = 8, .integer = 8, .is_signed = true};
    bool outside;
    assert_int_equal(mb_fixed_from_double(&format, NAN, &outside), 0);
    assert_true(outside);
    assert_int_equal(mb_fixed_from_double(&format, INFINITY, &outside), 0);
    format.overflow = MB_FIXED_SATURATE;
    assert_int_equal(mb_fixed_from_double(&format, INFINITY, &outside), 127);
    assert_int_equal(mb_fixed_from_double(&format, -INFINITY, &outside), -128);
    assert_int_equal(mb_fixed_from_double(&format, -5e-324, &outside), -1);
    assert_false(outside);
}

static void test_fixed__texts_of_all_spellings_are_read_and_written_back(void **state) {
    (void)state;
    static const struct {
        const char *text, *back;
    } cases[] = {
        {"<16,8>u RND SAT", "<16,8>u RND SAT"},
        {" <16, 8> ", "<16,8>"},
        {"ap_ufixed<16,8,AP_RND,AP_SAT>", "<16,8>u RND SAT"},
        {"ap_fixed<6,2>", "<6,2>"},
        {"ufixed<12,3,RND_CONV,SAT>", "<12,3>u RND_CONV SAT"},
        {"fixed<12,-3,SAT_SYM>", "<12,-3> SAT_SYM"},
        {"<5,2,TRN_ZERO,SAT_ZERO>u", "<5,2>u TRN_ZERO SAT_ZERO"},
        {"<62,70> RND_MIN_INF", "<62,70> RND_MIN_INF"},
        {"<3,3> AP_RND_INF WRAP", "<3,3> RND_INF"},
        {"<3,3> RND_ZERO", "<3,3> RND_ZERO"},
    };
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_fixed format;
        char text[MB_FIXED_TEXT_SIZE];
        assert_ok(world.ctx, mb_fixed_parse(world.ctx, "here", cases[i].text, &format));
        assert_string_equal(mb_fixed_text(&format, text, sizeof text), cases[i].back);
    }
    mb_test_world_close(&world);
}

static void test_fixed__texts_that_are_no_format_fail_with_their_place(void **state) {
    (void)state;
    static const char *const cases[] = {"", "16,8", "<16>", "<0,0>", "<63,1>", "<8,999>", "<8,4",
        "<8,4>x", "<8,4>u RND FOO", "ap_<8,4>", "<8,4,>", "<8,4>u u", "<8,4> AP_", "<a,4>",
        "<99999999999999999999,4>", "<8,4>\xff"};
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_fixed format;
        assert_fails(world.ctx, mb_fixed_parse(world.ctx, "types.yaml:3", cases[i], &format),
            MB_ERR_FORMAT, "types.yaml:3: ");
    }
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed__small_formats_agree_with_the_definition_everywhere),
        cmocka_unit_test(test_fixed__random_formats_agree_with_the_definition),
        cmocka_unit_test(test_fixed__shifts_beyond_64_places_keep_sign_and_wrap),
        cmocka_unit_test(test_fixed__reals_that_are_no_numbers_have_a_defined_integer),
        cmocka_unit_test(test_fixed__texts_of_all_spellings_are_read_and_written_back),
        cmocka_unit_test(test_fixed__texts_that_are_no_format_fail_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
