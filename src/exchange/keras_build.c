// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// From a graph that was read to a model: nested models are inlined, call by call.

#include "exchange/keras_graph.h"

// Nested models called twice on every level would double the work with each.
enum { MOST_RUNS = 100000 };

static mb_status add_layers(
    mb_keras_reader *reader, mb_model *model, mb_keras_graph *graph, bool is_trainable);

static mb_status add_entry(
    mb_keras_reader *reader, mb_model *model, mb_keras_entry *entry, bool is_trainable) {
    if (entry->nested != NULL) {
        return add_layers(
            reader, model, entry->nested, is_trainable && entry->nested->is_trainable);
    }
    return entry->is_input ? MB_OK : mb_keras_add_layer(reader, model, entry, is_trainable);
}

// In the order of the file, which is the order of the parameters; what no output needs is left out.
static mb_status add_layers(
    mb_keras_reader *reader, mb_model *model, mb_keras_graph *graph, bool is_trainable) {
    for (size_t i = 0; i < graph->n_entries; i++) {
        bool is_needed = false;
        for (size_t j = 0; j < graph->entries[i].n_calls; j++) {
            is_needed = is_needed || graph->entries[i].calls[j].is_done;
        }
        if (is_needed) {
            MB_TRY(add_entry(reader, model, &graph->entries[i], is_trainable));
        }
    }
    return MB_OK;
}

static mb_status run_graph(mb_keras_reader *reader, mb_model *model, mb_keras_graph *graph,
    const size_t *inputs, size_t *outputs);

static mb_status run_nested(mb_keras_reader *reader, mb_model *model, mb_keras_entry *entry,
    mb_keras_call *call, const size_t *inputs) {
    mb_keras_graph *nested = entry->nested;
    if (call->n_inputs != nested->n_inputs) {
        return mb_fail(reader->ctx, MB_ERR_FORMAT,
            "%s: layer %s: is called with %zu inputs and takes %zu; save the model again",
            reader->file, entry->name, call->n_inputs, nested->n_inputs);
    }
    MB_TRY(run_graph(reader, model, nested, inputs, call->outputs));
    return mb_model_add_group_call(reader->ctx, model, entry->path,
        nested->is_sequential ? "Sequential" : "Functional", inputs, call->n_inputs, call->outputs,
        nested->n_outputs);
}

static mb_status run_call(
    mb_keras_reader *reader, mb_model *model, mb_keras_graph *graph, mb_keras_ref ref) {
    mb_arena *arena = &reader->document->arena;
    mb_keras_entry *entry = &graph->entries[ref.entry];
    mb_keras_call *call = &entry->calls[ref.call];
    if (++reader->n_runs > MOST_RUNS) {
        return mb_fail(reader->ctx, MB_ERR_LIMIT,
            "%s: its nested models come to more than %d calls; make it smaller", reader->file,
            MOST_RUNS);
    }
    if (call->outputs == NULL) {
        call->outputs = mb_arena_allocate(
            arena, reader->ctx, mb_max_size(entry->n_outputs, 1), sizeof *call->outputs);
    }
    size_t *inputs = mb_arena_allocate(arena, reader->ctx, call->n_inputs + 1, sizeof *inputs);
    if (call->outputs == NULL || inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < call->n_inputs; i++) {
        const mb_keras_ref from = call->inputs[i];
        inputs[i] = graph->entries[from.entry].calls[from.call].outputs[from.tensor];
    }
    if (entry->nested != NULL) {
        return run_nested(reader, model, entry, call, inputs);
    }
    if (mb_model_call(reader->ctx, model, entry->layer, inputs, call->n_inputs, call->outputs) !=
        MB_OK) {
        return mb_fail_within(reader->ctx, "%s", reader->file);
    }
    return MB_OK;
}

static mb_status run_graph(mb_keras_reader *reader, mb_model *model, mb_keras_graph *graph,
    const size_t *inputs, size_t *outputs) {
    for (size_t i = 0; i < graph->n_entries; i++) {
        if (graph->entries[i].is_input) {
            graph->entries[i].calls[0].outputs = NULL;
        }
    }
    for (size_t i = 0; i < graph->n_inputs; i++) {
        size_t *value = mb_arena_allocate(&reader->document->arena, reader->ctx, 1, sizeof *value);
        if (value == NULL) {
            return MB_ERR_MEMORY;
        }
        *value = inputs[i];
        graph->entries[graph->inputs[i].entry].calls[0].outputs = value;
    }
    for (size_t i = 0; i < graph->n_order; i++) {
        const mb_keras_ref ref = graph->order[i];
        const mb_keras_entry *entry = &graph->entries[ref.entry];
        if (!entry->is_input) {
            MB_TRY(run_call(reader, model, graph, ref));
        } else if (entry->calls[0].outputs == NULL) {
            return mb_fail(reader->ctx, MB_ERR_FORMAT,
                "%s: layer %s: is an input that model %s does not list; save the model again",
                reader->file, entry->name, graph->name);
        }
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        const mb_keras_ref from = graph->outputs[i];
        outputs[i] = graph->entries[from.entry].calls[from.call].outputs[from.tensor];
    }
    return MB_OK;
}

// The row shape that a graph's only input has, also where a nested model within says it.
static mb_value_type input_type(const mb_keras_graph *graph, const mb_keras_entry *entry) {
    if (entry->type.rank > 0 || !graph->is_sequential || graph->n_entries < 2 ||
        graph->entries[1].nested == NULL) {
        return entry->type;
    }
    const mb_keras_graph *nested = graph->entries[1].nested;
    return input_type(nested, &nested->entries[nested->inputs[0].entry]);
}

// What stands beside an input: what its rows are, where they are not events.
static mb_status find_axis(
    mb_keras_reader *reader, mb_model *model, const mb_keras_entry *entry, unsigned *axis) {
    const char *name = mb_node_text(mb_node_find(entry->beside, "axis"));
    const char *joins = mb_node_text(mb_node_find(entry->beside, "joins"));
    unsigned nodes = 0;
    if (name == NULL) {
        return MB_OK;
    }
    if (joins != NULL) {
        MB_TRY(mb_model_add_axis(reader->ctx, model, joins, 0, &nodes));
    }
    return mb_model_add_axis(reader->ctx, model, name, nodes, axis);
}

static mb_status add_inputs(
    mb_keras_reader *reader, mb_model *model, const mb_keras_graph *graph, size_t *inputs) {
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const mb_keras_entry *entry = &graph->entries[graph->inputs[i].entry];
        mb_value_type type = input_type(graph, entry);
        if (type.rank == 0) {
            return mb_fail(reader->ctx, MB_ERR_FORMAT,
                "%s: model %s does not say the shape of its input %s; build it (model.build or an "
                "Input layer) and save it again",
                reader->file, graph->name, entry->name);
        }
        if (find_axis(reader, model, entry, &type.axis) != MB_OK ||
            mb_model_add_input(reader->ctx, model, entry->path, &type, &inputs[i]) != MB_OK) {
            return mb_fail_within(reader->ctx, "%s", reader->file);
        }
    }
    return MB_OK;
}

static mb_status build_model(mb_keras_reader *reader, mb_keras_graph *graph, mb_model **out) {
    mb_context *ctx = reader->ctx;
    mb_arena *arena = &reader->document->arena;
    mb_model *model = NULL;
    *out = NULL;
    size_t *inputs = mb_arena_allocate(arena, ctx, graph->n_inputs + 1, sizeof *inputs);
    size_t *outputs = mb_arena_allocate(arena, ctx, graph->n_outputs + 1, sizeof *outputs);
    if (inputs == NULL || outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_model_begin(ctx, graph->name, &model));
    model->class_name = graph->is_sequential ? "Sequential" : "Functional";
    mb_status status = add_inputs(reader, model, graph, inputs);
    if (status == MB_OK) {
        status = add_layers(reader, model, graph, graph->is_trainable);
    }
    if (status == MB_OK) {
        status = run_graph(reader, model, graph, inputs, outputs);
    }
    if (status == MB_OK &&
        mb_model_finish(ctx, model, inputs, graph->n_inputs, outputs, graph->n_outputs) != MB_OK) {
        status = mb_fail_within(ctx, "%s", reader->file);
    }
    if (status != MB_OK) {
        mb_model_destroy(model);
        return status;
    }
    *out = model;
    return MB_OK;
}

mb_status mb_keras_read_model(
    mb_keras_reader *reader, const mb_node *object, mb_model **model, mb_keras_graph **graph) {
    MB_TRY(mb_keras_read_graph(reader, object, "", 0, graph));
    return build_model(reader, *graph, model);
}
