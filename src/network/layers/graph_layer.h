// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_GRAPH_LAYER_H
#define NETWORK_LAYERS_GRAPH_LAYER_H

#include "base/numbers.h"
#include "network/graphs.h"
#include "network/layer.h"

// What layers between nodes and edges have in common.
typedef struct mb_graph_layer {
    const char *edges; // "pred": the axis is edges.pred
} mb_graph_layer;

extern const mb_option mb_graph_layer_options[];

// For ops->infer: the axis of the layer's edges, which join rows of the axis nodes.
mb_status mb_graph_layer_find(mb_context *ctx, mb_model *model, mb_layer *layer, unsigned nodes,
    unsigned *edges) MB_MUST_CHECK;

#endif
