// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_TRACKS_H
#define DETECTOR_TRACKS_TRACKS_H

#include "detector/detector.h"

// Hits in tracker layers and graphs that join them. A row of the dataset is a sample: one event's
// hits (axis "nodes") and three kinds of edges, "edges.pred" (what the network sends messages
// over), "edges.loss" (what it is judged on) and "edges.true" (hits of one particle).
//
// Columns: features (input, nodes), target (edges.loss: 1 where the edge is in edges.true), and of
// the nodes, where known: xyz (mm), emb, particle, weight, pt (GeV), eta, layer.

enum { MB_TRACKS_PRED, MB_TRACKS_LOSS, MB_TRACKS_TRUE, MB_TRACKS_N_GRAPHS };
extern const char *const mb_tracks_graph_names[]; // "pred", "loss", "true", NULL

// Hits a particle must have for its hits to have weight.
enum { MB_TRACKS_LEAST_WEIGHTED = 4 };

// Where the weights of hits come from: a fact of the dataset, "weight_rule".
enum { MB_TRACKS_WEIGHT_GIVEN, MB_TRACKS_WEIGHT_BY_RULE, MB_TRACKS_WEIGHT_EQUAL };

#endif
