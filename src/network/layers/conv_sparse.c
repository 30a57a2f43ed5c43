// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// A convolution (with bias, maximum and activation) of a sparse row: hits scatter into the
// positions they reach; every other cell has the empty event's response. Positions get their terms
// in the dense order, so the sums have the same bits.

#include "network/layers/conv.h"

enum { PAIRS = 1024, MOST_CHANNELS = 64 };

typedef struct sparse_scratch {
    uint32_t target[PAIRS], row[PAIRS];
    float value[PAIRS];
    size_t n;
    uint32_t *slot; // per cell: its number among the reached cells
    uint32_t *list; // count, then reached cells
    uint8_t *mark;
    float *sums;     // reached cells x window x width
    float *maxima;   // reached cells x width
    uint8_t *winner; // reached cells x width
} sparse_scratch;

size_t mb_conv_sparse_scratch_bytes(const mb_conv_plan *plan) {
    return mb_round_up(sizeof(sparse_scratch), 64) +
           mb_round_up(plan->n_cells * sizeof(uint32_t), 64) +
           mb_round_up((plan->n_cells + 1) * sizeof(uint32_t), 64) +
           mb_round_up(plan->n_cells, 64) +
           mb_round_up(plan->n_cells * plan->window * plan->width * sizeof(float), 64) +
           mb_round_up(plan->n_cells * plan->width * sizeof(float), 64) +
           mb_round_up(plan->n_cells * plan->width, 64);
}

static sparse_scratch *open_scratch(const mb_conv_plan *plan, void *memory) {
    sparse_scratch *scratch = memory;
    char *p = (char *)memory + mb_round_up(sizeof *scratch, 64);
    scratch->n = 0;
    scratch->slot = (uint32_t *)(void *)p;
    p += mb_round_up(plan->n_cells * sizeof(uint32_t), 64);
    scratch->list = (uint32_t *)(void *)p;
    p += mb_round_up((plan->n_cells + 1) * sizeof(uint32_t), 64);
    scratch->mark = (uint8_t *)p;
    p += mb_round_up(plan->n_cells, 64);
    scratch->sums = (float *)(void *)p;
    p += mb_round_up(plan->n_cells * plan->window * plan->width * sizeof(float), 64);
    scratch->maxima = (float *)(void *)p;
    p += mb_round_up(plan->n_cells * plan->width * sizeof(float), 64);
    scratch->winner = (uint8_t *)p;
    return scratch;
}

typedef struct hit {
    size_t at[3], channel;
    float value;
} hit;

// Hits of a row in channels-last order. A channels-first index list is one rising list per channel:
// they are merged.
typedef struct hit_walk {
    const mb_conv_plan *plan;
    const mb_input *input;
    size_t next[MOST_CHANNELS], end[MOST_CHANNELS];
    uint32_t head[MOST_CHANNELS]; // position of each list's next hit; UINT32_MAX: no more
    size_t n_lists;
    uint32_t grid;
} hit_walk;

static size_t find_first(const uint32_t *index, size_t begin, size_t end, uint32_t least) {
    while (begin < end) {
        const size_t middle = begin + (end - begin) / 2;
        if (index[middle] < least) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    return begin;
}

static void set_head(hit_walk *walk, size_t list) {
    walk->head[list] = walk->next[list] == walk->end[list]
                           ? UINT32_MAX
                           : walk->input->index[walk->next[list]] - (uint32_t)list * walk->grid;
}

static void walk_begin(
    hit_walk *walk, const mb_conv_plan *plan, const mb_input *input, size_t row) {
    walk->plan = plan;
    walk->input = input;
    walk->grid = (uint32_t)(plan->in[0] * plan->in[1] * plan->in[2]);
    walk->n_lists = plan->is_sparse_first ? plan->n_in : 1;
    size_t begin = input->offset[row];
    const size_t end = input->offset[row + 1];
    for (size_t c = 0; c < walk->n_lists; c++) {
        walk->next[c] = begin;
        walk->end[c] = c + 1 == walk->n_lists
                           ? end
                           : find_first(input->index, begin, end, (uint32_t)(c + 1) * walk->grid);
        begin = walk->end[c];
        set_head(walk, c);
    }
}

static bool walk_next(hit_walk *walk, hit *out) {
    const mb_conv_plan *plan = walk->plan;
    size_t best = 0;
    for (size_t c = 1; c < walk->n_lists; c++) {
        best = walk->head[c] < walk->head[best] ? c : best;
    }
    uint32_t position = walk->head[best];
    if (position == UINT32_MAX) {
        return false;
    }
    out->value = walk->input->value[walk->next[best]++];
    set_head(walk, best);
    out->channel = best;
    if (!plan->is_sparse_first) {
        out->channel = position % (uint32_t)plan->n_in;
        position /= (uint32_t)plan->n_in;
    }
    out->at[2] = position % (uint32_t)plan->in[2];
    position /= (uint32_t)plan->in[2];
    out->at[1] = position % (uint32_t)plan->in[1];
    out->at[0] = position / (uint32_t)plan->in[1];
    return true;
}

static void mark_cells(
    const mb_conv_plan *plan, const mb_input *input, size_t row, sparse_scratch *scratch) {
    const uint32_t grid = (uint32_t)(plan->in[0] * plan->in[1] * plan->in[2]);
    const uint32_t n_in = (uint32_t)plan->n_in;
    memset(scratch->mark, 0, plan->n_cells);
    for (size_t i = input->offset[row]; i < input->offset[row + 1]; i++) {
        mb_conv_mark(plan, plan->is_sparse_first ? input->index[i] % grid : input->index[i] / n_in,
            scratch->mark);
    }
    mb_conv_list_marked(plan, scratch->mark, scratch->list, scratch->slot);
}

typedef void (*flush_fn)(const mb_step *step, const mb_pairs *pairs, float *sums, float *gradient);

static void flush_forward(
    const mb_step *step, const mb_pairs *pairs, float *sums, float *gradient) {
    const mb_conv_plan *plan = step->data;
    (void)gradient;
    step->kernels->pairs(pairs, step->packed + plan->at_weights, plan->width, sums);
}

static void flush_gradient(
    const mb_step *step, const mb_pairs *pairs, float *sums, float *gradient) {
    const mb_conv_plan *plan = step->data;
    step->kernels->pairs_gradient(pairs, sums, plan->width, gradient);
}

// One hit's products with every tap that lands on an output.
static void add_pairs(const mb_conv_plan *plan, const hit *h, sparse_scratch *scratch) {
    const uint32_t *cell_x = plan->tap_cell[2] + h->at[2] * plan->kernel[2];
    const uint8_t *place_x = plan->tap_place[2] + h->at[2] * plan->kernel[2];
    size_t tap = 0;
    for (size_t z = 0; z < plan->kernel[0]; z++) {
        const size_t at_z = h->at[0] * plan->kernel[0] + z;
        for (size_t y = 0; y < plan->kernel[1]; y++) {
            const size_t at_y = h->at[1] * plan->kernel[1] + y;
            if (plan->tap_cell[0][at_z] == UINT32_MAX || plan->tap_cell[1][at_y] == UINT32_MAX) {
                tap += plan->kernel[2];
                continue;
            }
            const size_t cell =
                (plan->tap_cell[0][at_z] * plan->cells[1] + plan->tap_cell[1][at_y]) *
                plan->cells[2];
            const size_t place =
                (plan->tap_place[0][at_z] * plan->pool[1] + plan->tap_place[1][at_y]) *
                plan->pool[2];
            for (size_t x = 0; x < plan->kernel[2]; x++, tap++) {
                if (cell_x[x] != UINT32_MAX) {
                    scratch->target[scratch->n] =
                        (uint32_t)(scratch->slot[cell + cell_x[x]] * plan->window + place +
                                   place_x[x]);
                    scratch->row[scratch->n] = (uint32_t)(tap * plan->n_in + h->channel);
                    scratch->value[scratch->n++] = h->value;
                }
            }
        }
    }
}

static void walk_pairs(const mb_step *step, const mb_input *input, size_t row,
    sparse_scratch *scratch, flush_fn flush, float *gradient) {
    const mb_conv_plan *plan = step->data;
    hit_walk walk;
    hit h;
    const mb_pairs pairs = {0, scratch->target, scratch->row, scratch->value};
    walk_begin(&walk, plan, input, row);
    scratch->n = 0;
    while (walk_next(&walk, &h)) {
        if (scratch->n + plan->n_taps > PAIRS) {
            flush(step, &(mb_pairs){scratch->n, pairs.target, pairs.row, pairs.value},
                scratch->sums, gradient);
            scratch->n = 0;
        }
        add_pairs(plan, &h, scratch);
    }
    flush(step, &(mb_pairs){scratch->n, pairs.target, pairs.row, pairs.value}, scratch->sums,
        gradient);
}

static size_t count_taps(const mb_conv_plan *plan, size_t axis, size_t at) {
    const uint32_t *cell = plan->tap_cell[axis] + at * plan->kernel[axis];
    size_t n = 0;
    for (size_t i = 0; i < plan->kernel[axis]; i++) {
        n += cell[i] != UINT32_MAX;
    }
    return n;
}

uint64_t mb_conv_sparse_products(const mb_step *step, const mb_rows *rows, size_t row) {
    const mb_conv_plan *plan = step->data;
    hit_walk walk;
    hit h;
    uint64_t n_pairs = 0;
    walk_begin(&walk, plan, &rows->sparse[0], rows->first + row);
    while (walk_next(&walk, &h)) {
        n_pairs += (uint64_t)count_taps(plan, 0, h.at[0]) * count_taps(plan, 1, h.at[1]) *
                   count_taps(plan, 2, h.at[2]);
    }
    return n_pairs * plan->n_out;
}

bool mb_conv_can_be_sparse(const mb_conv_plan *plan) {
    return plan->n_taps <= PAIRS && (!plan->is_sparse_first || plan->n_in <= MOST_CHANNELS);
}

void mb_conv_sparse_forward(const mb_step *step, const mb_rows *rows, size_t row, float *out,
    uint8_t *winner, uint32_t *active, void *memory) {
    const mb_conv_plan *plan = step->data;
    sparse_scratch *scratch = open_scratch(plan, memory);
    mark_cells(plan, &rows->sparse[0], rows->first + row, scratch);
    const size_t n = scratch->list[0];
    for (size_t i = 0; i < n * plan->window; i++) {
        mb_conv_copy(scratch->sums + i * plan->width, step->packed + plan->at_bias, plan->width);
    }
    walk_pairs(step, &rows->sparse[0], rows->first + row, scratch, flush_forward, NULL);
    const float *cells = mb_conv_finish(step, plan->width, scratch->sums, scratch->maxima, n,
        winner != NULL ? scratch->winner : NULL);
    if (!step->skips_background) {
        memcpy(out, step->packed + plan->at_empty_out, plan->n_cells * plan->n_out * sizeof *out);
    }

    for (size_t i = 0; i < n; i++) {
        mb_conv_copy(
            out + scratch->list[1 + i] * plan->n_out, cells + i * plan->n_out, plan->n_out);
        if (winner != NULL) {
            mb_conv_copy_bytes(winner + scratch->list[1 + i] * plan->width,
                scratch->winner + i * plan->width, plan->width);
        }
    }
    memcpy(active, scratch->list, (n + 1) * sizeof *active);
}

void mb_conv_sparse_gradient(const mb_step *step, const mb_rows *rows, size_t row,
    const float *d_cells, const uint8_t *winner, float *gradient, void *memory) {
    const mb_conv_plan *plan = step->data;
    sparse_scratch *scratch = open_scratch(plan, memory);
    mark_cells(plan, &rows->sparse[0], rows->first + row, scratch);
    for (size_t i = 0; i < scratch->list[0]; i++) {
        const size_t cell = scratch->list[1 + i];
        const float *d = d_cells + cell * plan->width;
        float *sums = scratch->sums + i * plan->window * plan->width;
        if (plan->window == 1) {
            mb_conv_copy(sums, d, plan->width);
        } else {
            step->kernels->spread_windows(
                1, plan->window, d, winner + cell * plan->width, plan->width, sums);
        }
    }
    walk_pairs(step, &rows->sparse[0], rows->first + row, scratch, flush_gradient, gradient);
}

void mb_conv_sparse_sums(
    const mb_step *step, const mb_rows *rows, size_t row, void *memory, mb_conv_reached *out) {
    const mb_conv_plan *plan = step->data;
    sparse_scratch *scratch = open_scratch(plan, memory);
    mark_cells(plan, &rows->sparse[0], rows->first + row, scratch);
    const size_t n = scratch->list[0];
    for (size_t i = 0; i < n; i++) {
        mb_conv_copy(scratch->sums + i * plan->width, step->packed + plan->at_bias, plan->width);
    }
    walk_pairs(step, &rows->sparse[0], rows->first + row, scratch, flush_forward, NULL);
    *out = (mb_conv_reached){
        n, scratch->list + 1, scratch->mark, scratch->slot, scratch->sums, scratch->maxima};
}

void mb_conv_sparse_sums_gradient(
    const mb_step *step, const mb_rows *rows, size_t row, float *gradient, void *memory) {
    walk_pairs(step, &rows->sparse[0], rows->first + row, memory, flush_gradient, gradient);
}
