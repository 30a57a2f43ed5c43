// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_KERAS_HISTORY_H
#define STUDY_KERAS_HISTORY_H

#include "files/pickle.h"
#include "measure/values.h"

// history.pkl beside a model of Keras: the dictionary History.history, a list of one number an
// epoch for each of loss, accuracy, val_loss, val_accuracy and others (auc, lr ..).
typedef struct mb_keras_history {
    mb_pickle pickle; // whose arena holds all
    size_t n;         // epochs
    size_t n_columns;
    const char **names; // in the file's order
    double **columns;   // of n numbers each
} mb_keras_history;

// The caller clears *out, also after a failure. Fails as mb_pickle_read does, and with FORMAT
// naming the key where the dictionary is no history.
mb_status mb_keras_history_read(
    mb_keras_history *out, mb_context *ctx, const char *path) MB_MUST_CHECK;
void mb_keras_history_clear(mb_keras_history *history);
// Without values where there is none. Borrowed.
mb_values mb_keras_history_column(const mb_keras_history *history, const char *name);

#endif
