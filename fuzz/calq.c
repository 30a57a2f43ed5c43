// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/concentrator/rows.h"

#include <stdlib.h>

// Whatever the bytes: charges that are kept are those that a chip could hold, and some are there.
static void check(const mb_calq_rows *rows) {
    for (size_t i = 0; i < rows->n; i++) {
        bool is_hit = false;
        for (size_t k = 0; k < MB_CALQ_CELLS; k++) {
            const float charge = rows->charge[i * MB_CALQ_CELLS + k];
            is_hit = is_hit || charge > 0;
            if (!(charge >= 0 && (double)charge <= 2 * MB_CALQ_MOST_CHARGE)) {
                abort();
            }
        }
        if (!is_hit) {
            abort();
        }
    }
}

static void read_as(mb_context *ctx, const char *text, size_t size, int header, int on_bad) {
    const mb_calq_settings settings = {.header = header,
        .on_bad = on_bad,
        .rows_per_file = 1000,
        .max_rows = -1,
        .max_val = -1,
        .double_rows = header == MB_CALQ_HEADER_FALSE,
        .mask_energies = on_bad == MB_CALQ_ON_BAD_CLIP,
        .save_energy = true,
        .clone_copies = 1,
        .clone_high = MB_CALQ_CELLS};
    mb_calq_rows rows = {.settings = &settings};
    mb_lines lines = {0};
    mb_status status = mb_lines_open_text(&lines, ctx, "fuzz", text, size);
    if (status == MB_OK) {
        status = mb_calq_rows_read_lines(&rows, ctx, &lines, 0);
    }
    if (status == MB_OK) {
        status = mb_calq_rows_finish(&rows, ctx, 1);
    }
    check(&rows);
    if (status != MB_OK && mb_context_error_text(ctx)[0] == '\0') {
        abort();
    }
    mb_context_clear(ctx);
    mb_lines_close(&lines);
    mb_calq_rows_clear(&rows, ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        for (int header = MB_CALQ_HEADER_AUTO; header <= MB_CALQ_HEADER_FALSE; header++) {
            for (int on_bad = MB_CALQ_ON_BAD_ERROR; on_bad <= MB_CALQ_ON_BAD_CLIP; on_bad++) {
                read_as(ctx, size > 0 ? (const char *)data : "", size, header, on_bad);
            }
        }
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
