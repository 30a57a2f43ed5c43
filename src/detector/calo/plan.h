// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_PLAN_H
#define DETECTOR_CALO_PLAN_H

#include "base/arena.h"
#include "detector/calo/settings.h"

// Which event goes where, from the numbers of events alone: splits, overlay draws, synthetic
// deposits. Samples are numbered as in the column `sample`: 0 the background, then the signals,
// then the synthetic events.

// A single deposit: its 3 x 3 pattern has its corner at (phi, eta).
typedef struct mb_calo_deposit {
    double amplitude;
    uint8_t phi, eta;
} mb_calo_deposit;

typedef struct mb_calo_sample_plan {
    size_t first, n;       // rows of the dataset
    const uint32_t *order; // a permutation of n: the test events, then the training events
    size_t n_test;
    size_t block, n_block; // rows of the background that are kept for overlay on this sample
    size_t block_train;    // the first so many are for training events
    const uint32_t *added; // per event the row of the background that is added, or NULL
} mb_calo_sample_plan;

enum { MB_CALO_MOST_SAMPLES = MB_CALO_MOST_SIGNALS + 2 };

typedef struct mb_calo_plan {
    mb_arena arena;
    mb_calo_sample_plan sample[MB_CALO_MOST_SAMPLES];
    size_t n_samples;
    size_t n_own;                     // background events that are split
    size_t n_missing;                 // of these, given up for the blocks
    size_t first_aside, n_aside;      // rows set aside
    const mb_calo_deposit *synthetic; // per synthetic event, or NULL
    size_t first_pileup, n_pileup;    // rows: synthetic test events with pileup
    const uint32_t *pileup;           // per such row the row of the background that is added
    size_t n_rows;
} mb_calo_plan;

// Background events to read: those of the benchmark and, behind them, those of the blocks.
size_t mb_calo_background_wanted(const mb_calo_settings *settings);
// n_events: of the background and of every signal, as read. The caller clears *out, also after a
// failure. Fails with RANGE when a sample is too small, naming it.
mb_status mb_calo_plan_make(mb_context *ctx, const mb_calo_settings *settings,
    const size_t *n_events, mb_calo_plan *out) MB_MUST_CHECK;
void mb_calo_plan_clear(mb_calo_plan *plan);
const char *mb_calo_sample_name(const mb_calo_settings *settings, size_t sample);

// The image of a deposit (252 values, not rounded).
void mb_calo_deposit_image(const mb_calo_deposit *deposit, float *out);
// out = a + b, region by region, at most 1023 when it is clipped.
void mb_calo_add_event(const float *a, const float *b, bool is_clipped, float *out);

#endif
