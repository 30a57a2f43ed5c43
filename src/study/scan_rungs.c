// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include <math.h>
#include <stdlib.h>

// scan.prune: all trials reach a rung before any goes on, and what decides are numbers of the log:
// the same trials end whatever the number of workers, stopped and resumed or not.

// Eighths of a trial's epochs.
static const size_t halving_parts[] = {1, 2, 4};
static const size_t median_parts[] = {2, 4, 6};

size_t mb_scan_rungs(const mb_scan_state *scan) {
    return scan->options.prune == MB_PRUNE_NONE ? 0 : MB_SCAN_MOST_RUNGS;
}

size_t mb_scan_rung_epochs(const mb_scan_state *scan, size_t n_epochs, size_t rung) {
    if (rung >= mb_scan_rungs(scan)) {
        return n_epochs;
    }
    const size_t part =
        scan->options.prune == MB_PRUNE_HALVING ? halving_parts[rung] : median_parts[rung];
    return mb_min_size(n_epochs, mb_max_size(1, n_epochs / 8 * part + n_epochs % 8 * part / 8));
}

bool mb_scan_rung_counts(const mb_scan_state *scan, size_t rung) {
    for (size_t i = 0; i < scan->n_trials; i++) {
        const size_t n = scan->trials[i].n_planned;
        const size_t here = mb_scan_rung_epochs(scan, n, rung);
        const size_t before = rung > 0 ? mb_scan_rung_epochs(scan, n, rung - 1) : 0;
        if (here > before && (here < n || rung >= mb_scan_rungs(scan))) {
            return true;
        }
    }
    return rung >= mb_scan_rungs(scan);
}

static bool has_reached(const mb_trial *trial, size_t rung) {
    return trial->n_rungs > rung && isfinite(trial->rung[rung].last);
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

// Of the means over the epochs so far; of an even number of trials the mean of the middle two.
static double median_of_means(const mb_scan_state *scan, size_t rung, double *work) {
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (has_reached(&scan->trials[i], rung)) {
            work[n++] = scan->trials[i].rung[rung].mean;
        }
    }
    if (n == 0) {
        return (double)NAN;
    }
    qsort(work, n, sizeof *work, compare);
    return 0.5 * (work[(n - 1) / 2] + work[n / 2]);
}

// How many trials that reached the rung stand before this one: ties by number.
static size_t rank_of(const mb_scan_state *scan, size_t trial, size_t rung) {
    const double own = scan->trials[trial].rung[rung].last;
    const bool is_higher = scan->is_better_higher[scan->sort];
    size_t rank = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        if (i != trial && has_reached(&scan->trials[i], rung)) {
            const double other = scan->trials[i].rung[rung].last;
            rank += (is_higher ? other > own : other < own) || (other == own && i < trial);
        }
    }
    return rank;
}

static bool is_hopeless(
    const mb_scan_state *scan, size_t trial, size_t rung, size_t n_here, double median) {
    const mb_trial *t = &scan->trials[trial];
    if (n_here == 0) {
        return false;
    }
    if (!has_reached(t, rung)) {
        return true;
    }
    if (scan->options.prune == MB_PRUNE_HALVING) {
        return rank_of(scan, trial, rung) >= (n_here + 1) / 2;
    }
    return scan->is_better_higher[scan->sort] ? t->rung[rung].best < median
                                              : t->rung[rung].best > median;
}

static mb_status stop_trial(mb_scan_state *scan, size_t trial, size_t rung) {
    mb_trial *t = &scan->trials[trial];
    mb_format(t->error, sizeof t->error, "stopped at epoch %zu of %zu by %s: %s %.6g", t->epochs,
        t->n_planned, scan->options.prune == MB_PRUNE_HALVING ? "halving" : "the median rule",
        scan->options.sort, t->rung[rung].last);
    t->state = MB_TRIAL_STOPPED;
    scan->n_finished++;
    MB_TRY(mb_scan_log_put(scan, scan->ctx, trial));
    return mb_scan_drop_checkpoints(scan, scan->ctx, trial);
}

mb_status mb_scan_judge(mb_scan_state *scan, size_t rung) {
    double *work = mb_allocate(scan->ctx, scan->n_trials, sizeof *work);
    bool *stops = mb_allocate_zeroed(scan->ctx, scan->n_trials, sizeof *stops);
    mb_status status = work == NULL || stops == NULL ? MB_ERR_MEMORY : MB_OK;
    size_t n_reached = 0;
    size_t n_finite = 0;
    size_t n_stopped = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        n_reached += scan->trials[i].n_rungs > rung;
        n_finite += has_reached(&scan->trials[i], rung);
    }
    if (status == MB_OK) {
        const double median = median_of_means(scan, rung, work);
        for (size_t i = 0; i < scan->n_trials; i++) {
            stops[i] =
                scan->trials[i].n_rungs > rung && is_hopeless(scan, i, rung, n_finite, median);
            n_stopped += stops[i];
        }
    }
    for (size_t i = 0; i < scan->n_trials && status == MB_OK; i++) {
        if (stops[i] && scan->trials[i].state == MB_TRIAL_OPEN) {
            status = stop_trial(scan, i, rung);
        }
    }
    if (status == MB_OK) {
        mb_journal_line(&scan->journal, "rung %zu: %zu trials judged by %s, %zu go on", rung + 1,
            n_reached, scan->options.sort, n_reached - n_stopped);
    }
    mb_release(scan->ctx, work);
    mb_release(scan->ctx, stops);
    return status;
}
