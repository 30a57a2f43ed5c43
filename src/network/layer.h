// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYER_H
#define NETWORK_LAYER_H

#include "kernels/kernels.h"
#include "network/activation.h"
#include "network/graphs.h"
#include "network/model.h"

// What the rest of the program may ask of a kind of layer. One file a layer under network/layers/,
// ending in one constant record, and one line in layers/layer_list.h.

typedef struct mb_step mb_step;
typedef struct mb_plan_site mb_plan_site;

// Storage order. Layers with a data_format compute channels-last only: for channels_first the plan
// stores the value with channels last, and puts a transposition before a layer that needs the
// written order.
typedef enum mb_layout {
    MB_LAYOUT_WRITTEN,  // needs and gives values in the order their shapes are written
    MB_LAYOUT_ANY,      // element by element: takes either order and gives the same
    MB_LAYOUT_CHANNELS, // takes and gives channels-last storage when is_channels_first says so
} mb_layout;

// Where a short form is written.
typedef struct mb_expansion {
    const char *name; // NULL: the kind plus a counter
    mb_document *document;
    const mb_node *options;
    bool is_trainable;
} mb_expansion;

struct mb_layer_ops {
    const char *name;            // study name, "conv2d"
    const char *class_name;      // Keras's class, "Conv2D"
    const char *quantized_class; // QKeras's for the same with quantisers, "QConv2D"; NULL: none
    const char *help;            // one line
    const mb_option *options;    // names are Keras's config keys; study short forms are aliases
    size_t options_size;
    unsigned least_inputs, most_inputs; // most 0: any number
    mb_layout layout;
    // Takes rows of other axes than it gives; others work on row after row of any one axis.
    bool moves_axes;
    bool (*is_channels_first)(const mb_layer *layer); // for MB_LAYOUT_CHANNELS
    bool (*needs_written)(const mb_layer
            *layer); // for MB_LAYOUT_ANY: this one does need the written order; NULL: never
    // Of a short form: adds and calls the layers that it stands for, whose names begin with its
    // own, and gives what comes out. NULL: it is a layer.
    mb_status (*expand)(mb_context *ctx, mb_model *model, const mb_expansion *request, size_t input,
        size_t *output);
    // Checks inputs (logical shapes), gives the output's shape; declares weights when
    // layer->n_calls is 0. Errors without a prefix: the caller adds the layer's name.
    mb_status (*infer)(mb_context *ctx, mb_model *model, mb_layer *layer,
        const mb_value_type *inputs, size_t n_inputs, mb_value_type *output);
    // Fills site->step for one call. Shapes in the site are as stored (channels last).
    mb_status (*plan)(mb_context *ctx, mb_plan_site *site);
    // The activation, element by element, that this layer is, so that the step before may take it
    // over; false: it is none. NULL: never.
    bool (*find_activation)(const mb_layer *layer, mb_activation *out);
    // Floating-point operations of one row: 2 per multiply-add, 1 per bias or element-wise
    // operation; activations and means of pooling count nothing, as in published counts. NULL: 0.
    uint64_t (*flops)(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
        const mb_value_type *output);
    // Where Keras's config is not the options by name: rewrite config (in place) on reading, or the
    // options map on writing.
    mb_status (*from_keras)(
        mb_context *ctx, mb_document *document, mb_node *config, unsigned keras_major);
    mb_status (*to_keras)(
        mb_context *ctx, mb_document *document, mb_node *config, unsigned keras_major);
};

#define MB_LAYER(name) extern const mb_layer_ops mb_layer_##name;
#include "network/layers/layer_list.h"
#undef MB_LAYER

// NULL-terminated, in list order.
extern const mb_layer_ops *const mb_layer_list[];
// By study name, Keras's class name or QKeras's, or NULL.
const mb_layer_ops *mb_layer_find(const char *name);
// An option of a kind of layer by its name, or NULL.
const mb_option *mb_layer_option(const mb_layer_ops *ops, const char *name);
// Sets layer->quantizer from the layer's option "activation". line: of that option in a file, or 0.
mb_status mb_layer_read_quantizer(
    mb_context *ctx, mb_model *model, mb_layer *layer, int line) MB_MUST_CHECK;

// One input of a batch: dense rows, or a sparse view (index lists with background 0).
typedef struct mb_input {
    const float *dense;     // n_rows x row size, as written; NULL for a sparse input
    const uint32_t *row;    // dense: where each row is, counted in rows; NULL: one behind the other
    const uint32_t *offset; // n_rows + 1: where each row's entries begin
    const uint32_t *index;  // rising within a row: position in the row in the written order
    const float *value;
} mb_input;

// The rows of an axis in a batch.
typedef struct mb_axis_rows {
    const size_t *offset;         // events + 1: where each event's rows begin
    const mb_graph *const *graph; // of edges: each event's relation
} mb_axis_rows;

// Rows of one step's work: a block of consecutive rows of a batch. Values are contiguous rows of
// floats.
typedef struct mb_rows {
    size_t n;         // rows of the output's axis in the block; may be 0. In lanes: MB_SAMPLES
    size_t n_samples; // in lanes: how many are samples, the others are padding
    size_t first;     // index of the block's first row in the batch
    const float *const *in; // per input; NULL for a sparse input
    // Per input: the batch's sparse view, rows counted from the batch's start, or NULL.
    const struct mb_input *sparse;
    float *out;
    const float *d_out; // backward: gradient of the loss by out
    float *const *d_in; // backward ADDS to these; NULL where nobody needs it
    // Backward ADDS the step's weight gradients here, in the step's own packed order.
    float *gradient;
    void *saved;            // step->saved_bytes per row, from forward to backward of the same rows
    void *scratch;          // step->scratch_bytes, this worker's, contents lost between calls
    const uint32_t *active; // which cells of the input a hit can reach: per row a count, then
                            // rising cells; NULL: any
    uint32_t *active_out;   // the same of the output, to be filled when step->gives_activity
    const mb_graph_rows *graphs; // of a layer that works with edges
    void *saved_edges;           // step->saved_edge_bytes per edge, as saved
    bool is_training;
    uint64_t seed; // of the batch's random numbers (dropout): with first + i as the sample
    uint32_t step; // training step, counted from 0
    struct mb_rows_ahead *ahead; // in lanes: for mb_lanes_fetch_ahead
} mb_rows;

// The same work on samples in lanes (kernels/lanes.h): values, gradients and what is saved are
// those of one tile. Bits of the forward pass are those of rows; padding lanes hold finite numbers,
// and their gradients are zero.
typedef struct mb_step_lanes {
    void (*forward)(const mb_step *step, const mb_rows *rows); // NULL: the step has rows only
    void (*backward)(const mb_step *step, const mb_rows *rows);
    void (*unpack)(const mb_step *step, const float *packed_gradient, float *gradient);
    size_t saved_bytes;   // per sample
    size_t scratch_bytes; // of a tile
    size_t gradient_floats;
} mb_step_lanes;

// One unit of execution. Filled by ops->plan; constant afterwards but for packed, which refresh
// rewrites.
struct mb_step {
    const mb_layer *layer;
    const mb_kernels *kernels;
    const void *options;
    void *data; // the step's own tables, in the plan's arena
    size_t n_inputs;
    const mb_value_type *in; // as stored
    mb_value_type out;
    size_t *in_size, out_size; // floats per row
    bool is_training;
    bool is_frozen; // in training: forward is that of prediction, backward its gradient
    const bool *needs_input_gradient; // per input
    void (*forward)(const mb_step *step, const mb_rows *rows);
    void (*backward)(const mb_step *step, const mb_rows *rows); // NULL: no gradient passes
    size_t saved_bytes;                                         // per row
    size_t scratch_bytes;                                       // per worker
    // Of a step that works with edges: for each edge of the block, and for each node and each edge
    // of the largest graph.
    size_t saved_edge_bytes, scratch_node_bytes, scratch_edge_bytes;
    size_t packed_floats; // weights as the kernels want them
    float *packed;
    // Packs layer weights from the flat parameters (use step->layer->weights[i].offset). NULL: no
    // weights.
    void (*refresh)(const mb_step *step, const float *parameters, float *packed);
    size_t gradient_floats; // of the packed gradient of one chunk of rows
    // Adds a summed packed gradient to the flat gradient.
    void (*unpack)(const mb_step *step, const float *packed_gradient, float *gradient);
    // A large kernel's gradient in pieces: the plan may set takes_pieces, if all rows of a batch
    // stay where they are. backward then leaves out the first n_in_pieces floats of the packed
    // gradient, and behind it add_piece adds floats [first, first + n) of it, multiples of
    // piece_floats but for the end, of a chunk of rows. It has no scratch. 0: not offered.
    size_t n_in_pieces, piece_floats;
    void (*add_piece)(
        const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece);
    bool takes_pieces;
    // Steps that look at a whole batch (batch normalisation in training). The loop calls, over
    // fixed chunks of rows: statistics -> (n_statistics doubles per chunk, summed through a fixed
    // tree) -> finish -> forward; and in the backward pass d_statistics -> sum -> backward with the
    // sums in batch. All NULL / 0 for other steps.
    size_t n_statistics, n_d_statistics;
    void (*statistics)(const mb_step *step, const mb_rows *rows, double *partial);
    // total: n_statistics sums. batch: n_batch_floats that forward and backward of this step read.
    // moving: the flat parameters, to update moving averages in (training only).
    size_t n_batch_floats;
    void (*finish)(
        const mb_step *step, const double *total, size_t n_rows, float *batch, float *moving);
    void (*d_statistics)(
        const mb_step *step, const mb_rows *rows, const float *batch, double *partial);
    void (*finish_backward)(
        const mb_step *step, const double *total, size_t n_rows, float *batch, float *gradient);
    float *batch;        // n_batch_floats, shared by all workers
    mb_step_lanes lanes; // set by ops->plan; a plan in lanes puts them in place of those above
    // Exact sparsity. A step whose input is a sparse column, or a value of known activity, works
    // only on the cells that a hit can reach and copies the response to the empty event elsewhere.
    bool takes_sparse; // set by ops->plan: the sparse column is read as it is; else the plan fills
                       // in dense rows
    bool follows_activity; // set by ops->plan: of the input only the listed cells are read
    bool skips_background; // set by the plan: whoever reads the output follows activity, so only
                           // listed cells are written
    bool gives_activity;
    // Of the output's gradient a step may want listed cells, and of all others only the sum: two
    // such steps behind each other, the first wanting and the second giving it, leave the rest of
    // the gradient unset. It is at the first cell that is not listed.
    bool wants_listed_gradient, gives_listed_gradient; // set by ops->plan
    bool is_gradient_listed; // set by the plan, of both: so it is between them
    size_t n_cells;          // of the output, for its activity list
    size_t empty_out_at;     // where in packed the output's response to the empty event is
    // Works out that response from the input's (NULL: a sparse column, which is zero). After
    // refresh.
    void (*refresh_empty)(const mb_step *step, const float *empty_in, float *packed);
    // For people: multiply-adds of a row when nothing is skipped, and of rows that have just gone
    // forward. NULL: nothing is ever skipped.
    uint64_t n_products;
    uint64_t (*count_done)(const mb_step *step, const mb_rows *rows);
};

struct mb_plan_site {
    mb_arena *arena; // for step->data
    const mb_layer *layer;
    mb_step *step; // layer, kernels, options, in, out, sizes, is_training, needs_input_gradient
                   // already filled
    bool is_input_sparse; // the (only) input comes as a sparse column with background 0, its
                          // indices in the written order
    bool is_input_first;  // ... and the written order is channels first
    // The input has an activity list, made by this step; NULL: none.
    const struct mb_step *active_source;
    // Layers behind this one that the step may take over, each alone in using what comes before: an
    // activation, a dropout, a batch normalisation and a max pooling, in this order. One may be
    // taken when all before it are. The step's output is then that of the last taken.
    const mb_activation *activation;                // NULL: none
    const mb_layer *dropout, *normalization, *pool; // NULL: none
    bool quantizer_taken; // set by ops->plan: the step applies layer->quantizer; else another does
    bool activation_taken, dropout_taken, normalization_taken, pool_taken; // set by ops->plan
};

// For ops->plan: the output is the input, number by number.
mb_status mb_layer_plan_copy(mb_context *ctx, mb_plan_site *site);
// For ops->plan: the output is the input, quantised by the layer's quantiser.
void mb_layer_plan_quantizer(mb_plan_site *site);
bool mb_layer_is_copy(const mb_step *step);
// For ops->flops: one operation per number of the output.
uint64_t mb_layer_flops_each(const mb_layer *layer, const mb_value_type *inputs, size_t n_inputs,
    const mb_value_type *output);
// The gradient before an activation: d (n positions of n_out channels, width apart; padding zero)
// from d_out. Adds its sum over positions to d_bias (width floats).
void mb_layer_differentiate(const mb_kernels *kernels, const mb_activation_ops *activation,
    const double *parameters, const float *out, const float *d_out, size_t n, size_t n_out,
    size_t width, float *d, float *d_bias);

// For ops->plan: offers the gradient of a kernel of n_rows rows in pieces.
void mb_layer_offer_pieces(mb_step *step, size_t n_rows, size_t width,
    void (*add_piece)(
        const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece));
// kernels->positions_gradient of n_rows rows of a kernel only.
void mb_layer_add_kernel_rows(const mb_kernels *kernels, size_t n, const uint32_t *base,
    const float *x, const mb_footprint *footprint, const float *dy, size_t width, size_t first_row,
    size_t n_rows, float *gradient);

// For ops->infer: declares the usual "bias" of n outputs, zeros where nothing else is written. The
// nodes may be NULL.
mb_status mb_layer_add_bias(mb_context *ctx, mb_model *model, mb_layer *layer, size_t n,
    const mb_node *initializer, const mb_node *regularizer, const mb_node *quantizer) MB_MUST_CHECK;

// The common part of layers with spatial dimensions: shape = (spatial..., channels) or (channels,
// spatial...).
typedef struct mb_spatial {
    size_t n; // spatial dimensions
    size_t dim[3];
    size_t channels;
} mb_spatial;
// Whether the activation of such a layer is known and can be had there; else UNSUPPORTED.
mb_status mb_spatial_check_activation(
    mb_context *ctx, const char *name, bool is_channels_first) MB_MUST_CHECK;
mb_status mb_spatial_of(mb_context *ctx, const mb_value_type *type, size_t n_spatial,
    bool is_channels_first, mb_spatial *out) MB_MUST_CHECK;
mb_value_type mb_spatial_type(
    const mb_value_type *like, const mb_spatial *spatial, bool is_channels_first);
// A list option of n spatial values; one value stands for all. Fails when another number is given.
mb_status mb_spatial_option(
    mb_context *ctx, const mb_sizes *list, size_t n, const char *name, size_t out[3]) MB_MUST_CHECK;
// Output length and leading padding of a window (Keras: same pads the smaller half first; valid
// none).
typedef enum mb_padding { MB_PADDING_VALID, MB_PADDING_SAME, MB_PADDING_CAUSAL } mb_padding;
size_t mb_window_output(size_t length, size_t window, size_t stride, size_t dilation,
    mb_padding padding, size_t *pad_before);
extern const char *const mb_padding_names[];     // "valid", "same", "causal"
extern const char *const mb_data_format_names[]; // "channels_last", "channels_first"

#endif
