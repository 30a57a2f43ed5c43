// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_COMPARE_H
#define DRAW_FIGURES_COMPARE_H

#include "draw/gallery.h"
#include "measure/values.h"

// Two numbers for each event that should agree: float against fixed point, or the squared errors
// of an event and its mirror image.
typedef struct mb_pairs {
    const char *name, *title; // title may be NULL
    const char *caption;      // NULL: a general one
    const char *x_label, *y_label;
    const char *difference_label; // of x - y, such as "Float - fixed"; NULL: "Difference"
    mb_values x, y;               // as many of each; pairs with a NaN or infinity are left out
    bool is_log;                  // both axes of the scatter; only where all numbers are positive
    double tolerance;             // of the difference, two lines in its histogram; 0 or NaN: none
} mb_pairs;

// Left: one dot for each pair with the diagonal. Right: histogram of x - y, with mean and largest
// size in its title. At most 5000 dots are drawn (evenly taken), the histogram has all. Fails with
// SHAPE when the lengths differ.
mb_status mb_draw_pairs(mb_gallery *gallery, mb_context *ctx, const mb_pairs *pairs) MB_MUST_CHECK;

// One line of y against x; low and high (n = 0: none) are the ends of error bars.
typedef struct mb_plot_line {
    const char *label; // NULL: none
    mb_values x, y, low, high;
} mb_plot_line;

typedef struct mb_plot_settings {
    const char *name, *title, *caption; // title and caption may be NULL
    const char *x_label, *y_label;
    bool is_x_log, is_y_log;
    bool is_x_whole; // counts, such as bits
    bool has_chosen; // a vertical line at chosen_x
    double chosen_x;
    const char *chosen_text; // beside that line; NULL: none
    bool has_limit;          // a horizontal line at limit_y
    double limit_y;
    const char *limit_text; // beside that line; NULL: none
} mb_plot_settings;

// Lines with points, such as the largest error against bits with a line for each layer.
mb_status mb_draw_lines(mb_gallery *gallery, mb_context *ctx, const mb_plot_settings *settings,
    const mb_plot_line *lines, size_t n) MB_MUST_CHECK;

// Figure name (such as "phi_roll"): relative change of a score when the image is turned in phi by
// roll regions: mean over events with half a standard deviation as error bar (half_spread holds
// that half).
mb_status mb_draw_phi_roll(mb_gallery *gallery, mb_context *ctx, const char *name, mb_values roll,
    mb_values mean, mb_values half_spread) MB_MUST_CHECK;

// A histogram that is counted already: n_bins heights on n_bins + 1 common edges.
typedef struct mb_counted_set {
    const char *label;
    mb_values heights;
} mb_counted_set;

typedef struct mb_counted_settings {
    const char *name, *title, *x_label, *y_label, *caption; // title, caption may be NULL
    mb_values edges;
    bool is_log;     // y
    bool is_density; // heights divided by their sum and the width of the bin
} mb_counted_settings;

// Step histograms. Fails with SHAPE when the lengths do not fit.
mb_status mb_draw_counted(mb_gallery *gallery, mb_context *ctx, const mb_counted_settings *settings,
    const mb_counted_set *sets, size_t n) MB_MUST_CHECK;

#endif
