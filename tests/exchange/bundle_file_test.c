// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/bundle_file.h"

#include "base/output.h"
#include "files/hdf5.h"
#include "testing.h"

#include <stdio.h>

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void fill(mb_bundle *bundle) {
    static const float weights[] = {1.5F, -0.0F, 3e-40F};
    static const double sums[] = {0.1, 1e300};
    mb_array table;
    const size_t shape[] = {2, 3};
    mb_bundle_init(bundle, world.ctx);
    assert_ok(world.ctx, mb_bundle_put_text(bundle, world.ctx, "kind", "check point"));
    assert_ok(world.ctx, mb_bundle_put_floats(bundle, world.ctx, "a/b:0", weights, 3));
    assert_ok(world.ctx, mb_bundle_put_doubles(bundle, world.ctx, "../sums", sums, 2));
    assert_ok(world.ctx, mb_bundle_put_int(bundle, world.ctx, "step", -7));
    assert_ok(world.ctx, mb_bundle_put_text(bundle, world.ctx, "empty", ""));
    assert_ok(world.ctx, mb_bundle_put_floats(bundle, world.ctx, "nothing", weights, 0));
    assert_ok(world.ctx, mb_array_init(&table, world.ctx, MB_U16, 2, shape));
    ((uint16_t *)table.data)[5] = 65535;
    assert_ok(world.ctx, mb_bundle_put(bundle, world.ctx, "table", &table));
}

static void test_bundle_file__gives_back_every_bit_and_the_order(void **state) {
    (void)state;
    mb_bundle written;
    mb_bundle read;
    fill(&written);
    assert_ok(world.ctx, mb_bundle_save(world.ctx, &written, path_of("a.h5")));
    assert_ok(world.ctx, mb_bundle_load(world.ctx, path_of("a.h5"), &read));
    assert_int_equal(read.n, written.n);
    for (size_t i = 0; i < read.n; i++) {
        const mb_bundle_entry *a = &written.entries[i];
        const mb_bundle_entry *b = &read.entries[i];
        assert_string_equal(b->name, a->name);
        assert_int_equal(b->text != NULL, a->text != NULL);
        if (a->text != NULL) {
            assert_string_equal(b->text, a->text);
            continue;
        }
        assert_int_equal(b->array.dtype, a->array.dtype);
        assert_int_equal(b->array.rank, a->array.rank);
        assert_memory_equal(b->array.shape, a->array.shape, a->array.rank * sizeof(size_t));
        mb_test_assert_same_bits(
            b->array.data, a->array.data, mb_array_bytes(&a->array), 1, a->name);
    }
    mb_bundle_clear(&read);
    mb_bundle_clear(&written);
}

static void test_bundle_file__same_bundle_same_bytes(void **state) {
    (void)state;
    char *bytes[2] = {NULL, NULL};
    size_t length[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        mb_bundle bundle;
        fill(&bundle);
        assert_ok(world.ctx, mb_bundle_save(world.ctx, &bundle, path_of("same.h5")));
        assert_ok(world.ctx, mb_read_file(world.ctx, path_of("same.h5"), &bytes[i], &length[i]));
        mb_bundle_clear(&bundle);
    }
    assert_int_equal(length[0], length[1]);
    mb_test_assert_same_bits(bytes[0], bytes[1], length[0], 1, "file");
    mb_release(world.ctx, bytes[0]);
    mb_release(world.ctx, bytes[1]);
}

static void test_bundle_file__newer_formats_are_refused_by_number(void **state) {
    (void)state;
    mb_h5_writer *writer = NULL;
    mb_bundle read;
    assert_ok(world.ctx, mb_h5_create(world.ctx, path_of("new.h5"), MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_h5_put_int64(writer, "/", "minbias_bundle_format", 1000));
    assert_ok(world.ctx, mb_h5_commit(writer));
    assert_fails(world.ctx, mb_bundle_load(world.ctx, path_of("new.h5"), &read), MB_ERR_UNSUPPORTED,
        "format number 1000");
    mb_bundle_clear(&read);
}

static void test_bundle_file__other_files_are_refused(void **state) {
    (void)state;
    mb_h5_writer *writer = NULL;
    mb_bundle read;
    assert_ok(world.ctx, mb_h5_create(world.ctx, path_of("other.h5"), MB_H5_IN_MEMORY, &writer));
    assert_ok(world.ctx, mb_h5_commit(writer));
    assert_fails(world.ctx, mb_bundle_load(world.ctx, path_of("other.h5"), &read), MB_ERR_FORMAT,
        "no checkpoint");
    mb_bundle_clear(&read);
    assert_fails(
        world.ctx, mb_bundle_load(world.ctx, path_of("absent.h5"), &read), MB_ERR_IO, "absent.h5");
    mb_bundle_clear(&read);
}

static void test_bundle_file__claims_are_held_against_the_limits(void **state) {
    (void)state;
    static const int64_t claims[] = {-1, INT64_MAX, 1};
    for (size_t i = 0; i < MB_COUNT_OF(claims); i++) {
        mb_h5_writer *writer = NULL;
        mb_bundle read;
        assert_ok(world.ctx, mb_h5_create(world.ctx, path_of("lie.h5"), MB_H5_IN_MEMORY, &writer));
        assert_ok(world.ctx, mb_h5_put_int64(writer, "/", "minbias_bundle_format", 1));
        assert_ok(world.ctx, mb_h5_put_int64(writer, "/", "entries", claims[i]));
        assert_ok(world.ctx, mb_h5_commit(writer));
        assert_int_not_equal(mb_bundle_load(world.ctx, path_of("lie.h5"), &read), MB_OK);
        assert_non_null(strstr(mb_context_error_text(world.ctx), "lie.h5"));
        mb_context_clear(world.ctx);
        mb_bundle_clear(&read);
    }
}

static mb_status fill_bundle(mb_context *ctx, mb_bundle *bundle) {
    const double numbers[] = {1, 2, 3};
    MB_TRY(mb_bundle_put_doubles(bundle, ctx, "numbers", numbers, 3));
    MB_TRY(mb_bundle_put_text(bundle, ctx, "a text", "of some length"));
    return mb_bundle_put_doubles(bundle, ctx, "none", numbers, 0);
}

static mb_status save_bundle(void *user, mb_context *ctx) {
    mb_bundle bundle;
    mb_bundle_init(&bundle, ctx);
    mb_status status = fill_bundle(ctx, &bundle);
    if (status == MB_OK) {
        status = mb_bundle_save(ctx, &bundle, user);
    }
    mb_bundle_clear(&bundle);
    return status;
}

static mb_status load_bundle(void *user, mb_context *ctx) {
    mb_bundle bundle;
    const mb_status status = mb_bundle_load(ctx, user, &bundle);
    mb_bundle_clear(&bundle);
    return status;
}

static void test_bundle_file__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s/scarce_bundle.h5", folder);
    assert_true(mb_test_each_lack_of_memory(save_bundle, path) > 5);
    assert_true(mb_test_each_lack_of_memory(load_bundle, path) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle_file__gives_back_every_bit_and_the_order),
        cmocka_unit_test(test_bundle_file__same_bundle_same_bytes),
        cmocka_unit_test(test_bundle_file__newer_formats_are_refused_by_number),
        cmocka_unit_test(test_bundle_file__other_files_are_refused),
        cmocka_unit_test(test_bundle_file__claims_are_held_against_the_limits),
        cmocka_unit_test(test_bundle_file__any_lack_of_memory_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
