// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CHIP_ROWS_H
#define DETECTOR_CHIP_ROWS_H

#include "files/lines.h"

// Tables of numbers with a header, row by row, however long: fields between commas, with blanks
// around them; no quotes. Plain or gzip. Empty lines are skipped.

typedef struct mb_rows {
    mb_lines lines;
    char *header;       // the first line
    const char **name;  // of columns, within header
    const char **field; // of the row, ended by zero bytes
    size_t n_columns, capacity;
} mb_rows;

// Reads the header. The caller closes it, also after a failure. path must outlive it. Fails with
// IO, FORMAT (no header, an empty or doubled name), LIMIT.
mb_status mb_rows_open(mb_rows *rows, mb_context *ctx, const char *path) MB_MUST_CHECK;
mb_status mb_rows_open_text(mb_rows *rows, mb_context *ctx, const char *name, const char *text,
    size_t length) MB_MUST_CHECK;
void mb_rows_close(mb_rows *rows); // safe on zeroed ones
// The next row's fields; *has_row is false behind the last. FORMAT for a row of another length.
mb_status mb_rows_next(mb_rows *rows, bool *has_row) MB_MUST_CHECK;

enum { MB_ROWS_NO_COLUMN = -1 };
// Index of a column, MB_ROWS_NO_COLUMN if there is none.
int mb_rows_column(const mb_rows *rows, const char *name);
// The same, FORMAT if there is none.
mb_status mb_rows_find(const mb_rows *rows, const char *name, int *column) MB_MUST_CHECK;
// Columns stem0 .. stem<n-1>, in any order. FORMAT for one that is missing, and for numbers beyond.
mb_status mb_rows_find_series(
    const mb_rows *rows, const char *stem, size_t n, int *columns) MB_MUST_CHECK;
// A field as a whole number 0 .. most, written 12, 12.0 or 0xc. FORMAT or RANGE, with file, line
// and column.
mb_status mb_rows_count(
    const mb_rows *rows, int column, uint64_t most, uint64_t *out) MB_MUST_CHECK;
// As a finite number.
mb_status mb_rows_number(const mb_rows *rows, int column, double *out) MB_MUST_CHECK;

#endif
