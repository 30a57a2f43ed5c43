// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double bench_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// user, nice, system, idle, iowait, irq, softirq, steal: all but idle and iowait is work. Stolen
// time counts as somebody else's.
static double machine_seconds(void) {
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) {
        return -1.0;
    }
    double ticks[8] = {0};
    const int n = fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &ticks[0], &ticks[1],
        &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
    fclose(file);
    if (n != 8) {
        return -1.0;
    }
    const double all = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
    return all / (double)sysconf(_SC_CLK_TCK);
}

bench_load bench_load_now(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct timeval times[2] = {usage.ru_utime, usage.ru_stime};
    bench_load load = {.wall = bench_seconds(), .machine = machine_seconds()};
    for (size_t i = 0; i < 2; i++) {
        load.own += (double)times[i].tv_sec + 1e-6 * (double)times[i].tv_usec;
    }
    return load;
}

double bench_load_other(const bench_load *since) {
    const bench_load now = bench_load_now();
    if (since->machine < 0.0 || now.machine < 0.0 || now.wall <= since->wall) {
        return -1.0;
    }
    const double others = (now.machine - since->machine) - (now.own - since->own);
    const double whole = (now.wall - since->wall) * (double)sysconf(_SC_NPROCESSORS_ONLN);
    return others > 0.0 ? others / whole : 0.0;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_sort(double *values, size_t n) {
    qsort(values, n, sizeof *values, compare);
}

double bench_quantile(const double *sorted, size_t n, double quantile) {
    const size_t i = (size_t)(quantile * (double)n);
    return sorted[i < n ? i : n - 1];
}

void bench_print(const char *who, const bench_figure *figure) {
    printf("{\"who\": \"%s\", \"metric\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", "
           "\"best\": %.6g, \"n\": %zu, \"other_cpu\": %.3f}\n",
        who, figure->metric, figure->value, figure->unit, figure->best, figure->n, figure->other);
    fflush(stdout);
}

size_t bench_repeat(void (*work)(void *user), void *user, double budget, size_t least, size_t most,
    double *seconds) {
    work(user);
    size_t n = 0;
    const double end = bench_seconds() + budget;
    while (n < most && (n < least || bench_seconds() < end)) {
        const double begin = bench_seconds();
        work(user);
        seconds[n++] = bench_seconds() - begin;
    }
    bench_sort(seconds, n);
    return n;
}
