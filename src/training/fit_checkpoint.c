// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

// What a checkpoint must agree on with the fit that resumes it. The number of epochs may grow.
static void identify(const fit_run *run, char out[65]) {
    const mb_fit_request *request = run->request;
    const mb_train_options *options = &run->train->options;
    const uint64_t numbers[] = {request->seed, request->n_train, request->n_validation,
        options->batch, options->shuffle, options->drop_last, run->model->n_parameters,
        run->n_figures, run->n_outputs};
    mb_sha256 sha;
    mb_sha256_init(&sha);
    mb_sha256_update(&sha, numbers, sizeof numbers);
    mb_sha256_update(&sha, request->train_rows, request->n_train * sizeof *request->train_rows);
    mb_sha256_update(
        &sha, request->validation_rows, request->n_validation * sizeof *request->validation_rows);
    mb_sha256_update(&sha, run->train->loss.ops->name, strlen(run->train->loss.ops->name));
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        const char *name = run->train->metrics[k].name;
        mb_sha256_update(&sha, name, strlen(name) + 1);
    }
    for (size_t k = 0; k < run->model->n_weights; k++) {
        const mb_weight *weight = run->model->weights[k];
        mb_sha256_update(&sha, weight->layer->name, strlen(weight->layer->name) + 1);
        mb_sha256_update(&sha, weight->name, strlen(weight->name) + 1);
        mb_sha256_update(&sha, &weight->count, sizeof weight->count);
    }
    mb_sha256_hex(&sha, out);
}

enum {
    POSITION_EPOCH,
    POSITION_STEP,
    POSITION_DONE,
    POSITION_STEPS,
    POSITION_STOP,
    POSITION_HAS_BEST,
    POSITION_BEST_EPOCH,
    POSITION_HISTORY,
    POSITION_SCORES,
    N_POSITIONS
};

enum { SUM_ROWS, SUM_LOSS, SUM_PENALTY, SUM_BEST, SUM_SECONDS, SUM_EPOCH_SECONDS, SUM_METRICS };
enum { N_SUMS = SUM_METRICS + MB_MOST_METRICS };

static mb_status put_position(const fit_run *run, mb_context *ctx, mb_bundle *bundle) {
    double position[N_POSITIONS] = {[POSITION_EPOCH] = (double)run->epoch,
        [POSITION_STEP] = (double)run->step,
        [POSITION_DONE] = (double)run->n_done,
        [POSITION_STEPS] = (double)run->n_steps,
        [POSITION_STOP] = run->stop ? 1.0 : 0.0,
        [POSITION_HAS_BEST] = run->has_best ? 1.0 : 0.0,
        [POSITION_BEST_EPOCH] = (double)run->result->best_epoch,
        [POSITION_HISTORY] = (double)run->result->n_epochs,
        [POSITION_SCORES] = (double)run->training.n_scores};
    double sums[N_SUMS] = {[SUM_ROWS] = run->training.n_rows,
        [SUM_LOSS] = run->training.loss,
        [SUM_PENALTY] = run->penalty,
        [SUM_BEST] = run->best_figure,
        [SUM_SECONDS] = run->earlier_seconds + mb_seconds_now() - run->begin,
        [SUM_EPOCH_SECONDS] = run->epoch_earlier_seconds + mb_seconds_now() - run->epoch_begin};
    memcpy(sums + SUM_METRICS, run->training.metric, sizeof run->training.metric);
    MB_TRY(mb_bundle_put_doubles(bundle, ctx, "fit/position", position, N_POSITIONS));
    return mb_bundle_put_doubles(bundle, ctx, "fit/sums", sums, N_SUMS);
}

static mb_status fill_bundle(const fit_run *run, mb_context *ctx, mb_bundle *bundle) {
    const mb_fit_result *result = run->result;
    const size_t n = run->model->n_parameters;
    char identity[65];
    identify(run, identity);
    MB_TRY(mb_bundle_put_text(bundle, ctx, "fit/identity", identity));
    MB_TRY(put_position(run, ctx, bundle));
    MB_TRY(mb_bundle_put_floats(bundle, ctx, "fit/parameters", result->last, n));
    MB_TRY(mb_bundle_put_floats(bundle, ctx, "fit/best", result->best, n));
    MB_TRY(mb_bundle_put_doubles(
        bundle, ctx, "fit/history", result->history, result->n_epochs * result->n_columns));
    if (run->training.scores != NULL) {
        mb_array labels;
        const size_t n_scores = run->training.n_scores;
        MB_TRY(mb_bundle_put_floats(bundle, ctx, "fit/scores", run->training.scores, n_scores));
        MB_TRY(mb_array_init(&labels, ctx, MB_U8, 1, &n_scores));
        if (n_scores > 0) {
            memcpy(labels.data, run->training.labels, n_scores);
        }
        MB_TRY(mb_bundle_put(bundle, ctx, "fit/labels", &labels));
    }
    MB_TRY(mb_optimizer_save(&run->optimizer, ctx, bundle));
    for (size_t i = 0; i < run->n_callbacks; i++) {
        MB_TRY(mb_callback_save(&run->callbacks[i], ctx, i, n, bundle));
    }
    return MB_OK;
}

mb_status mb_fit_save_checkpoint(fit_run *run, mb_context *ctx) {
    const mb_fit_hooks *hooks = &run->request->hooks;
    if (hooks->save_checkpoint == NULL) {
        return MB_OK;
    }
    mb_bundle bundle;
    mb_bundle_init(&bundle, ctx);
    mb_status status = fill_bundle(run, ctx, &bundle);
    if (status == MB_OK) {
        status = hooks->save_checkpoint(hooks->user, ctx, &bundle);
    }
    mb_bundle_clear(&bundle);
    run->last_checkpoint = mb_seconds_now();
    return status;
}

static mb_status fail_damaged(mb_context *ctx, const char *name) {
    return mb_fail(ctx, MB_ERR_FORMAT,
        "checkpoint: '%s' does not fit this training; delete the checkpoint and start afresh",
        name);
}

// A whole number that a double holds exactly, up to most.
static bool read_count(double value, size_t most, size_t *out) {
    if (!(value >= 0.0 && value <= (double)most)) {
        return false;
    }
    *out = (size_t)value;
    return (double)*out == value;
}

// What belongs together: rows done follow from the steps, and scores and history from both.
static bool is_consistent(const fit_run *run, size_t n_history, size_t n_scores) {
    const size_t n_train = run->request->n_train;
    const size_t n_done = run->step * run->train->options.batch;
    const size_t n_each = run->training.scores != NULL ? run->n_outputs : 0;
    const double n_counted = run->training.n_rows;
    const bool is_counted = run->target_kind == MB_TARGET_PAIRS
                                ? n_counted >= 0.0 && n_counted <= (double)run->step
                                : n_counted == (double)run->n_done;
    return run->n_done == mb_min_size(n_done, n_train) && n_history == run->epoch &&
           n_scores == run->n_done * n_each && is_counted;
}

static mb_status restore_scores(
    fit_run *run, mb_context *ctx, const mb_bundle *bundle, size_t n_scores) {
    fit_tally *tally = &run->training;
    if (tally->scores == NULL) {
        return MB_OK;
    }
    MB_TRY(mb_bundle_get_floats(bundle, ctx, "fit/scores", tally->scores, n_scores));
    const mb_array *labels = mb_bundle_array(bundle, "fit/labels");
    if (labels == NULL || labels->dtype != MB_U8 || mb_array_count(labels) != n_scores) {
        return fail_damaged(ctx, "fit/labels");
    }
    if (n_scores > 0) {
        memcpy(tally->labels, labels->data, n_scores);
    }
    tally->n_scores = n_scores;
    return MB_OK;
}

static mb_status restore_position(
    fit_run *run, mb_context *ctx, const mb_bundle *bundle, size_t *n_history) {
    double position[N_POSITIONS], sums[N_SUMS];
    MB_TRY(mb_bundle_get_doubles(bundle, ctx, "fit/position", position, N_POSITIONS));
    MB_TRY(mb_bundle_get_doubles(bundle, ctx, "fit/sums", sums, N_SUMS));
    const size_t n_train = run->request->n_train;
    size_t n_steps, n_scores;
    run->training.n_rows = sums[SUM_ROWS];
    const bool fits =
        read_count(position[POSITION_EPOCH], UINT32_MAX, &run->epoch) &&
        read_count(position[POSITION_STEP], n_train, &run->step) &&
        read_count(position[POSITION_DONE], n_train, &run->n_done) &&
        read_count(position[POSITION_STEPS], (size_t)1 << 52, &n_steps) &&
        read_count(position[POSITION_BEST_EPOCH], run->epoch, &run->result->best_epoch) &&
        read_count(position[POSITION_HISTORY], run->epoch, n_history) &&
        read_count(position[POSITION_SCORES], n_train * run->n_outputs, &n_scores) &&
        is_consistent(run, *n_history, n_scores);
    if (!fits) {
        return fail_damaged(ctx, "fit/position");
    }
    run->n_steps = n_steps;
    run->stop = position[POSITION_STOP] > 0.0;
    run->has_best = position[POSITION_HAS_BEST] > 0.0;
    run->training.loss = sums[SUM_LOSS];
    run->penalty = sums[SUM_PENALTY];
    run->best_figure = sums[SUM_BEST];
    run->earlier_seconds = sums[SUM_SECONDS];
    run->epoch_earlier_seconds = sums[SUM_EPOCH_SECONDS];
    memcpy(run->training.metric, sums + SUM_METRICS, sizeof run->training.metric);
    return restore_scores(run, ctx, bundle, n_scores);
}

mb_status mb_fit_restore(fit_run *run, mb_context *ctx, const mb_bundle *bundle) {
    mb_fit_result *result = run->result;
    const size_t n = run->model->n_parameters;
    char identity[65];
    identify(run, identity);
    const char *saved = mb_bundle_text(bundle, "fit/identity");
    if (saved == NULL || strcmp(saved, identity) != 0) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "checkpoint: it is of another model, other data or another train section; run the "
            "same study, or start afresh without --resume");
    }
    size_t n_history = 0;
    MB_TRY(restore_position(run, ctx, bundle, &n_history));
    MB_TRY(mb_bundle_get_floats(bundle, ctx, "fit/parameters", result->last, n));
    MB_TRY(mb_bundle_get_floats(bundle, ctx, "fit/best", result->best, n));
    MB_TRY(mb_grow(ctx, &result->history, &run->history_capacity, n_history * result->n_columns,
        sizeof *result->history));
    MB_TRY(mb_bundle_get_doubles(
        bundle, ctx, "fit/history", result->history, n_history * result->n_columns));
    result->n_epochs = n_history;
    MB_TRY(mb_optimizer_restore(&run->optimizer, ctx, bundle));
    for (size_t i = 0; i < run->n_callbacks; i++) {
        MB_TRY(mb_callback_restore(&run->callbacks[i], ctx, i, n, bundle));
    }
    return MB_OK;
}

mb_status mb_fit_checkpoint_epochs(mb_context *ctx, const mb_bundle *checkpoint, size_t *out) {
    double position[N_POSITIONS];
    MB_TRY(mb_bundle_get_doubles(checkpoint, ctx, "fit/position", position, N_POSITIONS));
    return read_count(position[POSITION_EPOCH], UINT32_MAX, out)
               ? MB_OK
               : fail_damaged(ctx, "fit/position");
}
