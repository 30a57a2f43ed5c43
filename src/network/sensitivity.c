// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/sensitivity.h"

enum { MOST_ROWS = 512 };

typedef struct shifted_loss {
    mb_loss_fn loss;
    void *user;
    size_t first; // row of the batch's first
} shifted_loss;

static void call_loss(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    const shifted_loss *shifted = user;
    shifted->loss(shifted->user, shifted->first + first_row, n_rows, outputs, d_outputs);
}

mb_status mb_sensitivity(mb_context *ctx, const mb_model *model, const float *parameters,
    const float *rows, size_t n, mb_loss_fn loss, void *user, float *gradient) {
    if (model->n_inputs != 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "model %s: has %zu inputs; gradients are taken of models with one", model->name,
            model->n_inputs);
    }
    const size_t size = mb_value_size(&model->values[model->inputs[0]].type);
    const mb_plan_settings settings = {
        .is_training = true, .is_frozen = true, .max_rows = mb_min_size(n, MOST_ROWS)};
    shifted_loss shifted = {loss, user, 0};
    mb_plan *plan = NULL;
    // Nothing of a frozen plan is written to parameters; by weights no gradient is wanted.
    const size_t n_weights = mb_max_size(model->n_parameters, 1);
    float *copy = mb_allocate(ctx, n_weights, sizeof *copy);
    float *unused = mb_allocate(ctx, n_weights, sizeof *unused);
    mb_status status = copy != NULL && unused != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        memcpy(copy, parameters, model->n_parameters * sizeof *copy);
        status = mb_plan_create(ctx, model, &settings, &plan);
    }
    if (status == MB_OK) {
        status = mb_plan_reserve(ctx, plan);
    }
    if (status == MB_OK) {
        mb_plan_load(plan, copy);
    }
    for (size_t first = 0; first < n && status == MB_OK; first += MOST_ROWS) {
        const mb_input input = {.dense = rows + first * size};
        float *to = gradient + first * size;
        const mb_train_batch batch = {.inputs = &input,
            .n_rows = mb_min_size(MOST_ROWS, n - first),
            .parameters = copy,
            .input_gradients = &to};
        shifted.first = first;
        status = mb_plan_gradient(ctx, plan, &batch, call_loss, &shifted, unused);
    }
    mb_plan_destroy(plan);
    mb_release(ctx, copy);
    mb_release(ctx, unused);
    return status;
}
