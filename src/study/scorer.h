// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCORER_H
#define STUDY_SCORER_H

#include "study/run.h"

// Scores that are judged side by side: those of the trainings, and those named by evaluate.scores:
// simple functions of the event, trained students, models from files, firmware.

typedef enum mb_score_origin {
    MB_SCORE_TRAINED,   // a round of fits:
    MB_SCORE_BASELINE,  // a function of the event
    MB_SCORE_RETRAINED, // a student that this run trained
    MB_SCORE_LOADED,    // a model file
    MB_SCORE_FIRMWARE,  // weight lists and fixed-point types
} mb_score_origin;
extern const char *const mb_score_origin_names[]; // "trained", "baseline" ...

// A baseline: one number from the n inputs of an event; mean is that of the background's training
// events, input by input.
typedef struct mb_baseline {
    const char *name, *help;
    double (*score)(const float *x, const double *mean, size_t n);
} mb_baseline;
extern const mb_baseline mb_baseline_list[]; // ends with name NULL

// One score. Where it cannot be had, is_absent and a notice; nothing stops.
typedef struct mb_scorer {
    const char *name;  // of the column: the round's, or as written in evaluate.scores
    const char *group; // of the tables' column: the fit's, or the name
    const char *on;    // the fit's, or NULL
    mb_score_origin origin;
    const mb_baseline *baseline; // or NULL
    const char *path;            // of a model file, or NULL
    const mb_node *firmware;     // {weights, types}, or NULL
    bool is_absent;
    char weights_sha256[65]; // "": no weights of ours
    float *score;            // of the judged rows; NULL when absent
} mb_scorer;

// Scorers of a run, in the order of its rounds and of evaluate.scores; their scores are not yet
// there. In the run's arena.
mb_status mb_scorers_list(mb_run *run, mb_scorer **out, size_t *n) MB_MUST_CHECK;
// Checks evaluate.scores: names of baselines and of models.
mb_status mb_scorers_check(mb_context *ctx, const mb_study *study) MB_MUST_CHECK;
// Warns of models of evaluate.scores whose files are not there or whose weight lists do not fit.
mb_status mb_scorers_foresee(mb_run *run) MB_MUST_CHECK;
// Scores n rows of the run's dataset. background: the rows that a baseline takes its mean from.
// Frees with mb_scorer_clear.
mb_status mb_scorer_run(mb_scorer *scorer, mb_run *run, const uint32_t *rows, size_t n,
    const uint32_t *background, size_t n_background) MB_MUST_CHECK;
void mb_scorer_clear(mb_scorer *scorer, mb_context *ctx);

#endif
