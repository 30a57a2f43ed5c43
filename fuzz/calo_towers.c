// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/calo/tower_source.h"

#include <stdlib.h>

// Whatever the towers of an event are, its regions stay within their range.
static void check_regions(const mb_tower_list *list) {
    static mb_calo_tower_image image;
    float region[MB_CALO_N_REGIONS];
    uint8_t eg[MB_CALO_N_REGIONS];
    uint8_t tau[MB_CALO_N_REGIONS];
    mb_calo_towers_place(&image, list->tower, list->n, 1);
    mb_calo_towers_sum(&image, region);
    mb_calo_towers_bits(&image, region, eg, tau);
    for (size_t i = 0; i < MB_CALO_N_REGIONS; i++) {
        if (!(region[i] >= 0 && region[i] <= MB_CALO_MAX_ET) || eg[i] > 1 || tau[i] > 1) {
            abort();
        }
    }
}

static void read_towers(mb_context *ctx, mb_tower_table *file) {
    mb_tower_list list = {.n = 0};
    mb_status status = mb_event_table_next(&file->table);
    while (status == MB_OK && file->table.has_row) {
        int64_t number = 0;
        list.n = 0;
        status = mb_tower_table_next(file, &list, &number);
        check_regions(&list);
    }
    mb_release(ctx, list.tower);
    if (status != MB_OK && mb_context_error_text(ctx)[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        mb_tower_table file = {.n_events = 0};
        if (mb_event_table_open_text(&file.table, ctx, "fuzz", (const char *)data, size,
                mb_tower_names, MB_TOWER_REQUIRED, MB_TOWER_COLUMNS) == MB_OK) {
            read_towers(ctx, &file);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_tower_table_close(&file);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
