// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/lines.h"

#include <stdio.h>

typedef struct text {
    const char *bytes;
    size_t length;
} text;

// The lines of a text behind one another, each in brackets.
static mb_status read_all(mb_lines *lines, mb_buffer *out) {
    for (;;) {
        char *line = NULL;
        size_t length = 0;
        MB_TRY(mb_lines_next(lines, &line, &length));
        if (line == NULL) {
            return out->status;
        }
        mb_buffer_text(out, "[");
        mb_buffer_append(out, line, length);
        mb_buffer_text(out, "]");
    }
}

static mb_status join(void *user, mb_context *ctx) {
    const text *from = user;
    mb_lines lines;
    mb_buffer out;
    mb_buffer_init(&out, ctx);
    mb_status status = mb_lines_open_text(&lines, ctx, "text", from->bytes, from->length);
    if (status == MB_OK) {
        status = read_all(&lines, &out);
    }
    mb_lines_close(&lines);
    mb_buffer_clear(&out);
    return status;
}

static void test_lines__ends_lines_as_all_systems_do(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {{"", ""}, {"\n", "[]"}, {"a", "[a]"}, {"a\nb", "[a][b]"}, {"a\r\nb\r\n", "[a][b]"},
        {"\xEF\xBB\xBF"
         "a\n\nb\n",
            "[a][][b]"},
        {"a\rb\r", "[a\rb]"}};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_lines lines;
        mb_buffer out;
        mb_buffer_init(&out, world.ctx);
        assert_ok(world.ctx,
            mb_lines_open_text(&lines, world.ctx, "text", cases[i].text, strlen(cases[i].text)));
        assert_ok(world.ctx, read_all(&lines, &out));
        assert_string_equal(out.data != NULL ? out.data : "", cases[i].wanted);
        mb_lines_close(&lines);
        mb_buffer_clear(&out);
    }
    mb_test_world_close(&world);
}

static void test_lines__reads_lines_longer_than_its_block(void **state) {
    (void)state;
    enum { N_LINES = 40, LONGEST = 200000 };
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    char *folder = mb_test_directory();
    char path[1024];
    snprintf(path, sizeof path, "%s/long.txt", folder);
    mb_buffer file;
    mb_buffer_init(&file, world.ctx);
    for (size_t i = 0; i < N_LINES; i++) {
        for (size_t k = 0; k < i * LONGEST / N_LINES; k++) {
            mb_buffer_append(&file, i % 2 == 0 ? "a" : "b", 1);
        }
        mb_buffer_text(&file, "\n");
    }
    assert_ok(world.ctx, mb_write_buffer(&file, path));
    mb_lines lines;
    assert_ok(world.ctx, mb_lines_open(&lines, world.ctx, path));
    for (size_t i = 0; i < N_LINES; i++) {
        char *line = NULL;
        size_t length = 0;
        assert_ok(world.ctx, mb_lines_next(&lines, &line, &length));
        assert_int_equal(length, i * LONGEST / N_LINES);
        assert_int_equal(strspn(line, i % 2 == 0 ? "a" : "b"), length);
        assert_int_equal(line[length], '\0');
        assert_int_equal(lines.line, i + 1);
    }
    assert_int_equal(mb_lines_fail(&lines, "is %s", "bad"), MB_ERR_FORMAT);
    assert_non_null(strstr(mb_context_error_text(world.ctx), "long.txt:40: is bad"));
    mb_lines_close(&lines);
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
}

// The block is 64 KiB, of which a byte stays free.
static void test_lines__an_end_may_lie_across_the_blocks_end(void **state) {
    (void)state;
    enum { BLOCK = 1 << 16, MOST_BEFORE = 6 };
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    char *folder = mb_test_directory();
    char path[1024];
    snprintf(path, sizeof path, "%s/text", folder);
    for (size_t before = 0; before <= MOST_BEFORE; before++) {
        static const char rest[] = "\r\n\r\nlast\r\n";
        mb_buffer file;
        mb_lines lines;
        char *line = NULL;
        size_t length = 0;
        mb_buffer_init(&file, world.ctx);
        while (file.length < BLOCK - before) {
            mb_buffer_append(&file, "a", 1);
        }
        mb_buffer_text(&file, rest);
        assert_ok(world.ctx, mb_write_buffer(&file, path));
        assert_ok(world.ctx, mb_lines_open(&lines, world.ctx, path));
        assert_ok(world.ctx, mb_lines_next(&lines, &line, &length));
        assert_int_equal(length, BLOCK - before);
        assert_int_equal(strspn(line, "a"), length);
        assert_int_equal(line[length], '\0');
        assert_ok(world.ctx, mb_lines_next(&lines, &line, &length));
        assert_string_equal(line, "");
        assert_ok(world.ctx, mb_lines_next(&lines, &line, &length));
        assert_string_equal(line, "last");
        assert_int_equal(lines.line, 3);
        assert_ok(world.ctx, mb_lines_next(&lines, &line, &length));
        assert_null(line);
        mb_lines_close(&lines);
    }
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
}

static void test_lines__survives_lack_of_memory_at_every_step(void **state) {
    (void)state;
    text from = {"a\nb\nc", 5};
    assert_true(mb_test_each_lack_of_memory(join, &from) > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines__ends_lines_as_all_systems_do),
        cmocka_unit_test(test_lines__reads_lines_longer_than_its_block),
        cmocka_unit_test(test_lines__an_end_may_lie_across_the_blocks_end),
        cmocka_unit_test(test_lines__survives_lack_of_memory_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
