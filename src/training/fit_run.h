// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TRAINING_FIT_RUN_H
#define TRAINING_FIT_RUN_H

#include "data/feeder.h"
#include "network/plan.h"
#include "training/evaluator.h"
#include "training/fit.h"
#include "training/graph_data.h"

// The inside of a fit; only the files fit*.c include this.

// Figures of one pass over rows. Per-row numbers are written by whoever works out the row and
// summed in the order of rows, so that no sum depends on threads.
typedef struct fit_tally {
    double n_rows, loss; // n_rows: batches, of a loss over pairs
    double metric[MB_MOST_METRICS];
    size_t n_scores; // kept so far, for metrics that look at all of them
    float *scores;   // NULL where no metric does
    uint8_t *labels;
    // Of the rows of the present batch (or, for validation, of all).
    float *row_loss;
    float *row_metric[MB_MOST_METRICS];
} fit_tally;

typedef struct fit_run {
    const mb_fit_request *request;
    const mb_train *train;
    const mb_model *model;
    mb_fit_result *result;
    mb_runtime *runtime;

    const mb_column **columns; // per input
    bool *is_sparse;
    mb_input *inputs;
    mb_target_kind target_kind;
    void *loss_state;           // of a loss that has one
    size_t n_outputs, channels; // values of one row of the output, in groups of channels
    mb_graph_data graphs;
    mb_graph_batch graph_batch;
    // Of a loss over pairs of nodes: the pairs and their targets.
    mb_pairs_of_loss pairs;
    const mb_dataset_axis *pair_axis;
    const float *pair_targets;
    mb_feeder_settings feeder_settings;
    mb_feeder *feeder;
    mb_plan *plan;
    mb_evaluator *evaluator; // NULL without validation rows
    mb_optimizer optimizer;
    mb_callback callbacks[MB_MOST_CALLBACKS];
    size_t n_callbacks;
    float *gradient;
    uint32_t *order;
    uint64_t *sort_work;
    bool is_judged; // a figure says which epoch is best
    size_t judged;  // its column
    int judged_mode;

    fit_tally training, validation;
    size_t n_figures; // columns but learning_rate and seconds
    double *figures;
    bool *is_better_higher;
    size_t history_capacity;
    // The running figures of a step: loss and the metrics that are means.
    const char *running_names[MB_MOST_METRICS + 1];
    double running[MB_MOST_METRICS + 1];
    bool running_is_better_higher[MB_MOST_METRICS + 1];
    size_t n_running;

    size_t epoch, step, n_done; // step and rows within the epoch
    uint64_t n_steps;           // in all
    double penalty;
    bool stop, has_best, is_best_unsaved;
    double best_figure;
    double begin, earlier_seconds, epoch_begin, epoch_earlier_seconds;
    double last_progress, last_checkpoint;
} fit_run;

mb_status mb_fit_open(fit_run *run, mb_context *ctx) MB_MUST_CHECK; // everything allocated
void mb_fit_close(fit_run *run);
// Targets and labels of the validation rows are usable.
mb_status mb_fit_check_validation(fit_run *run, mb_context *ctx) MB_MUST_CHECK;
// The same of all rows; warns where all are equal.
mb_status mb_fit_check_targets(fit_run *run, mb_context *ctx) MB_MUST_CHECK;
// Fails with RANGE for a class that class_weight names and no row of the fit is of.
mb_status mb_fit_check_classes(const fit_run *run, mb_context *ctx) MB_MUST_CHECK;
// Fails for the loss of one of the n rows of a batch that is no finite number, and says why where
// it can.
mb_status mb_fit_fail_loss(const fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n,
    size_t failed) MB_MUST_CHECK;

void mb_fit_tally_reset(fit_tally *tally);
// Works out the figures of a block of rows and, when gradients is not NULL, the gradients of their
// losses, scaled by scale and a row's weight.
typedef struct fit_block {
    size_t index, n; // place of the first row in the present batch or pass, and how many
    const mb_feeder *feeder;
    size_t first_fed;     // place of the first row in the feeder, for its target
    const float *weights; // of the rows; NULL: all 1
    float scale;
    const float *outputs; // n rows
    float *gradients;
} fit_block;
void mb_fit_judge(const fit_run *run, fit_tally *tally, const fit_block *block);
// Adds the rows [0, n) to the sums.
void mb_fit_tally_add(const fit_run *run, fit_tally *tally, size_t n);
// The same of a loss over pairs of nodes.
typedef struct fit_pairs_block {
    size_t index, n;
    const uint32_t *rows; // of the dataset
    const size_t *offset; // n + 1: where each event's nodes begin, less the first
    float scale;
    const float *outputs;
    float *gradients; // overwritten; NULL: not wanted
} fit_pairs_block;
mb_status mb_fit_open_pairs(fit_run *run, mb_context *ctx, const mb_column *target) MB_MUST_CHECK;
mb_status mb_fit_check_pairs(const fit_run *run, mb_context *ctx) MB_MUST_CHECK;
// Fails with RANGE for a target that is not 0 or 1. n_without: events that have no pairs.
mb_status mb_fit_check_pair_targets(const fit_run *run, mb_context *ctx, const uint32_t *rows,
    size_t n, size_t *n_without) MB_MUST_CHECK;
size_t mb_fit_count_pairs(const fit_run *run, const uint32_t *rows, size_t n);
void mb_fit_judge_pairs(const fit_run *run, fit_tally *tally, const fit_pairs_block *block);
// Adds what was found of these rows, batch by batch.
void mb_fit_tally_add_pairs(
    const fit_run *run, fit_tally *tally, const uint32_t *rows, size_t n_rows);
// loss, then the metrics.
void mb_fit_tally_figures(const fit_run *run, const fit_tally *tally, double *figures);

// One update with the next batch of the epoch.
mb_status mb_fit_step(fit_run *run, mb_context *ctx) MB_MUST_CHECK;
mb_status mb_fit_validate(fit_run *run, mb_context *ctx) MB_MUST_CHECK;

mb_status mb_fit_save_checkpoint(fit_run *run, mb_context *ctx) MB_MUST_CHECK;
mb_status mb_fit_restore(fit_run *run, mb_context *ctx, const mb_bundle *bundle) MB_MUST_CHECK;

#endif
