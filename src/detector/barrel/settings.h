// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_BARREL_SETTINGS_H
#define DETECTOR_BARREL_SETTINGS_H

#include "detector/detector.h"
#include "geometry/barrel.h"

enum { MB_BARREL_MAX_IMAGES = 8 };

typedef struct mb_barrel_axis {
    size_t n;
    double low, high;
} mb_barrel_axis;

// One image an event: a box of (layer, phi, z) in equal bins.
typedef struct mb_barrel_image {
    mb_barrel_axis layer, phi, z;
    int first_layer, last_layer; // hits of first_layer <= layer < last_layer belong to the image
} mb_barrel_image;

typedef struct mb_barrel_label {
    size_t layers; // distinct barrel layers of a track, at least
    double pt;     // GeV, more than
    size_t tracks; // such tracks, at least
} mb_barrel_label;

enum { MB_BARREL_CHANNELS_FIRST, MB_BARREL_CHANNELS_LAST };
enum { MB_BARREL_CLAMP, MB_BARREL_NUMPY_1_14, MB_BARREL_NUMPY_1_15 };
enum { MB_BARREL_ON_BAD_ERROR, MB_BARREL_ON_BAD_DROP };
enum { MB_BARREL_ORDER_NAME, MB_BARREL_ORDER_NUMERIC };

typedef struct mb_barrel_settings {
    mb_texts hits, particles;
    const mb_node *volumes_node, *label_node;
    size_t n_files; // 0: all
    int on_bad, order, numpy_edges;
    int data_format; // of the images: (layer, phi, z) or (phi, z, layer)
    bool strict_event_end, skip_last_event, keep_empty, unique_hits;
    bool pair_by_position, shift_independently, check_after_selection, accept_odd_layer;
    mb_barrel_image images[MB_BARREL_MAX_IMAGES];
    size_t n_images;
    mb_barrel_label label;
} mb_barrel_settings;

extern const mb_option mb_barrel_data_options[];
extern const char *const mb_barrel_compat_names[];

mb_status mb_barrel_settings_read(
    mb_context *ctx, const mb_detector_request *request, mb_barrel_settings *out) MB_MUST_CHECK;

#endif
