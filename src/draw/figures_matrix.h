// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_FIGURES_MATRIX_H
#define DRAW_FIGURES_MATRIX_H

#include "draw/gallery.h"

// A row or column of a matrix: text alone, or as subscript of a script letter.
typedef enum mb_letter { MB_LETTER_NONE, MB_LETTER_MODEL, MB_LETTER_DATA } mb_letter;

typedef struct mb_matrix_label {
    mb_letter letter;
    const char *text; // plain text, such as mb_sample_title gives
} mb_matrix_label;

typedef struct mb_matrix_settings {
    const char *name, *title;
    const char *caption;                   // NULL: one that explains cells and colours
    const mb_matrix_label *rows, *columns; // (n_rows), (n_columns); the first row is at the top
    size_t n_rows, n_columns;
    const double *value;  // (n_rows, n_columns); NaN: grey, "n/a", left out of the colours' range
    const double *spread; // (n_rows, n_columns) for the second line of a cell; NaN: no such line;
                          // NULL: none at all
    int n_decimals;       // of both lines; 0: 4
    double width, height; // inches; 0: 16 x 12
} mb_matrix_settings;

// A heat map: red is the lowest value, green the highest. The CSV holds row, column, value and
// spread by name, cells without a value empty. *is_drawn is false where no cell has a value: then
// there is no figure, and the caller says so. is_drawn may be NULL. Fails with ARG without rows or
// columns.
mb_status mb_draw_matrix(mb_gallery *gallery, mb_context *ctx, const mb_matrix_settings *settings,
    bool *is_drawn) MB_MUST_CHECK;

// How pictures write a sample: "H → ττ" for the title "H to tau tau" or the sample
// GluGluHToTauTau; so for the other samples of the calorimeter benchmark, "blend" and "synthetic".
// Any other title comes back as it is; title NULL: the name. Borrowed from its arguments or
// constant.
const char *mb_sample_title(const char *name, const char *title);

#endif
