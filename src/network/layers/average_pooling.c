// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/pool.h"

#include "network/lanes.h"

typedef struct window {
    size_t first[3], last[3];
    float count; // without padding, as Keras divides
} window;

static window find_window(const mb_pool_plan *plan, size_t position) {
    const size_t at[3] = {position / (plan->out[1] * plan->out[2]),
        position / plan->out[2] % plan->out[1], position % plan->out[2]};
    window found = {.count = 1};
    size_t count = 1;
    for (size_t d = 0; d < 3; d++) {
        mb_pool_range(plan, d, at[d], &found.first[d], &found.last[d]);
        count *= found.last[d] - found.first[d];
    }
    found.count = (float)count;
    return found;
}

static void average_position(
    const mb_pool_plan *plan, const window *at, const float *in, float *out) {
    memset(out, 0, plan->n_channels * sizeof *out);
    for (size_t z = at->first[0]; z < at->last[0]; z++) {
        for (size_t y = at->first[1]; y < at->last[1]; y++) {
            for (size_t x = at->first[2]; x < at->last[2]; x++) {
                const float *from =
                    in + ((z * plan->in[1] + y) * plan->in[2] + x) * plan->n_channels;
                for (size_t c = 0; c < plan->n_channels; c++) {
                    out[c] += from[c];
                }
            }
        }
    }
    for (size_t c = 0; c < plan->n_channels; c++) {
        out[c] /= at->count;
    }
}

static void spread_position(
    const mb_pool_plan *plan, const window *at, const float *d_out, float *d_in) {
    for (size_t z = at->first[0]; z < at->last[0]; z++) {
        for (size_t y = at->first[1]; y < at->last[1]; y++) {
            for (size_t x = at->first[2]; x < at->last[2]; x++) {
                float *to = d_in + ((z * plan->in[1] + y) * plan->in[2] + x) * plan->n_channels;
                for (size_t c = 0; c < plan->n_channels; c++) {
                    to[c] += d_out[c] / at->count;
                }
            }
        }
    }
}

// n rows of in_size and out_size numbers.
static void forward_all(
    const mb_pool_plan *plan, size_t n, size_t in_size, size_t out_size, const mb_rows *rows) {
    const size_t n_positions = out_size / plan->n_channels;
    for (size_t position = 0; position < n_positions; position++) {
        const window at = find_window(plan, position);
        for (size_t i = 0; i < n; i++) {
            average_position(plan, &at, rows->in[0] + i * in_size,
                rows->out + i * out_size + position * plan->n_channels);
        }
    }
}

static void backward_all(
    const mb_pool_plan *plan, size_t n, size_t in_size, size_t out_size, const mb_rows *rows) {
    const size_t n_positions = out_size / plan->n_channels;
    for (size_t position = 0; position < n_positions && rows->d_in[0] != NULL; position++) {
        const window at = find_window(plan, position);
        for (size_t i = 0; i < n; i++) {
            spread_position(plan, &at, rows->d_out + i * out_size + position * plan->n_channels,
                rows->d_in[0] + i * in_size);
        }
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    forward_all(step->data, rows->n, step->in_size[0], step->out_size, rows);
}

static void backward(const mb_step *step, const mb_rows *rows) {
    backward_all(step->data, rows->n, step->in_size[0], step->out_size, rows);
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const mb_pool_plan plan = mb_pool_in_lanes(step->data);
    forward_all(&plan, 1, step->in_size[0] * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const mb_pool_plan plan = mb_pool_in_lanes(step->data);
    backward_all(&plan, 1, step->in_size[0] * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static mb_status plan_pool(mb_context *ctx, mb_plan_site *site, size_t n_spatial) {
    mb_pool_plan *plan = NULL;
    MB_TRY(mb_pool_plan_make(ctx, site, n_spatial, &plan));
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes, .backward = backward_lanes};
    return MB_OK;
}

MB_POOL_LAYER(average_pooling, "AveragePooling", "mean", NULL, 1)
MB_POOL_LAYER(average_pooling, "AveragePooling", "mean", NULL, 2)
MB_POOL_LAYER(average_pooling, "AveragePooling", "mean", NULL, 3)
