// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/zip.h"

MB_TEST_WORLD(1, MB_CPU_ALL)

static void make_archive(mb_buffer *buffer, bool is_compressed) {
    mb_zip_writer *writer = NULL;
    assert_ok(world.ctx, mb_zip_create(world.ctx, &writer));
    assert_ok(world.ctx, mb_zip_add(writer, "config.json", "{\"a\": 1}", 8, is_compressed));
    assert_ok(world.ctx, mb_zip_add(writer, "deep/er/empty", "", 0, is_compressed));
    mb_buffer_init(buffer, world.ctx);
    assert_ok(world.ctx, mb_zip_commit_buffer(writer, buffer));
}

static void test_zip__members_come_back(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        mb_buffer buffer;
        make_archive(&buffer, packed == 1);
        mb_zip *zip = NULL;
        assert_ok(
            world.ctx, mb_zip_open_bytes(world.ctx, "made", buffer.data, buffer.length, &zip));
        assert_int_equal(mb_zip_n_members(zip), 2);
        assert_string_equal(mb_zip_name(zip, 1), "deep/er/empty");
        assert_int_equal(mb_zip_find(zip, "config.json"), 0);
        assert_true(mb_zip_find(zip, "absent") == SIZE_MAX);
        char *bytes = NULL;
        size_t length;
        assert_ok(world.ctx, mb_zip_read(zip, 0, &bytes, &length));
        assert_int_equal(length, 8);
        assert_string_equal(bytes, "{\"a\": 1}");
        mb_release(world.ctx, bytes);
        assert_ok(world.ctx, mb_zip_read(zip, 1, &bytes, &length));
        assert_int_equal(length, 0);
        mb_release(world.ctx, bytes);
        mb_zip_close(zip);
        mb_buffer_clear(&buffer);
    }
}

static void test_zip__the_same_calls_make_the_same_bytes(void **state) {
    (void)state;
    mb_buffer one, two;
    make_archive(&one, true);
    make_archive(&two, true);
    assert_int_equal(one.length, two.length);
    assert_memory_equal(one.data, two.data, one.length);
    // The date in the first local head: 1980-01-01, 00:00.
    assert_memory_equal(one.data + 10, "\0\0\x21\0", 4);
    mb_buffer_clear(&one);
    mb_buffer_clear(&two);
}

static void test_zip__an_archive_without_members_is_one(void **state) {
    (void)state;
    mb_zip_writer *writer = NULL;
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    assert_ok(world.ctx, mb_zip_create(world.ctx, &writer));
    assert_ok(world.ctx, mb_zip_commit_buffer(writer, &buffer));
    mb_zip *zip = NULL;
    assert_ok(world.ctx, mb_zip_open_bytes(world.ctx, "none", buffer.data, buffer.length, &zip));
    assert_int_equal(mb_zip_n_members(zip), 0);
    mb_zip_close(zip);
    mb_buffer_clear(&buffer);
}

// Whatever of a damaged archive can be read must be right or refused: returns how many members were
// read.
static size_t read_all(const char *bytes, size_t length) {
    mb_zip *zip = NULL;
    size_t n_read = 0;
    if (mb_zip_open_bytes(world.ctx, "cut", bytes, length, &zip) == MB_OK) {
        for (size_t i = 0; i < mb_zip_n_members(zip); i++) {
            char *member = NULL;
            size_t size;
            n_read += mb_zip_read(zip, i, &member, &size) == MB_OK;
            mb_release(world.ctx, member);
        }
    }
    mb_zip_close(zip);
    mb_context_clear(world.ctx);
    return n_read;
}

static void test_zip__refuses_an_archive_cut_anywhere(void **state) {
    (void)state;
    mb_buffer buffer;
    make_archive(&buffer, true);
    for (size_t n = 0; n < buffer.length; n++) {
        char *exact = mb_allocate(world.ctx, n, 1);
        memcpy(exact, buffer.data, n);
        assert_int_equal(read_all(exact, n), 0);
        mb_release(world.ctx, exact);
    }
    assert_int_equal(read_all(buffer.data, buffer.length), 2);
    mb_buffer_clear(&buffer);
}

static void test_zip__survives_every_flipped_byte(void **state) {
    (void)state;
    mb_buffer buffer;
    make_archive(&buffer, true);
    for (size_t i = 0; i < buffer.length; i++) {
        buffer.data[i] = (char)(buffer.data[i] ^ 0x55);
        (void)read_all(buffer.data, buffer.length);
        buffer.data[i] = (char)(buffer.data[i] ^ 0x55);
    }
    mb_buffer_clear(&buffer);
}

static void test_zip__refuses_names_that_lead_out(void **state) {
    (void)state;
    static const char *const names[] = {
        "slip_up.zip", "slip_root.zip", "slip_inside.zip", "slip_back.zip"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        char path[PATH_SIZE];
        mb_zip *zip = NULL;
        golden_path(path, sizeof path, names[i]);
        assert_fails(world.ctx, mb_zip_open(world.ctx, path, &zip), MB_ERR_FORMAT,
            "leads out of the archive");
        assert_null(zip);
    }
}

static void test_zip__refuses_other_packing_and_other_files(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_zip *zip = NULL;
    golden_path(path, sizeof path, "packed.zip");
    assert_fails(world.ctx, mb_zip_open(world.ctx, path, &zip), MB_ERR_UNSUPPORTED, "a.txt");
    golden_path(path, sizeof path, "good.h5");
    assert_fails(world.ctx, mb_zip_open(world.ctx, path, &zip), MB_ERR_FORMAT, "good.h5: ");
    golden_path(path, sizeof path, "absent.zip");
    assert_fails(world.ctx, mb_zip_open(world.ctx, path, &zip), MB_ERR_IO, "absent.zip: ");
}

static void test_zip__a_bomb_is_refused_by_the_limit_before_memory_is_taken(void **state) {
    (void)state;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1 << 20;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    char path[PATH_SIZE];
    mb_zip *zip = NULL;
    char *bytes = NULL;
    size_t length;
    golden_path(path, sizeof path, "bomb.zip");
    assert_ok(ctx, mb_zip_open(ctx, path, &zip));
    const uint64_t before = mb_runtime_allocations(runtime);
    assert_fails(ctx, mb_zip_read(zip, 0, &bytes, &length), MB_ERR_LIMIT, "8388608 bytes");
    assert_true(mb_runtime_allocations(runtime) == before);
    mb_zip_close(zip);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static void test_zip__a_member_claiming_more_than_deflate_can_make_is_refused(void **state) {
    (void)state;
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t length;
    golden_path(path, sizeof path, "bomb.zip");
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    // The size in the central directory, whose entry starts with PK 1 2.
    for (size_t i = 0; i + 28 < length; i++) {
        if (memcmp(bytes + i, "PK\x01\x02", 4) == 0) {
            memcpy(bytes + i + 24, "\xff\xff\xff\x70", 4);
        }
    }
    mb_zip *zip = NULL;
    assert_fails(world.ctx, mb_zip_open_bytes(world.ctx, "lie", bytes, length, &zip), MB_ERR_FORMAT,
        "cannot be");
    mb_release(world.ctx, bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zip__members_come_back),
        cmocka_unit_test(test_zip__the_same_calls_make_the_same_bytes),
        cmocka_unit_test(test_zip__an_archive_without_members_is_one),
        cmocka_unit_test(test_zip__refuses_an_archive_cut_anywhere),
        cmocka_unit_test(test_zip__survives_every_flipped_byte),
        cmocka_unit_test(test_zip__refuses_names_that_lead_out),
        cmocka_unit_test(test_zip__refuses_other_packing_and_other_files),
        cmocka_unit_test(test_zip__a_bomb_is_refused_by_the_limit_before_memory_is_taken),
        cmocka_unit_test(test_zip__a_member_claiming_more_than_deflate_can_make_is_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
