// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_COLUMNS_H
#define DETECTOR_CONCENTRATOR_COLUMNS_H

#include "detector/concentrator/rows.h"

// Makes a dataset of the rows, which lose their memory to it. The image's column comes first, then
// with wants_label the target. Split and weights are left to the caller.
mb_status mb_calq_columns_make(mb_context *ctx, const mb_calq_settings *settings,
    mb_calq_rows *rows, bool wants_label, mb_dataset *out) MB_MUST_CHECK;
// Sample weights of the dataset from its rows for training: 1 / (rows of the same largest charge) /
// (rows with as many cells above a MIPT), 50 bins each, times the number that makes their mean over
// these rows 1. A bin without rows for training counts as one with one.
mb_status mb_calq_weights_set(mb_context *ctx, mb_dataset *dataset) MB_MUST_CHECK;

#endif
