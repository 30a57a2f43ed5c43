// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TWIN_PARTS_H
#define TWIN_PARTS_H

#include "kernels/fixed.h"
#include "network/activation.h"
#include "twin/twin.h"

// What the files of the twin share.

// How a tile is stored between two operations; see kernels/fixed.h.
typedef enum twin_store { STORE_I32, STORE_PAIRS, STORE_F32, STORE_I64, STORE_REAL } twin_store;

// A tensor on its way through the program. Its values are integers times 2^exponent, but for
// STORE_REAL, float32 values that no integer stands for.
typedef struct twin_value {
    mb_value_type type;
    size_t n; // numbers
    twin_store store;
    int exponent;
    int64_t least, most; // proven
} twin_value;

enum { MB_TWIN_STAGES = 3 };

// Where a stage's values stand: the tile that the first so many operations leave.
typedef struct twin_stage {
    size_t n_operations;
    twin_value value;
} twin_stage;

typedef struct twin_step {
    mb_twin_report known;
    twin_stage stages[MB_TWIN_STAGES];
} twin_step;

typedef struct twin_operation twin_operation;
struct twin_operation {
    void (*run)(
        const mb_fixed_kernels *kernels, const twin_operation *operation, void *in, void *out);
    size_t n, n_channels; // rows, and how often per-channel numbers repeat
    size_t step;          // layer
    mb_fixed_step convert;
    mb_fixed_reader reader;
    bool has_reader;     // for reals: the vector path may be tried
    mb_fixed target;     // of a conversion; bits 0: another operation
    bool is_accumulator; // the conversion is to the accumulator
    bool is_relu;
    twin_store taken; // how what it takes is stored, and its exponent
    int exponent;
    mb_fixed_sums sums;
    size_t zero_row, zero_bytes; // where the input has a row of zeros, and its size; 0: nowhere
    size_t n_terms;
    const uint32_t *index;
    const void *scale, *bias;
};

struct mb_twin {
    mb_arena arena;
    mb_runtime *runtime;
    const mb_fixed_kernels *kernels;
    mb_twin_program program;
    twin_step *steps;
    twin_operation *operations;
    size_t n_operations, operation_capacity;
    twin_value input, output;
    mb_fixed_reader reader; // of the input
    bool has_reader;
    bool has_short; // u16 rows are taken by kernels->read_u16
    uint16_t short_mask, short_most;
    size_t row_words;  // 32-bit words of a row as it is transposed
    size_t tile_bytes; // of each of the two tiles
    const mb_activation_ops *activation;
};

// Making a twin: the value grows layer by layer.
typedef struct twin_builder {
    mb_context *ctx;
    mb_twin *twin;
    twin_value value;
    size_t layer;
    twin_step *step;
    const mb_twin_layer *source;
} twin_builder;

// The kinds of layers.
typedef struct twin_kind {
    const char *name;
    bool takes_reals; // what a real scale leaves
    // Shape of output and weights; texts without prefix.
    mb_status (*shape)(mb_context *ctx, const mb_twin_layer *layer, const mb_value_type *input,
        mb_value_type *output, mb_value_type *weights);
    // Adds operations; the value's type is set by the caller afterwards.
    mb_status (*build)(twin_builder *builder, const mb_value_type *output);
} twin_kind;
const twin_kind *mb_twin_kind_find(const char *name);

// Numbers of a row of any layer, and weights of one: their bytes are far below what a size_t holds.
#define TWIN_MOST_ROW     ((size_t)1 << 24)
#define TWIN_MOST_WEIGHTS ((size_t)1 << 31)
mb_status mb_twin_check_size(
    mb_context *ctx, const char *name, const char *what, const mb_value_type *type, size_t most);

// For layers that take integers alone; the text is without prefix.
mb_status mb_twin_fail_reals(twin_builder *builder);
// Zeroed memory of the twin, within the limits; NULL on failure (recorded).
void *mb_twin_allocate(twin_builder *builder, size_t count, size_t size);
size_t mb_twin_row_bytes(twin_store store);
// Adds an operation, zeroed but for its step; NULL on failure.
twin_operation *mb_twin_add_operation(twin_builder *builder);
// Notes the size of the value's tile.
void mb_twin_note_tile(twin_builder *builder);
// Brings the value into a store.
mb_status mb_twin_store_as(twin_builder *builder, twin_store store);
void mb_twin_end_stage(twin_builder *builder, mb_twin_stage stage);
// Accumulator, real scale and result, the same for all layers.
mb_status mb_twin_finish_layer(twin_builder *builder, bool is_relu);
// How a real becomes the format's integer in vectors; false when only the exact path does it.
bool mb_twin_reader_of(const mb_fixed *format, mb_fixed_reader *out);

// Integers of a layer's weights and bias at one exponent.
typedef struct twin_numbers {
    int64_t *weights, *bias;
    size_t n_weights, n_bias;
    int exponent; // of weight times input, and of bias
} twin_numbers;
// Converts and aligns; counts in the step.
mb_status mb_twin_numbers_of(
    twin_builder *builder, size_t n_weights, size_t n_bias, twin_numbers *out);
// Adds the sums of a layer: n_groups groups of n_terms inputs (index n stands for a zero) to
// n_outputs each, weights [term][output].
mb_status mb_twin_add_sums(twin_builder *builder, const twin_numbers *numbers,
    const uint32_t *index, size_t n_groups, size_t n_terms, size_t n_outputs);
// a * b and a + b; false when the result is beyond 2^61.
bool mb_twin_multiply(int64_t a, int64_t b, int64_t *out);
bool mb_twin_add(int64_t a, int64_t b, int64_t *out);

// One tile of up to MB_TILE events through the operations [0, n_operations). Returns where the
// result stands in scratch.
void mb_twin_load_tile(
    const mb_twin *twin, const mb_twin_rows *rows, size_t first, size_t n, void *scratch);
void *mb_twin_tile(const mb_twin *twin, void *scratch, size_t n_operations);
void mb_twin_run_operation(const mb_twin *twin, size_t operation, void *scratch);
// A number of a tile as it stands.
double mb_twin_tile_value(const twin_value *value, const void *tile, size_t row, size_t lane);

#endif
