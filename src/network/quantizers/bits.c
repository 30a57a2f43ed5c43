// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// quantized_bits: whole numbers times a step; and quantized_hswish, which is the same of x * relu(x
// + 3) / 6.

#include "network/quantizers/common.h"

typedef struct bits_options {
    size_t bits;
    int64_t integer;
    bool symmetric, keep_negative, use_stochastic_rounding;
    const mb_node *alpha, *scale_axis;
    mb_noise noise;
    double relu_shift, relu_upper_bound; // quantized_hswish only
    mb_alpha scale;                      // alpha, read
} bits_options;

#define BITS                                                                                       \
    {"bits", MB_OPTION_SIZE, offsetof(bits_options, bits), "8", 1, MB_QUANTIZER_MOST_BITS, NULL,   \
        NULL, "of a number, its sign included"},                                                   \
        {"integer", MB_OPTION_INT, offsetof(bits_options, integer), "0", -32, 32, NULL, NULL,      \
            "of them before the binary point, the sign not counted"},                              \
    {                                                                                              \
        "symmetric", MB_OPTION_BOOL, offsetof(bits_options, symmetric), "false", 0, 0, NULL, NULL, \
            "leave out the lowest negative number"                                                 \
    }
#define ALPHA                                                                                      \
    {                                                                                              \
        "alpha", MB_OPTION_NODE, offsetof(bits_options, alpha), "", 0, 0, NULL, NULL,              \
            "scale of the numbers: a number, 'auto' or 'auto_po2' (found for each channel), null " \
            "(1; of a kernel auto_po2)"                                                            \
    }
#define SCALE_AXIS                                                                                 \
    {                                                                                              \
        "scale_axis", MB_OPTION_NODE, offsetof(bits_options, scale_axis), "", 0, 0, NULL, NULL,    \
            "null: channels are the last axis; others are not offered"                             \
    }

static const mb_option quantized_bits_options[] = {BITS,
    {"keep_negative", MB_OPTION_BOOL, offsetof(bits_options, keep_negative), "true", 0, 0, NULL,
        NULL, "false: negative values become 0, and no bit is spent on a sign"},
    ALPHA, MB_STOCHASTIC_OPTION(bits_options), SCALE_AXIS, MB_NOISE_OPTIONS(bits_options),
    MB_OPTIONS_END};
static const mb_option quantized_hswish_options[] = {BITS, ALPHA,
    MB_STOCHASTIC_OPTION(bits_options), SCALE_AXIS, MB_NOISE_OPTIONS(bits_options),
    {"relu_shift", MB_OPTION_REAL, offsetof(bits_options, relu_shift), "3", 1e-6, 1e6, NULL, NULL,
        "added before the rectifier"},
    {"relu_upper_bound", MB_OPTION_REAL, offsetof(bits_options, relu_upper_bound), "6", 1e-6, 1e6,
        NULL, NULL, "largest value of the rectifier, by which the product is divided"},
    MB_OPTIONS_END};

static mb_status check(mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    bits_options *options = record;
    MB_TRY(mb_quantizer_refuse_random(ctx, options->use_stochastic_rounding));
    MB_TRY(mb_alpha_read(ctx, document, &options->alpha, use, &options->scale));
    if (options->scale_axis != NULL && options->scale_axis->kind != MB_NODE_NULL) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED,
            "scale_axis is not offered: scales are those of the last axis; leave it out");
    }
    options->symmetric = options->symmetric || mb_alpha_is_auto(&options->scale);
    return options->bits > 1 || !mb_alpha_is_auto(&options->scale)
               ? MB_OK
               : mb_fail(ctx, MB_ERR_RANGE,
                     "one bit leaves no level for alpha 'auto' or 'auto_po2'; use at least 2 bits, "
                     "or binary");
}

static mb_status check_hswish(
    mb_context *ctx, mb_document *document, mb_quantizer_use use, void *record) {
    bits_options *options = record;
    options->keep_negative = true;
    if (use != MB_QUANTIZER_ACTIVATION) {
        return mb_fail(ctx, MB_ERR_UNSUPPORTED, "is an activation; use quantized_bits for weights");
    }
    return check(ctx, document, use, record);
}

static int unsigned_bits(const bits_options *options) {
    return (int)options->bits - (options->keep_negative ? 1 : 0);
}

// Largest level of an automatic scale.
static float most_level(const bits_options *options) {
    return (float)(ldexp(1, (int)options->bits - 1) - 1);
}

static float level_of(float x, float scale, float most) {
    const float level = floorf(fabsf(x) / scale + 0.5F);
    return copysignf(level < most ? level : most, x);
}

// The scale of values x / 2^integer of one channel, whose largest is most.
static float find_scale(
    const bits_options *options, const mb_channel *channel, float most, float m_i) {
    const float top = most_level(options);
    float scale = most / m_i * 2 / (2 * top);
    if (options->scale.kind == MB_ALPHA_AUTO) {
        return scale;
    }
    scale = mb_nearest_power_of_two(scale + mb_keras_epsilon);
    for (int i = 0; i < 5; i++) {
        double sum_xz = 0;
        double sum_zz = 0;
        MB_EACH_OF_CHANNEL(channel, k) {
            const float x = channel->x[k] / m_i;
            const float z = level_of(x, scale, top);
            sum_xz += (double)(x * z);
            sum_zz += (double)(z * z);
        }
        scale = mb_least_squares_scale(sum_xz, sum_zz, channel->outer * channel->inner, true);
    }
    return scale;
}

// What a vector's common search begins with.
static float most_of_all(const mb_quantizer_shape *shape, const float *x) {
    const mb_channel all = {x, 1, 0, shape->n_channels};
    return shape->is_vector ? mb_channel_most(&all) : 0;
}

static void scales(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *scale) {
    const bits_options *options = record;
    const float m_i = mb_power_of_two((int)options->integer);
    const float m = mb_power_of_two(unsigned_bits(options));
    const float most = most_of_all(shape, x);
    for (size_t c = 0; c < shape->n_channels; c++) {
        const mb_channel channel = mb_channel_of(shape, x, c);
        const float largest = shape->is_vector ? most : mb_channel_most(&channel);
        scale[c] = mb_alpha_is_auto(&options->scale)
                       ? find_scale(options, &channel, largest, m_i) * m
                       : options->scale.value;
    }
}

static void apply_auto(
    const bits_options *options, const mb_quantizer_shape *shape, const float *x, float *y) {
    const float m_i = mb_power_of_two((int)options->integer);
    const float m = mb_power_of_two(unsigned_bits(options));
    const float top = most_level(options);
    const float most = most_of_all(shape, x);
    for (size_t c = 0; c < shape->n_channels; c++) {
        const mb_channel channel = mb_channel_of(shape, x, c);
        const float largest = shape->is_vector ? most : mb_channel_most(&channel);
        const float scale = find_scale(options, &channel, largest, m_i);
        float *out = y + c * shape->inner;
        MB_EACH_OF_CHANNEL(&channel, i) {
            const float value = channel.x[i];
            // A channel of zeros has no scale.
            const float z = scale > 0 ? level_of(value / m_i, scale, top) : 0;
            out[i] = mb_noise_mix(&options->noise, value, (scale * m) * (m_i * z / m));
        }
    }
}

static bool grid(const void *record, mb_quantizer_grid *out) {
    const bits_options *options = record;
    const int n = unsigned_bits(options);
    const float m = mb_power_of_two(n);
    if (mb_alpha_is_auto(&options->scale) || n == 0 || (float)options->noise.qnoise_factor != 1) {
        return false;
    }
    out->inverse_step = mb_power_of_two(n - (int)options->integer);
    out->low = options->keep_negative ? -m + (options->symmetric ? 1.0F : 0.0F) : 0;
    out->high = m - 1;
    out->step = options->scale.value * mb_power_of_two((int)options->integer - n);
    return true;
}

// One bit is the sign alone, and 0 is positive.
static float sign_of(float x) {
    return x < 0 ? -1.0F : x >= 0 ? 1.0F : x;
}

static void apply_fixed(const bits_options *options, const float *x, float *y, size_t n) {
    mb_quantizer_grid g = {0};
    if (grid(options, &g)) {
        mb_grid_apply(&g, x, y, n);
        return;
    }
    bits_options plain = *options;
    plain.noise.qnoise_factor = 1;
    const bool is_sign = !grid(&plain, &g);
    for (size_t i = 0; i < n; i++) {
        const float quantized =
            is_sign ? options->scale.value * sign_of(x[i])
                    : mb_round_even(mb_clip(x[i] * g.inverse_step, g.low, g.high)) * g.step;
        y[i] = mb_noise_mix(&options->noise, x[i], quantized);
    }
}

static void apply(const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const bits_options *options = record;
    if (mb_alpha_is_auto(&options->scale)) {
        apply_auto(options, shape, x, y);
    } else {
        apply_fixed(options, x, y, shape->outer * shape->n_channels * shape->inner);
    }
}

static void differentiate(const void *record, const float *x, float *gradient, size_t n) {
    const bits_options *options = record;
    const float slope = mb_noise_slope(&options->noise);
    (void)x;
    for (size_t i = 0; i < n && slope < 1; i++) {
        gradient[i] *= slope;
    }
}

static void apply_hswish(
    const void *record, const mb_quantizer_shape *shape, const float *x, float *y) {
    const bits_options *options = record;
    const float shift = (float)options->relu_shift;
    const float bound = (float)options->relu_upper_bound;
    const size_t n = shape->outer * shape->n_channels * shape->inner;
    for (size_t i = 0; i < n; i++) {
        y[i] = x[i] * mb_clip(x[i] + shift, 0, bound) / bound;
    }
    apply_fixed(options, y, y, n);
}

static void differentiate_hswish(const void *record, const float *x, float *gradient, size_t n) {
    const bits_options *options = record;
    const float shift = (float)options->relu_shift;
    const float bound = (float)options->relu_upper_bound;
    const float slope = mb_noise_slope(&options->noise);
    for (size_t i = 0; i < n; i++) {
        const float shifted = x[i] + shift;
        const float inner = shifted > 0 && shifted <= bound ? x[i] : 0;
        gradient[i] *= slope * ((mb_clip(shifted, 0, bound) + inner) / bound);
    }
}

static bool format(const void *record, double scale, mb_fixed *out) {
    const bits_options *options = record;
    const int n = unsigned_bits(options);
    int exponent = 0;
    if (n == 0 || (float)options->noise.qnoise_factor != 1 || !mb_exponent_of(scale, &exponent)) {
        return false;
    }
    const bool is_auto = mb_alpha_is_auto(&options->scale);
    const bool is_signed = options->keep_negative || is_auto;
    *out = (mb_fixed){.bits = (int)options->bits,
        .integer = (int)options->bits + (int)options->integer - n + exponent,
        .is_signed = is_signed,
        .rounding = is_auto ? MB_FIXED_ROUND : MB_FIXED_ROUND_EVEN,
        .overflow =
            is_signed && options->symmetric ? MB_FIXED_SATURATE_SYMMETRIC : MB_FIXED_SATURATE};
    return true;
}

static unsigned bits(const void *record) {
    return (unsigned)((const bits_options *)record)->bits;
}

const mb_quantizer_ops mb_quantizer_quantized_bits = {
    .name = "quantized_bits",
    .help = "whole numbers times a step",
    .options = quantized_bits_options,
    .options_size = sizeof(bits_options),
    .n_positional = 8,
    .check = check,
    .apply = apply,
    .differentiate = differentiate,
    .scales = scales,
    .grid = grid,
    .format = format,
    .bits = bits,
    .is_monotone = true,
};

const mb_quantizer_ops mb_quantizer_quantized_hswish = {
    .name = "quantized_hswish",
    .help = "x * relu(x + 3) / 6 as whole numbers times a step",
    .options = quantized_hswish_options,
    .options_size = sizeof(bits_options),
    .n_positional = 7,
    .check = check_hswish,
    .apply = apply_hswish,
    .differentiate = differentiate_hswish,
    .bits = bits,
};
