// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_MODULE_RUN_H
#define STUDY_MODULE_RUN_H

#include "geometry/arrange.h"
#include "draw/gallery.h"
#include "measure/module.h"
#include "study/bits.h"
#include "study/run.h"

// The judgement of a run on modules of the concentrator: every trained autoencoder and every
// algorithm of the chip restores the validation rows, and the same metrics tell what was lost.

enum { MB_MODULE_MOST_METRICS = 16 };

// Whether the study's events are modules.
bool mb_module_is_study(const mb_study *study);
// evaluate: of a study on modules, checked: algorithms, metrics, bits.
mb_status mb_module_check_evaluate(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
// The keys of train: that a study on modules leaves out: Adam, batches of 500, 200 epochs, the
// first fifth for validation, an early stop.
mb_status mb_module_complete_train(mb_context *ctx, mb_study *study) MB_MUST_CHECK;
// Under compat emdcnn_raw_sum a network that is the loss of train: is given images as they are.
mb_status mb_module_adapt_loss(mb_context *ctx, mb_study *study, mb_node *train) MB_MUST_CHECK;
// Sets the patience of the early stop by the number of training rows, where the study left it open,
// and tells the steps.
mb_status mb_module_begin(mb_run *run) MB_MUST_CHECK;

// One metric of one way to restore the modules.
typedef struct mb_module_score {
    const char *model; // "": an algorithm of the chip, which no model takes part in
    const char *algorithm;
    const mb_module_metric *metric;
    double *values; // (n rows)
    float *shown;   // (n_shown, 48): restored charges of the modules that are drawn
    mb_emd_summary summary;
    double error; // of the mean
} mb_module_score;

// The metric of a model's output cut to a few bits.
typedef struct mb_module_bits {
    const char *model;
    unsigned bits; // of each encoder output
    mb_emd_summary summary;
} mb_module_bits;

// The metric against the bits of one place of a quantised encoder.
typedef struct mb_module_place {
    const char *layer, *part; // part: "weight", "result" ...
    mb_fixed start, chosen;   // as in mb_bits_line
    bool is_exact;
    double figure;
    double *bits, *emd; // (n)
    size_t n;
} mb_module_place;

// What a model made of the judged rows.
typedef struct mb_module_result {
    const char *name;
    const char *directory; // RUN/NAME
    const mb_round *round;
    const mb_arrangement *arrangement;
    size_t n_pixels, n_codes; // n_codes 0: the model has no layers encoder/...
    float *images, *codes;    // (n, n_pixels), (n, n_codes)
    float *pixels;            // (n, n_pixels): as the decoder gives them
    float *cells;             // (n, 48): pixels read back
    float *charges;           // (n, 48): restored counts
    uint64_t encoder_parameters, parameters, encoder_flops;
    mb_module_place *places; // of a bit scan
    size_t n_places;
    double start_emd, joint_emd; // with the formats as they are, and with all that were chosen
} mb_module_result;

typedef struct mb_module_evaluation {
    mb_run *run;
    mb_arena arena;
    uint32_t *rows; // judged
    size_t n;
    uint32_t *shown; // judged rows that are drawn, as places in rows
    size_t n_shown;
    float *charges;      // (n, 48) counts
    double *scale, *sum; // (n)
    mb_module_tables tables;
    mb_module_result *results;
    size_t n_results;
    mb_module_score *scores;
    size_t n_scores;
    mb_module_bits *bits;
    size_t n_bits;
} mb_module_evaluation;

// Judges all rounds of the run and writes RUN/NAME/ of each model, RUN/summary.csv and pictures.
// Adds a table to the answer that the run ends in (answer NULL: none).
mb_status mb_module_evaluate(mb_run *run) MB_MUST_CHECK;
// The lines of a run's summary table, from RUN/summary.csv; nothing where there is none.
mb_status mb_module_tell(mb_run *run, mb_answer *answer) MB_MUST_CHECK;

// Trains all rounds of a run with emd_nets, each behind what it needs.
mb_status mb_module_train_in_order(mb_run *run) MB_MUST_CHECK;
// The entry of the study's emd_nets that a round's loss judges by; SIZE_MAX: none.
size_t mb_module_loss_net(const mb_run *run, const mb_round *round);
// The arrangement of a column of images.
mb_status mb_module_arrangement_of(
    const mb_run *run, const char *column, const mb_arrangement **out) MB_MUST_CHECK;

// Pictures of what was judged: RUN/plots of all models and algorithms, RUN/NAME/plots of a model,
// and RUN/NAME/profiles/profile_<metric>_<slice>_<algorithm>.txt.
mb_status mb_module_draw(mb_module_evaluation *e) MB_MUST_CHECK;
// Draws lots which modules are shown.
mb_status mb_module_choose_shown(mb_module_evaluation *e) MB_MUST_CHECK;

// Runs the model of a folder over all modules of run->dataset, and writes outputs and restored
// charges of each as .csv or .npz.
mb_status mb_module_predict_files(
    mb_run *run, const char *directory, const char *output, mb_answer *answer) MB_MUST_CHECK;

// The bits of each place of the run's quantised encoders, into a folder: a page, bits.csv (the
// fewest that do), curves.csv, a picture a model. Fails with ARG where no model is quantised.
mb_status mb_module_scan_run(
    mb_run *run, const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// In parts.
// Chooses rows and reads their charges. The caller clears e->arena, also after a failure.
mb_status mb_module_open(mb_module_evaluation *e, mb_run *run) MB_MUST_CHECK;
// The charges and scales of e->rows.
mb_status mb_module_gather_charges(mb_module_evaluation *e) MB_MUST_CHECK;
mb_status mb_module_judge_model(
    mb_module_evaluation *e, const mb_round *round, mb_module_result *out) MB_MUST_CHECK;
// A nested model ("encoder") of a result's trained one. The caller owns *out.
mb_status mb_module_load_part(mb_module_evaluation *e, const mb_module_result *result,
    const char *part, mb_model **out) MB_MUST_CHECK;
// Of a quantised encoder: ranges.csv, bits_scan.csv (evaluate.scan_bits) and bit_errors.csv.
mb_status mb_module_look_at_integers(
    mb_module_evaluation *e, mb_module_result *result) MB_MUST_CHECK;
// The bit scan alone: fills result->places, none where the encoder has no quantisers.
mb_status mb_module_scan_places(mb_module_evaluation *e, mb_module_result *result) MB_MUST_CHECK;
// Figure name: a line a place; nothing where there are none.
mb_status mb_module_draw_places(mb_module_evaluation *e, mb_gallery *gallery, const char *name,
    const mb_module_result *result) MB_MUST_CHECK;
// Decoded charges of codes cut to so many bits (n, 48).
mb_status mb_module_decode(mb_module_evaluation *e, const mb_module_result *result,
    const float *codes, float *pixels) MB_MUST_CHECK;
mb_status mb_module_write_model(
    mb_module_evaluation *e, const mb_module_result *result) MB_MUST_CHECK;
mb_status mb_module_write_summary(mb_module_evaluation *e) MB_MUST_CHECK;
const mb_module_score *mb_module_find_score(const mb_module_evaluation *e, const char *model,
    const char *algorithm, const mb_module_metric *metric);

// Runs a model on n rows of floats of its only input.
mb_status mb_module_predict(
    mb_context *ctx, const mb_model *model, const float *in, size_t n, float *out) MB_MUST_CHECK;
// The name that a round's model goes by.
const char *mb_module_name(const mb_round *round);

#endif
