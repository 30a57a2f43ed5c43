// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#if defined(__linux__)
#define _GNU_SOURCE // sched_setaffinity
#endif

#include "base/threads.h"
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 4, TASKS = 1000 };

typedef struct counts {
    atomic_int runs[TASKS];
    atomic_uint highest_worker;
    size_t first_failing, every; // tasks first_failing, first_failing + every ... fail
} counts;

static mb_status count(void *user, mb_context *ctx, size_t task, unsigned worker) {
    counts *c = user;
    atomic_fetch_add(&c->runs[task], 1);
    unsigned highest = atomic_load(&c->highest_worker);
    while (
        worker > highest && !atomic_compare_exchange_weak(&c->highest_worker, &highest, worker)) {
    }
    return c->every > 0 && task >= c->first_failing && (task - c->first_failing) % c->every == 0
               ? mb_fail(ctx, MB_ERR_RANGE, "task %zu: fails; that is its purpose", task)
               : MB_OK;
}

static void test_threads__every_task_runs_once(void **state) {
    (void)state;
    static const size_t numbers[] = {0, 1, 2, THREADS, THREADS + 1, TASKS};
    for (unsigned n_threads = 1; n_threads <= THREADS; n_threads++) {
        mb_test_world world;
        mb_test_world_open(&world, n_threads, 0);
        for (size_t i = 0; i < MB_COUNT_OF(numbers); i++) {
            counts *c = calloc(1, sizeof *c);
            assert_non_null(c);
            assert_ok(world.ctx, mb_parallel(world.ctx, numbers[i], count, c));
            assert_ok(world.ctx, mb_parallel_near(world.ctx, numbers[i], count, c));
            for (size_t k = 0; k < TASKS; k++) {
                assert_int_equal(c->runs[k], k < numbers[i] ? 2 : 0);
            }
            assert_true(c->highest_worker < n_threads);
            free(c);
        }
        mb_test_world_close(&world);
    }
}

static void test_threads__the_lowest_failure_is_reported(void **state) {
    (void)state;
    for (unsigned n_threads = 1; n_threads <= THREADS; n_threads++) {
        mb_test_world world;
        mb_test_world_open(&world, n_threads, 0);
        for (size_t first = 0; first < TASKS; first += 111) {
            char text[32];
            counts *c = calloc(1, sizeof *c);
            assert_non_null(c);
            c->first_failing = first;
            c->every = 7;
            (void)snprintf(text, sizeof text, "task %zu:", first);
            assert_fails(world.ctx, mb_parallel(world.ctx, TASKS, count, c), MB_ERR_RANGE, text);
            assert_fails(
                world.ctx, mb_parallel_near(world.ctx, TASKS, count, c), MB_ERR_RANGE, text);
            for (size_t k = 0; k <= first; k++) {
                assert_int_equal(c->runs[k], 2);
            }
            free(c);
        }
        mb_test_world_close(&world);
    }
}

typedef struct gathering {
    atomic_uint n_here;
    unsigned n_calls, worker[THREADS];
} gathering;

// Waits for all others, so that every thread has one task and nobody helps.
static mb_status gather(void *user, mb_context *ctx, size_t task, unsigned worker) {
    gathering *g = user;
    (void)ctx;
    atomic_fetch_add(&g->n_here, 1);
    while (atomic_load(&g->n_here) < THREADS * g->n_calls) {
        (void)sched_yield();
    }
    g->worker[task] = worker;
    return MB_OK;
}

static void test_threads__a_share_stays_with_its_thread(void **state) {
    (void)state;
    mb_test_world world;
    gathering g = {.n_calls = 0};
    mb_test_world_open(&world, THREADS, 0);
    for (int i = 0; i < 200; i++) {
        g.n_calls++;
        assert_ok(world.ctx, mb_parallel_near(world.ctx, THREADS, gather, &g));
        for (unsigned k = 0; k < THREADS; k++) {
            assert_int_equal(g.worker[k], k);
        }
    }
    mb_test_world_close(&world);
}

static mb_status inner(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)ctx;
    (void)task;
    atomic_fetch_add((atomic_size_t *)user, 1);
    return worker == 0 ? MB_OK : MB_ERR_INTERNAL;
}

static mb_status outer(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)task;
    (void)worker;
    return mb_parallel(ctx, 3, inner, user);
}

static void test_threads__a_call_within_a_task_stays_on_its_thread(void **state) {
    (void)state;
    mb_test_world world;
    atomic_size_t n = 0;
    mb_test_world_open(&world, THREADS, 0);
    assert_ok(world.ctx, mb_parallel(world.ctx, 50, outer, &n));
    assert_int_equal(n, 150);
    mb_test_world_close(&world);
}

static void *call_often(void *user) {
    mb_context *ctx = NULL;
    counts *c = calloc(1, sizeof *c);
    bool is_good = c != NULL && mb_context_create(user, &ctx) == MB_OK;
    for (int i = 1; i <= 50 && is_good; i++) {
        is_good = mb_parallel(ctx, 20, count, c) == MB_OK;
        for (size_t k = 0; k < 20; k++) {
            is_good = is_good && c->runs[k] == i;
        }
    }
    mb_context_destroy(ctx);
    free(c);
    return is_good ? user : NULL;
}

static void test_threads__several_callers_share_a_runtime(void **state) {
    (void)state;
    mb_test_world world;
    pthread_t callers[3];
    mb_test_world_open(&world, THREADS, 0);
    for (size_t i = 0; i < MB_COUNT_OF(callers); i++) {
        assert_int_equal(pthread_create(&callers[i], NULL, call_often, world.runtime), 0);
    }
    for (size_t i = 0; i < MB_COUNT_OF(callers); i++) {
        void *result = NULL;
        pthread_join(callers[i], &result);
        assert_non_null(result);
    }
    mb_test_world_close(&world);
}

typedef struct meter {
    atomic_int n_left, n_live;
} meter;

static void *allocate(void *user, size_t bytes) {
    meter *m = user;
    if (atomic_fetch_sub(&m->n_left, 1) <= 0) {
        return NULL;
    }
    atomic_fetch_add(&m->n_live, 1);
    return aligned_alloc(64, mb_round_up(bytes, 64));
}

static void release(void *user, void *memory) {
    meter *m = user;
    if (memory != NULL) {
        atomic_fetch_sub(&m->n_live, 1);
    }
    free(memory);
}

static void test_threads__a_start_without_memory_leaves_nothing_behind(void **state) {
    (void)state;
    mb_status status = MB_ERR_MEMORY;
    int k = 0;
    for (; status != MB_OK; k++) {
        mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
        meter m = {.n_left = k};
        mb_runtime *runtime = NULL;
        mb_context *ctx = NULL;
        counts *c = calloc(1, sizeof *c);
        assert_non_null(c);
        settings.allocator = (mb_allocator){allocate, release, &m};
        settings.n_threads = THREADS;
        status = mb_runtime_create(&settings, &runtime);
        assert_true((status == MB_OK) == (runtime != NULL));
        if (status == MB_OK) {
            status = mb_context_create(runtime, &ctx);
            assert_true((status == MB_OK) == (ctx != NULL));
        }
        if (status == MB_OK) {
            status = mb_parallel(ctx, 10, count, c);
            assert_int_equal(mb_context_status(ctx), status);
        }
        assert_true(status == MB_OK || status == MB_ERR_MEMORY);
        mb_context_destroy(ctx);
        mb_runtime_destroy(runtime);
        assert_int_equal(m.n_live, 0);
        free(c);
    }
    assert_true(k > THREADS);
}

static void test_threads__as_many_as_the_process_may_run_on(void **state) {
    (void)state;
#if defined(__linux__)
    cpu_set_t before;
    cpu_set_t one;
    mb_test_world world;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    mb_test_world_open(&world, 0, 0);
    assert_int_equal(mb_runtime_threads(world.runtime), CPU_COUNT(&before));
    mb_test_world_close(&world);
    size_t first = 0;
    while (!CPU_ISSET(first, &before)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    mb_test_world_open(&world, 0, 0);
    assert_int_equal(mb_runtime_threads(world.runtime), 1);
    mb_test_world_close(&world);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
#else
    print_message("SKIPPED: only Linux tells which processors a process may run on\n");
    skip();
#endif
}

static double processor_seconds(void) {
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Workers look around for a next job; one that comes late finds them asleep, having used nothing.
static void test_threads__idle_workers_fall_asleep_and_come_back(void **state) {
    (void)state;
    const struct timespec pause = {0, 200000000};
    for (unsigned n_threads = 2; n_threads <= THREADS; n_threads++) {
        mb_test_world world;
        mb_test_world_open(&world, n_threads, 0);
        for (size_t n_jobs = 1; n_jobs <= 100; n_jobs *= 10) {
            counts *c = calloc(1, sizeof *c);
            assert_non_null(c);
            for (size_t i = 0; i < n_jobs; i++) {
                assert_ok(world.ctx, mb_parallel(world.ctx, THREADS, count, c));
            }
            const double before = processor_seconds();
            nanosleep(&pause, NULL);
            assert_true(processor_seconds() - before < 0.05);
            for (size_t k = 0; k < THREADS; k++) {
                assert_int_equal(c->runs[k], n_jobs);
            }
            free(c);
        }
        mb_test_world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads__every_task_runs_once),
        cmocka_unit_test(test_threads__the_lowest_failure_is_reported),
        cmocka_unit_test(test_threads__a_share_stays_with_its_thread),
        cmocka_unit_test(test_threads__a_call_within_a_task_stays_on_its_thread),
        cmocka_unit_test(test_threads__several_callers_share_a_runtime),
        cmocka_unit_test(test_threads__idle_workers_fall_asleep_and_come_back),
        cmocka_unit_test(test_threads__a_start_without_memory_leaves_nothing_behind),
        cmocka_unit_test(test_threads__as_many_as_the_process_may_run_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
