// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef NETWORK_QUANTIZER_H
#define NETWORK_QUANTIZER_H

#include "base/node.h"
#include "base/options.h"
#include "network/fixed.h"

// Quantisers of weights and activations: QKeras 0.9.0's, with its arithmetic in float32. One file a
// family under network/quantizers/, each quantiser a constant record and a line in
// quantizers/quantizer_list.h.
//
// Values are those of the grid, exactly. QKeras gives x + (q - x) in float32, which is q wherever q
// is within a factor of two of x, and is off the grid by a rounding of x for values clipped from
// further away; apart from that, and from values where its own scaling overflows, the bits are its.

// What a quantiser is for. Kernels (also gamma and variance) whose alpha is null get "auto_po2", as
// QKeras's layers do it; activations may not depend on a whole batch, so they take no auto scale.
typedef enum mb_quantizer_use {
    MB_QUANTIZER_KERNEL,
    MB_QUANTIZER_BIAS, // any other weight
    MB_QUANTIZER_ACTIVATION,
} mb_quantizer_use;

// How a tensor is cut into channels: element (o * n_channels + c) * inner + k is of channel c.
typedef struct mb_quantizer_shape {
    size_t outer, n_channels, inner;
    bool is_vector; // rank 0 or 1: one channel for a common scale, n for scales of one's own
} mb_quantizer_shape;

// Quantisers of the form clip(round_half_even(x * inverse_step), low, high) * step, for vectorised
// code. inverse_step is a power of two, low and high are whole.
typedef struct mb_quantizer_grid {
    float inverse_step, low, high, step;
} mb_quantizer_grid;

typedef struct mb_quantizer_ops {
    const char *name; // QKeras's class
    const char *help;
    const char *refused; // why it is not offered; then there is nothing else
    // In the order of QKeras's constructor; the first n_positional may come without their names.
    const mb_option *options;
    size_t options_size, n_positional;
    // Looks at the parsed options (and may complete them). Errors without a prefix.
    mb_status (*check)(mb_context *ctx, mb_document *document, mb_quantizer_use use, void *options);
    // y may be x. Element by element where there is no scale to be found from the values.
    void (*apply)(const void *options, const mb_quantizer_shape *shape, const float *x, float *y);
    // Multiplies gradient (by the output) with the straight-through derivative at x. NULL: 1.
    void (*differentiate)(const void *options, const float *x, float *gradient, size_t n);
    // The scale of each channel as QKeras reports it. NULL: 1.
    void (*scales)(
        const void *options, const mb_quantizer_shape *shape, const float *x, float *scale);
    bool (*grid)(const void *options, mb_quantizer_grid *out); // NULL: never
    // The fixed-point format of all values under a scale; false: they have none (a scale that is no
    // power of two, a grid that is not even). NULL: never.
    bool (*format)(const void *options, double scale, mb_fixed *out);
    unsigned (*bits)(const void *options);
    bool is_monotone; // may move behind a maximum
} mb_quantizer_ops;

#define MB_QUANTIZER(name) extern const mb_quantizer_ops mb_quantizer_##name;
#include "network/quantizers/quantizer_list.h"
#undef MB_QUANTIZER

extern const mb_quantizer_ops *const mb_quantizer_list[]; // NULL-terminated

typedef struct mb_quantizer {
    const mb_quantizer_ops *ops; // NULL: values stay as they are
    const void *options;
} mb_quantizer;

// Reads "quantized_bits(8,1,1,alpha=1)", {quantized_bits: {bits: 8, ...}} or Keras's {class_name,
// config}; NULL, null and "null" give none. what names the option in errors, which say where it
// stands. Memory is the document's.
mb_status mb_quantizer_read(mb_context *ctx, mb_document *document, const mb_node *node,
    mb_quantizer_use use, const char *what, mb_quantizer *out) MB_MUST_CHECK;
// A text that names a quantiser (also one that is refused), with or without arguments.
bool mb_quantizer_is_text(const char *text);
// "quantized_bits(8,1,1,alpha=1)": positional where it can be, only what differs from the defaults;
// reads back to the same. "none" without one.
mb_status mb_quantizer_text(
    mb_context *ctx, const mb_quantizer *quantizer, mb_buffer *out) MB_MUST_CHECK;
// QKeras's get_config. NULL on failure (recorded).
mb_node *mb_quantizer_config(mb_context *ctx, mb_document *document, const mb_quantizer *quantizer);

// Channels of a weight as QKeras finds them: the last axis, also of depthwise kernels.
mb_quantizer_shape mb_quantizer_shape_of(unsigned rank, const size_t *dim);
// y may be x; without a quantiser a copy.
void mb_quantizer_apply(
    const mb_quantizer *quantizer, const mb_quantizer_shape *shape, const float *x, float *y);
// n numbers, element by element (activations).
void mb_quantizer_apply_each(const mb_quantizer *quantizer, const float *x, float *y, size_t n);
void mb_quantizer_differentiate(
    const mb_quantizer *quantizer, const float *x, float *gradient, size_t n);
// scale: shape->n_channels floats.
void mb_quantizer_scales(
    const mb_quantizer *quantizer, const mb_quantizer_shape *shape, const float *x, float *scale);
bool mb_quantizer_format(const mb_quantizer *quantizer, double scale, mb_fixed *out);
bool mb_quantizer_find_grid(const mb_quantizer *quantizer, mb_quantizer_grid *out);
// Of one number; 32 without a quantiser.
unsigned mb_quantizer_bits(const mb_quantizer *quantizer);

#endif
