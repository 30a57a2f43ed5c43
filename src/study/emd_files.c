// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/emd.h"

#include "files/csv.h"
#include "measure/emd.h"
#include "study/answer.h"
#include "study/array_files.h"
#include "study/study.h"

enum { MOST_LISTED = 20 };

static mb_status make_distances(mb_context *ctx, const mb_emd_metric *metric, const char *name_a,
    const mb_array *a, const char *name_b, const mb_array *b, double threshold, mb_array *out) {
    if (!(threshold >= 0 && threshold < 1)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "threshold %g: not a share of the charges; write a number from 0 to below 1",
            threshold);
    }
    const struct {
        const char *name;
        const mb_array *array;
    } sides[] = {{name_a, a}, {name_b, b}};
    char shape[2][128];
    for (size_t i = 0; i < MB_COUNT_OF(sides); i++) {
        const mb_array *array = sides[i].array;
        mb_array_shape_text(array, shape[i], sizeof shape[i]);
        if (array->rank != 2 || array->shape[1] != metric->n_cells) {
            return mb_fail(ctx, MB_ERR_SHAPE, "%s: has shape %s; %s takes rows of %zu charges",
                sides[i].name, shape[i], metric->name, metric->n_cells);
        }
    }
    if (a->shape[0] != b->shape[0]) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s has shape %s but %s has shape %s; give as many rows to both", name_a, shape[0],
            name_b, shape[1]);
    }
    MB_TRY(mb_array_init(out, ctx, MB_F64, 1, a->shape));
    const mb_status status = mb_emd_of_rows(
        metric, ctx, name_a, mb_values_of(a), name_b, mb_values_of(b), threshold, out->data);
    if (status != MB_OK) {
        mb_array_clear(out);
    }
    return status;
}

mb_status mb_emd_of_arrays(mb_context *ctx, const mb_array *a, const mb_array *b,
    const char *metric_name, double threshold, mb_array *out) {
    *out = (mb_array){.data = NULL};
    mb_emd_metric metric;
    MB_TRY(mb_emd_metric_find(&metric, ctx, metric_name));
    return make_distances(ctx, &metric, "first array", a, "second array", b, threshold, out);
}

static bool is_table(const char *path) {
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcmp(dot, ".gz") == 0 && dot - path >= 4) {
        dot -= 4;
    }
    return dot != NULL && (strcmp(dot, ".csv") == 0 || strcmp(dot, ".csv.gz") == 0);
}

// What stands for a number in tables, if only for one that no charge can be.
static bool is_number(const char *text) {
    static const char *const others[] = {"nan", "NaN", "inf", "-inf"};
    double value;
    for (size_t i = 0; i < MB_COUNT_OF(others); i++) {
        if (strcmp(text, others[i]) == 0) {
            return true;
        }
    }
    return mb_text_to_double(text, &value);
}

// A first field that is not a number is a header's.
static mb_status read_table(mb_csv *table, mb_context *ctx, const char *path) {
    MB_TRY(mb_csv_read(table, ctx, path, false));
    if (table->n_rows == 0 || is_number(mb_csv_field(table, 0, 0))) {
        return MB_OK;
    }
    mb_csv_clear(table);
    return mb_csv_read(table, ctx, path, true);
}

static mb_status find_columns(
    const mb_csv *table, mb_context *ctx, const char *path, size_t n_cells, size_t *columns) {
    bool is_named = false;
    for (size_t j = 0; j < table->n_columns && table->has_header; j++) {
        is_named = is_named || strncmp(mb_csv_column_name(table, j), "CALQ_", 5) == 0;
    }
    if (!is_named && table->n_columns != n_cells) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s:1: has %zu columns; give %zu charges a row, or a header that names them CALQ_0 to "
            "CALQ_%zu",
            path, table->n_columns, n_cells, n_cells - 1);
    }
    for (size_t i = 0; i < n_cells; i++) {
        char name[32];
        mb_format(name, sizeof name, "CALQ_%zu", i);
        columns[i] = i;
        if (is_named) {
            MB_TRY(mb_csv_find_column(table, name, &columns[i]));
        }
    }
    return MB_OK;
}

static mb_status take_charges(const mb_csv *table, mb_context *ctx, const char *path,
    const mb_emd_metric *metric, mb_array *out) {
    size_t columns[MB_EMD_CELLS];
    MB_TRY(find_columns(table, ctx, path, metric->n_cells, columns));
    MB_TRY(mb_array_init(out, ctx, MB_F64, 2, (const size_t[]){table->n_rows, metric->n_cells}));
    double *charges = out->data;
    for (size_t i = 0; i < table->n_rows; i++) {
        for (size_t j = 0; j < metric->n_cells; j++, charges++) {
            MB_TRY(mb_csv_number(table, i, columns[j], charges));
            if (!(*charges >= 0 && *charges - *charges == 0)) {
                return mb_fail(ctx, MB_ERR_RANGE,
                    "%s:%zu: column %zu is %s; charges are finite and not negative", path,
                    table->line[i + (table->has_header ? 1 : 0)], columns[j] + 1,
                    mb_csv_field(table, i, columns[j]));
            }
        }
    }
    return MB_OK;
}

static mb_status read_charges(
    mb_context *ctx, const char *where, const mb_emd_metric *metric, mb_array *out) {
    if (!is_table(where)) {
        return mb_array_file_read(ctx, where, out);
    }
    mb_csv table = {.ctx = NULL};
    mb_status status = read_table(&table, ctx, where);
    if (status == MB_OK) {
        status = take_charges(&table, ctx, where, metric, out);
    }
    mb_csv_clear(&table);
    return status;
}

static mb_status tell(mb_answer *answer, mb_context *ctx, const mb_array *distances) {
    const double *distance = distances->data;
    const size_t n = distances->shape[0];
    mb_emd_summary summary;
    MB_TRY(mb_emd_summarise(&summary, ctx, distance, n));
    mb_node *list = mb_answer_put_list(answer, NULL, "emd");
    for (size_t i = 0; i < n; i++) {
        mb_answer_add_real(answer, list, distance[i]);
    }
    for (size_t i = 0; i < n && n <= MOST_LISTED; i++) {
        mb_answer_line(answer, "row %zu: %.9g%s", i, distance[i],
            distance[i] >= 0                    ? ""
            : distance[i] == MB_EMD_EMPTY_INPUT ? " (empty input)"
                                                : " (empty output)");
    }
    mb_answer_line(answer, "%zu rows, %zu with an empty input, %zu with an empty output", n,
        summary.n_empty_input, summary.n_empty_output);
    if (summary.n > 0) {
        mb_answer_line(answer, "EMD %.6f +- %.6f (median %.6f; 16 and 84 %%: %.6f, %.6f)",
            summary.mean, summary.std, summary.median, summary.low, summary.high);
    }
    return MB_OK;
}

static mb_status parse_threshold(mb_context *ctx, const char *text, double *out) {
    if (!mb_text_to_double(text, out)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "threshold '%s': not a number; write a share of the charges, such as 0.005", text);
    }
    return MB_OK;
}

mb_status mb_emd_of_files(mb_context *ctx, const char *name_a, const char *name_b,
    const char *metric_name, const char *threshold_text, const char *output, bool is_forced,
    mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    double threshold = 0;
    mb_emd_metric metric;
    MB_TRY(mb_emd_metric_find(&metric, ctx, metric_name));
    MB_TRY(parse_threshold(ctx, threshold_text, &threshold));
    if (output != NULL) {
        MB_TRY(mb_array_file_check(ctx, output));
        MB_TRY(mb_check_absent(ctx, output, is_forced));
    }
    mb_array a = {.data = NULL};
    mb_array b = {.data = NULL};
    mb_array distances = {.data = NULL};
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = read_charges(ctx, name_a, &metric, &a);
    if (status == MB_OK) {
        status = read_charges(ctx, name_b, &metric, &b);
    }
    if (status == MB_OK) {
        status = make_distances(ctx, &metric, name_a, &a, name_b, &b, threshold, &distances);
    }
    if (status == MB_OK && output != NULL) {
        status = mb_array_file_write(ctx, output, "emd", &distances);
    }
    if (status == MB_OK) {
        status = tell(answer, ctx, &distances);
    }
    mb_array_clear(&a);
    mb_array_clear(&b);
    mb_array_clear(&distances);
    return mb_answer_finish(answer, status, out);
}
