// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/table.h"

#include <math.h>

static size_t append(mb_table *table, mb_table_column column) {
    const mb_status status =
        mb_grow(table->ctx, &table->column, &table->capacity, table->n + 1, sizeof *table->column);
    if (status != MB_OK) {
        table->status = table->status != MB_OK ? table->status : status;
        return 1;
    }
    table->column[table->n++] = column;
    return table->n;
}

size_t mb_table_add(mb_table *table, const char *name, const double *value, size_t n) {
    for (size_t i = 0; i < table->n; i++) {
        const mb_table_column *column = &table->column[i];
        if (column->text == NULL && column->n == n && strcmp(column->name, name) == 0 &&
            (n == 0 || memcmp(column->value, value, n * sizeof *value) == 0)) {
            return i + 1;
        }
    }
    return append(table, (mb_table_column){.name = name, .value = value, .n = n});
}

void mb_table_add_texts(mb_table *table, const char *name, const char *const *text, size_t n) {
    append(table, (mb_table_column){.name = name, .text = text, .n = n});
}

static void write_text(mb_buffer *csv, mb_context *ctx, const char *text) {
    mb_buffer clean;
    mb_buffer_init(&clean, ctx);
    mb_clean_text(&clean, text);
    mb_buffer_text(csv, "\"");
    for (const char *p = clean.data; p != NULL && *p != '\0'; p++) {
        mb_buffer_append(csv, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    }
    mb_buffer_text(csv, "\"");
    mb_buffer_clear(&clean);
}

// Most numbers were float32: their shortest form is the one that a person expects.
static void write_number(mb_buffer *csv, double value) {
    if (!isfinite(value)) {
        return;
    }
    if ((double)(float)value == value) {
        mb_buffer_float(csv, (float)value);
    } else {
        mb_buffer_double(csv, value);
    }
}

static void write_cell(
    const mb_table *table, const mb_table_column *column, size_t row, mb_buffer *csv) {
    if (row >= column->n) {
        return;
    }
    if (column->text != NULL) {
        write_text(csv, table->ctx, column->text[row]);
    } else {
        write_number(csv, column->value[row]);
    }
}

void mb_table_write(const mb_table *table, mb_buffer *csv) {
    size_t n_rows = 0;
    for (size_t i = 0; i < table->n; i++) {
        mb_buffer_text(csv, i > 0 ? "," : "");
        write_text(csv, table->ctx, table->column[i].name);
        n_rows = mb_max_size(n_rows, table->column[i].n);
    }
    mb_buffer_text(csv, "\n");
    for (size_t row = 0; row < n_rows; row++) {
        for (size_t i = 0; i < table->n; i++) {
            mb_buffer_text(csv, i > 0 ? "," : "");
            write_cell(table, &table->column[i], row, csv);
        }
        mb_buffer_text(csv, "\n");
    }
}

void mb_table_clear(mb_table *table) {
    mb_release(table->ctx, table->column);
    *table = (mb_table){.ctx = table->ctx};
}
