// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_TRAINING_H
#define DRAW_FIGURES_TRAINING_H

#include "draw/gallery.h"
#include "measure/values.h"

// The history of one fit. Members without values are left out.
typedef struct mb_training_columns {
    const char *title;        // of the fit; NULL: none
    mb_values epoch;          // n = 0: 1, 2, 3 ...
    mb_values loss, val_loss; // on the left, logarithmic
    mb_values val_accuracy;   // on the right, 0 .. 1
    double best_epoch;        // gets a line; 0 or NaN: none
} mb_training_columns;

// Figure name (such as "training"): losses on a logarithmic axis and the validation accuracy on a
// second one, against the epoch. Where a loss is not positive its axis is linear.
mb_status mb_draw_training(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_training_columns *fit) MB_MUST_CHECK;

// Figure name (such as "trainings"): the same small for many fits, n_columns side by side (0:
// chosen), with one legend.
mb_status mb_draw_trainings(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_training_columns *fits, size_t n, size_t n_columns) MB_MUST_CHECK;

#endif
