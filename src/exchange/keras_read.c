// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// From the configuration of a model to a graph: which layers there are, Sequential and functional.

#include "exchange/keras_graph.h"

#include "base/numbers.h"

// More layers than any network for a detector has.
enum { MOST_LAYERS = 10000 };

static mb_status fail_layer(
    mb_keras_reader *reader, mb_status status, const char *layer, const char *what) {
    return mb_fail(reader->ctx, status, "%s: layer %s: %s", reader->file, layer, what);
}

static const char *text_of(const mb_node *map, const char *key) {
    const mb_node *node = mb_node_find(map, key);
    return node != NULL && node->kind == MB_NODE_TEXT ? node->text : NULL;
}

static bool is_model_class(const char *class_name) {
    return strcmp(class_name, "Functional") == 0 || strcmp(class_name, "Model") == 0 ||
           strcmp(class_name, "Sequential") == 0;
}

mb_status mb_keras_read_version(mb_keras_reader *reader, const char *version, const char *backend) {
    reader->major = 2;
    reader->minor = 15;
    if (backend != NULL && strcmp(backend, "theano") == 0) {
        return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
            "%s: written with Keras's backend theano, whose kernels are mirrored; load and save it "
            "once with another backend",
            reader->file);
    }
    if (version == NULL) {
        return MB_OK;
    }
    const char *end = version + strlen(version);
    uint64_t major = 0;
    uint64_t minor = 0;
    const char *at = mb_parse_uint64(version, end, &major);
    if (at == NULL || (at < end && *at == '.' && mb_parse_uint64(at + 1, end, &minor) == NULL) ||
        major > 99 || minor > 9999) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: keras_version is '%.40s', not a version; save the model again", reader->file,
            version);
    }
    if (major < 2 || major > 3) {
        return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
            "%s: written by Keras %.40s; versions 2 and 3 are read, save it with one of them",
            reader->file, version);
    }
    reader->major = (unsigned)major;
    reader->minor = (unsigned)minor;
    return MB_OK;
}

// Row shape of an input from {batch_shape} or {batch_input_shape}; rank 0 when neither is there.
static mb_status read_type(
    mb_keras_reader *reader, const char *layer, const mb_node *config, mb_value_type *out) {
    *out = (mb_value_type){.axis = MB_AXIS_EVENTS};
    const mb_node *shape = mb_node_find(config, "batch_shape");
    if (shape == NULL) {
        shape = mb_node_find(config, "batch_input_shape");
    }
    if (shape == NULL || shape->kind == MB_NODE_NULL) {
        return MB_OK;
    }
    if (shape->kind != MB_NODE_LIST || shape->n_children < 2 ||
        shape->n_children > MB_MAX_DIMS + 1) {
        return fail_layer(reader, MB_ERR_UNSUPPORTED, layer,
            "its input shape must be the batch and one to five dimensions; reshape the input");
    }
    size_t size = 1;
    for (const mb_node *node = shape->first->next; node != NULL; node = node->next) {
        if (node->kind == MB_NODE_NULL) {
            return fail_layer(reader, MB_ERR_UNSUPPORTED, layer,
                "a dimension of its input has no fixed size; build the model with a full shape");
        }
        if (node->kind != MB_NODE_INT || node->integer < 1) {
            return fail_layer(reader, MB_ERR_FORMAT, layer,
                "its input shape holds something that is no size; save the model again");
        }
        if ((uint64_t)node->integer > ((uint64_t)1 << 30) / size) {
            return fail_layer(reader, MB_ERR_LIMIT, layer,
                "its input has more than 2^30 numbers; make it smaller");
        }
        size *= (size_t)node->integer;
        out->dim[out->rank++] = (size_t)node->integer;
    }
    return MB_OK;
}

static mb_status read_input(mb_keras_reader *reader, mb_keras_entry *entry) {
    const mb_node *ragged = mb_node_find(entry->config, "ragged");
    if (ragged != NULL && ragged->kind == MB_NODE_BOOL && ragged->boolean) {
        return fail_layer(reader, MB_ERR_UNSUPPORTED, entry->name,
            "is a ragged input; build the model with a fixed shape");
    }
    mb_arena *arena = &reader->document->arena;
    entry->is_input = true;
    entry->calls = mb_arena_allocate(arena, reader->ctx, 1, sizeof *entry->calls);
    entry->n_calls = 1;
    entry->n_outputs = 1;
    if (entry->calls == NULL) {
        return MB_ERR_MEMORY;
    }
    return read_type(reader, entry->name, entry->config, &entry->type);
}

// A flat name has '/' between models only.
static char *path_of(mb_keras_reader *reader, const char *prefix, const char *name) {
    char *path = mb_arena_format(&reader->document->arena, reader->ctx, "%s%s", prefix, name);
    for (char *p = path == NULL ? NULL : path + strlen(prefix); p != NULL && *p != '\0'; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    return path;
}

static mb_status read_name(mb_keras_reader *reader, const mb_keras_graph *graph,
    const mb_node *object, mb_keras_entry *entry) {
    entry->name = text_of(object, "name");
    if (entry->name == NULL) {
        entry->name = text_of(entry->config, "name");
    }
    if (entry->name == NULL) {
        char snake[96];
        mb_keras_snake_case(entry->class_name, snake, sizeof snake);
        entry->name = mb_arena_format(&reader->document->arena, reader->ctx, "%s_%zu", snake,
            (size_t)(entry - graph->entries) + 1);
    }
    entry->path = entry->name == NULL ? NULL : path_of(reader, graph->path, entry->name);
    return entry->path == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status read_entry(mb_keras_reader *reader, mb_keras_graph *graph, const mb_node *object,
    unsigned depth, mb_keras_entry *entry) {
    entry->class_name = text_of(object, "class_name");
    entry->config = mb_node_find(object, "config");
    entry->beside = mb_node_find(object, "minbias");
    if (entry->class_name == NULL || entry->config == NULL) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: layer %zu of model %s has no class_name or config; save the model again",
            reader->file, (size_t)(entry - graph->entries) + 1, graph->name);
    }
    entry->class_name = mb_keras_plain_class(entry->class_name);
    if (++reader->n_layers > MOST_LAYERS) {
        return mb_fail(reader->ctx, MB_ERR_LIMIT, "%s: has more than %d layers; make it smaller",
            reader->file, MOST_LAYERS);
    }
    MB_TRY(read_name(reader, graph, object, entry));
    entry->n_outputs = 1;
    const char *module = text_of(object, "module");
    entry->is_operation = module != NULL && strstr(module, ".ops.") != NULL;
    if (strcmp(entry->class_name, "InputLayer") == 0) {
        return read_input(reader, entry);
    }
    if (!is_model_class(entry->class_name)) {
        return MB_OK;
    }
    const char *path = mb_arena_format(&reader->document->arena, reader->ctx, "%s/", entry->path);
    if (path == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_keras_read_graph(reader, object, path, depth + 1, &entry->nested));
    entry->n_outputs = entry->nested->n_outputs;
    return MB_OK;
}

static mb_status read_entries(mb_keras_reader *reader, mb_keras_graph *graph, const mb_node *list,
    size_t skip, unsigned depth) {
    for (const mb_node *node = list->first; node != NULL; node = node->next) {
        MB_TRY(read_entry(reader, graph, node, depth, &graph->entries[graph->n_entries]));
        graph->n_entries++;
    }
    for (size_t i = skip; i < graph->n_entries; i++) {
        for (size_t j = skip; j < i; j++) {
            if (strcmp(graph->entries[i].name, graph->entries[j].name) == 0) {
                return fail_layer(reader, MB_ERR_FORMAT, graph->entries[i].name,
                    "two layers have this name; give each its own");
            }
        }
    }
    return MB_OK;
}

// What a Sequential without an input layer starts from.
static mb_status read_implied_input(
    mb_keras_reader *reader, mb_keras_graph *graph, const mb_node *config, const mb_node *first) {
    mb_arena *arena = &reader->document->arena;
    mb_keras_entry *entry = &graph->entries[0];
    const mb_node *inner = mb_node_find(first, "config");
    const char *name = text_of(inner, "name");
    entry->class_name = "InputLayer";
    entry->config = inner;
    entry->name = name == NULL ? "input" : mb_arena_format(arena, reader->ctx, "%s_input", name);
    entry->path = entry->name == NULL ? NULL : path_of(reader, graph->path, entry->name);
    if (entry->path == NULL) {
        return MB_ERR_MEMORY;
    }
    graph->n_entries = 1;
    MB_TRY(read_input(reader, entry));
    const mb_node *built = mb_node_find(config, "build_input_shape");
    if (entry->type.rank > 0 || built == NULL || built->kind != MB_NODE_LIST) {
        return MB_OK;
    }
    mb_node *map = mb_node_make(reader->document, reader->ctx, MB_NODE_MAP);
    mb_node *shape = mb_node_copy(reader->document, reader->ctx, built);
    if (map == NULL || shape == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_node_set(reader->document, reader->ctx, map, "batch_shape", shape));
    return read_type(reader, entry->name, map, &entry->type);
}

static mb_status chain(mb_keras_reader *reader, mb_keras_graph *graph) {
    mb_arena *arena = &reader->document->arena;
    for (size_t i = 1; i < graph->n_entries; i++) {
        mb_keras_entry *entry = &graph->entries[i];
        if (entry->is_input || (entry->nested != NULL && (entry->nested->n_inputs != 1 ||
                                                             entry->nested->n_outputs != 1))) {
            return fail_layer(reader, MB_ERR_FORMAT, entry->name,
                "does not fit into a Sequential model: layers there have one input and one output");
        }
        entry->calls = mb_arena_allocate(arena, reader->ctx, 1, sizeof *entry->calls);
        entry->n_calls = 1;
        mb_keras_ref *input = mb_arena_allocate(arena, reader->ctx, 1, sizeof *input);
        if (entry->calls == NULL || input == NULL) {
            return MB_ERR_MEMORY;
        }
        *input = (mb_keras_ref){i - 1, 0, 0};
        entry->calls[0].inputs = input;
        entry->calls[0].n_inputs = 1;
    }
    graph->inputs = mb_arena_allocate(arena, reader->ctx, 1, sizeof *graph->inputs);
    graph->outputs = mb_arena_allocate(arena, reader->ctx, 1, sizeof *graph->outputs);
    if (graph->inputs == NULL || graph->outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    graph->inputs[0] = (mb_keras_ref){0, 0, 0};
    graph->outputs[0] = (mb_keras_ref){graph->n_entries - 1, 0, 0};
    graph->n_inputs = graph->n_outputs = 1;
    return MB_OK;
}

static mb_status read_sequential(mb_keras_reader *reader, mb_keras_graph *graph,
    const mb_node *config, const mb_node *list, unsigned depth) {
    graph->is_sequential = true;
    const char *first = list->first == NULL ? NULL : text_of(list->first, "class_name");
    size_t skip = 0;
    if (first != NULL && strcmp(first, "InputLayer") != 0) {
        skip = 1;
        MB_TRY(read_implied_input(reader, graph, config, list->first));
    }
    MB_TRY(read_entries(reader, graph, list, skip, depth));
    if (graph->n_entries < 2) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT, "%s: model %s has no layers; add some",
            reader->file, graph->name);
    }
    return chain(reader, graph);
}

mb_status mb_keras_read_graph(mb_keras_reader *reader, const mb_node *object, const char *path,
    unsigned depth, mb_keras_graph **out) {
    const mb_node *config = mb_node_find(object, "config");
    const char *class_name = text_of(object, "class_name");
    if (depth > mb_context_limits(reader->ctx)->depth || depth > 64) {
        return mb_fail(reader->ctx, MB_ERR_LIMIT,
            "%s: models are nested deeper than allowed; flatten them", reader->file);
    }
    if (class_name == NULL || config == NULL || !is_model_class(class_name)) {
        return mb_fail(reader->ctx, MB_ERR_UNSUPPORTED,
            "%s: is a model of class '%.80s'; build it as a Sequential or functional model",
            reader->file, class_name == NULL ? "?" : class_name);
    }
    mb_arena *arena = &reader->document->arena;
    mb_keras_graph *graph = mb_arena_allocate(arena, reader->ctx, 1, sizeof *graph);
    const mb_node *list = config->kind == MB_NODE_LIST ? config : mb_node_find(config, "layers");
    if (list == NULL || list->kind != MB_NODE_LIST) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: a model has no list of layers; save it again", reader->file);
    }
    if (graph == NULL) {
        return MB_ERR_MEMORY;
    }
    const char *name = text_of(config, "name");
    const mb_node *trainable = mb_node_find(config, "trainable");
    *out = graph;
    graph->name = name != NULL                            ? name
                  : strcmp(class_name, "Sequential") == 0 ? "sequential"
                                                          : "model";
    graph->path = path;
    graph->is_trainable =
        trainable == NULL || trainable->kind != MB_NODE_BOOL || trainable->boolean;
    graph->entries =
        mb_arena_allocate(arena, reader->ctx, list->n_children + 1, sizeof *graph->entries);
    if (graph->entries == NULL) {
        return MB_ERR_MEMORY;
    }
    if (strcmp(class_name, "Sequential") == 0) {
        MB_TRY(read_sequential(reader, graph, config, list, depth));
    } else {
        MB_TRY(read_entries(reader, graph, list, 0, depth));
        MB_TRY(mb_keras_read_calls(reader, graph, config));
    }
    return mb_keras_sort_calls(reader->ctx, reader->document, reader->file, graph);
}
