// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_STUDY_H
#define STUDY_STUDY_H

#include "data/split.h"
#include "detector/detector.h"
#include "minbias/study.h"
#include "training/fit.h"

// What the files of this room share.

// `evaluate.cluster` and `evaluate.tracks`, of samples of tracks.
enum { MB_TRACK_PER_EVENT, MB_TRACK_PER_BATCH };
typedef struct mb_track_options {
    double eps;
    size_t min_samples, min_hits;
    mb_texts of;
    int per;
} mb_track_options;

// `evaluate:`
typedef struct mb_evaluate_options {
    bool roc, figures;
    double threshold;
    mb_reals thresholds;
    const char *input_rate;
    mb_texts at;
    int split;             // index of mb_evaluate_split_names
    mb_texts on;           // sets of the data whose test events every score is judged on
    const mb_node *scores; // further scores beside those of the fits, by name
    int score;             // mb_score_form
    bool predictions;
    const mb_node *cluster, *tracks; // as written
    mb_track_options track;          // what they say
    mb_texts algorithms, metrics;    // of modules of the concentrator
    double threshold_mipt;           // of the chip's algorithms: threshold,
    int tie;                         // stc4 and stc16 (0: the first of equal cells, 1: the last),
    size_t drop;                     // repeater
    mb_sizes bits;
    int64_t csv_events;
    int restore; // mb_module_restore
    bool scan_bits;
    mb_reals bit_errors;
} mb_evaluate_options;
extern const mb_option mb_evaluate_option_table[];
extern const char *const mb_evaluate_split_names[];
// What of a model's outputs is its score on the samples of on:.
typedef enum mb_score_form { MB_SCORE_OUTPUT, MB_SCORE_LOGIT } mb_score_form;
enum { MB_EVALUATE_AUTO = 3, MB_EVALUATE_ALL = 4 }; // below these: MB_SPLIT_

// One entry of `fits:`, or the only one.
typedef struct mb_fit_spec {
    const char *name;   // "" for the only fit
    const char *on;     // a set of the data's rows; NULL: all rows
    mb_node *model;     // a map, or a text (path)
    const char *target; // the column it learns; NULL: the data's target
    mb_train train;
    size_t n_rounds; // repeats x folds
} mb_fit_spec;

struct mb_study {
    mb_runtime *runtime;
    mb_document document; // root: parameters put in, defaults written out
    const char *path, *directory;
    const char *name;
    uint64_t seed;
    mb_compat compat;
    const mb_detector_ops *detector; // NULL: source arrays
    mb_node *data, *simulate, *scan; // NULL: not written
    mb_node *source_data;            // data: as the source reads it
    size_t train_events;             // SIZE_MAX: all
    const char *data_directory;
    bool is_directory_set; // on the command line
    mb_split_options split;
    mb_part validation; // of the study's own train:
    mb_evaluate_options evaluate;
    mb_fit_spec *fits;
    size_t n_fits;
    struct mb_alternate *alternate; // the fit of a teacher and its students, or NULL
    struct mb_emd_net *emd_nets;    // of a study on modules
    size_t n_emd_nets;
    bool leaves_patience; // of the early stop of fits on modules, to the number of rows
    bool takes_last;      // compat validation_tail: the validation part of a set is its last
    mb_node *params;
};

// Whether a name is a key at the top of a study.
bool mb_study_is_key(const char *name);

// mb_study_open of a text in memory; its paths are relative to the folder of name.
mb_status mb_study_open_text(mb_context *ctx, const char *name, const char *text,
    const mb_study_settings *settings, mb_study **out) MB_MUST_CHECK;

// Puts parameters in place: `$name`, `${name}` within a text, `{choose: $name, of: {value: ...}}`,
// and `repeat:` in lists of layers. A new tree in the document; NULL on failure.
mb_status mb_study_substitute(mb_context *ctx, mb_document *document, mb_node *params,
    const mb_node *node, mb_node **out) MB_MUST_CHECK;

// Checks a `model:` map as far as that goes without the shapes of the data.
mb_status mb_study_check_model(
    mb_context *ctx, mb_document *document, const mb_node *model) MB_MUST_CHECK;
// Makes the model of a fit for a dataset's columns. The caller owns *out. has_weights: the model
// came from a file with its weights.
mb_status mb_study_build_model(mb_context *ctx, const mb_study *study, const mb_fit_spec *fit,
    const mb_dataset *dataset, mb_model **out, bool *has_weights) MB_MUST_CHECK;

// Reads the study's data. Simulates it first where the study says so and the files are absent.
// files: raw files in place of the study's, or NULL. report may be NULL. The caller clears *out,
// also after a failure.
typedef struct mb_source_request {
    bool wants_label;
    bool for_models; // with the columns that the study's models take beside the data's own
    const char *const *files;
    size_t n_files;
    const mb_bundle *facts; // with files: those of the run's training, or NULL
} mb_source_request;
mb_status mb_study_load(mb_context *ctx, const mb_study *study, const mb_source_request *request,
    mb_dataset *out, mb_buffer *report) MB_MUST_CHECK;
// Whether the study's events were simulated for want of data files, now or by an earlier call.
bool mb_study_is_simulated(mb_context *ctx, const mb_study *study);
mb_detector_request mb_study_detector_request(const mb_study *study);

// The resolved study as it is stored in a run; its first line says so.
extern const char mb_study_stored_mark[];
mb_status mb_study_write(mb_context *ctx, const mb_study *study, const char *path) MB_MUST_CHECK;
// A copy of a text in the study's own memory, absolute where it was relative to folder.
const char *mb_study_absolute(
    mb_context *ctx, mb_document *document, const char *folder, const char *path);

// Runs the simulate options node of a detector into a folder.
mb_status mb_detector_simulate(mb_context *ctx, const mb_detector_ops *detector,
    mb_document *document, const mb_node *options, uint64_t seed,
    const char *directory) MB_MUST_CHECK;

// Refuses a path of an input that is not there, with IO.
mb_status mb_check_present(mb_context *ctx, const char *path) MB_MUST_CHECK;
// Refuses a path that exists unless is_forced.
mb_status mb_check_absent(mb_context *ctx, const char *path, bool is_forced) MB_MUST_CHECK;

#endif
