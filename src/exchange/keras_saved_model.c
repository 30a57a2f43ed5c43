// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Models from a SavedModel folder: the configuration is in Keras's metadata, and the graph of
// objects leads from the model over its layers ("layer-0", "layer-1" in the order of the
// configuration) to their variables ("kernel") and so to the names of the tensors.

#include "exchange/keras.h"

#include "base/numbers.h"
#include "exchange/keras_graph.h"
#include "files/json.h"

typedef struct folder {
    mb_context *ctx;
    const char *name;
    const mb_saved_model *saved;
    float *into;
} folder;

// Tuples and shapes, which are objects here, become the lists they are in all other files.
static void plain_lists(mb_node *node) {
    const mb_node *class_name = mb_node_find(node, "class_name");
    mb_node *items = mb_node_find(node, "items");
    if (class_name != NULL && class_name->kind == MB_NODE_TEXT && items != NULL &&
        items->kind == MB_NODE_LIST &&
        (strcmp(class_name->text, "__tuple__") == 0 ||
            strcmp(class_name->text, "TensorShape") == 0)) {
        node->kind = MB_NODE_LIST;
        node->first = items->first;
        node->last = items->last;
        node->n_children = items->n_children;
    }
    for (mb_node *child = node->first; child != NULL; child = child->next) {
        plain_lists(child);
    }
}

static mb_status fail_layer(const folder *f, const mb_keras_entry *entry, const char *what) {
    return mb_fail(f->ctx, MB_ERR_FORMAT, "%s: layer %s: %s; save the model again", f->name,
        entry->path, what);
}

static mb_status read_weight(
    const folder *f, const mb_keras_entry *entry, size_t object, const mb_weight *weight) {
    size_t variable = mb_saved_model_child(f->saved, object, weight->name);
    const char *key = mb_saved_model_key(f->saved, variable);
    if (key == NULL) {
        // Of a part of the layer, or under another name in the layer than the variable has.
        variable = mb_saved_model_variable(f->saved, object, weight->name);
        key = mb_saved_model_key(f->saved, variable);
    }
    if (key == NULL) {
        return mb_fail(f->ctx, MB_ERR_FORMAT,
            "%s: layer %s: has no variable %s in the folder; save the model again", f->name,
            entry->path, weight->name);
    }
    mb_array array = {0};
    MB_TRY(mb_tensor_bundle_read(mb_saved_model_tensors(f->saved), key, &array));
    const mb_status status = mb_keras_take_weight(f->ctx, f->name, weight, key, &array, f->into);
    mb_array_clear(&array);
    return status;
}

static mb_status read_graph(const folder *f, const mb_keras_graph *graph, size_t object);

static mb_status read_entry(const folder *f, const mb_keras_entry *entry, size_t object) {
    if (entry->nested != NULL) {
        return read_graph(f, entry->nested, object);
    }
    for (size_t i = 0; i < entry->layer->n_weights; i++) {
        MB_TRY(read_weight(f, entry, object, &entry->layer->weights[i]));
    }
    return MB_OK;
}

static mb_status read_graph(const folder *f, const mb_keras_graph *graph, size_t object) {
    size_t n_layers = 0;
    for (size_t i = 0; i < graph->n_entries; i++) {
        const mb_keras_entry *entry = &graph->entries[i];
        // A Sequential does not count its input among its layers.
        if (graph->is_sequential && entry->is_input) {
            continue;
        }
        const size_t number = n_layers++;
        if (entry->nested == NULL && (entry->layer == NULL || entry->layer->n_weights == 0)) {
            continue;
        }
        char name[32];
        mb_format(name, sizeof name, "layer-%zu", number);
        const size_t child = mb_saved_model_child(f->saved, object, name);
        if (child == MB_SAVED_NONE) {
            return fail_layer(f, entry, "is in the configuration but not among the objects");
        }
        MB_TRY(read_entry(f, entry, child));
    }
    return MB_OK;
}

static mb_status read_model(mb_keras_loading *l, const mb_saved_model *saved) {
    mb_context *ctx = l->reader.ctx;
    const char *json = mb_saved_model_metadata(saved, "root");
    if (json == NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: its keras_metadata.pb knows no model; load the model in TensorFlow and save it as "
            ".h5",
            l->reader.file);
    }
    mb_document_clear(&l->document);
    MB_TRY(mb_json_parse(ctx, l->reader.file, json, strlen(json), &l->document));
    mb_node *root = l->document.root;
    plain_lists(root);
    if (mb_node_find(mb_node_find(root, "config"), "layers") == NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: its model is a class of its own ('%.80s'), whose layers are known to its program "
            "alone; build it as a Sequential or functional model and save it again",
            l->reader.file,
            mb_node_text(mb_node_find(root, "class_name")) != NULL
                ? mb_node_text(mb_node_find(root, "class_name"))
                : "?");
    }
    MB_TRY(mb_keras_read_version(&l->reader, mb_node_text(mb_node_find(root, "keras_version")),
        mb_node_text(mb_node_find(root, "backend"))));
    MB_TRY(mb_keras_read_model(&l->reader, root, &l->model, &l->graph));
    const folder f = {ctx, l->reader.file, saved, l->model->parameters};
    return read_graph(&f, l->graph, MB_SAVED_ROOT);
}

static mb_status load(
    mb_context *ctx, const char *name, const mb_saved_model *saved, mb_model **out) {
    mb_keras_loading l;
    mb_keras_begin(&l, ctx, name);
    return mb_keras_end(&l, read_model(&l, saved), out);
}

mb_status mb_keras_load_saved_model(mb_context *ctx, const char *path, mb_model **out) {
    mb_saved_model *saved = NULL;
    *out = NULL;
    MB_TRY(mb_saved_model_open(ctx, path, &saved));
    const mb_status status = load(ctx, path, saved, out);
    mb_saved_model_close(saved);
    return status;
}

mb_status mb_model_load_saved_bytes(
    mb_context *ctx, const char *name, const mb_saved_model_bytes *bytes, mb_model **out) {
    mb_saved_model *saved = NULL;
    *out = NULL;
    MB_TRY(mb_saved_model_open_bytes(ctx, name, bytes, &saved));
    const mb_status status = load(ctx, name, saved, out);
    mb_saved_model_close(saved);
    return status;
}
