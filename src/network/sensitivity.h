// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_SENSITIVITY_H
#define NETWORK_SENSITIVITY_H

#include "network/plan.h"

// Gradients by the inputs of a network with one input, as it predicts: without dropout and noise,
// normalisations with their moving averages. Quantisers pass gradients straight on, as in training.
//
// rows, gradient: n x inputs of the model. loss sees outputs in blocks (first_row counts in rows,
// any thread) and says what is differentiated by writing d_outputs, the gradient by them; gradient
// is then that by the inputs, row by row. Fails with SHAPE for a model of several inputs, MEMORY,
// and as mb_plan_create.
mb_status mb_sensitivity(mb_context *ctx, const mb_model *model, const float *parameters,
    const float *rows, size_t n, mb_loss_fn loss, void *user, float *gradient) MB_MUST_CHECK;

#endif
