// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/graphs.h"

#include "base/threads.h"

bool mb_graph_sort(const mb_graph_kernels *kernels, size_t n_nodes, size_t n_edges,
    const int32_t *source, const int32_t *destination, uint32_t *memory, mb_graph *out) {
    if (!kernels->are_nodes(n_edges, source, n_nodes) ||
        !kernels->are_nodes(n_edges, destination, n_nodes)) {
        return false;
    }
    mb_graph_build(n_nodes, n_edges, source, destination, false, memory, out);
    return true;
}

static mb_status check_graph(
    mb_context *ctx, const char *name, const mb_graph_edges *edges, size_t graph) {
    const uint64_t begin = edges->edge_offset[graph];
    const uint64_t end = edges->edge_offset[graph + 1];
    const uint64_t n_nodes = edges->node_offset[graph + 1] - edges->node_offset[graph];
    if (n_nodes >= UINT32_MAX || end - begin >= UINT32_MAX) {
        return mb_fail(ctx, MB_ERR_LIMIT,
            "%s: event %zu has more nodes or edges than 32 bits count; split it", name, graph);
    }
    const mb_graph_kernels *kernels =
        mb_kernels_for(mb_runtime_cpu(mb_context_runtime(ctx)))->graph;
    if (kernels->are_nodes((size_t)(end - begin), edges->source + begin, (size_t)n_nodes) &&
        kernels->are_nodes((size_t)(end - begin), edges->destination + begin, (size_t)n_nodes)) {
        return MB_OK;
    }
    for (uint64_t e = begin; e < end; e++) {
        const bool is_source = edges->source[e] < 0 || (uint64_t)edges->source[e] >= n_nodes;
        const int32_t node = is_source ? edges->source[e] : edges->destination[e];
        if (node < 0 || (uint64_t)node >= n_nodes) {
            return mb_fail(ctx, MB_ERR_RANGE,
                "%s: event %zu: edge %llu joins node %d, but the event has %llu nodes; correct "
                "the edges",
                name, graph, (unsigned long long)(e - begin), node, (unsigned long long)n_nodes);
        }
    }
    return MB_OK;
}

mb_status mb_graph_edges_check(mb_context *ctx, const char *name, const mb_graph_edges *edges) {
    for (size_t i = 0; i < edges->n; i++) {
        MB_TRY(check_graph(ctx, name, edges, i));
    }
    return MB_OK;
}

// Graphs sorted by one thread at a time.
enum { TASK_GRAPHS = 8 };

typedef struct sorting {
    const char *name;
    const mb_graph_edges *edges;
    bool has_out;
    mb_graph_set *set;
} sorting;

// Of so many graphs with so many nodes and edges in all.
static size_t words_of(size_t n, uint64_t n_nodes, uint64_t n_edges, bool has_out) {
    return mb_graph_words((size_t)n_nodes, (size_t)n_edges, has_out) +
           n * mb_graph_words(0, 0, has_out);
}

// Checks and sorts one graph.
static mb_status sort_graph(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    size_t graph, bool has_out, uint32_t *memory, mb_graph *out) {
    const uint64_t node = edges->node_offset[graph], edge = edges->edge_offset[graph];
    MB_TRY(check_graph(ctx, name, edges, graph));
    mb_graph_build((size_t)(edges->node_offset[graph + 1] - node),
        (size_t)(edges->edge_offset[graph + 1] - edge), edges->source + edge,
        edges->destination + edge, has_out, memory, out);
    return MB_OK;
}

static mb_status sort_graphs(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const sorting *s = user;
    const mb_graph_edges *edges = s->edges;
    const size_t end = mb_min_size(edges->n, (task + 1) * TASK_GRAPHS);
    (void)worker;
    for (size_t i = task * TASK_GRAPHS; i < end; i++) {
        const size_t place = words_of(i, edges->node_offset[i], edges->edge_offset[i], s->has_out);
        MB_TRY(sort_graph(
            ctx, s->name, edges, i, s->has_out, s->set->memory + place, &s->set->graphs[i]));
    }
    return MB_OK;
}

// A set of n graphs that are still to be sorted.
static mb_status reserve(mb_context *ctx, size_t n, uint64_t n_nodes, uint64_t n_edges,
    bool has_out, mb_graph_set **out) {
    *out = NULL;
    mb_graph_set *set = mb_allocate_zeroed(ctx, 1, sizeof *set);
    if (set == NULL) {
        return MB_ERR_MEMORY;
    }
    set->runtime = mb_context_runtime(ctx);
    set->n = n;
    set->graphs = mb_allocate_zeroed(ctx, mb_max_size(n, 1), sizeof *set->graphs);
    set->memory = mb_allocate(ctx, words_of(n, n_nodes, n_edges, has_out), sizeof *set->memory);
    if (set->graphs == NULL || set->memory == NULL) {
        mb_graph_set_destroy(set);
        return MB_ERR_MEMORY;
    }
    *out = set;
    return MB_OK;
}

mb_status mb_graph_set_create(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    bool has_out, mb_graph_set **out) {
    const size_t n = edges->n;
    MB_TRY(reserve(ctx, n, edges->node_offset[n], edges->edge_offset[n], has_out, out));
    sorting s = {name, edges, has_out, *out};
    const mb_status status = mb_parallel(ctx, (n + TASK_GRAPHS - 1) / TASK_GRAPHS, sort_graphs, &s);
    if (status != MB_OK) {
        mb_graph_set_destroy(*out);
        *out = NULL;
    }
    return status;
}

mb_status mb_graph_set_reserve(
    mb_context *ctx, size_t n, size_t n_nodes, size_t n_edges, mb_graph_set **out) {
    return reserve(ctx, n, n_nodes, n_edges, false, out);
}

mb_status mb_graph_set_sort(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    const uint32_t *rows, size_t n, mb_graph_set *set) {
    uint32_t *memory = set->memory;
    for (size_t i = 0; i < n; i++) {
        mb_graph *graph = &set->graphs[i];
        MB_TRY(sort_graph(ctx, name, edges, rows[i], false, memory, graph));
        memory += mb_graph_words(graph->n_nodes, graph->n_edges, false);
    }
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
