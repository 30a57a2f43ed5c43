// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// From a model to the graph that Keras writes: the calls are walked back from the outputs, and
// those of a nested model become one call of an entry of its own.

#include "exchange/keras_graph.h"

// A layer's or nested model's call, as seen in one model.
typedef struct unit {
    const mb_layer *layer;
    const mb_group *group;
    size_t number; // the call's index in the model, or in the group
    size_t at;     // its place in the order of the model's calls
    size_t n_inputs, n_outputs;
    const size_t *inputs, *outputs;
    size_t entry, call; // of the graph
} unit;

// One model, outermost or nested, being traced.
typedef struct scope {
    mb_context *ctx;
    mb_document *document;
    const mb_model *model;
    const char *prefix; // "encoder/"
    const size_t *inputs;
    size_t n_inputs;
    unit *units;
    size_t n_units, capacity;
    size_t *unit_of_value; // index + 1; 0: not met
    mb_keras_graph *graph;
} scope;

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_within(const char *layer, const char *group) {
    return begins_with(layer, group) && layer[strlen(group)] == '/';
}

// The nested model of this scope that a layer belongs to, or NULL for one of the scope's own.
static const mb_group *group_of(const scope *s, const mb_layer *layer) {
    const mb_group *found = NULL;
    for (size_t i = 0; i < s->model->n_groups; i++) {
        const mb_group *group = &s->model->groups[i];
        if (strlen(group->name) > strlen(s->prefix) && begins_with(group->name, s->prefix) &&
            is_within(layer->name, group->name) &&
            (found == NULL || strlen(group->name) < strlen(found->name))) {
            found = group;
        }
    }
    return found;
}

static bool find_value(const size_t *values, size_t n, size_t value, size_t *at) {
    for (size_t i = 0; i < n; i++) {
        if (values[i] == value) {
            *at = i;
            return true;
        }
    }
    return false;
}

static mb_status fail_outside(const scope *s, size_t value) {
    const mb_call *call = &s->model->calls[s->model->values[value].producer];
    return mb_fail(s->ctx, MB_ERR_INTERNAL,
        "model %s: layer %s is used outside of the nested model it belongs to; report this",
        s->model->name, call->layer->name);
}

static mb_status make_unit(const scope *s, size_t value, unit *out) {
    const size_t producer = s->model->values[value].producer;
    const mb_call *call = &s->model->calls[producer];
    const mb_group *group = group_of(s, call->layer);
    *out = (unit){.layer = call->layer, .number = producer, .at = producer};
    if (group == NULL) {
        out->n_inputs = call->n_inputs;
        out->inputs = call->inputs;
        out->n_outputs = 1;
        out->outputs = &call->output;
        return begins_with(call->layer->name, s->prefix) && call->n_inputs > 0
                   ? MB_OK
                   : fail_outside(s, value);
    }
    for (size_t i = 0; i < group->n_calls; i++) {
        size_t at = 0;
        const mb_group_call *of = &group->calls[i];
        if (find_value(of->outputs, of->n_outputs, value, &at)) {
            *out = (unit){.group = group, .number = i, .at = producer};
            out->n_inputs = of->n_inputs;
            out->inputs = of->inputs;
            out->n_outputs = of->n_outputs;
            out->outputs = of->outputs;
            return MB_OK;
        }
    }
    return fail_outside(s, value);
}

// Units of one entry are numbered in the order of the model's calls, which Keras can follow.
static mb_status add_unit(scope *s, size_t value) {
    unit made;
    MB_TRY(make_unit(s, value, &made));
    MB_TRY(mb_grow(s->ctx, &s->units, &s->capacity, s->n_units + 1, sizeof *s->units));
    s->units[s->n_units++] = made;
    size_t at = 0;
    for (size_t i = 0; i < made.n_outputs; i++) {
        const size_t output = made.outputs[i];
        if (s->unit_of_value[output] == 0 && !find_value(s->inputs, s->n_inputs, output, &at)) {
            s->unit_of_value[output] = s->n_units;
        }
    }
    return MB_OK;
}

// Units are met breadth first, so that deep models do not deepen the stack.
static mb_status trace(scope *s, const size_t *outputs, size_t n_outputs) {
    size_t at = 0;
    for (size_t i = 0; i < n_outputs; i++) {
        if (s->unit_of_value[outputs[i]] == 0 &&
            !find_value(s->inputs, s->n_inputs, outputs[i], &at)) {
            MB_TRY(add_unit(s, outputs[i]));
        }
    }
    for (size_t i = 0; i < s->n_units; i++) {
        for (size_t j = 0; j < s->units[i].n_inputs; j++) {
            const size_t value = s->units[i].inputs[j];
            if (s->unit_of_value[value] == 0 && !find_value(s->inputs, s->n_inputs, value, &at)) {
                MB_TRY(add_unit(s, value));
            }
        }
    }
    return MB_OK;
}

static bool is_same_entry(const unit *a, const unit *b) {
    return a->group == b->group && (a->group != NULL || a->layer == b->layer);
}

static const char *local_name(const scope *s, const char *path) {
    char *name = mb_arena_text(&s->document->arena, s->ctx, path + strlen(s->prefix));
    for (char *p = name; p != NULL && *p != '\0'; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    return name;
}

static mb_status trace_graph(mb_context *ctx, mb_document *document, const mb_model *model,
    const mb_group *group, mb_keras_graph **out);

static mb_status fill_entry(scope *s, const unit *of, mb_keras_entry *entry) {
    entry->n_outputs = of->n_outputs;
    if (of->group != NULL) {
        entry->path = of->group->name;
        MB_TRY(trace_graph(s->ctx, s->document, s->model, of->group, &entry->nested));
        entry->class_name = entry->nested->is_sequential ? "Sequential" : "Functional";
    } else {
        // Entries are of use for writing only, where nothing is changed.
        entry->layer = s->model->calls[of->number].layer;
        entry->path = entry->layer->name;
        entry->class_name = mb_keras_class_of(entry->layer);
    }
    entry->name = local_name(s, entry->path);
    return entry->name == NULL ? MB_ERR_MEMORY : MB_OK;
}

static mb_status make_entries(scope *s) {
    mb_keras_graph *graph = s->graph;
    mb_arena *arena = &s->document->arena;
    for (size_t i = 0; i < s->n_units; i++) {
        unit *of = &s->units[i];
        size_t n_calls = 0;
        bool is_first = true;
        of->call = 0;
        for (size_t j = 0; j < s->n_units; j++) {
            if (is_same_entry(of, &s->units[j])) {
                n_calls++;
                of->call += s->units[j].at < of->at ? 1 : 0;
                of->entry = j < i ? s->units[j].entry : of->entry;
                is_first = is_first && j >= i;
            }
        }
        if (!is_first) {
            continue;
        }
        of->entry = graph->n_entries;
        mb_keras_entry *entry = &graph->entries[graph->n_entries];
        entry->calls = mb_arena_allocate(arena, s->ctx, n_calls, sizeof *entry->calls);
        entry->n_calls = n_calls;
        if (entry->calls == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(fill_entry(s, of, entry));
        graph->n_entries++;
    }
    return MB_OK;
}

static mb_keras_ref ref_of(const scope *s, size_t value) {
    size_t at = 0;
    if (find_value(s->inputs, s->n_inputs, value, &at)) {
        return (mb_keras_ref){at, 0, 0};
    }
    const unit *of = &s->units[s->unit_of_value[value] - 1];
    size_t tensor = 0;
    find_value(of->outputs, of->n_outputs, value, &tensor);
    return (mb_keras_ref){of->entry, of->call, tensor};
}

static mb_keras_ref *refs_of(const scope *s, const size_t *values, size_t n) {
    mb_keras_ref *refs = mb_arena_allocate(&s->document->arena, s->ctx, n + 1, sizeof *refs);
    for (size_t i = 0; refs != NULL && i < n; i++) {
        refs[i] = ref_of(s, values[i]);
    }
    return refs;
}

static size_t *copy_of(const scope *s, const size_t *values, size_t n) {
    size_t *copy = mb_arena_allocate(&s->document->arena, s->ctx, n + 1, sizeof *copy);
    if (copy != NULL) {
        memcpy(copy, values, n * sizeof *copy);
    }
    return copy;
}

static mb_status link_calls(scope *s) {
    for (size_t i = 0; i < s->n_units; i++) {
        const unit *of = &s->units[i];
        mb_keras_call *call = &s->graph->entries[of->entry].calls[of->call];
        call->inputs = refs_of(s, of->inputs, of->n_inputs);
        call->n_inputs = of->n_inputs;
        call->outputs = copy_of(s, of->outputs, of->n_outputs);
        if (call->inputs == NULL || call->outputs == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

// Nested models have lost the names of their inputs; they get such as no layer of theirs has.
static const char *input_name(const scope *s, const mb_group *group, size_t input) {
    mb_arena *arena = &s->document->arena;
    if (group == NULL) {
        return local_name(s, mb_model_input_name(s->model, input));
    }
    const char *slash = strrchr(group->name, '/');
    const char *base = slash != NULL ? slash + 1 : group->name;
    const char *name = mb_arena_format(arena, s->ctx, "%s_input_%zu", base, input);
    bool is_taken = name != NULL;
    while (is_taken) {
        is_taken = false;
        for (size_t i = s->n_inputs; i < s->graph->n_entries; i++) {
            is_taken = is_taken || strcmp(s->graph->entries[i].name, name) == 0;
        }
        name = is_taken ? mb_arena_format(arena, s->ctx, "%s_", name) : name;
        is_taken = is_taken && name != NULL;
    }
    return name;
}

static mb_status fill_inputs(scope *s, const mb_group *group) {
    for (size_t i = 0; i < s->n_inputs; i++) {
        mb_keras_entry *entry = &s->graph->entries[i];
        entry->is_input = true;
        entry->class_name = "InputLayer";
        entry->type = s->model->values[s->inputs[i]].type;
        entry->n_calls = entry->n_outputs = 1;
        entry->name = input_name(s, group, i);
        entry->path = entry->name;
        entry->calls = mb_arena_allocate(&s->document->arena, s->ctx, 1, sizeof *entry->calls);
        if (entry->name == NULL || entry->calls == NULL) {
            return MB_ERR_MEMORY;
        }
        entry->calls[0].outputs = copy_of(s, &s->inputs[i], 1);
        if (entry->calls[0].outputs == NULL) {
            return MB_ERR_MEMORY;
        }
    }
    return MB_OK;
}

static bool is_chain(const mb_keras_graph *graph) {
    if (graph->n_inputs != 1 || graph->n_outputs != 1 || graph->n_entries < 2) {
        return false;
    }
    for (size_t i = 0; i < graph->n_entries; i++) {
        const mb_keras_entry *entry = &graph->entries[i];
        const bool is_next = i == 0 || (entry->n_calls == 1 && entry->calls[0].n_inputs == 1 &&
                                           entry->calls[0].inputs[0].entry == i - 1);
        if (!is_next || entry->n_outputs != 1) {
            return false;
        }
    }
    return graph->outputs[0].entry == graph->n_entries - 1;
}

static mb_status fill_graph(scope *s, const mb_group *group, const char *class_name,
    const size_t *outputs, size_t n_outputs) {
    mb_keras_graph *graph = s->graph;
    mb_arena *arena = &s->document->arena;
    s->unit_of_value =
        mb_arena_allocate(arena, s->ctx, s->model->n_values + 1, sizeof *s->unit_of_value);
    if (s->unit_of_value == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(trace(s, outputs, n_outputs));
    graph->entries =
        mb_arena_allocate(arena, s->ctx, s->n_inputs + s->n_units + 1, sizeof *graph->entries);
    if (graph->entries == NULL) {
        return MB_ERR_MEMORY;
    }
    graph->n_entries = s->n_inputs;
    MB_TRY(make_entries(s));
    MB_TRY(fill_inputs(s, group));
    MB_TRY(link_calls(s));
    graph->inputs = refs_of(s, s->inputs, s->n_inputs);
    graph->n_inputs = s->n_inputs;
    graph->outputs = refs_of(s, outputs, n_outputs);
    graph->n_outputs = n_outputs;
    if (graph->inputs == NULL || graph->outputs == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_keras_sort_entries(s->ctx, s->document, graph));
    graph->is_sequential = strcmp(class_name, "Sequential") == 0 && is_chain(graph);
    return MB_OK;
}

// A group's first call stands for all: each runs the same layers in the same way.
static mb_status trace_graph(mb_context *ctx, mb_document *document, const mb_model *model,
    const mb_group *group, mb_keras_graph **out) {
    scope s = {.ctx = ctx, .document = document, .model = model, .prefix = ""};
    s.inputs = group == NULL ? model->inputs : group->calls[0].inputs;
    s.n_inputs = group == NULL ? model->n_inputs : group->calls[0].n_inputs;
    s.graph = mb_arena_allocate(&document->arena, ctx, 1, sizeof *s.graph);
    if (group != NULL) {
        s.prefix = mb_arena_format(&document->arena, ctx, "%s/", group->name);
    }
    if (s.graph == NULL || s.prefix == NULL) {
        return MB_ERR_MEMORY;
    }
    s.graph->path = s.prefix;
    s.graph->is_trainable = true;
    const char *slash = group == NULL ? NULL : strrchr(group->name, '/');
    s.graph->name = group == NULL ? model->name : slash != NULL ? slash + 1 : group->name;
    const mb_status status =
        fill_graph(&s, group, group == NULL ? model->class_name : group->class_name,
            group == NULL ? model->outputs : group->calls[0].outputs,
            group == NULL ? model->n_outputs : group->calls[0].n_outputs);
    mb_release(ctx, s.units);
    *out = s.graph;
    return status;
}

mb_status mb_keras_graph_of(
    mb_context *ctx, mb_document *document, const mb_model *model, mb_keras_graph **out) {
    return trace_graph(ctx, document, model, NULL, out);
}
