// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_REGIONS_H
#define DRAW_FIGURES_REGIONS_H

#include "draw/gallery.h"
#include "measure/values.h"

// Pictures of calorimeter regions: n_phi * n_eta numbers, eta fastest; eta runs to the right, phi
// up.
typedef struct mb_region_image {
    const char *title; // NULL: none
    mb_values et;
} mb_region_image;

typedef struct mb_region_settings {
    const char *name;
    const char *title;       // above all images; NULL: "Region deposits"
    const char *caption;     // NULL: a general one
    const char *color_label; // NULL: "ET"
    size_t n_phi, n_eta;     // 0: 18, 14
    size_t n_columns;        // images side by side; 0: chosen
    bool has_own_scales;     // each image its own range of colours; else one for all
} mb_region_settings;

// The images side by side, without ticks, each with a colour bar. Fails with SHAPE when an image
// has not n_phi * n_eta numbers.
mb_status mb_draw_regions(mb_gallery *gallery, mb_context *ctx, const mb_region_settings *settings,
    const mb_region_image *images, size_t n) MB_MUST_CHECK;

// What an autoencoder makes of one event.
typedef struct mb_reconstruction {
    const char *title;                  // of the event; NULL: none
    mb_values original, reconstruction; // (18, 14)
    double mse;                         // mean square of the difference; NaN: computed here
} mb_reconstruction;

// Figure name: original and reconstruction with one range of colours, and original minus
// reconstruction with a range around zero.
mb_status mb_draw_reconstruction(mb_gallery *gallery, mb_context *ctx, const char *name,
    const mb_reconstruction *event) MB_MUST_CHECK;

// Figure name: the event and beside it its saliency, 0 .. 1, both (18, 14); the score in the title
// (NaN: none).
mb_status mb_draw_saliency(mb_gallery *gallery, mb_context *ctx, const char *name,
    mb_values regions, mb_values saliency, double score) MB_MUST_CHECK;

#endif
