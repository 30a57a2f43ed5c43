// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/numbers.h"
#include "base/output.h"
#include "exchange/firmware.h"
#include "exchange/firmware_options.h"
#include "network/layer.h"

// Writing a weight set.

typedef struct writer {
    mb_context *ctx;
    mb_document *document;
    const char *directory;
} writer;

// A number as firmware holds it, unless float32 could not bring that back.
static float stored(const mb_fixed *format, float x) {
    if (format->bits == 0) {
        return x;
    }
    const double value = mb_fixed_to_double(format, mb_fixed_from_double(format, (double)x, NULL));
    return (double)(float)value == value ? (float)value : x;
}

static mb_status write_list(const writer *w, const char *name, const mb_value_type *type,
    const mb_fixed *format, const float *numbers) {
    char file[40];
    mb_buffer text;
    mb_buffer_init(&text, w->ctx);
    mb_format(file, sizeof file, "%s.csv", name);
    mb_buffer_text(&text, "# shape ");
    for (unsigned i = 0; i < type->rank; i++) {
        mb_buffer_format(&text, "%s%zu", i == 0 ? "" : ", ", type->dim[i]);
    }
    mb_buffer_text(&text, "\n");
    for (size_t i = 0; i < mb_value_size(type); i++) {
        mb_buffer_float(&text, stored(format, numbers[i]));
        mb_buffer_text(&text, "\n");
    }
    char *path = mb_path_join(w->ctx, w->directory, file);
    mb_status status = MB_ERR_MEMORY;
    if (path != NULL) {
        status = mb_write_buffer(&text, path);
    }
    mb_buffer_clear(&text);
    mb_release(w->ctx, path);
    return status;
}

// Writes a list and notes its name, w1, in *option; numbers NULL: neither.
static mb_status put_list(const writer *w, char letter, size_t layer, const mb_value_type *type,
    const mb_fixed *format, const float *numbers, const char **option) {
    if (numbers == NULL || type->rank == 0) {
        return MB_OK;
    }
    *option = mb_arena_format(&w->document->arena, w->ctx, "%c%zu", letter, layer + 1);
    return *option == NULL ? MB_ERR_MEMORY : write_list(w, *option, type, format, numbers);
}

static mb_status put_type(const writer *w, const mb_fixed *format, const char **option) {
    char text[MB_FIXED_TEXT_SIZE];
    if (format->bits == 0) {
        return MB_OK;
    }
    *option = mb_arena_text(&w->document->arena, w->ctx, mb_fixed_text(format, text, sizeof text));
    return *option == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_sizes pair_of(const size_t pair[2]) {
    return pair[0] == 0 && pair[1] == 0 ? (mb_sizes){0} : (mb_sizes){2, {pair[0], pair[1]}};
}

static mb_status put_layer(
    const writer *w, const mb_twin_layer *layer, size_t at, mb_value_type *type, mb_node *layers) {
    const mb_fixed none = {0};
    firmware_layer written = {.name = layer->name,
        .units = layer->units,
        .window = pair_of(layer->window),
        .stride = pair_of(layer->stride),
        .padding = layer->is_same ? MB_PADDING_SAME : MB_PADDING_VALID};
    mb_value_type output, weights;
    MB_TRY(mb_twin_layer_shape(w->ctx, layer, type, &output, &weights));
    const mb_value_type channels = {
        .axis = type->axis, .rank = 1, .dim = {output.dim[output.rank - 1]}};
    MB_TRY(put_list(w, 'w', at, &weights, &layer->weight, layer->weights, &written.weights));
    MB_TRY(put_list(w, 'b', at, &channels, &layer->bias_format, layer->bias, &written.bias));
    MB_TRY(put_list(w, 'a', at, &channels, &none, layer->scale, &written.scale));
    MB_TRY(put_type(w, &layer->weight, &written.weight_type));
    MB_TRY(put_type(w, &layer->bias_format, &written.bias_type));
    MB_TRY(put_type(w, &layer->accumulator, &written.accumulator));
    MB_TRY(put_type(w, &layer->result, &written.result));
    mb_node *options =
        mb_options_to_node(w->ctx, w->document, mb_firmware_layer_options, &written, false);
    mb_node *entry = mb_node_make(w->document, w->ctx, MB_NODE_MAP);
    if (options == NULL || entry == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_node_set(w->document, w->ctx, entry, layer->kind, options));
    mb_node_append(layers, entry);
    *type = output;
    return MB_OK;
}

static mb_status put_program(const writer *w, const mb_twin_program *program, mb_node **out) {
    firmware_input input = {.shape = {program->input.rank, {0}}};
    mb_value_type type = program->input;
    mb_node *layers = mb_node_make(w->document, w->ctx, MB_NODE_LIST);
    memcpy(input.shape.value, program->input.dim, program->input.rank * sizeof(size_t));
    MB_TRY(put_type(w, &program->input_format, &input.type));
    if (layers == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < program->n_layers; i++) {
        MB_TRY(put_layer(w, &program->layers[i], i, &type, layers));
    }
    const firmware_head head = {.format = FIRMWARE_FORMAT,
        .input = mb_options_to_node(w->ctx, w->document, mb_firmware_input_options, &input, false),
        .layers = layers,
        .activation = program->activation};
    *out = head.input == NULL
               ? NULL
               : mb_options_to_node(w->ctx, w->document, mb_firmware_head_options, &head, false);
    return *out == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status write_types(const writer *w, const mb_node *root) {
    mb_buffer text;
    mb_buffer_init(&text, w->ctx);
    mb_node_write_yaml(&text, root);
    char *path = mb_path_join(w->ctx, w->directory, "types.yaml");
    mb_status status = MB_ERR_MEMORY;
    if (path != NULL) {
        status = mb_write_buffer(&text, path);
    }
    mb_buffer_clear(&text);
    mb_release(w->ctx, path);
    return status;
}

mb_status mb_firmware_save(mb_context *ctx, const mb_twin *twin, const char *directory) {
    mb_document document;
    mb_node *root = NULL;
    const writer w = {ctx, &document, directory};
    MB_TRY(mb_make_directory(ctx, directory));
    mb_document_init(&document, ctx, directory);
    mb_status status = put_program(&w, mb_twin_program_of(twin), &root);
    if (status == MB_OK) {
        status = write_types(&w, root);
    }
    mb_document_clear(&document);
    return status;
}
