// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"
#include "problem.h"

#include "base/random.h"
#include "files/yaml.h"
#include "network/layer.h"

#include <math.h>

// Trainings over graphs: held against PyTorch, by differences, and against themselves.

enum { WIDTH = 6 };

// A dataset of graphs that grows event by event.
typedef struct graph_data {
    mb_dataset dataset;
    float *features, *target;
    mb_dataset_axis *nodes, *pred, *loss;
} graph_data;

static float *add_column(mb_dataset *dataset, mb_context *ctx, const char *name,
    mb_column_role role, const char *axis, size_t n_rows, size_t size) {
    mb_column *column = NULL;
    assert_ok(ctx, mb_dataset_add_column(dataset, ctx, name, role, &column));
    column->axis = axis;
    column->dtype = MB_F32;
    column->rank = size > 1 ? 1 : 0;
    column->shape[0] = column->size = size;
    const size_t shape[] = {n_rows, size};
    assert_ok(ctx, mb_array_init(&column->dense, ctx, MB_F32, size > 1 ? 2 : 1, shape));
    return column->dense.data;
}

static mb_dataset_axis *add_axis(
    graph_data *data, mb_context *ctx, const char *name, const char *joins, const size_t *counts) {
    mb_dataset_axis *axis = NULL;
    const size_t n_rows = data->dataset.n_rows;
    assert_ok(ctx, mb_dataset_add_axis(&data->dataset, ctx, name, joins, &axis));
    for (size_t i = 0; i < n_rows; i++) {
        axis->offset[i + 1] = axis->offset[i] + counts[i];
    }
    if (joins != NULL) {
        const size_t n = mb_max_size(axis->offset[n_rows], 1);
        axis->source = mb_allocate_zeroed(ctx, n, sizeof *axis->source);
        axis->destination = mb_allocate_zeroed(ctx, n, sizeof *axis->destination);
        assert_true(axis->source != NULL && axis->destination != NULL);
    }
    return axis;
}

static void open_data(graph_data *data, mb_context *ctx, size_t n, const size_t *n_nodes,
    const size_t *n_pred, const size_t *n_loss) {
    mb_dataset_init(&data->dataset, ctx);
    assert_ok(ctx, mb_dataset_set_rows(&data->dataset, ctx, n));
    add_axis(data, ctx, "nodes", NULL, n_nodes);
    add_axis(data, ctx, "edges.pred", "nodes", n_pred);
    add_axis(data, ctx, "edges.loss", "nodes", n_loss);
    data->nodes = &data->dataset.axes[0];
    data->pred = &data->dataset.axes[1];
    data->loss = &data->dataset.axes[2];
    data->features = add_column(&data->dataset, ctx, "features", MB_ROLE_INPUT, data->nodes->name,
        data->nodes->offset[n], WIDTH);
    data->target = add_column(
        &data->dataset, ctx, "target", MB_ROLE_TARGET, data->loss->name, data->loss->offset[n], 1);
}

typedef struct layer {
    const char *kind, *name, *options;
} layer;

static const layer sigmoid_layers[] = {
    {"batch_normalization", "n1", "{epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}"},
    {"graph_conv", "c1", "{units: 8, kernel_units: 8}"},
    {"batch_normalization", "n2", "{epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}"},
    {"graph_conv", "c2", "{units: 8, kernel_units: 8}"},
    {"dense", "out", "{units: 2}"},
    {NULL, NULL, NULL},
};

static const layer softmax_layers[] = {
    {"batch_normalization", "n1", "{epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}"},
    {"graph_conv", "c1",
        "{units: 5, kernel_units: 4, kernel_layers: 2, kernel: softmax, isolated: zero}"},
    {"batch_normalization", "n2", "{epsilon: 1e-5, momentum: 0.9, unbiased_variance: true}"},
    {"graph_conv", "c2",
        "{units: 5, kernel_units: 4, kernel_layers: 2, kernel: softmax, isolated: zero}"},
    {"dense", "out", "{units: 2}"},
    {NULL, NULL, NULL},
};

static void make_model(
    mb_context *ctx, mb_document *document, const layer *layers, mb_model **model) {
    mb_value_type type = {.rank = 1, .dim = {WIDTH}};
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, "graphs", model));
    assert_ok(ctx, mb_model_add_axis(ctx, *model, "nodes", 0, &type.axis));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "features", &type, &value));
    for (; layers->kind != NULL; layers++) {
        const mb_layer_ops *ops = mb_layer_find(layers->kind);
        mb_node *node = NULL;
        mb_layer *made = NULL;
        assert_ok(ctx, mb_yaml_parse_node(ctx, document, "model", layers->options,
                           strlen(layers->options), &node));
        if (ops->expand != NULL) {
            const mb_expansion request = {layers->name, document, node, true};
            assert_ok(ctx, ops->expand(ctx, *model, &request, value, &value));
        } else {
            assert_ok(ctx,
                mb_model_add_layer(ctx, *model, layers->kind, layers->name, document, node, &made));
            assert_ok(ctx, mb_model_call(ctx, *model, made, &value, 1, &value));
        }
    }
    assert_ok(ctx, mb_model_finish(ctx, *model, NULL, 0, &value, 1));
}

// A training of a model on all events of a dataset.
typedef struct trial {
    mb_document document;
    mb_train train;
    mb_model *model;
    uint32_t rows[64];
    mb_fit_request request;
} trial;

static void open_trial(trial *t, mb_context *ctx, const graph_data *data, const layer *layers,
    const char *train_text) {
    *t = (trial){.model = NULL};
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", train_text, strlen(train_text), &t->document));
    assert_ok(ctx, mb_train_read(ctx, &t->document, t->document.root, &t->train));
    make_model(ctx, &t->document, layers, &t->model);
    assert_ok(ctx, mb_model_initialize(ctx, t->model, 5, t->model->parameters));
    assert_true(data->dataset.n_rows <= MB_COUNT_OF(t->rows));
    for (size_t i = 0; i < data->dataset.n_rows; i++) {
        t->rows[i] = (uint32_t)i;
    }
    t->request = (mb_fit_request){.model = t->model,
        .parameters = t->model->parameters,
        .dataset = &data->dataset,
        .train_rows = t->rows,
        .n_train = data->dataset.n_rows,
        .train = &t->train,
        .seed = 5};
}

static void close_trial(trial *t) {
    mb_model_destroy(t->model);
    mb_document_clear(&t->document);
}

// PyTorch.

static const mb_node *nth(const mb_node *list, size_t i) {
    const mb_node *node = list->first;
    for (; i > 0; i--) {
        node = node->next;
    }
    return node;
}

static void copy_edges(mb_node *graph, const char *key, mb_dataset_axis *axis, size_t event) {
    static golden_list list;
    golden_floats(golden_member(graph, key), &list);
    const size_t n = (size_t)(axis->offset[event + 1] - axis->offset[event]);
    assert_int_equal(list.n, 2 * n);
    for (size_t e = 0; e < n; e++) {
        axis->source[axis->offset[event] + e] = (int32_t)list.value[e];
        axis->destination[axis->offset[event] + e] = (int32_t)list.value[n + e];
    }
}

static void read_data(mb_context *ctx, mb_document *document, graph_data *data) {
    static golden_list list;
    mb_node *graphs = golden_member(document->root, "graphs");
    size_t n_nodes[16], n_pred[16], n_loss[16];
    size_t n = 0;
    for (mb_node *graph = graphs->first; graph != NULL; graph = graph->next, n++) {
        n_nodes[n] = golden_member(graph, "features")->n_children / WIDTH;
        n_pred[n] = golden_member(graph, "pred")->n_children / 2;
        n_loss[n] = golden_member(graph, "loss")->n_children / 2;
    }
    open_data(data, ctx, n, n_nodes, n_pred, n_loss);
    n = 0;
    for (mb_node *graph = graphs->first; graph != NULL; graph = graph->next, n++) {
        golden_floats(golden_member(graph, "features"), &list);
        memcpy(data->features + data->nodes->offset[n] * WIDTH, list.value,
            list.n * sizeof *list.value);
        copy_edges(graph, "pred", data->pred, n);
        copy_edges(graph, "loss", data->loss, n);
        golden_floats(golden_member(graph, "truth"), &list);
        memcpy(data->target + data->loss->offset[n], list.value, list.n * sizeof *list.value);
    }
}

#define ADAMAX "optimizer: {adamax: {learning_rate: 0.001, epsilon: 1e-8, epsilon_inside: true}}"
#define HINGE  "loss: {hinge_embedding: {edges: loss, margin: 1}}, metrics: [distance_accuracy]"

// Plain descent at rate 1 moves every weight by its gradient.
static void check_gradient(
    mb_context *ctx, const graph_data *data, const layer *layers, mb_node *golden) {
    static golden_list first, gradient;
    trial t;
    mb_fit_result result;
    open_trial(&t, ctx, data, layers,
        "{" HINGE ", optimizer: {sgd: {learning_rate: 1}}, batch: 3, epochs: 1, shuffle: false}");
    golden_floats(golden_member(golden, "first"), &first);
    golden_floats(golden_member(golden, "gradient"), &gradient);
    assert_int_equal(first.n, t.model->n_parameters);
    t.request.parameters = first.value;
    t.request.n_train = 3;
    assert_ok(ctx, mb_fit(ctx, &t.request, &result));
    for (size_t i = 0; i < t.model->n_weights; i++) {
        const mb_weight *weight = t.model->weights[i];
        for (size_t k = weight->offset; k < weight->offset + weight->count; k++) {
            const float moved = first.value[k] - result.last[k];
            if (weight->is_trainable && !(fabsf(moved - gradient.value[k]) < 4e-7F)) {
                fail_msg("gradient of %s.%s[%zu] is %g, PyTorch has %g", weight->layer->name,
                    weight->name, k - weight->offset, (double)moved, (double)gradient.value[k]);
            }
        }
    }
    mb_fit_result_clear(&result);
    close_trial(&t);
}

// Distances do not feel the last bias, nor a softmax that of what it takes: their gradients are
// rounding alone.
static bool is_without_effect(const mb_weight *weight, bool is_softmax) {
    const char *name = weight->layer->name;
    const bool is_weight = strcmp(name, "c1_weight") == 0 || strcmp(name, "c2_weight") == 0;
    return strcmp(weight->name, "bias") == 0 &&
           (strcmp(name, "out") == 0 || (is_softmax && is_weight));
}

static void check_course(
    mb_context *ctx, const graph_data *data, const layer *layers, mb_node *golden) {
    static golden_list first, list;
    static float outputs[256];
    float *pointer = outputs;
    trial t;
    mb_fit_result result;
    open_trial(
        &t, ctx, data, layers, "{" HINGE ", " ADAMAX ", batch: 3, epochs: 15, shuffle: false}");
    golden_floats(golden_member(golden, "first"), &first);
    t.request.parameters = first.value;
    assert_ok(ctx, mb_fit(ctx, &t.request, &result));
    assert_string_equal(result.columns[0], "loss");
    assert_string_equal(result.columns[1], "accuracy");
    for (size_t column = 0; column < 2; column++) {
        golden_floats(golden_member(golden, column == 0 ? "loss" : "accuracy"), &list);
        assert_int_equal(list.n, result.n_epochs);
        for (size_t epoch = 0; epoch < list.n; epoch++) {
            const double got = result.history[epoch * result.n_columns + column];
            assert_true(fabs(got - (double)list.value[epoch]) < 2e-6);
        }
    }
    golden_floats(golden_member(golden, "last"), &list);
    // Biases of units that all edges of a node rectify alike have next to none.
    const double tolerance = layers == softmax_layers ? 3e-5 : 4e-6;
    for (size_t i = 0; i < t.model->n_weights; i++) {
        const mb_weight *weight = t.model->weights[i];
        if (!is_without_effect(weight, layers == softmax_layers)) {
            mb_test_assert_close(result.last + weight->offset, list.value + weight->offset,
                weight->count, tolerance, 0, weight->layer->name);
        }
    }
    const size_t n = list.n - 2;
    const float shift[] = {result.last[n] - list.value[n], result.last[n + 1] - list.value[n + 1]};
    golden_floats(golden_member(golden, "output"), &list);
    assert_true(list.n <= MB_COUNT_OF(outputs));
    assert_ok(ctx, mb_predict_dataset(ctx, t.model, result.last, &data->dataset, t.rows,
                       data->dataset.n_rows, &pointer));
    for (size_t i = 0; i < list.n; i++) {
        outputs[i] -= shift[i % 2];
    }
    mb_test_assert_close(outputs, list.value, list.n, 1e-5, 0, "outputs");
    mb_fit_result_clear(&result);
    close_trial(&t);
}

static void test_graph_fit__gradients_and_thirty_steps_are_those_of_pytorch(void **state) {
    (void)state;
    mb_test_world world;
    mb_document document;
    graph_data data;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    golden_open(world.ctx, "graph_training.yaml", &document);
    read_data(world.ctx, &document, &data);
    const mb_node *cases = golden_member(document.root, "cases");
    assert_int_equal(cases->n_children, 2);
    for (size_t i = 0; i < 2; i++) {
        const layer *layers = i == 0 ? sigmoid_layers : softmax_layers;
        mb_node *golden = (mb_node *)(uintptr_t)nth(cases, i);
        check_gradient(world.ctx, &data, layers, golden);
        check_course(world.ctx, &data, layers, golden);
    }
    mb_dataset_clear(&data.dataset);
    mb_document_clear(&document);
    mb_test_world_close(&world);
}

// Drawn graphs, some without nodes, some without edges.
enum { EVENTS = 26 };

static void draw_edges(mb_dataset_axis *axis, const size_t *n_nodes, mb_random *random) {
    for (size_t i = 0; i < EVENTS; i++) {
        for (uint64_t e = axis->offset[i]; e < axis->offset[i + 1]; e++) {
            axis->source[e] = (int32_t)mb_random_below(random, (uint32_t)n_nodes[i]);
            axis->destination[e] = (int32_t)mb_random_below(random, (uint32_t)n_nodes[i]);
        }
    }
}

static void draw_data(mb_context *ctx, graph_data *data) {
    mb_random random = mb_random_stream(23, MB_PURPOSE_TEST, 0, 0);
    size_t n_nodes[EVENTS], n_pred[EVENTS], n_loss[EVENTS];
    for (size_t i = 0; i < EVENTS; i++) {
        n_nodes[i] = i % 9 == 4 ? 0 : 1 + mb_random_below(&random, 30);
        n_pred[i] = n_nodes[i] == 0 || i % 7 == 2 ? 0 : mb_random_below(&random, 90);
        n_loss[i] = n_nodes[i] == 0 || i % 8 == 3 ? 0 : 1 + mb_random_below(&random, 60);
    }
    open_data(data, ctx, EVENTS, n_nodes, n_pred, n_loss);
    for (size_t i = 0; i < data->nodes->offset[EVENTS] * WIDTH; i++) {
        data->features[i] = (float)mb_random_normal(&random);
    }
    draw_edges(data->pred, n_nodes, &random);
    draw_edges(data->loss, n_nodes, &random);
    for (size_t e = 0; e < data->loss->offset[EVENTS]; e++) {
        data->target[e] = mb_random_below(&random, 3) > 0 ? 1.0F : 0.0F;
    }
}

static const char usual[] = "{" HINGE ", " ADAMAX ", batch: 4, epochs: 3, checkpoint_steps: 2}";

typedef struct outcome {
    char hash[65];
    double history[3 * 5]; // loss, accuracy, val_loss, val_accuracy, learning_rate
} outcome;

static void run_usual(mb_context *ctx, const graph_data *data, const mb_bundle *resume,
    checkpoint_log *log, outcome *out) {
    trial t;
    mb_fit_result result;
    open_trial(&t, ctx, data, sigmoid_layers, usual);
    t.request.n_train = 20;
    t.request.validation_rows = t.rows + 20;
    t.request.n_validation = EVENTS - 20;
    t.request.resume = resume;
    if (log != NULL) {
        t.request.hooks = (mb_fit_hooks){.user = log, .save_checkpoint = checkpoint_keep};
    }
    assert_ok(ctx, mb_fit(ctx, &t.request, &result));
    assert_int_equal(result.n_columns, 6);
    assert_int_equal(result.n_epochs, 3);
    mb_model_hash(t.model, result.last, out->hash);
    for (size_t epoch = 0; epoch < 3; epoch++) {
        memcpy(out->history + epoch * 5, result.history + epoch * 6, 5 * sizeof(double));
    }
    double measured[2];
    t.request.parameters = result.last;
    assert_ok(ctx, mb_fit_measure(ctx, &t.request, measured));
    assert_memory_equal(measured, out->history + 2 * 5 + 2, sizeof measured);
    mb_fit_result_clear(&result);
    close_trial(&t);
}

static void assert_same(const outcome *got, const outcome *wanted, const char *what) {
    if (strcmp(got->hash, wanted->hash) != 0) {
        fail_msg("%s: other weights", what);
    }
    mb_test_assert_same_bits(
        got->history, wanted->history, MB_COUNT_OF(got->history), sizeof(double), what);
}

static void run_on(unsigned n_threads, uint32_t cpu, outcome *out) {
    mb_test_world world;
    graph_data data;
    mb_test_world_open(&world, n_threads, cpu);
    draw_data(world.ctx, &data);
    run_usual(world.ctx, &data, NULL, NULL, out);
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

static void test_graph_fit__bits_do_not_depend_on_threads_or_instructions(void **state) {
    (void)state;
    outcome wanted, got;
    run_on(1, 0, &wanted);
    assert_true(isfinite(wanted.history[14 - 2]) && wanted.history[0] > 0);
    run_on(3, 0, &got);
    assert_same(&got, &wanted, "3 threads");
    run_on(2, MB_CPU_AVX2, &got);
    assert_same(&got, &wanted, "AVX2");
    run_on(2, MB_CPU_ALL, &got);
    assert_same(&got, &wanted, "all instructions");
}

static void test_graph_fit__every_checkpoint_resumes_to_the_same_bits(void **state) {
    (void)state;
    static checkpoint_log log;
    mb_test_world world;
    graph_data data;
    outcome wanted, got;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    draw_data(world.ctx, &data);
    run_usual(world.ctx, &data, NULL, &log, &wanted);
    assert_int_equal(log.n, 9); // five steps an epoch
    for (size_t i = 0; i < log.n; i++) {
        run_usual(world.ctx, &data, &log.bundles[i], NULL, &got);
        assert_same(&got, &wanted, "resumed");
    }
    checkpoint_clear(&log);
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

// The loss that a training of no step reports as validation.
static double loss_of(mb_context *ctx, trial *t, const float *parameters) {
    mb_fit_result result;
    t->request.parameters = parameters;
    assert_ok(ctx, mb_fit(ctx, &t->request, &result));
    const double loss = result.history[0];
    mb_fit_result_clear(&result);
    return loss;
}

static void test_graph_fit__gradients_are_those_of_differences(void **state) {
    (void)state;
    mb_test_world world;
    graph_data data;
    trial t;
    mb_fit_result result;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    draw_data(world.ctx, &data);
    open_trial(&t, world.ctx, &data, softmax_layers,
        "{" HINGE ", optimizer: {sgd: {learning_rate: 1}}, batch: 64, epochs: 1, shuffle: false}");
    float moved[1024];
    float gradient[1024];
    const size_t n = t.model->n_parameters;
    assert_true(n <= MB_COUNT_OF(moved));
    assert_ok(world.ctx, mb_fit(world.ctx, &t.request, &result));
    for (size_t i = 0; i < n; i++) {
        moved[i] = t.model->parameters[i];
        gradient[i] = moved[i] - result.last[i];
    }
    mb_fit_result_clear(&result);
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < t.model->n_weights; i++) {
        const mb_weight *weight = t.model->weights[i];
        for (size_t k = weight->offset; weight->is_trainable && k < weight->offset + weight->count;
             k++) {
            const float kept = moved[k];
            moved[k] = kept + 1e-3F;
            const double above = loss_of(world.ctx, &t, moved);
            moved[k] = kept - 1e-3F;
            const double below = loss_of(world.ctx, &t, moved);
            moved[k] = kept;
            error += fabs((above - below) / 2e-3 - (double)gradient[k]);
            size += fabs((double)gradient[k]);
        }
    }
    if (!(size > 0.1 && error < 0.03 * size)) {
        fail_msg("gradients differ from differences by %g of %g", error, size);
    }
    close_trial(&t);
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

static void test_graph_fit__a_batch_may_have_no_pairs_or_no_nodes(void **state) {
    (void)state;
    static const size_t n_nodes[] = {4, 0, 5, 3}, n_pred[] = {6, 0, 0, 4}, n_loss[] = {3, 0, 0, 2};
    mb_test_world world;
    graph_data data;
    trial t;
    mb_fit_result result;
    mb_test_world_open(&world, 2, MB_CPU_ALL);
    open_data(&data, world.ctx, 4, n_nodes, n_pred, n_loss);
    for (size_t i = 0; i < 12 * (size_t)WIDTH; i++) {
        data.features[i] = (float)(i * 7 % 13) - 6;
    }
    data.target[0] = 1;
    open_trial(&t, world.ctx, &data, sigmoid_layers,
        "{" HINGE ", " ADAMAX ", batch: 1, epochs: 2, shuffle: false}");
    t.request.validation_rows = t.rows;
    t.request.n_validation = 4;
    assert_ok(world.ctx, mb_fit(world.ctx, &t.request, &result));
    for (size_t i = 0; i < 2 * result.n_columns; i++) {
        assert_true(isfinite(result.history[i]));
    }
    // Events for testing none of which has a pair are no failure: there is no loss.
    double measured[1 + MB_MOST_METRICS];
    t.request.parameters = result.last;
    t.request.validation_rows = t.rows + 1;
    t.request.n_validation = 2;
    assert_ok(world.ctx, mb_fit_measure(world.ctx, &t.request, measured));
    assert_true(isnan(measured[0]));
    mb_fit_result_clear(&result);
    close_trial(&t);
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

static void check_refused(mb_context *ctx, const graph_data *data, const layer *layers,
    const char *train, mb_status status, const char *part) {
    trial t;
    mb_fit_result result;
    open_trial(&t, ctx, data, layers, train);
    assert_fails(ctx, mb_fit(ctx, &t.request, &result), status, part);
    mb_fit_result_clear(&result);
    close_trial(&t);
}

static void test_graph_fit__what_does_not_fit_is_refused_by_name(void **state) {
    (void)state;
    static const layer other_edges[] = {
        {"graph_conv", "c", "{units: 2, edges: near}"}, {NULL, NULL, NULL}};
    mb_test_world world;
    graph_data data;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    draw_data(world.ctx, &data);
    check_refused(world.ctx, &data, sigmoid_layers, "{loss: mse, batch: 4}", MB_ERR_UNSUPPORTED,
        "use hinge_embedding for pairs of nodes");
    check_refused(world.ctx, &data, sigmoid_layers,
        "{loss: {hinge_embedding: {edges: los}}, batch: 4}", MB_ERR_SHAPE,
        "the data has no edges.los");
    check_refused(world.ctx, &data, sigmoid_layers,
        "{loss: {hinge_embedding: {edges: pred}}, batch: 4}", MB_ERR_SHAPE,
        "is not one float32 number for each of edges.pred");
    check_refused(world.ctx, &data, other_edges, "{" HINGE ", batch: 4}", MB_ERR_SHAPE,
        "works with edges.near, which the data does not have");
    data.target[3] = 0.5F;
    check_refused(world.ctx, &data, sigmoid_layers, "{" HINGE ", batch: 4}", MB_ERR_RANGE,
        "it must be 0 or 1");
    data.target[3] = 1;
    data.loss->source[5] = 1000;
    check_refused(
        world.ctx, &data, sigmoid_layers, "{" HINGE ", batch: 4}", MB_ERR_RANGE, "joins node 1000");
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

typedef struct scarce {
    trial t;
    float *outputs;
} scarce;

static mb_status fit_and_predict(void *user, mb_context *ctx) {
    scarce *s = user;
    mb_fit_result result;
    mb_status status = mb_fit(ctx, &s->t.request, &result);
    if (status == MB_OK) {
        status = mb_predict_dataset(
            ctx, s->t.model, result.last, s->t.request.dataset, s->t.rows, EVENTS, &s->outputs);
    }
    mb_fit_result_clear(&result);
    return status;
}

static void test_graph_fit__every_lack_of_memory_is_told(void **state) {
    (void)state;
    mb_test_world world;
    graph_data data;
    scarce s;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    draw_data(world.ctx, &data);
    open_trial(
        &s.t, world.ctx, &data, sigmoid_layers, "{" HINGE ", " ADAMAX ", batch: 8, epochs: 1}");
    s.t.request.n_train = 20;
    s.t.request.validation_rows = s.t.rows + 20;
    s.t.request.n_validation = EVENTS - 20;
    s.outputs = mb_allocate(world.ctx, data.nodes->offset[EVENTS] * 2, sizeof *s.outputs);
    assert_non_null(s.outputs);
    assert_true(mb_test_each_lack_of_memory(fit_and_predict, &s) > 20);
    mb_release(world.ctx, s.outputs);
    close_trial(&s.t);
    mb_dataset_clear(&data.dataset);
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_fit__gradients_and_thirty_steps_are_those_of_pytorch),
        cmocka_unit_test(test_graph_fit__bits_do_not_depend_on_threads_or_instructions),
        cmocka_unit_test(test_graph_fit__every_checkpoint_resumes_to_the_same_bits),
        cmocka_unit_test(test_graph_fit__gradients_are_those_of_differences),
        cmocka_unit_test(test_graph_fit__a_batch_may_have_no_pairs_or_no_nodes),
        cmocka_unit_test(test_graph_fit__every_lack_of_memory_is_told),
        cmocka_unit_test(test_graph_fit__what_does_not_fit_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
