// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "base/random.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// The C locale is the test program's own: strtod is the judge.

static void check_double(const char *text) {
    double got = -7;
    const char *end = text + strlen(text);
    const double wanted = strtod(text, NULL);
    if (mb_parse_double(text, end, &got) != end || memcmp(&got, &wanted, sizeof got) != 0) {
        fail_msg("'%s' is read as %.17g, wanted %.17g", text, got, wanted);
    }
}

static void test_numbers__doubles_are_rounded_correctly(void **state) {
    (void)state;
    static const char *const texts[] = {"0", "-0", "+1", "1.", ".5", "-.5e-3", "007", "1e22",
        "1e23", "9007199254740992", "9007199254740993", "9007199254740993.0000000000000000001",
        "18446744073709551615", "18446744073709551616", "99999999999999999999", "1e308", "1e309",
        "-1e999999999999", "4.9e-324", "2.4e-324", "1e-999999999999", "2.2250738585072011e-308",
        "0.1", "123456789012345678901234567890e-20", "0.000000000000000000000000000001"};
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        check_double(texts[i]);
    }
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, 0);
    for (size_t i = 0; i < 20000; i++) {
        char text[64];
        const int digits = 1 + (int)mb_random_below(&random, 20);
        const double size = exp2((double)mb_random_below(&random, 200) - 100);
        (void)snprintf(text, sizeof text, i % 2 == 0 ? "%.*g" : "%.*f", digits,
            mb_random_normal(&random) * (i % 2 == 0 ? size : 1000));
        check_double(text);
    }
}

static void test_numbers__a_number_ends_where_it_ends(void **state) {
    (void)state;
    static const struct {
        const char *text;
        ptrdiff_t length; // -1: no number
    } cases[] = {{"", -1}, {"-", -1}, {".", -1}, {"+.e1", -1}, {"e5", -1}, {"nan", -1}, {"inf", -1},
        {" 1", -1}, {"1e", 1}, {"1e+", 1}, {"1e+x", 1}, {"1.5.2", 3}, {"12,5", 2}, {"0x10", 1},
        {"1e5e5", 3}, {"--1", -1}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        double value = 0;
        const char *text = cases[i].text;
        const char *end = mb_parse_double(text, text + strlen(text), &value);
        assert_int_equal(end == NULL ? -1 : end - text, cases[i].length);
    }
    // What lies behind the end is not read.
    double value = 0;
    const char digits[] = "1234.5e7";
    assert_ptr_equal(mb_parse_double(digits, digits + 3, &value), digits + 3);
    assert_true(value == 123);
    assert_ptr_equal(mb_parse_double(digits, digits + 7, &value), digits + 6);
    assert_true(value == 1234.5);
}

static void test_numbers__endless_digits_are_refused(void **state) {
    (void)state;
    char text[2048];
    for (size_t point = 0; point < 3; point++) {
        memset(text, '1', sizeof text);
        text[point == 0 ? sizeof text - 1 : point] = '.';
        double value = 0;
        assert_null(mb_parse_double(text, text + sizeof text, &value));
        assert_null(mb_parse_double(text, text + 512, &value));
        assert_non_null(mb_parse_double(text, text + 511, &value));
    }
}

static void test_numbers__integers_are_exact_up_to_their_ends(void **state) {
    (void)state;
    int64_t whole = 0;
    uint64_t natural = 0;
    const char most[] = "18446744073709551615";
    assert_non_null(mb_parse_uint64(most, most + 20, &natural));
    assert_true(natural == UINT64_MAX);
    const char beyond[] = "18446744073709551616";
    const char negative[] = "-1";
    assert_null(mb_parse_uint64(beyond, beyond + 20, &natural));
    assert_null(mb_parse_uint64(negative, negative + 2, &natural));
    assert_true(mb_text_to_int64("9223372036854775807", &whole) && whole == INT64_MAX);
    assert_true(mb_text_to_int64("-9223372036854775808", &whole) && whole == INT64_MIN);
    assert_true(mb_text_to_int64(" +42\t", &whole) && whole == 42);
    assert_true(mb_text_to_int64("-0", &whole) && whole == 0);
    assert_false(mb_text_to_int64("9223372036854775808", &whole));
    assert_false(mb_text_to_int64("-9223372036854775809", &whole));
    assert_false(mb_text_to_int64("4 2", &whole));
    assert_false(mb_text_to_int64("", &whole));
    assert_false(mb_text_to_int64("1.0", &whole));
}

static void test_numbers__sizes_and_counts_are_written_for_people(void **state) {
    (void)state;
    static const struct {
        uint64_t number;
        const char *bytes, *count;
    } cases[] = {{0, "0 B", "0"}, {999, "999 B", "999"}, {1000, "1000 B", "1,000"},
        {1024, "1.0 KiB", "1,024"}, {12345678, "11.8 MiB", "12,345,678"},
        {UINT64_C(3) << 40, "3.0 TiB", "3,298,534,883,328"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char text[32];
        assert_string_equal(mb_format_bytes(text, sizeof text, cases[i].number), cases[i].bytes);
        assert_string_equal(mb_format_count(text, sizeof text, cases[i].number), cases[i].count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers__doubles_are_rounded_correctly),
        cmocka_unit_test(test_numbers__a_number_ends_where_it_ends),
        cmocka_unit_test(test_numbers__endless_digits_are_refused),
        cmocka_unit_test(test_numbers__integers_are_exact_up_to_their_ends),
        cmocka_unit_test(test_numbers__sizes_and_counts_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
