// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "base/random.h"
#include "files/csv.h"

#include <math.h>
#include <stdlib.h>

MB_TEST_WORLD(1, MB_CPU_ALL)

static mb_status parse(mb_csv *table, const char *text, bool has_header) {
    return mb_csv_parse(table, world.ctx, "t.csv", text, strlen(text), has_header);
}

static void test_csv__fields_quotes_and_line_ends_are_those_of_the_standard(void **state) {
    (void)state;
    mb_csv table;
    assert_ok(world.ctx, parse(&table,
                             "\xEF\xBB\xBFname,\"b \"\"x\"\"\",c\r\n1,,\"two\nlines, "
                             "one field\"\r\n-2.5,x y,last",
                             true));
    assert_int_equal(table.n_rows, 2);
    assert_int_equal(table.n_columns, 3);
    assert_string_equal(mb_csv_column_name(&table, 0), "name");
    assert_string_equal(mb_csv_column_name(&table, 1), "b \"x\"");
    assert_string_equal(mb_csv_field(&table, 0, 1), "");
    assert_string_equal(mb_csv_field(&table, 0, 2), "two\nlines, one field");
    assert_string_equal(mb_csv_field(&table, 1, 2), "last");
    assert_int_equal(table.line[2], 4);
    size_t column = 9;
    assert_ok(world.ctx, mb_csv_find_column(&table, "c", &column));
    assert_int_equal(column, 2);
    double value = 0;
    assert_ok(world.ctx, mb_csv_number(&table, 1, 0, &value));
    assert_true(value == -2.5);
    assert_fails(world.ctx, mb_csv_number(&table, 1, 1, &value), MB_ERR_FORMAT,
        "t.csv:4: field 2, 'x y', is not a number");
    assert_fails(world.ctx, mb_csv_find_column(&table, "d", &column), MB_ERR_FORMAT,
        "no column 'd'; it has: name, ");
    mb_csv_clear(&table);
}

static void test_csv__tables_without_header_become_arrays(void **state) {
    (void)state;
    mb_csv table;
    mb_array array;
    assert_ok(world.ctx, parse(&table, "1,2e3\nnan,-inf\n", false));
    assert_ok(world.ctx, mb_csv_to_array(&table, &array));
    assert_int_equal(array.shape[0], 2);
    assert_int_equal(array.shape[1], 2);
    assert_true(mb_array_get(&array, 1) == 2000);
    assert_true(isnan(mb_array_get(&array, 2)));
    assert_true(mb_array_get(&array, 3) == -(double)INFINITY);
    mb_array_clear(&array);
    mb_csv_clear(&table);
    assert_ok(world.ctx, parse(&table, "", false));
    assert_int_equal(table.n_rows, 0);
    mb_csv_clear(&table);
}

// Rows of fields of any length, some longer than any piece of the text.
static void put_rows(mb_buffer *text, mb_random *random, size_t n_rows) {
    static const char letters[] = "0123456789.- abcxyz";
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t column = 0; column < 3; column++) {
            size_t length = mb_random_u32(random) % 20;
            length += mb_random_u32(random) % 1000 == 0 ? 9000 : 0;
            mb_buffer_text(text, column > 0 ? "," : "");
            for (size_t i = 0; i < length; i++) {
                mb_buffer_format(text, "%c", letters[mb_random_u32(random) % (sizeof letters - 1)]);
            }
        }
        mb_buffer_text(text, mb_random_u32(random) % 2 == 0 ? "\n" : "\r\n");
    }
}

// A quote anywhere makes the whole text go another way; what was before it must be the same.
static void test_csv__a_quote_changes_nothing_elsewhere(void **state) {
    (void)state;
    enum { N = 3000 };
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 3);
    mb_buffer text;
    mb_csv plain;
    mb_csv quoted;
    mb_buffer_init(&text, world.ctx);
    mb_buffer_text(&text, "\xEF\xBB\xBFone,two,three\r\n");
    put_rows(&text, &random, N);
    const size_t length = text.length;
    mb_buffer_text(&text, "last,\"of\",all");
    assert_ok(world.ctx, mb_csv_parse(&plain, world.ctx, "plain", text.data, length, true));
    assert_ok(world.ctx, mb_csv_parse(&quoted, world.ctx, "quoted", text.data, text.length, true));
    assert_int_equal(plain.n_rows, N);
    assert_int_equal(quoted.n_rows, N + 1);
    assert_int_equal(plain.n_fields, 3 * (N + 1));
    for (size_t row = 0; row < N; row++) {
        assert_int_equal(plain.line[row + 1], row + 2);
        for (size_t column = 0; column < 3; column++) {
            assert_string_equal(
                mb_csv_field(&plain, row, column), mb_csv_field(&quoted, row, column));
        }
    }
    mb_csv_clear(&plain);
    mb_csv_clear(&quoted);
    // A line that is short of a field, far behind, and one without an end.
    mb_buffer_clear(&text);
    mb_buffer_init(&text, world.ctx);
    put_rows(&text, &random, N);
    mb_buffer_text(&text, "a,b");
    assert_fails(world.ctx, mb_csv_parse(&plain, world.ctx, "plain", text.data, text.length, false),
        MB_ERR_FORMAT, "plain:3001: 2 fields where the first line has 3");
    mb_csv_clear(&plain);
    mb_buffer_text(&text, "\n");
    put_rows(&text, &random, 10);
    assert_fails(world.ctx, mb_csv_parse(&plain, world.ctx, "plain", text.data, text.length, false),
        MB_ERR_FORMAT, "plain:3001: 2 fields where the first line has 3");
    mb_csv_clear(&plain);
    mb_buffer_clear(&text);
}

// Rows "<row>,b...b,c" of which the next begins at byte end of the text.
static size_t put_filling(mb_buffer *text, size_t end) {
    static const mb_test_filling rows = {.usual = 70, .shortest = 10, .fill = "b", .tail = ",c\n"};
    return mb_test_put_filling(text, end, &rows);
}

static mb_status parse_exactly(mb_csv *table, const mb_buffer *text) {
    char *exact = mb_test_copy_exactly(text);
    const mb_status status = mb_csv_parse(table, world.ctx, "t", exact, text->length, false);
    free(exact);
    return status;
}

// Marks are sought in pieces of 8 KiB.
static const size_t borders[] = {8192, 2 * 8192};

static void test_csv__lines_may_lie_across_any_border(void **state) {
    (void)state;
    static const struct {
        const char *line, *fields[3];
    } cases[] = {{"one,,three\r\n", {"one", "", "three"}}, {",,\n", {"", "", ""}},
        {"\"a,\"\"b\"\"\r\n\",\"\",\"\"\"\"\r\n", {"a,\"b\"\r\n", "", "\""}}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        for (size_t b = 0; b < MB_COUNT_OF(borders); b++) {
            for (size_t shift = 0; shift <= strlen(cases[i].line); shift++) {
                mb_buffer text;
                mb_csv table;
                mb_buffer_init(&text, world.ctx);
                const size_t at = put_filling(&text, borders[b] - shift);
                mb_buffer_text(&text, cases[i].line);
                const size_t n_after = put_filling(&text, text.length + 100);
                assert_ok(world.ctx, parse_exactly(&table, &text));
                assert_int_equal(table.n_rows, at + 1 + n_after);
                for (size_t k = 0; k < 3; k++) {
                    assert_string_equal(mb_csv_field(&table, at, k), cases[i].fields[k]);
                }
                for (size_t row = 0; row < table.n_rows; row++) {
                    double number = 0;
                    if (row != at) {
                        assert_ok(world.ctx, mb_csv_number(&table, row, 0, &number));
                        assert_true(number == (double)(row < at ? row : row - at - 1));
                        assert_string_equal(mb_csv_field(&table, row, 2), "c");
                    }
                }
                mb_csv_clear(&table);
                mb_buffer_clear(&text);
            }
        }
    }
}

static void test_csv__a_bad_line_at_any_border_is_named(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {{"\n", "1 fields where the first line has 3"},
        {"\r\n", "1 fields where the first line has 3"}, {"a,b\r\n", "2 fields"},
        {"a,b,c,d\n", "4 fields"}, {"a,b\r,c\n", "a quote, zero byte or lone CR"},
        {"a,\"b\"c,d\n", "text behind a closing quote"},
        {"a,b,\"c\n", "a quoted field never ends"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        for (size_t b = 0; b < MB_COUNT_OF(borders); b++) {
            for (size_t shift = 0; shift <= strlen(cases[i].line); shift++) {
                mb_buffer text;
                mb_csv table;
                char says[64];
                mb_buffer_init(&text, world.ctx);
                const size_t at = put_filling(&text, borders[b] - shift);
                mb_buffer_text(&text, cases[i].line);
                (void)put_filling(&text, text.length + 100);
                mb_format(says, sizeof says, "t:%zu: %s", at + 1, cases[i].says);
                assert_fails(world.ctx, parse_exactly(&table, &text), MB_ERR_FORMAT, says);
                mb_csv_clear(&table);
                mb_buffer_clear(&text);
            }
        }
    }
}

static void test_csv__irregular_tables_are_refused_by_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"a,b\n1,2\n3\n", "t.csv:3: 1 fields where the first line has 2"},
        {"a,b\n1,2,3\n", "t.csv:2: 3 fields"},
        {"a,b\n\n", "t.csv:2: 1 fields"},
        {"a\n\"x\n", "t.csv:2: a quoted field never ends"},
        {"a\n\"x\"y\n", "t.csv:2: text behind a closing quote"},
        {"a\nx\"y\n", "t.csv:2: a quote"},
        {"a\nx\ry\n", "t.csv:2: a quote, zero byte or lone CR"},
        {"", "t.csv: empty"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_csv table;
        assert_fails(world.ctx, parse(&table, cases[i].text, true), MB_ERR_FORMAT, cases[i].part);
        mb_csv_clear(&table);
    }
    mb_csv table;
    assert_fails(world.ctx, mb_csv_parse(&table, world.ctx, "t.csv", "a\n\0\n", 4, true),
        MB_ERR_FORMAT, "t.csv:2: a quote, zero byte");
    mb_csv_clear(&table);
}

static void test_csv__what_is_written_is_read_back(void **state) {
    (void)state;
    static const char *const texts[] = {"plain", "", "a,b", "say \"x\"", "two\r\nlines", " blank "};
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        mb_csv_put_text(&buffer, true, texts[i]);
        mb_csv_put_float(&buffer, false, 0.1f);
        mb_csv_put_double(&buffer, false, 0.1);
        mb_csv_put_int64(&buffer, false, INT64_MIN);
        mb_csv_end_row(&buffer);
    }
    mb_csv table;
    assert_ok(
        world.ctx, mb_csv_parse(&table, world.ctx, "back", buffer.data, buffer.length, false));
    assert_int_equal(table.n_rows, MB_COUNT_OF(texts));
    for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
        assert_string_equal(mb_csv_field(&table, i, 0), texts[i]);
        assert_string_equal(mb_csv_field(&table, i, 1), "0.1");
        assert_string_equal(mb_csv_field(&table, i, 2), "0.1");
        assert_string_equal(mb_csv_field(&table, i, 3), "-9223372036854775808");
    }
    mb_csv_clear(&table);
    mb_buffer_clear(&buffer);
}

static void test_csv__files_are_read_plain_and_named_when_absent(void **state) {
    (void)state;
    char *directory = mb_test_directory();
    char path[PATH_SIZE];
    path_in(path, sizeof path, directory, "a.csv");
    assert_ok(world.ctx, mb_write_file(world.ctx, path, "x,y\n1,2\n", 8));
    mb_csv table;
    assert_ok(world.ctx, mb_csv_read(&table, world.ctx, path, true));
    assert_int_equal(table.n_rows, 1);
    assert_string_equal(mb_csv_field(&table, 0, 1), "2");
    mb_csv_clear(&table);
    path_in(path, sizeof path, directory, "b.csv");
    assert_fails(world.ctx, mb_csv_read(&table, world.ctx, path, true), MB_ERR_IO, "b.csv: ");
    mb_csv_clear(&table);
    mb_test_remove_directory(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__fields_quotes_and_line_ends_are_those_of_the_standard),
        cmocka_unit_test(test_csv__tables_without_header_become_arrays),
        cmocka_unit_test(test_csv__a_quote_changes_nothing_elsewhere),
        cmocka_unit_test(test_csv__lines_may_lie_across_any_border),
        cmocka_unit_test(test_csv__a_bad_line_at_any_border_is_named),
        cmocka_unit_test(test_csv__irregular_tables_are_refused_by_line),
        cmocka_unit_test(test_csv__what_is_written_is_read_back),
        cmocka_unit_test(test_csv__files_are_read_plain_and_named_when_absent),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
