// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/threads.h"

#include "base/runtime.h"

#include <sched.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

// A training step is a few hundred microseconds, of a dozen calls: going to sleep and being woken
// would cost a third of it. So whoever has just worked looks around for some tens of microseconds
// before it sleeps, and gives its processor to others meanwhile. Nobody takes the lock who need not
// sleep or wake another.
enum { SPIN_ROUNDS = 16, SPIN_PAUSES = 200 };

// The state of a pool: the job's number, so that a worker never runs one twice; whether workers may
// still join it; and how many have joined and not left.
#define STATE_JOB     ((uint64_t)1 << 32)
#define STATE_OPEN    ((uint64_t)1 << 31)
#define STATE_RUNNING (STATE_OPEN - 1)

// Tasks next to end, of one thread or of all; a cache line of its own.
typedef struct task_range {
    atomic_size_t next;
    size_t end;
    char padding[64 - 2 * sizeof(size_t)];
} task_range;

struct mb_pool {
    mb_runtime *runtime;
    unsigned n_workers; // threads beside the caller's
    pthread_t *threads;
    mb_context **contexts; // n_workers + 1; the last is the caller's
    task_range *ranges;    // n_workers + 1
    pthread_mutex_t lock;
    pthread_mutex_t use; // one parallel call at a time
    pthread_cond_t start, finished;
    atomic_uint_fast64_t state;
    atomic_uint n_asleep;
    atomic_bool caller_sleeps;
    atomic_uint n_invited;
    bool is_ending;
    bool spins; // every thread can have a processor of its own
    mb_task_fn task;
    void *user;
    unsigned n_ranges;
    atomic_size_t lowest_failure;
    mb_context failure;
};

// Its own range first, then what others have not begun.
static bool take_task(mb_pool *pool, unsigned worker, size_t *task) {
    for (unsigned i = 0; i < pool->n_ranges; i++) {
        task_range *range = &pool->ranges[(worker + i) % pool->n_ranges];
        if (atomic_load(&range->next) < range->end) {
            *task = atomic_fetch_add(&range->next, 1);
            if (*task < range->end) {
                return true;
            }
        }
    }
    return false;
}

static void run_tasks(mb_pool *pool, mb_context *ctx, unsigned worker) {
    size_t index;
    while (take_task(pool, worker, &index)) {
        // A lower index that failed decides the result: what comes after it need not run.
        if (index > atomic_load(&pool->lowest_failure)) {
            continue;
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

static uint64_t job_of(const mb_pool *pool) {
    return atomic_load(&pool->state) / STATE_JOB;
}

static uint64_t n_running(const mb_pool *pool) {
    return atomic_load(&pool->state) & STATE_RUNNING;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
    _mm_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void spin_while(const mb_pool *pool, uint64_t (*look)(const mb_pool *pool), uint64_t seen) {
    for (unsigned i = 0; i < SPIN_ROUNDS; i++) {
        for (unsigned k = 0; k < SPIN_PAUSES; k++) {
            if (look(pool) != seen) {
                return;
            }
            pause_briefly();
        }
        sched_yield();
    }
}

// Returns false when the pool ends.
static bool wait_for_job(mb_pool *pool, uint64_t seen) {
    if (pool->spins && seen != 0) {
        spin_while(pool, job_of, seen);
    }
    if (job_of(pool) != seen) {
        return true;
    }
    pthread_mutex_lock(&pool->lock);
    // Counted before the look at the job, as the caller looks at the count after it: one of the two
    // sees the other.
    atomic_fetch_add(&pool->n_asleep, 1);
    while (!pool->is_ending && job_of(pool) == seen) {
        pthread_cond_wait(&pool->start, &pool->lock);
    }
    atomic_fetch_sub(&pool->n_asleep, 1);
    const bool goes_on = !pool->is_ending;
    pthread_mutex_unlock(&pool->lock);
    return goes_on;
}

// Whoever wakes late, on a busy machine, finds the job closed: nobody waits for it.
static bool join_job(mb_pool *pool, unsigned index, uint64_t *seen) {
    uint64_t state = atomic_load(&pool->state);
    do {
        *seen = state / STATE_JOB;
        if ((state & STATE_OPEN) == 0 || index >= atomic_load(&pool->n_invited)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&pool->state, &state, state + 1));
    return true;
}

static void leave_job(mb_pool *pool) {
    const uint64_t before = atomic_fetch_sub(&pool->state, 1);
    if ((before & STATE_RUNNING) == 1 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *worker_main(void *argument) {
    const worker_start start = *(worker_start *)argument;
    mb_pool *pool = start.pool;
    mb_runtime_release(pool->runtime, argument);
    uint64_t seen = 0;
    while (wait_for_job(pool, seen)) {
        if (join_job(pool, start.index, &seen)) {
            run_tasks(pool, pool->contexts[start.index], start.index + 1);
            leave_job(pool);
        }
    }
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
    mb_runtime_release(pool->runtime, pool->ranges);
    mb_runtime_release(pool->runtime, pool);
}

static mb_status start_workers(mb_pool *pool, mb_context *ctx) {
    const unsigned n = pool->runtime->n_threads;
    pool->threads = mb_allocate(ctx, n, sizeof *pool->threads);
    pool->contexts = mb_allocate_zeroed(ctx, n, sizeof *pool->contexts);
    pool->ranges = mb_allocate_zeroed(ctx, n, sizeof *pool->ranges);
    if (pool->threads == NULL || pool->contexts == NULL || pool->ranges == NULL) {
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

static void open_job(mb_pool *pool, unsigned n_threads, size_t n_tasks) {
    for (unsigned i = 0; i < pool->n_ranges; i++) {
        const size_t each = n_tasks / pool->n_ranges, rest = n_tasks % pool->n_ranges;
        atomic_store(&pool->ranges[i].next, i * each + mb_min_size(i, rest));
        pool->ranges[i].end = (i + 1) * each + mb_min_size(i + 1, rest);
    }
    atomic_store(&pool->lowest_failure, SIZE_MAX);
    atomic_store(&pool->n_invited, n_threads - 1);
    atomic_store(&pool->caller_sleeps, false);
    atomic_store(&pool->state, (job_of(pool) + 1) * STATE_JOB | STATE_OPEN);
    if (atomic_load(&pool->n_asleep) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->start);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void close_job(mb_pool *pool) {
    atomic_fetch_and(&pool->state, ~STATE_OPEN);
    for (uint64_t n = n_running(pool); pool->spins && n > 0; n = n_running(pool)) {
        spin_while(pool, n_running, n);
        if (n_running(pool) == n) {
            break;
        }
    }
    if (n_running(pool) == 0) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_sleeps, true);
    while (n_running(pool) > 0) {
        pthread_cond_wait(&pool->finished, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

static mb_status run_parallel(
    mb_context *ctx, size_t n_threads, bool is_near, size_t n_tasks, mb_task_fn task, void *user) {
    const size_t n = mb_min_size(mb_min_size(n_threads, ctx->runtime->n_threads), n_tasks);
    // A nested call has the outer call's worker index for its scratch only if it stays on its
    // thread; index 0 is then this caller's own, as each parallel call has scratch of its own.
    if (n <= 1 || ctx->is_worker) {
        return run_alone(ctx, n_tasks, task, user);
    }
    mb_pool *pool = NULL;
    MB_TRY(get_pool(ctx, &pool));
    pthread_mutex_lock(&pool->use);
    pool->task = task;
    pool->user = user;
    pool->n_ranges = is_near ? (unsigned)n : 1;
    open_job(pool, (unsigned)n, n_tasks);
    run_tasks(pool, pool->contexts[pool->runtime->n_threads - 1], 0);
    close_job(pool);
    mb_status status = MB_OK;
    if (atomic_load(&pool->lowest_failure) != SIZE_MAX) {
        status = mb_fail_from(ctx, &pool->failure);
    }
    pthread_mutex_unlock(&pool->use);
    return status;
}

mb_status mb_parallel_at_most(
    mb_context *ctx, unsigned n_threads, size_t n_tasks, mb_task_fn task, void *user) {
    return run_parallel(ctx, n_threads, false, n_tasks, task, user);
}

mb_status mb_parallel(mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) {
    return run_parallel(ctx, ctx->runtime->n_threads, false, n_tasks, task, user);
}

mb_status mb_parallel_near(mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) {
    return run_parallel(ctx, ctx->runtime->n_threads, true, n_tasks, task, user);
}
