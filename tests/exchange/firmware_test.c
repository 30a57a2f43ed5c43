// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/output.h"
#include "base/random.h"
#include "exchange/firmware.h"

#include <stdio.h>
#include <stdlib.h>

// Made-up weight sets: written, read, and refused.

typedef struct world {
    mb_test_world base;
    mb_context *ctx;
    char *directory;
} world;

static int open_world(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    mb_test_world_open(&w->base, 1, MB_CPU_ALL);
    w->ctx = w->base.ctx;
    w->directory = mb_test_directory();
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    mb_test_remove_directory(w->directory);
    mb_test_world_close(&w->base);
    free(w);
    return 0;
}

static void put(const world *w, const char *name, const char *text) {
    char *path = mb_path_join(w->ctx, w->directory, name);
    assert_ok(w->ctx, mb_write_file(w->ctx, path, text, strlen(text)));
    mb_release(w->ctx, path);
}

static mb_status parse(
    const world *w, const char *types, const mb_twin_override *override, mb_twin **out) {
    return mb_firmware_parse(w->ctx, "types.yaml", types, strlen(types), w->directory, override,
        override == NULL ? 0 : 1, out);
}

static void assert_values(
    const world *w, const mb_twin *twin, const float *x, size_t n, const float *wanted) {
    float values[16];
    const mb_twin_rows rows = {.f32 = x};
    assert_ok(w->ctx, mb_twin_predict(w->ctx, twin, &rows, n, NULL, values));
    for (size_t i = 0; i < n * mb_twin_outputs(twin); i++) {
        assert_true(values[i] == wanted[i]);
    }
}

static const char dense_types[] =
    "minbias_firmware: 1\n"
    "input: {shape: [3], type: '<6,6>u'}\n"
    "layers:\n"
    "  - dense: {name: first, units: 2, weights: w2, bias: b2, weight_type: '<4,2>',\n"
    "      bias_type: '<4,3>', result: '<8,6> RND SAT'}\n"
    "  - relu: {name: last, result: '<7,6>u SAT'}\n";

static void test_firmware__lists_and_types_give_the_sums_by_hand(void **state) {
    world *w = *state;
    mb_twin *twin = NULL;
    static const float x[6] = {1, 2, 3, 63, 0, 1};
    // 1*0.5 - 2*1 + 3*1.75 + 1 = 4.75; 1*0.25 + 2*0.5 - 3*2 - 0.5 = -5.25; then 34.25, above the
    // result's 31.75, and 13.25; all cut to halves from 0.
    static const float wanted[4] = {4.5F, 0, 31.5F, 13};
    put(w, "w2.csv", "# shape 3, 2\n0.5, 0.25\n-1 0.5\n1.75\n-2\n");
    put(w, "b2.txt", "# shape 2\r\n1\r\n-0.5\r\n");
    assert_ok(w->ctx, parse(w, dense_types, NULL, &twin));
    assert_values(w, twin, x, 2, wanted);
    mb_twin_destroy(twin);
}

static void test_firmware__transposed_lists_are_turned(void **state) {
    world *w = *state;
    static const float x[4] = {1, 2, 3, 4};
    static const float wanted[2] = {1 + 2 * 2 + 3 * 3 + 4 * 4, 5 + 12 + 21 + 32};
    static const char types[] = "minbias_firmware: 1\n"
                                "input: {shape: [2, 2, 1], type: '<6,6>u'}\n"
                                "layers:\n"
                                "  - conv2d: {name: c, units: 2, window: 2, weights: w3, "
                                "transposed: true, weight_type: '<5,5>'}\n"
                                "  - flatten: {name: f}\n";
    static const char *const headers[] = {"# shape 2, 2, 1, 2\n", "# shape 2, 2, 2, 1\n"};
    for (size_t i = 0; i < 2; i++) {
        char text[100];
        mb_twin *twin = NULL;
        snprintf(text, sizeof text, "%s1,2,3,4,5,6,7,8", headers[i]);
        put(w, "w3", text);
        assert_ok(w->ctx, parse(w, types, NULL, &twin));
        assert_values(w, twin, x, 1, wanted);
        mb_twin_destroy(twin);
    }
}

static void test_firmware__weights_outside_their_type_are_counted(void **state) {
    world *w = *state;
    mb_twin *twin = NULL;
    mb_twin_report report;
    put(w, "w2", "# shape 3, 2\n2.5, 0.25 -1 0.3 1.75 -2");
    put(w, "b2", "# shape 2\n1 -9");
    assert_ok(w->ctx, parse(w, dense_types, NULL, &twin));
    mb_twin_describe(twin, 0, &report);
    assert_string_equal(report.name, "first");
    assert_int_equal(report.n_weights, 8);
    assert_int_equal(report.n_weights_outside, 2);
    assert_int_equal(report.n_weights_rounded, 1);
    mb_twin_destroy(twin);
}

static void test_firmware__overrides_replace_a_layers_types(void **state) {
    world *w = *state;
    mb_twin *twin = NULL;
    static const float x[3] = {1, 2, 3};
    static const float wanted[2] = {4, 0};
    mb_twin_override override = {.layer = "first"};
    put(w, "w2", "# shape 3, 2\n0.5, 0.25\n-1 0.5\n1.75\n-2\n");
    put(w, "b2", "# shape 2\n1\n-0.5\n");
    assert_ok(w->ctx, mb_fixed_parse(w->ctx, "here", "<6,6>", &override.accumulator));
    assert_ok(w->ctx, parse(w, dense_types, &override, &twin));
    assert_values(w, twin, x, 1, wanted);
    mb_twin_destroy(twin);
    override.layer = "frist";
    assert_fails(
        w->ctx, parse(w, dense_types, &override, &twin), MB_ERR_FORMAT, "no layer is called frist");
}

static void test_firmware__lists_that_do_not_fit_are_refused_with_their_file(void **state) {
    world *w = *state;
    static const struct {
        const char *text;
        mb_status status;
        const char *part;
    } cases[] = {
        {"1 2 3 4 5 6", MB_ERR_FORMAT, "w2:1: begins without a shape"},
        {"# shape\n1 2", MB_ERR_FORMAT, "w2:1: begins without a shape"},
        {"# shape 3, 2\n1 2 3 4 5", MB_ERR_FORMAT, "w2: has 5 numbers where its shape needs 6"},
        {"# shape 3, 2\n1 2 3 4 5 6 7", MB_ERR_FORMAT, "has 7 numbers"},
        {"# shape 3, 2\n1 2 3 4\n5 x", MB_ERR_FORMAT, "w2:3: number 6"},
        {"# shape 3, 2\n1 2 3 4\n5 1e60", MB_ERR_FORMAT, "w2:3: number 6"},
        {"# shape 2, 3\n1 2 3 4 5 6", MB_ERR_SHAPE,
            "w2: has shape (2, 3) where the layer needs "
            "(3, 2)"},
        {"# shape 6\n1 2 3 4 5 6", MB_ERR_SHAPE, "w2: has shape (6,)"},
        {"# shape 0, 2\n", MB_ERR_FORMAT, "a length of 0"},
        {"# shape 99999999999, 99999999999\n1", MB_ERR_FORMAT, "more numbers than the file"},
    };
    put(w, "b2", "# shape 2\n1\n-0.5\n");
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_twin *twin = NULL;
        put(w, "w2", cases[i].text);
        assert_fails(w->ctx, parse(w, dense_types, NULL, &twin), cases[i].status, cases[i].part);
        assert_null(twin);
    }
}

static void test_firmware__types_that_make_no_sense_are_refused_with_their_line(void **state) {
    world *w = *state;
    static const struct {
        const char *text;
        mb_status status;
        const char *part;
    } cases[] = {
        {"minbias_firmware: 2\ninput: {shape: [3], type: '<4,4>'}\nlayers: []\n",
            MB_ERR_UNSUPPORTED, "format number 2"},
        {"input: {shape: [3], type: '<4,4>'}\nlayers: []\n", MB_ERR_FORMAT, "minbias_firmware"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - dense: {name: d, "
         "units: 2, weights: w2, weight_type: '<0,4>'}\n",
            MB_ERR_FORMAT, "types.yaml:4: weight_type: <0,4> is no fixed-point format"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - dense: {name: d, "
         "unit: 2}\n",
            MB_ERR_FORMAT, "types.yaml:4"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - dence: {name: "
         "d}\n",
            MB_ERR_UNSUPPORTED, "did you mean dense?"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - conv2d: {name: c, "
         "units: 2, window: 2}\n",
            MB_ERR_SHAPE, "c: takes images"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - dense: {name: d, "
         "units: 2}\n",
            MB_ERR_FORMAT, "d: has no weights"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<40,4>'}\nlayers: []\n",
            MB_ERR_UNSUPPORTED, "1 to 31 bits"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers: []\nactivation: "
         "sigmoi\n",
            MB_ERR_UNSUPPORTED, "sigmoi"},
        {"minbias_firmware: 1\ninput: {shape: [3], type: '<4,4>'}\nlayers:\n  - dense: {name: d, "
         "units: 2, weights: absent}\n",
            MB_ERR_IO, "has no weight list absent, absent.csv or absent.txt"},
        {"minbias_firmware: 1\ninput: {shape: [3, 3, 1], type: '<4,4>'}\nlayers:\n  - "
         "average_pooling: {name: p, window: 3}\n",
            MB_ERR_UNSUPPORTED, "p: an average is exact only"},
    };
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_twin *twin = NULL;
        assert_fails(w->ctx, parse(w, cases[i].text, NULL, &twin), cases[i].status, cases[i].part);
    }
}

static void test_firmware__unknown_types_name_the_nearest(void **state) {
    world *w = *state;
    mb_twin *twin = NULL;
    assert_fails(w->ctx, mb_firmware_load(w->ctx, w->directory, "v1.1.3", NULL, 0, &twin),
        MB_ERR_FORMAT, "did you mean v1.1");
    assert_fails(w->ctx, mb_firmware_load(w->ctx, w->directory, "./none.yaml", NULL, 0, &twin),
        MB_ERR_IO, "none.yaml");
    assert_fails(w->ctx, mb_firmware_load(w->ctx, "nowhere", "v2", NULL, 0, &twin), MB_ERR_IO,
        "nowhere: has no weight list w3");
}

static void test_firmware__every_table_of_types_makes_a_twin(void **state) {
    world *w = *state;
    for (const mb_firmware_types *types = mb_firmware_list; types->name != NULL; types++) {
        mb_twin *twin = NULL;
        assert_ok(w->ctx, mb_firmware_parse(w->ctx, types->name, types->text, strlen(types->text),
                              NULL, NULL, 0, &twin));
        assert_int_equal(mb_twin_inputs(twin), 252);
        assert_int_equal(mb_twin_outputs(twin), 1);
        assert_true(mb_twin_is_integer(twin));
        mb_twin_destroy(twin);
    }
}

// A program with every kind of layer and random numbers.
static const char rich_types[] =
    "minbias_firmware: 1\n"
    "input: {shape: [8, 7, 2], type: '<6,4> RND_CONV SAT'}\n"
    "layers:\n"
    "  - conv2d: {name: c, units: 3, window: [3, 2], stride: [1, 2], padding: same, weights: wc,\n"
    "      bias: bc, weight_type: '<6,2>', bias_type: '<5,3>', accumulator: '<14,8>'}\n"
    "  - relu: {name: r, result: '<8,4>u RND SAT'}\n"
    "  - max_pooling: {name: p, window: 2}\n"
    "  - up_sampling: {name: u, window: 2}\n"
    "  - average_pooling: {name: a, window: [2, 1], stride: 1}\n"
    "  - scale: {name: n, weights: wn, bias: bn, weight_type: '<9,3>', bias_type: '<9,3>',\n"
    "      result: '<9,5> TRN_ZERO SAT_SYM'}\n"
    "  - flatten: {name: f}\n"
    "  - dense: {name: d, units: 3, weights: wd, bias: bd, scale: ad, weight_type: '<6,1>'}\n"
    "activation: softmax\n";

static void put_numbers(
    const world *w, mb_random *random, const char *name, const char *shape, size_t n) {
    mb_buffer text;
    mb_buffer_init(&text, w->ctx);
    mb_buffer_format(&text, "# shape %s\n", shape);
    for (size_t i = 0; i < n; i++) {
        mb_buffer_float(&text, (float)mb_random_normal(random));
        mb_buffer_text(&text, ",");
    }
    char *path = mb_path_join(w->ctx, w->directory, name);
    assert_ok(w->ctx, mb_write_buffer(&text, path));
    mb_release(w->ctx, path);
}

static void test_firmware__a_saved_twin_reads_back_to_the_same(void **state) {
    world *w = *state;
    enum { EVENTS = 21, INPUTS = 112 };
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 4, 0);
    static float x[EVENTS * INPUTS], wanted[EVENTS * 3], found[EVENTS * 3];
    const mb_twin_rows rows = {.f32 = x};
    mb_twin *twin = NULL;
    mb_twin *back = NULL;
    put_numbers(w, &random, "wc", "3, 2, 2, 3", 36);
    put_numbers(w, &random, "bc", "3", 3);
    put_numbers(w, &random, "wn", "3", 3);
    put_numbers(w, &random, "bn", "3", 3);
    put_numbers(w, &random, "wd", "84, 3", 84 * 3);
    put_numbers(w, &random, "bd", "3", 3);
    put_numbers(w, &random, "ad", "3", 3);
    for (size_t i = 0; i < EVENTS * INPUTS; i++) {
        x[i] = (float)(4 * mb_random_normal(&random));
    }
    const mb_status status = parse(w, rich_types, NULL, &twin);
    if (status != MB_OK) {
        fail_msg("%s", mb_context_error_text(w->ctx));
    }
    char *folder = mb_path_join(w->ctx, w->directory, "saved/set");
    char *types = mb_path_join(w->ctx, folder, "types.yaml");
    assert_ok(w->ctx, mb_firmware_save(w->ctx, twin, folder));
    assert_ok(w->ctx, mb_firmware_load(w->ctx, folder, types, NULL, 0, &back));
    assert_ok(w->ctx, mb_twin_predict(w->ctx, twin, &rows, EVENTS, NULL, wanted));
    assert_ok(w->ctx, mb_twin_predict(w->ctx, back, &rows, EVENTS, NULL, found));
    mb_test_assert_same_bits(found, wanted, EVENTS * 3, sizeof *found, "scores");
    assert_int_equal(mb_twin_layers(back), mb_twin_layers(twin));
    for (size_t i = 0; i < mb_twin_layers(twin); i++) {
        mb_twin_report before, after;
        mb_twin_describe(twin, i, &before);
        mb_twin_describe(back, i, &after);
        assert_string_equal(before.name, after.name);
        assert_string_equal(before.arithmetic, after.arithmetic);
        assert_memory_equal(&before.result, &after.result, sizeof before.result);
        assert_int_equal(after.n_weights_outside, 0);
    }
    mb_release(w->ctx, folder);
    mb_release(w->ctx, types);
    mb_twin_destroy(back);
    mb_twin_destroy(twin);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_firmware__lists_and_types_give_the_sums_by_hand),
        cmocka_unit_test(test_firmware__transposed_lists_are_turned),
        cmocka_unit_test(test_firmware__weights_outside_their_type_are_counted),
        cmocka_unit_test(test_firmware__overrides_replace_a_layers_types),
        cmocka_unit_test(test_firmware__lists_that_do_not_fit_are_refused_with_their_file),
        cmocka_unit_test(test_firmware__types_that_make_no_sense_are_refused_with_their_line),
        cmocka_unit_test(test_firmware__unknown_types_name_the_nearest),
        cmocka_unit_test(test_firmware__every_table_of_types_makes_a_twin),
        cmocka_unit_test(test_firmware__a_saved_twin_reads_back_to_the_same),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
