// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/measure.h"

#include "study/score_files.h"
#include "study/rates.h"

#include <math.h>

void mb_answer_put_rate(mb_answer *answer, mb_node *map, const mb_rate_point *point) {
    const bool is_good = point->verdict == MB_RATE_OK;
    mb_answer_put_real(answer, map, "target_khz", point->target_khz);
    mb_answer_put_real(answer, map, "efficiency", is_good ? point->signal.value : NAN);
    mb_answer_put_real(answer, map, "efficiency_interpolated", point->efficiency_interpolated);
    mb_answer_put_real(answer, map, "threshold", is_good ? point->threshold : NAN);
    mb_answer_put_int(answer, map, "background_events", (int64_t)point->background_events);
    mb_answer_put_real(answer, map, "error", is_good ? point->signal.error : NAN);
}

static mb_status check_lengths(mb_context *ctx, const char *scores_name, const mb_array *scores,
    const char *labels_name, const mb_array *labels) {
    if (mb_array_count(scores) != mb_array_count(labels)) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s has %zu scores but %s has %zu labels; give one of each for every event",
            scores_name, mb_array_count(scores), labels_name, mb_array_count(labels));
    }
    return MB_OK;
}

static mb_status put_rates(
    mb_answer *answer, mb_context *ctx, const mb_roc *roc, const char *input_rate, const char *at) {
    double input = 0;
    MB_TRY(mb_rate_parse(ctx, input_rate, &input));
    mb_node *list = mb_answer_put_list(answer, NULL, "at");
    while (*at != '\0') {
        char rate[64];
        const size_t length = strcspn(at, ",");
        mb_format(rate, sizeof rate, "%.*s", (int)mb_min_size(length, 60), at);
        at += length + (at[length] == ',');
        double target = 0;
        mb_rate_point point;
        MB_TRY(mb_rate_parse(ctx, rate, &target));
        MB_TRY(mb_roc_at_rate(roc, ctx, input, target, &point));
        mb_answer_put_rate(answer, mb_answer_add_map(answer, list), &point);
        char khz[64];
        char text[512];
        mb_rate_point_text(&point, text, sizeof text);
        if (point.verdict == MB_RATE_OK) {
            mb_answer_line(answer, "at %s: efficiency %s; interpolated %.6f",
                mb_rate_format(target, khz, sizeof khz), text, point.efficiency_interpolated);
        } else {
            mb_answer_line(answer, "%s; interpolated %.6f", text, point.efficiency_interpolated);
        }
    }
    return MB_OK;
}

static mb_status measure(mb_answer *answer, mb_context *ctx, const mb_array *scores,
    const mb_array *labels, const char *input_rate, const char *at) {
    mb_roc roc;
    MB_TRY(mb_roc_make(&roc, ctx, mb_values_of(scores), mb_values_of(labels)));
    mb_answer_line(answer, "%llu signal and %llu background events",
        (unsigned long long)roc.n_signal, (unsigned long long)roc.n_background);
    mb_answer_line(answer, "AUC %.6f +- %.6f", roc.auc, roc.auc_error);
    mb_answer_put_real(answer, NULL, "auc", roc.auc);
    mb_answer_put_real(answer, NULL, "auc_error", roc.auc_error);
    mb_answer_put_int(answer, NULL, "signal", (int64_t)roc.n_signal);
    mb_answer_put_int(answer, NULL, "background", (int64_t)roc.n_background);
    const mb_status status = put_rates(answer, ctx, &roc, input_rate, at);
    mb_roc_clear(&roc);
    return status;
}

// A rate that is none is a mistake of who asks, not of the files.
static mb_status check_rates(mb_context *ctx, const char *input_rate, const char *at) {
    double khz = 0;
    const char *next = input_rate;
    char rate[64];
    while (next != NULL && *next != '\0') {
        const size_t length = next == input_rate ? strlen(next) : strcspn(next, ",");
        mb_format(rate, sizeof rate, "%.*s", (int)mb_min_size(length, 60), next);
        if (mb_rate_parse(ctx, rate, &khz) != MB_OK) {
            mb_context_clear(ctx);
            return mb_fail(ctx, MB_ERR_ARG,
                "roc: '%s' is not a positive rate; write a number with Hz, kHz, MHz or GHz, such "
                "as 5kHz",
                rate);
        }
        next = next == input_rate ? at : next + length + (next[length] == ',');
    }
    return MB_OK;
}

mb_status mb_roc_of_files(mb_context *ctx, const char *scores_name, const char *labels_name,
    const char *input_rate, const char *at, mb_answer **out) {
    *out = NULL;
    mb_array scores = {0};
    mb_array labels = {0};
    mb_answer *answer = NULL;
    MB_TRY(check_rates(ctx, input_rate, at));
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_status status = mb_score_file_read(ctx, scores_name, "score", &scores);
    if (status == MB_OK) {
        status = mb_score_file_read(ctx, labels_name, "label", &labels);
    }
    if (status == MB_OK) {
        status = check_lengths(ctx, scores_name, &scores, labels_name, &labels);
    }
    if (status == MB_OK) {
        status = measure(answer, ctx, &scores, &labels, input_rate, at);
    }
    mb_array_clear(&scores);
    mb_array_clear(&labels);
    return mb_answer_finish(answer, status, out);
}
