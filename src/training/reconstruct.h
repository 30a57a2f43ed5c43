// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_RECONSTRUCT_H
#define TRAINING_RECONSTRUCT_H

#include "data/dataset.h"
#include "network/model.h"

// What an autoencoder misses: the mean over all numbers of an event of (x - x')^2, x' the model's
// output for x. Of the calorimeter's teacher this is its anomaly score (counts of ET squared).

// Fails with SHAPE when the model is no autoencoder of the column: one input, one output of as many
// numbers.
mb_status mb_reconstruction_check(
    mb_context *ctx, const mb_model *model, const mb_dataset *dataset) MB_MUST_CHECK;
// The errors of n rows into out, on all threads. The sum of a row is made in double, in the order
// of its numbers. Fails as mb_reconstruction_check.
mb_status mb_reconstruction_errors(mb_context *ctx, const mb_model *model, const float *parameters,
    const mb_dataset *dataset, const uint32_t *rows, size_t n, float *out) MB_MUST_CHECK;

#endif
