// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_SIMULATE_H
#define DETECTOR_TRACKS_SIMULATE_H

#include "base/random.h"
#include "detector/tracks/tracks.h"

enum { MB_TRACKS_DEFAULT, MB_TRACKS_EASY, MB_TRACKS_HARD };

typedef struct mb_tracks_simulate_record {
    size_t events, protocol;
    int variant, numpy;
    double particles, noise, false_links;
    bool adjacent_only, pickle, csv;
} mb_tracks_simulate_record;

extern const mb_option mb_tracks_simulate_options[];

// Toy events: tracks.pickle, and with csv event<9 digits>-{hits,cells,particles,truth}.csv beside
// detectors.csv.
mb_status mb_tracks_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) MB_MUST_CHECK;

// One toy event. Arrays are used again by the next mb_tracks_toy_make; cleared by the caller.
typedef struct mb_tracks_toy_particle {
    int64_t id;
    double pt, eta, phi, vz;
    int charge;
    size_t n_hits;
} mb_tracks_toy_particle;

typedef struct mb_tracks_toy {
    mb_context *ctx;
    size_t n_hits, n_particles, capacity, particle_capacity;
    mb_tracks_toy_particle *particle;
    struct mb_tracks_toy_hit *hit; // by layer, in random order inside a layer
    size_t hit_capacity;
    float *xyz, *emb, *cells; // (hits, 3), (hits, 3), (hits, 2)
    float *weight, *pt, *eta;
    int64_t *particle_id;
    int32_t *layer;
} mb_tracks_toy;
mb_status mb_tracks_toy_make(
    mb_tracks_toy *toy, const mb_tracks_simulate_record *options, mb_random *random) MB_MUST_CHECK;
void mb_tracks_toy_clear(mb_tracks_toy *toy);

#endif
