// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_SIMULATE_H
#define DETECTOR_BARREL_SIMULATE_H

#include "detector/detector.h"

// Toy events: helices of charged particles through the tracker of geometry/barrel.h.

typedef struct mb_barrel_simulate_record {
    size_t files, events; // events in each file
    double pile_up;       // mean number of vertices
    double pt_min;        // GeV
    bool scattering;
} mb_barrel_simulate_record;

extern const mb_option mb_barrel_simulate_options[];

mb_status mb_barrel_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) MB_MUST_CHECK;

// Writes value as printf's %.6g does; returns the end. out holds 24 bytes or more.
char *mb_barrel_write_number(char *out, double value);

#endif
