// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_GNUPLOT_H
#define DRAW_GNUPLOT_H

#include "base/base.h"

// One script to run.
typedef struct mb_gnuplot_job {
    const char *name;  // NAME.gp in the folder
    bool is_done;      // set when gnuplot ended well
    char message[256]; // else why not, one line
} mb_gnuplot_job;

// The full path of a program, searched in PATH when it has no slash. *out is NULL where there is
// none; freed with mb_release.
mb_status mb_gnuplot_find(mb_context *ctx, const char *program, char **out) MB_MUST_CHECK;
// Runs "program -d NAME.gp" in directory for each job, at most n_processes at a time, without a
// shell. What takes longer than timeout_seconds is killed.
void mb_gnuplot_run(const char *program, const char *directory, mb_gnuplot_job *jobs, size_t n_jobs,
    size_t n_processes, double timeout_seconds);

#endif
