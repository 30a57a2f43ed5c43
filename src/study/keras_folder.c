// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/keras_folder.h"

#include "base/output.h"
#include "draw/figures.h"
#include "draw/report.h"
#include "files/saved_model.h"
#include "minbias/inspect.h"
#include "minbias/study.h"
#include "study/answer.h"
#include "study/keras_history.h"
#include "study/study.h"
#include "study/summary.h"

typedef struct folder {
    mb_context *ctx;
    const char *path;
    mb_model *model;
    bool has_history;
    mb_keras_history history;
    mb_arena arena;
} folder;

bool mb_keras_folder_is(const char *path) {
    return mb_saved_model_is_path(path) && !mb_run_is_directory(path);
}

static mb_status open_folder(folder *f, mb_context *ctx, const char *path) {
    *f = (folder){.ctx = ctx, .path = path};
    mb_arena_init(&f->arena, ctx);
    MB_TRY(mb_model_load(ctx, path, &f->model));
    if (!mb_keras_folder_is(path)) {
        return MB_OK;
    }
    char *name = mb_path_join(ctx, path, "history.pkl");
    mb_status status = name == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && mb_path_exists(name)) {
        status = mb_keras_history_read(&f->history, ctx, name);
        f->has_history = status == MB_OK;
    }
    mb_release(ctx, name);
    return status;
}

static void close_folder(folder *f) {
    mb_model_destroy(f->model);
    mb_keras_history_clear(&f->history);
    mb_arena_clear(&f->arena);
}

static void tell_history(mb_answer *answer, const mb_keras_history *history) {
    mb_node *map = mb_answer_put_map(answer, NULL, "history");
    mb_answer_put_int(answer, map, "epochs", (int64_t)history->n);
    mb_node *last = mb_answer_put_map(answer, map, "last");
    mb_answer_line(answer, "Training (history.pkl): %zu epochs%s", history->n,
        history->n > 0 ? "; at the end of the last" : "");
    for (size_t i = 0; i < history->n_columns && history->n > 0; i++) {
        const double value = history->columns[i][history->n - 1];
        mb_answer_put_real(answer, last, history->names[i], value);
        mb_answer_line(answer, "  %-14s %.6g", history->names[i], value);
    }
}

mb_status mb_model_file_summary(mb_context *ctx, const char *path, mb_answer **out) {
    folder f;
    mb_answer *answer = NULL;
    *out = NULL;
    mb_status status = open_folder(&f, ctx, path);
    if (status == MB_OK) {
        status = mb_answer_create(ctx, &answer);
    }
    if (status == MB_OK) {
        status = mb_summary_answer(ctx, answer, f.model);
    }
    if (status == MB_OK && f.has_history) {
        tell_history(answer, &f.history);
    }
    close_folder(&f);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}

static mb_status add_figure(folder *f, mb_report *report) {
    char *plots = mb_path_join(f->ctx, f->path, "plots");
    mb_gallery *gallery = NULL;
    mb_status status =
        plots == NULL ? MB_ERR_MEMORY : mb_gallery_open(f->ctx, plots, NULL, &gallery);
    if (status == MB_OK) {
        const mb_keras_history *history = &f->history;
        const mb_history_columns columns = {.loss = mb_keras_history_column(history, "loss"),
            .val_loss = mb_keras_history_column(history, "val_loss"),
            .accuracy = mb_keras_history_column(history, "accuracy"),
            .val_accuracy = mb_keras_history_column(history, "val_accuracy")};
        status = mb_draw_history(gallery, f->ctx, &columns);
    }
    if (status == MB_OK) {
        status = mb_gallery_draw(gallery, f->ctx);
    }
    if (status == MB_OK) {
        mb_report_gallery(report, gallery);
    }
    mb_gallery_destroy(gallery);
    mb_release(f->ctx, plots);
    return status;
}

// The first and the last epoch of every column.
static mb_status add_table(folder *f, mb_report *report) {
    static const char *const head[] = {"", "first epoch", "last epoch"};
    const mb_keras_history *history = &f->history;
    const char **cells =
        mb_arena_allocate(&f->arena, f->ctx, MB_COUNT_OF(head) * history->n_columns, sizeof *cells);
    if (cells == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < history->n_columns; i++) {
        const char **row = &cells[MB_COUNT_OF(head) * i];
        row[0] = history->names[i];
        row[1] = mb_arena_format(&f->arena, f->ctx, "%.6g", history->columns[i][0]);
        row[2] = mb_arena_format(&f->arena, f->ctx, "%.6g", history->columns[i][history->n - 1]);
        if (row[1] == NULL || row[2] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    const char *caption =
        mb_arena_format(&f->arena, f->ctx, "%zu epochs, from history.pkl.", history->n);
    mb_report_table(report, caption, head, MB_COUNT_OF(head), cells, history->n_columns);
    return caption == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status add_history(folder *f, mb_report *report) {
    if (!f->has_history || f->history.n == 0) {
        mb_report_paragraph(report, f->has_history
                                        ? "Its history.pkl has no epochs."
                                        : "The folder has no history.pkl of its training.");
        return MB_OK;
    }
    if (mb_keras_history_column(&f->history, "loss").n > 0) {
        MB_TRY(add_figure(f, report));
    }
    return add_table(f, report);
}

static mb_status add_layers(folder *f, mb_report *report) {
    mb_buffer table;
    mb_buffer_init(&table, f->ctx);
    mb_summary_table(&table, f->model);
    mb_summary_flops_lines(&table, f->model);
    mb_report_preformatted(report, table.data != NULL ? table.data : "");
    const mb_status status = table.status;
    mb_buffer_clear(&table);
    return status;
}

static mb_status write_page(folder *f, const char *path) {
    mb_report *report = mb_report_create(f->ctx, f->model->name, f->path);
    mb_status status = report == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        mb_report_heading(report, 2, "Training");
        status = add_history(f, report);
    }
    if (status == MB_OK) {
        mb_report_heading(report, 2, "Model");
        status = add_layers(f, report);
    }
    if (status == MB_OK) {
        status = mb_report_write(report, f->ctx, path);
    }
    mb_report_destroy(report);
    return status;
}

mb_status mb_keras_folder_report(mb_context *ctx, const char *path_of_folder, const char *path,
    bool is_forced, mb_answer **out) {
    folder f;
    mb_answer *answer = NULL;
    char *own = NULL;
    mb_status status = open_folder(&f, ctx, path_of_folder);
    if (status != MB_OK) {
        goto done;
    }
    own = mb_path_join(ctx, path_of_folder, "report.html");
    status = own == NULL ? MB_ERR_MEMORY : mb_answer_create(ctx, &answer);
    if (status == MB_OK && path != NULL) {
        status = mb_check_absent(ctx, path, is_forced);
    }
    const char *target = path != NULL ? path : own;
    if (status == MB_OK) {
        status = write_page(&f, target);
    }
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "report", target);
        mb_answer_line(answer, "%s: the report", target);
    }
done:
    close_folder(&f);
    mb_release(ctx, own);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
