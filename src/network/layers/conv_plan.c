// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/block.h"
#include "network/layers/pool.h"

// Places in a frame are 32-bit numbers.
enum { MOST_FRAME = 1 << 30, MANY_PRODUCTS = 1 << 14 };

static uint32_t *table(mb_context *ctx, mb_arena *arena, size_t n) {
    return mb_arena_allocate(arena, ctx, mb_max_size(n, 1), sizeof(uint32_t));
}

// Runs of the footprint: with dilation 1 along the last axis a kernel row is contiguous, else each
// tap is a run.
static mb_status make_footprint(mb_context *ctx, mb_arena *arena, mb_conv_plan *plan) {
    const size_t row = plan->padded[2] * plan->n_in;
    const size_t plane = plan->padded[1] * row;
    const bool has_rows = plan->dilation[2] == 1;
    const size_t per_row = has_rows ? 1 : plan->kernel[2];
    mb_footprint *footprint = &plan->footprint;
    footprint->n_runs = plan->kernel[0] * plan->kernel[1] * per_row;
    footprint->run_length = has_rows ? plan->kernel[2] * plan->n_in : plan->n_in;
    footprint->run_pad = mb_round_up(footprint->run_length, MB_LANES);
    uint32_t *offset = table(ctx, arena, footprint->n_runs);
    if (offset == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t z = 0; z < plan->kernel[0]; z++) {
        for (size_t y = 0; y < plan->kernel[1]; y++) {
            for (size_t x = 0; x < per_row; x++) {
                offset[n++] =
                    (uint32_t)(z * plan->dilation[0] * plane + y * plan->dilation[1] * row +
                               x * plan->dilation[2] * plan->n_in);
            }
        }
    }
    footprint->run_offset = offset;
    return MB_OK;
}

static mb_status make_base(mb_context *ctx, mb_arena *arena, mb_conv_plan *plan) {
    plan->base = table(ctx, arena, plan->n_cells * plan->window);
    if (plan->base == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (size_t cell = 0; cell < plan->n_cells; cell++) {
        const size_t at[3] = {cell / (plan->cells[1] * plan->cells[2]),
            cell / plan->cells[2] % plan->cells[1], cell % plan->cells[2]};
        for (size_t j = 0; j < plan->window; j++) {
            const size_t in_window[3] = {j / (plan->pool[1] * plan->pool[2]),
                j / plan->pool[2] % plan->pool[1], j % plan->pool[2]};
            size_t place = 0;
            for (size_t d = 0; d < 3; d++) {
                place = place * plan->padded[d] +
                        (at[d] * plan->pool[d] + in_window[d]) * plan->stride[d];
            }
            plan->base[n++] = (uint32_t)(place * plan->n_in);
        }
    }
    return MB_OK;
}

// For every input coordinate of an axis: which output each tap takes it to, and the range of cells
// reached.
static mb_status make_axis(mb_context *ctx, mb_arena *arena, mb_conv_plan *plan, size_t axis) {
    const size_t length = plan->in[axis];
    const size_t kernel = plan->kernel[axis];
    plan->first_cell[axis] = table(ctx, arena, length);
    plan->last_cell[axis] = table(ctx, arena, length);
    plan->tap_cell[axis] = table(ctx, arena, length * kernel);
    plan->tap_place[axis] = mb_arena_allocate(arena, ctx, mb_max_size(length * kernel, 1), 1);
    if (plan->first_cell[axis] == NULL || plan->last_cell[axis] == NULL ||
        plan->tap_cell[axis] == NULL || plan->tap_place[axis] == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        uint32_t first = UINT32_MAX;
        uint32_t last = 0;
        for (size_t t = 0; t < kernel; t++) {
            uint32_t *cell = &plan->tap_cell[axis][i * kernel + t];
            *cell = UINT32_MAX;
            const size_t shifted = i + plan->pad[axis];
            const size_t reach = t * plan->dilation[axis];
            if (shifted < reach || (shifted - reach) % plan->stride[axis] != 0) {
                continue;
            }
            const size_t out = (shifted - reach) / plan->stride[axis];
            if (out >= plan->cells[axis] * plan->pool[axis]) {
                continue; // beyond the last output, or cut off by the pool's floor
            }
            *cell = (uint32_t)(out / plan->pool[axis]);
            plan->tap_place[axis][i * kernel + t] = (uint8_t)(out % plan->pool[axis]);
            first = *cell < first ? *cell : first;
            last = *cell > last ? *cell : last;
        }
        plan->first_cell[axis][i] = first; // UINT32_MAX: reaches nothing
        plan->last_cell[axis][i] = last;
        plan->reaches_corners = plan->reaches_corners && (first == UINT32_MAX || last - first <= 1);
    }
    return MB_OK;
}

// Coordinates of the frame along an axis as classes: padding is one, and the input's coordinates
// have the classes of the layer that made them (one for all of a sparse column). A cell's class is
// the sequence of classes in its window.
static mb_status make_classes(
    mb_context *ctx, mb_arena *arena, const mb_conv_plan *source, mb_conv_plan *plan, size_t axis) {
    const size_t length = plan->padded[axis];
    const size_t reach = (plan->pool[axis] - 1) * plan->stride[axis] +
                         (plan->kernel[axis] - 1) * plan->dilation[axis] + 1;
    const size_t step = plan->pool[axis] * plan->stride[axis];
    uint32_t *frame_class = table(ctx, arena, length);
    plan->empty_class[axis] = table(ctx, arena, plan->cells[axis]);
    if (frame_class == NULL || plan->empty_class[axis] == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < length; i++) {
        const bool is_inside = i >= plan->pad[axis] && i - plan->pad[axis] < plan->in[axis];
        // A sparse column's empty event is zero, as padding is.
        frame_class[i] = source == NULL || !is_inside
                             ? UINT32_MAX
                             : source->empty_class[axis][i - plan->pad[axis]];
    }
    for (size_t cell = 0; cell < plan->cells[axis]; cell++) {
        size_t like = 0;
        while (like < cell && memcmp(frame_class + like * step, frame_class + cell * step,
                                  reach * sizeof *frame_class) != 0) {
            like++;
        }
        plan->empty_class[axis][cell] = (uint32_t)like;
    }
    return MB_OK;
}

static void set_shapes(const mb_plan_site *site, size_t n_spatial, mb_conv_plan *plan) {
    const mb_conv_options *options = site->layer->options;
    const mb_value_type *in = &site->step->in[0];
    const size_t lead = 3 - n_spatial;
    for (size_t d = 0; d < 3; d++) {
        const size_t i = d - lead;
        const bool is_real = d >= lead;
        plan->in[d] = is_real ? in->dim[i] : 1;
        plan->kernel[d] =
            is_real ? options->kernel_size.value[options->kernel_size.n == 1 ? 0 : i] : 1;
        plan->stride[d] = is_real ? options->strides.value[options->strides.n == 1 ? 0 : i] : 1;
        plan->dilation[d] =
            is_real ? options->dilation_rate.value[options->dilation_rate.n == 1 ? 0 : i] : 1;
        plan->out[d] = mb_window_output(plan->in[d], plan->kernel[d], plan->stride[d],
            plan->dilation[d], (mb_padding)options->padding, &plan->pad[d]);
        const size_t needed =
            (plan->out[d] - 1) * plan->stride[d] + (plan->kernel[d] - 1) * plan->dilation[d] + 1;
        plan->padded[d] = mb_max_size(plan->pad[d] + plan->in[d], needed);
        plan->is_padded = plan->is_padded || plan->padded[d] != plan->in[d];
        plan->pool[d] = 1;
    }
    plan->n_in = in->dim[n_spatial];
    plan->n_out = options->filters;
    plan->width = mb_round_up(plan->n_out, MB_LANES);
    plan->wraps = options->pad_phi == 1 && options->padding == MB_PADDING_SAME;
    plan->wrap_axis = lead;
}

// The activation is the convolution's own or, where it has none, that of the layer behind it.
static void set_activation(mb_plan_site *site, mb_conv_plan *plan) {
    const mb_conv_options *options = site->layer->options;
    const mb_activation_ops *own = mb_activation_find(options->activation);
    plan->activation.ops = own;
    memcpy(plan->activation.parameters, own->default_parameters, sizeof own->default_parameters);
    site->activation_taken = site->activation != NULL && own == mb_activation_find(NULL);
    if (site->activation_taken) {
        plan->activation = *site->activation;
    }
}

// A pool can be taken over when its windows tile the outputs, begin at the first, and maximum and
// activation commute, or a normalisation between them has all positions computed first.
static bool take_pool(const mb_plan_site *site, size_t n_spatial, mb_conv_plan *plan) {
    if (site->pool == NULL || (!plan->activation.ops->is_monotone && !plan->has_affine)) {
        return false;
    }
    size_t window[3];
    if (!mb_pool_tiles(site->pool, n_spatial, plan->out, window)) {
        return false;
    }
    if (window[0] * window[1] * window[2] > 255) {
        return false; // winners are bytes
    }
    memcpy(plan->pool, window, sizeof window);
    return true;
}

// In training, dropout and normalisation are steps of their own, but for blocks (block.h).
static void take_followers(mb_plan_site *site, size_t n_spatial, mb_conv_plan *plan) {
    set_activation(site, plan);
    if (site->activation != NULL && !site->activation_taken) {
        return;
    }
    site->dropout_taken = site->dropout != NULL && !site->step->is_training;
    if (site->dropout != NULL && !site->dropout_taken) {
        return;
    }
    if (site->normalization != NULL) {
        if (site->step->is_training || plan->activation.ops->mixes_channels) {
            return;
        }
        site->normalization_taken = plan->has_affine = true;
        mb_normalization_read(site->normalization, plan->n_out, &plan->normalization);
    }
    site->pool_taken = take_pool(site, n_spatial, plan);
}

// Activity is worth following while one hit reaches a small part of the grid: a fixed rule, so that
// the algorithm depends on the model alone. 1/64: with 64 hits spread evenly some cells are still
// untouched. A cell of many products outweighs its place in a list many times.
static bool is_reach_small(const mb_conv_plan *plan) {
    size_t reach = 1;
    for (size_t d = 0; d < 3; d++) {
        size_t most = 1;
        for (size_t i = 0; i < plan->in[d]; i++) {
            if (plan->first_cell[d][i] != UINT32_MAX) {
                most = mb_max_size(most, plan->last_cell[d][i] - plan->first_cell[d][i] + 1);
            }
        }
        reach *= most;
    }
    const size_t per_cell = plan->window * plan->n_taps * plan->n_in * plan->n_out;
    return reach * (per_cell < MANY_PRODUCTS ? 64 : 8) <= plan->n_cells;
}

mb_status mb_conv_plan_make(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, mb_conv_plan *plan) {
    set_shapes(site, n_spatial, plan);
    take_followers(site, n_spatial, plan);
    plan->window = plan->pool[0] * plan->pool[1] * plan->pool[2];
    plan->n_cells = 1;
    plan->n_taps = 1;
    size_t frame = plan->n_in;
    for (size_t d = 0; d < 3; d++) {
        plan->cells[d] = plan->out[d] / plan->pool[d];
        plan->n_cells *= plan->cells[d];
        plan->n_taps *= plan->kernel[d];
        if (frame > MOST_FRAME / plan->padded[d]) {
            return mb_fail(ctx, MB_ERR_LIMIT,
                "one event and its padding have more than %d numbers; use fewer, or a smaller "
                "kernel or dilation",
                MOST_FRAME);
        }
        frame *= plan->padded[d];
    }
    plan->frame = frame + MB_LANES;
    // Vectors of whole runs may be read past a row's end: only in a frame is there room for that.
    plan->is_padded = plan->is_padded || site->pool_taken;
    MB_TRY(make_footprint(ctx, site->arena, plan));
    MB_TRY(make_base(ctx, site->arena, plan));
    plan->reaches_corners = true;
    for (size_t d = 0; d < 3; d++) {
        MB_TRY(make_axis(ctx, site->arena, plan, d));
    }
    plan->is_sparse_first = site->is_input_first;
    plan->is_sparse = site->is_input_sparse && !plan->wraps && mb_conv_can_be_sparse(plan);
    plan->has_activity = site->active_source != NULL && !plan->wraps && is_reach_small(plan);
    plan->is_padded = plan->is_padded || plan->is_sparse || plan->has_activity;
    for (size_t d = 0; d < 3 && (plan->is_sparse || plan->has_activity); d++) {
        MB_TRY(make_classes(
            ctx, site->arena, plan->is_sparse ? NULL : site->active_source->data, plan, d));
    }
    return mb_conv_make_lines(ctx, site->arena, plan);
}

void mb_conv_lay_out_packed(const mb_plan_site *site, mb_conv_plan *plan) {
    const mb_footprint *footprint = &plan->footprint;
    const size_t n_rows = footprint->n_runs * footprint->run_length;
    size_t at = 0;
    plan->at_finite = at;
    at += MB_LANES;
    plan->at_affine = at;
    at += mb_conv_affine_floats(plan);
    plan->at_weights = at;
    at += n_rows * plan->width;
    plan->at_bias = at;
    at += plan->width;
    plan->at_back = at;
    if (plan->has_back) {
        at += plan->n_out * footprint->n_runs * footprint->run_pad;
    }
    if (plan->has_empty) {
        plan->at_empty_frame = at;
        at += mb_round_up(plan->frame, MB_LANES);
        plan->at_empty_out = at;
        at += mb_round_up(plan->n_cells * plan->n_out, MB_LANES);
        plan->at_empty_winner = at;
        at += mb_round_up(plan->n_cells * plan->width, 4) / 4;
        at = mb_round_up(at, MB_LANES);
        plan->at_scratch = at;
        at += mb_conv_scratch_bytes(plan, false) / sizeof(float);
    }
    site->step->packed_floats = at;
    const bool by_winner = plan->window > 1 && !plan->is_sparse;
    plan->gradient_rows =
        by_winner ? plan->n_out * footprint->n_runs * footprint->run_pad : n_rows * plan->width;
    site->step->gradient_floats = plan->gradient_rows + plan->width;
}

mb_status mb_conv_plan_site(mb_context *ctx, mb_plan_site *site, size_t n_spatial) {
    mb_step *step = site->step;
    bool is_block = false;
    MB_TRY(mb_block_plan_site(ctx, site, n_spatial, &is_block));
    if (is_block) {
        return MB_OK;
    }
    mb_conv_plan *plan = mb_arena_allocate(site->arena, ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_conv_plan_make(ctx, site, n_spatial, plan));
    plan->has_back = step->is_training;
    plan->has_empty = plan->is_sparse || plan->has_activity;
    mb_conv_lay_out_packed(site, plan);
    step->data = plan;
    step->forward = mb_conv_forward;
    step->backward = mb_conv_backward;
    step->refresh = mb_conv_refresh;
    step->unpack = mb_conv_unpack;
    step->scratch_bytes = mb_conv_scratch_bytes(plan, step->is_training);
    step->saved_bytes = step->is_training ? mb_conv_saved_bytes(plan) : 0;
    step->n_cells = plan->n_cells;
    step->n_products = (uint64_t)plan->out[0] * plan->out[1] * plan->out[2] * plan->n_taps *
                       plan->n_in * plan->n_out;
    if (plan->is_sparse || plan->has_activity) {
        step->gives_activity = true;
        step->refresh_empty = mb_conv_refresh_empty;
        step->count_done = mb_conv_count_done;
        step->takes_sparse = plan->is_sparse;
        step->follows_activity = plan->has_activity;
        step->empty_out_at = plan->at_empty_out;
    }
    if (plan->window == 1 && !plan->is_sparse && plan->width == plan->n_out &&
        plan->activation.ops == mb_activation_find(NULL)) {
        mb_layer_offer_pieces(
            step, plan->gradient_rows / plan->width, plan->width, mb_conv_add_piece);
    }
    mb_conv_plan_lanes(step);
    return MB_OK;
}
