// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "values.h"

#include "files/arrays.h"

MB_TEST_WORLD(2, MB_CPU_ALL)

static void test_arrays__each_kind_of_file_gives_its_arrays_by_name(void **state) {
    (void)state;
    static const struct {
        const char *file, *name;
        size_t count;
    } cases[] = {{"f4_le.npy", NULL, 12}, {"f4_le.npy", "whatever", 12}, {"stored.npz", "a", 12},
        {"deflated.npz", "a", 12}, {"good.h5", "/chunks/gzip", 210},
        {"good.h5", "types/i4_be", 12}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char path[PATH_SIZE];
        mb_array array;
        golden_path(path, sizeof path, cases[i].file);
        assert_true(mb_arrays_is_path(path));
        assert_ok(world.ctx, mb_arrays_read(world.ctx, path, cases[i].name, &array));
        assert_int_equal(mb_array_count(&array), cases[i].count);
        assert_golden(&array, 0, cases[i].file);
        const size_t row = cases[i].count / array.shape[0];
        mb_array_clear(&array);
        assert_ok(world.ctx, mb_arrays_read_rows(world.ctx, path, cases[i].name, 1, 2, &array));
        assert_int_equal(array.shape[0], 2);
        assert_golden(&array, row, cases[i].file);
        mb_array_clear(&array);
        assert_fails(world.ctx, mb_arrays_read_rows(world.ctx, path, cases[i].name, 1, 99, &array),
            MB_ERR_RANGE, "rows 1 to 100");
    }
}

static void test_arrays__what_is_not_clear_is_refused(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_array array;
    golden_path(path, sizeof path, "stored.npz");
    assert_fails(world.ctx, mb_arrays_read(world.ctx, path, NULL, &array), MB_ERR_FORMAT,
        "holds 2 arrays; say which");
    assert_false(mb_arrays_is_path("a.npy/b.txt"));
    assert_false(mb_arrays_is_path("npy"));
    assert_fails(world.ctx, mb_arrays_read(world.ctx, "x.txt", "a", &array), MB_ERR_UNSUPPORTED,
        "x.txt: not a file of arrays");
}

static void test_arrays__a_listing_has_names_types_and_shapes(void **state) {
    (void)state;
    char path[PATH_SIZE];
    mb_arrays_list list;
    golden_path(path, sizeof path, "good.h5");
    assert_ok(world.ctx, mb_arrays_list_read(&list, world.ctx, path));
    assert_int_equal(list.n, 34);
    assert_string_equal(list.entry[0].name, "/chunks/all");
    assert_int_equal(list.entry[0].dtype, MB_F32);
    assert_int_equal(list.entry[0].rank, 3);
    assert_int_equal(list.entry[0].shape[1], 5);
    mb_arrays_list_clear(&list);
    golden_path(path, sizeof path, "stored.npz");
    assert_ok(world.ctx, mb_arrays_list_read(&list, world.ctx, path));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.entry[1].name, "b");
    assert_int_equal(list.entry[1].dtype, MB_U16);
    mb_arrays_list_clear(&list);
    golden_path(path, sizeof path, "b1.npy");
    assert_ok(world.ctx, mb_arrays_list_read(&list, world.ctx, path));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.entry[0].name, "b1");
    assert_int_equal(list.entry[0].dtype, MB_BOOL);
    mb_arrays_list_clear(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays__each_kind_of_file_gives_its_arrays_by_name),
        cmocka_unit_test(test_arrays__what_is_not_clear_is_refused),
        cmocka_unit_test(test_arrays__a_listing_has_names_types_and_shapes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
