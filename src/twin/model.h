// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TWIN_MODEL_H
#define TWIN_MODEL_H

#include "twin/twin.h"

// From a quantised model to its integer twin. Weights are those that the quantisers give. Scales
// that are powers of two are integers; a real scale (alpha "auto" or a number) makes a layer's sums
// of the levels alone, exact, and multiplies them by one float32 factor for each channel, rounded
// once: mb_twin_report.is_real says so. A batch normalisation is such a factor too, unless an
// override gives its weight format. An activation without integers (sigmoid, softmax) may only end
// the model and runs in float32.

typedef struct mb_twin_model_settings {
    // How inputs are read; bits 0: as the first layer's quantiser (q_activation) does.
    mb_fixed input;
    const float *parameters; // NULL: the model's own
    // By layer name. weight and bias formats convert the quantised weights once more.
    const mb_twin_override *overrides;
    size_t n_overrides;
} mb_twin_model_settings;

// Makes a twin of a model with one input and one output, whose layers follow one another. settings
// may be NULL. The caller owns *out; on failure it is NULL. Fails with UNSUPPORTED naming the layer
// that has no integer form, with "add quantize:" for one without quantisers, and as mb_twin_create.
mb_status mb_twin_from_model(mb_context *ctx, const mb_model *model,
    const mb_twin_model_settings *settings, mb_twin **out) MB_MUST_CHECK;

#endif
