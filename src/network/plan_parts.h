// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_PLAN_PARTS_H
#define NETWORK_PLAN_PARTS_H

#include "network/layers/message.h"
#include "network/plan.h"

// Rows of training batches go in this many fixed chunks, whose gradients are summed through a fixed
// tree: the bits depend on the batch alone.
enum { MB_PLAN_CHUNKS = 16 };
// Of a call, and of the model.
enum { MB_PLAN_MOST_INPUTS = 64, MB_PLAN_MOST_OUTPUTS = 64 };

// A value of the plan: what a step gives, or an input.
typedef struct mb_plan_value {
    mb_value_type type; // as stored
    size_t size;        // floats per row
    bool is_last;       // written channels first, stored channels last
    size_t model_input; // SIZE_MAX: made by a step
    bool is_sparse;     // comes as a sparse column
    bool needs_dense;   // ... and some step needs it filled in
    size_t producer;    // step, or SIZE_MAX
    bool needs_gradient;
    bool is_gradient_listed;           // set, not added to, by its only reader
    size_t output;                     // number among the model's outputs, or SIZE_MAX
    size_t at, at_gradient, at_active; // offsets per row block, in floats; see mb_plan_layout
    size_t at_rows;                    // of an output in lanes; its gradient follows
} mb_plan_value;

typedef struct mb_plan_step {
    mb_step step;
    size_t *inputs; // values
    size_t output;
    size_t input_activity; // step whose activity list describes the input, or SIZE_MAX
    size_t at_saved;       // offset of a block's saved bytes
    size_t at_saved_edges; // ... of those that are saved for edges
    size_t at_gradient;    // offset in a chunk's gradient, floats
    size_t at_packed;
} mb_plan_step;

// The regions of a block's memory; each holds, value by value, capacity rows.
typedef enum mb_plan_region {
    MB_REGION_VALUES,
    MB_REGION_GRADIENTS,
    MB_REGION_ROWS, // outputs and their gradients, in lanes
    MB_REGION_ACTIVE,
    MB_REGION_SAVED,
    MB_REGIONS
} mb_plan_region;

// A region of memory for blocks of rows: everything at (rows * offset).
typedef struct mb_plan_layout {
    size_t value_floats, gradient_floats, active_words, saved_bytes; // per row
    size_t row_floats;     // in lanes: outputs and their gradients as rows, for the loss
    size_t at[MB_REGIONS]; // bytes per row that lie before a region
} mb_plan_layout;

// The most rows of an axis, in the memory of a block and of one event.
typedef struct mb_plan_axis {
    mb_plan_layout layout;
    size_t capacity; // of the memory; 0 for events, where it depends on the block
    size_t event_rows;
    size_t at; // bytes in a block's memory, behind those of events
} mb_plan_axis;

// A stretch of the packed gradient that one task sums over chunks: pieces of a step, or what the
// chunks have of their own.
typedef struct mb_plan_sum {
    size_t step; // SIZE_MAX: the chunks' own
    size_t first, n;
} mb_plan_sum;

struct mb_plan {
    mb_arena arena;
    mb_runtime *runtime;
    const mb_model *model;
    const mb_kernels *kernels;
    bool is_training, is_frozen, is_one_chunk;
    bool is_in_lanes; // steps work on tiles of MB_SAMPLES samples in lanes
    size_t max_rows;
    size_t tile; // rows worked on at a time through the whole plan
    mb_plan_value *values;
    size_t n_values, value_capacity;
    mb_plan_step *steps;
    size_t n_steps, step_capacity;
    size_t *input_values; // per model input: the plan's value
    size_t *output_values;
    mb_plan_layout layout;           // of events
    mb_plan_axis axes[MB_MOST_AXES]; // of others
    size_t axis_bytes;               // of all others
    size_t scratch_bytes;            // of the hungriest step
    size_t packed_floats;
    float *packed;
    float *quantized; // the parameters as layers compute with them; NULL: no weight is quantised
    size_t gradient_floats; // of a chunk
    size_t n_barriers;
    size_t most_statistics;
    // Training memory, from mb_plan_reserve.
    unsigned n_workers;
    size_t block_rows; // rows of a block of training memory
    char *training; // n_blocks blocks (a worker's, or one for the whole batch), then scratch of the
                    // workers, gradients, statistics
    size_t training_bytes, at_scratch, at_gradients, at_statistics;
    mb_plan_sum *sums;
    size_t n_sums, sum_capacity;
};

// Rows of a chunk of a training batch of n rows.
size_t mb_plan_chunk_rows(const mb_plan *plan, size_t n);
// Bytes of a block of rows, and the places in it.
size_t mb_plan_block_bytes(const mb_plan *plan, size_t rows);
// Whether a value is read where the caller has it.
static inline bool mb_plan_is_outside(const mb_plan *plan, const mb_plan_value *value) {
    return value->model_input != SIZE_MAX && !value->is_sparse && !plan->is_in_lanes &&
           plan->model->axes[value->type.axis].joins == 0;
}
// Gives every value, step and region its place.
void mb_plan_lay_out_values(mb_plan *plan);
// A background that nobody reads need not be written.
void mb_plan_skip_backgrounds(mb_plan *plan);

// A chain of calls, from a gather on, that is one step.
typedef struct mb_plan_message {
    mb_message_layers layers;
    const mb_layer *hidden[MB_MESSAGE_MOST_HIDDEN];
    size_t n_calls; // behind the gather
    size_t calls[MB_MESSAGE_MOST_HIDDEN + 6];
    size_t output; // the model's value that the last one gives
} mb_plan_message;
// n_uses, only_user: per value, how many calls use it (an output of the model counts as more than
// one), and the last that does.
bool mb_plan_find_message(const mb_model *model, size_t call, const size_t *n_uses,
    const size_t *only_user, bool is_training, mb_plan_message *out);

// Rows of the inputs of the tile behind the present one, asked for one by one. What is needed for
// the first input stands together: in a small network's cache nothing else of the plan stays.
typedef struct mb_rows_ahead {
    void (*fetch)(const float *floats, size_t n);
    const float *dense;
    const uint32_t *row; // or NULL
    size_t size, next, end;
    size_t n_others; // inputs
    const struct mb_plan_block *block;
} mb_rows_ahead;

// One block of rows on its way through the plan.
typedef struct mb_plan_block {
    const mb_plan *plan;
    const mb_input *inputs;
    const mb_axis_rows *axes; // per axis of the model
    char *memory;             // laid out for capacity rows
    size_t capacity;
    size_t row;   // first row within the memory
    size_t first; // first row within the batch
    size_t n;
    void *scratch;
    float *gradient; // the chunk's
    uint64_t seed;
    uint32_t step;
    mb_lane_loss_fn loss_in_lanes; // or NULL
    mb_rows_ahead *ahead;          // in lanes; else NULL
} mb_plan_block;

// Calls behind a call that its step may take over, in the order in which they may stand. SIZE_MAX:
// none.
typedef enum mb_follows {
    MB_FOLLOWS_ACTIVATION,
    MB_FOLLOWS_DROPOUT,
    MB_FOLLOWS_NORMALIZATION,
    MB_FOLLOWS_POOL,
    MB_FOLLOWERS
} mb_follows;
typedef struct mb_plan_followers {
    size_t call[MB_FOLLOWERS];
    mb_activation found;
} mb_plan_followers;
// n_uses and only_user: per model value, how many calls use it and the last of them.
void mb_plan_find_followers(const mb_model *model, const mb_call *call, const size_t *n_uses,
    const size_t *only_user, const mb_plan *plan, mb_plan_followers *out);
// The layer of one, or NULL.
const mb_layer *mb_plan_follower(
    const mb_model *model, const mb_plan_followers *followers, mb_follows kind);

// What a step gets, and what of it has no place of its own.
typedef struct mb_plan_rows {
    mb_rows rows;
    mb_graph_rows graphs;
    const float *in[MB_PLAN_MOST_INPUTS];
    float *d_in[MB_PLAN_MOST_INPUTS];
} mb_plan_rows;

// Puts the steps' work in lanes in place of that in rows, where that is faster: a small model, all
// of whose steps offer it, and enough rows. Decided by the model and the plan alone.
void mb_plan_choose_lanes(mb_plan *plan);
// In lanes: fills dense inputs; hands outputs to the loss, or to where the caller wants them.
void mb_plan_fill_lanes(const mb_plan_block *block);
void mb_plan_open_ahead(mb_rows_ahead *ahead, const mb_plan_block *block);
// Begins to ask for the inputs of the tile behind the block's, of rows before end; each call asks
// for the next row, the last one for what is left.
void mb_plan_begin_ahead(mb_rows_ahead *ahead, size_t end);
void mb_plan_fetch_row(mb_rows_ahead *ahead);
void mb_plan_fetch_rest(mb_rows_ahead *ahead);
void mb_plan_call_loss_in_lanes(const mb_plan_block *block, mb_loss_fn loss, void *user);
// mb_plan_predict of a plan in lanes.
void mb_plan_predict_lanes(const mb_plan *plan, void *scratch, const mb_input *inputs,
    size_t n_rows, float *const *outputs);
// Hands the gradients by the model's inputs to where the caller wants them.
void mb_plan_store_input_gradients(const mb_plan_block *block, float *const *gradients);

// Works out the response to the empty event of the steps that follow a step's activity.
void mb_plan_refresh_empty(mb_plan *plan, size_t source);
void mb_plan_fill_inputs(const mb_plan_block *block);
void mb_plan_forward_step(const mb_plan_block *block, size_t step);
void mb_plan_backward_step(const mb_plan_block *block, size_t step);
void mb_plan_rows_of(const mb_plan_block *block, size_t step, bool is_backward, mb_plan_rows *work);
size_t mb_plan_n_rows(const mb_plan_block *block, unsigned axis); // in the block
float *mb_plan_value_rows(const mb_plan_block *block, size_t value);
float *mb_plan_gradient_rows(const mb_plan_block *block, size_t value);
float *mb_plan_output_rows(const mb_plan_block *block, size_t value);

// plan_sums.c: the packed gradients of chunks, and their sum through the fixed tree.
// Decides which steps leave their gradients to pieces, and the scratch of these.
void mb_plan_choose_pieces(mb_plan *plan, bool keeps_batch);
mb_status mb_plan_list_sums(mb_context *ctx, mb_plan *plan);
float *mb_plan_chunk_gradient(const mb_plan *plan, size_t chunk);
// Of the steps [begin, end): what backward adds to.
void mb_plan_clear_gradients(const mb_plan_block *block, size_t begin, size_t end);
// Sums all stretches into the gradient of chunk 0. block: of a chunk and a worker.
typedef void (*mb_plan_block_fn)(
    const void *user, size_t chunk, unsigned worker, mb_plan_block *block);
mb_status mb_plan_sum_gradients(mb_context *ctx, const mb_plan *plan, size_t n_chunks,
    mb_plan_block_fn block, const void *user);

#endif
