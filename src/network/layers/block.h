// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_BLOCK_H
#define NETWORK_LAYERS_BLOCK_H

#include "network/layers/conv.h"
#include "network/layers/dropout.h"

// Training's way of a convolution with the activation, dropout, batch normalisation and max pooling
// behind it, where hits are few: one step, in one of two forms.
//
// A hit block reads a sparse column. Positions that no hit reaches have a value per channel, the
// background, or 0 where it was dropped; of these only the numbers of kept ones are counted. Cells
// of the output whose numbers are not the background's (a hit reaches them, or chance dropped or
// kept all of a window) are listed. Of the other cells' gradient only the sum is used.
//
// A list block reads such a list. Its positions that no listed cell reaches have the response to
// the background. Gradients by the kernel are those of the listed cells' differences from the
// background, and the background's times sums of the output's gradient.

typedef struct mb_block {
    mb_conv_plan conv; // of positions, without a pool; first, as the convolution's functions want
    mb_normalization normalization;
    mb_dropout dropout; // threshold 0: nothing is dropped
    bool is_list;
    size_t n_positions, window, n_cells;
    const uint32_t *position; // n_cells * window, window by window
    const uint32_t *cell_of;  // per position: its cell; UINT32_MAX: cut off by the pool's floor
    // packed behind the convolution's, in floats
    size_t at_background; // hit block: the kept background before dropout; list block: the input's
    size_t at_slope;      // hit block: the activation's derivative there
    size_t at_empty;      // hit block: n_cells * n_out, for whoever follows the list
    size_t at_gamma, at_flipped, at_zero;
    size_t saved_bits, saved_counts, saved_y, saved_winner; // offsets in bytes
    // List block: the frame of the output's gradient, in which a listed cell sees every position
    // that it reaches.
    size_t back_dim[3], back_before[3], back_frame; // back_frame: floats
    mb_footprint back;
    size_t in_width;
    size_t at_sums, at_bias, at_normalization; // in the packed gradient; the kernel's is first
} mb_block;

// Arrays of n_out floats in step->batch behind the normalisation's own: what a kept background, a
// dropped number and the pooled background are after normalisation, and which it is: 1 where a
// window of dropped ones differs, 2 where one of kept ones does, 4 where any may.
enum {
    MB_BLOCK_KEPT = MB_NORMALIZATION_BATCH,
    MB_BLOCK_DROPPED,
    MB_BLOCK_BACKGROUND,
    MB_BLOCK_EXCEPTION,
    MB_BLOCK_BATCH
};

// Plans the step as a block, or sets *is_taken to false and leaves it as it was.
mb_status mb_block_plan_site(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, bool *is_taken) MB_MUST_CHECK;

// block_hits.c, block_list.c
size_t mb_block_hits_scratch(const mb_block *block);
size_t mb_block_list_scratch(const mb_block *block);
void mb_block_hits_plan(mb_step *step);
void mb_block_list_plan(mb_step *step);

// block_parts.c
// Factor of the normalisation: inverse times gamma.
void mb_block_factors(const mb_step *step, float *factor);
// y of n rows of width numbers, dropped or scaled as the bits from first on say, into out. stride:
// of the bits.
void mb_block_drop(const mb_step *step, const uint32_t *bits, const uint32_t *positions, size_t n,
    size_t in_stride, const float *in, size_t out_stride, float *out);
// Normalised numbers of n rows, in place.
void mb_block_normalize(
    const mb_step *step, const float *factor, size_t n, size_t stride, float *values);
void mb_block_finish_backward(const mb_step *step, const double *total, size_t n_rows,
    float *batch, float *gradient);

#endif
