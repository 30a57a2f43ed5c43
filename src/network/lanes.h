// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LANES_H
#define NETWORK_LANES_H

#include "kernels/lanes.h"
#include "network/layer.h"

// What steps share that work on samples in lanes.

// For ops->plan: forward and backward of rows work number by number and know nothing of rows, so
// that they serve for lanes as they are. After they are set.
void mb_lanes_take_rows(mb_step *step);

// Asks the memory for the next input row of the tile behind this one. Steps in lanes call it
// between pieces of their work, a few dozen cache lines' worth of time apart: more at once would
// wait.
void mb_lanes_fetch_ahead(const mb_rows *rows);

// Whether an activation is one that kernels apply to their sums themselves.
bool mb_lanes_is_rectifier(const mb_activation *activation);
// An activation on n positions of so many channels each.
void mb_lanes_activate(const mb_kernels *kernels, const mb_activation *activation, float *values,
    size_t n, size_t channels);
// d = d_out times the activation's slope at out.
void mb_lanes_differentiate(const mb_kernels *kernels, const mb_activation *activation,
    const float *out, const float *d_out, size_t n, size_t channels, float *d);

// Adds the gradients of a kernel of n_kernel numbers and, where the layer has one, of a bias of
// n_bias behind it to the flat gradient: of each number the sum over the samples' lanes, through a
// fixed tree.
void mb_lanes_unpack(const mb_step *step, size_t n_kernel, size_t n_bias,
    const float *packed_gradient, float *gradient);

#endif
