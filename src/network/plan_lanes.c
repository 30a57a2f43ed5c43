// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "kernels/lanes.h"
#include "network/lanes.h"

// A tile of samples, its gradients and the weights stay in a core's second-level cache; beyond that
// the few rows that the other way needs at a time win. Rows: with fewer than half a tile a call (of
// a chunk, in training) most lanes are padding.
enum { MOST_BYTES = 512 * 1024, LEAST_ROWS = MB_SAMPLES / 2 };

static size_t tile_bytes(const mb_plan *plan) {
    size_t floats = 0;
    size_t saved = 0;
    size_t weights = 0;
    for (size_t i = 0; i < plan->n_values; i++) {
        floats += plan->values[i].size * (plan->values[i].needs_gradient ? 2 : 1);
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        const mb_step *step = &plan->steps[i].step;
        saved += step->lanes.saved_bytes;
        weights += step->packed_floats + (plan->is_training ? step->lanes.gradient_floats : 0);
    }
    return (floats * sizeof(float) + saved) * MB_SAMPLES + weights * sizeof(float);
}

static bool is_for_lanes(const mb_plan *plan) {
    const size_t rows =
        plan->is_training ? mb_plan_chunk_rows(plan, plan->max_rows) : plan->max_rows;
    if (rows < LEAST_ROWS || plan->model->n_axes > 1) {
        return false;
    }
    for (size_t i = 0; i < plan->n_values; i++) {
        if (plan->values[i].is_sparse) {
            return false;
        }
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        const mb_step *step = &plan->steps[i].step;
        if (step->lanes.forward == NULL || step->n_statistics > 0) {
            return false;
        }
    }
    return tile_bytes(plan) <= MOST_BYTES;
}

// Every later user of a value takes another instead, which holds the same numbers and gathers its
// gradient.
static void replace_value(mb_plan *plan, size_t step, size_t value, size_t other) {
    for (size_t i = step + 1; i < plan->n_steps; i++) {
        for (size_t j = 0; j < plan->steps[i].step.n_inputs; j++) {
            if (plan->steps[i].inputs[j] == value) {
                plan->steps[i].inputs[j] = other;
            }
        }
    }
    if (plan->values[value].output != SIZE_MAX) {
        plan->values[other].output = plan->values[value].output;
        plan->output_values[plan->values[value].output] = other;
        plan->values[value].output = SIZE_MAX;
    }
    plan->values[value].needs_gradient = false;
    plan->values[value].size = 0;
}

static bool has_activity(const mb_plan *plan) {
    bool has = false;
    for (size_t i = 0; i < plan->n_steps; i++) {
        has = has || plan->steps[i].step.gives_activity;
    }
    return has;
}

// Flattening and the like move nothing.
static void drop_copies(mb_plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_steps; i++) {
        const size_t in = plan->steps[i].inputs[0];
        const size_t out = plan->steps[i].output;
        const bool are_both_outputs =
            plan->values[in].output != SIZE_MAX && plan->values[out].output != SIZE_MAX;
        if (mb_layer_is_copy(&plan->steps[i].step) && !are_both_outputs) {
            replace_value(plan, i, out, in);
            continue;
        }
        plan->values[out].producer = n;
        plan->steps[n++] = plan->steps[i];
    }
    plan->n_steps = n;
}

void mb_plan_choose_lanes(mb_plan *plan) {
    plan->is_in_lanes = is_for_lanes(plan);
    if (plan->is_in_lanes || !(plan->is_training || has_activity(plan))) {
        drop_copies(plan);
    }
    for (size_t i = 0; i < plan->n_steps && plan->is_in_lanes; i++) {
        mb_step *step = &plan->steps[i].step;
        step->forward = step->lanes.forward;
        step->backward = step->lanes.backward;
        step->unpack = step->lanes.unpack;
        step->saved_bytes = step->lanes.saved_bytes;
        step->scratch_bytes = step->lanes.scratch_bytes;
        step->gradient_floats = step->lanes.gradient_floats;
    }
}

bool mb_plan_takes_row_numbers(const mb_plan *plan) {
    return plan->is_in_lanes;
}

static const float *input_row(const mb_plan_block *block, size_t input, size_t row) {
    const mb_input *from = &block->inputs[input];
    const size_t size = block->plan->values[block->plan->input_values[input]].size;
    return from->dense + (from->row != NULL ? from->row[row] : row) * size;
}

void mb_plan_fill_lanes(const mb_plan_block *block) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_inputs; i++) {
        const float *rows[MB_SAMPLES];
        for (size_t r = 0; r < block->n; r++) {
            rows[r] = input_row(block, i, block->first + r);
        }
        plan->kernels->lanes->fill(block->n, plan->values[plan->input_values[i]].size, rows,
            mb_plan_value_rows(block, plan->input_values[i]));
    }
}

void mb_plan_open_ahead(mb_rows_ahead *ahead, const mb_plan_block *block) {
    const mb_plan *plan = block->plan;
    *ahead = (mb_rows_ahead){.fetch = plan->kernels->lanes->fetch,
        .dense = block->inputs[0].dense,
        .row = block->inputs[0].row,
        .size = plan->values[plan->input_values[0]].size,
        .n_others = plan->model->n_inputs - 1,
        .block = block};
}

void mb_plan_begin_ahead(mb_rows_ahead *ahead, size_t end) {
    ahead->next = ahead->block->first + MB_SAMPLES;
    ahead->end = mb_min_size(ahead->next + MB_SAMPLES, end);
}

void mb_plan_fetch_row(mb_rows_ahead *ahead) {
    if (ahead->next >= ahead->end) {
        return;
    }
    const size_t row = ahead->next++;
    ahead->fetch(
        ahead->dense + (ahead->row != NULL ? ahead->row[row] : row) * ahead->size, ahead->size);
    for (size_t i = 1; i <= ahead->n_others; i++) {
        const mb_plan *plan = ahead->block->plan;
        ahead->fetch(input_row(ahead->block, i, row), plan->values[plan->input_values[i]].size);
    }
}

void mb_plan_fetch_rest(mb_rows_ahead *ahead) {
    while (ahead->next < ahead->end) {
        mb_plan_fetch_row(ahead);
    }
}

void mb_lanes_fetch_ahead(const mb_rows *rows) {
    if (rows->ahead != NULL) {
        mb_plan_fetch_row(rows->ahead);
    }
}

static void call_lane_loss(const mb_plan_block *block, void *user) {
    const mb_plan *plan = block->plan;
    const float *outputs[MB_PLAN_MOST_OUTPUTS];
    float *d_outputs[MB_PLAN_MOST_OUTPUTS];
    float *room[MB_PLAN_MOST_OUTPUTS];
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        outputs[i] = mb_plan_value_rows(block, plan->output_values[i]);
        d_outputs[i] = mb_plan_gradient_rows(block, plan->output_values[i]);
        room[i] = mb_plan_output_rows(block, plan->output_values[i]);
    }
    block->loss_in_lanes(user, block->first, block->n, outputs, d_outputs, room);
}

void mb_plan_call_loss_in_lanes(const mb_plan_block *block, mb_loss_fn loss, void *user) {
    if (block->loss_in_lanes != NULL) {
        call_lane_loss(block, user);
        return;
    }
    const mb_plan *plan = block->plan;
    const mb_lane_kernels *kernels = plan->kernels->lanes;
    const float *outputs[MB_PLAN_MOST_OUTPUTS];
    float *d_outputs[MB_PLAN_MOST_OUTPUTS];
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        const size_t value = plan->output_values[i];
        const size_t size = plan->values[value].size;
        float *rows = mb_plan_output_rows(block, value);
        kernels->store(block->n, size, mb_plan_value_rows(block, value), rows, size);
        outputs[i] = rows;
        d_outputs[i] = rows + block->capacity * size;
    }
    loss(user, block->first, block->n, outputs, d_outputs);
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        const size_t value = plan->output_values[i];
        const size_t size = plan->values[value].size;
        const float *rows[MB_SAMPLES];
        for (size_t r = 0; r < block->n; r++) {
            rows[r] = d_outputs[i] + r * size;
        }
        kernels->fill(block->n, size, rows, mb_plan_gradient_rows(block, value));
    }
}

static void store_outputs(const mb_plan_block *block, float *const *outputs) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        const size_t value = plan->output_values[i];
        const size_t size = plan->values[value].size;
        plan->kernels->lanes->store(block->n, size, mb_plan_value_rows(block, value),
            outputs[i] + block->first * size, size);
    }
}

// Steps whose places in memory are found once for all tiles of a call.
enum { KEPT_STEPS = 8 };

void mb_plan_predict_lanes(const mb_plan *plan, void *scratch, const mb_input *inputs,
    size_t n_rows, float *const *outputs) {
    char *memory = scratch;
    mb_plan_rows kept[KEPT_STEPS];
    mb_rows_ahead ahead;
    mb_plan_block block = {.plan = plan,
        .inputs = inputs,
        .memory = memory,
        .capacity = plan->tile,
        .scratch = memory + mb_round_up(mb_plan_block_bytes(plan, plan->tile), 64),
        .ahead = &ahead};
    const size_t n_kept = mb_min_size(plan->n_steps, KEPT_STEPS);
    for (size_t i = 0; i < n_kept; i++) {
        mb_plan_rows_of(&block, i, false, &kept[i]);
    }
    mb_plan_open_ahead(&ahead, &block);
    for (; block.first < n_rows; block.first += MB_SAMPLES) {
        block.n = mb_min_size(MB_SAMPLES, n_rows - block.first);
        mb_plan_begin_ahead(&ahead, n_rows);
        mb_plan_fill_lanes(&block);
        for (size_t i = 0; i < n_kept; i++) {
            kept[i].rows.first = block.first;
            kept[i].rows.n_samples = block.n;
            plan->steps[i].step.forward(&plan->steps[i].step, &kept[i].rows);
            mb_plan_fetch_row(&ahead);
        }
        for (size_t i = n_kept; i < plan->n_steps; i++) {
            mb_plan_forward_step(&block, i);
        }
        mb_plan_fetch_rest(&ahead);
        store_outputs(&block, outputs);
    }
}
