// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/index_map.h"

typedef struct p_re_lu_options {
    mb_sizes shared_axes;
    const mb_node *alpha_initializer, *alpha_regularizer;
} p_re_lu_options;

static const mb_option options[] = {
    {"shared_axes", MB_OPTION_SIZES, offsetof(p_re_lu_options, shared_axes), "", 1, MB_MAX_DIMS,
        NULL, NULL, "axes, counted from 1, along which a slope is shared"},
    {"alpha_initializer", MB_OPTION_NODE, offsetof(p_re_lu_options, alpha_initializer), "", 0, 0,
        NULL, NULL, "default zeros"},
    {"alpha_regularizer", MB_OPTION_NODE, offsetof(p_re_lu_options, alpha_regularizer), "", 0, 0,
        NULL, NULL, "penalty on the slopes"},
    MB_OPTIONS_END};

static mb_status share_axes(
    mb_context *ctx, const mb_layer *layer, const mb_value_type *type, mb_value_type *slopes) {
    const mb_sizes *shared = &((const p_re_lu_options *)layer->options)->shared_axes;
    *slopes = *type;
    for (size_t i = 0; i < shared->n; i++) {
        if (shared->value[i] > type->rank) {
            return mb_fail(ctx, MB_ERR_SHAPE, "shared_axes has %zu; use 1 to %u", shared->value[i],
                type->rank);
        }
        slopes->dim[shared->value[i] - 1] = 1;
    }
    return MB_OK;
}

static mb_status infer(mb_context *ctx, mb_model *model, mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs, mb_value_type *output) {
    const p_re_lu_options *p_re_lu = layer->options;
    mb_value_type slopes;
    (void)n_inputs;
    MB_TRY(share_axes(ctx, layer, inputs, &slopes));
    mb_weight_spec alpha = {.name = "alpha",
        .rank = slopes.rank,
        .fan_in = 1,
        .fan_out = 1,
        .initializer = p_re_lu->alpha_initializer,
        .default_initializer = "zeros",
        .regularizer = p_re_lu->alpha_regularizer,
        .is_trainable = true};
    memcpy(alpha.dim, slopes.dim, sizeof alpha.dim);
    *output = *inputs;
    return mb_layer_add_weight(ctx, model, layer, &alpha);
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_weight *alpha = &step->layer->weights[0];
    memcpy(packed, parameters + alpha->offset, alpha->count * sizeof *packed);
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_weight *alpha = &step->layer->weights[0];
    for (size_t i = 0; i < alpha->count; i++) {
        gradient[alpha->offset + i] += packed_gradient[i];
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const uint32_t *slope = step->data;
    for (size_t r = 0; r < rows->n; r++) {
        for (size_t i = 0; i < step->out_size; i++) {
            const float x = rows->in[0][r * step->out_size + i];
            rows->out[r * step->out_size + i] = 0 > x ? step->packed[slope[i]] * x : x;
        }
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const uint32_t *slope = step->data;
    for (size_t r = 0; r < rows->n; r++) {
        for (size_t i = 0; i < step->out_size; i++) {
            const size_t at = r * step->out_size + i;
            const float x = rows->in[0][at];
            rows->gradient[slope[i]] += 0 > x ? rows->d_out[at] * x : 0;
            if (rows->d_in[0] != NULL) {
                rows->d_in[0][at] += rows->d_out[at] * (x > 0 ? 1 : step->packed[slope[i]]);
            }
        }
    }
}

static mb_status plan(mb_context *ctx, mb_plan_site *site) {
    mb_step *step = site->step;
    mb_value_type slopes;
    uint32_t *slope = mb_arena_allocate(site->arena, ctx, step->out_size, sizeof *slope);
    if (slope == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(share_axes(ctx, site->layer, &step->in[0], &slopes));
    for (size_t i = 0; i < step->out_size; i++) {
        size_t at[MB_MAX_DIMS];
        mb_index_map_split(&step->out, i, at);
        for (size_t d = 0; d < slopes.rank; d++) {
            at[d] = slopes.dim[d] == 1 ? 0 : at[d];
        }
        slope[i] = (uint32_t)mb_index_map_join(&slopes, at);
    }
    step->data = slope;
    step->forward = forward;
    step->backward = backward;
    step->refresh = refresh;
    step->unpack = unpack;
    step->packed_floats = site->layer->weights[0].count;
    step->gradient_floats = site->layer->weights[0].count;
    return MB_OK;
}

const mb_layer_ops mb_layer_p_re_lu = {
    .name = "p_re_lu",
    .class_name = "PReLU",
    .help = "rectifier whose slopes below zero are learned",
    .options = options,
    .options_size = sizeof(p_re_lu_options),
    .least_inputs = 1,
    .most_inputs = 1,
    .layout = MB_LAYOUT_WRITTEN,
    .infer = infer,
    .plan = plan,
    .flops = mb_layer_flops_each,
};
