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

// Of more channels there is none: exceptions are kept by words of 32 channels.
enum { MB_BLOCK_WORDS = 32, MB_BLOCK_MOST_CHANNELS = 32 * MB_BLOCK_WORDS };

typedef struct mb_block {
    mb_conv_plan conv; // of positions, without a pool; first, as the convolution's functions want
    mb_normalization normalization;
    mb_dropout dropout; // threshold 0: nothing is dropped
    bool is_list;
    size_t n_positions, window, n_cells;
    const uint32_t *position; // n_cells * window, window by window
    const uint32_t *cell_of;  // per position: its cell; UINT32_MAX: cut off by the pool's floor
    // In packed, in floats. Hit block: the background as the convolution gives it, and the
    // activation's slope there; n_cells * n_out of the pooled one, for whoever follows the list.
    size_t at_background, at_slope, at_empty;
    size_t at_gamma;            // MB_NORMALIZATION_PACKED arrays
    size_t at_flipped, at_zero; // list block: the kernel for the way back, and no bias
    size_t saved_bits, saved_counts, saved_sums, saved_y, saved_winner; // offsets in bytes
    // List block: the frame of the output's gradient, in which a listed cell sees every position
    // that it reaches.
    size_t back_dim[3], back_before[3], back_frame; // back_frame: floats
    mb_footprint back;
    size_t in_width;
    size_t at_sums, at_bias, at_normalization; // in the packed gradient; the kernel's is first
} mb_block;

// Arrays of n_out floats in step->batch behind the normalisation's own. Of a hit block: what the
// pooled background is after normalisation, and when a window differs from it: an
// mb_block_exception.
enum { MB_BLOCK_POOLED = MB_NORMALIZATION_BATCH, MB_BLOCK_EXCEPTION, MB_BLOCK_BATCH };
typedef enum mb_block_exception {
    MB_BLOCK_NEVER,
    MB_BLOCK_ALL_DROPPED, // the pooled background is a kept one
    MB_BLOCK_ALL_KEPT,    // it is a dropped one
    MB_BLOCK_ALWAYS       // equal, and who wins matters to the gradient
} mb_block_exception;

// Plans the step as a block, or sets *is_taken to false and leaves it as it was.
mb_status mb_block_plan_site(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, bool *is_taken) MB_MUST_CHECK;

// block_parts.c
// Weights but the background and the flipped kernel.
void mb_block_refresh(const mb_step *step, const float *parameters, float *packed);
void mb_block_finish(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *moving);
void mb_block_finish_backward(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *gradient);
// n numbers of positions in stored order, dropped and scaled as the bits from first on say. in and
// out may be the same.
void mb_block_drop(
    const mb_step *step, size_t n, const float *in, const uint32_t *bits, size_t first, float *out);
// Inverse times gamma, per channel.
void mb_block_factors(const mb_step *step, float *factor);
// Normalises n rows of n_out numbers, stride apart.
void mb_block_normalize(
    const mb_step *step, const float *factor, size_t n, size_t stride, const float *in, float *out);
// In place of the gradient after normalisation that by the input: v is what was normalised.
void mb_block_normalize_back(
    const mb_step *step, const float *factor, size_t n, size_t stride, const float *v, float *d);

// block_hits.c, block_list.c: the rest of the step's functions, and its scratch and gradient.
mb_status mb_block_plan_hits(mb_context *ctx, mb_plan_site *site, mb_block *block) MB_MUST_CHECK;
mb_status mb_block_plan_list(mb_context *ctx, mb_plan_site *site, mb_block *block) MB_MUST_CHECK;

#endif
