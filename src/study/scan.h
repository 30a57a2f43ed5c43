// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCAN_H
#define STUDY_SCAN_H

#include "study/run.h"
#include "study/scan_file.h"

// `scan:`: every combination of some values, trained. The files of this part share what is here.

enum { MB_SCAN_MOST_KEYS = 16, MB_SCAN_MOST_FIGURES = 20, MB_SCAN_MOST_RUNGS = 3 };
enum { MB_SCAN_NO_TRIAL = -1 };

typedef enum mb_prune { MB_PRUNE_NONE, MB_PRUNE_MEDIAN, MB_PRUNE_HALVING } mb_prune;
typedef enum mb_keep { MB_KEEP_BEST, MB_KEEP_ALL } mb_keep;

typedef struct mb_scan_options {
    const mb_node *over, *validation;
    double fraction;
    size_t trials, repeats;
    int64_t seed;
    int prune, keep;
    const char *sort, *time_limit, *fit;
} mb_scan_options;
extern const mb_option mb_scan_option_table[];

typedef struct mb_scan_key {
    const char *name;   // as written under over:
    const char *path;   // what --set would take
    mb_node *values;    // a list
    const char **texts; // the values as --set would take them
} mb_scan_key;

typedef enum mb_trial_state {
    MB_TRIAL_OPEN,
    MB_TRIAL_DONE,
    MB_TRIAL_FAILED,
    MB_TRIAL_LEFT_OUT, // asks for more training events than there are
    MB_TRIAL_STOPPED,  // at a rung, as hopeless
} mb_trial_state;

// The figure that a trial is judged by, of the epochs up to a rung; means over the repeats.
typedef struct mb_rung_figure {
    double best, mean; // over those epochs
    double last;       // of the last of them
} mb_rung_figure;

// What one trial came to. Means over the repeats, and their spread.
typedef struct mb_trial {
    size_t choice[MB_SCAN_MOST_KEYS]; // value of each key
    mb_trial_state state;
    char start[24], end[24];
    double duration; // seconds
    size_t epochs, n_train;
    size_t n_planned;                    // epochs that its study asks for
    double figure[MB_SCAN_MOST_FIGURES]; // of the last epoch
    double spread[MB_SCAN_MOST_FIGURES];
    double best[MB_SCAN_MOST_FIGURES]; // of the best epoch
    double auc, val_auc;               // NaN: not measured
    size_t n_rungs;                    // reached
    mb_rung_figure rung[MB_SCAN_MOST_RUNGS];
    char error[512];
    char data_key[65]; // trials with the same key share their data
    size_t group;      // of those
} mb_trial;

typedef struct mb_scan_state {
    mb_context *ctx;
    mb_arena arena;
    const char *study_path;
    const mb_study_settings *study_settings;
    const char *directory;
    mb_study *study; // without any trial's values
    mb_scan_options options;
    double time_limit; // seconds; 0: none
    size_t fit;        // of the study, the one that is scanned
    mb_scan_key keys[MB_SCAN_MOST_KEYS];
    size_t n_keys;
    mb_trial *trials;
    size_t n_trials, n_combinations, n_groups;
    mb_journal journal;
    pthread_mutex_t lock;                      // the log, the counters, the states of trials
    pthread_mutex_t best_lock;                 // the folder of the best trial
    int log;                                   // descriptor of trials.jsonl
    const char *figures[MB_SCAN_MOST_FIGURES]; // names: "loss", "accuracy", "val_loss" ...
    bool is_better_higher[MB_SCAN_MOST_FIGURES];
    size_t n_figures;
    size_t sort;       // the figure that trials are judged by
    size_t n_finished; // by this start and earlier ones
    size_t n_before;   // by earlier ones
    int64_t best;      // the trial whose model is kept, or MB_SCAN_NO_TRIAL
    double start_seconds;
    bool is_out_of_time;
    bool is_alone; // one trial on its own: nothing is known of the others
} mb_scan_state;

// Reads scan: and lists the trials. Fails with FILE:LINE.
mb_status mb_scan_read(mb_scan_state *scan) MB_MUST_CHECK;
// Tells how many trials the scan of a study has; nothing where it has none.
mb_status mb_scan_tell_size(
    mb_context *ctx, const mb_study *study, mb_answer *answer) MB_MUST_CHECK;
size_t mb_scan_figure(const mb_scan_state *scan, const char *name); // SIZE_MAX: none
// Opens the study of one trial.
mb_status mb_scan_open_trial(
    mb_scan_state *scan, mb_context *ctx, const mb_trial *trial, mb_study **out) MB_MUST_CHECK;
const mb_fit_spec *mb_scan_fit(const mb_scan_state *scan, const mb_study *study);
// Opens each value alone, so that a mistake is found before any work: fails with FILE:LINE.
mb_status mb_scan_check_values(mb_scan_state *scan) MB_MUST_CHECK;

// trials.jsonl: reads what earlier starts finished (is_resumed), and opens it for appending. Takes
// in what trials on their own left.
mb_status mb_scan_log_open(mb_scan_state *scan, bool is_resumed) MB_MUST_CHECK;
mb_status mb_scan_log_claim(mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;
// A trial that reached a rung, or ended: its state says which.
mb_status mb_scan_log_put(mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;
// The result of a trial on its own, if it is there already.
mb_status mb_scan_log_take(mb_scan_state *scan, size_t trial, bool *is_there) MB_MUST_CHECK;

// Rungs that the trials are judged at; and the epochs that a trial has behind it at one.
// rung == mb_scan_rungs: the end.
size_t mb_scan_rungs(const mb_scan_state *scan);
size_t mb_scan_rung_epochs(const mb_scan_state *scan, size_t n_epochs, size_t rung);
// Whether any trial trains on between the rung before this one and this one.
bool mb_scan_rung_counts(const mb_scan_state *scan, size_t rung);
// Ends the trials that are hopeless at a rung that all have reached.
mb_status mb_scan_judge(mb_scan_state *scan, size_t rung) MB_MUST_CHECK;

// Trains one trial up to a rung on a dataset that is shared and only read; a failed training is a
// result.
mb_status mb_scan_run_trial(mb_scan_state *scan, mb_context *ctx, size_t trial,
    const mb_dataset *dataset, size_t rung) MB_MUST_CHECK;
// Ends a trial that never trained, with the error in ctx as the reason. Clears the error.
mb_status mb_scan_fail_trial(mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;
// Validation part of a trial: scan.validation, or the fit's own.
mb_status mb_scan_validation(
    const mb_scan_state *scan, mb_context *ctx, const mb_study *study, mb_part *out) MB_MUST_CHECK;

// The trained repeat of a trial that is kept if the trial is.
typedef struct mb_scan_model {
    mb_study *study; // the trial's own; changed into the one that is stored
    const mb_dataset *dataset;
    const mb_model *model;
    const mb_fit_result *result;
    uint64_t seed;
    size_t n_train, n_validation;
} mb_scan_model;
// Whether a trial that is about to end would be kept.
bool mb_scan_is_kept(mb_scan_state *scan, size_t trial);
// Writes model.h5, last.h5, history.csv, training.json and study.yaml of a trial into its folder or
// that of the best.
mb_status mb_scan_save_model(
    mb_scan_state *scan, mb_context *ctx, size_t trial, mb_scan_model *model) MB_MUST_CHECK;
// The folder of the best trial, from that trial's own where it ran alone.
mb_status mb_scan_collect_best(mb_scan_state *scan) MB_MUST_CHECK;
mb_scan_rank mb_scan_rank_of(const mb_scan_state *scan, size_t trial);
// DIR/trials/<n>, and a file in it; from the arena, NULL on failure.
const char *mb_scan_trial_file(
    const mb_scan_state *scan, mb_context *ctx, mb_arena *arena, size_t trial, const char *name);
// Removes the checkpoints of a trial that has ended.
mb_status mb_scan_drop_checkpoints(
    mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;
// Removes the checkpoints of all trials that have ended, and their folder once it is empty.
mb_status mb_scan_tidy(mb_scan_state *scan) MB_MUST_CHECK;
// Removes what trials of an earlier scan left in the folder.
mb_status mb_scan_clear_trials(mb_scan_state *scan) MB_MUST_CHECK;

// trials.csv.
mb_status mb_scan_write_table(const mb_scan_state *scan) MB_MUST_CHECK;
// The first rows in order, as a table of text.
mb_status mb_scan_tell_table(const mb_scan_state *scan, mb_answer *answer) MB_MUST_CHECK;
// Finished trials, best first. Freed with mb_release.
mb_status mb_scan_order(const mb_scan_state *scan, size_t **order, size_t *n) MB_MUST_CHECK;

// trials.csv, the first rows, the conclusion in words, the report.
mb_status mb_scan_conclude(mb_scan_state *scan, mb_answer *answer) MB_MUST_CHECK;

#endif
