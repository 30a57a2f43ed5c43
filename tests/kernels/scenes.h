// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_KERNELS_SCENES_H
#define TESTS_KERNELS_SCENES_H

#include "base/random.h"
#include "kernels/kernels.h"
#include "testing.h"

// What comparisons of kernels need: awkward sizes, around the widths of vectors and of blocks, and
// places that are not aligned. Canaries stand around what may be written.

enum { CANARIES = 16 };

// A block of floats at an odd address, between canaries.
typedef struct guarded {
    float *memory, *floats;
    size_t n;
} guarded;

guarded guard(size_t n);
guarded guard_random(mb_random *random, size_t n);
guarded guard_copy(const guarded *from);
// Compares and frees both.
void check(guarded *got, guarded *wanted, const char *what);

typedef struct shape {
    size_t n, n_runs, run_length, n_out;
} shape;

// What a footprint needs: offsets of its runs, and bases that overlap as neighbouring windows do.
typedef struct scene {
    shape s;
    size_t width, x_size;
    uint32_t *base, *run_offset;
    mb_footprint footprint;
    mb_random random;
    char what[160];
} scene;

void open_scene(scene *it, const shape *s, const char *kernel, const char *version);
void close_scene(scene *it);

typedef void (*check_fn)(const mb_kernels *kernels, const shape *s);
// All versions that this build and machine have; the lacking ones are skipped by name.
void check_all(check_fn check_one);

#endif
