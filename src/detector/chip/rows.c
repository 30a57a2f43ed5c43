// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/chip/rows.h"

#include "base/numbers.h"

#include <math.h>

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) {
        text[--n] = '\0';
    }
    return text;
}

static size_t count_fields(const char *text) {
    size_t n = 1;
    for (const char *p = strchr(text, ','); p != NULL; p = strchr(p + 1, ',')) {
        n++;
    }
    return n;
}

static void cut_fields(char *text, const char **fields) {
    size_t n = 0;
    for (char *p = text; p != NULL;) {
        char *comma = strchr(p, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        fields[n++] = trim(p);
        p = comma != NULL ? comma + 1 : NULL;
    }
}

// The next line that is not empty; NULL behind the last.
static mb_status next_line(mb_rows *rows, char **text) {
    size_t length = 0;
    do {
        MB_TRY(mb_lines_next(&rows->lines, text, &length));
        if (*text != NULL && strlen(*text) != length) {
            return mb_lines_fail(&rows->lines, "a zero byte; this is not a text file");
        }
    } while (*text != NULL && (*text)[strspn(*text, " \t")] == '\0');
    return MB_OK;
}

static mb_status check_names(const mb_rows *rows) {
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (rows->name[i][0] == '\0') {
            return mb_lines_fail(
                &rows->lines, "column %zu has no name; name every column once", i + 1);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(rows->name[i], rows->name[j]) == 0) {
                return mb_lines_fail(
                    &rows->lines, "column %s stands there twice; leave one out", rows->name[i]);
            }
        }
    }
    return MB_OK;
}

enum { MOST_COLUMNS = 1024 };

static mb_status read_header(mb_rows *rows) {
    mb_context *ctx = rows->lines.ctx;
    char *text = NULL;
    MB_TRY(next_line(rows, &text));
    if (text == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: the file is empty; give a table with a header",
            rows->lines.name);
    }
    rows->n_columns = count_fields(text);
    if (rows->n_columns > MOST_COLUMNS) {
        return mb_lines_fail(
            &rows->lines, "%zu columns; at most %d are read", rows->n_columns, MOST_COLUMNS);
    }
    rows->header = mb_copy_text(ctx, text);
    rows->name = mb_allocate(ctx, rows->n_columns, sizeof *rows->name);
    rows->field = mb_allocate(ctx, rows->n_columns, sizeof *rows->field);
    if (rows->header == NULL || rows->name == NULL || rows->field == NULL) {
        return MB_ERR_MEMORY;
    }
    cut_fields(rows->header, rows->name);
    return check_names(rows);
}

mb_status mb_rows_open(mb_rows *rows, mb_context *ctx, const char *path) {
    *rows = (mb_rows){.header = NULL};
    MB_TRY(mb_lines_open(&rows->lines, ctx, path));
    return read_header(rows);
}

mb_status mb_rows_open_text(
    mb_rows *rows, mb_context *ctx, const char *name, const char *text, size_t length) {
    *rows = (mb_rows){.header = NULL};
    MB_TRY(mb_lines_open_text(&rows->lines, ctx, name, text, length));
    return read_header(rows);
}

void mb_rows_close(mb_rows *rows) {
    if (rows->lines.ctx != NULL) {
        mb_release(rows->lines.ctx, rows->header);
        mb_release(rows->lines.ctx, rows->name);
        mb_release(rows->lines.ctx, rows->field);
        mb_lines_close(&rows->lines);
    }
    *rows = (mb_rows){.header = NULL};
}

mb_status mb_rows_next(mb_rows *rows, bool *has_row) {
    char *text = NULL;
    *has_row = false;
    MB_TRY(next_line(rows, &text));
    if (text == NULL) {
        return MB_OK;
    }
    const size_t n = count_fields(text);
    if (n != rows->n_columns) {
        return mb_lines_fail(
            &rows->lines, "%zu fields; the header has %zu columns", n, rows->n_columns);
    }
    cut_fields(text, rows->field);
    *has_row = true;
    return MB_OK;
}

int mb_rows_column(const mb_rows *rows, const char *name) {
    for (size_t i = 0; i < rows->n_columns; i++) {
        if (strcmp(rows->name[i], name) == 0) {
            return (int)i;
        }
    }
    return MB_ROWS_NO_COLUMN;
}

mb_status mb_rows_find(const mb_rows *rows, const char *name, int *column) {
    *column = mb_rows_column(rows, name);
    if (*column < 0) {
        return mb_fail(rows->lines.ctx, MB_ERR_FORMAT,
            "%s:1: no column %s; give a table that has it", rows->lines.name, name);
    }
    return MB_OK;
}

mb_status mb_rows_find_series(const mb_rows *rows, const char *stem, size_t n, int *columns) {
    const size_t length = strlen(stem);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        mb_format(name, sizeof name, "%s%zu", stem, i);
        MB_TRY(mb_rows_find(rows, name, &columns[i]));
    }
    for (size_t i = 0; i < rows->n_columns; i++) {
        int64_t number = 0;
        if (strncmp(rows->name[i], stem, length) == 0 &&
            mb_text_to_int64(rows->name[i] + length, &number) &&
            (number < 0 || number >= (int64_t)n)) {
            return mb_fail(rows->lines.ctx, MB_ERR_FORMAT,
                "%s:1: column %s; the numbers go from 0 to %zu", rows->lines.name, rows->name[i],
                n - 1);
        }
    }
    return MB_OK;
}

static bool parse_hexadecimal(const char *text, uint64_t *out) {
    static const char digits[] = "0123456789abcdef";
    *out = 0;
    size_t n = 0;
    for (; text[n] != '\0' && n < 17; n++) {
        const char c = text[n] >= 'A' && text[n] <= 'F' ? (char)(text[n] - 'A' + 'a') : text[n];
        const char *digit = strchr(digits, c);
        if (digit == NULL) {
            return false;
        }
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return n > 0 && n <= 16;
}

mb_status mb_rows_count(const mb_rows *rows, int column, uint64_t most, uint64_t *out) {
    const char *text = rows->field[column];
    const char *end = text + strlen(text);
    double real = 0;
    if (mb_parse_uint64(text, end, out) != end || text == end) {
        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
            if (!parse_hexadecimal(text + 2, out)) {
                return mb_lines_fail(&rows->lines, "column %s, '%.40s', is no hexadecimal number",
                    rows->name[column], text);
            }
        } else if (!mb_text_to_double(text, &real)) {
            return mb_lines_fail(&rows->lines, "column %s, '%.40s', is no number; write 0 .. %llu",
                rows->name[column], text, (unsigned long long)most);
        } else if (!(real >= 0) || real != floor(real) || real > 9007199254740992.0) {
            return mb_fail(rows->lines.ctx, MB_ERR_RANGE,
                "%s:%llu: column %s is %.40s; it is a whole number 0 .. %llu", rows->lines.name,
                (unsigned long long)rows->lines.line, rows->name[column], text,
                (unsigned long long)most);
        } else {
            *out = (uint64_t)real;
        }
    }
    if (*out > most) {
        return mb_fail(rows->lines.ctx, MB_ERR_RANGE,
            "%s:%llu: column %s is %.40s; it goes up to %llu", rows->lines.name,
            (unsigned long long)rows->lines.line, rows->name[column], text,
            (unsigned long long)most);
    }
    return MB_OK;
}

mb_status mb_rows_number(const mb_rows *rows, int column, double *out) {
    const char *text = rows->field[column];
    if (!mb_text_to_double(text, out) || !isfinite(*out)) {
        return mb_lines_fail(
            &rows->lines, "column %s, '%.40s', is no number", rows->name[column], text);
    }
    return MB_OK;
}
