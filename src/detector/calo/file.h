// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_FILE_H
#define DETECTOR_CALO_FILE_H

#include "detector/calo/settings.h"

// One region file: what it holds, and its events as floats.
typedef struct mb_calo_file {
    const char *path;    // borrowed
    const char *dataset; // "CaloRegions", or "X" of the variant
    mb_dtype dtype;
    size_t n_events, n_accepted;
    size_t chunk_rows;    // rows stored together; 0: any
    uint8_t *is_accepted; // per event, NULL: all
} mb_calo_file;

// Looks at the head and the acceptance flags. The caller clears *out, also after a failure.
mb_status mb_calo_file_open(mb_context *ctx, const char *path, mb_calo_file *out) MB_MUST_CHECK;
void mb_calo_file_clear(mb_calo_file *file, mb_context *ctx);

// What reading came across: values that are no whole numbers 0 .. 1023.
typedef struct mb_calo_tally {
    size_t n_bad_values, n_bad_events;
} mb_calo_tally;

// Reads accepted events from the start of the file until n_wanted good ones are there or the file
// ends, in parallel: regions (n_wanted * 252) and event numbers (n_wanted). on_bad: error fails
// with RANGE, counting all bad values among the rows read. Adds to *tally.
mb_status mb_calo_file_read(mb_context *ctx, const mb_calo_file *file, int on_bad, size_t n_wanted,
    float *regions, int64_t *event, size_t *n, mb_calo_tally *tally) MB_MUST_CHECK;

#endif
