// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_FOLDED_H
#define NETWORK_LAYERS_FOLDED_H

#include "network/layers/conv_frame.h"

// A dense layer or convolution with the batch normalisation behind it in one: the normalisation is
// folded into kernel and bias, and these are quantised (QKeras's QDenseBatchnorm and
// QConv2DBatchnorm). With z = x W + b, its mean m and variance v over the batch:
//   W' = Q(gamma s W), b' = Q(gamma t (b - m) + beta), y = c (x W') + b'
// In prediction, and in training behind ema_freeze_delay, s = t = 1 / sqrt(moving variance +
// epsilon), m is the moving mean, and c = 1. Before, batch_stats_folding has s = t = 1 / sqrt(v +
// epsilon) and c = 1; ema_stats_folding has that t, the s of prediction and c = t / s.

typedef struct mb_folded_options {
    mb_conv_options conv; // filters: the units of a dense layer
    int64_t axis;
    double momentum, epsilon;
    bool center, scale;
    const mb_node *beta_initializer, *gamma_initializer;
    const mb_node *moving_mean_initializer, *moving_variance_initializer;
    const mb_node *beta_regularizer, *gamma_regularizer;
    const mb_node *ema_freeze_delay; // training steps, or null: never
    int folding_mode;
    mb_quantizer unbiased; // bias_quantizer, where there is no bias to have it
} mb_folded_options;

enum { MB_FOLDING_EMA, MB_FOLDING_BATCH };

// Plans a call whose input, as stored, has n_spatial dimensions and channels.
mb_status mb_folded_plan(
    mb_context *ctx, mb_plan_site *site, const mb_value_type *in, size_t n_spatial) MB_MUST_CHECK;
// The quantiser of the folded bias, which is there without a bias too.
const mb_quantizer *mb_folded_bias_quantizer(const mb_layer *layer);
// Fails with UNSUPPORTED when a folded weight's quantiser has a slope of its own: the gradient of
// the folded weights is taken to be that of the quantised ones.
mb_status mb_folded_check_quantizers(mb_context *ctx, const mb_layer *layer) MB_MUST_CHECK;
// Training steps before the statistics are frozen; -1: never.
mb_status mb_folded_delay(mb_context *ctx, const mb_node *node, int64_t *out) MB_MUST_CHECK;

#endif
