// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Who calls whom in a functional model: inbound_nodes of Keras 2 (nested lists) and Keras 3
// (arguments with tensors in them), and an order in which the calls can run.

#include "exchange/keras_graph.h"

typedef struct ref_list {
    mb_keras_ref *refs;
    size_t n, capacity;
} ref_list;

typedef struct caller {
    mb_keras_reader *reader;
    mb_keras_graph *graph;
    const mb_keras_entry *entry; // whose call is being read; NULL for the model's ends
    size_t *by_name;             // entries in the order of their names
    bool has_tensors;            // written by Keras 3
    ref_list list;
} caller;

static const char *caller_name(const caller *c) {
    return c->entry != NULL ? c->entry->name : c->graph->name;
}

static mb_status fail_call(caller *c, mb_status status, const char *what) {
    return mb_fail(
        c->reader->ctx, status, "%s: layer %s: %s", c->reader->file, caller_name(c), what);
}

static bool find_entry(const caller *c, const char *name, size_t *out) {
    size_t low = 0;
    size_t high = c->graph->n_entries;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(c->graph->entries[c->by_name[middle]].name, name);
        if (order == 0) {
            *out = c->by_name[middle];
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

// Insertion into a sorted list: files have tens of layers, and the reader limits them.
static mb_status index_names(caller *c) {
    mb_keras_graph *graph = c->graph;
    c->by_name = mb_arena_allocate(
        &c->reader->document->arena, c->reader->ctx, graph->n_entries + 1, sizeof *c->by_name);
    if (c->by_name == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < graph->n_entries; i++) {
        size_t at = i;
        while (
            at > 0 && strcmp(graph->entries[c->by_name[at - 1]].name, graph->entries[i].name) > 0) {
            c->by_name[at] = c->by_name[at - 1];
            at--;
        }
        c->by_name[at] = i;
    }
    return MB_OK;
}

static bool is_ref(const mb_node *node) {
    return node->kind == MB_NODE_LIST && node->n_children >= 3 &&
           node->first->kind == MB_NODE_TEXT && node->first->next->kind == MB_NODE_INT &&
           node->first->next->next->kind == MB_NODE_INT;
}

// Arguments of a call beside its tensors. What is not neutral would change the result.
static mb_status check_argument(caller *c, const mb_node *node) {
    const bool is_neutral = node->kind == MB_NODE_NULL ||
                            (node->kind == MB_NODE_BOOL && !node->boolean) ||
                            (node->kind == MB_NODE_MAP && node->n_children == 0);
    if (is_neutral) {
        return MB_OK;
    }
    return mb_fail(c->reader->ctx, MB_ERR_UNSUPPORTED,
        "%s: layer %s: is called with the argument %s = %.40s, which is not offered; call it with "
        "tensors alone",
        c->reader->file, caller_name(c), node->key != NULL ? node->key : "(no name)",
        mb_node_text(node) != NULL ? mb_node_text(node) : "an object");
}

static mb_status add_ref(caller *c, const mb_node *node) {
    const mb_node *index = node->first->next;
    const mb_node *tensor = index->next;
    mb_keras_ref ref = {0, 0, 0};
    if (!find_entry(c, node->first->text, &ref.entry)) {
        return mb_fail(c->reader->ctx, MB_ERR_FORMAT,
            "%s: layer %s: takes the output of '%.80s', which is not in the model; save it again",
            c->reader->file, caller_name(c), node->first->text);
    }
    if (index->integer < 0 || tensor->integer < 0) {
        return fail_call(c, MB_ERR_FORMAT, "takes an output with a negative number; save it again");
    }
    ref.call = (size_t)index->integer;
    ref.tensor = (size_t)tensor->integer;
    const mb_node *arguments = tensor->next;
    for (const mb_node *node_of = arguments == NULL ? NULL : arguments->first; node_of != NULL;
         node_of = node_of->next) {
        MB_TRY(check_argument(c, node_of));
    }
    MB_TRY(mb_grow(
        c->reader->ctx, &c->list.refs, &c->list.capacity, c->list.n + 1, sizeof *c->list.refs));
    c->list.refs[c->list.n++] = ref;
    return MB_OK;
}

// Lists and maps of references, to any depth (which reading the file has bounded).
static mb_status collect(caller *c, const mb_node *node) {
    if (is_ref(node)) {
        return add_ref(c, node);
    }
    const mb_node *class_name = mb_node_find(node, "class_name");
    if (class_name != NULL && class_name->kind == MB_NODE_TEXT &&
        strcmp(class_name->text, "__keras_tensor__") == 0) {
        const mb_node *history = mb_node_find(mb_node_find(node, "config"), "keras_history");
        if (history == NULL || !is_ref(history)) {
            return fail_call(c, MB_ERR_FORMAT, "takes a tensor without history; save it again");
        }
        return add_ref(c, history);
    }
    if (node->kind != MB_NODE_LIST && node->kind != MB_NODE_MAP) {
        return check_argument(c, node);
    }
    for (const mb_node *child = node->first; child != NULL; child = child->next) {
        MB_TRY(collect(c, child));
    }
    return MB_OK;
}

static mb_status collect_call(caller *c, const mb_node *node) {
    if (node->kind != MB_NODE_MAP || mb_node_find(node, "args") == NULL) {
        return collect(c, node);
    }
    c->has_tensors = true;
    MB_TRY(collect(c, mb_node_find(node, "args")));
    const mb_node *arguments = mb_node_find(node, "kwargs");
    for (const mb_node *child = arguments == NULL ? NULL : arguments->first; child != NULL;
         child = child->next) {
        if (strcmp(child->key, "inputs") == 0) {
            MB_TRY(collect(c, child));
        } else {
            MB_TRY(check_argument(c, child));
        }
    }
    return MB_OK;
}

static mb_status take_refs(caller *c, mb_keras_ref **refs, size_t *n) {
    *refs = mb_arena_allocate(
        &c->reader->document->arena, c->reader->ctx, c->list.n + 1, sizeof **refs);
    if (*refs == NULL) {
        return MB_ERR_MEMORY;
    }
    if (c->list.n > 0) {
        memcpy(*refs, c->list.refs, c->list.n * sizeof **refs);
    }
    *n = c->list.n;
    c->list.n = 0;
    return MB_OK;
}

static mb_status read_entry_calls(caller *c, mb_keras_entry *entry, const mb_node *object) {
    const mb_node *nodes = mb_node_find(object, "inbound_nodes");
    if (entry->is_input || nodes == NULL || nodes->kind != MB_NODE_LIST) {
        return MB_OK;
    }
    entry->calls = mb_arena_allocate(
        &c->reader->document->arena, c->reader->ctx, nodes->n_children + 1, sizeof *entry->calls);
    if (entry->calls == NULL) {
        return MB_ERR_MEMORY;
    }
    c->entry = entry;
    for (const mb_node *node = nodes->first; node != NULL; node = node->next) {
        mb_keras_call *call = &entry->calls[entry->n_calls++];
        MB_TRY(collect_call(c, node));
        MB_TRY(take_refs(c, &call->inputs, &call->n_inputs));
    }
    return MB_OK;
}

static mb_status read_ends(
    caller *c, const mb_node *config, const char *key, mb_keras_ref **refs, size_t *n) {
    const mb_node *node = mb_node_find(config, key);
    c->entry = NULL;
    if (node != NULL) {
        MB_TRY(collect(c, node));
    }
    MB_TRY(take_refs(c, refs, n));
    if (*n == 0) {
        return mb_fail(c->reader->ctx, MB_ERR_FORMAT, "%s: model %s has no %s; save it again",
            c->reader->file, c->graph->name, key);
    }
    return MB_OK;
}

typedef void (*visit_fn)(mb_keras_ref *ref, bool is_output, void *user);

static void visit_refs(mb_keras_graph *graph, visit_fn visit, void *user) {
    for (size_t i = 0; i < graph->n_entries; i++) {
        for (size_t j = 0; j < graph->entries[i].n_calls; j++) {
            const mb_keras_call *call = &graph->entries[i].calls[j];
            for (size_t k = 0; k < call->n_inputs; k++) {
                visit(&call->inputs[k], false, user);
            }
        }
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        visit(&graph->outputs[i], true, user);
    }
}

static void find_least(mb_keras_ref *ref, bool is_output, void *user) {
    size_t *least = user;
    (void)is_output;
    least[ref->entry] = mb_min_size(least[ref->entry], ref->call);
}

static void subtract_least(mb_keras_ref *ref, bool is_output, void *user) {
    const size_t *least = user;
    (void)is_output;
    ref->call -= least[ref->entry];
}

static void subtract_from_outputs(mb_keras_ref *ref, bool is_output, void *user) {
    const mb_keras_graph *graph = user;
    const mb_keras_graph *nested = graph->entries[ref->entry].nested;
    if (is_output && nested != NULL && !nested->is_sequential && ref->call > 0) {
        ref->call--;
    }
}

// A nested model counts its own making as a call, or not: Keras 2 does when it was made from
// inputs, so its first call in the model (which some layer takes) has the least number. Keras 3
// does only in the list of the model's outputs.
static mb_status number_calls(caller *c) {
    mb_keras_graph *graph = c->graph;
    if (c->has_tensors) {
        visit_refs(graph, subtract_from_outputs, graph);
        return MB_OK;
    }
    size_t *least = mb_arena_allocate(
        &c->reader->document->arena, c->reader->ctx, graph->n_entries + 1, sizeof *least);
    if (least == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < graph->n_entries; i++) {
        least[i] = graph->entries[i].nested != NULL ? SIZE_MAX : 0;
    }
    visit_refs(graph, find_least, least);
    visit_refs(graph, subtract_least, least);
    return MB_OK;
}

static mb_status check_ref(caller *c, const mb_keras_ref *ref) {
    const mb_keras_entry *entry = &c->graph->entries[ref->entry];
    if (ref->call >= entry->n_calls || ref->tensor >= entry->n_outputs) {
        return mb_fail(c->reader->ctx, MB_ERR_FORMAT,
            "%s: layer %s: output %zu of call %zu of it is used, but it has %zu of %zu; save the "
            "model again",
            c->reader->file, entry->name, ref->tensor, ref->call, entry->n_outputs, entry->n_calls);
    }
    return MB_OK;
}

static mb_status check_refs(caller *c) {
    mb_keras_graph *graph = c->graph;
    for (size_t i = 0; i < graph->n_entries; i++) {
        for (size_t j = 0; j < graph->entries[i].n_calls; j++) {
            const mb_keras_call *call = &graph->entries[i].calls[j];
            for (size_t k = 0; k < call->n_inputs; k++) {
                MB_TRY(check_ref(c, &call->inputs[k]));
            }
        }
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        MB_TRY(check_ref(c, &graph->outputs[i]));
    }
    for (size_t i = 0; i < graph->n_inputs; i++) {
        MB_TRY(check_ref(c, &graph->inputs[i]));
        for (size_t j = 0; j < i; j++) {
            if (graph->inputs[i].entry == graph->inputs[j].entry) {
                return fail_call(
                    c, MB_ERR_FORMAT, "an input is listed twice; save the model again");
            }
        }
        if (!graph->entries[graph->inputs[i].entry].is_input) {
            return fail_call(c, MB_ERR_UNSUPPORTED,
                "a model input is the output of a layer; build the model from input layers");
        }
    }
    return MB_OK;
}

mb_status mb_keras_read_calls(
    mb_keras_reader *reader, mb_keras_graph *graph, const mb_node *config) {
    caller c = {.reader = reader, .graph = graph};
    mb_status status = index_names(&c);
    const mb_node *object = mb_node_find(config, "layers")->first;
    for (size_t i = 0; status == MB_OK && i < graph->n_entries; i++, object = object->next) {
        status = read_entry_calls(&c, &graph->entries[i], object);
    }
    if (status == MB_OK) {
        status = read_ends(&c, config, "input_layers", &graph->inputs, &graph->n_inputs);
    }
    if (status == MB_OK) {
        status = read_ends(&c, config, "output_layers", &graph->outputs, &graph->n_outputs);
    }
    mb_release(reader->ctx, c.list.refs);
    MB_TRY(status);
    MB_TRY(number_calls(&c));
    return check_refs(&c);
}

// A call being visited: its inputs up to next are done.
typedef struct visit_frame {
    mb_keras_ref ref;
    size_t next;
} visit_frame;

typedef struct walk {
    mb_context *ctx;
    const char *file;
    mb_keras_graph *graph;
    visit_frame *stack;
    size_t n;
    bool **is_open; // per entry and call: on the stack
    size_t n_ranks;
} walk;

static void enter(walk *w, mb_keras_ref ref) {
    mb_keras_entry *entry = &w->graph->entries[ref.entry];
    if (entry->rank == SIZE_MAX) {
        entry->rank = w->n_ranks++;
    }
    w->is_open[ref.entry][ref.call] = true;
    w->stack[w->n++] = (visit_frame){ref, 0};
}

static void leave(walk *w) {
    const mb_keras_ref ref = w->stack[--w->n].ref;
    w->graph->entries[ref.entry].calls[ref.call].is_done = true;
    w->is_open[ref.entry][ref.call] = false;
    w->graph->order[w->graph->n_order++] = ref;
}

static mb_status visit_from(walk *w, mb_keras_ref start) {
    mb_keras_entry *entries = w->graph->entries;
    if (entries[start.entry].calls[start.call].is_done) {
        return MB_OK;
    }
    enter(w, start);
    while (w->n > 0) {
        visit_frame *top = &w->stack[w->n - 1];
        const mb_keras_call *call = &entries[top->ref.entry].calls[top->ref.call];
        if (top->next == call->n_inputs) {
            leave(w);
            continue;
        }
        const mb_keras_ref input = call->inputs[top->next++];
        if (w->is_open[input.entry][input.call]) {
            return mb_fail(w->ctx, MB_ERR_FORMAT,
                "%s: layer %s: its output leads back to its input; a model must have no cycle",
                w->file, entries[input.entry].name);
        }
        if (!entries[input.entry].calls[input.call].is_done) {
            enter(w, input);
        }
    }
    return MB_OK;
}

mb_status mb_keras_sort_calls(
    mb_context *ctx, mb_document *document, const char *file, mb_keras_graph *graph) {
    mb_arena *arena = &document->arena;
    walk w = {.ctx = ctx, .file = file, .graph = graph};
    size_t n_calls = 0;
    w.is_open = mb_arena_allocate(arena, ctx, graph->n_entries + 1, sizeof *w.is_open);
    for (size_t i = 0; w.is_open != NULL && i < graph->n_entries; i++) {
        graph->entries[i].rank = SIZE_MAX;
        w.is_open[i] =
            mb_arena_allocate(arena, ctx, graph->entries[i].n_calls + 1, sizeof **w.is_open);
        if (w.is_open[i] == NULL) {
            return MB_ERR_MEMORY;
        }
        n_calls += graph->entries[i].n_calls;
    }
    graph->order = mb_arena_allocate(arena, ctx, n_calls + 1, sizeof *graph->order);
    w.stack = mb_arena_allocate(arena, ctx, n_calls + 1, sizeof *w.stack);
    if (w.is_open == NULL || graph->order == NULL || w.stack == NULL) {
        return MB_ERR_MEMORY;
    }
    graph->n_order = 0;
    for (size_t i = 0; i < graph->n_outputs; i++) {
        MB_TRY(visit_from(&w, graph->outputs[i]));
    }
    return MB_OK;
}
