// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef GEOMETRY_TELESCOPE_H
#define GEOMETRY_TELESCOPE_H

#include "geometry/hex48.h"

// Sums of neighbouring cells that the telescope metric compares, beside the cells themselves and
// the three thirds (cells 0-15, 16-31, 32-47).

enum {
    MB_TELESCOPE_GROUPS = 36,
    MB_TELESCOPE_GROUP_CELLS = 4,
    MB_TELESCOPE_TILES = 12, // the first groups: they tile the module
    MB_TELESCOPE_THIRDS = 3,
    MB_TELESCOPE_THIRD_CELLS = MB_HEX48_CELLS / MB_TELESCOPE_THIRDS
};

typedef struct mb_telescope_group {
    uint8_t cell[MB_TELESCOPE_GROUP_CELLS];
    double weight; // they add up to 12.5625
} mb_telescope_group;
extern const mb_telescope_group mb_telescope_groups[MB_TELESCOPE_GROUPS];

#endif
