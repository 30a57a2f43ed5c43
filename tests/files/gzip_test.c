// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/gzip.h"

#include <stdlib.h>
#include <zlib.h>

enum { TEXT_SIZE = 1 << 20 };

static mb_test_world world;
static char *directory;
static char path[PATH_SIZE];
static char *text; // TEXT_SIZE bytes

static int open_all(void **state) {
    (void)state;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    directory = mb_test_directory();
    path_in(path, sizeof path, directory, "text");
    text = malloc(TEXT_SIZE);
    for (size_t i = 0; i < TEXT_SIZE; i++) {
        text[i] = i % 50 == 49 ? '\n' : (char)('a' + (i * i / 7) % 26);
    }
    return 0;
}

static int close_all(void **state) {
    (void)state;
    free(text);
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
    return 0;
}

// Compresses length bytes of the text from first on, as one gzip member, behind buffer.
static void append_member(mb_buffer *buffer, size_t first, size_t length) {
    z_stream stream = {.next_in = (unsigned char *)text + first, .avail_in = (uInt)length};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&stream, length);
    unsigned char *packed = malloc(room);
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    mb_buffer_append(buffer, packed, room - stream.avail_out);
    deflateEnd(&stream);
    free(packed);
}

// Reads the file in blocks of size; must be the text's first n bytes.
static void assert_reads_text(size_t block, size_t n) {
    mb_text_reader *reader = NULL;
    char *got = malloc(n + block);
    size_t length = 0, now = 1;
    assert_ok(world.ctx, mb_text_reader_open(world.ctx, path, &reader));
    while (now > 0) {
        assert_true(length <= n);
        assert_ok(world.ctx, mb_text_reader_read(reader, got + length, block, &now));
        length += now;
    }
    assert_int_equal(length, n);
    assert_memory_equal(got, text, n);
    mb_text_reader_close(reader);
    free(got);
}

static void test_gzip__plain_text_comes_as_it_is(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 262143, 262144, 262145, TEXT_SIZE};
    for (size_t i = 0; i < MB_COUNT_OF(lengths); i++) {
        assert_ok(world.ctx, mb_write_file(world.ctx, path, text, lengths[i]));
        assert_reads_text(100000, lengths[i]);
        assert_reads_text(TEXT_SIZE, lengths[i]);
    }
}

static void test_gzip__members_one_behind_the_other_are_one_text(void **state) {
    (void)state;
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    append_member(&buffer, 0, 300000);
    append_member(&buffer, 300000, 0);
    append_member(&buffer, 300000, TEXT_SIZE - 300000);
    mb_buffer_append(&buffer, "\0\0\0", 3);
    assert_ok(world.ctx, mb_write_buffer(&buffer, path));
    assert_reads_text(77777, TEXT_SIZE);
    assert_reads_text(2 * TEXT_SIZE, TEXT_SIZE);
}

static mb_status read_through(mb_context *ctx) {
    mb_text_reader *reader = NULL;
    char *block = malloc(65536);
    size_t n = 1;
    mb_status status = mb_text_reader_open(ctx, path, &reader);
    while (status == MB_OK && n > 0) {
        status = mb_text_reader_read(reader, block, 65536, &n);
    }
    mb_text_reader_close(reader);
    free(block);
    return status;
}

static void test_gzip__a_cut_or_damaged_file_is_refused(void **state) {
    (void)state;
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    append_member(&buffer, 0, 200);
    for (size_t n = 2; n < buffer.length; n++) {
        assert_ok(world.ctx, mb_write_file(world.ctx, path, buffer.data, n));
        assert_fails(world.ctx, read_through(world.ctx), MB_ERR_FORMAT, "ends too early");
    }
    buffer.data[buffer.length - 6] ^= 1; // the checksum
    assert_ok(world.ctx, mb_write_file(world.ctx, path, buffer.data, buffer.length));
    assert_fails(world.ctx, read_through(world.ctx), MB_ERR_FORMAT, "is damaged");
    mb_buffer_clear(&buffer);
}

static void test_gzip__more_than_the_limit_is_refused(void **state) {
    (void)state;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 300000;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    append_member(&buffer, 0, TEXT_SIZE);
    assert_ok(world.ctx, mb_write_buffer(&buffer, path));
    assert_fails(ctx, read_through(ctx), MB_ERR_LIMIT, "300000 bytes");
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static void test_gzip__absent_files_and_directories_are_named(void **state) {
    (void)state;
    mb_text_reader *reader = NULL;
    assert_fails(
        world.ctx, mb_text_reader_open(world.ctx, directory, &reader), MB_ERR_IO, "a directory");
    assert_fails(world.ctx, mb_text_reader_open(world.ctx, "absent.csv", &reader), MB_ERR_IO,
        "absent.csv: ");
    assert_null(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip__plain_text_comes_as_it_is),
        cmocka_unit_test(test_gzip__members_one_behind_the_other_are_one_text),
        cmocka_unit_test(test_gzip__a_cut_or_damaged_file_is_refused),
        cmocka_unit_test(test_gzip__more_than_the_limit_is_refused),
        cmocka_unit_test(test_gzip__absent_files_and_directories_are_named),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
