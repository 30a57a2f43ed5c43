// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/tracks/simulate.h"

#include "base/math.h"
#include "detector/tracks/modules.h"
#include "detector/tracks/truth.h"
#include "geometry/barrel.h"

#include <math.h>

// The rules and their numbers are the project's own; docs/tracks.md names them.

static const double field_factor = 1000 / 0.6; // mm of radius per GeV in 2 T
static const double highest_pt = 20;
static const double most_eta = 1.5, vertex_width = 5.5;
static const double chance_of_hit = 0.96;
static const double emb_width = 0.10, most_emb_eta = 2.5;

typedef struct mb_tracks_toy_hit {
    int32_t particle; // -1: noise
    int32_t layer;
    double r, phi, z;
} toy_hit;

void mb_tracks_toy_clear(mb_tracks_toy *toy) {
    mb_context *ctx = toy->ctx;
    mb_release(ctx, toy->particle);
    mb_release(ctx, toy->hit);
    mb_release(ctx, toy->xyz);
    mb_release(ctx, toy->emb);
    mb_release(ctx, toy->cells);
    mb_release(ctx, toy->weight);
    mb_release(ctx, toy->pt);
    mb_release(ctx, toy->eta);
    mb_release(ctx, toy->particle_id);
    mb_release(ctx, toy->layer);
    *toy = (mb_tracks_toy){.ctx = ctx};
}

// One array; all have the same capacity, which grows alike.
static mb_status reserve_array(mb_tracks_toy *toy, void *array, size_t n, size_t size) {
    size_t capacity = toy->capacity;
    return mb_grow(toy->ctx, array, &capacity, n, size);
}

static mb_status reserve(mb_tracks_toy *toy, size_t n) {
    MB_TRY(reserve_array(toy, &toy->xyz, n, 3 * sizeof *toy->xyz));
    MB_TRY(reserve_array(toy, &toy->emb, n, 3 * sizeof *toy->emb));
    MB_TRY(reserve_array(toy, &toy->cells, n, 2 * sizeof *toy->cells));
    MB_TRY(reserve_array(toy, &toy->weight, n, sizeof *toy->weight));
    MB_TRY(reserve_array(toy, &toy->pt, n, sizeof *toy->pt));
    MB_TRY(reserve_array(toy, &toy->eta, n, sizeof *toy->eta));
    MB_TRY(reserve_array(toy, &toy->particle_id, n, sizeof *toy->particle_id));
    MB_TRY(reserve_array(toy, &toy->layer, n, sizeof *toy->layer));
    toy->capacity = mb_max_size(n, toy->capacity);
    return MB_OK;
}

static mb_status add_hit(mb_tracks_toy *toy, const toy_hit *hit) {
    MB_TRY(mb_grow(toy->ctx, &toy->hit, &toy->hit_capacity, toy->n_hits + 1, sizeof *toy->hit));
    toy->hit[toy->n_hits++] = *hit;
    return MB_OK;
}

// pt from its survival function ((pt + 1.2) / 2.2)^-4.7, cut at the highest.
static double draw_pt(mb_random *random) {
    const double least = mb_pow((highest_pt + 1.2) / 2.2, -4.7);
    const double u = least + (1 - least) * mb_random_uniform_positive(random);
    return 2.2 * mb_pow(u, -1 / 4.7) - 1.2;
}

static double draw_phi(mb_random *random) {
    return MB_PI * (2 * mb_random_uniform(random) - 1);
}

static mb_status cross_layers(mb_tracks_toy *toy, int32_t index, mb_random *random) {
    const mb_tracks_toy_particle *p = &toy->particle[index];
    const double radius = field_factor * p->pt;
    const double slope = mb_sinh(p->eta);
    for (size_t layer = 0; layer < MB_BARREL_N_LAYERS; layer++) {
        const double r = mb_barrel_layers[layer].radius;
        const bool is_seen = mb_random_uniform(random) < chance_of_hit;
        if (r >= 2 * radius) {
            break;
        }
        const double turn = mb_asin(r / (2 * radius));
        const double z = p->vz + 2 * radius * turn * slope;
        if (is_seen && fabs(z) <= mb_tracks_half_length(layer)) {
            MB_TRY(
                add_hit(toy, &(toy_hit){index, (int32_t)layer, r, p->phi - p->charge * turn, z}));
        }
    }
    return MB_OK;
}

static mb_status make_particles(
    mb_tracks_toy *toy, const mb_tracks_simulate_record *options, mb_random *random) {
    const uint64_t drawn = mb_random_poisson(random, options->particles);
    toy->n_particles = drawn < 3 ? 3 : (size_t)drawn;
    MB_TRY(mb_grow(toy->ctx, &toy->particle, &toy->particle_capacity, toy->n_particles,
        sizeof *toy->particle));
    for (size_t i = 0; i < toy->n_particles; i++) {
        mb_tracks_toy_particle *p = &toy->particle[i];
        // A vertex numbers at most 65535 primaries.
        p->id = (int64_t)((uint64_t)(1 + i / 65535) << 52 | (uint64_t)(1 + i % 65535) << 36);
        p->pt = draw_pt(random);
        p->eta = most_eta * (2 * mb_random_uniform(random) - 1);
        p->phi = draw_phi(random);
        p->charge = mb_random_u32(random) % 2 == 0 ? 1 : -1;
        p->vz = vertex_width * mb_random_normal(random);
        const size_t before = toy->n_hits;
        MB_TRY(cross_layers(toy, (int32_t)i, random));
        p->n_hits = toy->n_hits - before;
    }
    return MB_OK;
}

static mb_status make_noise(
    mb_tracks_toy *toy, const mb_tracks_simulate_record *options, mb_random *random) {
    const uint64_t n = mb_random_poisson(random, options->noise * (double)toy->n_hits);
    for (uint64_t i = 0; i < n; i++) {
        const size_t layer = (size_t)mb_random_below(random, MB_BARREL_N_LAYERS);
        const double phi = draw_phi(random);
        const double z = mb_tracks_half_length(layer) * (2 * mb_random_uniform(random) - 1);
        MB_TRY(
            add_hit(toy, &(toy_hit){-1, (int32_t)layer, mb_barrel_layers[layer].radius, phi, z}));
    }
    return MB_OK;
}

// By layer, in random order inside one.
static mb_status order_hits(mb_tracks_toy *toy, mb_random *random, uint32_t *order) {
    for (size_t i = 0; i < toy->n_hits; i++) {
        order[i] = (uint32_t)i;
    }
    mb_random_shuffle(random, order, toy->n_hits);
    toy_hit *sorted = mb_allocate(toy->ctx, toy->n_hits, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    for (int32_t layer = 0; layer < MB_BARREL_N_LAYERS; layer++) {
        for (size_t i = 0; i < toy->n_hits; i++) {
            if (toy->hit[order[i]].layer == layer) {
                sorted[n++] = toy->hit[order[i]];
            }
        }
    }
    memcpy(toy->hit, sorted, n * sizeof *sorted);
    mb_release(toy->ctx, sorted);
    return MB_OK;
}

static double limit_eta(double eta) {
    return fmax(-most_emb_eta, fmin(most_emb_eta, eta));
}

static void fill_hit(mb_tracks_toy *toy, size_t i, double scale, mb_random *random) {
    const toy_hit *hit = &toy->hit[i];
    const mb_tracks_toy_particle *p = hit->particle >= 0 ? &toy->particle[hit->particle] : NULL;
    const double x = hit->r * mb_cos(hit->phi);
    const double y = hit->r * mb_sin(hit->phi);
    const double t = hit->z / hit->r;
    const double own_eta = t < 0 ? -mb_log(-t + sqrt(t * t + 1)) : mb_log(t + sqrt(t * t + 1));
    const double a = p != NULL ? p->phi : hit->phi;
    const double b = limit_eta(p != NULL ? p->eta : own_eta);
    const double emb[3] = {3.2 * mb_cos(a), 3.2 * mb_sin(a), 2 * b};
    const double place[3] = {x, y, hit->z};
    for (size_t c = 0; c < 3; c++) {
        toy->xyz[3 * i + c] = (float)place[c];
        toy->emb[3 * i + c] = (float)(scale * emb[c] + emb_width * mb_random_normal(random));
    }
    const double n_cells = 1 + (double)mb_random_poisson(random, 1.5);
    toy->cells[2 * i] = (float)n_cells;
    toy->cells[2 * i + 1] = (float)(n_cells * mb_random_exponential(random, 0.2));
    toy->layer[i] = hit->layer;
    toy->particle_id[i] = p != NULL ? p->id : 0;
    toy->pt[i] = p != NULL ? (float)p->pt : 0;
    toy->eta[i] = p != NULL ? (float)p->eta : 0;
}

static mb_status weigh(mb_tracks_toy *toy) {
    float *way = mb_allocate(toy->ctx, toy->n_hits, sizeof *way);
    if (way == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < toy->n_hits; i++) {
        const toy_hit *hit = &toy->hit[i];
        way[i] = (float)fabs(hit->z - (hit->particle >= 0 ? toy->particle[hit->particle].vz : 0));
    }
    const mb_status status =
        mb_tracks_weights(toy->ctx, toy->n_hits, toy->particle_id, toy->pt, way, toy->weight);
    mb_release(toy->ctx, way);
    return status;
}

mb_status mb_tracks_toy_make(
    mb_tracks_toy *toy, const mb_tracks_simulate_record *options, mb_random *random) {
    toy->n_hits = 0;
    MB_TRY(make_particles(toy, options, random));
    MB_TRY(make_noise(toy, options, random));
    MB_TRY(reserve(toy, toy->n_hits));
    uint32_t *order = mb_allocate(toy->ctx, toy->n_hits, sizeof *order);
    const mb_status status = order == NULL ? MB_ERR_MEMORY : order_hits(toy, random, order);
    mb_release(toy->ctx, order);
    MB_TRY(status);
    const double scale = options->variant == MB_TRACKS_HARD ? 0.5 : 1;
    for (size_t i = 0; i < toy->n_hits; i++) {
        fill_hit(toy, i, scale, random);
    }
    return weigh(toy);
}
