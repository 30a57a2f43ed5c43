// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_FROZEN_GRAPH_H
#define FILES_FROZEN_GRAPH_H

#include "base/arena.h"
#include "base/buffer.h"

// TensorFlow's frozen graphs (GraphDef): nodes in a flat list, each with an operation, the nodes it
// takes, and attributes; weights are nodes, too (Const).

enum {
    MB_FROZEN_FLOAT = 1,
    MB_FROZEN_INT32 = 3,
    MB_FROZEN_MOST_RANK = 8,
    MB_FROZEN_MOST_INTS = 16
};

// Numbers of float32, or of int32, which are stored as floats and lie within 2^24.
typedef struct mb_frozen_tensor {
    int type; // MB_FROZEN_FLOAT or MB_FROZEN_INT32
    unsigned rank;
    size_t dim[MB_FROZEN_MOST_RANK];
    size_t count;
    const float *values;
} mb_frozen_tensor;

typedef enum mb_frozen_kind {
    MB_FROZEN_OTHER, // not read
    MB_FROZEN_TEXT,
    MB_FROZEN_INT,
    MB_FROZEN_BOOL,
    MB_FROZEN_TYPE,
    MB_FROZEN_SHAPE, // in ints; -1: open
    MB_FROZEN_INTS,
    MB_FROZEN_TENSOR,
} mb_frozen_kind;

typedef struct mb_frozen_attribute {
    const char *key;
    mb_frozen_kind kind;
    const char *text;
    int64_t integer; // of INT, BOOL, TYPE
    size_t n_ints;
    int64_t ints[MB_FROZEN_MOST_INTS];
    mb_frozen_tensor tensor;
} mb_frozen_attribute;

enum { MB_FROZEN_MOST_ATTRIBUTES = 16 };
typedef struct mb_frozen_node {
    const char *name, *op;
    const char **inputs; // names; "^name" only orders
    size_t n_inputs;
    mb_frozen_attribute *attributes;
    size_t n_attributes;
} mb_frozen_node;

typedef struct mb_frozen_graph {
    mb_context *ctx;
    mb_arena arena; // memory of everything but the list
    mb_frozen_node *nodes;
    size_t n, capacity;
} mb_frozen_graph;

void mb_frozen_graph_init(mb_frozen_graph *graph, mb_context *ctx);
void mb_frozen_graph_clear(mb_frozen_graph *graph);
// The caller clears *out, also after a failure. name stands in messages. Fails with FORMAT, LIMIT,
// MEMORY; UNSUPPORTED for a tensor of other numbers.
mb_status mb_frozen_graph_parse(mb_frozen_graph *out, mb_context *ctx, const char *name,
    const void *bytes, size_t length) MB_MUST_CHECK;

// Building: texts are copied. NULL on failure (recorded).
mb_frozen_node *mb_frozen_graph_add(mb_frozen_graph *graph, const char *name, const char *op);
mb_status mb_frozen_node_input(
    mb_frozen_graph *graph, mb_frozen_node *node, const char *input) MB_MUST_CHECK;
// A new attribute to be filled. NULL on failure (recorded).
mb_frozen_attribute *mb_frozen_node_attribute(
    mb_frozen_graph *graph, mb_frozen_node *node, const char *key, mb_frozen_kind kind);
// NULL: there is none of that kind.
const mb_frozen_attribute *mb_frozen_node_find(
    const mb_frozen_node *node, const char *key, mb_frozen_kind kind);

// Appends the graph as bytes, or as text for people (.pb.ascii).
void mb_frozen_graph_write(mb_buffer *out, const mb_frozen_graph *graph);
void mb_frozen_graph_write_text(mb_buffer *out, const mb_frozen_graph *graph);

#endif
