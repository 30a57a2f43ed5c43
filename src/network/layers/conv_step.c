// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/conv.h"

#include <math.h>

// Positions worked on at a time: 240 is a multiple of the kernels' 12 and of the usual windows, and
// 8 kB of sums at 8 channels.
enum { BLOCK_POSITIONS = 240 };

static size_t block_cells(const mb_conv_plan *plan) {
    return mb_max_size(BLOCK_POSITIONS / plan->window, 1);
}

// Scratch of run_cells, in floats: sums of a block, its maxima, and its bases or winners.
static size_t cells_scratch(const mb_conv_plan *plan) {
    const size_t cells = block_cells(plan);
    const size_t bases = mb_max_size(cells * plan->window, cells * plan->width / sizeof(float));
    return mb_round_up(cells * plan->window * plan->width + cells * plan->width + bases, 16);
}

typedef struct scratch_layout {
    size_t cells, frame, d_cells, list, values, sparse, total; // offsets in bytes
} scratch_layout;

static scratch_layout lay_out_scratch(const mb_conv_plan *plan, bool is_training) {
    scratch_layout at = {0};
    size_t n = cells_scratch(plan) * sizeof(float);
    at.frame = n;
    n += mb_round_up(plan->frame * sizeof(float), 64);
    at.list = n;
    n += mb_round_up(((is_training ? MB_LANES : 1) * plan->n_cells + 1) * sizeof(uint32_t), 64);
    at.values = n; // marks in the forward pass, winning gradients in the backward pass
    n += mb_round_up((is_training ? MB_LANES : 1) * plan->n_cells * sizeof(float), 64);
    at.d_cells = n;
    if (is_training) {
        n += mb_round_up(plan->n_cells * plan->width * sizeof(float), 64);
    }
    at.sparse = n;
    if (plan->is_sparse) {
        n += mb_conv_sparse_scratch_bytes(plan);
    }
    at.total = n;
    return at;
}

size_t mb_conv_scratch_bytes(const mb_conv_plan *plan, bool is_training) {
    return mb_round_up(lay_out_scratch(plan, is_training).total, 64);
}

static bool saves_frame(const mb_conv_plan *plan) {
    return plan->is_padded && !plan->is_sparse;
}

size_t mb_conv_saved_bytes(const mb_conv_plan *plan) {
    return (saves_frame(plan) ? mb_round_up(plan->frame * sizeof(float), 64) : 0) +
           (plan->window > 1 ? mb_round_up(plan->n_cells * plan->width, 64) : 0);
}

// A row's saved frame (or NULL) and winners (or NULL).
static void saved_of_row(
    const mb_step *step, const mb_rows *rows, size_t row, float **frame, uint8_t **winner) {
    const mb_conv_plan *plan = step->data;
    char *saved = step->is_training && rows->saved != NULL
                      ? (char *)rows->saved + row * step->saved_bytes
                      : NULL;
    *frame = saved != NULL && saves_frame(plan) ? (float *)(void *)saved : NULL;
    *winner = saved != NULL && plan->window > 1
                  ? (uint8_t *)saved +
                        (saves_frame(plan) ? mb_round_up(plan->frame * sizeof(float), 64) : 0)
                  : NULL;
}

void mb_conv_refresh(const mb_step *step, const float *parameters, float *packed) {
    const mb_conv_plan *plan = step->data;
    const mb_footprint *footprint = &plan->footprint;
    const float *kernel = parameters + step->layer->weights[0].offset;
    const float *bias =
        step->layer->n_weights > 1 ? parameters + step->layer->weights[1].offset : NULL;
    const size_t n_rows = footprint->n_runs * footprint->run_length;
    bool is_finite = true;
    for (size_t i = 0; i < n_rows; i++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            const float w = kernel[i * plan->n_out + o];
            packed[plan->at_weights + i * plan->width + o] = w;
            is_finite = is_finite && isfinite(w);
        }
    }
    for (size_t o = 0; o < plan->n_out; o++) {
        // -0 would make the sum of a position without hits depend on how many zeros were added to
        // it.
        packed[plan->at_bias + o] = bias == NULL ? 0 : bias[o] + 0.0F;
        is_finite = is_finite && isfinite(packed[plan->at_bias + o]);
    }
    packed[plan->at_finite] = is_finite ? 1 : 0;
    if (plan->has_affine) {
        mb_conv_pack_affine(plan, parameters, packed);
    }
    for (size_t r = 0; r < footprint->n_runs && plan->has_back; r++) {
        for (size_t o = 0; o < plan->n_out; o++) {
            const size_t row = plan->window > 1 ? o * footprint->n_runs + r : r * plan->n_out + o;
            float *back = packed + plan->at_back + row * footprint->run_pad;
            for (size_t k = 0; k < footprint->run_length; k++) {
                back[k] = kernel[(r * footprint->run_length + k) * plan->n_out + o];
            }
        }
    }
}

void mb_conv_unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_conv_plan *plan = step->data;
    const mb_footprint *footprint = &plan->footprint;
    const bool by_winner = plan->window > 1 && !plan->is_sparse;
    float *kernel = gradient + step->layer->weights[0].offset;
    for (size_t r = 0; r < footprint->n_runs; r++) {
        for (size_t k = 0; k < footprint->run_length; k++) {
            const size_t row = r * footprint->run_length + k;
            for (size_t o = 0; o < plan->n_out; o++) {
                kernel[row * plan->n_out + o] +=
                    by_winner
                        ? packed_gradient[(o * footprint->n_runs + r) * footprint->run_pad + k]
                        : packed_gradient[row * plan->width + o];
            }
        }
    }
    if (step->layer->n_weights > 1) {
        float *bias = gradient + step->layer->weights[1].offset;
        for (size_t o = 0; o < plan->n_out; o++) {
            bias[o] += packed_gradient[plan->gradient_rows + o];
        }
    }
}

// Calls copy(frame offset, row offset, floats) for each stretch of a row: rows of the innermost
// axis, and once more for the copies of the periodic axis.
#define FOR_EACH_STRETCH(plan, frame_at, row_at)                                                   \
    for (size_t z = 0; z < (plan)->padded[0]; z++)                                                 \
        for (size_t y = 0; y < (plan)->padded[1]; y++)                                             \
            if (find_stretch(plan, z, y, &(frame_at), &(row_at)))

static bool find_coordinate(const mb_conv_plan *plan, size_t axis, size_t at, size_t *in) {
    const size_t length = plan->in[axis];
    if (plan->wraps && axis == plan->wrap_axis) {
        *in = (at + length - plan->pad[axis] % length) % length;
        return true;
    }
    *in = at - plan->pad[axis];
    return at >= plan->pad[axis] && *in < length;
}

static bool find_stretch(
    const mb_conv_plan *plan, size_t z, size_t y, size_t *frame_at, size_t *row_at) {
    size_t in_z;
    size_t in_y;
    if (!find_coordinate(plan, 0, z, &in_z) || !find_coordinate(plan, 1, y, &in_y)) {
        return false;
    }
    *frame_at = ((z * plan->padded[1] + y) * plan->padded[2] + plan->pad[2]) * plan->n_in;
    *row_at = (in_z * plan->in[1] + in_y) * plan->in[2] * plan->n_in;
    return true;
}

// A one-dimensional periodic axis is the innermost: its copies are single positions.
static bool wraps_innermost(const mb_conv_plan *plan) {
    return plan->wraps && plan->wrap_axis == 2;
}

void mb_conv_fill_frame(const mb_conv_plan *plan, size_t floats, const float *row, float *frame) {
    const size_t position = plan->n_in * floats;
    size_t frame_at = 0;
    size_t row_at = 0;
    memset(frame, 0, plan->frame * floats * sizeof *frame);
    FOR_EACH_STRETCH(plan, frame_at, row_at) {
        memcpy(frame + frame_at * floats, row + row_at * floats,
            plan->in[2] * position * sizeof *frame);
    }
    for (size_t x = 0; x < plan->padded[2] && wraps_innermost(plan); x++) {
        size_t in = 0;
        find_coordinate(plan, 2, x, &in);
        memcpy(frame + x * position, row + in * position, position * sizeof *frame);
    }
}

void mb_conv_add_frame(const mb_conv_plan *plan, size_t floats, const float *frame, float *row) {
    const size_t position = plan->n_in * floats;
    size_t frame_at = 0;
    size_t row_at = 0;
    if (wraps_innermost(plan)) {
        for (size_t x = 0; x < plan->padded[2]; x++) {
            size_t in = 0;
            find_coordinate(plan, 2, x, &in);
            for (size_t c = 0; c < position; c++) {
                row[in * position + c] += frame[x * position + c];
            }
        }
        return;
    }
    FOR_EACH_STRETCH(plan, frame_at, row_at) {
        for (size_t i = 0; i < plan->in[2] * position; i++) {
            row[row_at * floats + i] += frame[frame_at * floats + i];
        }
    }
}

// How far apart the kernel stores positions: few channels come packed, if nothing is to be done to
// whole vectors of them.
static size_t sum_stride(const mb_conv_plan *plan) {
    return plan->window == 1 && plan->width == MB_LANES ? plan->n_out : plan->width;
}

// Where a channel falls by its normalisation, activation and normalisation come before the maximum.
static bool falls(const mb_conv_plan *plan, const float *packed) {
    return plan->window > 1 && plan->has_affine && !mb_conv_affine_rises(plan, packed);
}

float *mb_conv_finish(const mb_step *step, size_t stride, float *sums, float *maxima,
    size_t n_cells, uint8_t *winner) {
    const mb_conv_plan *plan = step->data;
    const mb_activation *activation = &plan->activation;
    const bool is_before = falls(plan, step->packed);
    float *cells = sums;
    if (is_before) {
        const size_t n = n_cells * plan->window;
        activation->ops->forward(activation->parameters, sums, n * plan->width, plan->width);
        mb_conv_apply_affine(plan, step->packed, n, plan->width, 1, sums);
    }
    if (plan->window > 1) {
        step->kernels->max_windows(n_cells, plan->window, sums, plan->width, maxima, winner);
        cells = maxima;
    }
    for (size_t i = 1; i < n_cells && plan->n_out != stride; i++) {
        memmove(cells + i * plan->n_out, cells + i * plan->width, plan->n_out * sizeof *cells);
    }
    if (!is_before) {
        activation->ops->forward(activation->parameters, cells, n_cells * plan->n_out, plan->n_out);
    }
    if (!is_before && plan->has_affine) {
        mb_conv_apply_affine(plan, step->packed, n_cells, plan->n_out, 1, cells);
    }
    return cells;
}

// Cells [first, last) of a frame: convolution, maximum and activation into out (cells x n_out) and
// winner (cells x width, or NULL). list names the cells (NULL: first + i); results are stored at
// the cell.
static void run_cells(const mb_step *step, const float *frame, const uint32_t *list, size_t first,
    size_t last, float *out, uint8_t *winner, float *scratch) {
    const mb_conv_plan *plan = step->data;
    const size_t most = block_cells(plan);
    float *sums = scratch;
    float *maxima = sums + most * plan->window * plan->width;
    uint32_t *bases = (uint32_t *)(void *)(maxima + most * plan->width);
    // A tile of values has room for a vector behind its last row. In training the next rows may be
    // another thread's.
    const bool is_direct = list == NULL && winner == NULL && !step->is_training &&
                           plan->window == 1 && sum_stride(plan) == plan->n_out;
    for (size_t begin = first; begin < last; begin += most) {
        const size_t n = mb_min_size(most, last - begin);
        sums = is_direct ? out + begin * plan->n_out : scratch;
        if (list == NULL) {
            mb_conv_positions(step, begin, n, frame, sums, sum_stride(plan));
        } else {
            for (size_t i = 0; i < n; i++) {
                const uint32_t *cell_base = plan->base + list[begin + i] * plan->window;
                for (size_t j = 0; j < plan->window; j++) {
                    bases[i * plan->window + j] = cell_base[j];
                }
            }
            step->kernels->positions(n * plan->window, bases, frame, &plan->footprint,
                step->packed + plan->at_weights, step->packed + plan->at_bias, plan->width, sums,
                sum_stride(plan));
        }
        // Winners of a list go to a compact place first: the bases are no longer needed.
        uint8_t *block_winner = winner == NULL ? NULL
                                : list == NULL ? winner + begin * plan->width
                                               : (uint8_t *)bases;
        const float *cells = mb_conv_finish(step, sum_stride(plan), sums, maxima, n, block_winner);
        if (is_direct) {
            continue;
        }
        if (list == NULL) {
            memcpy(out + begin * plan->n_out, cells, n * plan->n_out * sizeof *out);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            mb_conv_copy(out + list[begin + i] * plan->n_out, cells + i * plan->n_out, plan->n_out);
            if (winner != NULL) {
                mb_conv_copy_bytes(winner + list[begin + i] * plan->width,
                    block_winner + i * plan->width, plan->width);
            }
        }
    }
}

void mb_conv_refresh_empty(const mb_step *step, const float *empty_in, float *packed) {
    const mb_conv_plan *plan = step->data;
    float *frame = packed + plan->at_empty_frame;
    float *out = packed + plan->at_empty_out;
    uint8_t *winner = (uint8_t *)(packed + plan->at_empty_winner);
    if (empty_in == NULL) {
        memset(frame, 0, plan->frame * sizeof *frame);
    } else {
        mb_conv_fill_frame(plan, 1, empty_in, frame);
    }
    for (size_t cell = 0; cell < plan->n_cells; cell++) {
        const size_t z = cell / (plan->cells[1] * plan->cells[2]);
        const size_t y = cell / plan->cells[2] % plan->cells[1];
        const size_t x = cell % plan->cells[2];
        const size_t like =
            (plan->empty_class[0][z] * plan->cells[1] + plan->empty_class[1][y]) * plan->cells[2] +
            plan->empty_class[2][x];
        if (like == cell) {
            run_cells(step, frame, NULL, cell, cell + 1, out, winner, packed + plan->at_scratch);
        } else {
            memcpy(out + cell * plan->n_out, out + like * plan->n_out, plan->n_out * sizeof *out);
            memcpy(winner + cell * plan->width, winner + like * plan->width, plan->width);
        }
    }
}

// Where an input position (its number without channels) lies in the frame, in floats.
static size_t frame_place(const mb_conv_plan *plan, uint32_t position) {
    const uint32_t length = (uint32_t)plan->in[2];
    const uint32_t x = position % length;
    const uint32_t row = position / length;
    const uint32_t y = row % (uint32_t)plan->in[1];
    const uint32_t z = row / (uint32_t)plan->in[1];
    return (((z + plan->pad[0]) * plan->padded[1] + y + plan->pad[1]) * plan->padded[2] + x +
               plan->pad[2]) *
           plan->n_in;
}

void mb_conv_mark(const mb_conv_plan *plan, uint32_t position, uint8_t *mark) {
    const uint32_t length = (uint32_t)plan->in[2];
    const uint32_t x = position % length;
    const uint32_t row = position / length;
    const uint32_t y = row % (uint32_t)plan->in[1];
    const uint32_t z = row / (uint32_t)plan->in[1];
    if (plan->first_cell[0][z] == UINT32_MAX || plan->first_cell[1][y] == UINT32_MAX ||
        plan->first_cell[2][x] == UINT32_MAX) {
        return;
    }
    const size_t cells_x = plan->cells[2];
    for (size_t cell_z = plan->first_cell[0][z]; cell_z <= plan->last_cell[0][z]; cell_z++) {
        uint8_t *plane = mark + cell_z * plan->cells[1] * cells_x;
        const size_t first_x = plan->first_cell[2][x];
        const size_t last_x = plan->last_cell[2][x];
        if (plan->reaches_corners) {
            // Whether a hit reaches one cell or two is a coin's toss: no branch.
            uint8_t *first_row = plane + plan->first_cell[1][y] * cells_x;
            uint8_t *last_row = plane + plan->last_cell[1][y] * cells_x;
            first_row[first_x] = first_row[last_x] = 1;
            last_row[first_x] = last_row[last_x] = 1;
            continue;
        }
        for (size_t cell_y = plan->first_cell[1][y]; cell_y <= plan->last_cell[1][y]; cell_y++) {
            memset(plane + cell_y * cells_x + first_x, 1, last_x - first_x + 1);
        }
    }
}

void mb_conv_list_marked(
    const mb_conv_plan *plan, const uint8_t *mark, uint32_t *list, uint32_t *slot) {
    uint32_t n = 0;
    for (size_t cell = 0; cell < plan->n_cells; cell++) {
        list[1 + n] = (uint32_t)cell;
        if (slot != NULL) {
            slot[cell] = n;
        }
        n += mark[cell];
    }
    list[0] = n;
}

static void list_all(size_t n_cells, uint32_t *list) {
    list[0] = (uint32_t)n_cells;
    for (size_t i = 0; i < n_cells; i++) {
        list[1 + i] = (uint32_t)i;
    }
}

// The frame of a row of known activity: the empty event's, and the reached cells of the input. The
// rest of row is not read.
static void fill_frame_from_active(
    const mb_step *step, const float *row, const uint32_t *active, float *frame) {
    const mb_conv_plan *plan = step->data;
    memcpy(frame, step->packed + plan->at_empty_frame, plan->frame * sizeof *frame);
    for (size_t i = 1; i <= active[0]; i++) {
        mb_conv_copy(
            frame + frame_place(plan, active[i]), row + active[i] * plan->n_in, plan->n_in);
    }
}

static void forward_active(const mb_step *step, const uint32_t *active, const float *frame,
    float *out, uint8_t *winner, uint32_t *list, float *scratch, uint8_t *mark) {
    const mb_conv_plan *plan = step->data;
    if (!step->skips_background) {
        memcpy(out, step->packed + plan->at_empty_out, plan->n_cells * plan->n_out * sizeof *out);
    }
    if (winner != NULL) {
        memcpy(winner, step->packed + plan->at_empty_winner, plan->n_cells * plan->width);
    }
    memset(mark, 0, plan->n_cells);
    for (size_t i = 1; i <= active[0]; i++) {
        mb_conv_mark(plan, active[i], mark);
    }
    mb_conv_list_marked(plan, mark, list, NULL);
    run_cells(step, frame, list + 1, 0, list[0], out, winner, scratch);
}

void mb_conv_listed_row(
    const mb_step *step, const float *row, const uint32_t *active, float *out, void *scratch) {
    const mb_conv_plan *plan = step->data;
    const scratch_layout at = lay_out_scratch(plan, false);
    char *memory = scratch;
    float *frame = (float *)(void *)(memory + at.frame);
    fill_frame_from_active(step, row, active, frame);
    forward_active(step, active, frame, out, NULL, (uint32_t *)(void *)(memory + at.list), scratch,
        (uint8_t *)(memory + at.values));
}

// A sparse row in full: weights that are not finite make every product count.
static void fill_frame_from_hits(
    const mb_conv_plan *plan, const mb_input *sparse, size_t row, float *frame) {
    const size_t n_grid = plan->in[0] * plan->in[1] * plan->in[2];
    memset(frame, 0, plan->frame * sizeof *frame);
    for (size_t i = sparse->offset[row]; i < sparse->offset[row + 1]; i++) {
        const uint32_t index = sparse->index[i];
        const size_t channel = plan->is_sparse_first ? index / n_grid : index % plan->n_in;
        const size_t position = plan->is_sparse_first ? index % n_grid : index / plan->n_in;
        frame[frame_place(plan, (uint32_t)position) + channel] = sparse->value[i];
    }
}

void mb_conv_forward(const mb_step *step, const mb_rows *rows) {
    const mb_conv_plan *plan = step->data;
    const scratch_layout at = lay_out_scratch(plan, step->is_training);
    char *scratch = rows->scratch;
    const bool is_finite = step->packed[plan->at_finite] != 0;
    for (size_t i = 0; i < rows->n; i++) {
        float *out = rows->out + i * step->out_size;
        const float *row = rows->in[0] == NULL ? NULL : rows->in[0] + i * step->in_size[0];
        uint32_t *list = rows->active_out != NULL ? rows->active_out + i * (plan->n_cells + 1)
                                                  : (uint32_t *)(void *)(scratch + at.list);
        float *frame;
        uint8_t *winner;
        saved_of_row(step, rows, i, &frame, &winner);
        if (plan->is_sparse && is_finite) {
            mb_conv_sparse_forward(step, rows, i, out, winner, list, scratch + at.sparse);
            continue;
        }
        frame = frame != NULL ? frame : (float *)(void *)(scratch + at.frame);
        float *work = (float *)(void *)scratch;
        if (plan->has_activity) {
            const uint32_t *active =
                rows->active + i * (plan->in[0] * plan->in[1] * plan->in[2] + 1);
            fill_frame_from_active(step, row, active, frame);
            if (is_finite) {
                forward_active(
                    step, active, frame, out, winner, list, work, (uint8_t *)(scratch + at.values));
                continue;
            }
        } else if (plan->is_sparse) {
            fill_frame_from_hits(plan, &rows->sparse[0], rows->first + i, frame);
        } else if (plan->is_padded) {
            mb_conv_fill_frame(plan, 1, row, frame);
        }
        run_cells(step, plan->is_padded ? frame : row, NULL, 0, plan->n_cells, out, winner, work);
        if (rows->active_out != NULL) {
            list_all(plan->n_cells, list);
        }
    }
}

uint64_t mb_conv_count_done(const mb_step *step, const mb_rows *rows) {
    const mb_conv_plan *plan = step->data;
    const bool is_finite = step->packed[plan->at_finite] != 0;
    const uint64_t per_cell = (uint64_t)plan->window * plan->n_taps * plan->n_in * plan->n_out;
    uint64_t done = 0;
    for (size_t i = 0; i < rows->n; i++) {
        done += plan->is_sparse && is_finite ? mb_conv_sparse_products(step, rows, i)
                                             : per_cell * rows->active_out[i * (plan->n_cells + 1)];
    }
    return done;
}

// The winners of MB_LANES channels from first on that have a gradient: channel by channel, their
// places and gradients.
static void list_winners(const mb_conv_plan *plan, size_t first, const uint8_t *winner,
    const float *d_cells, uint32_t *list, float *values, size_t n[MB_LANES]) {
    memset(n, 0, MB_LANES * sizeof *n);
    for (size_t cell = 0; cell < plan->n_cells; cell++) {
        const float *d = d_cells + cell * plan->width + first;
        const uint8_t *won = winner + cell * plan->width + first;
        const uint32_t *base = plan->base + cell * plan->window;
        for (size_t o = 0; o < MB_LANES; o++) {
            const size_t at = o * plan->n_cells + n[o];
            list[at] = base[won[o]];
            values[at] = d[o];
            n[o] += d[o] != 0;
        }
    }
}

// Behind a maximum only the winners count.
static void backward_winners(const mb_step *step, const float *frame, const uint8_t *winner,
    const float *d_cells, float *gradient, float *d_frame, uint32_t *list, float *values) {
    const mb_conv_plan *plan = step->data;
    const mb_footprint *footprint = &plan->footprint;
    const size_t per_channel = footprint->n_runs * footprint->run_pad;
    size_t n[MB_LANES];
    for (size_t first = 0; first < plan->n_out; first += MB_LANES) {
        list_winners(plan, first, winner, d_cells, list, values, n);
        for (size_t o = 0; o < mb_min_size(MB_LANES, plan->n_out - first); o++) {
            const uint32_t *places = list + o * plan->n_cells;
            const float *d = values + o * plan->n_cells;
            step->kernels->winners_gradient(
                n[o], places, d, frame, footprint, gradient + (first + o) * per_channel);
            if (d_frame != NULL) {
                step->kernels->winners_back(n[o], places, d,
                    step->packed + plan->at_back + (first + o) * per_channel, footprint, d_frame);
            }
        }
    }
}

void mb_conv_backward(const mb_step *step, const mb_rows *rows) {
    const mb_conv_plan *plan = step->data;
    const scratch_layout at = lay_out_scratch(plan, true);
    char *scratch = rows->scratch;
    float *d_cells = (float *)(void *)(scratch + at.d_cells);
    float *d_bias = rows->gradient + plan->gradient_rows;
    for (size_t i = 0; i < rows->n; i++) {
        float *frame;
        uint8_t *winner;
        saved_of_row(step, rows, i, &frame, &winner);
        mb_layer_differentiate(step->kernels, plan->activation.ops, plan->activation.parameters,
            rows->out + i * step->out_size, rows->d_out + i * step->out_size, plan->n_cells,
            plan->n_out, plan->width, d_cells, d_bias);
        if (plan->is_sparse) {
            mb_conv_sparse_gradient(
                step, rows, i, d_cells, winner, rows->gradient, scratch + at.sparse);
            continue;
        }
        const float *x = plan->is_padded ? frame : rows->in[0] + i * step->in_size[0];
        float *d_in = rows->d_in[0] == NULL ? NULL : rows->d_in[0] + i * step->in_size[0];
        float *d_frame = d_in == NULL      ? NULL
                         : plan->is_padded ? (float *)(void *)(scratch + at.frame)
                                           : d_in;
        if (d_frame != NULL && plan->is_padded) {
            memset(d_frame, 0, plan->frame * sizeof *d_frame);
        }
        if (plan->window > 1) {
            backward_winners(step, x, winner, d_cells, rows->gradient, d_frame,
                (uint32_t *)(void *)(scratch + at.list), (float *)(void *)(scratch + at.values));
        } else {
            if (!step->takes_pieces) {
                mb_conv_add_kernel(step, x, d_cells, 0,
                    plan->footprint.n_runs * plan->footprint.run_length, rows->gradient);
            }
            if (d_frame != NULL) {
                mb_conv_back(step, d_cells, d_frame);
            }
        }
        if (d_frame != NULL && plan->is_padded) {
            mb_conv_add_frame(plan, 1, d_frame, d_in);
        }
    }
}

void mb_conv_add_piece(
    const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece) {
    const mb_conv_plan *plan = step->data;
    for (size_t i = 0; i < rows->n; i++) {
        float *frame;
        uint8_t *winner;
        saved_of_row(step, rows, i, &frame, &winner);
        mb_conv_add_kernel(step, plan->is_padded ? frame : rows->in[0] + i * step->in_size[0],
            rows->d_out + i * step->out_size, first / plan->width, n / plan->width, piece);
    }
}
