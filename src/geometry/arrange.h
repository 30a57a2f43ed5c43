// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef GEOMETRY_ARRANGE_H
#define GEOMETRY_ARRANGE_H

#include "geometry/hex48.h"

// How the 48 charges of a module are laid out as an image for a network: pixels row major, cells
// numbered as in geometry/hex48.h.

enum { MB_ARRANGE_MAX_PIXELS = 108, MB_ARRANGE_NO_CELL = 0xff };

typedef struct mb_arrangement {
    const char *name, *help;
    unsigned rank;
    size_t shape[3];
    size_t n_pixels;
    uint8_t cell[MB_ARRANGE_MAX_PIXELS]; // that a pixel shows, duplicates too; or NO_CELL: padding
    uint8_t mask[MB_ARRANGE_MAX_PIXELS]; // 1: the pixel takes its charge in the input; else it is 0
    uint8_t pixel[MB_HEX48_CELLS];       // where a cell is read back from
} mb_arrangement;

extern const mb_arrangement *const mb_arrangements[]; // NULL-terminated
// NULL: unknown.
const mb_arrangement *mb_arrangement_find(const char *name);
// The same; fails with ARG and the nearest name.
mb_status mb_arrangement_get(
    mb_context *ctx, const char *name, const mb_arrangement **out) MB_MUST_CHECK;
// SHAPE unless every cell is read back from a pixel of its own that the input shows.
mb_status mb_arrangement_check(const mb_arrangement *a, mb_context *ctx) MB_MUST_CHECK;
// Cells (48) to pixels, masked.
void mb_arrangement_image(const mb_arrangement *a, const float *cells, float *pixels);
// Pixels to cells (48): each from its read-back pixel.
void mb_arrangement_cells(const mb_arrangement *a, const float *pixels, float *cells);
// The cell of value position (below 48) of a file whose values are in the order of the pixels that
// 8x8_ae shows.
size_t mb_arrangement_ae_cell(size_t position);

#endif
