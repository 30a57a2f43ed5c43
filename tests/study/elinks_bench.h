// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_STUDY_ELINKS_BENCH_H
#define TESTS_STUDY_ELINKS_BENCH_H

#include "testing.h"

#include "base/output.h"

// A folder with tables of a test's own.
enum { MB_BENCH_PATHS = 64 };
typedef struct mb_bench {
    mb_test_world world;
    mb_context *ctx;
    char *directory;
    char path[MB_BENCH_PATHS][512];
    size_t next;
} mb_bench;

void mb_bench_open(mb_bench *b);
void mb_bench_close(mb_bench *b);
// A path in the folder; it lives for 64 further calls.
const char *mb_bench_path(mb_bench *b, const char *name);
// Returns the path.
const char *mb_bench_save(mb_bench *b, const char *name, const char *text);
// Freed with mb_release.
char *mb_bench_load(mb_bench *b, const char *name);
// "STEM0,STEM1 ..."
void mb_bench_put_names(mb_buffer *text, const char *stem, size_t n);
// Rows of random charges with further columns: more names them, cells gives their fields.
const char *mb_bench_save_charges(
    mb_bench *b, const char *name, size_t n, const char *more, const char *cells);

#endif
