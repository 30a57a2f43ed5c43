// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/dbscan.h"

#include "measure/cell_grid.h"

#include "base/threads.h"

#include <stdatomic.h>

enum { CELLS_IN_TASK = 512, BLOCK = 32, MOST_KEPT = 6 };

// Squares of what is smaller or larger are no longer exact to a rounding.
static const double least_eps = 1e-150;
static const double most_eps = 1e150;
static const uint32_t no_point = UINT32_MAX;

// The runs of cells around one, kept from the first search for the next two. A grid of two axes has
// rarely more than fit; none: search again.
typedef struct kept_runs {
    uint32_t n, first[MOST_KEPT], end[MOST_KEPT];
} kept_runs;

typedef struct search {
    mb_cell_window window;
    const kept_runs *kept;
    uint32_t next;
} search;

// All arrays but links are written only by the task that has the cell.
typedef struct clustering {
    mb_context *ctx;
    mb_cell_grid grid;
    double eps_squared, reach;
    uint32_t min_samples;
    uint32_t *n_neighbours; // (points) counted up to min_samples
    uint32_t *first_core;   // (cells) or no_point
    kept_runs *kept;        // (cells)
    bool *is_core;          // (points)
    bool *is_tight;         // (cells) all its points are neighbours
    // (points) a core point that is linked to this one, itself or before it. The tree's form
    // depends on the order of the tasks, what hangs together does not.
    _Atomic uint32_t *link;
    int64_t *label; // (points)
} clustering;

static inline double distance_squared(const clustering *c, size_t i, size_t j) {
    const size_t n = c->grid.n_points;
    double sum = 0;
    for (size_t column = 0; column < c->grid.n_columns; column++) {
        const double difference = c->grid.x[column * n + j] - c->grid.x[column * n + i];
        sum += difference * difference;
    }
    return sum;
}

// Neighbours of a point among first..end, counted on from count until there are enough.
static uint32_t count_neighbours(
    const clustering *c, size_t point, size_t first, size_t end, uint32_t count) {
    const size_t n = c->grid.n_points;
    while (first < end && count < c->min_samples) {
        const size_t n_block = mb_min_size(end - first, BLOCK);
        double sum[BLOCK] = {0};
        for (size_t column = 0; column < c->grid.n_columns; column++) {
            const double *x = c->grid.x + column * n + first;
            const double own = c->grid.x[column * n + point];
            for (size_t j = 0; j < n_block; j++) {
                sum[j] += (x[j] - own) * (x[j] - own);
            }
        }
        for (size_t j = 0; j < n_block; j++) {
            count += sum[j] <= c->eps_squared;
        }
        first += n_block;
    }
    return count;
}

static void search_open(search *around, const clustering *c, size_t cell, bool is_forward) {
    around->kept = &c->kept[cell];
    around->next = 0;
    if (around->kept->n == 0) {
        mb_cell_window_open(&around->window, &c->grid, cell, c->reach, is_forward);
    }
}

static bool search_next(search *around, size_t *first, size_t *end) {
    if (around->kept->n == 0) {
        return mb_cell_window_next(&around->window, first, end);
    }
    if (around->next == around->kept->n) {
        return false;
    }
    *first = around->kept->first[around->next];
    *end = around->kept->end[around->next++];
    return true;
}

static void count_cell(clustering *c, search *around, size_t cell, size_t begin, size_t end) {
    const bool is_tight = c->is_tight[cell];
    for (size_t i = begin; i < end; i++) {
        c->n_neighbours[i] = is_tight ? (uint32_t)(end - begin) : 0;
    }
    mb_cell_window_open(&around->window, &c->grid, cell, c->reach, false);
    kept_runs *kept = &c->kept[cell];
    uint32_t n_runs = 0;
    size_t first_cell;
    size_t end_cell;
    while (mb_cell_window_next(&around->window, &first_cell, &end_cell)) {
        const size_t first = mb_cell_grid_begin(&c->grid, first_cell);
        const size_t last = mb_cell_grid_begin(&c->grid, end_cell);
        if (n_runs < MOST_KEPT) {
            kept->first[n_runs] = (uint32_t)first_cell;
            kept->end[n_runs] = (uint32_t)end_cell;
        }
        n_runs++;
        const bool is_split = is_tight && first_cell <= cell && cell < end_cell;
        for (size_t i = begin; i < end; i++) {
            uint32_t count = c->n_neighbours[i];
            count = count_neighbours(c, i, first, is_split ? begin : last, count);
            if (is_split) {
                count = count_neighbours(c, i, end, last, count);
            }
            c->n_neighbours[i] = count;
        }
    }
    kept->n = n_runs <= MOST_KEPT ? n_runs : 0;
}

static void find_core(clustering *c, search *around, size_t cell) {
    const size_t begin = mb_cell_grid_begin(&c->grid, cell);
    const size_t end = mb_cell_grid_begin(&c->grid, cell + 1);
    c->is_tight[cell] = mb_cell_grid_diagonal(&c->grid, cell) <= c->eps_squared;
    c->first_core[cell] = no_point;
    c->kept[cell].n = 0;
    const bool is_full = c->is_tight[cell] && end - begin >= c->min_samples;
    if (!is_full) {
        count_cell(c, around, cell, begin, end);
    }
    for (size_t i = begin; i < end; i++) {
        c->is_core[i] = is_full || c->n_neighbours[i] >= c->min_samples;
        if (c->is_core[i] && c->first_core[cell] == no_point) {
            c->first_core[cell] = (uint32_t)i;
        }
        const bool is_joined = c->is_core[i] && c->is_tight[cell];
        atomic_init(&c->link[i], is_joined ? c->first_core[cell] : (uint32_t)i);
    }
}

static uint32_t find_root(clustering *c, uint32_t point) {
    uint32_t next = atomic_load_explicit(&c->link[point], memory_order_relaxed);
    while (next != point) {
        const uint32_t after = atomic_load_explicit(&c->link[next], memory_order_relaxed);
        // Shortens the way; whether another thread was first does not matter.
        atomic_compare_exchange_weak_explicit(
            &c->link[point], &next, after, memory_order_relaxed, memory_order_relaxed);
        point = after;
        next = atomic_load_explicit(&c->link[point], memory_order_relaxed);
    }
    return point;
}

static void join(clustering *c, uint32_t a, uint32_t b) {
    for (;;) {
        a = find_root(c, a);
        b = find_root(c, b);
        if (a == b) {
            return;
        }
        const uint32_t low = a < b ? a : b;
        uint32_t high = a < b ? b : a;
        if (atomic_compare_exchange_strong(&c->link[high], &high, low)) {
            return;
        }
    }
}

// Joins the core points of a cell with those of another, or of the same one that is not tight.
static void join_cells(clustering *c, size_t a, size_t b) {
    const uint32_t end_a = mb_cell_grid_begin(&c->grid, a + 1);
    const uint32_t end_b = mb_cell_grid_begin(&c->grid, b + 1);
    const bool is_one_enough = c->is_tight[a] && c->is_tight[b];
    if (is_one_enough && find_root(c, c->first_core[a]) == find_root(c, c->first_core[b])) {
        return;
    }
    for (uint32_t i = c->first_core[a]; i < end_a; i++) {
        if (!c->is_core[i] || mb_cell_grid_point_gap(&c->grid, i, b) > c->eps_squared) {
            continue;
        }
        for (uint32_t j = a == b ? i + 1 : c->first_core[b]; j < end_b; j++) {
            if (c->is_core[j] && distance_squared(c, i, j) <= c->eps_squared) {
                join(c, i, j);
                if (is_one_enough) {
                    return;
                }
                if (c->is_tight[b]) {
                    break;
                }
            }
        }
    }
}

static void link_cell(clustering *c, search *around, size_t cell) {
    if (c->first_core[cell] == no_point) {
        return;
    }
    search_open(around, c, cell, true);
    size_t first;
    size_t end;
    while (search_next(around, &first, &end)) {
        for (size_t other = mb_max_size(first, cell); other < end; other++) {
            const bool is_settled = other == cell && c->is_tight[cell];
            if (!is_settled && c->first_core[other] != no_point &&
                mb_cell_grid_gap(&c->grid, cell, other) <= c->eps_squared) {
                join_cells(c, cell, other);
            }
        }
    }
}

// Gives the lowest label of the core points of a cell that are neighbours of a point, or best.
static int64_t lowest_label(const clustering *c, size_t point, size_t cell, int64_t best) {
    if (mb_cell_grid_point_gap(&c->grid, point, cell) > c->eps_squared) {
        return best;
    }
    const uint32_t end = mb_cell_grid_begin(&c->grid, cell + 1);
    for (uint32_t j = c->first_core[cell]; j < end; j++) {
        if (c->is_core[j] && (best < 0 || c->label[j] < best) &&
            distance_squared(c, point, j) <= c->eps_squared) {
            best = c->label[j];
        }
    }
    return best;
}

static void label_border(clustering *c, search *around, size_t cell) {
    const size_t begin = mb_cell_grid_begin(&c->grid, cell);
    const size_t end = mb_cell_grid_begin(&c->grid, cell + 1);
    bool is_all_core = true;
    for (size_t i = begin; i < end; i++) {
        is_all_core = is_all_core && c->is_core[i];
    }
    if (is_all_core) {
        return;
    }
    search_open(around, c, cell, false);
    size_t first;
    size_t last;
    while (search_next(around, &first, &last)) {
        for (size_t other = first; other < last; other++) {
            for (size_t i = begin; i < end && c->first_core[other] != no_point; i++) {
                if (!c->is_core[i]) {
                    c->label[i] = lowest_label(c, i, other, c->label[i]);
                }
            }
        }
    }
}

typedef void (*cell_fn)(clustering *c, search *around, size_t cell);

typedef struct pass {
    clustering *c;
    cell_fn of_cell;
} pass;

static mb_status run_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const pass *work = user;
    search around = {.next = 0};
    const size_t first = task * CELLS_IN_TASK;
    const size_t end = mb_min_size(first + CELLS_IN_TASK, work->c->grid.n_cells);
    for (size_t cell = first; cell < end; cell++) {
        work->of_cell(work->c, &around, cell);
    }
    return MB_OK;
}

static mb_status each_cell(clustering *c, cell_fn of_cell) {
    pass work = {c, of_cell};
    return mb_parallel(
        c->ctx, (c->grid.n_cells + CELLS_IN_TASK - 1) / CELLS_IN_TASK, run_task, &work);
}

// Numbers the clusters by their first core point in the caller's order. by_point: scratch.
static void number_clusters(clustering *c, int64_t *by_point, mb_dbscan_counts *counts) {
    const size_t n = c->grid.n_points;
    for (size_t i = 0; i < n; i++) {
        c->label[i] = -1;
        by_point[c->grid.order[i]] = c->is_core[i] ? (int64_t)find_root(c, (uint32_t)i) : -1;
    }
    for (size_t i = 0; i < n; i++) {
        const int64_t root = by_point[i];
        if (root >= 0) {
            counts->n_core++;
            if (c->label[root] < 0) {
                c->label[root] = (int64_t)counts->n_clusters++;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (c->is_core[i]) {
            c->label[i] = c->label[find_root(c, (uint32_t)i)];
        }
    }
}

static mb_status allocate(clustering *c) {
    const size_t n = c->grid.n_points;
    c->n_neighbours = mb_allocate(c->ctx, n, sizeof *c->n_neighbours);
    c->first_core = mb_allocate(c->ctx, c->grid.n_cells, sizeof *c->first_core);
    c->kept = mb_allocate(c->ctx, c->grid.n_cells, sizeof *c->kept);
    c->is_core = mb_allocate(c->ctx, n, sizeof *c->is_core);
    c->is_tight = mb_allocate(c->ctx, c->grid.n_cells, sizeof *c->is_tight);
    c->link = mb_allocate(c->ctx, n, sizeof *c->link);
    c->label = mb_allocate(c->ctx, n, sizeof *c->label);
    const bool is_short = c->n_neighbours == NULL || c->first_core == NULL || c->kept == NULL ||
                          c->is_core == NULL || c->is_tight == NULL || c->link == NULL ||
                          c->label == NULL;
    return is_short ? MB_ERR_MEMORY : MB_OK;
}

static void release(clustering *c) {
    mb_cell_grid_clear(&c->grid);
    mb_release(c->ctx, c->n_neighbours);
    mb_release(c->ctx, c->first_core);
    mb_release(c->ctx, c->kept);
    mb_release(c->ctx, c->is_core);
    mb_release(c->ctx, c->is_tight);
    mb_release(c->ctx, c->link);
    mb_release(c->ctx, c->label);
}

mb_status mb_dbscan_check(mb_context *ctx, const mb_dbscan_settings *settings) {
    if (!(settings->eps >= least_eps && settings->eps <= most_eps)) {
        return mb_fail(ctx, MB_ERR_ARG,
            "eps: %g is no distance to cluster at; give one above 0, from 1e-150 to 1e150",
            settings->eps);
    }
    if (settings->min_samples < 1) {
        return mb_fail(ctx, MB_ERR_ARG,
            "min_samples: is 0 but a point has at least itself beside it; give 1 or more");
    }
    return MB_OK;
}

static mb_status check_sizes(
    mb_context *ctx, const char *where, mb_values points, size_t n_points, size_t n_columns) {
    if (n_points > 0 && n_columns == 0) {
        return mb_fail(ctx, MB_ERR_SHAPE, "%s: points have no columns; give (n, d)", where);
    }
    if (n_points > 0 && (points.n / n_columns != n_points || points.n % n_columns != 0)) {
        return mb_fail(ctx, MB_ERR_SHAPE, "%s: %zu numbers are not %zu points of %zu columns",
            where, points.n, n_points, n_columns);
    }
    if (n_points >= UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT, "%s: %zu points; cluster fewer than 2^32 - 1 at once",
            where, n_points);
    }
    return MB_OK;
}

mb_status mb_dbscan(mb_context *ctx, const char *where, mb_values points, size_t n_points,
    size_t n_columns, const mb_dbscan_settings *settings, int64_t *labels, mb_dbscan_counts *out) {
    *out = (mb_dbscan_counts){0};
    MB_TRY(mb_dbscan_check(ctx, settings));
    MB_TRY(check_sizes(ctx, where, points, n_points, n_columns));
    if (n_points == 0) {
        return MB_OK;
    }
    clustering c = {.ctx = ctx,
        .eps_squared = settings->eps * settings->eps,
        // The sum of squares may be rounded down to a neighbour's.
        .reach = settings->eps * (1 + 0x1p-40),
        .min_samples =
            (uint32_t)(settings->min_samples < UINT32_MAX ? settings->min_samples : UINT32_MAX)};
    mb_status status =
        mb_cell_grid_make(&c.grid, ctx, where, points, n_points, n_columns, settings->eps);
    if (status == MB_OK) {
        status = allocate(&c);
    }
    if (status == MB_OK) {
        status = each_cell(&c, find_core);
    }
    if (status == MB_OK) {
        status = each_cell(&c, link_cell);
    }
    if (status == MB_OK) {
        number_clusters(&c, labels, out);
        status = each_cell(&c, label_border);
    }
    for (size_t i = 0; i < n_points && status == MB_OK; i++) {
        labels[c.grid.order[i]] = c.label[i];
        out->n_noise += c.label[i] < 0;
    }
    release(&c);
    return status;
}
