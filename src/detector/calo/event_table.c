// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/event_table.h"

#include "base/numbers.h"

#include <math.h>

enum { EVENT = -1, IGNORED = -2 };

// The field at *p without blanks around it; *p moves behind the comma, or to NULL at the end.
static const char *next_field(const char **p, size_t *length) {
    const char *begin = *p + strspn(*p, " \t\"");
    const char *comma = strchr(begin, ',');
    const char *end = comma != NULL ? comma : begin + strlen(begin);
    *p = comma != NULL ? comma + 1 : NULL;
    while (end > begin && strchr(" \t\"", end[-1]) != NULL) {
        end--;
    }
    *length = (size_t)(end - begin);
    return begin;
}

static int find_name(const mb_event_table *table, const char *field, size_t length) {
    if (length == 5 && memcmp(field, "event", 5) == 0) {
        return EVENT;
    }
    for (size_t i = 0; i < table->n_names; i++) {
        if (strlen(table->names[i]) == length && memcmp(table->names[i], field, length) == 0) {
            return (int)i;
        }
    }
    return IGNORED;
}

static mb_status next_line(mb_event_table *table, char **text) {
    size_t length = 0;
    do {
        MB_TRY(mb_lines_next(&table->lines, text, &length));
        if (*text != NULL && strlen(*text) != length) {
            return mb_lines_fail(&table->lines, "a zero byte; this is not a text file");
        }
    } while (*text != NULL && ((*text)[0] == '#' || strspn(*text, " \t") == length));
    return MB_OK;
}

static mb_status read_header(mb_event_table *table, size_t n_required) {
    char *text = NULL;
    MB_TRY(next_line(table, &text));
    bool has_event = false;
    for (const char *p = text; p != NULL;) {
        size_t length = 0;
        const char *field = next_field(&p, &length);
        const int wanted = find_name(table, field, length);
        if (table->n_fields == MB_EVENT_TABLE_MOST_FIELDS) {
            return mb_lines_fail(
                &table->lines, "more than %d columns; leave some out", MB_EVENT_TABLE_MOST_FIELDS);
        }
        if ((wanted == EVENT && has_event) || (wanted >= 0 && table->has[wanted])) {
            return mb_lines_fail(&table->lines, "column '%.*s' stands there twice; keep one",
                (int)mb_min_size(length, 40), field);
        }
        has_event = has_event || wanted == EVENT;
        if (wanted >= 0) {
            table->has[wanted] = true;
        }
        table->wanted[table->n_fields++] = wanted;
    }
    for (size_t i = 0; i <= n_required; i++) {
        const char *name = i == 0 ? "event" : table->names[i - 1];
        if (i == 0 ? !has_event : !table->has[i - 1]) {
            return mb_fail(table->lines.ctx, MB_ERR_FORMAT,
                "%s: no column '%s' in its first line; name the columns there, as in event,%s",
                table->lines.name, name, table->names[0]);
        }
    }
    return MB_OK;
}

static void start(mb_event_table *table, const char *const *names, size_t n_names) {
    *table = (mb_event_table){.names = names, .n_names = n_names, .event = INT64_MIN};
}

mb_status mb_event_table_open(mb_event_table *table, mb_context *ctx, const char *path,
    const char *const *names, size_t n_required, size_t n_names) {
    start(table, names, n_names);
    MB_TRY(mb_lines_open(&table->lines, ctx, path));
    return read_header(table, n_required);
}

mb_status mb_event_table_open_text(mb_event_table *table, mb_context *ctx, const char *name,
    const char *text, size_t length, const char *const *names, size_t n_required, size_t n_names) {
    start(table, names, n_names);
    MB_TRY(mb_lines_open_text(&table->lines, ctx, name, text, length));
    return read_header(table, n_required);
}

static mb_status read_event(mb_event_table *table, const char *field, size_t length) {
    int64_t event = 0;
    if (mb_parse_int64(field, field + length, &event) != field + length || length == 0) {
        return mb_lines_fail(&table->lines, "event '%.*s' is not a whole number; number the events",
            (int)mb_min_size(length, 40), field);
    }
    if (event < table->event) {
        return mb_lines_fail(&table->lines, "event %lld follows event %lld; sort the rows by event",
            (long long)event, (long long)table->event);
    }
    table->event = event;
    return MB_OK;
}

static mb_status read_value(mb_event_table *table, int name, const char *field, size_t length) {
    double value = 0;
    if (mb_parse_double(field, field + length, &value) != field + length || !isfinite(value)) {
        return mb_lines_fail(&table->lines, "%s '%.*s' is not a finite number; write a number",
            table->names[name], (int)mb_min_size(length, 40), field);
    }
    table->value[name] = value;
    return MB_OK;
}

static mb_status read_row(mb_event_table *table, const char *text) {
    size_t n = 0;
    size_t n_values = 0;
    size_t n_empty = 0;
    for (const char *p = text; p != NULL; n++) {
        size_t length = 0;
        const char *field = next_field(&p, &length);
        const int wanted = n < table->n_fields ? table->wanted[n] : IGNORED;
        if (wanted == EVENT) {
            MB_TRY(read_event(table, field, length));
        } else if (wanted >= 0 && length == 0) {
            n_empty++;
        } else if (wanted >= 0) {
            MB_TRY(read_value(table, wanted, field, length));
            n_values++;
        }
    }
    if (n != table->n_fields) {
        return mb_lines_fail(&table->lines,
            "%zu fields, but the header names %zu; give all of them", n, table->n_fields);
    }
    if (n_empty > 0 && n_values > 0) {
        return mb_lines_fail(&table->lines,
            "some fields are empty; fill all of them, or none for an event without any");
    }
    table->is_blank = n_values == 0;
    return MB_OK;
}

mb_status mb_event_table_next(mb_event_table *table) {
    char *text = NULL;
    MB_TRY(next_line(table, &text));
    table->has_row = text != NULL;
    return text != NULL ? read_row(table, text) : MB_OK;
}

void mb_event_table_close(mb_event_table *table) {
    mb_lines_close(&table->lines);
}
