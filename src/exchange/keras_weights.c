// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// The weights of an .h5 file: a group a layer, which lists its weights in Keras's order (of a
// nested model all trainable ones first). Keras 2 and 3 differ only in names of datasets.

#include "exchange/keras_graph.h"

// The weights of an entry in Keras's order.
typedef struct weight_list {
    mb_context *ctx;
    const mb_weight **weights;
    size_t n, capacity;
} weight_list;

static mb_status collect_entry(weight_list *list, const mb_keras_entry *entry, bool is_trainable) {
    if (entry->nested != NULL) {
        for (size_t i = 0; i < entry->nested->n_entries; i++) {
            MB_TRY(collect_entry(list, &entry->nested->entries[i], is_trainable));
        }
        return MB_OK;
    }
    const mb_layer *layer = entry->layer;
    for (size_t i = 0; layer != NULL && i < layer->n_weights; i++) {
        const mb_weight *weight = &layer->weights[i];
        if ((layer->is_trainable && weight->is_trainable) == is_trainable) {
            MB_TRY(
                mb_grow(list->ctx, &list->weights, &list->capacity, list->n + 1, sizeof(void *)));
            list->weights[list->n++] = weight;
        }
    }
    return MB_OK;
}

static mb_status collect(weight_list *list, const mb_keras_entry *entry) {
    list->n = 0;
    MB_TRY(collect_entry(list, entry, true));
    return collect_entry(list, entry, false);
}

static mb_value_type weight_type(const mb_weight *weight) {
    mb_value_type type = {.rank = weight->rank};
    memcpy(type.dim, weight->dim, sizeof type.dim);
    return type;
}

static bool is_shape_of(const mb_array *array, const mb_weight *weight) {
    return array->rank == weight->rank &&
           memcmp(array->shape, weight->dim, weight->rank * sizeof *weight->dim) == 0;
}

mb_status mb_keras_take_weight(mb_context *ctx, const char *name, const mb_weight *weight,
    const char *path, mb_array *array, float *into) {
    if (!is_shape_of(array, weight)) {
        char in_file[96];
        char in_model[96];
        const mb_value_type type = weight_type(weight);
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: layer %s: its %s has shape %s in the file (%s) and %s in the model; take the "
            "weights of this very model",
            name, weight->layer->name, weight->name,
            mb_array_shape_text(array, in_file, sizeof in_file), path,
            mb_value_text(&type, in_model, sizeof in_model));
    }
    MB_TRY(mb_array_convert(array, ctx, MB_F32));
    memcpy(into + weight->offset, array->data, weight->count * sizeof *into);
    return MB_OK;
}

mb_status mb_keras_read_weight(
    mb_keras_weights *weights, const mb_weight *weight, const char *path) {
    mb_array array = {0};
    MB_TRY(mb_h5_read(weights->file, path, &array));
    const mb_status status =
        mb_keras_take_weight(weights->ctx, weights->name, weight, path, &array, weights->into);
    mb_array_clear(&array);
    return status;
}

mb_status mb_keras_write_weight(
    mb_keras_weights *weights, const mb_weight *weight, const char *path) {
    // Only read by the writer.
    mb_array array = {.dtype = MB_F32,
        .rank = weight->rank,
        .data = (float *)weights->from + weight->offset,
        .runtime = mb_context_runtime(weights->ctx)};
    memcpy(array.shape, weight->dim, weight->rank * sizeof *weight->dim);
    return mb_h5_write_array(weights->writer, path, &array);
}

static mb_status read_group(mb_keras_weights *weights, const mb_keras_entry *entry,
    const weight_list *list, const char *group) {
    mb_names names = {.ctx = weights->ctx};
    mb_status status = mb_h5_attribute_texts(weights->file, group, "weight_names", &names);
    if (status == MB_OK && names.n != list->n) {
        status = mb_fail(weights->ctx, MB_ERR_FORMAT,
            "%s: layer %s: has %zu weights in the file and %zu in the model; take the weights of "
            "this very model",
            weights->name, entry->name, names.n, list->n);
    }
    for (size_t i = 0; status == MB_OK && i < list->n; i++) {
        mb_buffer path;
        mb_buffer_init(&path, weights->ctx);
        mb_buffer_format(&path, "%s/%s", group, names.name[i]);
        status = path.status;
        if (status == MB_OK) {
            status = mb_keras_read_weight(weights, list->weights[i], path.data);
        }
        mb_buffer_clear(&path);
    }
    mb_names_clear(&names);
    return status;
}

// The next layer of the file that has weights, from *at on; NULL when there is none.
static mb_status next_with_weights(
    mb_keras_weights *weights, const mb_names *layers, size_t *at, const char **out) {
    *out = NULL;
    while (*out == NULL && *at < layers->n) {
        mb_buffer path;
        mb_names names = {.ctx = weights->ctx};
        mb_buffer_init(&path, weights->ctx);
        mb_buffer_format(&path, "%s/%s", weights->base, layers->name[*at]);
        mb_status status = path.status;
        if (status == MB_OK) {
            status = mb_h5_attribute_texts(weights->file, path.data, "weight_names", &names);
        }
        *out = names.n > 0 ? layers->name[*at] : NULL;
        (*at)++;
        mb_names_clear(&names);
        mb_buffer_clear(&path);
        MB_TRY(status);
    }
    return MB_OK;
}

static mb_status read_entry(mb_keras_weights *weights, const mb_keras_entry *entry,
    const weight_list *list, const char *name) {
    mb_buffer path;
    mb_buffer_init(&path, weights->ctx);
    mb_buffer_format(&path, "%s/%s", weights->base, name);
    mb_status status = path.status;
    if (status == MB_OK) {
        status = read_group(weights, entry, list, path.data);
    }
    mb_buffer_clear(&path);
    return status;
}

static mb_status fail_missing(const mb_keras_weights *weights, const mb_keras_entry *entry) {
    return mb_fail(weights->ctx, MB_ERR_FORMAT,
        "%s: layer %s: has no weights in the file; take the weights of this very model",
        weights->name, entry->name);
}

static mb_status read_all(mb_keras_weights *weights, const mb_keras_graph *graph,
    const mb_names *layers, bool by_order, weight_list *list) {
    size_t at = 0;
    for (size_t i = 0; i < graph->n_entries; i++) {
        const mb_keras_entry *entry = &graph->entries[i];
        MB_TRY(collect(list, entry));
        if (list->n == 0) {
            continue;
        }
        const char *name = mb_names_have(layers, entry->name) ? entry->name : NULL;
        if (by_order) {
            MB_TRY(next_with_weights(weights, layers, &at, &name));
        }
        if (name == NULL) {
            return fail_missing(weights, entry);
        }
        MB_TRY(read_entry(weights, entry, list, name));
    }
    return MB_OK;
}

static mb_status all_are_named(
    const mb_keras_graph *graph, const mb_names *layers, weight_list *list, bool *out) {
    *out = true;
    for (size_t i = 0; i < graph->n_entries; i++) {
        MB_TRY(collect(list, &graph->entries[i]));
        *out = *out && (list->n == 0 || mb_names_have(layers, graph->entries[i].name));
    }
    return MB_OK;
}

mb_status mb_keras_read_named(
    mb_keras_weights *weights, const mb_keras_graph *graph, bool is_ordered) {
    mb_names layers = {.ctx = weights->ctx};
    weight_list list = {.ctx = weights->ctx};
    bool is_named = true;
    const char *base = weights->base[0] == '\0' ? "/" : weights->base;
    mb_status status = mb_h5_attribute_texts(weights->file, base, "layer_names", &layers);
    if (status == MB_OK) {
        status = all_are_named(graph, &layers, &list, &is_named);
    }
    if (status == MB_OK) {
        status = read_all(weights, graph, &layers, is_ordered && !is_named, &list);
    }
    mb_release(weights->ctx, list.weights);
    mb_names_clear(&layers);
    return status;
}

static mb_status write_entry(mb_keras_weights *weights, mb_document *document,
    const mb_keras_entry *entry, const weight_list *list) {
    mb_arena *arena = &document->arena;
    char *group = mb_arena_format(arena, weights->ctx, "%s/%s", weights->base, entry->name);
    const char **names = mb_arena_allocate(arena, weights->ctx, list->n + 1, sizeof *names);
    if (group == NULL || names == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_h5_make_group(weights->writer, group));
    for (size_t i = 0; i < list->n; i++) {
        const mb_weight *weight = list->weights[i];
        names[i] =
            mb_arena_format(arena, weights->ctx, "%s/%s:0", weight->layer->name, weight->name);
        char *path = names[i] == NULL
                         ? NULL
                         : mb_arena_format(arena, weights->ctx, "%s/%s", group, names[i]);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_keras_write_weight(weights, weight, path));
    }
    return mb_h5_put_texts(weights->writer, group, "weight_names", names, list->n);
}

mb_status mb_keras_write_named(
    mb_keras_weights *weights, mb_document *document, const mb_keras_graph *graph) {
    weight_list list = {.ctx = weights->ctx};
    const char **names =
        mb_arena_allocate(&document->arena, weights->ctx, graph->n_entries + 1, sizeof *names);
    mb_status status = names == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; status == MB_OK && i < graph->n_entries; i++) {
        names[i] = graph->entries[i].name;
        status = collect(&list, &graph->entries[i]);
        if (status == MB_OK) {
            status = write_entry(weights, document, &graph->entries[i], &list);
        }
    }
    mb_release(weights->ctx, list.weights);
    MB_TRY(status);
    const char *base = weights->base[0] == '\0' ? "/" : weights->base;
    return mb_h5_put_texts(weights->writer, base, "layer_names", names, graph->n_entries);
}
