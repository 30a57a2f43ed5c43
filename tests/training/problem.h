// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TRAINING_PROBLEM_H
#define TESTS_TRAINING_PROBLEM_H

#include "testing.h"

#include "training/fit.h"

// A small training with everything in it: a sparse image and three dense numbers a row, two
// branches, batch normalisation and dropout, a label that the image decides.
typedef struct problem {
    mb_document document;
    mb_dataset dataset;
    mb_model *model;
    float *parameters;
    mb_train train;
    uint32_t *train_rows, *validation_rows;
    size_t n_train, n_validation;
    mb_fit_request request;
} problem;

enum { PROBLEM_ROWS = 120 };

// train_text: the `train:` map.
void problem_open(problem *p, mb_context *ctx, const char *train_text);
void problem_close(problem *p, mb_context *ctx);
// The dense column "extra" or the target, to spoil.
float *problem_column(problem *p, const char *name);

// A model: input "x" of n_inputs numbers, dense 5 relu (with an l2 penalty), dense n_outputs.
void problem_dense_model(mb_context *ctx, mb_document *document, size_t n_inputs, size_t n_outputs,
    double l2, mb_model **out);
// A dense column of n_rows x size floats.
float *problem_add_dense(
    mb_dataset *dataset, mb_context *ctx, const char *name, mb_column_role role, size_t size);

// Keeps deep copies of the checkpoints of a fit.
typedef struct checkpoint_log {
    mb_bundle bundles[256];
    size_t n;
} checkpoint_log;
mb_status checkpoint_keep(void *user, mb_context *ctx, const mb_bundle *bundle);
void checkpoint_clear(checkpoint_log *log);

#endif
