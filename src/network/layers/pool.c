// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/pool.h"

#include "kernels/lanes.h"

const mb_option mb_pool_options_list[] = {
    {"pool_size", MB_OPTION_SIZES, offsetof(mb_pool_options, pool_size), "2", 1, 1 << 16, NULL,
        "pool", "window, per dimension"},
    {"strides", MB_OPTION_SIZES, offsetof(mb_pool_options, strides), "", 1, 1 << 16, NULL, "stride",
        "step, per dimension; default: the window"},
    {"padding", MB_OPTION_CHOICE, offsetof(mb_pool_options, padding), "valid", 0, 0,
        mb_padding_names, NULL, "what happens at the borders"},
    {"data_format", MB_OPTION_CHOICE, offsetof(mb_pool_options, data_format), "channels_last", 0, 0,
        mb_data_format_names, NULL, "where the channels are"},
    MB_OPTIONS_END};

bool mb_pool_is_channels_first(const mb_layer *layer) {
    return ((const mb_pool_options *)layer->options)->data_format == 1;
}

static mb_status read_windows(mb_context *ctx, const mb_pool_options *options, size_t n_spatial,
    size_t window[3], size_t stride[3]) {
    if (options->padding == MB_PADDING_CAUSAL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "pooling has no causal padding; use valid or same");
    }
    MB_TRY(mb_spatial_option(ctx, &options->pool_size, n_spatial, "pool_size", window));
    if (options->strides.n == 0) {
        memcpy(stride, window, 3 * sizeof *stride);
        return MB_OK;
    }
    return mb_spatial_option(ctx, &options->strides, n_spatial, "strides", stride);
}

mb_status mb_pool_infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_spatial, mb_value_type *output) {
    const mb_pool_options *options = layer->options;
    mb_spatial spatial;
    size_t window[3];
    size_t stride[3];
    (void)model;
    MB_TRY(mb_spatial_of(ctx, inputs, n_spatial, mb_pool_is_channels_first(layer), &spatial));
    MB_TRY(read_windows(ctx, options, n_spatial, window, stride));
    for (size_t i = 0; i < n_spatial; i++) {
        size_t pad = 0;
        spatial.dim[i] = mb_window_output(
            spatial.dim[i], window[i], stride[i], 1, (mb_padding)options->padding, &pad);
    }
    *output = mb_spatial_type(inputs, &spatial, mb_pool_is_channels_first(layer));
    return MB_OK;
}

uint64_t mb_pool_flops(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output) {
    const mb_pool_options *pool = layer->options;
    uint64_t n_terms = 1;
    (void)n_inputs;
    for (size_t i = 0; i + 1 < inputs->rank; i++) {
        n_terms *= pool->pool_size.value[pool->pool_size.n == 1 ? 0 : i];
    }
    return n_terms * mb_value_size(output);
}

mb_status mb_pool_plan_make(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, mb_pool_plan **out) {
    const mb_pool_options *options = site->layer->options;
    const mb_value_type *in = &site->step->in[0];
    const size_t lead = 3 - n_spatial;
    size_t window[3];
    size_t stride[3];
    mb_pool_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(read_windows(ctx, options, n_spatial, window, stride));
    for (size_t d = 0; d < 3; d++) {
        plan->in[d] = d < lead ? 1 : in->dim[d - lead];
        plan->window[d] = d < lead ? 1 : window[d - lead];
        plan->stride[d] = d < lead ? 1 : stride[d - lead];
        plan->out[d] = mb_window_output(plan->in[d], plan->window[d], plan->stride[d], 1,
            (mb_padding)options->padding, &plan->pad[d]);
    }
    plan->n_channels = in->dim[n_spatial];
    site->step->data = plan;
    *out = plan;
    return MB_OK;
}

void mb_pool_range(const mb_pool_plan *plan, size_t axis, size_t at, size_t *first, size_t *last) {
    const size_t begin = at * plan->stride[axis];
    const size_t end = begin + plan->window[axis];
    *first = begin > plan->pad[axis] ? begin - plan->pad[axis] : 0;
    *last = mb_min_size(end > plan->pad[axis] ? end - plan->pad[axis] : 0, plan->in[axis]);
}

mb_pool_plan mb_pool_in_lanes(const mb_pool_plan *plan) {
    mb_pool_plan lanes = *plan;
    lanes.n_channels *= MB_SAMPLES;
    return lanes;
}

bool mb_pool_tiles(
    const mb_layer *layer, size_t n_spatial, const size_t length[3], size_t window[3]) {
    const mb_pool_options *options = layer->options;
    const size_t lead = 3 - n_spatial;
    for (size_t d = 0; d < 3; d++) {
        window[d] = 1;
        if (d < lead) {
            continue;
        }
        window[d] = options->pool_size.value[options->pool_size.n == 1 ? 0 : d - lead];
        const size_t stride = options->strides.n == 0
                                  ? window[d]
                                  : options->strides.value[options->strides.n == 1 ? 0 : d - lead];
        const bool needs_padding =
            options->padding == MB_PADDING_SAME && length[d] % window[d] != 0;
        if (stride != window[d] || needs_padding || length[d] < window[d]) {
            return false;
        }
    }
    return true;
}
