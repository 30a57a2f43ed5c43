// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Keras gives weights to layers by their order, and works that order out anew from the graph
// whenever it makes a model: by depth (steps to the outputs), then by when a walk back from the
// outputs meets the layer. What we write must have the same order.

#include "exchange/keras_graph.h"

typedef struct place {
    size_t entry, depth;
    bool is_used;
    size_t rank;
} place;

static bool is_before(const place *a, const place *b) {
    if (a->depth != b->depth) {
        return a->depth > b->depth;
    }
    // Unused inputs come first among the layers at the end, in the order of the inputs.
    if (a->is_used != b->is_used) {
        return !a->is_used;
    }
    return a->rank < b->rank;
}

static size_t **allocate_depths(mb_context *ctx, mb_document *document, mb_keras_graph *graph) {
    mb_arena *arena = &document->arena;
    size_t **depths = mb_arena_allocate(arena, ctx, graph->n_entries + 1, sizeof *depths);
    for (size_t i = 0; depths != NULL && i < graph->n_entries; i++) {
        depths[i] = mb_arena_allocate(arena, ctx, graph->entries[i].n_calls + 1, sizeof **depths);
        if (depths[i] == NULL) {
            return NULL;
        }
    }
    return depths;
}

// As Keras does it: from the outputs on; a layer has the largest depth its calls have had so far,
// and passes that on.
static void find_depths(const mb_keras_graph *graph, size_t **depths, place *places) {
    for (size_t i = graph->n_order; i > 0; i--) {
        const mb_keras_ref ref = graph->order[i - 1];
        const mb_keras_call *call = &graph->entries[ref.entry].calls[ref.call];
        const size_t depth = mb_max_size(depths[ref.entry][ref.call], places[ref.entry].depth);
        places[ref.entry].depth = depth;
        for (size_t j = 0; j < call->n_inputs; j++) {
            size_t *input = &depths[call->inputs[j].entry][call->inputs[j].call];
            *input = mb_max_size(*input, depth + 1);
        }
    }
}

static void move_refs(mb_keras_ref *refs, size_t n, const size_t *moved) {
    for (size_t i = 0; i < n; i++) {
        refs[i].entry = moved[refs[i].entry];
    }
}

static mb_status move_entries(
    mb_context *ctx, mb_document *document, mb_keras_graph *graph, const place *places) {
    const size_t n = graph->n_entries;
    size_t *moved = mb_arena_allocate(&document->arena, ctx, n + 1, sizeof *moved);
    mb_keras_entry *entries = mb_arena_allocate(&document->arena, ctx, n + 1, sizeof *entries);
    if (moved == NULL || entries == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        entries[i] = graph->entries[places[i].entry];
        moved[places[i].entry] = i;
    }
    graph->entries = entries;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < entries[i].n_calls; j++) {
            move_refs(entries[i].calls[j].inputs, entries[i].calls[j].n_inputs, moved);
        }
    }
    move_refs(graph->inputs, graph->n_inputs, moved);
    move_refs(graph->outputs, graph->n_outputs, moved);
    move_refs(graph->order, graph->n_order, moved);
    return MB_OK;
}

mb_status mb_keras_sort_entries(mb_context *ctx, mb_document *document, mb_keras_graph *graph) {
    place *places = mb_arena_allocate(&document->arena, ctx, graph->n_entries + 1, sizeof *places);
    MB_TRY(mb_keras_sort_calls(ctx, document, graph->name, graph));
    size_t **depths = allocate_depths(ctx, document, graph);
    if (places == NULL || depths == NULL) {
        return MB_ERR_MEMORY;
    }
    find_depths(graph, depths, places);
    for (size_t i = 0; i < graph->n_entries; i++) {
        const size_t rank = graph->entries[i].rank;
        const place moving = {i, places[i].depth, rank != SIZE_MAX, rank == SIZE_MAX ? i : rank};
        size_t at = i;
        while (at > 0 && is_before(&moving, &places[at - 1])) {
            places[at] = places[at - 1];
            at--;
        }
        places[at] = moving;
    }
    return move_entries(ctx, document, graph, places);
}
