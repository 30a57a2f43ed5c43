// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "files/number_table.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_number_column columns[] = {{.name = "hit_id", .dtype = MB_I64},
            {.name = "x", .dtype = MB_F32}, {.name = "y", .dtype = MB_F64, .is_optional = true}};
        size_t n_rows = 0;
        const mb_status status = mb_number_table_parse(
            ctx, "fuzz", (const char *)data, size, columns, MB_COUNT_OF(columns), &n_rows);
        if (status != MB_OK &&
            (mb_context_error_text(ctx)[0] == '\0' || columns[0].value != NULL)) {
            abort();
        }
        volatile int64_t sum = 0;
        for (size_t i = 0; i < n_rows; i++) {
            sum = (int64_t)((uint64_t)sum + (uint64_t)((const int64_t *)columns[0].value)[i]);
        }
        mb_number_columns_release(ctx, columns, MB_COUNT_OF(columns));
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
