// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/elinks.h"

#include "base/words.h"

enum { FLUSH = 1 << 18, MOST_DEPTH = 8 };

mb_status mb_table_open(mb_table *table, mb_context *ctx, const char *path) {
    *table = (mb_table){.n_rows = 0};
    mb_buffer_init(&table->text, ctx);
    return mb_output_open(&table->output, ctx, path);
}

static mb_status flush(mb_table *table) {
    MB_TRY(table->text.status);
    MB_TRY(mb_output_write(&table->output, table->text.data, table->text.length));
    table->text.length = 0;
    return MB_OK;
}

mb_status mb_table_end_row(mb_table *table) {
    mb_csv_end_row(&table->text);
    table->n_rows++;
    return table->text.length >= FLUSH ? flush(table) : table->text.status;
}

mb_status mb_table_commit(mb_table *table) {
    MB_TRY(flush(table));
    mb_buffer_clear(&table->text);
    return mb_output_commit(&table->output);
}

void mb_table_abandon(mb_table *table) {
    if (table->text.ctx != NULL) {
        mb_buffer_clear(&table->text);
    }
    mb_output_abandon(&table->output);
}

void mb_table_put_series(mb_table *table, bool is_first, const char *stem, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(&table->text, "%s%s%zu", is_first && i == 0 ? "" : ",", stem, i);
    }
}

static bool is_table(const char *name) {
    return mb_path_has_suffix(name, ".csv") || mb_path_has_suffix(name, ".csv.gz");
}

static mb_status list_folder(mb_context *ctx, const char *folder, int depth, mb_names *out) {
    mb_names names;
    MB_TRY(mb_names_of_directory(&names, ctx, folder));
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        char *path = mb_path_join(ctx, folder, names.name[i]);
        if (path == NULL) {
            status = MB_ERR_MEMORY;
        } else if (mb_path_is_directory(path)) {
            status = depth < MOST_DEPTH ? list_folder(ctx, path, depth + 1, out) : MB_OK;
        } else if (is_table(path) && names.name[i][0] != '.') {
            status = mb_names_add(out, path, strlen(path));
        }
        mb_release(ctx, path);
    }
    mb_names_clear(&names);
    return status;
}

static mb_status list_path(mb_context *ctx, const char *path, mb_names *out) {
    if (mb_path_is_directory(path)) {
        const size_t before = out->n;
        MB_TRY(list_folder(ctx, path, 0, out));
        return out->n > before ? MB_OK
                               : mb_fail(ctx, MB_ERR_IO,
                                     "%s: no .csv or .csv.gz in this folder; name one that has "
                                     "some",
                                     path);
    }
    mb_names names;
    mb_status status = mb_names_of_pattern(&names, ctx, ".", path);
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        status = mb_names_add(out, names.name[i], strlen(names.name[i]));
    }
    if (status == MB_OK && names.n == 0) {
        status = mb_fail(ctx, MB_ERR_IO, "%s: no such file; name a file or a folder", path);
    }
    mb_names_clear(&names);
    return status;
}

mb_status mb_elinks_list(mb_context *ctx, const char *const *paths, size_t n, mb_names *out) {
    *out = (mb_names){.ctx = ctx};
    mb_status status = MB_OK;
    for (size_t i = 0; status == MB_OK && i < n; i++) {
        status = list_path(ctx, paths[i], out);
    }
    if (status != MB_OK) {
        mb_names_clear(out);
    }
    return status;
}

void mb_elinks_stem(const char *path, char *text, size_t size) {
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t n = strlen(name);
    if (mb_path_has_suffix(name, ".gz")) {
        n -= 3;
    }
    if (n > 4 && memcmp(name + n - 4, ".csv", 4) == 0) {
        n -= 4;
    }
    mb_format(text, size, "%.*s", (int)mb_min_size(n, size - 1), name);
}

mb_status mb_elinks_module_parse(mb_context *ctx, const char *text, int out[3]) {
    const char *p = text;
    const char *end = text + strlen(text);
    for (size_t i = 0; i < 3; i++) {
        int64_t value = 0;
        p = mb_parse_int64(p, end, &value);
        const bool is_last = i == 2;
        if (p == NULL || *p != (is_last ? '\0' : ',') || value < -1000 || value > 1000) {
            return mb_fail(
                ctx, MB_ERR_ARG, "module: '%s' names none; write LAYER,U,V such as 9,3,-2", text);
        }
        out[i] = (int)value;
        p++;
    }
    return MB_OK;
}

// 144 bits, output 15 first.
static mb_status read_keep(mb_context *ctx, const char *text, mb_chip_settings *settings) {
    enum { DIGITS = MB_CHIP_OUTPUTS * MB_OUTPUT_BITS / 4 };
    bool is_good = strlen(text) == DIGITS;
    memset(settings->keep, 0, sizeof settings->keep);
    for (unsigned i = 0; is_good && i < 4 * DIGITS; i++) {
        const int digit = mb_hex_digit(text[i / 4]);
        is_good = digit >= 0;
        if (is_good && ((unsigned)digit >> (3 - i % 4) & 1U) != 0) {
            settings->keep[MB_CHIP_OUTPUTS - 1 - i / MB_OUTPUT_BITS] |=
                (uint16_t)(1U << (MB_OUTPUT_BITS - 1 - i % MB_OUTPUT_BITS));
        }
    }
    return is_good ? MB_OK
                   : mb_fail(ctx, MB_ERR_ARG,
                         "keep: '%s' is no mask; write %d hexadecimal digits, output 15 first",
                         text, DIGITS);
}

mb_status mb_elinks_format_read(mb_context *ctx, const mb_elinks_format *format,
    mb_chip_settings *settings, const mb_chip_algorithm **algorithm, mb_chip_mux *mux) {
    *algorithm = NULL;
    mb_chip_mux_init(mux);
    if (strcmp(format->algorithm, "ports") != 0 && strcmp(format->algorithm, "none") != 0) {
        MB_TRY(mb_chip_algorithm_find(ctx, format->algorithm, algorithm));
    }
    const unsigned n_links = (unsigned)mb_min_size(format->n_links, MB_CHIP_MOST_LINKS + 1);
    mb_chip_settings_init(settings, n_links > 0 ? n_links : 1);
    settings->n_links = n_links;
    settings->drop = format->is_high_density ? 3 : 1;
    settings->header_bits = (unsigned)mb_min_size(format->header_bits, 9);
    if (format->keep != NULL) {
        MB_TRY(read_keep(ctx, format->keep, settings));
    }
    if (*algorithm != NULL) {
        MB_TRY(mb_chip_settings_check(ctx, *algorithm, settings));
    }
    const bool is_ae = strcmp(format->order, "ae") == 0;
    if (!is_ae && strcmp(format->order, "post") != 0) {
        return mb_fail(ctx, MB_ERR_ARG,
            "order: '%s' is not known; take post, the chip's, or ae, as charges are numbered",
            format->order);
    }
    return format->mapping != NULL ? mb_chip_mux_read(ctx, format->mapping, is_ae, mux) : MB_OK;
}

void mb_content_put_header(
    mb_table *table, const mb_chip_algorithm *algorithm, const mb_chip_settings *settings) {
    const unsigned most = mb_chip_most_codes(algorithm, settings);
    mb_buffer_text(&table->text, "header");
    if (mb_chip_has_type(algorithm)) {
        mb_buffer_text(&table->text, ",type");
    }
    if (mb_chip_has_sum(algorithm)) {
        mb_buffer_text(&table->text, ",sum");
    }
    if (mb_chip_has_type(algorithm)) {
        mb_buffer_text(&table->text, ",n");
    }
    if (mb_chip_has_addresses(algorithm)) {
        mb_table_put_series(table, false, "address_", most);
    }
    mb_table_put_series(table, false, "code_", most);
}

void mb_content_put(mb_table *table, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, const mb_chip_content *content) {
    const unsigned most = mb_chip_most_codes(algorithm, settings);
    mb_csv_put_int64(&table->text, true, content->header);
    if (mb_chip_has_type(algorithm)) {
        mb_csv_put_int64(&table->text, false, content->type);
    }
    if (mb_chip_has_sum(algorithm)) {
        mb_csv_put_int64(&table->text, false, content->sum);
    }
    if (mb_chip_has_type(algorithm)) {
        mb_csv_put_int64(&table->text, false, content->n);
    }
    for (unsigned i = 0; mb_chip_has_addresses(algorithm) && i < most; i++) {
        mb_csv_put_int64(&table->text, false, i < content->n ? content->address[i] : 0);
    }
    for (unsigned i = 0; i < most; i++) {
        mb_csv_put_int64(&table->text, false, i < content->n ? content->code[i] : 0);
    }
}

mb_status mb_content_find(const mb_rows *rows, const mb_chip_algorithm *algorithm,
    const mb_chip_settings *settings, mb_content_columns *out) {
    const unsigned most = mb_chip_most_codes(algorithm, settings);
    out->type = out->n = out->sum = MB_ROWS_NO_COLUMN;
    MB_TRY(mb_rows_find(rows, "header", &out->header));
    if (mb_chip_has_type(algorithm)) {
        MB_TRY(mb_rows_find(rows, "type", &out->type));
        MB_TRY(mb_rows_find(rows, "n", &out->n));
    }
    if (mb_chip_has_sum(algorithm)) {
        MB_TRY(mb_rows_find(rows, "sum", &out->sum));
    }
    if (mb_chip_has_addresses(algorithm)) {
        MB_TRY(mb_rows_find_series(rows, "address_", most, out->address));
    }
    return mb_rows_find_series(rows, "code_", most, out->code);
}

static mb_status read_field(const mb_rows *rows, int column, unsigned most, unsigned *out) {
    uint64_t value = 0;
    if (column >= 0) {
        MB_TRY(mb_rows_count(rows, column, most, &value));
    }
    *out = (unsigned)value;
    return MB_OK;
}

mb_status mb_content_read(const mb_rows *rows, const mb_content_columns *columns,
    const mb_chip_algorithm *algorithm, const mb_chip_settings *settings, mb_chip_content *out) {
    *out = (mb_chip_content){.n = mb_chip_most_codes(algorithm, settings)};
    MB_TRY(read_field(rows, columns->header, 31, &out->header));
    MB_TRY(read_field(rows, columns->type, 7, &out->type));
    MB_TRY(read_field(rows, columns->sum, UINT16_MAX, &out->sum));
    if (columns->n >= 0) {
        MB_TRY(read_field(rows, columns->n, out->n, &out->n));
    }
    for (unsigned i = 0; i < out->n; i++) {
        unsigned value = 0;
        if (mb_chip_has_addresses(algorithm)) {
            MB_TRY(read_field(rows, columns->address[i], MB_CHIP_CELLS - 1, &value));
            out->address[i] = (uint8_t)value;
        }
        MB_TRY(read_field(rows, columns->code[i], UINT16_MAX, &value));
        out->code[i] = (uint16_t)value;
    }
    if (mb_chip_content_check(rows->lines.ctx, algorithm, settings, out) != MB_OK) {
        return mb_fail_within(
            rows->lines.ctx, "%s:%llu", rows->lines.name, (unsigned long long)rows->lines.line);
    }
    return MB_OK;
}
