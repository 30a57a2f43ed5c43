// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_READER_H
#define DETECTOR_TRACKS_READER_H

#include "base/numbers.h"
#include "base/output.h"
#include "detector/tracks/store.h"
#include "files/zip.h"

// What the readers of the three kinds of files share.

typedef struct mb_tracks_reader {
    mb_context *ctx;
    const mb_tracks_settings *settings;
    mb_tracks_store *store;
    bool needs_truth;    // particles and all graphs must be there
    bool leaves_graphs;  // ends samples without building graphs
    uint32_t file;       // index of the file at work
    int64_t next_sample; // samples met so far, over all files
    size_t n_dropped;
    mb_buffer dropped; // a line for each sample that on_bad: drop left out
} mb_tracks_reader;

// Each appends the samples of one file.
// tracks.pickle: a list of {hits, graphs}.
mb_status mb_tracks_read_pickle(mb_tracks_reader *reader, const char *path) MB_MUST_CHECK;
// The same from memory.
mb_status mb_tracks_parse_pickle(
    mb_tracks_reader *reader, const char *name, const void *bytes, size_t length) MB_MUST_CHECK;
// One segment graph: X, Ri_rows, Ri_cols, Ro_rows, Ro_cols, y.
mb_status mb_tracks_read_npz(mb_tracks_reader *reader, const char *path) MB_MUST_CHECK;
mb_status mb_tracks_parse_npz(
    mb_tracks_reader *reader, const char *path, mb_zip *zip) MB_MUST_CHECK;
// A TrackML event: path names its hits (PREFIX-hits.csv or .csv.gz), the others lie beside it.
mb_status mb_tracks_read_csv(mb_tracks_reader *reader, const char *path) MB_MUST_CHECK;
// All TrackML events inside a zip archive.
mb_status mb_tracks_read_zip(mb_tracks_reader *reader, const char *path) MB_MUST_CHECK;
mb_status mb_tracks_parse_zip(
    mb_tracks_reader *reader, const char *path, mb_zip *zip) MB_MUST_CHECK;

// Files of one sample each, the first of them reader->file, as read would append them in turn:
// read by all threads, a file on each.
typedef mb_status (*mb_tracks_read_fn)(mb_tracks_reader *reader, const char *path);
mb_status mb_tracks_read_each(mb_tracks_reader *reader, mb_tracks_read_fn read,
    const char *const *paths, size_t n) MB_MUST_CHECK;

// Builds what the settings and the particles make, and ends the sample that was begun with n hits
// at first.
mb_status mb_tracks_end_sample(
    mb_tracks_reader *reader, size_t first, size_t n, int64_t event) MB_MUST_CHECK;
// A sample failed: whether to go on without it. Says so, and clears the context's failure.
bool mb_tracks_may_drop(mb_tracks_reader *reader, mb_status status);

#endif
