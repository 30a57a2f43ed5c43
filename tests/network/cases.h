// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_NETWORK_CASES_H
#define TESTS_NETWORK_CASES_H

#include "network/plan.h"
#include "testing.h"

// Cases of layers, from tests/golden/layers.txt, and small models built from them.

enum { CASE_MOST_INPUTS = 4 };

typedef struct layer_case {
    char kind[64];
    char options[512]; // JSON
    size_t n_inputs;
    mb_value_type inputs[CASE_MOST_INPUTS], output;
    size_t n_values;
    float *values; // the output of two rows
} layer_case;

typedef struct case_list {
    size_t n;
    layer_case *cases;
} case_list;

void cases_read(case_list *list);
void cases_free(case_list *list);
// "conv2d {...}, inputs ..." for messages; valid until the next call.
const char *case_text(const layer_case *c);

// The numbers that layers.py uses: count of them, by salt.
void case_numbers(float *out, size_t count, size_t salt);
// Parameters as layers.py sets them: weight i of the layer has salt 10 + i.
void case_parameters(const mb_model *model, const char *layer, float *parameters);

// A layer by JSON options; failures are the caller's to judge.
mb_status case_add_layer(mb_context *ctx, mb_model *model, const char *kind, const char *name,
    const char *options, mb_layer **out);
// The layer alone, on inputs of its case's shapes.
void case_model(mb_context *ctx, const layer_case *c, mb_model **model);
// Behind dense layers that turn three numbers per row into its inputs, so that gradients of weights
// tell those of inputs: layers "source<i>", "case".
void case_source_model(mb_context *ctx, const layer_case *c, mb_model **model);
// What the model with one input and one output predicts for dense rows.
void case_predict(
    mb_context *ctx, const mb_model *model, const float *rows, size_t n_rows, float *out);

#endif
