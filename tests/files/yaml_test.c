// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "files/yaml.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct bench {
    mb_test_world world;
    mb_document document;
} bench;

static mb_context *open_text(bench *b, const char *text) {
    mb_test_world_open(&b->world, 1, 0);
    assert_ok(
        b->world.ctx, mb_yaml_parse(b->world.ctx, "s.yaml", text, strlen(text), &b->document));
    return b->world.ctx;
}

static void close_bench(bench *b) {
    mb_document_clear(&b->document);
    mb_test_world_close(&b->world);
}

static void assert_reads_as(const char *yaml, const char *json) {
    bench b;
    mb_context *ctx = open_text(&b, yaml);
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_node_write_json(&buffer, b.document.root, -1);
    assert_string_equal(buffer.data, json);
    mb_buffer_clear(&buffer);
    close_bench(&b);
}

static void refuse_bytes(const char *text, size_t length, mb_status status, const char *part) {
    mb_test_world world;
    mb_document document;
    mb_test_world_open(&world, 1, 0);
    assert_fails(
        world.ctx, mb_yaml_parse(world.ctx, "s.yaml", text, length, &document), status, part);
    assert_null(document.root);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

static void refuse(const char *text, mb_status status, const char *part) {
    refuse_bytes(text, strlen(text), status, part);
}

static void test_yaml__reads_block_flow_and_scalars(void **state) {
    (void)state;
    assert_reads_as("a: 1\nb: [x, 'y', 2.5, ~, true]\nc:\n  - {d: 0x10}\n  - \"12\"\n",
        "{\"a\": 1, \"b\": [\"x\", \"y\", 2.5, null, true], \"c\": [{\"d\": 16}, \"12\"]}");
    assert_reads_as("", "null");
    assert_reads_as("# only a comment\n", "null");
    assert_reads_as("--- 3\n...\n", "3");
    assert_reads_as("a: |\n  x\n  y\n", "{\"a\": \"x\\ny\\n\"}");
    assert_reads_as("\xEF\xBB\xBF"
                    "a: 1\r\nb: 2\r\n",
        "{\"a\": 1, \"b\": 2}");
    assert_reads_as("a: \xCF\x86\n", "{\"a\": \"\xCF\x86\"}");
}

static void test_yaml__nodes_know_their_lines(void **state) {
    (void)state;
    bench b;
    open_text(&b, "a: 1\n\nb:\n  - x\n  -\n    c: 2\n");
    const mb_node *list = mb_node_find(b.document.root, "b");
    assert_int_equal(mb_node_find(b.document.root, "a")->line, 1);
    assert_int_equal(list->line, 3);
    assert_int_equal(mb_node_at(list, 0)->line, 4);
    assert_int_equal(mb_node_at(list, 0)->column, 5);
    assert_int_equal(mb_node_find(mb_node_at(list, 1), "c")->line, 6);
    close_bench(&b);
}

static void test_yaml__anchors_and_merges_expand(void **state) {
    (void)state;
    assert_reads_as("a: &x {p: 1, q: [2]}\nb: *x\nc: &x 5\nd: *x\n",
        "{\"a\": {\"p\": 1, \"q\": [2]}, \"b\": {\"p\": 1, \"q\": [2]}, \"c\": 5, \"d\": 5}");
    assert_reads_as("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n  r: 4\n",
        "{\"a\": {\"p\": 1, \"q\": 2}, \"b\": {\"q\": 3, \"r\": 4, \"p\": 1}}");
    assert_reads_as("- &x {p: 1}\n- &y {p: 2, q: 3}\n- {<<: [*x, *y]}\n- {'<<': 1}\n",
        "[{\"p\": 1}, {\"p\": 2, \"q\": 3}, {\"p\": 1, \"q\": 3}, {\"<<\": 1}]");
    // What is merged may have an anchor itself, which keeps its members, and those alone.
    assert_reads_as("a: {x: 0, <<: &own {x: 1, y: 2}}\nb: *own\n",
        "{\"a\": {\"x\": 0, \"y\": 2}, \"b\": {\"x\": 1, \"y\": 2}}");
    assert_reads_as("a: {<<: [&one {p: 1}, {q: 2}], r: 3}\nb: *one\n",
        "{\"a\": {\"r\": 3, \"p\": 1, \"q\": 2}, \"b\": {\"p\": 1}}");
    refuse("a: &x 1\nb: {<<: *x}\n", MB_ERR_FORMAT, "'<<' takes a map");
    refuse("a: &x [1]\nb: {<<: *x}\n", MB_ERR_FORMAT, "'<<' takes a map");
}

static void test_yaml__changing_an_alias_leaves_the_anchor(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_text(&b, "a: &x {p: 1}\nb: *x\n");
    assert_ok(ctx, mb_yaml_set(ctx, &b.document, "b.p", "7"));
    assert_int_equal(mb_node_find(mb_node_find(b.document.root, "a"), "p")->integer, 1);
    assert_int_equal(mb_node_find(mb_node_find(b.document.root, "b"), "p")->integer, 7);
    close_bench(&b);
}

static void test_yaml__refusals_say_where(void **state) {
    (void)state;
    refuse("a: 1\nb: 2\na: 3\n", MB_ERR_FORMAT, "s.yaml:3:1: key 'a' repeats line 1");
    refuse("a: !!python/object:os.system x\n", MB_ERR_UNSUPPORTED, "s.yaml:1:4: tag ");
    refuse("a: !x [1]\n", MB_ERR_UNSUPPORTED, "is not allowed");
    refuse("a: 1\n--- \nb: 2\n", MB_ERR_UNSUPPORTED, "s.yaml:2:1: a second document begins");
    refuse("a: *nobody\n", MB_ERR_FORMAT, "alias '*nobody' has no anchor");
    refuse("a: 1\nb: *.csv\n", MB_ERR_FORMAT, "s.yaml:2:4: a text cannot begin with *; quote it");
    refuse("a: @x\n", MB_ERR_FORMAT, "s.yaml:1:4: a text cannot begin with this character");
    refuse("a: &x [1, *x]\n", MB_ERR_FORMAT, "stands inside its own anchor");
    refuse("a: .inf\n", MB_ERR_FORMAT, "s.yaml:1:4: '.inf' is not a finite number");
    refuse("a:\n  b: 99999999999999999999\n", MB_ERR_FORMAT, "s.yaml:2:6: '99999999999999999999'");
    refuse("[a, b]: 1\n", MB_ERR_UNSUPPORTED, "a key is not a word");
    refuse("{'': 1}", MB_ERR_FORMAT, "a key is empty");
    refuse("a: [1, 2\nb: 3\n", MB_ERR_FORMAT, "s.yaml:");
    refuse("a: 'x\n", MB_ERR_FORMAT, "while scanning a quoted scalar");
    refuse("a:\n\t- 1\n", MB_ERR_FORMAT, "s.yaml:2:1");
    refuse("a: \"x\\0y\"\n", MB_ERR_FORMAT, "zero byte");
    refuse_bytes("a: x\0y\n", 7, MB_ERR_FORMAT, "s.yaml:1:5: control characters are not allowed");
    refuse("a: 1\nb: \xFF\n", MB_ERR_FORMAT, "s.yaml:2:4: invalid leading UTF-8 octet");
    refuse("a: \xC3", MB_ERR_FORMAT, "incomplete UTF-8");
}

static void test_yaml__billion_laughs_stay_small(void **state) {
    (void)state;
    char text[2000] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 12; i++) {
        char line[120];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
            i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strncat(text, line, sizeof text - strlen(text) - 1);
    }
    refuse(text, MB_ERR_LIMIT, "aliases expand to more than 100000 values");
}

static void test_yaml__depth_and_count_are_bounded(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    char *text = malloc(DEEP + 1);
    assert_non_null(text);
    memset(text, '[', DEEP);
    text[DEEP] = '\0';
    refuse(text, MB_ERR_LIMIT, "s.yaml:1:65: is nested deeper than 64 levels");
    for (size_t i = 0; i < DEEP; i += 2) {
        text[i] = '-';
        text[i + 1] = ' ';
    }
    refuse(text, MB_ERR_LIMIT, "is nested deeper than 64 levels");
    free(text);
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.objects = 5;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    mb_document document;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    assert_fails(ctx, mb_yaml_parse(ctx, "s", "[1,2,3,4,5]", 11, &document), MB_ERR_LIMIT,
        "s:1:10: has more than 5 values");
    assert_ok(ctx, mb_yaml_parse(ctx, "s", "[1,2,3,4]", 9, &document));
    mb_document_clear(&document);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static const char study[] = "train:\n  epochs: 10\n  optimizer: {nadam: {}}\n"
                            "  callbacks: [{early_stopping: {patience: 3}}]\n"
                            "model:\n  data_format: channels_first\n  layers:\n"
                            "    - {input: volume0}\n"
                            "    - {conv2d: {filters: 8}, name: conv0, from: volume0}\n"
                            "    - {flatten: , name: flat}\n"
                            "fits:\n  - {name: a, train: {epochs: 3}}\n"
                            "data: {volumes: [{z: 1}, {z: 2}], label: }\n";

// Every truncation either reads or fails with a place, and leaves nothing behind.
static void test_yaml__truncated_texts_end_well(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    size_t n_refused = 0;
    for (size_t length = 0; length <= strlen(study); length++) {
        mb_document document;
        const mb_status status = mb_yaml_parse(world.ctx, "s.yaml", study, length, &document);
        if (status != MB_OK) {
            assert_int_equal(status, MB_ERR_FORMAT);
            assert_non_null(strstr(mb_context_error_text(world.ctx), "s.yaml:"));
            n_refused++;
        }
        mb_context_clear(world.ctx);
        mb_document_clear(&document);
    }
    assert_true(n_refused > 50);
    mb_test_world_close(&world);
}

static void test_yaml__set_reaches_keys_layers_and_indices(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_text(&b, study);
    static const char *const sets[][2] = {{"train.epochs", "3"}, {"train.batch", "32"},
        {"train.optimizer.nadam.schedule_decay", "0.004"},
        {"train.callbacks.early_stopping.patience", "9"}, {"model.conv0.filters", "16"},
        {"model.conv0.kernel", "[3, 5]"}, {"model.conv0.from", "volume1"},
        {"model.flat.keep", "true"}, {"fits.a.repeats", "4"}, {"fits.a.train.epochs", "5"},
        {"data.volumes.1.z", "{x: 1}"}, {"data.label.pt", "2.5"}, {"seed", ""}};
    for (size_t i = 0; i < MB_COUNT_OF(sets); i++) {
        assert_ok(ctx, mb_yaml_set(ctx, &b.document, sets[i][0], sets[i][1]));
    }
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_node_write_json(&buffer, b.document.root, -1);
    assert_string_equal(buffer.data,
        "{\"train\": {\"epochs\": 3, \"optimizer\": {\"nadam\": {\"schedule_decay\": 0.004}}, "
        "\"callbacks\": [{\"early_stopping\": {\"patience\": 9}}], \"batch\": 32}, "
        "\"model\": {\"data_format\": \"channels_first\", \"layers\": [{\"input\": \"volume0\"}, "
        "{\"conv2d\": {\"filters\": 16, \"kernel\": [3, 5]}, \"name\": \"conv0\", "
        "\"from\": \"volume1\"}, {\"flatten\": {\"keep\": true}, \"name\": \"flat\"}]}, "
        "\"fits\": [{\"name\": \"a\", \"train\": {\"epochs\": 5}, \"repeats\": 4}], "
        "\"data\": {\"volumes\": [{\"z\": 1}, {\"z\": {\"x\": 1}}], \"label\": {\"pt\": 2.5}}, "
        "\"seed\": null}");
    mb_buffer_clear(&buffer);
    assert_int_equal(mb_node_find(mb_node_find(b.document.root, "train"), "epochs")->line, 0);
    close_bench(&b);
}

static void test_yaml__set_makes_the_maps_on_its_way(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_text(&b, "a: {b: 1}\nn:\n");
    assert_ok(ctx, mb_yaml_set(ctx, &b.document, "a.c.d.e", "2"));
    assert_ok(ctx, mb_yaml_set(ctx, &b.document, "a.c.d.f", "3"));
    assert_ok(ctx, mb_yaml_set(ctx, &b.document, "n.m.k", "x"));
    assert_ok(ctx, mb_yaml_set(ctx, &b.document, "new.key", "[]"));
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_node_write_json(&buffer, b.document.root, -1);
    assert_string_equal(buffer.data, "{\"a\": {\"b\": 1, \"c\": {\"d\": {\"e\": 2, \"f\": 3}}}, "
                                     "\"n\": {\"m\": {\"k\": \"x\"}}, \"new\": {\"key\": []}}");
    mb_buffer_clear(&buffer);
    close_bench(&b);
}

static void test_yaml__set_refuses_unknown_steps(void **state) {
    (void)state;
    static const struct {
        const char *path, *value, *part;
        mb_status status;
    } cases[] = {
        {"model.conv1.filters", "3", "'model' has no 'conv1'; did you mean 'conv0'?", MB_ERR_ARG},
        {"data.volumes.2.z", "3", "'data.volumes' has no '2'", MB_ERR_ARG},
        {"data.volumes.2", "3", "'data.volumes' has no '2'", MB_ERR_ARG},
        {"train.epochs.more", "3", "'train.epochs' has no 'more'", MB_ERR_ARG},
        {"train..epochs", "3", "is not a path", MB_ERR_ARG},
        {"train.", "3", "is not a path", MB_ERR_ARG}, {"", "3", "is not a path", MB_ERR_ARG},
        {"train.epochs", "[3", "--set train.epochs:2:1: while parsing", MB_ERR_FORMAT},
        {"train.epochs", "!!int 3", "tag", MB_ERR_UNSUPPORTED}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        bench b;
        mb_context *ctx = open_text(&b, study);
        assert_fails(ctx, mb_yaml_set(ctx, &b.document, cases[i].path, cases[i].value),
            cases[i].status, cases[i].part);
        close_bench(&b);
    }
}

static void test_yaml__written_trees_read_back_the_same(void **state) {
    (void)state;
    static const char awkward[] =
        "[yes, 'null', '1e3', ' x ', '', '- a', 'a: b', 'a #b', \"tab\\t\", \"\\e\\x7f\", "
        "\"\\u2028\\uFEFF\\x85\", '<<', '*x', '&x', 'x  y', '0x1f', '...', '---', 'é', 'C:\\\\d', "
        "{}, [], {'a b': {'5': [1, [2, [3, {q: [{}, {r: s, t: u}]}]]]}}, 1.0, 1e-3, -0.0, "
        "'No', '\"', './a-b/c.csv', 'x ', clusters_*.csv, [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]]";
    bench b;
    mb_context *ctx = open_text(&b, awkward);
    mb_buffer before, after, yaml;
    mb_buffer_init(&before, ctx);
    mb_buffer_init(&after, ctx);
    mb_buffer_init(&yaml, ctx);
    mb_node_write_json(&before, b.document.root, -1);
    mb_node_write_yaml(&yaml, b.document.root);
    mb_document again;
    assert_ok(ctx, mb_yaml_parse(ctx, "again", yaml.data, yaml.length, &again));
    mb_node_write_json(&after, again.root, -1);
    assert_string_equal(after.data, before.data);
    mb_document_clear(&again);
    mb_buffer_clear(&before);
    mb_buffer_clear(&after);
    mb_buffer_clear(&yaml);
    close_bench(&b);
}

static void test_yaml__written_study_is_readable_by_people(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_text(&b, "a: {b: [1, 2], c: {d: 1e-3}, e: }\nl: [{x: {y: 1}, n: z}]\n");
    mb_buffer yaml;
    mb_buffer_init(&yaml, ctx);
    mb_node_write_yaml(&yaml, b.document.root);
    assert_string_equal(yaml.data, "a:\n  b: [1, 2]\n  c:\n    d: 1e-3\n  e: null\n"
                                   "l:\n  - x:\n      y: 1\n    n: z\n");
    mb_buffer_clear(&yaml);
    close_bench(&b);
}

static void test_yaml__files_are_named_in_errors(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, 0);
    mb_context *ctx = world.ctx;
    char *folder = mb_test_directory();
    char *path = mb_path_join(ctx, folder, "s.yaml");
    mb_document document;
    assert_fails(ctx, mb_yaml_read(ctx, path, &document), MB_ERR_IO, "s.yaml: cannot be read");
    mb_document_clear(&document);
    assert_ok(ctx, mb_write_file(ctx, path, "a: [", 4));
    assert_fails(
        ctx, mb_yaml_read(ctx, path, &document), MB_ERR_FORMAT, "/s.yaml:2:1: while parsing");
    assert_ok(ctx, mb_write_file(ctx, path, "a: 5", 4));
    assert_ok(ctx, mb_yaml_read(ctx, path, &document));
    assert_string_equal(document.name, path);
    assert_int_equal(mb_node_find(document.root, "a")->integer, 5);
    mb_document_clear(&document);
    mb_release(ctx, path);
    mb_test_remove_directory(folder);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml__reads_block_flow_and_scalars),
        cmocka_unit_test(test_yaml__nodes_know_their_lines),
        cmocka_unit_test(test_yaml__anchors_and_merges_expand),
        cmocka_unit_test(test_yaml__changing_an_alias_leaves_the_anchor),
        cmocka_unit_test(test_yaml__refusals_say_where),
        cmocka_unit_test(test_yaml__billion_laughs_stay_small),
        cmocka_unit_test(test_yaml__depth_and_count_are_bounded),
        cmocka_unit_test(test_yaml__truncated_texts_end_well),
        cmocka_unit_test(test_yaml__set_reaches_keys_layers_and_indices),
        cmocka_unit_test(test_yaml__set_makes_the_maps_on_its_way),
        cmocka_unit_test(test_yaml__set_refuses_unknown_steps),
        cmocka_unit_test(test_yaml__written_trees_read_back_the_same),
        cmocka_unit_test(test_yaml__written_study_is_readable_by_people),
        cmocka_unit_test(test_yaml__files_are_named_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
