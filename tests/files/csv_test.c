// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/csv.h"

#include <math.h>

static mb_test_world world;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_world_close(&world);
    return 0;
}

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
        cmocka_unit_test(test_csv__irregular_tables_are_refused_by_line),
        cmocka_unit_test(test_csv__what_is_written_is_read_back),
        cmocka_unit_test(test_csv__files_are_read_plain_and_named_when_absent),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
