// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/number_table.h"

#include "base/digits.h"
#include "base/numbers.h"
#include "base/threads.h"
#include "files/gzip.h"
#include "files/marks.h"

enum { READ_STEP = 1 << 22, CHUNK = 1 << 17, MOST_FIELDS = 256, REACH = 16 };

typedef struct chunk {
    const char *begin, *end; // whole lines
    size_t first_row, n_rows;
} chunk;

typedef struct table {
    mb_context *ctx;
    const char *name, *text, *end;
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

// Skips columns that others make needless.
static void skip_needless(table *t) {
    for (size_t field = 0; field < t->n_fields; field++) {
        mb_number_column *column = t->of_field[field] >= 0 ? &t->columns[t->of_field[field]] : NULL;
        const size_t other = column != NULL && column->unless != NULL
                                 ? find_wanted(t, column->unless, strlen(column->unless))
                                 : t->n_columns;
        if (other < t->n_columns && t->columns[other].is_there) {
            column->is_there = false;
            t->of_field[field] = -1;
        }
    }
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
    skip_needless(t);
    return MB_OK;
}

// Short sums of bytes, which a compiler makes 16 at a time.
static size_t count_lines(const char *at, const char *end) {
    size_t n = end > at ? 1 : 0; // the last has no feed
    while (at < end) {
        const size_t length = mb_min_size((size_t)(end - at), 240);
        uint8_t n_feeds = 0;
        for (size_t i = 0; i < length; i++) {
            n_feeds = (uint8_t)(n_feeds + (at[i] == '\n'));
        }
        n += n_feeds;
        at += length;
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

// The quick way, for numbers as programs write them; whatever is not so goes the slow way, which
// knows all forms and says what is wrong. Each needs REACH bytes before the line, and behind its
// beginning.

// A whole number of at most 16 digits.
static inline bool take_whole(const char *at, const char *end, int64_t *out) {
    const bool is_negative = *at == '-';
    const size_t n = (size_t)(end - at) - is_negative;
    if (n - 1 >= 16) {
        return false;
    }
    uint64_t bad = 0;
    int64_t value;
    if (n <= 8) {
        value = (int64_t)mb_checked_digits_before(end, (unsigned)n, &bad);
    } else {
        const uint64_t high = mb_checked_digits_before(end - 8, (unsigned)n - 8, &bad);
        value = (int64_t)(high * 100000000 + mb_checked_digits_before(end, 8, &bad));
    }
    *out = is_negative ? -value : value;
    return bad == 0;
}

// The first point, or end. Reads 8 bytes from at.
static inline const char *find_point(const char *at, const char *end) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t word = mb_load_word(at) ^ ones * '.';
    // The lowest byte that is 0 gets its highest bit set; bytes above it may, too.
    const uint64_t found = (word - ones) & ~word & ones << 7;
    if (found == 0) {
        const char *point = memchr(at, '.', (size_t)(end - at));
        return point != NULL ? point : end;
    }
    const char *point = at + mb_lowest_bit(found) / 8;
    return point < end ? point : end;
}

// The exponent of a number that ends in e-00 to e-99, which weights have. *end moves before it.
static inline size_t take_exponent(const char *at, const char **end, uint64_t *bad) {
    if (*end - at <= 4 || (*end)[-4] != 'e' || (*end)[-3] != '-') {
        return 0;
    }
    const size_t down = (size_t)mb_checked_digits_before(*end, 2, bad);
    *end -= 4;
    return down;
}

// A number of at most 8 digits before its point and 11 behind it.
static inline bool take_decimal(const char *at, const char *end, double *out) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    static const uint64_t shifts[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
        1000000000, 10000000000, 100000000000};
    uint64_t bad = 0;
    const size_t exponent = take_exponent(at, &end, &bad);
    const char *point = find_point(at, end);
    const bool is_negative = *at == '-';
    const size_t n_whole = (size_t)(point - at) - is_negative;
    const size_t n_fraction = (size_t)(end - point) - (point < end);
    const size_t power = n_fraction + exponent;
    if (n_whole > 8 || n_fraction > 11 || n_whole + n_fraction == 0 ||
        power >= MB_COUNT_OF(powers)) {
        return false;
    }
    uint64_t mantissa =
        mb_checked_digits_before(point, (unsigned)n_whole, &bad) * shifts[n_fraction];
    if (n_fraction <= 8) {
        mantissa += mb_checked_digits_before(end, (unsigned)n_fraction, &bad);
    } else {
        const uint64_t high = mb_checked_digits_before(end - 8, (unsigned)n_fraction - 8, &bad);
        mantissa += high * 100000000 + mb_checked_digits_before(end, 8, &bad);
    }
    // Both operands exact, one rounding: correctly rounded.
    const double value = (double)(int64_t)mantissa / powers[power];
    *out = is_negative ? -value : value;
    return (bad | mantissa >> 53) == 0;
}

static inline bool take_field(
    const mb_number_column *column, size_t row, const char *at, const char *end) {
    if (column->dtype == MB_I64) {
        return take_whole(at, end, (int64_t *)column->value + row);
    }
    double value = 0;
    if (!take_decimal(at, end, &value) && mb_parse_double(at, end, &value) != end) {
        return false;
    }
    if (column->dtype == MB_F32) {
        ((float *)column->value)[row] = (float)value;
    } else {
        ((double *)column->value)[row] = value;
    }
    return true;
}

// The line at text + begin, whose marks begin at mark. A line feed is among them. Where its marks
// end, or NULL.
static const uint16_t *take_line(
    const table *t, size_t row, const char *text, size_t begin, const uint16_t *mark) {
    const size_t n_fields = t->n_fields;
    for (size_t field = 0; field < n_fields; field++) {
        const size_t stop = *mark++;
        const int wanted = t->of_field[field];
        const bool is_last = field + 1 == n_fields;
        if (text[stop] != (is_last ? '\n' : ',')) {
            return NULL;
        }
        if (wanted >= 0) {
            const char *at = text + begin;
            const char *end = is_last ? without_return(at, text + stop) : text + stop;
            if (!take_field(&t->columns[wanted], row, at, end)) {
                return NULL;
            }
        }
        begin = stop + 1;
    }
    return mark;
}

// The whole lines of a piece of the text; how many bytes and rows they are.
static mb_status parse_piece(mb_context *ctx, const table *t, const char *text, size_t length,
    mb_marks *marks, size_t *begin, size_t *row) {
    mb_marks_find(marks, text, length);
    const uint16_t *mark = marks->at;
    const uint16_t *last = marks->at + marks->n;
    while (mark < last) {
        const bool has_reach = mark + t->n_fields <= last && text + *begin - t->text >= REACH &&
                               t->end - text - mark[t->n_fields - 1] > REACH;
        const uint16_t *next = has_reach ? take_line(t, *row, text, *begin, mark) : NULL;
        if (next == NULL) {
            while (text[*mark] != '\n') {
                mark++;
            }
            const char *line = text + *begin;
            MB_TRY(parse_line(ctx, t, *row, line, without_return(line, text + *mark)));
            next = mark + 1;
        }
        mark = next;
        *begin = (size_t)mark[-1] + 1;
        (*row)++;
    }
    return MB_OK;
}

static mb_status parse_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const table *t = user;
    const chunk *c = &t->chunks[task];
    size_t row = c->first_row;
    mb_marks marks;
    // The last line may be empty, and is one of those that were counted.
    for (const char *at = c->begin; at <= c->end;) {
        size_t length = 0;
        MB_TRY(parse_piece(ctx, t, at, (size_t)(c->end - at), &marks, &length, &row));
        at += length;
        if (length == 0) { // the last line, or a very long one
            const char *end = end_of_line(at, c->end);
            MB_TRY(parse_line(ctx, t, row++, at, without_return(at, end)));
            at = end + 1;
        }
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
    t->text = text;
    t->end = text + length;
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
