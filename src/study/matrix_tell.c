// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/answer.h"
#include "study/matrix.h"

#include <math.h>

// The tables for people, and for programs.

enum { CELL = 16, FIRST = 18 };

static void tell_line(mb_answer *answer, const char *first, const char *const *cells, size_t n) {
    mb_buffer *text = &answer->text;
    mb_buffer_format(text, "  %-*s", FIRST, first);
    for (size_t i = 0; i < n; i++) {
        // Letters are counted, not bytes: the sign between value and spread has two.
        size_t letters = 0;
        for (const char *p = cells[i]; *p != '\0'; p++) {
            letters += ((unsigned char)*p & 0xC0U) != 0x80U;
        }
        mb_buffer_format(text, " %*s%s", letters < CELL ? (int)(CELL - letters) : 0, "", cells[i]);
    }
    mb_buffer_text(text, "\n");
}

static const char *cell_text(mb_answer *answer, mb_matrix_value value) {
    char text[64];
    if (value.n == 0) {
        return "n/a";
    }
    if (isfinite(value.spread)) {
        mb_format(text, sizeof text, "%.4f \xC2\xB1 %.4f", value.mean, value.spread);
    } else {
        mb_format(text, sizeof text, "%.4f", value.mean);
    }
    const char *copy = mb_arena_text(&answer->document.arena, answer->ctx, text);
    return copy != NULL ? copy : "";
}

// Eleven columns are wider than a screen: the baseline and the like go below the trainings.
enum { COLUMNS_A_LINE = 7 };

static void tell_table(mb_answer *answer, const mb_matrix *matrix, size_t figure) {
    char title[64];
    mb_answer_line(answer, "\n%s", mb_matrix_figure_title(matrix, figure, title, sizeof title));
    for (size_t first = 0; first < matrix->n_columns; first += COLUMNS_A_LINE) {
        const size_t n = mb_min_size(COLUMNS_A_LINE, matrix->n_columns - first);
        const char *cells[COLUMNS_A_LINE];
        for (size_t j = 0; j < n; j++) {
            const mb_matrix_column *column = &matrix->columns[first + j];
            const char *on = matrix->scorers[column->first].on;
            const char *copy = mb_arena_format(
                &answer->document.arena, answer->ctx, "%.15s", on != NULL ? on : column->name);
            cells[j] = copy != NULL ? copy : "";
        }
        tell_line(answer, first == 0 ? "on \\ trained on" : "", cells, n);
        for (size_t i = 0; i < matrix->n_rows; i++) {
            for (size_t j = 0; j < n; j++) {
                cells[j] = cell_text(answer, mb_matrix_value_of(matrix, i, first + j, figure));
            }
            tell_line(answer, matrix->rows[i].name, cells, n);
        }
    }
}

static void put_table(mb_answer *answer, const mb_matrix *matrix, mb_node *map, size_t figure) {
    char key[64];
    mb_node *table =
        mb_answer_put_map(answer, map, mb_matrix_figure_key(matrix, figure, key, sizeof key));
    for (size_t i = 0; i < matrix->n_rows; i++) {
        mb_node *row = mb_answer_put_map(answer, table, matrix->rows[i].name);
        for (size_t j = 0; j < matrix->n_columns; j++) {
            const mb_matrix_value value = mb_matrix_value_of(matrix, i, j, figure);
            mb_node *cell = mb_answer_put_map(answer, row, matrix->columns[j].name);
            mb_answer_put_real(answer, cell, "mean", value.mean);
            mb_answer_put_real(answer, cell, "std", value.spread);
            mb_answer_put_int(answer, cell, "n", (int64_t)value.n);
        }
    }
}

static void put_columns(mb_answer *answer, const mb_matrix *matrix, mb_node *map) {
    mb_node *list = mb_answer_put_list(answer, map, "columns");
    for (size_t j = 0; j < matrix->n_columns; j++) {
        const mb_matrix_column *column = &matrix->columns[j];
        const mb_scorer *scorer = &matrix->scorers[column->first];
        mb_node *entry = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, entry, "name", column->name);
        mb_answer_put_text(answer, entry, "on", scorer->on);
        mb_answer_put_text(answer, entry, "origin", mb_score_origin_names[scorer->origin]);
        mb_answer_put_bool(answer, entry, "is_absent", scorer->is_absent);
        mb_node *hashes = mb_answer_put_list(answer, entry, "weights_sha256");
        for (size_t i = column->first; i < column->first + column->n; i++) {
            if (matrix->scorers[i].weights_sha256[0] != '\0') {
                mb_answer_add_text(answer, hashes, matrix->scorers[i].weights_sha256);
            }
        }
    }
}

static void put_rows(mb_answer *answer, const mb_matrix *matrix, mb_node *map) {
    mb_node *list = mb_answer_put_list(answer, map, "rows");
    for (size_t i = 0; i < matrix->n_rows; i++) {
        const mb_matrix_row *row = &matrix->rows[i];
        mb_node *entry = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, entry, "name", row->name);
        mb_answer_put_text(answer, entry, "title", row->title);
        mb_answer_put_int(answer, entry, "signal_events", (int64_t)row->n_signal);
        mb_answer_put_int(answer, entry, "background_events", (int64_t)(row->n - row->n_signal));
    }
}

// Which background events stand behind each rate: the same for every cell.
static void tell_rates(mb_answer *answer, const mb_matrix *matrix) {
    const mb_matrix_row *row = &matrix->rows[0];
    const double n = (double)(row->n - row->n_signal);
    char key[64];
    mb_answer_line(answer, "\nBackground events behind each efficiency (of %.0f):", n);
    for (size_t i = 0; i < matrix->n_rates; i++) {
        const double allowed = matrix->rate_khz[i] * n / matrix->input_khz;
        mb_matrix_figure_title(matrix, i + 1, key, sizeof key);
        if (allowed < 1) {
            mb_answer_line(answer, "  %s: less than one event is allowed (%.2f), so %s", key,
                allowed,
                matrix->shows_interpolated ? "interpolated efficiencies rest on none"
                                           : "its cells have no value (n/a)");
        } else {
            mb_answer_line(answer, "  %s: at most %.0f, an error of %.0f %% on the rate%s", key,
                floor(allowed), 100 / sqrt(floor(allowed)),
                matrix->shows_interpolated ? "; interpolated efficiencies are shown" : "");
        }
    }
}

// What the spread is of; and that a mean may be of fewer trainings than its column has.
static void tell_spread(mb_answer *answer, const mb_matrix *matrix) {
    size_t most = 1;
    size_t n_partial = 0;
    for (size_t j = 0; j < matrix->n_columns; j++) {
        most = mb_max_size(most, matrix->columns[j].n);
        for (size_t i = 0; i < matrix->n_rows; i++) {
            for (size_t figure = 0; figure <= matrix->n_rates; figure++) {
                const size_t n = mb_matrix_value_of(matrix, i, j, figure).n;
                n_partial += n > 0 && n < matrix->columns[j].n;
            }
        }
    }
    if (most > 1) {
        mb_answer_line(answer,
            "\nMean \xC2\xB1 standard deviation (of the population) of %zu trainings", most);
    }
    if (n_partial > 0) {
        mb_answer_line(answer,
            "  %zu cells are means of fewer: in the others no threshold keeps to the rate, as more "
            "background events than allowed share the highest score (tables/cells.csv)",
            n_partial);
    }
}

// The blend against networks of one signal each.
static void tell_blend(mb_answer *answer, const mb_matrix *matrix, mb_node *map) {
    double blend = 0;
    double own = 0;
    size_t n = 0;
    size_t blend_column = SIZE_MAX;
    for (size_t j = 0; j < matrix->n_columns; j++) {
        const char *on = matrix->scorers[matrix->columns[j].first].on;
        blend_column = on != NULL && strcmp(on, "blend") == 0 ? j : blend_column;
    }
    for (size_t i = 0; i < matrix->n_rows && blend_column != SIZE_MAX; i++) {
        for (size_t j = 0; j < matrix->n_columns; j++) {
            const char *on = matrix->scorers[matrix->columns[j].first].on;
            const bool is_blended = strcmp(matrix->rows[i].name, "synthetic") != 0;
            if (on != NULL && is_blended && strcmp(on, matrix->rows[i].name) == 0) {
                own += mb_matrix_value_of(matrix, i, j, 0).mean;
                blend += mb_matrix_value_of(matrix, i, blend_column, 0).mean;
                n++;
            }
        }
    }
    if (n > 0) {
        mb_answer_line(answer,
            "\nThe network of the blend has a mean AUC of %.4f over %zu signals, the networks of "
            "one signal each %.4f on their own",
            blend / (double)n, n, own / (double)n);
        mb_node *entry = mb_answer_put_map(answer, map, "blend");
        mb_answer_put_real(answer, entry, "auc_of_blend", blend / (double)n);
        mb_answer_put_real(answer, entry, "auc_of_single", own / (double)n);
        mb_answer_put_int(answer, entry, "signals", (int64_t)n);
    }
}

void mb_matrix_tell(const mb_matrix *matrix, mb_answer *answer) {
    mb_node *map = mb_answer_put_map(answer, NULL, "matrix");
    mb_answer_put_real(answer, map, "input_khz", matrix->input_khz);
    put_rows(answer, matrix, map);
    put_columns(answer, matrix, map);
    for (size_t figure = 0; figure <= matrix->n_rates; figure++) {
        put_table(answer, matrix, map, figure);
        tell_table(answer, matrix, figure);
    }
    tell_spread(answer, matrix);
    if (matrix->n_rates > 0) {
        tell_rates(answer, matrix);
    }
    tell_blend(answer, matrix, map);
    for (size_t i = 0; i < matrix->n_scorers; i++) {
        const mb_scorer *scorer = &matrix->scorers[i];
        if (scorer->origin != MB_SCORE_TRAINED) {
            mb_answer_line(answer, "%s: %s%s", scorer->name, mb_score_origin_names[scorer->origin],
                scorer->is_absent ? ", n/a" : "");
        }
    }
}
