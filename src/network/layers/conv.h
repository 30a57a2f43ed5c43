// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_LAYERS_CONV_H
#define NETWORK_LAYERS_CONV_H

#include "network/activation.h"
#include "network/layer.h"
#include "network/layers/normalization.h"

// Convolution in one to three dimensions, always as three (leading ones) over channels-last rows.

typedef struct mb_conv_options {
    size_t filters;
    mb_sizes kernel_size, strides, dilation_rate;
    int padding, data_format;
    size_t groups;
    const char *activation;
    bool use_bias;
    int pad_phi; // 0 zero, 1 wrap
    const mb_node *kernel_initializer, *bias_initializer, *kernel_regularizer, *bias_regularizer;
    const mb_node *kernel_quantizer, *bias_quantizer;
} mb_conv_options;

// Cells whose windows have the same runs of the footprint within the input.
typedef struct mb_conv_lines {
    size_t first_cell, end_cell, first_run, end_run;
} mb_conv_lines;

// Everything about shapes that forward and backward need. The pool is a max pooling that the
// convolution took over: positions are then listed window by window, and a cell is a window; else a
// cell is one position.
typedef struct mb_conv_plan {
    size_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3], padded[3];
    size_t pool[3], cells[3];
    size_t n_in, n_out, width; // channels; width is n_out rounded up to MB_LANES
    size_t n_cells, window;    // positions per cell
    size_t n_taps;             // kernel positions
    bool wraps;                // the first spatial dimension (axis wrap_axis) is periodic
    size_t wrap_axis;
    bool is_padded; // the input is copied into a frame; else it is read where it is
    size_t frame;   // floats of the padded input, with slack for reads of whole vectors
    mb_footprint footprint;
    uint32_t *base;           // n_cells * window: a position's place in the frame
    mb_activation activation; // its own, or that of a layer it took over
    bool has_affine; // in prediction: a normalisation that it took over, behind the activation
    mb_normalization normalization;
    // packed: offsets in floats
    size_t at_affine, at_weights, at_bias, at_back, at_empty_frame, at_empty_out, at_empty_winner,
        at_finite, at_scratch;
    bool has_back, has_empty; // packed holds the kernel for the way back, the empty event's
                              // response
    size_t gradient_rows; // floats of the kernel's part of the packed gradient; the bias follows
    bool is_sparse;       // the input is a sparse column
    bool is_sparse_first; // ... indexed channels first
    bool has_activity;    // the input has an activity list
    // Which cells an input coordinate reaches, per axis: [first, last].
    uint32_t *first_cell[3], *last_cell[3];
    bool reaches_corners; // first and last are all, on every axis
    // The empty event's response repeats: cells whose coordinates have the same class on every axis
    // are equal. A class is named by its lowest coordinate.
    uint32_t *empty_class[3];
    // Which output an input coordinate reaches through a kernel coordinate, per axis, at
    // [coordinate * kernel + tap]: the cell, or UINT32_MAX, and the place within the window.
    uint32_t *tap_cell[3];
    uint8_t *tap_place[3];
    // Lines of the output, whose runs in the padding are left out. None: all windows are whole.
    mb_conv_lines *lines;
    size_t n_lines;
} mb_conv_plan;

// Copies a few channels: inline moves of whole vectors where a call of memcpy would cost more than
// the copy.
static inline void mb_conv_copy(float *to, const float *from, size_t n) {
    if (n % MB_LANES != 0) {
        for (size_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
        return;
    }
    for (size_t i = 0; i < n; i += MB_LANES) {
        memcpy(to + i, from + i, MB_LANES * sizeof *to);
    }
}

// The same for a whole width of winners.
static inline void mb_conv_copy_bytes(uint8_t *to, const uint8_t *from, size_t width) {
    for (size_t i = 0; i < width; i += MB_LANES) {
        memcpy(to + i, from + i, MB_LANES);
    }
}

mb_status mb_conv_plan_site(mb_context *ctx, mb_plan_site *site, size_t n_spatial);

// conv_plan.c
mb_status mb_conv_plan_make(
    mb_context *ctx, mb_plan_site *site, size_t n_spatial, mb_conv_plan *plan) MB_MUST_CHECK;
// Lays out packed and the packed gradient of the site's step.
void mb_conv_lay_out_packed(const mb_plan_site *site, mb_conv_plan *plan);
// conv_step.c
void mb_conv_refresh(const mb_step *step, const float *parameters, float *packed);
void mb_conv_refresh_empty(const mb_step *step, const float *empty_in, float *packed);
void mb_conv_forward(const mb_step *step, const mb_rows *rows);
void mb_conv_backward(const mb_step *step, const mb_rows *rows);
void mb_conv_add_piece(
    const mb_step *step, const mb_rows *rows, size_t first, size_t n, float *piece);
void mb_conv_unpack(const mb_step *step, const float *packed_gradient, float *gradient);
uint64_t mb_conv_count_done(const mb_step *step, const mb_rows *rows);
size_t mb_conv_scratch_bytes(const mb_conv_plan *plan, bool is_training);
size_t mb_conv_saved_bytes(const mb_conv_plan *plan);
// Copies a row into its frame, and adds a frame's gradient to a row's. Each number is a stretch of
// so many floats: 1, or the samples of a tile.
void mb_conv_fill_frame(const mb_conv_plan *plan, size_t floats, const float *row, float *frame);
void mb_conv_add_frame(const mb_conv_plan *plan, size_t floats, const float *frame, float *row);
// conv_affine.c: the normalisation behind the activation of positions (n of width numbers, the
// first n_out of which count, each a stretch of so many floats). Where activation and normalisation
// rise in every channel they are applied behind the maximum, which changes no bit.
size_t mb_conv_affine_floats(const mb_conv_plan *plan);
void mb_conv_pack_affine(const mb_conv_plan *plan, const float *parameters, float *packed);
bool mb_conv_affine_rises(const mb_conv_plan *plan, const float *packed);
void mb_conv_apply_affine(const mb_conv_plan *plan, const float *packed, size_t n, size_t width,
    size_t floats, float *values);
// conv_lines.c
mb_status mb_conv_make_lines(mb_context *ctx, mb_arena *arena, mb_conv_plan *plan) MB_MUST_CHECK;
// The sums of cells [first, first + n), position by position; the gradient by the frame (added) of
// cells without a pool; and by rows [first_row, first_row + n_rows) of the kernel (added).
void mb_conv_positions(
    const mb_step *step, size_t first, size_t n, const float *frame, float *sums, size_t stride);
void mb_conv_back(const mb_step *step, const float *d, float *d_frame);
void mb_conv_add_kernel(const mb_step *step, const float *x, const float *d, size_t first_row,
    size_t n_rows, float *gradient);
// conv_lanes.c
void mb_conv_plan_lanes(mb_step *step);
// conv_step.c
// Maxima of positions' sums (n_cells x window x width), activation and normalisation, packed to
// n_out numbers a cell in place: sums or maxima. stride: of the sums, where n_out may be packed
// already.
float *mb_conv_finish(const mb_step *step, size_t stride, float *sums, float *maxima,
    size_t n_cells, uint8_t *winner);
// One row of known activity, without a pool: out is that of the empty event where no listed cell
// reaches. scratch: mb_conv_scratch_bytes(plan, false).
void mb_conv_listed_row(
    const mb_step *step, const float *row, const uint32_t *active, float *out, void *scratch);
// Marks the cells that an input position reaches.
void mb_conv_mark(const mb_conv_plan *plan, uint32_t position, uint8_t *mark);
// The marked cells, rising, behind their count; slot (or NULL) gets each marked cell's number.
void mb_conv_list_marked(
    const mb_conv_plan *plan, const uint8_t *mark, uint32_t *list, uint32_t *slot);
// conv_sparse.c
// Forward of one row given as hits; fills active (count, cells).
void mb_conv_sparse_forward(const mb_step *step, const mb_rows *rows, size_t row, float *out,
    uint8_t *winner, uint32_t *active, void *scratch);
// The cells that a row's hits reach, and their sums, for convolutions without a pool. They stay in
// scratch until it is used for something else.
typedef struct mb_conv_reached {
    size_t n;
    const uint32_t *cell; // rising
    const uint8_t *mark;  // per cell of the output: is it reached
    const uint32_t *slot; // per reached cell of the output: its number among these
    float *sums, *spare;  // n x width; spare is as large
} mb_conv_reached;
void mb_conv_sparse_sums(
    const mb_step *step, const mb_rows *rows, size_t row, void *scratch, mb_conv_reached *out);
// Adds the kernel's gradient of the row that scratch holds; its sums are now the gradient of cells.
void mb_conv_sparse_sums_gradient(
    const mb_step *step, const mb_rows *rows, size_t row, float *gradient, void *scratch);
// Multiply-adds of a row's hits with every weight that takes them to a cell.
uint64_t mb_conv_sparse_products(const mb_step *step, const mb_rows *rows, size_t row);
// Kernels of too many taps, or channels-first columns of too many channels, are filled in instead.
bool mb_conv_can_be_sparse(const mb_conv_plan *plan);
// Adds the kernel's gradient of one row; d_cells (cells x width) is the gradient at the cells,
// after the activation.
void mb_conv_sparse_gradient(const mb_step *step, const mb_rows *rows, size_t row,
    const float *d_cells, const uint8_t *winner, float *gradient, void *scratch);
size_t mb_conv_sparse_scratch_bytes(const mb_conv_plan *plan);

#endif
