// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/pickle.h"
#include "files/pickle_write.h"
#include "files/zip.h"
#include "pickle_tell.h"

MB_TEST_WORLD(1, 0)

// Writes a tree that was read; frozen sets come back as sets.
static void put(mb_pickle_writer *writer, const mb_pickle_value *value);

static void put_items(mb_pickle_writer *writer, const mb_pickle_items *items) {
    for (size_t i = 0; i < items->n; i++) {
        put(writer, &items->items[i]);
    }
    mb_pickle_end(writer);
}

static void put_array(mb_pickle_writer *writer, const mb_pickle_array *array) {
    if (array->has_objects) {
        mb_pickle_begin_objects(writer, array->numbers.rank, array->numbers.shape);
        put_items(writer, &array->items);
    } else {
        mb_pickle_put_array(writer, &array->numbers);
    }
}

static void put(mb_pickle_writer *writer, const mb_pickle_value *value) {
    switch (value->kind) {
    case MB_PICKLE_NONE:
        mb_pickle_put_none(writer);
        return;
    case MB_PICKLE_BOOL:
        mb_pickle_put_bool(writer, value->as.truth);
        return;
    case MB_PICKLE_INT:
        mb_pickle_put_int(writer, value->as.integer);
        return;
    case MB_PICKLE_FLOAT:
        mb_pickle_put_float(writer, value->as.real);
        return;
    case MB_PICKLE_TEXT:
        mb_pickle_put_text_of(writer, value->as.text->bytes, value->as.text->length);
        return;
    case MB_PICKLE_BYTES:
        mb_pickle_put_bytes(writer, value->as.text->bytes, value->as.text->length);
        return;
    case MB_PICKLE_LIST:
        mb_pickle_begin_list(writer);
        break;
    case MB_PICKLE_TUPLE:
        mb_pickle_begin_tuple(writer);
        break;
    case MB_PICKLE_SET:
        mb_pickle_begin_frozenset(writer);
        break;
    case MB_PICKLE_DICT:
        mb_pickle_begin_dict(writer);
        break;
    case MB_PICKLE_ARRAY:
        put_array(writer, value->as.array);
        return;
    }
    put_items(writer, value->as.items);
}

static void tell(mb_buffer *out, const char *bytes, size_t length) {
    mb_pickle pickle;
    mb_buffer_init(out, world.ctx);
    assert_ok(world.ctx, mb_pickle_parse(world.ctx, "t", bytes, length, &pickle));
    tell_pickle(out, &pickle.root);
    mb_pickle_clear(&pickle);
}

static void test_pickle_write__gives_back_every_tree_that_was_read(void **state) {
    (void)state;
    mb_zip *zip = NULL;
    assert_ok(
        world.ctx, mb_zip_open(world.ctx, mb_test_source("tests/golden/pickles_numpy2.zip"), &zip));
    for (size_t i = 0; i < mb_zip_n_members(zip); i++) {
        char *bytes = NULL;
        size_t length = 0;
        mb_pickle pickle;
        mb_pickle_writer writer;
        mb_buffer first, second, written;
        assert_ok(world.ctx, mb_zip_read(zip, i, &bytes, &length));
        tell(&first, bytes, length);
        assert_ok(world.ctx, mb_pickle_parse(world.ctx, "t", bytes, length, &pickle));
        mb_buffer_init(&written, world.ctx);
        mb_pickle_start(&writer, &written);
        put(&writer, &pickle.root);
        assert_ok(world.ctx, mb_pickle_finish(&writer));
        tell(&second, written.data, written.length);
        assert_string_equal(first.data, second.data);
        mb_buffer_clear(&first);
        mb_buffer_clear(&second);
        mb_buffer_clear(&written);
        mb_pickle_clear(&pickle);
        mb_release(world.ctx, bytes);
    }
    mb_zip_close(zip);
}

// One value of every kind.
static void put_all(mb_pickle_writer *writer, mb_buffer *out) {
    static const int64_t integers[] = {0, 255, 256, 65535, 65536, -1, INT32_MIN, INT32_MAX,
        (int64_t)1 << 40, INT64_MIN, INT64_MAX};
    mb_array array;
    assert_ok(world.ctx, mb_array_init(&array, world.ctx, MB_I16, 2, (const size_t[]){2, 3}));
    for (int16_t i = 0; i < 6; i++) {
        ((int16_t *)array.data)[i] = (int16_t)(i - 3);
    }
    mb_pickle_start(writer, out);
    mb_pickle_begin_dict(writer);
    mb_pickle_put_text(writer, "integers");
    mb_pickle_begin_list(writer);
    for (size_t i = 0; i < MB_COUNT_OF(integers); i++) {
        mb_pickle_put_int(writer, integers[i]);
    }
    mb_pickle_end(writer);
    mb_pickle_put_text(writer, "others");
    mb_pickle_begin_tuple(writer);
    mb_pickle_put_none(writer);
    mb_pickle_put_bool(writer, true);
    mb_pickle_put_float(writer, -0.1);
    mb_pickle_put_bytes(writer, "\0\xFF", 2);
    mb_pickle_put_text(writer, "\xCF\x86");
    mb_pickle_begin_set(writer);
    mb_pickle_put_int(writer, 7);
    mb_pickle_end(writer);
    mb_pickle_begin_frozenset(writer);
    mb_pickle_end(writer);
    mb_pickle_end(writer);
    mb_pickle_put_text(writer, "array");
    mb_pickle_put_array(writer, &array);
    mb_pickle_put_text(writer, "objects");
    mb_pickle_begin_objects(writer, 1, (const size_t[]){2});
    mb_pickle_begin_list(writer);
    mb_pickle_put_int(writer, 1);
    mb_pickle_end(writer);
    mb_pickle_begin_list(writer);
    mb_pickle_end(writer);
    mb_pickle_end(writer);
    mb_pickle_end(writer);
    mb_array_clear(&array);
}

// The bytes are those that tests/golden/pickles.py --read has shown to Python.
static void test_pickle_write__gives_the_bytes_that_python_read(void **state) {
    (void)state;
    mb_pickle_writer writer;
    mb_buffer out;
    char *golden = NULL;
    size_t length = 0;
    mb_buffer_init(&out, world.ctx);
    put_all(&writer, &out);
    assert_ok(world.ctx, mb_pickle_finish(&writer));
    assert_ok(world.ctx,
        mb_read_file(world.ctx, mb_test_source("tests/golden/pickle_ours.pkl"), &golden, &length));
    assert_int_equal(out.length, length);
    assert_memory_equal(out.data, golden, length);
    mb_release(world.ctx, golden);
    mb_buffer_clear(&out);
}

static void test_pickle_write__refuses_what_does_not_close(void **state) {
    (void)state;
    for (int wrong = 0; wrong < 5; wrong++) {
        mb_pickle_writer writer;
        mb_buffer out;
        mb_buffer_init(&out, world.ctx);
        mb_pickle_start(&writer, &out);
        switch (wrong) {
        case 0: // no value
            break;
        case 1: // never closed
            mb_pickle_begin_list(&writer);
            break;
        case 2: // closed twice
            mb_pickle_begin_list(&writer);
            mb_pickle_end(&writer);
            mb_pickle_end(&writer);
            break;
        case 3: // a key alone
            mb_pickle_begin_dict(&writer);
            mb_pickle_put_int(&writer, 1);
            mb_pickle_end(&writer);
            break;
        default: // too few objects
            mb_pickle_begin_objects(&writer, 1, (const size_t[]){2});
            mb_pickle_put_int(&writer, 1);
            mb_pickle_end(&writer);
        }
        assert_fails(world.ctx, mb_pickle_finish(&writer), MB_ERR_INTERNAL, "pickle: ");
        mb_buffer_clear(&out);
    }
}

int main(int argc, char **argv) {
    // --print FILE writes what tests/golden/pickles.py --read judges.
    if (argc == 3 && strcmp(argv[1], "--print") == 0) {
        mb_pickle_writer writer;
        mb_buffer out;
        mb_test_world_open(&world, 1, 0);
        mb_buffer_init(&out, world.ctx);
        put_all(&writer, &out);
        const bool is_done = mb_pickle_finish(&writer) == MB_OK &&
                             mb_write_file(world.ctx, argv[2], out.data, out.length) == MB_OK;
        mb_buffer_clear(&out);
        mb_test_world_close(&world);
        return is_done ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pickle_write__gives_back_every_tree_that_was_read),
        cmocka_unit_test(test_pickle_write__gives_the_bytes_that_python_read),
        cmocka_unit_test(test_pickle_write__refuses_what_does_not_close),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
