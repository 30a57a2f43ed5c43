// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_PREPARE_AXES_H
#define STUDY_PREPARE_AXES_H

#include "data/dataset.h"
#include "files/hdf5.h"

// The axes of graphs in prepared files: /node_offset, /edge_offset (row 0 pred, row 1 loss) and
// /true_offset (graphs + 1), /edges/NAME (2, edges): source and destination, counted in the graph.
// As .npy: the same names, edges_NAME.npy.

mb_status mb_prepare_axes_h5(
    mb_context *ctx, mb_h5_writer *writer, const mb_dataset *dataset) MB_MUST_CHECK;
mb_status mb_prepare_axes_npy(
    mb_context *ctx, const char *directory, const mb_dataset *dataset) MB_MUST_CHECK;

#endif
