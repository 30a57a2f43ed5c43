// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "graph_cases.h"

#include "network/plan_parts.h"

#include <stdio.h>
#include <stdlib.h>

// Chains of layers over edges as one step, against the same layers one by one.

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { N_GRAPHS = 5, MOST_LAYERS = 16, MOST_TEXT = 96, UNITS = 7 };
static const size_t n_nodes[N_GRAPHS] = {70, 0, 5, 1, 33};
static const size_t n_edges[N_GRAPHS] = {301, 0, 12, 0, 140};

typedef struct form {
    size_t n_hidden, hidden_units;
    bool is_softmax, has_update, has_bias;
    bool is_split; // activations as layers of their own: what no step takes over
} form;

typedef struct written {
    graph_layer layers[MOST_LAYERS];
    char options[MOST_LAYERS][MOST_TEXT], names[MOST_LAYERS][MOST_TEXT];
    int n;
} written;

static int write(written *w, const char *kind, const char *options, int first, int second) {
    snprintf(w->options[w->n], MOST_TEXT, "%s", options);
    snprintf(w->names[w->n], MOST_TEXT, "layer_%d_%s", w->n, kind);
    w->layers[w->n] = (graph_layer){kind, w->names[w->n], w->options[w->n], {first, second}};
    return ++w->n;
}

static int write_dense(written *w, const form *f, size_t units, const char *activation, int input) {
    char options[MOST_TEXT];
    snprintf(options, sizeof options, "{\"units\": %zu, \"use_bias\": %s, \"activation\": \"%s\"}",
        units, f->has_bias ? "true" : "false", f->is_split ? "linear" : activation);
    int value = write(w, "dense", options, input, -1);
    if (f->is_split) {
        snprintf(options, sizeof options, "{\"activation\": \"%s\"}", activation);
        value = write(w, "activation", options, value, -1);
    }
    return value;
}

static void write_form(written *w, const form *f) {
    memset(w, 0, sizeof *w);
    const int nodes = write(w, "batch_normalization", "{}", 0, -1);
    int value = write(w, "gather", "{}", nodes, -1);
    for (size_t i = 0; i < f->n_hidden; i++) {
        value = write_dense(w, f, f->hidden_units + i, "relu", value);
    }
    value = write_dense(w, f, 1, f->is_softmax ? "linear" : "sigmoid", value);
    if (f->is_softmax) {
        value = write(w, "edge_softmax", "{}", value, -1);
    }
    value = write(w, "weighted_sum", "{}", nodes, value);
    if (f->has_update) {
        value = write(w, "concatenate", "{}", nodes, value);
        write_dense(w, f, UNITS, "tanh", value);
    }
}

// How many calls behind its gather the model's plan takes over; 0: none.
static size_t count_taken(const mb_model *model, bool is_training) {
    size_t n_uses[64] = {0}, only_user[64] = {0};
    mb_plan_message message;
    n_uses[model->outputs[0]] = 2;
    for (size_t i = 0; i < model->n_calls; i++) {
        for (size_t j = 0; j < model->calls[i].n_inputs; j++) {
            n_uses[model->calls[i].inputs[j]]++;
            only_user[model->calls[i].inputs[j]] = i;
        }
    }
    for (size_t i = 0; i < model->n_calls; i++) {
        if (mb_plan_find_message(model, i, n_uses, only_user, is_training, &message)) {
            return message.n_calls;
        }
    }
    return 0;
}

static void make_and_train(const form *f, const graph_batch *batch, const float *factors,
    mb_model **model, graph_step *step) {
    written w;
    write_form(&w, f);
    graph_model(world.ctx, w.layers, model);
    *step = (graph_step){.factors = factors};
    graph_train(world.ctx, *model, batch, step);
}

static void check_form(const form *f, const graph_batch *batch, const float *factors) {
    mb_model *models[2];
    graph_step steps[2];
    form split = *f;
    split.is_split = true;
    make_and_train(f, batch, factors, &models[0], &steps[0]);
    make_and_train(&split, batch, factors, &models[1], &steps[1]);
    assert_int_equal(count_taken(models[0], true),
        f->n_hidden + 2 + (f->is_softmax ? 1 : 0) + (f->has_update ? 2 : 0));
    assert_int_equal(count_taken(models[1], true), 0);
    assert_int_equal(models[0]->n_parameters, models[1]->n_parameters);
    const size_t n_outputs = batch->n_nodes * steps[0].out_size;
    mb_test_assert_close(steps[0].outputs, steps[1].outputs, n_outputs, 1e-5, 1e-5, "outputs");
    mb_test_assert_close(
        steps[0].gradient, steps[1].gradient, models[0]->n_parameters, 2e-4, 1e-4, "gradient");
    float *predicted[2];
    for (size_t i = 0; i < 2; i++) {
        predicted[i] = calloc(n_outputs + 1, sizeof(float));
        assert_non_null(predicted[i]);
        graph_predict(world.ctx, models[i], batch, predicted[i]);
    }
    mb_test_assert_close(predicted[0], predicted[1], n_outputs, 1e-5, 1e-5, "predictions");
    for (size_t i = 0; i < 2; i++) {
        free(predicted[i]);
        graph_step_free(&steps[i]);
        mb_model_destroy(models[i]);
    }
}

static void test_message__one_step_is_its_layers_one_by_one(void **state) {
    (void)state;
    graph_batch batch;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 3, &batch);
    float *factors = calloc(batch.n_nodes * UNITS + 1, sizeof *factors);
    assert_non_null(factors);
    for (size_t i = 0; i < batch.n_nodes * UNITS; i++) {
        factors[i] = (float)(i % 11) / 11.0F - 0.4F;
    }
    for (size_t i = 0; i < 24; i++) {
        const form f = {.n_hidden = 1 + i % 3,
            .hidden_units = i % 4 == 0 ? 16 : 5 + i,
            .is_softmax = i % 2 == 1,
            .has_update = i % 8 < 5,
            .has_bias = i % 5 != 1};
        check_form(&f, &batch, factors);
    }
    free(factors);
    graph_batch_free(&batch);
}

// A chain whose middle somebody else reads stays a chain.
static void test_message__a_weight_that_is_read_elsewhere_is_not_taken(void **state) {
    (void)state;
    const form f = {.n_hidden = 1, .hidden_units = 4, .has_bias = true};
    written w;
    mb_model *model = NULL;
    write_form(&w, &f);
    // Layer 4 gave the weights; they are summed with the sums of themselves.
    write(&w, "weighted_sum", "{}", w.n, w.n - 1);
    graph_model(world.ctx, w.layers, &model);
    assert_int_equal(count_taken(model, true), 0);
    mb_model_destroy(model);
}

// A prediction takes over the normalisation behind an update, with its bits; a training does not.
static void test_message__a_normalisation_behind_keeps_its_bits(void **state) {
    (void)state;
    graph_batch batch;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 3, &batch);
    for (size_t units = 3; units <= 19; units += 8) {
        float *predicted[2] = {NULL, NULL};
        mb_model *models[2];
        for (size_t i = 0; i < 2; i++) {
            const form f = {.n_hidden = 1, .hidden_units = 16, .has_bias = true};
            written w;
            write_form(&w, &f);
            const int value = write(&w, "concatenate", "{}", 1, w.n);
            write_dense(&w, &f, units, "relu", value);
            if (i == 1) {
                write(&w, "activation", "{\"activation\": \"linear\"}", w.n, -1);
            }
            write(&w, "batch_normalization", "{}", w.n, -1);
            graph_model(world.ctx, w.layers, &models[i]);
            assert_int_equal(count_taken(models[i], true), 5);
            assert_int_equal(count_taken(models[i], false), i == 0 ? 6 : 5);
            for (size_t k = 0; k < models[i]->n_parameters; k++) {
                models[i]->parameters[k] = 0.1F + (float)(k * 7 % 13) / 13.0F;
            }
            predicted[i] = calloc(batch.n_nodes * units, sizeof(float));
            assert_non_null(predicted[i]);
            graph_predict(world.ctx, models[i], &batch, predicted[i]);
        }
        mb_test_assert_same_bits(predicted[0], predicted[1], batch.n_nodes * units, sizeof(float),
            "normalised behind the update");
        for (size_t i = 0; i < 2; i++) {
            free(predicted[i]);
            mb_model_destroy(models[i]);
        }
    }
    graph_batch_free(&batch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message__one_step_is_its_layers_one_by_one),
        cmocka_unit_test(test_message__a_normalisation_behind_keeps_its_bits),
        cmocka_unit_test(test_message__a_weight_that_is_read_elsewhere_is_not_taken),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
