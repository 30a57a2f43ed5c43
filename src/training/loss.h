// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_LOSS_H
#define TRAINING_LOSS_H

#include "base/options.h"

// Losses with Keras's names and arithmetic: a row's loss is a float32 mean over its positions (all
// but the last axis), a batch's is the weighted sum of its rows divided by its number of rows.

// What one row of the target holds, given one row of the output of n values in groups of channels.
typedef enum mb_target_kind {
    MB_TARGET_SAME,    // n values
    MB_TARGET_ONE_HOT, // n values; n / channels integer labels are spread into them
    MB_TARGET_LABELS,  // n / channels integer labels
} mb_target_kind;

typedef struct mb_loss_ops {
    const char *name;       // "binary_crossentropy"
    const char *class_name; // Keras's class, "BinaryCrossentropy"
    const char *alias;      // a short form, or NULL
    const char *help;
    const mb_option *options;
    size_t options_size;
    mb_target_kind target;
    // The loss of one row and its gradient by the output (n values, overwritten; NULL: not wanted).
    float (*row)(const void *options, const float *target, const float *output, size_t n,
        size_t channels, float *gradient);
} mb_loss_ops;

#define MB_LOSS(name) extern const mb_loss_ops mb_loss_##name;
#include "training/losses/loss_list.h"
#undef MB_LOSS

extern const mb_loss_ops *const mb_loss_list[]; // NULL-terminated
// By name, class name or short form; NULL when there is none.
const mb_loss_ops *mb_loss_find(const char *name);

// A loss with its options, which live in the document that it was read from.
typedef struct mb_loss {
    const mb_loss_ops *ops;
    const void *options;
} mb_loss;

// Reads "mse" or {huber: {delta: 2}}.
mb_status mb_loss_read(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_loss *out) MB_MUST_CHECK;

#endif
