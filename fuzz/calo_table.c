// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/calo/regions_text.h"

#include <stdlib.h>

// Regions that were read must be the same after they are written and read again.
static void check_round_trip(mb_context *ctx, const mb_calo_table *table) {
    mb_buffer text;
    mb_calo_table back;
    const size_t n = table->regions.shape[0];
    mb_buffer_init(&text, ctx);
    mb_calo_table_write(&text, table->regions.data, n);
    if (mb_calo_table_parse(ctx, "back", text.data, text.length, &back) != MB_OK ||
        back.regions.shape[0] != n ||
        memcmp(back.regions.data, table->regions.data, mb_array_bytes(&table->regions)) != 0) {
        abort();
    }
    mb_calo_table_clear(&back);
    mb_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_calo_table table;
        if (mb_calo_table_parse(ctx, "fuzz", (const char *)data, size, &table) == MB_OK) {
            check_round_trip(ctx, &table);
        } else if (mb_context_error_text(ctx)[0] == '\0' || table.regions.data != NULL) {
            abort();
        }
        mb_calo_table_clear(&table);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
