// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/buffer.h"
#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "files/number_table.h"

#include <zlib.h>

static mb_test_world world;

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_world_close(&world);
    return 0;
}

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
        cmocka_unit_test(test_number_table__bad_lines_are_named),
        cmocka_unit_test(test_number_table__plain_and_gzip_files_are_read),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
