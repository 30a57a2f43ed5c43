// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

size_t mb_model_n_inputs(const mb_model *model) {
    return model->n_inputs;
}

size_t mb_model_n_outputs(const mb_model *model) {
    return model->n_outputs;
}

size_t mb_model_n_parameters(const mb_model *model) {
    return model->n_parameters;
}

static const char *producer_name(const mb_model *model, size_t value) {
    return model->calls[model->values[value].producer].layer->name;
}

const char *mb_model_input_name(const mb_model *model, size_t input) {
    return input < model->n_inputs ? producer_name(model, model->inputs[input]) : NULL;
}

const char *mb_model_output_name(const mb_model *model, size_t output) {
    return output < model->n_outputs ? producer_name(model, model->outputs[output]) : NULL;
}

static mb_status value_shape(mb_context *ctx, const mb_model *model, const size_t *values, size_t n,
    size_t index, unsigned *rank, size_t shape[MB_MAX_RANK]) {
    if (index >= n) {
        return mb_fail(ctx, MB_ERR_ARG, "model %s: has no input or output number %zu; it has %zu",
            model->name, index, n);
    }
    const mb_value_type *type = &model->values[values[index]].type;
    *rank = type->rank;
    memcpy(shape, type->dim, type->rank * sizeof *shape);
    return MB_OK;
}

mb_status mb_model_input_shape(mb_context *ctx, const mb_model *model, size_t input, unsigned *rank,
    size_t shape[MB_MAX_RANK]) {
    return value_shape(ctx, model, model->inputs, model->n_inputs, input, rank, shape);
}

mb_status mb_model_output_shape(mb_context *ctx, const mb_model *model, size_t output,
    unsigned *rank, size_t shape[MB_MAX_RANK]) {
    return value_shape(ctx, model, model->outputs, model->n_outputs, output, rank, shape);
}
