// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_SAMPLES_H
#define DETECTOR_CALO_SAMPLES_H

#include "base/output.h"
#include "detector/calo/file.h"

// The files of one source, looked at but not read.
typedef struct mb_calo_sample_files {
    const char *name; // of the source
    mb_names paths;
    mb_calo_file *files; // as many as paths
    size_t n_events, n_accepted;
} mb_calo_sample_files;

// The background's and every signal's files. files: region files in place of the study's.
typedef struct mb_calo_samples {
    mb_calo_sample_files sample[1 + MB_CALO_MOST_SIGNALS];
    size_t n;
} mb_calo_samples;

// Finds and opens. The caller clears *out, also after a failure.
mb_status mb_calo_samples_open(mb_context *ctx, const mb_detector_request *request,
    const mb_calo_settings *settings, mb_calo_samples *out) MB_MUST_CHECK;
void mb_calo_samples_clear(mb_calo_samples *samples, mb_context *ctx);
// Whether any file that the study names is there.
mb_status mb_calo_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_calo_settings *settings, bool *out) MB_MUST_CHECK;

// Reads the first n_wanted good events of a sample, file after file. regions, event and file hold
// n_wanted entries; file receives first_file + index.
mb_status mb_calo_sample_read(mb_context *ctx, const mb_calo_sample_files *sample, int on_bad,
    size_t n_wanted, uint32_t first_file, float *regions, int64_t *event, uint32_t *file, size_t *n,
    mb_calo_tally *tally) MB_MUST_CHECK;

#endif
