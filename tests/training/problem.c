// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "problem.h"

#include "base/random.h"
#include "files/yaml.h"

#include <math.h>
#include <stdio.h>

enum { IMAGE_SIZE = 8 * 8 * 2, HITS = 6 };

float *problem_add_dense(
    mb_dataset *dataset, mb_context *ctx, const char *name, mb_column_role role, size_t size) {
    mb_column *column;
    assert_ok(ctx, mb_dataset_add_column(dataset, ctx, name, role, &column));
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = 1;
    column->shape[0] = column->size = size;
    const size_t shape[] = {dataset->n_rows, size};
    assert_ok(ctx, mb_array_init(&column->dense, ctx, MB_F32, 2, shape));
    return column->dense.data;
}

static void add_image(mb_dataset *dataset, mb_context *ctx, mb_random *random, float *target) {
    mb_column *column;
    assert_ok(ctx, mb_dataset_add_column(dataset, ctx, "image", MB_ROLE_INPUT, &column));
    column->kind = MB_COLUMN_SPARSE;
    column->dtype = MB_U16;
    column->rank = 3;
    column->shape[0] = column->shape[1] = 8;
    column->shape[2] = 2;
    column->size = IMAGE_SIZE;
    column->offset = mb_allocate(ctx, PROBLEM_ROWS + 1, sizeof *column->offset);
    column->index = mb_allocate(ctx, PROBLEM_ROWS * HITS, sizeof *column->index);
    uint16_t *value = mb_allocate(ctx, PROBLEM_ROWS * HITS, sizeof *value);
    column->value = value;
    assert_true(column->offset != NULL && column->index != NULL && value != NULL);
    uint64_t n = 0;
    for (size_t row = 0; row < PROBLEM_ROWS; row++) {
        column->offset[row] = n;
        // Every seventh image is empty. Hits of a yes lie in the upper half.
        const bool is_yes = mb_random_below(random, 2) != 0;
        target[row] = is_yes ? 1.0F : 0.0F;
        for (size_t hit = 0; row % 7 != 3 && hit < HITS; hit++) {
            const size_t part = IMAGE_SIZE / 2 / HITS;
            column->index[n] = (uint32_t)((is_yes ? 0 : IMAGE_SIZE / 2) + hit * part +
                                          mb_random_below(random, part));
            value[n++] = (uint16_t)(1 + mb_random_below(random, 3));
        }
    }
    column->offset[PROBLEM_ROWS] = n;
}

static void fill_dataset(problem *p, mb_context *ctx) {
    mb_random random = mb_random_stream(17, MB_PURPOSE_TEST, 0, 0);
    mb_dataset_init(&p->dataset, ctx);
    assert_ok(ctx, mb_dataset_set_rows(&p->dataset, ctx, PROBLEM_ROWS));
    float *extra = problem_add_dense(&p->dataset, ctx, "extra", MB_ROLE_INPUT, 3);
    float *target = problem_add_dense(&p->dataset, ctx, "target", MB_ROLE_TARGET, 1);
    for (size_t i = 0; i < PROBLEM_ROWS * (size_t)3; i++) {
        extra[i] = (float)mb_random_normal(&random);
    }
    add_image(&p->dataset, ctx, &random, target);
    for (size_t row = 0; row < PROBLEM_ROWS; row++) {
        extra[3 * row] += target[row];
    }
}

static size_t add_layer(problem *p, mb_context *ctx, const char *kind, const char *options,
    const size_t *inputs, size_t n_inputs) {
    mb_node *node = NULL;
    mb_layer *layer;
    size_t output;
    assert_ok(ctx, mb_yaml_parse_node(ctx, &p->document, "model", options, strlen(options), &node));
    assert_ok(ctx, mb_model_add_layer(ctx, p->model, kind, NULL, &p->document, node, &layer));
    assert_ok(ctx, mb_model_call(ctx, p->model, layer, inputs, n_inputs, &output));
    return output;
}

static void build_model(problem *p, mb_context *ctx) {
    const mb_value_type image = {MB_AXIS_EVENTS, 3, {8, 8, 2}};
    const mb_value_type extra = {MB_AXIS_EVENTS, 1, {3}};
    size_t both[2], value;
    assert_ok(ctx, mb_model_begin(ctx, "small", &p->model));
    assert_ok(ctx, mb_model_add_input(ctx, p->model, "image", &image, &value));
    assert_ok(ctx, mb_model_add_input(ctx, p->model, "extra", &extra, &both[1]));
    value = add_layer(p, ctx, "conv2d", "{filters: 5, kernel_size: 3, padding: same}", &value, 1);
    value = add_layer(p, ctx, "re_lu", "{}", &value, 1);
    value = add_layer(p, ctx, "max_pooling2d", "{pool_size: 4}", &value, 1);
    both[0] = add_layer(p, ctx, "flatten", "{}", &value, 1);
    value = add_layer(p, ctx, "concatenate", "{}", both, 2);
    value = add_layer(p, ctx, "dense", "{units: 9, kernel_regularizer: {l2: 0.001}}", &value, 1);
    value = add_layer(p, ctx, "batch_normalization", "{}", &value, 1);
    value = add_layer(p, ctx, "re_lu", "{}", &value, 1);
    value = add_layer(p, ctx, "dropout", "{rate: 0.2}", &value, 1);
    value = add_layer(p, ctx, "dense", "{units: 1, activation: sigmoid}", &value, 1);
    assert_ok(ctx, mb_model_finish(ctx, p->model, NULL, 0, &value, 1));
}

void problem_open(problem *p, mb_context *ctx, const char *train_text) {
    *p = (problem){.model = NULL};
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", train_text, strlen(train_text), &p->document));
    assert_ok(ctx, mb_train_read(ctx, &p->document, p->document.root, &p->train));
    fill_dataset(p, ctx);
    build_model(p, ctx);
    p->parameters = mb_allocate(ctx, p->model->n_parameters, sizeof(float));
    assert_non_null(p->parameters);
    assert_ok(ctx, mb_model_initialize(ctx, p->model, 5, p->parameters));
    const mb_split_options all = {.has_rows = false};
    assert_ok(ctx, mb_split_apply(&p->dataset, ctx, &all, &p->train.validation, 5));
    assert_ok(
        ctx, mb_dataset_rows_of(&p->dataset, ctx, MB_SPLIT_TRAIN, &p->train_rows, &p->n_train));
    assert_ok(ctx, mb_dataset_rows_of(&p->dataset, ctx, MB_SPLIT_VALIDATION, &p->validation_rows,
                       &p->n_validation));
    p->request = (mb_fit_request){.model = p->model,
        .parameters = p->parameters,
        .dataset = &p->dataset,
        .train_rows = p->train_rows,
        .validation_rows = p->validation_rows,
        .n_train = p->n_train,
        .n_validation = p->n_validation,
        .train = &p->train,
        .seed = 5};
}

void problem_close(problem *p, mb_context *ctx) {
    mb_release(ctx, p->train_rows);
    mb_release(ctx, p->validation_rows);
    mb_release(ctx, p->parameters);
    mb_model_destroy(p->model);
    mb_dataset_clear(&p->dataset);
    mb_document_clear(&p->document);
}

float *problem_column(problem *p, const char *name) {
    return mb_dataset_find(&p->dataset, name)->dense.data;
}

void problem_dense_model(mb_context *ctx, mb_document *document, size_t n_inputs, size_t n_outputs,
    double l2, mb_model **out) {
    problem p = {.document = *document};
    char options[128];
    const mb_value_type input = {MB_AXIS_EVENTS, 1, {n_inputs}};
    size_t value;
    assert_ok(ctx, mb_model_begin(ctx, "dense", &p.model));
    assert_ok(ctx, mb_model_add_input(ctx, p.model, "x", &input, &value));
    snprintf(
        options, sizeof options, "{units: 5, activation: relu, kernel_regularizer: {l2: %g}}", l2);
    value = add_layer(&p, ctx, "dense", options, &value, 1);
    snprintf(options, sizeof options, "{units: %zu, activation: %s}", n_outputs,
        n_outputs == 1 ? "sigmoid" : "softmax");
    value = add_layer(&p, ctx, "dense", options, &value, 1);
    assert_ok(ctx, mb_model_finish(ctx, p.model, NULL, 0, &value, 1));
    *document = p.document;
    *out = p.model;
}

mb_status checkpoint_keep(void *user, mb_context *ctx, const mb_bundle *bundle) {
    checkpoint_log *log = user;
    assert_true(log->n < MB_COUNT_OF(log->bundles));
    mb_bundle *copy = &log->bundles[log->n++];
    mb_bundle_init(copy, ctx);
    for (size_t i = 0; i < bundle->n; i++) {
        const mb_bundle_entry *entry = &bundle->entries[i];
        if (entry->text != NULL) {
            MB_TRY(mb_bundle_put_text(copy, ctx, entry->name, entry->text));
            continue;
        }
        mb_array array;
        MB_TRY(
            mb_array_init(&array, ctx, entry->array.dtype, entry->array.rank, entry->array.shape));
        if (mb_array_count(&array) > 0) {
            memcpy(array.data, entry->array.data, mb_array_bytes(&array));
        }
        MB_TRY(mb_bundle_put(copy, ctx, entry->name, &array));
    }
    return MB_OK;
}

void checkpoint_clear(checkpoint_log *log) {
    for (size_t i = 0; i < log->n; i++) {
        mb_bundle_clear(&log->bundles[i]);
    }
    log->n = 0;
}
