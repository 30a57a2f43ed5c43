// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/matrix.h"

#include "base/options_field.h"
#include "base/threads.h"
#include "study/scored.h"

#include <math.h>

const mb_matrix_cell *mb_matrix_cell_of(const mb_matrix *matrix, size_t row, size_t scorer) {
    return &matrix->cells[row * matrix->n_scorers + scorer];
}

static double efficiency_of(const mb_matrix *matrix, const mb_matrix_cell *cell, size_t rate) {
    const mb_rate_point *point = &cell->at[rate];
    if (cell->is_absent) {
        return (double)NAN;
    }
    if (matrix->shows_interpolated) {
        return point->efficiency_interpolated;
    }
    return point->verdict == MB_RATE_OK ? point->signal.value : (double)NAN;
}

static double figure_of(const mb_matrix *matrix, size_t row, size_t scorer, size_t figure) {
    const mb_matrix_cell *cell = mb_matrix_cell_of(matrix, row, scorer);
    if (figure > 0) {
        return efficiency_of(matrix, cell, figure - 1);
    }
    return cell->is_absent ? (double)NAN : cell->auc;
}

mb_matrix_value mb_matrix_value_of(
    const mb_matrix *matrix, size_t row, size_t column, size_t figure) {
    const mb_matrix_column *c = &matrix->columns[column];
    mb_matrix_value value = {(double)NAN, (double)NAN, 0};
    double sum = 0;
    for (size_t i = c->first; i < c->first + c->n; i++) {
        const double x = figure_of(matrix, row, i, figure);
        sum += isfinite(x) ? x : 0;
        value.n += isfinite(x) ? 1 : 0;
    }
    if (value.n == 0) {
        return value;
    }
    value.mean = sum / (double)value.n;
    double squares = 0;
    for (size_t i = c->first; i < c->first + c->n; i++) {
        const double x = figure_of(matrix, row, i, figure);
        squares += isfinite(x) ? (x - value.mean) * (x - value.mean) : 0;
    }
    value.spread = value.n > 1 ? sqrt(squares / (double)value.n) : (double)NAN;
    return value;
}

// "5kHz" as in the study, whatever spaces it was written with.
static char *rate_name(const mb_matrix *matrix, size_t rate, char *text, size_t size) {
    size_t used = 0;
    const char *written = matrix->run->study->evaluate.at.value[rate];
    for (const char *p = written; *p != '\0' && used + 1 < size; p++) {
        if (*p != ' ') {
            text[used++] = *p;
        }
    }
    text[used] = '\0';
    return text;
}

char *mb_matrix_figure_key(const mb_matrix *matrix, size_t figure, char *text, size_t size) {
    char rate[40];
    mb_format(text, size, figure == 0 ? "auc" : "efficiency_%s",
        figure == 0 ? "" : rate_name(matrix, figure - 1, rate, sizeof rate));
    return text;
}

char *mb_matrix_figure_title(const mb_matrix *matrix, size_t figure, char *text, size_t size) {
    char rate[40];
    mb_format(text, size, figure == 0 ? "ROC AUC" : "Efficiency %s",
        figure == 0 ? "" : rate_name(matrix, figure - 1, rate, sizeof rate));
    return text;
}

static mb_status fail_sample(const mb_run *run, const char *name) {
    const char *names[64];
    size_t n = 0;
    for (; n < run->dataset.n_sets && n < MB_COUNT_OF(names); n++) {
        names[n] = run->dataset.sets[n].name;
    }
    const char *near = n > 0 ? mb_nearest_name(name, names, n) : NULL;
    char offered[1024] = "";
    if (near == NULL) {
        mb_text_list(offered, sizeof offered, names, n);
    }
    return mb_fail(run->ctx, MB_ERR_FORMAT,
        "%s: evaluate: on: the data has no sample '%.60s'; %s%s%s", run->study->path, name,
        near != NULL ? "did you mean '" : "write some of ", near != NULL ? near : offered,
        near != NULL ? "'?" : "");
}

static mb_status find_sample(const mb_run *run, const char *name, const mb_row_set **out) {
    *out = mb_dataset_find_set(&run->dataset, name);
    if (*out == NULL) {
        return fail_sample(run, name);
    }
    return (*out)->n_test > 0
               ? MB_OK
               : mb_fail(run->ctx, MB_ERR_FORMAT,
                     "%s: evaluate: on: sample '%.60s' has no test events; leave it out, or make "
                     "data.train_size smaller",
                     run->study->path, name);
}

mb_status mb_matrix_check(mb_run *run) {
    const mb_texts *on = &run->study->evaluate.on;
    const mb_row_set *set = NULL;
    for (size_t i = 0; i < on->n; i++) {
        MB_TRY(find_sample(run, on->value[i], &set));
    }
    return on->n > 0 ? mb_scorers_foresee(run) : MB_OK;
}

// Marks the events of all samples, and numbers them in the order of the data.
static mb_status number_events(mb_matrix *matrix, const mb_row_set **sets, uint32_t *place) {
    mb_run *run = matrix->run;
    const mb_texts *on = &run->study->evaluate.on;
    for (size_t i = 0; i < on->n; i++) {
        MB_TRY(find_sample(run, on->value[i], &sets[i]));
        for (size_t k = 0; k < sets[i]->n_test; k++) {
            place[sets[i]->test[k]] = 1;
        }
    }
    const size_t n_rows = run->dataset.n_rows;
    for (size_t i = 0; i < n_rows; i++) {
        matrix->n_judged += place[i] != 0;
    }
    matrix->judged = mb_arena_allocate(
        &run->arena, run->ctx, mb_max_size(matrix->n_judged, 1), sizeof *matrix->judged);
    if (matrix->judged == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0, n = 0; i < n_rows; i++) {
        if (place[i] != 0) {
            matrix->judged[n] = (uint32_t)i;
            place[i] = (uint32_t)n++;
        }
    }
    return MB_OK;
}

// title: of the sample in data.signals, where the source has such.
static const char *title_of(const mb_study *study, const char *name) {
    const mb_node *signals = mb_node_find(study->data, "signals");
    return mb_node_text(mb_node_find(mb_node_find(signals, name), "title"));
}

static mb_status fill_row(
    mb_matrix *matrix, const mb_row_set *set, const uint32_t *place, mb_matrix_row *row) {
    mb_run *run = matrix->run;
    *row = (mb_matrix_row){
        .name = set->name, .title = title_of(run->study, set->name), .n = set->n_test};
    row->event = mb_arena_allocate(&run->arena, run->ctx, row->n, sizeof *row->event);
    if (row->event == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < row->n; i++) {
        row->event[i] = place[set->test[i]];
    }
    float *label = NULL;
    MB_TRY(mb_labels_of(run->ctx, &run->dataset, set->test, row->n, &label));
    if (label == NULL) {
        return mb_fail(run->ctx, MB_ERR_FORMAT,
            "%s: evaluate: on: the target is not signal or background; leave on: out",
            run->study->path);
    }
    row->label = mb_arena_allocate(&run->arena, run->ctx, row->n, sizeof *row->label);
    if (row->label != NULL) {
        memcpy(row->label, label, row->n * sizeof *label);
        for (size_t i = 0; i < row->n; i++) {
            row->n_signal += label[i] > 0.5F;
        }
    }
    mb_release(run->ctx, label);
    if (row->label == NULL) {
        return MB_ERR_MEMORY;
    }
    return row->n_signal > 0 && row->n_signal < row->n
               ? MB_OK
               : mb_fail(run->ctx, MB_ERR_FORMAT,
                     "%s: evaluate: on: the test events of '%.60s' are all of one class; it needs "
                     "signal and background",
                     run->study->path, set->name);
}

static mb_status find_samples(mb_matrix *matrix) {
    mb_run *run = matrix->run;
    const size_t n = run->study->evaluate.on.n;
    const mb_row_set **sets = mb_arena_allocate(&run->arena, run->ctx, n, sizeof *sets);
    uint32_t *place =
        mb_allocate_zeroed(run->ctx, mb_max_size(run->dataset.n_rows, 1), sizeof *place);
    matrix->rows = mb_arena_allocate(&run->arena, run->ctx, n, sizeof *matrix->rows);
    mb_status status = sets == NULL || place == NULL || matrix->rows == NULL
                           ? MB_ERR_MEMORY
                           : number_events(matrix, sets, place);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        status = fill_row(matrix, sets[i], place, &matrix->rows[matrix->n_rows++]);
    }
    mb_release(run->ctx, place);
    return status;
}

static mb_status find_columns(mb_matrix *matrix) {
    mb_run *run = matrix->run;
    MB_TRY(mb_scorers_list(run, &matrix->scorers, &matrix->n_scorers));
    const size_t n = matrix->n_scorers;
    matrix->columns =
        mb_arena_allocate(&run->arena, run->ctx, mb_max_size(n, 1), sizeof *matrix->columns);
    matrix->cells = mb_arena_allocate(
        &run->arena, run->ctx, mb_max_size(n * matrix->n_rows, 1), sizeof *matrix->cells);
    if (matrix->columns == NULL || matrix->cells == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        mb_matrix_column *last =
            matrix->n_columns > 0 ? &matrix->columns[matrix->n_columns - 1] : NULL;
        if (last != NULL && strcmp(last->name, matrix->scorers[i].group) == 0) {
            last->n++;
        } else {
            matrix->columns[matrix->n_columns++] =
                (mb_matrix_column){matrix->scorers[i].group, i, 1};
        }
    }
    return MB_OK;
}

static mb_status read_rates(mb_matrix *matrix) {
    const mb_evaluate_options *evaluate = &matrix->run->study->evaluate;
    mb_context *ctx = matrix->run->ctx;
    MB_TRY(mb_rate_parse(ctx, evaluate->input_rate, &matrix->input_khz));
    if (evaluate->at.n > MB_MATRIX_MOST_RATES) {
        return mb_fail(ctx, MB_ERR_LIMIT, "%s: evaluate: %zu rates; at most %d are offered",
            matrix->run->study->path, evaluate->at.n, MB_MATRIX_MOST_RATES);
    }
    for (size_t i = 0; i < evaluate->at.n; i++) {
        MB_TRY(mb_rate_parse(ctx, evaluate->at.value[i], &matrix->rate_khz[i]));
    }
    matrix->n_rates = evaluate->at.n;
    matrix->shows_interpolated = mb_compat_has(&matrix->run->study->compat, "interpolated_rate");
    return MB_OK;
}

// The background's training events: those of the first sample.
static mb_status find_background(mb_matrix *matrix, uint32_t **rows, size_t *n) {
    mb_run *run = matrix->run;
    const mb_row_set *set = mb_dataset_find_set(&run->dataset, "background");
    set = set != NULL ? set : mb_dataset_find_set(&run->dataset, matrix->rows[0].name);
    float *label = NULL;
    *n = 0;
    *rows = mb_allocate(run->ctx, mb_max_size(set->n_train, 1), sizeof **rows);
    if (*rows == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_labels_of(run->ctx, &run->dataset, set->train, set->n_train, &label));
    for (size_t i = 0; i < set->n_train && label != NULL; i++) {
        if (label[i] < 0.5F) {
            (*rows)[(*n)++] = set->train[i];
        }
    }
    mb_release(run->ctx, label);
    return MB_OK;
}

static mb_status score_all(mb_matrix *matrix) {
    mb_run *run = matrix->run;
    uint32_t *background = NULL;
    size_t n_background = 0;
    const double start = mb_seconds_now();
    mb_status status = find_background(matrix, &background, &n_background);
    for (size_t i = 0; i < matrix->n_scorers && status == MB_OK; i++) {
        status = mb_scorer_run(
            &matrix->scorers[i], run, matrix->judged, matrix->n_judged, background, n_background);
    }
    mb_release(run->ctx, background);
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "Scored %zu events with %zu scores in %.2f s",
            matrix->n_judged, matrix->n_scorers, mb_seconds_now() - start);
    }
    return status;
}

typedef struct row_job {
    mb_matrix *matrix;
    size_t row;
    mb_roc *rocs; // (n_scorers)
} row_job;

static mb_status measure_cell(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const row_job *job = user;
    mb_matrix *matrix = job->matrix;
    const mb_matrix_row *row = &matrix->rows[job->row];
    const mb_scorer *scorer = &matrix->scorers[task];
    mb_matrix_cell *cell = &matrix->cells[job->row * matrix->n_scorers + task];
    *cell = (mb_matrix_cell){.is_absent = scorer->is_absent};
    if (scorer->is_absent) {
        return MB_OK;
    }
    float *score = mb_allocate(ctx, row->n, sizeof *score);
    if (score == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < row->n; i++) {
        score[i] = scorer->score[row->event[i]];
    }
    mb_roc *roc = &job->rocs[task];
    mb_status status =
        mb_roc_make(roc, ctx, mb_values_f32(score, row->n), mb_values_f32(row->label, row->n));
    mb_release(ctx, score);
    if (status != MB_OK) {
        return mb_fail_within(ctx, "score %s on %s", scorer->name, row->name);
    }
    cell->auc = roc->auc;
    cell->auc_error = roc->auc_error;
    for (size_t i = 0; i < matrix->n_rates; i++) {
        MB_TRY(mb_roc_at_rate(roc, ctx, matrix->input_khz, matrix->rate_khz[i], &cell->at[i]));
    }
    return MB_OK;
}

// Scores of many distinct values make long curves: those of one sample at a time.
static mb_status measure_row(mb_matrix *matrix, size_t row, mb_roc *rocs, mb_gallery *gallery) {
    mb_context *ctx = matrix->run->ctx;
    row_job job = {matrix, row, rocs};
    mb_status status = mb_parallel(ctx, matrix->n_scorers, measure_cell, &job);
    for (size_t i = 0; i < matrix->n_scorers && status == MB_OK; i++) {
        if (!matrix->scorers[i].is_absent && rocs[i].n_vertices == 2) {
            mb_notice(ctx, MB_NOTICE_WARNING, "evaluate",
                "all scores of %s on %s are equal: its AUC is 0.5", matrix->scorers[i].name,
                matrix->rows[row].name);
        }
    }
    if (status == MB_OK && gallery != NULL) {
        status = mb_matrix_draw_row(matrix, ctx, gallery, row, rocs);
    }
    for (size_t i = 0; i < matrix->n_scorers; i++) {
        mb_roc_clear(&rocs[i]);
    }
    return status;
}

static mb_status measure_all(mb_matrix *matrix, mb_gallery *gallery) {
    mb_run *run = matrix->run;
    const double start = mb_seconds_now();
    mb_roc *rocs = mb_allocate_zeroed(run->ctx, matrix->n_scorers, sizeof *rocs);
    mb_status status = rocs == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; i < matrix->n_rows && status == MB_OK; i++) {
        status = measure_row(matrix, i, rocs, gallery);
    }
    mb_release(run->ctx, rocs);
    if (status == MB_OK) {
        mb_journal_line(&run->journal, "Measured %zu cells in %.2f s",
            matrix->n_rows * matrix->n_scorers, mb_seconds_now() - start);
    }
    return status;
}

static mb_status draw_all(mb_matrix *matrix, mb_gallery *gallery) {
    mb_run *run = matrix->run;
    MB_TRY(mb_matrix_draw(matrix, run->ctx, gallery));
    const double start = mb_seconds_now();
    MB_TRY(mb_gallery_draw(gallery, run->ctx));
    mb_journal_line(&run->journal, "Drew %zu figures in %.2f s", mb_gallery_count(gallery),
        mb_seconds_now() - start);
    return MB_OK;
}

mb_status mb_matrix_make(mb_run *run, mb_matrix **out) {
    *out = NULL;
    mb_matrix *matrix = mb_arena_allocate(&run->arena, run->ctx, 1, sizeof *matrix);
    if (matrix == NULL) {
        return MB_ERR_MEMORY;
    }
    *matrix = (mb_matrix){.run = run};
    MB_TRY(read_rates(matrix));
    MB_TRY(find_samples(matrix));
    MB_TRY(find_columns(matrix));
    *out = matrix;
    MB_TRY(score_all(matrix));
    mb_gallery *gallery = NULL;
    mb_status status = MB_OK;
    if (run->study->evaluate.figures) {
        const char *folder = mb_run_file(run->ctx, &run->arena, run->directory, "plots");
        status = folder == NULL ? MB_ERR_MEMORY : mb_gallery_open(run->ctx, folder, NULL, &gallery);
    }
    if (status == MB_OK) {
        status = measure_all(matrix, gallery);
    }
    if (status == MB_OK) {
        status = mb_matrix_write(matrix, run->ctx);
    }
    if (status == MB_OK && gallery != NULL) {
        status = draw_all(matrix, gallery);
    }
    mb_gallery_destroy(gallery);
    return status;
}

void mb_matrix_clear(mb_matrix *matrix) {
    for (size_t i = 0; matrix != NULL && i < matrix->n_scorers; i++) {
        mb_scorer_clear(&matrix->scorers[i], matrix->run->ctx);
    }
}
