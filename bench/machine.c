// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// What this machine can do at most: fused multiply-adds and memory traffic, on one thread and on
// all. Shares of peak in the bench are shares of these.

#include "measure.h"
#include "minbias/status.h"
#include "peak.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_THREADS = 64, MAX_REPEATS = 15, TRIAD_FLOATS = 16 * 1024 * 1024 };

typedef struct worker {
    pthread_barrier_t *start;
    uint32_t cpu;
    size_t n_rounds;
    float *memory; // 3 x TRIAD_FLOATS; NULL: arithmetic instead
    float result;
} worker;

static void triad(float *restrict a, const float *restrict b, const float *restrict c) {
    for (size_t i = 0; i < TRIAD_FLOATS; i++) {
        a[i] = b[i] + 0.5f * c[i];
    }
}

static float arithmetic(uint32_t cpu, size_t n_rounds) {
#if defined(MB_HAVE_X86)
    if ((cpu & MB_CPU_AVX512) != 0) {
        return bench_peak_avx512(n_rounds);
    }
    if ((cpu & MB_CPU_AVX2) != 0) {
        return bench_peak_avx2(n_rounds);
    }
#endif
    (void)cpu;
    (void)n_rounds;
    return 0.0f;
}

static void *run(void *user) {
    worker *w = user;
    pthread_barrier_wait(w->start);
    if (w->memory != NULL) {
        triad(w->memory, w->memory + TRIAD_FLOATS, w->memory + (size_t)2 * TRIAD_FLOATS);
        w->result = w->memory[TRIAD_FLOATS / 2];
    } else {
        w->result = arithmetic(w->cpu, w->n_rounds);
    }
    return NULL;
}

// Seconds from the common start to the last worker's end; negative when no thread could be started.
static double together(worker *workers, size_t n) {
    pthread_t threads[MAX_THREADS];
    pthread_barrier_t start;
    if (pthread_barrier_init(&start, NULL, (unsigned)n + 1) != 0) {
        return -1.0;
    }
    for (size_t i = 0; i < n; i++) {
        workers[i].start = &start;
        if (pthread_create(&threads[i], NULL, run, &workers[i]) != 0) {
            // Those that wait at the barrier cannot be called back.
            fprintf(stderr, "bench_machine: no thread could be started\n");
            exit(1);
        }
    }
    pthread_barrier_wait(&start);
    const double begin = bench_seconds();
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    const double seconds = bench_seconds() - begin;
    pthread_barrier_destroy(&start);
    return seconds;
}

static void measure(const char *metric, const char *unit, worker *workers, size_t n, double work) {
    double seconds[MAX_REPEATS];
    const bench_load load = bench_load_now();
    for (size_t i = 0; i < MAX_REPEATS; i++) {
        seconds[i] = together(workers, n);
    }
    bench_sort(seconds, MAX_REPEATS);
    char name[64];
    snprintf(name, sizeof name, "%s_t%zu", metric, n);
    const bench_figure figure = {.metric = name,
        .unit = unit,
        .value = work / bench_quantile(seconds, MAX_REPEATS, 0.5),
        .best = work / seconds[0],
        .n = MAX_REPEATS,
        .other = bench_load_other(&load)};
    bench_print("machine", &figure);
}

int main(int argc, char **argv) {
    const size_t n_threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
    mb_runtime *runtime = NULL;
    if (n_threads < 1 || n_threads > MAX_THREADS || mb_runtime_create(NULL, &runtime) != MB_OK) {
        fprintf(stderr, "usage: bench_machine [THREADS]\n");
        return 2;
    }
    const uint32_t cpu = mb_runtime_cpu(runtime);
    mb_runtime_destroy(runtime);
    const size_t lanes = (cpu & MB_CPU_AVX512) != 0 ? 16 : 8;
    worker workers[MAX_THREADS] = {0};
    for (size_t n = 1; n <= n_threads; n++) {
        if (cpu != 0) {
            const size_t n_rounds = 20 * 1000 * 1000;
            for (size_t i = 0; i < n; i++) {
                workers[i] = (worker){.cpu = cpu, .n_rounds = n_rounds};
            }
            const double work = 2e-9 * (double)(n * n_rounds * lanes * (size_t)BENCH_PEAK_CHAINS);
            measure("fma", "GFLOP/s", workers, n, work);
        }
        for (size_t i = 0; i < n; i++) {
            workers[i].memory = malloc((size_t)3 * TRIAD_FLOATS * sizeof(float));
            if (workers[i].memory == NULL) {
                fprintf(stderr, "bench_machine: memory\n");
                return 1;
            }
            // Pages that nobody wrote are one page of zeros.
            for (size_t k = 0; k < (size_t)3 * TRIAD_FLOATS; k++) {
                workers[i].memory[k] = 1.0f;
            }
        }
        measure("triad", "GB/s", workers, n, 1e-9 * 12.0 * (double)n * TRIAD_FLOATS);
        for (size_t i = 0; i < n; i++) {
            free(workers[i].memory);
            workers[i].memory = NULL;
        }
    }
    return 0;
}
