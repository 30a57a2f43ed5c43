// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

#include <math.h>

// Progress is for people.
static const double progress_seconds = 0.1;

static mb_callback_site site_of(fit_run *run, bool is_step) {
    const mb_fit_hooks *hooks = &run->request->hooks;
    return (mb_callback_site){.epoch = run->epoch,
        .n_figures = is_step ? run->n_running : run->n_figures,
        .names = is_step ? run->running_names : run->result->columns,
        .figures = is_step ? run->running : run->figures,
        .is_better_higher = is_step ? run->running_is_better_higher : run->is_better_higher,
        .parameters = run->result->last,
        .n_parameters = run->model->n_parameters,
        .learning_rate = &run->optimizer.learning_rate,
        .stop = &run->stop,
        .save_model = hooks->save_model,
        .save_user = hooks->user};
}

static void work_out_running(fit_run *run) {
    const fit_tally *tally = &run->training;
    const double n_rows = tally->n_rows > 0.0 ? tally->n_rows : 1.0;
    size_t n = 0;
    run->running[n++] = tally->loss / n_rows;
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        if (run->train->metrics[k].ops->scores == NULL) {
            run->running[n++] = tally->metric[k] / n_rows;
        }
    }
}

static size_t steps_per_epoch(const fit_run *run) {
    const size_t n = run->request->n_train, batch = run->train->options.batch;
    return run->train->options.drop_last ? n / batch : (n + batch - 1) / batch;
}

static mb_fit_progress progress_of(const fit_run *run, double now, bool is_epoch_end) {
    const double seconds = run->epoch_earlier_seconds + now - run->epoch_begin;
    const double rate = seconds > 0.0 ? (double)run->n_done / seconds : 0.0;
    const double left = (double)(run->request->n_train - run->n_done);
    return (mb_fit_progress){.epoch = run->epoch,
        .n_epochs = run->train->options.epochs,
        .n_done = run->n_done,
        .n_rows = run->request->n_train,
        .step = run->step,
        .n_steps = steps_per_epoch(run),
        .batch = run->train->options.batch,
        .rows_per_second = rate,
        .eta_seconds = rate > 0.0 ? left / rate : 0.0,
        .is_epoch_end = is_epoch_end,
        .n_figures = is_epoch_end ? run->n_figures : run->n_running,
        .names = is_epoch_end ? run->result->columns : run->running_names,
        .figures = is_epoch_end ? run->figures : run->running};
}

static void report(fit_run *run, bool is_epoch_end) {
    const mb_fit_hooks *hooks = &run->request->hooks;
    const double now = mb_seconds_now();
    if (hooks->step_end != NULL && !is_epoch_end) {
        const mb_fit_progress progress = progress_of(run, now, false);
        hooks->step_end(hooks->user, &progress);
    }
    if (hooks->progress == NULL || (!is_epoch_end && now - run->last_progress < progress_seconds)) {
        return;
    }
    run->last_progress = now;
    const mb_fit_progress progress = progress_of(run, now, is_epoch_end);
    hooks->progress(hooks->user, &progress);
}

static bool is_over(const fit_run *run) {
    return run->stop || run->epoch == run->train->options.epochs;
}

// A training that is stopped leaves weights to predict with: where no figure has chosen an epoch,
// the newest ones. Of one that is over the caller has them all.
static mb_status save_state(fit_run *run, mb_context *ctx) {
    const mb_fit_hooks *hooks = &run->request->hooks;
    const bool is_chosen = run->is_judged && run->has_best;
    if (hooks->save_best != NULL && (is_chosen ? run->is_best_unsaved : !is_over(run))) {
        const mb_fit_result *result = run->result;
        MB_TRY(hooks->save_best(hooks->user, ctx, is_chosen ? result->best : result->last));
        run->is_best_unsaved = false;
    }
    return mb_fit_save_checkpoint(run, ctx);
}

static mb_status end_step(fit_run *run, mb_context *ctx) {
    const mb_train_options *options = &run->train->options;
    work_out_running(run);
    const mb_callback_site site = site_of(run, true);
    for (size_t i = 0; i < run->n_callbacks; i++) {
        const mb_callback_ops *ops = run->callbacks[i].choice.ops;
        if (ops->step_end != NULL) {
            MB_TRY(ops->step_end(&run->callbacks[i], ctx, &site, run->step - 1));
        }
    }
    report(run, false);
    const bool is_late = options->checkpoint_seconds > 0.0 &&
                         mb_seconds_now() - run->last_checkpoint >= options->checkpoint_seconds;
    const bool is_counted =
        options->checkpoint_steps > 0 && run->step % options->checkpoint_steps == 0;
    return is_late || is_counted ? save_state(run, ctx) : MB_OK;
}

static bool is_cancelled(const fit_run *run) {
    return run->request->cancel != NULL && atomic_load(run->request->cancel);
}

static mb_status run_steps(fit_run *run, mb_context *ctx) {
    const size_t n_steps = steps_per_epoch(run);
    while (run->step < n_steps) {
        if (is_cancelled(run)) {
            MB_TRY(save_state(run, ctx));
            return mb_fail(ctx, MB_ERR_CANCELLED,
                "train: stopped as asked at epoch %zu, step %zu; go on with --resume",
                run->epoch + 1, run->step + 1);
        }
        MB_TRY(mb_fit_step(run, ctx));
        MB_TRY(end_step(run, ctx));
    }
    return MB_OK;
}

static void keep_best(fit_run *run) {
    const mb_fit_hooks *hooks = &run->request->hooks;
    mb_fit_result *result = run->result;
    bool is_better = true;
    if (run->is_judged) {
        const mb_callback_site site = site_of(run, false);
        const double figure = run->figures[run->judged];
        is_better = !run->has_best || isnan(run->best_figure) ||
                    mb_monitor_improves(
                        &site, run->judged, run->judged_mode, 0.0, figure, run->best_figure);
        run->best_figure = is_better ? figure : run->best_figure;
    }
    if (!is_better) {
        return;
    }
    run->has_best = true;
    result->best_epoch = run->epoch;
    memcpy(result->best, result->last, run->model->n_parameters * sizeof(float));
    run->is_best_unsaved = run->is_judged && hooks->save_best != NULL;
}

static mb_status add_history(fit_run *run, mb_context *ctx) {
    mb_fit_result *result = run->result;
    MB_TRY(mb_grow(ctx, &result->history, &run->history_capacity,
        (result->n_epochs + 1) * result->n_columns, sizeof *result->history));
    double *row = result->history + result->n_epochs * result->n_columns;
    memcpy(row, run->figures, run->n_figures * sizeof *row);
    row[run->n_figures] = (double)run->optimizer.learning_rate;
    row[run->n_figures + 1] = run->epoch_earlier_seconds + mb_seconds_now() - run->epoch_begin;
    result->n_epochs++;
    return MB_OK;
}

// The checkpoint is taken with the next epoch's beginning, so that a resumed run meets nothing half
// done.
static mb_status end_epoch(fit_run *run, mb_context *ctx) {
    mb_fit_tally_figures(run, &run->training, run->figures);
    if (run->evaluator != NULL) {
        MB_TRY(mb_fit_validate(run, ctx));
    }
    MB_TRY(add_history(run, ctx));
    keep_best(run);
    const mb_callback_site site = site_of(run, false);
    for (size_t i = 0; i < run->n_callbacks; i++) {
        MB_TRY(run->callbacks[i].choice.ops->epoch_end(&run->callbacks[i], ctx, &site));
    }
    report(run, true);
    run->epoch++;
    run->step = 0;
    run->n_done = 0;
    run->epoch_earlier_seconds = 0.0;
    run->epoch_begin = mb_seconds_now();
    mb_fit_tally_reset(&run->training);
    return is_over(run) ||
                   mb_seconds_now() - run->last_checkpoint >= run->request->hooks.least_seconds
               ? save_state(run, ctx)
               : MB_OK;
}

static void begin_epoch(fit_run *run) {
    const mb_fit_request *request = run->request;
    if (run->train->options.shuffle) {
        mb_feeder_shuffle(
            request->train_rows, request->n_train, request->seed, run->epoch, run->order);
    } else {
        memcpy(run->order, request->train_rows, request->n_train * sizeof *run->order);
    }
}

static mb_status train(fit_run *run, mb_context *ctx) {
    MB_TRY(mb_fit_open(run, ctx));
    MB_TRY(mb_fit_check_targets(run, ctx));
    MB_TRY(mb_fit_check_classes(run, ctx));
    if (run->request->resume != NULL) {
        MB_TRY(mb_fit_restore(run, ctx, run->request->resume));
    }
    MB_TRY(mb_model_check_finite(ctx, run->model, run->result->last));
    mb_plan_load(run->plan, run->result->last);
    run->epoch_begin = run->last_checkpoint = mb_seconds_now();
    while (run->epoch < run->train->options.epochs && !run->stop) {
        begin_epoch(run);
        MB_TRY(run_steps(run, ctx));
        MB_TRY(end_epoch(run, ctx));
    }
    const mb_callback_site site = site_of(run, false);
    for (size_t i = 0; i < run->n_callbacks; i++) {
        if (run->callbacks[i].choice.ops->end != NULL) {
            run->callbacks[i].choice.ops->end(&run->callbacks[i], &site);
        }
    }
    return MB_OK;
}

mb_status mb_fit(mb_context *ctx, const mb_fit_request *request, mb_fit_result *out) {
    *out = (mb_fit_result){.runtime = mb_context_runtime(ctx)};
    mb_arena_init(&out->arena, ctx);
    fit_run run = {.request = request,
        .train = request->train,
        .model = request->model,
        .result = out,
        .runtime = out->runtime,
        .begin = mb_seconds_now()};
    const mb_status status = train(&run, ctx);
    out->stopped_early = run.stop;
    out->seconds = run.earlier_seconds + mb_seconds_now() - run.begin;
    mb_fit_close(&run);
    return status;
}

void mb_fit_result_clear(mb_fit_result *result) {
    if (result->runtime == NULL) {
        return;
    }
    mb_runtime_release(result->runtime, result->history);
    mb_runtime_release(result->runtime, result->best);
    mb_runtime_release(result->runtime, result->last);
    mb_arena_clear(&result->arena);
    *result = (mb_fit_result){.runtime = NULL};
}
