// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/graphs.h"

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

static mb_status fill(mb_context *ctx, const mb_graph_edges *edges, mb_graph_set *set) {
    const uint64_t n_nodes = edges->node_offset[edges->n];
    const uint64_t n_edges = edges->edge_offset[edges->n];
    set->n = edges->n;
    set->graphs = mb_allocate_zeroed(ctx, mb_max_size(edges->n, 1), sizeof *set->graphs);
    set->memory = mb_allocate(
        ctx, mb_graph_words((size_t)n_nodes + edges->n, (size_t)n_edges), sizeof *set->memory);
    if (set->graphs == NULL || set->memory == NULL) {
        return MB_ERR_MEMORY;
    }
    uint32_t *memory = set->memory;
    for (size_t i = 0; i < edges->n; i++) {
        const uint64_t begin = edges->edge_offset[i];
        const size_t nodes = (size_t)(edges->node_offset[i + 1] - edges->node_offset[i]);
        const size_t count = (size_t)(edges->edge_offset[i + 1] - begin);
        mb_graph_build(nodes, count, edges->source + begin, edges->destination + begin, memory,
            &set->graphs[i]);
        memory += mb_graph_words(nodes, count);
    }
    return MB_OK;
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
