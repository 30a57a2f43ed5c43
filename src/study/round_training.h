// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ROUND_TRAINING_H
#define STUDY_ROUND_TRAINING_H

#include "study/graph_log.h"
#include "study/run.h"

// One training into the folder of a round: what rounds and the turns of a teacher and its students
// have in common.
typedef struct mb_training {
    mb_run *run;
    const mb_round *round;
    mb_context *ctx;
    const mb_model *model;
    mb_arena *arena;
    const char *prefix; // of lines in the journal: "NAME: ", or ""
    const char *best_path, *last_path, *checkpoint_path, *record_path;
    size_t n_epochs;          // that progress counts to; 0: those of the fit
    bool is_in_turns;         // no line for each epoch
    double epoch_start, told; // the last epoch, and the last line of one
    mb_graph_log graphs;      // of a training over graphs
} mb_training;

// The paths come from the arena, which outlives the training. The model is set by the caller.
mb_status mb_training_begin(mb_training *training, mb_run *run, mb_context *ctx,
    const mb_round *round, mb_arena *arena) MB_MUST_CHECK;
// Everything of a request but data and parameters.
mb_fit_request mb_training_request(mb_training *training);
// The network that the loss of a round judges by: one that this run trained, a shipped one, or a
// file; *path, from the arena, tells which. NULL: it judges by none. The caller destroys *out.
mb_status mb_round_load_loss_network(const mb_run *run, mb_context *ctx, mb_arena *arena,
    const mb_round *round, const char **path, mb_model **out) MB_MUST_CHECK;
// First values of the weights: of the run's initial model, of the model's file, or from the seed.
mb_status mb_training_first(
    const mb_training *training, bool has_weights, float *parameters) MB_MUST_CHECK;
// Loads the checkpoint into *out when the run is resumed, or is_needed, and there is one. The
// caller clears *out. *is_there: whether it was.
mb_status mb_training_load(
    const mb_training *training, bool is_needed, mb_bundle *out, bool *is_there) MB_MUST_CHECK;
// Hands the progress of any fit on. n_epochs: that it counts to; 0: those of the fit.
void mb_training_show(
    mb_journal *journal, const char *what, size_t n_epochs, const mb_fit_progress *progress);
// The figures of all epochs as a table; those of the last and the best as maps of a record.
void mb_training_put_history(mb_buffer *table, const mb_fit_result *result);
void mb_training_put_epochs(mb_answer *record, const mb_fit_result *result);
mb_status mb_training_write_history(
    const mb_training *training, const mb_fit_result *result) MB_MUST_CHECK;
// model.h5, last.h5, history.csv, and at last training.json.
mb_status mb_training_save(const mb_training *training, const mb_fit_result *result, size_t n_train,
    size_t n_validation) MB_MUST_CHECK;
// The table of layers of a model, line by line.
void mb_training_tell_layers(const mb_training *training);

#endif
