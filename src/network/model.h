// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_MODEL_H
#define NETWORK_MODEL_H

#include "base/node.h"
#include "base/options.h"
#include "minbias/model.h"
#include "network/quantizer.h"

// A model is data: a flat graph of layers and their calls, immutable once finished. Layers may be
// called several times (shared weights). Nested models are inlined: their layers carry the path in
// their names ("encoder/conv2d"), and a group remembers the nesting for files and summaries. Rows
// of a value share one shape; how many rows there are is known only at run time and belongs to the
// value's axis.

enum { MB_MAX_DIMS = 5 };

// Axes have names; events is the first. Others (nodes, edges.pred ...) come with the inputs and the
// layers that have them; those of edges join rows of another one.
enum { MB_AXIS_EVENTS = 0, MB_MOST_AXES = 8 };

// The shape of one row of a value.
typedef struct mb_value_type {
    unsigned axis;
    unsigned rank;
    size_t dim[MB_MAX_DIMS];
} mb_value_type;

size_t mb_value_size(const mb_value_type *type); // floats in a row
// "(8, 64, 64)" into text, which is returned.
char *mb_value_text(const mb_value_type *type, char *text, size_t size);

typedef struct mb_initializer_ops mb_initializer_ops;
typedef struct mb_layer_ops mb_layer_ops;
typedef struct mb_layer mb_layer;

// How a weight begins.
typedef struct mb_initializer {
    const mb_initializer_ops *ops; // see network/initializer.h
    void *options;
} mb_initializer;

typedef struct mb_weight {
    const char *name; // Keras's: "kernel", "bias", "gamma" ...
    const mb_layer *layer;
    unsigned rank;
    size_t dim[MB_MAX_DIMS]; // Keras's order: conv (kh, kw, in, out), dense (in, out)
    size_t count, offset;    // floats, and where they begin in the model's flat parameters
    size_t fan_in, fan_out;
    mb_initializer initializer;
    bool is_trainable;
    double l1, l2; // penalty l1*sum|w| + l2*sum(w^2)
    // The layer computes with the quantised values; the float ones are stored and trained.
    mb_quantizer quantizer;
    bool is_folded; // the layer quantises it itself, after folding a normalisation into it
} mb_weight;

struct mb_layer {
    const char *name;
    const mb_layer_ops *ops;
    void *options;      // the record of ops->options
    mb_weight *weights; // made at the first call
    size_t n_weights;
    size_t n_calls;
    bool is_trainable;      // false: frozen, none of its weights is updated
    unsigned edges;         // the axis whose relation it works with; 0: none
    mb_quantizer quantizer; // of the output, where the option "activation" is one
};

// One use of a layer.
typedef struct mb_call {
    mb_layer *layer;
    size_t n_inputs;
    size_t *inputs; // values
    size_t output;  // value
} mb_call;

typedef struct mb_value {
    mb_value_type type;
    size_t producer; // call
} mb_value;

// A nested model: the layers whose names begin with "name/", and what its calls took and gave.
typedef struct mb_group_call {
    size_t n_inputs, n_outputs;
    size_t *inputs, *outputs; // values
} mb_group_call;

typedef struct mb_group {
    const char *name;       // path
    const char *class_name; // "Functional" or "Sequential"
    mb_group_call *calls;
    size_t n_calls, call_capacity;
} mb_group;

typedef struct mb_model_axis {
    const char *name; // "events", "nodes", "edges.pred"
    unsigned joins;   // of edges: the axis whose rows they join; 0: none
} mb_model_axis;

struct mb_model {
    mb_document document; // memory of everything but parameters
    mb_runtime *runtime;
    const char *name;
    const char *class_name; // "Functional" or "Sequential"
    mb_model_axis axes[MB_MOST_AXES];
    size_t n_axes;
    mb_layer **layers; // in the order they were added; inputs are layers
    size_t n_layers, layer_capacity;
    mb_call *calls; // in topological order
    size_t n_calls, call_capacity;
    mb_value *values;
    size_t n_values, value_capacity;
    mb_group *groups;
    size_t n_groups, group_capacity;
    size_t n_inputs, *inputs;   // values
    size_t n_outputs, *outputs; // values
    mb_weight **weights;        // of all layers, in layer order
    size_t n_weights;
    size_t n_parameters; // floats in all
    float *parameters;   // the stored values; a training works on a copy of its own
};

// Building. A model is begun, layers are added and called, and it is finished; on any failure the
// caller destroys it.
mb_status mb_model_begin(mb_context *ctx, const char *name, mb_model **out) MB_MUST_CHECK;
// Adds a layer of a kind ("conv2d", or Keras's class name "Conv2D") with an options map (NULL:
// none), read with mb_options_parse in document (for the lines of errors; NULL: the model's own).
// name NULL: kind plus a counter, as Keras does. Borrowed layer.
mb_status mb_model_add_layer(mb_context *ctx, mb_model *model, const char *kind, const char *name,
    mb_document *document, const mb_node *options, mb_layer **out) MB_MUST_CHECK;
// The axis of a name, added where the model has none such. joins: the axis that its edges join, 0
// for no edges; FORMAT where it joins another one already, LIMIT for too many axes.
mb_status mb_model_add_axis(mb_context *ctx, mb_model *model, const char *name, unsigned joins,
    unsigned *axis) MB_MUST_CHECK;
// Layers work on row after row of one axis, but for those between nodes and edges. Fails with
// SHAPE, naming both axes, for inputs of two.
mb_status mb_model_check_axes(mb_context *ctx, const mb_model *model, const mb_layer *layer,
    const mb_value_type *inputs, size_t n_inputs) MB_MUST_CHECK;
// Adds an input of a given row shape: a layer of kind "input" and its call.
mb_status mb_model_add_input(mb_context *ctx, mb_model *model, const char *name,
    const mb_value_type *type, size_t *value) MB_MUST_CHECK;
// Calls a layer: works out the output's shape and, at the first call, the weights.
mb_status mb_model_call(mb_context *ctx, mb_model *model, mb_layer *layer, const size_t *inputs,
    size_t n_inputs, size_t *output) MB_MUST_CHECK;
// Records a nested model's call; the group is made at its first call.
mb_status mb_model_add_group_call(mb_context *ctx, mb_model *model, const char *name,
    const char *class_name, const size_t *inputs, size_t n_inputs, const size_t *outputs,
    size_t n_outputs) MB_MUST_CHECK;
// Names the outputs (inputs are the input layers in order, or as given when inputs is not NULL),
// checks that the outputs depend on these inputs alone, lays out the parameters (zero).
mb_status mb_model_finish(mb_context *ctx, mb_model *model, const size_t *inputs, size_t n_inputs,
    const size_t *outputs, size_t n_outputs) MB_MUST_CHECK;
// Draws all parameters from their initialisers; each weight has a stream of its own (seed, its
// index).
mb_status mb_model_initialize(
    mb_context *ctx, const mb_model *model, uint64_t seed, float *parameters) MB_MUST_CHECK;

const mb_layer *mb_model_find_layer(const mb_model *model, const char *name);
// A layer's weight by name ("kernel"), or NULL.
const mb_weight *mb_layer_find_weight(const mb_layer *layer, const char *name);
// Weight by layer and weight name, or NULL.
const mb_weight *mb_model_find_weight(const mb_model *model, const char *layer, const char *weight);
// SHA-256 over names and little-endian float32 in layer order, as 64 hexadecimal digits.
void mb_model_hash(const mb_model *model, const float *parameters, char out[65]);
// Fails with NUMERIC, naming the layer and weight, when a parameter is not finite.
mb_status mb_model_check_finite(
    mb_context *ctx, const mb_model *model, const float *parameters) MB_MUST_CHECK;

// For ops->infer: declares a weight (only the first call of a layer does).
typedef struct mb_weight_spec {
    const char *name;
    unsigned rank;
    size_t dim[MB_MAX_DIMS];
    size_t fan_in, fan_out;
    const mb_node *initializer; // as written in the options; NULL: default_initializer
    const char *default_initializer;
    // NULL, or {l1: .., l2: ..} / {l1_l2: ..}, or Keras's {class_name, config}.
    const mb_node *regularizer;
    bool is_trainable;
    const mb_node *quantizer;      // as written; NULL: default_quantizer
    const char *default_quantizer; // NULL: none
    mb_quantizer_use use;
    bool is_folded;
} mb_weight_spec;
mb_status mb_layer_add_weight(
    mb_context *ctx, mb_model *model, mb_layer *layer, const mb_weight_spec *spec) MB_MUST_CHECK;

#endif
