// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_POOL_H
#define NETWORK_LAYERS_POOL_H

#include "network/layer.h"

// Pooling options and windows, shared by maximum and average.
typedef struct mb_pool_options {
    mb_sizes pool_size, strides;
    int padding, data_format;
} mb_pool_options;

// A window over up to three axes (leading ones), channels-last.
typedef struct mb_pool_plan {
    size_t in[3], out[3], window[3], stride[3], pad[3];
    size_t n_channels;
} mb_pool_plan;

bool mb_pool_is_channels_first(const mb_layer *layer);
mb_status mb_pool_infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_spatial, mb_value_type *output);
// Makes the plan in the site's arena and stores it in the step.
mb_status mb_pool_plan_make(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, mb_pool_plan **out) MB_MUST_CHECK;
// The inputs [first, last) along an axis that output at sees; padding is left out.
void mb_pool_range(const mb_pool_plan *plan, size_t axis, size_t at, size_t *first, size_t *last);
// Do the windows of a max pooling layer tile outputs of the given lengths from the first on,
// without padding? Then window is filled.
bool mb_pool_tiles(
    const mb_layer *layer, size_t n_spatial, const size_t length[3], size_t window[3]);

#define MB_POOL_OPTIONS                                                                            \
    {"pool_size", MB_OPTION_SIZES, offsetof(mb_pool_options, pool_size), "2", 1, 1 << 16, NULL,    \
        "pool", "window, per dimension"},                                                          \
        {"strides", MB_OPTION_SIZES, offsetof(mb_pool_options, strides), "", 1, 1 << 16, NULL,     \
            "stride", "step, per dimension; default: the window"},                                 \
        {"padding", MB_OPTION_CHOICE, offsetof(mb_pool_options, padding), "valid", 0, 0,           \
            mb_padding_names, NULL, "what happens at the borders"},                                \
    {                                                                                              \
        "data_format", MB_OPTION_CHOICE, offsetof(mb_pool_options, data_format), "channels_last",  \
            0, 0, mb_data_format_names, NULL, "where the channels are"                             \
    }

#endif
