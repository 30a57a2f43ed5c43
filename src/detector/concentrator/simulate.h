// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_SIMULATE_H
#define DETECTOR_CONCENTRATOR_SIMULATE_H

#include "detector/concentrator/concentrator.h"

typedef struct mb_calq_simulate_record {
    size_t events; // rows of each file
    size_t files, elinks;
    const char *name;
    int header;
    int ports; // 0: none, 1: of a low, 2: of a high density module
} mb_calq_simulate_record;

extern const mb_option mb_calq_simulate_options[];

// Charges of one toy module (48) into out, a pure function of seed, file and row.
void mb_calq_simulate_row(uint64_t seed, uint32_t file, uint32_t row, uint32_t *out);

// Toy modules: nElinks_<n>/<name>.csv, or <name>_0.csv ... for several files; and words of the
// chip's input ports of the same modules as ports/<name>.csv, if asked for.
mb_status mb_calq_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) MB_MUST_CHECK;

#endif
