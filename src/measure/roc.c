// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc.h"

#include "base/threads.h"
#include "measure/ranking.h"

#include <math.h>

enum {
    PART_KEYS = 1 << 16, // of the larger class in one task
    PART_VERTICES = 1 << 15
};

// The two sorted classes are gone down in parts that begin where the score changes, so that no
// vertex lies in two of them.
typedef struct part {
    uint64_t top[2]; // keys of each class below the part's upper end
    size_t vertex;   // of its first score; while counting: how many it has
} part;

typedef struct descent {
    const mb_ranking *ranking;
    mb_roc *roc;
    size_t n_parts;
    part *parts; // (n_parts + 1)
} descent;

static uint64_t count_below(const uint64_t *keys, uint64_t n, uint64_t key) {
    uint64_t low = 0;
    uint64_t high = n;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void cut(descent *d) {
    const mb_ranking *ranking = d->ranking;
    const unsigned larger = ranking->n[1] > ranking->n[0] ? 1 : 0;
    for (unsigned c = 0; c < 2; c++) {
        d->parts[0].top[c] = ranking->n[c];
        d->parts[d->n_parts].top[c] = 0;
    }
    for (size_t i = 1; i < d->n_parts; i++) {
        const uint64_t at = ranking->n[larger] * (d->n_parts - i) / d->n_parts;
        for (unsigned c = 0; c < 2; c++) {
            d->parts[i].top[c] =
                count_below(ranking->key[c], ranking->n[c], ranking->key[larger][at]);
        }
    }
}

// No score has this key: it would be that of a NaN.
static const uint64_t NO_KEY = UINT64_MAX;

typedef struct cursor {
    uint64_t left[2]; // events of each class at or below the current score
    uint64_t key;
    size_t vertex;
} cursor;

// Goes below one event. A new score begins a vertex; with is_written the vertex is kept up to date.
static inline void take(
    const descent *d, cursor *at, uint64_t key, unsigned class_index, bool is_written) {
    at->left[0] -= 1 - class_index;
    at->left[1] -= class_index;
    at->vertex += key != at->key ? 1 : 0;
    at->key = key;
    if (is_written) {
        d->roc->threshold[at->vertex] = mb_ranking_score(d->ranking, key);
        d->roc->n_false[at->vertex] = d->ranking->n[0] - at->left[0];
        d->roc->n_true[at->vertex] = d->ranking->n[1] - at->left[1];
    }
}

// Goes down a part from the vertex before it; returns its last. No branch asks which class comes
// next, as nothing could foresee it.
static inline size_t descend(const descent *d, const part *p, size_t vertex, bool is_written) {
    const uint64_t *background = d->ranking->key[0];
    const uint64_t *signal = d->ranking->key[1];
    cursor at = {{p->top[0], p->top[1]}, NO_KEY, vertex};
    while (at.left[0] > p[1].top[0] && at.left[1] > p[1].top[1]) {
        const uint64_t of_background = background[at.left[0] - 1];
        const uint64_t of_signal = signal[at.left[1] - 1];
        const bool is_signal = of_signal > of_background;
        take(d, &at, is_signal ? of_signal : of_background, is_signal ? 1 : 0, is_written);
    }
    while (at.left[0] > p[1].top[0]) {
        take(d, &at, background[at.left[0] - 1], 0, is_written);
    }
    while (at.left[1] > p[1].top[1]) {
        take(d, &at, signal[at.left[1] - 1], 1, is_written);
    }
    return at.vertex;
}

static mb_status count_vertices(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const descent *d = user;
    d->parts[task].vertex = descend(d, &d->parts[task], 0, false);
    return MB_OK;
}

static mb_status write_vertices(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const descent *d = user;
    descend(d, &d->parts[task], d->parts[task].vertex, true);
    return MB_OK;
}

static mb_status allocate_vertices(mb_roc *roc, mb_context *ctx, size_t n_vertices) {
    roc->threshold = mb_allocate(ctx, n_vertices, sizeof *roc->threshold);
    roc->n_true = mb_allocate(ctx, n_vertices, sizeof *roc->n_true);
    roc->n_false = mb_allocate(ctx, n_vertices, sizeof *roc->n_false);
    if (roc->threshold == NULL || roc->n_true == NULL || roc->n_false == NULL) {
        return MB_ERR_MEMORY;
    }
    roc->n_vertices = n_vertices;
    roc->threshold[0] = INFINITY;
    roc->n_true[0] = roc->n_false[0] = 0;
    return MB_OK;
}

static mb_status make_vertices(mb_roc *roc, mb_context *ctx, const mb_ranking *ranking) {
    const uint64_t n_larger = ranking->n[ranking->n[1] > ranking->n[0] ? 1 : 0];
    descent d = {
        .ranking = ranking, .roc = roc, .n_parts = (size_t)((n_larger - 1) / PART_KEYS) + 1};
    d.parts = mb_allocate_zeroed(ctx, d.n_parts + 1, sizeof *d.parts);
    if (d.parts == NULL) {
        return MB_ERR_MEMORY;
    }
    cut(&d);
    mb_status status = mb_parallel(ctx, d.n_parts, count_vertices, &d);
    size_t n_vertices = 1;
    for (size_t i = 0; i < d.n_parts; i++) {
        const size_t n = d.parts[i].vertex;
        d.parts[i].vertex = n_vertices - 1;
        n_vertices += n;
    }
    if (status == MB_OK) {
        status = allocate_vertices(roc, ctx, n_vertices);
    }
    if (status == MB_OK) {
        status = mb_parallel(ctx, d.n_parts, write_vertices, &d);
    }
    mb_release(ctx, d.parts);
    return status;
}

// Sums over the curve's pieces, each of at most PART_VERTICES, added in their order.
typedef struct piece {
    uint64_t twice; // pairs in the right order, ties counted half
    double part[2]; // squares of DeLong's components, background and signal
} piece;

typedef struct area {
    const mb_roc *roc;
    piece *pieces;
} area;

static size_t piece_end(const mb_roc *roc, size_t task) {
    return mb_min_size(task * PART_VERTICES + PART_VERTICES, roc->n_vertices - 1) + 1;
}

static mb_status add_pairs(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const area *a = user;
    const uint64_t *n_true = a->roc->n_true;
    const uint64_t *n_false = a->roc->n_false;
    uint64_t twice = 0;
    for (size_t i = task * PART_VERTICES + 1; i < piece_end(a->roc, task); i++) {
        twice += (n_false[i] - n_false[i - 1]) * (n_true[i] + n_true[i - 1]);
    }
    a->pieces[task].twice = twice;
    return MB_OK;
}

// DeLong, DeLong, Clarke-Pearson 1988, from counts: all events of one score share their component.
static mb_status add_squares(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)worker;
    const area *a = user;
    const mb_roc *roc = a->roc;
    const double per_signal = 1 / (double)roc->n_signal;
    const double per_background = 1 / (double)roc->n_background;
    double sum[2] = {0, 0};
    for (size_t i = task * PART_VERTICES + 1; i < piece_end(roc, task); i++) {
        const double n_true = (double)(int64_t)(roc->n_true[i] - roc->n_true[i - 1]);
        const double n_false = (double)(int64_t)(roc->n_false[i] - roc->n_false[i - 1]);
        const double below = (double)(int64_t)(roc->n_background - roc->n_false[i]) + n_false / 2;
        const double above = (double)(int64_t)roc->n_true[i - 1] + n_true / 2;
        const double of_signal = below * per_background - roc->auc;
        const double of_background = above * per_signal - roc->auc;
        sum[1] += n_true * of_signal * of_signal;
        sum[0] += n_false * of_background * of_background;
    }
    a->pieces[task].part[0] = sum[0];
    a->pieces[task].part[1] = sum[1];
    return MB_OK;
}

// Twice the number of pairs in the right order is a whole number: the area has one rounding.
static mb_status measure_area(mb_roc *roc, mb_context *ctx) {
    const size_t n_pieces = (roc->n_vertices - 2) / PART_VERTICES + 1;
    area a = {.roc = roc};
    a.pieces = mb_allocate(ctx, n_pieces, sizeof *a.pieces);
    if (a.pieces == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = mb_parallel(ctx, n_pieces, add_pairs, &a);
    uint64_t twice = 0;
    for (size_t i = 0; status == MB_OK && i < n_pieces; i++) {
        twice += a.pieces[i].twice;
    }
    const double n[2] = {(double)roc->n_background, (double)roc->n_signal};
    roc->auc = (double)twice / 2.0 / (double)(roc->n_signal * roc->n_background);
    if (status == MB_OK) {
        status = mb_parallel(ctx, n_pieces, add_squares, &a);
    }
    double sum[2] = {0, 0};
    for (size_t i = 0; status == MB_OK && i < n_pieces; i++) {
        sum[0] += a.pieces[i].part[0];
        sum[1] += a.pieces[i].part[1];
    }
    const bool has_error = roc->n_signal > 1 && roc->n_background > 1;
    roc->auc_error =
        has_error ? sqrt(sum[1] / (n[1] - 1) / n[1] + sum[0] / (n[0] - 1) / n[0]) : NAN;
    mb_release(ctx, a.pieces);
    return status;
}

mb_status mb_roc_make(mb_roc *out, mb_context *ctx, mb_values scores, mb_values labels) {
    *out = (mb_roc){.runtime = mb_context_runtime(ctx)};
    mb_ranking ranking;
    MB_TRY(mb_ranking_make(&ranking, ctx, scores, labels));
    out->n_background = ranking.n[0];
    out->n_signal = ranking.n[1];
    mb_status status = make_vertices(out, ctx, &ranking);
    mb_ranking_clear(&ranking);
    if (status == MB_OK) {
        status = measure_area(out, ctx);
    }
    if (status != MB_OK) {
        mb_roc_clear(out);
    }
    return status;
}

void mb_roc_clear(mb_roc *roc) {
    if (roc->runtime != NULL) {
        mb_runtime_release(roc->runtime, roc->threshold);
        mb_runtime_release(roc->runtime, roc->n_true);
        mb_runtime_release(roc->runtime, roc->n_false);
    }
    *roc = (mb_roc){.runtime = NULL};
}

double mb_roc_true_rate(const mb_roc *roc, size_t vertex) {
    return (double)roc->n_true[vertex] / (double)roc->n_signal;
}

double mb_roc_false_rate(const mb_roc *roc, size_t vertex) {
    return (double)roc->n_false[vertex] / (double)roc->n_background;
}

size_t mb_roc_vertex_at(const mb_roc *roc, double threshold) {
    // The first vertex accepts nothing, not even a score of +infinity.
    size_t low = 0;
    size_t high = roc->n_vertices - 1;
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (roc->threshold[middle] >= threshold) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}
