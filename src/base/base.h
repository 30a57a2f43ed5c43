// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_BASE_H
#define BASE_BASE_H

// What every room uses: failing, notices, memory. See minbias/status.h for the public side.

#include "minbias/status.h"

#include <stdarg.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "minbias runs on little-endian machines only"
#endif

#define MB_TRY(call)                                                                               \
    do {                                                                                           \
        const mb_status try_status_ = (call);                                                      \
        if (try_status_ != MB_OK) {                                                                \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

#define MB_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline size_t mb_min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline size_t mb_max_size(size_t a, size_t b) {
    return a > b ? a : b;
}

static inline size_t mb_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

// Records "where: what; what to do" and returns status. The first failure wins until the context is
// cleared.
mb_status mb_fail(mb_context *ctx, mb_status status, const char *format, ...) MB_PRINTF(3, 4);
mb_status mb_fail_list(mb_context *ctx, mb_status status, const char *format, va_list list);
// Copies another context's failure into this one (a worker's into the caller's). Returns that
// status.
mb_status mb_fail_from(mb_context *ctx, const mb_context *other);
// Puts "prefix: " before the recorded text: an outer reader adds where it was. Returns the recorded
// status.
mb_status mb_fail_within(mb_context *ctx, const char *format, ...) MB_PRINTF(2, 3);

void mb_notice(mb_context *ctx, mb_notice_level level, const char *where, const char *format, ...)
    MB_PRINTF(4, 5);

const mb_limits *mb_context_limits(const mb_context *ctx);

// All memory comes from the runtime's allocator, aligned to 64 bytes. NULL on failure, which is
// already recorded in ctx. A count of 0 gives a valid pointer.
void *mb_allocate(mb_context *ctx, size_t count, size_t size);
void *mb_allocate_zeroed(mb_context *ctx, size_t count, size_t size);
// Frees what mb_allocate gave. Accepts NULL.
void mb_release(mb_context *ctx, void *memory);
// The same with only the runtime at hand (destroy functions).
void mb_runtime_release(mb_runtime *runtime, void *memory);
// Grows *memory (which may be NULL) to hold at least count items of size bytes, at least doubling;
// keeps the contents.
mb_status mb_grow(
    mb_context *ctx, void *memory, size_t *capacity, size_t count, size_t size) MB_MUST_CHECK;
// A copy of a text, to be freed with mb_release. NULL on failure.
char *mb_copy_text(mb_context *ctx, const char *text);
// Of a clock that is never set: for durations. 0 where there is none.
double mb_seconds_now(void);
// Number of allocations made through the runtime so far: tests count with it.
uint64_t mb_runtime_allocations(const mb_runtime *runtime);

#endif
