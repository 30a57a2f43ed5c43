// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_DETECTOR_H
#define DETECTOR_DETECTOR_H

#include "base/bundle.h"
#include "base/options.h"
#include "data/split.h"

// A detector: reads its raw files into a dataset, makes toy files in the real format, and hands out
// what pictures need. One file a detector (and its folder), ending in one record; one line in
// detector_list.h.

// Quirks of the original that a study asks for by name (compat: [...] or true).
typedef struct mb_compat {
    bool all; // compat: true
    const char *const *names;
    size_t n;
} mb_compat;
// The switch was named, or compat is true and the detector says that it is one of the original's
// behaviours.
bool mb_compat_has(const mb_compat *compat, const char *name);

typedef struct mb_detector_request {
    mb_document *document; // the study, for FILE:LINE of errors
    const mb_node *data;   // the data: map
    const mb_compat *compat;
    const char *directory; // what relative data paths start from: data.dir, resolved
    uint64_t seed;
    bool wants_label; // train and evaluate need truth; prepare and predict take what there is
    size_t set_aside; // background events kept out of all sets, for a fit that takes them alone
                      // (set "aside"); 0: none
    // train.validation: the part of the training rows that is not trained on, for sources that fit
    // scales on training rows; NULL: none.
    const mb_part *validation;
    const mb_bundle *facts;   // predict RUN FILES: dataset.facts of the run's training, or NULL
    const char *const *files; // predict RUN FILES: raw input files in place of the study's, or NULL
    size_t n_files;
} mb_detector_request;

// Where an error about a key of data: points to: the key, or all of data: where it is not written.
const mb_node *mb_detector_node(const mb_detector_request *request, const char *key);

// A key of `train:` that data of this kind gives where the study does not write it.
typedef struct mb_train_default {
    const char *key, *value; // the value as YAML
    const char *compat;      // with this switch alone; NULL: always. The first that applies counts
} mb_train_default;

typedef struct mb_detector_ops {
    const char *name;  // data.source: "barrel"
    const char *study; // the shipped study that `new` starts from: "barrel-trigger"
    const char *help;
    const mb_option *data_options; // keys under data: beside source, dir, split, rows, on_bad
    size_t data_options_size;
    const char *const *compat_names;        // NULL-terminated: switches it knows
    const mb_train_default *train_defaults; // ended by key NULL; NULL: none
    const mb_option *simulate_options;      // events, files and more
    size_t simulate_options_size;
    // Writes toy files into a directory. The bytes depend on seed and options alone.
    mb_status (*simulate)(
        mb_context *ctx, const void *options, uint64_t seed, const char *directory);
    // Do the files that the request names exist? (simulate: is used, and said, when not)
    mb_status (*has_files)(mb_context *ctx, const mb_detector_request *request, bool *out);
    // Reads, selects, labels. report receives the tables that a person is shown (printed lines of
    // the spec), may be NULL.
    mb_status (*load)(
        mb_context *ctx, const mb_detector_request *request, mb_dataset *out, mb_buffer *report);
    // Named arrays for the detector's own pictures (see the detector's header for the names), from
    // a few events.
    mb_status (*pictures)(mb_context *ctx, const mb_detector_request *request, mb_bundle *out);
    // Can this file be read by this detector? For `inspect`; text receives what is in it.
    mb_status (*inspect)(mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text);
} mb_detector_ops;

#define MB_DETECTOR(name) extern const mb_detector_ops mb_detector_##name;
#include "detector/detector_list.h"
#undef MB_DETECTOR
extern const mb_detector_ops *const mb_detector_list[]; // NULL-terminated
const mb_detector_ops *mb_detector_find(const char *name);

#endif
