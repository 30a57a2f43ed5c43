// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/csv.h"

#include <stdlib.h>

// A table that was read must be the same after it is written and read again.
static void check_round_trip(mb_context *ctx, const mb_csv *table) {
    mb_buffer buffer;
    mb_csv back;
    mb_buffer_init(&buffer, ctx);
    for (size_t row = 0; row < table->n_rows; row++) {
        for (size_t column = 0; column < table->n_columns; column++) {
            mb_csv_put_text(&buffer, column == 0, mb_csv_field(table, row, column));
        }
        mb_csv_end_row(&buffer);
    }
    if (mb_csv_parse(&back, ctx, "back", buffer.data, buffer.length, false) != MB_OK ||
        back.n_fields != table->n_fields) {
        abort();
    }
    for (size_t i = 0; i < back.n_fields; i++) {
        if (strcmp(back.text + back.field[i], table->text + table->field[i]) != 0) {
            abort();
        }
    }
    mb_csv_clear(&back);
    mb_buffer_clear(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_csv table;
        if (mb_csv_parse(&table, ctx, "fuzz", (const char *)data, size, false) == MB_OK) {
            check_round_trip(ctx, &table);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_csv_clear(&table);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
