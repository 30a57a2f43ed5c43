// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/predict_fits.h"

#include "base/output.h"
#include "files/csv.h"
#include "study/scored.h"
#include "study/trained.h"

// What each fit of a run gives an event, side by side.
typedef struct columns {
    mb_context *ctx;
    mb_arena arena;
    mb_dataset dataset;
    uint32_t *rows;
    size_t n; // of name and scored
    const char **name;
    mb_scored *scored;
} columns;

static mb_status load(columns *c, const mb_study *study, const mb_source_request *request) {
    MB_TRY(mb_study_load(c->ctx, study, request, &c->dataset, NULL));
    const size_t n = c->dataset.n_rows;
    c->rows = mb_arena_allocate(&c->arena, c->ctx, mb_max_size(n, 1), sizeof *c->rows);
    if (c->rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        c->rows[i] = (uint32_t)i;
    }
    return MB_OK;
}

static mb_status add_fit(columns *c, const char *folder, const char *name) {
    const char *training = mb_run_file(c->ctx, &c->arena, folder, name);
    const char *own =
        training != NULL ? mb_run_file(c->ctx, &c->arena, training, "model.h5") : NULL;
    const char *kept = mb_arena_text(&c->arena, c->ctx, name);
    if (own == NULL || kept == NULL) {
        return MB_ERR_MEMORY;
    }
    if (!mb_path_exists(own)) {
        mb_notice(c->ctx, MB_NOTICE_WARNING, training,
            "it has no weights yet: left out of the table; train or run with --resume");
        return MB_OK;
    }
    mb_model *model = NULL;
    MB_TRY(mb_trained_load(c->ctx, training, &model));
    mb_scored *scored = &c->scored[c->n];
    mb_status status = mb_scored_make(
        scored, c->ctx, model, &c->dataset, c->dataset.split, c->rows, c->dataset.n_rows);
    if (status == MB_OK && scored->score == NULL) {
        mb_notice(c->ctx, MB_NOTICE_INFO, own,
            "gives %zu numbers an event, not one score: left out of the table", scored->width);
        mb_scored_clear(scored);
    } else if (status == MB_OK) {
        c->name[c->n++] = kept;
    } else {
        mb_scored_clear(scored);
    }
    mb_model_destroy(model);
    return status;
}

// Trainings that a run was stopped before have no folder.
static mb_status tell_absent(columns *c, const mb_study *study, const char *fits) {
    size_t n = 0;
    size_t n_absent = 0;
    for (size_t i = 0; i < study->n_fits; i++) {
        for (size_t j = 0; j < study->fits[i].n_rounds; j++, n++) {
            const char *name = mb_round_name(c->ctx, &c->arena, &study->fits[i], j);
            const char *path = name != NULL ? mb_run_file(c->ctx, &c->arena, fits, name) : NULL;
            if (path == NULL) {
                return MB_ERR_MEMORY;
            }
            n_absent += !mb_path_exists(path);
        }
    }
    if (n_absent > 0) {
        mb_notice(c->ctx, MB_NOTICE_WARNING, fits,
            "%zu of %zu trainings have not begun: left out of the table; train or run with "
            "--resume",
            n_absent, n);
    }
    return MB_OK;
}

static mb_status add_fits(columns *c, const mb_study *study, const char *directory) {
    const char *folder = mb_run_file(c->ctx, &c->arena, directory, "fits");
    mb_names names;
    MB_TRY(folder == NULL ? MB_ERR_MEMORY : mb_names_of_directory(&names, c->ctx, folder));
    c->name = mb_arena_allocate(&c->arena, c->ctx, names.n + 1, sizeof *c->name);
    c->scored = mb_arena_allocate(&c->arena, c->ctx, names.n + 1, sizeof *c->scored);
    mb_status status = c->name == NULL || c->scored == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < names.n && status == MB_OK; i++) {
        status = add_fit(c, folder, names.name[i]);
    }
    mb_names_clear(&names);
    status = status != MB_OK ? status : tell_absent(c, study, folder);
    return status != MB_OK || c->n > 0
               ? status
               : mb_fail(c->ctx, MB_ERR_IO,
                     "%s: no fit in it has a score yet; train or run with --resume", folder);
}

static mb_status write_table(const columns *c, const char *output) {
    mb_buffer table;
    mb_buffer_init(&table, c->ctx);
    mb_buffer_text(&table, "file,event,label");
    for (size_t k = 0; k < c->n; k++) {
        mb_csv_put_text(&table, false, c->name[k]);
    }
    mb_csv_end_row(&table);
    const float *label = c->scored[0].label;
    for (size_t i = 0; i < c->dataset.n_rows && table.status == MB_OK; i++) {
        const uint32_t file = c->dataset.file[i];
        mb_csv_put_text(&table, true, file < c->dataset.n_files ? c->dataset.file_names[file] : "");
        mb_csv_put_int64(&table, false, c->dataset.event[i]);
        if (label != NULL) {
            mb_csv_put_int64(&table, false, label[i] > 0.5F);
        } else {
            mb_csv_put_text(&table, false, "");
        }
        for (size_t k = 0; k < c->n; k++) {
            mb_csv_put_float(&table, false, c->scored[k].score[i]);
        }
        mb_csv_end_row(&table);
    }
    return mb_write_buffer(&table, output);
}

mb_status mb_predict_fits(mb_context *ctx, const mb_study *study, const char *directory,
    const mb_source_request *request, const char *output, mb_answer *answer) {
    columns c = {.ctx = ctx};
    mb_arena_init(&c.arena, ctx);
    mb_dataset_init(&c.dataset, ctx);
    mb_status status = load(&c, study, request);
    if (status == MB_OK) {
        status = add_fits(&c, study, directory);
    }
    if (status == MB_OK) {
        status = write_table(&c, output);
    }
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "events", (int64_t)c.dataset.n_rows);
        mb_answer_put_text(answer, NULL, "output", output);
        mb_node *list = mb_answer_put_list(answer, NULL, "columns");
        for (size_t k = 0; k < c.n; k++) {
            mb_answer_add_text(answer, list, c.name[k]);
        }
        mb_answer_line(answer, "%s: %zu events, %zu scores each", output, c.dataset.n_rows, c.n);
    }
    for (size_t k = 0; k < c.n; k++) {
        mb_scored_clear(&c.scored[k]);
    }
    mb_dataset_clear(&c.dataset);
    mb_arena_clear(&c.arena);
    return status;
}
