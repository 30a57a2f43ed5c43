// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/scan.h"

#include "measure/sorted.h"

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
    mb_sort_doubles(work, n);
    return 0.5 * (work[(n - 1) / 2] + work[n / 2]);
}

// Of the trials that reached the rung the better half goes on, the odd one with it: ties by number.
// Those without a figure end.
static void judge_halves(
    const mb_scan_state *scan, size_t rung, mb_scan_rank *ranks, size_t n_finite, bool *stops) {
    size_t n = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        if (t->n_rungs > rung) {
            const bool has_figure = has_reached(t, rung);
            const double last = has_figure ? t->rung[rung].last : 0;
            ranks[n++] = (mb_scan_rank){
                has_figure ? 0 : 1, scan->is_better_higher[scan->sort] ? -last : last, i};
        }
    }
    qsort(ranks, n, sizeof *ranks, mb_scan_rank_compare);
    for (size_t i = (n_finite + 1) / 2; i < n; i++) {
        stops[ranks[i].index] = true;
    }
}

static void judge_by_median(const mb_scan_state *scan, size_t rung, double median, bool *stops) {
    const bool is_higher = scan->is_better_higher[scan->sort];
    for (size_t i = 0; i < scan->n_trials; i++) {
        const mb_trial *t = &scan->trials[i];
        const double best = t->n_rungs > rung ? t->rung[rung].best : 0;
        const bool is_worse = is_higher ? best < median : best > median;
        stops[i] = t->n_rungs > rung && (!has_reached(t, rung) || is_worse);
    }
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

static mb_status choose(const mb_scan_state *scan, size_t rung, size_t n_finite, bool *stops) {
    // Where no trial has a figure, as without validation events, none is worse than others.
    if (n_finite == 0) {
        return MB_OK;
    }
    double *means = mb_allocate(scan->ctx, scan->n_trials, sizeof *means);
    mb_scan_rank *ranks = mb_allocate(scan->ctx, scan->n_trials, sizeof *ranks);
    const bool has_room = means != NULL && ranks != NULL;
    if (has_room && scan->options.prune == MB_PRUNE_HALVING) {
        judge_halves(scan, rung, ranks, n_finite, stops);
    } else if (has_room) {
        judge_by_median(scan, rung, median_of_means(scan, rung, means), stops);
    }
    mb_release(scan->ctx, means);
    mb_release(scan->ctx, ranks);
    return has_room ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_scan_judge(mb_scan_state *scan, size_t rung) {
    bool *stops = mb_allocate_zeroed(scan->ctx, scan->n_trials, sizeof *stops);
    if (stops == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n_reached = 0;
    size_t n_finite = 0;
    size_t n_stopped = 0;
    for (size_t i = 0; i < scan->n_trials; i++) {
        n_reached += scan->trials[i].n_rungs > rung;
        n_finite += has_reached(&scan->trials[i], rung);
    }
    mb_status status = choose(scan, rung, n_finite, stops);
    for (size_t i = 0; i < scan->n_trials && status == MB_OK; i++) {
        n_stopped += stops[i];
        if (stops[i] && scan->trials[i].state == MB_TRIAL_OPEN) {
            status = stop_trial(scan, i, rung);
        }
    }
    if (status == MB_OK) {
        mb_journal_line(&scan->journal, "rung %zu: %zu trials judged by %s, %zu go on", rung + 1,
            n_reached, scan->options.sort, n_reached - n_stopped);
    }
    mb_release(scan->ctx, stops);
    return status;
}
