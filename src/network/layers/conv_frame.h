// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_CONV_FRAME_H
#define NETWORK_LAYERS_CONV_FRAME_H

#include "network/layers/conv.h"

// What convolutions of other kinds share with the plain one: windows over a padded frame.

// The geometry of a plain, dense convolution over channels-last rows of the given type. Only shape
// options are read; options->filters may be any number.
mb_status mb_conv_frame_make(mb_context *ctx, mb_plan_site *site, const mb_value_type *in,
    const mb_conv_options *options, size_t n_spatial, mb_conv_plan *plan) MB_MUST_CHECK;

// Depthwise: every input channel has multiplier outputs of its own. w: taps x channels x
// multiplier, as Keras stores it.
void mb_conv_depthwise(
    const mb_conv_plan *plan, size_t multiplier, const float *frame, const float *w, float *out);
// Adds to gradient (as w) and to d_frame (NULL: not wanted); d: positions x d_stride.
void mb_conv_depthwise_back(const mb_conv_plan *plan, size_t multiplier, const float *frame,
    const float *w, const float *d, size_t d_stride, float *gradient, float *d_frame);

#endif
