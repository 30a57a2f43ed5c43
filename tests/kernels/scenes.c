// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>

static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 11, 12, 13, 23, 24, 25, 31, 240, 241};
static const size_t lengths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 33};
static const size_t channels[] = {1, 3, 7, 8, 9, 16, 17, 24, 25, 32, 40, 64, 72};

static const float canary = -77777.0F;

guarded guard(size_t n) {
    guarded g = {.n = n};
    g.memory = malloc((n + 2 * CANARIES + 1) * sizeof *g.memory);
    assert_non_null(g.memory);
    for (size_t i = 0; i < n + 2 * CANARIES + 1; i++) {
        g.memory[i] = canary;
    }
    g.floats = g.memory + CANARIES + 1;
    return g;
}

guarded guard_random(mb_random *random, size_t n) {
    guarded g = guard(n);
    for (size_t i = 0; i < n; i++) {
        // Zeros of both signs come often in rectified data.
        const uint64_t kind = mb_random_below(random, 8);
        g.floats[i] = kind == 0 ? 0.0F : kind == 1 ? -0.0F : (float)mb_random_normal(random);
    }
    return g;
}

guarded guard_copy(const guarded *from) {
    guarded g = guard(from->n);
    if (from->n > 0) {
        memcpy(g.floats, from->floats, from->n * sizeof *g.floats);
    }
    return g;
}

void check(guarded *got, guarded *wanted, const char *what) {
    mb_test_assert_same_bits(
        got->memory, wanted->memory, got->n + 2 * CANARIES + 1, sizeof(float), what);
    for (size_t i = 0; i < CANARIES; i++) {
        assert_true(got->memory[i] == canary && got->floats[got->n + i] == canary);
    }
    free(got->memory);
    free(wanted->memory);
}

void open_scene(scene *it, const shape *s, const char *kernel, const char *version) {
    memset(it, 0, sizeof *it);
    it->s = *s;
    it->width = mb_round_up(s->n_out, MB_LANES);
    it->base = calloc(s->n + 1, sizeof *it->base);
    it->run_offset = calloc(s->n_runs + 1, sizeof *it->run_offset);
    assert_true(it->base != NULL && it->run_offset != NULL);
    it->random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, (uint32_t)s->n);
    const size_t row = s->run_length + 5;
    for (size_t r = 0; r < s->n_runs; r++) {
        it->run_offset[r] = (uint32_t)(r * row);
    }
    for (size_t i = 0; i < s->n; i++) {
        it->base[i] = (uint32_t)(i * 3 % 100 + (i % 5 == 0 ? 1 : 0));
    }
    it->footprint = (mb_footprint){
        s->n_runs, s->run_length, mb_round_up(s->run_length, MB_LANES), it->run_offset};
    it->x_size = 101 + s->n_runs * row + it->footprint.run_pad;
    snprintf(it->what, sizeof it->what, "%s of %s: %zu positions, %zu runs of %zu, %zu channels",
        kernel, version, s->n, s->n_runs, s->run_length, s->n_out);
}

void close_scene(scene *it) {
    free(it->base);
    free(it->run_offset);
}

void check_all(check_fn check_one) {
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    const uint32_t cpu = mb_runtime_cpu(world.runtime);
    mb_test_world_close(&world);
    const mb_kernels *tables[3];
    const size_t n_tables = mb_kernels_all(cpu, tables);
    assert_string_equal(tables[0]->name, "c");
    for (size_t t = 1; t < n_tables; t++) {
        for (size_t i = 0; i < MB_COUNT_OF(counts); i++) {
            for (size_t j = 0; j < MB_COUNT_OF(lengths); j++) {
                const shape s = {counts[i], 1 + (i + j) % 4, lengths[j],
                    channels[(3 * i + j) % MB_COUNT_OF(channels)]};
                check_one(tables[t], &s);
            }
        }
        for (size_t j = 0; j < MB_COUNT_OF(channels); j++) {
            check_one(tables[t], &(shape){25, 3, 9, channels[j]});
        }
    }
    if ((cpu & MB_CPU_AVX2) == 0) {
        print_message("SKIPPED: this build or machine lacks AVX2\n");
    }
    if ((cpu & MB_CPU_AVX512) == 0) {
        print_message("SKIPPED: this build or machine lacks AVX-512\n");
    }
    if (n_tables == 1) {
        skip();
    }
}
