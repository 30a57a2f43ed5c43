// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Configurations by hand: what Keras wrote in older versions, and what must be refused.

#include "base/buffer.h"
#include "base/output.h"
#include "exchange/keras.h"
#include "files/hdf5.h"
#include "golden.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>

MB_TEST_WORLD_AND_FOLDER(1, MB_CPU_ALL)

#define INPUT(name, shape)                                                                         \
    "{\"class_name\": \"InputLayer\", \"name\": \"" name "\", \"inbound_nodes\": [], \"config\": " \
    "{\"batch_input_shape\": [null, " shape "], \"name\": \"" name "\"}}"
#define DENSE(name, more, nodes)                                                                   \
    "{\"class_name\": \"Dense\", \"name\": \"" name "\", \"inbound_nodes\": " nodes                \
    ", \"config\": {\"name\": \"" name "\", \"units\": 2" more "}}"
#define MODEL(layers, inputs, outputs)                                                             \
    "{\"class_name\": \"Model\", \"config\": {\"name\": \"m\", \"layers\": [" layers               \
    "], \"input_layers\": " inputs ", \"output_layers\": " outputs "}"
#define SEQUENTIAL(layers)                                                                         \
    "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [" layers "]}}"

static mb_status load(const char *json, mb_model **out) {
    return mb_model_load_config(world.ctx, "hand.json", json, strlen(json), out);
}

static void refuse(const char *json, mb_status status, const char *part) {
    mb_model *model = NULL;
    assert_fails(world.ctx, load(json, &model), status, part);
    assert_null(model);
}

static const mb_layer *layer_of(const mb_model *model, const char *name) {
    const mb_layer *layer = mb_model_find_layer(model, name);
    assert_non_null(layer);
    return layer;
}

static void test_keras_read__takes_the_lists_of_keras_2_0(void **state) {
    (void)state;
    mb_model *model = NULL;
    assert_ok(world.ctx,
        load("{\"class_name\": \"Sequential\", \"keras_version\": \"2.0.6\", \"config\": ["
             "{\"class_name\": \"Conv2D\", \"config\": {\"batch_input_shape\": [null, 6, 5, 1], "
             "\"filters\": 3, \"kernel_size\": [3, 3], \"activation\": \"relu\", \"name\": \"c\"}},"
             "{\"class_name\": \"Flatten\", \"config\": {\"name\": \"f\"}},"
             "{\"class_name\": \"Dense\", \"config\": {\"units\": 2, \"name\": \"d\"}}]}",
            &model));
    assert_int_equal(model->n_parameters, 3 * 9 + 3 + 36 * 2 + 2);
    assert_string_equal(model->class_name, "Sequential");
    assert_string_equal(mb_model_input_name(model, 0), "c_input");
    mb_model_destroy(model);
}

static void check_flatten(const char *version, bool is_transposed) {
    mb_buffer json;
    mb_model *model = NULL;
    mb_buffer_init(&json, world.ctx);
    mb_buffer_format(&json,
        "{\"keras_version\": \"%s\", \"class_name\": \"Sequential\", \"config\": {\"layers\": [%s,"
        "{\"class_name\": \"Flatten\", \"config\": {\"data_format\": \"channels_first\"}}]}}",
        version, INPUT("i", "2, 3"));
    assert_ok(world.ctx, load(json.data, &model));
    float numbers[6] = {0, 1, 2, 3, 4, 5};
    golden of = {.ctx = world.ctx, .n_inputs = 1, .n_outputs = 1, .n_rows = 1};
    of.inputs[0] = numbers;
    of.input_counts[0] = of.output_counts[0] = 6;
    float *outputs[1];
    golden_predict(&of, model, outputs);
    assert_true(outputs[0][1] == (is_transposed ? 3.0F : 1.0F));
    golden_clear_prediction(&of, outputs);
    mb_model_destroy(model);
    mb_buffer_clear(&json);
}

static void test_keras_read__flatten_keeps_memory_order_before_keras_2_2(void **state) {
    (void)state;
    check_flatten("2.1.6", false);
    check_flatten("2.2.4", true);
    check_flatten("3.0.0", true);
}

static void test_keras_read__layers_without_names_get_some(void **state) {
    (void)state;
    mb_model *model = NULL;
    assert_ok(world.ctx,
        load(SEQUENTIAL(INPUT("i", "3") ", {\"class_name\": \"Dense\", \"config\": {\"units\": 2}},"
                                        "{\"class_name\": \"Dense\", \"config\": {\"units\": 4}}"),
            &model));
    layer_of(model, "dense_2");
    layer_of(model, "dense_3");
    mb_model_destroy(model);
}

static void test_keras_read__activations_may_be_objects(void **state) {
    (void)state;
    mb_model *model = NULL;
    assert_ok(world.ctx,
        load(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a",
                 ", \"activation\": {\"class_name\": \"function\", \"config\": \"tanh\", "
                 "\"module\": \"builtins\"}",
                 "[]") ", " DENSE("b",
                 ", \"activation\": {\"class_name\": \"ReLU\", \"config\": {\"name\": "
                 "\"r\", \"max_value\": null, \"negative_slope\": 0.0, \"threshold\": "
                 "0.0}}",
                 "[]")),
            &model));
    mb_model_destroy(model);
    refuse(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a",
               ", \"activation\": {\"class_name\": \"LeakyReLU\", \"config\": {\"alpha\": 0.3}}",
               "[]")),
        MB_ERR_UNSUPPORTED, "layer a (Dense): activation LeakyReLU");
    refuse(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", ", \"activation\": \"softsign\"", "[]")),
        MB_ERR_UNSUPPORTED, "hand.json: layer a (Dense): activation softsign");
}

static void test_keras_read__frozen_models_freeze_their_layers(void **state) {
    (void)state;
    mb_model *model = NULL;
    assert_ok(world.ctx,
        load("{\"class_name\": \"Functional\", \"config\": {\"name\": \"m\", \"trainable\": false, "
             "\"layers\": [" INPUT("i", "3") ", " DENSE("a", ", \"trainable\": true",
                 "[[[\"i\", 0, 0, {}]]]") "], \"input_layers\": [[\"i\", 0, 0]], "
                                          "\"output_layers\": [[\"a\", 0, 0]]}}",
            &model));
    assert_false(layer_of(model, "a")->is_trainable);
    mb_model_destroy(model);
}

static void test_keras_read__unknown_things_are_named(void **state) {
    (void)state;
    refuse(SEQUENTIAL(INPUT("i", "3") ", {\"class_name\": \"LSTM\", \"config\": {\"name\": \"l\", "
                                      "\"units\": 3}}"),
        MB_ERR_UNSUPPORTED, "hand.json: layer l: its class LSTM");
    refuse(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", ", \"lora_rank\": 4", "[]")),
        MB_ERR_UNSUPPORTED, "layer a (Dense): option lora_rank = 4");
    refuse(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", ", \"use_bias\": \"perhaps\"", "[]")),
        MB_ERR_FORMAT, "hand.json: layer a (Dense)");
    refuse("{\"class_name\": \"MyModel\", \"config\": {\"layers\": []}}", MB_ERR_UNSUPPORTED,
        "MyModel");
    refuse("{\"class_name\": \"Sequential\", \"keras_version\": \"1.2.2\", \"config\": []}",
        MB_ERR_UNSUPPORTED, "Keras 1.2.2");
    refuse("{\"class_name\": \"Sequential\", \"keras_version\": \"2.0.6\", \"backend\": "
           "\"theano\", \"config\": []}",
        MB_ERR_UNSUPPORTED, "theano");
}

static void test_keras_read__a_sequential_without_shape_says_what_to_do(void **state) {
    (void)state;
    refuse(SEQUENTIAL(DENSE("a", "", "[]")), MB_ERR_FORMAT, "build it");
    refuse(SEQUENTIAL(INPUT("i", "null, 3") ", " DENSE("a", "", "[]")), MB_ERR_UNSUPPORTED,
        "no fixed size");
    refuse(SEQUENTIAL(""), MB_ERR_FORMAT, "no layers");
}

static void test_keras_read__arguments_that_change_results_are_refused(void **state) {
    (void)state;
    refuse(MODEL(INPUT("i", "3") ", " DENSE("a", "", "[[[\"i\", 0, 0, {\"training\": true}]]]"),
               "[[\"i\", 0, 0]]", "[[\"a\", 0, 0]]") "}",
        MB_ERR_UNSUPPORTED, "training");
    mb_model *model = NULL;
    assert_ok(world.ctx,
        load(MODEL(INPUT("i", "3") ", " DENSE("a", "", "[[[\"i\", 0, 0, {\"training\": false}]]]"),
                 "[\"i\", 0, 0]", "[\"a\", 0, 0]") "}",
            &model));
    mb_model_destroy(model);
}

static void test_keras_read__broken_graphs_are_refused(void **state) {
    (void)state;
    refuse(MODEL(INPUT("i", "3") ", " DENSE("a", "", "[[[\"b\", 0, 0, {}]]]") ", " DENSE(
                     "b", "", "[[[\"a\", 0, 0, {}]]]"),
               "[[\"i\", 0, 0]]", "[[\"b\", 0, 0]]") "}",
        MB_ERR_FORMAT, "no cycle");
    refuse(MODEL(INPUT("i", "3") ", " DENSE("a", "", "[[[\"z\", 0, 0, {}]]]"), "[[\"i\", 0, 0]]",
               "[[\"a\", 0, 0]]") "}",
        MB_ERR_FORMAT, "'z'");
    refuse(MODEL(INPUT("i", "3") ", " DENSE("a", "", "[[[\"i\", 0, 1, {}]]]"), "[[\"i\", 0, 0]]",
               "[[\"a\", 0, 0]]") "}",
        MB_ERR_FORMAT, "output 1");
    refuse(MODEL(INPUT("i", "3") ", " INPUT("j", "3") ", " DENSE("a", "", "[[[\"j\", 0, 0, {}]]]"),
               "[[\"i\", 0, 0]]", "[[\"a\", 0, 0]]") "}",
        MB_ERR_FORMAT, "layer j");
    refuse(MODEL(INPUT("i", "3") ", " DENSE("i", "", "[[[\"i\", 0, 0, {}]]]"), "[[\"i\", 0, 0]]",
               "[[\"i\", 0, 0]]") "}",
        MB_ERR_FORMAT, "two layers");
    refuse(MODEL(INPUT("i", "3"), "[[\"i\", 0, 0]]", "[]") "}", MB_ERR_FORMAT, "output_layers");
}

static void test_keras_read__sizes_are_limited_before_memory_is_taken(void **state) {
    (void)state;
    refuse(SEQUENTIAL(INPUT("i", "64, 64, 8") ", {\"class_name\": \"Conv2D\", \"config\": "
                                              "{\"name\": \"c\", \"filters\": 1000000000, "
                                              "\"kernel_size\": [3, 3]}}"),
        MB_ERR_FORMAT, "filters");
    refuse(SEQUENTIAL(INPUT("i", "100000") ", {\"class_name\": \"Dense\", \"config\": {\"name\": "
                                           "\"d\", \"units\": 900000}}"),
        MB_ERR_LIMIT, "layer d");
    refuse(
        SEQUENTIAL(INPUT("i", "1000000, 1000000") ", " DENSE("a", "", "[]")), MB_ERR_LIMIT, "2^30");
}

static void put_nested(mb_buffer *json, unsigned depth) {
    mb_buffer_format(json,
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"n%u\", \"layers\": [", depth);
    if (depth == 0) {
        mb_buffer_text(json, INPUT("i", "3") ", " DENSE("a", "", "[]"));
    } else {
        put_nested(json, depth - 1);
    }
    mb_buffer_text(json, "]}}");
}

static void test_keras_read__nesting_is_limited(void **state) {
    (void)state;
    mb_buffer json;
    mb_model *model = NULL;
    mb_buffer_init(&json, world.ctx);
    put_nested(&json, 5);
    assert_ok(world.ctx, load(json.data, &model));
    layer_of(model, "n4/n3/n2/n1/n0/a");
    mb_model_destroy(model);
    mb_buffer_clear(&json);
    mb_buffer_init(&json, world.ctx);
    put_nested(&json, 200);
    refuse(json.data, MB_ERR_LIMIT, "hand.json");
    mb_buffer_clear(&json);
}

// Each level calls the one below three times, 3^11 calls of the innermost layer in all.
static void put_tripling(mb_buffer *json, unsigned depth) {
    static const char nodes[] = "[[[\"i\", 0, 0, {}]], [[\"n\", 0, 0, {}]], [[\"n\", 1, 0, {}]]]";
    mb_buffer_format(json,
        "{\"class_name\": \"Functional\", \"name\": \"n\", \"inbound_nodes\": %s, "
        "\"config\": {\"name\": \"n\", \"layers\": [%s, ",
        nodes, INPUT("i", "2"));
    if (depth == 0) {
        mb_buffer_format(json,
            "{\"class_name\": \"Dense\", \"name\": \"n\", \"inbound_nodes\": %s, "
            "\"config\": {\"name\": \"n\", \"units\": 2}}",
            nodes);
    } else {
        put_tripling(json, depth - 1);
    }
    mb_buffer_text(
        json, "], \"input_layers\": [[\"i\", 0, 0]], \"output_layers\": [[\"n\", 2, 0]]}}");
}

static void test_keras_read__calls_that_multiply_on_every_level_are_limited(void **state) {
    (void)state;
    mb_buffer json;
    mb_buffer_init(&json, world.ctx);
    put_tripling(&json, 10);
    const uint64_t before = mb_runtime_allocations(world.runtime);
    refuse(json.data, MB_ERR_LIMIT, "calls");
    // What a hundred thousand calls cost must not grow with their square.
    assert_true(mb_runtime_allocations(world.runtime) - before < 10000);
    mb_buffer_clear(&json);
}

static void save_small(const char *name, float value, char *path, size_t size) {
    mb_model *model = NULL;
    assert_ok(world.ctx, load(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", "", "[]")), &model));
    for (size_t i = 0; i < model->n_parameters; i++) {
        model->parameters[i] = value;
    }
    snprintf(path, size, "%s/%s", folder, name);
    assert_ok(world.ctx, mb_model_save(world.ctx, model, path));
    mb_model_destroy(model);
}

typedef mb_status (*load_bytes)(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out);

static mb_status load_json_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    return mb_model_load_config(ctx, name, bytes, length, out);
}

static void check_truncated(const char *name, load_bytes load_them) {
    char path[512];
    char *bytes = NULL;
    size_t length = 0;
    save_small(name, 1, path, sizeof path);
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    for (size_t n = 0; n < length; n += 1 + length / 997) {
        mb_model *model = NULL;
        assert_int_not_equal(load_them(world.ctx, name, bytes, n, &model), MB_OK);
        assert_null(model);
        assert_true(mb_context_error_text(world.ctx)[0] != '\0');
        mb_context_clear(world.ctx);
    }
    mb_release(world.ctx, bytes);
}

static void test_keras_read__truncated_files_are_refused(void **state) {
    (void)state;
    check_truncated("whole.h5", mb_model_load_h5_bytes);
    check_truncated("whole.keras", mb_model_load_keras_bytes);
    check_truncated("whole.json", load_json_bytes);
}

typedef struct noticed {
    unsigned n;
    char text[256];
} noticed;

static void take_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    noticed *of = user;
    (void)where;
    assert_int_equal(level, MB_NOTICE_WARNING);
    of->n++;
    snprintf(of->text, sizeof of->text, "%s", text);
}

static void test_keras_read__weights_that_are_no_numbers_are_noticed(void **state) {
    (void)state;
    char path[512];
    noticed of = {0};
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    mb_model *model = NULL;
    save_small("nan.h5", NAN, path, sizeof path);
    settings.notice = take_notice;
    settings.notice_user = &of;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    assert_ok(ctx, mb_model_load(ctx, path, &model));
    assert_int_equal(of.n, 1);
    assert_non_null(strstr(of.text, "8 weights"));
    assert_non_null(strstr(of.text, "kernel of layer a"));
    mb_model_destroy(model);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static void test_keras_read__missing_weights_are_named(void **state) {
    (void)state;
    char path[512];
    char other[512];
    mb_model *model = NULL;
    save_small("one.json", 1, path, sizeof path);
    snprintf(other, sizeof other, "%s/lonely.json", folder);
    char *bytes = NULL;
    size_t length = 0;
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &bytes, &length));
    assert_ok(world.ctx, mb_write_file(world.ctx, other, bytes, length));
    mb_release(world.ctx, bytes);
    assert_fails(
        world.ctx, mb_model_load(world.ctx, other, &model), MB_ERR_IO, "no weights beside");
    snprintf(other, sizeof other, "%s/one.weights.h5", folder);
    assert_fails(
        world.ctx, mb_model_load(world.ctx, other, &model), MB_ERR_FORMAT, "holds no model");
    assert_ok(world.ctx,
        load(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", "", "[]") ", " DENSE("b", "", "[]")),
            &model));
    assert_fails(world.ctx, mb_model_load_weights(world.ctx, model, other, model->parameters),
        MB_ERR_FORMAT, "layer b");
    save_small("one.h5", 1, path, sizeof path);
    assert_fails(world.ctx, mb_model_load_weights(world.ctx, model, path, model->parameters),
        MB_ERR_FORMAT, "layer b");
    save_small("one.keras", 1, path, sizeof path);
    assert_fails(world.ctx, mb_model_load_weights(world.ctx, model, path, model->parameters),
        MB_ERR_FORMAT, "layer b");
    mb_model_destroy(model);
}

static void test_keras_read__a_suffix_that_names_no_format_is_refused(void **state) {
    (void)state;
    char path[512];
    mb_model *model = NULL;
    assert_ok(world.ctx, load(SEQUENTIAL(INPUT("i", "3") ", " DENSE("a", "", "[]")), &model));
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    assert_fails(world.ctx, mb_model_save(world.ctx, model, path), MB_ERR_UNSUPPORTED, ".keras");
    assert_false(mb_path_exists(path));
    snprintf(path, sizeof path, "%s/absent/model.h5", folder);
    assert_fails(world.ctx, mb_model_save(world.ctx, model, path), MB_ERR_IO, "absent");
    mb_model_destroy(model);
    assert_fails(world.ctx, mb_model_load(world.ctx, path, &model), MB_ERR_IO, "absent");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keras_read__takes_the_lists_of_keras_2_0),
        cmocka_unit_test(test_keras_read__flatten_keeps_memory_order_before_keras_2_2),
        cmocka_unit_test(test_keras_read__layers_without_names_get_some),
        cmocka_unit_test(test_keras_read__activations_may_be_objects),
        cmocka_unit_test(test_keras_read__frozen_models_freeze_their_layers),
        cmocka_unit_test(test_keras_read__unknown_things_are_named),
        cmocka_unit_test(test_keras_read__a_sequential_without_shape_says_what_to_do),
        cmocka_unit_test(test_keras_read__arguments_that_change_results_are_refused),
        cmocka_unit_test(test_keras_read__broken_graphs_are_refused),
        cmocka_unit_test(test_keras_read__sizes_are_limited_before_memory_is_taken),
        cmocka_unit_test(test_keras_read__nesting_is_limited),
        cmocka_unit_test(test_keras_read__calls_that_multiply_on_every_level_are_limited),
        cmocka_unit_test(test_keras_read__truncated_files_are_refused),
        cmocka_unit_test(test_keras_read__weights_that_are_no_numbers_are_noticed),
        cmocka_unit_test(test_keras_read__missing_weights_are_named),
        cmocka_unit_test(test_keras_read__a_suffix_that_names_no_format_is_refused),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
