// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/saved_model.h"

#include "base/output.h"
#include "files/protobuf.h"

#include <checkpoint.pb-c.h>
#include <saved_model.pb-c.h>

struct mb_saved_model {
    mb_context *ctx;
    char *folder;
    mb_protobuf metadata, objects;
    mb_tensor_bundle *tensors;
};

static const char OBJECTS_KEY[] = "_CHECKPOINTABLE_OBJECT_GRAPH";

static const Mb__KerasMetadata *metadata_of(const mb_saved_model *model) {
    return (const Mb__KerasMetadata *)model->metadata.message;
}

static const Mb__ObjectGraph *objects_of(const mb_saved_model *model) {
    return (const Mb__ObjectGraph *)model->objects.message;
}

bool mb_saved_model_is_path(const char *path) {
    static const char name[] = "/saved_model.pb";
    char file[4096];
    const size_t length = strlen(path);
    if (length + sizeof name > sizeof file || !mb_path_is_directory(path)) {
        return false;
    }
    memcpy(file, path, length);
    memcpy(file + length, name, sizeof name);
    return mb_path_exists(file);
}

// Reads a file of the folder and unpacks it; the file's name is in messages.
static mb_status unpack_file(mb_saved_model *model, const char *name, const char *what,
    const ProtobufCMessageDescriptor *type, mb_protobuf *out) {
    char *path = mb_path_join(model->ctx, model->folder, name);
    char *bytes = NULL;
    size_t length = 0;
    mb_status status =
        path == NULL ? MB_ERR_MEMORY : mb_read_file(model->ctx, path, &bytes, &length);
    if (status == MB_OK) {
        status = mb_protobuf_unpack(out, model->ctx, path, what, type, bytes, length);
    }
    mb_release(model->ctx, bytes);
    mb_release(model->ctx, path);
    return status;
}

static mb_status fail_no_keras(const mb_saved_model *model, const Mb__SavedModel *saved) {
    const char *version = saved->n_meta_graphs > 0 && saved->meta_graphs[0]->meta_info_def != NULL
                              ? saved->meta_graphs[0]->meta_info_def->tensorflow_version
                              : "";
    return mb_fail(model->ctx, MB_ERR_UNSUPPORTED,
        "%s: has no keras_metadata.pb, so its layers are not known (TensorFlow %.40s wrote it; "
        "Keras 2 of TensorFlow 2.5 and later writes one, a plain export does not); load the model "
        "there and save it as .h5",
        model->folder, version[0] == '\0' ? "of unknown version" : version);
}

static mb_status open_files(mb_saved_model *model) {
    mb_protobuf protobuf = {.ctx = NULL};
    mb_status status = unpack_file(
        model, "saved_model.pb", "a SavedModel", &mb__saved_model__descriptor, &protobuf);
    const Mb__SavedModel *saved = (const Mb__SavedModel *)protobuf.message;
    if (status == MB_OK && (saved->saved_model_schema_version != 1 || saved->n_meta_graphs == 0)) {
        status = mb_fail(model->ctx, MB_ERR_FORMAT,
            "%s: its saved_model.pb is no SavedModel of version 1; save the model again",
            model->folder);
    }
    char *path = NULL;
    if (status == MB_OK) {
        path = mb_path_join(model->ctx, model->folder, "keras_metadata.pb");
        status = path == NULL           ? MB_ERR_MEMORY
                 : mb_path_exists(path) ? MB_OK
                                        : fail_no_keras(model, saved);
    }
    mb_release(model->ctx, path);
    mb_protobuf_clear(&protobuf);
    MB_TRY(status);
    MB_TRY(unpack_file(model, "keras_metadata.pb", "Keras's metadata",
        &mb__keras_metadata__descriptor, &model->metadata));
    char *prefix = mb_path_join(model->ctx, model->folder, "variables/variables");
    status =
        prefix == NULL ? MB_ERR_MEMORY : mb_tensor_bundle_open(model->ctx, prefix, &model->tensors);
    mb_release(model->ctx, prefix);
    return status;
}

static mb_status read_objects(mb_saved_model *model) {
    char *bytes = NULL;
    size_t length = 0;
    MB_TRY(mb_tensor_bundle_read_text(model->tensors, OBJECTS_KEY, &bytes, &length));
    mb_status status = mb_protobuf_unpack(&model->objects, model->ctx, model->folder,
        "a graph of objects", &mb__object_graph__descriptor, bytes, length);
    mb_release(model->ctx, bytes);
    MB_TRY(status);
    const Mb__ObjectGraph *graph = objects_of(model);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        for (size_t j = 0; j < graph->nodes[i]->n_children; j++) {
            const int32_t child = graph->nodes[i]->children[j]->node_id;
            if (child < 0 || (size_t)child >= graph->n_nodes) {
                return mb_fail(model->ctx, MB_ERR_FORMAT,
                    "%s: its graph of objects names an object that is not there; copy or save the "
                    "model again",
                    model->folder);
            }
        }
    }
    return MB_OK;
}

static mb_status make(mb_context *ctx, const char *folder, mb_saved_model **out) {
    mb_saved_model *model = mb_allocate_zeroed(ctx, 1, sizeof *model);
    *out = model;
    if (model == NULL) {
        return MB_ERR_MEMORY;
    }
    model->ctx = ctx;
    model->folder = mb_copy_text(ctx, folder);
    return model->folder == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status end(mb_saved_model **out, mb_status status) {
    if (status == MB_OK) {
        status = read_objects(*out);
    }
    if (status != MB_OK) {
        mb_saved_model_close(*out);
        *out = NULL;
    }
    return status;
}

mb_status mb_saved_model_open(mb_context *ctx, const char *folder, mb_saved_model **out) {
    mb_status status = make(ctx, folder, out);
    if (status == MB_OK) {
        status = open_files(*out);
    }
    return end(out, status);
}

mb_status mb_saved_model_open_bytes(
    mb_context *ctx, const char *name, const mb_saved_model_bytes *bytes, mb_saved_model **out) {
    mb_status status = make(ctx, name, out);
    if (status == MB_OK) {
        status = mb_protobuf_unpack(&(*out)->metadata, ctx, name, "Keras's metadata",
            &mb__keras_metadata__descriptor, bytes->metadata, bytes->metadata_length);
    }
    if (status == MB_OK) {
        status = mb_tensor_bundle_open_bytes(ctx, name, bytes->index, bytes->index_length,
            bytes->shard, bytes->shard_length, &(*out)->tensors);
    }
    return end(out, status);
}

void mb_saved_model_close(mb_saved_model *model) {
    if (model == NULL) {
        return;
    }
    mb_protobuf_clear(&model->metadata);
    mb_protobuf_clear(&model->objects);
    mb_tensor_bundle_close(model->tensors);
    mb_release(model->ctx, model->folder);
    mb_release(model->ctx, model);
}

const char *mb_saved_model_metadata(const mb_saved_model *model, const char *path) {
    const Mb__KerasMetadata *metadata = metadata_of(model);
    for (size_t i = 0; i < metadata->n_nodes; i++) {
        if (strcmp(metadata->nodes[i]->node_path, path) == 0) {
            return metadata->nodes[i]->metadata;
        }
    }
    return NULL;
}

static const Mb__GraphObject *object_at(const mb_saved_model *model, size_t object) {
    const Mb__ObjectGraph *graph = objects_of(model);
    return object < graph->n_nodes ? graph->nodes[object] : NULL;
}

size_t mb_saved_model_child(const mb_saved_model *model, size_t object, const char *name) {
    const Mb__GraphObject *of = object_at(model, object);
    for (size_t i = 0; of != NULL && i < of->n_children; i++) {
        if (strcmp(of->children[i]->local_name, name) == 0) {
            return (size_t)of->children[i]->node_id;
        }
    }
    return MB_SAVED_NONE;
}

static const Mb__GraphValue *value_of(const mb_saved_model *model, size_t object) {
    const Mb__GraphObject *of = object_at(model, object);
    for (size_t i = 0; of != NULL && i < of->n_attributes; i++) {
        if (strcmp(of->attributes[i]->name, "VARIABLE_VALUE") == 0) {
            return of->attributes[i];
        }
    }
    return NULL;
}

size_t mb_saved_model_variable(const mb_saved_model *model, size_t object, const char *name) {
    const Mb__GraphObject *list =
        object_at(model, mb_saved_model_child(model, object, "variables"));
    size_t found = MB_SAVED_NONE;
    for (size_t i = 0; list != NULL && i < list->n_children; i++) {
        const size_t child = (size_t)list->children[i]->node_id;
        const Mb__GraphValue *value = value_of(model, child);
        const char *last = value == NULL ? NULL : strrchr(value->full_name, '/');
        if (last == NULL || strcmp(last + 1, name) != 0) {
            continue;
        }
        if (found != MB_SAVED_NONE) {
            return MB_SAVED_NONE;
        }
        found = child;
    }
    return found;
}

const char *mb_saved_model_key(const mb_saved_model *model, size_t object) {
    const Mb__GraphValue *value = value_of(model, object);
    return value == NULL ? NULL : value->checkpoint_key;
}

mb_tensor_bundle *mb_saved_model_tensors(const mb_saved_model *model) {
    return model->tensors;
}
