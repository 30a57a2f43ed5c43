// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_ALTERNATE_RUN_H
#define STUDY_ALTERNATE_RUN_H

#include "study/alternate.h"
#include "study/page.h"
#include "study/run.h"

// A teacher and its students at work. Each has a folder RUN/fits/<name>/ with the files of a round.

// What a student is to give for an event that the teacher reconstructs with this mean square error
// (counts of ET squared). 0 where the logarithm is not above 0.
double mb_alternate_target_of(mb_alternate_target target, double error);

typedef struct mb_alternate_model {
    mb_fit_spec fit; // its training, as if it were one
    mb_round round;
    const mb_dataset *events; // input and target
    const uint32_t *train, *validation;
    size_t n_train, n_validation;
    size_t turn_epochs, n_done; // epochs of a turn, and those behind it
    mb_model *model;
    bool is_given; // a model file, which stays as it is
    float *first;  // parameters at the start
    float *best;   // and those of the best epoch so far
} mb_alternate_model;

typedef struct mb_alternate_run {
    mb_run *run;
    const mb_alternate *alternate;
    uint8_t *split;                            // per row of the data
    mb_dataset outliers[2];                    // for training, for validation
    mb_dataset teacher_events, student_events; // borrow their inputs; never cleared
    mb_column teacher_columns[2], student_columns[2];
    const mb_column *parts[3]; // of the students' input: data, outliers
    size_t part_end[3];
    uint32_t *rows; // the students': training, then validation, outliers last in each
    size_t n_rows;
    float *errors, *targets;    // of rows; of all events of the students
    mb_alternate_model *models; // the teacher, then the students
    size_t n_models;
} mb_alternate_run;

// Whether a study has nothing to train but a teacher and its students.
bool mb_alternate_is_alone(const mb_study *study);
// Folder RUN/fits/NAME of one of them; from the arena, NULL on failure.
const char *mb_alternate_directory(
    mb_context *ctx, mb_arena *arena, const char *directory, const char *name);
// Which events train, validate and test them, into split (a byte for each row of the data).
// Test events are those of the background and of every signal.
mb_status mb_alternate_split(mb_run *run, uint8_t *split) MB_MUST_CHECK;

// Fails early on what would end a long run late: outlier files that are not there, models that do
// not fit the data.
mb_status mb_alternate_check(mb_run *run) MB_MUST_CHECK;
// Events, outliers and models. The caller closes, also after a failure.
mb_status mb_alternate_open(mb_alternate_run *out, mb_run *run) MB_MUST_CHECK;
void mb_alternate_close(mb_alternate_run *work);
// All turns, or those that an earlier start of the run left.
mb_status mb_alternate_train(mb_run *run) MB_MUST_CHECK;

// Scores by the models of a run.
typedef struct mb_alternate_scores {
    mb_runtime *runtime;
    mb_arena arena;
    size_t n, n_models;
    uint32_t *row;      // n: of the dataset
    float *target;      // n: what the students were to give
    float **score;      // (n_models, n): the teacher's is its mean square error
    const char **name;  // n_models: the teacher, then the students
    const char **title; // n_models: columns of tables, "score_<name>"
} mb_alternate_scores;

// Scores n rows of a dataset with the models below directory/fits. The caller clears, also after a
// failure.
mb_status mb_alternate_score(mb_alternate_scores *out, mb_context *ctx,
    const mb_alternate *alternate, const char *directory, const mb_dataset *dataset,
    const uint32_t *rows, size_t n) MB_MUST_CHECK;
void mb_alternate_scores_clear(mb_alternate_scores *scores);
// file, event, label (empty without truth), a column for each model, and with split (a byte for
// each row of the dataset) the split. label: n, or NULL.
mb_status mb_alternate_write_table(mb_context *ctx, const mb_alternate_scores *scores,
    const mb_dataset *dataset, const float *label, const uint8_t *split,
    const char *path) MB_MUST_CHECK;

// Events that are judged together: background events of one split, or test events of a signal.
typedef struct mb_alternate_group {
    const char *name;
    bool is_signal;
    const uint32_t *index; // n: places among the scores
    size_t n;
} mb_alternate_group;

typedef struct mb_alternate_groups {
    mb_alternate_group *group; // train, validation, test, then the signals; none is empty
    size_t n;
    size_t judged; // the background that figures are made from
} mb_alternate_groups;

// metrics.json and plots/ of each model; scores.npz and predictions.csv of a run that is alone.
mb_status mb_alternate_evaluate(mb_run *run) MB_MUST_CHECK;
mb_status mb_alternate_draw(mb_run *run, const mb_alternate_scores *scores,
    const mb_alternate_groups *groups) MB_MUST_CHECK;
// Their part of the run's answer and metrics.json: a map "alternate".
mb_status mb_alternate_tell(mb_run *run, mb_answer *answer) MB_MUST_CHECK;
// Their part of report.html, from that map.
mb_status mb_alternate_page(const mb_page *p) MB_MUST_CHECK;
// `predict RUN FILES`: a column for each model.
mb_status mb_alternate_predict(mb_context *ctx, const mb_study *study, const char *directory,
    const char *const *files, size_t n_files, const char *output, mb_answer **out) MB_MUST_CHECK;

#endif
