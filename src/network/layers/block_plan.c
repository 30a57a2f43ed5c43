// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/block.h"
#include "network/layers/pool.h"

static bool may_be_block(const mb_plan_site *site) {
    const mb_step *step = site->step;
    if (site->normalization == NULL ||
        !mb_normalization_looks_at_batch(site->normalization, step)) {
        return false;
    }
    // A block gives a list and looks at the batch: nothing else does both.
    return site->is_input_sparse ||
           (site->active_source != NULL && site->active_source->n_statistics > 0);
}

static bool has_steps_of_one(const mb_conv_plan *conv) {
    return conv->stride[0] == 1 && conv->stride[1] == 1 && conv->stride[2] == 1 && !conv->wraps;
}

static bool find_window(
    const mb_plan_site *site, size_t n_spatial, const mb_conv_plan *conv, size_t window[3]) {
    window[0] = window[1] = window[2] = 1;
    return site->pool == NULL || (mb_pool_tiles(site->pool, n_spatial, conv->out, window) &&
                                     window[0] * window[1] * window[2] <= 255);
}

static mb_status make_cells(
    mb_context *ctx, const mb_plan_site *site, const size_t window[3], mb_block *block) {
    const mb_conv_plan *conv = &block->conv;
    size_t cells[3];
    block->n_cells = 1;
    block->window = window[0] * window[1] * window[2];
    for (size_t d = 0; d < 3; d++) {
        cells[d] = conv->out[d] / window[d];
        block->n_cells *= cells[d];
    }
    uint32_t *position =
        mb_arena_allocate(site->arena, ctx, block->n_cells * block->window, sizeof *position);
    uint32_t *cell_of = mb_arena_allocate(site->arena, ctx, block->n_positions, sizeof *cell_of);
    if (position == NULL || cell_of == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(cell_of, 0xFF, block->n_positions * sizeof *cell_of);
    for (size_t i = 0; i < block->n_cells * block->window; i++) {
        const size_t cell = i / block->window, j = i % block->window;
        const size_t z = cell / (cells[1] * cells[2]) * window[0] + j / (window[1] * window[2]);
        const size_t y = cell / cells[2] % cells[1] * window[1] + j / window[2] % window[1];
        const size_t x = cell % cells[2] * window[2] + j % window[2];
        position[i] = (uint32_t)((z * conv->out[1] + y) * conv->out[2] + x);
        cell_of[position[i]] = (uint32_t)cell;
    }
    block->position = position;
    block->cell_of = cell_of;
    return MB_OK;
}

// What both forms have.
static void fill_step(const mb_plan_site *site, mb_block *block) {
    mb_step *step = site->step;
    const mb_conv_plan *conv = &block->conv;
    const size_t n = conv->n_out;
    block->conv.has_empty = block->is_list;
    mb_conv_lay_out_packed(site, &block->conv);
    block->at_gamma = step->packed_floats;
    block->at_background = block->at_gamma + mb_round_up(MB_NORMALIZATION_PACKED * n, MB_LANES);
    step->packed_floats = block->at_background;
    step->data = block;
    step->finish = mb_block_finish;
    step->finish_backward = mb_block_finish_backward;
    step->n_batch_floats = MB_BLOCK_BATCH * n;
    step->n_statistics = step->n_d_statistics = 2 * n;
    step->n_products = (uint64_t)block->n_positions * conv->n_taps * conv->n_in * n;
}

static void take_followers(mb_plan_site *site, bool activation_taken, mb_block *block) {
    site->activation_taken = activation_taken;
    site->normalization_taken = true;
    mb_normalization_read(site->normalization, block->conv.n_out, &block->normalization);
    site->dropout_taken = site->dropout != NULL;
    block->dropout.scale = 1;
    if (site->dropout_taken) {
        mb_dropout_read(site->dropout, &block->dropout);
    }
    site->pool_taken = site->pool != NULL;
}

mb_status mb_block_plan_site(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, bool *is_taken) {
    size_t window[3];
    *is_taken = false;
    if (!may_be_block(site)) {
        return MB_OK;
    }
    mb_block *block = mb_arena_allocate(site->arena, ctx, 1, sizeof *block);
    if (block == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_plan_site alone = *site;
    mb_conv_plan *conv = &block->conv;
    alone.dropout = alone.normalization = alone.pool = NULL;
    MB_TRY(mb_conv_plan_make(ctx, &alone, n_spatial, conv));
    block->is_list = !site->is_input_sparse;
    if ((site->activation != NULL && !alone.activation_taken) ||
        conv->activation.ops->mixes_channels || conv->n_out > MB_BLOCK_MOST_CHANNELS ||
        !(block->is_list ? conv->has_activity && has_steps_of_one(conv) : conv->is_sparse) ||
        !find_window(site, n_spatial, conv, window)) {
        return MB_OK;
    }
    block->n_positions = conv->n_cells;
    MB_TRY(make_cells(ctx, site, window, block));
    take_followers(site, alone.activation_taken, block);
    fill_step(site, block);
    MB_TRY(block->is_list ? mb_block_plan_list(ctx, site, block)
                          : mb_block_plan_hits(ctx, site, block));
    *is_taken = true;
    return MB_OK;
}
