// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/output.h"
#include "draw/figures_rate.h"
#include "files/csv.h"
#include "study/answer.h"
#include "study/score_files.h"

enum { MOST_CURVES = 32 };

// The curves of all files.
typedef struct curves {
    mb_context *ctx;
    const char *const *files;
    size_t n;
    double input_khz;
    mb_rate_curve curve[MOST_CURVES];
    char *label[MOST_CURVES];
} curves;

static mb_status make_curves(curves *c) {
    MB_TRY(mb_score_file_labels(c->ctx, c->files, c->n, c->label));
    for (size_t i = 0; i < c->n; i++) {
        mb_array scores = {.data = NULL};
        mb_status status = mb_score_file_read(c->ctx, c->files[i], "score", &scores);
        if (status == MB_OK) {
            status = mb_rate_curve_make(&c->curve[i], c->ctx, mb_values_of(&scores), c->input_khz);
            status = status == MB_OK ? status : mb_fail_within(c->ctx, "%s", c->files[i]);
        }
        mb_array_clear(&scores);
        MB_TRY(status);
    }
    return MB_OK;
}

static void clear(curves *c) {
    for (size_t i = 0; i < c->n; i++) {
        mb_rate_curve_clear(&c->curve[i]);
        mb_release(c->ctx, c->label[i]);
    }
}

static mb_status write_curves(const curves *c, const char *path) {
    mb_buffer text;
    mb_buffer_init(&text, c->ctx);
    mb_buffer_text(&text, "score,threshold,rate_khz\n");
    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < c->curve[i].n; k++) {
            mb_csv_put_text(&text, true, c->label[i]);
            mb_csv_put_double(&text, false, c->curve[i].threshold[k]);
            mb_csv_put_double(&text, false, c->curve[i].rate_khz[k]);
            mb_csv_end_row(&text);
        }
    }
    return mb_write_buffer(&text, path);
}

static mb_status add_ratio(const curves *c, size_t i, mb_buffer *text) {
    mb_rate_ratio ratio[MB_RATE_RATIO_POINTS];
    const mb_status status = mb_rate_curve_ratio(c->ctx, &c->curve[i], &c->curve[0], ratio);
    if (status == MB_ERR_RANGE) {
        mb_context_clear(c->ctx);
        mb_notice(c->ctx, MB_NOTICE_WARNING, c->files[i],
            "shares no thresholds with %s; there is no ratio", c->files[0]);
        return MB_OK;
    }
    MB_TRY(status);
    for (size_t k = 0; k < MB_RATE_RATIO_POINTS; k++) {
        mb_csv_put_text(text, true, c->label[i]);
        mb_csv_put_double(text, false, ratio[k].threshold);
        mb_csv_put_double(text, false, ratio[k].rate_khz[0]);
        mb_csv_put_double(text, false, ratio[k].rate_khz[1]);
        mb_csv_put_double(text, false, ratio[k].ratio);
        mb_csv_end_row(text);
    }
    return MB_OK;
}

static mb_status write_ratios(const curves *c, const char *directory) {
    char *path = mb_path_join(c->ctx, directory, "ratio.csv");
    mb_buffer text;
    mb_buffer_init(&text, c->ctx);
    mb_buffer_text(&text, "score,threshold,rate_khz,first_rate_khz,ratio\n");
    mb_status status = path != NULL ? MB_OK : MB_ERR_MEMORY;
    for (size_t i = 1; status == MB_OK && i < c->n; i++) {
        status = add_ratio(c, i, &text);
    }
    if (status == MB_OK) {
        status = mb_write_buffer(&text, path);
    }
    mb_buffer_clear(&text);
    mb_release(c->ctx, path);
    return status;
}

static mb_status draw(const curves *c, const char *directory) {
    char *folder = mb_path_join(c->ctx, directory, "plots");
    mb_gallery *gallery = NULL;
    mb_rate_line lines[MOST_CURVES];
    for (size_t i = 0; i < c->n; i++) {
        lines[i] = (mb_rate_line){c->label[i], &c->curve[i]};
    }
    mb_status status =
        folder != NULL ? mb_gallery_open(c->ctx, folder, NULL, &gallery) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_draw_rate_curves(gallery, c->ctx, "rate_curve", "Score", lines, c->n);
    }
    if (status == MB_OK) {
        status = mb_gallery_draw(gallery, c->ctx);
    }
    mb_gallery_destroy(gallery);
    mb_release(c->ctx, folder);
    return status;
}

// The lowest score with at most so much rate above it.
static double threshold_at(const mb_rate_curve *curve, double khz) {
    // A rate that is met exactly counts, however its fraction was rounded.
    const double most = khz * (1 + 1e-12);
    size_t i = curve->n - 1;
    while (i > 0 && curve->rate_khz[i - 1] <= most) {
        i--;
    }
    return curve->threshold[i];
}

static void tell(mb_answer *answer, const curves *c, const char *directory) {
    static const double rates[] = {5, 3, 1};
    mb_answer_put_real(answer, NULL, "input_khz", c->input_khz);
    mb_answer_put_text(answer, NULL, "directory", directory);
    mb_node *list = mb_answer_put_list(answer, NULL, "scores");
    for (size_t i = 0; i < c->n; i++) {
        const mb_rate_curve *curve = &c->curve[i];
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "name", c->label[i]);
        mb_answer_put_text(answer, map, "file", c->files[i]);
        mb_answer_put_int(answer, map, "events", (int64_t)curve->n);
        mb_answer_put_real(answer, map, "lowest", curve->threshold[0]);
        mb_answer_put_real(answer, map, "highest", curve->threshold[curve->n - 1]);
        mb_answer_line(answer, "%s: %zu scores from %.6g to %.6g", c->label[i], curve->n,
            curve->threshold[0], curve->threshold[curve->n - 1]);
        mb_node *at = mb_answer_put_list(answer, map, "at");
        for (size_t k = 0; k < MB_COUNT_OF(rates); k++) {
            const double threshold = threshold_at(curve, rates[k]);
            mb_node *point = mb_answer_add_map(answer, at);
            mb_answer_put_real(answer, point, "rate_khz", rates[k]);
            mb_answer_put_real(answer, point, "threshold", threshold);
            mb_answer_line(answer, "  %g kHz from score %.6g on", rates[k], threshold);
        }
    }
    mb_answer_line(
        answer, "%s: rate_curve.csv, %splots/", directory, c->n > 1 ? "ratio.csv, " : "");
}

static mb_status run(curves *c, mb_answer *answer, const char *path, const char *directory) {
    MB_TRY(make_curves(c));
    MB_TRY(mb_make_directory(c->ctx, directory));
    if (c->n > 1) {
        MB_TRY(write_ratios(c, directory));
    }
    MB_TRY(draw(c, directory));
    // Written last: its presence says that the folder is complete.
    MB_TRY(write_curves(c, path));
    tell(answer, c, directory);
    return MB_OK;
}

mb_status mb_calo_rate_curve(mb_context *ctx, const char *const *scores, size_t n,
    const char *input_rate, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    curves c = {.ctx = ctx, .files = scores, .n = n};
    MB_TRY(mb_rate_argument(ctx, "rate-curve", input_rate, &c.input_khz));
    if (n == 0 || n > MOST_CURVES) {
        return mb_fail(
            ctx, MB_ERR_ARG, "rate-curve: %zu files of scores; give 1 to %d", n, MOST_CURVES);
    }
    char *path = NULL;
    MB_TRY(mb_result_path(ctx, directory, "rate_curve.csv", is_forced, &path));
    mb_answer *answer = NULL;
    mb_status status = mb_answer_create(ctx, &answer);
    if (status == MB_OK) {
        status = run(&c, answer, path, directory);
    }
    clear(&c);
    mb_release(ctx, path);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
