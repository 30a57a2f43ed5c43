// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURE_H
#define DRAW_FIGURE_H

#include "measure/values.h"

// A figure is panels with series of points, kept as data: a gallery writes it as gnuplot script,
// CSV and pictures. Building never fails by itself: the first failure sticks and comes out when the
// figure is added to a gallery.
typedef struct mb_figure mb_figure;
typedef struct mb_panel mb_panel;

typedef enum mb_series_kind {
    MB_SERIES_LINE,
    MB_SERIES_LINE_POINTS,
    MB_SERIES_POINTS,
    MB_SERIES_DOTS,     // many small points
    MB_SERIES_STEPS,    // a histogram: x are n + 1 edges, y are n heights
    MB_SERIES_ERRORS,   // points with low and high
    MB_SERIES_CELLS,    // coloured rectangles around (x, y): an image, its empty cells left out
    MB_SERIES_BAND,     // the area from low to high and the line y in it
    MB_SERIES_SEGMENTS, // straight lines from (x, y) to (x_high, high)
    MB_SERIES_RHOMBI,   // coloured rhombi around (x, y), empty ones outlined
    MB_SERIES_BALLS,    // in space, at (x, y, z): see-through, area and colour from the value
} mb_series_kind;

// One row of points. Unused members are zero. Everything is copied. Points with a NaN or infinity
// are left out; a cell whose value is one stays empty, in the picture and in the CSV.
typedef struct mb_series {
    mb_series_kind kind;
    const char *label; // in the legend; NULL: none
    const char *name;  // of the column in the CSV; NULL: the label
    mb_values x, y;
    mb_values low, high;     // ERRORS: ends of the vertical bar; BAND: edges of the area
    mb_values x_low, x_high; // ERRORS: ends of the horizontal bar; n = 0: none
    mb_values shade;         // POINTS, DOTS: a whole number for each point that picks its colour
    mb_values value;         // CELLS: shown by the colour; not used where color is given. RHOMBI,
                             // BALLS
    mb_values z;             // BALLS
    double area;             // BALLS: square points of the picture for a value of 1
    double cell_width, cell_height; // CELLS
    double edge[4];                 // RHOMBI: x and y of one edge, then of the other
    int color; // 0: the next one of the palette; else 1 .. 8, 9: grey, 10: black
    bool is_dashed;
    bool is_thin;
    bool is_filled; // STEPS: the area too
    bool is_right;  // on the panel's second y axis
} mb_series;

// A named place of an axis: the text, or where there is a symbol (one letter of mathematics) the
// symbol with the text as subscript.
typedef struct mb_tick {
    const char *symbol, *text;
} mb_tick;

typedef struct mb_axis {
    const char *label;
    bool is_log;
    bool is_whole;       // counts: no numbers between whole ones
    size_t most_numbers; // about how many, on a linear axis; 0: gnuplot chooses
    bool has_range;      // low .. high; else from the data
    double low, high;
    bool hides_label;     // the label names the column in the CSV only
    bool hides_numbers;   // neither ticks nor numbers
    const mb_tick *ticks; // (n_ticks): stand at 0, 1, 2 ... instead of numbers; copied
    size_t n_ticks;
    double tick_angle; // degrees
} mb_axis;

// From low to high.
typedef enum mb_palette {
    MB_PALETTE_COUNTS,     // blue, purple, red: seen on white
    MB_PALETTE_SEQUENTIAL, // dark to bright, evenly
    MB_PALETTE_DIVERGING,  // blue, white, red: around zero
    MB_PALETTE_MARKS,      // red, yellow, green, pale
    MB_PALETTE_CHARGE,     // white, blue, purple, orange: little stays pale
} mb_palette;

// What the colours of CELLS and RHOMBI mean. Without a range: that of all panels without one.
typedef struct mb_color_scale {
    mb_palette palette;
    bool has_range;
    double low, high;
} mb_color_scale;

// Where a panel stands: fractions of the figure. All 0: laid out with the others.
typedef struct mb_place {
    double left, right, bottom, top;
} mb_place;

typedef enum mb_legend {
    MB_LEGEND_TOP_RIGHT,
    MB_LEGEND_TOP_LEFT,
    MB_LEGEND_BOTTOM_RIGHT,
    MB_LEGEND_BOTTOM_LEFT,
    MB_LEGEND_OUTSIDE,
    MB_LEGEND_NONE,
} mb_legend;

typedef struct mb_panel_settings {
    const char *title; // NULL: none
    mb_axis x, y;
    mb_legend legend;
    const char *legend_title;
    const char *color_label; // of the colour bar; NULL: no bar
    mb_color_scale colors;
    mb_place color_bar; // where the bar stands; all 0: beside the panel
    mb_axis z;          // label: a panel of BALLS in space, all three axes with ranges; NULL: flat
    double elevation;   // degrees from which space is seen
    mb_axis right;      // a second y axis; label NULL: none
    mb_place place;
    double aspect; // height over width of the frame; 0: what the place gives
    bool is_bare;  // no axes: only the texts that are put into it
} mb_panel_settings;

// A figure called name (the file name without suffix; letters, digits, '_', '-'). Sizes in inches.
// NULL on failure, which is recorded in ctx; the functions below accept NULL.
mb_figure *mb_figure_create(mb_context *ctx, const char *name, double width, double height);
void mb_figure_destroy(mb_figure *figure);
// What a person reads below the picture.
void mb_figure_caption(mb_figure *figure, const char *format, ...) MB_PRINTF(2, 3);
// A title above all panels.
void mb_figure_title(mb_figure *figure, const char *title);
// Panels fill rows of n_columns; 0: all in one row.
void mb_figure_columns(mb_figure *figure, size_t n_columns);
// A film: panels are shown one after another instead of side by side, the last one is the picture.
void mb_figure_animate(mb_figure *figure, int frame_milliseconds);
// Points of all letters; 14 without this call.
void mb_figure_font(mb_figure *figure, int size);
// A column that stands in the CSV, before those that are plotted, for people to read. Copied.
void mb_figure_numbers(mb_figure *figure, const char *name, mb_values values);
void mb_figure_texts(mb_figure *figure, const char *name, const char *const *texts, size_t n);

// Adds a panel. Borrowed: lives with the figure. NULL on failure.
mb_panel *mb_figure_panel(mb_figure *figure, const mb_panel_settings *settings);
void mb_panel_series(mb_panel *panel, const mb_series *series);
// A dashed line across the panel with a short text beside it (NULL: none).
void mb_panel_vertical(mb_panel *panel, double x, const char *text);
void mb_panel_horizontal(mb_panel *panel, double y, const char *text);
// A text inside the panel; x and y are fractions of its width and height.
void mb_panel_text(mb_panel *panel, double x, double y, const char *text);
// A text whose middle is a point of the axes.
void mb_panel_label(mb_panel *panel, double x, double y, const char *text);

#endif
