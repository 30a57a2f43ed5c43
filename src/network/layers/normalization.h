// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_NORMALIZATION_H
#define NETWORK_LAYERS_NORMALIZATION_H

#include "network/layer.h"

// Batch normalisation of channels, for its own layer and for convolutions that take it over:
// z = (y - mean) * (inverse * gamma) + beta, where inverse is 1 / sqrt(variance + epsilon).

typedef struct mb_normalization {
    size_t n_channels; // stored last, also where they are written first
    double momentum, epsilon;
    size_t gamma, beta, moving_mean, moving_variance; // offsets in the parameters, or SIZE_MAX
    const mb_weight *mean_weight, *variance_weight;
    bool is_unbiased, is_quantized;
} mb_normalization;

// Arrays of n_channels floats in packed, and in batch. Mean and inverse are quantised where the
// layer does that; the centre is the mean as it is, and the slopes are the quantisers'.
enum {
    MB_NORMALIZATION_GAMMA,
    MB_NORMALIZATION_BETA,
    MB_NORMALIZATION_MEAN,
    MB_NORMALIZATION_INVERSE,
    MB_NORMALIZATION_PACKED
};
enum {
    MB_NORMALIZATION_BATCH_MEAN,
    MB_NORMALIZATION_BATCH_INVERSE,
    MB_NORMALIZATION_CENTRE,
    MB_NORMALIZATION_MEAN_SLOPE,
    MB_NORMALIZATION_VARIANCE_SLOPE,
    MB_NORMALIZATION_D_MEAN,
    MB_NORMALIZATION_D_PROJECTION,
    MB_NORMALIZATION_BATCH
};

void mb_normalization_read(const mb_layer *layer, size_t n_channels, mb_normalization *out);
// Does the layer, in this step of training, look at its batch? Else it uses moving averages.
bool mb_normalization_looks_at_batch(const mb_layer *layer, const mb_step *step);
// Gamma, beta, moving mean and its inverse.
void mb_normalization_pack(
    const mb_normalization *normalization, const float *parameters, float *packed);
// A moving average one step on, in Keras's arithmetic.
static inline float mb_normalization_move(float moving, double value, double momentum) {
    return (float)((double)moving * momentum + value * (1 - momentum));
}
// From sums over count numbers a channel, and of their squares: what forward needs of batch; moves
// the averages.
void mb_normalization_finish(const mb_normalization *normalization, const double *total,
    double count, float *batch, float *moving);
// From sums of the output's gradient, and of it times the normalised number: what backward needs.
// Adds to gradient: gamma's n_channels, then beta's.
void mb_normalization_finish_backward(const mb_normalization *normalization, const double *total,
    double count, float *batch, float *gradient);
// Adds gamma's and beta's gradient to the flat one.
void mb_normalization_unpack(
    const mb_normalization *normalization, const float *packed_gradient, float *gradient);

#endif
