// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/json.h"

#include <stdlib.h>

static void assert_round_trip(const char *json, const char *wanted) {
    mb_test_world world;
    mb_document document;
    mb_buffer buffer;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, mb_json_parse(world.ctx, "m.json", json, strlen(json), &document));
    mb_buffer_init(&buffer, world.ctx);
    mb_node_write_json(&buffer, document.root, -1);
    assert_string_equal(buffer.data, wanted);
    mb_buffer_clear(&buffer);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void refuse_bytes(const char *text, size_t length, mb_status status, const char *part) {
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, 0);
    assert_fails(
        world.ctx, mb_json_parse(world.ctx, "m.json", text, length, &document), status, part);
    assert_null(document.root);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void refuse(const char *text, mb_status status, const char *part) {
    refuse_bytes(text, strlen(text), status, part);
}

static const char model[] = "{\"class_name\": \"Functional\", \"config\": {\"layers\": "
                            "[{\"name\": \"conv\\u03c6\", \"units\": 3, \"rate\": 0.1, \"x\": "
                            "[true, false, null, -0.5e-3, []]}]}}";

static void test_json__keeps_order_types_and_values(void **state) {
    (void)state;
    assert_round_trip(model,
        "{\"class_name\": \"Functional\", \"config\": {\"layers\": [{\"name\": \"conv\xCF\x86\", "
        "\"units\": 3, \"rate\": 0.1, \"x\": [true, false, null, -0.0005, []]}]}}");
    assert_round_trip("{\"z\": 1, \"a\": {\"\": 2}, \"m\": \"[{,\\\\\\\"\"}",
        "{\"z\": 1, \"a\": {\"\": 2}, \"m\": \"[{,\\\\\\\"\"}");
    assert_round_trip(" 5 ", "5");
    assert_round_trip("[1.0, 1e2, 0.30000000000000004]", "[1.0, 100.0, 0.30000000000000004]");
}

static void test_json__integers_are_exact(void **state) {
    (void)state;
    assert_round_trip("[9223372036854775807, -9223372036854775808, 9007199254740993]",
        "[9223372036854775807, -9223372036854775808, 9007199254740993]");
    refuse("[1,\n 9223372036854775808]", MB_ERR_FORMAT, "m.json:2:");
    refuse("[1e999]", MB_ERR_FORMAT, "real number overflow");
}

static void test_json__numbers_in_quotes_stay_texts(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, 0);
    assert_ok(world.ctx, mb_json_parse(world.ctx, "m", "[\"12\", 12]", 10, &document));
    assert_int_equal(mb_node_at(document.root, 0)->kind, MB_NODE_TEXT);
    assert_true(mb_node_at(document.root, 0)->quoted);
    assert_int_equal(mb_node_at(document.root, 1)->kind, MB_NODE_INT);
    assert_string_equal(mb_node_text(mb_node_at(document.root, 1)), "12");
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void test_json__refusals_say_where(void **state) {
    (void)state;
    refuse("", MB_ERR_FORMAT, "m.json:1:0");
    refuse("{\"a\": 1,\n\"a\": 2}", MB_ERR_FORMAT, "m.json:2:3: duplicate object key");
    refuse("[1, 2", MB_ERR_FORMAT, "']' expected");
    refuse("[1] [2]", MB_ERR_FORMAT, "end of file expected");
    refuse("[NaN]", MB_ERR_FORMAT, "invalid token");
    refuse("[\"\xFF\"]", MB_ERR_FORMAT, "unable to decode byte 0xff");
    refuse("[\"\xC3", MB_ERR_FORMAT, "unable to decode byte 0xc3");
    refuse("[\"\\u0000\"]", MB_ERR_FORMAT, "\\u0000 is not allowed");
    refuse("{\"a\\u0000b\": 1}", MB_ERR_FORMAT, "NUL byte in object key");
    refuse_bytes("[1\n\0]", 5, MB_ERR_FORMAT, "m.json:2: has a zero byte");
    refuse_bytes("[\"\\\0\"]", 6, MB_ERR_FORMAT, "m.json:1: has a zero byte");
    refuse("[\"a\\", MB_ERR_FORMAT, "m.json:1:");
}

static void test_json__depth_and_count_are_bounded(void **state) {
    (void)state;
    enum { DEEP = 1000000 };
    char *text = malloc(DEEP + 1);
    assert_non_null(text);
    memset(text, '[', DEEP);
    text[DEEP] = '\0';
    refuse(text, MB_ERR_LIMIT, "m.json:1: is nested deeper than 64 levels");
    free(text);
    assert_round_trip(
        "[[[]],[[]],{\"a\":[]},\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]",
        "[[[]], [[]], {\"a\": []}, \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.objects = 5;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    mb_document document;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    assert_fails(ctx, mb_json_parse(ctx, "m", "[1,2,3,4,5]", 11, &document), MB_ERR_LIMIT,
        "m:1: has more than 5 values");
    assert_ok(ctx, mb_json_parse(ctx, "m", "[1,2,3,\",,,,,\"]", 15, &document));
    mb_document_clear(&document);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static void test_json__truncated_texts_are_refused(void **state) {
    (void)state;
    for (size_t length = 0; length < strlen(model); length++) {
        refuse_bytes(model, length, MB_ERR_FORMAT, "m.json:1:");
    }
}

static void test_json__files_are_named_in_errors(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_context *ctx = world.ctx;
    char *folder = mb_test_directory();
    char *path = mb_path_join(ctx, folder, "m.json");
    mb_document document;
    assert_fails(ctx, mb_json_read(ctx, path, &document), MB_ERR_IO, "m.json: cannot be read");
    mb_document_clear(&document);
    assert_ok(ctx, mb_write_file(ctx, path, "{\"a\": 5}", 8));
    assert_ok(ctx, mb_json_read(ctx, path, &document));
    assert_int_equal(mb_node_find(document.root, "a")->integer, 5);
    mb_document_clear(&document);
    mb_release(ctx, path);
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__keeps_order_types_and_values),
        cmocka_unit_test(test_json__integers_are_exact),
        cmocka_unit_test(test_json__numbers_in_quotes_stay_texts),
        cmocka_unit_test(test_json__refusals_say_where),
        cmocka_unit_test(test_json__depth_and_count_are_bounded),
        cmocka_unit_test(test_json__truncated_texts_are_refused),
        cmocka_unit_test(test_json__files_are_named_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
