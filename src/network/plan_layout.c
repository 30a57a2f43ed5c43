// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "kernels/lanes.h"

// What fits into a core's second-level cache beside weights and scratch.
enum { TILE_BYTES = 256 * 1024, MOST_TILE = 64, LEAST_TILE = 12, MANY_WEIGHTS = 1 << 20 };
// Rows of nodes and edges lie close together. So many are spare behind the last one, for vectors
// that begin there, and so many at a time are whole cache lines.
enum { SPARE_ROWS = 16 };

// Floats are padded so that every row block begins on its own cache line and whole vectors may be
// read past its end.
static size_t padded(size_t floats) {
    return mb_round_up(floats + MB_LANES, 16);
}

static mb_plan_layout *layout_of(mb_plan *plan, unsigned axis) {
    return axis == MB_AXIS_EVENTS ? &plan->layout : &plan->axes[axis].layout;
}

static void lay_out_value(mb_plan *plan, mb_plan_value *value) {
    const unsigned axis = value->type.axis;
    mb_plan_layout *layout = layout_of(plan, axis);
    const size_t floats = axis == MB_AXIS_EVENTS ? padded(value->size) : value->size;
    const bool is_left_out =
        mb_plan_is_outside(plan, value) || (value->model_input != SIZE_MAX && !plan->is_in_lanes &&
                                               value->is_sparse && !value->needs_dense);
    value->at = layout->value_floats;
    layout->value_floats += is_left_out ? 0 : floats;
    value->at_gradient = layout->gradient_floats;
    layout->gradient_floats +=
        plan->is_training && (value->needs_gradient || value->output != SIZE_MAX) ? floats : 0;
    value->at_rows = layout->row_floats;
    layout->row_floats += plan->is_in_lanes && value->output != SIZE_MAX ? 2 * floats : 0;
    if (value->producer != SIZE_MAX && plan->steps[value->producer].step.gives_activity) {
        value->at_active = layout->active_words;
        layout->active_words += mb_round_up(plan->steps[value->producer].step.n_cells + 1, 16);
    }
}

static size_t scratch_of(const mb_plan *plan, const mb_step *step) {
    const unsigned edges = step->layer != NULL ? step->layer->edges : 0;
    const unsigned nodes = plan->model->axes[edges].joins;
    return mb_round_up(step->scratch_bytes, 64) +
           mb_round_up(step->scratch_node_bytes * plan->axes[nodes].event_rows, 64) +
           mb_round_up(step->scratch_edge_bytes * plan->axes[edges].event_rows, 64);
}

static void lay_out_step(mb_plan *plan, mb_plan_step *s) {
    const unsigned axis = s->step.out.axis;
    const unsigned edges = s->step.layer != NULL ? s->step.layer->edges : 0;
    mb_plan_layout *layout = layout_of(plan, axis);
    s->at_saved = layout->saved_bytes;
    s->step.saved_bytes = mb_round_up(s->step.saved_bytes, axis == MB_AXIS_EVENTS ? 64 : 4);
    layout->saved_bytes += s->step.saved_bytes;
    if (s->step.saved_edge_bytes > 0) {
        s->at_saved_edges = plan->axes[edges].layout.saved_bytes;
        s->step.saved_edge_bytes = mb_round_up(s->step.saved_edge_bytes, 4);
        plan->axes[edges].layout.saved_bytes += s->step.saved_edge_bytes;
    }
    plan->scratch_bytes = mb_max_size(plan->scratch_bytes, scratch_of(plan, &s->step));
    s->at_gradient = plan->gradient_floats;
    plan->gradient_floats += mb_round_up(s->step.gradient_floats, 16);
    s->at_packed = plan->packed_floats;
    plan->packed_floats += mb_round_up(s->step.packed_floats + s->step.n_batch_floats, 16);
    plan->n_barriers += s->step.n_statistics > 0 ? 1 : 0;
    plan->most_statistics = mb_max_size(
        plan->most_statistics, mb_max_size(s->step.n_statistics, s->step.n_d_statistics));
}

static size_t row_bytes(mb_plan_layout *layout) {
    const size_t sizes[MB_REGIONS] = {layout->value_floats * sizeof(float),
        layout->gradient_floats * sizeof(float), layout->row_floats * sizeof(float),
        layout->active_words * sizeof(uint32_t), layout->saved_bytes};
    for (size_t i = 1; i < MB_REGIONS; i++) {
        layout->at[i] = layout->at[i - 1] + sizes[i - 1];
    }
    return layout->at[MB_REGION_SAVED] + layout->saved_bytes;
}

void mb_plan_lay_out_values(mb_plan *plan) {
    for (size_t i = 0; i < plan->n_values; i++) {
        lay_out_value(plan, &plan->values[i]);
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        lay_out_step(plan, &plan->steps[i]);
    }
    const size_t per_row = row_bytes(&plan->layout);
    plan->tile = mb_max_size(1, mb_min_size(MOST_TILE, TILE_BYTES / mb_max_size(per_row, 1)));
    // Weights beyond the second-level cache are fetched once a tile.
    if (!plan->is_training && plan->packed_floats * sizeof(float) > MANY_WEIGHTS) {
        plan->tile = mb_max_size(plan->tile, LEAST_TILE);
    }
    plan->tile = mb_min_size(plan->tile, mb_max_size(plan->max_rows, 1));
    if (plan->is_in_lanes) {
        plan->tile = MB_SAMPLES;
    }
    for (size_t i = 1; i < plan->model->n_axes; i++) {
        mb_plan_axis *axis = &plan->axes[i];
        axis->capacity = mb_round_up(axis->capacity + SPARE_ROWS, SPARE_ROWS);
        axis->at = plan->axis_bytes;
        plan->axis_bytes += mb_round_up(axis->capacity * row_bytes(&axis->layout), 64);
        plan->tile = 1;
    }
}

size_t mb_plan_block_bytes(const mb_plan *plan, size_t rows) {
    return rows * (plan->layout.at[MB_REGION_SAVED] + plan->layout.saved_bytes) + plan->axis_bytes;
}

// Where the only reader of a step's output gives the gradient that the step wants.
static void list_gradient(mb_plan *plan, size_t maker) {
    mb_plan_value *value = &plan->values[plan->steps[maker].output];
    mb_step *reader = NULL;
    size_t n_readers = value->output != SIZE_MAX ? 1 : 0;
    for (size_t i = maker + 1; i < plan->n_steps; i++) {
        for (size_t k = 0; k < plan->steps[i].step.n_inputs; k++) {
            if (plan->steps[i].inputs[k] == plan->steps[maker].output) {
                reader = &plan->steps[i].step;
                n_readers++;
            }
        }
    }
    if (n_readers == 1 && reader != NULL && reader->gives_listed_gradient) {
        value->is_gradient_listed = true;
        plan->steps[maker].step.is_gradient_listed = reader->is_gradient_listed = true;
    }
}

// In training the backward pass reads them, but for that of steps that look at the batch and give
// activity.
void mb_plan_skip_backgrounds(mb_plan *plan) {
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_step *maker = &plan->steps[i].step;
        const size_t value = plan->steps[i].output;
        bool is_read = plan->values[value].output != SIZE_MAX;
        for (size_t j = i + 1; j < plan->n_steps; j++) {
            for (size_t k = 0; k < plan->steps[j].step.n_inputs; k++) {
                is_read = is_read || (plan->steps[j].inputs[k] == value &&
                                         !plan->steps[j].step.follows_activity);
            }
        }
        maker->skips_background =
            maker->gives_activity && !is_read && (!plan->is_training || maker->n_statistics > 0);
        if (plan->is_training && maker->wants_listed_gradient) {
            list_gradient(plan, i);
        }
    }
}
