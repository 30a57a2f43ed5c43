// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TWIN_TWIN_H
#define TWIN_TWIN_H

#include "network/model.h"
#include "twin/fixed.h"

// The integer twin of a quantised network: what firmware computes, bit for bit. A program says
// layer by layer which integers there are; making a twin of it proves from formats and weights how
// large each sum can get and picks the arithmetic (pairs of int16, float32 within 2^24, int32,
// int64) that holds it exactly. Products and sums of a layer are exact before its accumulator.

// A step of a program. Unused fields are zero. Real numbers (weights) are converted when the twin
// is made.
typedef struct mb_twin_layer {
    const char *kind; // "dense", "conv2d", "scale", "convert", "relu", "flatten", "max_pooling",
                      // "average_pooling", "up_sampling"
    const char *name; // in reports and overrides
    size_t units;     // outputs of dense, filters of conv2d
    size_t window[2]; // rows, columns, of conv2d, poolings; the factors of up_sampling
    size_t stride[2]; // 0: 1 for conv2d, the window for poolings
    bool is_same;     // padding as Keras's "same" (conv2d, max_pooling), else "valid"
    // dense (inputs, units), conv2d (rows, columns, channels, units), scale (channels).
    const float *weights;
    const float *bias;            // one for each output channel; NULL: none
    const float *scale;           // dense, conv2d, scale (instead of weights): a real factor for
                                  // each output channel, and the bias real beside it; NULL: none
    mb_fixed weight, bias_format; // bits 0: the weights as they are, if 62 bits hold them
    mb_fixed accumulator, result; // bits 0: none, the value stays exact
} mb_twin_layer;

typedef struct mb_twin_program {
    mb_value_type input; // of a row: rank 1 to 3; images are (rows, columns, channels)
    mb_fixed input_format;
    const mb_twin_layer *layers;
    size_t n_layers;
    const char *activation; // an activation in float32 behind the integers ("sigmoid"); NULL: none
} mb_twin_program;

// Formats that replace a layer's own; bits 0 leave it.
typedef struct mb_twin_override {
    const char *layer;
    mb_fixed weight, bias, accumulator, result;
} mb_twin_override;

typedef struct mb_twin mb_twin;

// The shape behind a layer, and of its weights (rank 0: it has none). Fails with SHAPE,
// UNSUPPORTED; the text begins with the layer's name.
mb_status mb_twin_layer_shape(mb_context *ctx, const mb_twin_layer *layer,
    const mb_value_type *input, mb_value_type *output, mb_value_type *weights) MB_MUST_CHECK;

// Makes a twin; everything is copied. The caller owns *out, immutable and shared by threads; on
// failure it is NULL. Fails with SHAPE, RANGE (a weight that is not finite), FORMAT (an override of
// no layer), UNSUPPORTED (a sum beyond 61 bits, a format no step can have), MEMORY.
mb_status mb_twin_create(mb_context *ctx, const mb_twin_program *program,
    const mb_twin_override *overrides, size_t n_overrides, mb_twin **out) MB_MUST_CHECK;
// Accepts NULL.
void mb_twin_destroy(mb_twin *twin);

size_t mb_twin_inputs(const mb_twin *twin);  // numbers in a row
size_t mb_twin_outputs(const mb_twin *twin); // of a row
// Whether the output is integers: no real scale after the last conversion, no activation.
bool mb_twin_is_integer(const mb_twin *twin);
int mb_twin_output_exponent(const mb_twin *twin); // an output's value is integer * 2^exponent
// The program, with its overrides. Borrowed.
const mb_twin_program *mb_twin_program_of(const mb_twin *twin);

// Events, row by row, in one of three forms: values (not units of the format), converted to the
// input's format by its rules; a NaN counts as 0. n_rows times stride numbers.
typedef struct mb_twin_rows {
    const float *f32;
    const int32_t *i32;
    const uint16_t *u16;
    size_t stride; // numbers from a row to the next; 0: mb_twin_inputs
} mb_twin_rows;

// Memory for one thread's mb_twin_run, aligned to 64 bytes; contents do not matter.
size_t mb_twin_scratch(const mb_twin *twin);
// Runs n events; cannot fail and allocates nothing. integers and values (n x outputs) may be NULL;
// integers are left alone where mb_twin_is_integer is false. Values beyond 24 bits are rounded to
// float32.
void mb_twin_run(const mb_twin *twin, const mb_twin_rows *rows, size_t n, void *scratch,
    int64_t *integers, float *values);
// The same on all threads of the runtime, with scratch of its own. Fails with MEMORY.
mb_status mb_twin_predict(mb_context *ctx, const mb_twin *twin, const mb_twin_rows *rows, size_t n,
    int64_t *integers, float *values) MB_MUST_CHECK;

// The places of a layer where values can be looked at.
typedef enum mb_twin_stage {
    MB_TWIN_SUM,         // exact, before any conversion
    MB_TWIN_ACCUMULATOR, // converted to the accumulator
    MB_TWIN_RESULT,      // scaled and converted to the result: what the next layer gets
} mb_twin_stage;

// What is known of a layer, and what was seen.
typedef struct mb_twin_report {
    const char *kind, *name; // borrowed from the twin
    // Of the sums: "i16 pairs", "f32", "i32", "i64"; "" where there are none.
    const char *arithmetic;
    bool is_real;             // a real scale: exact up to here, then one float32 rounding
    size_t n_weights;         // bias included
    size_t n_weights_rounded; // changed by rounding to their format
    size_t n_weights_outside; // outside their format: wrapped or clipped
    mb_fixed weight, bias, accumulator, result; // bits 0: none
    double proven_least, proven_most;           // of the sums, as values
    // Filled by mb_twin_examine.
    uint64_t n_values;  // sums seen
    double least, most; // of the sums seen, as values
    double result_least, result_most;
    // Conversions that wrapped or saturated. Negative values that an unsigned saturating format
    // raises to 0, as a rectifier does, do not count.
    uint64_t n_accumulator_outside, n_result_outside;
} mb_twin_report;

size_t mb_twin_layers(const mb_twin *twin);
// Fills *out for one layer; seen parts are zero.
void mb_twin_describe(const mb_twin *twin, size_t layer, mb_twin_report *out);
// Runs n events slowly and counts. reports: mb_twin_layers of them, filled anew. Fails with MEMORY.
mb_status mb_twin_examine(mb_context *ctx, const mb_twin *twin, const mb_twin_rows *rows, size_t n,
    mb_twin_report *reports) MB_MUST_CHECK;
// Numbers of a row at a layer's stage.
size_t mb_twin_stage_size(const mb_twin *twin, size_t layer, mb_twin_stage stage);
// The values there, as doubles (n x mb_twin_stage_size). Fails with MEMORY.
mb_status mb_twin_look(mb_context *ctx, const mb_twin *twin, size_t layer, mb_twin_stage stage,
    const mb_twin_rows *rows, size_t n, double *out) MB_MUST_CHECK;

#endif
