// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#define _XOPEN_SOURCE 700
#include "testing.h"

#include "base/output.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void print_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    (void)user;
    if (getenv("MB_TEST_NOTICES") != NULL) {
        print_message("%s: %s: %s\n", level == MB_NOTICE_WARNING ? "warning" : "note", where, text);
    }
}

void mb_test_world_open(mb_test_world *world, unsigned n_threads, uint32_t cpu_mask) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.n_threads = n_threads;
    settings.cpu_mask = cpu_mask;
    settings.notice = print_notice;
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
}

void mb_test_world_close(mb_test_world *world) {
    mb_context_destroy(world->ctx);
    mb_runtime_destroy(world->runtime);
}

static void *allocate_some(void *user, size_t bytes) {
    mb_test_memory *memory = user;
    if (memory->left == 0) {
        return NULL;
    }
    memory->left -= memory->left != SIZE_MAX;
    memory->n_held++;
    return aligned_alloc(64, mb_round_up(mb_max_size(bytes, 1), 64));
}

static void release_some(void *user, void *memory) {
    ((mb_test_memory *)user)->n_held -= memory != NULL;
    free(memory);
}

void mb_test_world_open_short(mb_test_world *world, mb_test_memory *memory) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    *memory = (mb_test_memory){SIZE_MAX, 0};
    settings.n_threads = 1;
    settings.notice = print_notice;
    settings.allocator = (mb_allocator){allocate_some, release_some, memory};
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
}

size_t mb_test_each_lack_of_memory(mb_test_call call, void *user) {
    mb_status status = MB_ERR_MEMORY;
    size_t n = 0;
    while (status != MB_OK) {
        mb_test_world world;
        mb_test_memory memory;
        mb_test_world_open_short(&world, &memory);
        const size_t n_held = memory.n_held;
        memory.left = n++;
        status = call(user, world.ctx);
        if ((status != MB_OK && status != MB_ERR_MEMORY) || memory.n_held != n_held ||
            mb_context_status(world.ctx) != status) {
            fail_msg("allocation %zu: %s, %zu blocks are not released; %s", n,
                mb_status_name(status), memory.n_held - n_held, mb_context_error_text(world.ctx));
        }
        mb_test_world_close(&world);
        assert_int_equal(memory.n_held, 0);
    }
    return n;
}

void mb_test_assert_fails(mb_context *ctx, mb_status got, mb_status wanted, const char *part,
    const char *call, const char *file, int line) {
    if (got != wanted || strstr(mb_context_error_text(ctx), part) == NULL) {
        print_error("%s: got %s (\"%s\"), wanted %s with \"%s\"\n", call, mb_status_name(got),
            mb_context_error_text(ctx), mb_status_name(wanted), part);
        _fail(file, line);
    }
    mb_context_clear(ctx);
}

void mb_test_assert_close(const float *got, const float *wanted, size_t n, double absolute,
    double relative, const char *what) {
    for (size_t i = 0; i < n; i++) {
        const double difference = fabs((double)got[i] - (double)wanted[i]);
        if (!(difference <= absolute + relative * fabs((double)wanted[i]))) {
            fail_msg("%s: element %zu of %zu is %.9g, wanted %.9g", what, i, n, (double)got[i],
                (double)wanted[i]);
        }
    }
}

void mb_test_assert_same_bits(
    const void *got, const void *wanted, size_t n, size_t size, const char *what) {
    const char *a = got;
    const char *b = wanted;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(a + i * size, b + i * size, size) != 0) {
            fail_msg("%s: element %zu of %zu differs in its bits", what, i, n);
        }
    }
}

const char *mb_test_source(const char *relative) {
    static char path[4096];
    const char *root = getenv("MB_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", relative);
    return path;
}

const char *mb_test_shared(const char *relative) {
    static char path[4096];
    const char *root = getenv("MB_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/../shared/data/%s", root != NULL ? root : ".", relative);
    if (access(path, R_OK) != 0) {
        print_message("SKIPPED: reference data %s is absent\n", relative);
        skip();
    }
    return path;
}

char *mb_test_directory(void) {
    const char *base = getenv("TMPDIR");
    char *path = malloc(4096);
    assert_non_null(path);
    snprintf(path, 4096, "%s/minbias-test-XXXXXX", base != NULL ? base : P_tmpdir);
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void mb_test_remove_directory(char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

size_t mb_test_count_entries(mb_context *ctx, const char *directory) {
    mb_names names;
    assert_ok(ctx, mb_names_of_directory(&names, ctx, directory));
    const size_t n = names.n;
    mb_names_clear(&names);
    return n;
}

void mb_test_limit_files(uint64_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? (rlim_t)bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

uint64_t mb_test_seed(void) {
    static uint64_t seed;
    if (seed == 0) {
        const char *text = getenv("MB_TEST_SEED");
        seed = text != NULL ? strtoull(text, NULL, 10) : 1;
        print_message("seed %llu\n", (unsigned long long)seed);
    }
    return seed;
}

size_t mb_test_put_filling(mb_buffer *text, size_t end, const mb_test_filling *rows) {
    size_t n = 0;
    while (text->length < end) {
        const size_t left = end - text->length;
        const size_t length = left < rows->usual + rows->shortest ? left : rows->usual;
        const size_t begin = text->length;
        mb_buffer_format(text, "%zu,", n);
        while (text->length - begin < length - strlen(rows->tail)) {
            mb_buffer_append(text, rows->fill, 1);
        }
        mb_buffer_text(text, rows->tail);
        n++;
    }
    return n;
}

char *mb_test_copy_exactly(const mb_buffer *text) {
    char *exact = malloc(text->length);
    assert_non_null(exact);
    memcpy(exact, text->data, text->length);
    return exact;
}
