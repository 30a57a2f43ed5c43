// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/hdf5.h"
#include "files/npy.h"

#include <signal.h>

// A full disk, played by the limit on the size of a file.

static mb_test_world world;
static char *directory;
static char path[PATH_SIZE];

static int open_world(void **state) {
    (void)state;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    directory = mb_test_directory();
    path_in(path, sizeof path, directory, "full");
    (void)signal(SIGXFSZ, SIG_IGN);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    mb_test_remove_directory(directory);
    mb_test_world_close(&world);
    return 0;
}

// 200 rows of 1,000 bytes that deflate cannot shrink.
static void make_noise(mb_array *array) {
    assert_ok(world.ctx, mb_array_init(array, world.ctx, MB_U8, 2, (const size_t[]){200, 1000}));
    uint64_t x = 1;
    for (size_t i = 0; i < 200000; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        ((uint8_t *)array->data)[i] = (uint8_t)(x >> 56);
    }
}

static mb_status write_h5(mb_h5_mode mode, int deflate, const mb_array *array) {
    mb_h5_writer *writer = NULL;
    mb_h5_rows *rows = NULL;
    MB_TRY(mb_h5_create(world.ctx, path, mode, &writer));
    mb_status status = mb_h5_create_rows(
        writer, "/noise", array->dtype, array->rank, array->shape, deflate, &rows);
    for (size_t i = 0; i < 200 && status == MB_OK; i += 50) {
        status = mb_h5_write_rows(rows, (const uint8_t *)array->data + i * 1000, 50);
    }
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static mb_status write_npz(const mb_array *array) {
    const char *const names[] = {"noise"};
    const mb_array *const arrays[] = {array};
    return mb_npz_write(world.ctx, path, names, arrays, 1, true);
}

static void test_disk_full__leaves_nothing_behind(void **state) {
    (void)state;
    static const uint64_t allowed[] = {0, 1, 2000, 60000, 190000};
    mb_array array;
    make_noise(&array);
    for (size_t i = 0; i < MB_COUNT_OF(allowed); i++) {
        mb_test_limit_files(allowed[i]);
        for (int mode = MB_H5_IN_MEMORY; mode <= MB_H5_ON_DISK; mode++) {
            for (int deflate = 0; deflate <= 1; deflate++) {
                assert_fails(world.ctx, write_h5((mb_h5_mode)mode, deflate, &array), MB_ERR_IO,
                    "free some space");
                assert_int_equal(mb_test_count_entries(world.ctx, directory), 0);
            }
        }
        assert_fails(world.ctx, write_npz(&array), MB_ERR_IO, "free some space");
        assert_int_equal(mb_test_count_entries(world.ctx, directory), 0);
        assert_fails(
            world.ctx, mb_npy_write(world.ctx, path, &array), MB_ERR_IO, "free some space");
        assert_int_equal(mb_test_count_entries(world.ctx, directory), 0);
    }
    mb_test_limit_files(UINT64_MAX);
    mb_array_clear(&array);
}

static void test_disk_full__keeps_the_file_that_was_there(void **state) {
    (void)state;
    mb_array array;
    make_noise(&array);
    assert_ok(world.ctx, mb_write_file(world.ctx, path, "old", 3));
    mb_test_limit_files(60000);
    for (int mode = MB_H5_IN_MEMORY; mode <= MB_H5_ON_DISK; mode++) {
        assert_fails(world.ctx, write_h5((mb_h5_mode)mode, 1, &array), MB_ERR_IO, "full: ");
    }
    assert_fails(world.ctx, write_npz(&array), MB_ERR_IO, "full: ");
    mb_test_limit_files(UINT64_MAX);
    char *bytes = NULL;
    size_t length;
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    assert_string_equal(bytes, "old");
    mb_release(world.ctx, bytes);
    assert_int_equal(mb_test_count_entries(world.ctx, directory), 1);
    // With room again all is well: the failures left nothing in the library.
    assert_ok(world.ctx, write_h5(MB_H5_ON_DISK, 1, &array));
    mb_h5_file *file = NULL;
    mb_array back;
    assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
    assert_ok(world.ctx, mb_h5_read(file, "/noise", &back));
    assert_memory_equal(back.data, array.data, 200000);
    mb_array_clear(&back);
    mb_h5_close(file);
    mb_array_clear(&array);
}

static void test_disk_full__a_place_that_is_none_is_named(void **state) {
    (void)state;
    mb_h5_writer *writer = NULL;
    assert_fails(world.ctx,
        mb_h5_create(world.ctx, "absent_directory/x.h5", MB_H5_ON_DISK, &writer), MB_ERR_IO,
        "absent_directory/x.h5: ");
    assert_null(writer);
    assert_ok(
        world.ctx, mb_h5_create(world.ctx, "absent_directory/x.h5", MB_H5_IN_MEMORY, &writer));
    assert_fails(world.ctx, mb_h5_commit(writer), MB_ERR_IO, "absent_directory/x.h5: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_full__leaves_nothing_behind),
        cmocka_unit_test(test_disk_full__keeps_the_file_that_was_there),
        cmocka_unit_test(test_disk_full__a_place_that_is_none_is_named),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
