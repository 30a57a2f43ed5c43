// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/options.h"

#include <math.h>

typedef struct record {
    bool bias;
    int64_t seed;
    size_t filters;
    double rate;
    const char *text, *other;
    int padding;
    mb_sizes kernel;
    mb_reals range;
    mb_texts metrics;
    const mb_node *quantizer;
} record;

static const char *const paddings[] = {"valid", "same", NULL};

static const mb_option options[] = {
    {"filters", MB_OPTION_SIZE, offsetof(record, filters), NULL, 1, 4096, NULL, NULL, "channels"},
    {"bias", MB_OPTION_BOOL, offsetof(record, bias), "true", 0, 0, NULL, "use_bias", "add | b"},
    {"seed", MB_OPTION_INT, offsetof(record, seed), "-3", 0, 0, NULL, NULL, "start"},
    {"rate", MB_OPTION_REAL, offsetof(record, rate), "0.1", 0, 1, NULL, NULL, "1/event"},
    {"text", MB_OPTION_TEXT, offsetof(record, text), "12", 0, 0, NULL, NULL, "a text"},
    {"other", MB_OPTION_TEXT, offsetof(record, other), "", 0, 0, NULL, NULL, "a text"},
    {"padding", MB_OPTION_CHOICE, offsetof(record, padding), "same", 0, 0, paddings, NULL, "edge"},
    {"kernel", MB_OPTION_SIZES, offsetof(record, kernel), "[3, 5]", 1, INFINITY, NULL, NULL, "px"},
    {"range", MB_OPTION_REALS, offsetof(record, range), "[-1.5, 2]", 0, 0, NULL, NULL, "mm"},
    {"metrics", MB_OPTION_TEXTS, offsetof(record, metrics), "", 0, 0, NULL, NULL, "names"},
    {"quantizer", MB_OPTION_NODE, offsetof(record, quantizer), "", 0, 0, NULL, NULL, "bits"},
    MB_OPTIONS_END};

typedef struct bench {
    mb_test_world world;
    mb_document document;
    mb_node *map;
} bench;

static mb_context *open_bench(bench *b) {
    mb_test_world_open(&b->world, 1, 0);
    mb_document_init(&b->document, b->world.ctx, "study.yaml");
    b->map = mb_node_make(&b->document, b->world.ctx, MB_NODE_MAP);
    return b->world.ctx;
}

static void close_bench(bench *b) {
    mb_document_clear(&b->document);
    mb_test_world_close(&b->world);
}

// Appends, so that a key can be repeated.
static mb_node *add(bench *b, const char *key, const char *value) {
    mb_node *node = mb_node_make_scalar(&b->document, b->world.ctx, value, false);
    node->key = key;
    node->line = (int)b->map->n_children + 2;
    mb_node_append(b->map, node);
    return node;
}

static mb_node *add_list(bench *b, const char *key, size_t n, const char *const *values) {
    mb_node *list = add(b, key, "1");
    list->kind = MB_NODE_LIST;
    for (size_t i = 0; i < n; i++) {
        mb_node_append(list, mb_node_make_scalar(&b->document, b->world.ctx, values[i], false));
    }
    return list;
}

static mb_status parse(bench *b, record *r) {
    return mb_options_parse(b->world.ctx, &b->document, options, b->map, "conv2d", NULL, r);
}

static void test_options__defaults_fill_every_type(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    record r;
    memset(&r, 0x55, sizeof r);
    assert_ok(ctx, mb_options_default(ctx, &b.document, options, &r));
    assert_true(r.bias && r.seed == -3 && r.filters == 0 && r.rate == 0.1);
    assert_string_equal(r.text, "12");
    assert_null(r.other);
    assert_int_equal(r.padding, 1);
    assert_int_equal(r.kernel.n, 2);
    assert_int_equal(r.kernel.value[1], 5);
    assert_true(r.range.n == 2 && r.range.value[0] == -1.5 && r.range.value[1] == 2);
    assert_int_equal(r.metrics.n, 0);
    assert_null(r.quantizer);
    close_bench(&b);
}

static void test_options__members_override_defaults(void **state) {
    (void)state;
    static const char *const kernel[] = {"7", "1"};
    static const char *const metrics[] = {"accuracy", "3"};
    bench b;
    mb_context *ctx = open_bench(&b);
    add(&b, "filters", "1e2");
    add(&b, "use_bias", "false");
    add(&b, "rate", "1");
    add(&b, "padding", "valid");
    add(&b, "text", "null");
    b.map->last->kind = MB_NODE_INT;
    b.map->last->text = "5";
    add(&b, "range", "4");
    add_list(&b, "kernel", 2, kernel);
    add_list(&b, "metrics", 2, metrics);
    mb_node *quantizer = add(&b, "quantizer", "9");
    record r;
    assert_ok(ctx, parse(&b, &r));
    assert_true(r.filters == 100 && !r.bias && r.rate == 1 && r.padding == 0);
    assert_string_equal(r.text, "5");
    assert_true(r.range.n == 1 && r.range.value[0] == 4);
    assert_true(r.kernel.n == 2 && r.kernel.value[0] == 7);
    assert_int_equal(r.metrics.n, 2);
    assert_string_equal(r.metrics.value[1], "3");
    assert_ptr_equal(r.quantizer, quantizer);
    assert_true(quantizer->used);
    close_bench(&b);
}

static void expect(const char *key, const char *value, const char *part) {
    bench b;
    mb_context *ctx = open_bench(&b);
    add(&b, "filters", "8");
    add(&b, key, value);
    record r;
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, part);
    close_bench(&b);
}

static void test_options__mistakes_name_line_record_and_cure(void **state) {
    (void)state;
    expect("kernl", "3", "study.yaml:3: conv2d: unknown key 'kernl'; did you mean 'kernel'?");
    expect("zzzzzz", "3", "write one of filters, bias, seed");
    expect("usebias", "true", "did you mean 'use_bias'?");
    expect("bias", "1", "study.yaml:3: conv2d: bias is '1', which is not true or false");
    expect("seed", "1.5", "seed is '1.5', which is not a whole number");
    expect("rate", "1.5", "rate is 1.5; write a number from 0 to 1");
    expect("kernel", "0", "kernel is 0; write a number of at least 1");
    expect("rate", "fast", "rate is 'fast', which is not a number");
    expect("padding", "sam", "unknown padding 'sam'; did you mean 'same'?");
    expect("padding", "reflect", "write one of valid, same");
    expect("filters", "9", "'filters' repeats 'filters' of line 2");
    expect("range", "null", "range is nothing");
}

static void test_options__required_keys_lists_and_shapes_are_checked(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    record r;
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "conv2d: 'filters' is missing");
    add(&b, "filters", "0");
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "filters is 0; write a number from 1 to 4096");
    b.map->first->integer = -5;
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "from 1 to 4096");
    static const char *const values[17] = {
        "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1", "1"};
    b.map->first->integer = 5;
    add_list(&b, "kernel", 17, values);
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "kernel has 17 entries; write at most 16");
    mb_node_remove(b.map, "kernel");
    add(&b, "bias", "false");
    add(&b, "use_bias", "true");
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "'use_bias' repeats 'bias'");
    b.map->kind = MB_NODE_LIST;
    assert_fails(ctx, parse(&b, &r), MB_ERR_FORMAT, "is a list; write a map of options");
    close_bench(&b);
}

static void test_options__ignored_keys_and_no_map_are_left_alone(void **state) {
    (void)state;
    static const char *const ignored[] = {"name", NULL};
    bench b;
    mb_context *ctx = open_bench(&b);
    add(&b, "filters", "3");
    add(&b, "name", "conv0");
    record r;
    assert_ok(ctx, mb_options_parse(ctx, &b.document, options, b.map, "conv2d", ignored, &r));
    assert_false(b.map->last->used);
    assert_ok(ctx, mb_options_parse(ctx, &b.document, options + 1, NULL, "conv2d", NULL, &r));
    assert_true(r.rate == 0.1);
    close_bench(&b);
}

static void test_options__written_record_reads_back_the_same(void **state) {
    (void)state;
    static const char *const kernel[] = {"7", "1"};
    bench b;
    mb_context *ctx = open_bench(&b);
    add(&b, "filters", "3");
    add(&b, "rate", "0.25");
    add(&b, "seed", "-3");
    add_list(&b, "kernel", 2, kernel);
    record r;
    assert_ok(ctx, parse(&b, &r));
    mb_node *brief = mb_options_to_node(ctx, &b.document, options, &r, false);
    assert_non_null(brief);
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_node_write_json(&buffer, brief, -1);
    assert_string_equal(buffer.data, "{\"filters\": 3, \"rate\": 0.25, \"kernel\": [7, 1]}");
    mb_buffer_clear(&buffer);
    b.map = mb_options_to_node(ctx, &b.document, options, &r, true);
    assert_non_null(b.map);
    assert_int_equal(b.map->n_children, 9);
    record again;
    assert_ok(ctx, parse(&b, &again));
    assert_true(again.rate == r.rate && again.kernel.value[0] == 7 && again.padding == r.padding);
    assert_string_equal(again.text, r.text);
    close_bench(&b);
}

static void test_options__documentation_lists_every_option(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_buffer buffer;
    mb_buffer_init(&buffer, world.ctx);
    mb_options_document(&buffer, options);
    assert_non_null(
        strstr(buffer.data, "| `filters` | count | required | 1 to 4096 | channels |\n"
                            "| `bias` (`use_bias`) | true or false | `true` |  | add \\| b |\n"));
    assert_non_null(strstr(buffer.data, "| `same` | `valid`, `same` | edge |"));
    mb_buffer_clear(&buffer);
    mb_test_world_close(&world);
}

static void test_options__named_options_take_a_name_or_a_map(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    const char *name = NULL;
    const mb_node *inner = NULL;
    mb_node *text = mb_node_make_text(&b.document, ctx, "flatten");
    assert_ok(ctx, mb_named_options(ctx, &b.document, text, "a layer", &name, &inner));
    assert_string_equal(name, "flatten");
    assert_null(inner);
    mb_node *options_map = add(&b, "conv2d", "1");
    options_map->kind = MB_NODE_MAP;
    assert_ok(ctx, mb_named_options(ctx, &b.document, b.map, "a layer", &name, &inner));
    assert_string_equal(name, "conv2d");
    assert_ptr_equal(inner, options_map);
    options_map->kind = MB_NODE_NULL;
    assert_ok(ctx, mb_named_options(ctx, &b.document, b.map, "a layer", &name, &inner));
    assert_null(inner);
    add(&b, "dense", "null");
    assert_fails(ctx, mb_named_options(ctx, &b.document, b.map, "a layer", &name, &inner),
        MB_ERR_FORMAT, "{NAME: {option: value}}");
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__defaults_fill_every_type),
        cmocka_unit_test(test_options__members_override_defaults),
        cmocka_unit_test(test_options__mistakes_name_line_record_and_cure),
        cmocka_unit_test(test_options__required_keys_lists_and_shapes_are_checked),
        cmocka_unit_test(test_options__ignored_keys_and_no_map_are_left_alone),
        cmocka_unit_test(test_options__written_record_reads_back_the_same),
        cmocka_unit_test(test_options__documentation_lists_every_option),
        cmocka_unit_test(test_options__named_options_take_a_name_or_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
