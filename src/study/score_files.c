// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/score_files.h"

#include "base/output.h"
#include "files/csv.h"
#include "measure/roc.h"
#include "study/array_files.h"
#include "study/study.h"

static const char table_suffix[] = ".csv";

static mb_status find_column(
    const mb_csv *table, const char *name, const char *otherwise, size_t *column) {
    *column = 0;
    if (!table->has_header) {
        return table->n_columns == 1 && name == NULL
                   ? MB_OK
                   : mb_fail(table->ctx, MB_ERR_FORMAT,
                         "%s: its columns have no names; write a first line of them", table->name);
    }
    if (name != NULL) {
        return mb_csv_find_column(table, name, column);
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(mb_csv_column_name(table, i), otherwise) == 0) {
            *column = i;
            return MB_OK;
        }
    }
    return table->n_columns == 1 ? MB_OK : mb_csv_find_column(table, otherwise, column);
}

static mb_status read_column(
    mb_context *ctx, const char *path, const char *name, const char *otherwise, mb_array *out) {
    mb_csv table;
    size_t column = 0;
    mb_status status = mb_csv_read_any(&table, ctx, path);
    if (status == MB_OK) {
        status = find_column(&table, name, otherwise, &column);
    }
    if (status == MB_OK) {
        status = mb_array_init(out, ctx, MB_F64, 1, &table.n_rows);
    }
    for (size_t i = 0; status == MB_OK && i < table.n_rows; i++) {
        status = mb_csv_number(&table, i, column, (double *)out->data + i);
    }
    mb_csv_clear(&table);
    return status;
}

// The part of where behind "FILE.csv:", "" without a name, or NULL when it is no table.
static const char *table_column(const char *where) {
    const size_t n = sizeof table_suffix - 1;
    const char *colon = strrchr(where, ':');
    const char *end = colon != NULL && !mb_path_exists(where) ? colon : where + strlen(where);
    if ((size_t)(end - where) < n || memcmp(end - n, table_suffix, n) != 0) {
        return NULL;
    }
    return *end == ':' ? end + 1 : end;
}

static mb_status read_table(
    mb_context *ctx, const char *where, const char *column, const char *otherwise, mb_array *out) {
    char *path = mb_copy_text(ctx, where);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const bool is_named = *column != '\0';
    if (is_named) {
        path[column - where - 1] = '\0';
    }
    const mb_status status = read_column(ctx, path, is_named ? column : NULL, otherwise, out);
    mb_release(ctx, path);
    return status;
}

static mb_status check_column(mb_context *ctx, const char *where, const mb_array *array) {
    if (array->rank == 0 || mb_array_count(array) != array->shape[0]) {
        char shape[128];
        return mb_fail(ctx, MB_ERR_SHAPE, "%s: has shape %s; give one number for each event", where,
            mb_array_shape_text(array, shape, sizeof shape));
    }
    if (mb_array_count(array) == 0) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: no event; give at least one", where);
    }
    return MB_OK;
}

mb_status mb_score_file_read(
    mb_context *ctx, const char *where, const char *otherwise, mb_array *out) {
    *out = (mb_array){.data = NULL};
    const char *column = table_column(where);
    mb_status status = column != NULL ? read_table(ctx, where, column, otherwise, out)
                                      : mb_array_file_read(ctx, where, out);
    if (status == MB_OK) {
        status = check_column(ctx, where, out);
    }
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

mb_status mb_rate_argument(mb_context *ctx, const char *what, const char *text, double *khz) {
    if (mb_rate_parse(ctx, text, khz) == MB_OK) {
        return MB_OK;
    }
    mb_context_clear(ctx);
    return mb_fail(ctx, MB_ERR_ARG,
        "%s: '%s' is not a positive rate; write a number with Hz, kHz, MHz or GHz, such as 5kHz",
        what, text);
}

static char *short_label(mb_context *ctx, const char *where) {
    const char *slash = strrchr(where, '/');
    char *label = mb_copy_text(ctx, slash != NULL ? slash + 1 : where);
    if (label == NULL) {
        return NULL;
    }
    char *colon = strrchr(label, ':');
    char *dot = colon == NULL ? strrchr(label, '.') : NULL;
    if (dot != NULL && dot != label) {
        *dot = '\0';
    }
    return label;
}

static bool is_twice(char *const *labels, size_t n, size_t which) {
    for (size_t i = 0; i < n; i++) {
        if (i != which && strcmp(labels[i], labels[which]) == 0) {
            return true;
        }
    }
    return false;
}

mb_status mb_score_file_labels(mb_context *ctx, const char *const *files, size_t n, char **labels) {
    for (size_t i = 0; i < n; i++) {
        labels[i] = NULL;
    }
    for (size_t i = 0; i < n; i++) {
        labels[i] = short_label(ctx, files[i]);
        if (labels[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    bool is_any = false;
    for (size_t i = 0; i < n && !is_any; i++) {
        is_any = is_twice(labels, n, i);
    }
    for (size_t i = 0; i < n && is_any; i++) {
        mb_release(ctx, labels[i]);
        labels[i] = mb_copy_text(ctx, files[i]);
        if (labels[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

mb_status mb_result_path(
    mb_context *ctx, const char *directory, const char *name, bool is_forced, char **out) {
    *out = NULL;
    char *path = mb_path_join(ctx, directory, name);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_check_absent(ctx, path, is_forced);
    if (status != MB_OK) {
        mb_release(ctx, path);
        return status;
    }
    *out = path;
    return MB_OK;
}
