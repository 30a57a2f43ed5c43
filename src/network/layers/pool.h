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
// The same windows over samples in lanes: as many channels more.
mb_pool_plan mb_pool_in_lanes(const mb_pool_plan *plan);
// Do the windows of a max pooling layer tile outputs of the given lengths from the first on,
// without padding? Then window is filled.
bool mb_pool_tiles(
    const mb_layer *layer, size_t n_spatial, const size_t length[3], size_t window[3]);

extern const mb_option mb_pool_options_list[];
// Comparisons; means are not counted, as in the published counts of networks that have them.
uint64_t mb_pool_flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output);

// The record of a kind of pooling whose file has plan_pool(ctx, site, dimensions).
#define MB_POOL_LAYER(kind, class, text, count, dimensions)                                        \
    static mb_status infer##dimensions(mb_context *ctx, mb_model *model, mb_layer *layer,          \
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {                     \
        (void)n_inputs;                                                                            \
        return mb_pool_infer(ctx, model, layer, inputs, dimensions, output);                       \
    }                                                                                              \
    static mb_status plan##dimensions(mb_context *ctx, mb_plan_site *site) {                       \
        return plan_pool(ctx, site, dimensions);                                                   \
    }                                                                                              \
    const mb_layer_ops mb_layer_##kind##dimensions##d = {                                          \
        .name = #kind #dimensions "d",                                                             \
        .class_name = class #dimensions "D",                                                       \
        .help = text " over windows of " #dimensions "-dimensional rows",                          \
        .options = mb_pool_options_list,                                                           \
        .options_size = sizeof(mb_pool_options),                                                   \
        .least_inputs = 1,                                                                         \
        .most_inputs = 1,                                                                          \
        .layout = MB_LAYOUT_CHANNELS,                                                              \
        .is_channels_first = mb_pool_is_channels_first,                                            \
        .infer = infer##dimensions,                                                                \
        .plan = plan##dimensions,                                                                  \
        .flops = count,                                                                            \
    };

#endif
