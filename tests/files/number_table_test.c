// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/buffer.h"
#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "files/number_table.h"

#include <stdlib.h>
#include <zlib.h>

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { N_ROWS = 40000 }; // several pieces of the text

// A number as somebody may write it: few or many digits, no point, an exponent.
static void put_number(mb_buffer *text, mb_random *random) {
    const uint32_t kind = mb_random_u32(random) % 8;
    const char *sign = mb_random_u32(random) % 2 == 0 ? "-" : "";
    const unsigned whole = mb_random_u32(random) >> (mb_random_u32(random) % 32);
    const unsigned part = mb_random_u32(random) >> (mb_random_u32(random) % 32);
    if (kind == 0) {
        mb_buffer_format(text, "%s%u", sign, whole);
    } else if (kind == 1) {
        mb_buffer_format(text, "%s%u.%ue-%u", sign, whole % 10, part, whole % 30);
    } else if (kind == 2) {
        mb_buffer_format(text, "%s%u%09u.%u", sign, whole, part % 1000000000U, part);
    } else {
        mb_buffer_format(text, "%s%u.%0*u", sign, whole % 10000000U, (int)(kind - 1), part % 10U);
    }
}

static void test_number_table__numbers_are_those_of_the_slow_way(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 1);
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    double *wanted = mb_allocate(world.ctx, N_ROWS, 2 * sizeof *wanted);
    mb_buffer_text(&text, "left,skipped,id,right\n");
    for (size_t i = 0; i < N_ROWS; i++) {
        for (size_t k = 0; k < 2; k++) {
            const size_t at = text.length;
            put_number(&text, &random);
            assert_non_null(
                mb_parse_double(text.data + at, text.data + text.length, &wanted[2 * i + k]));
            if (k == 0) {
                mb_buffer_format(&text, ",a word,-%zu,", i);
            }
        }
        mb_buffer_text(&text, i % 2 == 0 ? "\n" : "\r\n");
    }
    mb_number_column columns[] = {{.name = "right", .dtype = MB_F64},
        {.name = "left", .dtype = MB_F32}, {.name = "id", .dtype = MB_I64},
        {.name = "other", .dtype = MB_F64, .is_optional = true}};
    size_t n = 0;
    assert_ok(world.ctx,
        mb_number_table_parse(world.ctx, "text", text.data, text.length, columns, 4, &n));
    assert_int_equal(n, N_ROWS);
    assert_false(columns[3].is_there);
    for (size_t i = 0; i < n; i++) {
        const float left = (float)wanted[2 * i];
        assert_memory_equal((const double *)columns[0].value + i, &wanted[2 * i + 1], 8);
        assert_memory_equal((const float *)columns[1].value + i, &left, 4);
        assert_true(((const int64_t *)columns[2].value)[i] == -(int64_t)i);
    }
    mb_number_columns_release(world.ctx, columns, 4);
    mb_release(world.ctx, wanted);
    mb_buffer_clear(&text);
}

static void put_digits(mb_buffer *text, mb_random *random, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t draw = mb_random_u32(random);
        mb_buffer_format(text, "%u", (draw & 1) == 0 ? 0 : draw / 2 % 10);
    }
}

// All lengths on both sides of the point, with zeros at both ends; sometimes an exponent.
static void put_decimal(mb_buffer *text, mb_random *random) {
    const size_t n_whole = mb_random_u32(random) % 21;
    const size_t n_fraction = mb_random_u32(random) % 22 + (n_whole == 0);
    mb_buffer_text(text, mb_random_u32(random) % 2 == 0 ? "-" : "");
    put_digits(text, random, n_whole);
    mb_buffer_text(text, n_fraction > 0 || mb_random_u32(random) % 2 == 0 ? "." : "");
    put_digits(text, random, n_fraction);
    const uint32_t kind = mb_random_u32(random) % 8;
    if (kind == 0) {
        mb_buffer_format(text, "e-%02u", mb_random_u32(random) % 32);
    } else if (kind == 1) {
        mb_buffer_format(text, "e%d", (int)(mb_random_u32(random) % 40) - 20);
    }
}

// The first column is short or empty of letters, so that lines begin anywhere in a word of 8 bytes.
static void test_number_table__decimals_of_any_length_are_those_of_strtod(void **state) {
    (void)state;
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, 2);
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    double *wanted = mb_allocate(world.ctx, N_ROWS, sizeof *wanted);
    float *narrow = mb_allocate(world.ctx, N_ROWS, sizeof *narrow);
    mb_buffer_text(&text, "s,x,y\n"); // too short to read 16 bytes before the first line
    for (size_t i = 0; i < N_ROWS; i++) {
        mb_buffer_format(&text, "%.*s,", (int)(i % 9), "a.b.c.d.e");
        const size_t at = text.length;
        put_decimal(&text, &random);
        wanted[i] = strtod(text.data + at, NULL);
        mb_buffer_text(&text, ",");
        const size_t second = text.length;
        put_decimal(&text, &random);
        narrow[i] = (float)strtod(text.data + second, NULL);
        mb_buffer_text(&text, i % 3 == 0 ? "\r\n" : "\n");
        if (i == N_ROWS / 2) { // a line longer than any piece
            for (size_t k = 0; k < 20000; k++) {
                mb_buffer_text(&text, k % 7 == 0 ? "." : "w");
            }
            mb_buffer_text(&text, ",1.5,2\n");
            wanted[++i] = 1.5;
            narrow[i] = 2;
        }
    }
    mb_number_column columns[] = {{.name = "x", .dtype = MB_F64}, {.name = "y", .dtype = MB_F32}};
    size_t n = 0;
    assert_ok(world.ctx,
        mb_number_table_parse(world.ctx, "text", text.data, text.length, columns, 2, &n));
    assert_int_equal(n, N_ROWS);
    mb_test_assert_same_bits(columns[0].value, wanted, n, sizeof *wanted, "x");
    mb_test_assert_same_bits(columns[1].value, narrow, n, sizeof *narrow, "y");
    mb_number_columns_release(world.ctx, columns, 2);
    mb_release(world.ctx, wanted);
    mb_release(world.ctx, narrow);
    mb_buffer_clear(&text);
}

static void test_number_table__whole_numbers_of_any_length_are_exact(void **state) {
    (void)state;
    static const char text[] =
        "id,some name\n0,a\n-0,a\n12345678,a\n-123456789,a\n1234567890123456,a\n"
        "12345678901234567,a\n-9223372036854775808,a\n9223372036854775807,a\n+5,a\n"
        "00000000000000000000000007,a\n";
    static const int64_t wanted[] = {0, 0, 12345678, -123456789, 1234567890123456,
        12345678901234567, INT64_MIN, INT64_MAX, 5, 7};
    mb_number_column column = {.name = "id", .dtype = MB_I64};
    size_t n = 0;
    assert_ok(
        world.ctx, mb_number_table_parse(world.ctx, "t", text, sizeof text - 1, &column, 1, &n));
    assert_int_equal(n, MB_COUNT_OF(wanted));
    assert_memory_equal(column.value, wanted, sizeof wanted);
    mb_number_columns_release(world.ctx, &column, 1);
}

// Bytes that are nearly digits, in lines that go the quick way.
static void test_number_table__bytes_that_are_no_digits_are_refused(void **state) {
    (void)state;
    static const char line[] = "some long header,id,x\n1,123456789,4.256\n2,123456789,4.256\n";
    static const char kept[] = "0123456789,\neE";
    static const size_t places[] = {3, 10, 14, 15}; // in the second line
    for (int byte = 1; byte < 256; byte++) {
        for (size_t k = 0; strchr(kept, byte) == NULL && k < MB_COUNT_OF(places); k++) {
            char text[sizeof line];
            memcpy(text, line, sizeof line);
            char *second = strchr(strchr(text, '\n') + 1, '\n') + 1;
            second[places[k]] = (char)byte;
            mb_number_column columns[] = {
                {.name = "id", .dtype = MB_I64}, {.name = "x", .dtype = MB_F64}};
            size_t n = 0;
            const char *says = k < 2 ? "t:3:3: id is no whole number" : "t:3:13: x is no number";
            assert_fails(world.ctx,
                mb_number_table_parse(world.ctx, "t", text, sizeof line - 1, columns, 2, &n),
                MB_ERR_FORMAT, says);
        }
    }
}

static void test_number_table__a_column_may_make_another_needless(void **state) {
    (void)state;
    for (int has_weight = 0; has_weight <= 1; has_weight++) {
        const char *text = has_weight ? "z,weight\nany,0.5\n" : "z,height\n2.5,any\n";
        mb_number_column columns[] = {
            {.name = "z", .dtype = MB_F32, .is_optional = true, .unless = "weight"},
            {.name = "weight", .dtype = MB_F32, .is_optional = true}};
        size_t n = 0;
        assert_ok(
            world.ctx, mb_number_table_parse(world.ctx, "t", text, strlen(text), columns, 2, &n));
        assert_true(columns[0].is_there == !has_weight && columns[1].is_there == has_weight);
        const float value = has_weight ? 0.5F : 2.5F;
        assert_float_equal(*(const float *)columns[has_weight].value, value, 0);
        mb_number_columns_release(world.ctx, columns, 2);
    }
}

static void test_number_table__bad_lines_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "t:1: the file is empty"},
        {"x,y\n", "t:1: there is no column 'id'"},
        {"id,x,id\n", "t:1: column 'id' is there twice"},
        {"id,x\n1,2\n3\n", "t:3: has fewer than the 2 fields"},
        {"id,x\n1,2,3\n", "t:2: has more than the 2 fields"},
        {"id,x\n1,2\n\n3,4\n", "t:3:1: id is no whole number"},
        {"id,x\n1.5,2\n", "t:2:1: id is no whole number"},
        {"id,x\n1,2\n1,0x10,\n", "t:3:3: x is no number"},
        {"id,x\n1,nan\n", "t:2:3: x is no number"},
        {"id,x\n99999999999999999999,1\n", "t:2:1: id is no whole number"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_number_column columns[] = {
            {.name = "id", .dtype = MB_I64}, {.name = "x", .dtype = MB_F32}};
        size_t n = 1;
        assert_fails(world.ctx,
            mb_number_table_parse(
                world.ctx, "t", cases[i].text, strlen(cases[i].text), columns, 2, &n),
            MB_ERR_FORMAT, cases[i].says);
        assert_null(columns[0].value);
        assert_int_equal(n, 0);
    }
}

// The text is parsed in chunks of whole lines: one that ends in an empty line must not lose it.
static void test_number_table__empty_lines_are_refused_wherever_they_are(void **state) {
    (void)state;
    mb_buffer text;
    mb_buffer_init(&text, world.ctx);
    mb_buffer_text(&text, "x\n");
    for (size_t row = 0; row < N_ROWS; row++) {
        mb_buffer_text(&text, "1234567\n");
    }
    for (size_t row = 1; row < N_ROWS; row *= 2) {
        char *line = text.data + strlen("x\n") + 8 * row;
        char says[32];
        mb_number_column column = {.name = "x", .dtype = MB_F64};
        size_t n = 0;
        mb_format(says, sizeof says, "t:%zu:1: x is no number", row + 2);
        *line = '\n';
        assert_fails(world.ctx,
            mb_number_table_parse(world.ctx, "t", text.data, text.length, &column, 1, &n),
            MB_ERR_FORMAT, says);
        *line = '1';
    }
    mb_buffer_clear(&text);
}

// Rows "<row>,w...w,0.5" of which the next begins so many bytes further on.
static size_t put_filling(mb_buffer *text, size_t n_bytes) {
    static const mb_test_filling rows = {
        .usual = 90, .shortest = 12, .fill = "w", .tail = ",0.5\n"};
    return mb_test_put_filling(text, text->length + n_bytes, &rows);
}

static mb_status parse_exactly(const mb_buffer *text, mb_number_column columns[2], size_t *n) {
    char *exact = mb_test_copy_exactly(text);
    const mb_status status =
        mb_number_table_parse(world.ctx, "t", exact, text->length, columns, 2, n);
    free(exact);
    return status;
}

// Marks are sought in pieces of 8 KiB, and threads share the text in chunks of 128 KiB, each made
// of whole lines.
static const size_t borders[] = {8192, 131072, 131072 + 8192};

static void test_number_table__lines_may_lie_across_any_border(void **state) {
    (void)state;
    static const char line[] = "-1234567890123456,a word,-12345678.12345678901e-05\r\n";
    for (size_t b = 0; b < MB_COUNT_OF(borders); b++) {
        for (size_t shift = 0; shift < sizeof line; shift++) {
            mb_buffer text;
            mb_number_column columns[] = {
                {.name = "id", .dtype = MB_I64}, {.name = "x", .dtype = MB_F64}};
            size_t n = 0;
            mb_buffer_init(&text, world.ctx);
            mb_buffer_text(&text, "id,word,x\n");
            const size_t at = put_filling(&text, borders[b] - shift);
            mb_buffer_text(&text, line);
            const size_t n_after = put_filling(&text, 200);
            assert_ok(world.ctx, parse_exactly(&text, columns, &n));
            assert_int_equal(n, at + 1 + n_after);
            const int64_t *id = columns[0].value;
            const double *x = columns[1].value;
            for (size_t row = 0; row < n; row++) {
                const int64_t wanted = (int64_t)(row < at ? row : row - at - 1);
                assert_true(id[row] == (row == at ? -1234567890123456 : wanted));
                assert_true(x[row] == (row == at ? -12345678.12345678901e-05 : 0.5));
            }
            mb_number_columns_release(world.ctx, columns, 2);
            mb_buffer_clear(&text);
        }
    }
}

static void test_number_table__a_bad_line_at_any_border_is_named(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {{"\n", ":1: id is no whole number"}, {"\r\n", ":1: id is no whole number"},
        {"7,w\n", ": has fewer than the 3 fields"}, {"7,w,1,\r\n", ": has more than the 3 fields"},
        {"7,w,1\r\r\n", ":5: x is no number"}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        for (size_t b = 0; b < MB_COUNT_OF(borders); b++) {
            for (size_t shift = 0; shift < 10; shift++) {
                mb_buffer text;
                mb_number_column columns[] = {
                    {.name = "id", .dtype = MB_I64}, {.name = "x", .dtype = MB_F64}};
                size_t n = 0;
                char says[64];
                mb_buffer_init(&text, world.ctx);
                mb_buffer_text(&text, "id,word,x\n");
                const size_t at = put_filling(&text, borders[b] - shift);
                mb_buffer_text(&text, cases[i].line);
                (void)put_filling(&text, 200);
                mb_format(says, sizeof says, "t:%zu%s", at + 2, cases[i].says);
                assert_fails(world.ctx, parse_exactly(&text, columns, &n), MB_ERR_FORMAT, says);
                mb_buffer_clear(&text);
            }
        }
    }
}

static void test_number_table__plain_and_gzip_files_are_read(void **state) {
    (void)state;
    static const char text[] = "\xEF\xBB\xBFid,x\n7,1.5\n8,-2\n\n";
    char *directory = mb_test_directory();
    for (int is_compressed = 0; is_compressed <= 1; is_compressed++) {
        char path[4096];
        mb_format(path, sizeof path, "%s/table.csv", directory);
        gzFile file = gzopen(path, is_compressed ? "wb" : "wbT");
        assert_non_null(file);
        assert_int_equal(gzwrite(file, text, sizeof text - 1), sizeof text - 1);
        assert_int_equal(gzclose(file), Z_OK);
        mb_number_column columns[] = {
            {.name = "x", .dtype = MB_F32}, {.name = "id", .dtype = MB_I64}};
        size_t n = 0;
        assert_ok(world.ctx, mb_number_table_read(world.ctx, path, columns, 2, &n));
        assert_int_equal(n, 2);
        assert_true(((const float *)columns[0].value)[1] < -1.9F);
        assert_int_equal(((const int64_t *)columns[1].value)[0], 7);
        mb_number_columns_release(world.ctx, columns, 2);
    }
    mb_test_remove_directory(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_table__numbers_are_those_of_the_slow_way),
        cmocka_unit_test(test_number_table__decimals_of_any_length_are_those_of_strtod),
        cmocka_unit_test(test_number_table__whole_numbers_of_any_length_are_exact),
        cmocka_unit_test(test_number_table__bytes_that_are_no_digits_are_refused),
        cmocka_unit_test(test_number_table__a_column_may_make_another_needless),
        cmocka_unit_test(test_number_table__bad_lines_are_named),
        cmocka_unit_test(test_number_table__empty_lines_are_refused_wherever_they_are),
        cmocka_unit_test(test_number_table__lines_may_lie_across_any_border),
        cmocka_unit_test(test_number_table__a_bad_line_at_any_border_is_named),
        cmocka_unit_test(test_number_table__plain_and_gzip_files_are_read),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
