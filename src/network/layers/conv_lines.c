// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/conv.h"

// Rows of a kernel that fall into the padding: products of zeros, a third of all on a 4 x 4 image
// under a 5 x 5 kernel. Left out they change no sum, as none begins at -0.

// Fewer products are not worth a call of a kernel for each stretch of lines.
enum { LEAST_LEFT_OUT = 4096 };

// The rows of the kernel within the input, for line y of the output.
static void find_rows(const mb_conv_plan *plan, size_t y, size_t *first, size_t *end) {
    *first = plan->kernel[1];
    *end = 0;
    for (size_t t = 0; t < plan->kernel[1]; t++) {
        const size_t at = y * plan->stride[1] + t * plan->dilation[1];
        if (at >= plan->pad[1] && at < plan->pad[1] + plan->in[1]) {
            *first = mb_min_size(*first, t);
            *end = t + 1;
        }
    }
}

// Whole blocks of the way back, in which the order of sums is that of all cells.
static bool has_lines(const mb_conv_plan *plan) {
    return plan->is_padded && plan->window == 1 && plan->kernel[0] == 1 && !plan->wraps &&
           !plan->is_sparse && !plan->has_activity && plan->cells[0] == 1 &&
           plan->cells[2] % MB_BACK_BLOCK == 0;
}

mb_status mb_conv_make_lines(mb_context *ctx, mb_arena *arena, mb_conv_plan *plan) {
    const size_t per_row = plan->footprint.n_runs / plan->kernel[1];
    if (!has_lines(plan)) {
        return MB_OK;
    }
    plan->lines = mb_arena_allocate(arena, ctx, plan->cells[1], sizeof *plan->lines);
    if (plan->lines == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n_left_out = 0; // rows of the kernel
    for (size_t y = 0; y < plan->cells[1]; y++) {
        size_t first;
        size_t end;
        find_rows(plan, y, &first, &end);
        if (end <= first) {
            plan->n_lines = 0;
            return MB_OK;
        }
        mb_conv_lines *last = plan->n_lines > 0 ? &plan->lines[plan->n_lines - 1] : NULL;
        n_left_out += plan->kernel[1] - (end - first);
        if (last != NULL && last->first_run == first * per_row && last->end_run == end * per_row) {
            last->end_cell += plan->cells[2];
        } else {
            plan->lines[plan->n_lines++] = (mb_conv_lines){
                y * plan->cells[2], (y + 1) * plan->cells[2], first * per_row, end * per_row};
        }
    }
    const size_t n_products =
        n_left_out * plan->cells[2] * per_row * plan->footprint.run_length * plan->n_out;
    plan->n_lines = n_products < LEAST_LEFT_OUT ? 0 : plan->n_lines;
    return MB_OK;
}

static mb_footprint part_of(const mb_conv_plan *plan, const mb_conv_lines *lines) {
    return (mb_footprint){lines->end_run - lines->first_run, plan->footprint.run_length,
        plan->footprint.run_pad, plan->footprint.run_offset + lines->first_run};
}

void mb_conv_positions(
    const mb_step *step, size_t first, size_t n, const float *frame, float *sums, size_t stride) {
    const mb_conv_plan *plan = step->data;
    const float *weights = step->packed + plan->at_weights;
    const float *bias = step->packed + plan->at_bias;
    if (plan->n_lines == 0 || step->packed[plan->at_finite] == 0) {
        step->kernels->positions(n * plan->window, plan->base + first * plan->window, frame,
            &plan->footprint, weights, bias, plan->width, sums, stride);
        return;
    }
    for (size_t i = 0; i < plan->n_lines; i++) {
        const mb_conv_lines *lines = &plan->lines[i];
        const mb_footprint part = part_of(plan, lines);
        const size_t begin = mb_max_size(first, lines->first_cell);
        const size_t end = mb_min_size(first + n, lines->end_cell);
        if (begin < end) {
            step->kernels->positions(end - begin, plan->base + begin, frame, &part,
                weights + lines->first_run * plan->footprint.run_length * plan->width, bias,
                plan->width, sums + (begin - first) * stride, stride);
        }
    }
}

void mb_conv_back(const mb_step *step, const float *d, float *d_frame) {
    const mb_conv_plan *plan = step->data;
    const float *weights = step->packed + plan->at_back;
    const mb_conv_lines all = {0, plan->n_cells, 0, plan->footprint.n_runs};
    for (size_t i = 0; i < mb_max_size(plan->n_lines, 1); i++) {
        const mb_conv_lines *lines = plan->n_lines > 0 ? &plan->lines[i] : &all;
        const mb_footprint part = part_of(plan, lines);
        step->kernels->positions_back(lines->end_cell - lines->first_cell,
            plan->base + lines->first_cell, &part, d + lines->first_cell * plan->width, plan->width,
            plan->n_out, weights + lines->first_run * plan->n_out * plan->footprint.run_pad,
            d_frame);
    }
}

// The cells whose windows have a run within the input: lines follow each other.
static void find_cells(const mb_conv_plan *plan, size_t run, size_t *first, size_t *end) {
    *first = plan->n_lines == 0 ? 0 : plan->n_cells;
    *end = plan->n_lines == 0 ? plan->n_cells : 0;
    for (size_t i = 0; i < plan->n_lines; i++) {
        if (run >= plan->lines[i].first_run && run < plan->lines[i].end_run) {
            *first = mb_min_size(*first, plan->lines[i].first_cell);
            *end = plan->lines[i].end_cell;
        }
    }
}

void mb_conv_add_kernel(const mb_step *step, const float *x, const float *d, size_t first_row,
    size_t n_rows, float *gradient) {
    const mb_conv_plan *plan = step->data;
    const size_t length = plan->footprint.run_length;
    if (plan->n_lines == 0) {
        mb_layer_add_kernel_rows(step->kernels, plan->n_cells, plan->base, x, &plan->footprint, d,
            plan->width, first_row, n_rows, gradient);
        return;
    }
    for (size_t done = 0; done < n_rows;) {
        const size_t row = first_row + done;
        const size_t n = mb_min_size(length - row % length, n_rows - done);
        size_t first;
        size_t end;
        find_cells(plan, row / length, &first, &end);
        if (first < end) {
            mb_layer_add_kernel_rows(step->kernels, end - first, plan->base + first, x,
                &plan->footprint, d + first * plan->width, plan->width, row, n,
                gradient + done * plan->width);
        }
        done += n;
    }
}
