// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan_file.h"

#include "base/numbers.h"
#include "base/words.h"

#include <math.h>
#include <stdlib.h>

static bool ends_with(const char *text, const char *ending) {
    const size_t n = strlen(text);
    const size_t n_ending = strlen(ending);
    return n > n_ending && strcmp(text + n - n_ending, ending) == 0;
}

static bool is_val(const char *name) {
    return strncmp(name, "val_", 4) == 0;
}

// The learning rate is a figure, too, unless the best epochs' columns say otherwise.
static bool is_rate(const mb_csv *csv, const char *name) {
    bool has_best = false;
    bool has_best_rate = false;
    for (size_t j = 0; j < csv->n_columns; j++) {
        const char *other = mb_csv_column_name(csv, j);
        has_best = has_best || strcmp(other, "best_loss") == 0;
        has_best_rate = has_best_rate || strcmp(other, "best_lr") == 0;
    }
    return strcmp(name, "lr") == 0 && (has_best_rate || !has_best);
}

// Figures follow the times without a gap and end with the last val_ column and lr: what else is
// called val_... further on is a parameter.
static void tell_kinds(mb_scan_file *file) {
    static const char *const times[] = {"start", "end", "duration", "round_epochs", NULL};
    static const char *const figures[] = {
        "loss", "accuracy", "acc", "auc", "categorical_accuracy", "binary_accuracy", NULL};
    const mb_csv *csv = &file->csv;
    size_t first = 0;
    while (first < csv->n_columns && mb_is_one_of(mb_csv_column_name(csv, first), times)) {
        file->kinds[first++] = MB_SCAN_COLUMN_TIME;
    }
    size_t last = first;
    for (size_t j = first; j < csv->n_columns && !is_val(mb_csv_column_name(csv, last)); j++) {
        last = j;
    }
    while (last < csv->n_columns && is_val(mb_csv_column_name(csv, last))) {
        last++;
    }
    const bool has_val = last > first && is_val(mb_csv_column_name(csv, last - 1));
    bool is_behind = false;
    for (size_t j = first; j < csv->n_columns; j++) {
        const char *name = mb_csv_column_name(csv, j);
        const bool is_known = !has_val && mb_is_one_of(name, figures);
        const bool is_figure =
            (has_val && j < last) || (!is_behind && (is_known || is_rate(csv, name)));
        is_behind = is_behind || !is_figure;
        file->kinds[j] = is_figure                        ? MB_SCAN_COLUMN_FIGURE
                         : strncmp(name, "best_", 5) == 0 ? MB_SCAN_COLUMN_BEST
                         : ends_with(name, "_std")        ? MB_SCAN_COLUMN_SPREAD
                         : strcmp(name, "error") == 0     ? MB_SCAN_COLUMN_ERROR
                                                          : MB_SCAN_COLUMN_PARAMETER;
    }
}

static double number_at(const mb_scan_file *file, size_t row, size_t column) {
    double value = 0;
    return mb_text_to_double(mb_csv_field(&file->csv, row, column), &value) ? value : (double)NAN;
}

static bool has_error(const mb_scan_file *file, size_t row) {
    for (size_t j = 0; j < file->csv.n_columns; j++) {
        if (file->kinds[j] == MB_SCAN_COLUMN_ERROR && mb_csv_field(&file->csv, row, j)[0] != '\0') {
            return true;
        }
    }
    return false;
}

static mb_status find_sort(mb_scan_file *file, const char *path, const char *sort) {
    const char *names[] = {sort != NULL ? sort : "val_loss", "loss"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        for (size_t j = 0; j < file->csv.n_columns; j++) {
            const char *name = mb_csv_column_name(&file->csv, j);
            if (file->kinds[j] == MB_SCAN_COLUMN_FIGURE && strcmp(name, names[i]) == 0) {
                const mb_metric_ops *ops = mb_metric_find(is_val(name) ? name + 4 : name);
                file->sort = j;
                file->is_better_higher =
                    strcmp(name, "val_acc") == 0 || (ops != NULL && ops->is_better_higher);
                file->columns.figure = name;
                file->columns.is_better_higher = file->is_better_higher;
                return MB_OK;
            }
        }
    }
    return mb_fail(file->ctx, MB_ERR_FORMAT,
        "%s: has no column %s or loss among its figures; name the table of a scan, whose columns "
        "are round_epochs, loss, ..., val_loss, ..., parameters",
        path, names[0]);
}

int mb_scan_rank_compare(const void *a, const void *b) {
    const mb_scan_rank *x = a;
    const mb_scan_rank *y = b;
    if (x->class != y->class) {
        return x->class < y->class ? -1 : 1;
    }
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static mb_status order_rows(mb_scan_file *file) {
    const size_t n = file->csv.n_rows;
    mb_scan_columns *columns = &file->columns;
    file->rows = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *file->rows);
    file->row = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *file->row);
    double *value = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *value);
    size_t *order = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *order);
    size_t *trial = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *trial);
    mb_scan_rank *ranks = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *ranks);
    if (file->rows == NULL || file->row == NULL || value == NULL || order == NULL ||
        trial == NULL || ranks == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const double here = number_at(file, i, file->sort);
        const bool is_good = isfinite(here) && !has_error(file, i);
        ranks[i] = (mb_scan_rank){is_good ? 0 : 1,
            !is_good                 ? 0
            : file->is_better_higher ? -here
                                     : here,
            i};
        if (is_good) {
            trial[i] = columns->n;
            file->row[columns->n] = i;
            value[columns->n++] = here;
        }
    }
    qsort(ranks, n, sizeof *ranks, mb_scan_rank_compare);
    for (size_t i = 0; i < n; i++) {
        file->rows[i] = ranks[i].index;
        order[i] = i < columns->n ? trial[ranks[i].index] : 0;
    }
    columns->value = value;
    columns->order = order;
    return MB_OK;
}

// More values than a person compares, as of a parameter that was drawn at random.
enum { MOST_VALUES = 50 };

// Values of one parameter while they are collected.
typedef struct value_list {
    const char **text;
    size_t n;
    bool is_numeric;
} value_list;

static size_t place_of(const value_list *list, const char *text) {
    size_t i = 0;
    while (i < list->n && strcmp(list->text[i], text) != 0) {
        i++;
    }
    return i;
}

// Numbers in their order, other texts as they come.
static void add_value(value_list *list, const char *text) {
    double value = 0;
    size_t at = list->n++;
    if (list->is_numeric && mb_text_to_double(text, &value)) {
        for (double other = 0;
             at > 0 && mb_text_to_double(list->text[at - 1], &other) && other > value; at--) {
            list->text[at] = list->text[at - 1];
        }
    }
    list->text[at] = text;
}

static mb_status list_values(mb_scan_file *file, size_t column, value_list *list) {
    double value = 0;
    list->text = mb_arena_allocate(&file->arena, file->ctx, MOST_VALUES + 1, sizeof *list->text);
    if (list->text == NULL) {
        return MB_ERR_MEMORY;
    }
    list->is_numeric = true;
    for (size_t i = 0; i < file->columns.n; i++) {
        list->is_numeric =
            list->is_numeric &&
            mb_text_to_double(mb_csv_field(&file->csv, file->row[i], column), &value);
    }
    for (size_t i = 0; i < file->columns.n && list->n <= MOST_VALUES; i++) {
        const char *text = mb_csv_field(&file->csv, file->row[i], column);
        if (place_of(list, text) == list->n) {
            add_value(list, text);
        }
    }
    return MB_OK;
}

// The correlation ratio: variance between the means at each value, of all variance. And the same
// with both variances estimated without bias (Kelley's epsilon squared).
static void find_shares(
    const mb_scan_columns *columns, mb_scan_slice *slice, const double *mean, const double *count) {
    double all = 0;
    double total = 0;
    for (size_t i = 0; i < columns->n; i++) {
        all += columns->value[i] / (double)columns->n;
    }
    for (size_t i = 0; i < columns->n; i++) {
        total += (columns->value[i] - all) * (columns->value[i] - all);
    }
    double between = 0;
    for (size_t v = 0; v < slice->n_values; v++) {
        between += count[v] * (mean[v] - all) * (mean[v] - all);
    }
    const double n = (double)columns->n;
    const double n_values = (double)slice->n_values;
    slice->share = total > 0 && n_values > 1 ? between / total : (double)NAN;
    slice->share_above_chance =
        n > n_values ? fmax(0, 1 - (1 - slice->share) * (n - 1) / (n - n_values)) : (double)NAN;
}

static mb_status make_slice(mb_scan_file *file, size_t column, mb_scan_slice *slice) {
    value_list list = {.n = 0};
    *slice = (mb_scan_slice){.name = mb_csv_column_name(&file->csv, column)};
    MB_TRY(list_values(file, column, &list));
    if (list.n < 2 || list.n > MOST_VALUES) {
        return MB_OK;
    }
    const mb_scan_columns *columns = &file->columns;
    double *place = mb_arena_allocate(&file->arena, file->ctx, columns->n + 1, sizeof *place);
    double *mean = mb_arena_allocate(&file->arena, file->ctx, 3 * list.n + 1, sizeof *mean);
    if (place == NULL || mean == NULL) {
        return MB_ERR_MEMORY;
    }
    double *spread = mean + list.n;
    double *count = mean + 2 * list.n;
    for (size_t i = 0; i < columns->n; i++) {
        const size_t v = place_of(&list, mb_csv_field(&file->csv, file->row[i], column));
        place[i] = (double)v;
        mean[v] += columns->value[i];
        count[v] += 1;
    }
    for (size_t v = 0; v < list.n; v++) {
        mean[v] /= count[v];
    }
    for (size_t i = 0; i < columns->n; i++) {
        const double off = columns->value[i] - mean[(size_t)place[i]];
        spread[(size_t)place[i]] += off * off;
    }
    for (size_t v = 0; v < list.n; v++) {
        spread[v] = count[v] > 1 ? sqrt(spread[v] / (count[v] - 1)) : (double)NAN;
    }
    *slice = (mb_scan_slice){.name = mb_csv_column_name(&file->csv, column),
        .values = list.text,
        .n_values = list.n,
        .place = place,
        .mean = mean,
        .spread = spread};
    find_shares(columns, slice, mean, count);
    return MB_OK;
}

// A parameter that has one value, or very many, tells nothing.
static mb_status make_slices(mb_scan_file *file) {
    const size_t n = file->csv.n_columns;
    mb_scan_slice *slices = mb_arena_allocate(&file->arena, file->ctx, n + 1, sizeof *slices);
    if (slices == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t j = 0; j < n; j++) {
        if (file->kinds[j] == MB_SCAN_COLUMN_PARAMETER) {
            mb_scan_slice slice;
            MB_TRY(make_slice(file, j, &slice));
            if (slice.n_values > 1) {
                slices[file->columns.n_slices++] = slice;
            }
        }
    }
    file->columns.slices = slices;
    return MB_OK;
}

static mb_status work_out(mb_scan_file *file, const char *name, const char *sort) {
    file->kinds =
        mb_arena_allocate(&file->arena, file->ctx, file->csv.n_columns + 1, sizeof *file->kinds);
    if (file->kinds == NULL) {
        return MB_ERR_MEMORY;
    }
    tell_kinds(file);
    MB_TRY(find_sort(file, name, sort));
    MB_TRY(order_rows(file));
    return make_slices(file);
}

mb_status mb_scan_file_read(
    mb_scan_file *out, mb_context *ctx, const char *path, const char *sort) {
    *out = (mb_scan_file){.ctx = ctx};
    mb_arena_init(&out->arena, ctx);
    MB_TRY(mb_csv_read(&out->csv, ctx, path, true));
    return work_out(out, path, sort);
}

mb_status mb_scan_file_parse(mb_scan_file *out, mb_context *ctx, const char *name, const char *text,
    size_t length, const char *sort) {
    *out = (mb_scan_file){.ctx = ctx};
    mb_arena_init(&out->arena, ctx);
    MB_TRY(mb_csv_parse(&out->csv, ctx, name, text, length, true));
    return work_out(out, name, sort);
}

void mb_scan_file_clear(mb_scan_file *file) {
    if (file->ctx != NULL) {
        mb_csv_clear(&file->csv);
        mb_arena_clear(&file->arena);
        *file = (mb_scan_file){.ctx = NULL};
    }
}
