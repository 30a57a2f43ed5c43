// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "base/threads.h"
#include "kernels/lanes.h"

// A training step. Without steps that look at the whole batch, each chunk goes forward and backward
// in tiles that stay in cache. With them, the batch goes in phases: all chunks up to such a step,
// its sums through the fixed tree, all chunks on, and back.

typedef struct train_run {
    mb_plan *plan;
    const mb_train_batch *batch;
    mb_loss_fn loss;
    void *user;
    size_t chunk_rows, n_chunks;
    // The phase: steps [begin, end) forward, then statistics of step barrier; or backward steps
    // [begin, end) from the last, then of the one before begin.
    size_t begin, end, barrier;
    bool is_forward, is_last;
} train_run;

static size_t align(size_t bytes) {
    return mb_round_up(bytes, 64);
}

size_t mb_plan_chunk_rows(const mb_plan *plan, size_t n) {
    return plan->is_one_chunk ? n : (n + MB_PLAN_CHUNKS - 1) / MB_PLAN_CHUNKS;
}

// Rows of nodes and edges are many enough to share: a batch has one memory.
static bool is_in_tiles(const mb_plan *plan) {
    return plan->n_barriers == 0 && plan->model->n_axes == 1;
}

mb_status mb_plan_lay_out(mb_context *ctx, mb_plan *plan) {
    plan->n_workers = mb_runtime_threads(plan->runtime);
    const size_t chunk = mb_plan_chunk_rows(plan, plan->max_rows);
    const size_t n_chunks = plan->is_one_chunk ? 1 : MB_PLAN_CHUNKS;
    const bool is_tiled = is_in_tiles(plan);
    plan->block_rows = !is_tiled           ? mb_max_size(plan->max_rows, 1)
                       : plan->is_in_lanes ? MB_SAMPLES
                                           : mb_max_size(1, mb_min_size(plan->tile, chunk));
    const size_t per_row = mb_max_size(mb_plan_block_bytes(plan, 1), 1);
    if (plan->block_rows > SIZE_MAX / 4 / per_row) {
        return mb_fail(ctx, MB_ERR_MEMORY,
            "training: %zu rows of %zu bytes are more than can be addressed; use smaller batches",
            plan->block_rows, per_row);
    }
    const size_t blocks =
        align(mb_plan_block_bytes(plan, plan->block_rows)) * (is_tiled ? plan->n_workers : 1);
    mb_plan_choose_pieces(plan, !is_tiled);
    plan->at_scratch = blocks;
    plan->at_gradients = plan->at_scratch + align(plan->scratch_bytes) * plan->n_workers;
    plan->at_statistics =
        plan->at_gradients + align(plan->gradient_floats * sizeof(float)) * n_chunks;
    plan->training_bytes =
        plan->at_statistics + align(plan->most_statistics * sizeof(double)) * n_chunks;
    return MB_OK;
}

mb_status mb_plan_reserve(mb_context *ctx, mb_plan *plan) {
    if (plan->training != NULL) {
        return MB_OK;
    }
    MB_TRY(mb_plan_lay_out(ctx, plan));
    MB_TRY(mb_plan_list_sums(ctx, plan));
    plan->training = mb_allocate_zeroed(ctx, plan->training_bytes, 1);
    return plan->training != NULL ? MB_OK : MB_ERR_MEMORY;
}

size_t mb_plan_training_bytes(const mb_plan *plan) {
    return plan->training_bytes;
}

static double *chunk_statistics(const mb_plan *plan, size_t chunk) {
    return (double *)(void *)(plan->training + plan->at_statistics +
                              chunk * align(plan->most_statistics * sizeof(double)));
}

static mb_plan_block make_block(const train_run *run, size_t chunk, unsigned worker) {
    mb_plan *plan = run->plan;
    const bool is_tiled = is_in_tiles(plan);
    mb_plan_block block = {.plan = plan,
        .inputs = run->batch->inputs,
        .axes = run->batch->axes,
        .capacity = plan->block_rows,
        .seed = run->batch->seed,
        .step = run->batch->step,
        .loss_in_lanes = run->batch->loss_in_lanes,
        .gradient = mb_plan_chunk_gradient(plan, chunk)};
    block.memory = plan->training +
                   (is_tiled ? align(mb_plan_block_bytes(plan, plan->block_rows)) * worker : 0);
    block.scratch = plan->training + plan->at_scratch + align(plan->scratch_bytes) * worker;
    block.first = chunk * run->chunk_rows;
    block.row = is_tiled ? 0 : block.first;
    block.n = mb_min_size(run->chunk_rows, run->batch->n_rows - block.first);
    return block;
}

static void find_block(const void *user, size_t chunk, unsigned worker, mb_plan_block *block) {
    *block = make_block(user, chunk, worker);
}

static void zero_gradients(const mb_plan_block *block) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->n_values; i++) {
        if (plan->values[i].needs_gradient && plan->values[i].output == SIZE_MAX &&
            !plan->values[i].is_gradient_listed) {
            memset(mb_plan_gradient_rows(block, i), 0,
                (plan->is_in_lanes ? MB_SAMPLES
                                   : mb_plan_n_rows(block, plan->values[i].type.axis)) *
                    plan->values[i].size * sizeof(float));
        }
    }
}

static void call_loss(const mb_plan_block *block, mb_loss_fn loss, void *user) {
    const float *outputs[MB_PLAN_MOST_OUTPUTS];
    float *d_outputs[MB_PLAN_MOST_OUTPUTS];
    if (block->plan->is_in_lanes) {
        mb_plan_call_loss_in_lanes(block, loss, user);
        return;
    }
    for (size_t i = 0; i < block->plan->model->n_outputs; i++) {
        outputs[i] = mb_plan_value_rows(block, block->plan->output_values[i]);
        d_outputs[i] = mb_plan_gradient_rows(block, block->plan->output_values[i]);
    }
    loss(user, block->first, block->n, outputs, d_outputs);
}

static mb_status run_tiled_chunk(void *user, mb_context *ctx, size_t chunk, unsigned worker) {
    const train_run *run = user;
    const mb_plan *plan = run->plan;
    mb_plan_block block = make_block(run, chunk, worker);
    const size_t end = block.first + block.n;
    mb_rows_ahead ahead;
    (void)ctx;
    if (plan->is_in_lanes) {
        block.ahead = &ahead;
        mb_plan_open_ahead(&ahead, &block);
    }
    memset(block.gradient, 0, plan->gradient_floats * sizeof *block.gradient);
    for (; block.first < end; block.first += block.n) {
        block.n = mb_min_size(plan->block_rows, end - block.first);
        if (plan->is_in_lanes) {
            mb_plan_begin_ahead(&ahead, end);
        }
        mb_plan_fill_inputs(&block);
        for (size_t i = 0; i < plan->n_steps; i++) {
            mb_plan_forward_step(&block, i);
        }
        zero_gradients(&block);
        call_loss(&block, run->loss, run->user);
        for (size_t i = plan->n_steps; i-- > 0;) {
            mb_plan_backward_step(&block, i);
        }
        if (plan->is_in_lanes) {
            mb_plan_fetch_rest(&ahead);
        }
        if (plan->is_frozen && run->batch->input_gradients != NULL) {
            mb_plan_store_input_gradients(&block, run->batch->input_gradients);
        }
    }
    return MB_OK;
}

static void take_statistics(
    const mb_plan_block *block, size_t index, bool is_forward, double *partial) {
    const mb_step *step = &block->plan->steps[index].step;
    mb_plan_rows work;
    mb_plan_rows_of(block, index, !is_forward, &work);
    if (is_forward) {
        step->statistics(step, &work.rows, partial);
    } else {
        step->d_statistics(step, &work.rows, step->batch, partial);
    }
}

static mb_status run_phase_chunk(void *user, mb_context *ctx, size_t chunk, unsigned worker) {
    const train_run *run = user;
    const mb_plan *plan = run->plan;
    const mb_plan_block block = make_block(run, chunk, worker);
    double *partial = chunk_statistics(plan, chunk);
    (void)ctx;
    if (run->is_forward) {
        if (run->begin == 0) {
            mb_plan_fill_inputs(&block);
        }
        for (size_t i = run->begin; i < run->end; i++) {
            mb_plan_forward_step(&block, i);
        }
        if (!run->is_last) {
            take_statistics(&block, run->barrier, true, partial);
        }
        return MB_OK;
    }
    if (run->is_last) {
        zero_gradients(&block);
        call_loss(&block, run->loss, run->user);
    }
    // The barrier's, too: finish_backward adds to it. So it is clear when its own turn comes.
    mb_plan_clear_gradients(&block, run->barrier == SIZE_MAX ? 0 : run->barrier,
        run->is_last ? plan->n_steps : run->end - 1);
    for (size_t i = run->end; i-- > run->begin;) {
        mb_plan_backward_step(&block, i);
    }
    if (run->barrier != SIZE_MAX && plan->values[plan->steps[run->barrier].output].needs_gradient) {
        take_statistics(&block, run->barrier, false, partial);
    }
    return MB_OK;
}

// Sums n_chunks arrays into the first through a tree whose shape depends on n_chunks alone.
static void sum_statistics(const mb_plan *plan, size_t n_chunks, size_t n) {
    for (size_t stride = 1; stride < n_chunks; stride *= 2) {
        for (size_t i = 0; i + stride < n_chunks; i += 2 * stride) {
            double *to = chunk_statistics(plan, i);
            const double *from = chunk_statistics(plan, i + stride);
            for (size_t k = 0; k < n; k++) {
                to[k] += from[k];
            }
        }
    }
}

// The first barrier at or after a step (n_steps: none), and the last before one (SIZE_MAX: none).
static size_t next_barrier(const mb_plan *plan, size_t step) {
    while (step < plan->n_steps && plan->steps[step].step.n_statistics == 0) {
        step++;
    }
    return step;
}

static size_t previous_barrier(const mb_plan *plan, size_t step) {
    while (step > 0 && plan->steps[step - 1].step.n_statistics == 0) {
        step--;
    }
    return step == 0 ? SIZE_MAX : step - 1;
}

// Rows of the batch on the axis of a step's output.
static size_t n_rows_of(const train_run *run, const mb_step *step) {
    const size_t n = run->batch->n_rows;
    return step->out.axis == MB_AXIS_EVENTS ? n : run->batch->axes[step->out.axis].offset[n];
}

static mb_status run_phases(mb_context *ctx, train_run *run) {
    mb_plan *plan = run->plan;
    size_t after = 0;
    run->is_forward = true;
    run->begin = 0;
    for (;;) {
        run->barrier = next_barrier(plan, after);
        run->end = run->barrier;
        run->is_last = run->barrier == plan->n_steps;
        MB_TRY(mb_parallel_near(ctx, run->n_chunks, run_phase_chunk, run));
        if (run->is_last) {
            return MB_OK;
        }
        mb_step *step = &plan->steps[run->barrier].step;
        sum_statistics(plan, run->n_chunks, step->n_statistics);
        step->finish(step, chunk_statistics(plan, 0), n_rows_of(run, step), step->batch,
            run->batch->parameters);
        mb_plan_refresh_empty(plan, run->barrier);
        run->begin = run->barrier;
        after = run->barrier + 1;
    }
}

static mb_status run_phases_back(mb_context *ctx, train_run *run) {
    mb_plan *plan = run->plan;
    run->is_forward = false;
    run->is_last = true;
    run->end = plan->n_steps;
    size_t below = plan->n_steps;
    for (;;) {
        run->barrier = previous_barrier(plan, below);
        run->begin = run->barrier == SIZE_MAX ? 0 : run->barrier + 1;
        MB_TRY(mb_parallel_near(ctx, run->n_chunks, run_phase_chunk, run));
        if (run->barrier == SIZE_MAX) {
            return MB_OK;
        }
        mb_plan_step *s = &plan->steps[run->barrier];
        if (plan->values[s->output].needs_gradient) {
            sum_statistics(plan, run->n_chunks, s->step.n_d_statistics);
            s->step.finish_backward(&s->step, chunk_statistics(plan, 0), n_rows_of(run, &s->step),
                s->step.batch, mb_plan_chunk_gradient(plan, 0) + s->at_gradient);
        }
        below = run->barrier;
        run->end = run->barrier + 1;
        run->is_last = false;
    }
}

// The straight-through derivative of weights' quantisers, where it is not 1.
static void differentiate_quantizers(
    const mb_plan *plan, const float *parameters, float *gradient) {
    for (size_t i = 0; i < plan->model->n_weights; i++) {
        const mb_weight *weight = plan->model->weights[i];
        if (!weight->is_folded) {
            mb_quantizer_differentiate(&weight->quantizer, parameters + weight->offset,
                gradient + weight->offset, weight->count);
        }
    }
}

static mb_status check_axes(mb_context *ctx, const mb_plan *plan, const mb_train_batch *batch) {
    for (size_t i = 1; i < plan->model->n_axes; i++) {
        if (batch->axes == NULL || batch->axes[i].offset[batch->n_rows] > plan->axes[i].capacity) {
            return mb_fail(ctx, MB_ERR_ARG,
                "training: a batch has more %s than memory is laid out for; reserve for the "
                "largest batch",
                plan->model->axes[i].name);
        }
    }
    return MB_OK;
}

mb_status mb_plan_gradient(mb_context *ctx, mb_plan *plan, const mb_train_batch *batch,
    mb_loss_fn loss, void *user, float *gradient) {
    if (batch->n_rows > plan->max_rows || plan->training == NULL) {
        return mb_fail(ctx, MB_ERR_ARG,
            "training: %zu rows, but memory is laid out for %zu; reserve for the largest batch",
            batch->n_rows, plan->training == NULL ? 0 : plan->max_rows);
    }
    MB_TRY(check_axes(ctx, plan, batch));
    memset(gradient, 0, plan->model->n_parameters * sizeof *gradient);
    if (batch->n_rows == 0) {
        return MB_OK;
    }
    train_run run = {.plan = plan, .batch = batch, .loss = loss, .user = user};
    run.chunk_rows = mb_plan_chunk_rows(plan, batch->n_rows);
    run.n_chunks = (batch->n_rows + run.chunk_rows - 1) / run.chunk_rows;
    if (is_in_tiles(plan)) {
        MB_TRY(mb_parallel_near(ctx, run.n_chunks, run_tiled_chunk, &run));
    } else {
        MB_TRY(run_phases(ctx, &run));
        MB_TRY(run_phases_back(ctx, &run));
    }
    MB_TRY(mb_plan_sum_gradients(ctx, plan, run.n_chunks, find_block, &run));
    for (size_t i = 0; i < plan->n_steps; i++) {
        const mb_plan_step *s = &plan->steps[i];
        if (s->step.unpack != NULL) {
            s->step.unpack(&s->step, mb_plan_chunk_gradient(plan, 0) + s->at_gradient, gradient);
        }
    }
    if (plan->quantized != NULL) {
        differentiate_quantizers(plan, batch->parameters, gradient);
    }
    return MB_OK;
}
