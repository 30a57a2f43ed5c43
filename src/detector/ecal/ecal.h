// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_ECAL_H
#define DETECTOR_ECAL_ECAL_H

#include "detector/detector.h"

// The ECAL detector: images of 32 x 32 crystals with energy (units of 50 GeV) and arrival time, one
// file of photons and one of electrons. Axis 1 is the row, axis 2 the column; an empty crystal has
// energy and time 0. H and W are the image's height and width after data.crop.
//
// Rows that load makes: those of data.rows, set after set (train, validation, test), in each the
// photons and then the electrons; without sets all photons, then all electrons. event is the row in
// its file.
//
// Columns, as data.arrays asks for them (inputs, MB_F32, made when asked for):
// frames        (n, H, W, 1), stored as (n, H, W): energies by time, see frames.h
// vectorised    (intervals, H, W, 2): energy and time, each hit in its interval alone
// sequence      (most hits, 4): energy, time, row, column, by time, scaled, padded with 69
// hits          (most hits, 4): the same list of what frames keeps, as it is, padded with NaN
// unique_times  (1024): distinct times of what frames keeps, rising, padded with NaN
// and, unless files were named for prediction, target (dense MB_F32, (2)): photon [1, 0],
// electron [0, 1].
//
// Facts of the dataset: time_edges MB_F64 (n + 1; compat last_frame: n), with sequence also
// sequence_scale MB_F32 (2, 4): least and largest value of each feature over the training rows.
//
// Arrays of mb_detector_ops.pictures. C is the class: 0 photon, 1 electron; entries of a class that
// has no rows are absent, but for n_events. Figures are of the first MB_ECAL_PICTURE_EVENTS rows of
// a class (n of them), single events of the first MB_ECAL_PICTURE_IMAGES (e of them). Pixels that
// the study's cleaning leaves out (data.low_e, and unless compat early_hits the time range) are NaN
// in images and missing in lists.
//
// own_scale            MB_I64 (1): 1 with compat scale: every image has its own colour scale
// class/C/name         text: Photon, Electron
// class/C/n_events     MB_I64 (1): n
// class/C/event        MB_I64 (e): row in the file
// class/C/energy       MB_F32 (e, H, W)
// class/C/time         MB_F32 (e, H, W)
// class/C/hits         MB_F32 (h, 4): energy, time, row, column of event 0, by time: the scatter
//
// Animations, of event 0:
// frame_edges          MB_F64 (f + 1): f intervals, the empty last frame of compat last_frame is
//                      left out
// class/C/frames       MB_F32 (f, H, W): as the network takes them; 0 where nothing is
// class/C/vectorised   MB_F32 (f, H, W, 2): energy and time by interval; 0 where nothing is
//
// Time distributions, of all pixels of data.crop with energy above 0, whatever their time:
// time_edges           MB_F64 (b + 1): bins of abs(time) from 0
// class/C/time_counts  MB_F64 (b): pixels
// class/C/time_energy  MB_F64 (b): their energy
// class/C/time_totals  MB_F64 (2): pixels and energy at all times, so that cumulative shares end
//                      below 1
//
// Crop study, of whole images:
// crops                MB_I64 (c): side lengths
// crop_areas           MB_F64 (c): fraction of the image's area
// class/C/crop_hits    MB_F32 (c, n): fraction of an image's pixels with energy above 0
// class/C/crop_energy  MB_F32 (c, n): fraction of its energy
//
// Hit sequences (energy above data.sequence_low_e, abs(time) below data.sequence_abstime):
// class/C/n_hits       MB_I64 (n): hits in each image
// class/C/sequence     MB_F32 (h, 4): energy, time, row, column of event 0, by time, not scaled

enum {
    MB_ECAL_SIDE = 32,
    MB_ECAL_PIXELS = MB_ECAL_SIDE * MB_ECAL_SIDE,
    MB_ECAL_PICTURE_EVENTS = 4096,
    MB_ECAL_PICTURE_IMAGES = 4
};

#endif
