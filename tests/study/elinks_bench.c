// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "elinks_bench.h"

#include "base/random.h"

#include <stdio.h>

void mb_bench_open(mb_bench *b) {
    b->next = 0;
    mb_test_world_open(&b->world, 1, MB_CPU_ALL);
    b->ctx = b->world.ctx;
    b->directory = mb_test_directory();
}

void mb_bench_close(mb_bench *b) {
    mb_test_remove_directory(b->directory);
    mb_test_world_close(&b->world);
}

const char *mb_bench_path(mb_bench *b, const char *name) {
    char *path = b->path[b->next++ % MB_BENCH_PATHS];
    snprintf(path, sizeof b->path[0], "%s/%s", b->directory, name);
    return path;
}

const char *mb_bench_save(mb_bench *b, const char *name, const char *text) {
    const char *path = mb_bench_path(b, name);
    assert_ok(b->ctx, mb_write_file(b->ctx, path, text, strlen(text)));
    return path;
}

char *mb_bench_load(mb_bench *b, const char *name) {
    char *text = NULL;
    size_t length = 0;
    assert_ok(b->ctx, mb_read_file(b->ctx, mb_bench_path(b, name), &text, &length));
    return text;
}

void mb_bench_put_names(mb_buffer *text, const char *stem, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(text, "%s%s%zu", i > 0 ? "," : "", stem, i);
    }
}

const char *mb_bench_save_charges(
    mb_bench *b, const char *name, size_t n, const char *more, const char *cells) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, 1);
    mb_buffer text;
    mb_buffer_init(&text, b->ctx);
    mb_bench_put_names(&text, "CALQ_", 48);
    mb_buffer_format(&text, "%s\n", more);
    for (size_t i = 0; i < n; i++) {
        const uint64_t share = mb_random_below(&random, 49);
        for (size_t k = 0; k < 48; k++) {
            const uint64_t charge =
                mb_random_below(&random, 48) < share ? mb_random_below(&random, 900) : 0;
            mb_buffer_format(&text, "%s%llu", k > 0 ? "," : "", (unsigned long long)charge);
        }
        mb_buffer_format(&text, "%s\n", cells);
    }
    const char *path = mb_bench_path(b, name);
    assert_ok(b->ctx, mb_write_buffer(&text, path));
    return path;
}
