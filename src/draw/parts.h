// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_PARTS_H
#define DRAW_PARTS_H

#include "base/arena.h"
#include "base/buffer.h"
#include "draw/figure.h"

// What a figure is made of, for the files of this room.

// The numbers that one point of a series may have; each kind of series uses some.
typedef enum mb_column {
    MB_COLUMN_X,
    MB_COLUMN_Y,
    MB_COLUMN_Z,
    MB_COLUMN_LOW,
    MB_COLUMN_HIGH,
    MB_COLUMN_X_LOW,
    MB_COLUMN_X_HIGH,
    MB_COLUMN_SHADE,
    MB_COLUMN_VALUE,
    MB_N_COLUMNS
} mb_column;

typedef struct mb_series_part mb_series_part;
struct mb_series_part {
    mb_series settings;           // label copied, values not used
    size_t n;                     // points
    double *column[MB_N_COLUMNS]; // NULL: not used
    mb_series_part *next;
};

typedef enum mb_mark_kind {
    MB_MARK_VERTICAL,
    MB_MARK_HORIZONTAL,
    MB_MARK_TEXT,
    MB_MARK_LABEL
} mb_mark_kind;

typedef struct mb_mark mb_mark;
struct mb_mark {
    mb_mark_kind kind;
    double x, y;
    const char *text; // may be NULL
    mb_mark *next;
};

// A column of the CSV that is not plotted: numbers or texts.
typedef struct mb_extra_column mb_extra_column;
struct mb_extra_column {
    const char *name;
    const double *value;
    const char **text; // NULL: numbers
    size_t n;
    mb_extra_column *next;
};

struct mb_panel {
    mb_figure *figure;
    mb_panel_settings settings; // texts copied
    mb_series_part *first_series, *last_series;
    mb_mark *first_mark, *last_mark;
    mb_panel *next;
};

struct mb_figure {
    mb_context *ctx;
    mb_arena arena;
    mb_status status; // the first failure
    const char *name, *title, *caption;
    double width, height;
    int font_size, frame_milliseconds;
    size_t n_columns, n_panels;
    mb_panel *first, *last;
    mb_extra_column *first_extra, *last_extra;
};

// A text as gnuplot takes it: in single quotes, where nothing is substituted, quotes doubled,
// control characters as blanks, broken UTF-8 as '?'. Every text of a script goes through here.
void mb_quote_gnuplot(mb_buffer *buffer, const char *text);
// The same, but where gnuplot reads marks: symbol, text as its subscript (symbol NULL: text).
void mb_quote_subscript(mb_buffer *buffer, mb_context *ctx, const mb_tick *tick);
// The same cleaning without quotes: one line of valid UTF-8.
void mb_clean_text(mb_buffer *buffer, const char *text);

// The script and the CSV that it plots.
void mb_script_write(const mb_figure *figure, mb_buffer *text, mb_buffer *csv);

#endif
