// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_LOAD_H
#define DETECTOR_TRACKS_LOAD_H

#include "detector/tracks/settings.h"

// mb_detector_ops.load of the tracks.
mb_status mb_tracks_load(mb_context *ctx, const mb_detector_request *request, mb_dataset *out,
    mb_buffer *report) MB_MUST_CHECK;
mb_status mb_tracks_has_files(
    mb_context *ctx, const mb_detector_request *request, bool *out) MB_MUST_CHECK;

#endif
