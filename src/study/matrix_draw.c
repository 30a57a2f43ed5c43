// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "draw/figures.h"
#include "draw/figures_matrix.h"
#include "draw/figures_rate.h"
#include "draw/figures_training.h"
#include "study/history.h"
#include "study/matrix.h"
#include "study/scored.h"

#include <math.h>

// Pictures of scores judged side by side.

static const char *row_title(const mb_matrix_row *row) {
    return mb_sample_title(row->name, row->title);
}

// How pictures write a column: by the sample that it was trained on.
static mb_matrix_label column_label(const mb_matrix *matrix, size_t column) {
    const mb_matrix_column *c = &matrix->columns[column];
    const char *on = matrix->scorers[c->first].on;
    if (on == NULL) {
        return (mb_matrix_label){MB_LETTER_NONE, c->name};
    }
    const char *title = NULL;
    for (size_t i = 0; i < matrix->n_rows; i++) {
        title = strcmp(matrix->rows[i].name, on) == 0 ? matrix->rows[i].title : title;
    }
    return (mb_matrix_label){MB_LETTER_MODEL, mb_sample_title(on, title)};
}

static mb_status draw_map(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery, size_t figure) {
    mb_arena *arena = &matrix->run->arena;
    const size_t n_cells = matrix->n_rows * matrix->n_columns;
    mb_matrix_label *rows = mb_arena_allocate(arena, ctx, matrix->n_rows, sizeof *rows);
    mb_matrix_label *columns = mb_arena_allocate(arena, ctx, matrix->n_columns, sizeof *columns);
    double *value = mb_arena_allocate(arena, ctx, n_cells, sizeof *value);
    double *spread = mb_arena_allocate(arena, ctx, n_cells, sizeof *spread);
    if (rows == NULL || columns == NULL || value == NULL || spread == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < matrix->n_rows; i++) {
        rows[i] = (mb_matrix_label){MB_LETTER_DATA, row_title(&matrix->rows[i])};
        for (size_t j = 0; j < matrix->n_columns; j++) {
            const mb_matrix_value cell = mb_matrix_value_of(matrix, i, j, figure);
            value[i * matrix->n_columns + j] = cell.mean;
            spread[i * matrix->n_columns + j] = cell.spread;
        }
    }
    for (size_t j = 0; j < matrix->n_columns; j++) {
        columns[j] = column_label(matrix, j);
    }
    char key[64];
    char name[80];
    char title[64];
    bool is_drawn = false;
    mb_format(
        name, sizeof name, "matrix_%s", mb_matrix_figure_key(matrix, figure, key, sizeof key));
    const mb_matrix_settings settings = {.name = name,
        .title = mb_matrix_figure_title(matrix, figure, title, sizeof title),
        .rows = rows,
        .columns = columns,
        .n_rows = matrix->n_rows,
        .n_columns = matrix->n_columns,
        .value = value,
        .spread = spread};
    MB_TRY(mb_draw_matrix(gallery, ctx, &settings, &is_drawn));
    if (!is_drawn) {
        mb_notice(ctx, MB_NOTICE_WARNING, "evaluate",
            "%s: no cell has a value, so there is no map of it", title);
    }
    return MB_OK;
}

mb_status mb_matrix_draw_row(
    mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery, size_t row, const mb_roc *rocs) {
    mb_rate_roc *curves =
        mb_arena_allocate(&matrix->run->arena, ctx, matrix->n_columns, sizeof *curves);
    if (curves == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t j = 0; j < matrix->n_columns; j++) {
        const mb_matrix_column *column = &matrix->columns[j];
        if (!matrix->scorers[column->first].is_absent) {
            curves[n++] = (mb_rate_roc){column->name, &rocs[column->first], column->n};
        }
    }
    char name[160];
    mb_format(name, sizeof name, "roc_rate_%s", matrix->rows[row].name);
    const mb_rate_roc_settings settings = {.name = name,
        .title = row_title(&matrix->rows[row]),
        .input_khz = matrix->input_khz,
        .working_khz = matrix->n_rates > 1   ? matrix->rate_khz[1]
                       : matrix->n_rates > 0 ? matrix->rate_khz[0]
                                             : 0};
    return n == 0 ? MB_OK : mb_draw_rate_roc(gallery, ctx, &settings, curves, n);
}

// Packs the scores of a sample's signal, or with row = n_rows those of the background.
static size_t pack(const mb_matrix *matrix, size_t row, const mb_scorer *scorer, float *out) {
    const bool is_background = row == matrix->n_rows;
    const mb_matrix_row *events = &matrix->rows[is_background ? 0 : row];
    size_t n = 0;
    for (size_t i = 0; i < events->n; i++) {
        if ((events->label[i] > 0.5F) != is_background) {
            out[n++] = scorer->score[events->event[i]];
        }
    }
    return n;
}

static mb_status draw_scores(
    mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery, size_t column) {
    const mb_matrix_column *c = &matrix->columns[column];
    const mb_scorer *scorer = &matrix->scorers[c->first];
    size_t most = 0;
    for (size_t i = 0; i < matrix->n_rows; i++) {
        most += matrix->rows[i].n;
    }
    mb_histogram_set *sets =
        mb_arena_allocate(&matrix->run->arena, ctx, matrix->n_rows + 1, sizeof *sets);
    float *scores = mb_allocate(ctx, most + 1, sizeof *scores);
    mb_status status = sets == NULL || scores == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        size_t used = 0;
        for (size_t k = 0; k <= matrix->n_rows; k++) {
            const size_t row = k == 0 ? matrix->n_rows : k - 1;
            const size_t n = pack(matrix, row, scorer, scores + used);
            sets[k] = (mb_histogram_set){k == 0 ? "background" : row_title(&matrix->rows[row]),
                mb_values_f32(scores + used, n)};
            used += n;
        }
        const bool is_probability =
            scorer->on != NULL && matrix->run->study->evaluate.score == MB_SCORE_OUTPUT;
        const bool is_cicada = scorer->origin > MB_SCORE_BASELINE;
        char name[200];
        mb_format(name, sizeof name, "scores_%s", c->name);
        for (char *p = name; *p != '\0'; p++) {
            *p = *p == '.' || *p == ' ' || *p == '/' ? '_' : *p;
        }
        const mb_histogram_settings settings = {.name = name,
            .title = c->n > 1 ? scorer->name : c->name,
            .x_label = "score",
            .y_label = "events (unit area)",
            .caption = "Scores of the test events.",
            .n_bins = 100,
            .low = 0,
            .high = is_probability ? 1
                    : is_cicada    ? 256
                                   : 0,
            .is_log = true,
            .is_density = true};
        status = mb_draw_histograms(gallery, ctx, &settings, sets, matrix->n_rows + 1);
    }
    mb_release(ctx, scores);
    return status;
}

// The background's rate against the threshold: of the scores that are no probabilities.
static mb_status draw_rates(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery) {
    mb_rate_line lines[16];
    mb_rate_curve curves[16] = {0};
    size_t n = 0;
    mb_status status = MB_OK;
    for (size_t i = 0; i < matrix->n_scorers && n < MB_COUNT_OF(lines) && status == MB_OK; i++) {
        const mb_scorer *scorer = &matrix->scorers[i];
        if (scorer->is_absent || scorer->origin <= MB_SCORE_BASELINE) {
            continue;
        }
        float *scores = mb_allocate(ctx, matrix->rows[0].n, sizeof *scores);
        status = scores == NULL ? MB_ERR_MEMORY : MB_OK;
        if (status == MB_OK) {
            const size_t count = pack(matrix, matrix->n_rows, scorer, scores);
            status = mb_rate_curve_make(
                &curves[n], ctx, mb_values_f32(scores, count), matrix->input_khz);
        }
        if (status == MB_OK) {
            lines[n] = (mb_rate_line){scorer->name, &curves[n]};
            n++;
        }
        mb_release(ctx, scores);
    }
    if (status == MB_OK && n > 0) {
        status = mb_draw_rate_curves(gallery, ctx, "rate_threshold", "threshold", lines, n);
    }
    for (size_t i = 0; i < n; i++) {
        mb_rate_curve_clear(&curves[i]);
    }
    return status;
}

// All trainings in one picture.
static mb_status draw_trainings(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery) {
    mb_run *run = matrix->run;
    const size_t n = run->n_rounds;
    mb_training_columns *fits = mb_arena_allocate(&run->arena, ctx, n + 1, sizeof *fits);
    mb_history *histories = mb_allocate_zeroed(ctx, n + 1, sizeof *histories);
    mb_status status = fits == NULL || histories == NULL ? MB_ERR_MEMORY : MB_OK;
    size_t n_drawn = 0;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        const mb_round *round = &run->rounds[i];
        mb_document record = {0};
        status = mb_history_read(&histories[i], ctx, round->directory);
        if (status == MB_OK) {
            status = mb_run_read_json(ctx, round->directory, "training.json", &record);
        }
        if (status == MB_OK && histories[i].n > 0) {
            fits[n_drawn++] = (mb_training_columns){.title = round->name,
                .epoch = histories[i].epoch,
                .loss = histories[i].loss,
                .val_loss = histories[i].val_loss,
                .val_accuracy = histories[i].val_accuracy,
                .best_epoch = mb_node_number(record.root, "best_epoch")};
        }
        mb_document_clear(&record);
    }
    if (status == MB_OK && n_drawn > 0) {
        const size_t repeats = run->rounds[0].fit->n_rounds;
        status = mb_draw_trainings(
            gallery, ctx, "trainings", fits, n_drawn, repeats > 1 && repeats <= 6 ? repeats : 3);
    }
    for (size_t i = 0; histories != NULL && i < n; i++) {
        mb_history_clear(&histories[i]);
    }
    mb_release(ctx, histories);
    return status;
}

mb_status mb_matrix_draw(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery) {
    for (size_t figure = 0; figure <= matrix->n_rates; figure++) {
        MB_TRY(draw_map(matrix, ctx, gallery, figure));
    }
    for (size_t j = 0; j < matrix->n_columns; j++) {
        if (!matrix->scorers[matrix->columns[j].first].is_absent) {
            MB_TRY(draw_scores(matrix, ctx, gallery, j));
        }
    }
    MB_TRY(draw_rates(matrix, ctx, gallery));
    MB_TRY(draw_trainings(matrix, ctx, gallery));
    return mb_run_draw_detector(matrix->run, ctx, gallery);
}
