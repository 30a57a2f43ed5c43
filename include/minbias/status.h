// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_STATUS_H
#define MINBIAS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(MB_BUILDING) && defined(__GNUC__)
#define MB_API __attribute__((visibility("default")))
#else
#define MB_API
#endif

#if defined(__GNUC__)
#define MB_MUST_CHECK          __attribute__((warn_unused_result))
#define MB_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MB_MUST_CHECK
#define MB_PRINTF(text, first)
#endif

// Of all headers: a pointer handed in must not be NULL unless the comment says that it may be.

// What a call came to. The text that goes with a failure is in the context: "where: what; what to
// do".
typedef enum mb_status {
    MB_OK = 0,
    MB_ERR_ARG,         // a broken contract at the public edge: a mistake of the calling program
    MB_ERR_MEMORY,      // the allocator gave nothing
    MB_ERR_IO,          // the operating system refused to open, read or write
    MB_ERR_FORMAT,      // a file, study or model does not say what it must
    MB_ERR_SHAPE,       // arrays or layers do not fit together
    MB_ERR_RANGE,       // a number outside what it may be
    MB_ERR_UNSUPPORTED, // understood, but not offered
    MB_ERR_LIMIT,       // more bytes, objects or depth than mb_limits allows
    MB_ERR_NUMERIC,     // a loss or weight that is no longer a number
    MB_ERR_CANCELLED,   // the caller asked to stop
    MB_ERR_INTERNAL,    // a mistake of this library
} mb_status;

// The short name of a status, for example "format". Never NULL; borrowed, static.
MB_API const char *mb_status_name(mb_status status);

// What a reader of outside bytes may use, whatever the bytes themselves claim.
typedef struct mb_limits {
    uint64_t bytes;   // in flight for one file's contents after decompression; default 16 GiB
    uint64_t objects; // tree nodes, archive members, datasets; default 40 million
    uint32_t depth;   // nesting; default 64
} mb_limits;

typedef enum mb_notice_level { MB_NOTICE_INFO, MB_NOTICE_WARNING } mb_notice_level;

// Receives what a person should know but no caller must handle. May be called from any thread, one
// call at a time.
typedef void (*mb_notice_fn)(
    void *user, mb_notice_level level, const char *where, const char *text);

// Instruction sets, as bits; plain C is 0.
enum { MB_CPU_AVX2 = 1, MB_CPU_AVX512 = 2, MB_CPU_ALL = 3 };

typedef struct mb_allocator {
    void *(*allocate)(void *user, size_t bytes); // aligned to 64 bytes; NULL when there is none
    void (*release)(void *user, void *memory);   // accepts NULL
    void *user;
} mb_allocator;

typedef struct mb_runtime_settings {
    mb_allocator allocator; // all zero: the C library's
    mb_limits limits;       // zero fields: the defaults
    unsigned n_threads;     // 0: as many as the process may run on
    uint32_t cpu_mask;   // instruction sets allowed; 0 in a zeroed struct means plain C, so start
                         // from _INIT
    mb_notice_fn notice; // NULL: notices are dropped
    void *notice_user;
} mb_runtime_settings;

#define MB_RUNTIME_SETTINGS_INIT                                                                   \
    { {NULL, NULL, NULL}, {0, 0, 0}, 0, MB_CPU_ALL, NULL, NULL }

// Everything that would otherwise be global: allocator, limits, notices, instruction sets, worker
// threads. Several may live in one process. Thread-safe.
typedef struct mb_runtime mb_runtime;

// A caller's place for error texts. One per thread; not thread-safe.
typedef struct mb_context mb_context;

// Makes a runtime. settings may be NULL. The caller owns *out; on failure it is NULL. Fails with
// MEMORY.
MB_API mb_status mb_runtime_create(
    const mb_runtime_settings *settings, mb_runtime **out) MB_MUST_CHECK;
// Ends the worker threads and frees. All contexts, models and plans made with it must be gone.
// Accepts NULL.
MB_API void mb_runtime_destroy(mb_runtime *runtime);
MB_API unsigned mb_runtime_threads(const mb_runtime *runtime);
// The instruction sets in use: what the machine has, the library was built with and cpu_mask
// allows.
MB_API uint32_t mb_runtime_cpu(const mb_runtime *runtime);

// Makes a context of a runtime, which must outlive it. The caller owns *out; on failure it is NULL.
// Fails with MEMORY.
MB_API mb_status mb_context_create(mb_runtime *runtime, mb_context **out) MB_MUST_CHECK;
MB_API void mb_context_destroy(mb_context *ctx);
MB_API mb_runtime *mb_context_runtime(mb_context *ctx);
// The text of the first failure since the last mb_context_clear. Never NULL; borrowed until the
// next call.
MB_API const char *mb_context_error_text(const mb_context *ctx);
MB_API mb_status mb_context_status(const mb_context *ctx);
MB_API void mb_context_clear(mb_context *ctx);

// "0.1.0"
MB_API const char *mb_version(void);

#ifdef __cplusplus
}
#endif

#endif
