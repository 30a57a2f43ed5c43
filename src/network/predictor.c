// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/predictor.h"

#include "network/plan.h"

struct mb_predictor {
    mb_runtime *runtime;
    mb_plan *plan;
    size_t n_inputs, n_outputs, max_events;
    size_t inputs_offset; // of the plan's view of the inputs in the scratch
    bool *is_sparse;      // per input
    size_t *row_sizes;    // the same
};

static mb_status fill(mb_context *ctx, const mb_model *model, const mb_predictor_settings *settings,
    mb_predictor *predictor) {
    static const mb_predictor_settings usual = {0};
    settings = settings != NULL ? settings : &usual;
    predictor->n_inputs = model->n_inputs;
    predictor->n_outputs = model->n_outputs;
    predictor->max_events = mb_max_size(settings->max_events, 1);
    predictor->is_sparse = mb_allocate_zeroed(ctx, model->n_inputs, sizeof *predictor->is_sparse);
    predictor->row_sizes = mb_allocate(ctx, model->n_inputs, sizeof *predictor->row_sizes);
    if (predictor->is_sparse == NULL || predictor->row_sizes == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_inputs; i++) {
        predictor->row_sizes[i] = mb_value_size(&model->values[model->inputs[i]].type);
    }
    if (settings->sparse_inputs != NULL) {
        memcpy(predictor->is_sparse, settings->sparse_inputs,
            model->n_inputs * sizeof *predictor->is_sparse);
    }
    const mb_plan_settings plan = {
        .max_rows = predictor->max_events, .sparse_inputs = predictor->is_sparse};
    MB_TRY(mb_plan_create(ctx, model, &plan, &predictor->plan));
    mb_plan_load(predictor->plan, model->parameters);
    predictor->inputs_offset = mb_round_up(mb_plan_scratch_bytes(predictor->plan), 64);
    return MB_OK;
}

mb_status mb_predictor_create(mb_context *ctx, const mb_model *model,
    const mb_predictor_settings *settings, mb_predictor **out) {
    *out = NULL;
    mb_predictor *predictor = mb_allocate_zeroed(ctx, 1, sizeof *predictor);
    if (predictor == NULL) {
        return MB_ERR_MEMORY;
    }
    predictor->runtime = mb_context_runtime(ctx);
    const mb_status status = fill(ctx, model, settings, predictor);
    if (status != MB_OK) {
        mb_predictor_destroy(predictor);
        return status;
    }
    *out = predictor;
    return MB_OK;
}

void mb_predictor_destroy(mb_predictor *predictor) {
    if (predictor == NULL) {
        return;
    }
    mb_runtime *runtime = predictor->runtime;
    mb_plan_destroy(predictor->plan);
    mb_runtime_release(runtime, predictor->is_sparse);
    mb_runtime_release(runtime, predictor->row_sizes);
    mb_runtime_release(runtime, predictor);
}

size_t mb_predictor_scratch_bytes(const mb_predictor *predictor) {
    return predictor->inputs_offset + predictor->n_inputs * sizeof(mb_input);
}

// A wrong index would be a write out of bounds: a pass over the hits costs little beside the
// network.
static bool is_sparse_good(const mb_predictor_input *in, size_t n_events, size_t row_size) {
    if (in->offset == NULL) {
        return false;
    }
    for (size_t i = 0; i < n_events; i++) {
        const uint32_t begin = in->offset[i];
        const uint32_t end = in->offset[i + 1];
        if (end < begin || (end > begin && (in->index == NULL || in->value == NULL))) {
            return false;
        }
        for (uint32_t k = begin; k < end; k++) {
            if (in->index[k] >= row_size || (k > begin && in->index[k] <= in->index[k - 1])) {
                return false;
            }
        }
    }
    return true;
}

mb_status mb_predictor_run(const mb_predictor *predictor, void *scratch,
    const mb_predictor_input *inputs, size_t n_events, float *const *outputs) {
    if (n_events == 0) {
        return MB_OK;
    }
    if (n_events > predictor->max_events || scratch == NULL || (uintptr_t)scratch % 64 != 0 ||
        inputs == NULL || outputs == NULL) {
        return MB_ERR_ARG;
    }
    for (size_t i = 0; i < predictor->n_outputs; i++) {
        if (outputs[i] == NULL) {
            return MB_ERR_ARG;
        }
    }
    mb_input *views = (mb_input *)(void *)((char *)scratch + predictor->inputs_offset);
    for (size_t i = 0; i < predictor->n_inputs; i++) {
        const mb_predictor_input *in = &inputs[i];
        const bool is_sparse = predictor->is_sparse[i];
        if (is_sparse ? !is_sparse_good(in, n_events, predictor->row_sizes[i])
                      : in->dense == NULL) {
            return MB_ERR_ARG;
        }
        views[i] = (mb_input){.dense = is_sparse ? NULL : in->dense,
            .offset = in->offset,
            .index = in->index,
            .value = in->value};
    }
    mb_plan_predict(predictor->plan, scratch, views, n_events, outputs);
    return MB_OK;
}
