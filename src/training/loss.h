// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_LOSS_H
#define TRAINING_LOSS_H

#include "base/options.h"
#include "network/model.h"

// Losses with Keras's names and arithmetic: a row's loss is a float32 mean over its positions (all
// but the last axis), a batch's is the weighted sum of its rows divided by its number of rows.

typedef struct mb_lane_kernels mb_lane_kernels; // kernels/lanes.h

// What one row of the target holds, given one row of the output of n values in groups of channels.
typedef enum mb_target_kind {
    MB_TARGET_SAME,    // n values
    MB_TARGET_ONE_HOT, // n values; n / channels integer labels are spread into them
    MB_TARGET_LABELS,  // n / channels integer labels
    MB_TARGET_PAIRS,   // one number for each of the pairs of nodes that an event has
} mb_target_kind;

// A loss over pairs of nodes, the edges of an axis of the data. A batch's is the mean over its
// pairs.
typedef struct mb_pairs_of_loss {
    const char *edges; // "loss": the axis is edges.loss
    float margin;      // mb_pair_loss in kernels/graph.h
} mb_pairs_of_loss;

// What a loss is opened for.
typedef struct mb_loss_site {
    size_t n, channels;      // of a row of the output
    const mb_model *network; // that judges rows, with its parameters; NULL: none
} mb_loss_site;

// Another spelling of a loss with one of its options set.
typedef struct mb_loss_spelling {
    const char *text, *option, *value;
} mb_loss_spelling;

// Rows that a loss may be given in one call.
enum { MB_LOSS_ROWS = 16 };

typedef struct mb_loss_ops {
    const char *name;       // "binary_crossentropy"
    const char *class_name; // Keras's class, "BinaryCrossentropy"
    const char *alias;      // a short form, or NULL
    const char *help;
    const mb_option *options;
    size_t options_size;
    mb_target_kind target;
    bool takes_probabilities;          // targets outside 0..1 are a mistake
    const mb_loss_spelling *spellings; // ended by text NULL; NULL: none
    const char *prefix;                // "emd:NAME" is short for the loss with ...
    const char *prefix_option;         // ... this option set to NAME; NULL: no such form
    // Of losses that need more than their options (tables, memory): made once for a fit, row and
    // rows then get the state in place of options, and may be called by any number of threads.
    // NULL: none. Fails with SHAPE where the output does not fit. close takes NULL, too.
    mb_status (*open)(mb_context *ctx, const void *options, const mb_loss_site *site, void **state);
    void (*close)(mb_runtime *runtime, void *state);
    // Of a loss with MB_TARGET_PAIRS, in place of row.
    mb_pairs_of_loss (*pairs)(const void *options);
    // The loss of one row and its gradient by the output (n values, overwritten; NULL: not wanted).
    float (*row)(const void *options, const float *target, const float *output, size_t n,
        size_t channels, float *gradient);
    // In place of row, n_rows (at most MB_LOSS_ROWS) at a time: outputs and gradients (NULL: not
    // wanted) are one row behind the other, loss (n_rows) gets their losses. NULL: row by row.
    void (*rows)(void *state, size_t n_rows, const float *const *targets, const float *outputs,
        float *loss, float *gradients);
    // A network is to be given in mb_loss_site: what the options call it. NULL: none is.
    const char *(*network)(const void *options);
    // The same of MB_SAMPLES rows in lanes (kernels/lanes.h), with the bits of row: one loss a
    // sample. Padding lanes may hold anything. NULL: rows alone.
    void (*lanes)(const void *options, const mb_lane_kernels *kernels, const float *target,
        const float *output, size_t n, size_t channels, float *loss, float *gradient);
} mb_loss_ops;

#define MB_LOSS(name) extern const mb_loss_ops mb_loss_##name;
#include "training/losses/loss_list.h"
#undef MB_LOSS

extern const mb_loss_ops *const mb_loss_list[]; // NULL-terminated
// By name, class name, short form or other spelling; NULL when there is none.
const mb_loss_ops *mb_loss_find(const char *name);

// A loss with its options, which live in the document that it was read from.
typedef struct mb_loss {
    const mb_loss_ops *ops;
    const void *options;
} mb_loss;

// Reads "mse", {huber: {delta: 2}}, or a spelling with an option in it ("telescopeMSE8x8").
mb_status mb_loss_read(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_loss *out) MB_MUST_CHECK;

#endif
