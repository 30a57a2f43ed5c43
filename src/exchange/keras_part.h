// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_KERAS_PART_H
#define EXCHANGE_KERAS_PART_H

#include "network/model.h"

// Nested models on their own, and models as pairs of files.

// A model of the layers of a nested model ("encoder"), with their weights out of parameters
// (model->n_parameters floats); its layers' names lose "encoder/". The caller owns *out. Fails with
// ARG where there is no such nested model.
mb_status mb_model_take_part(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *part, mb_model **out) MB_MUST_CHECK;

// Writes the structure as path (STEM.json) and the weights alone as STEM.hdf5, as Keras 2's to_json
// and save_weights do.
mb_status mb_model_save_pair(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *path) MB_MUST_CHECK;

#endif
