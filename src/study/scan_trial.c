// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/histogram.h"
#include "measure/roc.h"
#include "study/scan.h"

#include <math.h>
#include <time.h>

// One trial: a combination trained with as many seeds as the scan repeats.

typedef struct trial_run {
    mb_scan_state *scan;
    mb_context *ctx;
    const mb_study *study;
    const mb_dataset *dataset;
    const mb_model *model;
    uint32_t *train, *validation;
    size_t n_train, n_validation;
    double *figure, *best, *auc, *val_auc; // one for each repeat (and figure)
} trial_run;

static void stamp(char out[24]) {
    const time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts) == NULL || strftime(out, 24, "%m/%d/%y-%H%M%S", &parts) == 0) {
        out[0] = '\0';
    }
}

mb_status mb_scan_split(mb_scan_state *scan, mb_context *ctx, const mb_study *study,
    const mb_dataset *dataset, uint32_t **train, size_t *n_train, uint32_t **validation,
    size_t *n_validation) {
    // The split is written into a dataset that has rows and nothing else: the data is shared.
    mb_dataset rows;
    mb_dataset_init(&rows, ctx);
    mb_part part = study->fits[0].train.validation;
    mb_status status = mb_dataset_set_rows(&rows, ctx, dataset->n_rows);
    rows.own_split = dataset->own_split;
    const mb_node *own = scan->options.validation;
    if (status == MB_OK && own != NULL) {
        // As the original's scan: a bare number takes a random part.
        status = mb_part_read(
            ctx, (mb_document *)(uintptr_t)&study->document, own, "scan.validation", &part);
        if (status == MB_OK && mb_node_is_scalar(own)) {
            part.take = MB_TAKE_RANDOM;
        }
    }
    if (status == MB_OK) {
        status = mb_split_apply(&rows, ctx, &study->split, &part, study->seed);
    }
    if (status == MB_OK) {
        status = mb_dataset_rows_of(&rows, ctx, MB_SPLIT_TRAIN, train, n_train);
    }
    if (status == MB_OK) {
        status = mb_dataset_rows_of(&rows, ctx, MB_SPLIT_VALIDATION, validation, n_validation);
    }
    mb_dataset_clear(&rows);
    return status;
}

// AUC of the trained model on some rows; NaN where there are not two classes.
static mb_status measure_auc(
    const trial_run *t, const float *parameters, const uint32_t *rows, size_t n, double *out) {
    const mb_column *target = mb_dataset_target(t->dataset);
    const size_t width = mb_value_size(&t->model->values[t->model->outputs[0]].type);
    *out = (double)NAN;
    if (target == NULL || target->size != 1 || width != 1 || t->model->n_outputs != 1 || n == 0) {
        return MB_OK;
    }
    float *scores = mb_allocate(t->ctx, n, sizeof *scores);
    float *labels = mb_allocate(t->ctx, n, sizeof *labels);
    mb_status status = scores == NULL || labels == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        status = mb_predict_dataset(t->ctx, t->model, parameters, t->dataset, rows, n, &scores);
    }
    if (status == MB_OK) {
        status = mb_column_gather(target, t->ctx, rows, n, labels);
    }
    size_t n_signal = 0;
    bool is_binary = status == MB_OK;
    for (size_t i = 0; i < n && is_binary; i++) {
        is_binary = labels[i] == 0.0F || labels[i] == 1.0F;
        n_signal += labels[i] == 1.0F;
    }
    if (is_binary && n_signal > 0 && n_signal < n) {
        mb_roc roc = {0};
        status = mb_roc_make(&roc, t->ctx, mb_values_f32(scores, n), mb_values_f32(labels, n));
        *out = status == MB_OK ? roc.auc : (double)NAN;
        mb_roc_clear(&roc);
    }
    mb_release(t->ctx, scores);
    mb_release(t->ctx, labels);
    return status;
}

static void on_progress(void *user, const mb_fit_progress *progress) {
    const trial_run *t = user;
    const mb_progress shown = {.what = "trial",
        .epoch = progress->epoch + 1,
        .n_epochs = progress->n_epochs,
        .n_samples = progress->n_done,
        .n_total = progress->n_rows,
        .samples_per_second = progress->rows_per_second,
        .seconds_left = progress->eta_seconds,
        .names = progress->names,
        .figures = progress->figures,
        .n_figures = progress->n_figures};
    mb_journal_progress(&t->scan->journal, &shown);
}

static double history_at(const mb_fit_result *result, size_t epoch, const char *name) {
    for (size_t j = 0; j < result->n_columns; j++) {
        if (strcmp(result->columns[j], name) == 0) {
            return result->history[epoch * result->n_columns + j];
        }
    }
    return (double)NAN;
}

static mb_status train_once(trial_run *t, mb_trial *trial, size_t repeat, float *parameters) {
    const uint64_t seed = t->study->seed + repeat;
    MB_TRY(mb_model_initialize(t->ctx, t->model, seed, parameters));
    const mb_fit_request request = {.model = t->model,
        .parameters = parameters,
        .dataset = t->dataset,
        .train_rows = t->train,
        .n_train = t->n_train,
        .validation_rows = t->validation,
        .n_validation = t->n_validation,
        .train = &t->study->fits[0].train,
        .seed = seed,
        .cancel = &t->scan->journal.cancel,
        .hooks = {.user = t, .progress = on_progress}};
    mb_fit_result result = {0};
    mb_status status = mb_fit(t->ctx, &request, &result);
    if (status == MB_OK && result.n_epochs > 0) {
        const size_t n = t->scan->n_figures;
        // Which epoch was best: by the validation loss where nothing else was monitored.
        size_t best = result.best_epoch;
        for (size_t e = 0; result.monitor == NULL && e < result.n_epochs; e++) {
            const double here = history_at(&result, e, "val_loss");
            best = e == 0 || here < history_at(&result, best, "val_loss") ? e : best;
        }
        for (size_t i = 0; i < n; i++) {
            t->figure[repeat * n + i] =
                history_at(&result, result.n_epochs - 1, t->scan->figures[i]);
            t->best[repeat * n + i] = history_at(&result, best, t->scan->figures[i]);
        }
        trial->epochs = result.n_epochs;
        status = measure_auc(t, result.last, t->train, t->n_train, &t->auc[repeat]);
    }
    if (status == MB_OK) {
        status = measure_auc(t, result.last, t->validation, t->n_validation, &t->val_auc[repeat]);
    }
    mb_fit_result_clear(&result);
    return status;
}

static mb_moments moments_of(const double *values, size_t n, size_t step) {
    double column[1000];
    size_t count = 0;
    for (size_t i = 0; i < n && count < MB_COUNT_OF(column); i++) {
        column[count++] = values[i * step];
    }
    return mb_moments_of(mb_values_f64(column, count));
}

static void average(const trial_run *t, mb_trial *trial) {
    const size_t n = t->scan->options.repeats;
    const size_t n_figures = t->scan->n_figures;
    for (size_t i = 0; i < n_figures; i++) {
        const mb_moments last = moments_of(t->figure + i, n, n_figures);
        trial->figure[i] = last.mean;
        trial->spread[i] = last.sample_deviation;
        trial->best[i] = moments_of(t->best + i, n, n_figures).mean;
    }
    trial->auc = moments_of(t->auc, n, 1).mean;
    trial->val_auc = moments_of(t->val_auc, n, 1).mean;
}

static mb_status train_all(trial_run *t, mb_trial *trial, mb_arena *arena) {
    const size_t n = t->scan->options.repeats;
    const size_t n_figures = t->scan->n_figures;
    t->figure = mb_arena_allocate(arena, t->ctx, n * n_figures, sizeof(double));
    t->best = mb_arena_allocate(arena, t->ctx, n * n_figures, sizeof(double));
    t->auc = mb_arena_allocate(arena, t->ctx, n, sizeof(double));
    t->val_auc = mb_arena_allocate(arena, t->ctx, n, sizeof(double));
    float *parameters =
        mb_arena_allocate(arena, t->ctx, t->model->n_parameters, sizeof *parameters);
    if (t->figure == NULL || t->best == NULL || t->auc == NULL || t->val_auc == NULL ||
        parameters == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        MB_TRY(train_once(t, trial, i, parameters));
    }
    average(t, trial);
    return MB_OK;
}

// The training events asked for; a trial that asks for more than there are is left out.
static mb_status choose_rows(trial_run *t, mb_trial *trial) {
    MB_TRY(mb_scan_split(t->scan, t->ctx, t->study, t->dataset, &t->train, &t->n_train,
        &t->validation, &t->n_validation));
    const size_t wanted = t->study->train_events;
    if (wanted != SIZE_MAX && wanted > t->n_train) {
        trial->is_left_out = true;
        mb_format(trial->error, sizeof trial->error, "%zu training events asked for, %zu present",
            wanted, t->n_train);
        return MB_OK;
    }
    t->n_train = mb_min_size(t->n_train, wanted);
    trial->n_train = t->n_train;
    return MB_OK;
}

mb_status mb_scan_run_trial(
    mb_scan_state *scan, mb_context *ctx, size_t number, const mb_dataset *dataset) {
    mb_trial *trial = &scan->trials[number];
    trial_run t = {.scan = scan, .ctx = ctx, .dataset = dataset};
    mb_study *study = NULL;
    mb_model *model = NULL;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    bool has_weights = false;
    const double start = mb_seconds_now();
    stamp(trial->start);
    trial->auc = trial->val_auc = (double)NAN;
    for (size_t i = 0; i < MB_SCAN_MOST_FIGURES; i++) {
        trial->figure[i] = trial->best[i] = trial->spread[i] = (double)NAN;
    }
    mb_status status = mb_scan_log_claim(scan, ctx, number);
    if (status == MB_OK) {
        status = mb_scan_open_trial(scan, ctx, trial, &study);
    }
    t.study = study;
    if (status == MB_OK) {
        status = choose_rows(&t, trial);
    }
    if (status == MB_OK && !trial->is_left_out) {
        status = mb_study_build_model(ctx, study, &study->fits[0], dataset, &model, &has_weights);
        t.model = model;
        if (status == MB_OK) {
            status = train_all(&t, trial, &arena);
        }
    }
    if (status != MB_OK && status != MB_ERR_CANCELLED && status != MB_ERR_IO) {
        trial->is_failed = true;
        mb_format(trial->error, sizeof trial->error, "%.500s", mb_context_error_text(ctx));
        mb_context_clear(ctx);
        status = MB_OK;
    }
    if (status == MB_OK) {
        stamp(trial->end);
        trial->duration = mb_seconds_now() - start;
        trial->is_done = true;
        status = mb_scan_log_end(scan, ctx, number);
    }
    mb_release(ctx, t.train);
    mb_release(ctx, t.validation);
    mb_model_destroy(model);
    mb_study_destroy(study);
    mb_arena_clear(&arena);
    return status;
}
