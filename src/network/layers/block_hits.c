// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The block that reads hits. Only what hits reach is computed, and again in each pass: that is
// cheaper than keeping it.

#include "network/layers/block.h"

#include "kernels/bits.h"

enum { CELLS = 16 }; // worked on at a time

// Scratch, in bytes.
typedef struct places {
    size_t reached, d, mark, values, normalized, pooled, winner, factor, sums, total;
} places;

static places lay_out(const mb_block *block) {
    const size_t width = block->conv.width;
    const size_t rows = CELLS * block->window * width * sizeof(float);
    places at = {.reached = 0};
    at.d = mb_conv_sparse_scratch_bytes(&block->conv);
    at.mark = at.d + mb_round_up(block->n_positions * width * sizeof(float), 64);
    at.values = at.mark + mb_round_up(block->n_cells, 64);
    at.normalized = at.values + mb_round_up(rows, 64);
    at.pooled = at.normalized + mb_round_up(rows, 64);
    at.winner = at.pooled + mb_round_up(CELLS * width * sizeof(float), 64);
    at.factor = at.winner + mb_round_up(CELLS * width, 64);
    at.sums = at.factor + mb_round_up(width * sizeof(float), 64);
    at.total = at.sums + mb_round_up(width * sizeof(double), 64);
    return at;
}

static float *floats_at(void *scratch, size_t at) {
    return (float *)(void *)((char *)scratch + at);
}

// What is known of one row: y as the convolution gives it and v, what dropout leaves, of reached
// positions.
typedef struct hit_row {
    mb_conv_reached reached;
    float *y, *v;
    uint32_t *bits;     // saved: the kept numbers of all positions
    uint32_t *kept;     // saved: how many are kept where no hit reaches
    double *background; // saved by d_statistics: the gradient's sum over cells that are not listed
    const uint32_t *list;
    const float *d_out;
} hit_row;

static void open_row(const mb_step *step, const mb_rows *rows, size_t i, hit_row *row) {
    const mb_block *block = step->data;
    char *saved = (char *)rows->saved + i * step->saved_bytes;
    row->bits = (uint32_t *)(void *)(saved + block->saved_bits);
    row->kept = (uint32_t *)(void *)(saved + block->saved_counts);
    row->background = (double *)(void *)(saved + block->saved_sums);
    row->list = rows->active_out + i * (block->n_cells + 1);
    row->d_out = rows->d_out == NULL ? NULL : rows->d_out + i * step->out_size;
}

static void compute_row(const mb_step *step, const mb_rows *rows, size_t i, hit_row *row) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const mb_conv_reached *reached = &row->reached;
    mb_conv_sparse_sums(step, rows, i, rows->scratch, &row->reached);
    row->y = reached->sums;
    row->v = reached->spare;
    conv->activation.ops->forward(
        conv->activation.parameters, row->y, reached->n * conv->width, conv->width);
    for (size_t r = 0; r < reached->n; r++) {
        mb_block_drop(step, conv->n_out, row->y + r * conv->width, row->bits,
            reached->cell[r] * conv->n_out, row->v + r * conv->width);
    }
}

static void refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const mb_activation *activation = &conv->activation;
    float *background = packed + block->at_background;
    float *slope = packed + block->at_slope;
    mb_block_refresh(step, parameters, packed);
    memcpy(background, packed + conv->at_bias, conv->n_out * sizeof *background);
    activation->ops->forward(activation->parameters, background, conv->n_out, conv->n_out);
    for (size_t c = 0; c < conv->n_out; c++) {
        slope[c] = 1;
    }
    activation->ops->backward(activation->parameters, background, slope, conv->n_out, conv->n_out);
}

static void draw_row(const mb_step *step, const mb_rows *rows, size_t i, hit_row *row) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out;
    memset(row->kept, 0, n_out * sizeof *row->kept);
    if (block->dropout.threshold > 0) {
        mb_dropout_draw(
            &block->dropout, step->kernels, rows, i, block->n_positions * n_out, row->bits);
        step->kernels->bits->count(block->n_positions, NULL, n_out, row->bits, row->kept);
    }
}

// The kept ones of reached positions are taken off again.
static void count_background(const mb_step *step, hit_row *row, uint32_t *reached_kept) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out;
    if (block->dropout.threshold == 0) {
        for (size_t c = 0; c < n_out; c++) {
            row->kept[c] = (uint32_t)(block->n_positions - row->reached.n);
        }
        return;
    }
    memset(reached_kept, 0, n_out * sizeof *reached_kept);
    step->kernels->bits->count(row->reached.n, row->reached.cell, n_out, row->bits, reached_kept);
    for (size_t c = 0; c < n_out; c++) {
        row->kept[c] -= reached_kept[c];
    }
}

static void statistics(const mb_step *step, const mb_rows *rows, double *partial) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    const float *background = step->packed + block->at_background;
    memset(partial, 0, step->n_statistics * sizeof *partial);
    for (size_t i = 0; i < rows->n; i++) {
        hit_row row;
        open_row(step, rows, i, &row);
        draw_row(step, rows, i, &row);
        compute_row(step, rows, i, &row);
        count_background(
            step, &row, (uint32_t *)(void *)floats_at(rows->scratch, lay_out(block).factor));
        for (size_t r = 0; r < row.reached.n; r++) {
            const float *v = row.v + r * block->conv.width;
            for (size_t c = 0; c < n; c++) {
                partial[c] += (double)v[c];
                partial[n + c] += (double)v[c] * (double)v[c];
            }
        }
        for (size_t c = 0; c < n; c++) {
            const double v = (double)(background[c] * block->dropout.scale);
            partial[c] += row.kept[c] * v;
            partial[n + c] += row.kept[c] * (v * v);
        }
    }
}

static mb_block_exception find_exception(
    const mb_block *block, float kept, float dropped, float slope) {
    return block->dropout.threshold == 0 ? MB_BLOCK_NEVER
           : kept > dropped              ? MB_BLOCK_ALL_DROPPED
           : kept < dropped              ? MB_BLOCK_ALL_KEPT
           : slope == 0                  ? MB_BLOCK_NEVER
                                         : MB_BLOCK_ALWAYS;
}

static void finish(
    const mb_step *step, const double *total, size_t n_rows, float *batch, float *moving) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    const float *background = step->packed + block->at_background;
    const float *gamma = step->packed + block->at_gamma + MB_NORMALIZATION_GAMMA * n;
    const float *beta = step->packed + block->at_gamma + MB_NORMALIZATION_BETA * n;
    float *empty = step->packed + block->at_empty;
    mb_block_finish(step, total, n_rows, batch, moving);
    for (size_t c = 0; c < n; c++) {
        const float mean = batch[MB_NORMALIZATION_BATCH_MEAN * n + c];
        const float factor = batch[MB_NORMALIZATION_BATCH_INVERSE * n + c] * gamma[c];
        const float kept = (background[c] * block->dropout.scale - mean) * factor + beta[c];
        const float dropped = (0 - mean) * factor + beta[c];
        const mb_block_exception exception =
            find_exception(block, kept, dropped, step->packed[block->at_slope + c]);
        batch[MB_BLOCK_POOLED * n + c] = exception == MB_BLOCK_ALL_KEPT ? dropped : kept;
        batch[MB_BLOCK_EXCEPTION * n + c] = (float)exception;
    }
    for (size_t i = 0; i < block->n_cells; i++) {
        memcpy(empty + i * n, batch + MB_BLOCK_POOLED * n, n * sizeof *empty);
    }
}

// In which of 32 channels windows of dropped, or of kept ones are exceptions.
typedef struct exceptions {
    bool is_any, is_always;
    uint32_t all_dropped[MB_BLOCK_WORDS], all_kept[MB_BLOCK_WORDS];
} exceptions;

static void find_exceptions(const mb_step *step, exceptions *out) {
    const size_t n = ((const mb_block *)step->data)->conv.n_out;
    const float *exception = step->batch + MB_BLOCK_EXCEPTION * n;
    memset(out, 0, sizeof *out);
    for (size_t c = 0; c < n; c++) {
        const uint32_t bit = 1U << c % 32;
        out->all_dropped[c / 32] |= exception[c] == (float)MB_BLOCK_ALL_DROPPED ? bit : 0;
        out->all_kept[c / 32] |= exception[c] == (float)MB_BLOCK_ALL_KEPT ? bit : 0;
        out->is_always = out->is_always || exception[c] == (float)MB_BLOCK_ALWAYS;
        out->is_any = out->is_any || exception[c] != (float)MB_BLOCK_NEVER;
    }
}

static bool is_exception(
    const mb_block *block, const exceptions *except, const uint32_t *bits, size_t cell) {
    const uint32_t *position = block->position + cell * block->window;
    const size_t n = block->conv.n_out;
    for (size_t word = 0; word * 32 < n; word++) {
        uint32_t all = UINT32_MAX, any = 0;
        for (size_t j = 0; j < block->window; j++) {
            const uint32_t kept = mb_bits_from(bits, position[j] * n + word * 32);
            all &= kept;
            any |= kept;
        }
        if (((~any & except->all_dropped[word]) | (all & except->all_kept[word])) != 0) {
            return true;
        }
    }
    return false;
}

static void list_cells(const mb_block *block, const exceptions *except, const hit_row *row,
    uint8_t *mark, uint32_t *list) {
    memset(mark, except->is_always ? 1 : 0, block->n_cells);
    for (size_t r = 0; r < row->reached.n && !except->is_always; r++) {
        const uint32_t cell = block->cell_of[row->reached.cell[r]];
        if (cell != UINT32_MAX) {
            mark[cell] = 1;
        }
    }
    uint32_t n = 0;
    for (size_t cell = 0; cell < block->n_cells; cell++) {
        if (mark[cell] != 0 || (except->is_any && is_exception(block, except, row->bits, cell))) {
            list[1 + n++] = (uint32_t)cell;
        }
    }
    list[0] = n;
}

// Some listed cells: v and normalised numbers of their windows (rows of width), and what won.
typedef struct cells {
    size_t n;
    const uint32_t *cell;
    float *v, *z, *pooled;
    uint8_t *winner;
} cells;

static void pool_cells(const mb_step *step, const hit_row *row, void *scratch, const uint32_t *cell,
    size_t n, cells *out) {
    const mb_block *block = step->data;
    const size_t width = block->conv.width, n_out = block->conv.n_out;
    const places at = lay_out(block);
    *out = (cells){n, cell, floats_at(scratch, at.values), floats_at(scratch, at.normalized),
        floats_at(scratch, at.pooled), (uint8_t *)scratch + at.winner};
    for (size_t i = 0; i < n * block->window; i++) {
        const uint32_t position =
            block->position[cell[i / block->window] * block->window + i % block->window];
        float *v = out->v + i * width;
        if (row->reached.mark[position] != 0) {
            memcpy(v, row->v + row->reached.slot[position] * width, n_out * sizeof *v);
        } else {
            mb_block_drop(
                step, n_out, step->packed + block->at_background, row->bits, position * n_out, v);
        }
    }
    mb_block_normalize(
        step, floats_at(scratch, at.factor), n * block->window, width, out->v, out->z);
    step->kernels->max_windows(n, block->window, out->z, width, out->pooled, out->winner);
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_block *block = step->data;
    const size_t n_out = block->conv.n_out, width = block->conv.width;
    const places at = lay_out(block);
    exceptions except;
    find_exceptions(step, &except);
    mb_block_factors(step, floats_at(rows->scratch, at.factor));
    for (size_t i = 0; i < rows->n; i++) {
        uint32_t *list = rows->active_out + i * (block->n_cells + 1);
        float *out = rows->out + i * step->out_size;
        hit_row row;
        open_row(step, rows, i, &row);
        compute_row(step, rows, i, &row);
        list_cells(block, &except, &row, (uint8_t *)rows->scratch + at.mark, list);
        if (!step->skips_background) {
            memcpy(out, step->packed + block->at_empty, step->out_size * sizeof *out);
        }
        for (size_t first = 0; first < list[0]; first += CELLS) {
            cells some;
            pool_cells(step, &row, rows->scratch, list + 1 + first,
                mb_min_size(CELLS, list[0] - first), &some);
            for (size_t k = 0; k < some.n; k++) {
                mb_conv_copy(out + some.cell[k] * n_out, some.pooled + k * width, n_out);
            }
        }
    }
}

// The gradient's sum over cells that are not listed.
static void sum_background(const mb_step *step, const hit_row *row) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    size_t next = 1;
    memset(row->background, 0, n * sizeof *row->background);
    for (size_t cell = 0; cell < block->n_cells; cell++) {
        if (next <= row->list[0] && row->list[next] == cell) {
            next++;
            continue;
        }
        for (size_t c = 0; c < n; c++) {
            row->background[c] += (double)row->d_out[cell * n + c];
        }
        if (step->is_gradient_listed) {
            return;
        }
    }
}

// The pooled background is a dropped number, or a kept one.
static bool is_dropped(const mb_step *step, size_t n, size_t channel) {
    return step->batch[MB_BLOCK_EXCEPTION * n + channel] == (float)MB_BLOCK_ALL_KEPT;
}

static void d_statistics(
    const mb_step *step, const mb_rows *rows, const float *batch, double *partial) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out, width = block->conv.width;
    const float *mean = batch + MB_NORMALIZATION_BATCH_MEAN * n;
    const float *inverse = batch + MB_NORMALIZATION_BATCH_INVERSE * n;
    const float *background = step->packed + block->at_background;
    memset(partial, 0, step->n_d_statistics * sizeof *partial);
    mb_block_factors(step, floats_at(rows->scratch, lay_out(block).factor));
    for (size_t i = 0; i < rows->n; i++) {
        hit_row row;
        open_row(step, rows, i, &row);
        compute_row(step, rows, i, &row);
        for (size_t first = 0; first < row.list[0]; first += CELLS) {
            cells some;
            pool_cells(step, &row, rows->scratch, row.list + 1 + first,
                mb_min_size(CELLS, row.list[0] - first), &some);
            for (size_t k = 0; k < some.n * n; k++) {
                const size_t cell = k / n, c = k % n;
                const size_t at = (cell * block->window + some.winner[cell * width + c]) * width;
                const float d = row.d_out[some.cell[cell] * n + c];
                partial[c] += (double)d;
                partial[n + c] += (double)d * (double)((some.v[at + c] - mean[c]) * inverse[c]);
            }
        }
        sum_background(step, &row);
        for (size_t c = 0; c < n; c++) {
            const float v = is_dropped(step, n, c) ? 0 : background[c] * block->dropout.scale;
            partial[c] += row.background[c];
            partial[n + c] += row.background[c] * (double)((v - mean[c]) * inverse[c]);
        }
    }
}

// Gradients of cells to the positions that won. kept: the sum of those that went to kept positions
// that no hit reaches.
static void spread(
    const mb_step *step, const hit_row *row, const cells *some, float *d, double *kept) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out, width = block->conv.width;
    const bool drops = block->dropout.threshold > 0;
    for (size_t k = 0; k < some->n; k++) {
        const uint32_t *position = block->position + some->cell[k] * block->window;
        const float *d_cell = row->d_out + some->cell[k] * n;
        for (size_t c = 0; c < n; c++) {
            const size_t p = position[some->winner[k * width + c]];
            if (row->reached.mark[p] != 0) {
                d[row->reached.slot[p] * width + c] += d_cell[c];
            } else if (!drops || (mb_bits_from(row->bits, p * n + c) & 1) != 0) {
                kept[c] += (double)d_cell[c];
            }
        }
    }
}

// All positions without hits change by the bias alone.
static void add_background(const mb_step *step, const hit_row *row, const float *factor,
    const double *kept, float *d_bias) {
    const mb_block *block = step->data;
    const size_t n = block->conv.n_out;
    const float *centre = step->batch + MB_NORMALIZATION_CENTRE * n;
    const float *inverse = step->batch + MB_NORMALIZATION_BATCH_INVERSE * n;
    const float *d_mean = step->batch + MB_NORMALIZATION_D_MEAN * n;
    const float *d_projection = step->batch + MB_NORMALIZATION_D_PROJECTION * n;
    for (size_t c = 0; c < n; c++) {
        const float v = step->packed[block->at_background + c] * block->dropout.scale;
        const float normalized = (v - centre[c]) * inverse[c];
        const double won = kept[c] + (is_dropped(step, n, c) ? 0 : row->background[c]);
        const double rest =
            row->kept[c] * ((double)d_mean[c] + (double)normalized * (double)d_projection[c]);
        d_bias[c] += (float)((won - rest) * (double)factor[c] * (double)block->dropout.scale *
                             (double)step->packed[block->at_slope + c]);
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_block *block = step->data;
    const mb_conv_plan *conv = &block->conv;
    const size_t n_out = conv->n_out, width = conv->width;
    const places at = lay_out(block);
    float *d = floats_at(rows->scratch, at.d);
    float *factor = floats_at(rows->scratch, at.factor);
    double *kept = (double *)(void *)floats_at(rows->scratch, at.sums);
    float *d_bias = rows->gradient + block->at_bias;
    mb_block_factors(step, factor);
    for (size_t i = 0; i < rows->n; i++) {
        hit_row row;
        open_row(step, rows, i, &row);
        compute_row(step, rows, i, &row);
        const size_t n = row.reached.n;
        memset(d, 0, n * width * sizeof *d);
        memset(kept, 0, n_out * sizeof *kept);
        for (size_t first = 0; first < row.list[0]; first += CELLS) {
            cells some;
            pool_cells(step, &row, rows->scratch, row.list + 1 + first,
                mb_min_size(CELLS, row.list[0] - first), &some);
            spread(step, &row, &some, d, kept);
        }
        mb_block_normalize_back(step, factor, n, width, row.v, d);
        for (size_t r = 0; r < n; r++) {
            mb_block_drop(
                step, n_out, d + r * width, row.bits, row.reached.cell[r] * n_out, d + r * width);
        }
        conv->activation.ops->backward(conv->activation.parameters, row.y, d, n * width, width);
        step->kernels->sum_rows(n, d, width, d_bias);
        add_background(step, &row, factor, kept, d_bias);
        memcpy(row.reached.sums, d, n * width * sizeof *d);
        mb_conv_sparse_sums_gradient(step, rows, i, rows->gradient, rows->scratch);
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_block *block = step->data;
    mb_conv_unpack(step, packed_gradient, gradient);
    mb_normalization_unpack(
        &block->normalization, packed_gradient + block->at_normalization, gradient);
}

mb_status mb_block_plan_hits(mb_context *ctx, mb_plan_site *site, mb_block *block) {
    mb_step *step = site->step;
    const mb_conv_plan *conv = &block->conv;
    const size_t n_numbers = block->n_positions * conv->n_out;
    (void)ctx;
    block->at_slope = block->at_background + mb_round_up(conv->n_out, MB_LANES);
    block->at_empty = block->at_slope + mb_round_up(conv->n_out, MB_LANES);
    step->packed_floats = block->at_empty + mb_round_up(block->n_cells * conv->n_out, MB_LANES);
    block->at_bias = conv->gradient_rows;
    block->at_normalization = block->at_bias + conv->width;
    step->gradient_floats = block->at_normalization + 2 * conv->n_out;
    block->saved_bits = 0;
    block->saved_counts = block->dropout.threshold > 0
                              ? mb_round_up(mb_dropout_words(n_numbers) * sizeof(uint32_t), 64)
                              : 0;
    block->saved_sums =
        block->saved_counts + mb_round_up(conv->n_out * sizeof(uint32_t), sizeof(double));
    step->saved_bytes = block->saved_sums + conv->n_out * sizeof(double);
    step->scratch_bytes = lay_out(block).total;
    step->forward = forward;
    step->backward = backward;
    step->statistics = statistics;
    step->finish = finish;
    step->d_statistics = d_statistics;
    step->refresh = refresh;
    step->unpack = unpack;
    step->takes_sparse = true;
    step->gives_activity = true;
    step->wants_listed_gradient = true;
    step->n_cells = block->n_cells;
    step->empty_out_at = block->at_empty;
    return MB_OK;
}
