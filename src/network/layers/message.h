// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_MESSAGE_H
#define NETWORK_LAYERS_MESSAGE_H

#include "network/layer.h"

// A chain of layers from nodes over edges back to nodes as one step: gather, dense layers that end
// in relu, a dense layer of one unit with sigmoid (or without activation, then edge_softmax),
// weighted_sum of the same nodes, and where wanted concatenate [nodes, sums] and a dense layer, and
// behind its relu the next chain's batch normalisation. No
// edge's numbers are stored: the first dense layer is two products for each node and a sum for each
// edge, and the way back works the relu out again. Where the chain is not broken this is its
// definition, whatever layers it was written with.

typedef struct mb_message_layers {
    const mb_layer *gather;
    const mb_layer *const *hidden; // dense, relu
    size_t n_hidden;               // at least 1, at most MB_MESSAGE_MOST_HIDDEN
    const mb_layer *last;          // dense, 1 unit: sigmoid; before softmax linear
    const mb_layer *softmax;       // NULL: the weight is last's sigmoid
    const mb_layer *update;        // dense, behind the concatenation; NULL: the step gives the sums
    const mb_activation_ops *activation; // of update; any that works number by number
    const mb_layer *normalization; // behind update's relu, in a prediction; NULL: there is none
} mb_message_layers;

enum { MB_MESSAGE_MOST_HIDDEN = 8 };

// Fills site->step, whose input is the nodes; layers is copied. Dense layers are without
// quantisers.
mb_status mb_message_plan(
    mb_context *ctx, mb_plan_site *site, const mb_message_layers *layers) MB_MUST_CHECK;

#endif
