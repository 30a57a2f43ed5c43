// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "graph_cases.h"

#include "minbias/predictor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Layers between nodes and edges: what they give, their gradients, empty graphs, bits.

MB_TEST_WORLD(2, MB_CPU_ALL)

enum { N_GRAPHS = 7 };
static const size_t n_nodes[N_GRAPHS] = {9, 0, 5, 1, 12, 3, 7};
static const size_t n_edges[N_GRAPHS] = {31, 0, 12, 0, 40, 0, 19};

static const graph_layer two_convolutions[] = {
    {"batch_normalization", "bn1", "{\"epsilon\": 1e-5, \"momentum\": 0.9}", {0, -1}},
    {"graph_conv", "conv1", "{\"units\": 11, \"kernel_units\": 5}", {1, -1}},
    {"batch_normalization", "bn2", NULL, {2, -1}},
    {"graph_conv", "conv2",
        "{\"units\": 4, \"kernel_units\": 3, \"kernel\": \"softmax\", \"kernel_layers\": 2, "
        "\"isolated\": \"zero\"}",
        {3, -1}},
    {"dense", "out", "{\"units\": 2}", {4, -1}},
    {NULL, NULL, NULL, {0, 0}},
};

static void test_graph__edges_are_sorted_by_destination_then_as_stored(void **state) {
    (void)state;
    graph_batch batch;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 1, &batch);
    for (size_t g = 0; g < N_GRAPHS; g++) {
        const mb_graph *graph = batch.graph[g];
        const int32_t *source = batch.source + batch.edges[g];
        const int32_t *destination = batch.destination + batch.edges[g];
        size_t n_leaving = 0;
        assert_int_equal(graph->n_nodes, n_nodes[g]);
        assert_int_equal(graph->n_edges, n_edges[g]);
        for (size_t i = 0; i < graph->n_nodes; i++) {
            for (size_t e = graph->in_offset[i]; e < graph->in_offset[i + 1]; e++) {
                assert_int_equal(destination[graph->stored[e]], i);
                assert_int_equal(graph->destination[e], i);
                assert_int_equal(source[graph->stored[e]], graph->source[e]);
                assert_true(e == graph->in_offset[i] || graph->stored[e] > graph->stored[e - 1]);
            }
            for (size_t k = graph->out_offset[i]; k < graph->out_offset[i + 1]; k++) {
                assert_int_equal(graph->source[graph->out_edge[k]], i);
                assert_true(
                    k == graph->out_offset[i] || graph->out_edge[k] > graph->out_edge[k - 1]);
                n_leaving++;
            }
        }
        assert_int_equal(n_leaving, n_edges[g]);
    }
    graph_batch_free(&batch);
}

static void test_graph__an_edge_to_no_node_is_refused_by_event_and_edge(void **state) {
    (void)state;
    const uint64_t nodes[] = {0, 2, 5};
    const uint64_t edges[] = {0, 1, 3};
    const int32_t source[] = {0, 1, 2};
    const int32_t destination[] = {1, 2, 3};
    const mb_graph_edges given = {2, nodes, edges, source, destination};
    mb_graph_set *set = NULL;
    assert_fails(world.ctx, mb_graph_set_create(world.ctx, "edges.pred", &given, true, &set),
        MB_ERR_RANGE, "edges.pred: event 1: edge 1 joins node 3, but the event has 3 nodes");
    assert_null(set);
    const uint32_t good[] = {0}, bad[] = {0, 1};
    assert_ok(world.ctx, mb_graph_set_reserve(world.ctx, 2, 5, 3, &set));
    assert_ok(world.ctx, mb_graph_set_sort(world.ctx, "edges.pred", &given, good, 1, set));
    assert_fails(world.ctx, mb_graph_set_sort(world.ctx, "edges.pred", &given, bad, 2, set),
        MB_ERR_RANGE, "edges.pred: event 1: edge 1 joins node 3, but the event has 3 nodes");
    mb_graph_set_destroy(set);
}

// Some graphs of a dataset, in any order, are what sorting all of them gives.
static void test_graph__a_few_graphs_are_sorted_as_all_are(void **state) {
    (void)state;
    graph_batch batch;
    mb_graph_set *few = NULL;
    const uint32_t rows[] = {2, 0, 2};
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 2, &batch);
    const mb_graph_edges edges = {
        batch.n, batch.node_offset, batch.edge_offset, batch.source, batch.destination};
    assert_ok(
        world.ctx, mb_graph_set_reserve(world.ctx, 3, 3 * batch.n_nodes, 3 * batch.n_edges, &few));
    assert_ok(world.ctx, mb_graph_set_sort(world.ctx, "edges.pred", &edges, rows, 3, few));
    for (size_t i = 0; i < 3; i++) {
        const mb_graph *got = &few->graphs[i], *wanted = &batch.set->graphs[rows[i]];
        assert_int_equal(got->n_nodes, wanted->n_nodes);
        assert_int_equal(got->n_edges, wanted->n_edges);
        assert_memory_equal(got->stored, wanted->stored, got->n_edges * sizeof *got->stored);
        assert_memory_equal(got->source, wanted->source, got->n_edges * sizeof *got->source);
        assert_memory_equal(
            got->in_offset, wanted->in_offset, (got->n_nodes + 1) * sizeof *got->in_offset);
    }
    mb_graph_set_destroy(few);
    graph_batch_free(&batch);
}

static void test_graph__gather_gives_both_ends_in_stored_order(void **state) {
    (void)state;
    const graph_layer gather[] = {{"gather", "g", NULL, {0, -1}}, {NULL, NULL, NULL, {0, 0}}};
    graph_batch batch;
    mb_model *model = NULL;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 2, &batch);
    graph_model(world.ctx, gather, &model);
    float *out = calloc(batch.n_edges * 2 * GRAPH_WIDTH, sizeof *out);
    assert_non_null(out);
    graph_predict(world.ctx, model, &batch, out);
    for (size_t g = 0; g < N_GRAPHS; g++) {
        for (size_t e = batch.edges[g]; e < batch.edges[g + 1]; e++) {
            const float *rows = batch.features + batch.nodes[g] * GRAPH_WIDTH;
            const float *edge = out + e * 2 * GRAPH_WIDTH;
            mb_test_assert_same_bits(
                edge, rows + batch.source[e] * GRAPH_WIDTH, GRAPH_WIDTH, sizeof(float), "source");
            mb_test_assert_same_bits(edge + GRAPH_WIDTH, rows + batch.destination[e] * GRAPH_WIDTH,
                GRAPH_WIDTH, sizeof(float), "destination");
        }
    }
    free(out);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

static float sigmoid(float x) {
    return 1 / (1 + expf(-x));
}

// One layer of graph_conv, in double sums over stored edges.
typedef struct plain_conv {
    const mb_model *model;
    const char *name;
    size_t width, units, kernel_units;
    bool is_softmax;
} plain_conv;

static const float *weight_of(const plain_conv *conv, const char *layer, const char *weight) {
    char name[64];
    snprintf(name, sizeof name, "%s_%s", conv->name, layer);
    const mb_weight *found = mb_model_find_weight(conv->model, name, weight);
    assert_non_null(found);
    return conv->model->parameters + found->offset;
}

static double plain_score(const plain_conv *conv, const float *from, const float *to) {
    const float *w1 = weight_of(conv, "hidden", "kernel");
    const float *b1 = weight_of(conv, "hidden", "bias");
    const float *w2 = weight_of(conv, "weight", "kernel");
    double score = (double)weight_of(conv, "weight", "bias")[0];
    for (size_t k = 0; k < conv->kernel_units; k++) {
        double hidden = (double)b1[k];
        for (size_t c = 0; c < conv->width; c++) {
            hidden += (double)from[c] * (double)w1[c * conv->kernel_units + k];
            hidden += (double)to[c] * (double)w1[(conv->width + c) * conv->kernel_units + k];
        }
        score += (hidden > 0 ? hidden : 0) * (double)w2[k];
    }
    return score;
}

static void plain_node(const plain_conv *conv, const graph_batch *batch, size_t g, size_t node,
    const float *rows, double *sum) {
    double total = 0;
    memset(sum, 0, conv->width * sizeof *sum);
    for (size_t e = batch->edges[g]; e < batch->edges[g + 1]; e++) {
        if ((size_t)batch->destination[e] == node) {
            const float *from = rows + (size_t)batch->source[e] * conv->width;
            const double score = plain_score(conv, from, rows + node * conv->width);
            const double weight = conv->is_softmax ? exp(score) : (double)sigmoid((float)score);
            total += weight;
            for (size_t c = 0; c < conv->width; c++) {
                sum[c] += weight * (double)from[c];
            }
        }
    }
    for (size_t c = 0; c < conv->width && conv->is_softmax && total > 0; c++) {
        sum[c] /= total;
    }
}

static void check_plain(const char *options, bool is_softmax) {
    const graph_layer layers[] = {
        {"graph_conv", "conv", options, {0, -1}}, {NULL, NULL, NULL, {0, 0}}};
    graph_batch batch;
    mb_model *model = NULL;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 3, &batch);
    graph_model(world.ctx, layers, &model);
    const plain_conv conv = {model, "conv", GRAPH_WIDTH, 7, 16, is_softmax};
    float *out = calloc(batch.n_nodes * conv.units, sizeof *out);
    assert_non_null(out);
    graph_predict(world.ctx, model, &batch, out);
    const float *w = weight_of(&conv, "dense", "kernel");
    const float *b = weight_of(&conv, "dense", "bias");
    for (size_t g = 0; g < N_GRAPHS; g++) {
        const float *rows = batch.features + batch.nodes[g] * GRAPH_WIDTH;
        for (size_t i = 0; i < n_nodes[g]; i++) {
            double sum[GRAPH_WIDTH];
            plain_node(&conv, &batch, g, i, rows, sum);
            for (size_t o = 0; o < conv.units; o++) {
                double wanted = (double)b[o];
                for (size_t c = 0; c < GRAPH_WIDTH; c++) {
                    wanted += (double)rows[i * GRAPH_WIDTH + c] * (double)w[c * conv.units + o];
                    wanted += sum[c] * (double)w[(GRAPH_WIDTH + c) * conv.units + o];
                }
                wanted = wanted > 0 ? wanted : 0;
                assert_true(
                    fabs((double)out[(batch.nodes[g] + i) * conv.units + o] - wanted) < 1e-5);
            }
        }
    }
    free(out);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

static void test_graph__a_convolution_is_its_formula(void **state) {
    (void)state;
    check_plain("{\"units\": 7}", false);
    check_plain("{\"units\": 7, \"kernel\": \"softmax\"}", true);
}

static void test_graph__a_chain_that_is_written_out_is_the_short_form(void **state) {
    (void)state;
#define TORCH                                                                                      \
    ", \"kernel_initializer\": \"torch_uniform\", \"bias_initializer\": \"torch_uniform\"}"
    const graph_layer chain[] = {{"gather", "c_gather", "{\"edges\": \"pred\"}", {0, -1}},
        {"dense", "c_hidden", "{\"units\": 16, \"activation\": \"relu\"" TORCH, {1, -1}},
        {"dense", "c_weight", "{\"units\": 1, \"activation\": \"sigmoid\"" TORCH, {2, -1}},
        {"weighted_sum", "c_sum", "{\"edges\": \"pred\"}", {0, 3}},
        {"concatenate", "c_concatenate", NULL, {0, 4}},
        {"dense", "c_dense", "{\"units\": 7, \"activation\": \"relu\"" TORCH, {5, -1}},
        {NULL, NULL, NULL, {0, 0}}};
#undef TORCH
    const graph_layer conv[] = {
        {"graph_conv", "c", "{\"units\": 7}", {0, -1}}, {NULL, NULL, NULL, {0, 0}}};
    graph_batch batch;
    mb_model *models[2];
    graph_step steps[2] = {{0}, {0}};
    char hash[2][65];
    float factors[7 * 64];
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 4, &batch);
    assert_true(batch.n_nodes <= 64);
    case_numbers(factors, MB_COUNT_OF(factors), 3);
    for (size_t i = 0; i < 2; i++) {
        graph_model(world.ctx, i == 0 ? chain : conv, &models[i]);
        mb_model_hash(models[i], models[i]->parameters, hash[i]);
        steps[i].factors = factors;
        graph_train(world.ctx, models[i], &batch, &steps[i]);
    }
    assert_string_equal(hash[0], hash[1]);
    mb_test_assert_same_bits(
        steps[1].outputs, steps[0].outputs, batch.n_nodes * 7, sizeof(float), "outputs");
    mb_test_assert_same_bits(
        steps[1].gradient, steps[0].gradient, models[0]->n_parameters, sizeof(float), "gradient");
    for (size_t i = 0; i < 2; i++) {
        graph_step_free(&steps[i]);
        mb_model_destroy(models[i]);
    }
    graph_batch_free(&batch);
}

static double loss_of(mb_model *model, const graph_batch *batch, const float *factors) {
    graph_step step = {.factors = factors};
    double sum = 0;
    graph_train(world.ctx, model, batch, &step);
    for (size_t i = 0; i < step.offset[batch->n] * step.out_size; i++) {
        sum += (double)step.outputs[i] * (double)factors[i];
    }
    graph_step_free(&step);
    return sum;
}

static void check_gradient(const graph_layer *layers) {
    graph_batch batch;
    mb_model *model = NULL;
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 5, &batch);
    graph_model(world.ctx, layers, &model);
    graph_step step = {.factors = batch.features};
    graph_train(world.ctx, model, &batch, &step);
    double error = 0;
    double size = 0;
    for (size_t i = 0; i < model->n_parameters; i++) {
        const float kept = model->parameters[i];
        const float shift = 2e-3F;
        model->parameters[i] = kept + shift;
        const double above = loss_of(model, &batch, batch.features);
        model->parameters[i] = kept - shift;
        const double below = loss_of(model, &batch, batch.features);
        model->parameters[i] = kept;
        const double slope = (above - below) / (2 * (double)shift);
        error += fabs(slope - (double)step.gradient[i]);
        size += fabs((double)step.gradient[i]);
    }
    assert_true(size > 1);
    if (!(error < 0.02 * size)) {
        fail_msg("gradients differ from differences by %g of %g", error, size);
    }
    graph_step_free(&step);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

static void test_graph__gradients_are_those_of_differences(void **state) {
    (void)state;
    check_gradient(two_convolutions);
}

// What a step gives and changes: outputs, gradient, parameters.
typedef struct trained {
    size_t n_outputs, n_parameters;
    graph_step step;
    float parameters[2048];
} trained;

static void train_on(unsigned n_threads, uint32_t cpu, trained *out) {
    mb_test_world other;
    graph_batch batch;
    mb_model *model = NULL;
    mb_test_world_open(&other, n_threads, cpu);
    graph_batch_make(other.ctx, N_GRAPHS, n_nodes, n_edges, 6, &batch);
    graph_model(other.ctx, two_convolutions, &model);
    *out = (trained){.n_parameters = model->n_parameters, .step = {.factors = batch.features}};
    assert_true(model->n_parameters <= MB_COUNT_OF(out->parameters));
    graph_train(other.ctx, model, &batch, &out->step);
    out->n_outputs = batch.n_nodes * out->step.out_size;
    memcpy(out->parameters, model->parameters, model->n_parameters * sizeof *out->parameters);
    mb_model_destroy(model);
    graph_batch_free(&batch);
    mb_test_world_close(&other);
}

static void test_graph__bits_do_not_depend_on_threads_or_instructions(void **state) {
    (void)state;
    static const struct {
        unsigned n_threads;
        uint32_t cpu;
    } machines[] = {{1, 0}, {3, 0}, {2, MB_CPU_ALL}, {1, MB_CPU_ALL}, {5, MB_CPU_ALL}};
    trained first;
    train_on(machines[0].n_threads, machines[0].cpu, &first);
    for (size_t i = 1; i < MB_COUNT_OF(machines); i++) {
        trained other;
        train_on(machines[i].n_threads, machines[i].cpu, &other);
        mb_test_assert_same_bits(
            other.step.outputs, first.step.outputs, first.n_outputs, sizeof(float), "outputs");
        mb_test_assert_same_bits(other.step.gradient, first.step.gradient, first.n_parameters,
            sizeof(float), "gradient");
        mb_test_assert_same_bits(other.parameters, first.parameters, first.n_parameters,
            sizeof(float), "moving averages");
        graph_step_free(&other.step);
    }
    graph_step_free(&first.step);
}

static void test_graph__isolated_nodes_are_updated_or_zero(void **state) {
    (void)state;
    for (size_t is_zero = 0; is_zero < 2; is_zero++) {
        const graph_layer layers[] = {
            {"graph_conv", "conv",
                is_zero ? "{\"units\": 3, \"isolated\": \"zero\", \"activation\": \"linear\"}"
                        : "{\"units\": 3, \"activation\": \"linear\"}",
                {0, -1}},
            {NULL, NULL, NULL, {0, 0}}};
        graph_batch batch;
        mb_model *model = NULL;
        float out[3 * 40];
        graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 7, &batch);
        graph_model(world.ctx, layers, &model);
        graph_predict(world.ctx, model, &batch, out);
        for (size_t i = batch.nodes[5] * 3; i < batch.nodes[6] * 3; i++) {
            assert_true(isfinite(out[i]) && (out[i] == 0) == is_zero);
        }
        mb_model_destroy(model);
        graph_batch_free(&batch);
    }
}

static void test_graph__a_batch_without_nodes_moves_nothing(void **state) {
    (void)state;
    const size_t none[] = {0, 0};
    graph_batch batch;
    mb_model *model = NULL;
    graph_batch_make(world.ctx, 2, none, none, 8, &batch);
    graph_model(world.ctx, two_convolutions, &model);
    float before[1024];
    assert_true(model->n_parameters < MB_COUNT_OF(before));
    memcpy(before, model->parameters, model->n_parameters * sizeof *before);
    graph_step step = {.factors = batch.features};
    graph_train(world.ctx, model, &batch, &step);
    mb_test_assert_same_bits(
        model->parameters, before, model->n_parameters, sizeof(float), "parameters");
    for (size_t i = 0; i < model->n_parameters; i++) {
        assert_true(step.gradient[i] == 0);
    }
    graph_step_free(&step);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

// Weights of edges from outside, summed at the nodes, and given back doubled.
static void make_edge_model(mb_model **model) {
    mb_value_type nodes = {.rank = 1, .dim = {GRAPH_WIDTH}};
    mb_value_type edges = {.rank = 1, .dim = {1}};
    mb_layer *sum = NULL;
    mb_layer *both = NULL;
    size_t inputs[2];
    size_t outputs[2];
    assert_ok(world.ctx, mb_model_begin(world.ctx, "edges", model));
    assert_ok(world.ctx, mb_model_add_axis(world.ctx, *model, "nodes", 0, &nodes.axis));
    assert_ok(
        world.ctx, mb_model_add_axis(world.ctx, *model, "edges.pred", nodes.axis, &edges.axis));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, *model, "features", &nodes, &inputs[0]));
    assert_ok(world.ctx, mb_model_add_input(world.ctx, *model, "weights", &edges, &inputs[1]));
    assert_ok(world.ctx, case_add_layer(world.ctx, *model, "weighted_sum", "sum", "{}", &sum));
    assert_ok(world.ctx, mb_model_call(world.ctx, *model, sum, inputs, 2, &outputs[0]));
    assert_ok(world.ctx, case_add_layer(world.ctx, *model, "add", "both", "{}", &both));
    const size_t twice[] = {inputs[1], inputs[1]};
    assert_ok(world.ctx, mb_model_call(world.ctx, *model, both, twice, 2, &outputs[1]));
    assert_ok(world.ctx, mb_model_finish(world.ctx, *model, NULL, 0, outputs, 2));
}

static void test_graph__numbers_of_edges_come_and_go_in_stored_order(void **state) {
    (void)state;
    graph_batch batch;
    mb_model *model = NULL;
    mb_predictor *predictor = NULL;
    graph_batch_make(world.ctx, 1, n_nodes, n_edges, 11, &batch);
    make_edge_model(&model);
    const mb_predictor_settings settings = {.max_nodes = 9, .max_edges = 31};
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, &settings, &predictor));
    void *scratch = mb_allocate(world.ctx, mb_predictor_scratch_bytes(predictor), 1);
    assert_non_null(scratch);
    float weights[31];
    float sums[9 * GRAPH_WIDTH];
    float doubled[31];
    float *outputs[] = {sums, doubled};
    case_numbers(weights, 31, 4);
    const mb_predictor_input inputs[] = {{.dense = batch.features}, {.dense = weights}};
    const mb_predictor_edges edges = {31, batch.source, batch.destination};
    assert_int_equal(mb_predictor_run_graph(predictor, scratch, inputs, 9, &edges, outputs), MB_OK);
    double wanted[9 * GRAPH_WIDTH] = {0};
    for (size_t e = 0; e < 31; e++) {
        assert_true(doubled[e] == 2 * weights[e]);
        for (size_t c = 0; c < GRAPH_WIDTH; c++) {
            wanted[batch.destination[e] * GRAPH_WIDTH + (int)c] +=
                (double)weights[e] * (double)batch.features[batch.source[e] * GRAPH_WIDTH + (int)c];
        }
    }
    for (size_t i = 0; i < MB_COUNT_OF(wanted); i++) {
        assert_true(fabs((double)sums[i] - wanted[i]) < 1e-5);
    }
    mb_release(world.ctx, scratch);
    mb_predictor_destroy(predictor);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

static void run_each(const mb_predictor *predictor, void *scratch, const graph_batch *batch,
    size_t width, float *out) {
    for (size_t g = 0; g < batch->n; g++) {
        const mb_predictor_input input = {.dense = batch->features + batch->nodes[g] * GRAPH_WIDTH};
        const mb_predictor_edges edges = {batch->edges[g + 1] - batch->edges[g],
            batch->source + batch->edges[g], batch->destination + batch->edges[g]};
        float *to = out + batch->nodes[g] * width;
        assert_int_equal(mb_predictor_run_graph(predictor, scratch, &input,
                             batch->nodes[g + 1] - batch->nodes[g], &edges, &to),
            MB_OK);
    }
}

static void test_graph__a_predictor_takes_event_after_event(void **state) {
    (void)state;
    graph_batch batch;
    mb_model *model = NULL;
    mb_predictor *predictor = NULL;
    float wanted[2 * 64] = {0};
    float got[2 * 64] = {0};
    graph_batch_make(world.ctx, N_GRAPHS, n_nodes, n_edges, 9, &batch);
    graph_model(world.ctx, two_convolutions, &model);
    graph_predict(world.ctx, model, &batch, wanted);
    const mb_predictor_settings settings = {.max_nodes = 12, .max_edges = 40};
    assert_fails(world.ctx, mb_predictor_create(world.ctx, model, NULL, &predictor), MB_ERR_ARG,
        "works with nodes; say in the settings how many");
    assert_ok(world.ctx, mb_predictor_create(world.ctx, model, &settings, &predictor));
    assert_int_equal(mb_predictor_n_kinds(predictor), 1);
    assert_string_equal(mb_predictor_kind(predictor, 0), "edges.pred");
    assert_null(mb_predictor_kind(predictor, 1));
    void *scratch = mb_allocate(world.ctx, mb_predictor_scratch_bytes(predictor), 1);
    assert_non_null(scratch);
    const uint64_t before = mb_runtime_allocations(world.runtime);
    run_each(predictor, scratch, &batch, 2, got);
    assert_int_equal(mb_runtime_allocations(world.runtime), before);
    mb_test_assert_same_bits(got, wanted, batch.n_nodes * 2, sizeof(float), "outputs");
    const mb_predictor_input input = {.dense = batch.features};
    const int32_t end = 3;
    const mb_predictor_edges outside = {1, &end, &end};
    const mb_predictor_edges many = {41, batch.source, batch.destination};
    float *to = got;
    assert_int_equal(
        mb_predictor_run_graph(predictor, scratch, &input, 3, &outside, &to), MB_ERR_ARG);
    assert_int_equal(
        mb_predictor_run_graph(predictor, scratch, &input, 12, &many, &to), MB_ERR_ARG);
    assert_int_equal(
        mb_predictor_run_graph(predictor, scratch, &input, 13, &outside, &to), MB_ERR_ARG);
    assert_int_equal(mb_predictor_run(predictor, scratch, &input, 1, &to), MB_ERR_ARG);
    mb_release(world.ctx, scratch);
    mb_predictor_destroy(predictor);
    mb_model_destroy(model);
    graph_batch_free(&batch);
}

static mb_status try_model(const char *kind, const char *options, bool is_event) {
    mb_value_type type = {.rank = 1, .dim = {4}};
    mb_model *model = NULL;
    mb_layer *layer = NULL;
    size_t value = 0;
    assert_ok(world.ctx, mb_model_begin(world.ctx, "graph", &model));
    if (!is_event) {
        assert_ok(world.ctx, mb_model_add_axis(world.ctx, model, "nodes", 0, &type.axis));
    }
    assert_ok(world.ctx, mb_model_add_input(world.ctx, model, "x", &type, &value));
    mb_status status = case_add_layer(world.ctx, model, kind, "l", options, &layer);
    const size_t inputs[] = {value, value};
    if (status == MB_OK) {
        status = mb_model_call(world.ctx, model, layer, inputs, layer->ops->least_inputs, &value);
    }
    mb_model_destroy(model);
    return status;
}

static void test_graph__wrong_axes_are_refused_by_name(void **state) {
    (void)state;
    assert_fails(world.ctx, try_model("gather", "{}", true), MB_ERR_SHAPE,
        "layer l: gather takes rows of nodes, but has rows of events");
    assert_fails(world.ctx, try_model("edge_softmax", "{}", false), MB_ERR_SHAPE,
        "layer l: takes rows of edges, but has rows of nodes");
    assert_fails(world.ctx, try_model("weighted_sum", "{}", false), MB_ERR_SHAPE,
        "layer l: takes [nodes, weights] with one weight for each of edges.pred");
    assert_fails(world.ctx, try_model("graph_conv", "{\"units\": 2}", false), MB_ERR_UNSUPPORTED,
        "graph_conv is short for a chain of layers");
}

static void test_graph__a_plan_for_events_alone_refuses_nodes(void **state) {
    (void)state;
    const mb_plan_settings settings = {.max_rows = 1};
    mb_model *model = NULL;
    mb_plan *plan = NULL;
    graph_model(world.ctx, two_convolutions, &model);
    assert_fails(world.ctx, mb_plan_create(world.ctx, model, &settings, &plan), MB_ERR_UNSUPPORTED,
        "works with nodes");
    assert_null(plan);
    mb_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph__edges_are_sorted_by_destination_then_as_stored),
        cmocka_unit_test(test_graph__an_edge_to_no_node_is_refused_by_event_and_edge),
        cmocka_unit_test(test_graph__a_few_graphs_are_sorted_as_all_are),
        cmocka_unit_test(test_graph__gather_gives_both_ends_in_stored_order),
        cmocka_unit_test(test_graph__a_convolution_is_its_formula),
        cmocka_unit_test(test_graph__a_chain_that_is_written_out_is_the_short_form),
        cmocka_unit_test(test_graph__gradients_are_those_of_differences),
        cmocka_unit_test(test_graph__bits_do_not_depend_on_threads_or_instructions),
        cmocka_unit_test(test_graph__isolated_nodes_are_updated_or_zero),
        cmocka_unit_test(test_graph__a_batch_without_nodes_moves_nothing),
        cmocka_unit_test(test_graph__numbers_of_edges_come_and_go_in_stored_order),
        cmocka_unit_test(test_graph__a_predictor_takes_event_after_event),
        cmocka_unit_test(test_graph__wrong_axes_are_refused_by_name),
        cmocka_unit_test(test_graph__a_plan_for_events_alone_refuses_nodes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
