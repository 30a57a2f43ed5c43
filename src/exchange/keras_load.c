// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/keras.h"

#include "exchange/frozen.h"
#include "exchange/keras_graph.h"
#include "exchange/shipped.h"
#include "files/json.h"
#include "files/saved_model.h"
#include "files/zip.h"

#include <math.h>
#include <stdio.h>

typedef enum file_kind { KIND_H5, KIND_KERAS, KIND_JSON, KIND_GRAPH, KIND_FOLDER } file_kind;

bool mb_model_is_path(const char *path) {
    return mb_shipped_is_path(path) || mb_keras_ends_with(path, ".h5") ||
           mb_keras_ends_with(path, ".hdf5") || mb_keras_ends_with(path, ".keras") ||
           mb_keras_ends_with(path, ".json") || mb_keras_ends_with(path, ".pb") ||
           mb_saved_model_is_path(path);
}

// What a file is shows in its first bytes, whatever it is called.
static mb_status find_kind(mb_context *ctx, const char *path, file_kind *out) {
    unsigned char start[8] = {0};
    if (mb_path_is_directory(path)) {
        *out = KIND_FOLDER;
        return mb_saved_model_is_path(path)
                   ? MB_OK
                   : mb_fail(ctx, MB_ERR_FORMAT,
                         "%s: is a folder without a saved_model.pb or a model.h5, so no model; "
                         "give a "
                         "model file (.h5, .keras, .json), a SavedModel folder or that of a "
                         "training",
                         path);
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return mb_fail(
            ctx, MB_ERR_IO, "%s: cannot be opened; check the name and its permissions", path);
    }
    const size_t n = fread(start, 1, sizeof start, file);
    fclose(file);
    if (n == sizeof start && memcmp(start, "\x89HDF\r\n\x1a\n", 8) == 0) {
        *out = KIND_H5;
    } else if (n >= 4 && memcmp(start, "PK\x03\x04", 4) == 0) {
        *out = KIND_KERAS;
    } else if (mb_keras_ends_with(path, ".json")) {
        *out = KIND_JSON;
    } else if (mb_keras_ends_with(path, ".pb")) {
        *out = KIND_GRAPH;
    } else {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: is no model file (HDF5, .keras, .json or .pb); save the model again", path);
    }
    return MB_OK;
}

static void notice_not_finite(
    mb_context *ctx, const char *file, const mb_model *model, const float *parameters) {
    size_t n = 0;
    const mb_weight *first = NULL;
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        for (size_t j = 0; j < weight->count; j++) {
            const bool is_bad = !isfinite(parameters[weight->offset + j]);
            n += is_bad ? 1 : 0;
            first = is_bad && first == NULL ? weight : first;
        }
    }
    if (n > 0) {
        mb_notice(ctx, MB_NOTICE_WARNING, file,
            "%zu weights are not finite numbers, the first in %s of layer %s; predictions will be "
            "no numbers either",
            n, first->name, first->layer->name);
    }
}

void mb_keras_begin(mb_keras_loading *l, mb_context *ctx, const char *file) {
    memset(l, 0, sizeof *l);
    l->reader.ctx = ctx;
    l->reader.document = &l->document;
    l->reader.file = file;
}

static mb_status read_config(mb_keras_loading *l, const char *json, size_t length) {
    mb_document_clear(&l->document);
    return mb_json_parse(l->reader.ctx, l->reader.file, json, length, &l->document);
}

static mb_status read_structure(mb_keras_loading *l, const char *version, const char *backend) {
    MB_TRY(mb_keras_read_version(&l->reader, version, backend));
    return mb_keras_read_model(&l->reader, l->document.root, &l->model, &l->graph);
}

mb_status mb_keras_end(mb_keras_loading *l, mb_status status, mb_model **out) {
    if (status == MB_OK) {
        notice_not_finite(l->reader.ctx, l->reader.file, l->model, l->model->parameters);
        *out = l->model;
    } else {
        mb_model_destroy(l->model);
    }
    mb_document_clear(&l->document);
    return status;
}

static mb_status read_text(mb_context *ctx, mb_h5_file *file, const char *name, char **out) {
    *out = NULL;
    return mb_h5_has_attribute(file, "/", name) ? mb_h5_attribute_text(file, "/", name, out)
                                                : mb_context_status(ctx);
}

static mb_status load_h5(mb_context *ctx, const char *name, mb_h5_file *file, mb_model **out) {
    mb_keras_loading l;
    char *config = NULL;
    char *version = NULL;
    char *backend = NULL;
    mb_keras_begin(&l, ctx, name);
    mb_status status = read_text(ctx, file, "model_config", &config);
    if (status == MB_OK && config == NULL) {
        status = mb_fail(ctx, MB_ERR_FORMAT,
            "%s: holds no model, at most its weights; save the whole model, or its .json beside "
            "the weights",
            name);
    }
    if (status == MB_OK) {
        status = read_text(ctx, file, "keras_version", &version);
    }
    if (status == MB_OK) {
        status = read_text(ctx, file, "backend", &backend);
    }
    if (status == MB_OK) {
        status = read_config(&l, config, strlen(config));
    }
    if (status == MB_OK) {
        status = read_structure(&l, version, backend);
    }
    if (status == MB_OK) {
        mb_keras_weights weights = {
            ctx, file, NULL, name, "/model_weights", l.model->parameters, NULL};
        status = mb_keras_read_named(&weights, l.graph, false);
    }
    mb_release(ctx, config);
    mb_release(ctx, version);
    mb_release(ctx, backend);
    return mb_keras_end(&l, status, out);
}

mb_status mb_model_load_h5_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    mb_h5_file *file = NULL;
    *out = NULL;
    MB_TRY(mb_h5_open_bytes(ctx, name, bytes, length, &file));
    const mb_status status = load_h5(ctx, name, file, out);
    mb_h5_close(file);
    return status;
}

static mb_status load_h5_path(mb_context *ctx, const char *path, mb_model **out) {
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(ctx, path, &file));
    const mb_status status = load_h5(ctx, path, file, out);
    mb_h5_close(file);
    return status;
}

static mb_status read_member(
    mb_context *ctx, const char *file, mb_zip *zip, const char *name, char **bytes, size_t *n) {
    const size_t member = mb_zip_find(zip, name);
    if (member == SIZE_MAX) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: is an archive without %s, so no Keras model; save the model again", file, name);
    }
    return mb_zip_read(zip, member, bytes, n);
}

static mb_status read_archive_version(mb_keras_loading *l, mb_zip *zip) {
    mb_context *ctx = l->reader.ctx;
    char *bytes = NULL;
    size_t length = 0;
    mb_document metadata = {0};
    mb_status status = read_member(ctx, l->reader.file, zip, "metadata.json", &bytes, &length);
    if (status == MB_OK) {
        status = mb_json_parse(ctx, l->reader.file, bytes, length, &metadata);
    }
    if (status == MB_OK) {
        status = mb_keras_read_version(
            &l->reader, mb_node_text(mb_node_find(metadata.root, "keras_version")), NULL);
    }
    mb_document_clear(&metadata);
    mb_release(ctx, bytes);
    return status;
}

static mb_status load_archive(mb_context *ctx, const char *name, mb_zip *zip, mb_model **out) {
    mb_keras_loading l;
    char *config = NULL;
    char *bytes = NULL;
    size_t config_length = 0;
    size_t length = 0;
    mb_h5_file *file = NULL;
    mb_keras_begin(&l, ctx, name);
    mb_status status = read_member(ctx, name, zip, "config.json", &config, &config_length);
    if (status == MB_OK) {
        status = read_config(&l, config, config_length);
    }
    if (status == MB_OK) {
        status = read_archive_version(&l, zip);
    }
    if (status == MB_OK) {
        status = mb_keras_read_model(&l.reader, l.document.root, &l.model, &l.graph);
    }
    if (status == MB_OK) {
        status = read_member(ctx, name, zip, "model.weights.h5", &bytes, &length);
    }
    if (status == MB_OK) {
        status = mb_h5_open_bytes(ctx, name, bytes, length, &file);
    }
    if (status == MB_OK) {
        mb_keras_weights weights = {ctx, file, NULL, name, "", l.model->parameters, NULL};
        status = mb_keras_run_counted(&weights, &l.document, l.graph);
    }
    mb_h5_close(file);
    mb_release(ctx, bytes);
    mb_release(ctx, config);
    return mb_keras_end(&l, status, out);
}

mb_status mb_model_load_keras_bytes(
    mb_context *ctx, const char *name, const void *bytes, size_t length, mb_model **out) {
    mb_zip *zip = NULL;
    *out = NULL;
    MB_TRY(mb_zip_open_bytes(ctx, name, bytes, length, &zip));
    const mb_status status = load_archive(ctx, name, zip, out);
    mb_zip_close(zip);
    return status;
}

static mb_status load_keras_path(mb_context *ctx, const char *path, mb_model **out) {
    mb_zip *zip = NULL;
    MB_TRY(mb_zip_open(ctx, path, &zip));
    const mb_status status = load_archive(ctx, path, zip, out);
    mb_zip_close(zip);
    return status;
}

static mb_status read_json(mb_keras_loading *l, const char *json, size_t length) {
    MB_TRY(read_config(l, json, length));
    return read_structure(l, mb_node_text(mb_node_find(l->document.root, "keras_version")),
        mb_node_text(mb_node_find(l->document.root, "backend")));
}

mb_status mb_model_load_config(
    mb_context *ctx, const char *name, const char *json, size_t length, mb_model **out) {
    mb_keras_loading l;
    *out = NULL;
    mb_keras_begin(&l, ctx, name);
    return mb_keras_end(&l, read_json(&l, json, length), out);
}

// Weights of any layout, for a graph whose layers are in Keras's order.
static mb_status read_weights_file(mb_context *ctx, const char *path, mb_document *document,
    const mb_keras_graph *graph, bool is_ordered, float *parameters) {
    mb_h5_file *file = NULL;
    MB_TRY(mb_h5_open(ctx, path, &file));
    mb_keras_weights weights = {ctx, file, NULL, path, "", parameters, NULL};
    mb_status status;
    if (mb_h5_has_attribute(file, "/", "layer_names") ||
        mb_h5_has_attribute(file, "/", "layer_names0")) {
        status = mb_keras_read_named(&weights, graph, is_ordered);
    } else if (mb_h5_is_group(file, "/model_weights")) {
        weights.base = "/model_weights";
        status = mb_keras_read_named(&weights, graph, is_ordered);
    } else if (mb_h5_is_group(file, "/layers")) {
        status = mb_keras_run_counted(&weights, document, graph);
    } else if (mb_context_status(ctx) != MB_OK) {
        status = mb_context_status(ctx);
    } else {
        status = mb_fail(ctx, MB_ERR_FORMAT,
            "%s: holds no weights of a Keras model; save the weights again", path);
    }
    mb_h5_close(file);
    return status;
}

static mb_status find_weights_beside(mb_context *ctx, const char *path, mb_buffer *out) {
    static const char *const suffixes[] = {".weights.h5", ".hdf5", ".h5"};
    const size_t stem = strlen(path) - (mb_keras_ends_with(path, ".json") ? 5 : 0);
    for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
        mb_buffer_clear(out);
        mb_buffer_init(out, ctx);
        mb_buffer_append(out, path, stem);
        mb_buffer_text(out, suffixes[i]);
        MB_TRY(out->status);
        if (mb_path_exists(out->data)) {
            return MB_OK;
        }
    }
    return mb_fail(ctx, MB_ERR_IO,
        "%s: has no weights beside it; put them there under the same name with .weights.h5, .hdf5 "
        "or .h5",
        path);
}

static mb_status load_json_path(mb_context *ctx, const char *path, mb_model **out) {
    mb_keras_loading l;
    char *json = NULL;
    size_t length = 0;
    mb_buffer weights;
    mb_keras_begin(&l, ctx, path);
    mb_buffer_init(&weights, ctx);
    mb_status status = mb_read_file(ctx, path, &json, &length);
    if (status == MB_OK) {
        status = read_json(&l, json, length);
    }
    if (status == MB_OK) {
        status = find_weights_beside(ctx, path, &weights);
    }
    if (status == MB_OK) {
        status =
            read_weights_file(ctx, weights.data, &l.document, l.graph, true, l.model->parameters);
    }
    mb_buffer_clear(&weights);
    mb_release(ctx, json);
    return mb_keras_end(&l, status, out);
}

// A folder that holds a model file under the name that trainings give it; *out stays NULL where it
// is none.
static mb_status load_from_folder(mb_context *ctx, const char *path, mb_model **out) {
    if (!mb_path_is_directory(path) || mb_saved_model_is_path(path)) {
        return MB_OK;
    }
    char *best = mb_path_join(ctx, path, "model.h5");
    if (best == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = mb_path_exists(best) ? load_h5_path(ctx, best, out) : MB_OK;
    mb_release(ctx, best);
    return status;
}

static mb_status load_shipped(mb_context *ctx, const char *path, mb_model **out) {
    const mb_shipped_file *file = mb_shipped_find(path);
    if (file != NULL) {
        return mb_model_load_h5_bytes(ctx, path, file->bytes, file->length, out);
    }
    mb_buffer names;
    mb_buffer_init(&names, ctx);
    for (size_t i = 0; i < mb_n_shipped_files; i++) {
        mb_buffer_format(&names, "%s%s", i > 0 ? ", " : "", mb_shipped_files[i].name);
    }
    const mb_status status =
        mb_fail(ctx, MB_ERR_ARG, "%s: no such model is part of the program; there are %s", path,
            names.data != NULL ? names.data : "some");
    mb_buffer_clear(&names);
    return status;
}

static mb_status load_graph_path(mb_context *ctx, const char *path, mb_model **out) {
    char *bytes = NULL;
    size_t length = 0;
    MB_TRY(mb_read_file(ctx, path, &bytes, &length));
    const mb_status status = mb_frozen_load_bytes(ctx, path, bytes, length, out);
    mb_release(ctx, bytes);
    return status;
}

mb_status mb_model_check_path(mb_context *ctx, const char *path) {
    file_kind kind;
    char *best = mb_path_join(ctx, path, "model.h5");
    if (best == NULL) {
        return MB_ERR_MEMORY;
    }
    const bool is_there = mb_shipped_is_path(path) || mb_path_exists(best);
    mb_release(ctx, best);
    return is_there ? MB_OK : find_kind(ctx, path, &kind);
}

mb_status mb_model_load(mb_context *ctx, const char *path, mb_model **out) {
    file_kind kind;
    *out = NULL;
    if (mb_shipped_is_path(path)) {
        return load_shipped(ctx, path, out);
    }
    MB_TRY(load_from_folder(ctx, path, out));
    if (*out != NULL) {
        return MB_OK;
    }
    MB_TRY(find_kind(ctx, path, &kind));
    switch (kind) {
    case KIND_H5:
        return load_h5_path(ctx, path, out);
    case KIND_KERAS:
        return load_keras_path(ctx, path, out);
    case KIND_FOLDER:
        return mb_keras_load_saved_model(ctx, path, out);
    case KIND_GRAPH:
        return load_graph_path(ctx, path, out);
    case KIND_JSON:
        break;
    }
    return load_json_path(ctx, path, out);
}

static bool is_same_shape(const mb_weight *a, const mb_weight *b) {
    return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
}

static mb_status copy_weight(mb_context *ctx, const char *path, const mb_model *from,
    const mb_weight *weight, float *parameters) {
    const mb_weight *other = mb_model_find_weight(from, weight->layer->name, weight->name);
    if (other == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT,
            "%s: layer %s: has no %s in the file; take the weights of this very model", path,
            weight->layer->name, weight->name);
    }
    if (!is_same_shape(other, weight)) {
        char in_file[96];
        char in_model[96];
        mb_value_type of_file = {.rank = other->rank};
        mb_value_type of_model = {.rank = weight->rank};
        memcpy(of_file.dim, other->dim, sizeof of_file.dim);
        memcpy(of_model.dim, weight->dim, sizeof of_model.dim);
        return mb_fail(ctx, MB_ERR_SHAPE,
            "%s: layer %s: its %s has shape %s in the file and %s in the model; take the weights "
            "of this very model",
            path, weight->layer->name, weight->name,
            mb_value_text(&of_file, in_file, sizeof in_file),
            mb_value_text(&of_model, in_model, sizeof in_model));
    }
    memcpy(parameters + weight->offset, from->parameters + other->offset,
        weight->count * sizeof *parameters);
    return MB_OK;
}

static mb_status read_by_name(
    mb_context *ctx, const mb_model *model, const char *path, float *parameters) {
    file_kind kind;
    MB_TRY(find_kind(ctx, path, &kind));
    mb_status status = MB_OK;
    if (kind == KIND_H5) {
        mb_document document;
        mb_keras_graph *graph = NULL;
        mb_document_init(&document, ctx, path);
        status = mb_keras_graph_of(ctx, &document, model, &graph);
        if (status == MB_OK) {
            status = read_weights_file(ctx, path, &document, graph, false, parameters);
        }
        mb_document_clear(&document);
        return status;
    }
    mb_model *from = NULL;
    MB_TRY(mb_model_load(ctx, path, &from));
    for (size_t i = 0; status == MB_OK && i < model->n_weights; i++) {
        status = copy_weight(ctx, path, from, model->weights[i], parameters);
    }
    mb_model_destroy(from);
    return status;
}

mb_status mb_model_load_weights(
    mb_context *ctx, const mb_model *model, const char *path, float *parameters) {
    float *read = mb_allocate_zeroed(ctx, model->n_parameters, sizeof *read);
    if (read == NULL) {
        return MB_ERR_MEMORY;
    }
    const mb_status status = read_by_name(ctx, model, path, read);
    if (status == MB_OK) {
        memcpy(parameters, read, model->n_parameters * sizeof *read);
        notice_not_finite(ctx, path, model, parameters);
    }
    mb_release(ctx, read);
    return status;
}
