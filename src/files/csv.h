// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_CSV_H
#define FILES_CSV_H

#include "base/buffer.h"
#include "minbias/array.h"

// Tables as RFC 4180 has them: fields between commas, quoted where needed, lines ending in LF or
// CR LF. All rows have as many fields as the first. Plain or gzip.

typedef struct mb_csv {
    mb_context *ctx;
    char *name; // of the file, for messages
    char *text; // the fields, each ended by a zero byte
    size_t n_columns, n_rows, n_fields;
    size_t field_capacity;
    size_t *field; // offsets into text, the header's first
    size_t *line;  // line number of each row, the header's first
    size_t line_capacity;
    bool has_header;
} mb_csv;

// Reads a table. The caller clears it, also after a failure. Fails with IO, FORMAT ("file:line:
// ..."), LIMIT.
mb_status mb_csv_read(
    mb_csv *table, mb_context *ctx, const char *path, bool has_header) MB_MUST_CHECK;
// The same, with a header where the first line is not of numbers alone. Numbers that count from 0
// are a header, as pandas writes it.
mb_status mb_csv_read_any(mb_csv *table, mb_context *ctx, const char *path) MB_MUST_CHECK;
// As mb_csv_read, from a text in memory; name is for messages.
mb_status mb_csv_parse(mb_csv *table, mb_context *ctx, const char *name, const char *text,
    size_t length, bool has_header) MB_MUST_CHECK;
void mb_csv_clear(mb_csv *table);
// Name of a column (only with a header). Borrowed, lives with the table.
const char *mb_csv_column_name(const mb_csv *table, size_t column);
// Index of the column called name; FORMAT when there is none, with the names there are.
mb_status mb_csv_find_column(const mb_csv *table, const char *name, size_t *column) MB_MUST_CHECK;
// A field. Borrowed, lives with the table.
const char *mb_csv_field(const mb_csv *table, size_t row, size_t column);
// A field as a number ("nan", "inf" and "-inf" too); FORMAT with file:line and column when it is
// none.
mb_status mb_csv_number(const mb_csv *table, size_t row, size_t column, double *out) MB_MUST_CHECK;
// All rows and columns as float64 (rows, columns).
mb_status mb_csv_to_array(const mb_csv *table, mb_array *out) MB_MUST_CHECK;

// Writing: a field, quoted where it must be, after a comma unless it is the first; then the line's
// end. Failures stick in the buffer.
void mb_csv_put_text(mb_buffer *buffer, bool is_first, const char *text);
void mb_csv_put_float(mb_buffer *buffer, bool is_first, float value);
void mb_csv_put_double(mb_buffer *buffer, bool is_first, double value);
// A number that is not finite is an empty field.
void mb_csv_put_finite(mb_buffer *buffer, bool is_first, double value);
void mb_csv_put_int64(mb_buffer *buffer, bool is_first, int64_t value);
void mb_csv_end_row(mb_buffer *buffer);

#endif
