// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/keras_part.h"

#include "base/numbers.h"
#include "exchange/keras_graph.h"

// The configuration of the nested model of a name, within that of the whole.
static const mb_node *find_part(const mb_node *root, const char *part) {
    const mb_node *layers = mb_node_find(mb_node_find(root, "config"), "layers");
    for (const mb_node *l = layers != NULL ? layers->first : NULL; l != NULL; l = l->next) {
        const mb_node *config = mb_node_find(l, "config");
        const char *name = mb_node_text(mb_node_find(config, "name"));
        if (name != NULL && strcmp(name, part) == 0 && mb_node_find(config, "layers") != NULL) {
            return l;
        }
    }
    return NULL;
}

static mb_status copy_weights(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *part, mb_model *to) {
    for (size_t i = 0; i < to->n_weights; i++) {
        const mb_weight *weight = to->weights[i];
        char name[512];
        const int length = mb_format(name, sizeof name, "%s/%s", part, weight->layer->name);
        const mb_weight *from = length > 0 && (size_t)length < sizeof name
                                    ? mb_model_find_weight(model, name, weight->name)
                                    : NULL;
        if (from == NULL || from->count != weight->count) {
            return mb_fail(ctx, MB_ERR_INTERNAL,
                "model %s: weight %s of layer %s/%s is not found again", model->name, weight->name,
                part, weight->layer->name);
        }
        memcpy(to->parameters + weight->offset, parameters + from->offset,
            weight->count * sizeof *to->parameters);
    }
    return MB_OK;
}

mb_status mb_model_take_part(mb_context *ctx, const mb_model *model, const float *parameters,
    const char *part, mb_model **out) {
    mb_document document;
    mb_keras_graph *graph = NULL;
    mb_buffer text;
    *out = NULL;
    mb_document_init(&document, ctx, model->name);
    mb_buffer_init(&text, ctx);
    mb_status status = mb_keras_graph_of(ctx, &document, model, &graph);
    const mb_node *root = status == MB_OK
                              ? mb_keras_config_of(ctx, &document, model, graph, MB_KERAS_STYLE_H5)
                              : NULL;
    const mb_node *nested = root != NULL ? find_part(root, part) : NULL;
    if (root == NULL) {
        status = status != MB_OK ? status : mb_context_status(ctx);
    } else if (nested == NULL) {
        status = mb_fail(ctx, MB_ERR_ARG,
            "model %s: has no nested model '%s'; call its layers %s/NAME", model->name, part, part);
    } else {
        mb_node_write_json(&text, nested, -1);
        status = text.status;
    }
    if (status == MB_OK) {
        status = mb_model_load_config(ctx, part, text.data, text.length, out);
    }
    if (status == MB_OK) {
        status = copy_weights(ctx, model, parameters, part, *out);
    }
    mb_buffer_clear(&text);
    mb_document_clear(&document);
    if (status != MB_OK) {
        mb_model_destroy(*out);
        *out = NULL;
    }
    return status;
}
