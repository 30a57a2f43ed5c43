// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TOOLS_TOOL_H
#define TESTS_TOOLS_TOOL_H

#include "testing.h"

#include "base/node.h"
#include "base/output.h"
#include "files/hdf5.h"

// Runs the built command in a folder of the test's own, with a small study on toy events.

typedef struct mb_tool_run {
    int code;        // exit code; 128 + signal when it was killed
    char *out, *err; // what it printed
} mb_tool_run;

// The world of all tests of a program: made once. Skips by name where the command is not built.
typedef struct mb_tool_world {
    mb_test_world base;
    char *directory;
    mb_tool_run last;
} mb_tool_world;
int mb_tool_open(void **state);
int mb_tool_close(void **state);
// Of a test: the world, or the end where it is missing.
#define MB_TOOL_WORLD(name)                                                                        \
    mb_tool_world *name = *state;                                                                  \
    if (name == NULL) {                                                                            \
        skip();                                                                                    \
    }

// Runs "minbias ARGUMENTS" through the shell in the test's folder. Kept until the next call.
const mb_tool_run *mb_tool(mb_tool_world *world, const char *format, ...) MB_PRINTF(2, 3);
// The same, and it must come to an exit code.
const mb_tool_run *mb_tool_expect(mb_tool_world *world, int code, const char *format, ...)
    MB_PRINTF(3, 4);
// Starts the command and kills it with SIGKILL after milliseconds. Returns whether it was still
// running.
bool mb_tool_kill(mb_tool_world *world, unsigned milliseconds, const char *format, ...)
    MB_PRINTF(3, 4);
// Starts the command and sends SIGTERM as soon as it has made a file. Returns the exit code.
int mb_tool_terminate(mb_tool_world *world, const char *file, const char *format, ...)
    MB_PRINTF(3, 4);
// Path in the test's folder; borrowed until the next call.
const char *mb_tool_path(mb_tool_world *world, const char *name);
// A file's text; freed with mb_release.
char *mb_tool_read(mb_tool_world *world, const char *name);
// Writes a text, and an array as .npy.
void mb_tool_write(mb_tool_world *world, const char *name, const char *text);
void mb_tool_write_array(mb_tool_world *world, const char *name, mb_dtype dtype, unsigned rank,
    const size_t *shape, const void *values);
// Two files must have the same bytes.
void mb_tool_assert_same(mb_tool_world *world, const char *a, const char *b);
// A dataset of an HDF5 file must have this type and shape.
void mb_tool_assert_shape(mb_context *ctx, mb_h5_file *file, const char *path, mb_dtype dtype,
    const size_t *shape, unsigned rank);
size_t mb_tool_count_lines(mb_tool_world *world, const char *name);
// Text must be JSON; the caller clears.
mb_document mb_tool_json(mb_tool_world *world, const char *text);
double mb_tool_number(const mb_node *map, const char *key);

#endif
