// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TWIN_MODEL_PARTS_H
#define TWIN_MODEL_PARTS_H

#include "network/layer.h"
#include "twin/model.h"

// What the files that read a model into a program share.

typedef struct twin_translation {
    mb_context *ctx;
    const mb_model *model;
    const float *parameters;
    const mb_twin_model_settings *settings;
    mb_document document; // memory of the program
    mb_twin_layer *layers;
    size_t n_layers, capacity;
    mb_twin_program program;
    const char *ended_by; // a layer with an activation that has no integers; NULL: none yet
    // Of the call at hand.
    const mb_layer *layer;
    const mb_node *options;
    const mb_value_type *input, *output;
} twin_translation;

// Values that a weight's quantiser gives to x (weight->count numbers), with their format; *scale is
// NULL, or a factor for each channel and the values are levels. Without quantiser fails with
// UNSUPPORTED.
mb_status mb_twin_translate_values(twin_translation *t, const mb_weight *weight, const float *x,
    const float **values, const float **scale, mb_fixed *format);

#endif
