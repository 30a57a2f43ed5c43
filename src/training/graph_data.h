// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_GRAPH_DATA_H
#define TRAINING_GRAPH_DATA_H

#include "data/feeder.h"
#include "network/layer.h"

// The axes that a model works with, as a dataset has them. The relations of their edges are sorted
// once for all batches of a training; for a prediction with each batch, on its thread: the network
// then finds them in its cache.
typedef struct mb_graph_data {
    size_t n_axes;
    const mb_dataset_axis *axes[MB_MOST_AXES]; // of events: NULL
    mb_graph_edges edges[MB_MOST_AXES];        // as they are stored; of edges alone
    size_t nodes[MB_MOST_AXES];                // which axis edges join
    mb_graph_set *sets[MB_MOST_AXES];          // of edges, in a training
    bool is_training;
    size_t n_rows;
} mb_graph_data;

// is_training: relations serve a way back, too. Fails with SHAPE, naming the axis, where the data
// has none such. On failure nothing is to be
// closed.
mb_status mb_graph_data_open(mb_context *ctx, const mb_model *model, const mb_dataset *dataset,
    bool is_training, mb_graph_data *out) MB_MUST_CHECK;
void mb_graph_data_close(mb_graph_data *data);
// The most rows of every axis that n events can have.
mb_status mb_graph_data_most(
    mb_context *ctx, const mb_graph_data *data, size_t n, size_t most[MB_MOST_AXES]) MB_MUST_CHECK;

// The rows of a batch, as a plan takes them.
typedef struct mb_graph_batch {
    mb_axis_rows axes[MB_MOST_AXES];
    const mb_graph **graphs[MB_MOST_AXES]; // max_rows each
    mb_graph_set *sets[MB_MOST_AXES];      // in a prediction, the batch's own
} mb_graph_batch;
mb_status mb_graph_batch_open(
    mb_context *ctx, const mb_graph_data *data, size_t max_rows, mb_graph_batch *out) MB_MUST_CHECK;
void mb_graph_batch_close(mb_graph_batch *batch, mb_runtime *runtime);
// In a prediction, before it is filled with these rows: sorts their edges. Fails with RANGE, naming
// event and edge, for an end that is no node.
mb_status mb_graph_batch_sort(mb_context *ctx, mb_graph_batch *batch, const mb_graph_data *data,
    const uint32_t *rows, size_t n) MB_MUST_CHECK;
// Of the feeder's last fill, which was of these rows.
void mb_graph_batch_fill(mb_graph_batch *batch, const mb_graph_data *data, const mb_feeder *feeder,
    const uint32_t *rows, size_t n);

#endif
