// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_REGION_STREAM_H
#define DETECTOR_CALO_REGION_STREAM_H

#include "minbias/array.h"

// Regions of any file block by block, as they are: nothing is asked of the numbers, and events that
// are not accepted come too. HDF5 region files (.h5, .hdf5, .hdf) are never in memory whole, text
// and .npy (see regions_text.h) are.
typedef struct mb_calo_stream mb_calo_stream;

typedef struct mb_calo_block {
    const float *regions;       // (n, 252), counts of 0.5 GeV; borrowed until the next block
    const uint8_t *is_accepted; // (n); NULL: all are
    size_t first, n;            // events; n is 0 behind the last
} mb_calo_block;

// The caller closes *out; on failure it is NULL. path must outlive it. Fails with IO, FORMAT,
// SHAPE, LIMIT.
mb_status mb_calo_stream_open(
    mb_context *ctx, const char *path, mb_calo_stream **out) MB_MUST_CHECK;
size_t mb_calo_stream_events(const mb_calo_stream *stream);
size_t mb_calo_stream_accepted(const mb_calo_stream *stream);
mb_status mb_calo_stream_next(mb_calo_stream *stream, mb_calo_block *block) MB_MUST_CHECK;
void mb_calo_stream_close(mb_calo_stream *stream);

// A whole number 0 .. 1023.
bool mb_calo_is_count(float value);

#endif
