// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_NUMBER_TABLE_H
#define FILES_NUMBER_TABLE_H

#include "minbias/array.h"

// Large tables of plain numbers: one header line of names, then numbers between commas, nothing
// quoted, lines ending in LF or CR LF. Read on all threads straight into columns; columns that
// nobody asked for are skipped unread.

typedef struct mb_number_column {
    const char *name;
    mb_dtype dtype; // MB_F32, MB_F64 (correctly rounded) or MB_I64 (exact)
    bool is_optional;
    const char *unless; // skipped where the table has the wanted column of this name; or NULL
    bool is_there;      // out
    void *value;        // out: one number a row, freed with mb_number_columns_release
} mb_number_column;

// Reads columns by name from a file, plain or gzip. On failure no value is kept. Fails with IO,
// FORMAT ("file:line: ..."), LIMIT.
mb_status mb_number_table_read(mb_context *ctx, const char *path, mb_number_column *columns,
    size_t n_columns, size_t *n_rows) MB_MUST_CHECK;
// The same from memory; name is for messages.
mb_status mb_number_table_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_number_column *columns, size_t n_columns, size_t *n_rows) MB_MUST_CHECK;
void mb_number_columns_release(mb_context *ctx, mb_number_column *columns, size_t n_columns);

#endif
