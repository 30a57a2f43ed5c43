// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_LOAD_H
#define DETECTOR_CALO_LOAD_H

#include "detector/calo/plan.h"
#include "detector/calo/samples.h"

mb_status mb_calo_load(mb_context *ctx, const mb_detector_request *request, mb_dataset *out,
    mb_buffer *report) MB_MUST_CHECK;

// The dataset's sets and the codes of its split, from a plan of a benchmark.
mb_status mb_calo_sets_make(mb_context *ctx, const mb_calo_settings *settings,
    const mb_calo_plan *plan, mb_dataset *out) MB_MUST_CHECK;

// What of the samples was left out or forced into range, by sample.
typedef struct mb_calo_account {
    size_t n_read[1 + MB_CALO_MOST_SIGNALS]; // rows made
    mb_calo_tally tally[1 + MB_CALO_MOST_SIGNALS];
} mb_calo_account;
// The lines that a person is shown.
void mb_calo_report(const mb_calo_settings *settings, const mb_calo_samples *samples,
    const mb_calo_plan *plan, const mb_calo_account *account, mb_buffer *report);

#endif
