// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/number_table.h"

#include "base/numbers.h"
#include "base/threads.h"
#include "files/gzip.h"

enum { READ_STEP = 1 << 22, CHUNK = 1 << 18, MOST_FIELDS = 256 };

typedef struct chunk {
    const char *begin, *end; // whole lines
    size_t first_row, n_rows;
} chunk;

typedef struct table {
    mb_context *ctx;
    const char *name;
    mb_number_column *columns;
    size_t n_columns;
    size_t n_fields;           // of the header
    int of_field[MOST_FIELDS]; // index of the wanted column, or -1
    chunk *chunks;
    size_t n_chunks;
} table;

static const char *end_of_line(const char *at, const char *end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at));
    return feed != NULL ? feed : end;
}

static const char *without_return(const char *begin, const char *end) {
    return end > begin && end[-1] == '\r' ? end - 1 : end;
}

static size_t find_wanted(const table *t, const char *name, size_t length) {
    size_t i = 0;
    while (i < t->n_columns && (strlen(t->columns[i].name) != length ||
                                   memcmp(t->columns[i].name, name, length) != 0)) {
        i++;
    }
    return i;
}

static mb_status read_header(table *t, const char *text, const char *end) {
    const char *line_end = without_return(text, end_of_line(text, end));
    for (const char *at = text;;) {
        const char *comma = memchr(at, ',', (size_t)(line_end - at));
        const char *field_end = comma != NULL ? comma : line_end;
        if (t->n_fields == MOST_FIELDS) {
            return mb_fail(t->ctx, MB_ERR_LIMIT,
                "%s:1: more than %d columns; write those that are needed", t->name, MOST_FIELDS);
        }
        const size_t i = find_wanted(t, at, (size_t)(field_end - at));
        t->of_field[t->n_fields++] = i < t->n_columns ? (int)i : -1;
        if (i < t->n_columns && t->columns[i].is_there) {
            return mb_fail(t->ctx, MB_ERR_FORMAT, "%s:1: column '%s' is there twice; name it once",
                t->name, t->columns[i].name);
        }
        if (i < t->n_columns) {
            t->columns[i].is_there = true;
        }
        if (comma == NULL) {
            break;
        }
        at = comma + 1;
    }
    for (size_t i = 0; i < t->n_columns; i++) {
        if (!t->columns[i].is_there && !t->columns[i].is_optional) {
            return mb_fail(t->ctx, MB_ERR_FORMAT,
                "%s:1: there is no column '%s'; the first line must name it", t->name,
                t->columns[i].name);
        }
    }
    return MB_OK;
}

static size_t count_lines(const char *at, const char *end) {
    size_t n = 0;
    while (at < end) {
        at = end_of_line(at, end) + 1;
        n++;
    }
    return n;
}

static mb_status cut_chunks(table *t, const char *at, const char *end) {
    // Empty lines at the end are no rows.
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    t->chunks = mb_allocate(t->ctx, (size_t)(end - at) / CHUNK + 1, sizeof *t->chunks);
    if (t->chunks == NULL) {
        return MB_ERR_MEMORY;
    }
    while (at < end) {
        const char *aim = end - at > CHUNK ? at + CHUNK : end;
        const char *last = end_of_line(aim < end ? aim : end, end);
        t->chunks[t->n_chunks++] = (chunk){.begin = at, .end = last};
        at = last < end ? last + 1 : end;
    }
    return MB_OK;
}

static mb_status count_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    chunk *c = &((table *)user)->chunks[task];
    c->n_rows = count_lines(c->begin, c->end);
    return MB_OK;
}

static mb_status fail_field(
    mb_context *ctx, const table *t, size_t row, const char *line, const char *at, size_t field) {
    const char *name = t->of_field[field] >= 0 ? t->columns[t->of_field[field]].name : "?";
    return mb_fail(ctx, MB_ERR_FORMAT, "%s:%zu:%zu: %s is no %s; correct the line", t->name,
        row + 2, (size_t)(at - line) + 1, name,
        t->of_field[field] >= 0 && t->columns[t->of_field[field]].dtype == MB_I64 ? "whole number"
                                                                                  : "number");
}

// One number into a column; where it ends, or NULL.
static const char *take_number(
    const mb_number_column *column, size_t row, const char *at, const char *end) {
    double value = 0;
    if (column->dtype == MB_I64) {
        return mb_parse_int64(at, end, (int64_t *)column->value + row);
    }
    at = mb_parse_double(at, end, &value);
    if (column->dtype == MB_F32) {
        ((float *)column->value)[row] = (float)value;
    } else {
        ((double *)column->value)[row] = value;
    }
    return at;
}

static mb_status parse_line(
    mb_context *ctx, const table *t, size_t row, const char *line, const char *end) {
    const char *at = line;
    for (size_t field = 0; field < t->n_fields; field++) {
        const char *stop;
        if (t->of_field[field] < 0) {
            stop = memchr(at, ',', (size_t)(end - at));
            stop = stop != NULL ? stop : end;
        } else {
            stop = take_number(&t->columns[t->of_field[field]], row, at, end);
            if (stop == NULL || (stop < end && *stop != ',')) {
                return fail_field(ctx, t, row, line, at, field);
            }
        }
        const bool is_last = field + 1 == t->n_fields;
        if (is_last != (stop == end)) {
            return mb_fail(ctx, MB_ERR_FORMAT,
                "%s:%zu: has %s than the %zu fields of the header; "
                "correct the line",
                t->name, row + 2, is_last ? "more" : "fewer", t->n_fields);
        }
        at = stop + 1;
    }
    return MB_OK;
}

static mb_status parse_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const table *t = user;
    const chunk *c = &t->chunks[task];
    size_t row = c->first_row;
    for (const char *at = c->begin; at < c->end; row++) {
        const char *end = end_of_line(at, c->end);
        MB_TRY(parse_line(ctx, t, row, at, without_return(at, end)));
        at = end + 1;
    }
    return MB_OK;
}

static mb_status make_columns(table *t, size_t n_rows) {
    for (size_t i = 0; i < t->n_columns; i++) {
        mb_number_column *column = &t->columns[i];
        if (column->is_there) {
            column->value = mb_allocate(t->ctx, n_rows, mb_dtype_size(column->dtype));
            if (column->value == NULL) {
                return MB_ERR_MEMORY;
            }
        }
    }
    return MB_OK;
}

static mb_status parse(table *t, const char *text, size_t length, size_t *n_rows) {
    const char *end = text + length;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
    }
    if (text == end) {
        return mb_fail(t->ctx, MB_ERR_FORMAT,
            "%s:1: the file is empty; it must begin with a line "
            "of column names",
            t->name);
    }
    MB_TRY(read_header(t, text, end));
    const char *rows = end_of_line(text, end);
    MB_TRY(cut_chunks(t, rows < end ? rows + 1 : end, end));
    MB_TRY(mb_parallel(t->ctx, t->n_chunks, count_task, t));
    for (size_t i = 0; i < t->n_chunks; i++) {
        t->chunks[i].first_row = *n_rows;
        *n_rows += t->chunks[i].n_rows;
    }
    MB_TRY(make_columns(t, *n_rows));
    return mb_parallel(t->ctx, t->n_chunks, parse_task, t);
}

mb_status mb_number_table_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    mb_number_column *columns, size_t n_columns, size_t *n_rows) {
    *n_rows = 0;
    for (size_t i = 0; i < n_columns; i++) {
        columns[i].is_there = false;
        columns[i].value = NULL;
    }
    table *t = mb_allocate_zeroed(ctx, 1, sizeof *t);
    if (t == NULL) {
        return MB_ERR_MEMORY;
    }
    t->ctx = ctx;
    t->name = name;
    t->columns = columns;
    t->n_columns = n_columns;
    const mb_status status = parse(t, text, length, n_rows);
    if (status != MB_OK) {
        mb_number_columns_release(ctx, columns, n_columns);
        *n_rows = 0;
    }
    mb_release(ctx, t->chunks);
    mb_release(ctx, t);
    return status;
}

static mb_status read_text(mb_context *ctx, const char *path, char **text, size_t *length) {
    mb_text_reader *reader = NULL;
    size_t capacity = 0;
    mb_status status = mb_text_reader_open(ctx, path, &reader);
    for (size_t n = 1; status == MB_OK && n > 0;) {
        if (*length == capacity) {
            // A plain file is read in one piece, whatever it claims within the limits.
            const uint64_t size = mb_text_reader_file_size(reader);
            const bool is_whole =
                !mb_text_reader_is_compressed(reader) && size <= mb_context_limits(ctx)->bytes;
            status = mb_grow(ctx, text, &capacity, *length + (is_whole ? size + 1 : READ_STEP), 1);
        }
        if (status == MB_OK) {
            status = mb_text_reader_read(reader, *text + *length, capacity - *length, &n);
        }
        *length += status == MB_OK ? n : 0;
    }
    mb_text_reader_close(reader);
    return status;
}

mb_status mb_number_table_read(mb_context *ctx, const char *path, mb_number_column *columns,
    size_t n_columns, size_t *n_rows) {
    char *text = NULL;
    size_t length = 0;
    *n_rows = 0;
    mb_status status = read_text(ctx, path, &text, &length);
    if (status == MB_OK) {
        status = mb_number_table_parse(ctx, path, text, length, columns, n_columns, n_rows);
    }
    mb_release(ctx, text);
    return status;
}

void mb_number_columns_release(mb_context *ctx, mb_number_column *columns, size_t n_columns) {
    for (size_t i = 0; i < n_columns; i++) {
        mb_release(ctx, columns[i].value);
        columns[i].value = NULL;
    }
}
