// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_FIT_H
#define TRAINING_FIT_H

#include "base/bundle.h"
#include "data/dataset.h"
#include "data/split.h"
#include "network/model.h"
#include "training/callback.h"
#include "training/loss.h"
#include "training/metric.h"
#include "training/optimizer.h"

#include <stdatomic.h>

// The training loop: from a model, initial parameters and the rows of a dataset to trained
// parameters and a history.

// The keys of `train:`. The nodes are read by mb_train_read.
typedef struct mb_train_options {
    const mb_node *loss, *optimizer, *callbacks, *validation, *class_weight;
    mb_texts metrics;
    size_t batch, epochs;
    bool shuffle, drop_last, clip_quantized;
    const char *sample_weight; // a column of one number a row, or NULL
    double clip_norm;
    size_t repeats, folds, jobs; // for the study: how many fits, and how many at a time
    const char *weights_dir;     // for the study: a folder of trained models, or ""
    size_t max_rows;             // for the study: training rows used; 0: all
    bool retrain, eval_only;     // for studies on modules: what becomes of weights that are there
    double checkpoint_seconds;
    size_t checkpoint_steps; // 0: none within an epoch
} mb_train_options;
extern const mb_option mb_train_option_table[];

typedef struct mb_class_weights {
    size_t n; // 0: none
    const float *weight;
    const bool *is_named; // by the study, which must not name one that no row is of; NULL: none is
} mb_class_weights;

// A `train:` map, read and checked. Lives as long as the document.
typedef struct mb_train {
    mb_train_options options;
    mb_loss loss;
    mb_optimizer_choice optimizer;
    mb_metric metrics[MB_MOST_METRICS];
    size_t n_metrics;
    mb_callback_choice callbacks[MB_MOST_CALLBACKS];
    size_t n_callbacks;
    mb_part validation; // a fraction of the rows that are not for testing
    mb_class_weights class_weights;
} mb_train;

// node NULL: all defaults. Errors are FILE:LINE with the nearest name.
mb_status mb_train_read(
    mb_context *ctx, mb_document *document, const mb_node *node, mb_train *out) MB_MUST_CHECK;
// With every default written out, for a run's stored study.
mb_node *mb_train_to_node(mb_context *ctx, mb_document *document, const mb_train *train);

typedef struct mb_fit_progress {
    size_t epoch, n_epochs;              // epoch from 0
    size_t n_done, n_rows;               // training rows of this epoch
    size_t step, n_steps, batch;         // steps of this epoch, and rows of a whole batch
    double rows_per_second, eta_seconds; // eta: of the epoch
    bool is_epoch_end; // figures then hold all columns but learning_rate and seconds
    size_t n_figures;
    const char *const *names; // "loss", metrics (running means), at an epoch's end val_ ones too
    const double *figures;
} mb_fit_progress;

// All members may be NULL.
typedef struct mb_fit_hooks {
    void *user;
    // At most ten times a second, and at each epoch's end.
    void (*progress)(void *user, const mb_fit_progress *progress);
    // After every step; costs nothing where it does nothing.
    void (*step_end)(void *user, const mb_fit_progress *progress);
    // At an epoch's end nothing is stored so soon after the last checkpoint, but for the last one:
    // a small network's epoch takes less than the disk needs. 0: always.
    double least_seconds;
    // Stores a checkpoint whole (under a temporary name, then renamed).
    mb_status (*save_checkpoint)(void *user, mb_context *ctx, const mb_bundle *bundle);
    // Before a checkpoint: a new best epoch by the monitored figure; without one, in a training
    // that goes on, the newest weights.
    mb_status (*save_best)(void *user, mb_context *ctx, const float *parameters);
    // model_checkpoint: path as the user wrote it, with {epoch} and figures filled in.
    mb_status (*save_model)(
        void *user, mb_context *ctx, const char *path, bool weights_only, const float *parameters);
} mb_fit_hooks;

typedef struct mb_fit_request {
    const mb_model *model;   // one output; inputs are found in the dataset by name
    const float *parameters; // to begin with; not used when resuming
    const mb_dataset *dataset;
    const uint32_t *train_rows, *validation_rows;
    size_t n_train, n_validation; // 0 validation rows are legal
    const mb_train *train;
    const char *target;           // the dataset's column that is learned; NULL: its target
    const mb_model *loss_network; // of a loss that judges by a network; else NULL
    uint64_t seed;
    const mb_bundle *resume; // a checkpoint of the same fit, or NULL
    const char *best_by;     // figure whose lowest value is best where no callback says; NULL: none
    mb_fit_hooks hooks;
    const atomic_bool *cancel; // NULL, or checked between steps: a checkpoint, then CANCELLED
} mb_fit_request;

typedef struct mb_fit_result {
    mb_runtime *runtime;
    mb_arena arena;
    size_t n_columns; // "loss", metrics, "val_loss", "val_<metric>", "learning_rate", "seconds"
    const char **columns;
    size_t n_epochs;     // finished, those before a resume included
    double *history;     // n_epochs x n_columns
    float *best, *last;  // n_parameters of the model; best is last where nothing is monitored
    size_t best_epoch;   // from 0
    const char *monitor; // the figure best was chosen by, or NULL
    bool stopped_early;
    double seconds; // wall time, of earlier runs too
} mb_fit_result;

// Trains. On failure the result holds what was reached (history, best) and must be cleared, too.
// NUMERIC: a loss or weight is no longer finite (step and layer named); CANCELLED; RANGE and SHAPE:
// data and model do not fit together; FORMAT: resume is not of this fit.
mb_status mb_fit(mb_context *ctx, const mb_fit_request *request, mb_fit_result *out) MB_MUST_CHECK;
void mb_fit_result_clear(mb_fit_result *result);
// Fails as mb_fit would before its first step: of rows, shapes, targets, callbacks. Trains nothing.
mb_status mb_fit_check(mb_context *ctx, const mb_fit_request *request) MB_MUST_CHECK;
// Loss and metrics of the request's validation rows with its parameters, as the end of an epoch
// works them out: figures gets 1 + train->n_metrics numbers, NaN where no row has any of the pairs
// that a loss is over. Trains nothing; train_rows are not looked at.
mb_status mb_fit_measure(
    mb_context *ctx, const mb_fit_request *request, double *figures) MB_MUST_CHECK;
// Epochs that a checkpoint has behind it: a fit that goes on from it with more of them trains the
// rest. Fails with FORMAT.
mb_status mb_fit_checkpoint_epochs(
    mb_context *ctx, const mb_bundle *checkpoint, size_t *out) MB_MUST_CHECK;

// Predicts n rows on all threads: outputs[i] gets n rows of the model's output i. Sparse columns
// (background 0) are used as they are.
mb_status mb_predict_dataset(mb_context *ctx, const mb_model *model, const float *parameters,
    const mb_dataset *dataset, const uint32_t *rows, size_t n, float *const *outputs) MB_MUST_CHECK;

#endif
