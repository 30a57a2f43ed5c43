// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_INSPECT_H
#define DETECTOR_TRACKS_INSPECT_H

#include "detector/tracks/tracks.h"

// mb_detector_ops.inspect of the tracks: what is in a pickle of samples.
mb_status mb_tracks_inspect(
    mb_context *ctx, const char *path, bool *is_mine, mb_buffer *text) MB_MUST_CHECK;

#endif
