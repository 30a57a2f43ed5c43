// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/regions_text.h"

#include "base/numbers.h"
#include "base/output.h"
#include "detector/calo/calo.h"
#include "detector/calo/region_stream.h"
#include "files/lines.h"
#include "files/npy.h"

#include <math.h>

enum { MOST_COLUMNS = MB_CALO_N_REGIONS + 1 };

// Rows of the table so far.
typedef struct growing {
    mb_lines lines;
    size_t n_columns; // of the first line; 0: none yet
    size_t n_rows;
    float *value; // n_rows * the regions of a line
    size_t n_values, capacity;
    double *reference; // n_rows, where n_columns is MOST_COLUMNS
    size_t reference_capacity;
} growing;

static mb_status read_numbers(
    const mb_lines *lines, const char *text, size_t length, double *number, size_t *n) {
    const char *end = text + length;
    const char *p = text;
    *n = 0;
    for (;;) {
        p += strspn(p, " \t");
        double value = 0;
        const char *after = mb_parse_double(p, end, &value);
        if (after == NULL || !isfinite((float)value)) {
            return mb_lines_fail(lines,
                "value %zu is not a finite number; write 252 or 253 numbers between commas, or 14 "
                "on each of 18 lines",
                *n + 1);
        }
        if (*n == MOST_COLUMNS) {
            return mb_lines_fail(
                lines, "more than %d values; write the 252 regions of an event", MOST_COLUMNS);
        }
        number[(*n)++] = value;
        p = after + strspn(after, " \t");
        if (p == end) {
            return MB_OK;
        }
        if (*p != ',') {
            return mb_lines_fail(lines,
                "value %zu is followed by something else than a comma; write numbers between "
                "commas",
                *n);
        }
        p++;
    }
}

static mb_status add_line(growing *table, const double *number, size_t n) {
    mb_context *ctx = table->lines.ctx;
    if (table->n_columns == 0) {
        if (n != MB_CALO_N_ETA && n != MB_CALO_N_REGIONS && n != MOST_COLUMNS) {
            return mb_lines_fail(&table->lines,
                "%zu values; an event is a line of 252 or 253, or 18 lines of 14", n);
        }
        table->n_columns = n;
    }
    if (n != table->n_columns) {
        return mb_lines_fail(&table->lines,
            "%zu values, but the first line has %zu; give all "
            "lines as many",
            n, table->n_columns);
    }
    const size_t n_regions = mb_min_size(n, MB_CALO_N_REGIONS);
    MB_TRY(mb_grow(
        ctx, &table->value, &table->capacity, table->n_values + n_regions, sizeof *table->value));
    for (size_t i = 0; i < n_regions; i++) {
        table->value[table->n_values++] = (float)number[i];
    }
    if (n == MOST_COLUMNS) {
        MB_TRY(mb_grow(ctx, &table->reference, &table->reference_capacity, table->n_rows + 1,
            sizeof *table->reference));
        table->reference[table->n_rows] = number[n - 1];
    }
    table->n_rows++;
    return MB_OK;
}

static mb_status take(growing *table, mb_calo_table *out) {
    mb_context *ctx = table->lines.ctx;
    size_t n_events = table->n_rows;
    if (n_events == 0) {
        return mb_fail(
            ctx, MB_ERR_FORMAT, "%s: no event; write 252 numbers a line", table->lines.name);
    }
    if (table->n_columns == MB_CALO_N_ETA) {
        if (table->n_rows != MB_CALO_N_PHI) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "%s: %zu lines of 14 values; one event has 18, one for each phi", table->lines.name,
                table->n_rows);
        }
        n_events = 1;
    }
    const size_t shape[] = {n_events, MB_CALO_N_REGIONS};
    MB_TRY(mb_array_init(&out->regions, ctx, MB_F32, 2, shape));
    memcpy(out->regions.data, table->value, mb_array_bytes(&out->regions));
    if (table->reference != NULL) {
        MB_TRY(mb_array_init(&out->reference, ctx, MB_F64, 1, shape));
        memcpy(out->reference.data, table->reference, mb_array_bytes(&out->reference));
    }
    return MB_OK;
}

static mb_status read_lines(growing *table, mb_calo_table *out) {
    double number[MOST_COLUMNS];
    for (;;) {
        char *text = NULL;
        size_t length = 0;
        size_t n = 0;
        MB_TRY(mb_lines_next(&table->lines, &text, &length));
        if (text == NULL) {
            return take(table, out);
        }
        if (text[0] == '#' || strspn(text, " \t") == length) {
            continue;
        }
        MB_TRY(read_numbers(&table->lines, text, length, number, &n));
        MB_TRY(add_line(table, number, n));
    }
}

static mb_status finish(growing *table, mb_status opened, mb_calo_table *out) {
    mb_context *ctx = table->lines.ctx;
    *out = (mb_calo_table){.regions = {.data = NULL}};
    const mb_status status = opened == MB_OK ? read_lines(table, out) : opened;
    if (status != MB_OK) {
        mb_calo_table_clear(out);
    }
    mb_lines_close(&table->lines);
    mb_release(ctx, table->value);
    mb_release(ctx, table->reference);
    return status;
}

mb_status mb_calo_table_parse(
    mb_context *ctx, const char *name, const char *text, size_t length, mb_calo_table *out) {
    growing table = {.n_rows = 0};
    const mb_status status = mb_lines_open_text(&table.lines, ctx, name, text, length);
    return finish(&table, status, out);
}

static mb_status read_npy(mb_context *ctx, const char *path, mb_calo_table *out) {
    mb_npy_info info;
    MB_TRY(mb_npy_get_info(ctx, path, &info));
    const size_t *shape = info.shape;
    const bool is_flat = info.rank == 2 && shape[1] == MB_CALO_N_REGIONS;
    const bool is_one = info.rank == 2 && shape[0] == MB_CALO_N_PHI && shape[1] == MB_CALO_N_ETA;
    const bool is_image = (info.rank == 3 || (info.rank == 4 && shape[3] == 1)) &&
                          shape[1] == MB_CALO_N_PHI && shape[2] == MB_CALO_N_ETA;
    mb_array *array = &out->regions;
    if (!is_flat && !is_one && !is_image) {
        char text[128];
        const mb_array like = {
            .rank = info.rank, .shape = {shape[0], shape[1], shape[2], shape[3]}};
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: has shape %s; give regions as (n, 252), (n, 18, 14) or (n, 18, 14, 1)", path,
            info.rank <= 4 ? mb_array_shape_text(&like, text, sizeof text)
                           : "with more than 4 axes");
    }
    MB_TRY(mb_npy_read(ctx, path, array));
    MB_TRY(mb_array_convert(array, ctx, MB_F32));
    array->shape[0] = is_one ? 1 : array->shape[0];
    array->shape[1] = MB_CALO_N_REGIONS;
    array->rank = 2;
    if (array->shape[0] == 0) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: no event; give at least one row", path);
    }
    return MB_OK;
}

mb_status mb_calo_table_read(mb_context *ctx, const char *path, mb_calo_table *out) {
    if (mb_path_has_suffix(path, ".npy")) {
        *out = (mb_calo_table){.regions = {.data = NULL}};
        const mb_status status = read_npy(ctx, path, out);
        if (status != MB_OK) {
            mb_calo_table_clear(out);
        }
        return status;
    }
    growing table = {.n_rows = 0};
    const mb_status status = mb_lines_open(&table.lines, ctx, path);
    return finish(&table, status, out);
}

void mb_calo_table_clear(mb_calo_table *table) {
    mb_array_clear(&table->regions);
    mb_array_clear(&table->reference);
}

mb_status mb_calo_table_check(mb_context *ctx, const char *name, const mb_calo_table *table) {
    const float *value = table->regions.data;
    const size_t n = mb_array_count(&table->regions);
    size_t n_bad = 0;
    size_t first = 0;
    for (size_t i = n; i-- > 0;) {
        if (!mb_calo_is_count(value[i])) {
            n_bad++;
            first = i;
        }
    }
    if (n_bad == 0) {
        return MB_OK;
    }
    const size_t region = first % MB_CALO_N_REGIONS;
    return mb_fail(ctx, MB_ERR_RANGE,
        "%s: event %zu, region %zu (phi %zu, eta %zu): %g is not a whole number 0..1023 (%zu such "
        "values); round and clip them first",
        name, first / MB_CALO_N_REGIONS, region, region / MB_CALO_N_ETA, region % MB_CALO_N_ETA,
        (double)value[first], n_bad);
}

void mb_calo_table_write(mb_buffer *text, const float *regions, size_t n_events) {
    mb_buffer_text(text, "# 252 regions an event, index 14 * phi + eta, counts of 0.5 GeV\n");
    for (size_t i = 0; i < n_events; i++) {
        for (size_t j = 0; j < MB_CALO_N_REGIONS; j++) {
            mb_buffer_text(text, j == 0 ? "" : ",");
            mb_buffer_float(text, regions[i * MB_CALO_N_REGIONS + j]);
        }
        mb_buffer_text(text, "\n");
    }
}
