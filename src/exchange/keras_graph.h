// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_KERAS_GRAPH_H
#define EXCHANGE_KERAS_GRAPH_H

#include "exchange/keras.h"
#include "files/hdf5.h"
#include "network/layer.h"

// A model the way Keras writes it down: a list of layers in Keras's own order, each with its calls,
// and nested models as lists within. Made from a file's configuration or from a model; the order
// decides where Keras looks for weights.

typedef struct mb_keras_graph mb_keras_graph;

// An output of a call of an entry.
typedef struct mb_keras_ref {
    size_t entry, call, tensor;
} mb_keras_ref;

typedef struct mb_keras_call {
    mb_keras_ref *inputs;
    size_t n_inputs;
    size_t *outputs; // values of the model; while reading, of the run under way
    bool is_done;
} mb_keras_call;

typedef struct mb_keras_entry {
    const char *name;       // within its model, as in the file
    const char *class_name; // Keras's
    const char *path;       // the layer's name in the flat model
    const mb_node *config;  // as read
    const mb_node *beside;  // options of our own beside it, or NULL
    bool is_operation;      // a Keras 3 operation (keras.ops), which is no layer to Keras
    bool is_input;
    mb_value_type type; // of an input; rank 0 when the file does not say
    mb_layer *layer;    // NULL for a nested model, its inputs, and what no output needs
    mb_keras_graph *nested;
    mb_keras_call *calls;
    size_t n_calls;
    size_t n_outputs; // of one call
    size_t rank;      // when a walk from the outputs first met it; SIZE_MAX: never
} mb_keras_entry;

struct mb_keras_graph {
    const char *name;
    const char *path; // of a nested model's layers: "encoder/"; "" for the outermost
    bool is_sequential;
    bool is_trainable;
    mb_keras_entry *entries;
    size_t n_entries;
    mb_keras_ref *inputs, *outputs;
    size_t n_inputs, n_outputs;
    mb_keras_ref *order; // calls that the outputs need, inputs before what takes them
    size_t n_order;
};

// A file being read.
typedef struct mb_keras_reader {
    mb_context *ctx;
    mb_document *document; // the configuration; also the memory of the graph
    const char *file;      // for messages
    unsigned major, minor; // version of Keras that wrote it
    size_t n_layers;       // so far, held against the limits
    size_t n_runs;
    bool is_other_type_noticed, is_clip_noticed;
} mb_keras_reader;

// Reads a configuration ({class_name, config}) and builds the model, with all parameters zero.
mb_status mb_keras_read_model(mb_keras_reader *reader, const mb_node *object, mb_model **model,
    mb_keras_graph **graph) MB_MUST_CHECK;
// Takes the version and backend that stand beside a configuration; either may be NULL.
mb_status mb_keras_read_version(
    mb_keras_reader *reader, const char *version, const char *backend) MB_MUST_CHECK;

// Reading, in parts.
mb_status mb_keras_read_graph(mb_keras_reader *reader, const mb_node *object, const char *path,
    unsigned depth, mb_keras_graph **out) MB_MUST_CHECK;
// Resolves who calls whom, from the configuration of a functional model.
mb_status mb_keras_read_calls(
    mb_keras_reader *reader, mb_keras_graph *graph, const mb_node *config) MB_MUST_CHECK;
// Fills graph->order and the entries' ranks. file is for messages. Fails with FORMAT on a cycle.
mb_status mb_keras_sort_calls(
    mb_context *ctx, mb_document *document, const char *file, mb_keras_graph *graph) MB_MUST_CHECK;
// Adds the layer of an entry to the model.
mb_status mb_keras_add_layer(mb_keras_reader *reader, mb_model *model, mb_keras_entry *entry,
    bool is_trainable) MB_MUST_CHECK;

// The graph of a finished model, in the order Keras will give its layers. Memory is the document's.
mb_status mb_keras_graph_of(mb_context *ctx, mb_document *document, const mb_model *model,
    mb_keras_graph **out) MB_MUST_CHECK;
// Puts entries into the order of Keras's own map of the graph.
mb_status mb_keras_sort_entries(
    mb_context *ctx, mb_document *document, mb_keras_graph *graph) MB_MUST_CHECK;

typedef enum mb_keras_style {
    MB_KERAS_STYLE_H5,   // Keras 2's
    MB_KERAS_STYLE_JSON, // the same, and which module each class is from, as Keras 3 wants it
    MB_KERAS_STYLE_V3,   // .keras: Keras 3's
} mb_keras_style;
// The configuration of a graph as a tree; NULL on failure (recorded).
mb_node *mb_keras_config_of(mb_context *ctx, mb_document *document, const mb_model *model,
    const mb_keras_graph *graph, mb_keras_style style);
// The configuration of a layer's options alone.
mb_node *mb_keras_layer_config(
    mb_context *ctx, mb_document *document, const mb_keras_entry *entry, mb_keras_style style);

// Options of our own that stand beside a layer's configuration; *out is NULL where there are none.
mb_status mb_keras_layer_beside(
    mb_context *ctx, mb_document *document, const mb_layer *layer, mb_node **out) MB_MUST_CHECK;

// What is our own (see keras_own.c).
typedef enum mb_keras_option_kind {
    MB_KERAS_OPTION_KERAS,  // Keras has it
    MB_KERAS_OPTION_OWN,    // ours, and predictions depend on it
    MB_KERAS_OPTION_BESIDE, // ours, for training alone
} mb_keras_option_kind;
mb_keras_option_kind mb_keras_option_kind_of(const char *key);
bool mb_keras_is_own_class(const char *class_name);
// The weight that "kernel_initializer", "depthwise_quantizer" or "mean_quantizer" is about, or
// NULL.
const mb_weight *mb_keras_weight_of(const mb_layer *layer, const char *key, const char *suffix);
// "minbias>MinbiasSlice" from "MinbiasSlice", and back (other names stay as they are).
mb_node *mb_keras_registered_name(mb_context *ctx, mb_document *document, const char *class_name);
const char *mb_keras_plain_class(const char *class_name);

bool mb_keras_ends_with(const char *text, const char *end);
// "Conv2DTranspose" -> "conv2d_transpose", as Keras names the parts of a weights file.
void mb_keras_snake_case(const char *name, char *out, size_t size);

// Where weights go or come from.
typedef struct mb_keras_weights {
    mb_context *ctx;
    mb_h5_file *file;     // reading
    mb_h5_writer *writer; // writing
    const char *name;     // for messages
    const char *base;     // group of the outermost model: "" or "/model_weights"
    float *into;          // reading: the flat parameters
    const float *from;    // writing
} mb_keras_weights;

// The layout of .h5: one group a layer, by name. is_ordered: when names do not match, layers with
// weights are taken in order, as Keras does.
mb_status mb_keras_read_named(
    mb_keras_weights *weights, const mb_keras_graph *graph, bool is_ordered) MB_MUST_CHECK;
mb_status mb_keras_write_named(
    mb_keras_weights *weights, mb_document *document, const mb_keras_graph *graph) MB_MUST_CHECK;
// The layout of .keras and .weights.h5: by class and counter. Reads where weights has a file, else
// writes.
mb_status mb_keras_run_counted(
    mb_keras_weights *weights, mb_document *document, const mb_keras_graph *graph) MB_MUST_CHECK;
// One weight from an array: its shape checked, its type converted, copied to its place in the flat
// parameters. name is the file's, path the array's place in it.
mb_status mb_keras_take_weight(mb_context *ctx, const char *name, const mb_weight *weight,
    const char *path, mb_array *array, float *into) MB_MUST_CHECK;
// One weight from or to a dataset.
mb_status mb_keras_read_weight(
    mb_keras_weights *weights, const mb_weight *weight, const char *path) MB_MUST_CHECK;
mb_status mb_keras_write_weight(
    mb_keras_weights *weights, const mb_weight *weight, const char *path) MB_MUST_CHECK;

// A file being read into a model, as every format does it: begin, the configuration, the weights,
// end.
typedef struct mb_keras_loading {
    mb_keras_reader reader;
    mb_document document;
    mb_keras_graph *graph;
    mb_model *model;
} mb_keras_loading;

void mb_keras_begin(mb_keras_loading *loading, mb_context *ctx, const char *file);
// Gives the model when all went well, with a notice about weights that are not finite; else
// destroys it. Returns status.
mb_status mb_keras_end(mb_keras_loading *loading, mb_status status, mb_model **out);

// A SavedModel folder.
mb_status mb_keras_load_saved_model(
    mb_context *ctx, const char *folder, mb_model **out) MB_MUST_CHECK;

#endif
