// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_FROZEN_H
#define EXCHANGE_FROZEN_H

#include "files/frozen_graph.h"
#include "network/model.h"

// Models as frozen graphs of TensorFlow. Names of nodes are those that Keras gives: of a layer
// "conv2d" the nodes conv2d/Conv2D, conv2d/BiasAdd, conv2d/Relu, and its weights
// conv2d/Conv2D/ReadVariableOp/resource. The first node is the placeholder x, whose batch is open;
// the last is the output. Quantisers become a few nodes that round to even and clip, as ours do.

// Whether a path ends in .pb or .pb.ascii.
bool mb_frozen_is_path(const char *path);

// Writes .pb, or the same as text for .pb.ascii. output: the node that shall be the last, such as
// "encoded_vector/Relu"; NULL: the model's output. A quantised rectifier behind a layer is called
// as if it were the layer's own: encoded_vector/Relu. Fails with UNSUPPORTED, naming the layer, for
// layers that have no such nodes, ARG for an output that is no node, IO.
mb_status mb_frozen_save(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *output, const char *path) MB_MUST_CHECK;

// Reads a graph of one placeholder; its output is the node that no other takes. Groups of nodes
// that round and clip become quantisers, of weights and of activations. A first part that all names
// share
// ("encoder/") is left out. The caller owns *out; on failure it is NULL. Fails with FORMAT, SHAPE,
// LIMIT, UNSUPPORTED (naming the node).
mb_status mb_frozen_load_bytes(mb_context *ctx, const char *name, const void *bytes, size_t length,
    mb_model **out) MB_MUST_CHECK;

#endif
