// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_BARREL_H
#define DETECTOR_BARREL_BARREL_H

#include "detector/detector.h"

// The barrel detector: tracker hits and particles as text, three images an event, a label from
// truth.
//
// Columns that load makes: inputs volume0, volume1 ... (sparse, MB_U16, shape (layers, phi, z),
// or (phi, z, layers) with data_format: channels_last);
// with truth the target (MB_F32, one number an event) and the extras third_track_pt (MB_F32, GeV:
// pt of the label.tracks-th highest track among those on label.layers layers or more, 0 with
// fewer such tracks) and n_tracks (MB_I32: tracks that pass the label's cuts).
//
// Arrays of mb_detector_ops.pictures, from the first pair of files of the study. n, m, e, p, k
// are lengths. Distances in mm, angles in rad, pt in GeV. Entries marked (truth) are absent
// without particles.
//
// has_truth            text "0" or "1"
// layers               MB_I32 (10, 2): volid and layid of barrel layer 0 .. 9
//
// All hits of the first few events, in file order:
// hits/event           MB_I64 (n)
// hits/volid           MB_I32 (n): barrel 8, 13, 17, endcaps 7, 9, 12, 14, 16, 18
// hits/layid           MB_I32 (n)
// hits/z, hits/r, hits/phi                 MB_F32 (n)
//
// Barrel hits of the same events:
// selected/event       MB_I64 (m)
// selected/layer       MB_I32 (m): row of layers
// selected/volume      MB_I32 (m): 0, 1, 2
// selected/particle    MB_I32 (m): index of the particle among the event's (truth)
// selected/z, selected/r, selected/phi     MB_F32 (m)
//
// Dense images of a few events:
// images/event         MB_I64 (k)
// images/volume0 ...   MB_U16 (k, layers, phi, z)
// images/volume0_phi_edges, images/volume0_z_edges ...   MB_F64 (bins + 1)
//
// One entry an event, for all events of the files that have barrel hits:
// counts/event         MB_I64 (e)
// counts/hits          MB_I64 (e): barrel hits
// counts/all_hits      MB_I64 (e)
// counts/layers        MB_I64 (e, 10): barrel hits by layer
// counts/particles     MB_I64 (e) (truth)
// counts/tracks        MB_I64 (e): particles with at least one barrel hit (truth)
// counts/passing       MB_I64 (e): tracks that pass the label's cuts (truth)
//
// One entry a particle, for all events of the files (truth):
// particles/pt, particles/eta              MB_F32 (p)

#endif
