// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

#include "kernels/lanes.h"

#include <math.h>

void mb_fit_tally_reset(fit_tally *tally) {
    tally->n_rows = 0.0;
    tally->loss = 0.0;
    tally->n_scores = 0;
    memset(tally->metric, 0, sizeof tally->metric);
}

// Integer labels count as one-hot rows.
static bool is_label_set(const fit_run *run, const float *target, size_t i) {
    if (run->target_kind != MB_TARGET_LABELS) {
        return target[i] > 0.5F;
    }
    return (size_t)target[i / run->channels] == i % run->channels;
}

// The losses of a few rows, one by one or together.
static void judge_losses(const fit_run *run, const fit_block *block, size_t first, size_t n,
    float *losses, float *gradients) {
    const mb_loss *loss = &run->train->loss;
    const void *options = run->loss_state != NULL ? run->loss_state : loss->options;
    const float *targets[MB_LOSS_ROWS];
    const float *outputs = block->outputs + first * run->n_outputs;
    for (size_t i = 0; i < n; i++) {
        targets[i] = mb_feeder_target_row(block->feeder, block->first_fed + first + i);
    }
    if (loss->ops->rows != NULL) {
        loss->ops->rows(run->loss_state, n, targets, outputs, losses, gradients);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        losses[i] =
            loss->ops->row(options, targets[i], outputs + i * run->n_outputs, run->n_outputs,
                run->channels, gradients != NULL ? gradients + i * run->n_outputs : NULL);
    }
}

static void judge_metrics(
    const fit_run *run, fit_tally *tally, size_t index, const float *target, const float *output) {
    const size_t n = run->n_outputs;
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        const mb_metric_ops *ops = run->train->metrics[k].ops;
        if (ops->row != NULL) {
            tally->row_metric[k][index] =
                ops->row(run->target_kind, target, output, n, run->channels);
        }
    }
    for (size_t i = 0; tally->scores != NULL && i < n; i++) {
        const size_t place = tally->n_scores + index * n + i;
        tally->scores[place] = output[i];
        tally->labels[place] = is_label_set(run, target, i);
    }
}

void mb_fit_judge(const fit_run *run, fit_tally *tally, const fit_block *block) {
    const size_t size = run->n_outputs;
    for (size_t first = 0; first < block->n; first += MB_LOSS_ROWS) {
        const size_t n = mb_min_size(MB_LOSS_ROWS, block->n - first);
        judge_losses(run, block, first, n, tally->row_loss + block->index + first,
            block->gradients != NULL ? block->gradients + first * size : NULL);
    }
    for (size_t i = 0; i < block->n; i++) {
        const float weight = block->weights != NULL ? block->weights[i] : 1.0F;
        tally->row_loss[block->index + i] *= weight;
        for (size_t k = i * size; block->gradients != NULL && k < (i + 1) * size; k++) {
            block->gradients[k] *= weight * block->scale;
        }
        judge_metrics(run, tally, block->index + i,
            mb_feeder_target_row(block->feeder, block->first_fed + i), block->outputs + i * size);
    }
}

static double row_sum(const float *values, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i];
    }
    return sum;
}

void mb_fit_tally_add(const fit_run *run, fit_tally *tally, size_t n) {
    tally->n_rows += (double)n;
    tally->loss += row_sum(tally->row_loss, n) + run->penalty * (double)n;
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        if (run->train->metrics[k].ops->row != NULL) {
            tally->metric[k] += row_sum(tally->row_metric[k], n);
        }
    }
    if (tally->scores != NULL) {
        tally->n_scores += n * run->n_outputs;
    }
}

void mb_fit_tally_figures(const fit_run *run, const fit_tally *tally, double *figures) {
    figures[0] = tally->loss / tally->n_rows;
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        const mb_metric_ops *ops = run->train->metrics[k].ops;
        figures[k + 1] = ops->scores == NULL ? tally->metric[k] / tally->n_rows
                                             : ops->scores(tally->scores, tally->labels,
                                                   tally->n_scores, run->sort_work);
    }
}

typedef struct batch_judge {
    fit_run *run;
    const mb_lane_kernels *kernels;
    size_t n;             // rows of the batch
    const float *weights; // NULL: all 1
    float scale;
} batch_judge;

static void judge_block(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const batch_judge *judge = user;
    fit_run *run = judge->run;
    const fit_block block = {.index = first_row,
        .n = n_rows,
        .feeder = run->feeder,
        .first_fed = first_row,
        .weights = judge->weights != NULL ? judge->weights + first_row : NULL,
        .scale = judge->scale,
        .outputs = outputs[0],
        .gradients = d_outputs[0]};
    mb_fit_judge(run, &run->training, &block);
}

// Losses and metrics in lanes need a target of the output's size.
static bool is_judged_in_lanes(const fit_run *run) {
    bool is = run->train->loss.ops->lanes != NULL && run->target_kind != MB_TARGET_LABELS;
    for (size_t k = 0; k < run->train->n_metrics; k++) {
        const mb_metric_ops *ops = run->train->metrics[k].ops;
        is = is && (ops->row == NULL || ops->lanes != NULL);
    }
    return is;
}

static void keep_scores(const fit_run *run, fit_tally *tally, size_t first_row, size_t n_rows,
    const float *target, const float *output) {
    for (size_t i = 0; tally->scores != NULL && i < n_rows * run->n_outputs; i++) {
        const size_t from = i % run->n_outputs * MB_SAMPLES + i / run->n_outputs;
        const size_t place = tally->n_scores + first_row * run->n_outputs + i;
        tally->scores[place] = output[from];
        tally->labels[place] = target[from] > 0.5F;
    }
}

// mb_fit_judge, of the rows of a tile.
static void judge_tile(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs, float *const *room) {
    const batch_judge *judge = user;
    fit_run *run = judge->run;
    const mb_train *train = run->train;
    const size_t n = run->n_outputs;
    float value[MB_SAMPLES];
    float factor[MB_SAMPLES] = {0};
    const float *rows[MB_SAMPLES];
    for (size_t s = 0; s < n_rows; s++) {
        rows[s] = mb_feeder_target_row(run->feeder, first_row + s);
    }
    judge->kernels->fill(n_rows, n, rows, room[0]);
    for (size_t s = first_row + MB_SAMPLES; s < mb_min_size(first_row + 2 * MB_SAMPLES, judge->n);
         s++) {
        judge->kernels->fetch(mb_feeder_target_row(run->feeder, s), n);
    }
    train->loss.ops->lanes(run->loss_state != NULL ? run->loss_state : train->loss.options,
        judge->kernels, room[0], outputs[0], n, run->channels, value, d_outputs[0]);
    for (size_t s = 0; s < n_rows; s++) {
        const float weight = judge->weights != NULL ? judge->weights[first_row + s] : 1.0F;
        run->training.row_loss[first_row + s] = weight * value[s];
        factor[s] = weight * judge->scale;
    }
    for (size_t i = 0; i < n * MB_SAMPLES; i++) {
        const bool is_padding = i % MB_SAMPLES >= n_rows;
        d_outputs[0][i] = is_padding ? 0.0F : d_outputs[0][i] * factor[i % MB_SAMPLES];
    }
    for (size_t k = 0; k < train->n_metrics; k++) {
        if (train->metrics[k].ops->row != NULL) {
            train->metrics[k].ops->lanes(
                run->target_kind, room[0], outputs[0], n, run->channels, value);
            memcpy(run->training.row_metric[k] + first_row, value, n_rows * sizeof *value);
        }
    }
    keep_scores(run, &run->training, first_row, n_rows, room[0], outputs[0]);
}

static void judge_pairs(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const batch_judge *judge = user;
    fit_run *run = judge->run;
    const unsigned axis = run->model->values[run->model->outputs[0]].type.axis;
    const fit_pairs_block block = {.index = first_row,
        .n = n_rows,
        .rows = run->order + run->n_done + first_row,
        .offset = run->graph_batch.axes[axis].offset + first_row,
        .scale = judge->scale,
        .outputs = outputs[0],
        .gradients = d_outputs[0]};
    mb_fit_judge_pairs(run, &run->training, &block);
}

// The figures of the batch must be numbers before they touch the parameters or the sums.
static mb_status check_loss(const fit_run *run, mb_context *ctx, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(run->training.row_loss[i])) {
            return mb_fit_fail_loss(run, ctx, run->order + run->n_done, n, i);
        }
    }
    return MB_OK;
}

// QKeras's constraint: [-most, most], most the largest of 1 and of the quantiser's range.
static void clip_quantized(const mb_model *model, float *parameters) {
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        mb_quantizer_grid grid;
        if (weight->quantizer.ops == NULL || weight->is_folded ||
            !mb_quantizer_find_grid(&weight->quantizer, &grid)) {
            continue;
        }
        const float range = -grid.low * grid.step;
        const float most = range > 1.0F ? range : 1.0F;
        for (size_t k = 0; k < weight->count; k++) {
            float *value = &parameters[weight->offset + k];
            *value = *value > most ? most : *value < -most ? -most : *value;
        }
    }
}

static mb_status take_gradient(fit_run *run, mb_context *ctx, size_t n, size_t n_counted) {
    const bool is_of_pairs = run->target_kind == MB_TARGET_PAIRS;
    const mb_train_batch batch = {.inputs = run->inputs,
        .axes = run->graph_batch.axes,
        .n_rows = n,
        .seed = run->request->seed,
        .step = (uint32_t)run->n_steps,
        .parameters = run->result->last,
        .loss_in_lanes = is_judged_in_lanes(run) ? judge_tile : NULL};
    batch_judge judge = {.run = run,
        .kernels = mb_kernels_for(mb_runtime_cpu(run->runtime))->lanes,
        .n = n,
        .weights = mb_feeder_weights(run->feeder),
        .scale = 1.0F / (float)n_counted};
    return mb_plan_gradient(
        ctx, run->plan, &batch, is_of_pairs ? judge_pairs : judge_block, &judge, run->gradient);
}

static mb_status update(fit_run *run, mb_context *ctx, size_t n, size_t n_counted) {
    const uint32_t *rows = run->order + run->n_done;
    float *parameters = run->result->last;
    MB_TRY(mb_feeder_fill(run->feeder, ctx, rows, n));
    const mb_feed_input *fed = mb_feeder_inputs(run->feeder);
    for (size_t i = 0; i < run->model->n_inputs; i++) {
        run->inputs[i] =
            (mb_input){fed[i].dense, fed[i].row, fed[i].offset, fed[i].index, fed[i].value};
    }
    mb_graph_batch_fill(&run->graph_batch, &run->graphs, run->feeder, rows, n);
    MB_TRY(take_gradient(run, ctx, n, n_counted));
    MB_TRY(check_loss(run, ctx, n));
    run->penalty = mb_penalty(run->model, parameters, run->gradient);
    if (run->target_kind == MB_TARGET_PAIRS) {
        mb_fit_tally_add_pairs(run, &run->training, rows, n);
    } else {
        mb_fit_tally_add(run, &run->training, n);
    }
    mb_optimizer_step(&run->optimizer, run->train->options.clip_norm, parameters, run->gradient);
    if (run->train->options.clip_quantized) {
        clip_quantized(run->model, parameters);
    }
    if (mb_model_check_finite(ctx, run->model, parameters) != MB_OK) {
        return mb_fail_within(ctx, "train: epoch %zu, step %zu", run->epoch + 1, run->step + 1);
    }
    mb_plan_load(run->plan, parameters);
    return MB_OK;
}

mb_status mb_fit_step(fit_run *run, mb_context *ctx) {
    const size_t n = mb_min_size(run->train->options.batch, run->request->n_train - run->n_done);
    const size_t n_counted = run->target_kind == MB_TARGET_PAIRS
                                 ? mb_fit_count_pairs(run, run->order + run->n_done, n)
                                 : n;
    // A batch without pairs says nothing, and moves nothing.
    if (n_counted > 0) {
        MB_TRY(update(run, ctx, n, n_counted));
    }
    run->n_done += n;
    run->step++;
    run->n_steps++;
    return MB_OK;
}

static mb_status validate_pairs(void *user, mb_context *ctx, size_t first, size_t n,
    const mb_feeder *feeder, const float *const *outputs) {
    (void)ctx;
    fit_run *run = user;
    const unsigned axis = run->model->values[run->model->outputs[0]].type.axis;
    const fit_pairs_block block = {.index = first,
        .n = n,
        .rows = run->request->validation_rows + first,
        .offset = mb_feeder_offset(feeder, axis),
        .outputs = outputs[0]};
    mb_fit_judge_pairs(run, &run->validation, &block);
    return MB_OK;
}

static mb_status validate_block(void *user, mb_context *ctx, size_t first, size_t n,
    const mb_feeder *feeder, const float *const *outputs) {
    (void)ctx;
    fit_run *run = user;
    const fit_block block = {.index = first,
        .n = n,
        .feeder = feeder,
        .weights = mb_feeder_weights(feeder),
        .scale = 1.0F,
        .outputs = outputs[0]};
    mb_fit_judge(run, &run->validation, &block);
    return MB_OK;
}

mb_status mb_fit_validate(fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    mb_fit_tally_reset(&run->validation);
    const bool is_of_pairs = run->target_kind == MB_TARGET_PAIRS;
    MB_TRY(mb_evaluator_run(run->evaluator, ctx, run->result->last, request->validation_rows,
        request->n_validation, is_of_pairs ? validate_pairs : validate_block, run));
    run->penalty = mb_penalty(run->model, run->result->last, NULL);
    if (is_of_pairs) {
        mb_fit_tally_add_pairs(
            run, &run->validation, request->validation_rows, request->n_validation);
    } else {
        mb_fit_tally_add(run, &run->validation, request->n_validation);
    }
    mb_fit_tally_figures(run, &run->validation, run->figures + 1 + run->train->n_metrics);
    return MB_OK;
}
