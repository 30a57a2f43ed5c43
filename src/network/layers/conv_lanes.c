// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/lanes.h"
#include "network/layers/conv.h"

// Positions between two looks ahead: of whole groups of the kernels of four and six.
enum { PIECE = 12 };

// A tile's scratch in floats: the frame (of the input, then of its gradient); sums or gradients of
// all positions; gradients of cells.
typedef struct places {
    size_t frame, positions, cells, end;
} places;

static bool has_frame(const mb_conv_plan *plan) {
    return plan->padded[0] != plan->in[0] || plan->padded[1] != plan->in[1] ||
           plan->padded[2] != plan->in[2];
}

static size_t frame_floats(const mb_conv_plan *plan) {
    return has_frame(plan) ? plan->frame * MB_SAMPLES : 0;
}

static places find_places(const mb_conv_plan *plan) {
    const size_t cells = plan->n_cells * plan->n_out * MB_SAMPLES;
    places at = {.frame = 0};
    at.positions = frame_floats(plan);
    at.cells = at.positions + (plan->window > 1 ? cells * plan->window : 0);
    at.end = at.cells + cells;
    return at;
}

// What is saved: the frame, then winners.
static float *saved_frame(const mb_conv_plan *plan, const mb_rows *rows, float *scratch) {
    return !has_frame(plan)      ? NULL
           : rows->saved != NULL ? (float *)rows->saved
                                 : scratch + find_places(plan).frame;
}

static uint8_t *saved_winners(const mb_conv_plan *plan, const mb_rows *rows) {
    return rows->saved == NULL ? NULL : (uint8_t *)rows->saved + frame_floats(plan) * sizeof(float);
}

static void forward(const mb_step *step, const mb_rows *rows) {
    const mb_conv_plan *plan = step->data;
    const places at = find_places(plan);
    const size_t n = plan->n_cells * plan->window;
    float *scratch = rows->scratch;
    float *frame = saved_frame(plan, rows, scratch);
    float *sums = plan->window > 1 ? scratch + at.positions : rows->out;
    if (frame != NULL) {
        mb_conv_fill_frame(plan, MB_SAMPLES, rows->in[0], frame);
    }
    const bool rectifies = plan->window == 1 && mb_lanes_is_rectifier(&plan->activation);
    for (size_t first = 0; first < n; first += PIECE) {
        step->kernels->lanes->positions(mb_min_size(PIECE, n - first), plan->base + first,
            frame != NULL ? frame : rows->in[0], &plan->footprint, step->packed + plan->at_weights,
            step->packed + plan->at_bias, plan->width, plan->n_out, rectifies,
            sums + first * plan->n_out * MB_SAMPLES);
        mb_lanes_fetch_ahead(rows);
    }
    const bool is_before =
        plan->window > 1 && plan->has_affine && !mb_conv_affine_rises(plan, step->packed);
    if (is_before) {
        mb_lanes_activate(step->kernels, &plan->activation, sums, n, plan->n_out);
        mb_conv_apply_affine(plan, step->packed, n, plan->n_out, MB_SAMPLES, sums);
    }
    if (plan->window > 1) {
        step->kernels->max_windows(plan->n_cells, plan->window, sums, plan->n_out * MB_SAMPLES,
            rows->out, saved_winners(plan, rows));
    }
    if (!is_before) {
        if (!rectifies) {
            mb_lanes_activate(
                step->kernels, &plan->activation, rows->out, plan->n_cells, plan->n_out);
        }
    }
    if (!is_before && plan->has_affine) {
        mb_conv_apply_affine(plan, step->packed, plan->n_cells, plan->n_out, MB_SAMPLES, rows->out);
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const mb_conv_plan *plan = step->data;
    const mb_lane_kernels *kernels = step->kernels->lanes;
    const places at = find_places(plan);
    const size_t n = plan->n_cells * plan->window;
    float *scratch = rows->scratch;
    float *d = scratch + at.cells;
    const float *frame = saved_frame(plan, rows, scratch);
    mb_lanes_differentiate(
        step->kernels, &plan->activation, rows->out, rows->d_out, plan->n_cells, plan->n_out, d);
    kernels->sum(plan->n_cells, plan->n_out, d,
        rows->gradient +
            plan->footprint.n_runs * plan->footprint.run_length * plan->n_out * MB_SAMPLES);
    if (plan->window > 1) {
        step->kernels->spread_windows(plan->n_cells, plan->window, d, saved_winners(plan, rows),
            plan->n_out * MB_SAMPLES, scratch + at.positions);
        d = scratch + at.positions;
    }
    kernels->gradient(n, plan->base, frame != NULL ? frame : rows->in[0], &plan->footprint, d,
        plan->n_out, rows->gradient);
    if (rows->d_in[0] == NULL) {
        return;
    }
    float *d_frame = frame != NULL ? scratch + at.frame : rows->d_in[0];
    if (frame != NULL) {
        memset(d_frame, 0, frame_floats(plan) * sizeof *d_frame);
    }
    kernels->back(n, plan->base, &plan->footprint, d, step->packed + plan->at_weights, plan->width,
        plan->n_out, d_frame);
    if (frame != NULL) {
        mb_conv_add_frame(plan, MB_SAMPLES, d_frame, rows->d_in[0]);
    }
}

static void unpack(const mb_step *step, const float *packed_gradient, float *gradient) {
    const mb_conv_plan *plan = step->data;
    const size_t n_kernel = plan->footprint.n_runs * plan->footprint.run_length * plan->n_out;
    mb_lanes_unpack(step, n_kernel, plan->n_out, packed_gradient, gradient);
}

void mb_conv_plan_lanes(mb_step *step) {
    const mb_conv_plan *plan = step->data;
    const mb_footprint *footprint = &plan->footprint;
    if (plan->is_sparse || plan->has_activity) {
        return;
    }
    step->lanes = (mb_step_lanes){.forward = forward,
        .backward = backward,
        .unpack = unpack,
        .gradient_floats =
            (footprint->n_runs * footprint->run_length + 1) * plan->n_out * MB_SAMPLES,
        .scratch_bytes = find_places(plan).end * sizeof(float)};
    if (step->is_training) {
        step->lanes.saved_bytes = frame_floats(plan) / MB_SAMPLES * sizeof(float) +
                                  (plan->window > 1 ? plan->n_cells * plan->n_out : 0);
    }
}
