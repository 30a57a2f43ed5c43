// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_STYLE_H
#define DRAW_STYLE_H

// How all figures look, in one place: colours that colour-blind people tell apart (after Okabe and
// Ito), sizes that can be read from the last row.

enum { MB_N_COLORS = 8, MB_COLOR_GREY = 9, MB_COLOR_BLACK = 10 };

// Pixels of an SVG for one inch, and how many more a PNG has.
enum { MB_PIXELS_PER_INCH = 96, MB_PNG_SCALE = 2, MB_FONT_SIZE = 14 };

static const char mb_style_script[] =
    "set encoding utf8\n"
    "set datafile separator comma\n"
    "set datafile missing NaN\n"
    "set linetype 1 lc rgb '#0072B2' lw 2 pt 7\n"
    "set linetype 2 lc rgb '#D55E00' lw 2 pt 5\n"
    "set linetype 3 lc rgb '#009E73' lw 2 pt 9\n"
    "set linetype 4 lc rgb '#CC79A7' lw 2 pt 13\n"
    "set linetype 5 lc rgb '#E69F00' lw 2 pt 11\n"
    "set linetype 6 lc rgb '#56B4E9' lw 2 pt 6\n"
    "set linetype 7 lc rgb '#882255' lw 2 pt 4\n"
    "set linetype 8 lc rgb '#333333' lw 2 pt 8\n"
    "set linetype 9 lc rgb '#999999' lw 2 pt 7\n"
    "set linetype 10 lc rgb '#000000' lw 2 pt 7\n"
    // The colour of a whole number: the palette again and again.
    "array shades[8] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x882255, "
    "0x333333]\n"
    "shade(i) = shades[1 + int(i) % 8]\n"
    // A logarithmic axis has no place for empty bins: they go below its lower end.
    "positive(y) = y > 0 ? y : 1e-300\n"
    // A ball of some square points as size of a point (6 points across), at an opacity of a half.
    "ball(a) = a > 0 ? sqrt(a) / 4.5 : NaN\n"
    "glass(v) = 0x7F000000 + palette(v)\n"
    "set border 3 lw 1.2 lc rgb '#444444'\n"
    "set tics nomirror textcolor rgb '#222222'\n"
    "set grid back lt 1 lw 0.6 lc rgb '#DDDDDD'\n"
    "set bars 0\n";

// In the order of mb_palette. Marks are red, yellow and green at an opacity of 0.7 over white:
// mixed here, so that the colour bar, which knows no opacity, has the colours of the cells.
static const char *const mb_palette_scripts[] = {
    "0 '#0072B2', 1 '#882255', 2 '#D55E00', 3 '#E69F00'",
    "0 '#440154', 1 '#482878', 2 '#3E4989', 3 '#31688E', 4 '#26828E', 5 '#1F9E89', "
    "6 '#35B779', 7 '#6DCD59', 8 '#B4DE2C', 9 '#FDE725'",
    "0 '#2166AC', 1 '#92C5DE', 2 '#F7F7F7', 3 '#F4A582', 4 '#B2182B'",
    "0 '#C04C67', 1 '#E36E68', 2 '#F7997B', 3 '#FEC690', 4 '#FEE9AE', 5 '#FFFFD2', "
    "6 '#E4F4AE', 7 '#C1E497', 8 '#94D192', 9 '#5FB784', 10 '#4C9573'",
    "0 '#FFFFFF', 1 '#C6DBEF', 2 '#6BAED6', 3 '#0072B2', 4 '#882255', 5 '#D55E00', 6 '#E69F00'",
};

#endif
