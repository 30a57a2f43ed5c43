// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_FILES_H
#define DETECTOR_ECAL_FILES_H

#include "base/output.h"
#include "data/split.h"
#include "detector/ecal/settings.h"
#include "detector/ecal/source.h"

// The files of a study and the rows of each that its sets take.

enum { MB_ECAL_PHOTON, MB_ECAL_ELECTRON, MB_ECAL_BOTH, MB_ECAL_UNKNOWN };

typedef struct mb_ecal_file {
    const char *path; // in the list's arena
    int class_index;  // what the study says that it holds; UNKNOWN: named for prediction
    size_t n_rows;
    bool has_labels;
} mb_ecal_file;

typedef struct mb_ecal_files {
    mb_arena arena;
    mb_ecal_file *file;
    size_t n, capacity;
    mb_buffer left_out; // a line for each file that on_bad: drop left out
} mb_ecal_files;

// Rows first .. last of one file, for one set.
typedef struct mb_ecal_piece {
    size_t file, first, last;
    uint8_t set; // MB_SPLIT_
} mb_ecal_piece;

typedef struct mb_ecal_pieces {
    mb_ecal_piece *piece;
    size_t n, capacity;
    mb_split_options split;
} mb_ecal_pieces;

// Finds the files, photons first, and looks at each. The caller clears *out, also after a failure.
mb_status mb_ecal_files_find(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_settings *settings, mb_ecal_files *out) MB_MUST_CHECK;
void mb_ecal_files_clear(mb_ecal_files *files, mb_context *ctx);
mb_status mb_ecal_has_files(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_settings *settings, bool *out) MB_MUST_CHECK;
// What data.rows takes: set after set, in each file after file. Rows beyond a file's end are said
// and left out; a set that has no row then fails with RANGE. Freed with mb_release(piece).
mb_status mb_ecal_pieces_make(mb_context *ctx, const mb_detector_request *request,
    const mb_ecal_files *files, mb_ecal_pieces *out) MB_MUST_CHECK;

#endif
