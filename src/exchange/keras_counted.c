// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The weights of a .keras or .weights.h5 file: layers are addressed by class and a counter of that
// class ("layers/conv2d_1/vars/0"), in the order of the model's layers.

#include "exchange/keras_graph.h"

typedef struct counted {
    mb_keras_weights *weights;
    mb_document *document;
} counted;

static const char *class_of(const mb_keras_entry *entry) {
    const bool is_model = entry->nested != NULL && !entry->nested->is_sequential;
    return is_model ? "Functional" : entry->class_name; // also for the old name "Model"
}

static size_t count_before(const mb_keras_graph *graph, size_t entry) {
    size_t n = 0;
    for (size_t i = 0; i < entry; i++) {
        const mb_keras_entry *other = &graph->entries[i];
        n += !other->is_operation && strcmp(class_of(other), class_of(&graph->entries[entry])) == 0
                 ? 1
                 : 0;
    }
    return n;
}

static const char *entry_path(
    const counted *c, const mb_keras_graph *graph, size_t entry, const char *base) {
    char snake[96];
    mb_keras_snake_case(class_of(&graph->entries[entry]), snake, sizeof snake);
    const size_t n = count_before(graph, entry);
    mb_arena *arena = &c->document->arena;
    return n == 0 ? mb_arena_format(arena, c->weights->ctx, "%s/layers/%s", base, snake)
                  : mb_arena_format(arena, c->weights->ctx, "%s/layers/%s_%zu", base, snake, n);
}

// QKeras's layers that fold a batch normalisation have one within, with weights of its own.
static bool is_of_part(const mb_weight *weight) {
    static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};
    bool is_named = false;
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        is_named = is_named || strcmp(names[i], weight->name) == 0;
    }
    return is_named && weight->layer->weights[0].is_folded;
}

// A layer's number of a weight: trainable ones first, as they were made.
static size_t weight_number(const mb_layer *layer, const mb_weight *weight) {
    size_t n = 0;
    for (size_t i = 0; i < layer->n_weights; i++) {
        const mb_weight *other = &layer->weights[i];
        const bool is_before =
            other->is_trainable == weight->is_trainable ? other < weight : other->is_trainable;
        n += is_before && is_of_part(other) == is_of_part(weight) ? 1 : 0;
    }
    return n;
}

static size_t count_own(const mb_layer *layer) {
    size_t n = 0;
    for (size_t i = 0; i < layer->n_weights; i++) {
        n += is_of_part(&layer->weights[i]) ? 0 : 1;
    }
    return n;
}

static mb_status check_vars(const counted *c, const mb_keras_entry *entry, const char *path) {
    mb_keras_weights *weights = c->weights;
    mb_names names = {.ctx = weights->ctx};
    mb_status status = MB_OK;
    if (!mb_h5_is_group(weights->file, path)) {
        MB_TRY(mb_context_status(weights->ctx));
        return mb_fail(weights->ctx, MB_ERR_FORMAT,
            "%s: layer %s: has no weights in the file (%s); take the weights of this very model",
            weights->name, entry->name, path);
    }
    status = mb_h5_list(weights->file, path, &names);
    if (status == MB_OK && names.n != count_own(entry->layer)) {
        status = mb_fail(weights->ctx, MB_ERR_FORMAT,
            "%s: layer %s: has %zu weights in the file and %zu in the model; take the weights of "
            "this very model",
            weights->name, entry->name, names.n, count_own(entry->layer));
    }
    mb_names_clear(&names);
    return status;
}

// Newer files say which layer they mean; a model of another structure is noticed by it.
static mb_status check_name(const counted *c, const mb_keras_entry *entry, const char *path) {
    mb_keras_weights *weights = c->weights;
    if (!mb_h5_has_attribute(weights->file, path, "name")) {
        return mb_context_status(weights->ctx);
    }
    char *name = NULL;
    MB_TRY(mb_h5_attribute_text(weights->file, path, "name", &name));
    mb_status status = MB_OK;
    if (strcmp(name, entry->name) != 0) {
        status = mb_fail(weights->ctx, MB_ERR_FORMAT,
            "%s: layer %s: the weights in its place are of a layer %.80s; take the weights of this "
            "very model",
            weights->name, entry->name, name);
    }
    mb_release(weights->ctx, name);
    return status;
}

static mb_status run_weight(
    const counted *c, const mb_keras_entry *entry, const mb_weight *weight, const char *path) {
    mb_keras_weights *weights = c->weights;
    const size_t number = weight_number(entry->layer, weight);
    const char *dataset = mb_arena_format(&c->document->arena, weights->ctx, "%s%s/vars/%zu", path,
        is_of_part(weight) ? "/batchnorm" : "", number);
    if (dataset == NULL) {
        return MB_ERR_MEMORY;
    }
    return weights->file != NULL ? mb_keras_read_weight(weights, weight, dataset)
                                 : mb_keras_write_weight(weights, weight, dataset);
}

static mb_status run_entry(const counted *c, const mb_keras_entry *entry, const char *path) {
    mb_keras_weights *weights = c->weights;
    mb_arena *arena = &c->document->arena;
    const char *vars = mb_arena_format(arena, weights->ctx, "%s/vars", path);
    if (vars == NULL) {
        return MB_ERR_MEMORY;
    }
    if (weights->file != NULL && entry->layer->n_weights > 0) {
        MB_TRY(check_vars(c, entry, vars));
        MB_TRY(check_name(c, entry, vars));
    } else if (weights->file == NULL) {
        MB_TRY(mb_h5_make_group(weights->writer, vars));
        MB_TRY(mb_h5_put_text(weights->writer, vars, "name", entry->name));
        if (count_own(entry->layer) < entry->layer->n_weights) {
            const char *part = mb_arena_format(arena, weights->ctx, "%s/batchnorm/vars", path);
            MB_TRY(part != NULL ? mb_h5_make_group(weights->writer, part) : MB_ERR_MEMORY);
        }
    }
    for (size_t i = 0; i < entry->layer->n_weights; i++) {
        MB_TRY(run_weight(c, entry, &entry->layer->weights[i], path));
    }
    return MB_OK;
}

static mb_status run_graph(const counted *c, const mb_keras_graph *graph, const char *base) {
    for (size_t i = 0; i < graph->n_entries; i++) {
        const mb_keras_entry *entry = &graph->entries[i];
        const char *path = entry_path(c, graph, i, base);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        if (entry->nested != NULL) {
            MB_TRY(run_graph(c, entry->nested, path));
        } else if (entry->layer != NULL) {
            MB_TRY(run_entry(c, entry, path));
        }
    }
    return MB_OK;
}

mb_status mb_keras_run_counted(
    mb_keras_weights *weights, mb_document *document, const mb_keras_graph *graph) {
    const counted c = {weights, document};
    return run_graph(&c, graph, weights->base);
}
