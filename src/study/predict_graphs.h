// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_PREDICT_GRAPHS_H
#define STUDY_PREDICT_GRAPHS_H

#include "data/dataset.h"
#include "network/model.h"

// The axes that a model works with, from a file of arrays with the names of a prepared one:
// node_offset, edge_offset (rows pred, loss), true_offset, or NAME_offset of other edges; and
// edges/NAME (2, edges). Sets the dataset's rows. Fails with SHAPE, FORMAT or RANGE, naming the
// array.
mb_status mb_predict_read_axes(
    mb_context *ctx, const mb_model *model, const char *path, mb_dataset *dataset) MB_MUST_CHECK;

#endif
