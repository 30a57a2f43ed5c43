// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "files/csv.h"
#include "files/npy.h"
#include "study/matrix.h"
#include "study/matrix_overlap.h"
#include "study/rates.h"
#include "study/scored.h"

#include <math.h>

// tables/: one file a figure as people read it, all cells with everything behind them in one more.

static void make_figure(const mb_matrix *matrix, size_t figure, mb_buffer *table) {
    mb_csv_put_text(table, true, "sample");
    for (size_t j = 0; j < matrix->n_columns; j++) {
        const mb_matrix_column *column = &matrix->columns[j];
        mb_csv_put_text(table, false, column->name);
        if (column->n > 1) {
            char name[256];
            mb_format(name, sizeof name, "%s std", column->name);
            mb_csv_put_text(table, false, name);
        }
    }
    mb_csv_end_row(table);
    for (size_t i = 0; i < matrix->n_rows; i++) {
        mb_csv_put_text(table, true, matrix->rows[i].name);
        for (size_t j = 0; j < matrix->n_columns; j++) {
            const mb_matrix_value value = mb_matrix_value_of(matrix, i, j, figure);
            mb_csv_put_finite(table, false, value.mean);
            if (matrix->columns[j].n > 1) {
                mb_csv_put_finite(table, false, value.spread);
            }
        }
        mb_csv_end_row(table);
    }
}

static void put_point(const mb_matrix *matrix, const mb_matrix_cell *cell, size_t rate,
    const mb_matrix_row *row, mb_buffer *table) {
    const mb_rate_point *point = &cell->at[rate];
    const bool is_there = !cell->is_absent && point->verdict == MB_RATE_OK;
    mb_csv_put_finite(table, false, matrix->rate_khz[rate]);
    mb_csv_put_finite(table, false, is_there ? point->signal.value : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? point->signal.error : (double)NAN);
    if (is_there) {
        mb_csv_put_int64(table, false, (int64_t)point->signal.k);
    } else {
        mb_csv_put_text(table, false, "");
    }
    mb_csv_put_int64(table, false, (int64_t)row->n_signal);
    mb_csv_put_finite(table, false, is_there ? point->efficiency_low : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? point->efficiency_high : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? point->threshold : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? (double)point->background_events : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? point->background_error : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? (double)point->next_background_events : (double)NAN);
    mb_csv_put_int64(table, false, (int64_t)(row->n - row->n_signal));
    mb_csv_put_finite(table, false, is_there ? point->rate_khz : (double)NAN);
    mb_csv_put_finite(table, false, is_there ? point->rate_error_khz : (double)NAN);
    mb_csv_put_finite(table, false, cell->is_absent ? (double)NAN : point->efficiency_interpolated);
}

// A row for each rate; without rates one, and no columns of theirs.
static void make_cells(const mb_matrix *matrix, mb_buffer *table) {
    mb_buffer_text(table, "sample,column,score,origin,auc,auc_error");
    if (matrix->n_rates > 0) {
        mb_buffer_text(table,
            ",target_khz,efficiency,error,k,n,efficiency_low,efficiency_high,threshold,"
            "background_events,background_error,next_background_events,n_background,rate_khz,"
            "rate_error_khz,efficiency_interpolated");
    }
    mb_csv_end_row(table);
    for (size_t i = 0; i < matrix->n_rows; i++) {
        for (size_t s = 0; s < matrix->n_scorers; s++) {
            const mb_scorer *scorer = &matrix->scorers[s];
            const mb_matrix_cell *cell = mb_matrix_cell_of(matrix, i, s);
            for (size_t r = 0; r < mb_max_size(matrix->n_rates, 1); r++) {
                mb_csv_put_text(table, true, matrix->rows[i].name);
                mb_csv_put_text(table, false, scorer->group);
                mb_csv_put_text(table, false, scorer->name);
                mb_csv_put_text(table, false, mb_score_origin_names[scorer->origin]);
                mb_csv_put_finite(table, false, cell->is_absent ? (double)NAN : cell->auc);
                mb_csv_put_finite(table, false, cell->is_absent ? (double)NAN : cell->auc_error);
                if (matrix->n_rates > 0) {
                    put_point(matrix, cell, r, &matrix->rows[i], table);
                }
                mb_csv_end_row(table);
            }
        }
    }
}

static mb_status write_table(
    mb_matrix *matrix, mb_context *ctx, const char *folder, const char *name, mb_buffer *table) {
    const char *path = mb_arena_format(&matrix->run->arena, ctx, "%s/%s.csv", folder, name);
    if (path == NULL) {
        mb_buffer_clear(table);
        return MB_ERR_MEMORY;
    }
    return mb_write_buffer(table, path);
}

// scores.npz: every score of every judged event.
static mb_status write_scores(mb_matrix *matrix, mb_context *ctx) {
    enum { OTHERS = 3 };
    mb_run *run = matrix->run;
    const size_t n = matrix->n_judged;
    mb_arena *arena = &run->arena;
    const char **names = mb_arena_allocate(arena, ctx, matrix->n_scorers + OTHERS, sizeof *names);
    mb_array *arrays = mb_arena_allocate(arena, ctx, matrix->n_scorers + OTHERS, sizeof *arrays);
    const mb_array **list = mb_arena_allocate(arena, ctx, matrix->n_scorers + OTHERS, sizeof *list);
    const char *path = mb_run_file(ctx, arena, run->directory, "scores.npz");
    int64_t *event = mb_allocate(ctx, n, sizeof *event);
    uint32_t *file = mb_allocate(ctx, n, sizeof *file);
    float *label = NULL;
    mb_status status = names == NULL || arrays == NULL || list == NULL || path == NULL ||
                               event == NULL || file == NULL
                           ? MB_ERR_MEMORY
                           : mb_labels_of(ctx, &run->dataset, matrix->judged, n, &label);
    if (status == MB_OK) {
        mb_runtime *runtime = mb_context_runtime(ctx);
        for (size_t i = 0; i < n; i++) {
            event[i] = run->dataset.event[matrix->judged[i]];
            file[i] = run->dataset.file[matrix->judged[i]];
        }
        size_t k = 0;
        names[k] = "event";
        arrays[k++] = (mb_array){MB_I64, 1, {n}, event, runtime};
        names[k] = "file";
        arrays[k++] = (mb_array){MB_U32, 1, {n}, file, runtime};
        names[k] = "label";
        arrays[k++] = (mb_array){MB_F32, 1, {n}, label, runtime};
        for (size_t i = 0; i < matrix->n_scorers; i++) {
            if (!matrix->scorers[i].is_absent) {
                names[k] = matrix->scorers[i].name;
                arrays[k++] = (mb_array){MB_F32, 1, {n}, matrix->scorers[i].score, runtime};
            }
        }
        for (size_t i = 0; i < k; i++) {
            list[i] = &arrays[i];
        }
        status = mb_npz_write(ctx, path, names, list, k, false);
    }
    mb_release(ctx, label);
    mb_release(ctx, event);
    mb_release(ctx, file);
    return status;
}

// A trained student decides as a trigger does: by thresholds of its own.
static mb_status write_thresholds(mb_matrix *matrix, mb_context *ctx, const mb_scorer *scorer,
    const float *label, const char *path) {
    const size_t n = matrix->n_judged;
    mb_roc roc = {0};
    mb_status status =
        mb_roc_make(&roc, ctx, mb_values_f32(scorer->score, n), mb_values_f32(label, n));
    if (status == MB_OK) {
        status = mb_thresholds_write(ctx, matrix->run->study, &roc, MB_SPLIT_TEST, path);
    }
    mb_roc_clear(&roc);
    return status;
}

static mb_status write_all_thresholds(mb_matrix *matrix, mb_context *ctx) {
    mb_run *run = matrix->run;
    float *label = NULL;
    MB_TRY(mb_labels_of(ctx, &run->dataset, matrix->judged, matrix->n_judged, &label));
    mb_status status = MB_OK;
    for (size_t i = 0; i < matrix->n_scorers && status == MB_OK; i++) {
        const mb_scorer *scorer = &matrix->scorers[i];
        if (scorer->origin == MB_SCORE_RETRAINED && !scorer->is_absent) {
            const size_t folder = strlen(scorer->path) - strlen("model.h5");
            const char *path =
                mb_arena_format(&run->arena, ctx, "%.*sthreshold.json", (int)folder, scorer->path);
            status =
                path == NULL ? MB_ERR_MEMORY : write_thresholds(matrix, ctx, scorer, label, path);
        }
    }
    mb_release(ctx, label);
    return status;
}

mb_status mb_matrix_write(mb_matrix *matrix, mb_context *ctx) {
    const char *folder = mb_run_file(ctx, &matrix->run->arena, matrix->run->directory, "tables");
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    mb_buffer table;
    for (size_t figure = 0; figure <= matrix->n_rates; figure++) {
        char name[64];
        mb_buffer_init(&table, ctx);
        make_figure(matrix, figure, &table);
        MB_TRY(write_table(
            matrix, ctx, folder, mb_matrix_figure_key(matrix, figure, name, sizeof name), &table));
    }
    mb_buffer_init(&table, ctx);
    make_cells(matrix, &table);
    MB_TRY(write_table(matrix, ctx, folder, "cells", &table));
    mb_buffer_init(&table, ctx);
    mb_status status = mb_matrix_overlap_table(matrix, ctx, &table);
    if (status != MB_OK) {
        mb_buffer_clear(&table);
        return status;
    }
    MB_TRY(write_table(matrix, ctx, folder, "overlap", &table));
    MB_TRY(write_all_thresholds(matrix, ctx));
    return write_scores(matrix, ctx);
}
