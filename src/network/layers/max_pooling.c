// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/pool.h"

#include "network/lanes.h"

// One output position: maxima over its window, the first of equals; winner (or NULL) gets the input
// elements' numbers.
static void pool_position(
    const mb_pool_plan *plan, const size_t at[3], const float *in, float *out, uint32_t *winner) {
    size_t first[3];
    size_t last[3];
    bool is_begun = false;
    for (size_t d = 0; d < 3; d++) {
        mb_pool_range(plan, d, at[d], &first[d], &last[d]);
    }
    for (size_t z = first[0]; z < last[0]; z++) {
        for (size_t y = first[1]; y < last[1]; y++) {
            for (size_t x = first[2]; x < last[2]; x++) {
                const size_t place = ((z * plan->in[1] + y) * plan->in[2] + x) * plan->n_channels;
                for (size_t c = 0; c < plan->n_channels; c++) {
                    if (!is_begun || in[place + c] > out[c]) {
                        out[c] = in[place + c];
                        if (winner != NULL) {
                            winner[c] = (uint32_t)(place + c);
                        }
                    }
                }
                is_begun = true;
            }
        }
    }
}

// n rows of in_size and out_size numbers.
static void forward_all(
    const mb_pool_plan *plan, size_t n_rows, size_t in_size, size_t out_size, const mb_rows *rows) {
    for (size_t i = 0; i < n_rows; i++) {
        const float *in = rows->in[0] + i * in_size;
        float *out = rows->out + i * out_size;
        uint32_t *winner = rows->saved == NULL ? NULL : (uint32_t *)rows->saved + i * out_size;
        size_t n = 0;
        size_t at[3];
        for (at[0] = 0; at[0] < plan->out[0]; at[0]++) {
            for (at[1] = 0; at[1] < plan->out[1]; at[1]++) {
                for (at[2] = 0; at[2] < plan->out[2]; at[2]++) {
                    pool_position(plan, at, in, out + n, winner == NULL ? NULL : winner + n);
                    n += plan->n_channels;
                }
            }
        }
    }
}

static void backward_all(size_t n_rows, size_t in_size, size_t out_size, const mb_rows *rows) {
    for (size_t i = 0; i < n_rows && rows->d_in[0] != NULL; i++) {
        const uint32_t *winner = (const uint32_t *)rows->saved + i * out_size;
        const float *d_out = rows->d_out + i * out_size;
        float *d_in = rows->d_in[0] + i * in_size;
        for (size_t j = 0; j < out_size; j++) {
            d_in[winner[j]] += d_out[j];
        }
    }
}

static void forward(const mb_step *step, const mb_rows *rows) {
    forward_all(step->data, rows->n, step->in_size[0], step->out_size, rows);
}

static void backward(const mb_step *step, const mb_rows *rows) {
    backward_all(rows->n, step->in_size[0], step->out_size, rows);
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const mb_pool_plan plan = mb_pool_in_lanes(step->data);
    forward_all(&plan, 1, step->in_size[0] * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    backward_all(1, step->in_size[0] * MB_SAMPLES, step->out_size * MB_SAMPLES, rows);
}

static mb_status plan_pool(mb_context *ctx, mb_plan_site *site, size_t n_spatial) {
    mb_pool_plan *plan = NULL;
    MB_TRY(mb_pool_plan_make(ctx, site, n_spatial, &plan));
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->saved_bytes = site->step->is_training ? site->step->out_size * sizeof(uint32_t) : 0;
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes,
        .backward = backward_lanes,
        .saved_bytes = site->step->saved_bytes};
    return MB_OK;
}

MB_POOL_LAYER(max_pooling, "MaxPooling", "maximum", mb_pool_flops, 1)
MB_POOL_LAYER(max_pooling, "MaxPooling", "maximum", mb_pool_flops, 2)
MB_POOL_LAYER(max_pooling, "MaxPooling", "maximum", mb_pool_flops, 3)
