// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCAN_H
#define STUDY_SCAN_H

#include "study/run.h"

// `scan:`: every combination of some values, trained. The files of this part share what is here.

enum { MB_SCAN_MOST_KEYS = 16, MB_SCAN_MOST_FIGURES = 16 };

typedef struct mb_scan_options {
    const mb_node *over, *validation;
    double fraction;
    size_t trials, repeats;
    int64_t seed;
    int prune;
    const char *sort;
} mb_scan_options;

typedef struct mb_scan_key {
    const char *name;   // as written under over:
    const char *path;   // what --set would take
    mb_node *values;    // a list
    const char **texts; // the values as --set would take them
} mb_scan_key;

// What one trial came to. Means over the repeats, and their spread.
typedef struct mb_trial {
    size_t choice[MB_SCAN_MOST_KEYS]; // value of each key
    bool is_done, is_failed, is_left_out;
    char start[24], end[24];
    double duration; // seconds
    size_t epochs, n_train;
    size_t n_figures;
    double figure[MB_SCAN_MOST_FIGURES]; // of the last epoch
    double spread[MB_SCAN_MOST_FIGURES];
    double best[MB_SCAN_MOST_FIGURES]; // of the best epoch
    double auc, val_auc;               // NaN: not measured
    char error[512];
    char data_key[65]; // trials with the same key share their data
} mb_trial;

typedef struct mb_scan_state {
    mb_context *ctx;
    mb_arena arena;
    const char *study_path;
    const mb_study_settings *study_settings;
    const char *directory;
    mb_study *study; // without any trial's values
    mb_scan_options options;
    mb_scan_key keys[MB_SCAN_MOST_KEYS];
    size_t n_keys;
    mb_trial *trials;
    size_t n_trials, n_combinations;
    mb_journal journal;
    pthread_mutex_t lock;                      // the log and the counters
    int log;                                   // descriptor of trials.jsonl
    const char *figures[MB_SCAN_MOST_FIGURES]; // names: "loss", "accuracy", "val_loss" ...
    size_t n_figures;
    size_t n_finished;
    double lowest; // validation loss so far; NaN: none
    double start_seconds;
} mb_scan_state;

// Reads scan: and lists the trials. Fails with FILE:LINE.
mb_status mb_scan_read(mb_scan_state *scan) MB_MUST_CHECK;
// Opens the study of one trial.
mb_status mb_scan_open_trial(
    mb_scan_state *scan, mb_context *ctx, const mb_trial *trial, mb_study **out) MB_MUST_CHECK;

// trials.jsonl: reads what earlier starts finished (is_resumed), and opens it for appending.
mb_status mb_scan_log_open(mb_scan_state *scan, bool is_resumed) MB_MUST_CHECK;
mb_status mb_scan_log_claim(mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;
mb_status mb_scan_log_end(mb_scan_state *scan, mb_context *ctx, size_t trial) MB_MUST_CHECK;

// Trains one trial on a dataset that is shared and only read; a failed training is a result.
mb_status mb_scan_run_trial(
    mb_scan_state *scan, mb_context *ctx, size_t trial, const mb_dataset *dataset) MB_MUST_CHECK;
// Rows of training and validation for a study, on a dataset whose split is not touched.
mb_status mb_scan_split(mb_scan_state *scan, mb_context *ctx, const mb_study *study,
    const mb_dataset *dataset, uint32_t **train, size_t *n_train, uint32_t **validation,
    size_t *n_validation) MB_MUST_CHECK;

// trials.csv, the learning curve, the best five and the conclusion in words.
mb_status mb_scan_conclude(mb_scan_state *scan, mb_answer *answer) MB_MUST_CHECK;
size_t mb_scan_figure(const mb_scan_state *scan, const char *name); // SIZE_MAX: none

#endif
