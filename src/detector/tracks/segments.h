// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_SEGMENTS_H
#define DETECTOR_TRACKS_SEGMENTS_H

#include "detector/tracks/store.h"

// edges.pred of the sample at work, n hits at xyz (n, 3) on layers (-1: none): from each hit to
// those of the next layer outwards within the cuts, and back if it says so.
mb_status mb_tracks_build_segments(mb_tracks_store *store, const mb_tracks_builder *cuts, size_t n,
    const float *xyz, const int32_t *layer) MB_MUST_CHECK;

#endif
