// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_NETWORK_GRAPH_CASES_H
#define TESTS_NETWORK_GRAPH_CASES_H

#include "cases.h"

// A batch of small graphs, some of them empty or without edges, and models that work with them.

enum { GRAPH_MOST = 8, GRAPH_WIDTH = 6 };

typedef struct graph_batch {
    mb_graph_set *set;
    size_t n, n_nodes, n_edges;
    uint64_t node_offset[GRAPH_MOST + 1], edge_offset[GRAPH_MOST + 1];
    size_t nodes[GRAPH_MOST + 1], edges[GRAPH_MOST + 1];
    const mb_graph *graph[GRAPH_MOST];
    mb_axis_rows axes[3]; // events, nodes, edges.pred
    int32_t *source, *destination;
    float *features; // n_nodes x GRAPH_WIDTH
} graph_batch;

// Graph i has n_nodes[i] nodes and n_edges[i] edges, drawn from a seed.
void graph_batch_make(mb_context *ctx, size_t n, const size_t *n_nodes, const size_t *n_edges,
    uint64_t seed, graph_batch *out);
void graph_batch_free(graph_batch *batch);

// What is added to a model: values by number, from that of the features on.
typedef struct graph_layer {
    const char *kind, *name, *options; // JSON
    int inputs[2];                     // -1: none; 0: the features; i: what layer i - 1 gave
} graph_layer;
// kind NULL ends the list; a short form is expanded.
void graph_model(mb_context *ctx, const graph_layer *layers, mb_model **out);

// Predicts all events on the calling thread. out: rows of the output.
void graph_predict(mb_context *ctx, const mb_model *model, const graph_batch *batch, float *out);

// One training step with the loss sum(output * factors): outputs, and the gradient.
typedef struct graph_step {
    const float *factors;
    size_t out_size;
    const size_t *offset; // of the output's axis
    float *outputs, *gradient;
} graph_step;
void graph_train(mb_context *ctx, mb_model *model, const graph_batch *batch, graph_step *step);
void graph_step_free(graph_step *step);

#endif
