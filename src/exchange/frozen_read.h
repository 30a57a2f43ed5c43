// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_FROZEN_READ_H
#define EXCHANGE_FROZEN_READ_H

#include "exchange/frozen.h"
#include "exchange/frozen_expression.h"

// A frozen graph while it becomes a model. Nodes are taken in an order in which each comes behind
// its inputs; what a node is to us stands in its symbol.

typedef enum mb_frozen_symbol_kind {
    MB_FROZEN_IS_NONE,
    MB_FROZEN_IS_NUMBERS, // constants, few
    MB_FROZEN_IS_WEIGHT,  // a constant that a layer takes
    MB_FROZEN_IS_VALUE,   // of the model, or of a layer that is not added yet
    MB_FROZEN_IS_EACH,    // a function, number by number, of a weight or value
    MB_FROZEN_IS_SHAPE,   // of a batch
    MB_FROZEN_IS_ROWS,    // how many rows the batch has
    MB_FROZEN_IS_SIZES,   // the numbers behind these in the shape of a batch
} mb_frozen_symbol_kind;

typedef struct mb_frozen_symbol {
    mb_frozen_symbol_kind kind;
    size_t base;   // node that it is, or is a function of
    size_t origin; // node that made it: copies share it
    size_t n_numbers;
    float numbers[MB_FROZEN_MOST_RANK];
    // Of a value:
    bool is_added;
    size_t value; // of the model
    // Of a layer that is not added: its product and what that takes, its bias.
    const char *layer; // kind
    size_t product, data, kernel, bias;
    bool has_bias;
} mb_frozen_symbol;

enum { MB_FROZEN_MOST_INPUTS = 8 };

// A weight of a layer, to be filled in.
typedef struct mb_frozen_taken {
    const char *layer, *weight;
    size_t node;
} mb_frozen_taken;

typedef struct mb_frozen_reading {
    mb_context *ctx;
    const char *file;
    mb_frozen_graph graph;
    mb_document document; // of the layers' options
    mb_model *model;
    size_t *order, *place;                   // the nodes in order, and where each of them is there
    size_t (*inputs)[MB_FROZEN_MOST_INPUTS]; // of each node, data only
    size_t *n_inputs, *n_users;
    mb_frozen_symbol *symbols;
    size_t n_prefix; // characters that all names share
    size_t n_placeholders;
    mb_frozen_taken *taken;
    size_t n_taken, taken_capacity;
} mb_frozen_reading;

// Names, inputs and an order. Fails with FORMAT (an input that is not there, a circle).
mb_status mb_frozen_sort(mb_frozen_reading *r) MB_MUST_CHECK;
mb_status mb_frozen_refuse(
    const mb_frozen_reading *r, const mb_frozen_node *node, const char *what);
// The quantiser that a node is of its base. Fails with UNSUPPORTED.
mb_status mb_frozen_quantizer_of(
    mb_frozen_reading *r, size_t node, char text[MB_FROZEN_QUANTIZER_TEXT]) MB_MUST_CHECK;

// The model's value that a node is; layers that were collected are added.
mb_status mb_frozen_value_of(mb_frozen_reading *r, size_t node, size_t *value) MB_MUST_CHECK;
// Adds a layer without weights behind a value, which the node then is.
mb_status mb_frozen_add_layer(mb_frozen_reading *r, size_t node, const char *kind, mb_node *options,
    size_t input) MB_MUST_CHECK;

// Options of layers, from attributes.
mb_node *mb_frozen_options(mb_frozen_reading *r);
// n numbers; a list where n is more than 1.
mb_status mb_frozen_set_ints(mb_frozen_reading *r, mb_node *options, const char *key,
    const int64_t *values, size_t n) MB_MUST_CHECK;
// Whether a node's windows have planes beside rows and columns.
bool mb_frozen_has_planes(const mb_frozen_node *node);
// The two or three in the middle of an attribute; left out where there is none.
mb_status mb_frozen_set_window(mb_frozen_reading *r, mb_node *options, size_t node,
    const char *attribute, const char *key) MB_MUST_CHECK;
mb_status mb_frozen_set_padding(mb_frozen_reading *r, mb_node *options, size_t node) MB_MUST_CHECK;

#endif
