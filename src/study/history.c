// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/history.h"

#include "base/output.h"
#include "files/csv.h"

// A column without numbers is that of a validation there was none of.
static mb_status take_columns(mb_history *out, mb_context *ctx, const mb_csv *table) {
    static const char *const names[] = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"};
    mb_values *const targets[] = {
        &out->epoch, &out->loss, &out->accuracy, &out->val_loss, &out->val_accuracy};
    const size_t n = table->n_rows;
    out->n = n;
    out->numbers = mb_allocate(ctx, MB_COUNT_OF(names) * (n + 1), sizeof *out->numbers);
    if (out->numbers == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < MB_COUNT_OF(names); k++) {
        for (size_t j = 0; j < table->n_columns; j++) {
            if (strcmp(mb_csv_column_name(table, j), names[k]) != 0 ||
                (n > 0 && mb_csv_field(table, 0, j)[0] == '\0')) {
                continue;
            }
            for (size_t i = 0; i < n; i++) {
                MB_TRY(mb_csv_number(table, i, j, &out->numbers[k * n + i]));
            }
            *targets[k] = mb_values_f64(out->numbers + k * n, n);
        }
    }
    return MB_OK;
}

mb_status mb_history_read(mb_history *out, mb_context *ctx, const char *directory) {
    *out = (mb_history){.runtime = mb_context_runtime(ctx)};
    mb_csv table = {0};
    char *path = mb_path_join(ctx, directory, "history.csv");
    mb_status status = path == NULL ? MB_ERR_MEMORY : mb_csv_read(&table, ctx, path, true);
    if (status == MB_OK) {
        status = take_columns(out, ctx, &table);
    }
    mb_csv_clear(&table);
    mb_release(ctx, path);
    return status;
}

void mb_history_clear(mb_history *history) {
    if (history->runtime != NULL) {
        mb_runtime_release(history->runtime, history->numbers);
        *history = (mb_history){0};
    }
}
