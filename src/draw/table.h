// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_TABLE_H
#define DRAW_TABLE_H

#include "draw/parts.h"

// The columns of a figure's CSV. A column that is there already (same name, same numbers) is used
// again, so that series over the same x share it.
typedef struct mb_table_column {
    const char *name;
    const double *value;
    const char *const *text; // NULL: numbers
    size_t n;
} mb_table_column;

typedef struct mb_table {
    mb_context *ctx;
    mb_table_column *column;
    size_t n, capacity;
    mb_status status;
} mb_table;

// The number of the column, from 1. The name and the values are borrowed.
size_t mb_table_add(mb_table *table, const char *name, const double *value, size_t n);
void mb_table_add_texts(mb_table *table, const char *name, const char *const *text, size_t n);
// Numbers that are not finite become empty cells.
void mb_table_write(const mb_table *table, mb_buffer *csv);
void mb_table_clear(mb_table *table);

#endif
