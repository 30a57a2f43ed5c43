// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/cell_grid.h"

#include <math.h>

enum { DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS };

static const double most_cells = 0x1p62;

// Monotone in x, also where the difference or the quotient overflows.
static inline uint64_t number_of(double x, double origin, double per_width) {
    const double place = (x - origin) * per_width;
    if (!(place > 0)) {
        return 0;
    }
    return place < most_cells ? (uint64_t)place : (uint64_t)most_cells;
}

static double widen(mb_values values, size_t i) {
    switch (values.dtype) {
    case MB_F64:
        return ((const double *)values.data)[i];
    case MB_F32:
        return ((const float *)values.data)[i];
    default:
        return mb_values_get(values, i);
    }
}

static mb_status check_points(
    mb_context *ctx, const char *where, mb_values points, size_t n_columns) {
    for (size_t i = 0; i < points.n; i++) {
        const double x = widen(points, i);
        if (!isfinite(x)) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: point %zu, column %zu is %s; leave out points without a place", where,
                i / n_columns, i % n_columns, isnan(x) ? "not a number" : "infinite");
        }
    }
    return MB_OK;
}

// The widest columns tell most points apart; on ties the first.
static void choose_axes(mb_cell_grid *grid, mb_values points) {
    double spread[MB_GRID_MOST_AXES];
    grid->n_axes = 0;
    for (size_t c = 0; c < grid->n_columns; c++) {
        double low = widen(points, c);
        double high = low;
        for (size_t i = 1; i < grid->n_points; i++) {
            const double x = widen(points, i * grid->n_columns + c);
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        size_t place = grid->n_axes;
        while (place > 0 && high - low > spread[place - 1]) {
            place--;
        }
        if (place == MB_GRID_MOST_AXES) {
            continue;
        }
        grid->n_axes = mb_min_size(grid->n_axes + 1, MB_GRID_MOST_AXES);
        for (size_t k = grid->n_axes - 1; k > place; k--) {
            spread[k] = spread[k - 1];
            grid->axis[k] = grid->axis[k - 1];
            grid->origin[k] = grid->origin[k - 1];
        }
        spread[place] = high - low;
        grid->axis[place] = c;
        grid->origin[place] = low;
    }
}

// Stable, least digit first, only over digits that are not all zero.
static void sort_by(const uint64_t *number, size_t n, uint32_t **order, uint32_t **spare) {
    uint64_t used = 0;
    for (size_t i = 0; i < n; i++) {
        used |= number[i];
    }
    for (unsigned shift = 0; shift < 64 && used >> shift != 0; shift += DIGIT_BITS) {
        uint32_t start[N_DIGITS + 1] = {0};
        for (size_t i = 0; i < n; i++) {
            start[(number[i] >> shift & (N_DIGITS - 1)) + 1]++;
        }
        for (size_t k = 0; k < N_DIGITS; k++) {
            start[k + 1] += start[k];
        }
        for (size_t i = 0; i < n; i++) {
            const uint32_t point = (*order)[i];
            (*spare)[start[number[point] >> shift & (N_DIGITS - 1)]++] = point;
        }
        uint32_t *sorted = *spare;
        *spare = *order;
        *order = sorted;
    }
}

static mb_status sort_points(mb_cell_grid *grid, mb_values points, uint64_t *number) {
    const size_t n = grid->n_points;
    grid->order = mb_allocate(grid->ctx, n, sizeof *grid->order);
    uint32_t *spare = mb_allocate(grid->ctx, n, sizeof *spare);
    if (grid->order == NULL || spare == NULL) {
        mb_release(grid->ctx, spare);
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        grid->order[i] = (uint32_t)i;
    }
    for (size_t k = grid->n_axes; k-- > 0;) {
        uint64_t *of_axis = number + k * n;
        for (size_t i = 0; i < n; i++) {
            of_axis[i] = number_of(widen(points, i * grid->n_columns + grid->axis[k]),
                grid->origin[k], grid->per_width);
        }
        sort_by(of_axis, n, &grid->order, &spare);
    }
    mb_release(grid->ctx, spare);
    return MB_OK;
}

// The first axis on which a sorted point's cell differs from the one before.
static size_t first_difference(const mb_cell_grid *grid, const uint64_t *number, size_t i) {
    size_t k = 0;
    if (i > 0) {
        const uint32_t a = grid->order[i - 1];
        const uint32_t b = grid->order[i];
        while (
            k < grid->n_axes && number[k * grid->n_points + a] == number[k * grid->n_points + b]) {
            k++;
        }
    }
    return k;
}

static mb_status make_levels(mb_cell_grid *grid, const uint64_t *number) {
    for (size_t i = 0; i < grid->n_points; i++) {
        for (size_t k = first_difference(grid, number, i); k < grid->n_axes; k++) {
            grid->level[k].n++;
        }
    }
    for (size_t k = 0; k < grid->n_axes; k++) {
        mb_grid_level *level = &grid->level[k];
        level->number = mb_allocate(grid->ctx, level->n, sizeof *level->number);
        level->first = mb_allocate(grid->ctx, level->n + 1, sizeof *level->first);
        if (level->number == NULL || level->first == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    size_t n[MB_GRID_MOST_AXES + 1] = {0};
    for (size_t i = 0; i < grid->n_points; i++) {
        n[grid->n_axes] = i;
        for (size_t k = first_difference(grid, number, i); k < grid->n_axes; k++) {
            grid->level[k].number[n[k]] = number[k * grid->n_points + grid->order[i]];
            grid->level[k].first[n[k]] = (uint32_t)n[k + 1];
            n[k]++;
        }
    }
    n[grid->n_axes] = grid->n_points;
    for (size_t k = 0; k < grid->n_axes; k++) {
        grid->level[k].first[n[k]] = (uint32_t)n[k + 1];
    }
    grid->n_cells = grid->level[grid->n_axes - 1].n;
    return MB_OK;
}

static mb_status make_boxes(mb_cell_grid *grid, mb_values points) {
    const size_t n_columns = grid->n_columns;
    grid->x = mb_allocate(grid->ctx, grid->n_points * n_columns, sizeof *grid->x);
    grid->low = mb_allocate(grid->ctx, grid->n_cells * n_columns, sizeof *grid->low);
    grid->high = mb_allocate(grid->ctx, grid->n_cells * n_columns, sizeof *grid->high);
    if (grid->x == NULL || grid->low == NULL || grid->high == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t cell = 0; cell < grid->n_cells; cell++) {
        const uint32_t begin = mb_cell_grid_begin(grid, cell);
        const uint32_t end = mb_cell_grid_begin(grid, cell + 1);
        for (size_t i = begin; i < end; i++) {
            for (size_t c = 0; c < n_columns; c++) {
                const double x = widen(points, grid->order[i] * n_columns + c);
                double *low = &grid->low[cell * n_columns + c];
                double *high = &grid->high[cell * n_columns + c];
                grid->x[c * grid->n_points + i] = x;
                *low = i == begin || x < *low ? x : *low;
                *high = i == begin || x > *high ? x : *high;
            }
        }
    }
    return MB_OK;
}

mb_status mb_cell_grid_make(mb_cell_grid *grid, mb_context *ctx, const char *where,
    mb_values points, size_t n_points, size_t n_columns, double reach) {
    *grid = (mb_cell_grid){.ctx = ctx, .n_points = n_points, .n_columns = n_columns};
    if (n_points == 0) {
        return MB_OK;
    }
    MB_TRY(check_points(ctx, where, points, n_columns));
    choose_axes(grid, points);
    // A little less than reach / sqrt(axes): rounding must not push a diagonal over the reach.
    grid->per_width = sqrt((double)grid->n_axes) * (1 + 0x1p-20) / reach;
    uint64_t *number = mb_allocate(ctx, n_points, grid->n_axes * sizeof *number);
    mb_status status = number == NULL ? MB_ERR_MEMORY : sort_points(grid, points, number);
    if (status == MB_OK) {
        status = make_levels(grid, number);
    }
    mb_release(ctx, number);
    return status == MB_OK ? make_boxes(grid, points) : status;
}

void mb_cell_grid_clear(mb_cell_grid *grid) {
    mb_release(grid->ctx, grid->x);
    mb_release(grid->ctx, grid->order);
    mb_release(grid->ctx, grid->low);
    mb_release(grid->ctx, grid->high);
    for (size_t k = 0; k < MB_GRID_MOST_AXES; k++) {
        mb_release(grid->ctx, grid->level[k].number);
        mb_release(grid->ctx, grid->level[k].first);
    }
    *grid = (mb_cell_grid){.ctx = grid->ctx};
}

// Rounding is monotone: a difference of points that lie further out, and the sum of their squares
// in the same order, come out at least as large.
double mb_cell_grid_gap(const mb_cell_grid *grid, size_t a, size_t b) {
    const size_t n = grid->n_columns;
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
        const double above = grid->low[b * n + c] - grid->high[a * n + c];
        const double below = grid->low[a * n + c] - grid->high[b * n + c];
        const double gap = above > below ? above : below;
        sum += gap > 0 ? gap * gap : 0;
    }
    return sum;
}

double mb_cell_grid_point_gap(const mb_cell_grid *grid, size_t point, size_t cell) {
    const size_t n = grid->n_columns;
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
        const double x = grid->x[c * grid->n_points + point];
        const double above = grid->low[cell * n + c] - x;
        const double below = x - grid->high[cell * n + c];
        const double gap = above > below ? above : below;
        sum += gap > 0 ? gap * gap : 0;
    }
    return sum;
}

double mb_cell_grid_diagonal(const mb_cell_grid *grid, size_t cell) {
    double sum = 0;
    for (size_t c = 0; c < grid->n_columns; c++) {
        const size_t i = cell * grid->n_columns + c;
        const double width = grid->high[i] - grid->low[i];
        sum += width * width;
    }
    return sum;
}

// The first of the nodes first..end whose number is at least low, looked for from guess on.
static size_t find_first(
    const uint64_t *number, size_t first, size_t end, size_t guess, uint64_t low) {
    enum { MOST_STEPS = 8 };
    if (guess >= first && guess < end) {
        if (number[guess] >= low) {
            end = guess;
            for (int step = 0; step < MOST_STEPS && end > first; step++, end--) {
                if (number[end - 1] < low) {
                    return end;
                }
            }
        } else {
            first = guess + 1;
            for (int step = 0; step < MOST_STEPS && first < end; step++, first++) {
                if (number[first] >= low) {
                    return first;
                }
            }
        }
    }
    for (size_t left = end - first; left > 0;) {
        const size_t half = left / 2;
        const bool is_below = number[first + half] < low;
        first += is_below ? half + 1 : 0;
        left = is_below ? left - half - 1 : half;
    }
    return first;
}

// Narrows the children next..end of a node to those inside the window.
static void narrow(mb_cell_window *window, size_t k, size_t parent) {
    const uint64_t *number = window->grid->level[k].number;
    const size_t end = window->end[k];
    uint32_t *hint = &window->hint[k][parent % MB_GRID_HINTS];
    const size_t first = find_first(number, window->next[k], end, *hint, window->low[k]);
    size_t last = first;
    while (last < end && number[last] <= window->high[k]) {
        last++;
    }
    *hint = (uint32_t)first;
    window->next[k] = first;
    window->end[k] = last;
}

void mb_cell_window_open(
    mb_cell_window *window, const mb_cell_grid *grid, size_t cell, double reach, bool is_forward) {
    window->grid = grid;
    for (size_t k = 0; k < grid->n_axes; k++) {
        const size_t i = cell * grid->n_columns + grid->axis[k];
        const double back = k == 0 && is_forward ? 0 : reach;
        window->low[k] = number_of(grid->low[i] - back, grid->origin[k], grid->per_width);
        window->high[k] = number_of(grid->high[i] + reach, grid->origin[k], grid->per_width);
    }
    window->depth = 0;
    window->is_done = false;
    window->next[0] = 0;
    window->end[0] = grid->level[0].n;
    narrow(window, 0, 0);
}

bool mb_cell_window_next(mb_cell_window *window, size_t *first, size_t *end) {
    const size_t last = window->grid->n_axes - 1;
    while (!window->is_done) {
        const size_t k = window->depth;
        if (k < last && window->next[k] < window->end[k]) {
            const size_t parent = window->next[k]++;
            const uint32_t *children = &window->grid->level[k].first[parent];
            window->next[k + 1] = children[0];
            window->end[k + 1] = children[1];
            narrow(window, k + 1, parent);
            window->depth = k + 1;
            continue;
        }
        *first = window->next[k];
        *end = window->end[k];
        window->is_done = k == 0;
        window->depth = k > 0 ? k - 1 : 0;
        if (k == last && *first < *end) {
            return true;
        }
    }
    return false;
}
