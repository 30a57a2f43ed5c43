// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

#include "base/numbers.h"

#include <math.h>

// Rows of the target looked at in one go.
enum { CHECK_ROWS = 256 };

static mb_status check_request(const fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    if (run->model->n_outputs != 1) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "train: the model has %zu outputs; give it one (concatenate them)",
            run->model->n_outputs);
    }
    if (request->n_train == 0) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train.validation: no rows are left to train on; give more data, or a smaller "
            "train.validation or data.split");
    }
    const size_t batch = run->train->options.batch;
    if (run->train->options.drop_last && request->n_train < batch) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train.drop_last: %zu training rows are less than one batch of %zu, so an epoch has no "
            "batch; make train.batch smaller or drop_last false",
            request->n_train, batch);
    }
    return MB_OK;
}

static mb_status fail_target(const fit_run *run, mb_context *ctx, const mb_column *target) {
    char shape[96];
    return mb_fail(ctx, MB_ERR_SHAPE,
        "train.loss: %s: the target '%s' has %zu numbers a row, the model's output '%s' has shape "
        "%s; change one of them, or the loss",
        run->train->loss.ops->name, target->name, target->size, mb_model_output_name(run->model, 0),
        mb_value_text(&run->model->values[run->model->outputs[0]].type, shape, sizeof shape));
}

static mb_status match_target(fit_run *run, mb_context *ctx) {
    const char *name = run->request->target;
    const mb_column *target = name != NULL ? mb_dataset_find(run->request->dataset, name)
                                           : mb_dataset_target(run->request->dataset);
    if (target == NULL && name != NULL) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "train: the data has no column '%s' to learn; name one that it has", name);
    }
    if (target == NULL) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "train: the data has no target column; give the labels (data.particles, or "
            "data.target)");
    }
    const mb_value_type *type = &run->model->values[run->model->outputs[0]].type;
    run->n_outputs = mb_value_size(type);
    run->channels = type->rank > 0 ? type->dim[type->rank - 1] : 1;
    run->target_kind = run->train->loss.ops->target;
    if (run->target_kind == MB_TARGET_PAIRS) {
        return mb_fit_open_pairs(run, ctx, target);
    }
    if (type->axis != MB_AXIS_EVENTS || target->axis != NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "train.loss: %s compares one row an event, but rows of the target are of %s and those "
            "of the model's output of %s; use hinge_embedding for pairs of nodes",
            run->train->loss.ops->name, target->axis != NULL ? target->axis : "events",
            run->model->axes[type->axis].name);
    }
    if (run->n_outputs == 0) {
        return fail_target(run, ctx, target);
    }
    const size_t n_positions = run->n_outputs / run->channels;
    const bool is_full = target->size == run->n_outputs;
    const bool is_label = target->size == n_positions;
    mb_feeder_settings *settings = &run->feeder_settings;
    settings->target = target;
    if (run->target_kind == MB_TARGET_ONE_HOT && !is_full && is_label) {
        settings->n_classes = run->channels;
    }
    if (run->target_kind == MB_TARGET_LABELS ? !is_label : !is_full && settings->n_classes == 0) {
        return fail_target(run, ctx, target);
    }
    return MB_OK;
}

static mb_status open_loss(fit_run *run, mb_context *ctx) {
    const mb_loss *loss = &run->train->loss;
    if (loss->ops->open == NULL) {
        return MB_OK;
    }
    const mb_loss_site site = {
        .n = run->n_outputs, .channels = run->channels, .network = run->request->loss_network};
    return loss->ops->open(ctx, loss->options, &site, &run->loss_state);
}

static mb_status match_weights(fit_run *run, mb_context *ctx) {
    const char *name = run->train->options.sample_weight;
    if (name == NULL) {
        return MB_OK;
    }
    const mb_column *column = mb_dataset_find(run->request->dataset, name);
    if (column == NULL || column->size != 1 || column->axis != NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "train.sample_weight: '%s' is no column of the data with one number a row; name such "
            "a column",
            name);
    }
    run->feeder_settings.sample_weight = column;
    return MB_OK;
}

static bool has_scores(const mb_train *train) {
    for (size_t k = 0; k < train->n_metrics; k++) {
        if (train->metrics[k].ops->scores != NULL) {
            return true;
        }
    }
    return false;
}

// n_rows: of a batch or pass; n_scored: rows whose scores are kept.
static mb_status open_tally(
    const fit_run *run, mb_context *ctx, size_t n_rows, size_t n_scored, fit_tally *tally) {
    tally->row_loss = mb_allocate_zeroed(ctx, n_rows, sizeof(float));
    if (tally->row_loss == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        tally->row_metric[k] = mb_allocate_zeroed(ctx, n_rows, sizeof(float));
        if (tally->row_metric[k] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    if (!has_scores(run->train)) {
        return MB_OK;
    }
    tally->scores = mb_allocate_zeroed(ctx, n_scored, run->n_outputs * sizeof(float));
    tally->labels = mb_allocate_zeroed(ctx, n_scored, run->n_outputs);
    return tally->scores != NULL && tally->labels != NULL ? MB_OK : MB_ERR_MEMORY;
}

static void close_tally(const fit_run *run, fit_tally *tally) {
    mb_runtime_release(run->runtime, tally->row_loss);
    for (size_t k = 0; k < MB_MOST_METRICS; k++) {
        mb_runtime_release(run->runtime, tally->row_metric[k]);
    }
    mb_runtime_release(run->runtime, tally->scores);
    mb_runtime_release(run->runtime, tally->labels);
}

static mb_status name_columns(fit_run *run, mb_context *ctx) {
    const mb_train *train = run->train;
    mb_fit_result *result = run->result;
    const size_t n_each = 1 + train->n_metrics;
    run->n_figures = run->request->n_validation > 0 ? 2 * n_each : n_each;
    result->n_columns = run->n_figures + 2;
    result->columns =
        mb_arena_allocate(&result->arena, ctx, result->n_columns, sizeof *result->columns);
    run->figures = mb_allocate_zeroed(ctx, run->n_figures, sizeof *run->figures);
    run->is_better_higher = mb_allocate_zeroed(ctx, run->n_figures, sizeof(bool));
    if (result->columns == NULL || run->figures == NULL || run->is_better_higher == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < run->n_figures; i++) {
        const size_t k = i % n_each;
        const char *name = k == 0 ? "loss" : train->metrics[k - 1].name;
        run->is_better_higher[i] = k > 0 && train->metrics[k - 1].ops->is_better_higher;
        result->columns[i] =
            mb_arena_format(&result->arena, ctx, "%s%s", i < n_each ? "" : "val_", name);
        if (result->columns[i] == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    result->columns[run->n_figures] = "learning_rate";
    result->columns[run->n_figures + 1] = "seconds";
    for (size_t k = 0; k < n_each; k++) {
        if (k == 0 || train->metrics[k - 1].ops->scores == NULL) {
            run->running_is_better_higher[run->n_running] = run->is_better_higher[k];
            run->running_names[run->n_running++] = result->columns[k];
        }
    }
    return MB_OK;
}

static void judge_by(fit_run *run, size_t column, int mode) {
    run->is_judged = true;
    run->judged = column;
    run->judged_mode = mode;
    run->result->monitor = run->result->columns[column];
}

// Callbacks that watch a figure are refused before the first step, not after the first epoch.
static mb_status open_callbacks(fit_run *run, mb_context *ctx) {
    const mb_train *train = run->train;
    const mb_callback_site site = {.n_figures = run->n_figures, .names = run->result->columns};
    for (size_t i = 0; i < train->n_callbacks; i++) {
        const mb_callback_choice *choice = &train->callbacks[i];
        MB_TRY(mb_callback_init(&run->callbacks[i], ctx, choice, run->model->n_parameters));
        run->n_callbacks++;
        int mode = MB_MODE_AUTO;
        const char *monitor =
            choice->ops->monitor != NULL ? choice->ops->monitor(choice->options, &mode) : NULL;
        if (monitor == NULL) {
            continue;
        }
        size_t index;
        MB_TRY(mb_monitor_find(ctx, &site, choice->ops->name, monitor, &index));
        if (choice->ops->is_judge && !run->is_judged) {
            judge_by(run, index, mode);
        }
    }
    if (!run->is_judged && run->request->best_by != NULL) {
        size_t index;
        MB_TRY(mb_monitor_find(ctx, &site, "the fit", run->request->best_by, &index));
        judge_by(run, index, MB_MODE_MIN);
    }
    return MB_OK;
}

static mb_status open_result(fit_run *run, mb_context *ctx) {
    mb_fit_result *result = run->result;
    const size_t n = run->model->n_parameters;
    result->last = mb_allocate(ctx, n, sizeof(float));
    result->best = mb_allocate(ctx, n, sizeof(float));
    run->gradient = mb_allocate_zeroed(ctx, n, sizeof(float));
    run->order = mb_allocate(ctx, run->request->n_train, sizeof *run->order);
    if (result->last == NULL || result->best == NULL || run->gradient == NULL ||
        run->order == NULL) {
        return MB_ERR_MEMORY;
    }
    if (n > 0 && run->request->parameters != NULL) {
        memcpy(result->last, run->request->parameters, n * sizeof(float));
        memcpy(result->best, run->request->parameters, n * sizeof(float));
    }
    return MB_OK;
}

static mb_status open_plan(fit_run *run, mb_context *ctx) {
    size_t most[MB_MOST_AXES];
    size_t most_of_one[MB_MOST_AXES];
    const mb_plan_settings settings = {.is_training = true,
        .max_rows = run->feeder_settings.max_rows,
        .sparse_inputs = run->is_sparse,
        .axis_rows = most,
        .event_rows = most_of_one};
    MB_TRY(mb_graph_data_most(ctx, &run->graphs, run->feeder_settings.max_rows, most));
    MB_TRY(mb_graph_data_most(ctx, &run->graphs, 1, most_of_one));
    MB_TRY(
        mb_graph_batch_open(ctx, &run->graphs, run->feeder_settings.max_rows, &run->graph_batch));
    MB_TRY(mb_plan_create(ctx, run->model, &settings, &run->plan));
    return mb_plan_reserve(ctx, run->plan);
}

static mb_status open_feeding(fit_run *run, mb_context *ctx) {
    const mb_model *model = run->model;
    run->columns = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *run->columns);
    run->is_sparse = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *run->is_sparse);
    run->inputs = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *run->inputs);
    if (run->columns == NULL || run->is_sparse == NULL || run->inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_match_inputs(ctx, model, run->request->dataset, run->columns));
    MB_TRY(mb_graph_data_open(ctx, model, run->request->dataset, true, &run->graphs));
    for (size_t i = 0; i < model->n_inputs; i++) {
        run->is_sparse[i] = mb_column_is_sparse_feed(run->columns[i]);
    }
    run->feeder_settings = (mb_feeder_settings){.dataset = run->request->dataset,
        .n_inputs = model->n_inputs,
        .inputs = run->columns,
        .leaves_target = true,
        .n_axes = run->graphs.n_axes,
        .axes = run->graphs.axes,
        .max_rows = mb_min_size(run->train->options.batch, run->request->n_train)};
    MB_TRY(match_target(run, ctx));
    MB_TRY(open_loss(run, ctx));
    MB_TRY(match_weights(run, ctx));
    // Class weights are for training alone, as Keras has it.
    if (run->request->n_validation > 0) {
        MB_TRY(
            mb_evaluator_create(ctx, model, &run->feeder_settings, &run->graphs, &run->evaluator));
    }
    run->feeder_settings.n_class_weights = run->train->class_weights.n;
    run->feeder_settings.class_weights = run->train->class_weights.weight;
    MB_TRY(open_plan(run, ctx));
    run->feeder_settings.leaves_rows = mb_plan_takes_row_numbers(run->plan);
    return mb_feeder_create(ctx, &run->feeder_settings, &run->feeder);
}

mb_status mb_fit_open(fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    MB_TRY(check_request(run, ctx));
    MB_TRY(name_columns(run, ctx));
    MB_TRY(open_result(run, ctx));
    MB_TRY(open_feeding(run, ctx));
    MB_TRY(open_callbacks(run, ctx));
    MB_TRY(mb_optimizer_init(&run->optimizer, ctx, &run->train->optimizer, run->model));
    MB_TRY(open_tally(run, ctx, run->feeder_settings.max_rows, request->n_train, &run->training));
    MB_TRY(open_tally(run, ctx, request->n_validation, request->n_validation, &run->validation));
    if (has_scores(run->train)) {
        run->sort_work = mb_allocate(ctx, mb_max_size(request->n_train, request->n_validation),
            run->n_outputs * sizeof *run->sort_work);
        if (run->sort_work == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

void mb_fit_close(fit_run *run) {
    if (run->loss_state != NULL) {
        run->train->loss.ops->close(run->runtime, run->loss_state);
    }
    mb_plan_destroy(run->plan);
    mb_evaluator_destroy(run->evaluator);
    mb_feeder_destroy(run->feeder);
    mb_graph_batch_close(&run->graph_batch, run->runtime);
    mb_graph_data_close(&run->graphs);
    mb_optimizer_clear(&run->optimizer);
    for (size_t i = 0; i < MB_MOST_CALLBACKS; i++) {
        mb_callback_clear(&run->callbacks[i], run->runtime);
    }
    close_tally(run, &run->training);
    close_tally(run, &run->validation);
    mb_runtime_release(run->runtime, run->sort_work);
    mb_runtime_release(run->runtime, run->figures);
    mb_runtime_release(run->runtime, run->is_better_higher);
    mb_runtime_release(run->runtime, run->gradient);
    mb_runtime_release(run->runtime, run->order);
    mb_runtime_release(run->runtime, run->columns);
    mb_runtime_release(run->runtime, run->is_sparse);
    mb_runtime_release(run->runtime, run->inputs);
}

// What the check of the targets has seen.
typedef struct target_watch {
    bool has_first, is_varied;
    float first;
} target_watch;

static mb_status check_value(
    const fit_run *run, mb_context *ctx, uint32_t row, float value, target_watch *watch) {
    if (!isfinite(value)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train: the target of row %u is %s; correct or leave out that row", row,
            isnan(value) ? "not a number" : "infinite");
    }
    const bool is_label =
        run->target_kind == MB_TARGET_LABELS || run->feeder_settings.n_classes > 0;
    if (is_label && !(value >= 0.0F && value < (float)run->channels && floorf(value) == value)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train: the label %g of row %u is not a whole number from 0 to %zu; correct it, or "
            "give the model more outputs",
            (double)value, row, run->channels - 1);
    }
    if (!is_label && run->train->loss.ops->takes_probabilities &&
        !(value >= 0.0F && value <= 1.0F)) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train: the target %g of row %u is not from 0 to 1, as %s takes it; correct the "
            "targets, or choose another loss",
            (double)value, row, run->train->loss.ops->name);
    }
    watch->is_varied = watch->is_varied || (watch->has_first && value != watch->first);
    watch->first = watch->has_first ? watch->first : value;
    watch->has_first = true;
    return MB_OK;
}

static mb_status check_rows(fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n,
    float *values, target_watch *watch) {
    const mb_column *target = run->feeder_settings.target;
    for (size_t first = 0; first < n; first += CHECK_ROWS) {
        const size_t count = mb_min_size(CHECK_ROWS, n - first);
        MB_TRY(mb_column_gather(target, ctx, rows + first, count, values));
        for (size_t i = 0; i < count * target->size; i++) {
            MB_TRY(check_value(run, ctx, rows[first + i / target->size], values[i], watch));
        }
    }
    return MB_OK;
}

mb_status mb_fit_check_validation(fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    if (run->target_kind == MB_TARGET_PAIRS) {
        size_t n_without = 0;
        return mb_fit_check_pair_targets(
            run, ctx, request->validation_rows, request->n_validation, &n_without);
    }
    target_watch unwatched = {.has_first = false};
    float *values =
        mb_allocate(ctx, CHECK_ROWS, run->feeder_settings.target->size * sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status =
        check_rows(run, ctx, request->validation_rows, request->n_validation, values, &unwatched);
    mb_release(ctx, values);
    return status;
}

mb_status mb_fit_check_targets(fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    if (run->target_kind == MB_TARGET_PAIRS) {
        return mb_fit_check_pairs(run, ctx);
    }
    const size_t size = run->feeder_settings.target->size;
    target_watch watch = {.has_first = false};
    float *values = mb_allocate(ctx, CHECK_ROWS, size * sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = check_rows(run, ctx, request->train_rows, request->n_train, values, &watch);
    mb_release(ctx, values);
    if (status == MB_OK) {
        status = mb_fit_check_validation(run, ctx);
    }
    if (status == MB_OK && size == 1 && !watch.is_varied) {
        mb_notice(ctx, MB_NOTICE_WARNING, "train",
            "all %zu training labels are %g: there is nothing to tell apart", request->n_train,
            (double)watch.first);
    }
    return status;
}
