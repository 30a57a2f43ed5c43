// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/output.h"
#include "exchange/bundle_file.h"
#include "measure/histogram.h"
#include "measure/roc.h"
#include "study/round_training.h"
#include "study/scan.h"

#include <math.h>
#include <time.h>

// One trial: a combination trained with as many seeds as the scan repeats.

typedef struct trial_run {
    mb_scan_state *scan;
    mb_context *ctx;
    mb_study *study;
    const mb_dataset *dataset;
    const mb_model *model;
    const float *first; // the weights of a model that comes with them, or NULL
    uint32_t *train, *validation;
    size_t n_train, n_validation;
    size_t number, rung;
    const char *checkpoint;                // of this repeat
    double begin;                          // of this stretch
    double *figure, *best, *auc, *val_auc; // one for each repeat (and figure)
    mb_rung_figure *reached;               // one for each repeat
    mb_fit_result kept;                    // of the best repeat
    uint64_t kept_seed;
    double kept_figure;
} trial_run;

// Time of the day as the original's tables have it: MM/DD/YY-HHMMSS.
static void put_stamp(char out[24]) {
    const time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts) == NULL || strftime(out, 24, "%m/%d/%y-%H%M%S", &parts) == 0) {
        out[0] = '\0';
    }
}

mb_status mb_scan_validation(
    const mb_scan_state *scan, mb_context *ctx, const mb_study *study, mb_part *out) {
    const mb_node *own = scan->options.validation;
    *out = mb_scan_fit(scan, study)->train.validation;
    if (own == NULL) {
        return MB_OK;
    }
    // As the original's scan: a bare number takes a random part.
    MB_TRY(mb_part_read(
        ctx, (mb_document *)(uintptr_t)&scan->study->document, own, "scan.validation", out));
    out->take = mb_node_is_scalar(own) ? MB_TAKE_RANDOM : out->take;
    return MB_OK;
}

static mb_status split_rows(const mb_scan_state *scan, mb_context *ctx, const mb_study *study,
    const mb_dataset *dataset, const mb_part *part, mb_dataset *rows) {
    const char *on = mb_scan_fit(scan, study)->on;
    if (on == NULL) {
        return mb_split_apply(rows, ctx, &study->split, part, study->seed);
    }
    const mb_row_set *set = mb_dataset_find_set(dataset, on);
    if (set == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: fits: the data has no sample '%.60s' to be on; write the name of one", study->path,
            on);
    }
    return mb_split_set(rows->split, rows->n_rows, ctx, set, part, study->seed);
}

// Rows of training and validation for a study, on a dataset whose split is not touched.
static mb_status split_trial(mb_scan_state *scan, mb_context *ctx, const mb_study *study,
    const mb_dataset *dataset, uint32_t **train, size_t *n_train, uint32_t **validation,
    size_t *n_validation) {
    // The split is written into a dataset that has rows and nothing else: the data is shared.
    mb_dataset rows;
    mb_dataset_init(&rows, ctx);
    mb_part part;
    mb_status status = mb_dataset_set_rows(&rows, ctx, dataset->n_rows);
    rows.own_split = dataset->own_split;
    if (status == MB_OK) {
        status = mb_scan_validation(scan, ctx, study, &part);
    }
    if (status == MB_OK) {
        status = split_rows(scan, ctx, study, dataset, &part, &rows);
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
    mb_training_show(&t->scan->journal, "trial", 0, progress);
}

// A short trial is begun anew rather than stored: the disk would take longer than the training.
static const double least_checkpoint_seconds = 30;

static mb_status on_checkpoint(void *user, mb_context *ctx, const mb_bundle *bundle) {
    const trial_run *t = user;
    const bool is_short = mb_seconds_now() - t->begin < least_checkpoint_seconds;
    if (is_short && t->rung >= mb_scan_rungs(t->scan)) {
        return MB_OK;
    }
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *folder = mb_scan_trial_file(t->scan, ctx, &arena, t->number, "");
    mb_status status = folder == NULL ? MB_ERR_MEMORY : mb_make_directory(ctx, folder);
    if (status == MB_OK) {
        status = mb_bundle_save(ctx, bundle, t->checkpoint);
    }
    mb_arena_clear(&arena);
    return status;
}

static double history_at(const mb_fit_result *result, size_t epoch, const char *name) {
    const char *column = strcmp(name, "lr") == 0 ? "learning_rate" : name;
    for (size_t j = 0; j < result->n_columns; j++) {
        if (strcmp(result->columns[j], column) == 0) {
            return result->history[epoch * result->n_columns + j];
        }
    }
    return (double)NAN;
}

static mb_rung_figure reach_of(const mb_scan_state *scan, const mb_fit_result *result) {
    const char *name = scan->figures[scan->sort];
    mb_rung_figure reached = {(double)NAN, (double)NAN, (double)NAN};
    double sum = 0;
    for (size_t e = 0; e < result->n_epochs; e++) {
        const double here = history_at(result, e, name);
        const bool is_better =
            scan->is_better_higher[scan->sort] ? here > reached.best : here < reached.best;
        reached.best = e == 0 || is_better ? here : reached.best;
        reached.last = here;
        sum += here;
    }
    reached.mean = result->n_epochs > 0 ? sum / (double)result->n_epochs : (double)NAN;
    return reached;
}

static mb_status note_result(
    trial_run *t, mb_trial *trial, size_t repeat, const mb_fit_result *result) {
    const mb_scan_state *scan = t->scan;
    const size_t n = scan->n_figures;
    for (size_t i = 0; i < n && result->n_epochs > 0; i++) {
        t->figure[repeat * n + i] = history_at(result, result->n_epochs - 1, scan->figures[i]);
        t->best[repeat * n + i] = history_at(result, result->best_epoch, scan->figures[i]);
    }
    trial->epochs = result->n_epochs;
    t->reached[repeat] = reach_of(scan, result);
    t->auc[repeat] = t->val_auc[repeat] = (double)NAN;
    if (t->rung < mb_scan_rungs(scan)) {
        return MB_OK;
    }
    MB_TRY(measure_auc(t, result->last, t->train, t->n_train, &t->auc[repeat]));
    return measure_auc(t, result->last, t->validation, t->n_validation, &t->val_auc[repeat]);
}

// Of several repeats the model of the best one is kept. Takes the result.
static void keep_result(trial_run *t, size_t repeat, uint64_t seed, mb_fit_result *result) {
    const mb_scan_state *scan = t->scan;
    const double here = t->figure[repeat * scan->n_figures + scan->sort];
    const bool is_better =
        scan->is_better_higher[scan->sort] ? here > t->kept_figure : here < t->kept_figure;
    if (t->kept.runtime == NULL || is_better || isnan(t->kept_figure)) {
        mb_fit_result_clear(&t->kept);
        t->kept = *result;
        t->kept_seed = seed;
        t->kept_figure = here;
        *result = (mb_fit_result){0};
    }
}

static mb_status first_weights(const trial_run *t, uint64_t seed, float *parameters) {
    if (t->first != NULL) {
        memcpy(parameters, t->first, t->model->n_parameters * sizeof *parameters);
        return MB_OK;
    }
    return mb_model_initialize(t->ctx, t->model, seed, parameters);
}

static mb_status train_once(trial_run *t, mb_trial *trial, size_t repeat, float *parameters) {
    const uint64_t seed = t->study->seed + repeat;
    mb_train train = mb_scan_fit(t->scan, t->study)->train;
    trial->n_planned = train.options.epochs;
    train.options.epochs = mb_scan_rung_epochs(t->scan, train.options.epochs, t->rung);
    MB_TRY(first_weights(t, seed, parameters));
    mb_bundle checkpoint;
    mb_bundle_init(&checkpoint, t->ctx);
    const mb_fit_request request = {.model = t->model,
        .parameters = parameters,
        .dataset = t->dataset,
        .train_rows = t->train,
        .n_train = t->n_train,
        .validation_rows = t->validation,
        .n_validation = t->n_validation,
        .train = &train,
        .seed = seed,
        .best_by = t->n_validation > 0 ? "val_loss" : NULL,
        .resume = mb_path_exists(t->checkpoint) ? &checkpoint : NULL,
        .cancel = &t->scan->journal.cancel,
        .hooks = {.user = t,
            .least_seconds = least_checkpoint_seconds,
            .progress = on_progress,
            .save_checkpoint = on_checkpoint}};
    mb_fit_result result = {0};
    mb_status status =
        request.resume != NULL ? mb_bundle_load(t->ctx, t->checkpoint, &checkpoint) : MB_OK;
    if (status == MB_OK) {
        status = mb_fit(t->ctx, &request, &result);
    }
    if (status == MB_OK) {
        status = note_result(t, trial, repeat, &result);
    }
    if (status == MB_OK) {
        keep_result(t, repeat, seed, &result);
    }
    mb_fit_result_clear(&result);
    mb_bundle_clear(&checkpoint);
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
    if (t->rung < mb_scan_rungs(t->scan)) {
        const size_t step = sizeof *t->reached / sizeof(double);
        trial->rung[t->rung] = (mb_rung_figure){.best = moments_of(&t->reached->best, n, step).mean,
            .mean = moments_of(&t->reached->mean, n, step).mean,
            .last = moments_of(&t->reached->last, n, step).mean};
    }
}

static mb_status train_all(trial_run *t, mb_trial *trial, mb_arena *arena) {
    const size_t n = t->scan->options.repeats;
    const size_t n_figures = t->scan->n_figures;
    t->figure = mb_arena_allocate(arena, t->ctx, n * n_figures, sizeof(double));
    t->best = mb_arena_allocate(arena, t->ctx, n * n_figures, sizeof(double));
    t->auc = mb_arena_allocate(arena, t->ctx, n, sizeof(double));
    t->val_auc = mb_arena_allocate(arena, t->ctx, n, sizeof(double));
    t->reached = mb_arena_allocate(arena, t->ctx, n, sizeof *t->reached);
    float *parameters =
        mb_arena_allocate(arena, t->ctx, t->model->n_parameters, sizeof *parameters);
    if (t->figure == NULL || t->best == NULL || t->auc == NULL || t->val_auc == NULL ||
        t->reached == NULL || parameters == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n * n_figures; i++) {
        t->figure[i] = t->best[i] = (double)NAN;
    }
    for (size_t i = 0; i < n; i++) {
        char name[48];
        mb_format(name, sizeof name, "%zu.checkpoint.h5", i);
        t->checkpoint = mb_scan_trial_file(t->scan, t->ctx, arena, t->number, name);
        if (t->checkpoint == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(train_once(t, trial, i, parameters));
    }
    average(t, trial);
    return MB_OK;
}

// The training events asked for; a trial that asks for more than there are is left out.
static mb_status choose_rows(trial_run *t, mb_trial *trial) {
    MB_TRY(split_trial(t->scan, t->ctx, t->study, t->dataset, &t->train, &t->n_train,
        &t->validation, &t->n_validation));
    const size_t wanted = t->study->train_events;
    if (wanted != SIZE_MAX && wanted > t->n_train) {
        trial->state = MB_TRIAL_LEFT_OUT;
        mb_format(trial->error, sizeof trial->error, "%zu training events asked for, %zu present",
            wanted, t->n_train);
        return MB_OK;
    }
    t->n_train = mb_min_size(t->n_train, wanted);
    trial->n_train = t->n_train;
    return MB_OK;
}

static mb_status train_trial(trial_run *t, mb_trial *trial) {
    mb_model *model = NULL;
    mb_arena arena;
    mb_arena_init(&arena, t->ctx);
    bool has_weights = false;
    mb_status status = mb_scan_open_trial(t->scan, t->ctx, trial, &t->study);
    if (status == MB_OK) {
        status = choose_rows(t, trial);
    }
    if (status == MB_OK && trial->state == MB_TRIAL_OPEN) {
        status = mb_study_build_model(
            t->ctx, t->study, mb_scan_fit(t->scan, t->study), t->dataset, &model, &has_weights);
        if (status == MB_OK) {
            t->model = model;
            t->first = has_weights ? model->parameters : NULL;
            status = train_all(t, trial, &arena);
        }
    }
    if (status == MB_OK && t->model != NULL && t->rung >= mb_scan_rungs(t->scan)) {
        trial->state = MB_TRIAL_DONE;
        mb_scan_model kept = {.study = t->study,
            .dataset = t->dataset,
            .model = model,
            .result = &t->kept,
            .seed = t->kept_seed,
            .n_train = t->n_train,
            .n_validation = t->n_validation};
        if (t->kept.n_epochs > 0 && mb_scan_is_kept(t->scan, t->number)) {
            status = mb_scan_save_model(t->scan, t->ctx, t->number, &kept);
        }
    } else if (status == MB_OK && t->model != NULL) {
        trial->n_rungs = t->rung + 1;
    }
    mb_fit_result_clear(&t->kept);
    mb_model_destroy(model);
    mb_study_destroy(t->study);
    mb_release(t->ctx, t->train);
    mb_release(t->ctx, t->validation);
    mb_arena_clear(&arena);
    return status;
}

static void clear_figures(mb_trial *trial) {
    trial->auc = trial->val_auc = (double)NAN;
    for (size_t i = 0; i < MB_SCAN_MOST_FIGURES; i++) {
        trial->figure[i] = trial->best[i] = trial->spread[i] = (double)NAN;
    }
}

mb_status mb_scan_fail_trial(mb_scan_state *scan, mb_context *ctx, size_t number) {
    mb_trial *trial = &scan->trials[number];
    clear_figures(trial);
    trial->state = MB_TRIAL_FAILED;
    mb_format(trial->error, sizeof trial->error, "%.500s", mb_context_error_text(ctx));
    mb_context_clear(ctx);
    if (trial->start[0] == '\0') {
        put_stamp(trial->start);
    }
    put_stamp(trial->end);
    return mb_scan_log_put(scan, ctx, number);
}

mb_status mb_scan_run_trial(
    mb_scan_state *scan, mb_context *ctx, size_t number, const mb_dataset *dataset, size_t rung) {
    mb_trial *trial = &scan->trials[number];
    trial_run t = {.scan = scan,
        .ctx = ctx,
        .dataset = dataset,
        .number = number,
        .rung = rung,
        .begin = mb_seconds_now()};
    clear_figures(trial);
    if (trial->n_rungs == 0) {
        put_stamp(trial->start);
        MB_TRY(mb_scan_log_claim(scan, ctx, number));
    }
    mb_status status = train_trial(&t, trial);
    trial->duration += mb_seconds_now() - t.begin;
    if (status != MB_OK && status != MB_ERR_CANCELLED && status != MB_ERR_IO) {
        trial->epochs = 0;
        status = mb_scan_fail_trial(scan, ctx, number);
    } else if (status == MB_OK) {
        put_stamp(trial->end);
        status = mb_scan_log_put(scan, ctx, number);
    }
    return status == MB_OK && trial->state != MB_TRIAL_OPEN
               ? mb_scan_drop_checkpoints(scan, ctx, number)
               : status;
}
