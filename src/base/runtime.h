// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_RUNTIME_H
#define BASE_RUNTIME_H

#include "base/base.h"
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct mb_pool mb_pool;

struct mb_runtime {
    mb_allocator allocator;
    mb_limits limits;
    unsigned n_threads;
    uint32_t cpu;
    mb_notice_fn notice;
    void *notice_user;
    pthread_mutex_t notice_lock;
    pthread_mutex_t pool_lock; // guards the lazy start of the pool
    mb_pool *pool;
    atomic_uint_fast64_t n_allocations;
};

enum { MB_ERROR_TEXT_SIZE = 1024 };

struct mb_context {
    mb_runtime *runtime;
    mb_status status;
    bool is_worker; // a task's context: nested parallel calls stay on its thread
    char text[MB_ERROR_TEXT_SIZE];
};

void mb_pool_destroy(mb_pool *pool);
// Processors that this process may run on, at most as many as a runtime takes threads.
unsigned mb_runtime_processors(void);

#endif
