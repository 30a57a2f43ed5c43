// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The block that reads a list of cells. Its output is small: what follows the convolution runs over
// all positions.

#include "network/layers/block.h"

enum { CELLS = 32 }; // worked on at a time

// Scratch, in bytes. The convolution's own comes first; the way back uses that, too.
typedef struct places {
    size_t conv, v, windows, pooled, factor, sums, total;
    size_t frame, base, difference, d_in, plane, row; // backward, from 0 on
} places;

static size_t n_in_cells(const mb_block *block) {
    return block->conv.in[0] * block->conv.in[1] * block->conv.in[2];
}

static places lay_out(const mb_block *block) {
    const mb_conv_plan *conv = &block->conv;
    const size_t in = n_in_cells(block) * block->in_width * sizeof(float);
    const size_t line = conv->out[2] * conv->n_out * sizeof(float);
    places at = {.conv = 0};
    at.base = mb_round_up(block->back_frame * sizeof(float), 64);
    at.difference = at.base + mb_round_up(n_in_cells(block) * sizeof(uint32_t), 64);
    at.d_in = at.difference + mb_round_up(in, 64);
    at.plane = at.d_in + mb_round_up(in, 64);
    at.row = at.plane + mb_round_up(conv->kernel[0] * conv->out[1] * line, 64);
    at.v = at.row + mb_round_up(conv->kernel[0] * conv->kernel[1] * line, 64);
    at.v = mb_max_size(at.v, mb_conv_scratch_bytes(conv, false));
    at.windows = at.v + mb_round_up(block->n_positions * conv->n_out * sizeof(float) + 64, 64);
    at.pooled = at.windows + mb_round_up(CELLS * block->window * conv->width * sizeof(float), 64);
    at.factor = at.pooled + mb_round_up(CELLS * conv->width * sizeof(float), 64);
    at.sums = at.factor + mb_round_up(conv->width * sizeof(float), 64);
    at.total = at.sums + mb_round_up(conv->n_taps * conv->n_out * sizeof(float) + 64, 64);
    return at;
}

static float *floats_at(void *scratch, size_t at) {
    return (float *)(void *)((char *)scratch + at);
}

typedef struct list_row {
    uint32_t *bits; // saved: kept numbers
    float *y;       // saved: the convolution's output
    uint8_t *winner;
    float *v; // what dropout leaves
} list_row;

static void open_row(const mb_step *step, const mb_rows *rows, size_t i, list_row *row) {
    const mb_block *block = step->data;
    char *saved = (char *)rows->saved + i * step->saved_bytes;
    row->bits = (uint32_t *)(void *)(saved + block->saved_bits);
    row->y = (float *)(void *)(saved + block->saved_y);
    row->winner = (uint8_t *)saved + block->saved_winner;
    row->v = floats_at(rows->scratch, lay_out(block).v);
}

static void drop_row(const mb_step *step, list_row *row) {
    const mb_block *block = step->data;
    mb_block_drop(step, block->n_positions * block->conv.n_out, row->y, row->bits, 0, row->v);
}

// The kernel for the way back: rows of input channels by the back footprint's taps and outputs.
static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const float *kernel = parameters + step->layer->weights[0].offset;
    float *flipped = packed + block->at_flipped;
    mb_block_refresh(step, parameters, packed);
    for (size_t tap = 0; tap < conv->n_taps; tap++) {
        const float *from = kernel + (conv->n_taps - 1 - tap) * conv->n_in * conv->n_out;
        for (size_t i = 0; i < conv->n_in; i++) {
            for (size_t o = 0; o < conv->n_out; o++) {
                flipped[(tap * conv->n_out + o) * block->in_width + i] = from[i * conv->n_out + o];
            }
        }
    }
}

static void refresh_empty(const mb_step *step, const float *empty_in, float *packed) {
    const mb_block *block = step->data;
    memcpy(packed + block->at_background, empty_in, block->conv.n_in * sizeof *packed);
    mb_conv_refresh_empty(step, empty_in, packed);
}

static void statistics(const mb_step *step, const mb_rows *rows, double *partial) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    memset(partial, 0, step->n_statistics * sizeof *partial);
    for (size_t i = 0; i < rows->n; i++) {
        list_row row;
        open_row(step, rows, i, &row);
        mb_conv_listed_row(step, rows->in[0] + i * step->in_size[0],
            rows->active + i * (n_in_cells(block) + 1), row.y, rows->scratch);
        if (block->dropout.threshold > 0) {
            mb_dropout_draw(
                &block->dropout, step->kernels, rows, i, block->n_positions * n, row.bits);
        }
        drop_row(step, &row);
        for (size_t p = 0; p < block->n_positions; p++) {
            const float *v = row.v + p * n;
            for (size_t c = 0; c < n; c++) {
                partial[c] += (double)v[c];
                partial[n + c] += (double)v[c] * (double)v[c];
            }
        }
    }
}

static void pool_row(const mb_step *step, const list_row *row, char *scratch, float *out) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out, width = block->conv.width;
    const places at = lay_out(block);
    float *windows = floats_at(scratch, at.windows);
    float *pooled = floats_at(scratch, at.pooled);
    const float *factor = floats_at(scratch, at.factor);
    for (size_t first = 0; first < block->n_cells; first += CELLS) {
        const size_t n = mb_min_size(CELLS, block->n_cells - first);
        for (size_t i = 0; i < n * block->window; i++) {
            const float *v = row->v + block->position[first * block->window + i] * n_out;
            mb_block_normalize(step, factor, 1, width, v, windows + i * width);
        }
        step->kernels->max_windows(
            n, block->window, windows, width, pooled, row->winner + first * width);
        for (size_t i = 0; i < n; i++) {
            mb_conv_copy(out + (first + i) * n_out, pooled + i * width, n_out);
        }
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    mb_block_factors(step, floats_at(rows->scratch, lay_out(step->data).factor));
    for (size_t i = 0; i < rows->n; i++) {
        list_row row;
        open_row(step, rows, i, &row);
        drop_row(step, &row);
        pool_row(step, &row, rows->scratch, rows->out + i * step->out_size);
    }
}

static void d_statistics(
    const mb_step *step, const mb_rows *rows, const float *batch, double *partial) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out, width = block->conv.width;
    const float *mean = batch + MB_NORMALIZATION_BATCH_MEAN * n;
    const float *inverse = batch + MB_NORMALIZATION_BATCH_INVERSE * n;
    memset(partial, 0, step->n_d_statistics * sizeof *partial);
    for (size_t i = 0; i < rows->n; i++) {
        const float *d_out = rows->d_out + i * step->out_size;
        list_row row;
        open_row(step, rows, i, &row);
        drop_row(step, &row);
        for (size_t cell = 0; cell < block->n_cells; cell++) {
            const uint32_t *position = block->position + cell * block->window;
            const uint8_t *winner = row.winner + cell * width;
            for (size_t c = 0; c < n; c++) {
                const float d = d_out[cell * n + c];
                const float v = row.v[position[winner[c]] * n + c];
                partial[c] += (double)d;
                partial[n + c] += (double)d * (double)((v - mean[c]) * inverse[c]);
            }
        }
    }
}

// The gradient by the convolution's sums, in stored order, in place of v.
static void differentiate(
    const mb_step *step, const list_row *row, const float *factor, const float *d_out, float *d) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const size_t n_out = conv->n_out, n = block->n_positions * n_out;
    memset(d, 0, n * sizeof *d);
    for (size_t cell = 0; cell < block->n_cells; cell++) {
        const uint32_t *position = block->position + cell * block->window;
        const uint8_t *winner = row->winner + cell * conv->width;
        for (size_t c = 0; c < n_out; c++) {
            d[position[winner[c]] * n_out + c] = d_out[cell * n_out + c];
        }
    }
    mb_block_normalize_back(step, factor, block->n_positions, n_out, row->v, d);
    mb_block_drop(step, n, d, row->bits, 0, d);
    conv->activation.ops->backward(conv->activation.parameters, row->y, d, n, n_out);
}

static void fill_back_frame(const mb_block *block, const float *d, float *frame) {
    const mb_conv_plan *conv = &block->conv;
    const size_t line = conv->out[2] * conv->n_out;
    memset(frame, 0, block->back_frame * sizeof *frame);
    for (size_t z = 0; z < conv->out[0]; z++) {
        for (size_t y = 0; y < conv->out[1]; y++) {
            const size_t at =
                ((z + block->back_before[0]) * block->back_dim[1] + y + block->back_before[1]) *
                    block->back_dim[2] +
                block->back_before[2];
            memcpy(
                frame + at * conv->n_out, d + (z * conv->out[1] + y) * line, line * sizeof *frame);
        }
    }
}

// Positions [first, last) of an axis whose tap of the back footprint lies on some input.
static void find_range(
    const mb_block *block, size_t axis, size_t tap, size_t *first, size_t *last) {
    const mb_conv_plan *conv = &block->conv;
    const size_t shift = tap * conv->dilation[axis], before = block->back_before[axis];
    *first = shift > before ? shift - before : 0;
    const size_t end = conv->in[axis] + shift;
    *last = mb_min_size(end > before ? end - before : 0, conv->out[axis]);
    *first = mb_min_size(*first, *last);
}

// out[line * stride + i] += the sum of rows [first, last).
static void add_rows(
    const float *rows, size_t stride, size_t first, size_t last, size_t n, float *restrict out) {
    memset(out, 0, n * sizeof *out);
    for (size_t r = first; r < last; r++) {
        for (size_t i = 0; i < n; i++) {
            out[i] += rows[r * stride + i];
        }
    }
}

// Per tap of the back footprint, the sum of d over positions that it takes to an input: axis by
// axis.
static void sum_boxes(
    const mb_block *block, const float *d, float *plane, float *row, float *sums) {
    const mb_conv_plan *conv = &block->conv;
    const size_t line = conv->out[2] * conv->n_out, area = conv->out[1] * line;
    size_t first, last;
    for (size_t z = 0; z < conv->kernel[0]; z++) {
        find_range(block, 0, z, &first, &last);
        add_rows(d, area, first, last, area, plane + z * area);
        for (size_t y = 0; y < conv->kernel[1]; y++) {
            float *of_row = row + (z * conv->kernel[1] + y) * line;
            find_range(block, 1, y, &first, &last);
            add_rows(plane + z * area, line, first, last, line, of_row);
            for (size_t x = 0; x < conv->kernel[2]; x++) {
                const size_t tap = (z * conv->kernel[1] + y) * conv->kernel[2] + x;
                find_range(block, 2, x, &first, &last);
                add_rows(of_row, conv->n_out, first, last, conv->n_out, sums + tap * conv->n_out);
            }
        }
    }
}

static uint32_t back_base(const mb_block *block, uint32_t cell) {
    const mb_conv_plan *conv = &block->conv;
    const size_t x = cell % conv->in[2], y = cell / conv->in[2] % conv->in[1];
    const size_t z = cell / (conv->in[2] * conv->in[1]);
    return (uint32_t)(((z * block->back_dim[1] + y) * block->back_dim[2] + x) * conv->n_out);
}

// The listed cells' gradients, and at the first other cell the sum of all others'.
static void add_input_gradient(const mb_step *step, const uint32_t *active, const float *sums,
    const float *d_listed, float *total, float *d_in) {
    static const uint32_t none = 0;
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const size_t n_in = conv->n_in;
    const mb_footprint all = {.n_runs = 1,
        .run_length = conv->n_taps * conv->n_out,
        .run_pad = mb_round_up(conv->n_taps * conv->n_out, MB_LANES),
        .run_offset = &none};
    step->kernels->positions(1, &none, sums, &all, step->packed + block->at_flipped,
        step->packed + block->at_zero, block->in_width, total, block->in_width);
    size_t other = 0;
    for (size_t i = 0; i < active[0]; i++) {
        const float *d = d_listed + i * block->in_width;
        float *to = d_in + active[1 + i] * n_in;
        for (size_t c = 0; c < n_in; c++) {
            to[c] = step->is_gradient_listed ? d[c] : to[c] + d[c];
            total[c] -= d[c];
        }
        other += active[1 + i] == other ? 1 : 0;
    }
    for (size_t c = 0; c < n_in && other < n_in_cells(block); c++) {
        float *to = d_in + other * n_in + c;
        *to = step->is_gradient_listed ? total[c] : *to + total[c];
    }
}

// Everything by the convolution's sums' gradient d of one row.
static void backward_row(const mb_step *step, const mb_rows *rows, size_t i, const float *d) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const places at = lay_out(block);
    const float *in = rows->in[0] + i * step->in_size[0];
    const uint32_t *active = rows->active + i * (n_in_cells(block) + 1);
    const float *background = step->packed + block->at_background;
    float *frame = floats_at(rows->scratch, at.frame);
    float *difference = floats_at(rows->scratch, at.difference);
    float *d_in = floats_at(rows->scratch, at.d_in);
    uint32_t *base = (uint32_t *)(void *)floats_at(rows->scratch, at.base);
    const size_t n_sums = conv->n_taps * conv->n_out;
    float *sums = floats_at(rows->scratch, at.sums);
    fill_back_frame(block, d, frame);
    sum_boxes(block, d, floats_at(rows->scratch, at.plane), floats_at(rows->scratch, at.row), sums);
    for (size_t k = 0; k < n_sums; k++) {
        rows->gradient[block->at_sums + k] += sums[k];
    }
    for (size_t k = 0; k < active[0]; k++) {
        const float *x = in + active[1 + k] * conv->n_in;
        float *to = difference + k * block->in_width;
        base[k] = back_base(block, active[1 + k]);
        memset(to + conv->n_in, 0, (block->in_width - conv->n_in) * sizeof *to);
        for (size_t c = 0; c < conv->n_in; c++) {
            to[c] = x[c] - background[c];
        }
    }
    step->kernels->positions_gradient(
        active[0], base, frame, &block->back, difference, block->in_width, rows->gradient);
    if (rows->d_in[0] != NULL) {
        step->kernels->positions(active[0], base, frame, &block->back,
            step->packed + block->at_flipped, step->packed + block->at_zero, block->in_width, d_in,
            block->in_width);
        add_input_gradient(
            step, active, sums, d_in, difference, rows->d_in[0] + i * step->in_size[0]);
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out;
    const places at = lay_out(block);
    float *factor = floats_at(rows->scratch, at.factor);
    float *d_bias = rows->gradient + block->at_bias;
    mb_block_factors(step, factor);
    for (size_t i = 0; i < rows->n; i++) {
        list_row row;
        float *d = floats_at(rows->scratch, at.frame);
        open_row(step, rows, i, &row);
        drop_row(step, &row);
        differentiate(step, &row, factor, rows->d_out + i * step->out_size, d);
        memcpy(row.v, d, block->n_positions * n_out * sizeof *d);
        for (size_t p = 0; p < block->n_positions; p++) {
            for (size_t c = 0; c < n_out; c++) {
                d_bias[c] += row.v[p * n_out + c];
            }
        }
        backward_row(step, rows, i, row.v);
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const float *background = step->packed + block->at_background;
    float *kernel = gradient + step->layer->weights[0].offset;
    for (size_t tap = 0; tap < conv->n_taps; tap++) {
        float *to = kernel + (conv->n_taps - 1 - tap) * conv->n_in * conv->n_out;
        for (size_t o = 0; o < conv->n_out; o++) {
            const float *from = packed_gradient + (tap * conv->n_out + o) * block->in_width;
            const float sum = packed_gradient[block->at_sums + tap * conv->n_out + o];
            for (size_t i = 0; i < conv->n_in; i++) {
                to[i * conv->n_out + o] += from[i] + background[i] * sum;
            }
        }
    }
    for (size_t o = 0; o < conv->n_out && step->layer->n_weights > 1; o++) {
        gradient[step->layer->weights[1].offset + o] += packed_gradient[block->at_bias + o];
    }
    mb_normalization_unpack(
        &block->normalization, packed_gradient + block->at_normalization, gradient);
}

// A position p reaches, by tap t, the input p + t * dilation - padding. Seen from that input, and
// with the taps in the other order, positions begin at the input's own number in a frame that has
// reach - padding places before the first position.
static mb_status make_back(mb_context *ctx, mb_plan_site *site, mb_block *block) {
    const mb_conv_plan *conv = &block->conv;
    const bool has_rows = conv->dilation[2] == 1;
    const size_t per_row = has_rows ? 1 : conv->kernel[2];
    size_t frame = conv->n_out;
    for (size_t d = 0; d < 3; d++) {
        const size_t reach = (conv->kernel[d] - 1) * conv->dilation[d];
        block->back_before[d] = reach - conv->pad[d];
        block->back_dim[d] = mb_max_size(conv->in[d] + reach, block->back_before[d] + conv->out[d]);
        frame *= block->back_dim[d];
    }
    block->back_frame = frame + MB_LANES;
    block->back.n_runs = conv->kernel[0] * conv->kernel[1] * per_row;
    block->back.run_length = (has_rows ? conv->kernel[2] : 1) * conv->n_out;
    block->back.run_pad = mb_round_up(block->back.run_length, MB_LANES);
    uint32_t *offset = mb_arena_allocate(site->arena, ctx, block->back.n_runs, sizeof *offset);
    if (offset == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t r = 0; r < block->back.n_runs; r++) {
        const size_t z = r / (conv->kernel[1] * per_row), y = r / per_row % conv->kernel[1];
        offset[r] =
            (uint32_t)(((z * conv->dilation[0] * block->back_dim[1] + y * conv->dilation[1]) *
                               block->back_dim[2] +
                           r % per_row * conv->dilation[2]) *
                       conv->n_out);
    }
    block->back.run_offset = offset;
    return MB_OK;
}

mb_status mb_block_plan_list(mb_context *ctx, mb_plan_site *site, mb_block *block) {
    mb_step *step = site->step;
    const mb_conv_plan *conv = &block->conv;
    const size_t n_numbers = block->n_positions * conv->n_out;
    block->in_width = mb_round_up(conv->n_in, MB_LANES);
    MB_TRY(make_back(ctx, site, block));
    block->at_zero = block->at_background + mb_round_up(conv->n_in, MB_LANES);
    block->at_flipped = block->at_zero + block->in_width;
    step->packed_floats = block->at_flipped + conv->n_taps * conv->n_out * block->in_width;
    block->at_sums = conv->n_taps * conv->n_out * block->in_width;
    block->at_bias = block->at_sums + mb_round_up(conv->n_taps * conv->n_out, MB_LANES);
    block->at_normalization = block->at_bias + conv->width;
    step->gradient_floats = block->at_normalization + 2 * conv->n_out;
    block->saved_bits = 0;
    block->saved_y = block->dropout.threshold > 0
                         ? mb_round_up(mb_dropout_words(n_numbers) * sizeof(uint32_t), 64)
                         : 0;
    block->saved_winner = block->saved_y + mb_round_up(n_numbers * sizeof(float), 64);
    step->saved_bytes = block->saved_winner + block->n_cells * conv->width;
    step->scratch_bytes = lay_out(block).total;
    step->forward = forward;
    step->backward = backward;
    step->statistics = statistics;
    step->d_statistics = d_statistics;
    step->refresh = refresh;
    step->refresh_empty = refresh_empty;
    step->unpack = unpack;
    step->follows_activity = true;
    step->gives_listed_gradient = true;
    return MB_OK;
}
