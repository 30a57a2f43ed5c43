// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_SIMULATE_H
#define DETECTOR_CALO_SIMULATE_H

#include "detector/calo/calo.h"

// Toy events: soft energy everywhere with a few jets, and five signals on top of that (SUEP
// without). One file each; events of a file depend on seed and number alone.

typedef struct mb_calo_simulate_record {
    size_t events, signal_events;
    size_t gzip; // level, 0: not compressed
} mb_calo_simulate_record;

extern const mb_option mb_calo_simulate_options[];

mb_status mb_calo_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) MB_MUST_CHECK;

#endif
