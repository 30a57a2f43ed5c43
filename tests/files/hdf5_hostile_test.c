// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "base/threads.h"
#include "files/arrays.h"
#include "files/hdf5.h"

// Files that lie, lead elsewhere or are damaged.

MB_TEST_WORLD(2, MB_CPU_ALL)

static void test_hdf5_hostile__each_bad_dataset_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *path;
        mb_status status;
        const char *part;
    } cases[] = {
        {"/soft", MB_ERR_UNSUPPORTED, "/soft leads through a soft or external link"},
        {"/outside", MB_ERR_UNSUPPORTED, "soft or external link"},
        {"/linked/up/types/f4_le", MB_ERR_UNSUPPORTED, "soft or external link"},
        {"/external", MB_ERR_UNSUPPORTED, "/external: its numbers lie in other files"},
        {"/virtual", MB_ERR_UNSUPPORTED, "lie in other files"},
        {"/lzf", MB_ERR_UNSUPPORTED, "filter 32000 is not offered"},
        {"/scaled", MB_ERR_UNSUPPORTED, "filter 6 is not offered"},
        {"/huge", MB_ERR_LIMIT, "claims 4398046511104 bytes"},
        {"/larger", MB_ERR_LIMIT, "more bytes than can be addressed"},
        {"/late", MB_ERR_LIMIT, "claims 137438953472 bytes"},
        {"/text", MB_ERR_UNSUPPORTED, "not of a float, integer or bool type"},
        {"/record", MB_ERR_UNSUPPORTED, "not of a float, integer or bool type"},
        {"/axes", MB_ERR_UNSUPPORTED, "more than 8 axes"},
        {"/bomb", MB_ERR_FORMAT, "a chunk does not decompress to its size"},
        {"/summed", MB_ERR_FORMAT, "a chunk has a wrong checksum"},
    };
    char path[PATH_SIZE];
    mb_h5_file *file = NULL;
    golden_path(path, sizeof path, "hostile.h5");
    assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
    mb_array array;
    assert_ok(world.ctx, mb_h5_read(file, "/fine", &array));
    mb_array_clear(&array);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        assert_fails(
            world.ctx, mb_h5_read(file, cases[i].path, &array), cases[i].status, cases[i].part);
        assert_null(array.data);
    }
    for (size_t row = 0; row < 4; row++) {
        if (row < 3) {
            assert_fails(world.ctx, mb_h5_read_rows(file, "/bomb", row, 1, &array), MB_ERR_FORMAT,
                "does not decompress to its size");
        } else {
            assert_ok(world.ctx, mb_h5_read_rows(file, "/bomb", row, 1, &array));
            mb_array_clear(&array);
        }
    }
    mb_h5_close(file);
}

static void test_hdf5_hostile__cycles_and_depth_are_bounded(void **state) {
    (void)state;
    char path[PATH_SIZE], long_path[1024] = "/deep";
    mb_h5_file *file = NULL;
    mb_names names;
    golden_path(path, sizeof path, "hostile.h5");
    assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
    for (size_t i = 0; i < 70; i++) {
        strcat(long_path, "/d");
    }
    assert_fails(
        world.ctx, mb_h5_list(file, long_path, &names), MB_ERR_LIMIT, "too long or too deep");
    mb_names_clear(&names);
    memset(long_path + 1, 'x', sizeof long_path - 2);
    assert_fails(world.ctx, mb_h5_list(file, long_path, &names), MB_ERR_FORMAT, "no /xxx");
    mb_names_clear(&names);
    assert_false(mb_h5_exists(file, long_path));
    mb_h5_close(file);
    mb_arrays_list list;
    assert_fails(world.ctx, mb_arrays_list_read(&list, world.ctx, path), MB_ERR_LIMIT, "deeper");
    mb_arrays_list_clear(&list);
}

// Reads whatever an image offers; failures are fine, crashes are not.
static void read_everything(mb_context *ctx, const char *bytes, size_t length) {
    static const char *const paths[] = {"/types/f4_le", "/types/i2_be", "/types/b1",
        "/chunks/plain", "/chunks/all", "/chunks/holes", "/chunks/compact"};
    static const char *const texts[] = {"variable", "fixed", "list", "variable_list", "none"};
    mb_h5_file *file = NULL;
    if (mb_h5_open_bytes(ctx, "damaged", bytes, length, &file) == MB_OK) {
        for (size_t i = 0; i < MB_COUNT_OF(paths); i++) {
            mb_array array;
            if (mb_h5_read(file, paths[i], &array) != MB_OK) {
                assert_null(array.data);
                assert_true(mb_context_error_text(ctx)[0] != '\0');
            }
            mb_array_clear(&array);
            mb_context_clear(ctx);
        }
        for (size_t i = 0; i < MB_COUNT_OF(texts); i++) {
            mb_names names;
            (void)(mb_h5_attribute_texts(file, "/attributes", texts[i], &names) == MB_OK);
            mb_names_clear(&names);
            (void)(mb_h5_attribute_texts(file, "/few", texts[i], &names) == MB_OK);
            mb_names_clear(&names);
            mb_context_clear(ctx);
        }
    }
    mb_h5_close(file);
    mb_context_clear(ctx);
}

static void test_hdf5_hostile__files_cut_anywhere_are_survived(void **state) {
    (void)state;
    static const char *const names[] = {"good.h5", "latest.h5"};
    for (size_t g = 0; g < MB_COUNT_OF(names); g++) {
        char path[PATH_SIZE];
        char *bytes = NULL;
        size_t length;
        golden_path(path, sizeof path, names[g]);
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
        for (size_t n = 0; n < length; n += n < 256 ? 1 : 997) {
            mb_h5_file *file = NULL;
            // HDF5 stores its length, so that every cut is seen when it is opened.
            assert_fails(world.ctx, mb_h5_open_bytes(world.ctx, "cut", bytes, n, &file),
                MB_ERR_FORMAT, "cut: ");
            assert_null(file);
        }
        mb_release(world.ctx, bytes);
    }
}

static void test_hdf5_hostile__flipped_bytes_are_survived(void **state) {
    (void)state;
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t length;
    golden_path(path, sizeof path, "good.h5");
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    for (size_t i = 0; i < length; i += 611) {
        bytes[i] = (char)(bytes[i] ^ 0xFF);
        read_everything(world.ctx, bytes, length);
        bytes[i] = (char)(bytes[i] ^ 0xFF);
    }
    mb_release(world.ctx, bytes);
}

static void test_hdf5_hostile__other_files_are_told(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_h5_file *file = NULL;
    golden_path(path, sizeof path, "f4_le.npy");
    assert_fails(world.ctx, mb_h5_open(world.ctx, path, &file), MB_ERR_FORMAT, "not an HDF5 file");
    assert_fails(world.ctx, mb_h5_open(world.ctx, "absent.h5", &file), MB_ERR_IO, "absent.h5: ");
    assert_fails(world.ctx, mb_h5_open_bytes(world.ctx, "none", "", 0, &file), MB_ERR_FORMAT,
        "none: not an HDF5 file");
}

static void test_hdf5_hostile__the_limit_of_bytes_holds(void **state) {
    (void)state;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 100;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    char path[PATH_SIZE];
    mb_h5_file *file = NULL;
    mb_array array;
    golden_path(path, sizeof path, "good.h5");
    assert_ok(ctx, mb_h5_open(ctx, path, &file));
    assert_ok(ctx, mb_h5_read(file, "/types/f8_le", &array));
    mb_array_clear(&array);
    assert_fails(ctx, mb_h5_read(file, "/chunks/odd", &array), MB_ERR_LIMIT, "/chunks/odd: ");
    assert_fails(ctx, mb_h5_read(file, "/chunks/gzip", &array), MB_ERR_LIMIT,
        "chunks larger than the limit");
    mb_h5_close(file);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

// Many threads, each with files of its own, some of which read in parallel themselves.
static mb_status read_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)task;
    (void)worker;
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(ctx, user, &file));
    mb_array array;
    mb_status status = MB_OK;
    for (int i = 0; i < 20 && status == MB_OK; i++) {
        status = mb_h5_read(file, "/chunks/all", &array);
        mb_array_clear(&array);
    }
    mb_h5_close(file);
    return status;
}

static void test_hdf5_hostile__threads_do_not_disturb_each_other(void **state) {
    (void)state;
    char path[PATH_SIZE];
    golden_path(path, sizeof path, "good.h5");
    assert_ok(world.ctx, mb_parallel(world.ctx, 16, read_task, path));
}

// The bytes of a file of one array, /x of three numbers.
static void write_small(const char *name, mb_buffer *bytes) {
    mb_h5_writer *writer = NULL;
    mb_array array;
    mb_buffer_init(bytes, world.ctx);
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_F32, 1, (const size_t[]){3}));
    assert_ok(world.ctx, mb_h5_create(world.ctx, name, MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_h5_write_array(writer, "/x", &array));
    assert_ok(world.ctx, mb_h5_commit_buffer(writer, bytes));
    mb_array_clear(&array);
}

// The list of free blocks in the heap of the root's names leads back to its first block.
static void test_hdf5_hostile__a_heap_whose_free_blocks_go_round_is_refused(void **state) {
    (void)state;
    mb_h5_file *file = NULL;
    mb_buffer bytes;
    mb_names names;
    write_small("round", &bytes);
    assert_ok(world.ctx, mb_h5_open_bytes(world.ctx, "round", bytes.data, bytes.length, &file));
    assert_ok(world.ctx, mb_h5_list(file, "/", &names));
    mb_names_clear(&names);
    mb_h5_close(file);
    size_t at = 0;
    while (memcmp(bytes.data + at, "HEAP", 4) != 0) {
        at++;
    }
    static const uint64_t sizes[] = {0, 16};
    for (size_t i = 0; i < MB_COUNT_OF(sizes); i++) {
        const uint64_t block[2] = {16, sizes[i]};
        uint64_t start;
        memcpy(bytes.data + at + 16, &block[0], sizeof block[0]);
        memcpy(&start, bytes.data + at + 24, sizeof start);
        memcpy(bytes.data + start + 16, block, sizeof block);
        assert_fails(world.ctx,
            mb_h5_open_bytes(world.ctx, "round", bytes.data, bytes.length, &file), MB_ERR_FORMAT,
            "round: /: its head makes no sense");
        assert_null(file);
    }
    mb_buffer_clear(&bytes);
}

// As h5py writes compressed chunks with HDF5 2 and libver="latest"; older libraries know it not.
static void test_hdf5_hostile__a_layout_of_a_newer_library_is_named(void **state) {
    (void)state;
    mb_h5_file *file = NULL;
    mb_buffer bytes;
    mb_array array;
    write_small("newer", &bytes);
    // A message of a layout: its type, length, flags, and its version (3), contiguous (1).
    static const char layout[] = {8, 0, 24, 0, 0, 0, 0, 0, 3, 1};
    size_t at = 0;
    while (memcmp(bytes.data + at, layout, sizeof layout) != 0) {
        at++;
        assert_true(at + sizeof layout <= bytes.length);
    }
    bytes.data[at + 8] = 5;
    assert_ok(world.ctx, mb_h5_open_bytes(world.ctx, "newer", bytes.data, bytes.length, &file));
    assert_fails(world.ctx, mb_h5_read(file, "/x", &array), MB_ERR_UNSUPPORTED,
        "newer: /x: layout of version 5");
    mb_h5_close(file);
    mb_buffer_clear(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hdf5_hostile__a_heap_whose_free_blocks_go_round_is_refused),
        cmocka_unit_test(test_hdf5_hostile__a_layout_of_a_newer_library_is_named),
        cmocka_unit_test(test_hdf5_hostile__each_bad_dataset_is_refused_by_name),
        cmocka_unit_test(test_hdf5_hostile__cycles_and_depth_are_bounded),
        cmocka_unit_test(test_hdf5_hostile__files_cut_anywhere_are_survived),
        cmocka_unit_test(test_hdf5_hostile__flipped_bytes_are_survived),
        cmocka_unit_test(test_hdf5_hostile__other_files_are_told),
        cmocka_unit_test(test_hdf5_hostile__the_limit_of_bytes_holds),
        cmocka_unit_test(test_hdf5_hostile__threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
