// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/study.h"

#include "network/layer.h"
#include "network/quantize.h"
#include "study/builder_groups.h"

// From the `layers:` of a study to a model. Two passes read the same entries: one checks what needs
// no shapes, so that a misspelt key is found before any data is read; the other builds.

enum { MOST_INPUTS_OF_A_LAYER = 64 };

// One entry of `layers:`, split into its parts.
typedef struct layer_entry {
    const mb_node *node;
    const char *kind; // "conv2d", "input", or "shared"
    const mb_node *options;
    const char *name; // NULL: none
    const mb_node *from;
    const char *axis; // of an input; NULL: not written
    bool is_trainable;
} layer_entry;

// A layer's value under the name it has in the study.
typedef struct named_value {
    const char *name; // NULL: none
    size_t value;
    bool is_used;
    mb_layer *layer;
} named_value;

typedef struct builder {
    mb_context *ctx;
    mb_document *document;
    mb_model *model;           // NULL while checking
    const mb_dataset *dataset; // NULL while checking
    const mb_compat *compat;   // the same
    const mb_node *data_format;
    named_value *values;
    size_t n_values;
} builder;

static mb_status read_name(const builder *b, const mb_node *member, const char **out) {
    const char *text = mb_node_text(member);
    if (text == NULL || text[0] == '\0') {
        return mb_fail_at(
            b->ctx, b->document, member, "model: '%s' is not a name; write one", member->key);
    }
    *out = text;
    return MB_OK;
}

static mb_status read_entry(const builder *b, const mb_node *node, layer_entry *out) {
    *out = (layer_entry){.node = node, .is_trainable = true};
    if (node->kind == MB_NODE_TEXT) {
        out->kind = node->text;
        return MB_OK;
    }
    for (const mb_node *member = node->kind == MB_NODE_MAP ? node->first : NULL; member != NULL;
         member = member->next) {
        if (strcmp(member->key, "name") == 0) {
            MB_TRY(read_name(b, member, &out->name));
        } else if (strcmp(member->key, "from") == 0) {
            out->from = member;
        } else if (strcmp(member->key, "axis") == 0) {
            MB_TRY(read_name(b, member, &out->axis));
        } else if (strcmp(member->key, "trainable") == 0 && member->kind == MB_NODE_BOOL) {
            out->is_trainable = member->boolean;
        } else if (out->kind == NULL) {
            out->kind = member->key;
            out->options = member->kind == MB_NODE_NULL ? NULL : member;
        } else {
            return mb_fail_at(b->ctx, b->document, member,
                "model: unknown key '%.60s' beside '%s'; a layer has name, from and trainable",
                member->key, out->kind);
        }
    }
    if (out->kind == NULL) {
        return mb_fail_at(b->ctx, b->document, node,
            "model: this is no layer; write {kind: {options}, name: NAME, from: LAYER}");
    }
    if (out->axis != NULL && strcmp(out->kind, "input") != 0) {
        return mb_fail_at(b->ctx, b->document, node,
            "model: axis is of inputs alone; write options of '%s' in its own braces", out->kind);
    }
    return MB_OK;
}

static named_value *find_value(const builder *b, const char *name) {
    for (size_t i = b->n_values; i > 0; i--) {
        if (b->values[i - 1].name != NULL && strcmp(b->values[i - 1].name, name) == 0) {
            return &b->values[i - 1];
        }
    }
    return NULL;
}

static mb_status fail_layer_name(const builder *b, const mb_node *at, const char *name) {
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < b->n_values && n < MB_COUNT_OF(names); i++) {
        if (b->values[i].name != NULL) {
            names[n++] = b->values[i].name;
        }
    }
    const char *near = mb_nearest_name(name, names, n);
    if (near != NULL) {
        return mb_fail_at(b->ctx, b->document, at,
            "model: no layer above is called '%.60s'; did you mean '%s'?", name, near);
    }
    return mb_fail_at(b->ctx, b->document, at,
        "model: no layer above is called '%.60s'; give it a name: there", name);
}

// What an entry takes: the layers of from:, or the layer above.
static mb_status find_inputs(
    const builder *b, const layer_entry *entry, size_t inputs[MOST_INPUTS_OF_A_LAYER], size_t *n) {
    *n = 0;
    if (entry->from == NULL) {
        if (b->n_values == 0) {
            return mb_fail_at(b->ctx, b->document, entry->node,
                "model: the first layer takes nothing; begin with {input: NAME}");
        }
        b->values[b->n_values - 1].is_used = true;
        inputs[(*n)++] = b->values[b->n_values - 1].value;
        return MB_OK;
    }
    const bool is_list = entry->from->kind == MB_NODE_LIST;
    const mb_node *child = is_list ? entry->from->first : entry->from;
    for (; child != NULL; child = is_list ? child->next : NULL) {
        const char *name = mb_node_text(child);
        named_value *value = name != NULL ? find_value(b, name) : NULL;
        if (value == NULL) {
            return fail_layer_name(b, child, name != NULL ? name : "?");
        }
        if (*n == MOST_INPUTS_OF_A_LAYER) {
            return mb_fail_at(b->ctx, b->document, entry->from,
                "model: more than %d inputs; join some first", MOST_INPUTS_OF_A_LAYER);
        }
        value->is_used = true;
        inputs[(*n)++] = value->value;
    }
    return MB_OK;
}

static mb_status add_value(
    builder *b, const layer_entry *entry, const char *name, size_t value, mb_layer *layer) {
    if (name != NULL && find_value(b, name) != NULL) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "model: two layers are called '%.60s'; give each its own name", name);
    }
    b->values[b->n_values++] = (named_value){.name = name, .value = value, .layer = layer};
    return MB_OK;
}

typedef struct input_options {
    mb_sizes shape;
    const char *axis;
} input_options;

static const mb_option input_table[] = {{"shape", MB_OPTION_SIZES, offsetof(input_options, shape),
                                            NULL, 1, 1e9, NULL, NULL, "of one row"},
    {"axis", MB_OPTION_TEXT, offsetof(input_options, axis), "", 0, 0, NULL, NULL,
        "what a row is: events, nodes or edges.NAME; default: as the data has it"},
    MB_OPTIONS_END};

static mb_status fail_column(const builder *b, const mb_node *at, const char *name) {
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < b->dataset->n_columns && n < MB_COUNT_OF(names); i++) {
        if (b->dataset->columns[i].role == MB_ROLE_INPUT) {
            names[n++] = b->dataset->columns[i].name;
        }
    }
    const char *near = mb_nearest_name(name, names, n);
    return mb_fail_at(b->ctx, b->document, at, "model: the data has no input '%.60s'; %s%s%s", name,
        near != NULL ? "did you mean '" : "the data has ",
        near != NULL ? near
        : n > 0      ? names[0]
                     : "none",
        near != NULL ? "'?" : "");
}

static mb_status find_axis(const builder *b, const layer_entry *entry, const mb_column *column,
    const char *written, unsigned *axis) {
    const char *name = column->axis != NULL ? column->axis : b->model->axes[MB_AXIS_EVENTS].name;
    if (written != NULL && strcmp(written, name) != 0) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "model: input '%s' is written with axis %.60s, but in the data a row is one of %s; "
            "change one",
            column->name, written, name);
    }
    *axis = MB_AXIS_EVENTS;
    if (column->axis == NULL) {
        return MB_OK;
    }
    const mb_dataset_axis *found = mb_dataset_find_axis(b->dataset, column->axis);
    unsigned joins = 0;
    if (found != NULL && found->joins != NULL) {
        MB_TRY(mb_model_add_axis(b->ctx, b->model, found->joins, 0, &joins));
    }
    return mb_model_add_axis(b->ctx, b->model, column->axis, joins, axis);
}

// The row shape of an input: the data's, held against the one that is written.
static mb_status find_shape(const builder *b, const layer_entry *entry, const char *name,
    const char *axis, mb_value_type *type) {
    const mb_column *column = mb_dataset_find(b->dataset, name);
    if (column == NULL || column->role != MB_ROLE_INPUT) {
        return fail_column(b, entry->node, name);
    }
    if (column->rank > MB_MAX_DIMS) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "model: input '%s' has %u axes; at most %d are offered", name, column->rank,
            MB_MAX_DIMS);
    }
    const mb_value_type written = *type;
    MB_TRY(find_axis(b, entry, column, axis, &type->axis));
    if (written.rank == 1 && written.dim[0] == column->size) {
        return MB_OK;
    }
    type->rank = column->rank;
    for (unsigned i = 0; i < column->rank; i++) {
        type->dim[i] = column->shape[i];
    }
    // One number a row is a vector of one.
    if (type->rank == 0) {
        type->rank = 1;
        type->dim[0] = 1;
    }
    if (written.rank > 0 &&
        (written.rank != type->rank ||
            memcmp(written.dim, type->dim, type->rank * sizeof *type->dim) != 0)) {
        char here[96];
        char there[96];
        return mb_fail_at(b->ctx, b->document, entry->node,
            "model: input '%s' is written with shape %s but the data has %s; change one", name,
            mb_value_text(&written, here, sizeof here), mb_value_text(type, there, sizeof there));
    }
    return MB_OK;
}

// {input: NAME}, {input: NAME, axis: nodes}, or {input: {shape: [...], axis: nodes}, name: NAME}.
static mb_status read_input(const builder *b, const layer_entry *entry, const char **name,
    const char **axis, mb_value_type *type) {
    if (entry->options == NULL || entry->options->kind != MB_NODE_MAP) {
        const char *column = entry->options != NULL ? mb_node_text(entry->options) : NULL;
        if (column == NULL || (*name != NULL && strcmp(*name, column) != 0)) {
            return mb_fail_at(b->ctx, b->document, entry->node,
                "input: write {input: NAME} with the name that the data has for it");
        }
        *name = column;
        *axis = entry->axis;
        return MB_OK;
    }
    input_options options;
    MB_TRY(mb_options_parse(
        b->ctx, b->document, input_table, entry->options, "input", NULL, &options));
    if (options.shape.n > MB_MAX_DIMS || *name == NULL) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "input: write {input: {shape: [...]}, name: NAME} with at most %d axes", MB_MAX_DIMS);
    }
    *axis = options.axis != NULL && options.axis[0] != '\0' ? options.axis : entry->axis;
    type->rank = (unsigned)options.shape.n;
    for (size_t i = 0; i < options.shape.n; i++) {
        type->dim[i] = options.shape.value[i];
    }
    return MB_OK;
}

static mb_status add_input(builder *b, const layer_entry *entry) {
    mb_value_type type = {.axis = MB_AXIS_EVENTS};
    const char *name = entry->name;
    const char *axis = NULL;
    MB_TRY(read_input(b, entry, &name, &axis, &type));
    if (entry->from != NULL) {
        return mb_fail_at(
            b->ctx, b->document, entry->from, "input: takes no other layer; remove from:");
    }
    size_t value = 0;
    if (b->model != NULL) {
        MB_TRY(find_shape(b, entry, name, axis, &type));
        MB_TRY(mb_model_add_input(b->ctx, b->model, name, &type, &value));
    }
    return add_value(b, entry, name, value, NULL);
}

static bool has_option(const mb_layer_ops *ops, const char *name) {
    for (const mb_option *o = ops->options; o != NULL && o->name != NULL; o++) {
        if (strcmp(o->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// The options with the model's data_format where the layer has one and does not say.
static mb_status complete_options(
    const builder *b, const mb_layer_ops *ops, const layer_entry *entry, const mb_node **out) {
    *out = entry->options;
    if (b->data_format == NULL || !has_option(ops, "data_format") ||
        mb_node_find(entry->options, "data_format") != NULL ||
        (entry->options != NULL && entry->options->kind != MB_NODE_MAP)) {
        return MB_OK;
    }
    mb_node *map = entry->options != NULL ? mb_node_copy(b->document, b->ctx, entry->options)
                                          : mb_node_make(b->document, b->ctx, MB_NODE_MAP);
    mb_node *format = mb_node_copy(b->document, b->ctx, b->data_format);
    if (map == NULL || format == NULL) {
        return MB_ERR_MEMORY;
    }
    map->line = entry->options != NULL ? entry->options->line : entry->node->line;
    *out = map;
    return mb_node_set(b->document, b->ctx, map, "data_format", format);
}

static mb_status fail_kind(const builder *b, const layer_entry *entry) {
    const char *names[256];
    size_t n = 0;
    while (mb_layer_list[n] != NULL && n < MB_COUNT_OF(names)) {
        names[n] = mb_layer_list[n]->name;
        n++;
    }
    const char *near = mb_nearest_name(entry->kind, names, n);
    return mb_fail_at(b->ctx, b->document, entry->node, "model: unknown layer '%.60s'; %s%s%s",
        entry->kind, near != NULL ? "did you mean '" : "the manual lists the layers",
        near != NULL ? near : "", near != NULL ? "'?" : "");
}

// {shared: NAME, from: ...}: the layer NAME once more, with the same weights.
static mb_status find_shared(builder *b, const layer_entry *entry, mb_layer **out) {
    const char *name = entry->options != NULL ? mb_node_text(entry->options) : NULL;
    const named_value *value = name != NULL ? find_value(b, name) : NULL;
    if (value == NULL) {
        return fail_layer_name(b, entry->node, name != NULL ? name : "?");
    }
    *out = value->layer;
    if (b->model != NULL && value->layer == NULL) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "shared: '%s' is an input; name a layer with weights", name);
    }
    return MB_OK;
}

// Alone the options say all that is wrong with them but shapes.
static mb_status check_options(const builder *b, const mb_layer_ops *ops, const mb_node *options) {
    void *record =
        mb_arena_allocate(&b->document->arena, b->ctx, 1, mb_max_size(ops->options_size, 1));
    if (record == NULL) {
        return MB_ERR_MEMORY;
    }
    static const mb_option none[] = {MB_OPTIONS_END};
    const mb_node *activation = mb_node_find(options, "activation");
    mb_quantizer quantizer;
    if (activation != NULL &&
        (activation->kind == MB_NODE_MAP || mb_quantizer_is_text(mb_node_text(activation)))) {
        MB_TRY(mb_quantizer_read(
            b->ctx, b->document, activation, MB_QUANTIZER_ACTIVATION, "activation", &quantizer));
    }
    const char *const ignored[] = {activation != NULL ? "activation" : NULL, NULL};
    const bool is_map = activation != NULL && activation->kind == MB_NODE_MAP;
    return mb_options_parse(b->ctx, b->document, ops->options != NULL ? ops->options : none,
        options, ops->name, is_map ? ignored : NULL, record);
}

static mb_status make_layer(builder *b, const layer_entry *entry, mb_layer **layer) {
    const mb_layer_ops *ops = mb_layer_find(entry->kind);
    if (ops == NULL) {
        return fail_kind(b, entry);
    }
    const mb_node *options = NULL;
    MB_TRY(complete_options(b, ops, entry, &options));
    if (b->model == NULL) {
        return check_options(b, ops, options);
    }
    MB_TRY(mb_model_add_layer(
        b->ctx, b->model, entry->kind, entry->name, b->document, options, layer));
    (*layer)->is_trainable = entry->is_trainable;
    return MB_OK;
}

// compat isolated_zero: as the original, where the layer does not say.
static mb_status leave_isolated_out(
    const builder *b, const mb_layer_ops *ops, const mb_node **options) {
    const bool is_asked = b->compat != NULL && mb_compat_has(b->compat, "isolated_zero");
    if (!is_asked || !has_option(ops, "isolated") || *options == NULL ||
        (*options)->kind != MB_NODE_MAP || mb_node_find(*options, "isolated") != NULL) {
        return MB_OK;
    }
    mb_node *map = mb_node_copy(b->document, b->ctx, *options);
    mb_node *value = mb_node_make_text(b->document, b->ctx, "zero");
    if (map == NULL || value == NULL) {
        return MB_ERR_MEMORY;
    }
    map->line = (*options)->line;
    *options = map;
    return mb_node_set(b->document, b->ctx, map, "isolated", value);
}

// graph_conv and the like: a short form of several layers.
static mb_status expand(builder *b, const layer_entry *entry, const size_t *inputs, size_t n) {
    const mb_layer_ops *ops = mb_layer_find(entry->kind);
    mb_expansion request = {entry->name, b->document, entry->options, entry->is_trainable};
    size_t value = 0;
    if (n != 1) {
        return mb_fail_at(b->ctx, b->document, entry->node,
            "model: %s takes one layer, but from: names %zu; name one", entry->kind, n);
    }
    MB_TRY(leave_isolated_out(b, ops, &request.options));
    if (b->model == NULL) {
        MB_TRY(check_options(b, ops, entry->options));
    } else if (ops->expand(b->ctx, b->model, &request, inputs[0], &value) != MB_OK) {
        return mb_fail_within(b->ctx, "%s:%d", b->document->name, entry->node->line);
    }
    return add_value(b, entry, entry->name, value, NULL);
}

static mb_status add_entry(builder *b, const mb_node *node) {
    layer_entry entry;
    MB_TRY(read_entry(b, node, &entry));
    if (strcmp(entry.kind, "input") == 0) {
        return add_input(b, &entry);
    }
    size_t inputs[MOST_INPUTS_OF_A_LAYER];
    size_t n = 0;
    MB_TRY(find_inputs(b, &entry, inputs, &n));
    mb_layer *layer = NULL;
    const mb_layer_ops *ops = mb_layer_find(entry.kind);
    if (ops != NULL && ops->expand != NULL) {
        return expand(b, &entry, inputs, n);
    }
    if (strcmp(entry.kind, "shared") == 0) {
        MB_TRY(find_shared(b, &entry, &layer));
    } else {
        MB_TRY(make_layer(b, &entry, &layer));
    }
    size_t value = 0;
    if (b->model != NULL && mb_model_call(b->ctx, b->model, layer, inputs, n, &value) != MB_OK) {
        return mb_fail_within(b->ctx, "%s:%d", b->document->name, node->line);
    }
    return add_value(b, &entry, entry.name, value, layer);
}

typedef struct model_options {
    const mb_node *layers, *outputs, *quantize, *train;
    const char *target;
    int data_format;
    double bit_faults;
} model_options;

static const mb_option model_table[] = {{"layers", MB_OPTION_NODE, offsetof(model_options, layers),
                                            NULL, 0, 0, NULL, NULL, "the layers, in order"},
    {"data_format", MB_OPTION_CHOICE, offsetof(model_options, data_format), "channels_last", 0, 0,
        mb_data_format_names, NULL, "of all layers that have one and do not say"},
    {"outputs", MB_OPTION_NODE, offsetof(model_options, outputs), "", 0, 0, NULL, NULL,
        "names of the layers whose values come out; default: those that no other takes"},
    {"quantize", MB_OPTION_NODE, offsetof(model_options, quantize), "", 0, 0, NULL, NULL,
        "quantisers of this model, before those of the study's quantize"},
    {"train", MB_OPTION_NODE, offsetof(model_options, train), "", 0, 0, NULL, NULL,
        "keys of train: for this model alone; a loss counts where the study's train has none"},
    {"target", MB_OPTION_TEXT, offsetof(model_options, target), "", 0, 0, NULL, NULL,
        "column of the data that it learns; default: the data's target"},
    {"bit_faults", MB_OPTION_REAL, offsetof(model_options, bit_faults), "0", 0, 1, NULL, NULL,
        "probability that a bit of a quantised weight is flipped in its evaluation"},
    MB_OPTIONS_END};

static mb_status finish(builder *b, const mb_node *model, const mb_node *outputs) {
    size_t *chosen = mb_allocate(b->ctx, b->n_values + 1, sizeof *chosen);
    if (chosen == NULL) {
        return MB_ERR_MEMORY;
    }
    size_t n = 0;
    mb_status status = MB_OK;
    const bool is_list = outputs != NULL && outputs->kind == MB_NODE_LIST;
    const mb_node *child = is_list ? outputs->first : outputs;
    for (; child != NULL && status == MB_OK && n <= b->n_values;
         child = is_list ? child->next : NULL) {
        const char *name = mb_node_text(child);
        const named_value *value = name != NULL ? find_value(b, name) : NULL;
        if (value == NULL) {
            status = fail_layer_name(b, child, name != NULL ? name : "?");
        } else {
            chosen[n++] = value->value;
        }
    }
    for (size_t i = 0; outputs == NULL && i < b->n_values; i++) {
        if (!b->values[i].is_used) {
            chosen[n++] = b->values[i].value;
        }
    }
    if (status == MB_OK && n == 0) {
        status = mb_fail_at(b->ctx, b->document, model,
            "model: no value comes out; end with a layer or name outputs:");
    }
    if (status == MB_OK && b->model != NULL) {
        status = mb_study_add_groups(b->ctx, b->model, chosen, n);
    }
    if (status == MB_OK && b->model != NULL) {
        status = mb_model_finish(b->ctx, b->model, NULL, 0, chosen, n);
    }
    mb_release(b->ctx, chosen);
    return status;
}

static mb_status walk(builder *b, const mb_node *node) {
    model_options options;
    MB_TRY(mb_options_parse(b->ctx, b->document, model_table, node, "model", NULL, &options));
    b->data_format = mb_node_find(node, "data_format");
    if (options.layers->kind != MB_NODE_LIST || options.layers->n_children == 0) {
        return mb_fail_at(b->ctx, b->document, options.layers,
            "model: layers is not a list of layers; write one entry a line");
    }
    if (options.quantize != NULL) {
        MB_TRY(mb_quantize_check(b->ctx, b->document, options.quantize));
    }
    b->values = mb_allocate(b->ctx, options.layers->n_children, sizeof *b->values);
    mb_status status = b->values == NULL ? MB_ERR_MEMORY : MB_OK;
    for (const mb_node *child = options.layers->first; child != NULL && status == MB_OK;
         child = child->next) {
        status = add_entry(b, child);
    }
    if (status == MB_OK) {
        status = finish(b, node, options.outputs);
    }
    mb_release(b->ctx, b->values);
    return status;
}

mb_status mb_study_check_model(mb_context *ctx, mb_document *document, const mb_node *model) {
    builder b = {.ctx = ctx, .document = document};
    return walk(&b, model);
}

// The quantisers that the study and the model ask for. Destroys the model on failure.
static mb_status quantize(
    mb_context *ctx, const mb_study *study, const mb_node *own, mb_model **model) {
    const mb_node *common = mb_node_find(study->document.root, "quantize");
    if (common == NULL && own == NULL) {
        return MB_OK;
    }
    mb_document document;
    mb_node *merged = NULL;
    mb_document_init(&document, ctx, study->document.name);
    mb_status status = mb_quantize_merge(ctx, &document, common, own, &merged);
    if (status == MB_OK) {
        status = mb_model_quantize(ctx, *model, &document, merged);
    }
    mb_document_clear(&document);
    if (status != MB_OK) {
        mb_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

mb_status mb_study_build_model(mb_context *ctx, const mb_study *study, const mb_fit_spec *fit,
    const mb_dataset *dataset, mb_model **out, bool *has_weights) {
    *out = NULL;
    *has_weights = false;
    if (fit->model == NULL) {
        return mb_fail(ctx, MB_ERR_FORMAT, "%s: there is no model; add model:", study->path);
    }
    if (mb_node_is_scalar(fit->model)) {
        *has_weights = true;
        MB_TRY(mb_model_load(ctx, mb_node_text(fit->model), out));
        return quantize(ctx, study, NULL, out);
    }
    // Parsed options live in the document that they are read from, and the study is read-only.
    mb_document document;
    mb_document_init(&document, ctx, study->document.name);
    builder b = {.ctx = ctx, .document = &document, .dataset = dataset, .compat = &study->compat};
    mb_node *node = mb_node_copy(&document, ctx, fit->model);
    mb_status status = node == NULL ? MB_ERR_MEMORY : mb_model_begin(ctx, study->name, &b.model);
    if (status == MB_OK) {
        status = walk(&b, node);
    }
    mb_document_clear(&document);
    if (status != MB_OK) {
        mb_model_destroy(b.model);
        return status;
    }
    *out = b.model;
    return quantize(ctx, study, mb_node_find(fit->model, "quantize"), out);
}
