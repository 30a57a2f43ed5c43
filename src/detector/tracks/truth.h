// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_TRUTH_H
#define DETECTOR_TRACKS_TRUTH_H

#include "detector/tracks/store.h"

// What follows from the particles of hits: weights, links, labels of edges.

// Hits of a sample sorted by particle, then by place.
typedef struct mb_tracks_member {
    int64_t particle;
    int32_t hit;
} mb_tracks_member;
mb_status mb_tracks_sort_members(
    mb_context *ctx, const int64_t *particle, size_t n, mb_tracks_member *out) MB_MUST_CHECK;

// The TrackML weights of n hits: 0 for noise and particles of fewer than 4 hits; else the product
// of a weight of pt (GeV; 0.2 up to 0.5, linear to 1 at 3) and one of the hit's place along the
// particle (by way, abs(z - z of the vertex)), scaled so that all together are 1 (0 where no hit
// has any). pt and way NULL: the same for all hits that have any.
mb_status mb_tracks_weights(mb_context *ctx, size_t n, const int64_t *particle, const float *pt,
    const float *way, float *weight) MB_MUST_CHECK;

// Of the sample that is being read, which was begun with n hits: edges.true from particles, both
// directions, by source and destination ascending; has_self: each hit with itself, too.
mb_status mb_tracks_make_true(
    mb_tracks_store *store, const int64_t *particle, size_t n, bool has_self) MB_MUST_CHECK;
// The same: edges.loss as what is in pred or in true, ascending.
mb_status mb_tracks_make_loss(mb_tracks_store *store, size_t n) MB_MUST_CHECK;

// Counts of things a person should know.
typedef struct mb_tracks_tally {
    uint64_t n_true_mixed;    // true edges between noise hits or different particles
    uint64_t n_pred_not_loss; // pred edges that are not in loss
    size_t n_no_loss;         // samples without an edge to judge
    size_t n_empty_pred;      // samples without an edge to send messages over
    uint64_t n_isolated;      // hits that no pred edge reaches
} mb_tracks_tally;

// Labels of all loss edges, 1 where the destination is among the source's true neighbours (or as
// the files say, store->label), into target. Counts into *tally.
mb_status mb_tracks_label_edges(
    const mb_tracks_store *store, float *target, mb_tracks_tally *tally) MB_MUST_CHECK;

#endif
