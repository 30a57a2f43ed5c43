// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_EXCHANGE_GOLDEN_H
#define TESTS_EXCHANGE_GOLDEN_H

#include "files/zip.h"
#include "minbias/model.h"

// Models that real Keras wrote (tests/golden/keras_models.py), with inputs and what Keras predicts.
typedef struct golden {
    mb_context *ctx;
    size_t n_inputs, n_outputs;
    float *inputs[8], *outputs[32];
    size_t input_counts[8], output_counts[32];
    size_t n_rows;
} golden;

mb_zip *golden_open(mb_context *ctx, int keras);
// Inputs and outputs of a model; fails the test when they are absent.
void golden_read(golden *out, mb_context *ctx, mb_zip *zip, const char *model);
void golden_clear(golden *of);
// A member as bytes, NULL when the archive does not have it. Freed with mb_release.
char *golden_member(mb_context *ctx, mb_zip *zip, const char *name, size_t *length);

// What our plan predicts for the golden inputs. Freed with golden_clear_prediction.
void golden_predict(const golden *of, const mb_model *model, float **outputs);
void golden_clear_prediction(const golden *of, float **outputs);

// The same numbers for outside programs, in the form of the golden files.
void golden_write(const golden *of, const char *path);

#endif
