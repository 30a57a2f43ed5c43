// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_BUILD_H
#define DETECTOR_TRACKS_BUILD_H

#include "detector/tracks/store.h"

// Graphs built from hits alone: edges.pred of the sample that is being read, which was begun with n
// hits at first. Edges are ordered by source, then destination. Fails with FORMAT where an array
// that the builder needs is not there.
mb_status mb_tracks_build(
    mb_tracks_store *store, const mb_tracks_builder *builder, size_t first, size_t n) MB_MUST_CHECK;

#endif
