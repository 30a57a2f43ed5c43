// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/threads.h"

#include "base/runtime.h"

#include <sched.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

// A training step is a few hundred microseconds: going to sleep and being woken would cost a third
// of it. So whoever has just worked looks around for some tens of microseconds before it sleeps,
// and gives its processor to others meanwhile.
enum { SPIN_ROUNDS = 48, SPIN_PAUSES = 48 };

struct mb_pool {
    mb_runtime *runtime;
    unsigned n_workers; // threads beside the caller's
    pthread_t *threads;
    mb_context **contexts; // n_workers + 1; the last is the caller's
    pthread_mutex_t lock;
    pthread_mutex_t use; // one parallel call at a time
    pthread_cond_t start, finished;
    // Counts jobs, so that a worker never runs one twice. It and n_running change under the lock,
    // but are looked at without it.
    atomic_uint_fast64_t generation;
    atomic_uint n_running;
    unsigned n_invited;
    bool is_open; // workers may still join the job
    bool is_ending;
    bool spins; // every thread can have a processor of its own
    mb_task_fn task;
    void *user;
    size_t n_tasks;
    atomic_size_t next, lowest_failure;
    mb_context failure;
};

static void run_tasks(mb_pool *pool, mb_context *ctx, unsigned worker) {
    for (;;) {
        const size_t index = atomic_fetch_add(&pool->next, 1);
        // A lower index that failed decides the result: what comes after it need not run.
        if (index >= pool->n_tasks || index > atomic_load(&pool->lowest_failure)) {
            return;
        }
        mb_context_clear(ctx);
        const mb_status status = pool->task(pool->user, ctx, index, worker);
        if (status != MB_OK) {
            pthread_mutex_lock(&pool->lock);
            if (index < atomic_load(&pool->lowest_failure)) {
                atomic_store(&pool->lowest_failure, index);
                mb_context_clear(&pool->failure);
                ctx->status = status;
                mb_fail_from(&pool->failure, ctx);
            }
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

typedef struct worker_start {
    mb_pool *pool;
    unsigned index;
} worker_start;

static void pause_briefly(void) {
    for (unsigned i = 0; i < SPIN_PAUSES; i++) {
#if defined(__x86_64__)
        _mm_pause();
#else
        atomic_signal_fence(memory_order_seq_cst);
#endif
    }
    sched_yield();
}

static void spin_for_job(mb_pool *pool, uint64_t seen) {
    for (unsigned i = 0; i < SPIN_ROUNDS && atomic_load(&pool->generation) == seen; i++) {
        pause_briefly();
    }
}

static void spin_for_end(mb_pool *pool) {
    for (unsigned i = 0; i < SPIN_ROUNDS && atomic_load(&pool->n_running) > 0; i++) {
        pause_briefly();
    }
}

static void *worker_main(void *argument) {
    const worker_start start = *(worker_start *)argument;
    mb_pool *pool = start.pool;
    mb_runtime_release(pool->runtime, argument);
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->is_ending && atomic_load(&pool->generation) == seen) {
            pthread_cond_wait(&pool->start, &pool->lock);
        }
        if (pool->is_ending) {
            break;
        }
        seen = atomic_load(&pool->generation);
        // Whoever wakes late, on a busy machine, finds the job closed: nobody waits for it.
        if (!pool->is_open || start.index >= pool->n_invited) {
            continue;
        }
        atomic_fetch_add(&pool->n_running, 1);
        pthread_mutex_unlock(&pool->lock);
        run_tasks(pool, pool->contexts[start.index], start.index + 1);
        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub(&pool->n_running, 1) == 1) {
            pthread_cond_signal(&pool->finished);
        }
        if (pool->spins) {
            pthread_mutex_unlock(&pool->lock);
            spin_for_job(pool, seen);
            pthread_mutex_lock(&pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void mb_pool_destroy(mb_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_workers; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    for (unsigned i = 0; pool->contexts != NULL && i < pool->runtime->n_threads; i++) {
        mb_context_destroy(pool->contexts[i]);
    }
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->use);
    mb_runtime_release(pool->runtime, pool->threads);
    mb_runtime_release(pool->runtime, pool->contexts);
    mb_runtime_release(pool->runtime, pool);
}

static mb_status start_workers(mb_pool *pool, mb_context *ctx) {
    const unsigned n = pool->runtime->n_threads;
    pool->threads = mb_allocate(ctx, n, sizeof *pool->threads);
    pool->contexts = mb_allocate_zeroed(ctx, n, sizeof *pool->contexts);
    if (pool->threads == NULL || pool->contexts == NULL) {
        return MB_ERR_MEMORY;
    }
    for (unsigned i = 0; i < n; i++) {
        if (mb_context_create(pool->runtime, &pool->contexts[i]) != MB_OK) {
            return mb_fail(
                ctx, MB_ERR_MEMORY, "threads: no memory for worker %u; free some memory", i);
        }
        pool->contexts[i]->is_worker = true;
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        worker_start *start = mb_allocate(ctx, 1, sizeof *start);
        if (start == NULL) {
            return MB_ERR_MEMORY;
        }
        *start = (worker_start){pool, i};
        if (pthread_create(&pool->threads[i], NULL, worker_main, start) != 0) {
            mb_release(ctx, start);
            return mb_fail(ctx, MB_ERR_MEMORY,
                "threads: worker %u of %u could not be started; use fewer with --threads", i + 1,
                n);
        }
        pool->n_workers++;
    }
    return MB_OK;
}

static mb_status get_pool(mb_context *ctx, mb_pool **out) {
    mb_runtime *runtime = ctx->runtime;
    mb_status status = MB_OK;
    pthread_mutex_lock(&runtime->pool_lock);
    if (runtime->pool == NULL) {
        mb_pool *pool = mb_allocate_zeroed(ctx, 1, sizeof *pool);
        if (pool == NULL) {
            status = MB_ERR_MEMORY;
        } else {
            pool->runtime = runtime;
            pool->failure.runtime = runtime;
            pool->spins = runtime->n_threads <= mb_runtime_processors();
            pthread_mutex_init(&pool->lock, NULL);
            pthread_mutex_init(&pool->use, NULL);
            pthread_cond_init(&pool->start, NULL);
            pthread_cond_init(&pool->finished, NULL);
            status = start_workers(pool, ctx);
            if (status == MB_OK) {
                runtime->pool = pool;
            } else {
                mb_pool_destroy(pool);
            }
        }
    }
    *out = runtime->pool;
    pthread_mutex_unlock(&runtime->pool_lock);
    return status;
}

static mb_status run_alone(mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) {
    for (size_t i = 0; i < n_tasks; i++) {
        MB_TRY(task(user, ctx, i, 0));
    }
    return MB_OK;
}

mb_status mb_parallel_at_most(
    mb_context *ctx, unsigned n_threads, size_t n_tasks, mb_task_fn task, void *user) {
    const size_t n = mb_min_size(mb_min_size(n_threads, ctx->runtime->n_threads), n_tasks);
    // A nested call has the outer call's worker index for its scratch only if it stays on its
    // thread; index 0 is then this caller's own, as each parallel call has scratch of its own.
    if (n <= 1 || ctx->is_worker) {
        return run_alone(ctx, n_tasks, task, user);
    }
    mb_pool *pool = NULL;
    MB_TRY(get_pool(ctx, &pool));
    pthread_mutex_lock(&pool->use);
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->user = user;
    pool->n_tasks = n_tasks;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->lowest_failure, SIZE_MAX);
    pool->n_invited = (unsigned)n - 1;
    atomic_store(&pool->n_running, 0);
    pool->is_open = true;
    atomic_fetch_add(&pool->generation, 1);
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    run_tasks(pool, pool->contexts[pool->runtime->n_threads - 1], 0);
    pthread_mutex_lock(&pool->lock);
    pool->is_open = false;
    if (pool->spins) {
        pthread_mutex_unlock(&pool->lock);
        spin_for_end(pool);
        pthread_mutex_lock(&pool->lock);
    }
    while (atomic_load(&pool->n_running) > 0) {
        pthread_cond_wait(&pool->finished, &pool->lock);
    }
    mb_status status = MB_OK;
    if (atomic_load(&pool->lowest_failure) != SIZE_MAX) {
        status = mb_fail_from(ctx, &pool->failure);
    }
    pthread_mutex_unlock(&pool->lock);
    pthread_mutex_unlock(&pool->use);
    return status;
}

mb_status mb_parallel(mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) {
    return mb_parallel_at_most(ctx, ctx->runtime->n_threads, n_tasks, task, user);
}
