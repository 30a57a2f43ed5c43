// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// GFLOP/s of every kernel of every table this machine has, at the shapes of the barrel network; of
// those on samples in lanes at the shapes of the calorimeter network (3 filters of 3 x 3, then 144
// numbers to 20).

#include "kernels/lanes.h"
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
    uint32_t lane_base[48];
    float *lane_w, *lane_gradient; // of the dense layer
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

// 48 positions of a 3 x 3 convolution with 3 filters, and a dense layer.
enum {
    CELLS = 48,
    TAPS = 9,
    FILTERS = 3,
    INPUTS = 144,
    UNITS = 20,
    UNITS_WIDE = 24,
    REGIONS = 252
};

static const uint32_t lane_runs[3] = {0, 14, 28};
static const mb_footprint lane_taps = {3, 3, 8, lane_runs};
static const uint32_t lane_start[1] = {0};
static const mb_footprint lane_inputs = {1, INPUTS, INPUTS, lane_start};

static void run_lanes_fill(void *user) {
    const field *f = user;
    const float *rows[MB_SAMPLES];
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        rows[s] = f->x + s * REGIONS;
    }
    f->kernels->lanes->fill(MB_SAMPLES, REGIONS, rows, f->y);
}

static void run_lanes_convolution(void *user) {
    const field *f = user;
    f->kernels->lanes->positions(
        CELLS, f->lane_base, f->x, &lane_taps, f->w, f->bias, CHANNELS, FILTERS, false, f->y);
}

static void run_lanes_dense(void *user) {
    const field *f = user;
    f->kernels->lanes->positions(
        1, lane_start, f->x, &lane_inputs, f->lane_w, f->lane_w, UNITS_WIDE, UNITS, false, f->y);
}

static void run_lanes_back(void *user) {
    const field *f = user;
    f->kernels->lanes->back(1, lane_start, &lane_inputs, f->y, f->lane_w, UNITS_WIDE, UNITS, f->dx);
}

static void run_lanes_gradient(void *user) {
    const field *f = user;
    f->kernels->lanes->gradient(
        CELLS, f->lane_base, f->x, &lane_taps, f->y, FILTERS, f->lane_gradient);
}

static void run_lanes_outer(void *user) {
    const field *f = user;
    f->kernels->lanes->outer(MB_SAMPLES, INPUTS, f->x, f->y, UNITS_WIDE, f->lane_gradient);
}

static void run_lanes_softmax(void *user) {
    const field *f = user;
    f->kernels->lanes->softmax(INPUTS / 2, 2, f->y);
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
    {"lanes_fill", run_lanes_fill, 0.0, 1.0 * REGIONS *MB_SAMPLES},
    {"lanes_convolution", run_lanes_convolution, 2.0 * CELLS *TAPS *FILTERS *MB_SAMPLES, 0.0},
    {"lanes_dense", run_lanes_dense, 2.0 * INPUTS *UNITS *MB_SAMPLES, 0.0},
    {"lanes_back", run_lanes_back, 2.0 * INPUTS *UNITS *MB_SAMPLES, 0.0},
    {"lanes_gradient", run_lanes_gradient, 2.0 * CELLS *TAPS *FILTERS *MB_SAMPLES, 0.0},
    {"lanes_outer", run_lanes_outer, 2.0 * INPUTS *UNITS *MB_SAMPLES, 0.0},
    {"lanes_softmax", run_lanes_softmax, 0.0, 1.0 * INPUTS *MB_SAMPLES},
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
    for (size_t i = 0; i < (size_t)INPUTS * UNITS_WIDE; i++) {
        f->lane_w[i] = (float)(i % 11) * 0.05f - 0.25f;
        f->lane_gradient[i] = 0.0f;
    }
}

static bool open_field(mb_context *ctx, field *f, size_t n_values) {
    *f = (field){.x = mb_allocate(ctx, n_values, sizeof(float)),
        .dx = mb_allocate(ctx, n_values, sizeof(float)),
        .y = mb_allocate(ctx, n_values, sizeof(float)),
        .w = mb_allocate(ctx, (size_t)72 * CHANNELS * 2, sizeof(float)),
        .gradient = mb_allocate(ctx, (size_t)72 * CHANNELS * 2, sizeof(float)),
        .winner = mb_allocate_zeroed(ctx, n_values, 1),
        .lane_w = mb_allocate_zeroed(ctx, INPUTS, UNITS_WIDE * sizeof(float)),
        .lane_gradient = mb_allocate_zeroed(ctx, INPUTS, UNITS_WIDE * sizeof(float))};
    for (size_t i = 0; i < CELLS; i++) {
        f->lane_base[i] = (uint32_t)(i / 6 * 28 + i % 6 * 2);
    }
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
           f->winner != NULL && f->lane_w != NULL && f->lane_gradient != NULL;
}

static void close_field(mb_context *ctx, field *f) {
    mb_release(ctx, f->lane_gradient);
    mb_release(ctx, f->lane_w);
    mb_release(ctx, f->winner);
    mb_release(ctx, f->gradient);
    mb_release(ctx, f->w);
    mb_release(ctx, f->y);
    mb_release(ctx, f->dx);
    mb_release(ctx, f->x);
}

// Some calls last less than reading the clock takes.
enum { CALLS = 16 };

typedef struct several {
    void (*run)(void *user);
    field *field;
} several;

static void run_several(void *user) {
    const several *it = user;
    for (size_t i = 0; i < CALLS; i++) {
        it->run(it->field);
    }
}

static void measure(field *f, size_t n_values, double budget) {
    static double seconds[MAX_REPEATS];
    for (size_t i = 0; i < MB_COUNT_OF(runs); i++) {
        refill(f, n_values);
        const bench_load since = bench_load_now();
        several calls = {runs[i].run, f};
        const size_t n = bench_repeat(run_several, &calls, budget, 20, MAX_REPEATS, seconds);
        const double work = CALLS * (runs[i].flops > 0.0 ? runs[i].flops : runs[i].values);
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
