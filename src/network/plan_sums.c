// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "base/threads.h"

// Chunks of a few rows cost more to clear and to add up than to fill, when kernels are large: each
// is a pass over memory. So gradients of large kernels, where the whole batch stays in memory, are
// taken piece by piece, and a piece of all chunks goes up the tree within the cache.

// SUM_BLOCK: small networks have a few blocks, too. LEVELS: of the tree over all chunks.
enum { SUM_BLOCK = 2048, LEVELS = 5 };
_Static_assert(1 << (LEVELS - 1) == MB_PLAN_CHUNKS, "a level for each halving, and the result");

void mb_plan_choose_pieces(mb_plan *plan, bool keeps_batch) {
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_step *step = &plan->steps[i].step;
        step->takes_pieces = keeps_batch && !plan->is_in_lanes && step->n_in_pieces > 0;
        if (step->takes_pieces) {
            plan->scratch_bytes = mb_max_size(plan->scratch_bytes,
                mb_round_up((LEVELS - 1) * step->piece_floats * sizeof(float), 64));
        }
    }
}

static mb_status add_sum(mb_context *ctx, mb_plan *plan, size_t step, size_t first, size_t n) {
    MB_TRY(mb_grow(ctx, &plan->sums, &plan->sum_capacity, plan->n_sums + 1, sizeof *plan->sums));
    plan->sums[plan->n_sums++] = (mb_plan_sum){step, first, n};
    return MB_OK;
}

static mb_status add_blocks(mb_context *ctx, mb_plan *plan, size_t first, size_t end) {
    for (; first < end; first += SUM_BLOCK) {
        MB_TRY(add_sum(ctx, plan, SIZE_MAX, first, mb_min_size(SUM_BLOCK, end - first)));
    }
    return MB_OK;
}

mb_status mb_plan_list_sums(mb_context *ctx, mb_plan *plan) {
    size_t own = 0; // chunks' own gradients that are not listed yet begin here
    plan->n_sums = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const mb_plan_step *s = &plan->steps[i];
        const size_t n = s->step.takes_pieces ? s->step.n_in_pieces : 0;
        if (n > 0) {
            MB_TRY(add_blocks(ctx, plan, own, s->at_gradient));
            own = s->at_gradient + n;
        }
        for (size_t first = 0; first < n; first += s->step.piece_floats) {
            MB_TRY(add_sum(ctx, plan, i, first, mb_min_size(s->step.piece_floats, n - first)));
        }
    }
    return add_blocks(ctx, plan, own, plan->gradient_floats);
}

float *mb_plan_chunk_gradient(const mb_plan *plan, size_t chunk) {
    return (float *)(void *)(plan->training + plan->at_gradients +
                             chunk * mb_round_up(plan->gradient_floats * sizeof(float), 64));
}

void mb_plan_clear_gradients(const mb_plan_block *block, size_t begin, size_t end) {
    const mb_plan *plan = block->plan;
    for (size_t i = begin; i < end; i++) {
        const mb_plan_step *s = &plan->steps[i];
        const size_t skipped = s->step.takes_pieces ? s->step.n_in_pieces : 0;
        memset(block->gradient + s->at_gradient + skipped, 0,
            (s->step.gradient_floats - skipped) * sizeof *block->gradient);
    }
}

static void add(size_t n, const float *from, float *restrict to) {
    for (size_t k = 0; k < n; k++) {
        to[k] += from[k];
    }
}

static void sum_own(const mb_plan *plan, size_t n_chunks, const mb_plan_sum *sum) {
    for (size_t stride = 1; stride < n_chunks; stride *= 2) {
        for (size_t i = 0; i + stride < n_chunks; i += 2 * stride) {
            add(sum->n, mb_plan_chunk_gradient(plan, i + stride) + sum->first,
                mb_plan_chunk_gradient(plan, i) + sum->first);
        }
    }
}

typedef struct sum_run {
    const mb_plan *plan;
    size_t n_chunks;
    mb_plan_block_fn block;
    const void *user;
} sum_run;

static void fill_piece(
    const sum_run *run, const mb_plan_sum *sum, size_t chunk, unsigned worker, float *piece) {
    mb_plan_block block;
    mb_plan_rows work;
    const mb_plan_step *s = &run->plan->steps[sum->step];
    run->block(run->user, chunk, worker, &block);
    mb_plan_rows_of(&block, sum->step, true, &work);
    memset(piece, 0, sum->n * sizeof *piece);
    if (run->plan->values[s->output].needs_gradient) {
        s->step.add_piece(&s->step, &work.rows, sum->first, sum->n, piece);
    }
}

// The tree of sum_own, chunk by chunk: at any time there is at most one sum of each size.
static void sum_pieces(const sum_run *run, const mb_plan_sum *sum, unsigned worker) {
    const mb_plan_step *s = &run->plan->steps[sum->step];
    float *level[LEVELS];
    size_t n = 0;
    mb_plan_block block;
    run->block(run->user, 0, worker, &block);
    level[0] = mb_plan_chunk_gradient(run->plan, 0) + s->at_gradient + sum->first;
    for (size_t i = 1; i < LEVELS; i++) {
        level[i] = (float *)block.scratch + (i - 1) * s->step.piece_floats;
    }
    for (size_t chunk = 0; chunk < run->n_chunks; chunk++) {
        fill_piece(run, sum, chunk, worker, level[n++]);
        for (size_t size = chunk + 1; size % 2 == 0; size /= 2, n--) {
            add(sum->n, level[n - 1], level[n - 2]);
        }
    }
    for (; n > 1; n--) {
        add(sum->n, level[n - 1], level[n - 2]);
    }
}

static mb_status sum_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const sum_run *run = user;
    const mb_plan_sum *sum = &run->plan->sums[task];
    (void)ctx;
    if (sum->step == SIZE_MAX) {
        sum_own(run->plan, run->n_chunks, sum);
    } else {
        sum_pieces(run, sum, worker);
    }
    return MB_OK;
}

mb_status mb_plan_sum_gradients(mb_context *ctx, const mb_plan *plan, size_t n_chunks,
    mb_plan_block_fn block, const void *user) {
    sum_run run = {plan, n_chunks, block, user};
    return mb_parallel(ctx, plan->n_sums, sum_task, &run);
}
