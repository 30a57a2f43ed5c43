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

// Adds a layer of a kind, named after the model's; NULL on failure.
mb_twin_layer *mb_twin_translate_add(twin_translation *t, const char *kind);
// Values that a weight's quantiser gives to x (weight->count numbers), with their format; *scale is
// NULL, or a factor for each channel and the values are levels. Without quantiser fails with
// UNSUPPORTED.
mb_status mb_twin_translate_values(twin_translation *t, const mb_weight *weight, const float *x,
    const float **values, const float **scale, mb_fixed *format);
// The narrowest signed format that holds n numbers exactly; false beyond 32 bits.
bool mb_twin_exact_format(const float *x, size_t n, mb_fixed *out);
bool mb_twin_is_power_of_two(double x);

#endif
