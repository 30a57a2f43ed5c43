// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "study/alternate_run.h"

#include <math.h>

// What a person is told of a teacher and its students, at the end of a run and in report.html.

// Of the split that the record is judged on.
static const mb_node *agreement_of(const mb_node *record) {
    const char *split = mb_node_text(mb_node_find(record, "evaluated_on"));
    return split != NULL ? mb_node_find(mb_node_find(record, "against_teacher"), split) : NULL;
}

static void tell_model(mb_answer *answer, const char *name, const mb_node *record) {
    const mb_node *training = mb_run_training_of(record);
    const mb_node *best = mb_node_find(training, "best_epoch_figures");
    const mb_node *agreement = agreement_of(record);
    const double validation = mb_node_number(best, "val_loss");
    const double epochs = mb_node_number(training, "epochs");
    mb_answer_line(answer, "%s", name);
    if (isfinite(validation)) {
        mb_answer_line(answer, "  %-20s %.6g", "validation loss", validation);
    }
    if (agreement != NULL) {
        mb_answer_line(answer,
            "  %-20s correlation %.4f, mean absolute error %.4g (%.0f %s events)",
            "against the teacher", mb_node_number(agreement, "correlation"),
            mb_node_number(agreement, "mean_absolute_error"), mb_node_number(agreement, "events"),
            agreement->key);
    }
    if (epochs > 0) {
        mb_answer_line(answer, "  %-20s %.0f of %.0f", "epoch kept",
            mb_node_number(training, "best_epoch"), epochs);
    }
    const char *hash = mb_node_text(mb_node_find(training, "weights_sha256"));
    mb_answer_line(answer, "  %-20s %s", "weights SHA-256", hash != NULL ? hash : "");
}

mb_status mb_alternate_tell(mb_run *run, mb_answer *answer) {
    static const char *const targets[] = {"log_mse", "mse", "log1p_mse"};
    const mb_alternate *alternate = run->study->alternate;
    mb_context *ctx = run->ctx;
    mb_node *map = mb_answer_put_map(answer, NULL, "alternate");
    mb_answer_put_text(answer, map, "teacher", alternate->teacher);
    mb_answer_put_text(answer, map, "target", targets[alternate->target]);
    mb_answer_put_int(answer, map, "rounds", (int64_t)alternate->rounds);
    mb_node *list = mb_answer_put_list(answer, map, "models");
    const size_t n = alternate->n_students > 0 ? 1 + alternate->n_students : 0;
    for (size_t i = 0; i < n; i++) {
        const char *name = i == 0 ? alternate->teacher : alternate->students[i - 1].name;
        const char *folder = mb_alternate_directory(ctx, &run->arena, run->directory, name);
        mb_document record;
        if (folder == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_run_read_record(ctx, folder, &record));
        mb_node *own = mb_answer_add_map(answer, list);
        if (own != NULL) {
            mb_answer_put_text(answer, own, "name", name);
            mb_answer_put_copy(answer, own, "metrics", record.root);
        }
        tell_model(answer, name, record.root);
        mb_document_clear(&record);
    }
    return answer->status;
}

static void add_models(const mb_page *p, const mb_node *models) {
    static const char *const head[] = {"model", "parameters", "epochs", "epoch kept",
        "training loss", "validation loss", "correlation", "mean absolute error", "seconds"};
    const char **cells =
        mb_arena_allocate(p->arena, p->ctx, models->n_children * MB_COUNT_OF(head), sizeof *cells);
    size_t n = 0;
    for (const mb_node *m = models->first; m != NULL && cells != NULL; m = m->next) {
        const mb_node *metrics = mb_node_find(m, "metrics");
        const mb_node *training = mb_run_training_of(metrics);
        const mb_node *agreement = agreement_of(metrics);
        cells[n++] = mb_node_text(mb_node_find(m, "name"));
        cells[n++] = mb_page_number(p, mb_node_number(training, "parameters"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "epochs"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "best_epoch"), "%.0f");
        cells[n++] = mb_page_number(p, mb_node_number(metrics, "loss"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(metrics, "val_loss"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(agreement, "correlation"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(agreement, "mean_absolute_error"), "%.4f");
        cells[n++] = mb_page_number(p, mb_node_number(training, "seconds"), "%.1f");
    }
    const mb_node *first = mb_node_find(models->first, "metrics");
    const char *split = mb_node_text(mb_node_find(first, "evaluated_on"));
    const char *caption = mb_arena_format(p->arena, p->ctx,
        "The teacher reconstructs events, the students learn its error. Correlation and mean "
        "absolute error of a student's score against what the teacher says, for the background's "
        "%s events.",
        split != NULL ? split : "");
    if (cells != NULL && caption != NULL) {
        mb_report_table(p->report, caption, head, MB_COUNT_OF(head), cells, models->n_children);
    }
}

// Areas under the ROC curves: a row for each signal, a column for each model.
static void add_signals(const mb_page *p, const mb_node *models) {
    enum { MOST = 16 };
    const char *head[1 + MOST] = {"signal"};
    const mb_node *lists[MOST];
    size_t n = 0;
    for (const mb_node *m = models->first; m != NULL && n < MOST; m = m->next) {
        lists[n] = mb_node_find(mb_node_find(m, "metrics"), "signals");
        head[1 + n] = mb_node_text(mb_node_find(m, "name"));
        if (lists[n++] == NULL) {
            return;
        }
    }
    const size_t n_rows = n > 0 ? lists[0]->n_children : 0;
    const char **cells = mb_arena_allocate(p->arena, p->ctx, n_rows * (1 + n) + 1, sizeof *cells);
    for (size_t i = 0; i < n_rows && cells != NULL; i++) {
        cells[i * (1 + n)] = mb_node_text(mb_node_find(mb_node_at(lists[0], i), "name"));
        for (size_t k = 0; k < n; k++) {
            const mb_node *signal = mb_node_at(lists[k], i);
            cells[i * (1 + n) + 1 + k] = mb_arena_format(p->arena, p->ctx, "%.4f \xC2\xB1 %.4f",
                mb_node_number(signal, "auc"), mb_node_number(signal, "auc_error"));
        }
    }
    if (cells != NULL && n_rows > 0) {
        mb_report_table(p->report,
            "Area under the ROC curve of each signal against the background, with the error that "
            "the number of events gives.",
            head, 1 + n, cells, n_rows);
    }
}

static mb_status add_model(const mb_page *p, const mb_node *model) {
    const char *name = mb_node_text(mb_node_find(model, "name"));
    const char *folder =
        name != NULL ? mb_alternate_directory(p->ctx, p->arena, p->directory, name) : NULL;
    const char *plots = folder != NULL ? mb_run_file(p->ctx, p->arena, folder, "plots") : NULL;
    if (plots == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_report_heading(p->report, 3, name);
    if (mb_path_is_directory(plots)) {
        static const char *const names[] = {"training", "scores", "against_teacher"};
        mb_gallery *gallery = NULL;
        MB_TRY(mb_gallery_load(p->ctx, plots, &gallery));
        for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
            const mb_gallery_entry *entry = mb_gallery_find(gallery, names[i]);
            if (entry != NULL) {
                mb_report_figure(p->report, entry);
            }
        }
        mb_gallery_destroy(gallery);
    }
    mb_page_add_provenance(p, mb_node_find(model, "metrics"));
    return mb_page_add_model(p, folder);
}

mb_status mb_alternate_page(const mb_page *p) {
    const mb_node *alternate = mb_node_find(p->metrics, "alternate");
    const mb_node *models = mb_node_find(alternate, "models");
    if (models == NULL || models->n_children == 0) {
        return MB_OK;
    }
    const mb_node *rounds = mb_node_find(p->metrics, "rounds");
    if (rounds == NULL || rounds->n_children == 0) {
        mb_page_add_origin(p, mb_node_find(models->first, "metrics"));
    }
    mb_report_heading(p->report, 2, "Teacher and students");
    add_models(p, models);
    add_signals(p, models);
    for (const mb_node *m = models->first; m != NULL; m = m->next) {
        MB_TRY(add_model(p, m));
    }
    return MB_OK;
}
