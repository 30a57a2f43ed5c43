// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_HISTORY_H
#define STUDY_HISTORY_H

#include "measure/values.h"

// history.csv of a training, as figures take it. Columns that are not there have no values.
typedef struct mb_history {
    mb_runtime *runtime;
    double *numbers;
    size_t n; // epochs
    mb_values epoch, loss, accuracy, val_loss, val_accuracy;
} mb_history;

// Of the folder of a training. The caller clears *out, also after a failure.
mb_status mb_history_read(mb_history *out, mb_context *ctx, const char *directory) MB_MUST_CHECK;
void mb_history_clear(mb_history *history);

#endif
