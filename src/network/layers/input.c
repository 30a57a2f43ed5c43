// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

static const mb_option no_options[] = {MB_OPTIONS_END};

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)model;
    (void)inputs;
    (void)n_inputs;
    (void)output;
    return mb_fail(ctx, MB_ERR_SHAPE, "%s is an input; use it with from:, not as a layer of values",
        layer->name);
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    return mb_fail(
        ctx, MB_ERR_INTERNAL, "input %s was planned as a step; report this", site->layer->name);
}

const mb_layer_ops mb_layer_input = {
    .name = "input",
    .class_name = "InputLayer",
    .help = "rows from outside",
    .options = no_options,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = plan,
};
