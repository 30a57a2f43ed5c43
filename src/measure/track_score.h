// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_TRACK_SCORE_H
#define MEASURE_TRACK_SCORE_H

#include "base/base.h"

// How well clusters of hits are the particles that made them.
//
// A track's majority particle has most of its hits, on ties the smallest id; noise (id 0) may have
// it, too. A track is good where more than half of its hits are of that particle, no noise, and
// these are more than half of the particle's hits (double majority). The TrackML score is the
// weight of the majority hits of good tracks in units of all weight (Amrouche et al., "The Tracking
// Machine Learning challenge: accuracy phase", 2020).

typedef struct mb_track_particle {
    int64_t id;    // not 0
    size_t n_hits; // in the event
    size_t first;  // one of its hits, the first
    bool is_found; // the majority of a good track, in the last scoring
} mb_track_particle;

typedef struct mb_track_score {
    size_t n_hits, n_unassigned; // unassigned: hits of no track
    size_t n_particles, n_found; // reconstructable: with at least min_hits hits; of these found
    size_t n_tracks, n_good;
    double score;                 // TrackML; NaN where no hit has weight
    double efficiency, fake_rate; // n_found / n_particles, 1 - n_good / n_tracks; NaN of nothing
    double hit_purity, hit_efficiency; // means over good tracks; NaN of none
    // Over hits that are no noise, those of no track as one cluster.
    double adjusted_rand, v_measure;
} mb_track_score;

// The truth of an event, and scratch for scoring it many times. Not for several threads at once.
typedef struct mb_track_scorer mb_track_scorer;

// particle: per hit, 0 noise. weight: per hit, not negative; NULL: 1 for each hit that is no noise.
// Both are copied. The caller owns *out. Fails with RANGE for a weight that is negative or no
// number.
mb_status mb_track_scorer_create(mb_context *ctx, const int64_t *particle, const float *weight,
    size_t n_hits, mb_track_scorer **out) MB_MUST_CHECK;
void mb_track_scorer_destroy(mb_track_scorer *scorer);
// track: per hit 0 .. n_hits - 1, or -1 for none. Fails with RANGE for other numbers.
mb_status mb_track_scorer_run(mb_track_scorer *scorer, mb_context *ctx, const int64_t *track,
    size_t min_hits, mb_track_score *out) MB_MUST_CHECK;
// Particles by rising id. Borrowed.
const mb_track_particle *mb_track_scorer_particles(const mb_track_scorer *scorer, size_t *n);

// Edges between the n_hits hits of an event, by source and destination.
typedef struct mb_edge_list {
    const int32_t *source, *destination;
    size_t n;
} mb_edge_list;
typedef struct mb_edge_score {
    size_t n_true, n_true_found; // edges of truth; of these in pred
    size_t n_pred, n_pred_true;  // edges of pred; of these in truth
} mb_edge_score;
// Counts how far two graphs have the same edges; one that is stored several times counts each time.
mb_status mb_edge_score_make(mb_context *ctx, const mb_edge_list *pred, const mb_edge_list *truth,
    mb_edge_score *out) MB_MUST_CHECK;

#endif
