// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#if defined(__linux__)
#define _GNU_SOURCE // sched_getaffinity, madvise
#include <sched.h>
#include <sys/mman.h>
#endif

#include "base/runtime.h"

#include "base/numbers.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double mb_seconds_now(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        return 0;
    }
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Rows of large arrays are read in any order: with pages of the usual size most of the wait for
// one would be that for its page's address.
enum { LARGE_PAGE = 2 << 20, LEAST_LARGE = 2 * LARGE_PAGE };

static void *default_allocate(void *user, size_t bytes) {
    (void)user;
    void *memory = NULL;
    const bool is_large = bytes >= LEAST_LARGE;
    if (posix_memalign(&memory, is_large ? LARGE_PAGE : 64, bytes) != 0) {
        return NULL;
    }
#if defined(__linux__)
    if (is_large) {
        // A wish: where it is not granted, pages are small.
        (void)madvise(memory, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
    }
#endif
    return memory;
}

static void default_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

static uint32_t detect_cpu(void) {
    uint32_t cpu = 0;
#if defined(MB_HAVE_X86) && (defined(__x86_64__) || defined(__i386__))
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        cpu |= MB_CPU_AVX2;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
            cpu |= MB_CPU_AVX512;
        }
    }
#endif
    return cpu;
}

// A batch system gives a job some of a machine's processors.
unsigned mb_runtime_processors(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        n = CPU_COUNT(&allowed);
    }
#endif
    return n < 1 ? 1 : (n > 256 ? 256 : (unsigned)n);
}

mb_status mb_runtime_create(const mb_runtime_settings *settings, mb_runtime **out) {
    static const mb_runtime_settings defaults = MB_RUNTIME_SETTINGS_INIT;
    if (out == NULL) {
        return MB_ERR_ARG;
    }
    *out = NULL;
    if (settings == NULL) {
        settings = &defaults;
    }
    mb_allocator allocator = settings->allocator;
    if (allocator.allocate == NULL || allocator.release == NULL) {
        allocator = (mb_allocator){default_allocate, default_release, NULL};
    }
    mb_runtime *runtime = allocator.allocate(allocator.user, sizeof *runtime);
    if (runtime == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(runtime, 0, sizeof *runtime);
    runtime->allocator = allocator;
    runtime->limits = settings->limits;
    if (runtime->limits.bytes == 0) {
        runtime->limits.bytes = UINT64_C(16) << 30;
    }
    if (runtime->limits.objects == 0) {
        runtime->limits.objects = 40000000;
    }
    if (runtime->limits.depth == 0) {
        runtime->limits.depth = 64;
    }
    runtime->n_threads = settings->n_threads != 0 ? settings->n_threads : mb_runtime_processors();
    runtime->cpu = detect_cpu() & settings->cpu_mask;
    if ((runtime->cpu & MB_CPU_AVX2) == 0) {
        runtime->cpu = 0; // the AVX-512 kernels share the AVX2 ones' files and assume them
    }
    runtime->notice = settings->notice;
    runtime->notice_user = settings->notice_user;
    pthread_mutex_init(&runtime->notice_lock, NULL);
    pthread_mutex_init(&runtime->pool_lock, NULL);
    *out = runtime;
    return MB_OK;
}

void mb_runtime_destroy(mb_runtime *runtime) {
    if (runtime == NULL) {
        return;
    }
    mb_pool_destroy(runtime->pool);
    pthread_mutex_destroy(&runtime->notice_lock);
    pthread_mutex_destroy(&runtime->pool_lock);
    const mb_allocator allocator = runtime->allocator;
    allocator.release(allocator.user, runtime);
}

unsigned mb_runtime_threads(const mb_runtime *runtime) {
    return runtime->n_threads;
}

uint32_t mb_runtime_cpu(const mb_runtime *runtime) {
    return runtime->cpu;
}

uint64_t mb_runtime_allocations(const mb_runtime *runtime) {
    return atomic_load(&runtime->n_allocations);
}

mb_status mb_context_create(mb_runtime *runtime, mb_context **out) {
    if (out == NULL) {
        return MB_ERR_ARG;
    }
    *out = NULL;
    if (runtime == NULL) {
        return MB_ERR_ARG;
    }
    mb_context *ctx = runtime->allocator.allocate(runtime->allocator.user, sizeof *ctx);
    if (ctx == NULL) {
        return MB_ERR_MEMORY;
    }
    memset(ctx, 0, sizeof *ctx);
    ctx->runtime = runtime;
    *out = ctx;
    return MB_OK;
}

void mb_context_destroy(mb_context *ctx) {
    if (ctx != NULL) {
        ctx->runtime->allocator.release(ctx->runtime->allocator.user, ctx);
    }
}

mb_runtime *mb_context_runtime(mb_context *ctx) {
    return ctx->runtime;
}

const char *mb_context_error_text(const mb_context *ctx) {
    return ctx->text;
}

mb_status mb_context_status(const mb_context *ctx) {
    return ctx->status;
}

void mb_context_clear(mb_context *ctx) {
    ctx->status = MB_OK;
    ctx->text[0] = '\0';
}

const mb_limits *mb_context_limits(const mb_context *ctx) {
    return &ctx->runtime->limits;
}

const char *mb_version(void) {
    return MB_VERSION_TEXT;
}

const char *mb_status_name(mb_status status) {
    static const char *const names[] = {"ok", "argument", "memory", "io", "format", "shape",
        "range", "unsupported", "limit", "numeric", "cancelled", "internal"};
    return (size_t)status < MB_COUNT_OF(names) ? names[status] : "unknown";
}

mb_status mb_fail_list(mb_context *ctx, mb_status status, const char *format, va_list list) {
    if (ctx->status == MB_OK) {
        ctx->status = status;
        mb_format_list(ctx->text, sizeof ctx->text, format, list);
    }
    return status;
}

mb_status mb_fail(mb_context *ctx, mb_status status, const char *format, ...) {
    va_list list;
    va_start(list, format);
    mb_fail_list(ctx, status, format, list);
    va_end(list);
    return status;
}

mb_status mb_fail_from(mb_context *ctx, const mb_context *other) {
    if (ctx->status == MB_OK) {
        ctx->status = other->status;
        memcpy(ctx->text, other->text, sizeof ctx->text);
    }
    return other->status;
}

mb_status mb_fail_within(mb_context *ctx, const char *format, ...) {
    char prefix[MB_ERROR_TEXT_SIZE / 4];
    char text[MB_ERROR_TEXT_SIZE];
    va_list list;
    va_start(list, format);
    mb_format_list(prefix, sizeof prefix, format, list);
    va_end(list);
    memcpy(text, ctx->text, sizeof text);
    mb_format(ctx->text, sizeof ctx->text, "%s: %s", prefix, text);
    return ctx->status;
}

void mb_notice(mb_context *ctx, mb_notice_level level, const char *where, const char *format, ...) {
    mb_runtime *runtime = ctx->runtime;
    if (runtime->notice == NULL) {
        return;
    }
    char text[MB_ERROR_TEXT_SIZE];
    va_list list;
    va_start(list, format);
    mb_format_list(text, sizeof text, format, list);
    va_end(list);
    pthread_mutex_lock(&runtime->notice_lock);
    runtime->notice(runtime->notice_user, level, where, text);
    pthread_mutex_unlock(&runtime->notice_lock);
}
