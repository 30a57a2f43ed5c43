// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/keras.h"

#include "exchange/frozen.h"
#include "exchange/keras_graph.h"
#include "exchange/keras_part.h"
#include "files/zip.h"

// What files say of their writer: the oldest versions whose conventions they follow.
static const char h5_version[] = "2.15.0";
static const char v3_metadata[] =
    "{\"keras_version\": \"3.15.0\", \"date_saved\": \"1980-01-01@00:00:00\"}";
static const char backend[] = "tensorflow";

// What is in work while a model is written.
typedef struct saving {
    mb_context *ctx;
    const mb_model *model;
    const float *parameters;
    mb_document document;
    mb_keras_graph *graph;
    mb_buffer config;
} saving;

static mb_status begin(saving *s, mb_keras_style style, bool has_version) {
    MB_TRY(mb_keras_graph_of(s->ctx, &s->document, s->model, &s->graph));
    mb_node *root = mb_keras_config_of(s->ctx, &s->document, s->model, s->graph, style);
    if (root == NULL) {
        return mb_context_status(s->ctx);
    }
    if (has_version) {
        MB_TRY(mb_node_set(&s->document, s->ctx, root, "keras_version",
            mb_node_make_text(&s->document, s->ctx, h5_version)));
        MB_TRY(mb_node_set(&s->document, s->ctx, root, "backend",
            mb_node_make_text(&s->document, s->ctx, backend)));
    }
    mb_node_write_json(&s->config, root, -1);
    return s->config.status;
}

static mb_status put_origin(mb_h5_writer *writer, const char *path) {
    MB_TRY(mb_h5_put_text(writer, path, "keras_version", h5_version));
    return mb_h5_put_text(writer, path, "backend", backend);
}

static mb_keras_weights weights_of(saving *s, mb_h5_writer *writer, const char *base) {
    return (mb_keras_weights){s->ctx, NULL, writer, s->model->name, base, NULL, s->parameters};
}

static mb_status write_h5(saving *s, mb_h5_writer *writer) {
    mb_keras_weights weights = weights_of(s, writer, "/model_weights");
    MB_TRY(put_origin(writer, "/"));
    MB_TRY(mb_h5_put_text(writer, "/", "model_config", s->config.data));
    MB_TRY(mb_h5_make_group(writer, weights.base));
    MB_TRY(put_origin(writer, weights.base));
    return mb_keras_write_named(&weights, &s->document, s->graph);
}

static mb_status save_h5(saving *s, const char *path) {
    mb_h5_writer *writer = NULL;
    MB_TRY(begin(s, MB_KERAS_STYLE_H5, false));
    MB_TRY(mb_h5_create(s->ctx, path, MB_H5_IN_MEMORY, &writer));
    const mb_status status = write_h5(s, writer);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

static mb_status write_counted(saving *s, mb_h5_writer *writer) {
    mb_keras_weights weights = weights_of(s, writer, "");
    MB_TRY(mb_h5_make_group(writer, "/vars"));
    return mb_keras_run_counted(&weights, &s->document, s->graph);
}

// The weights in the layout of Keras 3, as a file at path, or into buffer where that is not NULL.
static mb_status save_weights(saving *s, const char *path, mb_buffer *buffer) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(s->ctx, path, MB_H5_IN_MEMORY, &writer));
    const mb_status status = write_counted(s, writer);
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return buffer != NULL ? mb_h5_commit_buffer(writer, buffer) : mb_h5_commit(writer);
}

static mb_status write_archive(saving *s, mb_zip_writer *zip, const mb_buffer *weights) {
    MB_TRY(mb_zip_add(zip, "metadata.json", v3_metadata, strlen(v3_metadata), false));
    MB_TRY(mb_zip_add(zip, "config.json", s->config.data, s->config.length, false));
    return mb_zip_add(zip, "model.weights.h5", weights->data, weights->length, false);
}

static mb_status save_keras(saving *s, const char *path) {
    mb_buffer weights;
    mb_zip_writer *zip = NULL;
    MB_TRY(begin(s, MB_KERAS_STYLE_V3, false));
    mb_buffer_init(&weights, s->ctx);
    mb_status status = save_weights(s, path, &weights);
    if (status == MB_OK) {
        status = mb_zip_create(s->ctx, &zip);
    }
    if (status == MB_OK) {
        status = write_archive(s, zip, &weights);
    }
    if (status == MB_OK) {
        status = mb_zip_commit(zip, path);
    } else {
        mb_zip_abandon(zip);
    }
    mb_buffer_clear(&weights);
    return status;
}

// The weights come first: a configuration is never without them.
static mb_status save_json(saving *s, const char *path) {
    mb_buffer weights;
    MB_TRY(begin(s, MB_KERAS_STYLE_JSON, true));
    mb_buffer_init(&weights, s->ctx);
    mb_buffer_append(&weights, path, strlen(path) - strlen(".json"));
    mb_buffer_text(&weights, ".weights.h5");
    mb_status status = weights.status;
    if (status == MB_OK) {
        status = save_weights(s, weights.data, NULL);
    }
    mb_buffer_clear(&weights);
    MB_TRY(status);
    return mb_write_file(s->ctx, path, s->config.data, s->config.length);
}

mb_status mb_model_save_parameters(
    mb_context *ctx, const mb_model *model, const float *parameters, const char *path) {
    if (mb_frozen_is_path(path)) {
        return mb_frozen_save(ctx, model, parameters, NULL, path);
    }
    saving s = {.ctx = ctx, .model = model, .parameters = parameters};
    mb_document_init(&s.document, ctx, path);
    mb_buffer_init(&s.config, ctx);
    mb_status status;
    if (mb_keras_ends_with(path, ".h5") || mb_keras_ends_with(path, ".hdf5")) {
        status = save_h5(&s, path);
    } else if (mb_keras_ends_with(path, ".keras")) {
        status = save_keras(&s, path);
    } else if (mb_keras_ends_with(path, ".json")) {
        status = save_json(&s, path);
    } else {
        status = mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "%s: its suffix names no model format; use .h5, .keras, .json or .pb", path);
    }
    mb_buffer_clear(&s.config);
    mb_document_clear(&s.document);
    return status;
}

static mb_status save_weights_alone(saving *s, const char *path) {
    mb_h5_writer *writer = NULL;
    MB_TRY(mb_h5_create(s->ctx, path, MB_H5_IN_MEMORY, &writer));
    mb_keras_weights weights = weights_of(s, writer, "");
    mb_status status = put_origin(writer, "/");
    if (status == MB_OK) {
        status = mb_keras_write_named(&weights, &s->document, s->graph);
    }
    if (status != MB_OK) {
        mb_h5_abandon(writer);
        return status;
    }
    return mb_h5_commit(writer);
}

mb_status mb_model_save_pair(
    mb_context *ctx, const mb_model *model, const float *parameters, const char *path) {
    saving s = {.ctx = ctx, .model = model, .parameters = parameters};
    mb_buffer weights;
    mb_document_init(&s.document, ctx, path);
    mb_buffer_init(&s.config, ctx);
    mb_buffer_init(&weights, ctx);
    mb_buffer_append(&weights, path, strlen(path) - strlen(".json"));
    mb_buffer_text(&weights, ".hdf5");
    mb_status status = weights.status;
    if (status == MB_OK) {
        status = begin(&s, MB_KERAS_STYLE_H5, true);
    }
    if (status == MB_OK) {
        status = save_weights_alone(&s, weights.data);
    }
    if (status == MB_OK) {
        status = mb_write_file(ctx, path, s.config.data, s.config.length);
    }
    mb_buffer_clear(&weights);
    mb_buffer_clear(&s.config);
    mb_document_clear(&s.document);
    return status;
}

mb_status mb_model_save(mb_context *ctx, const mb_model *model, const char *path) {
    return mb_model_save_parameters(ctx, model, model->parameters, path);
}
