// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layer.h"

typedef struct flatten_options {
    int data_format;
} flatten_options;

static const mb_option options[] = {
    {"data_format", MB_OPTION_CHOICE, offsetof(flatten_options, data_format), "channels_last", 0, 0,
        mb_data_format_names, NULL,
        "channels_first: channels go last before flattening, as in Keras since 2.2; channels_last: "
        "the written order"},
    MB_OPTIONS_END};

static bool is_channels_first(const mb_layer *layer) {
    return ((const flatten_options *)layer->options)->data_format == 1;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    (void)ctx;
    (void)model;
    (void)layer;
    (void)n_inputs;
    *output = (mb_value_type){.axis = inputs->axis, .rank = 1, .dim = {mb_value_size(inputs)}};
    return MB_OK;
}

const mb_layer_ops mb_layer_flatten = {
    .name = "flatten",
    .class_name = "Flatten",
    .help = "a row as one vector",
    .options = options,
    .options_size = sizeof(flatten_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_CHANNELS,
    .is_channels_first = is_channels_first,
    .infer = infer,
    .plan = mb_layer_plan_copy,
};
