// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_PLAN_H
#define NETWORK_PLAN_H

#include "network/layer.h"

// Plan, reserve, then run without allocating. A plan turns a model into steps over blocks of rows
// and lays out all memory.

typedef struct mb_plan mb_plan;

typedef struct mb_plan_settings {
    bool is_training;
    // In training: gradients of the network as it predicts (no random numbers, moving averages of
    // normalisations, no barrier between rows), by its inputs too.
    bool is_frozen;
    // In training: a batch is one chunk, for calls from inside of parallel work.
    bool is_one_chunk;
    size_t max_rows;           // of a batch (training) or of one call (prediction)
    const bool *sparse_inputs; // per model input; NULL: all dense, as is_frozen wants them
    // Per axis of the model: the most rows that a batch (training) or one event (prediction) has;
    // and in training that one event has. NULL: the model has events only.
    const size_t *axis_rows, *event_rows;
} mb_plan_settings;

// Makes the plan of a finished model, which must outlive it. Parameters are loaded separately.
mb_status mb_plan_create(mb_context *ctx, const mb_model *model, const mb_plan_settings *settings,
    mb_plan **out) MB_MUST_CHECK;
void mb_plan_destroy(mb_plan *plan);
// Whether dense inputs may be given with row numbers (mb_input.row); else the caller gathers them.
bool mb_plan_takes_row_numbers(const mb_plan *plan);
// Packs parameters (model->n_parameters floats in layer order) for the kernels and works out the
// response to the empty event. Not while another thread runs the plan.
void mb_plan_load(mb_plan *plan, const float *parameters);

// Prediction on the calling thread: scratch (mb_plan_scratch_bytes, aligned to 64) is the caller's;
// nothing is allocated and the plan is only read, so any number of threads may predict with scratch
// of their own. outputs[i]: n_rows x row size. n_rows <= max_rows.
size_t mb_plan_scratch_bytes(const mb_plan *plan);
void mb_plan_predict(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    float *const *outputs);

// The same of events with nodes and edges: per axis of the model its rows. Values of edges, in
// inputs and outputs, are in stored order.
void mb_plan_predict_graphs(const mb_plan *plan, void *scratch, const mb_input *inputs,
    const mb_axis_rows *axes, size_t n_rows, float *const *outputs);

// Multiply-adds of the steps that count them, of a prediction of these rows and without sparsity;
// scratch and inputs as there.
void mb_plan_work(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    uint64_t *done, uint64_t *full);

// Called on each block of rows (from any worker): reads outputs[i] (n_rows x row size), writes
// d_outputs[i], the gradient of the batch's loss. first_row counts in the batch. Rows are events;
// of an output of nodes there are as many values as these events have nodes.
typedef void (*mb_loss_fn)(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs);

// The same on a tile of samples in lanes (kernels/lanes.h), n_rows <= MB_SAMPLES of them: gradients
// of the others are to be 0. room[i]: a tile of the size of outputs[i], for the caller's use.
typedef void (*mb_lane_loss_fn)(void *user, size_t first_row, size_t n_rows,
    const float *const *outputs, float *const *d_outputs, float *const *room);

typedef struct mb_train_batch {
    const mb_input *inputs;   // per model input
    const mb_axis_rows *axes; // per axis of the model; NULL: it has events only
    size_t n_rows;
    uint64_t seed;
    uint32_t step;
    float *parameters; // the flat parameters that were loaded: moving averages are updated in place
    // Of a frozen plan: per model input n_rows x row size, filled with the gradient by it; a row's
    // gradient is that of what the loss asked for of this row. NULL: not wanted.
    float *const *input_gradients;
    mb_lane_loss_fn loss_in_lanes; // called instead by plans that work in lanes; NULL: rows
} mb_train_batch;

// Lays out the training memory for max_rows and the runtime's threads. Later mb_plan_gradient calls
// allocate nothing.
mb_status mb_plan_reserve(mb_context *ctx, mb_plan *plan) MB_MUST_CHECK;
// Only finds out how much that would be: mb_plan_training_bytes.
mb_status mb_plan_lay_out(mb_context *ctx, mb_plan *plan) MB_MUST_CHECK;
// One forward and backward pass over a batch on all threads. gradient (n_parameters) is overwritten
// with the sum over rows of what the loss asked for (the loss divides by the batch size itself).
// The bits do not depend on threads or instruction set. Fails with ARG for more rows than reserved.
mb_status mb_plan_gradient(mb_context *ctx, mb_plan *plan, const mb_train_batch *batch,
    mb_loss_fn loss, void *user, float *gradient) MB_MUST_CHECK;

// For people: the steps, kernels, bytes of scratch, multiply-adds per row, and in which steps
// sparsity skips some (how many depends on the rows: mb_plan_work).
void mb_plan_describe(const mb_plan *plan, mb_buffer *out);
size_t mb_plan_training_bytes(const mb_plan *plan);

#endif
