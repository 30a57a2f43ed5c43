// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "base/words.h"
#include "files/hdf5.h"
#include "files/npy.h"
#include "study/prepare_axes.h"
#include "study/run.h"

// `prepare`: the data part of a study into files, a block of events at a time.

enum { BLOCK = 64, DEFLATE = 4, PREPARED_FORMAT = 1 };

typedef struct block {
    mb_context *ctx;
    const mb_column *column;
    float *floats;
    char *bytes; // as the file stores them
    size_t row_bytes;
} block;

// As stored: dense columns as they are, others in the column's type.
static mb_status open_block(block *b, mb_context *ctx, const mb_column *column) {
    *b = (block){.ctx = ctx, .column = column};
    b->row_bytes = column->size * mb_dtype_size(column->dtype);
    b->floats = mb_allocate(ctx, BLOCK * column->size, sizeof *b->floats);
    b->bytes = mb_allocate(ctx, BLOCK, b->row_bytes);
    return b->floats == NULL || b->bytes == NULL ? MB_ERR_MEMORY : MB_OK;
}

static void close_block(block *b) {
    if (b->ctx != NULL) {
        mb_release(b->ctx, b->floats);
        mb_release(b->ctx, b->bytes);
    }
}

static mb_status fill_block(block *b, const uint32_t *rows, size_t n) {
    const mb_column *column = b->column;
    if (column->kind == MB_COLUMN_DENSE && column->dense.dtype == column->dtype) {
        for (size_t i = 0; i < n; i++) {
            memcpy(b->bytes + i * b->row_bytes,
                (const char *)column->dense.data + rows[i] * b->row_bytes, b->row_bytes);
        }
        return MB_OK;
    }
    MB_TRY(mb_column_gather(column, b->ctx, rows, n, b->floats));
    const size_t n_values = n * column->size;
    if (column->dtype == MB_F32) {
        memcpy(b->bytes, b->floats, n_values * sizeof(float));
        return MB_OK;
    }
    if (column->dtype != MB_U16) {
        return mb_fail(b->ctx, MB_ERR_INTERNAL,
            "prepare: column %s has no stored form; report this", column->name);
    }
    uint16_t *out = (uint16_t *)(void *)b->bytes;
    for (size_t i = 0; i < n_values; i++) {
        out[i] = (uint16_t)b->floats[i];
    }
    return MB_OK;
}

static size_t stored_shape(const mb_column *column, size_t n, size_t shape[MB_MAX_RANK]) {
    shape[0] = n;
    const unsigned rank = column->stored_rank > 0 ? column->stored_rank : column->rank;
    memcpy(shape + 1, column->shape, rank * sizeof *shape);
    return rank + 1;
}

// Where one column goes: HDF5 rows or an .npy file.
typedef struct sink {
    mb_h5_rows *h5;
    mb_npy_rows npy;
} sink;

static mb_status copy_rows(
    mb_context *ctx, const mb_column *column, const uint32_t *rows, size_t n, sink *to) {
    block b;
    mb_status status = open_block(&b, ctx, column);
    for (size_t first = 0; first < n && status == MB_OK; first += BLOCK) {
        const size_t count = mb_min_size(BLOCK, n - first);
        status = fill_block(&b, rows + first, count);
        if (status == MB_OK) {
            status = to->h5 != NULL ? mb_h5_write_rows(to->h5, b.bytes, count)
                                    : mb_npy_rows_write(&to->npy, b.bytes, count);
        }
    }
    close_block(&b);
    return status;
}

static mb_status write_h5_column(mb_context *ctx, mb_h5_writer *writer, const mb_column *column,
    const char *path, const uint32_t *rows, size_t n, int deflate) {
    size_t shape[MB_MAX_RANK];
    const size_t rank = stored_shape(column, n, shape);
    sink to = {.h5 = NULL};
    MB_TRY(mb_h5_create_rows(writer, path, column->dtype, (unsigned)rank, shape, deflate, &to.h5));
    return copy_rows(ctx, column, rows, n, &to);
}

static const char *const usual_split_names[] = {"train", "validation", "test", NULL};

static const char *const *split_names_of(const mb_dataset *dataset) {
    return dataset->split_names != NULL ? (const char *const *)dataset->split_names
                                        : usual_split_names;
}

// What the numbers of an array stand for.
static mb_status put_names(mb_h5_writer *writer, const char *path, const char *const *names) {
    return mb_h5_put_texts(writer, path, "names", names, mb_count_words(names));
}

static mb_status write_h5_extra(mb_context *ctx, mb_h5_writer *writer, const mb_column *column,
    const uint32_t *rows, size_t n) {
    char path[256];
    mb_format(path, sizeof path, "/%.200s", column->name);
    MB_TRY(write_h5_column(ctx, writer, column, path, rows, n, 0));
    return column->value_names != NULL ? put_names(writer, path, column->value_names) : MB_OK;
}

static mb_status write_h5_facts(mb_h5_writer *writer, const mb_bundle *facts) {
    for (size_t i = 0; i < facts->n; i++) {
        char path[256];
        mb_format(path, sizeof path, "/%.200s", facts->entries[i].name);
        MB_TRY(mb_h5_write_array(writer, path, &facts->entries[i].array));
    }
    return MB_OK;
}

static mb_status write_h5_all(mb_context *ctx, const mb_study *study, const mb_dataset *dataset,
    mb_h5_writer *writer, const uint32_t *rows) {
    MB_TRY(mb_h5_make_group(writer, "/inputs"));
    MB_TRY(mb_h5_put_int64(writer, "/", "format", PREPARED_FORMAT));
    MB_TRY(mb_h5_put_text(writer, "/", "study", study->name));
    MB_TRY(mb_h5_put_int64(writer, "/", "seed", (int64_t)study->seed));
    for (size_t i = 0; i < dataset->n_columns; i++) {
        const mb_column *column = &dataset->columns[i];
        const size_t n = mb_dataset_axis_rows(dataset, column->axis);
        char path[256];
        mb_format(path, sizeof path, "/inputs/%.200s", column->name);
        if (column->role == MB_ROLE_INPUT) {
            MB_TRY(write_h5_column(ctx, writer, column, path, rows, n, DEFLATE));
        } else if (column->role == MB_ROLE_TARGET) {
            MB_TRY(write_h5_column(ctx, writer, column, "/target", rows, n, 0));
        } else {
            MB_TRY(write_h5_extra(ctx, writer, column, rows, n));
        }
    }
    mb_runtime *runtime = mb_context_runtime(ctx);
    const mb_array event = {MB_I64, 1, {dataset->n_rows}, dataset->event, runtime};
    const mb_array split = {MB_U8, 1, {dataset->n_rows}, dataset->split, runtime};
    MB_TRY(mb_h5_write_array(writer, "/event", &event));
    MB_TRY(mb_h5_write_array(writer, "/split", &split));
    MB_TRY(mb_prepare_axes_h5(ctx, writer, dataset));
    MB_TRY(write_h5_facts(writer, &dataset->facts));
    return put_names(writer, "/split", split_names_of(dataset));
}

static mb_status write_h5(mb_context *ctx, const mb_study *study, const mb_dataset *dataset,
    const char *path, const uint32_t *rows) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(ctx, path, MB_H5_ON_DISK, &writer));
    const mb_status status = write_h5_all(ctx, study, dataset, writer, rows);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static mb_status write_npy_column(mb_context *ctx, const mb_column *column, const char *directory,
    const char *name, const uint32_t *rows, size_t n) {
    size_t shape[MB_MAX_RANK];
    const size_t rank = stored_shape(column, n, shape);
    char *path = mb_path_join(ctx, directory, name);
    sink to = {.h5 = NULL};
    mb_status status =
        path == NULL ? MB_ERR_MEMORY
                     : mb_npy_rows_open(&to.npy, ctx, path, column->dtype, (unsigned)rank, shape);
    if (status == MB_OK) {
        status = copy_rows(ctx, column, rows, n, &to);
        status = status == MB_OK ? mb_npy_rows_commit(&to.npy) : status;
        mb_npy_rows_abandon(&to.npy);
    }
    mb_release(ctx, path);
    return status;
}

static mb_status write_npy_facts(
    mb_context *ctx, const mb_dataset *dataset, const char *directory) {
    mb_status status = MB_OK;
    for (size_t i = 0; i < dataset->facts.n && status == MB_OK; i++) {
        char name[256];
        mb_format(name, sizeof name, "%.200s.npy", dataset->facts.entries[i].name);
        char *path = mb_path_join(ctx, directory, name);
        status = path == NULL ? MB_ERR_MEMORY
                              : mb_npy_write(ctx, path, &dataset->facts.entries[i].array);
        mb_release(ctx, path);
    }
    return status;
}

// The original's names: the inputs by number, the target as labels.
static mb_status write_npy_part(mb_context *ctx, const mb_dataset *dataset, const char *directory,
    const char *part, const uint32_t *rows, size_t n) {
    size_t n_inputs = 0;
    for (size_t i = 0; i < dataset->n_columns; i++) {
        const mb_column *column = &dataset->columns[i];
        char name[64];
        if (column->role == MB_ROLE_INPUT) {
            mb_format(name, sizeof name, "%s_v%zu.npy", part, n_inputs++);
            MB_TRY(write_npy_column(ctx, column, directory, name, rows, n));
        } else if (column->role == MB_ROLE_TARGET) {
            mb_format(name, sizeof name, "%s_labels.npy", part);
            MB_TRY(write_npy_column(ctx, column, directory, name, rows, n));
        }
    }
    return MB_OK;
}

static mb_status write_lists(mb_context *ctx, const mb_dataset *dataset, const char *directory,
    const uint32_t *rows, size_t n) {
    mb_array event = {0};
    mb_array split = {0};
    char *event_path = mb_path_join(ctx, directory, "event.npy");
    char *split_path = mb_path_join(ctx, directory, "split.npy");
    mb_status status = event_path == NULL || split_path == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_array_init(&event, ctx, MB_I64, 1, &n);
    }
    if (status == MB_OK) {
        status = mb_array_init(&split, ctx, MB_U8, 1, &n);
    }
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        ((int64_t *)event.data)[i] = dataset->event[rows[i]];
        ((uint8_t *)split.data)[i] = dataset->split[rows[i]];
    }
    if (status == MB_OK) {
        status = mb_npy_write(ctx, event_path, &event);
    }
    if (status == MB_OK) {
        status = mb_npy_write(ctx, split_path, &split);
    }
    mb_array_clear(&event);
    mb_array_clear(&split);
    mb_release(ctx, event_path);
    mb_release(ctx, split_path);
    return status;
}

// Under their own names; all says whether inputs and target are written so, too.
static mb_status write_npy_named(mb_context *ctx, const mb_dataset *dataset, const char *directory,
    bool all, const uint32_t *rows, size_t n) {
    for (size_t i = 0; i < dataset->n_columns; i++) {
        const mb_column *column = &dataset->columns[i];
        char name[256];
        mb_format(name, sizeof name, "%.200s.npy", column->name);
        const size_t n_rows =
            column->axis == NULL ? n : mb_dataset_axis_rows(dataset, column->axis);
        if (all || column->role == MB_ROLE_EXTRA) {
            MB_TRY(write_npy_column(ctx, column, directory, name, rows, n_rows));
        }
    }
    return MB_OK;
}

static size_t add_rows_of(const mb_dataset *dataset, size_t code, uint32_t *rows) {
    size_t n = 0;
    for (size_t i = 0; i < dataset->n_rows; i++) {
        if (dataset->split[i] == code) {
            rows[n++] = (uint32_t)i;
        }
    }
    return n;
}

// Training and validation rows are one part, as the original has them; further parts have their own
// names.
static mb_status write_npy(
    mb_context *ctx, const mb_dataset *dataset, const char *directory, uint32_t *rows) {
    const char *const *names = split_names_of(dataset);
    const size_t n_names = mb_count_words(names);
    MB_TRY(write_npy_facts(ctx, dataset, directory));
    if (dataset->whole_files) {
        MB_TRY(mb_prepare_axes_npy(ctx, directory, dataset));
        MB_TRY(write_npy_named(ctx, dataset, directory, true, rows, dataset->n_rows));
        return write_lists(ctx, dataset, directory, rows, dataset->n_rows);
    }
    size_t n = add_rows_of(dataset, MB_SPLIT_TRAIN, rows);
    n += add_rows_of(dataset, MB_SPLIT_VALIDATION, rows + n);
    MB_TRY(write_npy_part(ctx, dataset, directory, "train", rows, n));
    for (size_t code = MB_SPLIT_TEST; code < n_names; code++) {
        const size_t n_part = add_rows_of(dataset, code, rows + n);
        if (n_part > 0 || code == MB_SPLIT_TEST) {
            MB_TRY(write_npy_part(ctx, dataset, directory, names[code], rows + n, n_part));
        }
        n += n_part;
    }
    MB_TRY(write_npy_named(ctx, dataset, directory, false, rows, n));
    return write_lists(ctx, dataset, directory, rows, n);
}

static void tell(mb_answer *answer, const mb_dataset *dataset, const char *path) {
    const char *const *names = split_names_of(dataset);
    const size_t n_names = mb_count_words(names);
    mb_answer_put_text(answer, NULL, "output", path);
    mb_answer_put_int(answer, NULL, "events", (int64_t)dataset->n_rows);
    mb_answer_line(answer, "%s: %zu events", path, dataset->n_rows);
    mb_node *split = mb_answer_put_map(answer, NULL, "split");
    for (size_t k = 0; k < n_names; k++) {
        int64_t n = 0;
        for (size_t i = 0; i < dataset->n_rows; i++) {
            n += dataset->split[i] == k;
        }
        mb_answer_put_int(answer, split, names[k], n);
        mb_answer_line(answer, "  %-12s %lld", names[k], (long long)n);
    }
    if (mb_dataset_target(dataset) == NULL) {
        mb_answer_line(answer, "  no truth: no target was written");
    }
}

static mb_status prepare(mb_context *ctx, const mb_study *study, const char *path, bool is_folder,
    mb_dataset *dataset, mb_journal *journal) {
    mb_buffer report;
    mb_buffer_init(&report, ctx);
    const mb_source_request request = {.wants_label = false};
    mb_status status = mb_study_load(ctx, study, &request, dataset, &report);
    mb_journal_text(journal, report.length > 0 ? report.data : "");
    mb_buffer_clear(&report);
    MB_TRY(status);
    // A source with sets has split its rows itself; validation is then drawn for each fit.
    if (dataset->n_sets == 0) {
        MB_TRY(mb_split_apply(dataset, ctx, &study->split, &study->validation, study->seed));
    }
    size_t most = dataset->n_rows;
    for (size_t i = 0; i < dataset->n_axes; i++) {
        most = mb_max_size(most, mb_dataset_axis_rows(dataset, dataset->axes[i].name));
    }
    uint32_t *rows = mb_allocate(ctx, most, sizeof *rows);
    if (rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < most; i++) {
        rows[i] = (uint32_t)i;
    }
    size_t n_made = 0;
    status = is_folder ? mb_make_directories(ctx, path, &n_made) : MB_OK;
    if (status == MB_OK) {
        status = is_folder ? write_npy(ctx, dataset, path, rows)
                           : write_h5(ctx, study, dataset, path, rows);
    }
    if (status != MB_OK && n_made > 0) {
        mb_empty_directory(path);
        mb_unmake_directories(path, n_made);
    }
    mb_release(ctx, rows);
    return status;
}

static bool has_h5_suffix(const char *path) {
    static const char *const suffixes[] = {".h5", ".hdf5", ".hdf"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < MB_COUNT_OF(suffixes); i++) {
        if (strcmp(dot, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

// A folder is written into where it holds no array yet: an original's would have the same names.
static mb_status check_target(mb_context *ctx, const char *path, bool is_folder, bool is_forced) {
    if (!is_folder || !mb_path_is_directory(path)) {
        return mb_check_absent(ctx, path, is_forced);
    }
    mb_names names;
    MB_TRY(mb_names_of_pattern(&names, ctx, path, "*.npy"));
    const mb_status status =
        names.n == 0 || is_forced
            ? MB_OK
            : mb_fail(ctx, MB_ERR_IO, "%s: exists already; choose another folder or use --force",
                  names.name[0]);
    mb_names_clear(&names);
    return status;
}

mb_status mb_study_prepare(mb_context *ctx, const mb_study *study, const char *path,
    const mb_run_settings *settings, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    const size_t length = strlen(path);
    const bool is_folder = length > 0 && (path[length - 1] == '/' || mb_path_is_directory(path));
    if (!is_folder && !has_h5_suffix(path)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "%s: says neither HDF5 nor a folder; write FILE.h5, or DIR/ for .npy files", path);
    }
    mb_status status = check_target(ctx, path, is_folder, settings != NULL && settings->is_forced);
    mb_dataset dataset;
    mb_dataset_init(&dataset, ctx);
    mb_journal journal = {0};
    mb_answer *answer = NULL;
    if (status == MB_OK) {
        status = mb_journal_open(&journal, ctx, NULL, settings);
    }
    if (status == MB_OK) {
        status = prepare(ctx, study, path, is_folder, &dataset, &journal);
    }
    if (status == MB_OK) {
        status = mb_answer_create(ctx, &answer);
    }
    if (status == MB_OK) {
        tell(answer, &dataset, path);
    }
    mb_journal_close(&journal);
    mb_dataset_clear(&dataset);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
