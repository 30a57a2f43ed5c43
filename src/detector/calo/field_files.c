// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/field_files.h"

#include "base/output.h"
#include "detector/calo/calo.h"
#include "detector/calo/event_table.h"
#include "detector/calo/region_stream.h"
#include "files/arrays.h"
#include "files/csv.h"
#include "files/hdf5.h"

#include <math.h>

enum { N = MB_CALO_N_REGIONS };

// The parts of a field that files hold beside the energy.
typedef struct part {
    const char *dataset, *column;
    mb_dtype dtype;
    double most;
} part;
enum { EG, TAU, PHI, ETA, N_PARTS };
static const part parts[N_PARTS] = {[EG] = {"/EGBit", "eg_veto", MB_BOOL, 1},
    [TAU] = {"/TauBit", "tau_veto", MB_BOOL, 1},
    [PHI] = {"/LocalPhi", "local_phi", MB_U8, 3},
    [ETA] = {"/LocalEta", "local_eta", MB_U8, 3}};

static uint8_t part_of(mb_calo_field field, size_t index) {
    const uint8_t values[N_PARTS] = {[EG] = field.eg_veto,
        [TAU] = field.tau_veto,
        [PHI] = field.local_phi,
        [ETA] = field.local_eta};
    return values[index];
}

static void set_part(mb_calo_field *field, size_t index, uint8_t value) {
    uint8_t *const places[N_PARTS] = {[EG] = &field->eg_veto,
        [TAU] = &field->tau_veto,
        [PHI] = &field->local_phi,
        [ETA] = &field->local_eta};
    *places[index] = value;
}

static mb_status write_part(
    mb_h5_writer *writer, mb_array *array, const uint16_t *bits, size_t index) {
    const size_t n = mb_array_count(array);
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)array->data)[i] = part_of(mb_calo_field_unpack(bits[i]), index);
    }
    array->dtype = parts[index].dtype;
    return mb_h5_write_array(writer, parts[index].dataset, array);
}

static mb_status write_all(
    mb_context *ctx, mb_h5_writer *writer, const uint16_t *bits, const size_t shape[3]) {
    mb_array array = {.data = NULL};
    MB_TRY(mb_array_init(&array, ctx, MB_U16, 3, shape));
    for (size_t i = 0; i < shape[0] * N; i++) {
        ((uint16_t *)array.data)[i] = mb_calo_field_unpack(bits[i]).et;
    }
    mb_status status = mb_h5_write_array(writer, "/CaloRegions", &array);
    // Bytes fit into the same memory.
    for (size_t i = 0; status == MB_OK && i < N_PARTS; i++) {
        status = write_part(writer, &array, bits, i);
    }
    array.dtype = MB_U16;
    mb_array_clear(&array);
    return status;
}

mb_status mb_calo_fields_write_hdf5(
    mb_context *ctx, const char *path, const uint16_t *bits, size_t n_events) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(ctx, path, MB_H5_IN_MEMORY, &writer));
    const size_t shape[] = {n_events, MB_CALO_N_PHI, MB_CALO_N_ETA};
    const mb_status status = write_all(ctx, writer, bits, shape);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static void put_row(mb_buffer *text, size_t event, size_t region, mb_calo_field field) {
    const size_t place[] = {event, region, region / MB_CALO_N_ETA, region % MB_CALO_N_ETA};
    for (size_t i = 0; i < MB_COUNT_OF(place); i++) {
        mb_csv_put_int64(text, i == 0, (int64_t)place[i]);
    }
    mb_csv_put_int64(text, false, field.et);
    for (size_t i = 0; i < N_PARTS; i++) {
        mb_csv_put_int64(text, false, part_of(field, i));
    }
    mb_csv_end_row(text);
}

mb_status mb_calo_fields_write_csv(
    mb_context *ctx, const char *path, const uint16_t *bits, size_t n_events) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "event,region,phi,eta,et");
    for (size_t i = 0; i < N_PARTS; i++) {
        mb_csv_put_text(&text, false, parts[i].column);
    }
    mb_csv_end_row(&text);
    for (size_t i = 0; i < n_events; i++) {
        size_t n = 0;
        for (size_t r = 0; r < N; r++) {
            if (bits[i * N + r] != 0) {
                put_row(&text, i, r, mb_calo_field_unpack(bits[i * N + r]));
                n++;
            }
        }
        if (n == 0) {
            put_row(&text, i, 0, (mb_calo_field){.et = 0});
        }
    }
    return mb_write_buffer(&text, path);
}

static mb_status add_events(mb_calo_links *out, size_t n) {
    const size_t first = out->n_events * N;
    MB_TRY(mb_grow(out->ctx, &out->bits, &out->capacity, first + n * N, sizeof *out->bits));
    memset(out->bits + first, 0, n * N * sizeof *out->bits);
    out->n_events += n;
    return MB_OK;
}

static mb_status add_block(mb_calo_links *out, const char *path, const mb_calo_block *block) {
    MB_TRY(add_events(out, block->n));
    uint16_t *bits = out->bits + block->first * N;
    for (size_t i = 0; i < block->n * N; i++) {
        const float et = block->regions[i];
        if (!mb_calo_is_count(et)) {
            return mb_fail(out->ctx, MB_ERR_RANGE,
                "%s: event %zu, region %zu: %g is not a whole number 0..1023; round and clip it",
                path, block->first + i / N, i % N, (double)et);
        }
        bits[i] = (uint16_t)et;
    }
    return MB_OK;
}

static mb_status read_energies(mb_calo_links *out, const char *path) {
    mb_calo_stream *stream = NULL;
    MB_TRY(mb_calo_stream_open(out->ctx, path, &stream));
    mb_status status = MB_OK;
    for (;;) {
        mb_calo_block block;
        status = mb_calo_stream_next(stream, &block);
        if (status != MB_OK || block.n == 0) {
            break;
        }
        status = add_block(out, path, &block);
        if (status != MB_OK) {
            break;
        }
    }
    mb_calo_stream_close(stream);
    return status;
}

static mb_status add_part(
    mb_calo_links *out, const char *path, const mb_array *array, size_t index) {
    const size_t n = mb_array_count(array);
    if (n != out->n_events * N) {
        return mb_fail(out->ctx, MB_ERR_SHAPE,
            "%s: %s: has %zu entries for %zu regions; give as many", path, parts[index].dataset + 1,
            n, out->n_events * N);
    }
    for (size_t i = 0; i < n; i++) {
        const double value = mb_array_get(array, i);
        if (!(value >= 0 && value <= parts[index].most && floor(value) == value)) {
            return mb_fail(out->ctx, MB_ERR_RANGE,
                "%s: %s: event %zu, region %zu: %g is not 0..%g; correct it", path,
                parts[index].dataset + 1, i / N, i % N, value, parts[index].most);
        }
        mb_calo_field field = mb_calo_field_unpack(out->bits[i]);
        set_part(&field, index, (uint8_t)value);
        out->bits[i] = mb_calo_field_pack(field);
    }
    return MB_OK;
}

static mb_status read_parts(mb_calo_links *out, const char *path) {
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(out->ctx, path, &file));
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < N_PARTS; i++) {
        mb_array array = {.data = NULL};
        if (mb_h5_exists(file, parts[i].dataset)) {
            status = mb_h5_read(file, parts[i].dataset, &array);
            // Older files have the dataset without entries.
            if (status == MB_OK && mb_array_count(&array) > 0) {
                status = add_part(out, path, &array, i);
            }
        }
        mb_array_clear(&array);
    }
    mb_h5_close(file);
    return status != MB_OK ? status : mb_context_status(out->ctx);
}

enum { COLUMN_REGION, COLUMN_ET, COLUMN_PARTS };
static const char *const columns[COLUMN_PARTS + N_PARTS] = {
    "region", "et", "eg_veto", "tau_veto", "local_phi", "local_eta"};

static mb_status check_value(const mb_event_table *table, size_t column, double most) {
    const double value = table->value[column];
    return value >= 0 && value <= most && floor(value) == value
               ? MB_OK
               : mb_lines_fail(&table->lines, "%s %g is not a whole number 0..%g; correct it",
                     columns[column], value, most);
}

static mb_status take_row(mb_calo_links *out, const mb_event_table *table) {
    // Every event has a row, so that a gap is a loss.
    const int64_t last = (int64_t)out->n_events - 1;
    if (table->event < 0 || table->event > last + 1) {
        return mb_lines_fail(&table->lines,
            "event %lld, but event %lld comes next; number the events from 0 without gaps",
            (long long)table->event, (long long)last + 1);
    }
    if (table->event > last) {
        MB_TRY(add_events(out, 1));
    }
    if (table->is_blank) {
        return MB_OK;
    }
    MB_TRY(check_value(table, COLUMN_REGION, N - 1));
    MB_TRY(check_value(table, COLUMN_ET, MB_CALO_MAX_ET));
    mb_calo_field field = {.et = (uint16_t)table->value[COLUMN_ET]};
    for (size_t i = 0; i < N_PARTS; i++) {
        if (table->has[COLUMN_PARTS + i]) {
            MB_TRY(check_value(table, COLUMN_PARTS + i, parts[i].most));
            set_part(&field, i, (uint8_t)table->value[COLUMN_PARTS + i]);
        }
    }
    const size_t region = (size_t)table->value[COLUMN_REGION];
    out->bits[(out->n_events - 1) * N + region] = mb_calo_field_pack(field);
    return MB_OK;
}

static mb_status read_csv(mb_calo_links *out, const char *path) {
    mb_event_table table;
    mb_status status =
        mb_event_table_open(&table, out->ctx, path, columns, COLUMN_PARTS, COLUMN_PARTS + N_PARTS);
    while (status == MB_OK) {
        status = mb_event_table_next(&table);
        if (status != MB_OK || !table.has_row) {
            break;
        }
        status = take_row(out, &table);
    }
    if (status == MB_OK && out->n_events == 0) {
        status = mb_fail(out->ctx, MB_ERR_FORMAT, "%s: no event; give at least one row", path);
    }
    mb_event_table_close(&table);
    return status;
}

// A table of fields has a header, a table of regions has none.
static mb_status has_header(mb_context *ctx, const char *path, bool *out) {
    mb_lines lines;
    char *text = NULL;
    size_t length = 0;
    *out = false;
    mb_status status = mb_lines_open(&lines, ctx, path);
    if (status == MB_OK) {
        status = mb_lines_next(&lines, &text, &length);
    }
    if (status == MB_OK && text != NULL) {
        *out = strstr(text, "event") != NULL && text[0] != '#';
    }
    mb_lines_close(&lines);
    return status;
}

mb_status mb_calo_fields_read(mb_calo_links *out, mb_context *ctx, const char *path) {
    *out = (mb_calo_links){.ctx = ctx};
    if (mb_arrays_is_path(path)) {
        MB_TRY(read_energies(out, path));
        return mb_path_has_suffix(path, ".npy") ? MB_OK : read_parts(out, path);
    }
    bool is_table = false;
    MB_TRY(has_header(ctx, path, &is_table));
    return is_table ? read_csv(out, path) : read_energies(out, path);
}
