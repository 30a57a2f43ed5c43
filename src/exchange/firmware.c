// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "exchange/firmware.h"

#include "base/numbers.h"
#include "base/output.h"
#include "exchange/firmware_options.h"
#include "exchange/keras_graph.h"
#include "files/json.h"
#include "files/yaml.h"
#include "network/layer.h"

// Reading a weight set.

#define LAYER(name, type, otherwise, help)                                                         \
    { #name, type, offsetof(firmware_layer, name), otherwise, 0, 0, NULL, NULL, help }
#define LAYER_TEXT(name, help)                                                                     \
    { #name, MB_OPTION_TEXT, offsetof(firmware_layer, name), "", 0, 0, NULL, NULL, help }

const mb_option mb_firmware_head_options[] = {
    {FIRMWARE_FORMAT_KEY, MB_OPTION_INT, offsetof(firmware_head, format), NULL, 1, 1e9, NULL, NULL,
        "number of this file's format"},
    {"input", MB_OPTION_NODE, offsetof(firmware_head, input), NULL, 0, 0, NULL, NULL,
        "shape and type of an event"},
    {"layers", MB_OPTION_NODE, offsetof(firmware_head, layers), NULL, 0, 0, NULL, NULL,
        "in order, each {kind: {...}}"},
    {"activation", MB_OPTION_TEXT, offsetof(firmware_head, activation), "", 0, 0, NULL, NULL,
        "in float32 behind the integers"},
    MB_OPTIONS_END};

const mb_option mb_firmware_input_options[] = {
    {"shape", MB_OPTION_SIZES, offsetof(firmware_input, shape), NULL, 1, 1 << 24, NULL, NULL,
        "of an event: [252] or [rows, columns, channels]"},
    {"type", MB_OPTION_TEXT, offsetof(firmware_input, type), NULL, 0, 0, NULL, NULL,
        "fixed-point type of its numbers"},
    MB_OPTIONS_END};

const mb_option mb_firmware_layer_options[] = {LAYER(name, MB_OPTION_TEXT, NULL, "in reports"),
    {"units", MB_OPTION_SIZE, offsetof(firmware_layer, units), "0", 0, 1 << 24, NULL, NULL,
        "outputs of dense, filters of conv2d"},
    {"window", MB_OPTION_SIZES, offsetof(firmware_layer, window), "", 1, 1 << 12, NULL, NULL,
        "rows and columns of conv2d and poolings, factors of up_sampling"},
    {"stride", MB_OPTION_SIZES, offsetof(firmware_layer, stride), "", 1, 1 << 12, NULL, NULL,
        "rows and columns; default 1 for conv2d, the window for poolings"},
    {"padding", MB_OPTION_CHOICE, offsetof(firmware_layer, padding), "valid", 0, 0,
        mb_padding_names, NULL, "valid or same"},
    LAYER_TEXT(weights, "list of dense, conv2d and scale"),
    LAYER_TEXT(bias, "list, a number for each output channel"),
    LAYER_TEXT(scale, "list of real factors, one for each output channel"),
    LAYER(transposed, MB_OPTION_BOOL, "false", "weights are stored outputs first"),
    LAYER_TEXT(weight_type, "default: the weights as they are"),
    LAYER_TEXT(bias_type, "default: the bias as it is"),
    LAYER_TEXT(accumulator, "type that sums are converted to"),
    LAYER_TEXT(result, "type that the next layer gets"), MB_OPTIONS_END};

typedef struct reader {
    mb_context *ctx;
    mb_document *document;
    const char *directory; // NULL: no lists
} reader;

static bool is_given(const char *text) {
    return text != NULL && text[0] != '\0';
}

static mb_status read_type(
    const reader *r, const mb_node *node, const char *what, const char *text, mb_fixed *out) {
    *out = (mb_fixed){0};
    if (!is_given(text)) {
        return MB_OK;
    }
    char where[256];
    mb_format(where, sizeof where, "%s:%d: %s", r->document->name, node->line, what);
    return mb_fixed_parse(r->ctx, where, text, out);
}

static bool has_shape(const mb_array *array, const mb_value_type *type, bool outputs_first) {
    bool is_equal = array->rank == type->rank;
    for (unsigned i = 0; is_equal && i < array->rank; i++) {
        const unsigned k = !outputs_first ? i : i == 0 ? type->rank - 1 : i - 1;
        is_equal = array->shape[i] == type->dim[k];
    }
    return is_equal;
}

// The file that a list's name means.
static char *find_file(mb_context *ctx, const char *directory, const char *name) {
    static const char *const suffixes[] = {"", ".csv", ".txt"};
    char file[300];
    for (size_t i = 0; i < MB_COUNT_OF(suffixes); i++) {
        mb_format(file, sizeof file, "%s%s", name, suffixes[i]);
        char *path = mb_path_join(ctx, directory, file);
        if (path == NULL || (mb_path_exists(path) && !mb_path_is_directory(path))) {
            return path;
        }
        mb_release(ctx, path);
    }
    mb_fail(ctx, MB_ERR_IO, "%s: has no weight list %s, %s.csv or %s.txt; name the folder that has",
        directory, name, name, name);
    return NULL;
}

// A list as the layer wants it, in the document's memory.
static mb_status place(const reader *r, const char *path, const mb_array *array,
    const mb_value_type *type, bool transposed, float *out) {
    char has[64], needs[64];
    if (!has_shape(array, type, false) && !(transposed && has_shape(array, type, true))) {
        return mb_fail(r->ctx, MB_ERR_SHAPE,
            "%s: has shape %s where the layer needs %s; take the list that belongs to these types",
            path, mb_array_shape_text(array, has, sizeof has),
            mb_value_text(type, needs, sizeof needs));
    }
    const float *from = array->data;
    const size_t n_outputs = type->dim[type->rank - 1];
    const size_t n_inner = mb_array_count(array) / n_outputs;
    for (size_t i = 0; i < n_inner; i++) {
        for (size_t o = 0; o < n_outputs; o++) {
            out[i * n_outputs + o] = from[transposed ? o * n_inner + i : i * n_outputs + o];
        }
    }
    return MB_OK;
}

static mb_status read_list(const reader *r, const char *name, const mb_value_type *type,
    bool transposed, const float **out) {
    const size_t n = mb_value_size(type);
    char *text = NULL;
    char *path = NULL;
    size_t length = 0;
    mb_array array = {0};
    if (!is_given(name) || type->rank == 0) {
        return MB_OK;
    }
    const uint64_t most = mb_context_limits(r->ctx)->bytes;
    const uint64_t used = r->document->arena.total;
    if (used > most || n > (most - used) / sizeof(float)) {
        return mb_fail(r->ctx, MB_ERR_LIMIT,
            "%s: %s would have %zu numbers, more than the limit; allow more or correct the types",
            r->document->name, name, n);
    }
    float *numbers = mb_arena_allocate(&r->document->arena, r->ctx, n, sizeof *numbers);
    if (numbers == NULL) {
        return MB_ERR_MEMORY;
    }
    *out = numbers;
    if (r->directory == NULL) {
        return MB_OK;
    }
    mb_status status = MB_ERR_IO;
    path = find_file(r->ctx, r->directory, name);
    if (path == NULL) {
        status = mb_context_status(r->ctx);
        goto done;
    }
    status = mb_read_file(r->ctx, path, &text, &length);
    if (status != MB_OK) {
        goto done;
    }
    status = mb_firmware_parse_list(r->ctx, path, text, length, &array);
    if (status == MB_OK) {
        status = place(r, path, &array, type, transposed, numbers);
    }
done:
    mb_array_clear(&array);
    mb_release(r->ctx, text);
    mb_release(r->ctx, path);
    return status;
}

static mb_status read_pair(
    const reader *r, const mb_node *node, const char *what, const mb_sizes *sizes, size_t out[2]) {
    if (sizes->n > 2) {
        return mb_fail_at(r->ctx, r->document, node,
            "%s: has %zu lengths; write [rows, columns] or one for both", what, sizes->n);
    }
    for (size_t i = 0; i < 2 && sizes->n > 0; i++) {
        out[i] = sizes->value[sizes->n == 1 ? 0 : i];
    }
    return MB_OK;
}

static mb_status read_layer(
    const reader *r, const mb_node *node, mb_value_type *type, mb_twin_layer *out) {
    firmware_layer written;
    const mb_node *map = NULL;
    const char *kind = NULL;
    mb_value_type output, weights;
    MB_TRY(mb_named_options(r->ctx, r->document, node, "layers", &kind, &map));
    MB_TRY(mb_options_parse(
        r->ctx, r->document, mb_firmware_layer_options, map, kind, NULL, &written));
    if (written.padding == MB_PADDING_CAUSAL) {
        return mb_fail_at(r->ctx, r->document, node, "padding: is valid or same; write one");
    }
    *out = (mb_twin_layer){.kind = kind,
        .name = written.name,
        .units = written.units,
        .is_same = written.padding == MB_PADDING_SAME};
    MB_TRY(read_pair(r, node, "window", &written.window, out->window));
    MB_TRY(read_pair(r, node, "stride", &written.stride, out->stride));
    MB_TRY(read_type(r, node, "weight_type", written.weight_type, &out->weight));
    MB_TRY(read_type(r, node, "bias_type", written.bias_type, &out->bias_format));
    MB_TRY(read_type(r, node, "accumulator", written.accumulator, &out->accumulator));
    MB_TRY(read_type(r, node, "result", written.result, &out->result));
    MB_TRY(mb_twin_layer_shape(r->ctx, out, type, &output, &weights));
    const mb_value_type channels = {
        .axis = type->axis, .rank = 1, .dim = {output.dim[output.rank - 1]}};
    MB_TRY(read_list(r, written.weights, &weights, written.transposed, &out->weights));
    MB_TRY(read_list(r, written.bias, &channels, false, &out->bias));
    MB_TRY(read_list(r, written.scale, &channels, false, &out->scale));
    *type = output;
    return MB_OK;
}

static mb_status read_input(const reader *r, const mb_node *node, mb_twin_program *program) {
    firmware_input input;
    MB_TRY(mb_options_parse(
        r->ctx, r->document, mb_firmware_input_options, node, "input", NULL, &input));
    if (input.shape.n == 0 || input.shape.n > 3) {
        return mb_fail_at(r->ctx, r->document, node,
            "shape: has %zu lengths; write [252] or [rows, columns, channels]", input.shape.n);
    }
    program->input.rank = (unsigned)input.shape.n;
    memcpy(program->input.dim, input.shape.value, input.shape.n * sizeof *program->input.dim);
    return read_type(r, node, "type", input.type, &program->input_format);
}

static mb_status read_program(const reader *r, mb_twin_program *program) {
    firmware_head head;
    MB_TRY(mb_options_parse(r->ctx, r->document, mb_firmware_head_options, r->document->root,
        "firmware types", NULL, &head));
    if (head.format != FIRMWARE_FORMAT) {
        return mb_fail(r->ctx, MB_ERR_UNSUPPORTED,
            "%s: has format number %lld and this version reads %d; use a newer minbias",
            r->document->name, (long long)head.format, FIRMWARE_FORMAT);
    }
    if (head.layers->kind != MB_NODE_LIST) {
        return mb_fail_at(r->ctx, r->document, head.layers, "layers: is no list; write one");
    }
    MB_TRY(read_input(r, head.input, program));
    program->activation = is_given(head.activation) ? head.activation : NULL;
    mb_twin_layer *layers =
        mb_arena_allocate(&r->document->arena, r->ctx, head.layers->n_children, sizeof *layers);
    if (layers == NULL) {
        return MB_ERR_MEMORY;
    }
    program->layers = layers;
    mb_value_type type = program->input;
    for (const mb_node *node = head.layers->first; node != NULL; node = node->next) {
        MB_TRY(read_layer(r, node, &type, &layers[program->n_layers++]));
    }
    return MB_OK;
}

static void tell_outside(mb_context *ctx, const char *where, const mb_twin *twin) {
    for (size_t i = 0; i < mb_twin_layers(twin); i++) {
        mb_twin_report report;
        mb_twin_describe(twin, i, &report);
        if (report.n_weights_outside > 0) {
            mb_notice(ctx, MB_NOTICE_WARNING, where,
                "layer %s: %zu of %zu weights lie outside their type and are wrapped or clipped",
                report.name, report.n_weights_outside, report.n_weights);
        }
    }
}

static mb_status finish(
    const reader *r, const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) {
    mb_twin_program program = {.n_layers = 0};
    MB_TRY(read_program(r, &program));
    if (mb_twin_create(r->ctx, &program, overrides, n_overrides, out) != MB_OK) {
        return mb_fail_within(r->ctx, "%s", r->document->name);
    }
    tell_outside(r->ctx, r->document->name, *out);
    return MB_OK;
}

mb_status mb_firmware_parse(mb_context *ctx, const char *name, const char *text, size_t length,
    const char *directory, const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) {
    mb_document document;
    const reader r = {ctx, &document, directory};
    *out = NULL;
    mb_status status = mb_yaml_parse(ctx, name, text, length, &document);
    if (status == MB_OK) {
        status = finish(&r, overrides, n_overrides, out);
    }
    mb_document_clear(&document);
    return status;
}

static mb_status fail_types(mb_context *ctx, const char *types) {
    const char *names[32];
    size_t n = 0;
    for (const mb_firmware_types *known = mb_firmware_list; known->name != NULL && n < 32;
         known++) {
        names[n++] = known->name;
    }
    const char *nearest = mb_nearest_name(types, names, n);
    return mb_fail(ctx, MB_ERR_FORMAT,
        "firmware: no types are called %s; %s%s, or name a file of types (.yaml)", types,
        nearest == NULL ? "take v1, v1.1.1, v1.1.2, v2, v2.2.0 ..." : "did you mean ",
        nearest == NULL ? "" : nearest);
}

bool mb_firmware_is_path(const char *types) {
    return strchr(types, '/') != NULL || mb_keras_ends_with(types, ".json") ||
           mb_keras_ends_with(types, ".yaml") || mb_keras_ends_with(types, ".yml");
}

mb_status mb_firmware_load(mb_context *ctx, const char *directory, const char *types,
    const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) {
    *out = NULL;
    for (const mb_firmware_types *known = mb_firmware_list; known->name != NULL; known++) {
        if (strcmp(known->name, types) == 0) {
            return mb_firmware_parse(ctx, types, known->text, strlen(known->text), directory,
                overrides, n_overrides, out);
        }
    }
    if (!mb_firmware_is_path(types)) {
        return fail_types(ctx, types);
    }
    const bool is_json = mb_keras_ends_with(types, ".json");
    mb_document document;
    const reader r = {ctx, &document, directory};
    mb_status status =
        is_json ? mb_json_read(ctx, types, &document) : mb_yaml_read(ctx, types, &document);
    if (status == MB_OK) {
        status = finish(&r, overrides, n_overrides, out);
    }
    mb_document_clear(&document);
    return status;
}
