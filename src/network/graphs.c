// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/graphs.h"

#include "base/threads.h"

enum { GRAPHS_PER_TASK = 8 };

bool mb_graph_sort(size_t n_nodes, size_t n_edges, const int32_t *source,
    const int32_t *destination, uint32_t *memory, mb_graph *out) {
    for (size_t e = 0; e < n_edges; e++) {
        if (source[e] < 0 || destination[e] < 0 || (size_t)source[e] >= n_nodes ||
            (size_t)destination[e] >= n_nodes) {
            return false;
        }
    }
    mb_graph_build(n_nodes, n_edges, source, destination, memory, out);
    return true;
}

mb_status mb_graph_edges_check(mb_context *ctx, const char *name, const mb_graph_edges *edges) {
    for (size_t i = 0; i < edges->n; i++) {
        const uint64_t begin = edges->edge_offset[i];
        const uint64_t end = edges->edge_offset[i + 1];
        const uint64_t n_nodes = edges->node_offset[i + 1] - edges->node_offset[i];
        if (n_nodes >= UINT32_MAX || end - begin >= UINT32_MAX) {
            return mb_fail(ctx, MB_ERR_LIMIT,
                "%s: event %zu has more nodes or edges than 32 bits count; split it", name, i);
        }
        for (uint64_t e = begin; e < end; e++) {
            const bool is_source = edges->source[e] < 0 || (uint64_t)edges->source[e] >= n_nodes;
            const int32_t node = is_source ? edges->source[e] : edges->destination[e];
            if (node < 0 || (uint64_t)node >= n_nodes) {
                return mb_fail(ctx, MB_ERR_RANGE,
                    "%s: event %zu: edge %llu joins node %d, but the event has %llu nodes; correct "
                    "the edges",
                    name, i, (unsigned long long)(e - begin), node, (unsigned long long)n_nodes);
            }
        }
    }
    return MB_OK;
}

typedef struct sort_job {
    const mb_graph_edges *edges;
    mb_graph_set *set;
    const size_t *at; // of each graph's words
} sort_job;

static size_t words_of(const mb_graph_edges *edges, size_t i) {
    return mb_graph_words((size_t)(edges->node_offset[i + 1] - edges->node_offset[i]),
        (size_t)(edges->edge_offset[i + 1] - edges->edge_offset[i]));
}

static mb_status sort_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const sort_job *job = user;
    const mb_graph_edges *edges = job->edges;
    (void)ctx;
    (void)worker;
    for (size_t i = task * GRAPHS_PER_TASK; i < mb_min_size((task + 1) * GRAPHS_PER_TASK, edges->n);
         i++) {
        const uint64_t begin = edges->edge_offset[i];
        mb_graph_build((size_t)(edges->node_offset[i + 1] - edges->node_offset[i]),
            (size_t)(edges->edge_offset[i + 1] - begin), edges->source + begin,
            edges->destination + begin, job->set->memory + job->at[i], &job->set->graphs[i]);
    }
    return MB_OK;
}

static mb_status fill(mb_context *ctx, const mb_graph_edges *edges, mb_graph_set *set) {
    size_t *at = mb_allocate(ctx, edges->n + 1, sizeof *at);
    size_t n_words = 0;
    if (at == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < edges->n; i++) {
        at[i] = n_words;
        n_words += words_of(edges, i);
    }
    set->n = edges->n;
    set->graphs = mb_allocate_zeroed(ctx, mb_max_size(edges->n, 1), sizeof *set->graphs);
    set->memory = mb_allocate(ctx, mb_max_size(n_words, 1), sizeof *set->memory);
    mb_status status = set->graphs == NULL || set->memory == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK) {
        sort_job job = {edges, set, at};
        status =
            mb_parallel(ctx, (edges->n + GRAPHS_PER_TASK - 1) / GRAPHS_PER_TASK, sort_task, &job);
    }
    mb_release(ctx, at);
    return status;
}

mb_status mb_graph_set_create(
    mb_context *ctx, const char *name, const mb_graph_edges *edges, mb_graph_set **out) {
    *out = NULL;
    MB_TRY(mb_graph_edges_check(ctx, name, edges));
    mb_graph_set *set = mb_allocate_zeroed(ctx, 1, sizeof *set);
    if (set == NULL) {
        return MB_ERR_MEMORY;
    }
    set->runtime = mb_context_runtime(ctx);
    const mb_status status = fill(ctx, edges, set);
    if (status != MB_OK) {
        mb_graph_set_destroy(set);
        return status;
    }
    *out = set;
    return MB_OK;
}

void mb_graph_set_destroy(mb_graph_set *set) {
    if (set == NULL) {
        return;
    }
    mb_runtime *runtime = set->runtime;
    mb_runtime_release(runtime, set->graphs);
    mb_runtime_release(runtime, set->memory);
    mb_runtime_release(runtime, set);
}
