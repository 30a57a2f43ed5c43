// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// GFLOP/s of every kernel of every table this machine has, at the shapes of the barrel network.

#include "kernels/kernels.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_POSITIONS = 960, SIDE = 64, CHANNELS = 8, MAX_REPEATS = 4096 };

// A convolution of 3 x 3 over channels-last rows, 8 channels to 8.
typedef struct field {
    const mb_kernels *kernels;
    mb_footprint footprint;
    uint32_t run_offset[3], base[N_POSITIONS], row[N_POSITIONS];
    mb_pairs pairs;
    float *x, *dx, *w, *y, *gradient;
    float bias[CHANNELS];
    uint8_t *winner;
} field;

static void run_positions(void *user) {
    const field *f = user;
    f->kernels->positions(
        N_POSITIONS, f->base, f->x, &f->footprint, f->w, f->bias, CHANNELS, f->y, CHANNELS);
}

static void run_positions_gradient(void *user) {
    const field *f = user;
    f->kernels->positions_gradient(
        N_POSITIONS, f->base, f->x, &f->footprint, f->y, CHANNELS, f->gradient);
}

static void run_positions_back(void *user) {
    const field *f = user;
    f->kernels->positions_back(
        N_POSITIONS, f->base, &f->footprint, f->y, CHANNELS, CHANNELS, f->w, f->dx);
}

static void run_winners_gradient(void *user) {
    const field *f = user;
    f->kernels->winners_gradient(N_POSITIONS, f->base, f->y, f->x, &f->footprint, f->gradient);
}

static void run_winners_back(void *user) {
    const field *f = user;
    f->kernels->winners_back(N_POSITIONS, f->base, f->y, f->w, &f->footprint, f->dx);
}

static void run_pairs(void *user) {
    const field *f = user;
    f->kernels->pairs(&f->pairs, f->w, CHANNELS, f->y);
}

static void run_pairs_gradient(void *user) {
    const field *f = user;
    f->kernels->pairs_gradient(&f->pairs, f->x, CHANNELS, f->gradient);
}

static void run_max_windows(void *user) {
    const field *f = user;
    f->kernels->max_windows(N_POSITIONS / 4, 4, f->x, CHANNELS, f->y, f->winner);
}

static void run_spread_windows(void *user) {
    const field *f = user;
    f->kernels->spread_windows(N_POSITIONS / 4, 4, f->x, f->winner, CHANNELS, f->y);
}

static void run_sum_rows(void *user) {
    const field *f = user;
    f->kernels->sum_rows(N_POSITIONS, f->x, CHANNELS, f->gradient);
}

// flops: of one call; 0 for kernels that compare and copy, whose figure is values a second.
static const struct {
    const char *name;
    void (*run)(void *user);
    double flops, values;
} runs[] = {
    {"positions", run_positions, 2.0 * 72 * 8 * N_POSITIONS, 0.0},
    {"positions_gradient", run_positions_gradient, 2.0 * 72 * 8 * N_POSITIONS, 0.0},
    {"positions_back", run_positions_back, 2.0 * 72 * 8 * N_POSITIONS, 0.0},
    {"winners_gradient", run_winners_gradient, 2.0 * 72 * N_POSITIONS, 0.0},
    {"winners_back", run_winners_back, 2.0 * 72 * N_POSITIONS, 0.0},
    {"pairs", run_pairs, 2.0 * 8 * N_POSITIONS, 0.0},
    {"pairs_gradient", run_pairs_gradient, 2.0 * 8 * N_POSITIONS, 0.0},
    {"max_windows", run_max_windows, 0.0, 8.0 * N_POSITIONS},
    {"spread_windows", run_spread_windows, 0.0, 8.0 * N_POSITIONS},
    {"sum_rows", run_sum_rows, 0.0, 8.0 * N_POSITIONS},
};

// Anew for every kernel: what one leaves behind must not be the next one's denormal or infinite
// numbers.
static void refill(field *f, size_t n_values) {
    for (size_t i = 0; i < n_values; i++) {
        f->x[i] = (float)(i % 7) * 0.25f - 0.5f;
        f->y[i] = (float)(i % 5) * 0.125f - 0.25f;
        f->dx[i] = 0.0f;
    }
    for (size_t i = 0; i < (size_t)72 * CHANNELS * 2; i++) {
        f->w[i] = (float)(i % 11) * 0.05f - 0.25f;
        f->gradient[i] = 0.0f;
    }
}

static bool open_field(mb_context *ctx, field *f, size_t n_values) {
    *f = (field){.x = mb_allocate(ctx, n_values, sizeof(float)),
        .dx = mb_allocate(ctx, n_values, sizeof(float)),
        .y = mb_allocate(ctx, n_values, sizeof(float)),
        .w = mb_allocate(ctx, (size_t)72 * CHANNELS * 2, sizeof(float)),
        .gradient = mb_allocate(ctx, (size_t)72 * CHANNELS * 2, sizeof(float)),
        .winner = mb_allocate_zeroed(ctx, n_values, 1)};
    for (size_t r = 0; r < 3; r++) {
        f->run_offset[r] = (uint32_t)(r * SIDE * CHANNELS);
    }
    f->footprint =
        (mb_footprint){.n_runs = 3, .run_length = 24, .run_pad = 24, .run_offset = f->run_offset};
    for (size_t i = 0; i < N_POSITIONS; i++) {
        f->base[i] = (uint32_t)((i / 60 * SIDE + i % 60) * CHANNELS);
        f->row[i] = (uint32_t)(i * 5 % 72);
    }
    f->pairs = (mb_pairs){.n = N_POSITIONS, .target = f->row, .row = f->row, .value = f->x};
    return f->x != NULL && f->dx != NULL && f->y != NULL && f->w != NULL && f->gradient != NULL &&
           f->winner != NULL;
}

static void close_field(mb_context *ctx, field *f) {
    mb_release(ctx, f->winner);
    mb_release(ctx, f->gradient);
    mb_release(ctx, f->w);
    mb_release(ctx, f->y);
    mb_release(ctx, f->dx);
    mb_release(ctx, f->x);
}

static void measure(field *f, size_t n_values, double budget) {
    static double seconds[MAX_REPEATS];
    for (size_t i = 0; i < MB_COUNT_OF(runs); i++) {
        refill(f, n_values);
        const bench_load since = bench_load_now();
        const size_t n = bench_repeat(runs[i].run, f, budget, 20, MAX_REPEATS, seconds);
        const double work = runs[i].flops > 0.0 ? runs[i].flops : runs[i].values;
        const bench_figure figure = {.metric = runs[i].name,
            .unit = runs[i].flops > 0.0 ? "GFLOP/s" : "Gvalues/s",
            .value = 1e-9 * work / bench_quantile(seconds, n, 0.5),
            .best = 1e-9 * work / seconds[0],
            .n = n,
            .other = bench_load_other(&since)};
        bench_print(f->kernels->name, &figure);
    }
}

int main(int argc, char **argv) {
    const double budget = argc > 1 ? strtod(argv[1], NULL) : 0.2;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (budget <= 0.0 || mb_runtime_create(NULL, &runtime) != MB_OK ||
        mb_context_create(runtime, &ctx) != MB_OK) {
        fprintf(stderr, "usage: bench_kernels [SECONDS_EACH]\n");
        return 2;
    }
    const size_t n_values = (size_t)SIDE * SIDE * CHANNELS;
    const mb_kernels *tables[3];
    const size_t n_tables = mb_kernels_all(mb_runtime_cpu(runtime), tables);
    field f;
    const bool is_open = open_field(ctx, &f, n_values);
    for (size_t i = 0; is_open && i < n_tables; i++) {
        f.kernels = tables[i];
        measure(&f, n_values, budget);
    }
    if (!is_open) {
        fprintf(stderr, "bench_kernels: no memory\n");
    }
    close_field(ctx, &f);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return is_open ? 0 : 1;
}
