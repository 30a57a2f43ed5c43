// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_PREDICTOR_H
#define MINBIAS_PREDICTOR_H

#include "minbias/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// Prediction inside another program: made once, then run by any number of threads at the same time,
// each with scratch memory of its own. Running allocates nothing and takes no lock.
typedef struct mb_predictor mb_predictor;

// The values of one model input for a call's events.
typedef struct mb_predictor_input {
    const float *dense; // events x row size in C order; NULL for a sparse input
    // Sparse: of event i the entries offset[i] .. offset[i + 1], index rising within an event and
    // below the row size; all other values are 0. offset has one number more than there are events.
    const uint32_t *offset;
    const uint32_t *index;
    const float *value;
} mb_predictor_input;

typedef struct mb_predictor_settings {
    size_t max_events;         // of one call; 0: 1
    const bool *sparse_inputs; // per model input: it comes as a sparse input; NULL: all dense
    // Of a model that works with nodes and edges: the most that one event has, and of one kind of
    // edges.
    size_t max_nodes, max_edges;
} mb_predictor_settings;

// Makes a predictor of a model, which must outlive it. settings may be NULL. The caller owns *out;
// on failure it is NULL. Fails with MEMORY, UNSUPPORTED, LIMIT.
MB_API mb_status mb_predictor_create(mb_context *ctx, const mb_model *model,
    const mb_predictor_settings *settings, mb_predictor **out) MB_MUST_CHECK;
MB_API void mb_predictor_destroy(mb_predictor *predictor);
// Bytes of scratch a running thread hands in, aligned to 64 bytes.
MB_API size_t mb_predictor_scratch_bytes(const mb_predictor *predictor);
// Predicts n_events <= max_events. inputs: one per model input; outputs[i]: n_events x row size of
// output i, written. Fails with ARG, having written nothing, when n_events is too large, a pointer
// is missing, the scratch is not aligned or a sparse input is not as described above. 0 events are
// legal.
MB_API mb_status mb_predictor_run(const mb_predictor *predictor, void *scratch,
    const mb_predictor_input *inputs, size_t n_events, float *const *outputs) MB_MUST_CHECK;

// The edges of one kind that an event has, each from a node to a node, counted from 0.
typedef struct mb_predictor_edges {
    size_t n;
    const int32_t *source, *destination;
} mb_predictor_edges;

// Of a model that works with graphs: how many kinds of edges its layers use, and their names
// ("edges.pred"); borrowed, NULL for an index out of range.
MB_API size_t mb_predictor_n_kinds(const mb_predictor *predictor);
MB_API const char *mb_predictor_kind(const mb_predictor *predictor, size_t kind);
// Predicts one event of n_nodes nodes. edges: one for each kind; inputs[i].dense: a row for each
// node, or for each edge in the order given; outputs alike. Fails with ARG, having written nothing,
// for more nodes or edges than the settings allow, an edge to no node, or a missing pointer. No
// nodes and no edges are legal.
MB_API mb_status mb_predictor_run_graph(const mb_predictor *predictor, void *scratch,
    const mb_predictor_input *inputs, size_t n_nodes, const mb_predictor_edges *edges,
    float *const *outputs) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
