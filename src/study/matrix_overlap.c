// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/matrix_overlap.h"

#include "files/csv.h"
#include "measure/overlap.h"

// The score that others are held against, or SIZE_MAX where there is none.
static size_t find_reference(const mb_matrix *matrix) {
    size_t first = SIZE_MAX;
    for (size_t i = matrix->n_scorers; i-- > 0;) {
        if (!matrix->scorers[i].is_absent &&
            (first == SIZE_MAX || matrix->scorers[i].origin == MB_SCORE_BASELINE ||
                matrix->scorers[first].origin != MB_SCORE_BASELINE)) {
            first = i;
        }
    }
    return first;
}

// The overlap of a score and the reference on a sample. *is_there is false where one of the two has
// no threshold at the rate.
static mb_status measure_overlap(const mb_matrix *matrix, mb_context *ctx, size_t row,
    size_t scorer, size_t rate, mb_overlap *out, bool *is_there) {
    const size_t other = find_reference(matrix);
    *is_there = false;
    if (other == SIZE_MAX || matrix->scorers[scorer].is_absent) {
        return MB_OK;
    }
    const size_t pair[2] = {scorer, other};
    double threshold[2];
    for (size_t i = 0; i < 2; i++) {
        const mb_rate_point *point = &mb_matrix_cell_of(matrix, row, pair[i])->at[rate];
        if (point->verdict != MB_RATE_OK) {
            return MB_OK;
        }
        threshold[i] = point->threshold;
    }
    const mb_matrix_row *events = &matrix->rows[row];
    float *score = mb_allocate(ctx, 2 * events->n, sizeof *score);
    if (score == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < events->n; i++) {
            score[k * events->n + i] = matrix->scorers[pair[k]].score[events->event[i]];
        }
    }
    const mb_status status = mb_overlap_at_thresholds(ctx, mb_values_f32(score, events->n),
        mb_values_f32(score + events->n, events->n), mb_values_f32(events->label, events->n),
        threshold, matrix->input_khz, out);
    mb_release(ctx, score);
    *is_there = status == MB_OK;
    return status;
}

static void put_overlap(mb_buffer *table, const mb_overlap *overlap) {
    static const mb_overlap_part parts[] = {
        MB_OVERLAP_ONLY_FIRST, MB_OVERLAP_BOTH, MB_OVERLAP_ONLY_SECOND};
    for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
        mb_csv_put_double(table, false, overlap->rate_khz[parts[i]]);
        mb_csv_put_double(table, false, overlap->rate_error_khz[parts[i]]);
    }
    for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
        mb_csv_put_double(table, false, overlap->signal[parts[i]].value);
        mb_csv_put_double(table, false, overlap->signal[parts[i]].error);
    }
}

mb_status mb_matrix_overlap_table(const mb_matrix *matrix, mb_context *ctx, mb_buffer *table) {
    const size_t other = find_reference(matrix);
    mb_buffer_text(table,
        "sample,score,other,target_khz,pure_khz,pure_error_khz,shared_khz,shared_error_khz,"
        "other_pure_khz,other_pure_error_khz,efficiency_pure,efficiency_pure_error,"
        "efficiency_shared,efficiency_shared_error,efficiency_other_pure,"
        "efficiency_other_pure_error\n");
    for (size_t i = 0; i < matrix->n_rows && other != SIZE_MAX; i++) {
        for (size_t s = 0; s < matrix->n_scorers; s++) {
            for (size_t r = 0; r < matrix->n_rates && s != other; r++) {
                mb_overlap overlap;
                bool is_there = false;
                MB_TRY(measure_overlap(matrix, ctx, i, s, r, &overlap, &is_there));
                if (!is_there) {
                    continue;
                }
                mb_csv_put_text(table, true, matrix->rows[i].name);
                mb_csv_put_text(table, false, matrix->scorers[s].name);
                mb_csv_put_text(table, false, matrix->scorers[other].name);
                mb_csv_put_double(table, false, matrix->rate_khz[r]);
                put_overlap(table, &overlap);
                mb_csv_end_row(table);
            }
        }
    }
    return table->status;
}
