// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// What Keras does not have comes back from our own files; and every lack of memory on the way in
// or out is an error without a leak.

#include "base/buffer.h"
#include "base/output.h"
#include "exchange/keras.h"
#include "files/yaml.h"
#include "network/layer.h"
#include "testing.h"

#include <stdio.h>

static char *directory;

static int open_directory(void **state) {
    (void)state;
    directory = mb_test_directory();
    return 0;
}

static int close_directory(void **state) {
    (void)state;
    mb_test_remove_directory(directory);
    return 0;
}

typedef struct link {
    const char *kind, *options;
} link;

static const link own_classes[] = {{"slice", "{begin: [1, 0, 0], end: [3, 0, 0], step: [1, 2, 1]}"},
    {"flatten", "{}"}, {"gather_index", "{indices: [3]}"}, {"dense", "{units: 2}"}, {NULL, NULL}};
static const link own_option[] = {
    {"conv2d", "{filters: 2, kernel_size: 3, padding: same, pad_phi: wrap}"}, {NULL, NULL}};
static const link training_option[] = {
    {"batch_normalization", "{unbiased_variance: true}"}, {NULL, NULL}};
static const link keras_only[] = {{"conv2d", "{filters: 2, kernel_size: 3, padding: same}"},
    {"batch_normalization", "{}"}, {NULL, NULL}};

static mb_status add(mb_context *ctx, mb_model *model, const link *of, size_t *value) {
    mb_document document;
    mb_layer *layer = NULL;
    mb_status status = mb_yaml_parse(ctx, "options", of->options, strlen(of->options), &document);
    if (status == MB_OK) {
        status = mb_model_add_layer(ctx, model, of->kind, NULL, &document, document.root, &layer);
    }
    if (status == MB_OK) {
        status = mb_model_call(ctx, model, layer, value, 1, value);
    }
    mb_document_clear(&document);
    return status;
}

static mb_model *build(mb_context *ctx, const link *links) {
    const mb_value_type input = {MB_AXIS_EVENTS, 3, {4, 5, 2}};
    mb_model *model = NULL;
    size_t value;
    assert_ok(ctx, mb_model_begin(ctx, "m", &model));
    assert_ok(ctx, mb_model_add_input(ctx, model, "x", &input, &value));
    for (size_t i = 0; links[i].kind != NULL; i++) {
        assert_ok(ctx, add(ctx, model, &links[i], &value));
    }
    assert_ok(ctx, mb_model_finish(ctx, model, NULL, 0, &value, 1));
    assert_ok(ctx, mb_model_initialize(ctx, model, 3, model->parameters));
    return model;
}

// Every option of every layer, as text.
static void describe(mb_context *ctx, const mb_model *model, mb_buffer *out) {
    mb_document document;
    mb_document_init(&document, ctx, "model");
    mb_buffer_init(out, ctx);
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_layer *layer = model->calls[i].layer;
        mb_buffer_format(out, "%s %s ", layer->name, layer->ops->name);
        if (layer->ops->options != NULL) {
            mb_node *node =
                mb_options_to_node(ctx, &document, layer->ops->options, layer->options, false);
            assert_non_null(node);
            mb_node_remove(node, "name");
            mb_node_write_json(out, node, -1);
        }
    }
    mb_document_clear(&document);
    assert_int_equal(out->status, MB_OK);
}

static void check_round_trip(mb_context *ctx, const link *links, const char *suffix) {
    char path[512];
    char hashes[2][65];
    mb_buffer texts[2];
    mb_model *model = build(ctx, links);
    mb_model *again = NULL;
    snprintf(path, sizeof path, "%s/m%s", directory, suffix);
    assert_ok(ctx, mb_model_save(ctx, model, path));
    assert_ok(ctx, mb_model_load(ctx, path, &again));
    describe(ctx, model, &texts[0]);
    describe(ctx, again, &texts[1]);
    assert_string_equal(texts[0].data, texts[1].data);
    mb_model_hash(model, model->parameters, hashes[0]);
    mb_model_hash(again, again->parameters, hashes[1]);
    assert_string_equal(hashes[0], hashes[1]);
    mb_buffer_clear(&texts[0]);
    mb_buffer_clear(&texts[1]);
    mb_model_destroy(model);
    mb_model_destroy(again);
}

static void test_keras_own__classes_and_options_come_back(void **state) {
    (void)state;
    static const link *const models[] = {own_classes, own_option, training_option, keras_only};
    static const char *const suffixes[] = {".h5", ".keras", ".json"};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(models); i++) {
        for (size_t k = 0; k < MB_COUNT_OF(suffixes); k++) {
            check_round_trip(world.ctx, models[i], suffixes[k]);
        }
    }
    mb_test_world_close(&world);
}

static void check_own(mb_context *ctx, const link *links, const char *layer, const char *option) {
    mb_document document;
    mb_keras_own own;
    mb_model *model = build(ctx, links);
    mb_document_init(&document, ctx, "model");
    assert_ok(ctx, mb_keras_find_own(ctx, &document, model, &own));
    assert_int_equal(own.layer == NULL, layer == NULL);
    assert_int_equal(own.option == NULL, option == NULL);
    if (layer != NULL) {
        assert_string_equal(own.layer->ops->name, layer);
    }
    if (option != NULL) {
        assert_string_equal(own.option, option);
    }
    mb_document_clear(&document);
    mb_model_destroy(model);
}

static void test_keras_own__what_keras_does_not_open_is_found(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    check_own(world.ctx, own_classes, "slice", NULL);
    check_own(world.ctx, own_option, "conv2d", "pad_phi");
    check_own(world.ctx, training_option, NULL, NULL);
    check_own(world.ctx, keras_only, NULL, NULL);
    mb_test_world_close(&world);
}

// The configuration holds nothing that a plain Keras would refuse.
static void test_keras_own__keras_models_hold_nothing_of_ours(void **state) {
    (void)state;
    char path[512];
    char *text = NULL;
    size_t length = 0;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    snprintf(path, sizeof path, "%s/plain.json", directory);
    mb_model *model = build(world.ctx, keras_only);
    assert_ok(world.ctx, mb_model_save(world.ctx, model, path));
    assert_ok(world.ctx, mb_read_file(world.ctx, path, &text, &length));
    assert_null(strstr(text, "minbias"));
    assert_null(strstr(text, "pad_phi"));
    assert_null(strstr(text, "unbiased_variance"));
    mb_release(world.ctx, text);
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

static mb_status load(void *user, mb_context *ctx) {
    mb_model *model = NULL;
    const mb_status status = mb_model_load(ctx, user, &model);
    assert_int_equal(status == MB_OK, model != NULL);
    mb_model_destroy(model);
    return status;
}

static mb_status load_weights(void *user, mb_context *ctx) {
    mb_model *model = NULL;
    MB_TRY(mb_model_load(ctx, user, &model));
    const mb_status status = mb_model_load_weights(ctx, model, user, model->parameters);
    mb_model_destroy(model);
    return status;
}

typedef struct saving {
    const mb_model *model;
    const char *path;
} saving;

static mb_status save(void *user, mb_context *ctx) {
    const saving *s = user;
    return mb_model_save(ctx, s->model, s->path);
}

static void test_keras_own__any_lack_of_memory_ends_cleanly(void **state) {
    (void)state;
    static const char *const suffixes[] = {".h5", ".keras", ".json"};
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    mb_model *model = build(world.ctx, own_classes);
    for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/scarce%s", directory, suffixes[i]);
        assert_true(mb_test_each_lack_of_memory(save, &(saving){model, path}) > 10);
        assert_true(mb_test_each_lack_of_memory(load, path) > 10);
        assert_true(mb_test_each_lack_of_memory(load_weights, path) > 10);
    }
    mb_model_destroy(model);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keras_own__classes_and_options_come_back),
        cmocka_unit_test(test_keras_own__what_keras_does_not_open_is_found),
        cmocka_unit_test(test_keras_own__keras_models_hold_nothing_of_ours),
        cmocka_unit_test(test_keras_own__any_lack_of_memory_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, open_directory, close_directory);
}
