// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_STUDY_H
#define MINBIAS_STUDY_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// A study file, checked and resolved: every key known, defaults filled in, parameters put in place.
// Read-only once open.
typedef struct mb_study mb_study;

typedef struct mb_study_settings {
    const char *const *overrides; // "train.epochs=3", "model.conv0.filters=16"
    size_t n_overrides;
    const uint64_t *seed; // takes the place of the study's seed; NULL: the study's
} mb_study_settings;

// Opens and checks a study. settings may be NULL. The caller owns *out; on failure it is NULL.
// Fails with FORMAT and "FILE:LINE: ..." for what the study says, IO.
MB_API mb_status mb_study_open(mb_context *ctx, const char *path, const mb_study_settings *settings,
    mb_study **out) MB_MUST_CHECK;
MB_API void mb_study_destroy(mb_study *study);

// How far a training is. Figures of the epoch so far; names and figures live for the call only.
typedef struct mb_progress {
    const char *what;          // of several fits the name of this one, else ""
    size_t epoch, n_epochs;    // epoch counts from 1
    size_t n_samples, n_total; // of this epoch
    double samples_per_second, seconds_left;
    const char *const *names; // "loss", "accuracy" ...
    const double *figures;
    size_t n_figures;
} mb_progress;

typedef struct mb_run_settings {
    const char *directory;     // of the run
    bool is_forced;            // existing outputs may be replaced
    bool is_resumed;           // go on from the checkpoint
    bool is_training_only;     // no evaluation, no report
    const char *initial_model; // file whose weights the training starts from, or NULL
    size_t n_workers;          // scans: trials at a time; 0: one a thread
    // All may be NULL. line: a line for people, as also written to log.txt. is_cancelled: asked
    // often; true ends the work with CANCELLED, a checkpoint kept.
    void (*line)(void *user, const char *text);
    void (*progress)(void *user, const mb_progress *progress);
    bool (*is_cancelled)(void *user);
    void *user;
} mb_run_settings;

// Answers belong to the caller; on failure *out is NULL. out may be NULL where only the files
// matter.

// The data part and the model, without training: events, balance, memory, time.
MB_API mb_status mb_study_check(mb_context *ctx, const mb_study *study,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;
// Writes the prepared data: an .h5 file, or a folder of .npy files (path ends in "/").
MB_API mb_status mb_study_prepare(mb_context *ctx, const mb_study *study, const char *path,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;
// Data, fits, evaluation and report into settings->directory.
MB_API mb_status mb_study_run(mb_context *ctx, const mb_study *study,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;
// Trains every combination that the study's scan: asks for. Opens the study itself: each trial is
// the study with other values.
MB_API mb_status mb_scan(mb_context *ctx, const char *study_path, const mb_study_settings *study,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;

// No training: the metric of a run's quantised models against the bits of each place, into
// settings->directory. For runs on modules; others are refused with what does it for them.
MB_API mb_status mb_run_scan_bits(mb_context *ctx, const char *directory,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;

// One trial of a scan, by its number from 0, on its own: many may run at a time, on many machines.
// Its result waits in settings->directory until mb_scan puts all together (is_resumed). A trial
// that is done there is not done again. Fails with ARG for a number that the scan does not have and
// for scans that end hopeless trials.
MB_API mb_status mb_scan_trial(mb_context *ctx, const char *study_path,
    const mb_study_settings *study, const mb_run_settings *settings, size_t trial,
    mb_answer **out) MB_MUST_CHECK;

// Works on the folder of a run. evaluate: the figures again, from the stored models. report: one
// page; of several runs, overlaid, at path (NULL: report.html in the first run's folder).
MB_API mb_status mb_run_evaluate(mb_context *ctx, const char *directory,
    const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;
MB_API mb_status mb_run_report(mb_context *ctx, const char *const *directories, size_t n,
    const char *path, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// Whether a path is the folder of a run (it holds a study.yaml).
MB_API bool mb_run_is_directory(const char *path);
// Scores raw detector files with a run's model: one row an event into a .csv; of modules a row has
// outputs and restored charges, and an .npz is taken, too. Of one .h5 that prepare wrote it does
// what mb_model_predict_file does with the run's model.h5. accept: NULL, or the rate ("5kHz") or
// background fraction ("0.01") whose threshold decides.
MB_API mb_status mb_run_predict(mb_context *ctx, const char *directory, const char *const *files,
    size_t n_files, const char *accept, const char *output, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// The studies that come with the program. NULL for an index out of range.
MB_API const char *mb_shipped_study_name(size_t index);
MB_API const char *mb_shipped_study_help(size_t index);
// The text of one as a user would write it, by its own name or its detector's; or NULL.
MB_API const char *mb_shipped_study_text(const char *name);
// All shipped studies at a small size on toy events, and one report.
MB_API mb_status mb_tour(
    mb_context *ctx, const mb_run_settings *settings, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
