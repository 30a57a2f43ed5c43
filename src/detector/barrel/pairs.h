// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_PAIRS_H
#define DETECTOR_BARREL_PAIRS_H

#include "base/output.h"
#include "detector/barrel/settings.h"

// Which files belong together.

typedef struct mb_barrel_pair {
    const char *hits, *particles; // particles NULL: no truth
} mb_barrel_pair;

typedef struct mb_barrel_pairs {
    mb_names hits, particles; // own the texts
    mb_barrel_pair *pair;
    size_t n;
    bool has_truth;
    mb_names dropped; // files without partner (on_bad: drop)
} mb_barrel_pairs;

// At least one pair, or IO. An unpaired file fails with both lists in the text, or is dropped.
mb_status mb_barrel_pairs_find(mb_context *ctx, const mb_detector_request *request,
    const mb_barrel_settings *settings, mb_barrel_pairs *out) MB_MUST_CHECK;
void mb_barrel_pairs_clear(mb_barrel_pairs *pairs, mb_context *ctx);
// Is there a file of hits?
mb_status mb_barrel_has_hits(mb_context *ctx, const mb_detector_request *request,
    const mb_barrel_settings *settings, bool *out) MB_MUST_CHECK;

#endif
