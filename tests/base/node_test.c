// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/node.h"

typedef struct bench {
    mb_test_world world;
    mb_document document;
} bench;

static mb_context *open_bench(bench *b) {
    mb_test_world_open(&b->world, 1, 0);
    mb_document_init(&b->document, b->world.ctx, "study.yaml");
    return b->world.ctx;
}

static void close_bench(bench *b) {
    mb_document_clear(&b->document);
    mb_test_world_close(&b->world);
}

static void test_node__plain_scalars_follow_the_core_schema(void **state) {
    (void)state;
    static const struct {
        const char *text;
        mb_node_kind kind;
        double value;
    } cases[] = {{"", MB_NODE_NULL, 0}, {"~", MB_NODE_NULL, 0}, {"null", MB_NODE_NULL, 0},
        {"Null", MB_NODE_NULL, 0}, {"nUll", MB_NODE_TEXT, 0}, {"true", MB_NODE_BOOL, 1},
        {"FALSE", MB_NODE_BOOL, 0}, {"yes", MB_NODE_TEXT, 0}, {"on", MB_NODE_TEXT, 0},
        {"0", MB_NODE_INT, 0}, {"-17", MB_NODE_INT, -17}, {"+5", MB_NODE_INT, 5},
        {"010", MB_NODE_INT, 10}, {"0x1f", MB_NODE_INT, 31}, {"0o17", MB_NODE_INT, 15},
        {"0o8", MB_NODE_TEXT, 0}, {"0x", MB_NODE_TEXT, 0}, {"1_000", MB_NODE_TEXT, 0},
        {"1.5", MB_NODE_REAL, 1.5}, {".5", MB_NODE_REAL, 0.5}, {"5.", MB_NODE_REAL, 5},
        {"1e3", MB_NODE_REAL, 1000}, {"-2.5E-1", MB_NODE_REAL, -0.25}, {"1e", MB_NODE_TEXT, 0},
        {".", MB_NODE_TEXT, 0}, {"-", MB_NODE_TEXT, 0}, {"1.2.3", MB_NODE_TEXT, 0},
        {"5kHz", MB_NODE_TEXT, 0}, {" 5", MB_NODE_TEXT, 0}, {"inf", MB_NODE_TEXT, 0}};
    bench b;
    mb_context *ctx = open_bench(&b);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const mb_node *node = mb_node_make_scalar(&b.document, ctx, cases[i].text, false);
        assert_non_null(node);
        if (node->kind != cases[i].kind) {
            fail_msg("'%s' is of kind %d, wanted %d", cases[i].text, node->kind, cases[i].kind);
        }
        const double value = node->kind == MB_NODE_BOOL ? (double)node->boolean : node->real;
        assert_true(value == cases[i].value);
        const mb_node *quoted = mb_node_make_scalar(&b.document, ctx, cases[i].text, true);
        assert_int_equal(quoted->kind, MB_NODE_TEXT);
        assert_string_equal(mb_node_text(quoted), cases[i].text);
    }
    close_bench(&b);
}

static void test_node__integers_are_exact_and_bounded(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    assert_true(
        mb_node_make_scalar(&b.document, ctx, "9223372036854775807", false)->integer == INT64_MAX);
    assert_true(
        mb_node_make_scalar(&b.document, ctx, "-9223372036854775808", false)->integer == INT64_MIN);
    assert_true(
        mb_node_make_scalar(&b.document, ctx, "0x7fffffffffffffff", false)->integer == INT64_MAX);
    static const char *const refused[] = {"9223372036854775808", "-9223372036854775809",
        "0x8000000000000000", "1e999", "99999999999999999999999999999999999999", ".inf", "-.INF",
        ".nan"};
    for (size_t i = 0; i < MB_COUNT_OF(refused); i++) {
        assert_null(mb_node_make_scalar(&b.document, ctx, refused[i], false));
        assert_fails(ctx, mb_context_status(ctx), MB_ERR_FORMAT, "write a ");
    }
    close_bench(&b);
}

static void test_node__set_replaces_and_remove_keeps_the_order(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    mb_node *map = mb_node_make(&b.document, ctx, MB_NODE_MAP);
    static const char *const keys[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        assert_ok(ctx,
            mb_node_set(&b.document, ctx, map, keys[i], mb_node_make_int(&b.document, ctx, i)));
    }
    assert_ok(ctx, mb_node_set(&b.document, ctx, map, "c", mb_node_make_int(&b.document, ctx, 9)));
    assert_ok(ctx, mb_node_set(&b.document, ctx, map, "a", mb_node_make_int(&b.document, ctx, 7)));
    assert_int_equal(map->n_children, 3);
    assert_int_equal(mb_node_at(map, 0)->integer, 7);
    assert_int_equal(mb_node_at(map, 2)->integer, 9);
    mb_node_remove(map, "c");
    mb_node_remove(map, "c");
    assert_int_equal(map->n_children, 2);
    assert_null(mb_node_find(map, "c"));
    mb_node_append(map, mb_node_copy(&b.document, ctx, mb_node_find(map, "b")));
    assert_int_equal(mb_node_at(map, 2)->integer, 1);
    mb_node_remove(map, "a");
    assert_string_equal(map->first->key, "b");
    assert_true(map->first->used);
    assert_null(mb_node_find(NULL, "a"));
    assert_null(mb_node_at(map, 5));
    close_bench(&b);
}

static void test_node__errors_name_the_file_and_line(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    mb_node *node = mb_node_make_int(&b.document, ctx, 3);
    assert_fails(
        ctx, mb_fail_at(ctx, &b.document, node, "bad %d", 7), MB_ERR_FORMAT, "study.yaml: bad 7");
    node->line = 12;
    assert_fails(
        ctx, mb_fail_at(ctx, &b.document, node, "bad"), MB_ERR_FORMAT, "study.yaml:12: bad");
    assert_fails(ctx, mb_fail_at(ctx, &b.document, NULL, "bad"), MB_ERR_FORMAT, "study.yaml: bad");
    close_bench(&b);
}

static void test_node__writes_json(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    mb_node *map = mb_node_make(&b.document, ctx, MB_NODE_MAP);
    mb_node *list = mb_node_make(&b.document, ctx, MB_NODE_LIST);
    mb_node_append(list, mb_node_make_real(&b.document, ctx, 1));
    mb_node_append(list, mb_node_make_real(&b.document, ctx, 0.1));
    mb_node_append(list, mb_node_make_scalar(&b.document, ctx, "0x10", false));
    mb_node_append(list, mb_node_make_bool(&b.document, ctx, true));
    mb_node_append(list, mb_node_make(&b.document, ctx, MB_NODE_NULL));
    assert_ok(ctx, mb_node_set(&b.document, ctx, map, "k\"y", list));
    assert_ok(
        ctx, mb_node_set(&b.document, ctx, map, "e", mb_node_make(&b.document, ctx, MB_NODE_MAP)));
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_node_write_json(&buffer, map, -1);
    assert_string_equal(buffer.data, "{\"k\\\"y\": [1.0, 0.1, 16, true, null], \"e\": {}}");
    mb_buffer_clear(&buffer);
    mb_buffer_init(&buffer, ctx);
    mb_node_remove(map, "k\"y");
    assert_ok(ctx, mb_node_set(&b.document, ctx, map, "n", mb_node_make_int(&b.document, ctx, 1)));
    mb_node_write_json(&buffer, map, 2);
    assert_string_equal(buffer.data, "{\n  \"e\": {},\n  \"n\": 1\n}");
    mb_buffer_clear(&buffer);
    close_bench(&b);
}

// File names may be any bytes; JSON is UTF-8 alone.
static void test_node__bytes_that_are_no_text_become_a_mark_in_json(void **state) {
    (void)state;
    bench b;
    open_bench(&b);
    mb_buffer buffer;
    mb_buffer_init(&buffer, b.world.ctx);
    mb_buffer_json_text(&buffer, "a\xFF\xE2\x82\xAC\t\"\xE2\x82");
    assert_string_equal(buffer.data, "\"a\\uFFFD\xE2\x82\xAC\\u0009\\\"\\uFFFD\\uFFFD\"");
    mb_buffer_clear(&buffer);
    close_bench(&b);
}

static void test_node__nearest_name_finds_slips_and_nothing_else(void **state) {
    (void)state;
    static const char *const names[] = {"filters", "kernel", "padding", "activation", "lr"};
    const size_t n = MB_COUNT_OF(names);
    assert_string_equal(mb_nearest_name("filter", names, n), "filters");
    assert_string_equal(mb_nearest_name("fitlers", names, n), "filters");
    assert_string_equal(mb_nearest_name("Padding", names, n), "padding");
    assert_string_equal(mb_nearest_name("activaton", names, n), "activation");
    assert_null(mb_nearest_name("dilation_rate", names, n));
    assert_null(mb_nearest_name("zz", names, n));
    assert_null(mb_nearest_name("lr", names, 0));
    char long_name[300];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_non_null(mb_nearest_name(long_name, names, n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node__plain_scalars_follow_the_core_schema),
        cmocka_unit_test(test_node__integers_are_exact_and_bounded),
        cmocka_unit_test(test_node__set_replaces_and_remove_keeps_the_order),
        cmocka_unit_test(test_node__errors_name_the_file_and_line),
        cmocka_unit_test(test_node__writes_json),
        cmocka_unit_test(test_node__bytes_that_are_no_text_become_a_mark_in_json),
        cmocka_unit_test(test_node__nearest_name_finds_slips_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
