// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/output.h"
#include "draw/figures_rate.h"
#include "files/csv.h"
#include "study/answer.h"
#include "study/score_files.h"

enum { N_POINTS = 1000, MOST_FOLDS = 1000 };

// 0, where the curves are forced to 0, then equal steps of the logarithm from one background event
// of a fold on: a trigger works at the lowest rates.
static void fill_rates(double rate[N_POINTS], mb_values labels, size_t n_folds) {
    size_t n_background = 0;
    for (size_t i = 0; i < labels.n; i++) {
        n_background += mb_values_get(labels, i) == 0;
    }
    const size_t n = mb_max_size(n_background / n_folds, 2);
    rate[0] = 0;
    mb_false_rates_log(rate + 1, N_POINTS - 1, 1.0 / (double)n);
}

static mb_status make_band(mb_context *ctx, const mb_array *scores, const mb_array *labels,
    const mb_calo_folds *settings, mb_roc_band *band) {
    uint32_t *fold = mb_allocate(ctx, mb_array_count(scores), sizeof *fold);
    if (fold == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_values of_labels = mb_values_of(labels);
    double rate[N_POINTS];
    mb_status status =
        settings->is_stratified
            ? mb_folds_random(ctx, of_labels, settings->n_folds, settings->seed, fold)
            : mb_folds_consecutive(ctx, of_labels, settings->n_folds, fold);
    if (status == MB_OK) {
        fill_rates(rate, of_labels, settings->n_folds);
        status = mb_roc_band_make(
            band, ctx, mb_values_of(scores), of_labels, fold, settings->n_folds, rate, N_POINTS);
    }
    mb_release(ctx, fold);
    return status;
}

static mb_status write_band(mb_context *ctx, const char *path, const mb_roc_band *band) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "false_rate,mean,deviation");
    for (size_t k = 0; k < band->n_folds; k++) {
        mb_buffer_format(&text, ",fold%zu", k + 1);
    }
    mb_csv_end_row(&text);
    for (size_t i = 0; i < band->n_points; i++) {
        mb_csv_put_double(&text, true, band->false_rate[i]);
        mb_csv_put_double(&text, false, band->mean[i]);
        mb_csv_put_double(&text, false, band->deviation[i]);
        for (size_t k = 0; k < band->n_folds; k++) {
            mb_csv_put_double(&text, false, band->true_rate[k * band->n_points + i]);
        }
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, path);
}

static mb_status draw(mb_context *ctx, const char *directory, const mb_roc_band *band) {
    char *folder = mb_path_join(ctx, directory, "plots");
    mb_gallery *gallery = NULL;
    mb_status status =
        folder != NULL ? mb_gallery_open(ctx, folder, NULL, &gallery) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = mb_draw_roc_band(gallery, ctx, "roc_folds", NULL, band);
    }
    if (status == MB_OK) {
        status = mb_gallery_draw(gallery, ctx);
    }
    mb_gallery_destroy(gallery);
    mb_release(ctx, folder);
    return status;
}

static void tell(mb_answer *answer, const mb_roc_band *band, const char *directory) {
    mb_answer_put_int(answer, NULL, "folds", (int64_t)band->n_folds);
    mb_answer_put_real(answer, NULL, "auc_mean", band->auc_mean);
    mb_answer_put_real(answer, NULL, "auc_deviation", band->auc_deviation);
    mb_node *list = mb_answer_put_list(answer, NULL, "auc");
    for (size_t k = 0; k < band->n_folds; k++) {
        mb_answer_add_real(answer, list, band->auc[k]);
        mb_answer_line(answer, "fold %zu: AUC %.6f", k + 1, band->auc[k]);
    }
    mb_answer_put_text(answer, NULL, "directory", directory);
    mb_answer_line(answer, "mean AUC %.6f, standard deviation of the folds %.6f", band->auc_mean,
        band->auc_deviation);
    mb_answer_line(answer, "%s: roc_folds.csv, plots/", directory);
}

static mb_status run(mb_context *ctx, mb_answer *answer, const mb_array *scores,
    const mb_array *labels, const mb_calo_folds *settings, const char *path,
    const char *directory) {
    mb_roc_band band = {.n_points = 0};
    mb_status status = make_band(ctx, scores, labels, settings, &band);
    if (status == MB_OK) {
        status = mb_make_directory(ctx, directory);
    }
    if (status == MB_OK) {
        status = draw(ctx, directory, &band);
    }
    if (status == MB_OK) {
        status = write_band(ctx, path, &band);
    }
    if (status == MB_OK) {
        tell(answer, &band, directory);
    }
    mb_roc_band_clear(&band);
    return status;
}

mb_status mb_calo_roc_folds(mb_context *ctx, const char *scores_name, const char *labels_name,
    const mb_calo_folds *settings, const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    if (settings->n_folds < 2 || settings->n_folds > MOST_FOLDS) {
        return mb_fail(
            ctx, MB_ERR_ARG, "roc-folds: %zu folds; write 2 to %d", settings->n_folds, MOST_FOLDS);
    }
    char *path = NULL;
    MB_TRY(mb_result_path(ctx, directory, "roc_folds.csv", is_forced, &path));
    mb_array scores = {.data = NULL};
    mb_array labels = {.data = NULL};
    mb_answer *answer = NULL;
    mb_status status = mb_answer_create(ctx, &answer);
    if (status == MB_OK) {
        status = mb_score_file_read(ctx, scores_name, "score", &scores);
    }
    if (status == MB_OK) {
        status = mb_score_file_read(ctx, labels_name, "label", &labels);
    }
    if (status == MB_OK && mb_array_count(&scores) != mb_array_count(&labels)) {
        status = mb_fail(ctx, MB_ERR_SHAPE,
            "%s has %zu scores but %s has %zu labels; give one of each for every event",
            scores_name, mb_array_count(&scores), labels_name, mb_array_count(&labels));
    }
    if (status == MB_OK) {
        status = run(ctx, answer, &scores, &labels, settings, path, directory);
    }
    mb_array_clear(&scores);
    mb_array_clear(&labels);
    mb_release(ctx, path);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
