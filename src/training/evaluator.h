// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_EVALUATOR_H
#define TRAINING_EVALUATOR_H

#include "data/feeder.h"
#include "network/plan.h"
#include "training/graph_data.h"

// Prediction of many rows of a dataset on all threads, block by block.
typedef struct mb_evaluator mb_evaluator;

// Called once per block, from any worker: n rows from row first of the run on. feeder holds their
// targets and weights, outputs[i] their values of output i.
typedef mb_status (*mb_block_fn)(void *user, mb_context *ctx, size_t first, size_t n,
    const mb_feeder *feeder, const float *const *outputs);

// The settings' max_rows is chosen here. graphs: of the model and the settings' dataset, whose axes
// the settings have; they outlive the evaluator. NULL where the model has events only. The caller
// owns *out.
mb_status mb_evaluator_create(mb_context *ctx, const mb_model *model,
    const mb_feeder_settings *settings, const mb_graph_data *graphs,
    mb_evaluator **out) MB_MUST_CHECK;
void mb_evaluator_destroy(mb_evaluator *evaluator);
mb_status mb_evaluator_run(mb_evaluator *evaluator, mb_context *ctx, const float *parameters,
    const uint32_t *rows, size_t n, mb_block_fn block, void *user) MB_MUST_CHECK;

// The dataset's columns for the model's inputs (columns: one per input): by name, or in order where
// none has an input's name. Fails with SHAPE, naming both shapes.
mb_status mb_match_inputs(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    const mb_column **columns) MB_MUST_CHECK;

#endif
