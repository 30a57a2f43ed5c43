// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

// Timing for the bench programs: medians, and how busy the machine was with other things meanwhile.

double bench_seconds(void); // monotonic

// What the whole machine and this process had used at one moment, in seconds.
typedef struct bench_load {
    double wall, machine, own;
} bench_load;
bench_load bench_load_now(void);
// Share of the machine (0 .. 1) that other processes used since then; -1 where the system does not
// tell.
double bench_load_other(const bench_load *since);

// Sorts. n > 0; quantile 0.5 is the median.
void bench_sort(double *values, size_t n);
double bench_quantile(const double *sorted, size_t n, double quantile);

typedef struct bench_figure {
    const char *metric, *unit;
    double value, best;
    size_t n; // repetitions
    double other;
} bench_figure;
// One JSON line on standard output.
void bench_print(const char *who, const bench_figure *figure);

// Repeats work for about so many seconds after one run that does not count, at least least times,
// at most most. Fills seconds (most values), sorted; returns how many.
size_t bench_repeat(void (*work)(void *user), void *user, double budget, size_t least, size_t most,
    double *seconds);

#endif
