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

static mb_status sort_graphs(void *user, mb_context *ctx, size_t task, unsigned worker) {
    const sorting *s = user;
    const mb_graph_edges *edges = s->edges;
    const size_t end = mb_min_size(edges->n, (task + 1) * TASK_GRAPHS);
    (void)worker;
    for (size_t i = task * TASK_GRAPHS; i < end; i++) {
        const uint64_t node = edges->node_offset[i], edge = edges->edge_offset[i];
        MB_TRY(check_graph(ctx, s->name, edges, i));
        mb_graph_build((size_t)(edges->node_offset[i + 1] - node),
            (size_t)(edges->edge_offset[i + 1] - edge), edges->source + edge,
            edges->destination + edge, s->has_out,
            s->set->memory + words_of(i, node, edge, s->has_out), &s->set->graphs[i]);
    }
    return MB_OK;
}

static mb_status fill(mb_context *ctx, sorting *s) {
    const mb_graph_edges *edges = s->edges;
    mb_graph_set *set = s->set;
    set->n = edges->n;
    set->graphs = mb_allocate_zeroed(ctx, mb_max_size(edges->n, 1), sizeof *set->graphs);
    set->memory = mb_allocate(ctx,
        words_of(edges->n, edges->node_offset[edges->n], edges->edge_offset[edges->n], s->has_out),
        sizeof *set->memory);
    if (set->graphs == NULL || set->memory == NULL) {
        return MB_ERR_MEMORY;
    }
    return mb_parallel(ctx, (edges->n + TASK_GRAPHS - 1) / TASK_GRAPHS, sort_graphs, s);
}

mb_status mb_graph_set_create(mb_context *ctx, const char *name, const mb_graph_edges *edges,
    bool has_out, mb_graph_set **out) {
    *out = NULL;
    mb_graph_set *set = mb_allocate_zeroed(ctx, 1, sizeof *set);
    if (set == NULL) {
        return MB_ERR_MEMORY;
    }
    set->runtime = mb_context_runtime(ctx);
    sorting s = {name, edges, has_out, set};
    const mb_status status = fill(ctx, &s);
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
