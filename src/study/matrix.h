// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef STUDY_MATRIX_H
#define STUDY_MATRIX_H

#include "draw/gallery.h"
#include "measure/roc.h"
#include "study/scorer.h"

// evaluate.on: every score judged on every sample. Rows are samples, columns scores; the repeats of
// a fit are one column of the tables, with mean and spread.

enum { MB_MATRIX_MOST_RATES = 16 };

// One score on one sample.
typedef struct mb_matrix_cell {
    bool is_absent; // the score could not be had
    double auc, auc_error;
    mb_rate_point at[MB_MATRIX_MOST_RATES];
} mb_matrix_cell;

// A sample: its test events and those of the background.
typedef struct mb_matrix_row {
    const char *name, *title;
    uint32_t *event; // n: places among the judged events
    float *label;    // n: 0 background, 1 signal
    size_t n, n_signal;
} mb_matrix_row;

// A column of the tables: scorers [first, first + n).
typedef struct mb_matrix_column {
    const char *name;
    size_t first, n;
} mb_matrix_column;

typedef struct mb_matrix {
    mb_run *run;
    double input_khz;
    double rate_khz[MB_MATRIX_MOST_RATES];
    size_t n_rates;
    bool shows_interpolated; // compat interpolated_rate
    uint32_t *judged;        // dataset rows that are scored, rising
    size_t n_judged;
    mb_matrix_row *rows;
    size_t n_rows;
    mb_scorer *scorers;
    size_t n_scorers;
    mb_matrix_column *columns;
    size_t n_columns;
    mb_matrix_cell *cells; // (n_rows, n_scorers)
} mb_matrix;

// What a table shows of a column's scorers on one sample. figure 0: AUC; 1 + i: efficiency at rate
// i. NaN where there is none.
typedef struct mb_matrix_value {
    double mean, spread; // population standard deviation; NaN of one scorer
    size_t n;            // scorers with a value
} mb_matrix_value;
mb_matrix_value mb_matrix_value_of(
    const mb_matrix *matrix, size_t row, size_t column, size_t figure);
const mb_matrix_cell *mb_matrix_cell_of(const mb_matrix *matrix, size_t row, size_t scorer);
// "auc", "efficiency_5kHz" (of files and keys); "ROC AUC", "Efficiency 5kHz". Into text, which is
// returned.
char *mb_matrix_figure_key(const mb_matrix *matrix, size_t figure, char *text, size_t size);
char *mb_matrix_figure_title(const mb_matrix *matrix, size_t figure, char *text, size_t size);

// Before any training: fails for a sample of evaluate.on that the data has not, warns of models
// that are not there.
mb_status mb_matrix_check(mb_run *run) MB_MUST_CHECK;
// Scores, measures, writes tables/ and scores.npz, draws into plots/. In the run's arena, and freed
// with it but for the scores.
mb_status mb_matrix_make(mb_run *run, mb_matrix **out) MB_MUST_CHECK;
// Frees what is not the arena's. Accepts NULL.
void mb_matrix_clear(mb_matrix *matrix);

// Parts of mb_matrix_make.
mb_status mb_matrix_write(mb_matrix *matrix, mb_context *ctx) MB_MUST_CHECK;
mb_status mb_matrix_draw_row(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery, size_t row,
    const mb_roc *rocs) MB_MUST_CHECK;
mb_status mb_matrix_draw(mb_matrix *matrix, mb_context *ctx, mb_gallery *gallery) MB_MUST_CHECK;

// The tables for people, and `matrix` of metrics.json.
void mb_matrix_tell(const mb_matrix *matrix, mb_answer *answer);

#endif
