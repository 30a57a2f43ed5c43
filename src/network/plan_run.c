// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "kernels/lanes.h"

static char *region(const mb_plan_block *block, mb_plan_region index) {
    return block->memory + block->plan->layout.at[index] * block->capacity;
}

static size_t axis_row(const mb_plan_block *block, unsigned axis, size_t event) {
    return block->axes[axis].offset[event];
}

// Row 0 of the block, of a place in a region of an axis with so much for each row.
static char *place(
    const mb_plan_block *block, unsigned axis, mb_plan_region index, size_t at, size_t row_bytes) {
    const mb_plan *plan = block->plan;
    if (axis == MB_AXIS_EVENTS) {
        return region(block, index) + at * block->capacity + block->row * row_bytes;
    }
    const mb_plan_axis *part = &plan->axes[axis];
    const size_t row =
        axis_row(block, axis, block->first) - axis_row(block, axis, block->first - block->row);
    return block->memory + mb_plan_block_bytes(plan, block->capacity) - plan->axis_bytes +
           part->at + (part->layout.at[index] + at) * part->capacity + row * row_bytes;
}

float *mb_plan_value_rows(const mb_plan_block *block, size_t index) {
    const mb_plan_value *value = &block->plan->values[index];
    const unsigned axis = value->type.axis;
    if (mb_plan_is_outside(block->plan, value)) {
        const size_t first =
            axis == MB_AXIS_EVENTS ? block->first : axis_row(block, axis, block->first);
        // Steps never write to their inputs.
        return (float *)(uintptr_t)(block->inputs[value->model_input].dense + first * value->size);
    }
    return (float *)(void *)place(
        block, axis, MB_REGION_VALUES, value->at * sizeof(float), value->size * sizeof(float));
}

float *mb_plan_gradient_rows(const mb_plan_block *block, size_t index) {
    const mb_plan_value *value = &block->plan->values[index];
    return (float *)(void *)place(block, value->type.axis, MB_REGION_GRADIENTS,
        value->at_gradient * sizeof(float), value->size * sizeof(float));
}

size_t mb_plan_n_rows(const mb_plan_block *block, unsigned axis) {
    return axis == MB_AXIS_EVENTS ? block->n
                                  : axis_row(block, axis, block->first + block->n) -
                                        axis_row(block, axis, block->first);
}

float *mb_plan_output_rows(const mb_plan_block *block, size_t index) {
    return (float *)(void *)region(block, MB_REGION_ROWS) +
           block->plan->values[index].at_rows * block->capacity;
}

static uint32_t *active_rows(const mb_plan_block *block, size_t step) {
    const mb_plan_step *s = &block->plan->steps[step];
    const mb_plan_value *value = &block->plan->values[s->output];
    return (uint32_t *)(void *)region(block, MB_REGION_ACTIVE) +
           value->at_active * block->capacity + block->row * (s->step.n_cells + 1);
}

// Rows of edges between stored order and that of the relation.
static void reorder(const mb_plan_block *block, const mb_plan_value *value, bool is_to_stored,
    const float *from, float *to) {
    const mb_axis_rows *axis = &block->axes[value->type.axis];
    const size_t size = value->size;
    for (size_t i = block->first; i < block->first + block->n; i++) {
        const mb_graph *graph = axis->graph[i];
        const size_t first = axis->offset[i] - axis->offset[block->first];
        for (size_t e = 0; e < graph->n_edges; e++) {
            const size_t stored = first + graph->stored[e];
            memcpy(to + (is_to_stored ? stored : first + e) * size,
                from + (is_to_stored ? first + e : stored) * size, size * sizeof *to);
        }
    }
}

static void fill_edges(const mb_plan_block *block, size_t input) {
    const size_t index = block->plan->input_values[input];
    const mb_plan_value *value = &block->plan->values[index];
    reorder(block, value, false,
        block->inputs[input].dense + axis_row(block, value->type.axis, block->first) * value->size,
        mb_plan_value_rows(block, index));
}

void mb_plan_fill_inputs(const mb_plan_block *block) {
    if (block->plan->is_in_lanes) {
        mb_plan_fill_lanes(block);
        return;
    }
    for (size_t i = 0; i < block->plan->model->n_inputs; i++) {
        const mb_plan_value *value = &block->plan->values[block->plan->input_values[i]];
        if (!value->is_sparse && !mb_plan_is_outside(block->plan, value)) {
            fill_edges(block, i);
        }
        if (!value->is_sparse || !value->needs_dense) {
            continue;
        }
        const mb_input *input = &block->inputs[i];
        float *rows = mb_plan_value_rows(block, block->plan->input_values[i]);
        memset(rows, 0, block->n * value->size * sizeof *rows);
        for (size_t r = 0; r < block->n; r++) {
            for (size_t k = input->offset[block->first + r];
                 k < input->offset[block->first + r + 1]; k++) {
                rows[r * value->size + input->index[k]] = input->value[k];
            }
        }
    }
}

static void find_graphs(
    const mb_plan_block *block, const mb_plan_step *s, mb_rows *rows, mb_graph_rows *graphs) {
    const unsigned edges = s->step.layer != NULL ? s->step.layer->edges : 0;
    rows->graphs = NULL;
    rows->saved_edges = NULL;
    if (edges == 0) {
        return;
    }
    const mb_axis_rows *axis = &block->axes[edges];
    const unsigned nodes = block->plan->model->axes[edges].joins;
    *graphs = (mb_graph_rows){block->n, axis->graph + block->first,
        block->axes[nodes].offset + block->first, axis->offset + block->first};
    rows->graphs = graphs;
    rows->saved_edges =
        place(block, edges, MB_REGION_SAVED, s->at_saved_edges, s->step.saved_edge_bytes);
}

void mb_plan_rows_of(
    const mb_plan_block *block, size_t index, bool is_backward, mb_plan_rows *work) {
    mb_rows *rows = &work->rows;
    const float **in = work->in;
    float **d_in = work->d_in;
    const mb_plan *plan = block->plan;
    const mb_plan_step *s = &plan->steps[index];
    // Member by member: clearing the whole is a tenth of one event's way through a small network.
    const unsigned axis = s->step.out.axis;
    rows->n = plan->is_in_lanes ? MB_SAMPLES : mb_plan_n_rows(block, axis);
    rows->n_samples = block->n;
    rows->first = axis == MB_AXIS_EVENTS ? block->first : axis_row(block, axis, block->first);
    rows->in = in;
    rows->sparse = NULL;
    rows->out = mb_plan_value_rows(block, s->output);
    rows->d_out = is_backward ? mb_plan_gradient_rows(block, s->output) : NULL;
    rows->d_in = d_in;
    rows->gradient = block->gradient == NULL ? NULL : block->gradient + s->at_gradient;
    rows->saved = s->step.saved_bytes == 0
                      ? NULL
                      : place(block, axis, MB_REGION_SAVED, s->at_saved, s->step.saved_bytes);
    rows->scratch = block->scratch;
    rows->active = s->input_activity == SIZE_MAX ? NULL : active_rows(block, s->input_activity);
    rows->active_out = s->step.gives_activity ? active_rows(block, index) : NULL;
    find_graphs(block, s, rows, &work->graphs);
    rows->is_training = plan->is_training;
    rows->seed = block->seed;
    rows->step = block->step;
    rows->ahead = block->ahead;
    for (size_t i = 0; i < s->step.n_inputs; i++) {
        const mb_plan_value *value = &plan->values[s->inputs[i]];
        in[i] = s->step.takes_sparse ? NULL : mb_plan_value_rows(block, s->inputs[i]);
        d_in[i] = is_backward && s->step.needs_input_gradient[i]
                      ? mb_plan_gradient_rows(block, s->inputs[i])
                      : NULL;
        if (s->step.takes_sparse) {
            rows->sparse = &block->inputs[value->model_input];
        }
    }
}

void mb_plan_forward_step(const mb_plan_block *block, size_t index) {
    mb_plan_rows work;
    mb_plan_rows_of(block, index, false, &work);
    block->plan->steps[index].step.forward(&block->plan->steps[index].step, &work.rows);
    if (block->ahead != NULL) {
        mb_plan_fetch_row(block->ahead);
    }
}

void mb_plan_backward_step(const mb_plan_block *block, size_t index) {
    mb_plan_rows work;
    const mb_plan_step *s = &block->plan->steps[index];
    if (s->step.backward == NULL || !block->plan->values[s->output].needs_gradient) {
        return;
    }
    mb_plan_rows_of(block, index, true, &work);
    s->step.backward(&s->step, &work.rows);
    if (block->ahead != NULL) {
        mb_plan_fetch_row(block->ahead);
    }
}

void mb_plan_store_input_gradients(const mb_plan_block *block, float *const *gradients) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_inputs; i++) {
        const size_t value = plan->input_values[i];
        const size_t size = plan->values[value].size;
        const float *from = mb_plan_gradient_rows(block, value);
        float *to = gradients[i] + block->first * size;
        if (plan->is_in_lanes) {
            plan->kernels->lanes->store(block->n, size, from, to, size);
        } else {
            memcpy(to, from, block->n * size * sizeof *to);
        }
    }
}

size_t mb_plan_scratch_bytes(const mb_plan *plan) {
    return mb_round_up(mb_plan_block_bytes(plan, plan->tile), 64) + plan->scratch_bytes;
}

// The tile that begins at a row, gone through all steps.
static mb_plan_block run_tile(const mb_plan *plan, void *scratch, const mb_input *inputs,
    const mb_axis_rows *axes, size_t first, size_t n_rows) {
    char *memory = scratch;
    const mb_plan_block block = {.plan = plan,
        .inputs = inputs,
        .axes = axes,
        .memory = memory,
        .capacity = plan->tile,
        .first = first,
        .n = mb_min_size(plan->tile, n_rows - first),
        .scratch = memory + mb_round_up(mb_plan_block_bytes(plan, plan->tile), 64)};
    mb_plan_fill_inputs(&block);
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_plan_forward_step(&block, i);
    }
    return block;
}

static void store_outputs(const mb_plan_block *block, float *const *outputs) {
    const mb_plan *plan = block->plan;
    for (size_t i = 0; i < plan->model->n_outputs; i++) {
        const mb_plan_value *value = &plan->values[plan->output_values[i]];
        const unsigned axis = value->type.axis;
        const float *from = mb_plan_value_rows(block, plan->output_values[i]);
        float *to = outputs[i] +
                    (axis == MB_AXIS_EVENTS ? block->first : axis_row(block, axis, block->first)) *
                        value->size;
        if (plan->model->axes[axis].joins != 0) {
            reorder(block, value, true, from, to);
        } else {
            memcpy(to, from, mb_plan_n_rows(block, axis) * value->size * sizeof *to);
        }
    }
}

void mb_plan_predict_graphs(const mb_plan *plan, void *scratch, const mb_input *inputs,
    const mb_axis_rows *axes, size_t n_rows, float *const *outputs) {
    if (plan->is_in_lanes) {
        mb_plan_predict_lanes(plan, scratch, inputs, n_rows, outputs);
        return;
    }
    for (size_t first = 0; first < n_rows; first += plan->tile) {
        const mb_plan_block block = run_tile(plan, scratch, inputs, axes, first, n_rows);
        store_outputs(&block, outputs);
    }
}

void mb_plan_predict(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    float *const *outputs) {
    mb_plan_predict_graphs(plan, scratch, inputs, NULL, n_rows, outputs);
}

void mb_plan_work(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    uint64_t *done, uint64_t *full) {
    *done = *full = 0;
    for (size_t first = 0; first < n_rows; first += plan->tile) {
        const mb_plan_block block = run_tile(plan, scratch, inputs, NULL, first, n_rows);
        for (size_t i = 0; i < plan->n_steps; i++) {
            const mb_step *step = &plan->steps[i].step;
            const uint64_t all = step->n_products * block.n;
            mb_plan_rows work;
            mb_plan_rows_of(&block, i, false, &work);
            *done += step->count_done != NULL ? step->count_done(step, &work.rows) : all;
            *full += all;
        }
    }
}

void mb_plan_describe(const mb_plan *plan, mb_buffer *out) {
    uint64_t products = 0;
    uint64_t sparse_products = 0;
    mb_buffer_format(out, "kernels %s, %zu steps, %zu rows at a time%s, %zu bytes of scratch\n",
        plan->kernels->name, plan->n_steps, plan->tile, plan->is_in_lanes ? " in lanes" : "",
        mb_plan_scratch_bytes(plan));
    for (size_t i = 0; i < plan->n_steps; i++) {
        const mb_step *step = &plan->steps[i].step;
        char shape[96];
        mb_buffer_format(out, "%-24s %-18s %12llu multiply-adds%s\n",
            step->layer != NULL ? step->layer->name : "(transposition)",
            mb_value_text(&step->out, shape, sizeof shape), (unsigned long long)step->n_products,
            step->gives_activity ? ", only where a hit reaches" : "");
        products += step->n_products;
        sparse_products += step->gives_activity ? step->n_products : 0;
    }
    mb_buffer_format(out,
        "%llu multiply-adds a row when nothing is skipped, %llu of them in steps that skip what no "
        "hit reaches\n",
        (unsigned long long)products, (unsigned long long)sparse_products);
}
