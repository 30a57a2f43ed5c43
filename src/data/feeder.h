// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DATA_FEEDER_H
#define DATA_FEEDER_H

#include "data/dataset.h"

// Fills batches: rows of a dataset, in any order, as the network takes them. Buffers are made once
// and used again.

// One input of a batch: dense rows, or index lists with background 0 (as mb_input of the network).
typedef struct mb_feed_input {
    const float *dense;     // rows (of its column's axis) x size; NULL when sparse
    const uint32_t *row;    // where each row is in dense, counted in rows; NULL: in order
    const uint32_t *offset; // rows + 1
    const uint32_t *index;
    const float *value;
} mb_feed_input;

typedef struct mb_feeder_settings {
    const mb_dataset *dataset;
    size_t n_inputs;
    const mb_column *const *inputs; // in the model's order
    const mb_column *target;        // NULL: none
    size_t n_classes; // > 0: the target's integer labels become one-hot rows of so many floats each
    const mb_column *sample_weight; // one number a row; NULL: dataset->weight, or 1
    size_t n_class_weights;         // 0: none
    const float *class_weights;     // by label (of a one-hot row: the largest element's index)
    size_t max_rows;
    // Axes of the dataset whose rows are counted in every batch, those of the inputs among them;
    // the first is that of events, NULL. 0: no input has rows of another.
    size_t n_axes;
    const mb_dataset_axis *const *axes;
    // Dense float32 inputs stay where they are in the dataset, found by row number; the same of the
    // target, which is then read by mb_feeder_target_row alone.
    bool leaves_rows, leaves_target;
} mb_feeder_settings;

// The class of a row by its target, Keras's rule: the label itself, or the place of the largest of
// several numbers.
size_t mb_feeder_class(const float *target, size_t size);

typedef struct mb_feeder mb_feeder;

// Settings are copied; dataset and columns must outlive the feeder. The caller owns *out.
mb_status mb_feeder_create(
    mb_context *ctx, const mb_feeder_settings *settings, mb_feeder **out) MB_MUST_CHECK;
void mb_feeder_destroy(mb_feeder *feeder);
// Fills n <= max_rows rows, dense columns on all threads. Fails with RANGE for a label that is not
// an integer in [0, n_classes).
mb_status mb_feeder_fill(
    mb_feeder *feeder, mb_context *ctx, const uint32_t *rows, size_t n) MB_MUST_CHECK;
// Of the last fill, whose row numbers may be used, too; borrowed until the next.
const mb_feed_input *mb_feeder_inputs(const mb_feeder *feeder);
const float *mb_feeder_target(const mb_feeder *feeder); // rows x target size; NULL without target
const float *mb_feeder_target_row(const mb_feeder *feeder, size_t i); // of the fill's row i
const float *mb_feeder_weights(const mb_feeder *feeder); // per row; NULL when all are 1

// Of an axis (a place in the settings' list): where each row's part of the batch begins, rows + 1.
const size_t *mb_feeder_offset(const mb_feeder *feeder, size_t axis);

// The order of rows in an epoch: rows copied into order and shuffled by (seed, epoch).
void mb_feeder_shuffle(
    const uint32_t *rows, size_t n, uint64_t seed, size_t epoch, uint32_t *order);

#endif
