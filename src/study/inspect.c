// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/inspect.h"

#include "base/output.h"
#include "detector/detector.h"
#include "exchange/keras.h"
#include "files/arrays.h"
#include "files/csv.h"
#include "files/hdf5.h"
#include "files/json.h"
#include "study/answer.h"
#include "study/study.h"

#include <math.h>

// What is in a file: arrays, a model, or raw detector files.

// Arrays are looked through in blocks, so that a large file needs little memory.
enum { BLOCK_BYTES = 1 << 24, MOST_LABELS = 32 };

typedef struct range {
    double least, most;
    uint64_t n_nan, n_infinite, n_zero;
    int64_t label[MOST_LABELS]; // distinct values, while they look like labels
    uint64_t count[MOST_LABELS];
    size_t n_labels;
    bool is_label;
} range;

static void take_label(range *r, double value) {
    if (!r->is_label) {
        return;
    }
    if (!(value >= -1e9 && value <= 1e9) || (double)(int64_t)value < value ||
        (double)(int64_t)value > value) {
        r->is_label = false;
        return;
    }
    const int64_t label = (int64_t)value;
    size_t at = 0;
    while (at < r->n_labels && r->label[at] < label) {
        at++;
    }
    if (at == r->n_labels || r->label[at] != label) {
        if (r->n_labels == MOST_LABELS) {
            r->is_label = false;
            return;
        }
        memmove(&r->label[at + 1], &r->label[at], (r->n_labels - at) * sizeof *r->label);
        memmove(&r->count[at + 1], &r->count[at], (r->n_labels - at) * sizeof *r->count);
        r->label[at] = label;
        r->count[at] = 0;
        r->n_labels++;
    }
    r->count[at]++;
}

static void look_at(range *r, const mb_array *array) {
    const size_t n = mb_array_count(array);
    for (size_t i = 0; i < n; i++) {
        const double value = mb_array_get(array, i);
        if (isnan(value)) {
            r->n_nan++;
            continue;
        }
        if (isinf(value)) {
            r->n_infinite++;
            continue;
        }
        r->n_zero += fabs(value) <= 0;
        r->least = value < r->least ? value : r->least;
        r->most = value > r->most ? value : r->most;
        take_label(r, value);
    }
}

static mb_status find_range(
    mb_context *ctx, const char *path, const mb_arrays_entry *entry, range *r) {
    // Only one number an event is a label.
    *r = (range){.least = INFINITY, .most = -INFINITY, .is_label = entry->rank == 1};
    const size_t n_rows = entry->rank > 0 ? entry->shape[0] : 1;
    size_t row_bytes = mb_dtype_size(entry->dtype);
    for (unsigned i = 1; i < entry->rank; i++) {
        row_bytes *= entry->shape[i];
    }
    const size_t block = mb_max_size(1, BLOCK_BYTES / mb_max_size(row_bytes, 1));
    for (size_t first = 0; first < n_rows; first += block) {
        mb_array array = {0};
        const size_t n = mb_min_size(block, n_rows - first);
        MB_TRY(entry->rank == 0 ? mb_arrays_read(ctx, path, entry->name, &array)
                                : mb_arrays_read_rows(ctx, path, entry->name, first, n, &array));
        look_at(r, &array);
        mb_array_clear(&array);
    }
    return MB_OK;
}

static void tell_balance(mb_answer *answer, mb_node *map, const range *r) {
    char text[512] = "";
    size_t used = 0;
    mb_node *balance = mb_answer_put_map(answer, map, "balance");
    uint64_t total = 0;
    for (size_t i = 0; i < r->n_labels; i++) {
        total += r->count[i];
    }
    for (size_t i = 0; i < r->n_labels; i++) {
        char key[24];
        mb_format(key, sizeof key, "%lld", (long long)r->label[i]);
        if (balance != NULL) {
            mb_answer_put_int(answer, balance, key, (int64_t)r->count[i]);
        }
        if (used + 80 < sizeof text) {
            used += (size_t)mb_format(text + used, sizeof text - used, "%s%s: %llu (%.1f %%)",
                i > 0 ? ", " : "", key, (unsigned long long)r->count[i],
                100.0 * (double)r->count[i] / (double)total);
        }
    }
    mb_answer_line(answer, "    values %s", text);
}

static mb_status tell_array(mb_answer *answer, mb_context *ctx, const char *path,
    const mb_arrays_entry *entry, mb_node *list) {
    range r;
    MB_TRY(find_range(ctx, path, entry, &r));
    mb_array shape = {.dtype = entry->dtype, .rank = entry->rank};
    memcpy(shape.shape, entry->shape, sizeof shape.shape);
    char text[160];
    mb_array_shape_text(&shape, text, sizeof text);
    mb_answer_line(answer, "  %-24s %-8s %-20s %s%.8g .. %.8g%s", entry->name,
        mb_dtype_name(entry->dtype), text, r.least <= r.most ? "" : "empty ",
        r.least <= r.most ? r.least : 0.0, r.least <= r.most ? r.most : 0.0,
        r.n_nan + r.n_infinite > 0 ? "  not finite!" : "");
    mb_node *map = mb_answer_add_map(answer, list);
    if (map == NULL) {
        return answer->status;
    }
    mb_answer_put_text(answer, map, "name", entry->name);
    mb_answer_put_text(answer, map, "dtype", mb_dtype_name(entry->dtype));
    mb_node *lengths = mb_answer_put_list(answer, map, "shape");
    for (unsigned i = 0; i < entry->rank; i++) {
        mb_answer_add_int(answer, lengths, (int64_t)entry->shape[i]);
    }
    mb_answer_put_real(answer, map, "min", r.least);
    mb_answer_put_real(answer, map, "max", r.most);
    mb_answer_put_int(answer, map, "nan", (int64_t)r.n_nan);
    mb_answer_put_int(answer, map, "infinite", (int64_t)r.n_infinite);
    mb_answer_put_int(answer, map, "zeros", (int64_t)r.n_zero);
    if (r.n_nan + r.n_infinite > 0) {
        mb_answer_line(answer, "    %llu NaN, %llu infinite", (unsigned long long)r.n_nan,
            (unsigned long long)r.n_infinite);
    }
    if (r.is_label && r.n_labels > 0) {
        tell_balance(answer, map, &r);
    }
    return answer->status;
}

static mb_status tell_arrays(mb_answer *answer, mb_context *ctx, const char *path) {
    mb_arrays_list arrays = {0};
    mb_status status = mb_arrays_list_read(&arrays, ctx, path);
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "kind", "arrays");
        mb_answer_line(answer, "%s: %zu arrays", path, arrays.n);
        mb_node *list = mb_answer_put_list(answer, NULL, "arrays");
        for (size_t i = 0; i < arrays.n && status == MB_OK; i++) {
            status = tell_array(answer, ctx, path, &arrays.entry[i], list);
        }
        mb_node *others = arrays.others.n > 0 ? mb_answer_put_list(answer, NULL, "not_read") : NULL;
        for (size_t i = 0; i < arrays.others.n && status == MB_OK; i++) {
            mb_answer_line(answer, "  not read: %s", arrays.others.name[i]);
            mb_answer_add_text(answer, others, arrays.others.name[i]);
        }
    }
    mb_arrays_list_clear(&arrays);
    return status;
}

// A model in HDF5 looks like arrays from outside: its configuration tells.
static mb_status is_model(mb_context *ctx, const char *path, bool *out) {
    *out = false;
    const char *dot = strrchr(path, '.');
    if (!mb_model_is_path(path)) {
        return MB_OK;
    }
    *out = true;
    if (mb_path_is_directory(path) || dot == NULL || strcmp(dot, ".keras") == 0 ||
        strcmp(dot, ".pb") == 0) {
        return MB_OK;
    }
    if (strcmp(dot, ".json") == 0) {
        mb_document document = {0};
        const mb_status status = mb_json_read(ctx, path, &document);
        *out = mb_node_find(document.root, "class_name") != NULL;
        mb_document_clear(&document);
        return status;
    }
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(ctx, path, &file));
    *out = mb_h5_has_attribute(file, "/", "model_config") ||
           mb_h5_has_attribute(file, "/", "model_config0");
    mb_h5_close(file);
    return *out ? MB_OK : mb_context_status(ctx);
}

static mb_status tell_model(mb_context *ctx, const char *path, mb_answer **out) {
    mb_model *model = NULL;
    MB_TRY(mb_model_load(ctx, path, &model));
    const mb_status status = mb_model_summary(ctx, model, out);
    mb_model_destroy(model);
    return status;
}

static void tell_column(mb_answer *answer, const mb_csv *table, size_t column, mb_node *list) {
    double least = INFINITY;
    double most = -INFINITY;
    size_t n_empty = 0;
    size_t n_text = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        const char *field = mb_csv_field(table, i, column);
        double value = 0;
        if (*field == '\0') {
            n_empty++;
        } else if (mb_text_to_double(field, &value)) {
            least = value < least ? value : least;
            most = value > most ? value : most;
        } else {
            n_text++;
        }
    }
    char number[24];
    mb_format(number, sizeof number, "%zu", column);
    const char *name = table->has_header ? mb_csv_column_name(table, column) : number;
    mb_node *map = mb_answer_add_map(answer, list);
    if (map == NULL) {
        return;
    }
    mb_answer_put_text(answer, map, "name", name);
    mb_answer_put_int(answer, map, "texts", (int64_t)n_text);
    mb_answer_put_int(answer, map, "empty", (int64_t)n_empty);
    mb_answer_put_real(answer, map, "min", least);
    mb_answer_put_real(answer, map, "max", most);
    char shown[80] = "text";
    if (n_text == 0 && least <= most) {
        mb_format(shown, sizeof shown, "%.8g .. %.8g", least, most);
    } else if (n_text == 0) {
        mb_format(shown, sizeof shown, "no numbers");
    }
    mb_answer_line(answer, "  %-24s %s%s", name, shown, n_empty > 0 ? ", some empty" : "");
}

static mb_status tell_table(mb_answer *answer, mb_context *ctx, const char *path) {
    mb_csv table = {0};
    const mb_status status = mb_csv_read_any(&table, ctx, path);
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "kind", "table");
        mb_answer_put_int(answer, NULL, "rows", (int64_t)table.n_rows);
        mb_answer_line(
            answer, "%s: a table of %zu rows, %zu columns", path, table.n_rows, table.n_columns);
        mb_node *list = mb_answer_put_list(answer, NULL, "columns");
        for (size_t j = 0; j < table.n_columns; j++) {
            tell_column(answer, &table, j, list);
        }
    }
    mb_csv_clear(&table);
    return status;
}

static mb_status tell_study(mb_answer *answer, mb_context *ctx, const char *path) {
    mb_study *study = NULL;
    MB_TRY(mb_study_open(ctx, path, NULL, &study));
    const char *source = study->detector != NULL ? study->detector->name : "arrays";
    mb_answer_put_text(answer, NULL, "kind", "study");
    mb_answer_put_text(answer, NULL, "study", study->name);
    mb_answer_put_int(answer, NULL, "seed", (int64_t)study->seed);
    mb_answer_put_text(answer, NULL, "source", study->data != NULL ? source : NULL);
    mb_answer_put_int(answer, NULL, "fits", (int64_t)study->n_fits);
    mb_answer_line(
        answer, "%s: the study %s, seed %llu", path, study->name, (unsigned long long)study->seed);
    if (study->data != NULL) {
        mb_answer_line(answer, "  data     %s in %s", source, study->data_directory);
    }
    mb_answer_line(answer, "  fits     %zu", study->n_fits);
    mb_answer_line(answer, "  scan     %s", study->scan != NULL ? "yes" : "no");
    mb_study_destroy(study);
    return MB_OK;
}

// What a detector says of one of its own files.
static mb_status tell_detector(
    mb_answer *answer, mb_context *ctx, const char *path, bool *is_found) {
    *is_found = false;
    for (size_t i = 0; mb_detector_list[i] != NULL; i++) {
        bool is_mine = false;
        if (mb_detector_list[i]->inspect == NULL) {
            continue;
        }
        const size_t before = answer->text.length;
        MB_TRY(mb_detector_list[i]->inspect(ctx, path, &is_mine, &answer->text));
        if (is_mine) {
            mb_answer_put_text(answer, NULL, "kind", mb_detector_list[i]->name);
            mb_answer_put_text(
                answer, NULL, "text", answer->text.data != NULL ? answer->text.data + before : "");
            *is_found = true;
            return MB_OK;
        }
    }
    return MB_OK;
}

static mb_status tell_raw(mb_answer *answer, mb_context *ctx, const char *path) {
    bool is_found = false;
    MB_TRY(tell_detector(answer, ctx, path, &is_found));
    // Its arrays, too, where they are such.
    if (mb_arrays_is_path(path)) {
        return tell_arrays(answer, ctx, path);
    }
    if (is_found) {
        return MB_OK;
    }
    if (mb_path_has_suffix(path, ".csv")) {
        return tell_table(answer, ctx, path);
    }
    return mb_fail(ctx, MB_ERR_FORMAT,
        "%s: is no file this program reads; give arrays (.npy, .npz, .h5), a model (.h5, .keras, "
        ".json, a SavedModel folder), a study (.yaml), a table (.csv) or a detector's files",
        path);
}

mb_status mb_inspect(mb_context *ctx, const char *path, mb_answer **out) {
    *out = NULL;
    if (!mb_path_exists(path)) {
        return mb_fail(ctx, MB_ERR_IO, "%s: there is no such file; check the name", path);
    }
    bool is_a_model = false;
    MB_TRY(is_model(ctx, path, &is_a_model));
    if (is_a_model) {
        return tell_model(ctx, path, out);
    }
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_answer_put_text(answer, NULL, "file", path);
    const bool is_study = mb_path_has_suffix(path, ".yaml") || mb_path_has_suffix(path, ".yml");
    const mb_status status = is_study ? tell_study(answer, ctx, path) : tell_raw(answer, ctx, path);
    return mb_answer_finish(answer, status, out);
}
