// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include "base/base.h"
#include "measure.h"
#include "minbias/array.h"

// What the bench programs of the studies share: their words, commands, prints and files.

// A whole number of the command line.
typedef struct bench_number {
    int64_t *value, least, most;
} bench_number;
// One word a number, then the seconds of a measurement; whether all are numbers within their range.
bool bench_read_numbers(char **words, const bench_number *numbers, size_t n, double *budget);

typedef struct bench_command {
    const char *name;
    mb_status (*run)(void *bench);
    bool needs_path; // the last word
} bench_command;
// The command of a name; fails with ARG when there is none, or when it needs a path and path is
// NULL.
mb_status bench_find_command(mb_context *ctx, const bench_command *commands, size_t n,
    const char *name, const char *path, const bench_command **command);

// Runs on so many threads with the context put into *ctx, closes in any case, and prints what went
// wrong. Returns what main does.
typedef struct bench_program {
    const char *name;
    mb_status (*run)(void *bench);
    void (*close)(void *bench); // before the context goes
    mb_context **ctx;
} bench_program;
int bench_run(const bench_program *program, void *bench, int64_t threads);

// Work divided by the median of the seconds, which it sorts. n > 0.
void bench_print_rate(
    const char *metric, const char *unit, double work, double *seconds, size_t n, double other);
// NAME_p50, NAME_p99 and the others that mask asks for, in us, of single events. Sorts. n > 0.
enum { BENCH_P999 = 1, BENCH_MAX = 2 };
void bench_print_latencies(
    const char *name, unsigned mask, double *seconds, size_t n, double other);
// Seconds of single events for budget seconds, after n_warm that do not count: work is called with
// 0, 1, 2 ... Fills seconds (most values).
typedef mb_status (*bench_event_call)(void *user, size_t i);
mb_status bench_time_events(bench_event_call event, void *user, double budget, size_t n_warm,
    size_t most, double *seconds, size_t *n);

// Writes an array as a file of folder.
mb_status bench_write_array(mb_context *ctx, const char *folder, const char *name, mb_dtype dtype,
    const void *values, size_t rows, size_t columns);

#endif
