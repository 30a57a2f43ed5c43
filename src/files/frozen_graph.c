// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/frozen_graph.h"

#include "files/protobuf.h"

#include <frozen_graph.pb-c.h>

void mb_frozen_graph_init(mb_frozen_graph *graph, mb_context *ctx) {
    *graph = (mb_frozen_graph){.ctx = ctx};
    mb_arena_init(&graph->arena, ctx);
}

void mb_frozen_graph_clear(mb_frozen_graph *graph) {
    if (graph->ctx != NULL) {
        mb_release(graph->ctx, graph->nodes);
        mb_arena_clear(&graph->arena);
    }
    *graph = (mb_frozen_graph){.ctx = NULL};
}

mb_frozen_node *mb_frozen_graph_add(mb_frozen_graph *graph, const char *name, const char *op) {
    mb_context *ctx = graph->ctx;
    if (mb_grow(ctx, &graph->nodes, &graph->capacity, graph->n + 1, sizeof *graph->nodes) !=
        MB_OK) {
        return NULL;
    }
    mb_frozen_node *node = &graph->nodes[graph->n];
    *node = (mb_frozen_node){.name = mb_arena_text(&graph->arena, ctx, name),
        .op = mb_arena_text(&graph->arena, ctx, op)};
    if (node->name == NULL || node->op == NULL) {
        return NULL;
    }
    graph->n++;
    return node;
}

mb_status mb_frozen_node_input(mb_frozen_graph *graph, mb_frozen_node *node, const char *input) {
    const char **inputs =
        mb_arena_allocate(&graph->arena, graph->ctx, node->n_inputs + 1, sizeof *inputs);
    char *copy = mb_arena_text(&graph->arena, graph->ctx, input);
    if (inputs == NULL || copy == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < node->n_inputs; i++) {
        inputs[i] = node->inputs[i];
    }
    inputs[node->n_inputs++] = copy;
    node->inputs = inputs;
    return MB_OK;
}

mb_frozen_attribute *mb_frozen_node_attribute(
    mb_frozen_graph *graph, mb_frozen_node *node, const char *key, mb_frozen_kind kind) {
    if (node->attributes == NULL) {
        node->attributes = mb_arena_allocate(
            &graph->arena, graph->ctx, MB_FROZEN_MOST_ATTRIBUTES, sizeof *node->attributes);
    }
    char *copy = mb_arena_text(&graph->arena, graph->ctx, key);
    if (node->attributes == NULL || copy == NULL) {
        return NULL;
    }
    if (node->n_attributes == MB_FROZEN_MOST_ATTRIBUTES) {
        mb_fail(graph->ctx, MB_ERR_LIMIT, "%s: more than %d attributes; simplify the graph",
            node->name, MB_FROZEN_MOST_ATTRIBUTES);
        return NULL;
    }
    mb_frozen_attribute *attribute = &node->attributes[node->n_attributes++];
    *attribute = (mb_frozen_attribute){.key = copy, .kind = kind};
    return attribute;
}

const mb_frozen_attribute *mb_frozen_node_find(
    const mb_frozen_node *node, const char *key, mb_frozen_kind kind) {
    for (size_t i = 0; i < node->n_attributes; i++) {
        if (node->attributes[i].kind == kind && strcmp(node->attributes[i].key, key) == 0) {
            return &node->attributes[i];
        }
    }
    return NULL;
}

typedef struct parsing {
    mb_frozen_graph *graph;
    mb_context *ctx;
    const char *name, *node;
    uint64_t left; // numbers of tensors that may still be taken: few bytes can claim many
} parsing;

static mb_status read_shape(parsing *p, const Mb__GraphShape *shape, mb_frozen_tensor *out) {
    const uint64_t most = p->left;
    out->rank = 0;
    out->count = 1;
    for (size_t i = 0; shape != NULL && i < shape->n_dim; i++) {
        const int64_t size = shape->dim[i]->size;
        if (i == MB_FROZEN_MOST_RANK || size < 0 ||
            (size > 0 && out->count > most / (uint64_t)size)) {
            return mb_fail(p->ctx, MB_ERR_LIMIT,
                "%s: node %s: the shape of its tensor is too large or not known; freeze the graph "
                "again",
                p->name, p->node);
        }
        out->dim[out->rank++] = (size_t)size;
        out->count *= (size_t)size;
    }
    p->left -= mb_min_size(p->left, out->count);
    return MB_OK;
}

// Numbers that are left out are the last one again, or 0.
static mb_status read_values(
    const parsing *p, const Mb__GraphTensor *tensor, mb_frozen_tensor *out, float *values) {
    const bool is_int = out->type == MB_FROZEN_INT32;
    const size_t length = tensor->tensor_content.len;
    const size_t n = length > 0 ? length / 4 : is_int ? tensor->n_int_val : tensor->n_float_val;
    if (length % 4 != 0 || n > out->count || (length > 0 && n != out->count)) {
        return mb_fail(p->ctx, MB_ERR_FORMAT,
            "%s: node %s: its tensor has %zu numbers for a shape of %zu; freeze the graph again",
            p->name, p->node, n, out->count);
    }
    for (size_t i = 0; i < out->count; i++) {
        const size_t k = i < n ? i : n - 1;
        int32_t integer = 0;
        if (n == 0) {
            values[i] = 0;
        } else if (!is_int && length > 0) {
            memcpy(&values[i], tensor->tensor_content.data + 4 * k, 4);
        } else if (!is_int) {
            values[i] = tensor->float_val[k];
        } else {
            integer = length == 0 ? tensor->int_val[k] : 0;
            if (length > 0) {
                memcpy(&integer, tensor->tensor_content.data + 4 * k, 4);
            }
            values[i] = (float)integer;
        }
        if (integer > 1 << 24 || integer < -(1 << 24)) {
            return mb_fail(p->ctx, MB_ERR_UNSUPPORTED,
                "%s: node %s: whole numbers beyond 2^24 are not read", p->name, p->node);
        }
    }
    return MB_OK;
}

static mb_status read_tensor(parsing *p, const Mb__GraphTensor *tensor, mb_frozen_tensor *out) {
    out->type = tensor->dtype;
    if (out->type != MB_FROZEN_FLOAT && out->type != MB_FROZEN_INT32) {
        return mb_fail(p->ctx, MB_ERR_UNSUPPORTED,
            "%s: node %s: its tensor is neither float32 nor int32 (type %d); freeze a graph of "
            "float32",
            p->name, p->node, out->type);
    }
    MB_TRY(read_shape(p, tensor->tensor_shape, out));
    float *values =
        mb_arena_allocate(&p->graph->arena, p->ctx, mb_max_size(out->count, 1), sizeof *values);
    if (values == NULL) {
        return MB_ERR_MEMORY;
    }
    out->values = values;
    return read_values(p, tensor, out, values);
}

static mb_status take_ints(
    const parsing *p, const int64_t *from, size_t n, mb_frozen_attribute *out) {
    if (n > MB_FROZEN_MOST_INTS) {
        return mb_fail(p->ctx, MB_ERR_LIMIT, "%s: node %s: %s lists more than %d numbers", p->name,
            p->node, out->key, MB_FROZEN_MOST_INTS);
    }
    for (size_t i = 0; i < n; i++) {
        out->ints[i] = from[i];
    }
    out->n_ints = n;
    return MB_OK;
}

static mb_status take_shape(
    const parsing *p, const Mb__GraphShape *shape, mb_frozen_attribute *out) {
    int64_t sizes[MB_FROZEN_MOST_INTS];
    const size_t n = mb_min_size(shape->n_dim, MB_FROZEN_MOST_INTS);
    for (size_t i = 0; i < n; i++) {
        sizes[i] = shape->dim[i]->size;
    }
    out->kind = shape->unknown_rank || shape->n_dim > n ? MB_FROZEN_OTHER : MB_FROZEN_SHAPE;
    return take_ints(p, sizes, n, out);
}

static mb_status read_attribute(
    parsing *p, const Mb__GraphAttributeValue *value, mb_frozen_attribute *out) {
    switch (value->value_case) {
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_LIST:
        out->kind = MB_FROZEN_INTS;
        return take_ints(p, value->list->i, value->list->n_i, out);
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_S:
        out->kind = MB_FROZEN_TEXT;
        out->text =
            mb_arena_text_of(&p->graph->arena, p->ctx, (const char *)value->s.data, value->s.len);
        return out->text != NULL ? MB_OK : MB_ERR_MEMORY;
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_I:
        out->kind = MB_FROZEN_INT;
        out->integer = value->i;
        return MB_OK;
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_B:
        out->kind = MB_FROZEN_BOOL;
        out->integer = value->b;
        return MB_OK;
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_TYPE:
        out->kind = MB_FROZEN_TYPE;
        out->integer = value->type;
        return MB_OK;
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_SHAPE:
        return take_shape(p, value->shape, out);
    case MB__GRAPH_ATTRIBUTE_VALUE__VALUE_TENSOR:
        out->kind = MB_FROZEN_TENSOR;
        return read_tensor(p, value->tensor, &out->tensor);
    default:
        return MB_OK;
    }
}

static mb_status read_node(parsing *p, const Mb__GraphNode *from) {
    mb_frozen_node *node = mb_frozen_graph_add(p->graph, from->name, from->op);
    if (node == NULL) {
        return MB_ERR_MEMORY;
    }
    p->node = node->name;
    node->inputs = mb_arena_allocate(
        &p->graph->arena, p->ctx, mb_max_size(from->n_input, 1), sizeof *node->inputs);
    if (node->inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < from->n_input; i++) {
        char *input = mb_arena_text(&p->graph->arena, p->ctx, from->input[i]);
        if (input == NULL) {
            return MB_ERR_MEMORY;
        }
        node->inputs[node->n_inputs++] = input;
    }
    for (size_t i = 0; i < from->n_attr; i++) {
        mb_frozen_attribute *attribute =
            mb_frozen_node_attribute(p->graph, node, from->attr[i]->key, MB_FROZEN_OTHER);
        if (attribute == NULL) {
            return mb_context_status(p->ctx);
        }
        if (from->attr[i]->value != NULL) {
            MB_TRY(read_attribute(p, from->attr[i]->value, attribute));
        }
    }
    return MB_OK;
}

mb_status mb_frozen_graph_parse(
    mb_frozen_graph *out, mb_context *ctx, const char *name, const void *bytes, size_t length) {
    mb_protobuf protobuf;
    mb_frozen_graph_init(out, ctx);
    parsing p = {.graph = out,
        .ctx = ctx,
        .name = name,
        .left = mb_context_limits(ctx)->bytes / sizeof(float)};
    mb_status status = mb_protobuf_unpack(
        &protobuf, ctx, name, "a frozen graph", &mb__graph_def__descriptor, bytes, length);
    const Mb__GraphDef *graph = (const Mb__GraphDef *)protobuf.message;
    if (status == MB_OK && graph->n_node > mb_context_limits(ctx)->objects) {
        status = mb_fail(ctx, MB_ERR_LIMIT,
            "%s: has %zu nodes, more than allowed; raise the limit if the file is trusted", name,
            graph->n_node);
    }
    for (size_t i = 0; status == MB_OK && i < graph->n_node; i++) {
        status = read_node(&p, graph->node[i]);
    }
    mb_protobuf_clear(&protobuf);
    return status;
}
