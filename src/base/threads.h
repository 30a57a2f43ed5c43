// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include "base/base.h"

// One piece of parallel work. worker is below mb_runtime_threads: use it to find per-thread
// scratch. ctx belongs to the worker: failures recorded there reach the caller.
typedef mb_status (*mb_task_fn)(void *user, mb_context *ctx, size_t task, unsigned worker);

// Runs tasks 0..n_tasks on the runtime's threads, the calling one included, handing them out in
// rising order. Returns the error of the lowest failing index, whose text is then in ctx; after a
// failure tasks with higher indices may be left out. Called from inside a task it runs everything
// on that thread. Results must not depend on worker.
mb_status mb_parallel(mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) MB_MUST_CHECK;
// The same with at most n_threads threads.
mb_status mb_parallel_at_most(
    mb_context *ctx, unsigned n_threads, size_t n_tasks, mb_task_fn task, void *user) MB_MUST_CHECK;
// The same, but each thread begins with its own share of the tasks, the same one in every call of
// as many tasks, and helps the others when it is done: for calls in a row over the same rows, which
// then stay in the caches of the thread that wrote them.
mb_status mb_parallel_near(
    mb_context *ctx, size_t n_tasks, mb_task_fn task, void *user) MB_MUST_CHECK;

#endif
