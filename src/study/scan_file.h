// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_SCAN_FILE_H
#define STUDY_SCAN_FILE_H

#include "draw/figures_scan.h"
#include "files/csv.h"
#include "study/run.h"

// The table of a scan read back from its CSV: ours, or that of the original with or without the
// columns start, end and duration. And the pages made from it.

typedef enum mb_scan_column_kind {
    MB_SCAN_COLUMN_TIME, // start, end, duration, round_epochs
    MB_SCAN_COLUMN_FIGURE,
    MB_SCAN_COLUMN_PARAMETER,
    MB_SCAN_COLUMN_BEST,
    MB_SCAN_COLUMN_SPREAD,
    MB_SCAN_COLUMN_ERROR,
} mb_scan_column_kind;

typedef struct mb_scan_file {
    mb_context *ctx;
    mb_arena arena;
    mb_csv csv;
    mb_scan_column_kind *kinds; // of each column
    size_t sort;                // column of the figure that trials are ordered by
    bool is_better_higher;
    size_t *rows; // of the CSV, best first; those with an error or without a figure last
    // Of the rows that trained to their end, in the order of the file:
    mb_scan_columns columns;
    size_t *row; // of each of them
} mb_scan_file;

// What trials are ordered by: class, then key, lower ones first, then index.
typedef struct mb_scan_rank {
    int class;
    double key;
    size_t index;
} mb_scan_rank;
// For qsort.
int mb_scan_rank_compare(const void *a, const void *b);

// sort: the figure to order by; NULL: val_loss, or loss where there is none. The caller clears
// *out, also after a failure. Fails with IO, FORMAT for a table that is none of a scan.
mb_status mb_scan_file_read(
    mb_scan_file *out, mb_context *ctx, const char *path, const char *sort) MB_MUST_CHECK;
// The same from a text in memory; name is for messages.
mb_status mb_scan_file_parse(mb_scan_file *out, mb_context *ctx, const char *name, const char *text,
    size_t length, const char *sort) MB_MUST_CHECK;
void mb_scan_file_clear(mb_scan_file *file);

// Whether a path is the folder of a scan, or a CSV file.
bool mb_scan_is_report_of(const char *path);
// The page of a scan: of its folder, or of a table alone. page: NULL: report.html in the folder, or
// beside the table and named after it. Its figures go into plots/ of the folder, or into a folder
// beside the page. *written: the page, from the arena.
mb_status mb_scan_make_report(mb_context *ctx, mb_arena *arena, const char *path, const char *page,
    const char **written) MB_MUST_CHECK;
// The same as an answer of `report`. A page that is named and there already is kept unless
// is_forced.
mb_status mb_scan_report(mb_context *ctx, const char *path, const char *page, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

#endif
