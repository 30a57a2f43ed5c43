// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/summary_order.h"

#include "exchange/keras.h"
#include "network/layer.h"

// The nested model at the top that a layer or model path lies in, or NULL.
static const mb_group *group_of(const mb_model *model, const char *name) {
    const char *slash = strchr(name, '/');
    for (size_t i = 0; slash != NULL && i < model->n_groups; i++) {
        const mb_group *group = &model->groups[i];
        if (strlen(group->name) == (size_t)(slash - name) &&
            memcmp(group->name, name, (size_t)(slash - name)) == 0) {
            return group;
        }
    }
    return NULL;
}

static size_t find_unit(const mb_summary_order *order, const char *name) {
    size_t i = 0;
    while (i < order->n_units && strcmp(order->units[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void add_units(mb_summary_order *order, const mb_model *model) {
    for (size_t i = 0; i < model->n_layers; i++) {
        const mb_layer *layer = model->layers[i];
        const mb_group *group = group_of(model, layer->name);
        const size_t unit = find_unit(order, group != NULL ? group->name : layer->name);
        if (unit == order->n_units) {
            order->units[order->n_units++] =
                (mb_summary_unit){.name = group != NULL ? group->name : layer->name,
                    .class_name = group != NULL ? group->class_name : mb_keras_class_of(layer),
                    .is_input = group == NULL && layer->ops == &mb_layer_input};
        }
        for (size_t j = 0; j < layer->n_weights; j++) {
            order->units[unit].n_parameters += layer->weights[j].count;
        }
    }
}

static void add_node(mb_summary_order *order, const char *name, size_t n_inputs,
    const size_t *inputs, size_t n_outputs, const size_t *outputs) {
    const size_t unit = find_unit(order, name);
    if (unit == order->n_units) {
        return;
    }
    size_t call = 0;
    for (size_t i = 0; i < order->n_nodes; i++) {
        call += order->nodes[i].unit == unit;
    }
    order->nodes[order->n_nodes++] = (mb_summary_node){.unit = unit,
        .call = call,
        .n_inputs = n_inputs,
        .inputs = inputs,
        .n_outputs = n_outputs,
        .outputs = outputs};
}

static void add_nodes(mb_summary_order *order, const mb_model *model) {
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        if (group_of(model, call->layer->name) == NULL) {
            add_node(order, call->layer->name, call->n_inputs, call->inputs, 1, &call->output);
        }
    }
    for (size_t i = 0; i < model->n_groups; i++) {
        const mb_group *group = &model->groups[i];
        for (size_t j = 0; strchr(group->name, '/') == NULL && j < group->n_calls; j++) {
            const mb_group_call *call = &group->calls[j];
            add_node(
                order, group->name, call->n_inputs, call->inputs, call->n_outputs, call->outputs);
        }
    }
}

// The node that makes a value, and which of its outputs it is.
static size_t maker(const mb_summary_order *order, size_t value, size_t *tensor) {
    for (size_t i = 0; i < order->n_nodes; i++) {
        for (size_t j = 0; j < order->nodes[i].n_outputs; j++) {
            if (order->nodes[i].outputs[j] == value) {
                *tensor = j;
                return i;
            }
        }
    }
    *tensor = 0;
    return 0;
}

mb_summary_source mb_summary_source_of(const mb_summary_order *order, size_t value) {
    size_t tensor = 0;
    const mb_summary_node *node = &order->nodes[maker(order, value, &tensor)];
    return (mb_summary_source){node->unit, node->call, tensor};
}

typedef struct walk {
    mb_summary_order *order;
    size_t *finished; // nodes, inputs before what takes them
    size_t n_finished, n_visited;
} walk;

// Keras's _build_map: a layer's place is taken on the way down, a node is finished on the way up.
// Depth of the recursion is at most the number of layers in a chain, which the readers limit.
static void visit(walk *w, size_t value) {
    size_t tensor = 0;
    const size_t at = maker(w->order, value, &tensor);
    mb_summary_node *node = &w->order->nodes[at];
    if (node->is_visited) {
        return;
    }
    node->is_visited = true;
    mb_summary_unit *unit = &w->order->units[node->unit];
    if (!unit->is_visited) {
        unit->is_visited = true;
        unit->visit = w->n_visited++;
    }
    for (size_t i = 0; i < node->n_inputs; i++) {
        visit(w, node->inputs[i]);
    }
    w->finished[w->n_finished++] = at;
}

static void find_depths(const walk *w) {
    mb_summary_order *order = w->order;
    for (size_t i = w->n_finished; i > 0; i--) {
        mb_summary_node *node = &order->nodes[w->finished[i - 1]];
        mb_summary_unit *unit = &order->units[node->unit];
        node->depth = mb_max_size(node->depth, unit->depth);
        unit->depth = node->depth;
        for (size_t j = 0; j < node->n_inputs; j++) {
            size_t tensor = 0;
            mb_summary_node *parent = &order->nodes[maker(order, node->inputs[j], &tensor)];
            parent->depth = mb_max_size(parent->depth, node->depth + 1);
        }
    }
}

static void sort_units(mb_summary_order *order) {
    for (size_t i = 0; i < order->n_units; i++) {
        const mb_summary_unit *unit = &order->units[i];
        size_t at = i;
        for (; at > 0; at--) {
            const mb_summary_unit *before = &order->units[order->sorted[at - 1]];
            if (before->depth > unit->depth ||
                (before->depth == unit->depth && before->visit <= unit->visit)) {
                break;
            }
            order->sorted[at] = order->sorted[at - 1];
        }
        order->sorted[at] = i;
    }
}

static bool is_chain(const mb_summary_order *order) {
    for (size_t i = 0; i < order->n_nodes; i++) {
        const mb_summary_node *node = &order->nodes[i];
        if (node->n_inputs > 1 || node->call > 0) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (order->nodes[j].depth == node->depth) {
                return false;
            }
        }
    }
    return true;
}

void mb_summary_order_clear(mb_summary_order *order, mb_context *ctx) {
    mb_release(ctx, order->units);
    mb_release(ctx, order->sorted);
    mb_release(ctx, order->nodes);
    *order = (mb_summary_order){0};
}

mb_status mb_summary_order_make(mb_summary_order *order, mb_context *ctx, const mb_model *model) {
    *order = (mb_summary_order){0};
    size_t n_nodes = model->n_calls;
    for (size_t i = 0; i < model->n_groups; i++) {
        n_nodes += model->groups[i].n_calls;
    }
    order->units = mb_allocate_zeroed(ctx, model->n_layers, sizeof *order->units);
    order->sorted = mb_allocate_zeroed(ctx, model->n_layers, sizeof *order->sorted);
    order->nodes = mb_allocate_zeroed(ctx, n_nodes, sizeof *order->nodes);
    walk w = {.order = order, .finished = mb_allocate(ctx, n_nodes, sizeof *w.finished)};
    if (order->units == NULL || order->sorted == NULL || order->nodes == NULL ||
        w.finished == NULL) {
        mb_release(ctx, w.finished);
        mb_summary_order_clear(order, ctx);
        return MB_ERR_MEMORY;
    }
    add_units(order, model);
    add_nodes(order, model);
    for (size_t i = 0; i < model->n_outputs; i++) {
        visit(&w, model->outputs[i]);
    }
    find_depths(&w);
    sort_units(order);
    order->is_sequential = strcmp(model->class_name, "Sequential") == 0 || is_chain(order);
    mb_release(ctx, w.finished);
    return MB_OK;
}
