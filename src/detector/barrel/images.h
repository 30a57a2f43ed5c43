// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_IMAGES_H
#define DETECTOR_BARREL_IMAGES_H

#include "detector/barrel/settings.h"

// Bins of one image. All edges are low + k*((high - low)/n) as doubles, the last one high exactly.

// Bin of value, or -1 outside [low, high]; the last bin holds high too.
int64_t mb_barrel_axis_bin(const mb_barrel_axis *axis, double value);
double mb_barrel_axis_edge(const mb_barrel_axis *axis, size_t k);

// phi of a hit as the tables hold it: the nearest float to atan2(y, x).
float mb_barrel_phi(float x, float y);
// Bin of the hit's phi under a rule for +-pi (MB_BARREL_CLAMP ...), or -1. Equal to binning
// mb_barrel_phi(x, y), but most often without computing it.
int64_t mb_barrel_phi_bin(const mb_barrel_axis *axis, int numpy_edges, float x, float y);

// Sorts keys below 2^bits (at most 32); spare has room for n.
void mb_barrel_sort_keys(uint32_t *keys, uint32_t *spare, size_t n, unsigned bits);

// The global barrel layer (0 .. 9) of a hit in volume 0, 1 or 2, or -1 for a layer id that does not
// exist.
int mb_barrel_layer_of(int volume, uint32_t layid, bool accept_odd_layer);

#endif
