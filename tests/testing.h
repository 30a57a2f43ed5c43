// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_TESTING_H
#define TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "minbias/array.h"

// A runtime and context for one test, with n_threads workers and the instruction sets of mask.
typedef struct mb_test_world {
    mb_runtime *runtime;
    mb_context *ctx;
} mb_test_world;

void mb_test_world_open(mb_test_world *world, unsigned n_threads, uint32_t cpu_mask);
void mb_test_world_close(mb_test_world *world);

// The world that all tests of a program use, for cmocka_run_group_tests(tests, open_world,
// close_world).
#define MB_TEST_WORLD(n_threads, cpu_mask)                                                         \
    static mb_test_world world;                                                                    \
    static int open_world(void **state) {                                                          \
        (void)state;                                                                               \
        mb_test_world_open(&world, n_threads, cpu_mask);                                           \
        return 0;                                                                                  \
    }                                                                                              \
    static int close_world(void **state) {                                                         \
        (void)state;                                                                               \
        mb_test_world_close(&world);                                                               \
        return 0;                                                                                  \
    }
// The same with a folder for their files.
#define MB_TEST_WORLD_AND_FOLDER(n_threads, cpu_mask)                                              \
    static mb_test_world world;                                                                    \
    static char *folder;                                                                           \
    static int open_world(void **state) {                                                          \
        (void)state;                                                                               \
        mb_test_world_open(&world, n_threads, cpu_mask);                                           \
        folder = mb_test_directory();                                                              \
        return 0;                                                                                  \
    }                                                                                              \
    static int close_world(void **state) {                                                         \
        (void)state;                                                                               \
        mb_test_remove_directory(folder);                                                          \
        mb_test_world_close(&world);                                                               \
        return 0;                                                                                  \
    }

// Memory that runs out: after left more allocations none succeeds (SIZE_MAX: never).
typedef struct mb_test_memory {
    size_t left, n_held;
} mb_test_memory;
// A world of one thread on such memory, not short at first.
void mb_test_world_open_short(mb_test_world *world, mb_test_memory *memory);
// Calls with the k-th allocation failing, for each k until the call succeeds. Every failure must be
// MEMORY, recorded in the context, and leave nothing allocated. Returns how many calls it took.
typedef mb_status (*mb_test_call)(void *user, mb_context *ctx);
size_t mb_test_each_lack_of_memory(mb_test_call call, void *user);

// The call must succeed; prints the context's text when it does not.
#define assert_ok(ctx, call)                                                                       \
    do {                                                                                           \
        const mb_status test_status_ = (call);                                                     \
        if (test_status_ != MB_OK) {                                                               \
            fail_msg(                                                                              \
                "%s: %s: %s", #call, mb_status_name(test_status_), mb_context_error_text(ctx));    \
        }                                                                                          \
    } while (0)

// The call must fail with status, and its text must hold part. Clears the context.
#define assert_fails(ctx, call, status, part)                                                      \
    mb_test_assert_fails(ctx, (call), status, part, #call, __FILE__, __LINE__)
void mb_test_assert_fails(mb_context *ctx, mb_status got, mb_status wanted, const char *part,
    const char *call, const char *file, int line);

// Largest |a-b| allowed is absolute + relative*|b|. Prints the first difference with its index.
void mb_test_assert_close(const float *got, const float *wanted, size_t n, double absolute,
    double relative, const char *what);
// Bit for bit.
void mb_test_assert_same_bits(
    const void *got, const void *wanted, size_t n, size_t size, const char *what);

// Path of a file in the reference data beside the project; when absent prints "SKIPPED <test>:
// <path> absent" and skips the test. Borrowed, valid until the next call.
const char *mb_test_shared(const char *relative);
// Path of a file in the project's source tree.
const char *mb_test_source(const char *relative);
// A fresh directory for the test's files, removed (with contents) by mb_test_remove_directory.
char *mb_test_directory(void);
void mb_test_remove_directory(char *path);
// Rows "<row>,fill...fill<tail>" of usual bytes, but for the last, which ends where the next is to
// begin, at byte end of the text: no row is shorter than shortest, which "<row>,<tail>" needs.
// Returns their number.
typedef struct mb_test_filling {
    size_t usual, shortest;
    const char *fill, *tail;
} mb_test_filling;
size_t mb_test_put_filling(mb_buffer *text, size_t end, const mb_test_filling *rows);
// In memory of just this size, so that the address sanitizer sees a byte too many; freed with free.
char *mb_test_copy_exactly(const mb_buffer *text);
// Entries of a folder, hidden ones too.
size_t mb_test_count_entries(mb_context *ctx, const char *directory);
// From now on no file may grow beyond bytes, as on a full disk; UINT64_MAX: as far as the system
// allows. Whoever sets it ignores SIGXFSZ.
void mb_test_limit_files(uint64_t bytes);
// Seed of the random tests: MB_TEST_SEED or 1; printed on first use.
uint64_t mb_test_seed(void);

#endif
