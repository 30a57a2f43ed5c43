// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_SHOWER_H
#define DRAW_SHOWER_H

#include "base/arena.h"
#include "base/bundle.h"
#include "draw/figure.h"
#include "draw/gallery.h"

// The figures of ECAL showers, for the files that draw them.

enum { MB_SHOWER_CLASSES = 2, MB_SHOWER_HIT = 4 }; // a hit: energy, time, row, column

typedef struct mb_shower {
    mb_gallery *gallery;
    mb_context *ctx;
    const mb_bundle *pictures;
    mb_arena arena;                      // numbers being drawn
    const char *name[MB_SHOWER_CLASSES]; // "Photon", "Electron"
} mb_shower;

// An array of a class, or NULL where there is none of this type and rank with elements.
const mb_array *mb_shower_array(
    const mb_shower *shower, size_t class_index, const char *part, mb_dtype dtype, unsigned rank);
// Every stride-th float from first on, as doubles; what is not above least becomes NaN (-INFINITY:
// all stay). Lives with the shower. n = 0: no memory.
mb_values mb_shower_pick(
    mb_shower *shower, const mb_array *array, size_t first, size_t n, size_t stride, double least);

// One image of height x width values; NaN stays white. Row 0 is below, column 0 on the left.
typedef struct mb_shower_image {
    const char *title;             // NULL: none
    const char *color_label;       // NULL: no colour bar
    const char *x_label, *y_label; // NULL: not shown
    size_t height, width;
    mb_values value;
    mb_color_scale colors;
    mb_place place, color_bar;
    bool hides_numbers;
} mb_shower_image;

// The panel is borrowed from the figure. NULL on failure.
mb_panel *mb_shower_add_image(
    mb_shower *shower, mb_figure *figure, const mb_shower_image *image) MB_MUST_CHECK;
// Finite values from low to high; without any 0 .. 1.
mb_color_scale mb_shower_scale(const mb_values *values, size_t n);
mb_status mb_shower_finish(mb_shower *shower, mb_figure *figure, mb_status status) MB_MUST_CHECK;

mb_status mb_shower_draw_images(mb_shower *shower) MB_MUST_CHECK;
mb_status mb_shower_draw_events(mb_shower *shower) MB_MUST_CHECK;
mb_status mb_shower_draw_scatter(mb_shower *shower) MB_MUST_CHECK;
mb_status mb_shower_draw_films(mb_shower *shower) MB_MUST_CHECK;
mb_status mb_shower_draw_vectorised(mb_shower *shower) MB_MUST_CHECK;

#endif
