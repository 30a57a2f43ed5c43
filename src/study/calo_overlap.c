// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/csv.h"
#include "measure/overlap.h"
#include "measure/sorted.h"
#include "study/answer.h"
#include "study/score_files.h"
#include "study/study.h"

#include <math.h>

enum { FIRST, SECOND, LABELS, N_COLUMNS };

typedef struct triggers {
    mb_context *ctx;
    const char *name[N_COLUMNS]; // of the files
    mb_array column[N_COLUMNS];
    double input_khz, target_khz[2];
    mb_overlap overlap;
} triggers;

static mb_status read_columns(triggers *t) {
    for (size_t i = 0; i < N_COLUMNS; i++) {
        mb_array *column = &t->column[i];
        if (t->name[i] == NULL) {
            MB_TRY(mb_array_init(column, t->ctx, MB_U8, 1, t->column[FIRST].shape));
            continue;
        }
        MB_TRY(mb_score_file_read(t->ctx, t->name[i], i == LABELS ? "label" : "score", column));
        if (mb_array_count(column) != mb_array_count(&t->column[FIRST])) {
            return mb_fail(t->ctx, MB_ERR_SHAPE,
                "%s has %zu events but %s has %zu; give the same events in the same order",
                t->name[FIRST], mb_array_count(&t->column[FIRST]), t->name[i],
                mb_array_count(column));
        }
    }
    return MB_OK;
}

// The lowest score that at most n_allowed events reach, infinity where there is none. sorted rises.
static double lowest_score(const double *sorted, size_t n, double n_allowed) {
    double threshold = (double)INFINITY;
    for (size_t i = n; i-- > 0 && (double)(n - i) <= n_allowed;) {
        if (i == 0 || sorted[i - 1] < sorted[i]) {
            threshold = sorted[i];
        }
    }
    return threshold;
}

// Thresholds of background alone.
static mb_status find_threshold(const triggers *t, size_t which, double *threshold) {
    const mb_array *column = &t->column[which];
    const size_t n = mb_array_count(column);
    double *sorted = mb_allocate(t->ctx, n, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = MB_OK;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        sorted[i] = mb_array_get(column, i);
        if (isnan(sorted[i])) {
            status = mb_fail(t->ctx, MB_ERR_RANGE,
                "%s: event %zu: the score is no number; leave it out", t->name[which], i);
        }
    }
    if (status == MB_OK) {
        mb_sort_doubles(sorted, n);
        *threshold =
            lowest_score(sorted, n, floor(t->target_khz[which] * (double)n / t->input_khz));
    }
    mb_release(t->ctx, sorted);
    return status;
}

static mb_status measure(triggers *t) {
    const mb_values first = mb_values_of(&t->column[FIRST]);
    const mb_values second = mb_values_of(&t->column[SECOND]);
    const mb_values labels = mb_values_of(&t->column[LABELS]);
    if (t->name[LABELS] != NULL) {
        mb_rate_point point[2];
        return mb_overlap_at_rates(
            t->ctx, first, second, labels, t->target_khz, t->input_khz, point, &t->overlap);
    }
    double threshold[2];
    for (size_t i = 0; i < 2; i++) {
        MB_TRY(find_threshold(t, i, &threshold[i]));
    }
    return mb_overlap_at_thresholds(
        t->ctx, first, second, labels, threshold, t->input_khz, &t->overlap);
}

static mb_status write_parts(const triggers *t, const char *path) {
    const mb_overlap *o = &t->overlap;
    mb_buffer text;
    mb_buffer_init(&text, t->ctx);
    mb_buffer_text(&text, "part,background_events,rate_khz,rate_error_khz,signal_events,"
                          "signal_efficiency,signal_error\n");
    for (int i = 0; i < MB_OVERLAP_PARTS; i++) {
        mb_csv_put_text(&text, true, mb_overlap_part_name((mb_overlap_part)i));
        mb_csv_put_int64(&text, false, (int64_t)o->background[i]);
        mb_csv_put_double(&text, false, o->rate_khz[i]);
        mb_csv_put_double(&text, false, o->rate_error_khz[i]);
        mb_csv_put_int64(&text, false, (int64_t)o->signal[i].k);
        if (o->n_signal > 0) {
            mb_csv_put_double(&text, false, o->signal[i].value);
            mb_csv_put_double(&text, false, o->signal[i].error);
        } else {
            mb_buffer_text(&text, ",,");
        }
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, path);
}

static void tell_part(mb_answer *answer, mb_node *list, const mb_overlap *o, int i) {
    const char *name = mb_overlap_part_name((mb_overlap_part)i);
    mb_node *map = mb_answer_add_map(answer, list);
    mb_answer_put_text(answer, map, "part", name);
    mb_answer_put_int(answer, map, "background_events", (int64_t)o->background[i]);
    mb_answer_put_real(answer, map, "rate_khz", o->rate_khz[i]);
    mb_answer_put_real(answer, map, "rate_error_khz", o->rate_error_khz[i]);
    mb_answer_put_real(answer, map, "signal_efficiency", o->signal[i].value);
    mb_answer_put_real(answer, map, "signal_error", o->signal[i].error);
    char signal[96] = "";
    if (o->n_signal > 0) {
        mb_format(signal, sizeof signal, "   %.4f +- %.4f", o->signal[i].value, o->signal[i].error);
    }
    char rate[48];
    mb_format(rate, sizeof rate, "%.4g +- %.2g", o->rate_khz[i], o->rate_error_khz[i]);
    mb_answer_line(
        answer, "%-12s %10llu   %-20s%s", name, (unsigned long long)o->background[i], rate, signal);
}

static void tell_shared(
    mb_answer *answer, const char *key, const char *what, const mb_efficiency *shared) {
    mb_answer_put_real(answer, NULL, key, shared->value);
    if (shared->n > 0) {
        mb_answer_line(answer, "of the %s events that either accepts both accept %.4f +- %.4f",
            what, shared->value, shared->error);
    }
}

static void tell(mb_answer *answer, const triggers *t) {
    const mb_overlap *o = &t->overlap;
    static const char *const keys[] = {"first", "second"};
    mb_answer_put_real(answer, NULL, "input_khz", t->input_khz);
    mb_answer_put_int(answer, NULL, "background", (int64_t)o->n_background);
    mb_answer_put_int(answer, NULL, "signal", (int64_t)o->n_signal);
    mb_answer_line(answer, "%llu background and %llu signal events",
        (unsigned long long)o->n_background, (unsigned long long)o->n_signal);
    for (size_t i = 0; i < 2; i++) {
        mb_node *map = mb_answer_put_map(answer, NULL, keys[i]);
        mb_answer_put_text(answer, map, "file", t->name[i]);
        mb_answer_put_real(answer, map, "target_khz", t->target_khz[i]);
        mb_answer_put_real(answer, map, "threshold", o->threshold[i]);
        char rate[64];
        mb_rate_format(t->target_khz[i], rate, sizeof rate);
        if (isfinite(o->threshold[i])) {
            mb_answer_line(answer, "%s: %s at %s from score %.6g on", keys[i], t->name[i], rate,
                o->threshold[i]);
        } else {
            mb_answer_line(answer,
                "%s: %s accepts nothing at %s: no threshold has so few background events", keys[i],
                t->name[i], rate);
        }
    }
    mb_answer_line(answer, "%-12s %10s   %-20s%s", "accepted by", "background", "rate (kHz)",
        o->n_signal > 0 ? "   signal efficiency" : "");
    mb_node *list = mb_answer_put_list(answer, NULL, "parts");
    for (int i = 0; i < MB_OVERLAP_PARTS; i++) {
        tell_part(answer, list, o, i);
    }
    tell_shared(answer, "background_shared", "background", &o->background_shared);
    tell_shared(answer, "signal_shared", "signal", &o->signal_shared);
}

// One rate for both, or two between commas.
static mb_status read_targets(mb_context *ctx, const char *at, double target_khz[2]) {
    const char *comma = strchr(at, ',');
    if (comma == NULL) {
        MB_TRY(mb_rate_argument(ctx, "overlap", at, &target_khz[0]));
        target_khz[1] = target_khz[0];
        return MB_OK;
    }
    char first[64];
    mb_format(first, sizeof first, "%.*s", (int)mb_min_size((size_t)(comma - at), 60), at);
    MB_TRY(mb_rate_argument(ctx, "overlap", first, &target_khz[0]));
    return mb_rate_argument(ctx, "overlap", comma + 1, &target_khz[1]);
}

mb_status mb_calo_overlap(mb_context *ctx, const char *first, const char *second,
    const char *labels, const char *input_rate, const char *at, const char *output, bool is_forced,
    mb_answer **out) {
    *out = NULL;
    triggers t = {.ctx = ctx, .name = {first, second, labels}};
    MB_TRY(mb_rate_argument(ctx, "overlap", input_rate, &t.input_khz));
    MB_TRY(read_targets(ctx, at, t.target_khz));
    if (output != NULL) {
        MB_TRY(mb_check_absent(ctx, output, is_forced));
    }
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = read_columns(&t);
    if (status == MB_OK) {
        status = measure(&t);
    }
    if (status == MB_OK && output != NULL) {
        status = write_parts(&t, output);
    }
    if (status == MB_OK) {
        tell(answer, &t);
    }
    for (size_t i = 0; i < N_COLUMNS; i++) {
        mb_array_clear(&t.column[i]);
    }
    return mb_answer_finish(answer, status, out);
}
