// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_TRACKS_H
#define DRAW_FIGURES_TRACKS_H

#include "draw/gallery.h"

// Pictures of track graphs, from plain numbers.

// A sample's points in one space, n of them, side by side: width floats each.
typedef struct mb_track_points {
    const char *title;  // "positions"
    const char *x, *y;  // of the axes
    const float *point; // (n, width); the first two numbers are shown
    size_t width;
    const int64_t *cluster; // (n), -1: none
} mb_track_points;

typedef struct mb_track_edges {
    const int32_t *source, *destination;
    const float *label; // 1: true
    size_t n;
} mb_track_edges;

typedef struct mb_track_sample {
    int64_t number;
    size_t n;
    const int64_t *particle; // (n), 0: noise; NULL: not known
    const mb_track_points *spaces;
    size_t n_spaces;
    const float *xyz;     // (n, 3) mm; NULL: not known
    mb_track_edges edges; // n 0: none
} mb_track_sample;
// Figure "hits": each space in a column, hits coloured by particle above and by cluster below.
mb_status mb_draw_track_hits(
    mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) MB_MUST_CHECK;
// Figure "graph_edges": true edges and false ones of the judged graph, in the plane across the
// beam.
mb_status mb_draw_track_edges(
    mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) MB_MUST_CHECK;
// Figure "event_display": hits in space, coloured by particle and by the clusters of the first
// space.
mb_status mb_draw_track_space(
    mb_gallery *gallery, mb_context *ctx, const mb_track_sample *sample) MB_MUST_CHECK;

// The score of a space against the clustering radius.
typedef struct mb_track_scan {
    const char *name;
    const double *eps, *score;
    size_t n;
    double chosen;
} mb_track_scan;
// Figure "eps_choice".
mb_status mb_draw_track_scan(
    mb_gallery *gallery, mb_context *ctx, const mb_track_scan *scans, size_t n_scans) MB_MUST_CHECK;

// Particles and whether each space found them.
typedef struct mb_track_found {
    const char *name;
    const bool *is_found; // (n)
} mb_track_found;
typedef struct mb_track_efficiency {
    const char *figure, *x_label, *what; // "efficiency_pt", "pt (GeV)", "pt"
    const float *x;                      // (n)
    size_t n;
    double low, high;
    size_t n_bins;
    bool is_log;
    const mb_track_found *spaces;
    size_t n_spaces;
} mb_track_efficiency;
// Share of particles that are found, in bins, with 68 % intervals.
mb_status mb_draw_track_efficiency(
    mb_gallery *gallery, mb_context *ctx, const mb_track_efficiency *settings) MB_MUST_CHECK;

#endif
