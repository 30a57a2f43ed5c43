// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/npy.h"
#include "files/zip.h"

MB_TEST_WORLD(2, MB_CPU_ALL)

static const struct {
    const char *name;
    mb_dtype dtype;
} types[] = {{"f2", MB_F32}, {"f4", MB_F32}, {"f8", MB_F64}, {"i1", MB_I8}, {"i2", MB_I16},
    {"i4", MB_I32}, {"i8", MB_I64}, {"u1", MB_U8}, {"u2", MB_U16}, {"u4", MB_U32}, {"u8", MB_U64}};

static void test_npy__reads_every_type_of_numpy_in_both_byte_orders(void **state) {
    (void)state;
    for (size_t i = 0; i < 2 * MB_COUNT_OF(types); i++) {
        char name[32], path[PATH_SIZE];
        (void)mb_format(
            name, sizeof name, "%s_%s.npy", types[i / 2].name, i % 2 == 0 ? "le" : "be");
        golden_path(path, sizeof path, name);
        mb_array array;
        assert_ok(world.ctx, mb_npy_read(world.ctx, path, &array));
        assert_int_equal(array.dtype, types[i / 2].dtype);
        assert_int_equal(array.rank, 2);
        assert_int_equal(array.shape[0], 3);
        assert_int_equal(array.shape[1], 4);
        assert_golden(&array, 0, name);
        mb_array_clear(&array);
        assert_ok(world.ctx, mb_npy_read_rows(world.ctx, path, 1, 2, &array));
        assert_int_equal(mb_array_count(&array), 8);
        assert_golden(&array, 4, name);
        mb_array_clear(&array);
    }
}

static void read_golden(const char *name, mb_array *array) {
    char path[PATH_SIZE];
    assert_ok(world.ctx, mb_npy_read(world.ctx, golden_path(path, sizeof path, name), array));
}

static void test_npy__reads_scalars_empty_arrays_and_all_versions(void **state) {
    (void)state;
    mb_array array;
    read_golden("scalar.npy", &array);
    assert_int_equal(array.rank, 0);
    assert_golden(&array, 0, "scalar");
    mb_array_clear(&array);
    read_golden("empty.npy", &array);
    assert_int_equal(array.rank, 2);
    assert_int_equal(mb_array_count(&array), 0);
    mb_array_clear(&array);
    read_golden("b1.npy", &array);
    assert_int_equal(array.dtype, MB_BOOL);
    assert_golden(&array, 0, "b1");
    mb_array_clear(&array);
    for (int version = 2; version <= 3; version++) {
        char name[32];
        (void)mb_format(name, sizeof name, "version%d.npy", version);
        read_golden(name, &array);
        assert_int_equal(mb_array_count(&array), 5);
        assert_golden(&array, 0, name);
        mb_array_clear(&array);
    }
}

static void test_npy__turns_fortran_order_into_c_order(void **state) {
    (void)state;
    mb_array array;
    read_golden("fortran.npy", &array);
    assert_int_equal(mb_array_count(&array), 24);
    assert_golden(&array, 0, "fortran");
    mb_array_clear(&array);
    char path[PATH_SIZE];
    golden_path(path, sizeof path, "fortran.npy");
    assert_ok(world.ctx, mb_npy_read_rows(world.ctx, path, 1, 1, &array));
    assert_golden(&array, 12, "fortran row");
    mb_array_clear(&array);
}

static void test_npy__writes_the_bytes_of_numpy(void **state) {
    (void)state;
    char *directory = mb_test_directory();
    char path[PATH_SIZE], wanted[PATH_SIZE], name[32];
    for (size_t i = 1; i < MB_COUNT_OF(types); i++) { // half precision is not written
        mb_array array;
        assert_ok(
            world.ctx, mb_array_init(&array, world.ctx, types[i].dtype, 2, (const size_t[]){3, 4}));
        fill_golden(&array);
        path_in(path, sizeof path, directory, "a.npy");
        assert_ok(world.ctx, mb_npy_write(world.ctx, path, &array));
        (void)mb_format(name, sizeof name, "%s_le.npy", types[i].name);
        char *ours = NULL, *theirs = NULL;
        size_t n_ours, n_theirs;
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &ours, &n_ours));
        golden_path(wanted, sizeof wanted, name);
        assert_ok(world.ctx, mb_read_file(world.ctx, wanted, &theirs, &n_theirs));
        assert_int_equal(n_ours, n_theirs);
        assert_memory_equal(ours, theirs, n_ours);
        mb_release(world.ctx, ours);
        mb_release(world.ctx, theirs);
        mb_array_clear(&array);
    }
    mb_test_remove_directory(directory);
}

static void test_npy__rows_written_piece_by_piece_are_the_whole(void **state) {
    (void)state;
    char *directory = mb_test_directory();
    char path[PATH_SIZE];
    path_in(path, sizeof path, directory, "rows.npy");
    mb_array array, back;
    const size_t shape[] = {5, 3};
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_U16, 2, shape));
    fill_golden(&array);
    mb_npy_rows rows;
    assert_ok(world.ctx, mb_npy_rows_open(&rows, world.ctx, path, MB_U16, 2, shape));
    assert_ok(world.ctx, mb_npy_rows_write(&rows, array.data, 2));
    assert_ok(world.ctx, mb_npy_rows_write(&rows, (const uint16_t *)array.data + 6, 3));
    assert_fails(world.ctx, mb_npy_rows_write(&rows, array.data, 1), MB_ERR_ARG, "more rows");
    assert_ok(world.ctx, mb_npy_rows_commit(&rows));
    assert_ok(world.ctx, mb_npy_read(world.ctx, path, &back));
    assert_golden(&back, 0, "rows");
    mb_array_clear(&back);
    path_in(path, sizeof path, directory, "short.npy");
    assert_ok(world.ctx, mb_npy_rows_open(&rows, world.ctx, path, MB_U16, 2, shape));
    assert_ok(world.ctx, mb_npy_rows_write(&rows, array.data, 2));
    assert_fails(world.ctx, mb_npy_rows_commit(&rows), MB_ERR_ARG, "2 rows written of the 5");
    mb_array_clear(&array);
    assert_int_equal(mb_test_count_entries(world.ctx, directory), 1);
    mb_test_remove_directory(directory);
}

static void test_npy__refuses_a_file_cut_anywhere(void **state) {
    (void)state;
    char path[PATH_SIZE];
    char *bytes = NULL;
    size_t length;
    golden_path(path, sizeof path, "f4_le.npy");
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    for (size_t n = 0; n < length; n++) {
        mb_array array;
        assert_int_not_equal(mb_npy_parse(world.ctx, "cut", bytes, n, &array), MB_OK);
        assert_non_null(strstr(mb_context_error_text(world.ctx), "cut: "));
        assert_null(array.data);
        mb_context_clear(world.ctx);
    }
    mb_release(world.ctx, bytes);
}

// Parses a file made of a head and n_data zero bytes.
static mb_status parse_head(const char *head, size_t n_data) {
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    mb_buffer_append(&buffer, "\x93NUMPY\x01\0", 8);
    const size_t length = strlen(head);
    const char size[2] = {(char)(length & 0xFF), (char)(length >> 8)};
    mb_buffer_append(&buffer, size, 2);
    mb_buffer_append(&buffer, head, length);
    for (size_t i = 0; i < n_data; i++) {
        mb_buffer_append(&buffer, "", 1);
    }
    mb_array array;
    const mb_status status = mb_npy_parse(world.ctx, "head", buffer.data, buffer.length, &array);
    mb_array_clear(&array);
    mb_buffer_clear(&buffer);
    return status;
}

static void test_npy__refuses_heads_that_lie(void **state) {
    (void)state;
    static const struct {
        const char *head;
        size_t n_data;
        mb_status status;
        const char *part;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, MB_OK, ""},
        {"{'shape': (3L,), 'fortran_order': False, 'descr': '<f4'}", 12, MB_OK, ""},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 16, MB_ERR_FORMAT,
            "promises 12"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, MB_ERR_FORMAT,
            "promises 12"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 8,
            MB_ERR_LIMIT, "larger than can be addressed"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 0), }", 0,
            MB_ERR_LIMIT, "larger than can be addressed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 8,
            MB_ERR_FORMAT, "longer than can be addressed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", 12, MB_ERR_FORMAT,
            "whole numbers"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4,
            MB_ERR_UNSUPPORTED, "more than 8 axes"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", 12, MB_ERR_UNSUPPORTED,
            "'|O' is not offered"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", 24, MB_ERR_UNSUPPORTED,
            "'<c8' is not offered"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", 12,
            MB_ERR_UNSUPPORTED, "one plain number"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12,
            MB_ERR_FORMAT, "twice"},
        {"{'descr': '<f4', 'shape': (3,), }", 12, MB_ERR_FORMAT, "is missing"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,), }", 12, MB_ERR_FORMAT,
            "no truth value"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}", 12, MB_ERR_FORMAT,
            "unknown key"},
        {"{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}", 12, MB_ERR_FORMAT, "damaged"},
        {"nothing", 0, MB_ERR_FORMAT, "no dictionary"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        if (cases[i].status == MB_OK) {
            assert_ok(world.ctx, parse_head(cases[i].head, cases[i].n_data));
        } else {
            assert_fails(world.ctx, parse_head(cases[i].head, cases[i].n_data), cases[i].status,
                cases[i].part);
        }
    }
}

static void test_npy__refuses_texts_absent_files_and_rows_beyond(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_array array;
    golden_path(path, sizeof path, "text.npy");
    assert_fails(
        world.ctx, mb_npy_read(world.ctx, path, &array), MB_ERR_UNSUPPORTED, "not offered");
    golden_path(path, sizeof path, "absent.npy");
    assert_fails(world.ctx, mb_npy_read(world.ctx, path, &array), MB_ERR_IO, "absent.npy: ");
    golden_path(path, sizeof path, "f4_le.npy");
    assert_fails(
        world.ctx, mb_npy_read_rows(world.ctx, path, 2, 2, &array), MB_ERR_RANGE, "it has 3");
    assert_fails(world.ctx, mb_npy_read_rows(world.ctx, path, SIZE_MAX, 2, &array), MB_ERR_RANGE,
        "it has 3");
    assert_ok(world.ctx, mb_npy_read_rows(world.ctx, path, 3, 0, &array));
    assert_int_equal(array.shape[0], 0);
    mb_array_clear(&array);
}

static void test_npy__reads_archives_of_numpy(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_array array;
    mb_names names;
    golden_path(path, sizeof path, "stored.npz");
    assert_ok(world.ctx, mb_npz_list(world.ctx, path, &names));
    assert_int_equal(names.n, 2);
    assert_string_equal(names.name[0], "a");
    assert_string_equal(names.name[1], "b");
    mb_names_clear(&names);
    assert_ok(world.ctx, mb_npz_read(world.ctx, path, "b", &array));
    assert_int_equal(array.dtype, MB_U16);
    assert_int_equal(array.shape[0], 7);
    assert_golden(&array, 0, "stored b");
    mb_array_clear(&array);
    golden_path(path, sizeof path, "deflated.npz");
    assert_ok(world.ctx, mb_npz_read(world.ctx, path, "a", &array));
    assert_golden(&array, 0, "deflated a");
    mb_array_clear(&array);
    mb_npy_info info;
    assert_ok(world.ctx, mb_npz_get_info(world.ctx, path, "b", &info));
    assert_int_equal(info.rank, 2);
    assert_int_equal(info.shape[0], 400);
    assert_fails(
        world.ctx, mb_npz_read(world.ctx, path, "c", &array), MB_ERR_FORMAT, "no array called 'c'");
}

static void test_npy__archives_come_back_and_have_the_same_bytes_each_time(void **state) {
    (void)state;
    char *directory = mb_test_directory();
    char path[PATH_SIZE], again[PATH_SIZE];
    mb_array a, b, back;
    assert_ok(world.ctx, mb_array_init(&a, world.ctx, MB_F32, 2, (const size_t[]){3, 4}));
    assert_ok(world.ctx, mb_array_init(&b, world.ctx, MB_BOOL, 1, (const size_t[]){9}));
    fill_golden(&a);
    fill_golden(&b);
    for (int packed = 0; packed < 2; packed++) {
        const char *const names[] = {"first", "second"};
        const mb_array *const arrays[] = {&a, &b};
        path_in(path, sizeof path, directory, "a.npz");
        path_in(again, sizeof again, directory, "b.npz");
        assert_ok(world.ctx, mb_npz_write(world.ctx, path, names, arrays, 2, packed == 1));
        assert_ok(world.ctx, mb_npz_write(world.ctx, again, names, arrays, 2, packed == 1));
        char *one = NULL, *two = NULL;
        size_t n_one, n_two;
        assert_ok(world.ctx, mb_read_file(world.ctx, path, &one, &n_one));
        assert_ok(world.ctx, mb_read_file(world.ctx, again, &two, &n_two));
        assert_int_equal(n_one, n_two);
        assert_memory_equal(one, two, n_one);
        mb_release(world.ctx, one);
        mb_release(world.ctx, two);
        assert_ok(world.ctx, mb_npz_read(world.ctx, path, "second", &back));
        assert_int_equal(back.dtype, MB_BOOL);
        assert_golden(&back, 0, "second");
        mb_array_clear(&back);
    }
    mb_array_clear(&a);
    mb_array_clear(&b);
    mb_test_remove_directory(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_npy__reads_every_type_of_numpy_in_both_byte_orders),
        cmocka_unit_test(test_npy__reads_scalars_empty_arrays_and_all_versions),
        cmocka_unit_test(test_npy__turns_fortran_order_into_c_order),
        cmocka_unit_test(test_npy__writes_the_bytes_of_numpy),
        cmocka_unit_test(test_npy__rows_written_piece_by_piece_are_the_whole),
        cmocka_unit_test(test_npy__refuses_a_file_cut_anywhere),
        cmocka_unit_test(test_npy__refuses_heads_that_lie),
        cmocka_unit_test(test_npy__refuses_texts_absent_files_and_rows_beyond),
        cmocka_unit_test(test_npy__reads_archives_of_numpy),
        cmocka_unit_test(test_npy__archives_come_back_and_have_the_same_bytes_each_time),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
