// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef GEOMETRY_HEX48_H
#define GEOMETRY_HEX48_H

#include "base/base.h"

// The 48 trigger cells of a hexagonal silicon module, in the order of its charges: three rhombi of
// four by four cells. Lengths in half the distance of neighbours, so neighbours of a rhombus are 2
// apart.

enum { MB_HEX48_CELLS = 48 };

typedef struct mb_hex48_cell {
    double x, y;
} mb_hex48_cell;

// cell < MB_HEX48_CELLS.
mb_hex48_cell mb_hex48_cell_at(size_t cell);
// Between the centres of two cells.
double mb_hex48_distance(size_t a, size_t b);

#endif
