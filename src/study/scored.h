// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCORED_H
#define STUDY_SCORED_H

#include "draw/gallery.h"
#include "measure/roc.h"
#include "study/run.h"

typedef struct mb_track_evaluation mb_track_evaluation;

// The scores of the events of a round, and what is measured from them. Of graphs: of their edges.
typedef struct mb_scored {
    mb_runtime *runtime;
    size_t n, width; // events, numbers a score
    float *output;   // n x width
    float *score;    // n: what is cut on; NULL where the model gives more than two classes
    float *label;    // n: 0 or 1; NULL where the target is not that
    uint32_t *row;   // n: of the dataset
    uint8_t *split;  // n
    const mb_track_evaluation *tracks; // of graphs; NULL: of events
} mb_scored;

// Scores n rows. split: of all rows of the dataset. The caller clears *out, also after a failure.
// dataset may lack a target.
mb_status mb_scored_make(mb_scored *out, mb_context *ctx, const mb_model *model,
    const mb_dataset *dataset, const uint8_t *split, const uint32_t *rows, size_t n) MB_MUST_CHECK;
void mb_scored_clear(mb_scored *scored);

// Labels (0 or 1) of n rows by the dataset's target: one number, or the larger of two. *out is NULL
// where the target is not that; else freed with mb_release.
mb_status mb_labels_of(mb_context *ctx, const mb_dataset *dataset, const uint32_t *rows, size_t n,
    float **out) MB_MUST_CHECK;

// Scores and labels of one split (MB_EVALUATE_ALL: of all), packed.
typedef struct mb_scored_part {
    mb_runtime *runtime;
    size_t n, n_signal;
    float *score, *label;
} mb_scored_part;
mb_status mb_scored_part_make(
    mb_scored_part *out, mb_context *ctx, const mb_scored *scored, int split) MB_MUST_CHECK;
void mb_scored_part_clear(mb_scored_part *part);
// Which split the figures are made from: MB_SPLIT_ or MB_EVALUATE_ALL.
int mb_scored_choose(const mb_scored *scored, int wanted);

// The same numbers from a stored scores.npz: for reports and thresholds.
typedef struct mb_stored_scores {
    mb_array score, label, split, event, file;
    bool has_label;
} mb_stored_scores;
mb_status mb_stored_scores_read(
    mb_stored_scores *out, mb_context *ctx, const char *path) MB_MUST_CHECK;
void mb_stored_scores_clear(mb_stored_scores *stored);
// Their part of one split, as mb_scored_part_make gives it: of several numbers the last is cut on.
mb_status mb_stored_scores_part(
    mb_scored_part *out, mb_context *ctx, const mb_stored_scores *stored, int split) MB_MUST_CHECK;

// Figures of a round into its plots/.
mb_status mb_round_draw(mb_run *run, mb_context *ctx, const mb_round *round,
    const mb_scored *scored, int split) MB_MUST_CHECK;
// The pictures of the detector's own, for the run as a whole.
mb_status mb_run_draw_detector(mb_run *run, mb_context *ctx, mb_gallery *gallery) MB_MUST_CHECK;

#endif
