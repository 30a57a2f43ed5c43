// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/csv.h"

#include "base/numbers.h"
#include "files/gzip.h"
#include "files/marks.h"

#include <math.h>

enum { READ_STEP = 1 << 20 };

typedef struct parser {
    mb_csv *table;
    const char *at, *end;
    char *to; // fields are unquoted into the table's text, which is as long as the input and more
    size_t line;
} parser;

static mb_status fail_line(const parser *p, const char *what) {
    return mb_fail(p->table->ctx, MB_ERR_FORMAT, "%s:%zu: %s; correct the line", p->table->name,
        p->line, what);
}

static bool is_line_end(const parser *p) {
    return p->at == p->end || *p->at == '\n' ||
           (*p->at == '\r' && p->at + 1 < p->end && p->at[1] == '\n');
}

static mb_status parse_quoted(parser *p) {
    const size_t first_line = p->line;
    p->at++;
    for (;;) {
        if (p->at == p->end) {
            p->line = first_line;
            return fail_line(p, "a quoted field never ends");
        }
        if (*p->at == '"') {
            if (p->at + 1 == p->end || p->at[1] != '"') {
                break;
            }
            p->at++;
        }
        if (*p->at == '\n') {
            p->line++;
        }
        if (*p->at == '\0') {
            return fail_line(p, "a zero byte");
        }
        *p->to++ = *p->at++;
    }
    p->at++;
    return is_line_end(p) || *p->at == ',' ? MB_OK : fail_line(p, "text behind a closing quote");
}

static mb_status parse_field(parser *p) {
    mb_csv *table = p->table;
    if (table->n_fields >= mb_context_limits(table->ctx)->objects * 16) {
        return mb_fail(table->ctx, MB_ERR_LIMIT,
            "%s:%zu: more fields than the limit of objects allows; split the table", table->name,
            p->line);
    }
    MB_TRY(mb_grow(table->ctx, &table->field, &table->field_capacity, table->n_fields + 1,
        sizeof *table->field));
    table->field[table->n_fields++] = (size_t)(p->to - table->text);
    if (p->at < p->end && *p->at == '"') {
        MB_TRY(parse_quoted(p));
    } else {
        while (!is_line_end(p) && *p->at != ',') {
            if (*p->at == '"' || *p->at == '\0' || *p->at == '\r') {
                return fail_line(p, "a quote, zero byte or lone CR inside a plain field");
            }
            *p->to++ = *p->at++;
        }
    }
    *p->to++ = '\0';
    return MB_OK;
}

static mb_status parse_row(parser *p) {
    mb_csv *table = p->table;
    const size_t row = table->n_rows, first = table->n_fields, line = p->line;
    MB_TRY(mb_grow(table->ctx, &table->line, &table->line_capacity, row + 1, sizeof *table->line));
    for (;;) {
        MB_TRY(parse_field(p));
        if (is_line_end(p)) {
            break;
        }
        p->at++; // the comma
    }
    const size_t n = table->n_fields - first;
    if (row == 0) {
        table->n_columns = n;
    } else if (n != table->n_columns) {
        return mb_fail(table->ctx, MB_ERR_FORMAT,
            "%s:%zu: %zu fields where the first line has %zu; correct the line", table->name, line,
            n, table->n_columns);
    }
    table->line[table->n_rows++] = line;
    if (p->at < p->end) {
        p->at += *p->at == '\r' ? 2 : 1;
        p->line++;
    }
    return MB_OK;
}

// Whether no field is quoted and nothing stands in the text that needs a message.
static bool is_plain(const char *text, size_t length) {
    const char *end = text + length;
    if (length == 0 || memchr(text, '"', length) != NULL || memchr(text, '\0', length) != NULL) {
        return false;
    }
    for (const char *at = text; (at = memchr(at, '\r', (size_t)(end - at))) != NULL; at++) {
        if (at + 1 == end || at[1] != '\n') {
            return false;
        }
    }
    return true;
}

// Fields of the row whose marks begin at mark, each ended where it is. Where its marks end, or NULL
// where it has too many fields or too few.
static const uint16_t *take_row(mb_csv *table, char *text, size_t begin, const uint16_t *mark) {
    const size_t first = table->n_fields;
    for (bool is_end = false; !is_end; mark++) {
        is_end = text[*mark] == '\n';
        table->field[table->n_fields++] = (size_t)(text - table->text) + begin;
        text[*mark] = '\0';
        begin = (size_t)*mark + 1;
    }
    const size_t n = table->n_fields - first;
    if (table->n_rows > 0 && n != table->n_columns) {
        table->n_fields = first;
        return NULL;
    }
    const size_t end = begin - 1;
    if (end > 0 && text[end - 1] == '\r') {
        text[end - 1] = '\0';
    }
    table->n_columns = n;
    return mark;
}

// The whole lines of the next piece of a plain text, the quick way; what it cannot do is left to
// parse_row.
static mb_status take_rows(parser *p, const char *start, mb_marks *marks) {
    mb_csv *table = p->table;
    mb_marks_find(marks, p->at, (size_t)(p->end - p->at));
    if (table->n_fields + marks->n > mb_context_limits(table->ctx)->objects * 16) {
        return MB_OK;
    }
    MB_TRY(mb_grow(table->ctx, &table->field, &table->field_capacity, table->n_fields + marks->n,
        sizeof *table->field));
    MB_TRY(mb_grow(table->ctx, &table->line, &table->line_capacity, table->n_rows + marks->n,
        sizeof *table->line));
    char *text = table->text + (p->at - start);
    const size_t length = marks->n > 0 ? (size_t)marks->at[marks->n - 1] + 1 : 0;
    memcpy(text, p->at, length);
    size_t begin = 0;
    for (const uint16_t *mark = marks->at; mark < marks->at + marks->n;) {
        mark = take_row(table, text, begin, mark);
        if (mark == NULL) {
            break;
        }
        begin = (size_t)mark[-1] + 1;
        table->line[table->n_rows++] = p->line++;
    }
    p->at += begin;
    p->to = text + begin;
    return MB_OK;
}

static mb_status parse_rows(parser *p, const char *start) {
    const bool may_take = is_plain(p->at, (size_t)(p->end - p->at));
    mb_marks marks;
    while (p->at < p->end) {
        if (may_take) {
            MB_TRY(take_rows(p, start, &marks));
        }
        if (p->at < p->end) {
            MB_TRY(parse_row(p));
        }
    }
    return MB_OK;
}

mb_status mb_csv_parse(mb_csv *table, mb_context *ctx, const char *name, const char *text,
    size_t length, bool has_header) {
    *table = (mb_csv){.ctx = ctx, .has_header = has_header};
    table->name = mb_copy_text(ctx, name);
    // Each field gains a zero byte and loses a comma or line end, but the last may have had none.
    table->text = mb_allocate(ctx, length + 1, 1);
    if (table->name == NULL || table->text == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *start = length == 0 ? "" : text;
    parser p = {table, start, start + length, table->text, 1};
    if (length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0) {
        p.at += 3; // the mark that spreadsheets put before UTF-8
    }
    MB_TRY(parse_rows(&p, start));
    if (has_header) {
        if (table->n_rows == 0) {
            return mb_fail(
                ctx, MB_ERR_FORMAT, "%s: empty; the first line must name the columns", name);
        }
        table->n_rows--;
    }
    return MB_OK;
}

mb_status mb_csv_read(mb_csv *table, mb_context *ctx, const char *path, bool has_header) {
    *table = (mb_csv){.ctx = ctx};
    mb_text_reader *reader = NULL;
    MB_TRY(mb_text_reader_open(ctx, path, &reader));
    char *text = NULL;
    size_t capacity = 0, length = 0;
    mb_status status = MB_OK;
    for (size_t n = 1; status == MB_OK && n > 0;) {
        status = mb_grow(ctx, &text, &capacity, length + READ_STEP, 1);
        if (status == MB_OK) {
            status = mb_text_reader_read(reader, text + length, READ_STEP, &n);
            length += n;
        }
    }
    mb_text_reader_close(reader);
    if (status == MB_OK) {
        status = mb_csv_parse(table, ctx, path, text, length, has_header);
    }
    mb_release(ctx, text);
    return status;
}

void mb_csv_clear(mb_csv *table) {
    if (table->ctx != NULL) {
        mb_release(table->ctx, table->name);
        mb_release(table->ctx, table->text);
        mb_release(table->ctx, table->field);
        mb_release(table->ctx, table->line);
    }
    *table = (mb_csv){.ctx = NULL};
}

const char *mb_csv_column_name(const mb_csv *table, size_t column) {
    return table->text + table->field[column];
}

static bool is_of_numbers(const mb_csv *table) {
    bool is_count = table->n_columns > 1;
    for (size_t j = 0; j < table->n_columns; j++) {
        double value = 0;
        if (!mb_text_to_double(mb_csv_column_name(table, j), &value)) {
            return false;
        }
        is_count = is_count && value == (double)j;
    }
    return !is_count;
}

mb_status mb_csv_read_any(mb_csv *table, mb_context *ctx, const char *path) {
    mb_status status = mb_csv_read(table, ctx, path, true);
    if (status == MB_OK && is_of_numbers(table)) {
        mb_csv_clear(table);
        status = mb_csv_read(table, ctx, path, false);
    }
    return status;
}

mb_status mb_csv_find_column(const mb_csv *table, const char *name, size_t *column) {
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(mb_csv_column_name(table, i), name) == 0) {
            *column = i;
            return MB_OK;
        }
    }
    mb_buffer names;
    mb_buffer_init(&names, table->ctx);
    for (size_t i = 0; i < mb_min_size(table->n_columns, 16); i++) {
        mb_buffer_format(&names, "%s%s", i == 0 ? "" : ", ", mb_csv_column_name(table, i));
    }
    const mb_status status = mb_fail(table->ctx, MB_ERR_FORMAT, "%s: no column '%s'; it has: %s",
        table->name, name, names.data == NULL ? "none" : names.data);
    mb_buffer_clear(&names);
    return status;
}

const char *mb_csv_field(const mb_csv *table, size_t row, size_t column) {
    const size_t line = row + (table->has_header ? 1 : 0);
    return table->text + table->field[line * table->n_columns + column];
}

mb_status mb_csv_number(const mb_csv *table, size_t row, size_t column, double *out) {
    const char *text = mb_csv_field(table, row, column);
    if (mb_text_to_double(text, out)) {
        return MB_OK;
    }
    if (strcmp(text, "nan") == 0 || strcmp(text, "NaN") == 0) {
        *out = (double)NAN;
    } else if (strcmp(text, "inf") == 0) {
        *out = (double)INFINITY;
    } else if (strcmp(text, "-inf") == 0) {
        *out = -(double)INFINITY;
    } else {
        return mb_fail(table->ctx, MB_ERR_FORMAT,
            "%s:%zu: field %zu, '%.40s', is not a number; correct it", table->name,
            table->line[row + (table->has_header ? 1 : 0)], column + 1, text);
    }
    return MB_OK;
}

mb_status mb_csv_to_array(const mb_csv *table, mb_array *out) {
    MB_TRY(mb_array_init(
        out, table->ctx, MB_F64, 2, (const size_t[]){table->n_rows, table->n_columns}));
    double *to = out->data;
    for (size_t row = 0; row < table->n_rows; row++) {
        for (size_t column = 0; column < table->n_columns; column++) {
            const mb_status status = mb_csv_number(table, row, column, to++);
            if (status != MB_OK) {
                mb_array_clear(out);
                return status;
            }
        }
    }
    return MB_OK;
}
