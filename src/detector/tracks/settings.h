// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_TRACKS_SETTINGS_H
#define DETECTOR_TRACKS_SETTINGS_H

#include "detector/tracks/tracks.h"

enum { MB_TRACKS_ON_BAD_ERROR, MB_TRACKS_ON_BAD_DROP };

// How edges.pred is built where a study says so (data.graph).
typedef enum mb_tracks_builder_kind {
    MB_TRACKS_AS_GIVEN,   // the files have graphs
    MB_TRACKS_NEIGHBOURS, // hits within a distance of each other
    MB_TRACKS_SEGMENTS,   // hits of adjacent layers, within cuts on slope and origin
} mb_tracks_builder_kind;

typedef struct mb_tracks_builder {
    mb_tracks_builder_kind kind;
    mb_texts of;          // neighbours: arrays whose columns make the distance
    double radius;        // neighbours: inclusive, in these arrays' units
    bool adjacent_layers; // neighbours: only where the layers are next to each other
    bool self_loops;      // neighbours: each hit with itself, too
    double phi_slope;     // segments: most abs(dphi / dr), rad/mm
    double z0;            // segments: most abs(z) where the line meets the beam, mm
    bool both_directions; // segments: outwards and inwards
} mb_tracks_builder;

typedef struct mb_tracks_settings {
    mb_texts file, features;
    int on_bad;
    size_t phi_sections; // of graph .npz files: X holds phi / (pi / phi_sections)
    const mb_node *graph;
    // Worked out:
    mb_tracks_builder builder;
} mb_tracks_settings;

extern const mb_option mb_tracks_data_options[];
extern const char *const mb_tracks_compat_names[];

// Fails with FILE:LINE for values that cannot be.
mb_status mb_tracks_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_tracks_settings *out) MB_MUST_CHECK;

#endif
