// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/tower_source.h"

static mb_status open_table(mb_event_table *table, mb_context *ctx, const char *path) {
    MB_TRY(
        mb_event_table_open(table, ctx, path, mb_tower_names, MB_TOWER_REQUIRED, MB_TOWER_COLUMNS));
    return mb_event_table_next(table);
}

static mb_status count_events(mb_event_table *table, size_t *n) {
    while (table->has_row) {
        const int64_t event = table->event;
        MB_TRY(mb_event_table_next(table));
        *n += !table->has_row || table->event != event;
    }
    return MB_OK;
}

// Sizes of the result are known before it is written only when the text is read twice: first to
// count, then for the towers.
mb_status mb_tower_table_open(mb_tower_table *file, mb_context *ctx, const char *path) {
    file->n_events = 0;
    mb_status status = open_table(&file->table, ctx, path);
    if (status == MB_OK) {
        status = count_events(&file->table, &file->n_events);
    }
    if (status == MB_OK) {
        mb_event_table_close(&file->table);
        status = open_table(&file->table, ctx, path);
    }
    return status;
}

mb_status mb_tower_table_next(mb_tower_table *file, mb_tower_list *list, int64_t *number) {
    mb_event_table *table = &file->table;
    *number = table->event;
    if (!table->has_row) {
        return mb_fail(table->lines.ctx, MB_ERR_IO,
            "%s: became shorter while it was read; run again", table->lines.name);
    }
    while (table->has_row && table->event == *number) {
        char problem[160];
        mb_status status = MB_OK;
        if (!table->is_blank && !mb_tower_list_add(list, table->lines.ctx, table->value, table->has,
                                    problem, sizeof problem, &status)) {
            return mb_lines_fail(&table->lines, "%s", problem);
        }
        MB_TRY(status);
        MB_TRY(mb_event_table_next(table));
    }
    return MB_OK;
}

void mb_tower_table_close(mb_tower_table *file) {
    mb_event_table_close(&file->table);
}
