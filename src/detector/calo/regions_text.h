// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_REGIONS_TEXT_H
#define DETECTOR_CALO_REGIONS_TEXT_H

#include "base/buffer.h"
#include "minbias/array.h"

// Regions outside HDF5: tables of numbers as text, and .npy.

typedef struct mb_calo_table {
    mb_array regions;   // MB_F32 (events, 252), index 14 * phi + eta, counts of 0.5 GeV
    mb_array reference; // MB_F64 (events): the 253rd number of each line; empty where there is none
} mb_calo_table;

// Reads a file by its suffix. .npy: any type, shape (n, 252), (n, 18, 14), (n, 18, 14, 1) or
// (18, 14). Else text, plain or gzip; blank lines and lines that start with # are left out: either
// one event as 18 lines of 14 numbers between commas, or an event a line as 252 numbers, or 253,
// the last a reference score. Numbers are finite, nothing else is asked of them: see
// mb_calo_table_check. The caller clears *out; on failure it is empty. Fails with IO, FORMAT
// ("file:line: ..."), SHAPE, LIMIT.
mb_status mb_calo_table_read(mb_context *ctx, const char *path, mb_calo_table *out) MB_MUST_CHECK;
// The same for a text in memory; name is for messages.
mb_status mb_calo_table_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_calo_table *out) MB_MUST_CHECK;
void mb_calo_table_clear(mb_calo_table *table);
// Every region must be a whole number 0 .. 1023, else RANGE with how many are not and the first.
mb_status mb_calo_table_check(
    mb_context *ctx, const char *name, const mb_calo_table *table) MB_MUST_CHECK;
// Appends the table as text, one event a line, behind a line that says what it is. regions:
// (n_events, 252).
void mb_calo_table_write(mb_buffer *text, const float *regions, size_t n_events);

#endif
