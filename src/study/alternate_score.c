// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "study/alternate_run.h"
#include "study/trained.h"
#include "training/reconstruct.h"

// Scores of events by a teacher and its students.

static mb_status name_columns(
    mb_alternate_scores *out, mb_context *ctx, const mb_alternate *alternate) {
    out->name = mb_arena_allocate(&out->arena, ctx, out->n_models, sizeof *out->name);
    out->title = mb_arena_allocate(&out->arena, ctx, out->n_models, sizeof *out->title);
    out->score = mb_allocate_zeroed(ctx, out->n_models, sizeof *out->score);
    if (out->name == NULL || out->title == NULL || out->score == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < out->n_models; i++) {
        out->name[i] = i == 0 ? alternate->teacher : alternate->students[i - 1].name;
        out->title[i] = mb_arena_format(&out->arena, ctx, "score_%s", out->name[i]);
        out->score[i] = mb_allocate(ctx, out->n, sizeof **out->score);
        if (out->title[i] == NULL || out->score[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static mb_status score_by(mb_alternate_scores *out, mb_context *ctx, const char *directory,
    const mb_dataset *dataset, size_t i) {
    const char *folder = mb_alternate_directory(ctx, &out->arena, directory, out->name[i]);
    mb_model *model = NULL;
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_trained_load(ctx, folder, &model));
    mb_status status = MB_OK;
    if (i == 0) {
        status = mb_reconstruction_errors(
            ctx, model, model->parameters, dataset, out->row, out->n, out->score[0]);
    } else if (model->n_outputs != 1 ||
               mb_value_size(&model->values[model->outputs[0]].type) != 1) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s: gives more than one number an event, so it is no student", folder);
    } else {
        status = mb_predict_dataset(
            ctx, model, model->parameters, dataset, out->row, out->n, &out->score[i]);
    }
    mb_model_destroy(model);
    return status;
}

mb_status mb_alternate_score(mb_alternate_scores *out, mb_context *ctx,
    const mb_alternate *alternate, const char *directory, const mb_dataset *dataset,
    const uint32_t *rows, size_t n) {
    *out = (mb_alternate_scores){
        .runtime = mb_context_runtime(ctx), .n = n, .n_models = 1 + alternate->n_students};
    mb_arena_init(&out->arena, ctx);
    out->row = mb_allocate(ctx, n, sizeof *out->row);
    out->target = mb_allocate(ctx, n, sizeof *out->target);
    if (out->row == NULL || out->target == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        out->row[i] = rows[i];
    }
    MB_TRY(name_columns(out, ctx, alternate));
    for (size_t i = 0; i < out->n_models; i++) {
        MB_TRY(score_by(out, ctx, directory, dataset, i));
    }
    for (size_t i = 0; i < n; i++) {
        out->target[i] = (float)mb_alternate_target_of(alternate->target, (double)out->score[0][i]);
    }
    return MB_OK;
}

void mb_alternate_scores_clear(mb_alternate_scores *scores) {
    if (scores->runtime == NULL) {
        return;
    }
    for (size_t i = 0; scores->score != NULL && i < scores->n_models; i++) {
        mb_runtime_release(scores->runtime, scores->score[i]);
    }
    mb_runtime_release(scores->runtime, scores->score);
    mb_runtime_release(scores->runtime, scores->row);
    mb_runtime_release(scores->runtime, scores->target);
    mb_arena_clear(&scores->arena);
    *scores = (mb_alternate_scores){0};
}

mb_status mb_alternate_write_table(mb_context *ctx, const mb_alternate_scores *scores,
    const mb_dataset *dataset, const float *label, const uint8_t *split, const char *path) {
    mb_buffer table;
    mb_buffer_init(&table, ctx);
    mb_buffer_text(&table, "file,event,label");
    for (size_t k = 0; k < scores->n_models; k++) {
        mb_csv_put_text(&table, false, scores->title[k]);
    }
    mb_buffer_text(&table, split != NULL ? ",split\n" : "\n");
    for (size_t i = 0; i < scores->n && table.status == MB_OK; i++) {
        const uint32_t row = scores->row[i];
        const uint32_t file = dataset->file[row];
        mb_csv_put_text(&table, true, file < dataset->n_files ? dataset->file_names[file] : "");
        mb_csv_put_int64(&table, false, dataset->event[row]);
        if (label != NULL) {
            mb_csv_put_int64(&table, false, label[i] > 0.5F);
        } else {
            mb_csv_put_text(&table, false, "");
        }
        for (size_t k = 0; k < scores->n_models; k++) {
            mb_csv_put_float(&table, false, scores->score[k][i]);
        }
        if (split != NULL && split[row] != MB_SPLIT_NONE) {
            mb_csv_put_int64(&table, false, split[row]);
        } else if (split != NULL) {
            mb_csv_put_text(&table, false, "");
        }
        mb_csv_end_row(&table);
    }
    return mb_write_buffer(&table, path);
}

mb_status mb_alternate_predict(mb_context *ctx, const mb_study *study, const char *directory,
    const char *const *files, size_t n_files, const char *output, mb_answer **out) {
    const mb_source_request request = {.files = files, .n_files = n_files};
    mb_dataset dataset;
    mb_alternate_scores scores = {0};
    mb_answer *answer = NULL;
    uint32_t *rows = NULL;
    mb_dataset_init(&dataset, ctx);
    mb_status status = mb_study_load(ctx, study, &request, &dataset, NULL);
    if (status == MB_OK) {
        rows = mb_allocate(ctx, mb_max_size(dataset.n_rows, 1), sizeof *rows);
        status = rows == NULL ? MB_ERR_MEMORY : MB_OK;
    }
    for (size_t i = 0; status == MB_OK && i < dataset.n_rows; i++) {
        rows[i] = (uint32_t)i;
    }
    if (status == MB_OK) {
        status = mb_alternate_score(
            &scores, ctx, study->alternate, directory, &dataset, rows, dataset.n_rows);
    }
    if (status == MB_OK) {
        status = mb_alternate_write_table(ctx, &scores, &dataset, NULL, NULL, output);
    }
    status = status != MB_OK ? status : mb_answer_create(ctx, &answer);
    if (status == MB_OK) {
        mb_answer_put_int(answer, NULL, "events", (int64_t)scores.n);
        mb_answer_put_text(answer, NULL, "output", output);
        mb_node *list = mb_answer_put_list(answer, NULL, "columns");
        for (size_t k = 0; k < scores.n_models; k++) {
            mb_answer_add_text(answer, list, scores.title[k]);
        }
        mb_answer_line(
            answer, "%s: %zu events, %zu scores each", output, scores.n, scores.n_models);
    }
    mb_alternate_scores_clear(&scores);
    mb_dataset_clear(&dataset);
    mb_release(ctx, rows);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
