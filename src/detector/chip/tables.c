// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/chip/tables.h"

#include "base/numbers.h"
#include "detector/chip/rows.h"

#include <stdlib.h>

void mb_chip_mux_init(mb_chip_mux *mux) {
    for (unsigned i = 0; i < MB_CHIP_CELLS; i++) {
        mux->input[i] = mux->charge[i] = (uint8_t)i;
    }
}

static mb_status read_mux(mb_rows *rows, bool is_ae, mb_chip_mux *out) {
    static const char *const names[] = {
        "TC_Number", "ECON_TC_Number_PostMux", "ECON_TC_Number_PreMux"};
    int columns[3];
    uint64_t seen[3] = {0, 0, 0};
    for (size_t i = 0; i < 3; i++) {
        MB_TRY(mb_rows_find(rows, names[i], &columns[i]));
    }
    for (size_t n = 0;; n++) {
        bool has_row = false;
        uint64_t number[3];
        MB_TRY(mb_rows_next(rows, &has_row));
        if (!has_row) {
            return n == MB_CHIP_CELLS ? MB_OK
                                      : mb_fail(rows->lines.ctx, MB_ERR_FORMAT,
                                            "%s: %zu rows; a mapping has one for each of 48 cells",
                                            rows->lines.name, n);
        }
        for (size_t i = 0; i < 3; i++) {
            MB_TRY(mb_rows_count(rows, columns[i], MB_CHIP_CELLS - 1, &number[i]));
            if ((seen[i] >> number[i] & 1U) != 0) {
                return mb_fail(rows->lines.ctx, MB_ERR_RANGE,
                    "%s:%llu: %s %llu stands there twice; a mapping is one to one",
                    rows->lines.name, (unsigned long long)rows->lines.line, names[i],
                    (unsigned long long)number[i]);
            }
            seen[i] |= UINT64_C(1) << number[i];
        }
        const uint64_t cell = number[is_ae ? 0 : 1];
        out->input[cell] = (uint8_t)number[2];
        out->charge[cell] = (uint8_t)number[0];
    }
}

mb_status mb_chip_mux_read(mb_context *ctx, const char *path, bool is_ae, mb_chip_mux *out) {
    mb_rows rows;
    mb_status status = mb_rows_open(&rows, ctx, path);
    if (status == MB_OK) {
        status = read_mux(&rows, is_ae, out);
    }
    mb_rows_close(&rows);
    return status;
}

static int compare_modules(const void *left, const void *right) {
    const mb_chip_module *a = left;
    const mb_chip_module *b = right;
    const int by_layer = (a->layer > b->layer) - (a->layer < b->layer);
    const int by_u = (a->u > b->u) - (a->u < b->u);
    const int by_v = (a->v > b->v) - (a->v < b->v);
    return by_layer != 0 ? by_layer : by_u != 0 ? by_u : by_v;
}

static mb_status read_whole(const mb_rows *rows, int column, int *out) {
    double value = 0;
    MB_TRY(mb_rows_number(rows, column, &value));
    if (!(value >= -1000 && value <= 1000) || value != (int)value) {
        return mb_lines_fail(&rows->lines, "column %s is %.40s; it is a whole number",
            rows->name[column], rows->field[column]);
    }
    *out = (int)value;
    return MB_OK;
}

static mb_status read_module(const mb_rows *rows, const int *columns, mb_chip_module *out) {
    uint64_t links = 0;
    MB_TRY(read_whole(rows, columns[0], &out->layer));
    MB_TRY(read_whole(rows, columns[1], &out->u));
    MB_TRY(read_whole(rows, columns[2], &out->v));
    MB_TRY(mb_rows_count(rows, columns[3], 100, &links));
    out->pu_links = (unsigned)links;
    const char *density = rows->field[columns[4]];
    out->is_high_density = strcmp(density, "HD") == 0;
    if (!out->is_high_density && strcmp(density, "LD") != 0) {
        return mb_lines_fail(&rows->lines, "column HD_LD is '%.40s'; it is HD or LD", density);
    }
    const char *type = rows->field[columns[5]];
    if (type[0] == '\0' || strlen(type) >= sizeof out->type) {
        return mb_lines_fail(
            &rows->lines, "column ModType is '%.40s'; it is a short name such as FI", type);
    }
    mb_format(out->type, sizeof out->type, "%s", type);
    return MB_OK;
}

static mb_status check_twice(mb_context *ctx, const char *name, const mb_chip_modules *modules) {
    for (size_t i = 1; i < modules->n; i++) {
        const mb_chip_module *m = &modules->module[i];
        if (compare_modules(m - 1, m) == 0) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: module %d,%d,%d stands there twice; leave one out", name, m->layer, m->u,
                m->v);
        }
    }
    return MB_OK;
}

static mb_status read_modules(mb_rows *rows, mb_chip_modules *out) {
    static const char *const names[] = {"Layer", "ModU", "ModV", "ECONT_eTX", "HD_LD", "ModType"};
    int columns[MB_COUNT_OF(names)];
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        MB_TRY(mb_rows_find(rows, names[i], &columns[i]));
    }
    for (;;) {
        bool has_row = false;
        MB_TRY(mb_rows_next(rows, &has_row));
        if (!has_row) {
            break;
        }
        MB_TRY(mb_grow(out->ctx, &out->module, &out->capacity, out->n + 1, sizeof *out->module));
        out->module[out->n] = (mb_chip_module){.layer = 0};
        MB_TRY(read_module(rows, columns, &out->module[out->n]));
        out->n++;
    }
    if (out->n == 0) {
        return mb_fail(
            out->ctx, MB_ERR_FORMAT, "%s: no row; give a table of modules", rows->lines.name);
    }
    qsort(out->module, out->n, sizeof *out->module, compare_modules);
    return check_twice(out->ctx, rows->lines.name, out);
}

mb_status mb_chip_modules_read(mb_context *ctx, const char *path, mb_chip_modules *out) {
    mb_rows rows;
    *out = (mb_chip_modules){.ctx = ctx};
    mb_status status = mb_rows_open(&rows, ctx, path);
    if (status == MB_OK) {
        status = read_modules(&rows, out);
    }
    mb_rows_close(&rows);
    return status;
}

void mb_chip_modules_clear(mb_chip_modules *modules) {
    if (modules->ctx != NULL) {
        mb_release(modules->ctx, modules->module);
    }
    *modules = (mb_chip_modules){.ctx = NULL};
}

const mb_chip_module *mb_chip_module_find(const mb_chip_modules *modules, int layer, int u, int v) {
    const mb_chip_module key = {.layer = layer, .u = u, .v = v};
    return bsearch(&key, modules->module, modules->n, sizeof key, compare_modules);
}

unsigned mb_chip_signal_links(int layer) {
    switch (layer) {
    case 7:
    case 11:
        return 4;
    case 9:
        return 5;
    case 13:
        return 3;
    default:
        return (layer >= 1 && layer <= 29 && layer % 2 == 1) || (layer >= 30 && layer <= 50) ? 2
                                                                                             : 0;
    }
}

unsigned mb_chip_module_links(const mb_chip_module *module, bool is_signal) {
    return is_signal ? mb_chip_signal_links(module->layer) : module->pu_links;
}
