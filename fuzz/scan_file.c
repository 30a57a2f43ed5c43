// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "study/scan_file.h"

#include <stdlib.h>

// Every row is ordered once, and a share of the variance is a share.
static void check(const mb_scan_file *file) {
    size_t sum = 0;
    for (size_t i = 0; i < file->csv.n_rows; i++) {
        sum += file->rows[i];
    }
    if (file->csv.n_rows > 0 && sum != file->csv.n_rows * (file->csv.n_rows - 1) / 2) {
        abort();
    }
    for (size_t k = 0; k < file->columns.n_slices; k++) {
        const mb_scan_slice *slice = &file->columns.slices[k];
        for (size_t i = 0; i < file->columns.n; i++) {
            if (!(slice->place[i] < (double)slice->n_values)) {
                abort();
            }
        }
        if (slice->share < -1e-6) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_scan_file file;
        if (mb_scan_file_parse(&file, ctx, "fuzz", (const char *)data, size, NULL) == MB_OK) {
            check(&file);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_scan_file_clear(&file);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
