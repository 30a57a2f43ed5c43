// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DATA_ARRAYS_SOURCE_H
#define DATA_ARRAYS_SOURCE_H

#include "base/options.h"
#include "data/dataset.h"

// `data: {source: arrays, ...}`: events from anybody's arrays.

typedef struct mb_arrays_options {
    const char *file;
    const mb_node *inputs;
    const char *target;
    const char *event;
    const char *weight;
    const char *parts;
} mb_arrays_options;
extern const mb_option mb_arrays_option_table[];

// Reads the arrays that a data: map names; relative files start from directory. wants_label: fails
// when there is no target. The caller clears *out (initialised), also after a failure. Fails with
// IO, FORMAT, SHAPE (arrays of unequal length, both named).
mb_status mb_arrays_source_load(mb_context *ctx, mb_document *document, const mb_node *data,
    const char *directory, bool wants_label, mb_dataset *out) MB_MUST_CHECK;
// The same arrays from a file of other events, in place of those that the study names. Target and
// event numbers are taken where it has them, weights are not. Names are those of the study, or of
// its inputs (also below /inputs, as prepare writes them); an only array is that of an only
// input, whatever its name.
mb_status mb_arrays_source_load_file(mb_context *ctx, mb_document *document, const mb_node *data,
    const char *path, mb_dataset *out) MB_MUST_CHECK;

#endif
