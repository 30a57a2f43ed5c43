// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "kernels/lanes.h"

static char *region(const mb_plan_block *block, mb_plan_region index) {
    return block->memory + block->plan->layout.at[index] * block->capacity;
}

float *mb_plan_value_rows(const mb_plan_block *block, size_t index) {
    const mb_plan_value *value = &block->plan->values[index];
    if (value->model_input != SIZE_MAX && !value->is_sparse && !block->plan->is_in_lanes) {
        // Steps never write to their inputs.
        return (float *)(uintptr_t)(block->inputs[value->model_input].dense +
                                    block->first * value->size);
    }
    return (float *)(void *)region(block, MB_REGION_VALUES) + value->at * block->capacity +
           block->row * value->size;
}

float *mb_plan_gradient_rows(const mb_plan_block *block, size_t index) {
    const mb_plan_value *value = &block->plan->values[index];
    return (float *)(void *)region(block, MB_REGION_GRADIENTS) +
           value->at_gradient * block->capacity + block->row * value->size;
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

void mb_plan_fill_inputs(const mb_plan_block *block) {
    if (block->plan->is_in_lanes) {
        mb_plan_fill_lanes(block);
        return;
    }
    for (size_t i = 0; i < block->plan->model->n_inputs; i++) {
        const mb_plan_value *value = &block->plan->values[block->plan->input_values[i]];
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

void mb_plan_rows_of(const mb_plan_block *block, size_t index, bool is_backward, mb_rows *rows,
    const float **in, float **d_in) {
    const mb_plan *plan = block->plan;
    const mb_plan_step *s = &plan->steps[index];
    // Member by member: clearing the whole is a tenth of one event's way through a small network.
    rows->n = plan->is_in_lanes ? MB_SAMPLES : block->n;
    rows->n_samples = block->n;
    rows->first = block->first;
    rows->in = in;
    rows->sparse = NULL;
    rows->out = mb_plan_value_rows(block, s->output);
    rows->d_out = is_backward ? mb_plan_gradient_rows(block, s->output) : NULL;
    rows->d_in = d_in;
    rows->gradient = block->gradient == NULL ? NULL : block->gradient + s->at_gradient;
    rows->saved = s->step.saved_bytes == 0
                      ? NULL
                      : region(block, MB_REGION_SAVED) + s->at_saved * block->capacity +
                            block->row * s->step.saved_bytes;
    rows->scratch = block->scratch;
    rows->active = s->input_activity == SIZE_MAX ? NULL : active_rows(block, s->input_activity);
    rows->active_out = s->step.gives_activity ? active_rows(block, index) : NULL;
    rows->is_training = plan->is_training;
    rows->seed = block->seed;
    rows->step = block->step;
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
    const float *in[MB_PLAN_MOST_INPUTS];
    float *d_in[MB_PLAN_MOST_INPUTS];
    mb_rows rows;
    mb_plan_rows_of(block, index, false, &rows, in, d_in);
    block->plan->steps[index].step.forward(&block->plan->steps[index].step, &rows);
}

void mb_plan_backward_step(const mb_plan_block *block, size_t index) {
    const float *in[MB_PLAN_MOST_INPUTS];
    float *d_in[MB_PLAN_MOST_INPUTS];
    mb_rows rows;
    const mb_plan_step *s = &block->plan->steps[index];
    if (s->step.backward == NULL || !block->plan->values[s->output].needs_gradient) {
        return;
    }
    mb_plan_rows_of(block, index, true, &rows, in, d_in);
    s->step.backward(&s->step, &rows);
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
static mb_plan_block run_tile(
    const mb_plan *plan, void *scratch, const mb_input *inputs, size_t first, size_t n_rows) {
    char *memory = scratch;
    const mb_plan_block block = {.plan = plan,
        .inputs = inputs,
        .memory = memory,
        .capacity = plan->tile,
        .first = first,
        .n = mb_min_size(plan->tile, n_rows - first),
        .scratch = memory + mb_round_up(mb_plan_block_bytes(plan, plan->tile), 64)};
    mb_plan_fill_inputs(&block);
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_plan_forward_step(&block, i);
        if (plan->is_in_lanes) {
            mb_plan_fetch_ahead(&block, n_rows, i, plan->n_steps);
        }
    }
    return block;
}

void mb_plan_predict(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    float *const *outputs) {
    for (size_t first = 0; first < n_rows; first += plan->tile) {
        const mb_plan_block block = run_tile(plan, scratch, inputs, first, n_rows);
        if (plan->is_in_lanes) {
            mb_plan_store_lanes(&block, outputs);
            continue;
        }
        for (size_t i = 0; i < plan->model->n_outputs; i++) {
            const size_t size = plan->values[plan->output_values[i]].size;
            memcpy(outputs[i] + first * size, mb_plan_value_rows(&block, plan->output_values[i]),
                block.n * size * sizeof(float));
        }
    }
}

void mb_plan_work(const mb_plan *plan, void *scratch, const mb_input *inputs, size_t n_rows,
    uint64_t *done, uint64_t *full) {
    *done = *full = 0;
    for (size_t first = 0; first < n_rows; first += plan->tile) {
        const mb_plan_block block = run_tile(plan, scratch, inputs, first, n_rows);
        for (size_t i = 0; i < plan->n_steps; i++) {
            const float *in[MB_PLAN_MOST_INPUTS];
            float *d_in[MB_PLAN_MOST_INPUTS];
            const mb_step *step = &plan->steps[i].step;
            const uint64_t all = step->n_products * block.n;
            mb_rows rows;
            mb_plan_rows_of(&block, i, false, &rows, in, d_in);
            *done += step->count_done != NULL ? step->count_done(step, &rows) : all;
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
