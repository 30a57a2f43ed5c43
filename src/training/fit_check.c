// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

#include "base/numbers.h"

#include <math.h>

// What is wrong with a fit before its first step, and why a step's loss is no number.

mb_status mb_fit_check(mb_context *ctx, const mb_fit_request *request) {
    mb_fit_result result = {.runtime = mb_context_runtime(ctx)};
    mb_arena_init(&result.arena, ctx);
    fit_run run = {.request = request,
        .train = request->train,
        .model = request->model,
        .result = &result,
        .runtime = result.runtime};
    mb_status status = mb_fit_open(&run, ctx);
    if (status == MB_OK) {
        status = mb_fit_check_targets(&run, ctx);
    }
    if (status == MB_OK) {
        status = mb_fit_check_classes(&run, ctx);
    }
    mb_fit_close(&run);
    mb_fit_result_clear(&result);
    return status;
}

mb_status mb_fit_measure(mb_context *ctx, const mb_fit_request *request, double *figures) {
    mb_fit_result result = {.runtime = mb_context_runtime(ctx)};
    mb_arena_init(&result.arena, ctx);
    mb_train train = *request->train;
    mb_fit_request own = *request;
    own.train = &train;
    own.train_rows = request->validation_rows;
    own.n_train = request->n_validation;
    train.options.drop_last = false;
    train.n_callbacks = 0;
    // The batch counts for means over batches alone, and a small one saves memory.
    if (train.loss.ops->target != MB_TARGET_PAIRS) {
        train.options.batch = 1;
    }
    fit_run run = {.request = &own,
        .train = &train,
        .model = request->model,
        .result = &result,
        .runtime = result.runtime};
    mb_status status = mb_fit_open(&run, ctx);
    if (status == MB_OK) {
        status = mb_fit_check_validation(&run, ctx);
    }
    if (status == MB_OK) {
        status = mb_fit_validate(&run, ctx);
    }
    const bool is_empty = status == MB_OK && run.target_kind == MB_TARGET_PAIRS &&
                          mb_fit_count_pairs(&run, own.train_rows, own.n_train) == 0;
    const size_t n = 1 + train.n_metrics;
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        figures[i] = is_empty ? (double)NAN : run.figures[n + i];
    }
    mb_fit_close(&run);
    mb_fit_result_clear(&result);
    return status;
}

static mb_status mark_classes(const fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n,
    float *values, bool *is_there) {
    const mb_column *target = run->feeder_settings.target;
    for (size_t i = 0; i < n; i++) {
        MB_TRY(mb_column_gather(target, ctx, &rows[i], 1, values));
        const size_t label = mb_feeder_class(values, target->size);
        if (label < run->train->class_weights.n) {
            is_there[label] = true;
        }
    }
    return MB_OK;
}

static mb_status fail_absent(
    const fit_run *run, mb_context *ctx, size_t absent, size_t n_rows, const bool *is_there) {
    char classes[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < run->train->class_weights.n && used + 32 < sizeof classes; i++) {
        if (is_there[i]) {
            used += (size_t)mb_format(
                classes + used, sizeof classes - used, "%s%zu", used > 0 ? ", " : "", i);
        }
    }
    return mb_fail(ctx, MB_ERR_RANGE,
        "train.class_weight: class %zu is in none of the %zu events; name those that are there: %s",
        absent, n_rows, classes);
}

static mb_status check_named(const fit_run *run, mb_context *ctx, float *values, bool *is_there) {
    const mb_fit_request *request = run->request;
    MB_TRY(mark_classes(run, ctx, request->train_rows, request->n_train, values, is_there));
    MB_TRY(
        mark_classes(run, ctx, request->validation_rows, request->n_validation, values, is_there));
    for (size_t i = 0; i < run->train->class_weights.n; i++) {
        if (run->train->class_weights.is_named[i] && !is_there[i]) {
            return fail_absent(run, ctx, i, request->n_train + request->n_validation, is_there);
        }
    }
    return MB_OK;
}

mb_status mb_fit_check_classes(const fit_run *run, mb_context *ctx) {
    const mb_class_weights *weights = &run->train->class_weights;
    if (weights->n == 0 || weights->is_named == NULL) {
        return MB_OK;
    }
    float *values = mb_allocate(ctx, run->feeder_settings.target->size, sizeof *values);
    bool *is_there = mb_allocate_zeroed(ctx, weights->n, sizeof *is_there);
    const mb_status status = values == NULL || is_there == NULL
                                 ? MB_ERR_MEMORY
                                 : check_named(run, ctx, values, is_there);
    mb_release(ctx, values);
    mb_release(ctx, is_there);
    return status;
}

// The first input of a row of the dataset that is no number: its column and place; NULL: none.
static const mb_column *find_bad_input(
    const fit_run *run, mb_context *ctx, uint32_t row, size_t *place, float *value) {
    const mb_column *found = NULL;
    // Nodes and edges are an axis of their own, not a row's.
    const size_t n_inputs = run->model->n_axes > 1 ? 0 : run->model->n_inputs;
    for (size_t k = 0; k < n_inputs && found == NULL; k++) {
        const mb_column *column = run->columns[k];
        float *values = mb_allocate(ctx, column->size, sizeof *values);
        const bool is_read =
            values != NULL && mb_column_gather(column, ctx, &row, 1, values) == MB_OK;
        for (size_t i = 0; is_read && i < column->size && found == NULL; i++) {
            if (!isfinite(values[i])) {
                found = column;
                *place = i;
                *value = values[i];
            }
        }
        mb_release(ctx, values);
    }
    return found;
}

mb_status mb_fit_fail_loss(
    const fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n, size_t failed) {
    size_t place = 0;
    float value = 0;
    char what[256] = "lower the learning rate or clip the gradients (train.clip_norm)";
    // Where a layer looks at the whole batch, any of its rows may be the one.
    for (size_t i = 0; i < n; i++) {
        const uint32_t row = rows[(failed + i) % n];
        const mb_column *column = find_bad_input(run, ctx, row, &place, &value);
        if (column != NULL) {
            mb_format(what, sizeof what,
                "number %zu of the input '%.100s' of row %u is %s: correct or leave out that row",
                place, column->name, row, isnan(value) ? "NaN" : "infinite");
            break;
        }
    }
    return mb_fail(ctx, MB_ERR_NUMERIC,
        "train: the loss is %s at epoch %zu, step %zu (output layer %s, row %u of the data); %s",
        isnan(run->training.row_loss[failed]) ? "not a number" : "infinite", run->epoch + 1,
        run->step + 1, mb_model_output_name(run->model, 0), rows[failed], what);
}
