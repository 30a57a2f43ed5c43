// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_ECONT_H
#define MINBIAS_ECONT_H

#include "minbias/study.h"

#ifdef __cplusplus
extern "C" {
#endif

// The concentrator's autoencoder by the command lines of its original training code. What exists is
// kept unless is_forced (IO); a file appears whole or not at all.

// The options of `econt train`: NULL, false and -1 leave a default.
typedef struct mb_econt_train {
    const char *input;  // -i: file or folder of CALQ tables
    const char *models; // names with commas; NULL or "": all of the dictionary
    const char *loss;   // NULL: that of each model
    const char *compat; // names of the original's quirks with commas, or "true"; NULL: none
    int64_t epochs, elinks, csv_events, max_val, rows_per_file;
    int64_t ae_only; // 1: the autoencoders; 0: and threshold, best_choice, stc16, stc4
    bool no_header, quantize, skip_plot, full, quick_train, retrain, eval_only, double_rows,
        override_input, rescale_input_to_max, rescale_output_to_max, occ_reweight, mask_partials,
        mask_energies, save_energy;
} mb_econt_train;
#define MB_ECONT_TRAIN_INIT                                                                        \
    {                                                                                              \
        .epochs = -1, .elinks = -1, .csv_events = -1000, .max_val = -1, .rows_per_file = -1,       \
        .ae_only = 1                                                                               \
    }

// Translates the options into a study (stored in the run, to be run again) and runs it into
// settings->directory, which may hold an earlier run: its weights are judged again, or trained anew
// (retrain).
MB_API mb_status mb_econt_train_run(mb_context *ctx, const mb_econt_train *options,
    const mb_run_settings *settings, const uint64_t *seed, mb_answer **out) MB_MUST_CHECK;

// Parameters and operations of a model (a file, or a name of the dictionary), layer by layer.
MB_API mb_status mb_econt_flops(mb_context *ctx, const char *model, mb_answer **out) MB_MUST_CHECK;
// The telescope metric of two files of 48 charges a row (.csv or arrays): per row and mean.
MB_API mb_status mb_econt_telescope(mb_context *ctx, const char *a, const char *b,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// A model as frozen graphs FOLDER/NAME_constantgraph.pb and .pb.ascii whose result is the node
// output ("encoded_vector/Relu").
MB_API mb_status mb_econt_to_graph(mb_context *ctx, const char *model, const char *folder,
    const char *output, const char *name, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// The names of the dictionary and what they cost.
MB_API mb_status mb_econt_models(mb_context *ctx, mb_answer **out) MB_MUST_CHECK;

// The options of `econt train-emd`.
typedef struct mb_econt_emd {
    const char *input; // a CALQ table or folder, or for pairs of an autoencoder a folder of its run
    const char *pairs; // "real", "ae" or "both"
    const char *output;
    int64_t epochs, rows_per_file;
    size_t repeats; // trainings, of which the best by validation loss is taken; 0: 1
    bool no_header;
    int64_t rows; // modules that pairs are made of; 0: 200 of pairs of modules, 20,000 of others
} mb_econt_emd;
MB_API mb_status mb_econt_train_emd(mb_context *ctx, const mb_econt_emd *options,
    const mb_run_settings *settings, const uint64_t *seed, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
