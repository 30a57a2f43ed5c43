// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/simulate.h"

#include "base/math.h"
#include "base/output.h"
#include "base/random.h"
#include "base/threads.h"
#include "files/hdf5.h"

#include <math.h>

// The recipe's numbers are fitted to the column means of a published mean image and to what a
// trigger's score sees of the processes; they are no physics.

#define FIELD(name) offsetof(mb_calo_simulate_record, name)

const mb_option mb_calo_simulate_options[] = {
    {"events", MB_OPTION_SIZE, FIELD(events), "650000", 1, 1e9, NULL, NULL,
        "events of ZeroBias.h5"},
    {"signal_events", MB_OPTION_SIZE, FIELD(signal_events), "100000", 1, 1e9, NULL, NULL,
        "events of each of the five signal files"},
    {"gzip", MB_OPTION_SIZE, FIELD(gzip), "0", 0, 9, NULL, NULL,
        "compression level of the files; 0: none"},
    MB_OPTIONS_END,
};

enum {
    N_PHI = MB_CALO_N_PHI,
    N_ETA = MB_CALO_N_ETA,
    N = MB_CALO_N_REGIONS,
    CHUNK_ROWS = 256,  // half a megabyte: what HDF5's default cache holds
    BLOCK_CHUNKS = 32, // made side by side before they are written
    BLOCK_ROWS = BLOCK_CHUNKS * CHUNK_ROWS,
    N_CDF = MB_CALO_MAX_ET + 1
};

// Mean soft ET by eta.
static const double mean_et[N_ETA] = {
    1.78, .89, .89, 2.06, 1.89, 2.22, 3.39, 3.06, 2.17, 1.50, 2.67, 1.00, 1.00, 2.11};
static const double event_shape = 8, region_shape = 0.4, mean_jets = 0.25, least_jet = 20;
static const double centre = 0.60, edge = 0.07, corner = 0.03; // shares of a jet

typedef struct maker {
    mb_random random;
    int32_t et[N];
    double cdf[N_CDF];
} maker;

static void add(maker *m, int phi, int eta, double et) {
    if (eta >= 0 && eta < N_ETA) {
        m->et[(phi + N_PHI) % N_PHI * N_ETA + eta] += (int32_t)floor(et);
    }
}

static void add_jet(maker *m, double et, int phi, int eta) {
    for (int a = -1; a <= 1; a++) {
        for (int b = -1; b <= 1; b++) {
            const double share = a == 0 && b == 0 ? centre : a == 0 || b == 0 ? edge : corner;
            add(m, phi + a, eta + b, share * et + mb_random_uniform(&m->random));
        }
    }
}

static int draw_int(maker *m, int least, int most) {
    return least + (int)mb_random_below(&m->random, (uint64_t)(most - least + 1));
}

// A Poisson number whose mean is gamma distributed is negative binomial: drawn by inversion, with
// one table for the regions of a column.
static void add_soft(maker *m) {
    const double scale = mb_random_gamma(&m->random, event_shape, 1 / event_shape);
    for (int eta = 0; eta < N_ETA; eta++) {
        const double mean = scale * mean_et[eta];
        const double q = mean / (mean + region_shape);
        double p = mb_pow(1 - q, region_shape);
        int n = 1;
        m->cdf[0] = p;
        for (int phi = 0; phi < N_PHI; phi++) {
            const double u = mb_random_uniform(&m->random);
            int et = 0;
            while (u >= m->cdf[et] && et < MB_CALO_MAX_ET) {
                et++;
                if (et == n) {
                    p *= q * (n - 1 + region_shape) / n;
                    m->cdf[n] = m->cdf[n - 1] + p;
                    n++;
                }
            }
            m->et[phi * N_ETA + eta] = et;
        }
    }
}

static void add_background(maker *m) {
    add_soft(m);
    const uint64_t n = mb_random_poisson(&m->random, mean_jets);
    for (uint64_t i = 0; i < n; i++) {
        // Falls as the fourth power; above this all is 1023.
        const double et = least_jet * mb_pow(mb_random_uniform_positive(&m->random), -1.0 / 3);
        const int phi = draw_int(m, 0, N_PHI - 1), eta = draw_int(m, 0, N_ETA - 1);
        add_jet(m, fmin(et, 1e6), phi, eta);
    }
}

static void add_jets(maker *m, uint64_t n, double least, double mean) {
    for (uint64_t i = 0; i < n; i++) {
        const double et = least + mb_random_exponential(&m->random, mean);
        const int phi = draw_int(m, 0, N_PHI - 1), eta = draw_int(m, 2, N_ETA - 3);
        add_jet(m, et, phi, eta);
    }
}

static void add_nothing(maker *m) {
    (void)m;
}

// Two narrow deposits, about back to back.
static void add_taus(maker *m) {
    int phi = draw_int(m, 0, N_PHI - 1);
    for (int i = 0; i < 2; i++) {
        const double et = 20 + mb_random_exponential(&m->random, 35);
        const int eta = draw_int(m, 2, N_ETA - 3);
        add(m, phi, eta, 0.9 * et + mb_random_uniform(&m->random));
        add(m, phi + 1, eta, 0.1 * et + mb_random_uniform(&m->random));
        phi = (phi + N_PHI / 2 + draw_int(m, -2, 2)) % N_PHI;
    }
}

static void add_four_b(maker *m) {
    add_jets(m, 4, 30, 45);
}

static void add_top_pair(maker *m) {
    add_jets(m, 4 + mb_random_poisson(&m->random, 1.5), 40, 60);
}

static void add_light_scalars(maker *m) {
    add_jets(m, 2 + mb_random_below(&m->random, 3), 15, 20);
}

// Many soft particles, most of them central.
static void add_soft_unclustered(maker *m) {
    const uint64_t n = mb_random_poisson(&m->random, 90);
    for (uint64_t i = 0; i < n; i++) {
        const double et = 1 + mb_random_exponential(&m->random, 4);
        const int phi = draw_int(m, 0, N_PHI - 1);
        const double eta = floor(6.5 + 2.5 * mb_random_normal(&m->random) + 0.5);
        add(m, phi, (int)fmin(fmax(eta, 0), N_ETA - 1), et);
    }
}

typedef struct process {
    const char *file;
    bool has_background; // the events come with other collisions
    void (*add)(maker *m);
} process;

static const process processes[] = {
    {"ZeroBias.h5", true, add_nothing},
    {"GluGluHToTauTau.h5", true, add_taus},
    {"GluGluToHHTo4B.h5", true, add_four_b},
    {"TTBar.h5", true, add_top_pair},
    {"Haa4b.h5", true, add_light_scalars},
    {"SUEP.h5", false, add_soft_unclustered},
};

typedef struct simulation {
    uint64_t seed;
    size_t which; // of the processes
    size_t first, n_events;
    double *rows;
} simulation;

static mb_status make_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const simulation *s = user;
    maker *m = mb_allocate(ctx, 1, sizeof *m);
    if (m == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t end = mb_min_size((task + 1) * CHUNK_ROWS, s->n_events);
    for (size_t i = task * CHUNK_ROWS; i < end; i++) {
        m->random = mb_random_stream(
            s->seed, MB_PURPOSE_SIMULATE, (uint32_t)s->which + 1, (uint32_t)(s->first + i));
        memset(m->et, 0, sizeof m->et);
        if (processes[s->which].has_background) {
            add_background(m);
        }
        processes[s->which].add(m);
        for (size_t k = 0; k < N; k++) {
            s->rows[i * N + k] = m->et[k] < MB_CALO_MAX_ET ? m->et[k] : MB_CALO_MAX_ET;
        }
    }
    mb_release(ctx, m);
    return MB_OK;
}

// Signals are generated as accepted; ZeroBias has no generator jets and so no flags.
static mb_status write_flags(mb_context *ctx, mb_h5_writer *writer, size_t which, size_t n_events) {
    const size_t n = which == 0 ? 0 : n_events;
    mb_array flags;
    MB_TRY(mb_array_init(&flags, ctx, MB_BOOL, 1, &n));
    if (n > 0) {
        memset(flags.data, 1, n);
    }
    const mb_status status = mb_h5_write_array(writer, "/AcceptanceFlag", &flags);
    mb_array_clear(&flags);
    return status;
}

static mb_status write_events(mb_context *ctx, mb_h5_writer *writer, simulation *s, size_t n_all,
    const mb_calo_simulate_record *options) {
    const size_t shape[3] = {n_all, N_PHI, N_ETA};
    mb_h5_rows *rows = NULL;
    MB_TRY(mb_h5_create_growing_rows(
        writer, "/CaloRegions", MB_F64, 3, shape, CHUNK_ROWS, (int)options->gzip, &rows));
    for (s->first = 0; s->first < n_all; s->first += s->n_events) {
        s->n_events = mb_min_size(BLOCK_ROWS, n_all - s->first);
        MB_TRY(mb_parallel(ctx, (s->n_events + CHUNK_ROWS - 1) / CHUNK_ROWS, make_task, s));
        MB_TRY(mb_h5_write_rows(rows, s->rows, s->n_events));
    }
    return write_flags(ctx, writer, s->which, n_all);
}

static mb_status write_file(
    mb_context *ctx, simulation *s, const mb_calo_simulate_record *options, const char *directory) {
    char *path = mb_path_join(ctx, directory, processes[s->which].file);
    mb_h5_writer *writer = NULL;
    mb_status status =
        path != NULL ? mb_h5_create(ctx, path, MB_H5_ON_DISK, &writer) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        const size_t n = s->which == 0 ? options->events : options->signal_events;
        status = write_events(ctx, writer, s, n, options);
        if (status == MB_OK) {
            status = mb_h5_commit(writer);
        } else {
            mb_h5_abandon(writer);
        }
    }
    mb_release(ctx, path);
    return status;
}

mb_status mb_calo_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) {
    MB_TRY(mb_make_directory(ctx, directory));
    simulation s = {.seed = seed};
    s.rows = mb_allocate(ctx, (size_t)BLOCK_ROWS * N, sizeof *s.rows);
    mb_status status = s.rows != NULL ? MB_OK : MB_ERR_MEMORY;
    for (; s.which < MB_COUNT_OF(processes) && status == MB_OK; s.which++) {
        status = write_file(ctx, &s, options, directory);
    }
    mb_release(ctx, s.rows);
    return status;
}
