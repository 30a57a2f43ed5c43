// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_RUN_H
#define STUDY_RUN_H

#include "study/answer.h"
#include "study/journal.h"
#include "study/study.h"

// One training of a run: a fit, one of its repeats and folds.
typedef struct mb_round {
    const mb_fit_spec *fit;
    size_t index;          // among the fit's rounds, from 0
    const char *name;      // "" for the only one, else "<fit>-<i>"
    const char *directory; // of its files
    uint64_t seed;
    uint8_t *split;       // per row of the dataset
    const uint32_t *rows; // that are scored, in order
    size_t n_rows;
} mb_round;

// A run at work.
typedef struct mb_run {
    mb_context *ctx;
    const mb_study *study;
    const char *directory;
    mb_journal journal;
    mb_dataset dataset;
    mb_arena arena;
    mb_round *rounds;
    size_t n_rounds;
    bool is_resumed;
    const char *initial_model;
    double load_seconds;
    struct mb_matrix *matrix; // every score on every sample, once made; or NULL
} mb_run;

// Reads the data and lays out the rounds. The caller clears, also after a failure.
mb_status mb_run_open(mb_run *run, mb_context *ctx, const mb_study *study, const char *directory,
    const char *log, const mb_run_settings *settings) MB_MUST_CHECK;
void mb_run_clear(mb_run *run);
// Lays out the rounds of a run whose data is read.
mb_status mb_run_lay_out(mb_run *run) MB_MUST_CHECK;
// Whether the run's files lie in its own folder: one training and nothing else.
bool mb_run_is_single(const mb_study *study);
// The name of a fit's round, "<fit>-<index>" where there are several; from the arena, or NULL.
const char *mb_round_name(mb_context *ctx, mb_arena *arena, const mb_fit_spec *fit, size_t index);

// Whether the files of networks that the fits begin with are there, told before the data are read,
// which may take long. initial_model: of all fits, or NULL.
mb_status mb_run_check_models(
    mb_context *ctx, const mb_study *study, const char *initial_model) MB_MUST_CHECK;
// Makes the folder of a run or scan and stores the study in it. One that holds a run already is
// refused unless forced, or resumed with the same study.
mb_status mb_run_claim(mb_context *ctx, const mb_study *study, const mb_run_settings *settings,
    mb_arena *arena) MB_MUST_CHECK;

// Removes what an earlier run left in a round's folder and this one would take for its own.
mb_status mb_round_clear(mb_context *ctx, const mb_round *round) MB_MUST_CHECK;
// Trains one round into its folder: model.h5, last.h5, history.csv, checkpoint.h5, and
// training.json when all is done.
mb_status mb_round_train(mb_run *run, mb_context *ctx, const mb_round *round) MB_MUST_CHECK;
// Scores all events with the round's stored model and writes scores.npz, predictions.csv,
// threshold.json, metrics.json and plots/.
mb_status mb_round_evaluate(mb_run *run, mb_context *ctx, const mb_round *round) MB_MUST_CHECK;

// Rows of a split in a round. Freed with mb_release.
mb_status mb_round_rows(mb_run *run, mb_context *ctx, const mb_round *round, uint8_t split,
    uint32_t **rows, size_t *n) MB_MUST_CHECK;

// A file of a folder; from the arena, NULL on failure.
const char *mb_run_file(mb_context *ctx, mb_arena *arena, const char *directory, const char *name);
// The study of a run; that of one of several fits lies two folders higher. From the arena.
const char *mb_run_study_path(mb_context *ctx, mb_arena *arena, const char *directory);
// Reads metrics.json or such into a document that the caller clears.
mb_status mb_run_read_json(
    mb_context *ctx, const char *directory, const char *name, mb_document *out) MB_MUST_CHECK;
// The same of what a training left: metrics.json once it is evaluated, training.json before.
mb_status mb_run_read_record(
    mb_context *ctx, const char *directory, mb_document *out) MB_MUST_CHECK;
// What such a record says of the training.
const mb_node *mb_run_training_of(const mb_node *record);

// metrics.json of a run with several rounds, and the answer of run and evaluate.
mb_status mb_run_conclude(mb_run *run, mb_answer **out) MB_MUST_CHECK;
// report.html of a run, or one page of several, one below the other.
mb_status mb_run_make_report(
    mb_context *ctx, const char *const *directories, size_t n, const char *path) MB_MUST_CHECK;

#endif
