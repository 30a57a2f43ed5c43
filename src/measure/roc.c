// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc.h"

#include "measure/ranking.h"

#include <math.h>

// Goes down the two sorted classes, one distinct score at a time.
typedef struct descent {
    const mb_ranking *ranking;
    uint64_t left[2]; // events at or below the current score, each class
    uint64_t key;
    uint64_t here[2]; // events of each class with this score
} descent;

static bool descend(descent *d) {
    const mb_ranking *ranking = d->ranking;
    if (d->left[0] == 0 && d->left[1] == 0) {
        return false;
    }
    d->key = 0;
    for (unsigned c = 0; c < 2; c++) {
        if (d->left[c] > 0 && ranking->key[c][d->left[c] - 1] > d->key) {
            d->key = ranking->key[c][d->left[c] - 1];
        }
    }
    for (unsigned c = 0; c < 2; c++) {
        d->here[c] = 0;
        while (d->left[c] > 0 && ranking->key[c][d->left[c] - 1] == d->key) {
            d->left[c]--;
            d->here[c]++;
        }
    }
    return true;
}

static descent descent_from_top(const mb_ranking *ranking) {
    return (descent){.ranking = ranking, .left = {ranking->n[0], ranking->n[1]}};
}

// Twice the number of pairs in the right order, ties counted half, is a whole number.
static double exact_auc(const mb_roc *roc) {
    uint64_t twice = 0;
    for (size_t i = 1; i < roc->n_vertices; i++) {
        twice += (roc->n_false[i] - roc->n_false[i - 1]) * (roc->n_true[i] + roc->n_true[i - 1]);
    }
    return (double)twice / 2.0 / (double)(roc->n_signal * roc->n_background);
}

// DeLong, DeLong, Clarke-Pearson 1988, from counts: all events of one score share their component.
static double delong_error(const mb_roc *roc) {
    const double n_signal = (double)roc->n_signal;
    const double n_background = (double)roc->n_background;
    double signal_sum = 0;
    double background_sum = 0;
    for (size_t i = 1; i < roc->n_vertices; i++) {
        const double n_true = (double)(roc->n_true[i] - roc->n_true[i - 1]);
        const double n_false = (double)(roc->n_false[i] - roc->n_false[i - 1]);
        const double below = (double)(roc->n_background - roc->n_false[i]) + n_false / 2;
        const double above = (double)roc->n_true[i - 1] + n_true / 2;
        const double signal_part = below / n_background - roc->auc;
        const double background_part = above / n_signal - roc->auc;
        signal_sum += n_true * signal_part * signal_part;
        background_sum += n_false * background_part * background_part;
    }
    if (roc->n_signal < 2 || roc->n_background < 2) {
        return NAN;
    }
    return sqrt(signal_sum / (n_signal - 1) / n_signal +
                background_sum / (n_background - 1) / n_background);
}

static mb_status fill(mb_roc *roc, mb_context *ctx, const mb_ranking *ranking) {
    size_t n_vertices = 1;
    descent d = descent_from_top(ranking);
    while (descend(&d)) {
        n_vertices++;
    }
    roc->threshold = mb_allocate(ctx, n_vertices, sizeof *roc->threshold);
    roc->n_true = mb_allocate(ctx, n_vertices, sizeof *roc->n_true);
    roc->n_false = mb_allocate(ctx, n_vertices, sizeof *roc->n_false);
    if (roc->threshold == NULL || roc->n_true == NULL || roc->n_false == NULL) {
        return MB_ERR_MEMORY;
    }
    roc->n_vertices = n_vertices;
    roc->threshold[0] = INFINITY;
    roc->n_true[0] = roc->n_false[0] = 0;
    d = descent_from_top(ranking);
    for (size_t i = 1; descend(&d); i++) {
        roc->threshold[i] = mb_ranking_score(ranking, d.key);
        roc->n_false[i] = roc->n_false[i - 1] + d.here[0];
        roc->n_true[i] = roc->n_true[i - 1] + d.here[1];
    }
    roc->auc = exact_auc(roc);
    roc->auc_error = delong_error(roc);
    return MB_OK;
}

mb_status mb_roc_make(mb_roc *out, mb_context *ctx, mb_values scores, mb_values labels) {
    *out = (mb_roc){.runtime = mb_context_runtime(ctx)};
    mb_ranking ranking;
    MB_TRY(mb_ranking_make(&ranking, ctx, scores, labels));
    out->n_background = ranking.n[0];
    out->n_signal = ranking.n[1];
    const mb_status status = fill(out, ctx, &ranking);
    mb_ranking_clear(&ranking);
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
