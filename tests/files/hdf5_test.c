// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/hdf5.h"

// Reading what h5py wrote, and our own files back.

MB_TEST_WORLD_AND_FOLDER(3, MB_CPU_ALL)

static mb_h5_file *open_golden(const char *name) {
    char path[PATH_SIZE];
    mb_h5_file *file = NULL;
    assert_ok(world.ctx, mb_h5_open(world.ctx, golden_path(path, sizeof path, name), &file));
    return file;
}

static const char *const golden[] = {"good.h5", "latest.h5"};

static void test_hdf5__reads_every_type_of_h5py_in_both_byte_orders(void **state) {
    (void)state;
    static const struct {
        const char *name;
        mb_dtype dtype;
    } types[] = {{"f2_le", MB_F32}, {"f2_be", MB_F32}, {"f4_le", MB_F32}, {"f4_be", MB_F32},
        {"f8_le", MB_F64}, {"f8_be", MB_F64}, {"i1_le", MB_I8}, {"i2_le", MB_I16},
        {"i2_be", MB_I16}, {"i4_le", MB_I32}, {"i4_be", MB_I32}, {"i8_le", MB_I64},
        {"i8_be", MB_I64}, {"u1_be", MB_U8}, {"u2_le", MB_U16}, {"u2_be", MB_U16},
        {"u4_le", MB_U32}, {"u4_be", MB_U32}, {"u8_le", MB_U64}, {"u8_be", MB_U64},
        {"b1", MB_BOOL}};
    for (size_t g = 0; g < MB_COUNT_OF(golden); g++) {
        mb_h5_file *file = open_golden(golden[g]);
        for (size_t i = 0; i < MB_COUNT_OF(types); i++) {
            char path[64];
            (void)mb_format(path, sizeof path, "/types/%s", types[i].name);
            mb_array array;
            assert_ok(world.ctx, mb_h5_read(file, path, &array));
            assert_int_equal(array.dtype, types[i].dtype);
            assert_int_equal(array.rank, 2);
            assert_int_equal(array.shape[1], 4);
            assert_golden(&array, 0, path);
            mb_array_clear(&array);
            assert_ok(world.ctx, mb_h5_read_rows(file, path, 1, 2, &array));
            assert_int_equal(mb_array_count(&array), 8);
            assert_golden(&array, 4, path);
            mb_array_clear(&array);
        }
        mb_h5_close(file);
    }
}

static void test_hdf5__reads_scalars_and_empty_arrays(void **state) {
    (void)state;
    mb_h5_file *file = open_golden("good.h5");
    mb_array array;
    assert_ok(world.ctx, mb_h5_read(file, "types/scalar", &array));
    assert_int_equal(array.rank, 0);
    assert_golden(&array, 0, "scalar");
    mb_array_clear(&array);
    assert_ok(world.ctx, mb_h5_read(file, "/types//empty", &array));
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.shape[0], 0);
    assert_int_equal(array.shape[1], 5);
    mb_array_clear(&array);
    mb_h5_close(file);
}

static void test_hdf5__reads_chunks_of_all_shapes_and_filters_whole_and_by_rows(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/chunks/plain", "/chunks/gzip", "/chunks/all", "/chunks/swapped", "/chunks/odd"};
    for (size_t g = 0; g < MB_COUNT_OF(golden); g++) {
        mb_h5_file *file = open_golden(golden[g]);
        for (size_t i = 0; i < MB_COUNT_OF(paths); i++) {
            mb_array array;
            assert_ok(world.ctx, mb_h5_read(file, paths[i], &array));
            const size_t row = mb_array_count(&array) / 7;
            assert_golden(&array, 0, paths[i]);
            mb_array_clear(&array);
            for (size_t first = 0; first <= 7; first++) {
                for (size_t n = 0; n + first <= 7; n++) {
                    assert_ok(world.ctx, mb_h5_read_rows(file, paths[i], first, n, &array));
                    assert_int_equal(array.shape[0], n);
                    assert_golden(&array, first * row, paths[i]);
                    mb_array_clear(&array);
                }
            }
        }
        mb_h5_close(file);
    }
}

static void test_hdf5__what_was_never_written_is_the_fill_value(void **state) {
    (void)state;
    for (size_t g = 0; g < MB_COUNT_OF(golden); g++) {
        mb_h5_file *file = open_golden(golden[g]);
        mb_array array;
        assert_ok(world.ctx, mb_h5_read(file, "/chunks/holes", &array));
        for (size_t i = 0; i < 24; i++) {
            const double wanted = i >= 8 && i < 16 ? golden_value(MB_F32, i - 8) : 2.5;
            assert_true(mb_array_get(&array, i) == wanted);
        }
        mb_array_clear(&array);
        static const char *const paths[] = {"/chunks/never", "/chunks/late"};
        for (size_t k = 0; k < 2; k++) {
            assert_ok(world.ctx, mb_h5_read(file, paths[k], &array));
            assert_int_equal(mb_array_count(&array), 24);
            for (size_t i = 0; i < 24; i++) {
                assert_true(mb_array_get(&array, i) == 0);
            }
            mb_array_clear(&array);
        }
        assert_ok(world.ctx, mb_h5_read(file, "/chunks/compact", &array));
        assert_golden(&array, 0, "compact");
        mb_array_clear(&array);
        mb_h5_close(file);
    }
}

static void assert_text(mb_h5_file *file, const char *path, const char *name, const char *wanted) {
    char *text = NULL;
    assert_ok(world.ctx, mb_h5_attribute_text(file, path, name, &text));
    assert_string_equal(text, wanted);
    mb_release(world.ctx, text);
}

static void assert_texts(
    mb_h5_file *file, const char *path, const char *name, const char *const *wanted, size_t n) {
    mb_names texts;
    assert_ok(world.ctx, mb_h5_attribute_texts(file, path, name, &texts));
    assert_int_equal(texts.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(texts.name[i], wanted[i]);
    }
    mb_names_clear(&texts);
}

static void test_hdf5__reads_texts_of_fixed_length(void **state) {
    (void)state;
    for (size_t g = 0; g < MB_COUNT_OF(golden); g++) {
        mb_h5_file *file = open_golden(golden[g]);
        assert_text(file, "/few", "fixed", "fixed");
        assert_text(file, "/few", "split", "onetwothree");
        assert_texts(file, "/few", "list", (const char *const[]){"one", "three"}, 2);
        assert_texts(file, "/few", "split", (const char *const[]){"one", "two", "three"}, 3);
        assert_texts(file, "/few", "none", NULL, 0);
        char *many = NULL;
        assert_fails(world.ctx, mb_h5_attribute_text(file, "/few", "list", &many), MB_ERR_FORMAT,
            "2 texts, not one");
        mb_h5_close(file);
    }
}

static void test_hdf5__reads_texts_of_variable_length(void **state) {
    (void)state;
    mb_h5_file *file = NULL;
    for (size_t g = 0; g < MB_COUNT_OF(golden); g++) {
        char *text = NULL;
        file = open_golden(golden[g]);
        assert_text(file, "/few", "variable", "a text");
        assert_texts(file, "/few", "variable_list", (const char *const[]){"one", "three", ""}, 3);
        assert_ok(world.ctx, mb_h5_attribute_text(file, "/few", "long", &text));
        assert_int_equal(strlen(text), 70000);
        mb_release(world.ctx, text);
        mb_h5_close(file);
    }
    file = open_golden("good.h5");
    assert_text(file, "/attributes", "variable", "a text, \xC3\xBCml\xC3\xA4ut");
    assert_text(file, "/attributes", "bytes", "bytes");
    assert_text(file, "/attributes", "blank", "");
    mb_h5_close(file);
}

static void test_hdf5__texts_in_dense_storage_are_refused_in_words(void **state) {
    (void)state;
    char *text = NULL;
    mb_h5_file *file = open_golden("latest.h5");
    assert_fails(world.ctx, mb_h5_attribute_text(file, "/attributes", "variable", &text),
        MB_ERR_UNSUPPORTED, "dense storage");
    assert_null(text);
    mb_h5_close(file);
}

static void test_hdf5__reads_numbers_of_attributes(void **state) {
    (void)state;
    mb_h5_file *file = open_golden("good.h5");
    int64_t whole = 0;
    mb_array array;
    assert_ok(world.ctx, mb_h5_attribute_int64(file, "/attributes", "int", &whole));
    assert_int_equal(whole, -7);
    assert_ok(world.ctx, mb_h5_attribute_array(file, "/attributes", "vector", &array));
    assert_int_equal(array.dtype, MB_I16);
    assert_golden(&array, 0, "vector");
    mb_array_clear(&array);
    assert_true(mb_h5_has_attribute(file, "/few", "split"));
    assert_false(mb_h5_has_attribute(file, "/attributes", "absent"));
    assert_false(mb_h5_has_attribute(file, "/absent", "int"));
    assert_fails(world.ctx, mb_h5_attribute_int64(file, "/attributes", "float", &whole),
        MB_ERR_RANGE, "0.125");
    assert_fails(world.ctx, mb_h5_attribute_int64(file, "/attributes", "vector", &whole),
        MB_ERR_FORMAT, "4 numbers, not one");
    assert_fails(world.ctx, mb_h5_attribute_int64(file, "/attributes", "fixed", &whole),
        MB_ERR_FORMAT, "no number");
    assert_fails(world.ctx, mb_h5_attribute_int64(file, "/attributes", "absent", &whole),
        MB_ERR_FORMAT, "attribute absent of /attributes: is not there");
    mb_h5_close(file);
}

static void test_hdf5__a_user_block_before_the_file_is_skipped(void **state) {
    (void)state;
    static const char *const paths[] = {"/plain", "/packed"};
    mb_h5_file *file = open_golden("user_block.h5");
    for (size_t i = 0; i < MB_COUNT_OF(paths); i++) {
        mb_array array;
        assert_ok(world.ctx, mb_h5_read_rows(file, paths[i], 1, 2, &array));
        assert_golden(&array, 4, paths[i]);
        mb_array_clear(&array);
    }
    assert_text(file, "/", "text", "a text");
    mb_h5_close(file);
}

static void test_hdf5__lists_and_tells_groups(void **state) {
    (void)state;
    mb_h5_file *file = open_golden("good.h5");
    mb_names names;
    assert_ok(world.ctx, mb_h5_list(file, "/", &names));
    assert_int_equal(names.n, 4);
    assert_string_equal(names.name[0], "attributes");
    assert_string_equal(names.name[3], "types");
    mb_names_clear(&names);
    assert_true(mb_h5_is_group(file, "/types"));
    assert_false(mb_h5_is_group(file, "/types/b1"));
    assert_true(mb_h5_exists(file, "/types/b1"));
    assert_false(mb_h5_exists(file, "/types/b1/deeper"));
    assert_false(mb_h5_exists(file, "/absent"));
    assert_int_equal(mb_context_status(world.ctx), MB_OK);
    assert_fails(world.ctx, mb_h5_list(file, "/types/b1", &names), MB_ERR_FORMAT, "no group");
    mb_names_clear(&names);
    mb_array array;
    assert_fails(world.ctx, mb_h5_read(file, "/types", &array), MB_ERR_FORMAT, "a group");
    assert_fails(world.ctx, mb_h5_read(file, "/absent", &array), MB_ERR_FORMAT, "no /absent");
    assert_fails(
        world.ctx, mb_h5_read_rows(file, "/types/f4_le", 2, 2, &array), MB_ERR_RANGE, "it has 3");
    mb_h5_close(file);
}

// Writes one of everything.
static void write_all(const char *path, mb_h5_mode mode, mb_context *ctx) {
    static const char *const names[] = {"one", "two_longer", ""};
    static const size_t shape[] = {9, 3, 5};
    mb_h5_writer *writer = NULL;
    mb_h5_rows *packed = NULL, *plain = NULL;
    mb_array array;
    assert_ok(ctx, mb_h5_create(ctx, path, mode, &writer));
    assert_ok(ctx, mb_h5_put_text(writer, "/", "title", "a title"));
    assert_ok(ctx, mb_h5_put_int64(writer, "/", "format", 1));
    assert_ok(ctx, mb_h5_make_group(writer, "/empty/group"));
    assert_ok(ctx, mb_h5_put_texts(writer, "/empty", "names", names, 3));
    assert_ok(ctx, mb_h5_put_texts(writer, "/empty", "none", NULL, 0));
    for (int type = MB_F32; type <= MB_BOOL; type++) {
        char name[64];
        (void)mb_format(name, sizeof name, "/types/%s", mb_dtype_name((mb_dtype)type));
        assert_ok(ctx, mb_array_init(&array, ctx, (mb_dtype)type, 2, (const size_t[]){3, 4}));
        fill_golden(&array);
        assert_ok(ctx, mb_h5_write_array(writer, name, &array));
        assert_ok(ctx, mb_h5_put_array(writer, name, "copy", &array));
        mb_array_clear(&array);
    }
    assert_ok(ctx, mb_array_init(&array, ctx, MB_I16, 3, shape));
    fill_golden(&array);
    const int16_t *rows = array.data;
    assert_ok(ctx, mb_h5_create_rows(writer, "/rows/packed", MB_I16, 3, shape, 4, &packed));
    assert_ok(ctx, mb_h5_create_rows(writer, "/rows/plain", MB_I16, 3, shape, 0, &plain));
    assert_ok(ctx, mb_h5_write_rows(packed, rows, 4));
    assert_ok(ctx, mb_h5_write_rows(plain, rows, 1));
    assert_ok(ctx, mb_h5_write_rows(packed, rows + 4 * 15, 5));
    assert_ok(ctx, mb_h5_write_rows(plain, rows + 15, 8));
    assert_ok(ctx,
        mb_h5_create_rows(writer, "/rows/none", MB_F32, 2, (const size_t[]){0, 3}, 4, &packed));
    mb_array_clear(&array);
    assert_ok(ctx, mb_h5_commit(writer));
}

static void check_all(mb_h5_file *file) {
    mb_array array;
    for (int type = MB_F32; type <= MB_BOOL; type++) {
        char name[64];
        (void)mb_format(name, sizeof name, "/types/%s", mb_dtype_name((mb_dtype)type));
        assert_ok(world.ctx, mb_h5_read(file, name, &array));
        assert_int_equal(array.dtype, type);
        assert_golden(&array, 0, name);
        mb_array_clear(&array);
        assert_ok(world.ctx, mb_h5_attribute_array(file, name, "copy", &array));
        assert_int_equal(array.dtype, type);
        assert_golden(&array, 0, name);
        mb_array_clear(&array);
    }
    static const char *const rows[] = {"/rows/packed", "/rows/plain"};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(world.ctx, mb_h5_read(file, rows[i], &array));
        assert_int_equal(array.rank, 3);
        assert_int_equal(mb_array_count(&array), 135);
        assert_golden(&array, 0, rows[i]);
        mb_array_clear(&array);
    }
    assert_ok(world.ctx, mb_h5_read(file, "/rows/none", &array));
    assert_int_equal(array.shape[1], 3);
    mb_array_clear(&array);
    assert_true(mb_h5_is_group(file, "/empty/group"));
    mb_names names;
    assert_ok(world.ctx, mb_h5_attribute_texts(file, "/empty", "names", &names));
    assert_int_equal(names.n, 3);
    assert_string_equal(names.name[1], "two_longer");
    assert_string_equal(names.name[2], "");
    mb_names_clear(&names);
    assert_ok(world.ctx, mb_h5_attribute_texts(file, "/empty", "none", &names));
    assert_int_equal(names.n, 0);
    mb_names_clear(&names);
    char *text = NULL;
    assert_ok(world.ctx, mb_h5_attribute_text(file, "/", "title", &text));
    assert_string_equal(text, "a title");
    mb_release(world.ctx, text);
}

static void test_hdf5__what_is_written_is_read_back_in_both_modes(void **state) {
    (void)state;
    for (int mode = MB_H5_IN_MEMORY; mode <= MB_H5_ON_DISK; mode++) {
        char path[PATH_SIZE];
        path_in(path, sizeof path, folder, mode == MB_H5_IN_MEMORY ? "m.h5" : "d.h5");
        write_all(path, (mb_h5_mode)mode, world.ctx);
        mb_h5_file *file = NULL;
        assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
        check_all(file);
        mb_h5_close(file);
        char *bytes = NULL;
        size_t length;
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
        assert_ok(world.ctx, mb_h5_open_bytes(world.ctx, "in memory", bytes, length, &file));
        mb_release(world.ctx, bytes);
        check_all(file);
        mb_h5_close(file);
    }
}

static void test_hdf5__the_same_calls_write_the_same_bytes_for_any_number_of_threads(void **state) {
    (void)state;
    for (int mode = MB_H5_IN_MEMORY; mode <= MB_H5_ON_DISK; mode++) {
        char path[PATH_SIZE];
        char *first = NULL, *again = NULL;
        size_t n_first, n_again;
        path_in(path, sizeof path, folder, "same.h5");
        write_all(path, (mb_h5_mode)mode, world.ctx);
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &first, &n_first));
        mb_test_world alone;
        mb_test_world_open(&alone, 1, MB_CPU_ALL);
        write_all(path, (mb_h5_mode)mode, alone.ctx);
        mb_test_world_close(&alone);
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &again, &n_again));
        assert_int_equal(n_first, n_again);
        assert_memory_equal(first, again, n_first);
        mb_release(world.ctx, first);
        mb_release(world.ctx, again);
    }
}

static void test_hdf5__long_lists_are_split_as_keras_does(void **state) {
    (void)state;
    enum { N = 3000 };
    char path[PATH_SIZE];
    static char text[N][40];
    static const char *pointers[N];
    for (size_t i = 0; i < N; i++) {
        (void)mb_format(text[i], sizeof text[i], "a_rather_long_layer_name_%08zu", i);
        pointers[i] = text[i];
    }
    mb_h5_writer *writer = NULL;
    path_in(path, sizeof path, folder, "split.h5");
    assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_h5_put_texts(writer, "/", "layer_names", pointers, N));
    static char long_text[200001];
    memset(long_text, 'x', sizeof long_text - 1);
    assert_ok(world.ctx, mb_h5_put_text(writer, "/", "model_config", long_text));
    assert_fails(world.ctx,
        mb_h5_put_texts(writer, "/", "big", (const char *const[]){long_text}, 1), MB_ERR_RANGE,
        "200000 bytes");
    assert_ok(world.ctx, mb_h5_commit(writer));
    mb_h5_file *file = NULL;
    mb_names names;
    assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
    assert_true(mb_h5_has_attribute(file, "/", "layer_names1"));
    assert_false(mb_h5_has_attribute(file, "/", "layer_names2"));
    assert_ok(world.ctx, mb_h5_attribute_texts(file, "/", "layer_names", &names));
    assert_int_equal(names.n, N);
    assert_string_equal(names.name[N - 1], text[N - 1]);
    mb_names_clear(&names);
    char *back = NULL;
    assert_ok(world.ctx, mb_h5_attribute_text(file, "/", "model_config", &back));
    assert_string_equal(back, long_text);
    mb_release(world.ctx, back);
    mb_h5_close(file);
}

static void test_hdf5__missing_or_extra_rows_and_second_names_are_refused(void **state) {
    (void)state;
    char path[PATH_SIZE];
    const float row[6] = {0};
    const size_t before = mb_test_count_entries(world.ctx, folder);
    path_in(path, sizeof path, folder, "short.h5");
    for (int mode = MB_H5_IN_MEMORY; mode <= MB_H5_ON_DISK; mode++) {
        mb_h5_writer *writer = NULL;
        mb_h5_rows *rows = NULL;
        assert_ok(world.ctx, mb_h5_create(world.ctx, path, (mb_h5_mode)mode, &writer));
        assert_ok(world.ctx,
            mb_h5_create_rows(writer, "/x", MB_F32, 2, (const size_t[]){3, 2}, 1, &rows));
        assert_ok(world.ctx, mb_h5_write_rows(rows, row, 2));
        assert_fails(world.ctx, mb_h5_write_rows(rows, row, 2), MB_ERR_ARG, "more rows");
        assert_fails(world.ctx,
            mb_h5_create_rows(writer, "/x", MB_F32, 1, (const size_t[]){3}, 0, &rows), MB_ERR_IO,
            "/x cannot be made a dataset");
        assert_fails(world.ctx, mb_h5_commit(writer), MB_ERR_ARG, "written of the 3 announced");
    }
    assert_int_equal(mb_test_count_entries(world.ctx, folder), before);
}

// Rows in chunks of 4 along a first axis that can grow, of which the last is not full.
static void test_hdf5__rows_in_larger_chunks_read_back(void **state) {
    (void)state;
    char path[PATH_SIZE];
    path_in(path, sizeof path, folder, "chunks.h5");
    static const size_t shape[] = {11, 3, 2};
    float values[66];
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        values[i] = (float)i - 20;
    }
    static const int forms[] = {0, 5, 5 + MB_H5_SHUFFLE};
    for (size_t i = 0; i < MB_COUNT_OF(forms); i++) {
        const int deflate = forms[i];
        mb_h5_writer *writer = NULL;
        mb_h5_rows *rows = NULL;
        mb_h5_file *file = NULL;
        mb_h5_info info;
        mb_array array;
        assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_ON_DISK, &writer));
        assert_ok(world.ctx,
            mb_h5_create_growing_rows(writer, "/x", MB_F32, 3, shape, 4, deflate, &rows));
        assert_ok(world.ctx, mb_h5_write_rows(rows, values, 8));
        assert_ok(world.ctx, mb_h5_write_rows(rows, values + 48, 3));
        assert_ok(world.ctx, mb_h5_commit(writer));
        assert_ok(world.ctx, mb_h5_open(world.ctx, path, &file));
        assert_ok(world.ctx, mb_h5_get_info(file, "/x", &info));
        assert_int_equal(info.chunk_rows, 4);
        assert_int_equal(info.shape[0], 11);
        assert_ok(world.ctx, mb_h5_read(file, "/x", &array));
        assert_memory_equal(array.data, values, sizeof values);
        mb_array_clear(&array);
        assert_ok(world.ctx, mb_h5_read_rows(file, "/x", 3, 7, &array));
        assert_memory_equal(array.data, values + 18, 42 * sizeof *values);
        mb_array_clear(&array);
        mb_h5_close(file);
    }
}

// Bytes that the file takes; its numbers differ little, so that their high bytes repeat.
static size_t write_close_numbers(const char *name, int deflate) {
    char path[PATH_SIZE];
    path_in(path, sizeof path, folder, name);
    float values[512];
    for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
        values[i] = 1 + (float)(i * 2654435761U % 65536) / 65536;
    }
    mb_h5_writer *writer = NULL;
    mb_h5_rows *rows = NULL;
    char *bytes = NULL;
    size_t length = 0;
    assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_h5_create_growing_rows(
                             writer, "/x", MB_F32, 1, (const size_t[]){512}, 256, deflate, &rows));
    assert_ok(world.ctx, mb_h5_write_rows(rows, values, 512));
    assert_ok(world.ctx, mb_h5_commit(writer));
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    mb_release(world.ctx, bytes);
    return length;
}

static void test_hdf5__shuffled_rows_take_less_room(void **state) {
    (void)state;
    const size_t plain = write_close_numbers("plain.h5", 6);
    const size_t shuffled = write_close_numbers("shuffled.h5", 6 + MB_H5_SHUFFLE);
    assert_true(shuffled < plain);
}

static void test_hdf5__rows_after_a_chunk_that_is_not_full_are_refused(void **state) {
    (void)state;
    char path[PATH_SIZE];
    path_in(path, sizeof path, folder, "chunks_cut.h5");
    const float values[22] = {0};
    mb_h5_writer *writer = NULL;
    mb_h5_rows *rows = NULL;
    assert_ok(world.ctx, mb_h5_create(world.ctx, path, MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx,
        mb_h5_create_growing_rows(writer, "/x", MB_F32, 2, (const size_t[]){11, 2}, 4, 0, &rows));
    assert_ok(world.ctx, mb_h5_write_rows(rows, values, 6));
    assert_fails(
        world.ctx, mb_h5_write_rows(rows, values + 12, 5), MB_ERR_ARG, "write multiples of 4 rows");
    mb_h5_abandon(writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hdf5__rows_in_larger_chunks_read_back),
        cmocka_unit_test(test_hdf5__shuffled_rows_take_less_room),
        cmocka_unit_test(test_hdf5__rows_after_a_chunk_that_is_not_full_are_refused),
        cmocka_unit_test(test_hdf5__reads_every_type_of_h5py_in_both_byte_orders),
        cmocka_unit_test(test_hdf5__reads_scalars_and_empty_arrays),
        cmocka_unit_test(test_hdf5__reads_chunks_of_all_shapes_and_filters_whole_and_by_rows),
        cmocka_unit_test(test_hdf5__what_was_never_written_is_the_fill_value),
        cmocka_unit_test(test_hdf5__reads_texts_of_fixed_length),
        cmocka_unit_test(test_hdf5__reads_texts_of_variable_length),
        cmocka_unit_test(test_hdf5__texts_in_dense_storage_are_refused_in_words),
        cmocka_unit_test(test_hdf5__reads_numbers_of_attributes),
        cmocka_unit_test(test_hdf5__a_user_block_before_the_file_is_skipped),
        cmocka_unit_test(test_hdf5__lists_and_tells_groups),
        cmocka_unit_test(test_hdf5__what_is_written_is_read_back_in_both_modes),
        cmocka_unit_test(test_hdf5__the_same_calls_write_the_same_bytes_for_any_number_of_threads),
        cmocka_unit_test(test_hdf5__long_lists_are_split_as_keras_does),
        cmocka_unit_test(test_hdf5__missing_or_extra_rows_and_second_names_are_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
