// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_SCRIPT_H
#define DRAW_SCRIPT_H

#include "draw/table.h"

// A script being written, for the files that write its parts.
typedef struct mb_script {
    const mb_figure *figure;
    mb_buffer *text;
    mb_table table;
    mb_arena arena; // names of columns
} mb_script;

// The numbers that an axis must show.
typedef struct mb_extent {
    double low, high; // low > high: none
    double low_positive;
} mb_extent;

typedef enum mb_axis_side { MB_AXIS_X, MB_AXIS_LEFT, MB_AXIS_RIGHT } mb_axis_side;

void mb_script_quoted(mb_script *script, const char *before, const char *text, const char *after);

// Of a column of one series. Start from mb_no_extent.
extern const mb_extent mb_no_extent;
void mb_extent_add(mb_extent *extent, const mb_series_part *part, mb_column c, bool is_log);
mb_extent mb_panel_extent(const mb_panel *panel, mb_axis_side side);

// Range, ticks and label of an axis; is_empty: nothing is plotted.
void mb_script_axis(mb_script *script, const mb_panel *panel, mb_axis_side side, bool is_empty);
// Lines and texts; lines beyond the axes are left out.
void mb_script_marks(mb_script *script, const mb_panel *panel, bool is_empty);
// Makes the panel a view into space; after the axes of the plane, before its series.
void mb_script_space(mb_script *script, const mb_panel *panel);
// The plot command with all series of the panel.
void mb_script_series(mb_script *script, const mb_panel *panel);

#endif
