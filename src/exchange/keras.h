// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_KERAS_H
#define EXCHANGE_KERAS_H

#include "files/saved_model.h"
#include "network/model.h"

// Models as Keras files; mb_model_load and mb_model_save of minbias/model.h are made here.

// Whether a path names a model: a suffix .h5, .hdf5, .keras, .json, or a SavedModel folder.
bool mb_model_is_path(const char *path);
// Fails as mb_model_load would of a file that is not there, or that is of no kind models come in:
// IO, FORMAT. Reads its first bytes alone.
mb_status mb_model_check_path(mb_context *ctx, const char *path) MB_MUST_CHECK;

// mb_model_save with parameters (model->n_parameters floats) in place of the model's own.
mb_status mb_model_save_parameters(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *path) MB_MUST_CHECK;

// Fills parameters (model->n_parameters floats) with the weights of a file: a whole model of any
// kind, or weights only. Every weight of the model is taken, by layer and weight name. Fails with
// FORMAT for a missing layer or weight and SHAPE naming both shapes; parameters are then unchanged.
mb_status mb_model_load_weights(
    mb_context *ctx, const mb_model *model, const char *path, float *parameters) MB_MUST_CHECK;

// The first layer that plain Keras does not open: one of a class of our own, or (option is then its
// name) with an option of our own that changes predictions. layer NULL: Keras opens the model.
typedef struct mb_keras_own {
    const mb_layer *layer;
    const char *option; // memory of the document
} mb_keras_own;
mb_status mb_keras_find_own(
    mb_context *ctx, mb_document *document, const mb_model *model, mb_keras_own *out) MB_MUST_CHECK;

// The class that a layer is written as: QKeras's where it has quantisers and QKeras has the class.
const char *mb_keras_class_of(const mb_layer *layer);
// QKeras's classes begin with Q, and no other does.
bool mb_keras_is_qkeras_class(const char *class_name);
bool mb_keras_is_quantized(const mb_layer *layer);

// Models in memory, for programs that embed and for tests. name stands in messages.
mb_status mb_model_load_h5_bytes(mb_context *ctx, const char *name, const void *bytes,
    size_t length, mb_model **out) MB_MUST_CHECK;
mb_status mb_model_load_keras_bytes(mb_context *ctx, const char *name, const void *bytes,
    size_t length, mb_model **out) MB_MUST_CHECK;
mb_status mb_model_load_saved_bytes(mb_context *ctx, const char *name,
    const mb_saved_model_bytes *bytes, mb_model **out) MB_MUST_CHECK;
// The structure alone: all parameters are zero.
mb_status mb_model_load_config(mb_context *ctx, const char *name, const char *json, size_t length,
    mb_model **out) MB_MUST_CHECK;

#endif
