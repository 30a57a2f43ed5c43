// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Models of real Keras 2.15 and 3: predictions equal Keras's, and our files give them back bit for
// bit. With MB_KERAS_FILES naming a folder, our files stay there for
// tests/golden/keras_reads_ours.py.

#include "base/output.h"
#include "exchange/keras.h"
#include "golden.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const model_names[] = {"conv1d", "conv2d", "conv3d", "separable", "separable1d",
    "transposed", "transposed1d3d", "pools", "flatten_formats", "shapes", "merges",
    "concatenate_axis", "normalised", "padded", "activations", "shared", "nested", "nested_deep",
    "nested_sequential", "frozen", "two_inputs_two_outputs", "channels_first", "barrel"};

typedef struct world {
    mb_test_world base;
    mb_zip *zip[2]; // Keras 2 and 3
    char *directory;
    golden of;
} world;

static int open_world(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    mb_test_world_open(&w->base, 1, MB_CPU_ALL);
    w->directory = mb_test_directory();
    w->zip[0] = golden_open(w->base.ctx, 2);
    w->zip[1] = golden_open(w->base.ctx, 3);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    mb_zip_close(w->zip[0]);
    mb_zip_close(w->zip[1]);
    mb_test_remove_directory(w->directory);
    mb_test_world_close(&w->base);
    free(w);
    return 0;
}

static mb_model *load_member(world *w, int keras, const char *name, const char *suffix) {
    mb_context *ctx = w->base.ctx;
    char member[96];
    size_t length = 0;
    mb_model *model = NULL;
    snprintf(member, sizeof member, "%s%s", name, suffix);
    char *bytes = golden_member(ctx, w->zip[keras - 2], member, &length);
    if (bytes == NULL) {
        return NULL;
    }
    if (strcmp(suffix, ".h5") == 0) {
        assert_ok(ctx, mb_model_load_h5_bytes(ctx, member, bytes, length, &model));
    } else {
        assert_ok(ctx, mb_model_load_keras_bytes(ctx, member, bytes, length, &model));
    }
    mb_release(ctx, bytes);
    return model;
}

static void check_prediction(const golden *of, const mb_model *model, const char *what) {
    float *outputs[32];
    golden_predict(of, model, outputs);
    for (size_t i = 0; i < of->n_outputs; i++) {
        mb_test_assert_close(outputs[i], of->outputs[i], of->output_counts[i], 2e-6, 1e-5, what);
    }
    golden_clear_prediction(of, outputs);
}

static void check_same_model(const golden *of, const mb_model *a, const mb_model *b) {
    float *outputs_a[32];
    float *outputs_b[32];
    assert_int_equal(a->n_parameters, b->n_parameters);
    golden_predict(of, a, outputs_a);
    golden_predict(of, b, outputs_b);
    for (size_t i = 0; i < of->n_outputs; i++) {
        assert_string_equal(mb_model_output_name(a, i), mb_model_output_name(b, i));
        mb_test_assert_same_bits(
            outputs_b[i], outputs_a[i], of->output_counts[i], sizeof(float), "prediction");
    }
    for (size_t i = 0; i < a->n_weights; i++) {
        const mb_weight *weight =
            mb_model_find_weight(b, a->weights[i]->layer->name, a->weights[i]->name);
        assert_non_null(weight);
        assert_int_equal(weight->layer->is_trainable, a->weights[i]->layer->is_trainable);
        mb_test_assert_same_bits(b->parameters + weight->offset,
            a->parameters + a->weights[i]->offset, weight->count, sizeof(float),
            a->weights[i]->name);
    }
    golden_clear_prediction(of, outputs_a);
    golden_clear_prediction(of, outputs_b);
}

static void check_same_bytes(mb_context *ctx, const char *a, const char *b) {
    char *bytes_a = NULL;
    char *bytes_b = NULL;
    size_t n_a = 0;
    size_t n_b = 0;
    assert_ok(ctx, mb_read_file(ctx, a, &bytes_a, &n_a));
    assert_ok(ctx, mb_read_file(ctx, b, &bytes_b, &n_b));
    assert_int_equal(n_a, n_b);
    mb_test_assert_same_bits(bytes_a, bytes_b, n_a, 1, "file");
    mb_release(ctx, bytes_a);
    mb_release(ctx, bytes_b);
}

static void keep_for_keras(world *w, const mb_model *model, const char *stem) {
    static const char *const suffixes[] = {".h5", ".keras", ".json"};
    const char *folder = getenv("MB_KERAS_FILES");
    char path[512];
    for (size_t i = 0; folder != NULL && i < MB_COUNT_OF(suffixes); i++) {
        snprintf(path, sizeof path, "%s/%s%s", folder, stem, suffixes[i]);
        assert_ok(w->base.ctx, mb_model_save(w->base.ctx, model, path));
        snprintf(path, sizeof path, "%s/%s.txt", folder, stem);
        golden_write(&w->of, path);
    }
}

static void check_round_trip(world *w, const mb_model *model, const char *suffix) {
    mb_context *ctx = w->base.ctx;
    char first[512];
    char second[512];
    mb_model *again = NULL;
    snprintf(first, sizeof first, "%s/first%s", w->directory, suffix);
    snprintf(second, sizeof second, "%s/second%s", w->directory, suffix);
    assert_ok(ctx, mb_model_save(ctx, model, first));
    assert_ok(ctx, mb_model_load(ctx, first, &again));
    check_same_model(&w->of, model, again);
    assert_ok(ctx, mb_model_save(ctx, again, second));
    check_same_bytes(ctx, first, second);
    mb_model_destroy(again);
}

// For models without golden inputs.
static void check_round_trip_of_weights(world *w, const mb_model *model) {
    char path[512];
    char hash[65];
    char hash_again[65];
    mb_model *again = NULL;
    mb_model_hash(model, model->parameters, hash);
    snprintf(path, sizeof path, "%s/again.keras", w->directory);
    assert_ok(w->base.ctx, mb_model_save(w->base.ctx, model, path));
    assert_ok(w->base.ctx, mb_model_load(w->base.ctx, path, &again));
    mb_model_hash(again, again->parameters, hash_again);
    assert_string_equal(hash_again, hash);
    mb_model_destroy(again);
}

static void check_files(world *w, int keras, const char *name) {
    static const char *const suffixes[] = {".h5", ".keras"};
    mb_context_clear(w->base.ctx); // of what a failed test may have left
    golden_read(&w->of, w->base.ctx, w->zip[keras - 2], name);
    for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
        mb_model *model = load_member(w, keras, name, suffixes[i]);
        if (model == NULL) {
            assert_int_equal(keras, 2);
            continue;
        }
        char stem[96];
        snprintf(stem, sizeof stem, "%s.k%d%s", name, keras, suffixes[i] + 1);
        check_prediction(&w->of, model, stem);
        check_round_trip(w, model, ".h5");
        check_round_trip(w, model, ".keras");
        check_round_trip(w, model, ".json");
        keep_for_keras(w, model, stem);
        mb_model_destroy(model);
    }
    golden_clear(&w->of);
}

// The name of the model is the name of the test that is running: cmocka gives no other way.
static size_t next_model[2];

static void test_keras__predicts_what_keras_2_does(void **state) {
    check_files(*state, 2, model_names[next_model[0]++]);
}

static void test_keras__predicts_what_keras_3_does(void **state) {
    check_files(*state, 3, model_names[next_model[1]++]);
}

static void extract(world *w, int keras, const char *member, const char *as) {
    mb_context *ctx = w->base.ctx;
    char path[512];
    size_t length = 0;
    char *bytes = golden_member(ctx, w->zip[keras - 2], member, &length);
    assert_non_null(bytes);
    snprintf(path, sizeof path, "%s/%s", w->directory, as);
    assert_ok(ctx, mb_write_file(ctx, path, bytes, length));
    mb_release(ctx, bytes);
}

static void check_json(world *w, const char *name, const char *suffix) {
    char member[96];
    char path[512];
    mb_model *model = NULL;
    snprintf(member, sizeof member, "%s_j.json", name);
    extract(w, 2, member, member);
    snprintf(path, sizeof path, "%s/%s", w->directory, member);
    snprintf(member, sizeof member, "%s_j%s", name, suffix);
    extract(w, 2, member, member);
    golden_read(&w->of, w->base.ctx, w->zip[0], name);
    assert_ok(w->base.ctx, mb_model_load(w->base.ctx, path, &model));
    check_prediction(&w->of, model, name);
    mb_model_destroy(model);
    golden_clear(&w->of);
}

static void test_keras__reads_json_with_each_layout_of_weights(void **state) {
    check_json(*state, "barrel", ".weights.h5");
    check_json(*state, "nested", ".hdf5");
    check_json(*state, "conv2d", ".h5");
}

static void test_keras__takes_weights_alone_by_name(void **state) {
    world *w = *state;
    mb_context *ctx = w->base.ctx;
    static const char *const files[] = {"barrel.h5", "barrel.keras", "barrel_w.weights.h5"};
    mb_model *model = load_member(w, 3, "barrel", ".h5");
    float *wanted = mb_allocate(ctx, model->n_parameters, sizeof *wanted);
    assert_non_null(wanted);
    memcpy(wanted, model->parameters, model->n_parameters * sizeof *wanted);
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        char path[512];
        extract(w, 3, files[i], files[i]);
        snprintf(path, sizeof path, "%s/%s", w->directory, files[i]);
        memset(model->parameters, 0, model->n_parameters * sizeof *wanted);
        assert_ok(ctx, mb_model_load_weights(ctx, model, path, model->parameters));
        mb_test_assert_same_bits(
            model->parameters, wanted, model->n_parameters, sizeof(float), files[i]);
    }
    mb_release(ctx, wanted);
    mb_model_destroy(model);
}

static void test_keras__names_both_shapes_of_a_weight_that_does_not_fit(void **state) {
    world *w = *state;
    mb_context *ctx = w->base.ctx;
    char path[512];
    mb_model *model = NULL;
    static const char json[] =
        "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": ["
        "{\"class_name\": \"InputLayer\", \"config\": {\"batch_input_shape\": [null, 5, 5, 4], "
        "\"name\": \"i\"}},"
        "{\"class_name\": \"Conv2D\", \"config\": {\"name\": \"conv0_0\", \"filters\": 2, "
        "\"kernel_size\": [3, 3]}}]}}";
    extract(w, 3, "barrel.h5", "barrel.h5");
    extract(w, 3, "barrel.keras", "barrel.keras");
    assert_ok(ctx, mb_model_load_config(ctx, "small.json", json, sizeof json - 1, &model));
    for (size_t i = 0; i < model->n_parameters; i++) {
        model->parameters[i] = 7;
    }
    snprintf(path, sizeof path, "%s/barrel.h5", w->directory);
    assert_fails(ctx, mb_model_load_weights(ctx, model, path, model->parameters), MB_ERR_SHAPE,
        "(3, 3, 4, 4)");
    snprintf(path, sizeof path, "%s/barrel.keras", w->directory);
    assert_fails(ctx, mb_model_load_weights(ctx, model, path, model->parameters), MB_ERR_SHAPE,
        "(3, 3, 4, 2)");
    for (size_t i = 0; i < model->n_parameters; i++) {
        assert_true(model->parameters[i] == 7.0F);
    }
    mb_model_destroy(model);
}

static void test_keras__opens_files_of_detector_groups(void **state) {
    world *w = *state;
    static const struct {
        const char *path;
        size_t n_parameters;
    } files[] = {{"econt_calq_nolicence/denseCNN_2.json", 13549},
        {"econt_fastml_apache2/emd_cnn/pair_msle.h5", 98817},
        {"econt_fastml_apache2/emd_cnn/ae_huber.h5", 189089},
        {"econt_fastml_apache2/float_tele/8x8_c8_S2_tele.json", 4977}};
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        mb_model *model = NULL;
        assert_ok(w->base.ctx, mb_model_load(w->base.ctx, mb_test_shared(files[i].path), &model));
        assert_int_equal(model->n_parameters, files[i].n_parameters);
        check_round_trip_of_weights(w, model);
        mb_model_destroy(model);
    }
}

int main(void) {
    struct CMUnitTest tests[2 * MB_COUNT_OF(model_names) + 4];
    static char names[2 * MB_COUNT_OF(model_names)][96];
    size_t n = 0;
    for (size_t i = 0; i < 2 * MB_COUNT_OF(model_names); i++) {
        const bool is_2 = i < MB_COUNT_OF(model_names);
        snprintf(names[i], sizeof names[i], "test_keras__predicts_what_keras_%d_does: %s",
            is_2 ? 2 : 3, model_names[i % MB_COUNT_OF(model_names)]);
        tests[n++] = (struct CMUnitTest){names[i],
            is_2 ? test_keras__predicts_what_keras_2_does : test_keras__predicts_what_keras_3_does,
            NULL, NULL, NULL};
    }
    tests[n++] =
        (struct CMUnitTest)cmocka_unit_test(test_keras__reads_json_with_each_layout_of_weights);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_keras__opens_files_of_detector_groups);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_keras__takes_weights_alone_by_name);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(
        test_keras__names_both_shapes_of_a_weight_that_does_not_fit);
    return cmocka_run_group_tests(tests, open_world, close_world);
}
