// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_CALO_H
#define DETECTOR_CALO_CALO_H

#include "detector/detector.h"

// The calorimeter detector: 18 x 14 regions of transverse energy an event, one HDF5 file or more a
// sample. ET is a count of 0.5 GeV, a whole number 0 .. 1023. Axis 1 is phi 0 .. 17, axis 2 eta:
// column j is ieta 4 + j.
//
// Rows that load makes, in this order: the background (ZeroBias) that the benchmark splits into
// training and test, the overlay block, the events set aside, then every signal in the order of the
// study, the synthetic events, and the synthetic test events with pileup. event is the index in the
// file (of synthetic events: in the sample), file the file ("synthetic" for those).
//
// Columns: input regions (dense MB_F32, (18, 14, 1)); unless files were named for prediction the
// target (dense MB_F32, (2): background [1, 0], signal [0, 1]) and the extras
// sample   MB_I32: 0 ZeroBias, 1 ... the signals, then synthetic, then synthetic_pileup; its
//          value_names are these names
// overlay  MB_I64: number of the ZeroBias event that was added, counted over the ZeroBias events
//          read, which is its row too; -1: none
//
// Sets (none for a study of the background alone, which the study's own split cuts): one for each
// signal and for synthetic (train: ZeroBias then signal training events, test alike); blend;
// synthetic_pileup (test events only); background (ZeroBias alone); aside (training rows are the
// events set aside; no test rows).
//
// Arrays of mb_detector_ops.pictures. K counts the samples, 0 is ZeroBias, then the signals as in
// the study, then synthetic; figures are of the first MB_CALO_PICTURE_EVENTS events of each.
//
// n_samples            MB_I64 (1)
// et_edges             MB_F64 (101): 0 .. 1024 counts of 0.5 GeV
// eta_edges            MB_F64 (15): 4 .. 18
// phi_edges            MB_F64 (19): 0 .. 18
// sample/K/name        text: as in the study
// sample/K/title       text: `title:` of the study, or the name
// sample/K/n_events    MB_I64 (1): events that the figures are of
// sample/K/n_read      MB_I64 (1): events in the files (synthetic: generated)
// sample/K/n_accepted  MB_I64 (1): of these, with the acceptance flag or without such flags
// sample/K/mean        MB_F32 (18, 14): mean ET, counts of 0.5 GeV; where the study adds background
//                      events, event i has background event i of those drawn added
// sample/K/et          MB_I64 (100): regions by ET; generated ET is rounded down
// sample/K/eta         MB_F64 (14): ET summed over phi and events
// sample/K/phi         MB_F64 (18): ET summed over eta and events
// synthetic            MB_F32 (2, 18, 14): synthetic events 0 and 1 (when the study has such)

enum {
    MB_CALO_N_PHI = 18,
    MB_CALO_N_ETA = 14,
    MB_CALO_N_REGIONS = MB_CALO_N_PHI * MB_CALO_N_ETA, // index 14 * phi + eta
    MB_CALO_FIRST_IETA = 4,
    MB_CALO_MAX_ET = 1023,
    MB_CALO_PICTURE_EVENTS = 20000
};

// Codes of dataset->split beside MB_SPLIT_TRAIN, _VALIDATION and _TEST.
enum { MB_CALO_SPLIT_OVERLAY = 3, MB_CALO_SPLIT_ASIDE = 4 };

#endif
