// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MEASURE_CELL_GRID_H
#define MEASURE_CELL_GRID_H

#include "measure/values.h"

// Points sorted into the occupied cells of a grid over a few of their axes, for searches within a
// fixed reach. Whatever the coordinates, a window misses no point: a cell number is a monotone
// function of the coordinate in floating point, and so are both ends of the window.

enum { MB_GRID_MOST_AXES = 4, MB_GRID_HINTS = 64 };

// The occupied cells as a tree: a node of level k is one cell number on axis k below its parent's.
// The nodes of the last level are the cells, in lexicographic order.
typedef struct mb_grid_level {
    size_t n;
    uint64_t *number; // (n) rising among siblings
    uint32_t *first;  // (n + 1) children; of the last level: points
} mb_grid_level;

typedef struct mb_cell_grid {
    mb_context *ctx;
    size_t n_points, n_columns, n_axes, n_cells;
    size_t axis[MB_GRID_MOST_AXES]; // columns, the widest first
    double origin[MB_GRID_MOST_AXES];
    double per_width;   // 1 / width of a cell
    double *x;          // (n_columns, n_points) coordinates, cell by cell
    uint32_t *order;    // (n_points) where a point was before
    double *low, *high; // (n_cells, n_columns) the smallest box around a cell's points
    mb_grid_level level[MB_GRID_MOST_AXES];
} mb_cell_grid;

// n_points must be below 2^32. reach is that of the searches to come. Cells are small enough that
// all points of one lie within reach of each other, where the grid has all axes. The caller clears,
// also after a failure. Fails with RANGE (a coordinate that is not finite; where names the points),
// MEMORY.
mb_status mb_cell_grid_make(mb_cell_grid *grid, mb_context *ctx, const char *where,
    mb_values points, size_t n_points, size_t n_columns, double reach) MB_MUST_CHECK;
void mb_cell_grid_clear(mb_cell_grid *grid);

static inline uint32_t mb_cell_grid_begin(const mb_cell_grid *grid, size_t cell) {
    return grid->level[grid->n_axes - 1].first[cell];
}

// Squared length of the smallest difference between the boxes of two cells (0 where they overlap):
// no pair of their points comes out closer.
double mb_cell_grid_gap(const mb_cell_grid *grid, size_t a, size_t b);
// The same between a point and a box.
double mb_cell_grid_point_gap(const mb_cell_grid *grid, size_t point, size_t cell);
// Squared diagonal of a cell's box: no pair of its points comes out further apart.
double mb_cell_grid_diagonal(const mb_cell_grid *grid, size_t cell);

// All cells that may hold points within reach of a cell's points, itself included, as runs of
// consecutive cells.
typedef struct mb_cell_window {
    const mb_cell_grid *grid;
    uint64_t low[MB_GRID_MOST_AXES], high[MB_GRID_MOST_AXES];
    size_t next[MB_GRID_MOST_AXES], end[MB_GRID_MOST_AXES];
    size_t depth;
    bool is_done;
    // Where the last window began below a node: neighbouring cells have nearly the same window.
    uint32_t hint[MB_GRID_MOST_AXES][MB_GRID_HINTS];
} mb_cell_window;

// The window is zeroed before its first use; cells in rising order are then found fastest.
// is_forward: cells whose first number is lower may be left out (for pairs of cells, each once).
void mb_cell_window_open(
    mb_cell_window *window, const mb_cell_grid *grid, size_t cell, double reach, bool is_forward);
// The next run first..end of cells, never empty; false when there is none.
bool mb_cell_window_next(mb_cell_window *window, size_t *first, size_t *end);

#endif
