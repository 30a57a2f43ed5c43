// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/fit_run.h"

#include "base/numbers.h"
#include "kernels/graph.h"

// Losses over pairs of nodes: what an event adds, and figures that are means over batches.

// The kernel's scratch is on the stack of whoever judges.
enum { MOST_WIDTH = 512 };

static mb_status fail_output(const fit_run *run, mb_context *ctx, const char *axis) {
    const mb_value_type *type = &run->model->values[run->model->outputs[0]].type;
    char shape[96];
    return mb_fail(ctx, MB_ERR_SHAPE,
        "train.loss: %s compares nodes of %s by a list of at most %d numbers, the model's output "
        "'%s' has shape %s for each of %s; end the model with one dense layer on nodes",
        run->train->loss.ops->name, axis, MOST_WIDTH, mb_model_output_name(run->model, 0),
        mb_value_text(type, shape, sizeof shape), run->model->axes[type->axis].name);
}

static mb_status check_settings(const fit_run *run, mb_context *ctx) {
    if (run->train->options.sample_weight != NULL || run->request->dataset->weight != NULL ||
        run->train->class_weights.n > 0) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "train: %s takes no weights of events or classes; remove sample_weight and "
            "class_weight",
            run->train->loss.ops->name);
    }
    return MB_OK;
}

mb_status mb_fit_open_pairs(fit_run *run, mb_context *ctx, const mb_column *target) {
    const mb_dataset *dataset = run->request->dataset;
    const mb_value_type *type = &run->model->values[run->model->outputs[0]].type;
    char name[128];
    run->pairs = run->train->loss.ops->pairs(run->train->loss.options);
    mb_format(name, sizeof name, "edges.%.100s", run->pairs.edges);
    run->pair_axis = mb_dataset_find_axis(dataset, name);
    if (run->pair_axis == NULL || run->pair_axis->joins == NULL) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "train.loss: %s: the data has no %s; change edges: of the loss, or the data",
            run->train->loss.ops->name, name);
    }
    if (target->axis == NULL || strcmp(target->axis, name) != 0 || target->size != 1 ||
        target->kind != MB_COLUMN_DENSE || target->dense.dtype != MB_F32) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "train.loss: %s: the target '%s' is not one float32 number for each of %s; change "
            "edges: of the loss, or the data",
            run->train->loss.ops->name, target->name, name);
    }
    if (type->rank != 1 || type->dim[0] > MOST_WIDTH ||
        strcmp(run->model->axes[type->axis].name, run->pair_axis->joins) != 0) {
        return fail_output(run, ctx, run->pair_axis->joins);
    }
    run->n_outputs = run->channels = type->dim[0];
    run->pair_targets = target->dense.data;
    return check_settings(run, ctx);
}

static uint64_t n_pairs(const fit_run *run, uint32_t row) {
    return run->pair_axis->offset[row + 1] - run->pair_axis->offset[row];
}

size_t mb_fit_count_pairs(const fit_run *run, const uint32_t *rows, size_t n) {
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += n_pairs(run, rows[i]);
    }
    return (size_t)count;
}

void mb_fit_judge_pairs(const fit_run *run, fit_tally *tally, const fit_pairs_block *block) {
    const mb_kernels *kernels = mb_kernels_for(mb_runtime_cpu(run->runtime));
    const size_t width = run->n_outputs;
    float scratch[MB_DOT * (MOST_WIDTH + 2)];
    for (size_t i = 0; i < block->n; i++) {
        const uint64_t first = run->pair_axis->offset[block->rows[i]];
        const size_t place = (block->offset[i] - block->offset[0]) * width;
        float *gradient = block->gradients != NULL ? block->gradients + place : NULL;
        const mb_pair_loss pairs = {.n = (size_t)n_pairs(run, block->rows[i]),
            .source = run->pair_axis->source + first,
            .destination = run->pair_axis->destination + first,
            .truth = run->pair_targets + first,
            .margin = run->pairs.margin,
            .scale = block->scale};
        size_t n_right = 0;
        if (gradient != NULL) {
            memset(gradient, 0, (block->offset[i + 1] - block->offset[i]) * width * sizeof(float));
        }
        tally->row_loss[block->index + i] = (float)kernels->graph->pairs(
            &pairs, block->outputs + place, width, gradient, scratch, &n_right);
        for (size_t k = 0; k < run->train->n_metrics; k++) {
            tally->row_metric[k][block->index + i] = (float)n_right;
        }
    }
}

void mb_fit_tally_add_pairs(
    const fit_run *run, fit_tally *tally, const uint32_t *rows, size_t n_rows) {
    for (size_t first = 0; first < n_rows; first += run->train->options.batch) {
        const size_t n = mb_min_size(run->train->options.batch, n_rows - first);
        const double count = (double)mb_fit_count_pairs(run, rows + first, n);
        double loss = 0.0;
        double right = 0.0;
        for (size_t i = first; i < first + n; i++) {
            loss += (double)tally->row_loss[i];
            right += run->train->n_metrics > 0 ? (double)tally->row_metric[0][i] : 0.0;
        }
        if (count == 0.0) {
            continue;
        }
        tally->n_rows += 1.0;
        tally->loss += loss / count + run->penalty;
        for (size_t k = 0; k < run->train->n_metrics; k++) {
            tally->metric[k] += right / count;
        }
    }
}

mb_status mb_fit_check_pair_targets(
    const fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n, size_t *out) {
    size_t n_without = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t first = run->pair_axis->offset[rows[i]];
        const uint64_t count = n_pairs(run, rows[i]);
        n_without += count == 0;
        for (uint64_t k = 0; k < count; k++) {
            const float value = run->pair_targets[first + k];
            if (value != 0.0F && value != 1.0F) {
                return mb_fail(ctx, MB_ERR_RANGE,
                    "train: event %u: the target of edge %llu of %s is %g; it must be 0 or 1",
                    rows[i], (unsigned long long)k, run->pair_axis->name, (double)value);
            }
        }
    }
    *out = n_without;
    return MB_OK;
}

// Pairs must have targets 0 or 1, and there must be some.
static mb_status check_rows(
    const fit_run *run, mb_context *ctx, const uint32_t *rows, size_t n, const char *what) {
    size_t n_without = 0;
    MB_TRY(mb_fit_check_pair_targets(run, ctx, rows, n, &n_without));
    if (n > 0 && n_without == n) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "train: none of the %zu %s events has any of %s, so there is nothing to learn from; "
            "give more data",
            n, what, run->pair_axis->name);
    }
    if (n_without > 0) {
        mb_notice(ctx, MB_NOTICE_WARNING, "train",
            "%zu of %zu %s events have none of %s and do not count in the loss", n_without, n, what,
            run->pair_axis->name);
    }
    return MB_OK;
}

mb_status mb_fit_check_pairs(const fit_run *run, mb_context *ctx) {
    const mb_fit_request *request = run->request;
    const mb_graph_edges edges = {request->dataset->n_rows,
        mb_dataset_find_axis(request->dataset, run->pair_axis->joins)->offset,
        run->pair_axis->offset, run->pair_axis->source, run->pair_axis->destination};
    MB_TRY(mb_graph_edges_check(ctx, run->pair_axis->name, &edges));
    MB_TRY(check_rows(run, ctx, request->train_rows, request->n_train, "training"));
    return check_rows(run, ctx, request->validation_rows, request->n_validation, "validation");
}
