// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_MODEL_H
#define MINBIAS_MODEL_H

#include "minbias/array.h"

#ifdef __cplusplus
extern "C" {
#endif

// A network: layers, their calls, and stored parameters. Immutable once made; may be read from any
// number of threads.
typedef struct mb_model mb_model;

// Reads a model by what the file is: Keras .h5, .keras, or .json (with the weights file of the same
// stem beside it), a frozen graph of TensorFlow (.pb), the folder of a SavedModel that Keras 2
// wrote, or a folder with a model.h5, such as a training's. The caller owns *out; on failure it is
// NULL. Fails with IO, FORMAT, SHAPE (weights that do not fit their layers), UNSUPPORTED (a layer
// that is not offered, named), LIMIT.
MB_API mb_status mb_model_load(mb_context *ctx, const char *path, mb_model **out) MB_MUST_CHECK;
// Writes a model by the suffix of path: .h5, .keras, .json (and <stem>.weights.h5), or a frozen
// graph of TensorFlow, .pb, as text .pb.ascii. The file appears whole or not at all.
MB_API mb_status mb_model_save(
    mb_context *ctx, const mb_model *model, const char *path) MB_MUST_CHECK;
MB_API void mb_model_destroy(mb_model *model);

MB_API size_t mb_model_n_inputs(const mb_model *model);
MB_API size_t mb_model_n_outputs(const mb_model *model);
// Borrowed, live with the model. Row shapes do not count events. NULL for an index out of range.
MB_API const char *mb_model_input_name(const mb_model *model, size_t input);
MB_API const char *mb_model_output_name(const mb_model *model, size_t output);
// Fills rank and shape (of at most MB_MAX_RANK) of one event's values.
MB_API mb_status mb_model_input_shape(mb_context *ctx, const mb_model *model, size_t input,
    unsigned *rank, size_t shape[MB_MAX_RANK]) MB_MUST_CHECK;
MB_API mb_status mb_model_output_shape(mb_context *ctx, const mb_model *model, size_t output,
    unsigned *rank, size_t shape[MB_MAX_RANK]) MB_MUST_CHECK;
MB_API size_t mb_model_n_parameters(const mb_model *model);

#ifdef __cplusplus
}
#endif

#endif
