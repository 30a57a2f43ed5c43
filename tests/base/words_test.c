// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/words.h"

#include "testing.h"

#include <errno.h>

static void test_words__a_word_is_found_whole(void **state) {
    (void)state;
    static const char *const words[] = {"loss", "accuracy", NULL};
    static const char *const none[] = {NULL};
    assert_true(mb_is_one_of("loss", words));
    assert_true(mb_is_one_of("accuracy", words));
    assert_false(mb_is_one_of("los", words));
    assert_false(mb_is_one_of("losses", words));
    assert_false(mb_is_one_of("", words));
    assert_false(mb_is_one_of("loss", none));
    assert_int_equal(mb_count_words(words), 2);
    assert_int_equal(mb_count_words(none), 0);
}

static void test_words__hexadecimal_digits_are_those_of_either_case_alone(void **state) {
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    int n_digits = 0;
    for (int c = 1; c < 256; c++) {
        const char *at = strchr(digits, c);
        const int value = at == NULL         ? -1
                          : at - digits < 16 ? (int)(at - digits)
                                             : (int)(at - digits) - 6;
        assert_int_equal(mb_hex_digit((char)c), value);
        n_digits += value >= 0;
    }
    assert_int_equal(n_digits, 22);
    assert_int_equal(mb_hex_digit('\0'), -1);
}

static void test_words__characters_of_utf8_are_those_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {{"a", 1}, {"\xC2\x80", 2}, {"\xE2\x82\xAC", 3}, {"\xF4\x8F\xBF\xBF", 4},
        // Alone, cut short, too long a form, a surrogate, beyond the last.
        {"\x80", 0}, {"\xFF", 0}, {"\xE2\x82", 0}, {"\xC0\x80", 0}, {"\xE0\x9F\xBF", 0},
        {"\xF0\x8F\xBF\xBF", 0}, {"\xED\xA0\x80", 0}, {"\xF4\x90\x80\x80", 0}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_int_equal(mb_utf8_length(cases[i].text), cases[i].length);
    }
}

static void test_words__errors_of_the_system_have_a_reason(void **state) {
    (void)state;
    char reason[MB_REASON_SIZE];
    assert_string_equal(mb_system_reason(ENOENT, reason), "No such file or directory");
    assert_ptr_equal(mb_system_reason(-1, reason), reason);
    assert_true(strlen(reason) > 0);
}

static mb_status fill(void *user, mb_context *ctx) {
    (void)user;
    mb_names names = {.ctx = ctx};
    mb_status status = mb_names_add(&names, "tracks.csv", 6);
    if (status == MB_OK) {
        status = mb_names_take(&names, mb_copy_text(ctx, "hits"));
    }
    if (status == MB_OK) {
        status = mb_names_add(&names, NULL, 0);
    }
    if (status == MB_OK) {
        mb_names_sort(&names);
        assert_int_equal(names.n, 3);
        assert_string_equal(names.name[0], "");
        assert_string_equal(names.name[1], "hits");
        assert_string_equal(names.name[2], "tracks");
        assert_true(mb_names_have(&names, "tracks"));
        assert_false(mb_names_have(&names, "tracks.csv"));
    }
    mb_names_clear(&names);
    assert_int_equal(names.n, 0);
    mb_names_clear(&names);
    return status;
}

static void test_words__names_are_copied_and_freed_also_when_memory_is_short(void **state) {
    (void)state;
    assert_true(mb_test_each_lack_of_memory(fill, NULL) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__a_word_is_found_whole),
        cmocka_unit_test(test_words__hexadecimal_digits_are_those_of_either_case_alone),
        cmocka_unit_test(test_words__characters_of_utf8_are_those_of_the_standard),
        cmocka_unit_test(test_words__errors_of_the_system_have_a_reason),
        cmocka_unit_test(test_words__names_are_copied_and_freed_also_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
