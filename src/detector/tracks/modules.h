// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_MODULES_H
#define DETECTOR_TRACKS_MODULES_H

#include "base/buffer.h"

// Modules of the toy's ten cylinders: each layer has as many flat ones round the beam and along it
// as the barrel's, numbered from 1 round the beam, ring by ring. Their thickness spans the arc that
// a module stands for, so that every hit lies inside its module.

// Half of a layer's length along the beam, mm; layers count from 0.
double mb_tracks_half_length(size_t layer);
// volume_id and layer_id of TrackML's tables.
void mb_tracks_layer_ids(size_t layer, int64_t *volume, int64_t *id);
// The module of a place (x, y, z in mm) on a layer.
int64_t mb_tracks_module_of(size_t layer, const float *place);
// detectors.csv: a row a module. A place in a module's own axes (u round the beam, v along it, w
// outwards) is R * (u, v, w) + c in the detector's.
void mb_tracks_put_detectors(mb_buffer *out);

#endif
