// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/ecal/simulate.h"

#include "base/math.h"
#include "base/output.h"
#include "base/random.h"
#include "base/threads.h"
#include "files/hdf5.h"
#include "files/npy.h"

#include <math.h>

// The recipe's numbers are fitted to what published plots show of fully simulated showers; they are
// no physics. Energies are in units of 50 GeV, lengths in crystals.

#define FIELD(name) offsetof(mb_ecal_simulate_record, name)

enum { FORMAT_H5, FORMAT_NPY };
static const char *const format_names[] = {"h5", "npy", NULL};

const mb_option mb_ecal_simulate_options[] = {
    {"events", MB_OPTION_SIZE, FIELD(events), "4000", 1, 1e8, NULL, NULL, "images of each class"},
    {"format", MB_OPTION_CHOICE, FIELD(format), "h5", 0, 0, format_names, NULL,
        "h5: photons.h5 and electrons.h5; npy: the same as .npy, labels in NAME_y.npy"},
    MB_OPTIONS_END,
};

enum {
    SIDE = MB_ECAL_SIDE,
    N = MB_ECAL_PIXELS,
    CENTRE = SIDE / 2,
    CHUNK_ROWS = 100,
    BLOCK_ROWS = 20 * CHUNK_ROWS, // made side by side before they are written
    DEFLATE = 4,
    MOST_SPOTS = 16
};

typedef struct spot {
    double energy, column;
} spot;

typedef struct shower {
    mb_random random;
    spot spots[MOST_SPOTS];
    size_t n_spots;
    double energy[N];
    bool is_read[N];
} shower;

static double laplace_below(double x, double scale) {
    return x < 0 ? 0.5 * mb_exp(x / scale) : 1 - 0.5 * mb_exp(-x / scale);
}

// Energy of a spot at 0 that lies below x, along one axis.
static double shape_below(double x) {
    return 0.78 * laplace_below(x, 0.16) + 0.22 * laplace_below(x, 0.95);
}

static double total_energy(mb_random *random) {
    const double transverse = mb_cosh(-1.25 + 2.5 * mb_random_uniform(random));
    const double lost = mb_random_exponential(random, 0.01);
    const double share = 0.99 - lost + 0.006 * mb_random_normal(random);
    return transverse * fmin(fmax(share, 0.5), 1.02);
}

static void add_spot(shower *s, double energy, double column) {
    s->spots[s->n_spots++] = (spot){energy, column};
}

// Radiates photons that the magnetic field leaves behind, all to one side.
static void make_electron(shower *s, double energy) {
    const uint64_t n = mb_random_poisson(&s->random, 1.7);
    const double side = mb_random_uniform(&s->random) < 0.5 ? -1 : 1;
    for (uint64_t i = 0; i < n && i + 1 < MOST_SPOTS; i++) {
        const double share = fmin(0.6, mb_random_exponential(&s->random, 0.17));
        add_spot(s, energy * share, side * mb_random_exponential(&s->random, 2.4));
        energy -= energy * share;
    }
    add_spot(s, energy, 0);
}

// May convert to a pair that the field opens.
static void make_photon(shower *s, double energy) {
    if (mb_random_uniform(&s->random) < 0.35) {
        const double share = 0.05 + 0.9 * mb_random_uniform(&s->random);
        const double distance = mb_random_exponential(&s->random, 1.3);
        add_spot(s, energy * share, distance * (1 - share));
        add_spot(s, energy * (1 - share), -distance * share);
    } else {
        add_spot(s, energy, 0);
    }
}

// Moves the hottest spot to the place of impact.
static void align(shower *s, double column) {
    size_t hottest = 0;
    for (size_t i = 1; i < s->n_spots; i++) {
        hottest = s->spots[i].energy > s->spots[hottest].energy ? i : hottest;
    }
    const double shift = column - s->spots[hottest].column;
    for (size_t i = 0; i < s->n_spots; i++) {
        s->spots[i].column += shift;
    }
}

static void deposit(shower *s, double row) {
    double in_row[SIDE];
    double in_column[SIDE];
    for (int y = 0; y < SIDE; y++) {
        in_row[y] = shape_below(y + 1 - row) - shape_below(y - row);
    }
    for (size_t i = 0; i < s->n_spots; i++) {
        for (int x = 0; x < SIDE; x++) {
            in_column[x] = s->spots[i].energy * (shape_below(x + 1 - s->spots[i].column) -
                                                    shape_below(x - s->spots[i].column));
        }
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                s->energy[y * SIDE + x] += in_row[y] * in_column[x];
            }
        }
    }
}

static void read_columns(shower *s, int first, int last) {
    for (int y = 14; y <= 18; y++) {
        for (int x = first < 0 ? 0 : first; x <= last && x < SIDE; x++) {
            s->is_read[y * SIDE + x] = true;
        }
    }
}

static void choose_pixels(shower *s) {
    read_columns(s, 13, 19);
    for (size_t i = 0; i < s->n_spots; i++) {
        if (s->spots[i].energy > 0.03 && fabs(s->spots[i].column) < 2 * SIDE) {
            const int column = (int)floor(s->spots[i].column);
            read_columns(s, column - 2, column + 2);
        }
    }
    for (size_t i = 0; i < N; i++) {
        s->is_read[i] = s->is_read[i] || s->energy[i] > 0.0035;
    }
}

static void add_isolated(shower *s) {
    const uint64_t n = mb_random_poisson(&s->random, 10);
    for (uint64_t i = 0; i < n; i++) {
        const double y = floor(16.5 + 4 * mb_random_normal(&s->random));
        const double x = floor(16.5 + 6 * mb_random_normal(&s->random));
        const double u = mb_random_uniform_positive(&s->random);
        if (y >= 0 && y < SIDE && x >= 0 && x < SIDE) {
            const size_t pixel = (size_t)y * SIDE + (size_t)x;
            s->energy[pixel] += fmin(0.0015 * mb_pow(u, -1 / 1.6), 0.05);
            s->is_read[pixel] = true;
        }
    }
}

static void add_noise(shower *s) {
    for (size_t i = 0; i < N; i++) {
        if (!s->is_read[i]) {
            s->energy[i] = 0;
            continue;
        }
        s->energy[i] += 0.001 * mb_random_normal(&s->random);
        if (s->energy[i] <= 0) {
            s->energy[i] = mb_random_uniform(&s->random) < 0.75 ? -s->energy[i] : 0;
        }
    }
}

// The image is moved so that its hottest pixel is the central one; what leaves it is lost.
static void write_image(shower *s, float *out) {
    size_t hottest = 0;
    for (size_t i = 1; i < N; i++) {
        hottest = s->energy[i] > s->energy[hottest] ? i : hottest;
    }
    const int move_y = (int)(hottest / SIDE) - CENTRE;
    const int move_x = (int)(hottest % SIDE) - CENTRE;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++, out += 2) {
            const int from_y = y + move_y;
            const int from_x = x + move_x;
            const bool is_inside = from_y >= 0 && from_y < SIDE && from_x >= 0 && from_x < SIDE;
            const double energy = is_inside ? s->energy[from_y * SIDE + from_x] : 0;
            out[0] = (float)energy;
            out[1] = 0;
            if (out[0] > 0) {
                const double by_energy = 0.0006 / energy;
                const double width = sqrt(0.004 * 0.004 + by_energy * by_energy);
                const double time = width * mb_random_normal(&s->random);
                out[1] = (float)fmin(fmax(time, -2.4), 2.4);
            }
        }
    }
}

typedef struct simulation {
    uint64_t seed;
    size_t which; // 0 photons, 1 electrons
    size_t first, n_events;
    float *images;
} simulation;

static mb_status make_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const simulation *all = user;
    shower *s = mb_allocate(ctx, 1, sizeof *s);
    if (s == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t end = mb_min_size((task + 1) * CHUNK_ROWS, all->n_events);
    for (size_t i = task * CHUNK_ROWS; i < end; i++) {
        memset(s, 0, sizeof *s);
        s->random = mb_random_stream(
            all->seed, MB_PURPOSE_SIMULATE, (uint32_t)all->which + 1, (uint32_t)(all->first + i));
        const double energy = total_energy(&s->random);
        const double row = CENTRE + mb_random_uniform(&s->random);
        const double column = CENTRE + mb_random_uniform(&s->random);
        if (all->which == 0) {
            make_photon(s, energy);
        } else {
            make_electron(s, energy);
        }
        align(s, column);
        deposit(s, row);
        choose_pixels(s);
        add_isolated(s);
        add_noise(s);
        write_image(s, all->images + i * N * 2);
    }
    mb_release(ctx, s);
    return MB_OK;
}

// Where images go: one of two kinds of file.
typedef struct image_file {
    mb_h5_writer *writer;
    mb_h5_rows *h5;
    mb_npy_rows npy;
} image_file;

static mb_status write_images(mb_context *ctx, simulation *s, size_t n_all, image_file *file) {
    for (s->first = 0; s->first < n_all; s->first += s->n_events) {
        s->n_events = mb_min_size(BLOCK_ROWS, n_all - s->first);
        MB_TRY(mb_parallel(ctx, (s->n_events + CHUNK_ROWS - 1) / CHUNK_ROWS, make_task, s));
        MB_TRY(file->h5 != NULL ? mb_h5_write_rows(file->h5, s->images, s->n_events)
                                : mb_npy_rows_write(&file->npy, s->images, s->n_events));
    }
    return MB_OK;
}

static mb_status write_h5(mb_context *ctx, simulation *s, const char *path, size_t n,
    const size_t shape[4], const mb_array *labels) {
    image_file file = {0};
    MB_TRY(mb_h5_create(ctx, path, MB_H5_ON_DISK, &file.writer));
    mb_status status = mb_h5_create_growing_rows(
        file.writer, "/X", MB_F32, 4, shape, CHUNK_ROWS, DEFLATE + MB_H5_SHUFFLE, &file.h5);
    if (status == MB_OK) {
        status = write_images(ctx, s, n, &file);
    }
    if (status == MB_OK) {
        status = mb_h5_write_array(file.writer, "/y", labels);
    }
    if (status != MB_OK) {
        mb_h5_abandon(file.writer);
        return status;
    }
    return mb_h5_commit(file.writer);
}

static mb_status write_npy(mb_context *ctx, simulation *s, const char *path, const char *label_path,
    const size_t shape[4], const mb_array *labels) {
    image_file file = {0};
    MB_TRY(mb_npy_rows_open(&file.npy, ctx, path, MB_F32, 4, shape));
    mb_status status = write_images(ctx, s, shape[0], &file);
    if (status == MB_OK) {
        status = mb_npy_write(ctx, label_path, labels);
    }
    if (status == MB_OK) {
        status = mb_npy_rows_commit(&file.npy);
    }
    mb_npy_rows_abandon(&file.npy);
    return status;
}

static mb_status write_class(
    mb_context *ctx, simulation *s, const mb_ecal_simulate_record *options, const char *directory) {
    static const char *const names[] = {"photons", "electrons"};
    const char *name = names[s->which];
    const size_t shape[4] = {options->events, SIDE, SIDE, 2};
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    mb_array labels = {0};
    mb_status status = mb_array_init(&labels, ctx, MB_F32, 1, shape);
    const char *path =
        mb_arena_format(&arena, ctx, "%s/%s.%s", directory, name, format_names[options->format]);
    const char *label_path = mb_arena_format(&arena, ctx, "%s/%s_y.npy", directory, name);
    if (status == MB_OK && (path == NULL || label_path == NULL)) {
        status = MB_ERR_MEMORY;
    }
    for (size_t i = 0; status == MB_OK && i < options->events; i++) {
        ((float *)labels.data)[i] = (float)s->which;
    }
    if (status == MB_OK) {
        status = options->format == FORMAT_H5
                     ? write_h5(ctx, s, path, options->events, shape, &labels)
                     : write_npy(ctx, s, path, label_path, shape, &labels);
    }
    mb_array_clear(&labels);
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_ecal_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) {
    MB_TRY(mb_make_directory(ctx, directory));
    simulation s = {.seed = seed};
    s.images = mb_allocate(ctx, (size_t)BLOCK_ROWS * N * 2, sizeof *s.images);
    mb_status status = s.images != NULL ? MB_OK : MB_ERR_MEMORY;
    for (; s.which < 2 && status == MB_OK; s.which++) {
        status = write_class(ctx, &s, options, directory);
    }
    mb_release(ctx, s.images);
    return status;
}
