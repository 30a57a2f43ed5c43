// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "kernels/lanes.h"

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
        plan->is_training ? (plan->max_rows + MB_PLAN_CHUNKS - 1) / MB_PLAN_CHUNKS : plan->max_rows;
    if (rows < LEAST_ROWS) {
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

void mb_plan_choose_lanes(mb_plan *plan) {
    plan->is_in_lanes = is_for_lanes(plan);
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

void mb_plan_fill_lanes(const mb_plan_block *block) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_inputs; i++) {
        const size_t size = plan->values[plan->input_values[i]].size;
        plan->kernels->lanes->fill(block->n, size, block->inputs[i].dense + block->first * size,
            mb_plan_value_rows(block, plan->input_values[i]));
    }
}

void mb_plan_call_loss_in_lanes(const mb_plan_block *block, mb_loss_fn loss, void *user) {
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
        kernels->fill(
            block->n, plan->values[value].size, d_outputs[i], mb_plan_gradient_rows(block, value));
    }
}

void mb_plan_store_lanes(const mb_plan_block *block, float *const *outputs) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        const size_t value = plan->output_values[i];
        const size_t size = plan->values[value].size;
        plan->kernels->lanes->store(block->n, size, mb_plan_value_rows(block, value),
            outputs[i] + block->first * size, size);
    }
}
