// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// quantized_tanh, quantized_sigmoid and quantized_ulaw: bounded functions, rounded.

#include "network/quantizers/common.h"

#include "base/math.h"

typedef struct smooth_options {
    size_t bits;
    int64_t integer; // quantized_ulaw
    bool symmetric, is_real, use_stochastic_rounding;
    double u; // quantized_ulaw
} smooth_options;

#define BITS                                                                                       \
    {                                                                                              \
        "bits", MB_OPTION_SIZE, offsetof(smooth_options, bits), "8", 1, MB_QUANTIZER_MOST_BITS,    \
            NULL, NULL, "of a number"                                                              \
    }
#define SYMMETRIC(text)                                                                            \
    {                                                                                              \
        "symmetric", MB_OPTION_BOOL, offsetof(smooth_options, symmetric), "false", 0, 0, NULL,     \
            NULL, text                                                                             \
    }

static const mb_option quantized_tanh_options[] = {BITS, MB_STOCHASTIC_OPTION(smooth_options),
    SYMMETRIC("leave out -1"),
    {"use_real_tanh", MB_OPTION_BOOL, offsetof(smooth_options, is_real), "false", 0, 0, NULL, NULL,
        "tanh itself, not x cut at -1 and 1"},
    MB_OPTIONS_END};
static const mb_option quantized_sigmoid_options[] = {BITS, SYMMETRIC("leave out 0"),
    {"use_real_sigmoid", MB_OPTION_BOOL, offsetof(smooth_options, is_real), "false", 0, 0, NULL,
        NULL, "the sigmoid itself, not x / 2 + 1 / 2 cut at 0 and 1"},
    MB_STOCHASTIC_OPTION(smooth_options), MB_OPTIONS_END};
static const mb_option quantized_ulaw_options[] = {BITS,
    {"integer", MB_OPTION_INT, offsetof(smooth_options, integer), "0", -32, 32, NULL, NULL,
        "the result reaches 2^integer"},
    SYMMETRIC("leave out the lowest value"),
    {"u", MB_OPTION_REAL, offsetof(smooth_options, u), "255", 1e-6, 1e9, NULL, NULL,
        "how steep the logarithm is"},
    MB_OPTIONS_END};

static mb_status check(mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    (void)document;
    (void)use;
    return mb_quantizer_refuse_random(
        ctx, ((const smooth_options *)record)->use_stochastic_rounding);
}

static size_t size_of(const mb_quantizer_shape *shape) {
    return shape->outer * shape->n_channels * shape->inner;
}

static bool is_within(float x, float low, float high) {
    return x >= low && x <= high;
}

// The value before the last clip, and the derivative up to there.
static float tanh_of(const smooth_options *options, float x, float m, float *slope) {
    const float half = 0.5F * x + 0.5F;
    const float p = options->is_real ? mb_tanhf(x) : 2 * mb_hard_sigmoid(x) - 1;
    *slope = options->is_real ? 1 - p * p : is_within(half, 0, 1) ? 1.0F : 0.0F;
    return mb_round_even(p * m) / m;
}

static float sigmoid_of(const smooth_options *options, float x, float m, float *slope) {
    const float half = 0.5F * x + 0.5F;
    const float p = options->is_real ? mb_sigmoidf(x) : mb_hard_sigmoid(x);
    *slope = options->is_real ? p * (1 - p) : is_within(half, 0, 1) ? 0.5F : 0.0F;
    return mb_round_even(p * m) / m;
}

static float ulaw_of(const smooth_options *options, float x, float m, float *slope) {
    const float half = 0.5F * (x / mb_power_of_two((int)options->integer)) + 0.5F;
    const float rounded = 2 * (mb_round_even(mb_clip(half, 0, 1) * m) / m) - 1;
    const float u = (float)options->u;
    const float inside = 1 + u * fabsf(rounded);
    const float whole = (float)mb_log((double)(float)(1 + options->u));
    const float logarithm = (float)mb_log((double)inside) / whole;
    const bool is_flat = !is_within(half, 0, 1) || rounded == 0;
    *slope = is_flat ? 0 : u / (inside * whole);
    return rounded < 0 ? -logarithm : logarithm;
}

typedef float (*smooth_fn)(const smooth_options *options, float x, float m, float *slope);

// Applies (y), or differentiates (gradient): value, clip, factor.
static void run(const smooth_options *options, smooth_fn function, int value_bits, float low,
    float factor, const float *x, float *y, float *gradient, size_t n) {
    const float m = mb_power_of_two(value_bits);
    const float bottom = low + (options->symmetric ? 1.0F : 0.0F) / m;
    const float top = 1.0F - 1.0F / m;
    for (size_t i = 0; i < n; i++) {
        float slope = 0;
        const float value = function(options, x[i], m, &slope);
        if (y != NULL) {
            y[i] = factor * mb_clip(value, bottom, top) + 0.0F; // no -0
        } else {
            gradient[i] *= is_within(value, bottom, top) ? slope : 0;
        }
    }
}

static int sign_less(const smooth_options *options) {
    return (int)options->bits - 1;
}

static void apply_tanh(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    run(record, tanh_of, sign_less(record), -1, 1, x, y, NULL, size_of(shape));
}

static void differentiate_tanh(const void *record, const float *x, float *gradient, size_t n) {
    run(record, tanh_of, sign_less(record), -1, 1, x, NULL, gradient, n);
}

static void apply_sigmoid(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const smooth_options *options = record;
    run(options, sigmoid_of, (int)options->bits, 0, 1, x, y, NULL, size_of(shape));
}

static void differentiate_sigmoid(const void *record, const float *x, float *gradient, size_t n) {
    const smooth_options *options = record;
    run(options, sigmoid_of, (int)options->bits, 0, 1, x, NULL, gradient, n);
}

static void apply_ulaw(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const smooth_options *options = record;
    run(options, ulaw_of, sign_less(options), -1, mb_power_of_two((int)options->integer), x, y,
        NULL, size_of(shape));
}

static void differentiate_ulaw(const void *record, const float *x, float *gradient, size_t n) {
    run(record, ulaw_of, sign_less(record), -1, 1, x, NULL, gradient, n);
}

static unsigned bits(const void *record) {
    return (unsigned)((const smooth_options *)record)->bits;
}

// Values n / m, from -1 or 0 to 1 - 1 / m.
static bool format_tanh(const void *record, double scale, mb_fixed *out) {
    const smooth_options *options = record;
    *out = (mb_fixed){.bits = (int)options->bits,
        .integer = 1,
        .is_signed = true,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = options->symmetric ? MB_FIXED_SATURATE_SYMMETRIC : MB_FIXED_SATURATE};
    return scale == 1;
}

static bool format_sigmoid(const void *record, double scale, mb_fixed *out) {
    const smooth_options *options = record;
    *out = (mb_fixed){.bits = (int)options->bits,
        .integer = 0,
        .is_signed = false,
        .rounding = MB_FIXED_ROUND_EVEN,
        .overflow = MB_FIXED_SATURATE};
    return scale == 1;
}

#define SMOOTH(title, text, kind, fixed, n)                                                        \
    const mb_quantizer_ops mb_quantizer_##title = {                                                \
        .name = #title,                                                                            \
        .help = text,                                                                              \
        .options = title##_options,                                                                \
        .options_size = sizeof(smooth_options),                                                    \
        .n_positional = n,                                                                         \
        .check = check,                                                                            \
        .apply = apply_##kind,                                                                     \
        .differentiate = differentiate_##kind,                                                     \
        .format = fixed,                                                                           \
        .bits = bits,                                                                              \
        .is_monotone = true,                                                                       \
    };

SMOOTH(quantized_tanh, "x cut at -1 and 1 (or tanh), rounded", tanh, format_tanh, 4)
SMOOTH(quantized_sigmoid, "x / 2 + 1 / 2 cut at 0 and 1 (or the sigmoid), rounded", sigmoid,
    format_sigmoid, 4)
SMOOTH(quantized_ulaw, "mu-law companding of x cut at -1 and 1", ulaw, NULL, 4)
