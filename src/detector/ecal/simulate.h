// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_SIMULATE_H
#define DETECTOR_ECAL_SIMULATE_H

#include "detector/ecal/ecal.h"

typedef struct mb_ecal_simulate_record {
    size_t events; // of each class
    int format;
} mb_ecal_simulate_record;

extern const mb_option mb_ecal_simulate_options[];

// Toy photons and electrons: photons.h5 and electrons.h5 with X (events, 32, 32, 2) and y (events),
// or the same as NAME.npy and NAME_y.npy.
mb_status mb_ecal_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) MB_MUST_CHECK;

#endif
