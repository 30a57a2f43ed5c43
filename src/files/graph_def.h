// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_GRAPH_DEF_H
#define FILES_GRAPH_DEF_H

#include "base/arena.h"
#include "base/buffer.h"

// TensorFlow's frozen graphs (GraphDef): nodes in a flat list, each with an operation, the nodes it
// takes, and attributes; weights are nodes, too (Const).

enum { MB_GRAPH_FLOAT = 1, MB_GRAPH_INT32 = 3, MB_GRAPH_MOST_RANK = 8, MB_GRAPH_MOST_INTS = 16 };

// Numbers of float32, or of int32, which are stored as floats and lie within 2^24.
typedef struct mb_graph_tensor {
    int type; // MB_GRAPH_FLOAT or MB_GRAPH_INT32
    unsigned rank;
    size_t dim[MB_GRAPH_MOST_RANK];
    size_t count;
    const float *values;
} mb_graph_tensor;

typedef enum mb_graph_kind {
    MB_GRAPH_OTHER, // not read
    MB_GRAPH_TEXT,
    MB_GRAPH_INT,
    MB_GRAPH_BOOL,
    MB_GRAPH_TYPE,
    MB_GRAPH_SHAPE, // in ints; -1: open
    MB_GRAPH_INTS,
    MB_GRAPH_TENSOR,
} mb_graph_kind;

typedef struct mb_graph_attribute {
    const char *key;
    mb_graph_kind kind;
    const char *text;
    int64_t integer; // of INT, BOOL, TYPE
    size_t n_ints;
    int64_t ints[MB_GRAPH_MOST_INTS];
    mb_graph_tensor tensor;
} mb_graph_attribute;

enum { MB_GRAPH_MOST_ATTRIBUTES = 16 };
typedef struct mb_graph_node {
    const char *name, *op;
    const char **inputs; // names; "^name" only orders
    size_t n_inputs;
    mb_graph_attribute *attributes;
    size_t n_attributes;
} mb_graph_node;

typedef struct mb_graph_def {
    mb_context *ctx;
    mb_arena arena; // memory of everything but the list
    mb_graph_node *nodes;
    size_t n, capacity;
} mb_graph_def;

void mb_graph_def_init(mb_graph_def *graph, mb_context *ctx);
void mb_graph_def_clear(mb_graph_def *graph);
// The caller clears *out, also after a failure. name stands in messages. Fails with FORMAT, LIMIT,
// MEMORY; UNSUPPORTED for a tensor of other numbers.
mb_status mb_graph_def_parse(mb_graph_def *out, mb_context *ctx, const char *name,
    const void *bytes, size_t length) MB_MUST_CHECK;

// Building: texts are copied. NULL on failure (recorded).
mb_graph_node *mb_graph_def_add(mb_graph_def *graph, const char *name, const char *op);
mb_status mb_graph_node_input(
    mb_graph_def *graph, mb_graph_node *node, const char *input) MB_MUST_CHECK;
// A new attribute to be filled. NULL on failure (recorded).
mb_graph_attribute *mb_graph_node_attribute(
    mb_graph_def *graph, mb_graph_node *node, const char *key, mb_graph_kind kind);
// NULL: there is none of that kind.
const mb_graph_attribute *mb_graph_node_find(
    const mb_graph_node *node, const char *key, mb_graph_kind kind);

// Appends the graph as bytes, or as text for people (.pb.ascii).
void mb_graph_def_write(mb_buffer *out, const mb_graph_def *graph);
void mb_graph_def_write_text(mb_buffer *out, const mb_graph_def *graph);

#endif
