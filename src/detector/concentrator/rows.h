// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_ROWS_H
#define DETECTOR_CONCENTRATOR_ROWS_H

#include "detector/concentrator/line.h"

// The rows that the study selects, of all files.

typedef struct mb_calq_tally {
    size_t n_read;                  // rows of the files, bad ones too
    size_t n_bad;                   // left out
    size_t n_forced, n_forced_rows; // charges that were forced, and rows that have such
    size_t n_partial, n_no_energy;  // masked
    size_t n_empty;                 // rows without a charge
    size_t n_odd;                   // left over from pairs
    size_t n_clipped;               // charges above data.max_val
    size_t n_clones;
} mb_calq_tally;

typedef struct mb_calq_rows {
    const mb_calq_settings *settings;
    size_t n, capacity;
    float *charge;                     // (n, 48), in the order of the module's cells
    int64_t *event;                    // (n)
    uint32_t *file;                    // (n)
    float *energy;                     // (n, 3) with save_energy, else NULL
    bool has_energy[MB_CALQ_ENERGIES]; // in any file
    bool is_pair_open;                 // the last row waits for its second half
    bool lacks_fraction;               // a file has no SimEnergyFraction: said once
    mb_calq_tally tally;
} mb_calq_rows;

// Adds a file's rows. Fails with IO, FORMAT ("FILE:LINE: column N (NAME): ...").
mb_status mb_calq_rows_read(
    mb_calq_rows *rows, mb_context *ctx, const char *path, uint32_t file) MB_MUST_CHECK;
// The same of lines that are open.
mb_status mb_calq_rows_read_lines(
    mb_calq_rows *rows, mb_context *ctx, mb_lines *lines, uint32_t file) MB_MUST_CHECK;
// What follows on the last file: an odd row goes, charges are clipped, clones are made.
mb_status mb_calq_rows_finish(mb_calq_rows *rows, mb_context *ctx, uint64_t seed) MB_MUST_CHECK;
void mb_calq_rows_clear(mb_calq_rows *rows, mb_context *ctx);

#endif
