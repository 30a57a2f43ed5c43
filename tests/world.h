// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "testing.h"

// A world that keeps its notices, with a folder of its own.
typedef struct noting_world {
    mb_runtime *runtime;
    mb_context *ctx;
    char *directory;
    char notices[16384]; // one a line: "warning WHERE: TEXT" or "note WHERE: TEXT"
} noting_world;

void noting_world_open(noting_world *world, unsigned n_threads);
void noting_world_close(noting_world *world);
// Path of a file in the folder. Borrowed until the next call.
const char *noting_world_path(const noting_world *world, const char *name);
// Fails when no notice holds part, and forgets them all.
void noting_world_assert_notice(noting_world *world, const char *part);

#endif
