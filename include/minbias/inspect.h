// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_INSPECT_H
#define MINBIAS_INSPECT_H

#include "minbias/model.h"
#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// What is in a file: names, shapes, types, range, NaN, balance of labels.
MB_API mb_status mb_inspect(mb_context *ctx, const char *path, mb_answer **out) MB_MUST_CHECK;
// The layer table as Keras prints it, parameters, floating-point operations, bytes, what opens the
// model elsewhere.
MB_API mb_status mb_model_summary(
    mb_context *ctx, const mb_model *model, mb_answer **out) MB_MUST_CHECK;
// The same of a model's file or SavedModel folder; of a folder with the history.pkl of its training
// also the epochs and the last figures.
MB_API mb_status mb_model_file_summary(
    mb_context *ctx, const char *path, mb_answer **out) MB_MUST_CHECK;
// The history of a training from our history.csv to Keras's history.pkl (.pkl or .pickle: a
// dictionary of lists) or back, as the suffixes say. Fails with ARG for other suffixes.
MB_API mb_status mb_history_convert(mb_context *ctx, const char *input, const char *output,
    bool is_forced, mb_answer **out) MB_MUST_CHECK;
// Whether a path has a suffix of a pickle.
MB_API bool mb_history_is_path(const char *path);
// Runs a model over arrays: input .npy (one input), .npz or .h5 (one array per input name, in an
// .h5 also below /inputs); output likewise, arrays named after the output layers.
MB_API mb_status mb_model_predict_file(mb_context *ctx, const mb_model *model, const char *input,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
