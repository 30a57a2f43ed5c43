// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/runtime.h"
#include "measure/emd.h"
#include "measure/sinkhorn.h"
#include "training/losses/module.h"

#include <math.h>

// Ways that charge has to be moved as losses: exactly, by the network simplex, whose optimal duals
// are the gradient, and softened by entropy.

static const mb_option module_option_table[] = {
    MB_MODULE_ARRANGE_OPTION(mb_module_options), MB_OPTIONS_END};

typedef struct transport {
    mb_runtime *runtime;
    const mb_arrangement *arrangement;
    mb_emd_metric metric;
} transport;

static mb_status open_transport(mb_context *ctx, const char *loss, const void *options,
    const mb_loss_site *site, void **state) {
    const mb_arrangement *arrangement = NULL;
    MB_TRY(mb_module_arrangement(
        ctx, loss, ((const mb_module_options *)options)->arrange, site->n, &arrangement));
    transport *made = mb_allocate_zeroed(ctx, 1, sizeof *made);
    if (made == NULL) {
        return MB_ERR_MEMORY;
    }
    made->runtime = mb_context_runtime(ctx);
    made->arrangement = arrangement;
    *state = made;
    return mb_emd_metric_find(&made->metric, ctx, "hex48");
}

static mb_status open_emd(
    mb_context *ctx, const void *options, const mb_loss_site *site, void **state) {
    return open_transport(ctx, "emd", options, site, state);
}

static mb_status open_sinkhorn(
    mb_context *ctx, const void *options, const mb_loss_site *site, void **state) {
    return open_transport(ctx, "sinkhorn", options, site, state);
}

static void close_state(mb_runtime *runtime, void *state) {
    mb_runtime_release(runtime, state);
}

// Charges below zero have no way to go: they count as none.
static bool take_cells(const mb_arrangement *arrangement, const float *pixels, double *cells) {
    bool is_finite = true;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        const double charge = (double)pixels[arrangement->pixel[i]];
        is_finite = is_finite && isfinite(charge);
        cells[i] = charge > 0 ? charge : 0;
    }
    return is_finite;
}

static void spread(const transport *way, const float *output, const double *slopes, float *to) {
    float cells[MB_HEX48_CELLS];
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        cells[i] = output[way->arrangement->pixel[i]] < 0.0F ? 0.0F : (float)slopes[i];
    }
    mb_module_spread(way->arrangement, cells, to);
}

// The distance is the sum of f * (share of t - share of p): by p itself, whose shares are of its
// sum, the derivative is (mean of f over p - f) / sum.
static void differentiate_distance(const double *f, const double *p, double *slopes) {
    double sum = 0;
    double mean = 0;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += p[i];
        mean += f[i] * p[i];
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        slopes[i] = sum > 0 ? (mean / sum - f[i]) / sum : 0;
    }
}

// An optimum that was not proven leaves no number, which stops the training.
static float emd_row(const void *state, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    const transport *way = state;
    double t[MB_HEX48_CELLS];
    double p[MB_HEX48_CELLS];
    double potential[MB_HEX48_CELLS];
    double slopes[MB_HEX48_CELLS];
    double distance = (double)NAN;
    mb_context own = {.runtime = way->runtime};
    (void)n;
    (void)channels;
    if (!take_cells(way->arrangement, target, t) || !take_cells(way->arrangement, output, p) ||
        mb_emd_of_pictures(&way->metric, &own, t, p, 0, potential, &distance) != MB_OK) {
        return NAN;
    }
    if (gradient != NULL) {
        differentiate_distance(potential, p, slopes);
        spread(way, output, slopes, gradient);
    }
    return distance < 0 ? 0.0F : (float)distance;
}

static float sinkhorn_row(const void *state, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    const transport *way = state;
    double t[MB_HEX48_CELLS];
    double p[MB_HEX48_CELLS];
    double slopes[MB_HEX48_CELLS];
    (void)n;
    (void)channels;
    if (!take_cells(way->arrangement, target, t) || !take_cells(way->arrangement, output, p)) {
        return NAN;
    }
    const double cost = mb_sinkhorn_of_pictures(t, p, gradient != NULL ? slopes : NULL);
    if (gradient != NULL) {
        spread(way, output, slopes, gradient);
    }
    return (float)cost;
}

const mb_loss_ops mb_loss_emd = {
    .name = "emd",
    .class_name = "EarthMoversDistance",
    .alias = "exact_emd",
    .help = "exact earth mover's distance of two modules' charges",
    .options = module_option_table,
    .options_size = sizeof(mb_module_options),
    .target = MB_TARGET_SAME,
    .open = open_emd,
    .close = close_state,
    .row = emd_row,
};

const mb_loss_ops mb_loss_sinkhorn = {
    .name = "sinkhorn",
    .class_name = "Sinkhorn",
    .alias = NULL,
    .help = "transport of two modules' charges, softened by entropy",
    .options = module_option_table,
    .options_size = sizeof(mb_module_options),
    .target = MB_TARGET_SAME,
    .open = open_sinkhorn,
    .close = close_state,
    .row = sinkhorn_row,
};
