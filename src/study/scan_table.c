// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "study/scan.h"

#include <math.h>
#include <stdlib.h>

// trials.csv, and its first rows as they are printed.

enum { N_BEST = 5, MOST_COLUMNS = 8 + 3 * MB_SCAN_MOST_FIGURES + MB_SCAN_MOST_KEYS };

typedef enum column_kind {
    COLUMN_START,
    COLUMN_END,
    COLUMN_DURATION,
    COLUMN_EPOCHS,
    COLUMN_FIGURE,
    COLUMN_KEY,
    COLUMN_BEST,
    COLUMN_SPREAD,
    COLUMN_ERROR,
} column_kind;

typedef struct table_column {
    column_kind kind;
    size_t index; // of the figure or key
} table_column;

typedef struct table_columns {
    table_column column[MOST_COLUMNS];
    size_t n;
} table_columns;

static void add(table_columns *columns, column_kind kind, size_t index) {
    columns->column[columns->n++] = (table_column){kind, index};
}

// Keys in the order of their names, as the original's table has them.
static void add_keys(const mb_scan_state *scan, table_columns *columns) {
    size_t order[MB_SCAN_MOST_KEYS];
    for (size_t i = 0; i < scan->n_keys; i++) {
        size_t at = i;
        for (; at > 0 && strcmp(scan->keys[order[at - 1]].name, scan->keys[i].name) > 0; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    for (size_t i = 0; i < scan->n_keys; i++) {
        add(columns, COLUMN_KEY, order[i]);
    }
}

static void add_figures(const mb_scan_state *scan, table_columns *columns, column_kind kind) {
    for (size_t i = 0; i < scan->n_figures; i++) {
        add(columns, kind, i);
    }
}

static table_columns columns_of(const mb_scan_state *scan) {
    table_columns columns = {.n = 0};
    add(&columns, COLUMN_START, 0);
    add(&columns, COLUMN_END, 0);
    add(&columns, COLUMN_DURATION, 0);
    add(&columns, COLUMN_EPOCHS, 0);
    add_figures(scan, &columns, COLUMN_FIGURE);
    add_keys(scan, &columns);
    if (!mb_compat_has(&scan->study->compat, "columns")) {
        add_figures(scan, &columns, COLUMN_BEST);
        if (scan->options.repeats > 1) {
            add_figures(scan, &columns, COLUMN_SPREAD);
        }
        add(&columns, COLUMN_ERROR, 0);
    }
    return columns;
}

static const char *name_of(
    const mb_scan_state *scan, const table_column *column, char *text, size_t size) {
    static const char *const names[] = {"start", "end", "duration", "round_epochs"};
    switch (column->kind) {
    case COLUMN_FIGURE:
        return scan->figures[column->index];
    case COLUMN_KEY:
        return scan->keys[column->index].name;
    case COLUMN_BEST:
        mb_format(text, size, "best_%s", scan->figures[column->index]);
        return text;
    case COLUMN_SPREAD:
        mb_format(text, size, "%s_std", scan->figures[column->index]);
        return text;
    case COLUMN_ERROR:
        return "error";
    default:
        return names[column->kind];
    }
}

static double number_of(const mb_trial *t, const table_column *column) {
    switch (column->kind) {
    case COLUMN_DURATION:
        return t->duration;
    case COLUMN_FIGURE:
        return t->figure[column->index];
    case COLUMN_BEST:
        return t->best[column->index];
    case COLUMN_SPREAD:
        return t->spread[column->index];
    default:
        return (double)NAN;
    }
}

// Texts and counts; NULL for numbers. Truth as Python writes it.
static const char *text_of(const mb_scan_state *scan, const mb_trial *t, const table_column *column,
    char *text, size_t size) {
    if (column->kind == COLUMN_KEY) {
        const size_t choice = t->choice[column->index];
        const mb_node *value = mb_node_at(scan->keys[column->index].values, choice);
        const bool is_truth = value != NULL && value->kind == MB_NODE_BOOL;
        return !is_truth        ? scan->keys[column->index].texts[choice]
               : value->boolean ? "True"
                                : "False";
    }
    if (column->kind == COLUMN_EPOCHS) {
        mb_format(text, size, "%zu", t->epochs);
        return text;
    }
    return column->kind == COLUMN_START   ? t->start
           : column->kind == COLUMN_END   ? t->end
           : column->kind == COLUMN_ERROR ? t->error
                                          : NULL;
}

static void put_cell(const mb_scan_state *scan, const mb_trial *t, const table_column *column,
    bool is_first, mb_buffer *table) {
    char room[64];
    const char *text = text_of(scan, t, column, room, sizeof room);
    if (text != NULL) {
        mb_csv_put_text(table, is_first, text);
    } else {
        mb_csv_put_finite(table, is_first, number_of(t, column));
    }
}

mb_status mb_scan_write_table(const mb_scan_state *scan) {
    const table_columns columns = columns_of(scan);
    char room[200];
    mb_buffer table;
    mb_buffer_init(&table, scan->ctx);
    for (size_t j = 0; j < columns.n; j++) {
        mb_csv_put_text(&table, j == 0, name_of(scan, &columns.column[j], room, sizeof room));
    }
    mb_csv_end_row(&table);
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        for (size_t j = 0; j < columns.n && t->state != MB_TRIAL_OPEN; j++) {
            put_cell(scan, t, &columns.column[j], j == 0, &table);
        }
        if (t->state != MB_TRIAL_OPEN) {
            mb_csv_end_row(&table);
        }
    }
    char *path = mb_path_join(scan->ctx, scan->directory, "trials.csv");
    if (path == NULL) {
        mb_buffer_clear(&table);
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_write_buffer(&table, path);
    mb_release(scan->ctx, path);
    return status;
}

mb_status mb_scan_order(const mb_scan_state *scan, size_t **order, size_t *n) {
    mb_scan_rank *ranks = mb_allocate(scan->ctx, scan->n_trials, sizeof *ranks);
    *n = 0;
    *order = mb_allocate(scan->ctx, scan->n_trials, sizeof **order);
    if (ranks == NULL || *order == NULL) {
        mb_release(scan->ctx, ranks);
        mb_release(scan->ctx, *order);
        *order = NULL;
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (scan->trials[i].state != MB_TRIAL_OPEN) {
            ranks[(*n)++] = mb_scan_rank_of(scan, i);
        }
    }
    qsort(ranks, *n, sizeof *ranks, mb_scan_rank_compare);
    for (size_t i = 0; i < *n; i++) {
        (*order)[i] = ranks[i].index;
    }
    mb_release(scan->ctx, ranks);
    return MB_OK;
}

static const char *shown_cell(const mb_scan_state *scan, const mb_trial *t,
    const table_column *column, char *room, size_t size) {
    const char *text = text_of(scan, t, column, room, size);
    if (text == NULL) {
        const double number = number_of(t, column);
        mb_format(room, size, "%.6g", number);
        text = isfinite(number) ? room : "";
    }
    return text;
}

// One column, as wide as its widest cell; the numbers of rows come first.
static void put_column(const mb_scan_state *scan, const table_column *column, const size_t *order,
    size_t n, mb_buffer *lines) {
    char room[200];
    const char *name = name_of(scan, column, room, sizeof room);
    char head[200];
    mb_format(head, sizeof head, "%s", name);
    size_t width = strlen(head);
    for (size_t i = 0; i < n; i++) {
        const char *cell = shown_cell(scan, &scan->trials[order[i]], column, room, sizeof room);
        width = mb_max_size(width, mb_min_size(strlen(cell), 40));
    }
    mb_buffer_format(&lines[0], "  %*s", (int)width, head);
    for (size_t i = 0; i < n; i++) {
        const char *cell = shown_cell(scan, &scan->trials[order[i]], column, room, sizeof room);
        mb_buffer_format(&lines[1 + i], "  %*.40s", (int)width, cell);
    }
}

mb_status mb_scan_tell_table(const mb_scan_state *scan, mb_answer *answer) {
    const table_columns columns = columns_of(scan);
    size_t *order = NULL;
    size_t n = 0;
    MB_TRY(mb_scan_order(scan, &order, &n));
    n = mb_min_size(n, N_BEST);
    mb_buffer lines[1 + N_BEST];
    for (size_t i = 0; i <= n; i++) {
        mb_buffer_init(&lines[i], scan->ctx);
    }
    mb_buffer_format(&lines[0], "%5s", "");
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(&lines[1 + i], "%5zu", order[i]);
    }
    for (size_t j = 0; j < columns.n; j++) {
        if (columns.column[j].kind != COLUMN_ERROR) {
            put_column(scan, &columns.column[j], order, n, lines);
        }
    }
    mb_status status = MB_OK;
    for (size_t i = 0; i <= n; i++) {
        status = status != MB_OK ? status : lines[i].status;
        mb_answer_line(answer, "%s", lines[i].data != NULL ? lines[i].data : "");
        mb_buffer_clear(&lines[i]);
    }
    mb_release(scan->ctx, order);
    return status;
}
