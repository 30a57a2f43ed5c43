// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "training/reconstruct.h"

#include "training/evaluator.h"

static mb_status find_column(
    mb_context *ctx, const mb_model *model, const mb_dataset *dataset, const mb_column **column) {
    const size_t n_outputs =
        model->n_outputs == 1 ? mb_value_size(&model->values[model->outputs[0]].type) : 0;
    if (model->n_inputs != 1 || model->n_outputs != 1) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "model %s: has %zu inputs and %zu outputs, so it is no autoencoder; give it one of "
            "each",
            model->name, model->n_inputs, model->n_outputs);
    }
    MB_TRY(mb_match_inputs(ctx, model, dataset, column));
    if ((*column)->axis != NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "model %s: takes rows of %s; reconstruction is offered of events", model->name,
            (*column)->axis);
    }
    if (n_outputs != (*column)->size) {
        return mb_fail(ctx, MB_ERR_SHAPE,
            "model %s: gives %zu numbers an event for the %zu of '%s', so it is no autoencoder; "
            "give its last layer as many",
            model->name, n_outputs, (*column)->size, (*column)->name);
    }
    return MB_OK;
}

mb_status mb_reconstruction_check(
    mb_context *ctx, const mb_model *model, const mb_dataset *dataset) {
    const mb_column *column = NULL;
    return find_column(ctx, model, dataset, &column);
}

typedef struct error_job {
    size_t size;
    float *out;
} error_job;

static mb_status error_block(void *user, mb_context *ctx, size_t first, size_t n,
    const mb_feeder *feeder, const float *const *outputs) {
    (void)ctx;
    const error_job *job = user;
    // The event itself is fed as the target: rows of lists come out dense there, too.
    const float *events = mb_feeder_target(feeder);
    for (size_t i = 0; i < n; i++) {
        const float *x = events + i * job->size;
        const float *y = outputs[0] + i * job->size;
        double sum = 0;
        for (size_t j = 0; j < job->size; j++) {
            const double error = (double)x[j] - (double)y[j];
            sum += error * error;
        }
        job->out[first + i] = (float)(sum / (double)job->size);
    }
    return MB_OK;
}

mb_status mb_reconstruction_errors(mb_context *ctx, const mb_model *model, const float *parameters,
    const mb_dataset *dataset, const uint32_t *rows, size_t n, float *out) {
    const mb_column *column = NULL;
    mb_evaluator *evaluator = NULL;
    MB_TRY(find_column(ctx, model, dataset, &column));
    const mb_feeder_settings settings = {
        .dataset = dataset, .n_inputs = 1, .inputs = &column, .target = column};
    mb_status status = mb_evaluator_create(ctx, model, &settings, NULL, &evaluator);
    if (status == MB_OK) {
        error_job job = {column->size, out};
        status = mb_evaluator_run(evaluator, ctx, parameters, rows, n, error_block, &job);
    }
    mb_evaluator_destroy(evaluator);
    return status;
}
