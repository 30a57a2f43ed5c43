// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/conv_frame.h"

mb_status mb_conv_frame_make(mb_context *ctx, mb_plan_site *site, const mb_value_type *in,
    const mb_conv_options *options, size_t n_spatial, mb_conv_plan *plan) {
    mb_conv_options shape = *options;
    mb_value_type type = *in;
    mb_layer layer = *site->layer;
    mb_step step = *site->step;
    shape.activation = "linear";
    shape.pad_phi = 0;
    layer.options = &shape;
    step.in = &type;
    mb_plan_site dense = {.arena = site->arena, .layer = &layer, .step = &step};
    return mb_conv_plan_make(ctx, &dense, n_spatial, plan);
}

// One tap: products of n_in channels with multiplier weights each.
static void add_tap(
    size_t n_in, size_t multiplier, const float *x, const float *w, float *restrict out) {
    if (multiplier == 1) {
        for (size_t c = 0; c < n_in; c++) {
            out[c] += x[c] * w[c];
        }
        return;
    }
    for (size_t c = 0; c < n_in; c++) {
        for (size_t m = 0; m < multiplier; m++) {
            out[c * multiplier + m] += x[c] * w[c * multiplier + m];
        }
    }
}

void mb_conv_depthwise(
    const mb_conv_plan *plan, size_t multiplier, const float *frame, const float *w, float *out) {
    const mb_footprint *footprint = &plan->footprint;
    const size_t n_out = plan->n_in * multiplier;
    const size_t per_run = footprint->run_length / plan->n_in;
    memset(out, 0, plan->n_cells * n_out * sizeof *out);
    for (size_t i = 0; i < plan->n_cells; i++) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const float *run = frame + plan->base[i] + footprint->run_offset[r];
            for (size_t t = 0; t < per_run; t++) {
                add_tap(plan->n_in, multiplier, run + t * plan->n_in, w + (r * per_run + t) * n_out,
                    out + i * n_out);
            }
        }
    }
}

static void add_tap_gradient(
    size_t n_in, size_t multiplier, const float *x, const float *d, float *restrict gradient) {
    for (size_t c = 0; c < n_in; c++) {
        for (size_t m = 0; m < multiplier; m++) {
            gradient[c * multiplier + m] += x[c] * d[c * multiplier + m];
        }
    }
}

static void add_tap_back(
    size_t n_in, size_t multiplier, const float *w, const float *d, float *restrict d_x) {
    for (size_t c = 0; c < n_in; c++) {
        float sum = 0;
        for (size_t m = 0; m < multiplier; m++) {
            sum += w[c * multiplier + m] * d[c * multiplier + m];
        }
        d_x[c] += sum;
    }
}

void mb_conv_depthwise_back(const mb_conv_plan *plan, size_t multiplier, const float *frame,
    const float *w, const float *d, size_t d_stride, float *gradient, float *d_frame) {
    const mb_footprint *footprint = &plan->footprint;
    const size_t n_out = plan->n_in * multiplier;
    const size_t per_run = footprint->run_length / plan->n_in;
    for (size_t i = 0; i < plan->n_cells; i++) {
        for (size_t r = 0; r < footprint->n_runs; r++) {
            const size_t at = plan->base[i] + footprint->run_offset[r];
            for (size_t t = 0; t < per_run; t++) {
                const size_t tap = (r * per_run + t) * n_out;
                const size_t place = at + t * plan->n_in;
                add_tap_gradient(
                    plan->n_in, multiplier, frame + place, d + i * d_stride, gradient + tap);
                if (d_frame != NULL) {
                    add_tap_back(
                        plan->n_in, multiplier, w + tap, d + i * d_stride, d_frame + place);
                }
            }
        }
    }
}
