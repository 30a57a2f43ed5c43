// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_CALO_FIRMWARE_H
#define STUDY_CALO_FIRMWARE_H

#include "minbias/calo.h"
#include "study/calo_events.h"
#include "study/calo_folder.h"

// What the tools on firmware share.

// The format of regions as firmware gets them, unless said otherwise: "<10,10>u".
extern const mb_fixed mb_calo_region_format;

// The twin of a network: from its weight lists, or from the quantised model, which then also comes
// out in *model (its path NULL: there is none). input: the format of a model's input, NULL: that of
// regions. The caller destroys and clears both, also after a failure.
mb_status mb_calo_twin_open(mb_context *ctx, const mb_calo_network *network, const char *input,
    mb_calo_model *model, mb_twin **twin) MB_MUST_CHECK;
// Scores of events as doubles.
mb_status mb_calo_twin_score(mb_context *ctx, const mb_twin *twin, const uint16_t *counts, size_t n,
    double *score) MB_MUST_CHECK;

// Runs the events slowly and puts each layer's formats, ranges and conversions that went outside
// into layers.csv, the page and the answer.
mb_status mb_calo_layers_report(
    mb_calo_folder *folder, const mb_twin *twin, const uint16_t *counts, size_t n) MB_MUST_CHECK;

#endif
